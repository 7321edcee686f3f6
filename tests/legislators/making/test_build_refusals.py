"""What `flask legislators build` refuses: each time with one sentence, and the old tables as they were."""

from __future__ import annotations

import bz2
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from app.legislators.making.origins import SOURCES
from tests.legislators.making.factories import ADDED, Files, JsonObject, files, refusal, representative, run, senator


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "data"


@pytest.mark.parametrize("name", SOURCES)
def test_a_missing_file_is_one_sentence_on_stderr(tmp_path: Path, out: Path, name: str) -> None:
    inputs = files().write(tmp_path)
    (tmp_path / name).unlink()

    result = run(inputs, out)

    assert result.exit_code == 1
    assert result.stderr == f"Error: {tmp_path / name} cannot be read: No such file or directory.\n"
    assert not out.exists()


JSON_FILES = ("members", "offices", "contact_forms", "corrections", "map")
TABLES = ("crosswalk", "zip_points", "zip_places")


def emptied(content: bytes) -> bytes:
    return b""


def cut_short(content: bytes) -> bytes:
    return content[: len(content) * 6 // 10 - 3]


def cut_short_by_a_byte(content: bytes) -> bytes:
    return content[:-1]


def of_html(content: bytes) -> bytes:
    return b"<!DOCTYPE html>\n<title>Moved</title>\n"


def in_another_code(content: bytes) -> bytes:
    return content.decode().encode("utf-16")


def as_csv(content: bytes) -> bytes:
    return b"name,state\nRobin,WY\n"


def nested_too_deep(content: bytes) -> bytes:
    return b"[" * 200_000 + b"]" * 200_000


def as_a_number(content: bytes) -> bytes:
    return b"7"


def as_other_things(content: bytes) -> bytes:
    return b'[{"id": 3}, 4]'


def as_json(content: bytes) -> bytes:
    return b'{"zip": "56000"}\n'


def too_large(content: bytes) -> bytes:
    return content + b" " * 64_000_001


def too_large_when_unpacked(content: bytes) -> bytes:
    return bz2.compress(b" " * 64_000_001)


def broken_when_packed(content: bytes) -> bytes:
    return bz2.compress(content)[:-20]


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        *((name, spoil) for name in SOURCES for spoil in (emptied, cut_short, of_html)),
        *((name, spoil) for name in (*JSON_FILES, *TABLES) for spoil in (in_another_code,) if name != "map"),
        *((name, spoil) for name in JSON_FILES for spoil in (as_csv, nested_too_deep, as_a_number, as_other_things)),
        *((name, cut_short_by_a_byte) for name in SOURCES),
        *((name, as_json) for name in TABLES),
        *((name, too_large) for name in ("members", "crosswalk")),
        *(
            (name, spoil)
            for name in ("zip_places", "members")
            for spoil in (too_large_when_unpacked, broken_when_packed)
        ),
    ],
)
def test_a_broken_file_is_one_sentence_and_leaves_the_old_tables(
    tmp_path: Path, out: Path, name: str, spoil: Callable[[bytes], bytes]
) -> None:
    inputs = files().write(tmp_path)
    out.mkdir(parents=True)
    (out / "members.csv").write_text("the old tables")
    path = tmp_path / name
    path.write_bytes(spoil(path.read_bytes()))

    result = run(inputs, out)

    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith(f"Error: {path}")
    assert result.stderr.count("\n") == 1
    assert [(file.name, file.read_text()) for file in out.iterdir()] == [("members.csv", "the old tables")]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("offices", "-104.8", "NaN"),
        ("offices", "41.123456", "-Infinity"),
        ("offices", "41.123456", "1e999"),
        ("map", "-119.0", "NaN"),
        ("map", "-119.0", "1e999"),
        ("map", "-119.0", "-1190.0"),
        ("map", "[-119.0, 10.0]", "7"),
        ("map", '"Polygon"', '"LineString"'),
        ("map", "0101", "01011"),
        ("map", "0101", "0102"),
        ("zip_points", "10.5", "nan"),
        ("zip_points", "10.5", "inf"),
        ("zip_places", "10.5", "nan"),
        ("zip_places", "10.5", "-inf"),
    ],
)
def test_a_value_that_cannot_be_is_told_with_its_file(tmp_path: Path, out: Path, name: str, old: str, new: str) -> None:
    inputs = files().write(tmp_path)
    path = tmp_path / name
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new, 1))

    result = run(inputs, out)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {path}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("crosswalk", "GEOID_CD119_20|ZCTA\n0101|35004\n", "has no column GEOID_ZCTA5_20"),
        ("crosswalk", "CD119|GEOID_ZCTA5_20\n0101|35004\n", "has no column like GEOID_CD119_20"),
        ("crosswalk", "GEOID_CD119_20|GEOID_ZCTA5_20\n0101\n", "line 2 has 1 cells, not 2"),
        ("crosswalk", "GEOID_CD119_20|GEOID_ZCTA5_20\n9901|35004\n", "names an unknown district: '9901'"),
        ("crosswalk", "GEOID_CD119_20|GEOID_ZCTA5_20\n0101|3500\n", "not five digits: '3500'"),
        ("crosswalk", "GEOID_CD119_20|GEOID_ZCTA5_20\n0101|35004", "ends in the middle of a line"),
        ("zip_places", "zip,state,lat,lon\n", "has no column kind"),
        ("zip_places", "", "has no column zip"),
        ("zip_places", "zip,kind,state,lat,lon\n82001,box,XX,1,1\n", "line 2 names an unknown state: 'XX'"),
        ("zip_places", "zip,kind,state,lat,lon\n82001,castle,WY,1,1\n", "line 2 has an unknown kind: 'castle'"),
        ("zip_places", "zip,kind,state,lat,lon\n82001,box,WY,north,1\n", "a point that is not two numbers"),
        ("zip_places", "zip,kind,state,lat,lon\n82001,box,WY,91,1\n", "a point that is not on this earth"),
        ("zip_places", "zip,kind,state,lat,lon\n82001,box,WY,1,1\n82001,box,WY,1,1\n", "82001 for the second time"),
        ("zip_places", "zip,kind,state,lat,lon\n82001,box\n", "a point that is not two numbers"),
        ("zip_places", '[{"zip_code": "82001", "zip_code_type": "CASTLE"}]', "entry 1 has an unknown kind: 'CASTLE'"),
        ("zip_places", '[{"zip": "82001"}]', "entry 1 has no “zip_code”"),
        ("zip_points", "zcta,lat\n", "has no column lon"),
        ("zip_points", "GEOID\tALAND\n", "has no column INTPTLAT"),
        ("zip_points", 'zcta,lat,lon\n"82001,1,1\n', "is not CSV"),
        ("zip_points", "zcta,lat,lon\n82001,0,0\n", "has no point for 82001"),
        ("zip_points", "zcta,lat,lon\n82001,1,1\n82001,1,1\n", "82001 for the second time"),
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


