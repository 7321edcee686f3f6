"""Whether a database has the tables of its revision and nothing else: a trigger would act on what comes later."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import URL, NullPool, create_engine

from app.archives import ArchiveUnusable
from app.revisions import MIGRATIONS, revisions

_OF_SQLITE = re.compile(r"sqlite_stat[1-4]|sqlite_sequence")
"""Tables that SQLite keeps about others."""
_WORD = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+|[^\w\s]""")
_BOUNDS = {"(": 1, ",": 1, ")": 0}
"""Of the parts of a statement, and how deep in brackets each is one."""
_PLAIN = re.compile(r"\w{1,60}", re.ASCII)
_SETTINGS = ("application_id", "user_version", "encoding")


@dataclass(frozen=True, slots=True)
class Schema:
    """Everything by which a database is more than its rows: by kind and name what was said to make it, normalised."""

    made: dict[tuple[str, str], object]
    settings: tuple[object, ...]


def check_schema(database: Path) -> None:
    """Compare it with one that the real migrations make. Raises ArchiveUnusable, sqlite3.Error.

    Nothing that the database holds is called for that: no function of a view, nothing of a trigger.
    """
    at = revisions(database)
    if len(at) != 1:
        raise ArchiveUnusable("Its database does not say of which one version it is. Take another backup.")
    found, expected = _read(database), _of_revision(*at)
    for kind, name in found.made.keys() - expected.made.keys():
        raise ArchiveUnusable(f"Its database holds {_named(kind, name)} that Redress never made. Take another backup.")
    for kind, name in expected.made.keys() - found.made.keys():
        raise ArchiveUnusable(f"Its database lacks {_named(kind, name)}. Take another backup.")
    for kind, name in sorted(expected.made):
        if found.made[kind, name] != expected.made[kind, name]:
            raise ArchiveUnusable(f"Its database has {_named(kind, name)} of another make. Take another backup.")
    if found.settings != expected.settings:
        raise ArchiveUnusable("Its database was not made by Redress. Take another backup.")
    _check_values(database)


_NO_MOMENT = """
    typeof("{0}") != 'text' OR julianday("{0}") IS NULL
    OR "{0}" NOT GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*'
"""
_NO_VALUE = {"DATETIME": _NO_MOMENT, "VARCHAR": """typeof("{0}") != 'text'""", "TEXT": """typeof("{0}") != 'text'"""}
"""SQLite stores anything in any column; these would stop whoever reads them, by the types of the migrations."""


def _check_values(database: Path) -> None:
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("PRAGMA trusted_schema=OFF")
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            columns = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall()
            for name, kind in columns:
                wrong = _NO_VALUE.get(str(kind).partition("(")[0], "0").format(name)
                query = f'SELECT EXISTS (SELECT 1 FROM "{table}" WHERE "{name}" IS NOT NULL AND ({wrong}))'  # noqa: S608 — names of the migrations
                if connection.execute(query).fetchone()[0]:
                    raise ArchiveUnusable(f"Its database has a {table} whose {name} is none. Take another backup.")


def _named(kind: str, name: str) -> str:
    """For a sentence; whoever has made the archive has chosen the name."""
    article = "an" if kind[:1] in "aeiou" else "a"
    return f"{article} {kind} {name}" if _PLAIN.fullmatch(f"{kind}{name}") else "something"


def _read(database: Path) -> Schema:
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("PRAGMA trusted_schema=OFF")
        rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        made: dict[tuple[str, str], object] = {}
        for kind, name, table, sql in rows:
            is_plain = kind == "table" and str(sql).startswith("CREATE TABLE")
            if not (is_plain and _OF_SQLITE.fullmatch(str(name))):
                columns = _columns(connection, name) if is_plain else ()
                made[str(kind), str(name)] = (table, _normalised(str(sql or "")), columns)
        return Schema(made, tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _SETTINGS))


def _columns(connection: sqlite3.Connection, table: str) -> tuple[object, ...]:
    """In their order, which the statement does not tell once it is normalised."""
    return tuple(connection.execute("SELECT name FROM pragma_table_xinfo(?)", (table,)))


def _normalised(sql: str) -> tuple[str, ...]:
    """A statement however it is written: without quotes, and what is between the commas of a table in any order.

    Versions of SQLite and Alembic quote differently, and order constraints differently when they write a table anew.
    """
    parts, depth = [""], 0
    for word in _WORD.findall(sql):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word in _BOUNDS and depth == _BOUNDS[word]:
            parts.append("")
        else:
            parts[-1] += f" {_bare(word)}"
    return (parts[0], *(sorted(parts[1:-1]) if sql.startswith("CREATE TABLE") else parts[1:-1]), parts[-1])


def _bare(word: str) -> str:
    return word[1:-1] if word[0] == '"' and _PLAIN.fullmatch(word[1:-1]) else word


@cache
def _of_revision(revision: str) -> Schema:
    """What the migrations make."""
    with TemporaryDirectory() as folder:
        database = Path(folder) / "reference.db"
        engine = create_engine(URL.create("sqlite", database=str(database)), poolclass=NullPool)
        config = AlembicConfig()
        config.set_main_option("script_location", str(MIGRATIONS))
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
        engine.dispose()
        return _read(database)
