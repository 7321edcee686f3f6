"""Another database in the place of the present one, and what must not be lost by that."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.archives import ArchiveUnusable
from app.backups import BackupFailed, is_damage, keep_as_it_stands, make_backup, settle, sync

PATIENCE = 5.0
"""Seconds in which another program may finish with the present database."""

_PARTS = ("letter", "consent", "delivery")
"""Tables whose rows belong to a signature; the events of deliveries come besides."""


class DatabaseBusy(Exception):
    """Some program has the present database open."""


def check(database: Path) -> None:
    """Look through the whole of a database that was unpacked. Raises ArchiveUnusable."""
    try:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA trusted_schema=OFF")
            whole = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            orphan = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        raise ArchiveUnusable(f"Its database cannot be read ({error}). Take another backup.") from error
    if not whole or orphan is not None:
        raise ArchiveUnusable("Its database is damaged. Take another backup.")


@dataclass(frozen=True, slots=True)
class Contacts:
    """How many entries each contact book has, and whether they differ."""

    here: int
    backup: int
    differ: bool


@dataclass(frozen=True, slots=True)
class Carried:
    """What the restored database was told by the present one.

    `signatures` are those of which more was known here. `unsure` says that there are letters, still to be sent, of
    which nobody knows whether they have gone since the backup.
    """

    signatures: int
    contacts: Contacts
    unsure: bool


def carry_over(present: Path, restored: Path) -> Carried:
    """Let the restored database know what the present one knows of the same signatures, and have its contacts.

    What has become of a letter, or of a person's data, is never un-known by a restore. Both have the tables of today,
    and nobody else writes to either. All or nothing: raises sqlite3.Error, above all when one of them is not what it
    should be.
    """
    uri, compact = f"{restored.as_uri()}?mode=rw", restored.with_name("compact.db")
    with contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        # temp_store: what people wrote is sorted in no file of the system's folder
        for pragma in ("foreign_keys=OFF", "secure_delete=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("ATTACH ? AS present", (f"{present.as_uri()}?mode=ro",))
        connection.execute("BEGIN IMMEDIATE")
        _take_dead_addresses(connection)
        _take_certain_moment(connection)
        signatures = _take_signatures(connection)
        carried = Carried(signatures, _take_contacts(connection), _is_unsure(connection))
        if connection.execute("PRAGMA main.foreign_key_check").fetchone() is not None:
            raise sqlite3.IntegrityError("rows without a parent")
        connection.execute("COMMIT")
        if signatures:  # secure_delete does not reach what rows leave when they move inside the file
            connection.execute("VACUUM main INTO ?", (str(compact),))
    if signatures:
        compact.replace(restored)
    return carried


def _take_signatures(connection: sqlite3.Connection) -> int:
    """Put the present rows of a signature in the place of the restored ones wherever they differ; how many did.

    A present database that was itself restored from an older backup may know less of somebody: then the later one
    stays, and a person who is blank in one of them stays blank in any case.
    """
    connection.execute("CREATE TEMP TABLE known (id INTEGER PRIMARY KEY)")
    connection.execute(f"""INSERT INTO known
        SELECT here.id FROM present.signature AS here
        JOIN main.signature AS there ON there.id = here.id AND there.sent_hash = here.sent_hash
        WHERE CASE WHEN (here.erased_at IS NULL) = (there.erased_at IS NULL)
                   THEN {_knowledge("here", "present")} >= {_knowledge("there", "main")}
                   ELSE here.erased_at IS NOT NULL END""")  # noqa: S608 — from constants, below
    connection.execute("CREATE TEMP TABLE taken (id INTEGER PRIMARY KEY)")
    for query in _differing(connection):
        connection.execute(f"INSERT OR IGNORE INTO taken {query}")
    connection.execute("DELETE FROM taken WHERE id NOT IN known")
    connection.execute("""DELETE FROM main.delivery_event
        WHERE delivery_id IN (SELECT id FROM main.delivery WHERE signature_id IN taken)""")
    for table in reversed(_PARTS):
        connection.execute(f"DELETE FROM main.{table} WHERE signature_id IN taken")  # noqa: S608 — our names
    connection.execute("DELETE FROM main.signature WHERE id IN taken")
    _copy_rows(connection)
    return int(connection.execute("SELECT count(*) FROM taken").fetchone()[0])


def _knowledge(alias: str, schema: str) -> str:
    """How much a database knows of a signature: the last moment, and the number of moves."""
    events = f"""FROM {schema}.delivery AS mine JOIN {schema}.delivery_event AS event ON event.delivery_id = mine.id
        WHERE mine.signature_id = {alias}.id"""
    return f"""(max({alias}.created_at, ifnull({alias}.confirmed_at, ''), ifnull({alias}.erased_at, ''),
        ifnull((SELECT max(event.at) {events}), '')), (SELECT count(*) {events}))"""


def _differing(connection: sqlite3.Connection) -> Iterator[str]:
    """Queries for the ids of signatures of which a row is another one in the other database, or only in one."""
    for one, other in (("main", "present"), ("present", "main")):
        for table, owner in (("signature", "id"), *((table, "signature_id") for table in _PARTS)):
            yield f"""SELECT mine.{owner} FROM {one}.{table} AS mine
                LEFT JOIN {other}.{table} AS others ON others.id = mine.id
                WHERE mine.{owner} IS NOT NULL AND {_unlike(connection, table)}"""  # noqa: S608
        yield f"""SELECT delivery.signature_id FROM {one}.delivery_event AS mine
            JOIN {one}.delivery AS delivery ON delivery.id = mine.delivery_id
            LEFT JOIN {other}.delivery_event AS others ON others.id = mine.id
            WHERE delivery.signature_id IS NOT NULL AND {_unlike(connection, "delivery_event")}"""  # noqa: S608


def _unlike(connection: sqlite3.Connection, table: str) -> str:
    """That two rows, `mine` and `others`, are not the same."""
    names = _names(connection, table)
    mine, others = (", ".join(f"{alias}.{name}" for name in names) for alias in ("mine", "others"))
    return f"({mine}) IS NOT ({others})"


def _names(connection: sqlite3.Connection, table: str) -> list[str]:
    """The columns that the tables of today have, quoted; a newer present database may have more."""
    found = (row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
    return ['"{}"'.format(name.replace('"', '""')) for name in found]


def _copy_rows(connection: sqlite3.Connection) -> None:
    """The present rows of what is taken. Where another history gave their numbers to others they get new ones."""
    mine = {"signature": "SELECT id FROM taken"}
    mine |= {table: f"SELECT id FROM present.{table} WHERE signature_id IN taken" for table in _PARTS}  # noqa: S608
    mine["delivery_event"] = f"SELECT id FROM present.delivery_event WHERE delivery_id IN ({mine['delivery']})"  # noqa: S608
    shifts = {table: _shift(connection, table, query) for table, query in mine.items()}
    for table, query in mine.items():
        names = _names(connection, table)
        moved = {'"id"': shifts[table], '"letter_id"': shifts["letter"], '"delivery_id"': shifts["delivery"]}
        values = ", ".join(f"{name} + {moved[name]}" if moved.get(name) else name for name in names)
        rows = f"SELECT {values} FROM present.{table} WHERE id IN ({query})"  # noqa: S608
        connection.execute(f"INSERT INTO main.{table} ({', '.join(names)}) {rows}")


def _shift(connection: sqlite3.Connection, table: str, query: str) -> int:
    """What to add to the numbers of rows so that none is another row's: nothing as a rule."""
    if not connection.execute(f"SELECT 1 FROM main.{table} WHERE id IN ({query}) LIMIT 1").fetchone():  # noqa: S608
        return 0
    return int(connection.execute(f"SELECT max(id) FROM main.{table}").fetchone()[0])  # noqa: S608


