"""What keeps a database from taking changes is known by name: by the program that meets it, and by all of its site."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import create_app
from app.db import DatabaseUnavailable, tried, writing
from app.doctor import Verdict, database
from app.extensions import db
from app.obstacles import Met, Obstacle, has_little_room, met, obstacle
from tests import factories
from tests.conftest import OpenSandbox, compiled
from tests.databases import connected, write_lock
from tests.delivery.queue import empty_disk, fill_disk
from tests.pages import Visitor
from tests.web.steps import SEND, SHOW, begin
from tests.web.test_health import ask


@contextlib.contextmanager
def no_file_longer_than(octets: int) -> Iterator[None]:
    """As with a quota that is used up: a write fails, and the disk has room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def no_room_left(app: Flask) -> Iterator[None]:
    """As on a full disk."""
    with app.app_context():
        fill_disk(db.session())
    yield
    with app.app_context():
        empty_disk(db.session())


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own, of five megabytes."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a disk, and not everywhere")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(autouse=True)
def nothing_met() -> None:
    """Whatever another test has met."""
    met.clear()


def failed(database: Path, statement: str, **options: str) -> sqlite3.Error:
    """The error of a statement."""
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}{options.get('how', '')}", uri=True)) as connection:
        with pytest.raises(sqlite3.Error) as error:
            connection.executescript(statement)
        return error.value


def test_what_sqlite_says_is_understood(tmp_path: Path) -> None:
    database = tmp_path / "one.db"
    with contextlib.closing(sqlite3.connect(database, timeout=0)) as other:
        other.executescript("PRAGMA journal_mode=WAL; CREATE TABLE t (x)")
        other.execute("BEGIN IMMEDIATE")
        busy = failed(database, "PRAGMA busy_timeout=0; BEGIN IMMEDIATE")
    full = failed(database, "PRAGMA max_page_count=2; INSERT INTO t VALUES (zeroblob(90000))")
    read_only = failed(database, "INSERT INTO t VALUES (1)", how="?mode=ro")
    with no_file_longer_than(20_000):
        broken = failed(database, "INSERT INTO t VALUES (zeroblob(900000))")
    no_table = failed(database, "INSERT INTO nothing VALUES (1)")

    found = [obstacle(error, tmp_path) for error in (busy, full, read_only, broken, no_table)]

    assert found == [*(Obstacle.BUSY, Obstacle.FULL, Obstacle.READ_ONLY, Obstacle.BROKEN), Obstacle.UNREACHABLE]
    assert [one.lasts for one in found] == [False, True, True, True, False]


@pytest.mark.usefixtures("on_server")
@pytest.mark.parametrize(
    ("sqlstate", "why"),
    [
        ("53100", Obstacle.FULL),
        ("25006", Obstacle.READ_ONLY),
        ("58030", Obstacle.BROKEN),
        ("55P03", Obstacle.BUSY),
        ("57P03", Obstacle.UNREACHABLE),
    ],
)
def test_what_a_server_says_is_understood(session: Session, sqlstate: str, why: Obstacle) -> None:
    with pytest.raises(DatabaseUnavailable) as unavailable, writing(session):
        session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END $$"))

    assert unavailable.value.why is why


@pytest.mark.usefixtures("on_server")
def test_a_server_that_was_switched_to_read_only_is_no_fault_of_ours(session: Session) -> None:
    switched = text("SET TRANSACTION READ ONLY; UPDATE campaign SET source = ''")
    with pytest.raises(DatabaseUnavailable) as unavailable, writing(session):
        session.execute(switched)

    assert unavailable.value.why is Obstacle.READ_ONLY


def test_trying_leaves_nothing_and_finds_nothing_where_all_is_well(session: Session, data_dir: Path) -> None:
    with connected(data_dir) as connection:
        before = connection.execute("SELECT count(*) FROM campaign").fetchone()

    assert tried(session) is None
    assert tried(session) is None

    assert not session.in_transaction()
    with connected(data_dir) as connection:
        assert connection.execute("SELECT count(*) FROM campaign").fetchone() == before
        with pytest.raises(Exception, match="room"):
            connection.execute("SELECT * FROM room")


