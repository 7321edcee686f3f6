from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.addresses import STATES
from app.cli.legislators import legislators
from app.legislators import Bioguide
from app.legislators.build import SOURCES, Inputs, build
from app.legislators.geography import ADJOINING
from app.legislators.member_sources import official_address
from app.legislators.tables import Tables, load
from tests.legislators.factories import Files, files, representative, senator

ADDED = {
    "bioguide": "N000001",
    "name": "New Person Jr.",
    "chamber": "rep",
    "state": "WY",
    "district": 0,
    "party": "Independent",
    "start": "2026-09-01",
    "end_expected": "2027-01-03",
}
REMOVED = {"bioguide": "H560000", "name": "Robin Member"}


def rows(built: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(built[name].decode(), newline="")))


def row(built: dict[str, bytes], name: str, key: str) -> dict[str, str]:
    return next(row for row in rows(built, name) if next(iter(row.values())) == key)


def run(inputs: Inputs, out: Path, *more: str) -> Result:
    options = [f"--{name.replace('_', '-')}={getattr(inputs, name)}" for name in SOURCES]
    return CliRunner().invoke(legislators, ["build", *options, f"--out={out}", *more])


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


@pytest.mark.parametrize("name", SOURCES)
def test_a_missing_file_is_one_sentence_on_stderr(tmp_path: Path, out: Path, name: str) -> None:
    inputs = files().write(tmp_path)
    (tmp_path / name).unlink()

    result = run(inputs, out)

    assert result.exit_code == 1
    assert result.stderr == f"Error: {tmp_path / name} cannot be read: No such file or directory.\n"
    assert not out.exists()


@pytest.mark.parametrize("name", ["members", "offices", "contact_forms", "corrections"])
@pytest.mark.parametrize("content", [b"<html>", b"7", b'[{"id": 3}, 4]', b"\xff\xfe"])
def test_a_malformed_json_file_is_one_sentence_without_a_traceback(
    tmp_path: Path, out: Path, name: str, content: bytes
) -> None:
    inputs = files().write(tmp_path)
    (tmp_path / name).write_bytes(content)

    result = run(inputs, out)

    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith(f"Error: {tmp_path / name}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("crosswalk", "GEOID_CD119_20|ZCTA\n0101|35004\n", "has no column GEOID_ZCTA5_20"),
        ("crosswalk", "CD119|GEOID_ZCTA5_20\n0101|35004\n", "has no column like GEOID_CD119_20"),
        ("crosswalk", "GEOID_CD119_20|GEOID_ZCTA5_20\n0101\n", "line 2 has 1 cells, not 2"),
        ("crosswalk", "GEOID_CD119_20|GEOID_ZCTA5_20\n9901|35004\n", "names an unknown district: '9901'"),
        ("crosswalk", "GEOID_CD119_20|GEOID_ZCTA5_20\n0101|3500\n", "not five digits: '3500'"),
        ("zip_places", "zip,state,lat,lon\n", "has no column kind"),
        ("zip_places", "", "has no column zip"),
        ("zip_places", "zip,kind,state,lat,lon\n82001,box,XX,1,1\n", "line 2 names an unknown state: 'XX'"),
        ("zip_places", "zip,kind,state,lat,lon\n82001,castle,WY,1,1\n", "line 2 has an unknown kind: 'castle'"),
        ("zip_places", "zip,kind,state,lat,lon\n82001,box,WY,north,1\n", "a point that is not two numbers"),
        ("zip_places", "zip,kind,state,lat,lon\n82001,box,WY,nan,1\n", "a point that is not on this earth"),
        ("zip_places", "zip,kind,state,lat,lon\n82001,box,WY,1,1\n82001,box,WY,1,1\n", "82001 for the second time"),
        ("zip_places", "zip,kind,state,lat,lon\n82001,box\n", "names an unknown state: ''"),
        ("zip_points", "zcta,lat\n", "has no column lon"),
        ("zip_points", 'zcta,lat,lon\n"82001,1,1\n', "is not CSV"),
    ],
)
def test_a_malformed_table_is_told_with_its_place(
    tmp_path: Path, out: Path, name: str, content: str, sentence: str
) -> None:
    inputs = files().write(tmp_path)
    (tmp_path / name).write_text(content)

    result = run(inputs, out)

    assert result.exit_code == 1
    assert sentence in result.stderr
    assert str(tmp_path / name) in result.stderr


