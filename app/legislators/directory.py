"""Who holds a seat, from the project's own tables."""

from __future__ import annotations

from datetime import date

from app.addresses import State
from app.legislators import Delegation, DivisionId, Legislator, Role, Seat, Vacancy
from app.legislators.geography import state_division
from app.legislators.tables import Tables


class TableDirectory:
    """A LegislatorDirectory over loaded tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._delegations: dict[DivisionId, Delegation] = {}
        self._holders: dict[Seat, Legislator | Vacancy] = {vacancy.seat: vacancy for vacancy in tables.vacancies}
        self._holders.update((member.seat, member) for member in tables.members)
        senators: dict[State, tuple[Legislator, ...]] = {}
        house: dict[DivisionId, Legislator | Vacancy] = {
            seat.division: seat for seat in tables.vacancies if seat.role is not Role.SENATOR
        }
        for member in tables.members:
            if member.role is Role.SENATOR:
                senators[member.state] = (*senators.get(member.state, ()), member)
            else:
                house[member.division] = member
        for state, districts in tables.districts.items():
            only = house[districts[0]] if len(districts) == 1 else None
            self._add(state_division(state), state, senators, only)
            for district in districts:
                self._add(district, state, senators, house[district])

    def _add(
        self,
        division: DivisionId,
        state: State,
        senators: dict[State, tuple[Legislator, ...]],
        representative: Legislator | Vacancy | None,
    ) -> None:
        self._delegations[division] = Delegation(self._tables.congress, state, senators.get(state, ()), representative)

    def delegation(self, division: DivisionId, on: date) -> Delegation:
        """Everyone for the division (a district, or a whole state). Raises NoDataForDay; KeyError for no division."""
        self._tables.check_day(on)
        return self._delegations[division]

    def districts(self, state: State, on: date) -> tuple[DivisionId, ...]:
        """All House divisions of a state in numeric order. Raises NoDataForDay."""
        self._tables.check_day(on)
        return self._tables.districts[state]

    def members(self, on: date) -> tuple[Legislator, ...]:
        """Everyone who sits on that day: by state, senators first. Raises NoDataForDay."""
        self._tables.check_day(on)
        return self._tables.members

    def holder(self, seat: Seat, on: date) -> Legislator | Vacancy:
        """Who holds the seat on that day. Raises NoDataForDay; KeyError for no seat."""
        self._tables.check_day(on)
        return self._holders[seat]

    def as_of(self) -> date:
        """The day up to which the tables of members are known to be right."""
        return self._tables.as_of
