"""Copies of the database file: made with SQLite's own backup, so that each is whole while others write."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

KEPT = 3
KEPT_FOR = timedelta(days=7)
_NAME = re.compile(r"redress-(\d{8}T\d{6}Z)\.db")
_TIME = "%Y%m%dT%H%M%SZ"


class BackupFailed(Exception):
    """There is no new backup; the reason is in words, without a full stop."""


def make_backup(database: Path, folder: Path, now: datetime) -> Path:
    """Copy `database` into `folder` as redress-YYYYMMDDTHHMMSSZ.db, readable by its owner only; raises BackupFailed.

    What is there under that name is whole: the copy grows under another one and is renamed when it is on the disk.
    """
    target = folder / f"redress-{now.astimezone(UTC):{_TIME}}.db"
    growing = folder / ".redress-growing.db"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        growing.unlink(missing_ok=True)
        os.close(os.open(growing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _copy(database, growing)
        growing.replace(target)
    except sqlite3.Error as error:
        raise BackupFailed(str(error)) from error
    except OSError as error:
        raise BackupFailed(os.strerror(error.errno or 0).lower()) from error
    return target


def prune_backups(folder: Path, now: datetime) -> None:
    """Delete backups that are older than KEPT_FOR, and all but the newest KEPT. Files of other names stay."""
    backups = sorted((path for path in folder.glob("redress-*.db") if _NAME.fullmatch(path.name)), reverse=True)
    for position, path in enumerate(backups):
        if position >= KEPT or now - _made_at(path) > KEPT_FOR:
            path.unlink(missing_ok=True)


def _made_at(path: Path) -> datetime:
    return datetime.strptime(path.name, f"redress-{_TIME}.db").replace(tzinfo=UTC)


def _copy(database: Path, growing: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as source,
        contextlib.closing(sqlite3.connect(growing)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a -wal beside it
    with growing.open("rb") as file:
        os.fsync(file.fileno())
