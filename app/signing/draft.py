"""From what was typed to the letters that would go: the one verb behind both buttons. Stores nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from app.addresses import State
from app.campaigns import CampaignFile, Target
from app.campaigns.letters import Signer, fill
from app.campaigns.targeting import Recipient, Recipients, recipients
from app.delivery import Channel, Way, way_to
from app.legislators import (
    Delegation,
    DistrictLocator,
    DivisionId,
    Doubt,
    Legislator,
    LegislatorDirectory,
    Location,
    Method,
    NoDistrictForMail,
    Vacancy,
    ZipInAnotherState,
)

SENATORS_ONLY = "senators-only"
"""The answer of a person who is not sure which district is theirs."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A form whose fields are each right by themselves. `district` and `other_district` are as posted, unproven."""

    signer: Signer
    district: str = ""
    other_district: str = ""
    sure_of_state: bool = False


@dataclass(frozen=True, slots=True)
class DraftLetter:
    """One letter as it would go."""

    recipient: Recipient
    subject: str
    body: str
    way: Way


@dataclass(frozen=True, slots=True)
class Draft:
    """All letters of one signer, ready to be signed. `letters` may be empty: then `vacant` or the division says why."""

    signer: Signer
    congress: int
    state: State
    division: DivisionId | None
    located_by: Method
    letters: tuple[DraftLetter, ...]
    vacant: tuple[Vacancy, ...]
    alternatives: tuple[Legislator | Vacancy, ...]
    """Everyone else's representative in the state, for "not your representative?"."""

    @property
    def by_us(self) -> bool:
        """Whether we send any of them; else the signer delivers all."""
        return any(not letter.way.channel.by_signer for letter in self.letters)

    @property
    def seal(self) -> str:
        """A short hash of what the letters say, to whom and how: tells whether what is sent is what was shown."""
        digest = hashlib.sha256()
        for letter in self.letters:
            who, way = letter.recipient.legislator, letter.way
            for part in (who.seat, who.bioguide, way.channel.name, way.address, letter.subject, letter.body):
                digest.update(part.encode() + b"\0")
        return digest.hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Choice:
    """The person has to say which of these represents them. `letters` are those that do not depend on it."""

    doubt: Doubt
    options: tuple[Legislator | Vacancy, ...]
    letters: tuple[DraftLetter, ...]
    alternatives: tuple[Legislator | Vacancy, ...]
    refused: bool
    """Something was chosen that is not among them."""


class Problem(StrEnum):
    """Why an address leads to nobody, though each field is right by itself."""

    OTHER_STATE = "other state"
    NEIGHBOUR_STATE = "neighbour state"
    NO_DISTRICT_FOR_MAIL = "no district for mail"


@dataclass(frozen=True, slots=True)
class Errors:
    """The ZIP code does not fit; `states` are those it lies in."""

    problem: Problem
    states: tuple[State, ...] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """What drafting needs besides the form: where districts and people come from, and the ways out."""

    locator: DistrictLocator
    directory: LegislatorDirectory
    channels: Callable[[], Sequence[Channel]]
    """The channels as they are at this moment, best first; the last one reaches every office."""


def draft(entry: Entry, campaign: CampaignFile, desk: Desk, on: date) -> Draft | Choice | Errors:
    """The letters of this entry on that day. Raises NoDataForDay when no tables cover it."""
    try:
        location = desk.locator.locate(entry.signer.address, on, sure_of_state=entry.sure_of_state)
    except ZipInAnotherState as error:
        problem = Problem.NEIGHBOUR_STATE if error.neighbour else Problem.OTHER_STATE
        return Errors(problem, error.states)
    except NoDistrictForMail:
        return Errors(Problem.NO_DISTRICT_FOR_MAIL)
    return _Drafting(entry, campaign, desk, on, location).result()


@dataclass(frozen=True, slots=True)
class _Drafting:
    entry: Entry
    campaign: CampaignFile
    desk: Desk
    on: date
    location: Location

    def result(self) -> Draft | Choice:
        if Target.REPRESENTATIVE not in self.campaign.targets:
            return self._draft(None, self.location.method)
        chosen = self.entry.other_district or self.entry.district
        if chosen == SENATORS_ONLY:
            return self._draft(None, Method.PERSON)
        if chosen and chosen in self._districts():
            return self._draft(DivisionId(chosen), Method.PERSON)
        if chosen or self.location.doubt:
            return self._choice(refused=bool(chosen))
        return self._draft(self.location.candidates[0], self.location.method)

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
        return tuple(self._holder(division) for division in self._districts() if division not in but)

    def _draft(self, division: DivisionId | None, method: Method) -> Draft:
        found = self._recipients(division)
        wanted = Target.REPRESENTATIVE in self.campaign.targets
        return Draft(
            signer=self.entry.signer,
            congress=self.location.congress,
            state=self.location.state,
            division=division,
            located_by=method,
            letters=self._letters(found),
            vacant=found.vacant,
            alternatives=self._alternatives([division] if division else []) if wanted else (),
        )

    def _choice(self, *, refused: bool) -> Choice:
        assert self.location.candidates  # noqa: S101 — every locator gives at least one; the contract test proves it
        return Choice(
            doubt=self.location.doubt or Doubt.SPLIT_ZIP,
            options=tuple(self._holder(division) for division in self.location.candidates),
            letters=self._letters(self._recipients(None)),
            alternatives=self._alternatives(self.location.candidates),
            refused=refused,
        )