def _take_contacts(connection: sqlite3.Connection) -> Contacts:
    """The organisation keeps the contact book; an address that it has taken out shall not come back.

    An empty one is no list that somebody has kept, but for example that of a machine to which the site moves.
    """
    names = ", ".join(name for name in _names(connection, "contact") if name != '"id"')
    books = [set(connection.execute(f"SELECT {names} FROM {schema}.contact")) for schema in ("present", "main")]  # noqa: S608
    here, backup = books
    if here and here != backup:
        connection.execute("DELETE FROM main.contact")
        connection.execute(f"INSERT INTO main.contact ({names}) SELECT {names} FROM present.contact")  # noqa: S608
    return Contacts(len(here), len(backup), here != backup)


def _take_dead_addresses(connection: sqlite3.Connection) -> None:
    """A database that has sent anything knows best to whom nothing comes, and who is good again."""
    if (
        connection.execute("SELECT 1 FROM present.delivery WHERE state IN ('accepted', 'bounced') LIMIT 1").fetchone()
        is not None
    ):
        connection.execute("DELETE FROM main.dead_address")
        connection.execute("INSERT INTO main.dead_address SELECT * FROM present.dead_address")


def _take_certain_moment(connection: sqlite3.Connection) -> None:
    """The site has come to where the present database has: it was not off since the backup was made."""
    connection.execute("""UPDATE main.site_state SET certain_at = present.certain_at FROM present.site_state AS present
        WHERE ifnull(main.site_state.certain_at, '') < present.certain_at""")


