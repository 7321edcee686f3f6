"""From what was typed to the letters that would go: the one verb behind both buttons. Stores nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.addresses import State
from app.campaigns import CampaignFile, Target
from app.campaigns.letters import Filled, Signer, fill
from app.campaigns.likeness import likeness
from app.campaigns.targeting import Recipient, Recipients, recipients
from app.delivery import Channel, Way, way_to
from app.delivery.wording import whole
from app.legislators import (
    AddressNotFound,
    Delegation,
    DistrictLocator,
    DivisionId,
    Doubt,
    ElectsNobody,
    Legislator,
    LegislatorDirectory,
    Location,
    LookupUnavailable,
    Method,
    NoDistrictForMail,
    Sure,
    Vacancy,
    ZipInAnotherState,
)
from app.legislators.census import CensusLocator

SENATORS_ONLY = "senators-only"
"""The answer of a person who is not sure which district is theirs."""

MOST_OFFERED = 6
"""So many of a state's members are offered where they stand in the order of likelihood; the others are in a list."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A form whose fields are each right by themselves. `district` and `other_district` are as posted, unproven."""

    signer: Signer
    district: str = ""
    other_district: str = ""
    sure_of_state: bool = False
    look_up: bool = False
    """The person wants the street address to be looked up now."""
    looked_up: bool = False
    """That was done before, and led to `district`."""
    own_words: str = ""
    edits: tuple[str | None, ...] = ()
    """The letter's open parts as the signer left them; None for one as it was suggested."""
    left_out: frozenset[str] = frozenset()
    """Seats that shall get no letter."""


@dataclass(frozen=True, slots=True)
class DraftLetter:
    """One letter as it would go; between `opening` and `body` stand the signer's own words."""

    recipient: Recipient
    subject: str
    opening: str
    own_words: str
    body: str
    suggested: Filled
    """`opening` and `body` without the signer's changes."""
    way: Way

    @property
    def text(self) -> str:
        """As the office gets it."""
        return whole(self.opening, self.own_words, self.body)


@dataclass(frozen=True, slots=True)
class Draft:
    """All letters of one signer, ready to be signed. `offered` may be empty: then `vacant` or the state says why."""

    signer: Signer
    congress: int
    state: State
    division: DivisionId | None
    located_by: Method
    language: str
    """Of the letters."""
    offered: tuple[DraftLetter, ...]
    left_out: frozenset[str]
    """Seats of those offered that the signer does not write to."""
    warnings: tuple[Doubt, ...]
    vacant: tuple[Vacancy, ...]
    house_unknown: bool
    """No letter goes to the House: a new Congress has begun, and nobody here knows yet who sits in it."""
    alternatives: tuple[Legislator | Vacancy, ...]
    """Everyone else's representative in the state, for "not your representative?"."""

    @property
    def letters(self) -> tuple[DraftLetter, ...]:
        """Those that would go."""
        return tuple(letter for letter in self.offered if letter.recipient.legislator.seat not in self.left_out)

    @property
    def by_us(self) -> bool:
        """Whether we send any of them; else the signer delivers all."""
        return any(not letter.way.channel.by_signer for letter in self.letters or self.offered)

    @property
    def seal(self) -> str:
        """A short hash of what was suggested, to whom and how: tells whether what is sent is what was shown.

        What signers do themselves beside the letters, by a word of their own or a tick, they need not be shown again.
        """
        parts = [str(self.congress)]
        for letter in self.offered:
            who, way = letter.recipient.legislator, letter.way
            parts += [who.seat, who.bioguide, way.channel.name, way.address]
            parts += [letter.subject, letter.suggested.opening, letter.suggested.body]
        return _hashed(parts)

    @property
    def fingerprint(self) -> str:
        """A short hash of all that would be stored of the letters: tells the same submission twice from another."""
        parts = [self.seal, *sorted(self.left_out)]
        for letter in self.letters:
            parts += [letter.own_words, letter.opening, letter.body]
        return _hashed(parts)

    @property
    def likeness(self) -> int:
        """How much of what is said is suggested text: whole per cent."""
        if not self.offered:
            return 100
        letter = self.offered[0]
        return likeness(letter.text, letter.suggested.text)


def _hashed(parts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:32]


