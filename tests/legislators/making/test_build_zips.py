"""The rows of ZIP codes: their order, their guesses, and the published files they are read from."""

from __future__ import annotations

import bz2
import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.addresses import State
from app.legislators import Seat
from app.legislators.making.build import Inputs, build
from app.legislators.making.corrections import CrosswalkRows
from app.legislators.making.sources import read_source
from app.legislators.making.zip_rows import ZipRow, zip_rows
from app.legislators.making.zip_sources import Crosswalk, Place, read_crosswalk, read_zip_places, read_zip_points
from app.legislators.tables import ZipKind
from tests.legislators.making.factories import Files, files, middle, row

VT, WY, AL = State("VT"), State("WY"), State("AL")
WATER = (47.5, -100.5)


def districts(given: Files, folder: Path, code: str) -> str:
    return row(build(given.write(folder), {}), "zips.csv", code)["districts"]


def test_zip_rows_carry_kind_state_districts_and_a_point(tmp_path: Path) -> None:
    given = files()
    given.zip_points["56000"] = (50.123456, -104.5)
    del given.zip_places["01001"]
    given.zip_places["56999"] = ("box", "WY", (0.0, 0.0))

    text = build(given.write(tmp_path), {})["zips.csv"].decode().splitlines()

    assert text[0] == "zip,kind,state,districts,guess,lat,lon"
    assert "56000,standard,WY,WY-AL,,50.1235,-104.5000" in text
    assert "05601,box,VT,,VT-2,46.5000,-99.5000" in text
    assert "09901,military,AE,,,," in text
    assert "56999,box,WY,,,," in text
    assert "01001,unlisted,,AL-1,,10.5000,-119.5000" in text


def test_the_district_of_the_post_office_comes_first(tmp_path: Path) -> None:
    given = files()
    given.add_area("50900", (VT, 1), (VT, 2), (WY, 0))
    given.zip_places["50900"] = ("standard", "VT", middle("WY", 0))

    assert districts(given, tmp_path, "50900") == "WY-AL VT-1 VT-2"


@pytest.mark.parametrize("post_office", [(0.0, 0.0), WATER, middle("AL", 9)], ids=["unknown", "in water", "elsewhere"])
def test_where_the_post_office_says_nothing_the_point_inside_the_area_does(
    tmp_path: Path, post_office: tuple[float, float]
) -> None:
    given = files()
    given.add_area("50900", (VT, 2), (VT, 1), (WY, 0))
    given.zip_places["50900"] = ("standard", "VT", post_office)

    assert districts(given, tmp_path, "50900") == "VT-2 VT-1 WY-AL"


def test_where_no_point_says_anything_the_order_is_that_of_the_numbers(tmp_path: Path) -> None:
    given = files()
    given.add_area("01900", (AL, 9), (AL, 1), (VT, 1), (AL, 2))
    given.zip_places["01900"] = ("standard", "AL", WATER)
    given.zip_points["01900"] = WATER

    assert districts(given, tmp_path, "01900") == "AL-1 AL-2 AL-9 VT-1"


@pytest.mark.parametrize(
    ("place", "guess"),
    [
        (("box", "VT", middle("VT", 1)), "VT-1"),
        (("single", "VT", middle("VT", 2)), "VT-2"),
        (("standard", "VT", middle("AL", 9)), ""),  # in another state than its own
        (("box", "VT", WATER), ""),
        (("box", "VT", (0.0, 0.0)), ""),
        (("military", "AE", middle("VT", 1)), ""),
        (("standard", "PW", middle("VT", 1)), ""),
    ],
)
def test_a_code_without_an_area_has_a_guess_in_its_own_state(
    tmp_path: Path, place: tuple[str, str, tuple[float, float]], guess: str
) -> None:
    given = files()
    given.zip_places["50999"] = place

    built = row(build(given.write(tmp_path), {}), "zips.csv", "50999")

    assert (built["districts"], built["guess"]) == ("", guess)


def test_a_code_with_an_area_has_no_guess(tmp_path: Path) -> None:
    assert row(build(files().write(tmp_path), {}), "zips.csv", "50001")["guess"] == ""


def test_corrections_to_the_crosswalk_are_applied(tmp_path: Path) -> None:
    given = files()
    given.corrections["crosswalk"] = {"add": [["56000", "5001"]], "remove": [["56000", "5600"]]}
    given.zip_points["56000"] = middle("VT", 1)

    assert districts(given, tmp_path, "56000") == "VT-1"


CROSSWALK = Crosswalk(119, frozenset(("50900", Seat(seat)) for seat in ("VT-1", "VT-2")) | {("50001", Seat("VT-1"))})
BOX = Place(ZipKind.BOX, "VT", (46.5, -99.5))


def previous(*districts: str, guess: str | None = None) -> dict[str, ZipRow]:
    """The rows of an older table: of a split area and of a box without one."""
    seats = tuple(Seat(seat) for seat in districts)
    return {
        "50900": ZipRow("50900", ZipKind.STANDARD, "VT", seats, None, None),
        "05601": ZipRow("05601", ZipKind.BOX, "VT", (), Seat(guess) if guess else None, None),
    }


def built_without_a_map(before: dict[str, ZipRow] | None) -> dict[str, ZipRow]:
    return {row.code: row for row in zip_rows(CROSSWALK, CrosswalkRows(), {}, {"05601": BOX}, None, before)}


