from __future__ import annotations

import hashlib
import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from app.addresses import State
from app.legislators import DivisionId, NoDataForDay, TablesUnusable
from app.legislators.tables import COLUMNS, SHIPPED, Tables, ZipArea, ZipKind, load


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load(SHIPPED)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "data"))


def test_the_shipped_tables_load(tables: Tables) -> None:
    assert tables.congress == 119
    assert tables.as_of == date(2026, 10, 3)
    assert tables.map_congress == 119
    assert len(tables.members) == 539
    assert [vacancy.seat for vacancy in tables.vacancies] == ["FL-20", "TX-23"]
    assert sum(len(districts) for districts in tables.districts.values()) == 441


def test_every_zip_code_of_the_crosswalk_and_of_the_post_is_there(tables: Tables) -> None:
    areas = [tables.zip_area(code) for code in tables.zip_codes()]

    assert len(areas) == 41_752
    assert sum(1 for area in areas if area and area.districts) == 33_791
    assert sum(1 for area in areas if area and area.kind is ZipKind.UNLISTED) == 3


def test_every_line_of_the_zip_table_makes_sense(tables: Tables) -> None:
    divisions = {division for districts in tables.districts.values() for division in districts}

    for code in tables.zip_codes():
        area = tables.zip_area(code)
        assert area is not None
        assert len(code) == 5
        assert divisions.issuperset(area.districts)
        assert area.point or not area.districts
        if area.point:
            assert -15 < area.point[0] < 72
            assert -180 < area.point[1] < 180


def test_a_zip_area_says_all_there_is(tables: Tables) -> None:
    assert tables.zip_area("42223") == ZipArea(
        kind=ZipKind.STANDARD,
        postal_state="KY",
        districts=(
            DivisionId("ocd-division/country:us/state:ky/cd:1"),
            DivisionId("ocd-division/country:us/state:tn/cd:7"),
        ),
        guess=None,
        point=(36.6394, -87.4733),
        states=(State("KY"), State("TN")),
    )


def test_a_zip_code_that_nobody_uses_is_not_there(tables: Tables) -> None:
    assert tables.zip_area("00000") is None
    assert tables.zip_area("") is None


def test_states_of_a_prefix_are_those_that_use_it(tables: Tables) -> None:
    assert tables.states_of_prefix("941") == ("CA",)
    assert tables.states_of_prefix("000") == ()
    assert tables.states_of_prefix("969") == ("GU", "MP")


def test_the_corrected_rows_are_there(tables: Tables) -> None:
    for code in ("57255", "57430", "57638", "57641", "57642", "57645", "57648", "57660", "57717"):
        area = tables.zip_area(code)
        assert area is not None
        assert "ocd-division/country:us/state:sd/cd:at-large" in area.districts
    nevada, utah = tables.zip_area("89421"), tables.zip_area("84034")
    assert nevada is not None
    assert utah is not None
    assert "ocd-division/country:us/state:or/cd:2" in nevada.districts
    assert set(utah.districts) == {
        "ocd-division/country:us/state:nv/cd:2",
        "ocd-division/country:us/state:ut/cd:2",
    }


NOON = datetime(2027, 1, 3, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "congress"),
    [
        (datetime(2025, 1, 3, 17, tzinfo=UTC), 119),
        (datetime(2026, 11, 24, tzinfo=UTC), 119),
        (NOON - timedelta(seconds=1), 119),
        (NOON, 120),
        (datetime(2028, 12, 31, tzinfo=UTC), 120),
    ],
)
def test_moments_of_their_congress_and_of_the_next_are_answered(
    tables: Tables, moment: datetime, congress: int
) -> None:
    assert tables.congress_on(moment) == congress


@pytest.mark.parametrize(
    "moment", [datetime(2025, 1, 3, 16, 59, tzinfo=UTC), NOON.replace(year=2029), datetime(2040, 1, 1, tzinfo=UTC)]
)
def test_moments_of_another_congress_are_refused(tables: Tables, moment: datetime) -> None:
    with pytest.raises(NoDataForDay, match="Congress 119"):
        tables.congress_on(moment)


def test_a_zip_code_is_read_once(tables: Tables) -> None:
    assert tables.zip_area("94612") is tables.zip_area("94612")


@pytest.mark.parametrize("name", ["manifest.json", *COLUMNS])
def test_a_missing_file_makes_the_tables_unusable(copy: Path, name: str) -> None:
    (copy / name).unlink()

    with pytest.raises(TablesUnusable, match=rf"{name} cannot be read .*git checkout"):
        load(copy)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1}', '{"format": 2}', "\0"])
def test_a_manifest_that_is_none_makes_the_tables_unusable(copy: Path, content: str) -> None:
    (copy / "manifest.json").write_text(content)

    with pytest.raises(TablesUnusable, match=r"manifest\.json is"):
        load(copy)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_lost_row_makes_the_tables_unusable(copy: Path, name: str) -> None:
    lines = (copy / name).read_text().splitlines(keepends=True)
    (copy / name).write_text("".join(lines[:-1]))

    with pytest.raises(TablesUnusable, match="rows, its manifest says"):
        load(copy)


@pytest.mark.parametrize("name", COLUMNS)
def test_another_column_makes_the_tables_unusable(copy: Path, name: str) -> None:
    (copy / name).write_text("favourite_colour," + (copy / name).read_text())

    with pytest.raises(TablesUnusable, match="has other columns than"):
        load(copy)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_changed_byte_makes_the_tables_unusable(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[-2] ^= 1
    (copy / name).write_bytes(content)

    with pytest.raises(TablesUnusable, match="another sha256"):
        load(copy)


def test_a_value_that_makes_no_sense_makes_the_tables_unusable(copy: Path) -> None:
    content = (copy / "members.csv").read_bytes().replace(b"2021-01-03", b"2021-13-03")
    (copy / "members.csv").write_bytes(content)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["tables"]["members.csv"]["sha256"] = hashlib.sha256(content).hexdigest()
    (copy / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(TablesUnusable, match="holds a value that makes no sense"):
        load(copy)


def test_the_manifest_says_where_everything_comes_from() -> None:
    manifest = json.loads((SHIPPED / "manifest.json").read_text())

    for table in manifest["tables"].values():
        assert manifest["sources"].keys() >= set(table["sources"])
    for source in manifest["sources"].values():
        assert source["addresses"]
        assert all(address.startswith("https://") for address in source["addresses"])
        assert source["licence"]
        assert len(source["sha256"]) == 64
