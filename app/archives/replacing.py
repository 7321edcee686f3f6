"""Another database in the place of the present one, and what must not be lost by that."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from app.archives import ArchiveUnusable
from app.backups import is_damage, sync

_BLANK = "('erased', 'expired')"


class DatabaseBusy(Exception):
    """Some program has the present database open."""


def check(database: Path) -> None:
    """Look through the whole of a database that was unpacked. Raises ArchiveUnusable."""
    try:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            whole = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            orphan = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        raise ArchiveUnusable(f"Its database cannot be read ({error}). Take another backup.") from error
    if not whole or orphan is not None:
        raise ArchiveUnusable("Its database is damaged. Take another backup.")


def erased_since(present: Path, restored: Path) -> dict[int, str]:
    """Signatures that are blank in the present database and not in the restored one: id there, and state here.

    Raises sqlite3.Error when the present one cannot be read.
    """
    return dict(_changed(present, restored, f"now.state IN {_BLANK} AND restored.state NOT IN {_BLANK}"))


def withdrawn_since(present: Path, restored: Path) -> list[int]:
    """Ids, in the restored database, of signatures that were withdrawn since. Raises sqlite3.Error as above."""
    rows = _changed(present, restored, "now.state = 'withdrawn' AND restored.state IN ('pending', 'confirmed')")
    return [row[0] for row in rows]


def _changed(present: Path, restored: Path, condition: str) -> list[tuple[int, str]]:
    """(id there, state here) of the signatures in both databases, known by their token's hash, that meet a condition.

    States are all that is asked for: a database of any revision can answer.
    """
    query = f"""SELECT restored.id, now.state FROM signature AS restored
                JOIN present.signature AS now ON now.sent_hash = restored.sent_hash
                WHERE {condition} ORDER BY restored.id"""  # noqa: S608 — from constants, above
    with contextlib.closing(sqlite3.connect(restored.as_uri(), uri=True)) as connection:
        connection.execute("ATTACH ? AS present", (f"{present.as_uri()}?mode=ro",))
        if not connection.execute("SELECT 1 FROM present.sqlite_master WHERE name = 'signature'").fetchone():
            return []
        return connection.execute(query).fetchall()


def add_mails(unpacked: Path, mailbox: Path) -> int:
    """Move unpacked mails into a Maildir, but for those that are there already; how many were added."""
    if not unpacked.is_dir():
        return 0
    for folder in ("tmp", "new", "cur"):
        (mailbox / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    there = {_key(path) for path in _mails(mailbox)}
    added = [path for path in _mails(unpacked) if _key(path) not in there]
    for path in added:
        path.rename(mailbox / path.parent.name / path.name)
    for folder in ("new", "cur"):
        sync(mailbox / folder)
    return len(added)


def _mails(mailbox: Path) -> Iterator[Path]:
    for folder in ("new", "cur"):
        if (mailbox / folder).is_dir():
            yield from (mailbox / folder).iterdir()


def _key(mail: Path) -> str:
    """The name of a mail without the flags that a mail program has put behind it."""
    return mail.name.partition(":")[0]


def put_in_place(restored: Path, present: Path) -> None:
    """Rename a closed database over the present one. Raises DatabaseBusy, OSError.

    Whenever this is interrupted, one of the two is there, whole: the present one is first made a single file, since a
    log that outlived its database would be played into the next.
    """
    sync(restored)
    if present.exists():
        single_file(present)
    for ending in ("-wal", "-shm", "-journal"):  # only beside a damaged one: their content cannot be folded into it
        present.with_name(present.name + ending).unlink(missing_ok=True)
    sync(present.parent)
    restored.replace(present)
    sync(present.parent)


def is_readable(database: Path) -> bool:
    """Whether SQLite knows it for a database; looks at it without changing anything, not even a log that is damaged."""
    try:
        with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        return False
    return True


def single_file(database: Path) -> None:
    """Fold SQLite's log into the database, and leave one that is damaged as it is. Raises DatabaseBusy."""
    try:
        with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        if error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise DatabaseBusy from error
        if not is_damage(error):
            raise
