"""What a database file is, before it is used: which version of the tables, and a sandbox's or a live site's."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from alembic.script import ScriptDirectory

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
    known = {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    return not revisions(database) <= known


def is_current(database: Path) -> bool:
    """Whether it has the tables of this checkout, so that there is nothing to migrate. Raises sqlite3.Error."""
    return revisions(database) == frozenset(ScriptDirectory(str(MIGRATIONS)).get_heads())


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
