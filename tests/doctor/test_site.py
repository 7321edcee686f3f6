"""The site itself: database, migrations, what holds mail back, worker, tables, disk and clock."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.db import writing
from app.delivery import ACCOUNT_REFUSED, Outcome, OutcomeKind
from app.delivery.breaker import Breaker
from app.delivery.drain import drain
from app.delivery.outbox import note_event
from app.delivery.pause import pause
from app.doctor import Finding, Verdict, database, legislator_tables
from app.doctor.machine import LITTLE, TOO_LITTLE, clock, disk, is_synchronised, room, worker
from app.legislators import tables
from app.legislators.keeping.refresh_state import RefreshState, write_state
from app.legislators.keeping.shelf import Shelf
from app.models import DeliveryState
from tests import factories
from tests.clock.factories import certain
from tests.databases import connected, write_lock
from tests.delivery.factories import NOW, ScriptedSender, policy
from tests.delivery.queue import at, empty_disk, fill_disk, never, row
from tests.heartbeats import beat

S = DeliveryState
OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL


def looked(session: Session) -> list[tuple[str, Verdict]]:
    return [(finding.subject, finding.verdict) for finding in database.examine(session)]


def last(session: Session) -> Finding:
    return list(database.examine(session))[-1]


def test_a_database_that_works_is_well(session: Session) -> None:
    assert looked(session) == [("database", OK), ("migrations", OK), ("database", OK), ("sending", OK)]
    assert not session.in_transaction()


def test_looking_at_a_database_changes_nothing_in_it(session: Session, data_dir: Path) -> None:
    with writing(session):
        pause(session, "live", NOW)
    before = _dump(data_dir)

    list(database.examine(session))

    assert _dump(data_dir) == before


def _dump(data_dir: Path) -> list[str]:
    with sqlite3.connect(data_dir / "redress.db") as connection:
        dumped = list(connection.iterdump())
    connection.close()
    return dumped


@pytest.mark.file
def test_a_database_that_is_not_there_is_not_made(session: Session, data_dir: Path) -> None:
    (data_dir / "redress.db").unlink()

    assert looked(session) == [("database", FAIL)]
    assert not (data_dir / "redress.db").exists()
    assert "DATA_DIR" in last(session).do


@pytest.mark.file
def test_a_file_that_is_no_database(session: Session, data_dir: Path) -> None:
    (data_dir / "redress.db").write_bytes(b"no database at all" * 1000)

    assert looked(session)[-1] == ("migrations", FAIL)
    assert "cannot be read" in last(session).says


@pytest.mark.file
def test_an_empty_database_wants_a_start(session: Session, data_dir: Path) -> None:
    (data_dir / "redress.db").write_bytes(b"")

    assert looked(session)[-1] == ("migrations", FAIL)
    assert "bin/run" in last(session).do


@pytest.mark.parametrize(("revision", "says"), [("0001", "older than this version"), ("9999", "newer version")])
def test_tables_of_another_version(session: Session, data_dir: Path, revision: str, says: str) -> None:
    with connected(data_dir) as connection:
        (present,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    try:
        assert looked(session)[-1] == ("migrations", FAIL)
        assert says in last(session).says
    finally:  # a server's database is emptied for the next test, but for this
        session.rollback()
        with connected(data_dir) as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (present,))


@pytest.mark.usefixtures("impatient")
def test_a_database_that_is_locked_takes_no_changes(session: Session, data_dir: Path) -> None:
    with write_lock(data_dir):
        assert looked(session)[-1] == ("database", FAIL)
    assert last(session).verdict is OK


@pytest.mark.file
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_database_of_another_user_is_not_opened(session: Session, data_dir: Path) -> None:
    os.chown(data_dir / "redress.db", 54321, -1)

    finding = last(session)

    assert finding.verdict is WARN
    assert "#54321" in finding.says
    assert "sudo -u" in finding.do


def test_paused_sending_is_told_with_the_way_to_go_on(session: Session) -> None:
    with writing(session):
        pause(session, "live", NOW)

    assert last(session).verdict is WARN
    assert "flask outbox resume" in last(session).do


def test_a_mail_server_that_refuses_the_worker_is_told(session: Session) -> None:
    Breaker("live").note(session, Outcome(OutcomeKind.CHANNEL, "login refused", 535), NOW)

    assert last(session).verdict is WARN
    assert "since 2026-11-24 17:00 UTC: login refused (535)." in last(session).says
    assert last(session).do.startswith("If a line below fails, that is why")


def test_a_quota_that_is_used_up_is_told_in_the_servers_words_with_what_to_do(session: Session) -> None:
    said = "5.4.5 Daily sending quota exceeded"
    for number in range(3):
        row(session, recipient=f"staff@office{number}.example")
    earlier = row(session, NOW - timedelta(days=9))
    with writing(session):
        note_event(session, earlier, S.QUEUED, NOW - timedelta(days=9), ACCOUNT_REFUSED, 552, "of another day")
    used_up = Outcome(OutcomeKind.PERMANENT, ACCOUNT_REFUSED, 552, said=said)
    drain(session, ScriptedSender([used_up] * 9), policy(), at(NOW), never)

    finding = last(session)

    assert finding.says.endswith(f"account refused (552), saying: {said}.")
    assert "all lines below can be ok" in finding.do
    assert "lower MAIL_RATE" in finding.do
    assert "flask outbox show ID" in finding.do


def test_a_worker_that_hangs_is_told_from_one_that_does_not_run(session: Session) -> None:
    assert worker(session, NOW).verdict is FAIL
    assert "None runs" in worker(session, NOW).says

    beat(session, NOW)

    assert worker(session, NOW).verdict is OK
    late = worker(session, NOW + timedelta(minutes=2))
    assert late.verdict is FAIL
    assert "It has shown no life since 2026-11-24 17:00 UTC" in late.says


@pytest.mark.file
def test_a_worker_that_cannot_show_life_is_told_with_what_keeps_it(session: Session) -> None:
    beat(session, NOW)
    fill_disk(session)

    found = worker(session, NOW + timedelta(minutes=2))

    assert found.verdict is FAIL
    assert found.says.endswith("and cannot: the database takes no change (the disk is full).")
    assert last(session).says.endswith("nothing is sent: the disk is full.")
    empty_disk(session)
    assert "and cannot" not in worker(session, NOW + timedelta(minutes=2)).says


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(LITTLE, OK), (LITTLE - 1, WARN), (TOO_LITTLE, WARN), (TOO_LITTLE - 1, FAIL), (0, FAIL)],
)
def test_room_on_the_disk(free: int, verdict: Verdict) -> None:
    assert room(free).verdict is verdict


def test_a_disk_that_is_not_there(tmp_path: Path) -> None:
    assert disk(tmp_path).subject == "disk"
    assert disk(tmp_path / "nothing").verdict is FAIL


def test_a_clock_that_was_set_back_fails(session: Session) -> None:
    factories.published(session, factories.campaign_source(), NOW)

    assert clock(session, NOW - timedelta(seconds=30), None).verdict is OK
    behind = clock(session, NOW - timedelta(hours=2), True)
    assert behind.verdict is FAIL
    assert "2026-11-24 15:00 UTC" in behind.says
    assert "2026-11-24 17:00 UTC" in behind.says


@pytest.mark.parametrize("days", [-400, 4, 400])
def test_a_clock_in_doubt_fails_with_the_way_to_say_that_it_is_right(session: Session, days: int) -> None:
    certain(session, NOW)

    found = clock(session, NOW + timedelta(days=days), True)

    assert found.verdict is FAIL
    assert "the last moment that is certain here is 2026-11-24 17:00 UTC" in found.says
    assert "flask clock confirm" in found.do
    assert clock(session, NOW + timedelta(days=2), True).verdict is OK


def test_a_clock_that_nothing_keeps_right_is_a_warning(session: Session) -> None:
    assert clock(session, NOW, False).verdict is WARN
    assert clock(session, NOW, True).verdict is OK
    assert "look whether that is right" in clock(session, NOW, None).says


@pytest.mark.file
def test_a_clock_is_told_without_a_database(session: Session, data_dir: Path) -> None:
    (data_dir / "redress.db").write_bytes(b"")

    assert clock(session, NOW, True).verdict is OK


@pytest.mark.parametrize(
    ("says", "meant"), [("echo yes", True), ("echo no", False), ("echo; exit 1", None), ("exit 1", None)]
)
def test_what_the_system_says_of_its_clock(tmp_path: Path, says: str, meant: bool | None) -> None:
    program = tmp_path / "timedatectl"
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)

    assert is_synchronised(str(program)) is meant


def test_a_system_without_timedatectl_cannot_say(tmp_path: Path) -> None:
    assert is_synchronised(str(tmp_path / "timedatectl")) is None


@pytest.fixture(scope="module")
def shipped() -> tables.Tables:
    return tables.load(tables.SHIPPED)


@pytest.fixture
def shelf(tmp_path: Path, shipped: tables.Tables) -> Shelf:
    folder = tmp_path / "legislators"
    folder.mkdir()
    return Shelf(tables.SHIPPED, folder, read=lambda _path: shipped)


def test_tables_are_told_with_their_age(shelf: Shelf) -> None:
    finding = legislator_tables.examine(shelf, NOW, live=True)

    assert finding.verdict is OK
    assert f"{(NOW.date() - shelf.shipped.as_of).days} days old" in finding.says


def test_tables_that_could_not_be_refreshed_for_three_weeks_are_a_warning(shelf: Shelf) -> None:
    state = RefreshState().succeeded(NOW - timedelta(days=22)).failed(NOW, "The network is away.")
    write_state(shelf.folder, state)

    finding = legislator_tables.examine(shelf, NOW, live=True)

    assert finding.verdict is WARN
    assert "since 2026-11-02" in finding.says
    assert finding.do == "The network is away."
    assert legislator_tables.examine(shelf, NOW, live=False).verdict is OK
    assert legislator_tables.examine(shelf, NOW - timedelta(days=2), live=True).verdict is OK


def test_tables_of_an_earlier_congress_are_a_warning(shelf: Shelf) -> None:
    finding = legislator_tables.examine(shelf, datetime(2027, 1, 4, tzinfo=UTC), live=False)

    assert finding.verdict is WARN
    assert "120th Congress has begun" in finding.says
