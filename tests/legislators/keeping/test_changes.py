"""What a refresh changed, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from app.addresses import State
from app.legislators import Bioguide, Legislator, Seat, Vacancy
from app.legislators.geography import division_of, role_of, state_of
from app.legislators.keeping.changes import Change, changes, seat_in_words, seats_lost
from app.legislators.tables import SHIPPED, Tables, load


@pytest.fixture(scope="module")
def real() -> Tables:
    return load(SHIPPED)


def sits(seat: str, name: str, bioguide: str = "", since: str = "2025-01-03") -> Legislator:
    at = Seat(seat)
    return Legislator(
        bioguide=Bioguide(bioguide or name),
        seat=at,
        role=role_of(at),
        state=state_of(at),
        division=division_of(at),
        name=name,
        last_name=name.split()[-1],
        party="Democrat",
        since=date.fromisoformat(since),
        until=date(2027, 1, 3),
        phone="202-225-0001",
        address="1 House Office Building",
        url="https://x.house.gov",
        contact_form="https://x.house.gov/contact",
        offices=(),
    )


def vacant(seat: str) -> Vacancy:
    at = Seat(seat)
    return Vacancy(at, role_of(at), state_of(at), division_of(at))


def tables(*holders: Legislator | Vacancy, congress: int = 119, zips: Mapping[str, str] | None = None) -> Tables:
    districts: dict[State, tuple[()]] = {holder.state: () for holder in holders}
    return Tables(
        congress=congress,
        map_congress=119,
        as_of=date(2026, 10, 3),
        members=tuple(holder for holder in holders if isinstance(holder, Legislator)),
        vacancies=tuple(holder for holder in holders if isinstance(holder, Vacancy)),
        districts=districts,
        about={},
        _zips=zips or {},
    )


def sentences(old: Tables, new: Tables, left: Mapping[str, str] | None = None) -> list[str]:
    days = {Bioguide(bioguide): date.fromisoformat(day) for bioguide, day in (left or {}).items()}
    return [change.sentence for change in changes(old, new, days)]


def test_the_same_tables_have_no_changes(real: Tables) -> None:
    assert changes(real, load(SHIPPED), {}) == ()


def test_a_successor_is_told_of_with_the_days_that_are_known() -> None:
    old = tables(sits("SC-S2", "Lindsey Graham", "G000359"))
    new = tables(sits("SC-S2", "Darline Graham", "G000999", "2026-07-14"))

    assert changes(old, new, {Bioguide("G000359"): date(2026, 7, 11)}) == (
        Change(
            Seat("SC-S2"), "SC senator: Lindsey Graham left 2026-07-11; Darline Graham since 2026-07-14.", holder=True
        ),
    )
    assert sentences(old, new, {"G000999": "2026-07-11"}) == [
        "SC senator: Lindsey Graham has left; Darline Graham since 2026-07-14."
    ]


def test_somebody_else_of_the_same_name_is_somebody_else() -> None:
    old, new = sits("GA-5", "Jo Doe", "D000001"), sits("GA-5", "Jo Doe", "D000002", "2026-09-01")

    assert sentences(tables(old), tables(new)) == ["GA-5: Jo Doe has left; Jo Doe since 2026-09-01."]


def test_a_seat_that_was_vacant_and_one_that_is_are_told_of() -> None:
    old = tables(sits("TX-23", "Tony Gonzales"), vacant("GA-13"), vacant("FL-20"))
    new = tables(vacant("TX-23"), sits("GA-13", "Everton Blair Jr.", since="2026-09-01"), vacant("FL-20"))

    assert sentences(old, new) == [
        "GA-13: Everton Blair Jr. since 2026-09-01; the seat was vacant.",
        "TX-23: Tony Gonzales has left; the seat is vacant.",
    ]
    assert sentences(old, new, {"Tony Gonzales": "2026-04-14"})[1] == (
        "TX-23: Tony Gonzales left 2026-04-14; the seat is vacant."
    )


def test_a_seat_that_comes_or_goes_is_told_of() -> None:
    old = tables(sits("TX-1", "A One"), vacant("TX-2"))
    new = tables(sits("TX-3", "A Three", since="2027-01-03"), vacant("TX-4"))

    assert sentences(old, new) == [
        "TX-1: A One has left; there is no such seat any more.",
        "TX-2: there is no such seat any more; the seat was vacant.",
        "TX-3: A Three since 2027-01-03; the seat is new.",
        "TX-4: the seat is vacant; the seat is new.",
    ]


def test_of_somebody_who_stays_one_sentence_says_what_changed() -> None:
    before = sits("CA-1", "James Gallagher")

    def after(**values: object) -> list[str]:
        return sentences(tables(before), tables(replace(before, **values)))  # type: ignore[arg-type]

    assert after(phone="202-225-0002", contact_form="") == ["CA-1: James Gallagher: web form, phone changed."]
    assert after(name="Jim Gallagher") == ["CA-1: Jim Gallagher: name changed."]
    assert after(last_name="Galagher") == ["CA-1: James Gallagher: name changed."]
    assert after(party="Independent") == ["CA-1: James Gallagher: party changed."]
    assert after(address="2 House Office Building") == ["CA-1: James Gallagher: address changed."]
    assert after(url="") == ["CA-1: James Gallagher: website changed."]
    assert after(until=date(2026, 11, 3)) == ["CA-1: James Gallagher: end of the term changed."]
    assert after(until=date(2026, 11, 3), url="", name="J. Gallagher", last_name="x") == [
        "CA-1: J. Gallagher: name, website, end of the term changed."
    ]


def test_changes_come_in_the_order_of_seats() -> None:
    seats = ["WY-AL", "TX-10", "TX-9", "TX-S2", "TX-S1", "AK-AL"]
    old, new = tables(*(vacant(seat) for seat in seats)), tables(*(sits(seat, "A New") for seat in seats))

    assert [change.seat for change in changes(old, new, {})] == ["AK-AL", "TX-S1", "TX-S2", "TX-9", "TX-10", "WY-AL"]


@pytest.mark.parametrize(
    ("seat", "words"),
    [
        ("SC-S2", "SC senator"),
        ("TX-23", "TX-23"),
        ("WY-AL", "WY at large"),
        ("DC-AL", "DC delegate"),
        ("GU-AL", "GU delegate"),
        ("PR-AL", "PR resident commissioner"),
    ],
)
def test_a_seat_has_a_name_for_people(seat: str, words: str) -> None:
    assert seat_in_words(Seat(seat)) == words


def test_of_a_new_congress_only_other_holders_are_told() -> None:
    stays = sits("TX-1", "A Stayer")
    old = tables(stays, sits("TX-2", "A Goer"), vacant("TX-3"))
    new = tables(
        replace(stays, phone="", since=date(2027, 1, 3), until=date(2029, 1, 3)),
        sits("TX-2", "A Comer", since="2027-01-03"),
        vacant("TX-3"),
        congress=120,
    )

    assert changes(old, new, {}) == (
        Change(
            None, "These are the members of the 120th Congress; so far the tables were those of the 119th."
        ),
        Change(Seat("TX-2"), "TX-2: A Goer has left; A Comer since 2027-01-03.", holder=True),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("congress", "words"), [(111, "111th"), (113, "113th"), (121, "121st"), (122, "122nd"), (123, "123rd")]
)
def test_a_congress_has_its_ordinal(congress: int, words: str) -> None:
    assert sentences(tables(), tables(congress=congress)) == [
        f"These are the members of the {words} Congress; so far the tables were those of the 119th."
    ]


def test_zip_codes_are_counted() -> None:
    holder = sits("TX-1", "A One")
    line = "standard,TX,{},,31.0000,-97.0000".format
    old = {"75001": line("TX-1"), "75002": line("TX-1 TX-2"), "75003": line("TX-1"), "75004": line("TX-1")}
    new = {"75001": line("TX-1"), "75002": line("TX-2 TX-1"), "75003": line("TX-3"), "75005": line("TX-1")}
    moved = {**old, "75001": "box,TX,TX-1,,32.0000,-97.0000"}

    def words(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
        return sentences(tables(holder, zips=before), tables(holder, zips=after))

    assert words(old, new) == ["ZIP codes: 1 new, 1 gone, 1 with other districts."]
    assert words({}, old) == ["ZIP codes: 4 new."]
    assert words(old, {}) == ["ZIP codes: 4 gone."]
    assert words(old, old) == words(old, moved) == []
    assert words({}, {f"{code:05}": line("TX-1") for code in range(1234)}) == ["ZIP codes: 1,234 new."]


def test_zip_codes_come_last_and_belong_to_no_seat() -> None:
    old, new = tables(vacant("WY-AL")), tables(sits("WY-AL", "A New"), zips={"82001": "standard,WY,WY-AL,,,"})

    assert [change.seat for change in changes(old, new, {})] == ["WY-AL", None]


def test_lost_seats_are_those_that_somebody_held(real: Tables) -> None:
    old = tables(sits("TX-10", "A"), sits("TX-2", "B"), sits("TX-S1", "C"), vacant("TX-3"), sits("TX-4", "D"))
    new = tables(vacant("TX-10"), vacant("TX-2"), vacant("TX-S1"), vacant("TX-3"), sits("TX-4", "E"))

    assert seats_lost(old, new) == ("TX-S1", "TX-2", "TX-10")
    assert seats_lost(new, old) == ()
    assert seats_lost(old, tables()) == ("TX-S1", "TX-2", "TX-4", "TX-10")
    assert seats_lost(real, real) == ()


def test_real_tables_are_compared(real: Tables) -> None:
    senior, junior, *others = real.members
    assert (senior.seat, junior.seat) == ("AK-S3", "AK-S2")
    new = replace(
        real,
        members=(replace(junior, phone="202-224-0000"), *others),
        vacancies=(*real.vacancies, vacant("AK-S3")),
        _zips={code: line for code, line in real._zips.items() if code != "99501"},
        _areas={},
    )

    assert seats_lost(real, new) == ("AK-S3",)
    assert sentences(real, new) == [
        f"AK senator: {junior.name}: phone changed.",
        f"AK senator: {senior.name} has left; the seat is vacant.",
        "ZIP codes: 1 gone.",
    ]
    assert not real._areas  # whoever compares leaves no 42,000 values in memory