def test_without_a_map_order_and_guess_are_those_of_the_table_before() -> None:
    built = built_without_a_map(previous("VT-2", "VT-1", guess="VT-2"))

    assert built["50900"].districts == ("VT-2", "VT-1")
    assert built["05601"].guess == "VT-2"


def test_what_no_longer_fits_in_the_table_before_is_forgotten() -> None:
    built = built_without_a_map(previous("VT-3", "VT-2", guess="VT-3"))

    assert built["50900"].districts == ("VT-1", "VT-2")
    assert built["05601"].guess is None


def test_without_a_map_and_a_table_before_the_order_is_that_of_the_numbers() -> None:
    built = built_without_a_map(None)

    assert built["50900"].districts == ("VT-1", "VT-2")
    assert built["05601"].guess is None


# The published originals, in their own shapes.


def test_the_published_crosswalk_is_read_like_the_reduced_one(tmp_path: Path) -> None:
    inputs = files().write(tmp_path)
    header = (
        "OID_CD119_20|GEOID_CD119_20|NAMELSAD_CD119_20|AREALAND_CD119_20|"
        "OID_ZCTA5_20|GEOID_ZCTA5_20|NAMELSAD_ZCTA5_20|AREALAND_PART|AREAWATER_PART"
    )
    lines = [f"1|{district}|District|9|2|{zcta}|ZCTA5 {zcta}|9|0" for district, zcta in files().crosswalk]
    noise = ["1|5600|District (at Large)|9||||9|0", "1|26ZZ|not defined|0|2|56000|ZCTA5 56000|0|9", lines[0]]
    (tmp_path / "published").write_text("\n".join([header, *lines, *noise, ""]))

    assert read_crosswalk(read_source(tmp_path / "published")) == read_crosswalk(read_source(inputs.crosswalk))


def test_the_published_gazetteer_is_read_like_the_reduced_points(tmp_path: Path) -> None:
    inputs = files().write(tmp_path)
    header = "GEOID\tALAND\tAWATER\tALAND_SQMI\tAWATER_SQMI\tINTPTLAT\tINTPTLONG" + " " * 30
    lines = [f"{zcta}\t9\t1\t9.1\t0.1\t{lat}\t{lon}" + " " * 12 for zcta, (lat, lon) in files().zip_points.items()]
    (tmp_path / "published").write_text("\n".join([header, *lines, ""]))

    assert read_zip_points(read_source(tmp_path / "published")) == read_zip_points(read_source(inputs.zip_points))


KINDS = {"standard": "STANDARD", "box": "PO BOX", "single": "UNIQUE", "military": "MILITARY"}


def published_places(given: Files) -> bytes:
    """In the shape of the `zips.json` of the package zipcodes."""
    entries: list[dict[str, object]] = [
        {
            "zip_code": code,
            "zip_code_type": KINDS[kind],
            "active": True,
            "city": "Town",
            "acceptable_cities": [],
            "state": state,
            "lat": str(lat) if lat else "0",
            "long": lon,
        }
        for code, (kind, state, (lat, lon)) in given.zip_places.items()
    ]
    gone = {"zip_code": "82999", "zip_code_type": "UNIQUE", "active": False, "state": "WY", "lat": "1.0", "long": "1.0"}
    return json.dumps([*entries, gone]).encode()


def test_the_list_of_the_package_zipcodes_is_read_like_the_reduced_one(tmp_path: Path) -> None:
    given = files()
    given.zip_places["56999"] = ("single", "WY", (41.0, -104.0))
    inputs = given.write(tmp_path)
    (tmp_path / "zips.json").write_bytes(published_places(given))
    (tmp_path / "zips.json.bz2").write_bytes(bz2.compress(published_places(given)))

    reduced = read_zip_places(read_source(inputs.zip_places))

    assert read_zip_places(read_source(tmp_path / "zips.json")) == reduced
    assert read_zip_places(read_source(tmp_path / "zips.json.bz2")) == reduced
    assert reduced["56999"] == Place(ZipKind.SINGLE, "WY", (41.0, -104.0))


def test_the_published_originals_together_build_the_same_tables(tmp_path: Path) -> None:
    inputs = files().write(tmp_path)
    reduced = build(inputs, {})
    (tmp_path / "zips.json.bz2").write_bytes(bz2.compress(published_places(files())))

    published = build(replace(inputs, zip_places=tmp_path / "zips.json.bz2"), {})

    assert published["zips.csv"] == reduced["zips.csv"]


def in_windows_dress(inputs: Inputs, name: str) -> None:
    path: Path = getattr(inputs, name)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))


@pytest.mark.parametrize("shape", ["reduced", "published"])
def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path: Path, shape: str) -> None:
    inputs = files().write(tmp_path)
    if shape == "published":
        lines = [f"{zcta}\t{lat}\t{lon}  " for zcta, (lat, lon) in files().zip_points.items()]
        inputs.zip_points.write_text("\n".join(["GEOID\tINTPTLAT\tINTPTLONG   ", *lines, ""]))
        inputs.zip_places.write_bytes(published_places(files()))
    plain = build(inputs, {})

    for name in Inputs.__slots__:
        in_windows_dress(inputs, name)
    dressed = build(inputs, {})

    assert {name: dressed[name] for name in dressed if name.endswith("csv")} == {
        name: plain[name] for name in plain if name.endswith("csv")
    }
