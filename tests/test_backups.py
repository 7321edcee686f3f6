"""Copies of the database."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.backups import BackupFailed, is_fresh, keep_as_it_stands, log_of, make_backup, prune_backups

NOW = datetime(2026, 11, 24, 12, 30, 15, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "redress.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES ('kept')")
        connection.commit()
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_copies_all_rows_into_one_private_file_named_by_the_time(database: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("INSERT INTO t VALUES ('in the -wal file only')")
        writer.commit()

        copy = make_backup(database, tmp_path / "backups", NOW)

    assert names(tmp_path / "backups") == ["redress-20261124T123015Z.db"]
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT x FROM t").fetchall() == [("kept",), ("in the -wal file only",)]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_an_interrupted_backup_left_is_in_nobodys_way(database: Path, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / ".redress-growing.db").write_bytes(b"half")

    make_backup(database, tmp_path / "backups", NOW)

    assert names(tmp_path / "backups") == ["redress-20261124T123015Z.db"]


@pytest.mark.parametrize("content", [None, b"this is a shopping list" * 100])
def test_without_a_readable_database_there_is_no_backup(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "redress.db").write_bytes(content)

    with pytest.raises(BackupFailed):
        make_backup(tmp_path / "redress.db", tmp_path / "backups", NOW)

    assert list((tmp_path / "backups").glob("redress-*")) == []


def test_the_newest_three_stay_and_other_files_are_left_alone(database: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    for hours in range(5):
        make_backup(database, folder, NOW + timedelta(hours=hours))
    (folder / "redress-before-the-move.db").write_bytes(b"a person's own")

    prune_backups(folder, NOW + timedelta(hours=5))

    assert names(folder) == [
        "redress-20261124T143015Z.db",
        "redress-20261124T153015Z.db",
        "redress-20261124T163015Z.db",
        "redress-before-the-move.db",
    ]


def test_those_from_before_a_migration_or_a_restore_are_not_pushed_out_by_others(
    database: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    make_backup(database, folder, NOW, "migration")
    make_backup(database, folder, NOW + timedelta(seconds=1), "restore")
    for hours in range(1, 6):
        make_backup(database, folder, NOW + timedelta(hours=hours))

    prune_backups(folder, NOW + timedelta(days=7))
    assert names(folder) == [
        "redress-20261124T123015Z-before-migration.db",
        "redress-20261124T123016Z-before-restore.db",
        "redress-20261124T153015Z.db",
        "redress-20261124T163015Z.db",
        "redress-20261124T173015Z.db",
    ]

    prune_backups(folder, NOW + timedelta(days=7, seconds=1))
    assert [name for name in names(folder) if "before" in name] == ["redress-20261124T123016Z-before-restore.db"]


def test_copies_of_a_clock_that_was_ahead_push_out_no_others_and_go_after_a_week(
    database: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    true = [make_backup(database, folder, NOW - timedelta(days=days)).name for days in (3, 2, 1)]
    for days in (399, 400, 401, 402):
        make_backup(database, folder, NOW + timedelta(days=days))
    make_backup(database, folder, NOW + timedelta(days=400), "migration")
    log_of(folder / "redress-20271229T123015Z.db").write_bytes(b"its log")

    prune_backups(folder, NOW)

    brought = [f"redress-20261124T1230{second}Z-of-a-wrong-clock.db" for second in (12, 13, 14, 15)]
    expected = [*true, *brought, "redress-20261124T123015Z-before-migration.db"]
    assert sorted(name for name in names(folder) if not name.endswith("-wal")) == sorted(expected)
    assert [name.partition(".")[0] for name in names(folder) if name.endswith("-wal")] == [brought[1].partition(".")[0]]

    prune_backups(folder, NOW + timedelta(days=7, seconds=1))
    assert names(folder) == []


def test_a_copy_from_before_the_clock_was_set_back_a_little_stays_what_it_is(database: Path, tmp_path: Path) -> None:
    copy = make_backup(database, tmp_path / "backups", NOW + timedelta(minutes=59))

    prune_backups(tmp_path / "backups", NOW)

    assert copy.exists()


def test_a_copy_of_what_could_not_be_read_goes_with_its_log(database: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    log_of(database).write_bytes(b"its log")
    keep_as_it_stands(database, folder, NOW)
    assert len(names(folder)) == 2

    prune_backups(folder, NOW + timedelta(days=8))

    assert names(folder) == []


@pytest.mark.parametrize(
    "name",
    [
        "redress-20261124T123015Z-before-lunch.db",
        "redress-20261124T123015Z-before-restore.db.old",
        "redress-20269999T999999Z.db",
        "redress-20261124T123015Z-before-restore-2.db",
    ],
)
def test_files_of_other_names_are_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"a person's own")

    prune_backups(tmp_path, NOW + timedelta(days=400))

    assert names(tmp_path) == [name]


def test_a_migration_that_is_tried_again_and_again_is_copied_once(database: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    first = make_backup(database, folder, NOW, "migration")
    assert make_backup(database, folder, NOW + timedelta(seconds=5), "migration") == first
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("INSERT INTO t VALUES ('later')")
        connection.commit()

    assert make_backup(database, folder, NOW + timedelta(seconds=10), "migration") != first
    assert len(names(folder)) == 2


def test_what_a_killed_copy_left_goes_after_a_day(tmp_path: Path) -> None:
    growing = tmp_path / ".redress-growing.db"
    growing.write_bytes(b"half")
    made = NOW - timedelta(hours=25)
    os.utime(growing, (made.timestamp(), made.timestamp()))

    prune_backups(tmp_path, NOW)

    assert names(tmp_path) == []


def test_a_copy_is_fresh_for_an_hour(database: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    assert not is_fresh(folder, NOW)
    make_backup(database, folder, NOW)

    assert is_fresh(folder, NOW + timedelta(minutes=59))
    assert not is_fresh(folder, NOW + timedelta(minutes=60))
    assert not is_fresh(folder, NOW - timedelta(seconds=1))  # the clock was set back


def test_none_is_older_than_seven_days(database: Path, tmp_path: Path) -> None:
    make_backup(database, tmp_path, NOW - timedelta(days=7, seconds=1))
    make_backup(database, tmp_path, NOW - timedelta(days=7))

    prune_backups(tmp_path, NOW)

    assert [path.name for path in tmp_path.glob("redress-*.db")] == ["redress-20261117T123015Z.db"]


def test_pruning_a_folder_that_does_not_exist_does_nothing(tmp_path: Path) -> None:
    prune_backups(tmp_path / "none", NOW)
    assert not (tmp_path / "none").exists()
