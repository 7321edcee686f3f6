"""What a database is, before it is used: which version of the tables, and a sandbox's or a live site's."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from config import ROOT

MIGRATIONS = ROOT / "migrations"


def revisions(database: Path) -> frozenset[str]:
    """The revisions that a database says it is at: one as a rule, none before its first migration.

    Opens it read-only. Raises sqlite3.Error when it is no database.
    """
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            return frozenset()
        return frozenset(row[0] for row in connection.execute("SELECT version_num FROM alembic_version"))


def is_newer(database: Path) -> bool:
    """Whether a newer version of Redress made it: to migrate it would be a guess. Raises sqlite3.Error."""
    return not is_known(revisions(database))


def is_current(database: Path) -> bool:
    """Whether it has the tables of this checkout, so that there is nothing to migrate. Raises sqlite3.Error."""
    return revisions(database) == newest()


def belongs_to(database: Path) -> str | None:
    """`sandbox` or `live`, as its first start has marked it; None for one that may still become either.

    Raises sqlite3.Error when it is no database.
    """
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "site_state" in there:
            mark = connection.execute("SELECT delivery FROM site_state").fetchone()
            if mark is not None:
                return str(mark[0])
        used = "campaign" in there and connection.execute("SELECT 1 FROM campaign LIMIT 1").fetchone()
    return "sandbox" if used else None  # an earlier version, which knew nothing else, has made it


def certain_in(database: Path) -> datetime | None:
    """The moment that a site has surely come to, of its file; None if that is not known. Raises sqlite3.Error."""
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(site_state)")}
        row = connection.execute("SELECT certain_at FROM site_state").fetchone() if "certain_at" in columns else None
    return None if row is None or row[0] is None else datetime.fromisoformat(row[0]).replace(tzinfo=UTC)


def is_known(at: frozenset[str]) -> bool:
    """Whether this checkout has all these revisions."""
    return at <= {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}


def newest() -> frozenset[str]:
    """The revision of this checkout's tables."""
    return frozenset(ScriptDirectory(str(MIGRATIONS)).get_heads())


@dataclass(frozen=True, slots=True)
class Held:
    """What a database on a server holds: revisions, and `sandbox` or `live` once it was started."""

    revisions: frozenset[str]
    mode: str | None


def held_by(connection: Connection) -> Held:
    """Look at a server's database. Raises SQLAlchemyError."""
    tables = set(inspect(connection).get_table_names())
    at = (
        connection.scalars(text("SELECT version_num FROM alembic_version")).all() if "alembic_version" in tables else ()
    )
    mode = connection.scalar(text("SELECT delivery FROM site_state")) if "site_state" in tables else None
    return Held(frozenset(at), mode)
