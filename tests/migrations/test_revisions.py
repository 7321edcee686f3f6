"""Every revision goes up, down and up again with rows in every table, and none is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from app import create_app
from app.db import Base
from app.extensions import db
from config import ROOT
from tests import factories

SCRIPTS = ScriptDirectory(str(ROOT / "migrations"))
REVISIONS = [script.revision for script in reversed(list(SCRIPTS.walk_revisions()))]

# What each revision adds to a database of the one before it: statements that put a row into every table it changes.
ROWS: dict[str, list[str]] = {
    "0001": [
        "INSERT INTO campaign VALUES (1, 'one', 'published', 'source', '2026-01-01 00:00:00.000000')",
        "INSERT INTO campaign_revision VALUES (1, 1, 1, 'source', '2026-01-01 00:00:00.000000')",
        """INSERT INTO signature (id, revision_id, campaign_id, state, sent_hash, mail_hash, given_name,
           person_digest, email_digest, congress, located_by, created_at) VALUES
           (1, 1, 1, 'confirmed', x'01', x'02', 'Jane', x'03', x'04', 119, 'zip', '2026-01-01 00:00:00.000000')""",
        "INSERT INTO consent VALUES (1, 1, 'I agree', '2026-01-01 00:00:00.000000')",
        """INSERT INTO letter (id, signature_id, position, seat, congress, bioguide, recipient, recipient_detail,
           subject, body) VALUES (1, 1, 1, 'WY-AL', 119, 'H001096', 'Representative', 'Wyoming', 'Subject', 'Body')""",
        """INSERT INTO delivery (id, uuid, kind, state, channel, signature_id, letter_id, attempts, unknowns,
           created_at) VALUES (1, 'u', 'letter', 'held', 'mail', 1, 1, 0, 0, '2026-01-01 00:00:00.000000')""",
        """INSERT INTO delivery_event (id, delivery_id, at, state, why, code)
           VALUES (1, 1, '2026-01-01 00:00:00.000000', 'held', 'signed', NULL)""",
    ],
    "0002": [
        "INSERT INTO contact VALUES (1, 'WY-AL', 'scheduler', 'staff@example.org', 'a call', '2026-01-01')",
        "INSERT INTO limit_event VALUES (1, 'erase', x'05', '2026-01-01 00:00:00.000000')",
        "INSERT INTO site_state (id, delivery) VALUES (1, 'sandbox')",
    ],
    "0003": [
        """INSERT INTO geocoder_answer VALUES
           (x'06', 119, 'ocd-division/country:us/state:tx/cd:37', '2026-01-01 00:00:00.000000')""",
        """INSERT INTO delivery (id, uuid, kind, state, channel, attempts, unknowns, created_at)
           VALUES (3, 'r', 'report', 'queued', 'mail', 0, 0, '2026-01-01 00:00:00.000000')""",
        """INSERT INTO delivery_event (id, delivery_id, at, state, why, code)
           VALUES (3, 3, '2026-01-01 00:00:00.000000', 'queued', 'composed', NULL)""",
    ],
    "0004": [
        """UPDATE signature SET language = 'es', origin = '{"source": "mail"}' WHERE id = 1""",
        "UPDATE letter SET language = 'es' WHERE id = 1",
    ],
    "0005": [
        "INSERT INTO pace (key, next_at) VALUES ('office@example.org', '2026-01-01 00:00:00.000000')",
        "INSERT INTO heartbeat VALUES ('here:1', '2026-01-01 00:00:00.000000')",
        "INSERT INTO dead_address VALUES (x'07', '2026-01-01 00:00:00.000000')",
        "UPDATE site_state SET refused_why = 'login refused', refused_code = 535, refusals = 1 WHERE id = 1",
        """INSERT INTO delivery (id, uuid, kind, state, channel, signature_id, attempts, unknowns, created_at, rank)
           VALUES (4, 'a', 'answer', 'bounced', 'mail', 1, 1, 0, '2026-01-01 00:00:00.000000', 1)""",
        """INSERT INTO delivery_event (id, delivery_id, at, state, why, code)
           VALUES (4, 4, '2026-01-01 00:00:00.000000', 'bounced', 'came back', 550)""",
    ],
    "0006": [
        "UPDATE delivery SET wanted_at = created_at WHERE id = 4",
    ],
    "0007": [
        "UPDATE site_state SET certain_at = '2026-01-01 00:00:00.000000' WHERE id = 1",
    ],
}
DROPPED = {"0006": ("has_slot",)}
"""Columns that a revision gives up."""


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Flask]:
    """The application beside a database that does not exist yet."""
    app = create_app(factories.config(tmp_path))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def test_every_revision_has_its_rows() -> None:
    assert list(ROWS) == REVISIONS


def test_the_file_head_holds_the_newest_number() -> None:
    assert (ROOT / "migrations" / "HEAD").read_text().strip() == SCRIPTS.get_current_head() == REVISIONS[-1]


def test_revisions_are_numbered_one_after_the_other() -> None:
    assert [f"{number:04}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS


def test_the_newest_revision_equals_the_models(empty: Flask) -> None:
    flask_migrate.upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_rows_fill_every_table(empty: Flask, tmp_path: Path) -> None:
    flask_migrate.upgrade()
    _insert(tmp_path, [row for rows in ROWS.values() for row in rows])
    contents = _contents(tmp_path)
    assert set(contents) == set(Base.metadata.tables)
    assert all(contents.values())


@pytest.mark.parametrize("revision", REVISIONS)
def test_going_up_down_and_up_keeps_every_row_of_the_revision_before(
    empty: Flask, tmp_path: Path, revision: str
) -> None:
    before = REVISIONS[: REVISIONS.index(revision)]
    for earlier in before:
        flask_migrate.upgrade(revision=earlier)
        _insert(tmp_path, ROWS[earlier])
    rows = _contents(tmp_path)
    flask_migrate.upgrade(revision=revision)
    _insert(tmp_path, ROWS[revision])
    flask_migrate.downgrade(revision=before[-1] if before else "base")
    assert _contents(tmp_path) == rows
    flask_migrate.upgrade(revision=revision)
    again = _contents(tmp_path)
    for table, kept in rows.items():
        left = [{name: value for name, value in row.items() if name not in DROPPED.get(revision, ())} for row in kept]
        assert [{name: row[name] for name in left[0]} for row in again[table]] == left


def test_going_down_tells_what_the_version_before_could_not_as_the_nearest_that_it_could(
    empty: Flask, tmp_path: Path
) -> None:
    flask_migrate.upgrade()
    _insert(
        tmp_path,
        [
            *ROWS["0001"],
            "UPDATE signature SET state = 'erased', person_digest = NULL, email_digest = NULL",
            "UPDATE delivery SET state = 'offered'",
            "UPDATE delivery_event SET state = 'offered'",
            """INSERT INTO delivery (id, uuid, kind, state, channel, signature_id, attempts, unknowns, created_at)
               VALUES (2, 'v', 'reminder', 'queued', 'mail', 1, 0, 0, '2026-01-01 00:00:00.000000')""",
            """INSERT INTO delivery_event (id, delivery_id, at, state, why, code)
               VALUES (2, 2, '2026-01-01 00:00:00.000000', 'queued', 'composed', NULL)""",
        ],
    )
    flask_migrate.downgrade(revision="0001")
    with sqlite3.connect(tmp_path / "redress.db") as connection:
        assert connection.execute("SELECT state, person_digest FROM signature").fetchall() == [("withdrawn", b"")]
        assert connection.execute("SELECT id, state FROM delivery").fetchall() == [(1, "cancelled")]
        assert connection.execute("SELECT id, state FROM delivery_event").fetchall() == [(1, "cancelled")]
    connection.close()


def test_who_was_erased_is_still_so_after_a_way_down_and_up(empty: Flask, tmp_path: Path) -> None:
    flask_migrate.upgrade()
    _insert(
        tmp_path,
        [
            *ROWS["0001"],
            "UPDATE signature SET state = 'erased', given_name = NULL, erased_at = '2026-02-01 00:00:00.000000'",
        ],
    )
    flask_migrate.downgrade(revision="0001")
    flask_migrate.upgrade()
    with sqlite3.connect(tmp_path / "redress.db") as connection:
        assert connection.execute("SELECT erased_at FROM signature").fetchall() == [("2026-01-01 00:00:00.000000",)]
    connection.close()


def test_a_letter_in_parts_is_whole_after_a_way_down_and_its_body_after_a_way_up(empty: Flask, tmp_path: Path) -> None:
    flask_migrate.upgrade()
    _insert(
        tmp_path,
        [
            *(row for rows in ROWS.values() for row in rows),
            "UPDATE signature SET own_words = 'Mine.'",
            "UPDATE letter SET opening = 'Dear Senator,'",
        ],
    )
    flask_migrate.downgrade(revision="0003")
    whole = "Dear Senator,\n\nMine.\n\n* * *\n\nBody"
    assert [row["body"] for row in _contents(tmp_path)["letter"]] == [whole]
    flask_migrate.upgrade()
    assert [(row["opening"], row["body"]) for row in _contents(tmp_path)["letter"]] == [("", whole)]


def test_an_erased_letter_stays_empty_on_the_way_down_and_up(empty: Flask, tmp_path: Path) -> None:
    flask_migrate.upgrade()
    _insert(
        tmp_path, [*(row for rows in ROWS.values() for row in rows), "UPDATE letter SET opening = NULL, body = NULL"]
    )
    flask_migrate.downgrade(revision="0003")
    assert [row["body"] for row in _contents(tmp_path)["letter"]] == [None]
    flask_migrate.upgrade()
    assert [(row["opening"], row["body"]) for row in _contents(tmp_path)["letter"]] == [(None, None)]


def test_a_state_that_does_not_exist_is_refused_after_every_revision(empty: Flask, tmp_path: Path) -> None:
    flask_migrate.upgrade()
    _insert(tmp_path, [row for rows in ROWS.values() for row in rows])
    for table in ("campaign", "signature", "delivery", "delivery_event"):
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            _insert(tmp_path, [f"UPDATE {table} SET state = 'lost'"])


def test_only_a_report_is_nobodys_signatures(empty: Flask, tmp_path: Path) -> None:
    flask_migrate.upgrade()
    _insert(tmp_path, [row for rows in ROWS.values() for row in rows])
    for change in ("kind = 'copy' WHERE kind = 'report'", "signature_id = 1 WHERE kind = 'report'"):
        with pytest.raises(sqlite3.IntegrityError, match="report_has_no_signature"):
            _insert(tmp_path, [f"UPDATE delivery SET {change}"])
    with pytest.raises(sqlite3.IntegrityError, match="report_has_no_signature"):
        _insert(tmp_path, ["UPDATE delivery SET signature_id = NULL WHERE kind = 'letter'"])


def test_a_rebuilt_table_keeps_its_indexes_and_checks(empty: Flask, tmp_path: Path) -> None:
    flask_migrate.upgrade(revision="0002")
    before = _schema(tmp_path, "delivery")
    flask_migrate.upgrade(revision="0003")
    after = _schema(tmp_path, "delivery")
    flask_migrate.downgrade(revision="0002")

    assert _schema(tmp_path, "delivery") == before
    changed = {" ".join(line.split()[:2]) for line in before - after}
    assert changed == {"signature_id INTEGER", "CONSTRAINT ck_delivery_kind"}
    assert sum(" WHERE state = " in line for line in after) == 2


def test_rows_without_a_parent_stop_a_migration_and_undo_it(empty: Flask, tmp_path: Path) -> None:
    flask_migrate.upgrade()
    _insert(tmp_path, [*ROWS["0001"][:2], "DELETE FROM campaign"])
    with pytest.raises(SystemExit):
        flask_migrate.stamp(revision="base")
    with sqlite3.connect(tmp_path / "redress.db") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(REVISIONS[-1],)]
    connection.close()


def _insert(folder: Path, statements: list[str]) -> None:
    with sqlite3.connect(folder / "redress.db") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def _schema(folder: Path, table: str) -> set[str]:
    """The lines by which a table and its indexes were made; a table that is rebuilt has its checks in another order."""
    connection = sqlite3.connect(folder / "redress.db")
    rows = connection.execute("SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql NOT NULL", (table,)).fetchall()
    connection.close()
    return {line.strip().removesuffix(",") for (sql,) in rows for line in sql.splitlines()}


def _contents(folder: Path) -> dict[str, list[dict[str, object]]]:
    """The rows of each table, by the names of their columns."""
    connection = sqlite3.connect(folder / "redress.db")
    connection.row_factory = sqlite3.Row
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    tables = {
        name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")]
        for name in names
        if name != "alembic_version" and not name.startswith("sqlite_")
    }
    connection.close()
    return tables
