"""Who represents an address: the two ports, their values and their errors.

Districts come from a DistrictLocator, people from a LegislatorDirectory. Both answer for one moment, and everything is
keyed by the Congress that sits then; asking for a Congress without data is an error, never another one's answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
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
    PLACE = "place"  # nothing but the state is certain; the first candidate is where the ZIP code's post office stands
    CENSUS = "census"
    PERSON = "person"


class Sure(StrEnum):
    """How sure a Location is of its candidates."""

    CERTAIN = "certain"  # there is one
    ONE_OF = "one of"  # the right one is among them
    OPEN = "open"  # they are all districts of the state


class Doubt(StrEnum):
    """What a person should be told, or asked, about a Location."""

    SPLIT_ZIP = "split zip"
    ZIP_WITHOUT_DISTRICT = "zip without district"  # a PO box or a single building: known, but on no map
    BOX = "box"  # the ZIP code is for PO boxes: it decides, but who rents a box may live elsewhere
    UNKNOWN_ZIP = "unknown zip"
    ZIP_OF_NEIGHBOUR = "zip of neighbour"  # the person said that ZIP and state are both right
    REDRAWN = "redrawn"  # the state has new districts, and no table knows yet which ZIP codes they have
    SEVERAL_MATCHES = "several matches"  # the Census knows the address more than once, in different districts
    OUTSIDE_ZIP = "outside zip"  # the Census places the address in a district that the ZIP code does not touch


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
    fax: str = ""
    hours: str = ""


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
    how: str = ""
    """`appointment` or `special-election`; empty for who was elected in a general election."""
    end_type: str = ""
    """Why the term ends before its time, as published: `special-election`."""
    first_name: str = ""
    middle_name: str = ""
    nickname: str = ""
    suffix: str = ""
    caucus: str = ""
    """With which party an independent sits."""
    fax: str = ""


@dataclass(frozen=True, slots=True)
class Vacancy:
    """A seat that nobody holds; or, when it is not `known`, one whose holder the tables cannot tell.

    That is so when the seat's term ended with the last Congress, and the tables are still of that one.
    """

    seat: Seat
    role: Role
    state: State
    division: DivisionId
    phone: str = ""
    """The office's telephone: the Clerk of the House keeps the office of a vacant seat going."""
    known: bool = True


@dataclass(frozen=True, slots=True)
class Delegation:
    """Everyone who sits for one division. DC and the territories have no senators.

    `representative` is None when the division is a whole state of several districts.
    """

    congress: int
    state: State
    senators: tuple[Legislator, ...]
    """Senior first."""
    vacant_senate: tuple[Vacancy, ...]
    representative: Legislator | Vacancy | None


@dataclass(frozen=True, slots=True)
class Location:
    """Where an address may lie. What is not CERTAIN the person decides, among candidates in the order of likelihood."""

    congress: int
    """Whose districts the candidates are."""
    state: State
    candidates: tuple[DivisionId, ...]
    """All of `state`, and at least one."""
    method: Method
    sure: Sure
    warnings: tuple[Doubt, ...] = ()


class LegislatorsError(Exception):
    """Base of what this module raises."""


class ZipInAnotherState(LegislatorsError):
    """The ZIP code lies wholly in other states. `states` says which; `neighbour` whether one of them adjoins."""

    def __init__(self, states: tuple[State, ...], *, neighbour: bool) -> None:
        super().__init__("the ZIP code lies in another state")
        self.states = states
        self.neighbour = neighbour


class NoDistrictForMail(LegislatorsError):
    """Military mail has no district: ask for the voting residence."""


class ElectsNobody(LegislatorsError):
    """The ZIP code lies in Palau, Micronesia or the Marshall Islands, which elect nobody to Congress."""

    def __init__(self, place: str) -> None:
        super().__init__("the place elects nobody to Congress")
        self.place = place
        """`PW`, `FM` or `MH`."""


class NoDataForDay(LegislatorsError):
    """There are no tables for the Congress that sits on the day asked for."""


class AddressNotFound(LegislatorsError):
    """Nobody knows the street address: PO boxes, rural routes, new houses, slips."""


class LookupUnavailable(LegislatorsError):
    """The address could not be looked up now. The text names a cause, and nothing of the address."""


class TablesUnusable(LegislatorsError):
    """The tables are missing or damaged; the message says which and what to do."""


class DistrictLocator(Protocol):
    """Where an address lies."""

    def locate(self, address: PostalAddress, on: datetime, *, sure_of_state: bool = False) -> Location:
        """Candidates for the address at that moment, which has a zone.

        `sure_of_state`: the person has said that a ZIP code of a neighbouring state is right all the same.
        Raises ZipInAnotherState, NoDistrictForMail, ElectsNobody, NoDataForDay; and AddressNotFound and
        LookupUnavailable, if it looks up the street.
        """

    def point(self, zip_code: Zip) -> tuple[float, float] | None:
        """Latitude and longitude of a place inside the ZIP area, None when it is not known."""


class LegislatorDirectory(Protocol):
    """Who holds a seat."""

    def delegation(self, division: DivisionId, on: datetime) -> Delegation:
        """Everyone for the division (a district, or a whole state). Raises NoDataForDay; KeyError for no division."""

    def districts(self, state: State, on: datetime) -> tuple[DivisionId, ...]:
        """All House divisions of a state in numeric order. Raises NoDataForDay."""

    def members(self, on: datetime) -> tuple[Legislator, ...]:
        """Everyone who is known to sit then: by state, senators first. Raises NoDataForDay."""

    def holder(self, seat: Seat, on: datetime) -> Legislator | Vacancy:
        """Who holds the seat then. Raises NoDataForDay; KeyError for no seat."""

    def congress(self) -> int:
        """Whose members these are. In the first days of the next one they may still be asked, and know less."""

    def as_of(self) -> date:
        """The day up to which the tables of members are known to be right."""