@pytest.mark.usefixtures("impatient")
def test_trying_beside_a_writer_says_that_it_is_busy(session: Session, data_dir: Path) -> None:
    db.engine.dispose()
    with write_lock(data_dir):
        assert tried(session) is Obstacle.BUSY
    assert not met.is_noted()


@pytest.mark.file
def test_a_quota_that_is_used_up_is_met_though_the_disk_has_room(session: Session, data_dir: Path) -> None:
    with no_file_longer_than((data_dir / "redress.db").stat().st_size):
        assert tried(session) is Obstacle.BROKEN
        assert met.is_noted()

    assert tried(session) is None
    assert not met.is_noted()


@pytest.mark.file
def test_a_disk_that_takes_what_it_does_not_keep_is_met(session: Session) -> None:
    def fails(_connection: object) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise OperationalError("COMMIT", None, error)

    event.listen(db.engine, "commit", fails)
    try:
        for _time in range(2):
            assert tried(session) is Obstacle.BROKEN
            assert met.is_noted()
    finally:
        event.remove(db.engine, "commit", fails)

    assert tried(session) is None
    assert not met.is_noted()


def test_what_one_program_of_a_site_meets_the_others_know(caplog: pytest.LogCaptureFixture) -> None:
    shared = Met()
    if (child := os.fork()) == 0:
        logging.disable()
        shared.note(Obstacle.FULL)
        os._exit(0)
    os.waitpid(child, 0)
    assert shared.is_noted()

    shared.clear()
    shared.note(Obstacle.BUSY)
    assert not shared.is_noted()
    for _turn in range(3):
        shared.note(Obstacle.FULL)
    shared.note(Obstacle.READ_ONLY)
    assert caplog.messages == [
        "the database takes no change: the disk is full",
        "the database takes no change: it is read-only",
    ]


@pytest.mark.file
@pytest.mark.parametrize("fill", ["pages", "quota"])
def test_when_nobody_can_sign_health_and_log_name_the_cause_at_once_and_its_end(
    open_sandbox: OpenSandbox, clock: factories.Clock, data_dir: Path, caplog: pytest.LogCaptureFixture, fill: str
) -> None:
    app = open_sandbox()
    visitor = begin(Visitor(app), clock)
    visitor.press(SHOW)
    visitor.fill(own_words="word " * 1500)
    assert ask(app).get_json()["database"] == "ok"
    with no_room_left(app) if fill == "pages" else no_file_longer_than((data_dir / "redress.db-wal").stat().st_size):
        assert visitor.press(SEND).status == 503

        said = ask(app)

        assert said.status_code == 503
        assert (said.get_json()["status"], said.get_json()["worker"]) == ("failing", "late")
        assert said.get_json()["database"] == ("full" if fill == "pages" else "broken")
    assert caplog.messages[0].startswith("the database takes no change: the disk ")
    app.extensions.pop("redress-room")

    assert ask(app).get_json()["database"] == "ok"
    assert not met.is_noted()


@pytest.mark.file
def test_a_full_disk_is_named_before_anybody_meets_it(tiny: Path, migrated: Path) -> None:
    shutil.copy(migrated, tiny / "redress.db")
    app = compiled(create_app(factories.config(tiny)))
    assert ask(app).get_json()["database"] == "ok"
    assert not has_little_room(tiny.parent)
    with contextlib.suppress(OSError), (tiny / "filling").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))

    assert has_little_room(tiny)
    assert ask(app).get_json()["database"] == "full"
    with app.app_context():
        finding = list(database.examine(db.session()))[-1]
        assert (finding.verdict, finding.says.rpartition(": ")[2]) == (Verdict.FAIL, "the disk is full.")

    (tiny / "filling").unlink()
    app.extensions.pop("redress-room")
    assert ask(app).get_json()["database"] == "ok"
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
