"""From what was typed to the letters that would go: the one verb behind both buttons. Stores nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.addresses import State
from app.campaigns import CampaignFile, Target
from app.campaigns.letters import Signer, fill
from app.campaigns.targeting import Recipient, Recipients, recipients
from app.delivery import Channel, Way, way_to
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


@dataclass(frozen=True, slots=True)
class DraftLetter:
    """One letter as it would go."""

    recipient: Recipient
    subject: str
    body: str
    way: Way


@dataclass(frozen=True, slots=True)
class Draft:
    """All letters of one signer, ready to be signed. `letters` may be empty: then `vacant` or the state says why."""

    signer: Signer
    congress: int
    state: State
    division: DivisionId | None
    located_by: Method
    letters: tuple[DraftLetter, ...]
    warnings: tuple[Doubt, ...]
    vacant: tuple[Vacancy, ...]
    house_unknown: bool
    """No letter goes to the House: a new Congress has begun, and nobody here knows yet who sits in it."""
    alternatives: tuple[Legislator | Vacancy, ...]
    """Everyone else's representative in the state, for "not your representative?"."""

    @property
    def by_us(self) -> bool:
        """Whether we send any of them; else the signer delivers all."""
        return any(not letter.way.channel.by_signer for letter in self.letters)

    @property
    def seal(self) -> str:
        """A short hash of what the letters say, to whom and how: tells whether what is sent is what was shown."""
        digest = hashlib.sha256(f"{self.congress}\0".encode())
        for letter in self.letters:
            who, way = letter.recipient.legislator, letter.way
            for part in (who.seat, who.bioguide, way.channel.name, way.address, letter.subject, letter.body):
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
    channels: Callable[[], Sequence[Channel]]
    """The channels as they are at this moment, best first; the last one reaches every office."""
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
        channels = self.desk.channels()
        return tuple(self._letter(recipient, channels) for recipient in found.people)

    def _letter(self, recipient: Recipient, channels: Sequence[Channel]) -> DraftLetter:
        body = fill(self.campaign.letter, self.entry.signer, recipient)
        return DraftLetter(recipient, self.campaign.subject, body, way_to(recipient.legislator, channels))

    def _alternatives(self, but: Sequence[DivisionId]) -> tuple[Legislator | Vacancy, ...]:
        """The representatives of the state's other districts, as far as they are known."""
        others = (self._holder(division) for division in self._districts() if division not in but)
        return tuple(holder for holder in others if isinstance(holder, Legislator) or holder.known)

    def _draft(self, division: DivisionId | None, method: Method, *, house_unknown: bool = False) -> Draft:
        found = self._recipients(division)
        return Draft(
            signer=self.entry.signer,
            congress=self.location.congress,
            state=self.location.state,
            division=division,
            located_by=method,
            letters=self._letters(found),
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