def crosswalk_without_a_district(spoilt: Files) -> None:
    spoilt.crosswalk = [pair for pair in spoilt.crosswalk if pair[0] != "5001"]


def crosswalk_without_the_last_district(spoilt: Files) -> None:
    spoilt.crosswalk = [pair for pair in spoilt.crosswalk if pair[0] != "5002"]
    spoilt.members = [member for member in spoilt.members if member["id"] != {"bioguide": "H500002"}]


def party_of_whigs(spoilt: Files) -> None:
    spoilt.member("H560000")["terms"] = [
        {"type": "rep", "state": "WY", "district": 0, "party": "Whig", "start": "2025-01-03", "end": "2027-01-03"}
    ]


def nobody_in_a_term(spoilt: Files) -> None:
    spoilt.member("H560000")["terms"] = []


def district_held_twice(spoilt: Files) -> None:
    spoilt.members.append(representative("X000001", "WY", 0))


def bioguide_twice(spoilt: Files) -> None:
    spoilt.members.append(representative("H560000", "WY", 0))


def district_of_another_map(spoilt: Files) -> None:
    spoilt.members.append(representative("X000001", "VT", 3))


def third_senator(spoilt: Files) -> None:
    spoilt.members.append(senator("X000001", "WY", 3))


def senator_of_a_territory(spoilt: Files) -> None:
    spoilt.members.append(senator("X000001", "GU", 1))


def state_without_senators(spoilt: Files) -> None:
    for bioguide in ("S000491", "S000492"):
        spoilt.members.remove(spoilt.member(bioguide))


def seat_without_a_member(spoilt: Files) -> None:
    spoilt.members.remove(spoilt.member("H500001"))


def vacancy_that_is_filled(spoilt: Files) -> None:
    spoilt.corrections["vacant"] = [{"state": "VT", "district": 2}]


def vacancy_of_no_district(spoilt: Files) -> None:
    spoilt.corrections["vacant"] = [{"state": "VT", "district": 3}]


def unknown_person_removed(spoilt: Files) -> None:
    spoilt.corrections["remove"] = [{"bioguide": "Q000001"}]


def unknown_person_patched(spoilt: Files) -> None:
    spoilt.corrections["patch"] = [{"bioguide": "Q000001", "state": "WY", "district": 0, "url": "https://q.house.gov"}]


def patch_of_another_seat(spoilt: Files) -> None:
    spoilt.corrections["patch"] = [{"bioguide": "H560000", "state": "VT", "district": 1, "url": "https://q.house.gov"}]


def addition_that_the_members_have(spoilt: Files) -> None:
    spoilt.corrections["add"] = [{**ADDED, "bioguide": "H560000"}]


def addition_to_a_filled_seat(spoilt: Files) -> None:
    spoilt.corrections["add"] = [ADDED]


def addition_without_a_start(spoilt: Files) -> None:
    spoilt.corrections["add"] = [{key: value for key, value in ADDED.items() if key != "start"}]


def addition_with_an_odd_date(spoilt: Files) -> None:
    spoilt.corrections["add"] = [{**ADDED, "start": "last week"}]


def addition_in_no_chamber(spoilt: Files) -> None:
    spoilt.corrections["add"] = [{**ADDED, "chamber": "both"}]


def text_where_there_is_a_list(spoilt: Files) -> None:
    spoilt.corrections["add"] = [{**ADDED, "name": ["New", "Person"]}]


