"""`flask database copy`: a site moves from its file to a server, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import create_app
from app.cli.database import database
from app.db import Base, writing
from app.delivery.pause import LettersUndecided, is_paused, resume
from app.delivery.sending import claim
from app.extensions import db
from app.locks import alone
from app.models import Delivery, DeliveryKind, DeliveryState, Signature
from config import ROOT
from tests import databases, factories
from tests.conftest import compiled
from tests.delivery.factories import delivery, signature

TABLES = sorted(Base.metadata.tables)


@pytest.fixture
def target(postgres: databases.Server) -> Iterator[str]:
    """A database without a table, on the server."""
    postgres.execute("CREATE DATABASE target")
    yield postgres.url("target")
    postgres.execute("DROP DATABASE target WITH (FORCE)")


@pytest.fixture
def lived_in(session: Session) -> Session:
    """A site in which something has happened: every kind of column holds a value."""
    with writing(session):
        first = signature(session)
        first.origin, first.changes = {"source": "mail"}, {"part-1": "Sí, ¡hagámoslo! 🌵"}
        for state in (DeliveryState.ACCEPTED, DeliveryState.QUEUED, DeliveryState.FAILED):
            delivery(session, first, kind=DeliveryKind.LETTER, state=state, mail=b"\x00\xff\r\n" * 9)
        second = signature(session)
        second.repeats_id = first.id
    session.rollback()
    return session


def run(app: Flask, *arguments: str, code: int = 0) -> Result:
    db.session.remove()
    db.engine.dispose()
    result = app.test_cli_runner().invoke(database, ["copy", *arguments])
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def counts(url: str) -> dict[str, int]:
    """Rows by table; nothing for a database without ours."""
    with psycopg.connect(url) as connection:
        there = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in there}  # type: ignore[index]


def everything(session: Session) -> dict[str, list[tuple[object, ...]]]:
    return {
        table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key.columns))]
        for table in Base.metadata.sorted_tables
    }


@pytest.mark.usefixtures("lived_in")
def test_everything_arrives_and_is_counted(app: Flask, session: Session, data_dir: Path, target: str) -> None:
    before = everything(session)

    told = run(app, "--to", target)

    assert re.search(r"^signature +2$", told.stdout, re.MULTILINE)
    assert "Everything is there, counted table by table." in told.stderr
    site = compiled(create_app(factories.config(data_dir, DATABASE_URL=target)))
    with site.app_context():
        assert everything(db.session()) == before
        db.session.remove()
        db.engine.dispose()


@pytest.mark.usefixtures("lived_in")
def test_what_stays_behind_sends_nothing(app: Flask, session: Session, target: str) -> None:
    """Else a start without DATABASE_URL would send once more what has gone from the server."""
    run(app, "--to", target)

    session.rollback()
    assert is_paused(session)
    assert claim(session, datetime(2100, 1, 1, tzinfo=UTC)) is None
    with pytest.raises(LettersUndecided), writing(session):
        resume(session, datetime.now(UTC))


@pytest.mark.usefixtures("lived_in")
def test_the_site_goes_on_there_with_numbers_of_its_own(app: Flask, data_dir: Path, target: str) -> None:
    run(app, "--to", target)

    site = compiled(create_app(factories.config(data_dir, DATABASE_URL=target)))
    with site.app_context():
        with writing(db.session()):
            number = delivery(db.session(), signature(db.session())).id
        assert number == max(row.id for row in db.session().scalars(select(Delivery)))
        assert len(db.session().scalars(select(Signature)).all()) == 3
        db.session.remove()
        db.engine.dispose()


@pytest.mark.usefixtures("lived_in")
def test_a_target_that_holds_something_is_refused_and_left(app: Flask, target: str) -> None:
    run(app, "--to", target)
    before = counts(target)

    assert "is not empty: its table" in run(app, "--to", target, code=1).stderr
    assert counts(target) == before


def test_a_target_of_somebody_else_is_refused_and_left(app: Flask, target: str) -> None:
    with psycopg.connect(target, autocommit=True) as connection:
        connection.execute("CREATE TABLE orders (id integer)")

    assert "a table orders, which is not one of Redress" in run(app, "--to", target, code=1).stderr
    assert counts(target) == {"orders": 0}


@pytest.mark.usefixtures("lived_in")
def test_a_row_that_does_not_fit_leaves_the_target_empty(app: Flask, session: Session, target: str) -> None:
    with writing(session):
        session.scalars(select(Signature)).first().city = "x" * 101  # type: ignore[union-attr]  # SQLite counts no letters

    told = run(app, "--to", target, code=1).stderr

    assert "A row of the table signature does not fit" in told
    assert "xxx" not in told
    assert counts(target) == {}


@pytest.mark.usefixtures("lived_in")
def test_a_copy_that_is_killed_leaves_the_target_empty(app: Flask, data_dir: Path, target: str) -> None:
    db.session.remove()
    db.engine.dispose()
    command = [sys.executable, "-m", "flask", "database", "copy", "--to", target]
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(data_dir)}
    with psycopg.connect(target) as other:
        other.execute("SELECT pg_advisory_xact_lock(1380271187)")  # it waits in its transaction until we let go
        with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as child:
            until_someone_waits(target)
            child.send_signal(signal.SIGKILL)

    assert counts(target) == {}
    assert "Everything is there" in run(app, "--to", target).stderr


def until_someone_waits(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        deadline = time.monotonic() + 30
        while not connection.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone():
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_site_that_runs_is_not_copied(app: Flask, data_dir: Path, target: str) -> None:
    with alone(data_dir):
        assert f"Redress is running with the folder {data_dir}." in run(app, "--to", target, code=1).stderr
    assert counts(target) == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "There is no file"),
        (b"", "has no tables, or those of an older version"),
        (b"no database at all " * 500, "is no SQLite database, or it is damaged"),
    ],
)
def test_what_is_no_database_of_ours_is_refused(
    app: Flask, tmp_path: Path, target: str, content: bytes | None, words: str
) -> None:
    file = tmp_path / "other.db"
    if content is not None:
        file.write_bytes(content)

    assert words in run(app, "--from", str(file), "--to", target, code=1).stderr
    assert counts(target) == {}


@pytest.mark.parametrize("revision", ["0004", "9999"])
def test_a_database_of_another_version_is_refused(app: Flask, data_dir: Path, target: str, revision: str) -> None:
    with databases.connected(data_dir) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))

    words = "of an older version" if revision == "0004" else "by a newer version"
    assert words in run(app, "--to", target, code=1).stderr


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ((), "Say where to: --to - asks"),
        (("--to", "sqlite:///x.db"), "DATABASE_URL must be like postgresql://"),
        (("--to", "nonsense"), "DATABASE_URL must be like postgresql://"),
        (("--to", "postgresql://ana:canary@127.0.0.1:1/none"), "A password in a command can be read"),
        (("--to", "postgresql://ana:@127.0.0.1:1/none"), "A password in a command can be read"),
        (("--to", "postgresql://ana@127.0.0.1:1/none?password=canary"), "A password in a command can be read"),
        (("--to", "postgresql://ana@127.0.0.1/none?sslpassword=canary"), "A password in a command can be read"),
        (("--to", "postgresql://ana:canary@127.0.0.1:port/none"), "A password in a command can be read"),
        (("--to", "postgresql://ana@127.0.0.1:1/none"), "It could not be copied: connection failed"),
    ],
)
def test_a_target_that_is_none_is_said(app: Flask, to: tuple[str, ...], words: str) -> None:
    told = run(app, *to, code=1).stderr

    assert words in told
    assert "canary" not in told
    assert told.rstrip().endswith("Nothing was changed.")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("postgresql://ana:canary@127.0.0.1:1/none\n", "It could not be copied: connection failed"),
        ("nonsense: canary\n", "DATABASE_URL must be like postgresql://"),
        ("", "DATABASE_URL must be like postgresql://"),
    ],
)
def test_an_address_with_its_password_comes_through_standard_input(app: Flask, typed: str, words: str) -> None:
    db.session.remove()
    db.engine.dispose()
    result = app.test_cli_runner().invoke(database, ["copy", "--to", "-"], input=typed)

    assert result.exit_code == 1
    assert words in result.stderr
    assert "canary" not in result.output


@pytest.mark.usefixtures("lived_in")
def test_on_a_terminal_it_is_asked_for_and_not_shown(app: Flask, data_dir: Path, target: str) -> None:
    db.session.remove()
    db.engine.dispose()
    mine, theirs = pty.openpty()
    command = [sys.executable, "-m", "flask", "database", "copy", "--to", "-"]
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(data_dir)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as child:
        os.close(theirs)
        shown = os.read(mine, 1000)
        os.write(mine, target.encode() + b"\n")
        with contextlib.suppress(OSError):  # the end
            while piece := os.read(mine, 1000):
                shown += piece
        os.close(mine)

    assert child.returncode == 0, shown
    assert shown.startswith(b"Address of the database: ")
    assert target.encode() not in shown
    assert counts(target)["signature"] == 2
