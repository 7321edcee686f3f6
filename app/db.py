"""The database's ground: the base of the tables, times, and the one way into a write transaction."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, DateTime, Dialect, Engine, MetaData, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, registry
from sqlalchemy.types import TypeDecorator

from app.obstacles import Obstacle, met, obstacle

log = logging.getLogger(__name__)

BUSY_TIMEOUT_MS = 5000
_LOOKING, _LOOK_EVERY = threading.Lock(), 0.002
_WRITING = "redress_writing"
_WRITERS = 1380271187
"""The number under which writers at one PostgreSQL database wait for each other: "RDRS"."""


class UTCDateTime(TypeDecorator[datetime]):
    """A moment. Refuses naive values; gives back values in UTC (SQLite itself forgets the zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database, as UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database, as UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all tables. Constraint names follow a convention, so that migrations can find them again."""

    registry = registry(
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={datetime: UTCDateTime},
    )


class WriteLock(Enum):
    """How a write transaction stands to others: the end of the name of PostgreSQL's function."""

    ALONE = ""
    BESIDE_EACH_OTHER = "_shared"


def hold_writers(connection: Connection, lock: WriteLock = WriteLock.ALONE) -> None:
    """Take the write lock of a database on a server, until the transaction ends."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock{lock.value}({_WRITERS})")


class DriverMissing(Exception):
    """A server keeps the database, and what talks with it is not installed; the text says what to do."""


class DatabaseUnavailable(Exception):
    """The database did not take the change: it stayed locked, or its disk is full. Nothing was stored.

    Its text says why, and may be logged.
    """

    def __init__(self, why: Obstacle = Obstacle.BUSY) -> None:
        super().__init__(f"the database takes no change: {why.words}")
        self.why = why


class DatabaseReplaced(DatabaseUnavailable):
    """The database's file, or the log beside it, is no longer the one that this process has open. Nothing was stored.

    What was opened is still whole: put back under its name, it goes on.
    """

    def __init__(self) -> None:
        super().__init__(Obstacle.REPLACED)


# hide_parameters: an error text would otherwise print a signer's name, street and e-mail into the log.
ENGINE_OPTIONS: dict[str, Any] = {"hide_parameters": True}

# A connection for each thread of a web process; the one that was used last has the file's pages in memory. A server may
# have been started anew since: that is seen before a statement fails.
POOL_OPTIONS: dict[str, Any] = {"pool_size": 8, "pool_use_lifo": True}
SERVER_OPTIONS: dict[str, Any] = {"pool_pre_ping": True}

_REACHING = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""What libpq shall do about a server that does not answer, or is gone; the URL may say otherwise. All but the last (in
milliseconds) are seconds and a number."""
_STATEMENT = "5min"
"""A statement of ours takes milliseconds; and nobody waits that long inside a transaction, where others wait for us."""


def prepare(engine: Engine) -> None:
    """Make an SQLite engine durable and honest about transactions; on a server, wait for nobody too long."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_connect)
        if engine.url.database:
            _SameFile(Path(engine.url.database)).watch(engine)
        event.listen(engine, "begin", _on_begin)
    else:
        event.listen(engine, "do_connect", give_up_in_time)
        event.listen(engine, "connect", _on_connect_to_server)
        event.listen(engine, "begin", _on_begin_at_server)


def give_up_in_time(_dialect: Any, _record: Any, _arguments: Any, settings: dict[str, Any]) -> None:
    """A connection to a server is made in time, and is noticed to be dead; for SQLAlchemy's event `do_connect`."""
    for name, value in _REACHING.items():
        settings.setdefault(name, value)


def _on_connect_to_server(connection: Any, record: Any) -> None:  # DBAPI objects have no useful type
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {BUSY_TIMEOUT_MS}")
        for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute(f"SET {name} = '{_STATEMENT}'")
        cursor.execute("SET timezone = 'UTC'")
    connection.commit()


def _on_begin_at_server(connection: Connection) -> None:
    """One writer at a time, as with SQLite, or workers beside each other: whoever counts, counts what stays true."""
    lock = connection.get_execution_options().get(_WRITING)
    if lock is not None:
        hold_writers(connection, lock)


def _on_connect(connection: Any, record: Any) -> None:  # DBAPI objects have no useful type
    connection.isolation_level = None  # we say BEGIN ourselves, below
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",  # what is deleted is overwritten, in every page of the file
    ):
        connection.execute(f"PRAGMA {pragma}")