def no_district(spoilt: Files) -> None:
    spoilt.corrections["add"] = [{**ADDED, "district": "at large"}]


def crosswalk_additions_that_are_no_list(spoilt: Files) -> None:
    spoilt.corrections["crosswalk"] = {"add": "56000"}


def corrections_without_a_day(spoilt: Files) -> None:
    spoilt.corrections.clear()


def crosswalk_row_that_is_not_there(spoilt: Files) -> None:
    spoilt.corrections["crosswalk"] = {"remove": [["56000", "5001"]]}


def crosswalk_row_of_no_district(spoilt: Files) -> None:
    spoilt.corrections["crosswalk"] = {"add": [["56000", "5044"]]}


def crosswalk_rows_of_another_shape(spoilt: Files) -> None:
    spoilt.corrections["crosswalk"] = {"add": ["56000"]}


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (crosswalk_without_a_district, "The crosswalk's districts of VT have gaps: [2]"),
        (crosswalk_without_the_last_district, "The crosswalk has 440 districts, not 441"),
        (party_of_whigs, "(H560000) has an unknown party: 'Whig'"),
        (nobody_in_a_term, "(H560000) has no terms"),
        (district_held_twice, "Two people hold WY-AL: Robin MemberH560000 Jr. (H560000) and"),
        (bioguide_twice, "H560000 (Robin MemberH560000 Jr.) comes twice"),
        (district_of_another_map, "The crosswalk has no district VT-3"),
        (third_senator, "WY has 3 senators and 0 vacant seats"),
        (senator_of_a_territory, "names a state without such a seat: 'GU'"),
        (state_without_senators, "WY has no senator at all"),
        (seat_without_a_member, "Nobody holds VT-1, and the corrections do not call it vacant"),
        (vacancy_that_is_filled, "The corrections call VT-2 vacant, but Robin MemberH500002 Jr. (H500002) holds it"),
        (vacancy_of_no_district, "The crosswalk has no district VT-3"),
        (unknown_person_removed, "The corrections remove Q000001, who is not among the members"),
        (unknown_person_patched, "The corrections patch Q000001 of WY-AL, who does not sit there"),
        (patch_of_another_seat, "The corrections patch H560000 of VT-1, who does not sit there"),
        (addition_that_the_members_have, "H560000 (New Person Jr.) comes twice: is a correction no longer needed?"),
        (addition_to_a_filled_seat, "Two people hold WY-AL"),
        (addition_without_a_start, "“add”, entry 1 has no “start”"),
        (addition_with_an_odd_date, "has a “start” that is no date: 'last week'"),
        (addition_in_no_chamber, "has neither a House seat nor a Senate seat"),
        (text_where_there_is_a_list, "has a “name” that is no text"),
        (no_district, "has no whole number “district”"),
        (crosswalk_additions_that_are_no_list, "“add” is not a list"),
        (corrections_without_a_day, "has no “as_of”"),
        (crosswalk_row_that_is_not_there, "The corrections take VT-1 from 56000, but the crosswalk has no such row"),
        (crosswalk_row_of_no_district, "The corrections put 56000 into VT-44, which is no district"),
        (crosswalk_rows_of_another_shape, "holds something else than pairs"),
    ],
)
def test_input_that_contradicts_itself_is_refused(
    tmp_path: Path, out: Path, spoil: Callable[[Files], None], sentence: str
) -> None:
    spoilt = files()
    spoil(spoilt)

    result = run(spoilt.write(tmp_path), out)

    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert not out.exists()


