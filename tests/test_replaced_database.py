"""A database file that somebody replaces, moves or deletes under a running site: nothing is lost by that."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import create_app
from app.db import DatabaseReplaced, expect, writing
from app.extensions import db
from app.models import DeadAddress
from tests import factories
from tests.factories import Clock
from tests.pages import Visitor

NOBODY = b"nobody"


def replace(database: Path) -> None:
    other = database.with_name("other.db")
    shutil.copy(database, other)
    os.replace(other, database)


def delete(database: Path) -> None:
    database.unlink()


def make_anew(database: Path) -> None:
    database.unlink()
    database.touch()


def lose_the_log(database: Path) -> None:
    log_of(database).unlink()


def replace_the_log(database: Path) -> None:
    log_of(database).unlink()
    log_of(database).touch()


def log_of(database: Path) -> Path:
    return database.with_name("redress.db-wal")


def lose_the_index(database: Path) -> None:
    index_of(database).unlink()


def index_of(database: Path) -> Path:
    return database.with_name("redress.db-shm")


ACTS: list[Callable[[Path], None]] = [replace, delete, make_anew, lose_the_log, replace_the_log, lose_the_index]


@pytest.fixture
def database(data_dir: Path) -> Path:
    return data_dir / "redress.db"


@pytest.fixture
def kept(database: Path, session: Session) -> Path:
    """A folder in which the files that are in use have a second name."""
    with writing(session):
        session.add(DeadAddress(digest=b"somebody", since=Clock()()))
    folder = database.with_name("kept")
    folder.mkdir()
    for file in (database, log_of(database), index_of(database)):
        (folder / file.name).hardlink_to(file)
    return folder


def put_back(kept: Path) -> None:
    for file in kept.iterdir():
        os.replace(file, kept.parent / file.name)


def known(session: Session) -> int | None:
    session.rollback()
    return session.scalar(select(func.count()).select_from(DeadAddress))


@pytest.mark.parametrize("act", ACTS)
def test_nothing_is_read_or_written_until_it_is_back(
    session: Session, database: Path, kept: Path, caplog: pytest.LogCaptureFixture, act: Callable[[Path], None]
) -> None:
    act(database)
    there = {file: file.read_bytes() for file in (database, log_of(database)) if file.exists()}

    for _time in range(2):
        with pytest.raises(DatabaseReplaced), writing(session):
            session.add(DeadAddress(digest=NOBODY, since=Clock()()))
        with pytest.raises(DatabaseReplaced):
            known(session)
        session.rollback()

    assert {file: file.read_bytes() for file in (database, log_of(database)) if file.exists()} == there
    assert caplog.text.count("was replaced, moved or deleted") == 1

    put_back(kept)

    assert known(session) == 1


def test_what_was_begun_before_is_not_stored_after_it(session: Session, database: Path, kept: Path) -> None:
    def store() -> None:
        with writing(session):
            session.add(DeadAddress(digest=NOBODY, since=Clock()()))
            session.flush()
            replace(database)

    with pytest.raises(DatabaseReplaced):
        store()

    put_back(kept)
    assert known(session) == 1


@pytest.mark.usefixtures("kept")
def test_no_new_connection_opens_the_other_file(app: Flask, session: Session, database: Path) -> None:
    """The log that lies beside it is of the one before: SQLite would play that into it."""
    session.rollback()
    replace(database)
    log = log_of(database).read_bytes()

    def open_another() -> None:
        with contextlib.ExitStack() as held:
            for _number in range(20):  # those that are open are given out first
                held.callback(db.engine.raw_connection().close)

    with pytest.raises(DatabaseReplaced):
        open_another()

    assert log_of(database).read_bytes() == log


def test_it_is_said_where_programs_watch_and_pages_ask_to_try_again(
    sandbox: Flask, visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    assert visitor.client.get("/healthz").get_json()["database"] == "ok"
    shutil.copy(data_dir / "redress.db", data_dir / "other.db")
    os.replace(data_dir / "other.db", data_dir / "redress.db")
    clock.forward(minutes=1)

    with visitor.client.get("/healthz") as health:
        assert health.status_code == 503
        assert (health.get_json()["status"], health.get_json()["database"]) == ("failing", "replaced")
    for path in ("/", "/reunite-families"):
        with visitor.client.get(path) as page:
            assert page.status_code == 503


def test_a_process_of_one_start_that_begins_late_means_the_same_file(app: Flask, database: Path) -> None:
    expect(database)
    replace(database)

    late = create_app(factories.config(database.parent))
    with late.app_context():
        with pytest.raises(DatabaseReplaced):
            known(db.session())
        db.session.remove()
        db.engine.dispose()


def test_another_database_is_taken_by_whoever_starts_anew(app: Flask, session: Session, database: Path) -> None:
    known(session)
    db.session.remove()
    db.engine.dispose()
    replace(database)

    assert known(db.session()) == 0
