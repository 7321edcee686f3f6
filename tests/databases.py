"""The two kinds of database that a site can have, for tests: a file, or a PostgreSQL server that the tests start."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.string import TextLoader

KINDS = ("sqlite", "postgres")
URLS: dict[Path, str] = {}
"""DATABASE_URL of those data folders whose database is on the server."""

_LOCK = 1380271187
"""As app.db has it."""
_SETTINGS = {
    "listen_addresses": "''",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "32MB",
}


@dataclass(frozen=True)
class Server:
    """A running cluster of our own, which is empty but for the databases that tests make."""

    folder: Path
    kept: dict[str, psycopg.Connection[Any]] = field(default_factory=dict)
    """For each database the connection that empties it: a new one for each test takes longer than the test's own."""

    def url(self, database: str) -> str:
        """As DATABASE_URL says it."""
        return f"postgresql://redress@/{database}?host={self.folder}"

    def empty(self, database: str, tables: Sequence[str]) -> None:
        """Without a row, and numbering anew; one whose tables a test has taken apart is made anew from `migrated`.

        `tables` stand behind those that refer to them. For few rows this takes a fiftieth of what TRUNCATE takes.
        """
        deleting = [f"DELETE FROM {table}" for table in tables]
        numbering = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"
        emptying = "; ".join([*deleting, numbering])
        try:
            if database not in self.kept:
                self.kept[database] = psycopg.connect(self.url(database), autocommit=True)
            self.kept[database].execute(emptying.encode())
        except psycopg.errors.UndefinedTable:
            self.kept.pop(database).close()
            self.execute(f"DROP DATABASE {database} WITH (FORCE)")
            self.execute(f"CREATE DATABASE {database} TEMPLATE migrated")
        except psycopg.OperationalError:  # a test has ended all connections
            broken = self.kept.pop(database, None)
            if broken is not None:
                broken.close()
            self.execute(emptying, database)

    def close(self) -> None:
        """End all connections that are kept."""
        for connection in self.kept.values():
            connection.close()

    def execute(self, statement: str, database: str = "postgres") -> None:
        """One statement, outside of a transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())


def programs() -> Path | None:
    """Where the newest PostgreSQL of this machine has its programs; None when there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextlib.contextmanager
def cluster(folder: Path, bin_folder: Path) -> Iterator[Server]:
    """A cluster in this folder, which ends with the tests. It refuses to run as root: then `postgres` runs it."""
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        for parent in (folder, *folder.parents):
            if parent.owner() == "root" and parent.stat().st_mode & 0o077 == 0:
                parent.chmod(0o711)  # whoever runs it has to get there
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
    data, options = str(folder / "data"), " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
    start = [
        "-D",
        data,
        "-w",
        "-l",
        str(folder / "log"),
        "-o",
        f"{options} -c unix_socket_directories={folder}",
        "start",
    ]
    for command in (
        ["initdb", "-D", data, "-A", "trust", "-U", "redress", "--no-sync", "-E", "UTF8"],
        ["pg_ctl", *start],
    ):
        subprocess.run(
            [*as_user, bin_folder / command[0], *command[1:]], check=True, stdout=subprocess.DEVNULL, cwd="/"
        )
    server = Server(folder)
    try:
        yield server
    finally:
        server.close()
        subprocess.run(
            [*as_user, bin_folder / "pg_ctl", "-D", data, "-m", "immediate", "stop"], stdout=subprocess.DEVNULL, cwd="/"
        )


class Connection:
    """What both drivers have in common: `?` for parameters, rows as tuples."""

    def __init__(self, connection: Any, mark: str) -> None:
        self._connection = connection
        self._mark = mark

    def execute(self, statement: str, values: Sequence[object] = ()) -> Any:
        """The driver's cursor."""
        return self._connection.execute(re.sub(r"\?", self._mark, statement), values)

    def commit(self) -> None:
        """End the transaction."""
        self._connection.commit()


@contextlib.contextmanager
def connected(data_dir: Path) -> Iterator[Connection]:
    """A connection of its own to the database of a data folder, beside the application's; commits at the end."""
    url = URLS.get(data_dir)
    if url is None:
        with contextlib.closing(sqlite3.connect(data_dir / "redress.db")) as connection:
            yield Connection(connection, "?")
            connection.commit()
    else:
        with psycopg.connect(url) as server:
            server.adapters.register_loader("json", TextLoader)  # as SQLite has it
            yield Connection(server, "%s")


class Writer:
    """Another process that takes the database's write lock, and gives it back."""

    def __init__(self, data_dir: Path) -> None:
        self._url = URLS.get(data_dir)
        if self._url is None:
            self._connection: Any = sqlite3.connect(data_dir / "redress.db", isolation_level=None)
        else:
            self._connection = psycopg.connect(self._url, autocommit=True)

    def begin(self) -> None:
        """Hold the lock from now on."""
        if self._url is None:
            self._connection.execute("BEGIN IMMEDIATE")
        else:
            self._connection.execute("BEGIN")
            self._connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")

    def end(self) -> None:
        """Let others write."""
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Be gone, with the lock."""
        self._connection.close()


@contextlib.contextmanager
def write_lock(data_dir: Path) -> Iterator[None]:
    """Meanwhile another connection holds the database's write lock."""
    with contextlib.closing(Writer(data_dir)) as other:
        other.begin()
        yield
