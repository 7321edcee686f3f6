"""What a database may hold besides its rows: what the migrations made, and nothing else."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask

from app.archives import ArchiveUnusable
from app.archives.schema import check_schema
from app.extensions import db
from tests.archives.factories import HEAD

REBUILT = """PRAGMA writable_schema=ON;
UPDATE sqlite_master SET sql = replace(sql, {}, {}) WHERE name = {};
PRAGMA writable_schema=OFF;"""

STRANGE = {
    "a trigger": ("CREATE TRIGGER spy AFTER INSERT ON signature BEGIN SELECT 1; END", "holds a trigger spy that"),
    "a view": ("CREATE VIEW people AS SELECT * FROM signature", "holds a view people that"),
    "a view in the place of a table": (
        "ALTER TABLE contact RENAME TO c2; CREATE VIEW contact AS SELECT * FROM c2",
        "that Redress never made",
    ),
    "a table": ("CREATE TABLE extra (id INTEGER)", "holds a table extra that"),
    "a virtual table": ("CREATE VIRTUAL TABLE words USING fts5(text)", "that Redress never made"),
    "an index": ("CREATE INDEX faster ON signature (email)", "holds an index faster that"),
    "an index that calls a function": ("CREATE INDEX calls ON contact (upper(email))", "holds an index calls that"),
    "a name that nobody should print": ('CREATE VIEW "x\x1b[31m" AS SELECT 1', "holds something that"),
    "a table less": ("DROP TABLE contact", "lacks a"),
    "an index less": ("DROP INDEX ix_delivery_due", "lacks an index"),
    "a column": ("ALTER TABLE contact ADD COLUMN extra TEXT", "a table contact of another make"),
    "a column that is worked out": (
        "ALTER TABLE contact ADD COLUMN extra TEXT AS (upper(email))",
        "a table contact of another make",
    ),
    "another order of columns": (
        "CREATE TABLE other (digest BLOB, since DATETIME); DROP TABLE dead_address;"
        "ALTER TABLE other RENAME TO dead_address",
        "",
    ),
    "a check less": (
        REBUILT.format("'parked'", "'porked'", "'delivery'"),
        "a table delivery of another make",
    ),
    "another order in an index": (
        "DROP INDEX ix_delivery_due; CREATE INDEX ix_delivery_due ON delivery (due_at, rank) WHERE state = 'queued'",
        "of another make",
    ),
    "a unique index that is not": (
        "DROP INDEX uq_letter_signature_id_seat;"
        "CREATE INDEX uq_letter_signature_id_seat ON letter (signature_id, seat)",
        "of another make",
    ),
    "an application of its own": ("PRAGMA application_id = 7", "was not made by Redress"),
    "a version of its own": ("PRAGMA user_version = 7", "was not made by Redress"),
    "two revisions": ("INSERT INTO alembic_version VALUES ('0001')", "of which one version"),
    "no revision": ("DELETE FROM alembic_version", "of which one version"),
    **{
        f"{moment} as a moment": (f"INSERT INTO dead_address VALUES (x'00', {moment})", "whose since is none")
        for moment in ("'garbage'", "'now'", "2026", "'2026-13-01 00:00:00'", "x'00'")
    },
    "octets as a text": ("INSERT INTO pace VALUES (x'00', '2026-11-24 17:00:00.000000')", "a pace whose key is none"),
}


@pytest.fixture
def database(app: Flask, data_dir: Path, tmp_path: Path) -> Path:
    """As the migrations leave it, closed."""
    db.session.remove()
    db.engine.dispose()
    return Path(shutil.copy(data_dir / "redress.db", tmp_path / "other.db"))


def execute(database: Path, script: str) -> None:
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.executescript(script)


@pytest.mark.parametrize(("script", "says"), STRANGE.values(), ids=STRANGE)
def test_a_database_that_is_more_or_less_than_its_revision_is_refused(database: Path, script: str, says: str) -> None:
    execute(database, script)

    with pytest.raises(ArchiveUnusable) as refused:
        check_schema(database)

    assert says in str(refused.value)
    assert str(refused.value).isprintable()


def test_what_sqlite_keeps_about_tables_is_nothing_strange(database: Path) -> None:
    execute(database, "ANALYZE; VACUUM")

    check_schema(database)


def test_a_table_that_was_written_anew_is_the_same_however_it_is_quoted(database: Path) -> None:
    execute(database, "ALTER TABLE contact RENAME TO c2; ALTER TABLE c2 RENAME TO contact")

    check_schema(database)


@pytest.mark.parametrize("revision", [f"{number:04}" for number in range(1, int(HEAD) + 1)])
def test_the_database_of_every_revision_can_be_restored(app: Flask, data_dir: Path, revision: str) -> None:
    """As an update leaves it, not only as it is made anew."""
    if revision != HEAD:
        flask_migrate.downgrade(revision=revision)
    db.session.remove()
    db.engine.dispose()

    check_schema(data_dir / "redress.db")
