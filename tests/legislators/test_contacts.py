from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.db import writing
from app.extensions import db
from app.legislators import Bioguide, Legislator, LegislatorDirectory, NoDataForDay, Seat, Vacancy
from app.legislators.contacts import (
    Changes,
    ContactBook,
    ContactRow,
    NoSuchEntry,
    Roll,
    compare,
    entries,
    keep,
    office_name,
    remove,
    stored,
)
from app.legislators.directory import TableDirectory
from app.legislators.tables import SHIPPED, load
from app.models import Contact

DAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 17, tzinfo=UTC)
NOISE = (
    ContactRow("AK-S2", "noise", "noise@example.org", "noise", DAY),
    ContactRow("B001323", "noise", "more-noise@example.org", "noise", DAY),
)


@pytest.fixture(scope="module")
def directory() -> LegislatorDirectory:
    return TableDirectory(load(SHIPPED))


@pytest.fixture(scope="module")
def roll(directory: LegislatorDirectory) -> Roll:
    return Roll(directory, NOW, DAY)


@pytest.fixture
def noisy(session: Session, roll: Roll) -> Session:
    kept(session, roll, *NOISE)
    return session


def row(office: str, email: str = "office@example.org") -> ContactRow:
    return ContactRow(office, "scheduler", email, "a card", date(2026, 10, 1))


def kept(session: Session, roll: Roll, *rows: ContactRow) -> Changes:
    with writing(session):
        return keep(session, rows, roll)


def put(session: Session, *offices: str) -> None:
    """Entries as an earlier day may have left them."""
    with writing(session):
        session.add_all(
            Contact(office=office, role="r", email=f"{office.lower()}@example.org", source="s", as_of=DAY)
            for office in offices
        )


def lummis(roll: Roll) -> Legislator:
    holder = roll.holder("WY-S2")
    assert isinstance(holder, Legislator)
    return holder


@pytest.mark.parametrize("office", ["L000571", "WY-S2"])
def test_an_office_has_the_address_of_its_member_or_of_its_seat(noisy: Session, roll: Roll, office: str) -> None:
    kept(noisy, roll, row(office))

    assert ContactBook(noisy).address_of(lummis(roll)) == "office@example.org"


def test_an_office_that_nobody_wrote_down_has_no_address(noisy: Session, roll: Roll) -> None:
    assert ContactBook(noisy).address_of(lummis(roll)) is None


def test_the_entry_of_the_person_goes_before_the_one_of_the_seat(noisy: Session, roll: Roll) -> None:
    put(noisy, "WY-S2", "L000571")

    assert ContactBook(noisy).address_of(lummis(roll)) == "l000571@example.org"


def test_a_members_entry_is_not_the_successors_and_a_seats_is(noisy: Session, roll: Roll) -> None:
    put(noisy, "L000571", "WY-AL")
    holder = roll.holder("WY-AL")
    assert isinstance(holder, Legislator)
    book = ContactBook(noisy)

    assert book.address_of(replace(lummis(roll), bioguide=Bioguide("N000001"))) is None
    assert book.address_of(replace(holder, bioguide=Bioguide("N000002"))) == "wy-al@example.org"


def test_a_book_asks_the_database_once_and_not_before_it_is_asked(noisy: Session, roll: Roll) -> None:
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *about: statements.append(about[2]))
    book = ContactBook(noisy)

    assert statements == []
    assert [book.address_of(member) for member in roll.members].count(None) == len(roll.members) - len(NOISE)
    assert len([statement for statement in statements if "SELECT" in statement]) == 1


def test_rows_are_added_changed_and_left(noisy: Session, roll: Roll) -> None:
    kept(noisy, roll, row("WY-AL"), row("TX-37"))

    changes = kept(noisy, roll, row("WY-AL"), row("TX-37", "new@example.org"), row("TX-23"))

    assert [len(rows) for rows in (changes.added, changes.changed, changes.unchanged)] == [1, 1, 1]
    assert stored(noisy) == (*NOISE, row("TX-23"), row("TX-37", "new@example.org"), row("WY-AL"))