_Identity = tuple[int, int]
"""Of a file on this machine: device and inode."""


_EXPECTED: dict[Path, _Identity] = {}


def expect(database: Path) -> None:
    """From now on a database's name means the file that is there now, to this process and to those made of it.

    Else one of them that starts late would take another file for it.
    """
    found = _identity(database)
    if found is not None:
        _EXPECTED[database] = found


class _SameFile:
    """Lets no transaction begin, or commit, in a database that others no longer see: what it stores would be lost.

    Nor is a file opened that was put in its place: SQLite would play the log of this one into it.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._beside = [database.with_name(f"{database.name}{ending}") for ending in ("-wal", "-shm")]
        self._opened = _EXPECTED.get(database) or _identity(database)
        self._told = False

    def watch(self, engine: Engine) -> None:
        """From now on."""
        event.listen(engine, "do_connect", lambda *_: self._check())
        event.listen(engine, "connect", self._on_connect)
        event.listen(engine, "begin", self._on_transaction)
        event.listen(engine, "commit", self._on_transaction)
        event.listen(engine, "engine_disposed", self._on_disposal)

    def _on_connect(self, _connection: Any, record: Any) -> None:
        self._opened = self._opened or _identity(self._database)
        record.info["beside"] = [_identity(file) for file in self._beside]

    def _on_transaction(self, connection: Connection) -> None:
        self._check(connection.info)

    def _on_disposal(self, _engine: Engine) -> None:
        self._opened, self._told = _EXPECTED.get(self._database), False  # nobody has it open any more

    def _check(self, known: dict[str, Any] | None = None) -> None:
        """Raises DatabaseReplaced; `known` is what is known of a connection. Nothing can be told of a closed folder."""
        try:
            is_same = self._is_same(known)
        except OSError:
            return
        if not is_same:
            if not self._told:
                log.error("the database's file was replaced, moved or deleted: nothing is read or written any more")
            self._told = True
            raise DatabaseReplaced
        self._told = False

    def _is_same(self, known: dict[str, Any] | None) -> bool:
        """The file, and what SQLite keeps beside it: its log, and the index of that, by which programs find changes."""
        if self._opened is not None and _identity(self._database) != self._opened:
            return False
        if known is None:
            return True
        there = [_identity(file) for file in self._beside]
        known["beside"] = [before or now for before, now in zip(known["beside"], there, strict=True)]
        return bool(there == known["beside"])  # SQLite makes them when they are first needed


def _identity(file: Path) -> _Identity | None:
    """None when there is no such file. Raises OSError where that cannot be told."""
    try:
        found = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def _on_begin(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITING) is None:
        connection.exec_driver_sql("BEGIN")
    else:
        _begin_to_write(connection)


def _begin_to_write(connection: Connection) -> None:
    """Wait for SQLite's write lock: one thread of a process at a time, which looks for it often.

    SQLite's own waiting looks after longer and longer pauses, up to 100 ms: under load whoever has waited long loses to
    everybody who comes new, and at last gives up.
    """
    raw: Any = connection.connection.dbapi_connection
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    may_look = _LOOKING.acquire(timeout=BUSY_TIMEOUT_MS / 1000)
    try:
        raw.execute("PRAGMA busy_timeout=0")
        if may_look and _is_taken(connection):
            while _is_taken(raw) and time.monotonic() < deadline:
                time.sleep(_LOOK_EVERY)
        if not raw.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # whose error is SQLAlchemy's
    finally:
        if may_look:
            _LOOKING.release()
        raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def _is_taken(connection: Any) -> bool:
    """Take the write lock, unless somebody has it. The driver's connection does it in a tenth of the time, unheard."""
    execute = connection.exec_driver_sql if isinstance(connection, Connection) else connection.execute
    try:
        execute("BEGIN IMMEDIATE")
    except (sqlite3.OperationalError, OperationalError) as error:
        return getattr(getattr(error, "orig", error), "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
    return False


def truncate_journal(session: Session) -> bool:
    """Empty SQLite's write-ahead log, which holds old pages with what was deleted from them. False when that failed.

    A server keeps its own log in order.
    Ends the session's read transaction. Does not wait for other readers, nor for room on the disk: whoever asks, asks
    again later.
    """
    if not _is_file(session):
        return True
    try:
        with _outside_transactions(session) as connection:
            return not connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar()
    except OperationalError:
        return False


def compact(session: Session) -> bool:
    """Write the whole file anew, so that nothing of what was deleted is left between the rows. False when that failed.

    secure_delete overwrites what is deleted, but not what stays behind when rows move between pages. Others cannot
    write meanwhile: about a second for 100 MB. A server does it by itself, bit by bit.
    """
    if not _is_file(session):
        return True
    try:
        with _outside_transactions(session) as connection:
            connection.exec_driver_sql("VACUUM")
    except OperationalError:
        return False
    truncate_journal(session)  # a reader in the way delays this alone
    return True


@contextmanager
def _outside_transactions(session: Session) -> Iterator[Connection]:
    """For statements that run in no transaction and wait for nobody; ours was begun for us."""
    session.rollback()
    connection = session.connection()
    connection.exec_driver_sql("ROLLBACK")
    try:
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
        yield connection
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.exec_driver_sql("BEGIN")
        session.rollback()


def _is_file(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


@contextmanager
def writing(session: Session, *, beside_workers: bool = False) -> Iterator[None]:
    """The one way into a write transaction: ends the read before it, commits at the end, rolls back on any error.

    A transaction that read before it wrote would fail at once on SQLite ("database is locked") when somebody else
    wrote in between; so objects loaded before are expired and read again inside. Waits up to BUSY_TIMEOUT_MS for
    other writers, then raises DatabaseUnavailable.

    `beside_workers` is for the workers' own moves of single rows: on a server several workers make them at once, while
    everybody else who writes is alone.
    """
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("changes were made outside writing()")
    session.rollback()
    session.expire_all()  # rollback() alone expires nothing when no transaction was open
    try:
        lock = WriteLock.BESIDE_EACH_OTHER if beside_workers else WriteLock.ALONE
        session.connection(execution_options={_WRITING: lock})
        yield
        session.commit()
    except DBAPIError as error:
        session.rollback()
        why = what_keeps(session, error)
        if why is None:
            raise
        met.note(why)
        raise DatabaseUnavailable(why) from error
    except BaseException:
        session.rollback()
        raise


def what_keeps(session: Session, error: DBAPIError) -> Obstacle | None:
    """Why the database could not do what it was asked to; None when that itself is at fault."""
    url = session.get_bind().engine.url
    why = obstacle(error.orig, Path(url.database or "").parent if url.get_backend_name() == "sqlite" else None)
    return why if why is not Obstacle.UNREACHABLE or isinstance(error, OperationalError) else None


_AS_MUCH = 400_000
"""Octets: more than the largest letters that one person can sign, with all that is mailed for them."""


class _TakenBack(Exception):
    """Ends a write transaction that shall leave nothing."""


def tried(session: Session) -> Obstacle | None:
    """Write as much as one person signs at most, and take it back; what was in the way, if anything.

    A few octets would say nothing: they find room in a page that is there already. What is taken back never has to
    reach the disk, though: so a change that changes nothing is stored, too.
    """
    is_file = _is_file(session)
    try:
        with writing(session):
            connection = session.connection()
            if is_file:  # else all of it stays in memory, and never meets the disk
                connection.exec_driver_sql("PRAGMA cache_size=16")
            content = "BLOB" if is_file else "BYTEA"
            connection.exec_driver_sql(f"CREATE TABLE room (content {content})")
            connection.execute(text("INSERT INTO room VALUES (:content)"), {"content": os.urandom(_AS_MUCH)})
            raise _TakenBack
    except _TakenBack:
        return _stored(session)
    except DatabaseUnavailable as error:
        return error.why
    finally:
        if is_file:
            _forget_cache_size(session)


def _stored(session: Session) -> Obstacle | None:
    """What is in the way of a commit, if anything."""
    try:
        with writing(session):
            session.connection().exec_driver_sql("UPDATE site_state SET id = id")
    except DatabaseUnavailable as error:
        return error.why
    met.clear()
    return None


def _forget_cache_size(session: Session) -> None:
    """A connection that could not even be made is dropped: the next one begins anew."""
    try:
        session.connection().exec_driver_sql("PRAGMA cache_size=-2000")  # SQLite's own
        session.rollback()
    except DBAPIError:
        session.invalidate()
