"""The contact book: e-mail addresses of offices that the organisation collected itself. There is no other source.

An entry stands under a member's bioguide id, then it counts while that member holds a seat; or under a seat, then it
counts for whoever holds that. The verbs take the session and flush; the caller commits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.addresses import State
from app.legislators import Legislator, LegislatorDirectory, LegislatorsError, Seat, Vacancy
from app.legislators.geography import house_seat, seat_order, senate_seat
from app.models import Contact
from app.typed import code, unlike

_HOUSE_SEAT = re.compile(r"([A-Z]{2}-)0+([1-9][0-9]*)")


class NoSuchEntry(LegislatorsError):
    """The book has no entry under these names; the message says what to do."""

    def __init__(self, offices: Collection[str]) -> None:
        names = ", ".join(f"{office[:80]}{unlike(office)}" for office in sorted(offices))
        super().__init__(
            f"There is no entry under {names}: nothing was removed. "
            "See under which names they stand: .venv/bin/flask contacts list"
        )


@dataclass(frozen=True, slots=True)
class ContactRow:
    """The address of one office. Every text is one line without control characters."""

    office: str
    """A bioguide id, L000571, or a seat, WY-S2."""
    role: str
    """Who reads there."""
    email: str
    """In the ASCII form that goes over the wire."""
    source: str
    """Where the organisation has it from."""
    as_of: date
    """The day on which it was last known to be right."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What importing rows does to the book."""

    added: tuple[ContactRow, ...]
    changed: tuple[ContactRow, ...]
    unchanged: tuple[ContactRow, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the book and what it is good for on one day."""

    row: ContactRow
    holder: Legislator | Vacancy | None
    """Who sits there; None for a member who sits no longer."""
    covered: bool
    """It stands under a seat whose holder has an entry of their own, which goes before."""

    @property
    def used(self) -> bool:
        """Whether letters go there, at once or, where the seat is vacant, as soon as somebody holds it."""
        return self.holder is not None and not self.covered


class Roll:
    """Who sits at one moment, found by bioguide id or by seat."""

    def __init__(self, directory: LegislatorDirectory, on: datetime, today: date) -> None:
        """`today` is that moment's day in Washington. Raises NoDataForDay."""
        self.today = today
        self._on = on
        self.members = directory.members(on)
        self._directory = directory
        self._by_bioguide: dict[str, Legislator] = {member.bioguide: member for member in self.members}

    def holder(self, office: str) -> Legislator | Vacancy | None:
        """Who sits there; None for a member who sits no longer and for what is no office at all."""
        if member := self._by_bioguide.get(office):
            return member
        try:
            return self._directory.holder(Seat(office), self._on)
        except KeyError:
            return None

    def names(self, office: str) -> frozenset[str]:
        """Everything under which an entry of the same office can stand."""
        holder = self.holder(office)
        if isinstance(holder, Legislator):
            return frozenset((holder.bioguide, holder.seat))
        return frozenset((office,))

    def seats(self, state: State) -> tuple[Seat, ...]:
        """All seats of a state or territory: the Senate's, then the House's in numeric order."""
        count = len(self._directory.districts(state, self._on))
        senate = (senate_seat(state, senate_class) for senate_class in (1, 2, 3))
        house = [house_seat(state, number) for number in (range(1, count + 1) if count > 1 else (0,))]
        return (*(seat for seat in senate if self.holder(seat) is not None), *house)


def nobody(_addresses: Collection[str]) -> Collection[str]:
    """None of these addresses is dead."""
    return ()


class ContactBook:
    """The addresses as letters use them. Reads the database once, at the first question: made for each use."""

    def __init__(
        self,
        session: Session,
        dead: Callable[[Collection[str]], Collection[str]] = nobody,
        members: Collection[Legislator] | None = None,
    ) -> None:
        """`dead` tells which of the book's addresses mail comes back from: those reach nobody.

        If nobody but `members` is asked about, nobody else is looked up: there may be an entry of every office.
        """
        self._session = session
        self._dead = dead
        self._members = members
        self._emails: dict[str, str] | None = None

    def address_of(self, legislator: Legislator) -> str | None:
        """Where a letter to this sitting member goes: the entry of the person before the one of the seat."""
        if self._emails is None:
            query = select(Contact.office, Contact.email)
            if self._members is not None:
                names = {name for member in self._members for name in (member.bioguide, member.seat)}
                query = query.where(Contact.office.in_(names))
            rows = self._session.execute(query).all()
            dead = self._dead([row.email for row in rows])
            self._emails = {row.office: row.email for row in rows if row.email not in dead}
        return self._emails.get(legislator.bioguide) or self._emails.get(legislator.seat)


def office_name(text: str) -> str:
    """A bioguide id or seat as the book writes it: in capitals, TX-07 as TX-7. Does not say whether there is one."""
    return _HOUSE_SEAT.sub(r"\1\2", code(text).upper())


def stored(session: Session) -> tuple[ContactRow, ...]:
    """The whole book, sorted by the names of the offices."""
    columns = (Contact.office, Contact.role, Contact.email, Contact.source, Contact.as_of)
    return tuple(ContactRow(*row) for row in session.execute(select(*columns).order_by(Contact.office)))


def entries(session: Session, roll: Roll) -> tuple[Entry, ...]:
    """The whole book with what it is good for: by seat, and at the end those who sit no longer."""
    rows = stored(session)
    names = {row.office for row in rows}
    found = [_entry(row, roll.holder(row.office), names) for row in rows]
    sitting = [entry for entry in found if entry.holder is not None]
    gone = [entry for entry in found if entry.holder is None]
    return (*sorted(sitting, key=_by_seat), *gone)


def compare(session: Session, rows: Sequence[ContactRow], roll: Roll) -> Changes:
    """What `keep` would do with these rows. Changes nothing."""
    book = {row.office: row for row in stored(session)}
    earlier = {row: [book[name] for name in roll.names(row.office) if name in book] for row in rows}
    return Changes(
        added=tuple(row for row in rows if not earlier[row]),
        changed=tuple(row for row in rows if earlier[row] and earlier[row] != [row]),
        unchanged=tuple(row for row in rows if earlier[row] == [row]),
    )


def keep(session: Session, rows: Sequence[ContactRow], roll: Roll) -> Changes:
    """Take rows into the book, each of another office. A row takes the place of every entry of its office."""
    changes = compare(session, rows, roll)
    replaced = {name for row in changes.changed for name in roll.names(row.office)}
    session.execute(delete(Contact).where(Contact.office.in_(replaced)))
    session.add_all(Contact(**asdict(row)) for row in (*changes.added, *changes.changed))
    session.flush()
    return changes


def remove(session: Session, offices: Collection[str]) -> int:
    """Take out the entries under exactly these names; how many. Raises NoSuchEntry, and then removes nothing."""
    names = {office_name(office) for office in offices}
    missing = names - {row.office for row in stored(session)}
    if missing:
        raise NoSuchEntry(missing)
    session.execute(delete(Contact).where(Contact.office.in_(names)))
    return len(names)


def _entry(row: ContactRow, holder: Legislator | Vacancy | None, names: Collection[str]) -> Entry:
    covered = isinstance(holder, Legislator) and row.office == holder.seat and holder.bioguide in names
    return Entry(row, holder, covered)


def _by_seat(entry: Entry) -> tuple[State, bool, int, bool]:
    assert entry.holder is not None  # noqa: S101 — only such entries are sorted by it
    return (*seat_order(entry.holder.seat), entry.covered)
