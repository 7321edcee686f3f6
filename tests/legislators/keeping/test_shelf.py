from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from app.legislators import TablesUnusable
from app.legislators.keeping.condition import Condition
from app.legislators.keeping.generations import (
    PointerUnreadable,
    keep,
    read_pointer,
    rollback,
)
from app.legislators.keeping.shelf import AGAIN, Shelf
from app.legislators.tables import COLUMNS, MANIFEST, SHIPPED
from tests.legislators.keeping.small_tables import point, table_files, written

NOW = datetime(2026, 11, 24, 17, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEXT_CONGRESS = datetime(2027, 1, 3, 12, tzinfo=timezone(timedelta(hours=-5)))


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    return written(tmp_path / "shipped", table_files(name="Shipped"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "legislators"


def holder(shelf: Shelf, on: datetime = NOW) -> str:
    """Who sits for Wyoming's House seat, which tells the tables apart."""
    return shelf.tables(on).members[2].name


def test_without_refreshed_tables_the_shipped_ones_are_in_force(shipped: Path, folder: Path) -> None:
    shelf = Shelf(shipped, folder)

    assert holder(shelf) == "Shipped"
    assert shelf.refreshed() == ()
    assert shelf.generation_of(shelf.tables(NOW)) is None
    assert shelf.tables(NOW) is shelf.shipped


def test_without_the_shipped_tables_there_is_no_shelf(tmp_path: Path, folder: Path) -> None:
    keep(folder, table_files(), NOW)

    with pytest.raises(TablesUnusable):
        Shelf(tmp_path / "nowhere", folder)


@pytest.mark.parametrize(
    ("as_of", "name"), [("2026-10-02", "Shipped"), ("2026-10-03", "Refreshed"), ("2026-10-04", "Refreshed")]
)
def test_of_one_congress_the_newest_tables_are_in_force(shipped: Path, folder: Path, as_of: str, name: str) -> None:
    keep(folder, table_files(as_of=as_of, name="Refreshed"), NOW)

    assert holder(Shelf(shipped, folder)) == name


def test_tables_of_the_next_congress_lie_ready_until_it_sits(shipped: Path, folder: Path) -> None:
    keep(folder, table_files(120, "2026-12-20", "Next"), NOW)
    shelf = Shelf(shipped, folder)

    assert holder(shelf, NEXT_CONGRESS - timedelta(microseconds=1)) == "Shipped"
    assert holder(shelf, NEXT_CONGRESS) == "Next"


def test_the_shelf_says_whether_it_is_ready_for_the_next_congress(shipped: Path, folder: Path) -> None:
    shelf = Shelf(shipped, folder)

    assert shelf.condition(NOW) is Condition.OK
    assert shelf.condition(NEXT_CONGRESS - DAY) is Condition.NEXT_CONGRESS_MISSING
    assert shelf.condition(NEXT_CONGRESS) is Condition.MEMBERS_MISSING
    keep(folder, table_files(120, "2026-12-20"), NOW)
    assert shelf.condition(NEXT_CONGRESS - DAY) is Condition.OK
    assert shelf.condition(NEXT_CONGRESS) is Condition.OK


def test_without_tables_of_the_congress_those_of_the_one_before_are_in_force(shipped: Path, folder: Path) -> None:
    keep(folder, table_files(119, "2026-12-31", "Newest of this"), NOW)
    keep(folder, table_files(118, "2027-01-02", "Long ago"), NOW)

    assert holder(Shelf(shipped, folder), NEXT_CONGRESS) == "Newest of this"


def test_the_congress_before_goes_before_the_next_one(tmp_path: Path, folder: Path) -> None:
    keep(folder, table_files(120, "2026-11-24", "Next"), NOW)
    shelf = Shelf(written(tmp_path / "shipped", table_files(118, "2024-12-01", "Last")), folder)

    assert holder(shelf) == "Last"


def test_without_those_either_the_newest_of_all_are_in_force(tmp_path: Path, folder: Path) -> None:
    keep(folder, table_files(117, "2027-01-02", "Longest ago"), NOW)
    shelf = Shelf(written(tmp_path / "shipped", table_files(118, "2024-01-01", "Long ago")), folder)

    assert holder(shelf, NEXT_CONGRESS + 3 * 365 * DAY) == "Long ago"
    assert holder(shelf, datetime(2001, 1, 1, tzinfo=UTC)) == "Long ago"


def test_what_is_kept_or_rolled_back_is_noticed_without_a_restart(shipped: Path, folder: Path) -> None:
    shelf = Shelf(shipped, folder)

    first = keep(folder, table_files(name="First"), NOW)
    assert holder(shelf) == "First"
    second = keep(folder, table_files(name="Second"), NOW)
    assert holder(shelf) == "Second"
    assert [generation.name for generation in shelf.refreshed()] == [second]
    assert shelf.generation_of(shelf.tables(NOW)) == second
    rollback(folder, NOW)
    assert holder(shelf) == "First"
    assert shelf.generation_of(shelf.tables(NOW)) == first


def test_unchanged_tables_are_the_very_same_and_read_only_once(shipped: Path, folder: Path) -> None:
    keep(folder, table_files(), NOW)
    shelf = Shelf(shipped, folder)
    tables = shelf.tables(NOW)

    assert shelf.tables(NOW) is tables
    keep(folder, table_files(120), NOW)  # of another Congress
    assert shelf.tables(NOW) is tables
    assert [generation.tables.congress for generation in shelf.refreshed()] == [119, 120]


OUTSIDE = "20260101T000000Z"
DAMAGED = [
    "",
    "{",
    "[]",
    "null",
    "{}",
    "[" * 100_000,
    b"\xff".decode("latin-1"),
    {"format": 2, "current": {}, "previous": {}},
    {"format": 1, "current": {}},
    {"format": 1, "current": [], "previous": {}},
    {"format": 1, "current": {"119": 7}, "previous": {}},
    {"format": 1, "current": {"119": f"../{OUTSIDE}"}, "previous": {}},
    {"format": 1, "current": {"119": ".."}, "previous": {}},
    {"format": 1, "current": {"119": f"{OUTSIDE}\n"}, "previous": {}},
    {"format": 1, "current": {"119": f"{OUTSIDE}/../../{OUTSIDE}"}, "previous": {}},
    {"format": 1, "current": {"../119": OUTSIDE}, "previous": {}},
    {"format": 1, "current": {}, "previous": {"119": f"../{OUTSIDE}"}},
    {"format": 1, "current": {"-1": OUTSIDE}, "previous": {}},
]


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_pointer_leads_nowhere(
    shipped: Path, folder: Path, content: object, caplog: pytest.LogCaptureFixture
) -> None:
    keep(folder, table_files(name="Refreshed"), NOW)
    written(folder.parent / OUTSIDE, table_files(as_of="2026-11-30", name="From outside"))
    running = Shelf(shipped, folder)
    point(folder, content)

    with pytest.raises(PointerUnreadable):
        read_pointer(folder)
    with pytest.raises(PointerUnreadable):
        rollback(folder, NOW)
    assert [holder(running) for _ in range(3)] == ["Refreshed"] * 3
    assert len(said(caplog)) == 1
    assert str(folder) not in said(caplog)[0]
    assert holder(Shelf(shipped, folder)) == "Shipped"
    assert len(said(caplog)) == 2


def test_a_damaged_pointer_is_told_of_once_for_each_change(
    shipped: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf(shipped, folder)

    for content in ("{", "[", "{"):
        point(folder, content)
        assert [holder(shelf) for _ in range(3)] == ["Shipped"] * 3

    assert said(caplog) == [
        "Refreshed tables cannot be read, the older ones stay in force: in-force.json (JSONDecodeError)"
    ] * 3  # fmt: skip
    keep(folder, table_files(name="Refreshed"), NOW)
    assert holder(shelf) == "Refreshed"


def test_a_pointer_that_vanishes_changes_nothing_in_memory(
    shipped: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keep(folder, table_files(name="Refreshed"), NOW)
    shelf = Shelf(shipped, folder)
    (folder / "in-force.json").unlink()

    assert [holder(shelf) for _ in range(3)] == ["Refreshed"] * 3
    assert len(said(caplog)) == 1


def test_a_pointer_that_cannot_even_be_looked_at_is_told_of(
    shipped: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.parent.mkdir()
    folder.write_text("a file in its place")

    shelf = Shelf(shipped, folder)

    assert [holder(shelf) for _ in range(3)] == ["Shipped"] * 3
    assert said(caplog) == [
        "Refreshed tables cannot be read, the older ones stay in force: in-force.json (NotADirectoryError)"
    ]


@pytest.mark.parametrize("damage", ["gone", "spoilt", "of another Congress"])
def test_a_generation_that_cannot_be_read_leaves_the_one_before_in_force(
    shipped: Path, folder: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    keep(folder, table_files(name="First"), NOW)
    running = Shelf(shipped, folder)
    other = keep(folder, table_files(120, name="Next"), NOW)
    second = keep(folder, table_files(name="Second"), NOW)
    shutil.rmtree(folder / second)
    if damage == "spoilt":
        written(folder / second, {**table_files(), "zips.csv": b"spoilt"})
    if damage == "of another Congress":
        written(folder / second, table_files(118))

    assert [holder(running) for _ in range(3)] == ["First"] * 3
    assert holder(running, NEXT_CONGRESS) == "Next"
    assert len(said(caplog)) == 1
    assert second in said(caplog)[0]

    starting = Shelf(shipped, folder)
    assert holder(starting) == "Shipped"
    assert [generation.name for generation in starting.refreshed()] == [other]
    assert len(said(caplog)) == 2


def test_who_asks_while_another_reads_gets_the_old_tables_at_once(shipped: Path, folder: Path) -> None:
    keep(folder, table_files(name="Old"), NOW)
    shelf = Shelf(shipped, folder)
    name = keep(folder, table_files(name="New"), NOW)
    slow = folder / name / "zips.csv"
    content = slow.read_bytes()
    slow.unlink()
    os.mkfifo(slow)
    reader = threading.Thread(target=shelf.tables, args=(NOW,))
    reader.start()

    with slow.open("wb") as pipe:  # opens when the reader has come to it
        assert holder(shelf) == "Old"
        pipe.write(content)
    reader.join(10)

    assert holder(shelf) == "New"


def test_many_threads_always_find_tables(shipped: Path, folder: Path) -> None:
    shelf = Shelf(shipped, folder)
    over = threading.Event()
    found: set[str] = set()

    def ask() -> None:
        try:
            while not over.is_set():
                found.add(holder(shelf))
        except Exception as error:
            found.add(repr(error))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for day in range(6):
        keep(folder, table_files(name="Refreshed"), NOW + day * DAY)
        rollback(folder, NOW + day * DAY)
    over.set()
    for thread in threads:
        thread.join(10)

    assert found == {"Shipped", "Refreshed"}


def test_the_real_tables_can_be_kept(folder: Path) -> None:
    files = {name: (SHIPPED / name).read_bytes() for name in (MANIFEST, *COLUMNS)}
    shelf = Shelf(SHIPPED, folder)

    name = keep(folder, files, NOW)

    tables = shelf.tables(NOW)
    assert shelf.generation_of(tables) == name
    assert tables == shelf.shipped


def test_what_could_not_be_read_for_a_moment_is_read_a_minute_later(shipped: Path, folder: Path) -> None:
    seconds = [1000.0]
    shelf = Shelf(shipped, folder, clock=lambda: seconds[0])
    name = keep(folder, table_files(name="Refreshed"), NOW)
    (folder / name / "zips.csv").rename(folder / "aside")
    assert holder(shelf) == "Shipped"
    (folder / "aside").rename(folder / name / "zips.csv")
    assert holder(shelf) == "Shipped"

    seconds[0] += AGAIN

    assert holder(shelf) == "Refreshed"


def written_by(program: dict[str, str], zips: str, *, congress: int = 119, map_congress: int = 119) -> dict[str, bytes]:
    """Tables whose ZIP code 82001 has a point of its own, made from files with these hashes."""
    files = table_files(congress=congress, name="Refreshed" if "corrections" not in program else "Shipped")
    content = files["zips.csv"].replace(b"41.1000", zips.encode())
    manifest = json.loads(files[MANIFEST])
    manifest["map_congress"] = map_congress
    manifest["tables"]["zips.csv"]["sha256"] = hashlib.sha256(content).hexdigest()
    manifest["sources"] = {name: {"sha256": value, "as_of": None} for name, value in program.items()}
    return {**files, "zips.csv": content, MANIFEST: json.dumps(manifest).encode()}


FILES = {"crosswalk": "a", "zip_points": "b", "zip_places": "c"}


def point_of(shelf: Shelf, on: datetime = NOW) -> tuple[str, float]:
    """Who sits for Wyoming, and where 82001 lies."""
    area = shelf.tables(on).zip_area("82001")
    assert area is not None
    assert area.point is not None
    return holder(shelf, on), area.point[0]


@pytest.mark.parametrize(
    ("refreshed_from", "latitude"),
    [(FILES, 42.0), ({**FILES, "crosswalk": "newer"}, 41.0), ({**FILES, "zip_places": "newer"}, 41.0)],
    ids=["the same files", "another crosswalk", "other postal codes"],
)
def test_what_an_upgrade_knows_of_zip_codes_is_not_kept_back_by_newer_members(
    tmp_path: Path, folder: Path, refreshed_from: dict[str, str], latitude: float
) -> None:
    shipped = written(tmp_path / "shipped", written_by({**FILES, "corrections": "d"}, "42.0000"))
    keep(folder, written_by(refreshed_from, "41.0000"), NOW)

    assert point_of(Shelf(shipped, folder)) == ("Refreshed", latitude)


def test_a_map_of_the_congress_that_comes_with_the_program_is_used_with_refreshed_members(
    tmp_path: Path, folder: Path
) -> None:
    newer = written_by({**FILES, "crosswalk": "newer", "corrections": "d"}, "42.0000", congress=120, map_congress=120)
    shipped = written(tmp_path / "shipped", newer)
    keep(folder, written_by(FILES, "41.0000", congress=120), NOW)
    shelf = Shelf(shipped, folder)

    assert point_of(shelf, NEXT_CONGRESS) == ("Refreshed", 42.0)
    assert shelf.tables(NEXT_CONGRESS).map_congress == 120


def test_a_map_of_the_next_congress_says_nothing_about_this_one(tmp_path: Path, folder: Path) -> None:
    newer = written_by({**FILES, "corrections": "d"}, "42.0000", congress=120, map_congress=120)
    shipped = written(tmp_path / "shipped", newer)
    keep(folder, written_by(FILES, "41.0000"), NOW)

    assert point_of(Shelf(shipped, folder)) == ("Refreshed", 41.0)
