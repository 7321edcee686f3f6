"""Who sits: how corrections and the dates of the files decide it, and when the members can't be complete."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from app.legislators import Seat
from app.legislators.making.build import build
from app.legislators.making.corrections import Corrections, Removal, read_corrections
from app.legislators.making.member_sources import Person, read_members
from app.legislators.making.seating import VACANT_OFFICES, congress_of, newest_start, seated
from app.legislators.making.sources import InputUnusable, read_source
from tests.legislators.making.factories import (
    ADDED,
    DISTRICTS,
    REMOVED,
    Files,
    JsonObject,
    files,
    refusal,
    representative,
    row,
    rows,
)

ALL_DISTRICTS = frozenset(Seat(f"{state}-{number or 'AL'}") for state, number in DISTRICTS)


def corrected() -> Files:
    """Corrections of 2026-10-03 of each kind: VT-1 is vacant, WY-AL has a new member, VT-2 another name."""
    given = files()
    given.corrections |= {
        "remove": [REMOVED, {"bioguide": "H500001", "end": "2026-07-11"}],
        "add": [ADDED],
        "patch": [{"bioguide": "H500002", "state": "VT", "district": 2, "name": "R. Member"}],
        "vacant": [{"state": "VT", "district": 1}],
        "crosswalk": {"add": [["56000", "5001"]]},
    }
    return given


def manifest(built: dict[str, bytes]) -> JsonObject:
    read: JsonObject = json.loads(built["manifest.json"])
    return read


def named(built: dict[str, bytes], *seats: str) -> list[str]:
    return [row(built, "members.csv", seat)["bioguide"] for seat in seats]


@pytest.mark.parametrize("as_of", [{}, {"members": "2026-10-02"}, {"members": "2026-10"}, {"members": "2026"}])
def test_corrections_apply_to_members_who_are_older(tmp_path: Path, as_of: dict[str, str]) -> None:
    built = build(corrected().write(tmp_path), as_of)

    assert named(built, "WY-AL", "VT-1") == ["N000001", ""]
    assert row(built, "members.csv", "VT-2")["name"] == "R. Member"
    assert manifest(built)["as_of"] == "2026-10-03"


@pytest.mark.parametrize("day", ["2026-10-03", "2026-10-04", "2026-11"])
def test_members_who_are_as_new_stay_as_they_are(tmp_path: Path, day: str) -> None:
    built = build(corrected().write(tmp_path), {"members": day})

    assert named(built, "WY-AL", "VT-1") == ["H560000", "H500001"]
    assert row(built, "members.csv", "VT-2")["name"] == "Robin MemberH500002 Jr."
    assert manifest(built)["as_of"] == f"{day}-01"[:10]


def test_without_a_word_about_their_date_members_are_of_the_newest_term(tmp_path: Path) -> None:
    given = corrected()
    given.members.remove(given.member("H560000"))
    newcomer = representative("X000001", "WY", 0)
    newcomer["terms"] = [
        {"type": "rep", "start": "2026-10-07", "end": "2027-01-03", "state": "WY", "district": 0, "party": "Democrat"}
    ]
    given.members.append(newcomer)

    built = build(given.write(tmp_path), {})

    assert named(built, "WY-AL", "VT-1") == ["X000001", "H500001"]
    assert manifest(built)["as_of"] == "2026-10-07"


def test_corrections_of_the_crosswalk_always_apply(tmp_path: Path) -> None:
    older, newer = (build(corrected().write(tmp_path), {"members": day}) for day in ("2026-06-15", "2026-11-01"))

    assert row(older, "zips.csv", "56000")["districts"] == row(newer, "zips.csv", "56000")["districts"] == "WY-AL VT-1"


def test_a_seat_without_a_member_is_vacant_when_the_members_are_newer(tmp_path: Path) -> None:
    given = corrected()
    for bioguide in ("H500002", "S000492"):
        given.members.remove(given.member(bioguide))

    built = build(given.write(tmp_path), {"members": "2026-11-01"})

    assert manifest(built)["seats"] == {"filled": 539, "vacant": ["VT-2", "WY-S2"]}
    assert row(built, "members.csv", "WY-S1")["rank"] == "senior"


def test_the_same_seat_without_a_word_is_a_mistake_when_they_are_older(tmp_path: Path) -> None:
    given = corrected()
    given.members.remove(given.member("H500002"))
    given.corrections["patch"] = []

    assert refusal(given, tmp_path, "--as-of", "members", "2026-06-15").startswith("Nobody holds VT-2, and the corr")


def test_members_of_the_next_congress_stand_on_the_map_of_this_one(tmp_path: Path) -> None:
    given = files()
    for member in given.members:
        terms = member["terms"]
        assert isinstance(terms, list)
        terms[-1] |= {"start": "2027-01-03", "end": "2029-01-03"}

    told = manifest(build(given.write(tmp_path), {}))

    assert (told["congress"], told["map_congress"]) == (120, 119)
    assert (told["valid_from"], told["valid_to"]) == ("2027-01-03T12:00:00-05:00", "2029-01-03T12:00:00-05:00")
    assert told["as_of"] == "2027-01-03"


# The telephone of an office whose seat is vacant.


def vacant_seat(given: Files, seat: JsonObject, bioguide: str) -> None:
    given.corrections |= {"remove": [{"bioguide": bioguide}], "vacant": [seat]}


def test_a_vacant_seat_has_the_telephone_that_the_corrections_say(tmp_path: Path) -> None:
    given = files()
    vacant_seat(given, {"state": "TX", "district": 9, "phone": "202-225-0009"}, "H480009")

    assert row(build(given.write(tmp_path), {}), "members.csv", "TX-9")["phone"] == "202-225-0009"


def test_a_vacant_seat_in_the_house_keeps_the_telephone_of_who_left(tmp_path: Path) -> None:
    given = files()
    terms = given.member("H480009")["terms"]
    assert isinstance(terms, list)
    terms[-1]["phone"] = "202-225-0010"
    vacant_seat(given, {"state": "TX", "district": 9}, "H480009")

    assert row(build(given.write(tmp_path), {}), "members.csv", "TX-9")["phone"] == "202-225-0010"


def test_a_vacant_seat_in_the_senate_does_not(tmp_path: Path) -> None:
    given = files()
    vacant_seat(given, {"state": "WY", "class": 2}, "S000492")

    assert row(build(given.write(tmp_path), {}), "members.csv", "WY-S2")["phone"] == ""


def test_a_vacant_seat_has_the_telephone_of_the_table_kept_by_hand(tmp_path: Path) -> None:
    members = people(tmp_path)
    without = [person for person in members if person.seat != "TX-9"]

    seating = seated(without, date(2026, 11, 1), None, ALL_DISTRICTS, {Seat("TX-9"): "202-225-0011"})

    assert seating.vacant == {"TX-9": "202-225-0011"}
    assert VACANT_OFFICES == {"TX-23": "202-225-4511", "FL-20": "202-225-1313"}


# Values, without the command.


def people(folder: Path) -> tuple[Person, ...]:
    return read_members(read_source(files().write(folder).members))


def corrections(folder: Path) -> Corrections:
    return read_corrections(read_source(corrected().write(folder).corrections))


def test_every_seat_is_accounted_for_once(tmp_path: Path) -> None:
    seating = seated(people(tmp_path), date(2026, 6, 15), corrections(tmp_path), ALL_DISTRICTS)

    held = {person.seat for person in seating.persons}
    assert len(seating.persons) == 540
    assert len(held | seating.vacant.keys()) == 541
    assert list(seating.vacant) == ["VT-1"]
    assert seating.as_of == date(2026, 10, 3)


def test_a_removal_keeps_the_day_on_which_the_person_left(tmp_path: Path) -> None:
    removed = corrections(tmp_path).removed

    assert removed[0] == Removal(removed[0].bioguide, None)
    assert removed[1].end == date(2026, 7, 11)


def test_a_removal_on_an_odd_day_is_refused(tmp_path: Path) -> None:
    spoilt = files()
    spoilt.corrections["remove"] = [{**REMOVED, "end": "in July"}]

    assert "has a “end” that is no date: 'in July'" in refusal(spoilt, tmp_path)


def test_members_tell_their_congress_and_the_day_of_their_newest_term(tmp_path: Path) -> None:
    members = people(tmp_path)

    assert congress_of(members) == 119
    assert newest_start(members) == date(2025, 1, 3)


# Members who can't be complete, told from their number.


def departed(given: Files, *bioguides: str) -> Files:
    gone = [{"bioguide": bioguide} for bioguide in bioguides]
    given.members = [member for member in given.members if member["id"] not in gone]
    return given


NEWER = ("--as-of", "members", "2026-11-01")
REPRESENTATIVES = [f"H{fips}000{n}" for fips in ("48", "06") for n in range(1, 10)]


def test_sixteen_empty_seats_in_the_house_may_be(tmp_path: Path) -> None:
    built = build(departed(files(), *REPRESENTATIVES[:16]).write(tmp_path), {"members": "2026-11-01"})

    assert len([line for line in rows(built, "members.csv") if not line["bioguide"]]) == 16


def test_seventeen_may_not(tmp_path: Path) -> None:
    refused = refusal(departed(files(), *REPRESENTATIVES[:17]), tmp_path, *NEWER)

    assert refused == "424 House seats are filled, not 425 to 441: are the members complete?"


def test_five_empty_seats_in_the_senate_may_be(tmp_path: Path) -> None:
    built = build(departed(files(), *(f"S0000{n}1" for n in range(5))).write(tmp_path), {"members": "2026-11-01"})

    assert len([line for line in rows(built, "members.csv") if not line["bioguide"]]) == 5


def test_six_may_not(tmp_path: Path) -> None:
    refused = refusal(departed(files(), *(f"S0000{n}1" for n in range(6))), tmp_path, *NEWER)

    assert refused == "There are 94 senators, not 95 to 100: are the members complete?"


def test_a_state_without_senators_is_refused_even_when_the_members_are_newer(tmp_path: Path) -> None:
    refused = refusal(departed(files(), "S000491", "S000492"), tmp_path, *NEWER)

    assert refused == "WY has no senator at all: are the members complete?"


@pytest.mark.parametrize("seat", ["VT-1", "WY-S1"])
def test_two_people_in_one_seat_are_refused_even_when_the_members_are_newer(tmp_path: Path, seat: str) -> None:
    members = people(tmp_path)
    twin = next(person for person in members if person.seat == seat)
    clone = read_members(read_source(twins(tmp_path, twin.bioguide)))

    with pytest.raises(InputUnusable, match=f"Two people hold {seat}:"):
        seated((*members, *clone), date(2026, 11, 1), None, ALL_DISTRICTS)


def twins(folder: Path, bioguide: str) -> Path:
    """A file of one member who holds the seat of another."""
    (folder / "twin").write_text(json.dumps([{**files().member(bioguide), "id": {"bioguide": "X000001"}}]))
    return folder / "twin"
