from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from app.legislators import Seat, TablesUnusable
from app.legislators.keeping.changes import Change
from app.legislators.keeping.generations import (
    InForce,
    NothingToRollBack,
    NotKept,
    RefreshRunning,
    alone,
    keep,
    prune,
    read_pointer,
    read_report,
    rollback,
)
from app.legislators.keeping.shelf import Shelf
from app.legislators.tables import COLUMNS, MANIFEST, load
from config import ROOT
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


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def holder(shelf: Shelf, on: datetime = NOW) -> str:
    """Who sits for Wyoming's House seat, which tells the tables apart."""
    return shelf.tables(on).members[2].name


# Keeping


def test_kept_tables_are_in_force_under_the_name_of_their_moment(folder: Path) -> None:
    files = table_files()

    name = keep(folder, files, NOW.astimezone(timezone(timedelta(hours=9))))

    assert name == "20261124T170000Z"
    assert {path.name: path.read_bytes() for path in (folder / name).iterdir()} == files
    assert json.loads((folder / "in-force.json").read_text()) == {"format": 1, "current": {"119": name}, "previous": {}}
    assert names(folder) == [name, "in-force.json", "reports"]


def test_a_second_generation_of_the_same_second_has_a_number(folder: Path) -> None:
    assert [keep(folder, table_files(), NOW) for _ in range(3)] == [
        "20261124T170000Z",
        "20261124T170000Z-2",
        "20261124T170000Z-3",
    ]
    assert read_pointer(folder) == InForce({119: "20261124T170000Z-3"}, {119: "20261124T170000Z-2"})


def test_the_next_congress_lies_beside_this_one(folder: Path) -> None:
    this = keep(folder, table_files(119), NOW)
    following = keep(folder, table_files(120), NOW + DAY)

    assert read_pointer(folder) == InForce({119: this, 120: following}, {119: this})


def test_tables_that_do_not_load_are_not_kept(folder: Path) -> None:
    name = keep(folder, table_files(), NOW)

    with pytest.raises(TablesUnusable):
        keep(folder, {**table_files(), "zips.csv": b"spoilt"}, NOW + DAY)

    assert read_pointer(folder).current == {119: name}
    assert names(folder) == [name, "in-force.json", "reports"]


def test_damage_that_loading_does_not_look_for_is_refused_too(folder: Path) -> None:
    files = table_files()
    offices = files["offices.csv"].replace(b"WY,,,,,,,", b"WY,,,,,,north,west")
    manifest = files[MANIFEST].replace(
        hashlib.sha256(files["offices.csv"]).hexdigest().encode(), hashlib.sha256(offices).hexdigest().encode()
    )

    with pytest.raises(TablesUnusable):
        keep(folder, {**files, "offices.csv": offices, MANIFEST: manifest}, NOW)

    assert not (folder / "in-force.json").exists()


@pytest.mark.parametrize("name", ["../escape.csv", "notes.txt"])
def test_a_folder_of_tables_holds_nothing_else(folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match="a folder of tables holds"):
        keep(folder, {**table_files(), name: b""}, NOW)


def test_what_the_disk_does_not_take_leaves_the_old_tables_in_force(folder: Path) -> None:
    name = keep(folder, table_files(), NOW)
    shutil.rmtree(folder / "reports")
    (folder / "reports").write_text("in the way")

    with pytest.raises(NotKept, match=r"^The new tables could not be stored in .* \(file exists\)\.$"):
        keep(folder, table_files(), NOW + DAY)

    assert read_pointer(folder).current == {119: name}


def test_a_damaged_pointer_is_written_anew(folder: Path) -> None:
    point(folder, "{")

    name = keep(folder, table_files(), NOW)

    assert read_pointer(folder) == InForce({119: name}, {})


def test_only_what_is_named_stays_and_for_an_hour_what_was(folder: Path) -> None:
    first, second, third = (keep(folder, table_files(), NOW + days * DAY) for days in (0, 1, 2))
    (folder / "my own notes").mkdir()
    assert {first, second, third} < set(names(folder))  # the first may be read still

    prune(folder, NOW + 2 * DAY + HOUR - timedelta(seconds=1))
    assert first in names(folder)

    prune(folder, NOW + 2 * DAY + HOUR)
    assert names(folder) == [second, third, "in-force.json", "my own notes", "reports"]
    assert names(folder / "reports") == [f"{second}.json", f"{third}.json"]