def office_twice(spoilt: Files) -> None:
    spoilt.offices *= 2


def nobody_at_all(spoilt: Files) -> None:
    spoilt.members.clear()


def members_of_the_congress_before(spoilt: Files) -> None:
    for member in spoilt.members:
        for term in cast("list[JsonObject]", member["terms"]):
            if term["type"] == "rep":
                term["start"] = "2023-01-03"


def members_of_the_congress_after_the_next(spoilt: Files) -> None:
    for member in spoilt.members:
        for term in cast("list[JsonObject]", member["terms"]):
            term["start"] = "2029-01-03"


def form_elsewhere(spoilt: Files) -> None:
    spoilt.contact_forms["H500001"] = "https://a.house.gov.example.com/contact"


def form_with_a_port(spoilt: Files) -> None:
    spoilt.contact_forms["H500001"] = "https://a.house.gov:8443/contact"


def form_that_is_a_script(spoilt: Files) -> None:
    spoilt.contact_forms["H500001"] = "javascript:alert(1)//a.house.gov"


def page_elsewhere(spoilt: Files) -> None:
    change = {"bioguide": "H560000", "state": "WY", "district": 0, "url": "https://example.com"}
    spoilt.corrections["patch"] = [change]


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
        (nobody_at_all, "There is nobody among the members"),
        (
            members_of_the_congress_before,
            "The members are those of Congress 118, and the crosswalk is that of Congress 119",
        ),
        (members_of_the_congress_after_the_next, "The members are those of Congress 121, and the crosswalk is that of"),
        (office_twice, "“offices”, entry 1 (H560000) comes for the second time: H560000-cheyenne"),
        (
            form_elsewhere,
            "(H500001) has a contact_form at a.house.gov.example.com, which is neither house.gov nor senate",
        ),
        (
            form_with_a_port,
            "has a contact_form that is no plain https address of an office: 'https://a.house.gov:8443/",
        ),
        (form_that_is_a_script, "has a contact_form that is no plain https address of an office: 'javascript:alert(1)"),
        (page_elsewhere, "Robin MemberH560000 Jr. (H560000) has a url at example.com, which is neither house.gov nor"),
        (district_held_twice, "Two people hold WY-AL: Robin MemberH560000 Jr. (H560000) and"),
        (bioguide_twice, "H560000 (Robin MemberH560000 Jr.) comes twice among the members"),
        (district_of_another_map, "There is no seat VT-3"),
        (third_senator, "There is no seat WY-S3"),
        (senator_of_a_territory, "names a state without such a seat: 'GU'"),
        (state_without_senators, "Nobody holds WY-S1, WY-S2, and the corrections do not call that vacant"),
        (seat_without_a_member, "Nobody holds VT-1, and the corrections do not call that vacant"),
        (
            vacancy_that_is_filled,
            "The corrections call VT-2 vacant, but Robin MemberH500002 Jr. (H500002) holds it: if",
        ),
        (vacancy_of_no_district, "The corrections call VT-3 vacant, but there is no such seat"),
        (unknown_person_removed, "The corrections remove Q000001, who is not among the members: if"),
        (unknown_person_patched, "The corrections patch Q000001 of WY-AL, who does not sit there: if"),
        (patch_of_another_seat, "The corrections patch H560000 of VT-1, who does not sit there: if"),
        (addition_that_the_members_have, "The corrections add H560000 (New Person Jr.), who is there already: if"),
        (addition_to_a_filled_seat, "put New Person Jr. into WY-AL, which Robin MemberH560000 Jr. (H560000) holds: if"),
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
    tmp_path: Path, spoil: Callable[[Files], None], sentence: str
) -> None:
    spoilt = files()
    spoil(spoilt)

    assert sentence in refusal(spoilt, tmp_path)


@pytest.mark.parametrize(
    "spoil",
    [
        unknown_person_removed,
        unknown_person_patched,
        vacancy_that_is_filled,
        addition_that_the_members_have,
        addition_to_a_filled_seat,
        seat_without_a_member,
    ],
)
def test_a_correction_that_does_not_fit_is_told_with_what_to_do(tmp_path: Path, spoil: Callable[[Files], None]) -> None:
    spoilt = files()
    spoil(spoilt)

    assert refusal(spoilt, tmp_path).endswith(
        "if the members are newer than the corrections, say of when they are with --as-of members DATE."
    )
