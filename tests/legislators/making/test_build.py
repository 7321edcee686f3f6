from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.addresses import STATES, State
from app.legislators import Bioguide
from app.legislators.geography import ADJOINING, SENATE_STATES
from app.legislators.making.build import build
from app.legislators.making.member_sources import read_members
from app.legislators.making.senate_classes import SENATE_SEATS, senate_seats
from app.legislators.making.sources import read_source
from app.legislators.making.web_addresses import official_address, with_official_addresses
from app.legislators.tables import Tables, load
from tests.legislators.making.factories import ADDED, REMOVED, files, row, rows, run


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "data"


def test_the_command_builds_tables_that_load(tmp_path: Path, out: Path) -> None:
    result = run(files().write(tmp_path), out, "--as-of", "members", "2026-06-15")

    tables = load(out)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert (len(tables.members), len(tables.vacancies), tables.congress) == (541, 0, 119)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["sources"]["members"]["as_of"] == "2026-06-15"
    assert manifest["sources"]["offices"]["as_of"] is None
    assert manifest["valid_to"] == "2027-01-03T12:00:00-05:00"


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    shuffled = files()
    shuffled.crosswalk.reverse()

    built = build(files().write(first), {})
    again = build(files().write(second), {})
    from_shuffled = build(shuffled.write(second), {})

    assert built == again
    assert built["zips.csv"] == from_shuffled["zips.csv"]


def test_a_second_build_replaces_the_first_and_leaves_nothing_beside_it(tmp_path: Path, out: Path) -> None:
    run(files().write(tmp_path), out)
    changed = files()
    changed.corrections["as_of"] = "2026-11-01"

    result = run(changed.write(tmp_path), out)

    assert result.exit_code == 0
    assert load(out).as_of.isoformat() == "2026-11-01"
    assert [path.name for path in out.parent.iterdir()] == ["data"]


