"""Who holds a seat, from the project's own tables."""

from __future__ import annotations

from datetime import date, datetime

from app.addresses import State
from app.legislators import Delegation, DivisionId, Legislator, Role, Seat, Vacancy
from app.legislators.congresses import begins
from app.legislators.geography import state_division
from app.legislators.tables import Tables

Holder = Legislator | Vacancy


class TableDirectory:
    """A LegislatorDirectory over loaded tables.

    When the Congress after theirs sits, they still know the senators whose terms go on. Whoever was elected to the
    other seats is not known to them: such a seat is a Vacancy that says so.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._rosters: dict[int, _Roster] = {}

    def delegation(self, division: DivisionId, on: datetime) -> Delegation:
        """Everyone for the division (a district, or a whole state). Raises NoDataForDay; KeyError for no division."""
        return self._roster(on).delegations[division]

    def districts(self, state: State, on: datetime) -> tuple[DivisionId, ...]:
        """All House divisions of a state in numeric order. Raises NoDataForDay."""
        self._tables.congress_on(on)
        return self._tables.districts[state]

    def members(self, on: datetime) -> tuple[Legislator, ...]:
        """Everyone who is known to sit then: by state, senators first. Raises NoDataForDay."""
        return self._roster(on).members

    def holder(self, seat: Seat, on: datetime) -> Holder:
        """Who holds the seat then. Raises NoDataForDay; KeyError for no seat."""
        return self._roster(on).holders[seat]

    def congress(self) -> int:
        """Whose members the tables hold; see LegislatorDirectory."""
        return self._tables.congress

    def as_of(self) -> date:
        """The day up to which the tables of members are known to be right."""
        return self._tables.as_of

    def _roster(self, on: datetime) -> _Roster:
        sitting = self._tables.congress_on(on)
        return self._rosters.get(sitting) or self._rosters.setdefault(sitting, _Roster(self._tables, sitting))


class _Roster:
    """Every seat of one Congress, and who is known to hold it."""

    def __init__(self, tables: Tables, congress: int) -> None:
        seats: tuple[Holder, ...] = (*tables.members, *tables.vacancies)  # the senior senator first
        self.holders: dict[Seat, Holder] = {holder.seat: _as_known(holder, tables, congress) for holder in seats}
        self.members: tuple[Legislator, ...] = tuple(
            holder for member in tables.members if isinstance(holder := self.holders[member.seat], Legislator)
        )
        self.delegations: dict[DivisionId, Delegation] = {}
        senate: dict[State, list[Holder]] = {}
        house: dict[DivisionId, Holder] = {}
        for holder in self.holders.values():
            if holder.role is Role.SENATOR:
                senate.setdefault(holder.state, []).append(holder)
            else:
                house[holder.division] = holder
        for state, districts in tables.districts.items():
            only = house[districts[0]] if len(districts) == 1 else None
            for division, representative in [(state_division(state), only), *((d, house[d]) for d in districts)]:
                self.delegations[division] = _delegation(congress, state, senate.get(state, []), representative)


def _as_known(holder: Holder, tables: Tables, congress: int) -> Holder:
    """The holder as tables know them when that Congress sits. Who is past a term's end sits until somebody follows,
    but not beyond the Congress.
    """
    if congress == tables.congress or (isinstance(holder, Legislator) and holder.until > begins(congress).date()):
        return holder
    return Vacancy(holder.seat, holder.role, holder.state, holder.division, known=False)


def _delegation(congress: int, state: State, senate: list[Holder], representative: Holder | None) -> Delegation:
    return Delegation(
        congress=congress,
        state=state,
        senators=tuple(holder for holder in senate if isinstance(holder, Legislator)),
        vacant_senate=tuple(holder for holder in senate if isinstance(holder, Vacancy)),
        representative=representative,
    )
