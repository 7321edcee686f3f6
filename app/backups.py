"""Copies of the database file: made with SQLite's own backup, so that each is whole while others write."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

KEPT = 3
KEPT_FOR = timedelta(days=7)
UNFINISHED = ".unfinished-"
"""How the name of a file begins that a backup is making."""
RESTORING = ".restoring"
"""The folder, beside the database, in which a restore gets everything ready."""

_LONGEST = timedelta(days=1)
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
        copy_database(database, growing)
        growing.replace(target)
    except sqlite3.Error as error:
        raise BackupFailed(str(error)) from error
    except OSError as error:
        raise BackupFailed(os.strerror(error.errno or 0).lower()) from error
    finally:
        growing.unlink(missing_ok=True)
    return target


def keep(database: Path, folder: Path, now: datetime) -> Path:
    """`make_backup`, in whatever state the database is: what SQLite cannot read is copied as it stands, with its log.

    It goes with the backups after some days: a forgotten copy would keep personal data for ever.
    """
    try:
        return make_backup(database, folder, now)
    except BackupFailed as error:
        if not (isinstance(error.__cause__, sqlite3.Error) and is_damage(error.__cause__)):
            raise
    target = folder / f"redress-{now.astimezone(UTC):{_TIME}}.db"
    try:
        for path, copy in ((database, target), (log_of(database), log_of(target))):
            if path.exists():
                shutil.copyfile(path, _private(copy))
                sync(copy)
    except OSError as error:
        raise BackupFailed(os.strerror(error.errno or 0).lower()) from error
    return target


def is_damage(error: sqlite3.Error) -> bool:
    """Whether it is the file that is at fault, not the disk's room, a lock or a permission."""
    return error.sqlite_errorname.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def prune_backups(folder: Path, now: datetime) -> None:
    """Delete backups that are older than KEPT_FOR, and all but the newest KEPT. Files of other names stay.

    Deletes too what a backup or a restore left that was killed. Who calls this holds the lock of `bin/run`, or the
    worker's: none of the two is at work then.
    """
    backups = sorted((path for path in folder.glob("redress-*.db") if _NAME.fullmatch(path.name)), reverse=True)
    for position, path in enumerate(backups):
        if position >= KEPT or now - _made_at(path) > KEPT_FOR:
            path.unlink(missing_ok=True)
            log_of(path).unlink(missing_ok=True)
    sweep(folder, now)
    shutil.rmtree(folder.with_name(RESTORING), ignore_errors=True)


def sweep(folder: Path, now: datetime) -> None:
    """Delete what was being made in `folder` a day ago: whoever made it is gone, and it may hold personal data."""
    for path in folder.glob(f"{UNFINISHED}*"):
        with contextlib.suppress(FileNotFoundError):  # another sweep was quicker
            if now - datetime.fromtimestamp(path.lstat().st_mtime, UTC) > _LONGEST:
                path.unlink()


def copy_database(database: Path, copy: Path) -> None:
    """Copy a database that others may be writing to. The copy is one file, private, new, and on the disk.

    Raises sqlite3.Error, OSError.
    """
    _private(copy)
    with (
        contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as source,
        contextlib.closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")  # one file, without a -wal beside it
    sync(copy)


def log_of(database: Path) -> Path:
    """SQLite's write-ahead log of a database."""
    return database.with_name(f"{database.name}-wal")


def sync(path: Path) -> None:
    """Return when a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _private(path: Path) -> Path:
    """A new, empty file for its owner alone."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return path


def _made_at(path: Path) -> datetime:
    return datetime.strptime(path.name, f"redress-{_TIME}.db").replace(tzinfo=UTC)
