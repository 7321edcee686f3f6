"""What the builder counts and compares before it believes its files: each guard passes, and refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.addresses import State
from app.legislators.making.build import build
from app.legislators.making.origins import SOURCES
from config import ROOT
from tests.legislators.making.factories import FIPS, Files, files, geoid, middle, refusal, row, square, zcta

VT = State("VT")
LINE = -100.0
"""The longitude of the line between VT-1 and VT-2, whose squares stand beside each other."""


def manifest(built: dict[str, bytes]) -> dict[str, object]:
    read: dict[str, object] = json.loads(built["manifest.json"])
    return read


def test_a_point_in_another_district_names_the_zip_area(tmp_path: Path) -> None:
    spoilt = files()
    spoilt.zip_points["50001"] = middle("VT", 2)

    assert refusal(spoilt, tmp_path).startswith("The crosswalk or the map is wrong about 50001: a point inside the ZIP")


def test_a_row_in_the_corrections_silences_it(tmp_path: Path) -> None:
    given = files()
    given.zip_points["50001"] = middle("VT", 2)
    given.corrections["crosswalk"] = {"add": [["50001", "5002"]]}

    built = build(given.write(tmp_path), {})

    assert row(built, "zips.csv", "50001")["districts"] == "VT-1 VT-2"
    assert manifest(built)["crosswalk_corrections"] == {"add": [["50001", "VT-2"]], "remove": []}


def test_fifteen_zip_areas_are_named_and_the_rest_is_counted(tmp_path: Path) -> None:
    spoilt = files()
    for number in range(1, 10):
        for state in ("AL", "AZ"):
            spoilt.zip_points[zcta(State(state), number)] = middle("VT", 2)

    named = " ".join([*(f"0100{n}" for n in range(1, 10)), *(f"0400{n}" for n in range(1, 7))])
    assert f"is wrong about {named} and 3 more: a point" in refusal(spoilt, tmp_path)


def test_a_point_within_the_grain_of_the_map_is_near_enough(tmp_path: Path) -> None:
    given = files()
    given.zip_points["50001"] = (46.5, LINE + 0.005)  # 0.4 km at that latitude

    assert row(build(given.write(tmp_path), {}), "zips.csv", "50001")["districts"] == "VT-1"


def test_a_point_beyond_the_grain_of_the_map_is_not(tmp_path: Path) -> None:
    spoilt = files()
    spoilt.zip_points["50001"] = (46.5, LINE + 0.008)  # 0.6 km

    assert "wrong about 50001:" in refusal(spoilt, tmp_path)


def test_a_point_in_the_water_is_counted_and_not_judged(tmp_path: Path) -> None:
    given = files()
    given.zip_points["50001"] = (47.5, -100.5)

    built = build(given.write(tmp_path), {})

    assert manifest(built)["points_in_no_district"] == 1
    assert row(built, "zips.csv", "50001")["lat"] == "47.5000"


def test_a_zip_area_that_the_crosswalk_has_lost_is_named(tmp_path: Path) -> None:
    spoilt = files()
    spoilt.crosswalk.remove(("5001", "50101"))

    assert "wrong about 50101:" in refusal(spoilt, tmp_path)


def test_a_map_without_a_district_is_refused(tmp_path: Path) -> None:
    spoilt = files()
    del spoilt.map[geoid(VT, 2)]

    assert refusal(spoilt, tmp_path) == "The map lacks VT-2, unlike the crosswalk: are both of one Congress?"


def test_a_map_of_another_congress_is_refused(tmp_path: Path) -> None:
    spoilt = files()
    spoilt.map["5003"] = square((80.0, 0.0))
    del spoilt.map["0109"]

    assert refusal(spoilt, tmp_path).startswith("The map lacks AL-9 and has besides VT-3, unlike the crosswalk")


def test_a_district_of_water_on_the_map_is_nothing(tmp_path: Path) -> None:
    given = files()
    given.map["26ZZ"] = square((80.0, 0.0))

    assert manifest(build(given.write(tmp_path), {}))["points_in_no_district"] == 0


def areas_in_two_districts(given: Files, number: int) -> None:
    """That many more, all within one state."""
    for n in range(number):
        given.add_area(f"509{n:02}", (VT, 1), (VT, 2))


def test_too_few_zip_areas_in_several_districts_are_refused(tmp_path: Path) -> None:
    spoilt = files()
    split = {zcta(state, 301) for state in FIPS}
    spoilt.crosswalk = [pair for pair in spoilt.crosswalk if pair[1] not in split or pair[0].endswith("01")]

    assert refusal(spoilt, tmp_path).startswith("11.8% of the ZIP areas lie in several districts, not 15% to 20%:")


@pytest.mark.parametrize("number", [1, 35])
def test_a_share_of_split_zip_areas_near_the_bounds_passes(tmp_path: Path, number: int) -> None:
    given = files()
    areas_in_two_districts(given, number)

    assert manifest(build(given.write(tmp_path), {}))["congress"] == 119


def test_too_many_zip_areas_in_several_districts_are_refused(tmp_path: Path) -> None:
    spoilt = files()
    areas_in_two_districts(spoilt, 36)

    assert refusal(spoilt, tmp_path).startswith("20.0% of the ZIP areas lie in several districts, not 15% to 20%:")


def without_crossings(number: int) -> Files:
    """The made-up country with that many of its 112 ZIP areas of two states in one only."""
    spoilt = files()
    lost = [zcta(state, 201) for state in list(FIPS)[:number]]
    for code in lost:
        spoilt.crosswalk.remove(next(pair for pair in reversed(spoilt.crosswalk) if pair[1] == code))
    return spoilt


def test_a_crosswalk_with_few_zip_areas_across_state_lines_is_refused(tmp_path: Path) -> None:
    assert refusal(without_crossings(3), tmp_path).startswith("109 ZIP areas cross a state line, not 110 or more:")


def test_a_crosswalk_with_enough_zip_areas_across_state_lines_passes(tmp_path: Path) -> None:
    assert "zips.csv" in build(without_crossings(2).write(tmp_path), {})


def test_many_zip_areas_without_a_point_are_a_file_that_is_not_whole(tmp_path: Path) -> None:
    spoilt = files()
    for code in list(spoilt.zip_points)[:10]:
        del spoilt.zip_points[code]

    assert refusal(spoilt, tmp_path) == "10 of the crosswalk's 947 ZIP areas have no point: is the file whole?"


def test_many_zip_areas_on_no_list_of_postal_codes_are_a_file_that_is_not_whole(tmp_path: Path) -> None:
    spoilt = files()
    for code in list(spoilt.zip_points)[:10]:
        del spoilt.zip_places[code]

    assert "10 of the crosswalk's 947 ZIP areas are on no list of postal codes" in refusal(spoilt, tmp_path)


def test_a_few_zip_areas_without_either_are_none_of_its_business(tmp_path: Path) -> None:
    given = files()
    for code in list(given.zip_points)[:9]:
        del given.zip_points[code]
        del given.zip_places[code]

    assert row(build(given.write(tmp_path), {}), "zips.csv", "01001")["kind"] == "unlisted"


def test_building_without_its_packages_says_how_to_get_them(tmp_path: Path) -> None:
    inputs = files().write(tmp_path)
    options = [f"--{name.replace('_', '-')}={getattr(inputs, name)}" for name in SOURCES]
    program = "import sys; sys.modules['shapely'] = None; from app.cli.legislators import legislators; legislators()"

    result = subprocess.run(
        [sys.executable, "-c", program, "build", *options, f"--out={tmp_path / 'out'}"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )

    assert result.returncode == 1
    assert result.stderr == (
        "Error: Building needs packages that a site does not (shapely is missing): "
        "install them with `.venv/bin/pip install --require-hashes -r requirements-build.txt`.\n"
    )


def test_a_site_does_not_load_what_only_the_builder_needs() -> None:
    program = (
        "import sys, app, app.legislators.making.build; print({'shapely', 'shapefile', 'numpy'} & sys.modules.keys())"
    )

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)

    assert result.stdout == "set()\n"
