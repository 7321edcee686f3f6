"""Copies of the database file: made with SQLite's own backup, so that each is whole while others write."""

from __future__ import annotations

import contextlib
import filecmp
import os
import re
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

KEPT = 3
KEPT_FOR = timedelta(days=7)
FRESH = timedelta(hours=1)
UNFINISHED = ".unfinished-"
"""How the name of a file begins that a backup is making."""
RESTORING = ".restoring"
"""The folder, beside the database, in which a restore gets everything ready."""

Before = Literal["migration", "restore"]
"""What a copy was made for that can be wanted back days later."""

_LONGEST = timedelta(days=1)
_NAME = re.compile(r"redress-(\d{8}T\d{6}Z)(?:-before-(migration|restore)|-(of-a-wrong-clock))?\.db")
_OF_A_WRONG_CLOCK = "-of-a-wrong-clock"
_STEP = timedelta(hours=1)
"""A copy so far ahead is of a clock that was wrong; less can be of one that was set right."""
_GROWING = ".redress-growing.db"
_TIME = "%Y%m%dT%H%M%SZ"


class BackupFailed(Exception):
    """There is no new backup; the reason is in words, without a full stop."""


def make_backup(database: Path | sqlite3.Connection, folder: Path, now: datetime, before: Before | None = None) -> Path:
    """Copy `database` into `folder` as redress-YYYYMMDDTHHMMSSZ.db, readable by its owner only; raises BackupFailed.

    What is there under that name is whole: the copy grows under another one and is renamed when it is on the disk. A
    start that fails at its migration and is tried again and again adds nothing: it gets the copy that is there.
    """
    target, growing = folder / _name(now, before), folder / _GROWING
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        growing.unlink(missing_ok=True)
        copy_database(database, growing)
        there = next((copy.path for copy in _copies(folder) if copy.before == before), None)
        if before == "migration" and there is not None and filecmp.cmp(growing, there, shallow=False):
            return there
        growing.replace(target)
    except sqlite3.Error as error:
        raise BackupFailed(str(error)) from error
    except OSError as error:
        raise BackupFailed(os.strerror(error.errno or 0).lower()) from error
    finally:
        growing.unlink(missing_ok=True)
    return target


def keep_as_it_stands(database: Path, folder: Path, now: datetime) -> Path:
    """Copy what SQLite cannot read, with its log, as the copy before a restore. Raises BackupFailed.

    It goes with the backups after some days: a forgotten copy would keep personal data for ever.
    """
    target = folder / _name(now, "restore")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, copy in ((log_of(database), log_of(target)), (database, target)):
            if path.exists():
                copy.unlink(missing_ok=True)
                shutil.copyfile(path, _private(copy))
                sync(copy)
    except OSError as error:
        raise BackupFailed(os.strerror(error.errno or 0).lower()) from error
    return target


def is_fresh(folder: Path, now: datetime) -> bool:
    """Whether there is a copy of this hour: a program that is started again and again needs no other."""
    return any(timedelta() <= now - copy.made_at < FRESH for copy in _copies(folder))


def is_damage(error: sqlite3.Error) -> bool:
    """Whether it is the file that is at fault, not the disk's room, a lock or a permission."""
    return error.sqlite_errorname.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def prune_backups(folder: Path, now: datetime) -> None:
    """Delete backups that are older than KEPT_FOR, and all but the newest KEPT. Files of other names stay.

    Those from before a migration or a restore go by their age alone: a few starts shall not take away what a person
    was told is kept. So do those of a clock that was ahead: they get the date of today, and push out no other. Deletes
    too what a backup or a restore left that was killed. Who calls this knows that the clock is right, and holds the
    lock of `bin/run`, or the worker's: none of the two is at work then.
    """
    copies = [copy if copy.made_at <= now + _STEP else _brought_back(copy, now) for copy in _copies(folder)]
    ordinary = [copy for copy in copies if copy.is_ordinary]
    for copy in copies:
        if copy in ordinary[KEPT:] or now - copy.made_at > KEPT_FOR:
            log_of(copy.path).unlink(missing_ok=True)
            copy.path.unlink(missing_ok=True)
    sweep(folder, now)
    forget_restore(folder)


def forget_restore(folder: Path) -> None:
    """Delete what a restore left that was killed. Who calls this knows that none is at work."""
    shutil.rmtree(folder.with_name(RESTORING), ignore_errors=True)


def sweep(folder: Path, now: datetime) -> None:
    """Delete what was being made in `folder` a day ago: whoever made it is gone, and it may hold personal data."""
    for path in (*folder.glob(f"{UNFINISHED}*"), *folder.glob(f"{_GROWING}*")):
        with contextlib.suppress(FileNotFoundError):  # another sweep was quicker
            if now - datetime.fromtimestamp(path.lstat().st_mtime, UTC) > _LONGEST:
                path.unlink()


def copy_database(database: Path | sqlite3.Connection, copy: Path) -> None:
    """Copy a database that others may be writing to, or that we have open and keep from others.

    The copy is one file, private, new, and on the disk. Raises sqlite3.Error, OSError.
    """
    _private(copy)
    with contextlib.ExitStack() as opened:
        if isinstance(database, Path):
            database = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)
            opened.callback(database.close)
        target = opened.enter_context(contextlib.closing(sqlite3.connect(copy)))
        database.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")  # one file, without a -wal beside it
    sync(copy)


def settle(database: Path) -> None:
    """Undo what a restore that was killed had half written, and delete its journal, which holds the old pages.

    For whoever opens the database first, and read-only: such a connection may not do it. Raises sqlite3.Error.
    """
    journal = database.with_name(f"{database.name}-journal")
    if database.exists() and journal.exists():
        uri = f"{database.as_uri()}?mode=rw"
        with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")  # so that it is nobody's who is at work
            journal.unlink(missing_ok=True)


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


@dataclass(frozen=True, slots=True)
class _Copy:
    """One of our copies, as its name tells it."""

    path: Path
    made_at: datetime
    before: str | None
    is_ordinary: bool


def _copies(folder: Path) -> list[_Copy]:
    """All that are there, the newest first."""
    found = (_copy(path) for path in folder.glob("redress-*.db"))
    return sorted((copy for copy in found if copy), key=lambda copy: copy.made_at, reverse=True)


def _copy(path: Path) -> _Copy | None:
    """None for a file of another name: it is a person's own."""
    name = _NAME.fullmatch(path.name)
    if name is None:
        return None
    try:
        made_at = datetime.strptime(name[1], _TIME).replace(tzinfo=UTC)
    except ValueError:  # digits that are no time
        return None
    return _Copy(path, made_at, name[2], is_ordinary=name[2] is name[3] is None)


def _brought_back(copy: _Copy, now: datetime) -> _Copy:
    """It holds what people wrote: with its own date it would be kept for ever, or long after all that it was for."""
    ending = f"-before-{copy.before}" if copy.before else _OF_A_WRONG_CLOCK
    at = now.astimezone(UTC).replace(microsecond=0)
    while (path := copy.path.with_name(f"redress-{at:{_TIME}}{ending}.db")).exists():
        at -= timedelta(seconds=1)
    if log_of(copy.path).exists():
        log_of(copy.path).replace(log_of(path))
    return _Copy(copy.path.replace(path), at, copy.before, is_ordinary=False)


def _name(now: datetime, before: Before | None) -> str:
    return f"redress-{now.astimezone(UTC):{_TIME}}{f'-before-{before}' if before else ''}.db"
