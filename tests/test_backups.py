"""Copies of the database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.backups import BackupFailed, make_backup, prune_backups

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


def test_none_is_older_than_seven_days(database: Path, tmp_path: Path) -> None:
    make_backup(database, tmp_path, NOW - timedelta(days=7, seconds=1))
    make_backup(database, tmp_path, NOW - timedelta(days=7))

    prune_backups(tmp_path, NOW)

    assert [path.name for path in tmp_path.glob("redress-*.db")] == ["redress-20261117T123015Z.db"]


def test_pruning_a_folder_that_does_not_exist_does_nothing(tmp_path: Path) -> None:
    prune_backups(tmp_path / "none", NOW)
    assert not (tmp_path / "none").exists()
