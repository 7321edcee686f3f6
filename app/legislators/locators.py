"""Where an address lies, from the project's own ZIP table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import cos, inf, radians

from app.addresses import MILITARY, PostalAddress, State, Zip
from app.legislators import (
    DivisionId,
    Doubt,
    ElectsNobody,
    Location,
    Method,
    NoDistrictForMail,
    Sure,
    ZipInAnotherState,
)
from app.legislators.congresses import facts
from app.legislators.geography import (
    ADJOINING,
    FREE_ASSOCIATION,
    is_military_zip,
    is_senate,
    state_division,
)
from app.legislators.tables import Tables, ZipArea, ZipKind

Point = tuple[float, float]


class TableLocator:
    """A DistrictLocator over loaded tables. It never guesses: what the ZIP code leaves open, the person decides."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def locate(self, address: PostalAddress, on: datetime, *, sure_of_state: bool = False) -> Location:
        """Candidates in the address's own state; the port says what is raised.

        Those of a ZIP code with a district stand as in the table, the likeliest first. Else they are the state's: first
        the one in which the ZIP code's post office stands, then by how near its member has an office.
        """
        sitting, state = self._tables.congress_on(on), address.state
        area = self._tables.zip_area(address.zip5)
        _refuse_mail_without_district(address.zip5, area)
        here = self._districts_here(state, area)
        doubt = None if here else self._doubt(address, area, sure_of_state=sure_of_state)
        every = self._tables.districts[state]
        if len(every) == 1:
            unknown = (Doubt.UNKNOWN_ZIP,) if doubt is Doubt.UNKNOWN_ZIP else ()
            return Location(sitting, state, every, Method.STATE, Sure.CERTAIN, unknown)
        if self._redrawn(state, sitting):
            return self._open(sitting, state, area, (Doubt.REDRAWN,), guess=None)
        if doubt is not None:
            return self._open(sitting, state, area, (doubt,), guess=area.guess if area else None)
        if len(here) == 1:
            box = (Doubt.BOX,) if area and area.kind is ZipKind.BOX else ()
            return Location(sitting, state, here, Method.ZIP, Sure.CERTAIN, box)
        return Location(sitting, state, here, Method.ZIP, Sure.ONE_OF, (Doubt.SPLIT_ZIP,))

    def point(self, zip_code: Zip) -> Point | None:
        """Where the ZIP code lies; see DistrictLocator."""
        area = self._tables.zip_area(zip_code)
        return area.point if area else None

    def _districts_here(self, state: State, area: ZipArea | None) -> tuple[DivisionId, ...]:
        inside = f"{state_division(state)}/"
        return tuple(division for division in area.districts if division.startswith(inside)) if area else ()

    def _doubt(self, address: PostalAddress, area: ZipArea | None, *, sure_of_state: bool) -> Doubt:
        """Why the ZIP code does not decide. Raises ZipInAnotherState."""
        states = area.states if area else self._tables.states_of_prefix(address.zip5[:3])
        if area and address.state in states:
            return Doubt.ZIP_WITHOUT_DISTRICT
        if not states or address.state in states:
            return Doubt.UNKNOWN_ZIP
        neighbour = not ADJOINING[address.state].isdisjoint(states)
        if not (neighbour and sure_of_state):
            raise ZipInAnotherState(states, neighbour=neighbour)
        return Doubt.ZIP_OF_NEIGHBOUR

    def _redrawn(self, state: State, sitting: int) -> bool:
        """Whether the state has had new districts since the ZIP codes were told in the older ones."""
        since = range(self._tables.map_congress + 1, sitting + 1)
        return any(state in facts(congress).redrawn for congress in since)

    def _open(
        self, sitting: int, state: State, area: ZipArea | None, warnings: tuple[Doubt, ...], guess: DivisionId | None
    ) -> Location:
        """Every district of the state. A guess counts only where it is one of them."""
        every = self._tables.districts[state]
        first = (guess,) if guess in every else ()
        others = _nearest_first(every, self._office_points(state), area.point if area else None)
        candidates = (*first, *(division for division in others if division not in first))
        return Location(sitting, state, candidates, Method.PLACE if first else Method.STATE, Sure.OPEN, warnings)

    def _office_points(self, state: State) -> dict[DivisionId, list[Point]]:
        return {
            member.division: [office.point for office in member.offices if office.point]
            for member in self._tables.members
            if member.state == state and not is_senate(member.seat)
        }


def _nearest_first(
    divisions: Sequence[DivisionId], offices: Mapping[DivisionId, Sequence[Point]], here: Point | None
) -> list[DivisionId]:
    """By the nearest office; in their own order where no point is known, and those without an office at the end."""
    if here is None:
        return list(divisions)

    def distance(division: DivisionId) -> float:
        return min((_distance(here, office) for office in offices.get(division, ())), default=inf)

    return sorted(divisions, key=distance)


def _distance(here: Point, there: Point) -> float:
    """In degrees of latitude, squared; right enough within a state to tell the nearer from the farther."""
    north, east = there[0] - here[0], (there[1] - here[1] + 180) % 360 - 180
    return float(north**2 + (east * cos(radians(here[0]))) ** 2)


def _refuse_mail_without_district(zip_code: Zip, area: ZipArea | None) -> None:
    if is_military_zip(zip_code) or (area and area.postal_state in MILITARY):
        raise NoDistrictForMail("this mail has no district")
    if area and area.postal_state in FREE_ASSOCIATION:
        raise ElectsNobody(area.postal_state)