def test_a_failed_build_leaves_the_old_tables_alone(tmp_path: Path, out: Path) -> None:
    run(files().write(tmp_path), out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    broken = files()
    broken.members.pop()

    result = run(broken.write(tmp_path), out)

    assert result.exit_code == 1
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_build_after_one_that_was_killed_between_two_steps_still_has_the_old_tables(
    tmp_path: Path, out: Path
) -> None:
    run(files().write(tmp_path), out)
    out.rename(out.with_name(".data.old"))
    broken = files()
    broken.corrections["as_of"] = "2026-11-01"
    inputs = broken.write(tmp_path)

    result = run(inputs, out)

    assert result.exit_code == 0
    assert load(out).as_of.isoformat() == "2026-11-01"
    assert [path.name for path in out.parent.iterdir()] == ["data"]


def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")

    result = run(files().write(tmp_path), precious)

    assert result.exit_code == 1
    assert "thesis.txt" in result.stderr
    assert (precious / "thesis.txt").read_text() == "years of work"


def test_an_out_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    result = run(files().write(tmp_path), tmp_path / "file" / "data")

    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_a_date_that_is_none_is_told(tmp_path: Path, out: Path) -> None:
    result = run(files().write(tmp_path), out, "--as-of", "members", "yesterday")

    assert result.exit_code == 1
    assert "write a date like" in result.stderr


def test_a_member_who_left_makes_room_for_the_one_who_came(tmp_path: Path) -> None:
    given = files()
    given.corrections |= {"remove": [REMOVED], "add": [ADDED]}

    built = build(given.write(tmp_path), {})

    member = row(built, "members.csv", "WY-AL")
    assert (member["bioguide"], member["name"], member["last_name"]) == ("N000001", "New Person Jr.", "Person")
    assert (member["first_name"], member["suffix"]) == ("New", "Jr.")
    assert rows(built, "offices.csv") == []


def test_a_vacant_seat_keeps_its_line(tmp_path: Path) -> None:
    given = files()
    given.corrections |= {"remove": [REMOVED], "vacant": [{"state": "WY", "district": 0}]}

    built = build(given.write(tmp_path), {})

    assert set(row(built, "members.csv", "WY-AL").values()) == {"WY-AL", ""}
    assert rows(built, "offices.csv") == []
    assert json.loads(built["manifest.json"])["seats"] == {"filled": 540, "vacant": ["WY-AL"]}


def test_a_vacant_senate_seat_leaves_one_senator_who_becomes_senior(tmp_path: Path, out: Path) -> None:
    given = files()
    given.corrections |= {"remove": [{"bioguide": "S000492"}], "vacant": [{"state": "WY", "class": 2}]}

    result = run(given.write(tmp_path), out)

    tables: Tables = load(out)
    assert result.exit_code == 0
    assert [vacancy.seat for vacancy in tables.vacancies] == ["WY-S2"]
    assert row({"members.csv": (out / "members.csv").read_bytes()}, "members.csv", "WY-S1")["rank"] == "senior"


def test_who_has_just_come_is_junior_even_where_nobody_is_called_senior(tmp_path: Path) -> None:
    given = files()
    came = {**ADDED, "chamber": "sen", "class": 2, "last": "Of Two"}
    given.corrections |= {"remove": [{"bioguide": "S000492"}], "add": [came]}

    built = build(given.write(tmp_path), {})

    assert row(built, "members.csv", "WY-S1")["rank"] == "senior"
    assert row(built, "members.csv", "WY-S2")["rank"] == "junior"
    assert row(built, "members.csv", "WY-S2")["last_name"] == "Of Two"


def test_a_patch_changes_what_it_names_and_wins_over_the_forms(tmp_path: Path) -> None:
    given = files()
    change = {"url": "https://new.house.gov", "contact_form": "https://new.house.gov/contact", "name": "R. Member"}
    given.corrections["patch"] = [{"bioguide": "H560000", "state": "WY", "district": 0, **change}]

    built = build(given.write(tmp_path), {})

    member = row(built, "members.csv", "WY-AL")
    assert {key: member[key] for key in change} == change
    assert member["last_name"] == "MemberH560000"


def test_a_member_past_the_end_of_the_term_is_kept(tmp_path: Path) -> None:
    given = files()
    given.member("H560000")["terms"] = [
        {"type": "rep", "state": "WY", "district": 0, "party": "Democrat", "start": "2025-01-03", "end": "2026-01-01"}
    ]

    built = build(given.write(tmp_path), {})

    assert row(built, "members.csv", "WY-AL")["until"] == "2026-01-01"


def test_a_member_without_phone_address_or_web_pages_is_kept(tmp_path: Path) -> None:
    built = build(files().write(tmp_path), {})

    member = row(built, "members.csv", "VT-1")
    assert member["name"] == "Robin MemberH500001 Jr."
    assert (member["phone"], member["address"], member["url"], member["contact_form"]) == ("", "", "", "")


def test_a_member_keeps_the_parts_of_the_name_and_how_the_term_began(tmp_path: Path) -> None:
    given = files()
    member = given.member("S000491")
    member["name"] = {"first": "Sam", "middle": "Q.", "last": "Lee", "nickname": "Sammy", "suffix": "Sr."}
    member["terms"] = [
        {
            "type": "sen",
            "start": "2025-01-21",
            "end": "2026-11-03",
            "state": "WY",
            "class": 1,
            "state_rank": "junior",
            "party": "Independent",
            "caucus": "Democrat",
            "how": "appointment",
            "end-type": "special-election",
            "fax": "202-224-0001",
        }
    ]

    built = row(build(given.write(tmp_path), {}), "members.csv", "WY-S1")

    assert built == {
        "seat": "WY-S1",
        "bioguide": "S000491",
        "name": "Sam Lee Sr.",
        "last_name": "Lee",
        "party": "Independent",
        "rank": "junior",
        "since": "2025-01-21",
        "until": "2026-11-03",
        "phone": "",
        "address": "",
        "url": "",
        "contact_form": "",
        "how": "appointment",
        "end_type": "special-election",
        "first_name": "Sam",
        "middle_name": "Q.",
        "nickname": "Sammy",
        "suffix": "Sr.",
        "caucus": "Democrat",
        "fax": "202-224-0001",
    }


def test_an_office_at_an_impossible_latitude_is_kept_without_its_point(tmp_path: Path) -> None:
    given = files()
    place = {"city": "Rock Island", "state": "IL", "latitude": 441.5080197, "longitude": -90.5783808}
    given.offices = [{"id": {"bioguide": "H560000"}, "offices": [place]}]

    built = build(given.write(tmp_path), {})

    assert rows(built, "offices.csv")[0] == {
        **dict.fromkeys(("street", "zip", "phone", "fax", "hours", "lat", "lon"), ""),
        "bioguide": "H560000",
        "city": "Rock Island",
        "state": "IL",
    }


def test_offices_keep_what_they_have(tmp_path: Path) -> None:
    built = build(files().write(tmp_path), {})

    assert built["offices.csv"].decode().splitlines()[1:] == [
        "H560000,Casper,WY,,,,,,,",
        'H560000,Cheyenne,WY,"1 Capitol Ave., 2002",82001,307-555-0100,307-555-0199,M-F 9-5,41.1235,-104.8000',
    ]


@pytest.mark.parametrize(
    ("found", "official"),
    [
        ("https://a.house.gov/contact?form=/x", "https://a.house.gov/contact?form=/x"),
        ("https://www.a.senate.gov", "https://www.a.senate.gov"),
        ("http://a.house.gov/", "https://a.house.gov/"),
        ("hhttps://a.house.gov/", "https://a.house.gov/"),
        ("https://a.house.gov.example.com/", ""),
        ("https://ahouse.gov/", ""),
        ("https://a.house.gov@example.com/", ""),
        ("https://a.house.gov:8443/", ""),
        ("https://example.com/?a.house.gov", ""),
        ("javascript:alert(1)//a.house.gov", ""),
        ('https://a.house.gov/"onclick="x', ""),
        ("https://a.house.gov/a b", ""),
        ("", ""),
    ],
)
def test_only_addresses_of_congress_are_taken(found: str, official: str) -> None:
    assert official_address(found) == official


def test_what_became_of_web_addresses_is_counted(tmp_path: Path) -> None:
    given = files()
    given.contact_forms = {
        "H560000": "hhttps://member.house.gov/contact",
        "H500002": "https://ok.house.gov/contact",
        "Z999999": "https://nobody.example.com/",
    }

    built = build(given.write(tmp_path), {})

    counts = json.loads(built["manifest.json"])["web_addresses"]["contact_form"]
    assert counts == {"mended": 1, "missing": 539, "taken": 1}
    assert row(built, "members.csv", "WY-AL")["contact_form"] == "https://member.house.gov/contact"


def test_an_address_elsewhere_may_be_left_out_and_is_counted(tmp_path: Path) -> None:
    given = files()
    members = read_members(read_source(given.write(tmp_path).members))
    tricked = replace(members[0], contact_form="https://tricks.example.com/")

    taken = with_official_addresses([tricked, members[1]], leave_out=True)

    assert taken.persons[0].contact_form == ""
    assert taken.fates["contact_form"] == {"dropped": 1, "missing": 1}


def test_people_are_joined_by_bioguide_not_by_name(tmp_path: Path, out: Path) -> None:
    given = files()
    given.member("H500001")["name"] = given.member("H560000")["name"]

    run(given.write(tmp_path), out)

    offices = {member.bioguide: len(member.offices) for member in load(out).members}
    assert (offices[Bioguide("H560000")], offices[Bioguide("H500001")]) == (2, 0)


def test_every_state_has_two_senate_seats_of_different_classes() -> None:
    assert [len(set(senate_seats(state))) for state in SENATE_STATES] == [2] * 50
    assert len(SENATE_SEATS) == 100
    assert senate_seats(State("GU")) == ()


def test_adjoining_states_adjoin_each_other() -> None:
    pairs = {(state, other) for state, others in ADJOINING.items() for other in others}

    assert pairs == {(other, state) for state, other in pairs}
    assert ADJOINING.keys() == STATES.keys()