def test_keeping_deletes_what_was_named_long_ago(folder: Path) -> None:
    kept = [keep(folder, table_files(), NOW + days * DAY) for days in range(5)]

    assert names(folder) == [*kept[2:], "in-force.json", "reports"]


def test_nothing_is_deleted_while_the_pointer_cannot_be_read(folder: Path) -> None:
    name = keep(folder, table_files(), NOW)
    point(folder, "")

    prune(folder, NOW + 9 * DAY)

    assert name in names(folder)


def test_what_was_never_put_in_force_goes_an_hour_after_it_was_made(folder: Path) -> None:
    first = keep(folder, table_files(), NOW)
    pointer = (folder / "in-force.json").read_bytes()
    second = keep(folder, table_files(), NOW + DAY)
    (folder / "in-force.json").write_bytes(pointer)  # as if it had been killed before

    prune(folder, NOW + DAY + HOUR - timedelta(seconds=1))
    assert second in names(folder)

    prune(folder, NOW + DAY + HOUR)
    assert names(folder) == [first, "in-force.json", "reports"]
    assert names(folder / "reports") == [f"{first}.json"]


def test_the_pointer_moves_when_all_else_is_on_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, rename, replace_ = os.fsync, os.rename, os.replace

    def synced(handle: int) -> None:
        done.append(f"sync {Path(os.readlink(f'/proc/self/fd/{handle}')).relative_to(folder.parent)}")
        fsync(handle)

    def renamed(old: Path, new: Path) -> None:
        done.append(f"to {new.relative_to(folder.parent)}")
        (rename if old.is_dir() else replace_)(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    monkeypatch.setattr(os, "replace", renamed)

    name = keep(folder, table_files(), NOW)

    assert done == [
        *(f"sync legislators/.growing-{name}/{file}" for file in (*COLUMNS, MANIFEST)),
        f"sync legislators/.growing-{name}",
        f"to legislators/{name}",
        "sync legislators",
        f"sync legislators/reports/.growing-{name}.json",
        f"to legislators/reports/{name}.json",
        "sync legislators/reports",
        "sync legislators/.growing-in-force.json",
        "to legislators/in-force.json",
        "sync legislators",
    ]


# Being killed

KILLED_AT_EVERY_STEP = """
import os, resource, shutil, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from app.legislators.keeping.generations import keep

base = Path(sys.argv[1])
files = {path.name: path.read_bytes() for path in (base / "new").iterdir()}
real_fsync = os.fsync

def until_killed(folder, step):
    def count(event, arguments):
        nonlocal step
        if event == "open" or event.startswith(("os.", "shutil.")):
            step -= 1
            if step == 0 and event == "open" and "w" in (arguments[1] or ""):  # in the midst of its content
                resource.setrlimit(resource.RLIMIT_FSIZE, (5, resource.RLIM_INFINITY))
            elif step == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def fsync(handle):  # the one of these calls that is no event of its own
        count("os.fsync", ())
        real_fsync(handle)

    os.fsync = fsync
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.addaudithook(count)
    keep(folder, files, datetime.fromisoformat(sys.argv[2]))
    os._exit(0)

step, status = 0, 1
while status:
    step += 1
    shutil.copytree(base / "start", base / "steps" / str(step))
    child = os.fork()
    if not child:
        until_killed(base / "steps" / str(step), step)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL, signal.SIGXFSZ), status
"""


def test_whoever_is_killed_in_the_midst_leaves_tables_in_force_and_nobody_in_the_way(
    tmp_path: Path, shipped: Path
) -> None:
    keep(tmp_path / "start", table_files(name="First"), NOW - 9 * DAY)
    keep(tmp_path / "start", table_files(name="Older"), NOW - 2 * DAY)
    keep(tmp_path / "start", table_files(name="Old"), NOW)  # so that there is something to delete as well
    written(tmp_path / "new", table_files(name="New"))

    moment = NOW + HOUR
    subprocess.run(
        [sys.executable, "-c", KILLED_AT_EVERY_STEP, str(tmp_path), moment.isoformat()], cwd=ROOT, check=True
    )

    in_force: list[str] = []
    for step in sorted((tmp_path / "steps").iterdir(), key=lambda path: int(path.name)):
        for name in read_pointer(step).names:
            load(step / name)
        in_force.append(holder(Shelf(shipped, step)))

        following = keep(step, table_files(name="Following"), moment)

        assert holder(Shelf(shipped, step)) == "Following"
        assert following in names(step)
        assert not list(step.rglob(".*"))
    olds = in_force.count("Old")
    assert in_force == ["Old"] * olds + ["New"] * (len(in_force) - olds)
    assert olds > 15
    assert len(in_force) - olds > 3


def test_two_refreshes_never_run_at_once(folder: Path) -> None:
    with alone(folder), pytest.raises(RefreshRunning), alone(folder):
        pytest.fail("two were alone")
    with alone(folder):
        pass


def test_a_refresh_that_was_killed_keeps_nobody_out(folder: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from app.legislators.keeping.generations import alone\n"
        "with alone(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(RefreshRunning), alone(folder):
            pytest.fail("two were alone")
        other.send_signal(signal.SIGKILL)
        other.wait()

    with alone(folder):
        pass


def test_a_folder_that_takes_no_files_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(NotKept), alone(tmp_path / "file"):
        pytest.fail("there is no folder")


# Rolling back


def test_rolling_back_changes_to_what_was_before_and_back_again(folder: Path) -> None:
    old, new = keep(folder, table_files(), NOW), keep(folder, table_files(), NOW + DAY)

    assert rollback(folder, NOW + DAY) == InForce({119: old}, {119: new})
    assert read_pointer(folder) == InForce({119: old}, {119: new})
    assert rollback(folder, NOW + DAY) == InForce({119: new}, {119: old})


def test_before_the_first_refresh_there_were_the_shipped_tables(folder: Path, shipped: Path) -> None:
    name = keep(folder, table_files(as_of="2026-11-24", name="Refreshed"), NOW)
    shelf = Shelf(shipped, folder)
    assert holder(shelf) == "Refreshed"

    assert rollback(folder, NOW) == InForce({}, {119: name})

    assert holder(shelf) == "Shipped"


def test_without_a_refresh_there_is_nothing_to_roll_back(folder: Path) -> None:
    with alone(folder), pytest.raises(NothingToRollBack):
        rollback(folder, NOW)


def test_tables_that_no_longer_load_are_not_rolled_back_to(folder: Path) -> None:
    old, new = keep(folder, table_files(), NOW), keep(folder, table_files(), NOW + DAY)
    (folder / old / "zips.csv").unlink()

    with pytest.raises(TablesUnusable):
        rollback(folder, NOW + DAY)

    assert read_pointer(folder).current == {119: new}


# What a generation changed


def test_the_report_of_a_generation_is_kept_with_it(folder: Path) -> None:
    changes = (
        Change(Seat("SC-S2"), "SC senator: Darline Graham since 2026-07-14.", holder=True),
        Change(None, "ZIP codes: 1 new."),
    )

    name = keep(folder, table_files(), NOW, changes)

    assert read_report(folder, name) == changes
    assert json.loads((folder / "reports" / f"{name}.json").read_text()) == [
        {"seat": "SC-S2", "sentence": "SC senator: Darline Graham since 2026-07-14.", "holder": True},
        {"seat": None, "sentence": "ZIP codes: 1 new.", "holder": False},
    ]


@pytest.mark.parametrize("content", ["", "{", "7", "[7]", '[{"seat": 7, "sentence": ""}]', '[{"seat": null}]'])
def test_a_report_that_makes_no_sense_is_none(folder: Path, content: str) -> None:
    name = keep(folder, table_files(), NOW)
    (folder / "reports" / f"{name}.json").write_text(content)

    assert read_report(folder, name) == ()


@pytest.mark.parametrize("name", ["20261124T170000Z", "../../secret"])
def test_there_is_no_report_of_what_is_no_generation(folder: Path, name: str) -> None:
    folder.mkdir(parents=True)
    (folder.parent / "secret.json").write_text('[{"seat": null, "sentence": "secret"}]')
    (folder / "reports").mkdir()

    assert read_report(folder, name) == ()