class Street(StrEnum):
    """What can be said of looking up the street address."""

    OFF = "off"
    OFFERED = "offered"
    NOT_FOUND = "not found"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Choice:
    """The person has to say which of these represents them. `letters` are those that do not depend on it."""

    state: State
    doubt: Doubt | None
    """Why they have to; None when all was clear, but for an answer that cannot be."""
    options: tuple[Legislator | Vacancy, ...]
    """The likeliest first, where anything is known of that."""
    guessed: bool
    """The first option is a guess: the ZIP code's post office stands there."""
    letters: tuple[DraftLetter, ...]
    vacant: tuple[Vacancy, ...]
    """Senate seats without a letter."""
    alternatives: tuple[Legislator | Vacancy, ...]
    refused: bool
    """Something was chosen that is not among them."""
    street: Street


class Problem(StrEnum):
    """Why an address leads to nobody, though each field is right by itself."""

    OTHER_STATE = "other state"
    NEIGHBOUR_STATE = "neighbour state"
    NO_DISTRICT_FOR_MAIL = "no district for mail"
    ELECTS_NOBODY = "elects nobody"


@dataclass(frozen=True, slots=True)
class Errors:
    """The ZIP code does not fit; `states` are those it lies in, `place` the country that elects nobody."""

    problem: Problem
    states: tuple[State, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """What drafting needs besides the form: where districts and people come from, and the ways out."""

    locator: DistrictLocator
    directory: LegislatorDirectory
    channels: Callable[[Collection[Legislator] | None], Sequence[Channel]]
    """The channels at this moment, to these members or to any; the best first, the last one reaches every office."""
    street: CensusLocator | None = None
    """Looks up a street address, if the settings allow it."""


def draft(entry: Entry, campaign: CampaignFile, desk: Desk, on: datetime) -> Draft | Choice | Errors:
    """The letters of this entry at that moment. Raises NoDataForDay when no tables cover it.

    If the entry wants its street to be looked up, this waits for another site: seconds, and with no transaction open.
    """
    try:
        location = desk.locator.locate(entry.signer.address, on, sure_of_state=entry.sure_of_state)
    except ZipInAnotherState as error:
        problem = Problem.NEIGHBOUR_STATE if error.neighbour else Problem.OTHER_STATE
        return Errors(problem, error.states)
    except NoDistrictForMail:
        return Errors(Problem.NO_DISTRICT_FOR_MAIL)
    except ElectsNobody as error:
        return Errors(Problem.ELECTS_NOBODY, place=error.place)
    street = Street.OFF
    if desk.street and desk.street.covers(location) and Target.REPRESENTATIVE in campaign.targets:
        location, street = _by_street(entry, desk.street, on, location)
    return _Drafting(entry, campaign, desk, on, location, street).result()


def _by_street(entry: Entry, locator: CensusLocator, on: datetime, otherwise: Location) -> tuple[Location, Street]:
    """The location that the street address gives, if it is wanted and can be had."""
    address, sure = entry.signer.address, entry.sure_of_state
    if otherwise.sure is Sure.CERTAIN:
        return otherwise, Street.OFF
    if entry.looked_up:
        return locator.remembered(address, on, sure_of_state=sure) or otherwise, Street.OFFERED
    if not entry.look_up:
        return otherwise, Street.OFFERED
    try:
        return locator.locate(address, on, sure_of_state=sure), Street.OFFERED
    except AddressNotFound:
        return otherwise, Street.NOT_FOUND
    except LookupUnavailable:
        return otherwise, Street.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class _Drafting:
    entry: Entry
    campaign: CampaignFile
    desk: Desk
    on: datetime
    location: Location
    street: Street

    def result(self) -> Draft | Choice:
        if not self._writes_to_the_house():
            return self._draft(None, self.location.method)
        chosen = "" if self.entry.look_up else self.entry.other_district or self.entry.district
        if chosen == SENATORS_ONLY:
            return self._draft(None, Method.PERSON)
        if chosen and chosen in self._districts():
            return self._draft(DivisionId(chosen), self._found_by(DivisionId(chosen)))
        if chosen or self.location.sure is not Sure.CERTAIN:
            return self._choice(refused=bool(chosen)) if self._knows_the_house() else self._senators_after_the_turn()
        return self._draft(self.location.candidates[0], self.location.method)

    def _writes_to_the_house(self) -> bool:
        return Target.REPRESENTATIVE in self.campaign.targets

    def _found_by(self, chosen: DivisionId) -> Method:
        """What a choice rests on: the person's word, or the street address that led there and still does."""
        looked_up = self.location.method is Method.CENSUS and self.location.candidates == (chosen,)
        return Method.CENSUS if looked_up else Method.PERSON

    def _knows_the_house(self) -> bool:
        """Whether there is anybody to choose: not while a new Congress's members are unknown."""
        holders = map(self._holder, self.location.candidates)
        return any(isinstance(holder, Legislator) or holder.known for holder in holders)

    def _senators_after_the_turn(self) -> Draft:
        return self._draft(None, self.location.method, house_unknown=True)

    def _districts(self) -> tuple[DivisionId, ...]:
        return self.desk.directory.districts(self.location.state, self.on)

    def _delegation(self, division: DivisionId) -> Delegation:
        return self.desk.directory.delegation(division, self.on)

    def _holder(self, division: DivisionId) -> Legislator | Vacancy:
        holder = self._delegation(division).representative
        if holder is None:
            raise KeyError(division)
        return holder

    def _recipients(self, division: DivisionId | None) -> Recipients:
        """Of a division, or of the whole state without its representative."""
        delegation = self._delegation(division or self.location.candidates[0])
        targets = self.campaign.targets if division else tuple(t for t in self.campaign.targets if t is Target.SENATORS)
        return recipients(targets, delegation)

    def _letters(self, found: Recipients) -> tuple[DraftLetter, ...]:
        channels = self.desk.channels([recipient.legislator for recipient in found.people])
        return tuple(self._letter(recipient, channels) for recipient in found.people)

    def _letter(self, recipient: Recipient, channels: Sequence[Channel]) -> DraftLetter:
        template, signer, edits = self.campaign.letter, self.entry.signer, self.entry.edits
        suggested = fill(template, signer, recipient)
        changed = fill(template, signer, recipient, edits) if any(edit is not None for edit in edits) else suggested
        return DraftLetter(
            recipient=recipient,
            subject=self.campaign.subject,
            opening=changed.opening,
            own_words=self.entry.own_words,
            body=changed.body,
            suggested=suggested,
            way=way_to(recipient.legislator, channels),
        )

    def _alternatives(self, but: Sequence[DivisionId]) -> tuple[Legislator | Vacancy, ...]:
        """The representatives of the state's other districts, as far as they are known."""
        others = (self._holder(division) for division in self._districts() if division not in but)
        return tuple(holder for holder in others if isinstance(holder, Legislator) or holder.known)

    def _draft(self, division: DivisionId | None, method: Method, *, house_unknown: bool = False) -> Draft:
        found = self._recipients(division)
        letters = self._letters(found)
        seats = {letter.recipient.legislator.seat for letter in letters}
        return Draft(
            signer=self.entry.signer,
            congress=self.location.congress,
            state=self.location.state,
            division=division,
            located_by=method,
            language=self.campaign.letter_language,
            offered=letters,
            left_out=frozenset(self.entry.left_out & seats),
            warnings=self.location.warnings,
            vacant=found.vacant,
            house_unknown=house_unknown,
            alternatives=self._alternatives([division] if division else []) if self._writes_to_the_house() else (),
        )

    def _choice(self, *, refused: bool) -> Choice:
        found, offered = self._recipients(None), self._offered()
        return Choice(
            state=self.location.state,
            doubt=self.location.warnings[0] if self.location.warnings else None,
            options=tuple(self._holder(division) for division in offered),
            guessed=self.location.method is Method.PLACE,
            letters=self._letters(found),
            vacant=found.vacant,
            alternatives=self._alternatives(offered),
            refused=refused,
            street=self.street,
        )

    def _offered(self) -> tuple[DivisionId, ...]:
        """All candidates; of a whole state's, where they stand in some order of likelihood, the first few."""
        candidates = self.location.candidates
        ordered = candidates != tuple(division for division in self._districts() if division in candidates)
        return candidates[:MOST_OFFERED] if self.location.sure is Sure.OPEN and ordered else candidates