def test_the_published_crosswalk_is_read_like_the_reduced_one(tmp_path: Path) -> None:
    inputs = files().write(tmp_path)
    header = (
        "\ufeffOID_CD119_20|GEOID_CD119_20|NAMELSAD_CD119_20|AREALAND_CD119_20|"
        "OID_ZCTA5_20|GEOID_ZCTA5_20|NAMELSAD_ZCTA5_20|AREALAND_PART|AREAWATER_PART"
    )
    lines = [f"1|{district}|District|9|2|{zcta}|ZCTA5 {zcta}|9|0" for district, zcta in files().crosswalk]
    noise = ["1|5600|District (at Large)|9||||9|0", "1|26ZZ|not defined|0|2|56000|ZCTA5 56000|0|9"]
    (tmp_path / "published").write_bytes("\r\n".join([header, *lines, *noise, ""]).encode())

    reduced = build(inputs, {})
    published = build(replace(inputs, crosswalk=tmp_path / "published"), {})

    assert published["zips.csv"] == reduced["zips.csv"]
    assert published["members.csv"] == reduced["members.csv"]


def test_zip_rows_carry_kind_state_districts_and_a_point(tmp_path: Path) -> None:
    given = files()
    given.crosswalk += [("5001", "56000"), ("0103", "01001"), ("0102", "01001")]

    built = build(given.write(tmp_path), {})

    text = built["zips.csv"].decode().splitlines()
    assert "56000,standard,WY,VT-1 WY-AL,42.1235,-107.5000" in text
    assert "05601,box,VT,,44.2600,-72.5800" in text
    assert "09901,military,AE,,," in text
    assert "01001,unlisted,,AL-1 AL-2 AL-3,," in text


def test_corrections_to_the_crosswalk_are_applied(tmp_path: Path) -> None:
    given = files()
    given.corrections["crosswalk"] = {"add": [["56000", "5001"]], "remove": [["56000", "5600"]]}
    given.crosswalk.append(("5600", "56001"))

    built = build(given.write(tmp_path), {})

    assert row(built, "zips.csv", "56000")["districts"] == "VT-1"


def test_a_member_who_left_makes_room_for_the_one_who_came(tmp_path: Path) -> None:
    given = files()
    given.corrections |= {"remove": [REMOVED], "add": [ADDED]}

    built = build(given.write(tmp_path), {})

    member = row(built, "members.csv", "WY-AL")
    assert (member["bioguide"], member["name"], member["last_name"]) == ("N000001", "New Person Jr.", "Person")
    assert rows(built, "offices.csv") == []


def test_a_vacant_seat_keeps_its_line(tmp_path: Path) -> None:
    given = files()
    given.corrections |= {"remove": [REMOVED], "vacant": [{"state": "WY", "district": 0}]}

    built = build(given.write(tmp_path), {})

    assert set(row(built, "members.csv", "WY-AL").values()) == {"WY-AL", ""}
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


def test_offices_keep_what_they_have(tmp_path: Path) -> None:
    built = build(files().write(tmp_path), {})

    assert built["offices.csv"].decode().splitlines()[1:] == [
        "H560000,Casper,WY,,,,,",
        'H560000,Cheyenne,WY,"1 Capitol Ave., 2002",82001,307-555-0100,41.1235,-104.8000',
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
        "H500001": "https://tricks.example.com/",
        "H500002": "https://ok.house.gov/contact",
        "Z999999": "https://nobody.house.gov/",
    }

    built = build(given.write(tmp_path), {})

    counts = json.loads(built["manifest.json"])["web_addresses"]["contact_form"]
    assert counts == {"dropped": 1, "mended": 1, "missing": 538, "taken": 1}
    assert row(built, "members.csv", "VT-1")["contact_form"] == ""


def test_people_are_joined_by_bioguide_not_by_name(tmp_path: Path, out: Path) -> None:
    given = files()
    given.member("H500001")["name"] = given.member("H560000")["name"]

    run(given.write(tmp_path), out)

    offices = {member.bioguide: len(member.offices) for member in load(out).members}
    assert (offices[Bioguide("H560000")], offices[Bioguide("H500001")]) == (2, 0)


def test_adjoining_states_adjoin_each_other() -> None:
    pairs = {(state, other) for state, others in ADJOINING.items() for other in others}

    assert pairs == {(other, state) for state, other in pairs}
    assert ADJOINING.keys() == STATES.keys()