@pytest.mark.parametrize(("first", "second"), [("WY-S2", "L000571"), ("L000571", "WY-S2")])
def test_a_row_takes_the_place_of_the_entry_under_the_other_name(
    noisy: Session, roll: Roll, first: str, second: str
) -> None:
    kept(noisy, roll, row(first))

    changes = kept(noisy, roll, row(second))

    assert changes == Changes((), (row(second),), ())
    assert stored(noisy) == (*NOISE, row(second))


def test_a_row_takes_the_place_of_both_entries_of_its_office(noisy: Session, roll: Roll) -> None:
    put(noisy, "WY-S2", "L000571")

    changes = kept(noisy, roll, row("L000571"))

    assert changes == Changes((), (row("L000571"),), ())
    assert stored(noisy) == (*NOISE, row("L000571"))


def test_a_new_holders_row_leaves_the_entry_of_who_sat_there_before(noisy: Session, roll: Roll) -> None:
    put(noisy, "E000001")

    kept(noisy, roll, row("WY-S2"))

    assert [entry.office for entry in stored(noisy)] == ["AK-S2", "B001323", "E000001", "WY-S2"]


def test_comparing_stores_nothing(noisy: Session, roll: Roll) -> None:
    assert compare(noisy, [row("WY-S2")], roll) == Changes((row("WY-S2"),), (), ())
    assert stored(noisy) == NOISE


def test_nothing_is_taken_in_when_no_rows_are_given(noisy: Session, roll: Roll) -> None:
    assert kept(noisy, roll) == Changes((), (), ())
    assert stored(noisy) == NOISE


def test_every_office_there_is_fits_in(session: Session, roll: Roll) -> None:
    rows = [row(member.seat) for member in roll.members]

    kept(session, roll, *rows)
    changes = kept(session, roll, *(row(member.bioguide) for member in roll.members))

    assert len(changes.changed) == len(stored(session)) == len(rows)


def test_entries_are_removed_by_the_names_they_stand_under(noisy: Session, roll: Roll) -> None:
    kept(noisy, roll, row("L000571"), row("TX-7"))

    with writing(noisy):
        count = remove(noisy, ["l000571", " tx-07 ", "L000571"])

    assert count == 2
    assert stored(noisy) == NOISE


def test_an_entry_that_is_not_there_keeps_all_from_being_removed(noisy: Session) -> None:
    with pytest.raises(NoSuchEntry, match=r"under WY-S2, X.*nothing was removed.*contacts list"), writing(noisy):
        remove(noisy, ["AK-S2", "WY-S2", "x" * 1000])

    assert stored(noisy) == NOISE


def test_entries_come_by_seat_and_those_for_nothing_say_so(session: Session, roll: Roll) -> None:
    put(session, "WY-S2", "L000571", "TX-23", "G000359", "B001323", "TX-37")

    found = [(entry.row.office, entry.used) for entry in entries(session, roll)]

    assert found == [
        ("B001323", True),
        ("TX-23", True),
        ("TX-37", True),
        ("L000571", True),
        ("WY-S2", False),
        ("G000359", False),
    ]


def test_who_sits_is_found_by_id_and_by_seat(roll: Roll) -> None:
    assert roll.holder("L000571") is roll.holder("WY-S2")
    assert isinstance(roll.holder("TX-23"), Vacancy)
    assert roll.holder("G000359") is roll.holder("") is roll.holder("WY") is None


def test_the_seats_of_a_state_are_known(roll: Roll, directory: LegislatorDirectory) -> None:
    states = {member.state for member in roll.members}
    seats = {seat for state in states for seat in roll.seats(state)}

    assert len(seats) == 541
    assert all(directory.holder(Seat(seat), NOW) for seat in seats)


def test_a_roll_is_of_a_day_that_the_tables_cover(directory: LegislatorDirectory) -> None:
    with pytest.raises(NoDataForDay):
        Roll(directory, datetime(2029, 1, 4, tzinfo=UTC), date(2029, 1, 4))


@pytest.mark.parametrize(
    ("written", "name"),
    [(" wy-s2\n", "WY-S2"), ("tx-007", "TX-7"), ("TX-10", "TX-10"), ("WY-0", "WY-0"), ("l000571", "L000571")],
)
def test_an_office_has_one_name(written: str, name: str) -> None:
    assert office_name(written) == name
