"""Who represents an address: the two ports, their values and their errors.

Districts come from a DistrictLocator, people from a LegislatorDirectory. Both answer for one day, and everything is
keyed by the Congress that sits on it; asking for a day without data is an error, never another Congress's answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NewType, Protocol

from app.addresses import PostalAddress, State, Zip

Bioguide = NewType("Bioguide", str)
"""A member's id in the Biographical Directory of Congress, like L000571."""

DivisionId = NewType("DivisionId", str)
"""An Open Civic Data id: `ocd-division/country:us/state:ca/cd:12`, `…/state:wy/cd:at-large`,
`…/district:dc/cd:at-large`, `…/territory:pr/cd:at-large`. It carries no Congress."""

Seat = NewType("Seat", str)
"""`WY-S2` (a Senate class), `TX-37` (a House district), `WY-AL` (the only House seat of a state or territory)."""


class Role(StrEnum):
    """What a member is called; delegates and the resident commissioner sit in the House without a vote."""

    SENATOR = "senator"
    REPRESENTATIVE = "representative"
    DELEGATE = "delegate"
    RESIDENT_COMMISSIONER = "resident commissioner"


class Method(StrEnum):
    """How a district was found."""

    STATE = "state"
    ZIP = "zip"
    PERSON = "person"


class Doubt(StrEnum):
    """Why a Location has to be narrowed by the person."""

    SPLIT_ZIP = "split zip"
    ZIP_WITHOUT_DISTRICT = "zip without district"  # a PO box or a single building: known, but on no map
    UNKNOWN_ZIP = "unknown zip"
    ZIP_OF_NEIGHBOUR = "zip of neighbour"  # the person said that ZIP and state are both right


@dataclass(frozen=True, slots=True)
class Office:
    """A member's office in the state. Everything but the city may be missing (empty, or None for the point)."""

    city: str
    state: str
    street: str
    zip: str
    phone: str
    point: tuple[float, float] | None
    """Latitude, longitude in degrees."""


@dataclass(frozen=True, slots=True)
class Legislator:
    """A sitting member. Every contact field may be empty: new members lack them for weeks."""

    bioguide: Bioguide
    seat: Seat
    role: Role
    state: State
    division: DivisionId
    name: str
    last_name: str
    party: str
    since: date
    """First day of the present term."""
    until: date
    """Last day of the present term as published; a member past it still sits until a successor is sworn in."""
    phone: str
    address: str
    url: str
    contact_form: str
    offices: tuple[Office, ...]


@dataclass(frozen=True, slots=True)
class Vacancy:
    """A seat that nobody holds."""

    seat: Seat
    role: Role
    state: State
    division: DivisionId


@dataclass(frozen=True, slots=True)
class Delegation:
    """Everyone who sits for one division. DC and the territories have no senators.

    `representative` is None when the division is a whole state of several districts.
    """

    congress: int
    state: State
    senators: tuple[Legislator, ...]
    """Senior first; a vacant Senate seat is simply absent (a state then has one)."""
    representative: Legislator | Vacancy | None


@dataclass(frozen=True, slots=True)
class Location:
    """Where an address may lie. One candidate and no doubt is an answer; else the person chooses among them."""

    congress: int
    state: State
    candidates: tuple[DivisionId, ...]
    method: Method
    doubt: Doubt | None = None


class LegislatorsError(Exception):
    """Base of what this module raises."""


class ZipInAnotherState(LegislatorsError):
    """The ZIP code lies wholly in other states. `states` says which; `neighbour` whether one of them adjoins."""

    def __init__(self, states: tuple[State, ...], *, neighbour: bool) -> None:
        super().__init__("the ZIP code lies in another state")
        self.states = states
        self.neighbour = neighbour


class NoDistrictForMail(LegislatorsError):
    """Military mail (and the islands in free association) has no district: ask for the voting residence."""


class NoDataForDay(LegislatorsError):
    """There are no tables for the Congress that sits on the day asked for."""


class TablesUnusable(LegislatorsError):
    """The tables are missing or damaged; the message says which and what to do."""


class DistrictLocator(Protocol):
    """Where an address lies."""

    def locate(self, address: PostalAddress, on: date, *, sure_of_state: bool = False) -> Location:
        """Candidates for the address on that day.

        `sure_of_state`: the person has said that a ZIP code of a neighbouring state is right all the same.
        Raises ZipInAnotherState, NoDistrictForMail, NoDataForDay.
        """

    def point(self, zip_code: Zip) -> tuple[float, float] | None:
        """Latitude and longitude of a place inside the ZIP area, None when it is not known."""


class LegislatorDirectory(Protocol):
    """Who holds a seat."""

    def delegation(self, division: DivisionId, on: date) -> Delegation:
        """Everyone for the division (a district, or a whole state). Raises NoDataForDay; KeyError for no division."""

    def districts(self, state: State, on: date) -> tuple[DivisionId, ...]:
        """All House divisions of a state in numeric order. Raises NoDataForDay."""

    def members(self, on: date) -> tuple[Legislator, ...]:
        """Everyone who sits on that day: by state, senators first. Raises NoDataForDay."""

    def holder(self, seat: Seat, on: date) -> Legislator | Vacancy:
        """Who holds the seat on that day. Raises NoDataForDay; KeyError for no seat."""

    def as_of(self) -> date:
        """The day up to which the tables of members are known to be right."""
