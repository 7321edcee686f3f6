from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.legislators import Seat, TablesUnusable
from app.legislators.making.build import build, parts_from
from app.legislators.making.origins import SourceRecord
from app.legislators.making.parts import files_of, parts_of
from app.legislators.making.seating import check_members
from app.legislators.making.sources import InputUnusable
from app.legislators.making.writing import write
from app.legislators.tables import SHIPPED
from tests.legislators.making.factories import ADDED, REMOVED, Files, files


def given() -> Files:
    """The made-up country with a newcomer, a vacant seat, a corrected ZIP area and texts that a CSV has to quote."""
    country = files()
    vacant = {"state": "VT", "district": 2, "phone": "202-225-0000"}
    country.corrections |= {
        "remove": [REMOVED, {"bioguide": "H500002"}],
        "add": [{**ADDED, "name": 'New "Newt" Person, Jr.', "fax": "202-225-0001"}],
        "vacant": [vacant],
        "crosswalk": {"add": [["56000", "5001"], ["50001", "5600"]], "remove": [["56100", "5600"]]},
    }
    country.crosswalk.append(("5002", "56100"))
    country.zip_points["56100"] = (46.5, -99.5)
    country.zip_places["50999"] = ("box", "VT", (46.5, -100.5))
    country.offices[0]["id"] = {"bioguide": "H500001"}
    return country


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Tables of a source that was fetched from its server."""
    (tmp_path / "in").mkdir()
    parts = parts_from(given().write(tmp_path / "in"), {"members": "2026-06"})
    fetched = SourceRecord(("https://example.org/x",), None, "CC0-1.0", "0" * 64, "2026-11-01T08:00:00+00:00", '"abc"')
    out = tmp_path / "tables"
    write(files_of(replace(parts, sources={**parts.sources, "members": fetched})), out)
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_tables_read_back_and_written_again_are_the_same_bytes(folder: Path) -> None:
    assert files_of(parts_of(folder)) == contents(folder)


def test_the_tables_of_the_project_read_back_and_written_again_are_the_same_bytes() -> None:
    assert files_of(parts_of(SHIPPED)) == contents(SHIPPED)


def test_tables_read_back_say_what_they_were_made_of(tmp_path: Path) -> None:
    made = parts_from(given().write(tmp_path), {})
    write(files_of(made), tmp_path / "tables")

    read = parts_of(tmp_path / "tables")

    assert read.persons == made.persons
    assert read.vacant == made.vacant == {"VT-2": "202-225-0000"}
    assert read.crosswalk_corrections == made.crosswalk_corrections
    assert read.sources == made.sources
    assert read.districts == made.districts
    assert len(read.districts) == 441
    assert (read.congress, read.map_congress, read.as_of) == (made.congress, made.map_congress, made.as_of)
    assert {row.code: (row.districts, row.guess) for row in read.zips} == {
        row.code: (row.districts, row.guess) for row in made.zips
    }


def test_members_read_back_pass_the_guards_without_any_other_file(folder: Path) -> None:
    parts = parts_of(folder)

    check_members(parts.persons, parts.districts)
    with pytest.raises(InputUnusable, match="424 House seats are filled, not 425 to 441"):
        check_members(
            [person for person in parts.persons if person.seat[:2] not in ("AL", "AZ")]
            + [
                person
                for person in parts.persons
                if person.seat[:4] in ("AL-S", "AZ-S") or person.seat in ("AL-1", "AZ-1")
            ],
            parts.districts,
        )


def test_what_a_server_said_of_a_source_stays_in_the_manifest(folder: Path) -> None:
    record = json.loads((folder / "manifest.json").read_text())["sources"]["members"]

    assert record == {
        "addresses": ["https://example.org/x"],
        "as_of": None,
        "licence": "CC0-1.0",
        "sha256": "0" * 64,
        "retrieved": "2026-11-01T08:00:00+00:00",
        "etag": '"abc"',
    }


def test_a_seat_that_falls_vacant_takes_its_line(folder: Path) -> None:
    parts = parts_of(folder)
    seat = Seat("AL-1")

    emptied = files_of(
        replace(
            parts,
            persons=tuple(person for person in parts.persons if person.seat != seat),
            vacant={**parts.vacant, seat: "202-225-1111"},
        )
    )

    line = next(line for line in emptied["members.csv"].decode().splitlines() if line.startswith("AL-1,"))
    assert line == "AL-1,,,,,,,,202-225-1111,,,,,,,,,,,"
    assert json.loads(emptied["manifest.json"])["seats"] == {"filled": 539, "vacant": ["AL-1", "VT-2"]}


def test_the_same_input_gives_the_same_bytes_as_the_builder(tmp_path: Path) -> None:
    inputs = given().write(tmp_path)

    assert files_of(parts_from(inputs, {})) == build(inputs, {})


@pytest.mark.parametrize("key", ["crosswalk_corrections", "web_addresses", "sources", "points_in_no_district"])
def test_a_manifest_that_lacks_something_is_told(folder: Path, key: str) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest[key]
    (folder / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(TablesUnusable, match=f"{key}.*git checkout"):
        parts_of(folder)


def test_a_kind_that_does_not_exist_is_told(folder: Path) -> None:
    changed = (folder / "zips.csv").read_bytes().replace(b"50999,box", b"50999,tub")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["tables"]["zips.csv"]["sha256"] = hashlib.sha256(changed).hexdigest()
    (folder / "zips.csv").write_bytes(changed)
    (folder / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(TablesUnusable, match="'tub' is not a valid ZipKind"):
        parts_of(folder)
