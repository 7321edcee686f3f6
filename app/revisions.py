"""Which version of the tables a database file holds, and whether this checkout knows it."""

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