def _is_unsure(connection: sqlite3.Connection) -> bool:
    """Whether a letter waits of which the present database knows nothing, or about which a person has not decided."""
    undecided = connection.execute("SELECT 1 FROM present.site_state WHERE restored_at IS NOT NULL").fetchone()
    unknown = connection.execute("""SELECT 1 FROM main.delivery WHERE kind = 'letter'
        AND state IN ('queued', 'sending') AND signature_id NOT IN known LIMIT 1""").fetchone()
    return bool(undecided or unknown)


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


@dataclass(frozen=True, slots=True)
class Present:
    """The database that was here: its copy among the backups, and the connection that keeps everybody else out.

    Without a connection it is one that SQLite cannot read, and without a copy there is none.
    """

    copy: Path | None
    held: sqlite3.Connection | None


@contextlib.contextmanager
def taken(database: Path, folder: Path, now: datetime) -> Iterator[Present]:
    """Copy the present database into `folder`, and let nobody read or write it until it has been replaced.

    Whoever tries waits, and then works with the one that has come in its place. Until this ends no file may be opened
    under its name: to close it would give up SQLite's locks. Raises DatabaseBusy, BackupFailed.
    """
    with contextlib.ExitStack() as open_ones:
        held, copy = _hold(database) if database.exists() else None, None
        if held is not None:
            open_ones.callback(held.close)
            try:
                copy = make_backup(held, folder, now, "restore")
            except BackupFailed as error:
                if not (isinstance(error.__cause__, sqlite3.Error) and is_damage(error.__cause__)):
                    raise
                open_ones.pop_all().close()
                held = None
        if held is None and database.exists():
            copy = keep_as_it_stands(database, folder, now)
        yield Present(copy, held)


def _hold(database: Path) -> sqlite3.Connection | None:
    """A connection that has the whole database to itself until it is closed; None for one that is damaged.

    It folds SQLite's log into the database: a log that outlived its database would be played into the next.
    """
    try:
        settle(database)
        if not is_readable(database):  # before a log that is damaged is touched
            return None
        connection = sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True, timeout=PATIENCE, isolation_level=None)
    except sqlite3.Error as error:
        _refuse_unless_damage(error)
        return None
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
        database.with_name(f"{database.name}-shm").unlink(missing_ok=True)  # of whoever only read it
    except sqlite3.Error as error:
        connection.close()
        _refuse_unless_damage(error)
        return None
    return connection


def _refuse_unless_damage(error: sqlite3.Error) -> None:
    """Raises DatabaseBusy, sqlite3.Error."""
    if error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        raise DatabaseBusy from error
    if not is_damage(error):
        raise error


def put_in_place(restored: Path, present: Path, held: sqlite3.Connection | None) -> None:
    """Put a closed database in the place of the present one. Raises OSError, sqlite3.Error.

    Whenever this is interrupted, one of the two is there, whole. One that is held gets the other's content in a
    transaction, and remains the same file: who waits for it would else write into one that nobody sees again. One
    that cannot be read, or is not there, is replaced by the file.
    """
    sync(restored)
    if held is not None:
        with contextlib.closing(sqlite3.connect(f"{restored.as_uri()}?mode=ro", uri=True)) as source:
            source.backup(held)
        present.chmod(0o600)
        return
    for ending in ("-wal", "-shm", "-journal"):  # its content cannot be folded into it
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
    """Fold SQLite's log into a database that is ours alone. Raises sqlite3.Error."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
