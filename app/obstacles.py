"""What keeps a database from taking changes, as the errors of SQLite and of PostgreSQL tell it."""

from __future__ import annotations

import errno
import logging
import mmap
import os
import sqlite3
from enum import StrEnum
from pathlib import Path

from app.logs import Repeated

log = logging.getLogger(__name__)

LITTLE = 4_000_000
"""So few octets free that it is worth trying whether the database takes changes. One person's letters need a tenth."""
_AGAIN = 60.0
"""Seconds in which the log is not told of the same obstacle again."""


class Obstacle(StrEnum):
    """Why nothing can be written. The value is what `/healthz` says."""

    BUSY = "busy"
    FULL = "full"
    READ_ONLY = "read-only"
    BROKEN = "broken"
    REPLACED = "replaced"
    UNREACHABLE = "unreachable"

    @property
    def words(self) -> str:
        """What follows "the database takes no change: ", for the log and for people."""
        return _WORDS[self]

    @property
    def lasts(self) -> bool:
        """Whether it stays until somebody does something, so that everybody who signs meets it."""
        return self in {Obstacle.FULL, Obstacle.READ_ONLY, Obstacle.BROKEN}


_WORDS = {
    Obstacle.BUSY: "it is busy",
    Obstacle.FULL: "the disk is full",
    Obstacle.READ_ONLY: "it is read-only",
    Obstacle.BROKEN: "the disk does not take it (it is broken, or a quota is used up)",
    Obstacle.REPLACED: "another file was put in its place, or it was deleted",
    Obstacle.UNREACHABLE: "it cannot be used",
}
_OF_SQLITE = {
    sqlite3.SQLITE_BUSY: Obstacle.BUSY,
    sqlite3.SQLITE_LOCKED: Obstacle.BUSY,
    sqlite3.SQLITE_FULL: Obstacle.FULL,
    sqlite3.SQLITE_READONLY: Obstacle.READ_ONLY,
    sqlite3.SQLITE_IOERR: Obstacle.BROKEN,
}
_OF_POSTGRESQL = {
    "55P03": Obstacle.BUSY,  # lock_not_available
    "40P01": Obstacle.BUSY,  # deadlock_detected
    "53100": Obstacle.FULL,  # disk_full
    "25006": Obstacle.READ_ONLY,  # read_only_sql_transaction: a standby, or a hoster's answer to a full disk
    "58030": Obstacle.BROKEN,  # io_error
}


def obstacle(error: BaseException | None, folder: Path | None = None) -> Obstacle:
    """What a driver's error tells, of a database with its file in `folder`.

    SQLite keeps the system's own number for itself: a file that could not be made, or not be written, is looked into.
    """
    if not isinstance(error, sqlite3.Error):
        return _OF_POSTGRESQL.get(getattr(error, "sqlstate", None) or "", Obstacle.UNREACHABLE)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN} and folder is not None:
        return _of_folder(folder) or _OF_SQLITE.get(code, Obstacle.UNREACHABLE)
    return _OF_SQLITE.get(code, Obstacle.UNREACHABLE)


def _of_folder(folder: Path) -> Obstacle | None:
    try:
        found = os.statvfs(folder)
    except OSError as error:
        return Obstacle.READ_ONLY if error.errno == errno.EROFS else None
    if found.f_flag & os.ST_RDONLY:
        return Obstacle.READ_ONLY
    return Obstacle.FULL if found.f_bavail * found.f_frsize < mmap.PAGESIZE else None


def has_little_room(folder: Path) -> bool:
    """Whether the disk of `folder` is nearly full, or takes nothing at all."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return True
    return bool(found.f_flag & os.ST_RDONLY) or found.f_bavail * found.f_frsize < LITTLE


class Met:
    """Whether some program of this site has met an obstacle that lasts, until one has tried and met none.

    The programs that `bin/run` starts come from one parent, and share this: whoever answers `/healthz` is seldom the
    one who could not store what somebody signed.
    """

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 1)
        self._log = Repeated(log, _AGAIN)

    def note(self, found: Obstacle) -> None:
        """Somebody has met it; the log says so, once a minute."""
        if not found.lasts:
            return
        self._shared[0] = 1
        self._log.error(f"the database takes no change: {found.words}")

    def is_noted(self) -> bool:
        """Whether anybody has."""
        return bool(self._shared[0])

    def clear(self) -> None:
        """Somebody has tried, and met none."""
        self._shared[0] = 0
        self._log.over()


met = Met()
