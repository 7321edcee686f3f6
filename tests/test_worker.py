"""The worker: in processes of its own that are killed at the worst moment, and in this one where that is enough."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import worker
from app.db import writing
from app.delivery import Outgoing
from app.delivery.sending import claim
from app.heartbeat import Heart, is_late
from app.models import DeliveryState, Heartbeat
from app.worker import AlreadyRunning, policy_of, run
from config import ROOT
from tests import factories, worker_process
from tests.delivery.factories import NOW, ScriptedSender, delivery, moves, reread, signature
from tests.smtp_server import HANG, Server, scripted

S = DeliveryState
LONG_AGO = datetime(2026, 1, 5, tzinfo=UTC)  # the worker looks at the real clock
MAIL = b"Message-ID: <one@example.org>\r\nSubject: hello\r\n\r\n.Hello\r\n"


def queued(session: Session, recipient: str = "office@example.org") -> int:
    with writing(session):
        return delivery(session, signature(session), LONG_AGO, mail=MAIL, recipient=recipient).id


@contextlib.contextmanager
def process(data_dir: Path, server: Server) -> Iterator[subprocess.Popen[bytes]]:
    """A worker; killed at the end if it has not ended."""
    environment = {
        "DATA_DIR": str(data_dir),
        "SECRET_KEY": factories.SECRET,
        "UNKNOWN_RETRY": "1s",
        "LETTER_RETRIES": "1s 1s",
    }
    command = [sys.executable, "-m", "tests.worker_process", str(server.port)]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as child:
        try:
            yield child
        finally:
            child.kill()


def until(session: Session, identifier: int, *states: DeliveryState) -> None:
    """Return as soon as the delivery is in one of these states; fails after ten seconds."""
    deadline = time.monotonic() + 10
    while reread(session, identifier).state not in states:
        assert time.monotonic() < deadline, f"still {reread(session, identifier).state}"
        time.sleep(0.02)


@contextlib.contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(data_dir / "redress.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def kill_after_acceptance(data_dir: Path, server: Server, gate: threading.Event, messages: int) -> None:
    """Run a worker until the server has said 250, and kill it before it can write that down."""
    with process(data_dir, server) as child:
        server.wait_for(messages)
        with locked(data_dir):
            gate.set()
            time.sleep(0.1)  # whether the answer has arrived or not: nothing is written of it
            child.kill()
            child.wait()


def test_a_worker_killed_after_acceptance_sends_once_more_and_after_the_second_time_a_person_decides(
    session: Session, data_dir: Path
) -> None:
    identifier = queued(session)
    gates = [threading.Event(), threading.Event()]
    with scripted(dot=[(gates[0], "250 queued"), (gates[1], "250 queued")]) as server:
        kill_after_acceptance(data_dir, server, gates[0], messages=1)
        assert reread(session, identifier).state is S.SENDING
        kill_after_acceptance(data_dir, server, gates[1], messages=2)
        other = queued(session, "other@example.org")
        with process(data_dir, server):
            until(session, other, S.ACCEPTED)

    assert [one.recipients for one in server.taken] == [
        ("office@example.org",),
        ("office@example.org",),
        ("other@example.org",),
    ]
    assert [one.mail for one in server.taken[:2]] == [MAIL, MAIL]
    assert {message_from_bytes(one.mail)["Message-ID"] for one in server.taken[:2]} == {"<one@example.org>"}
    found = reread(session, identifier)
    assert (found.state, found.attempts, found.unknowns) == (S.PARKED, 2, 2)
    first, second = (event for event in found.events if event.why == "claimed")
    assert second.at - first.at >= timedelta(seconds=1)


def test_a_worker_killed_after_its_claim_sends_the_message_when_it_is_back(session: Session, data_dir: Path) -> None:
    identifier = queued(session)
    with scripted(connect=[HANG]) as server:
        with process(data_dir, server) as child:
            until(session, identifier, S.SENDING)
            child.kill()
            child.wait()
        with process(data_dir, server) as child:
            until(session, identifier, S.ACCEPTED)

    assert [one.mail for one in server.taken] == [MAIL]
    assert moves(reread(session, identifier)) == [
        (S.SENDING, "claimed"),
        (S.QUEUED, "sender died"),
        (S.SENDING, "claimed"),
        (S.ACCEPTED, "accepted"),
    ]


def test_a_worker_told_to_end_while_it_sends_finishes_the_message(session: Session, data_dir: Path) -> None:
    in_hand, waiting = queued(session), queued(session, "other@example.org")
    gate = threading.Event()
    with scripted(dot=(gate, "250 queued")) as server, process(data_dir, server) as child:
        server.wait_for(1)
        child.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.2)
        gate.set()
        assert child.wait(10) == 0

    assert (reread(session, in_hand).state, reread(session, waiting).state) == (S.ACCEPTED, S.QUEUED)
    assert len(server.taken) == 1


def test_a_second_worker_is_refused_and_sends_nothing(session: Session, data_dir: Path) -> None:
    identifier = queued(session)
    gate = threading.Event()
    with scripted(dot=(gate, "250 queued")) as server, process(data_dir, server):
        server.wait_for(1)
        sender = ScriptedSender()
        with pytest.raises(AlreadyRunning):
            run(factories.config(data_dir), session, sender, threading.Event())
        with process(data_dir, server) as second:
            assert second.wait(10) == worker_process.REFUSED
        assert reread(session, identifier).state is S.SENDING
        gate.set()
        until(session, identifier, S.ACCEPTED)

    assert sender.sent == []
    assert len(server.taken) == 1


def wait_for_log(caplog: pytest.LogCaptureFixture, words: str) -> None:
    deadline = time.monotonic() + 10
    while words not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.005)


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds follow each other at once."""
    monkeypatch.setattr(worker, "PAUSE", 0.01)


def stop_after(messages: int) -> tuple[threading.Event, ScriptedSender]:
    """A sender after whose last message the worker is told to stop."""
    stop, sender = threading.Event(), ScriptedSender()

    def count(_message: Outgoing) -> None:
        if len(sender.sent) == messages:
            stop.set()

    sender.on_send = count
    return stop, sender


def work(data_dir: Path, session: Session, sender: ScriptedSender, stop: threading.Event) -> None:
    """Run the worker here until `stop` is set; after ten seconds in any case."""
    emergency = threading.Timer(10, stop.set)
    emergency.start()
    run(factories.config(data_dir), session, sender, stop)
    assert emergency.is_alive(), "nobody stopped the worker"
    emergency.cancel()


def test_what_was_queued_while_no_worker_ran_goes_when_there_is_one(session: Session, data_dir: Path) -> None:
    identifiers = [queued(session, f"office{number}@example.org") for number in range(3)]
    stop, sender = stop_after(3)

    work(data_dir, session, sender, stop)

    assert [message.recipient for message in sender.sent] == [f"office{number}@example.org" for number in range(3)]
    assert {reread(session, identifier).state for identifier in identifiers} == {S.ACCEPTED}


@pytest.mark.usefixtures("no_pause")
def test_no_transaction_is_open_while_the_worker_sends_after_a_recovery(session: Session, data_dir: Path) -> None:
    queued(session)
    claim(session, NOW)
    queued(session)
    stop, sender = stop_after(1)
    seen: list[bool] = []
    count = sender.on_send

    def look(message: Outgoing) -> None:
        seen.append(session.in_transaction())
        count(message)

    sender.on_send = look
    work(data_dir, session, sender, stop)

    assert seen == [False]


@pytest.mark.usefixtures("no_pause")
def test_a_round_that_fails_is_logged_without_a_word_of_what_it_held_and_the_next_one_goes_on(
    session: Session, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    identifier = queued(session, "canary@example.org")
    with writing(session):
        session.execute(
            text(
                "CREATE TRIGGER refuse BEFORE UPDATE ON delivery WHEN new.state = 'sending' "
                "BEGIN SELECT RAISE(ABORT, 'canary@example.org'); END"
            )
        )
    stop = threading.Event()
    sender = ScriptedSender(on_send=lambda _message: stop.set())

    def mend() -> None:
        wait_for_log(caplog, "a round of the worker failed")
        with contextlib.closing(sqlite3.connect(data_dir / "redress.db")) as other:
            other.execute("DROP TRIGGER refuse")

    mending = threading.Thread(target=mend)
    mending.start()
    work(data_dir, session, sender, stop)
    mending.join()

    assert reread(session, identifier).state is S.ACCEPTED
    assert "IntegrityError at " in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.usefixtures("no_pause")
def test_a_database_locked_at_the_start_does_not_make_it_forget_what_was_abandoned(
    session: Session, data_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys.modules["app.db"], "BUSY_TIMEOUT_MS", 10)
    abandoned = queued(session)
    claim(session, NOW)
    queued(session)
    session.get_bind().engine.dispose()
    stop, sender = stop_after(1)
    other = sqlite3.connect(data_dir / "redress.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")

    def unlock() -> None:
        wait_for_log(caplog, "locked or full")
        other.execute("ROLLBACK")
        other.close()

    unlocking = threading.Thread(target=unlock)
    unlocking.start()
    work(data_dir, session, sender, stop)
    unlocking.join()

    assert moves(reread(session, abandoned))[-1] == (S.QUEUED, "sender died")


def test_a_worker_that_has_never_run_is_late(session: Session) -> None:
    assert is_late(session, worker._now())


def test_a_worker_that_runs_is_not_late_and_one_that_was_killed_is(session: Session, data_dir: Path) -> None:
    identifier = queued(session)
    with scripted() as server, process(data_dir, server) as child:
        until(session, identifier, S.ACCEPTED)
        now = worker._now()
        assert not is_late(session, now)
        assert not is_late(session, now + timedelta(seconds=49))
        child.kill()
        child.wait()

    assert is_late(session, now + timedelta(seconds=70))


def test_a_worker_that_was_told_to_stop_is_late_at_once(session: Session, data_dir: Path) -> None:
    queued(session)
    stop, sender = stop_after(1)

    work(data_dir, session, sender, stop)

    assert is_late(session, worker._now())
    assert session.scalars(select(Heartbeat)).all() == []


def test_a_sign_of_life_from_the_future_is_none(session: Session) -> None:
    with writing(session):
        session.add(Heartbeat(worker="here:1", at=NOW + timedelta(hours=3)))

    assert is_late(session, NOW)


def test_of_several_workers_one_that_lives_is_enough_and_old_ones_are_forgotten(session: Session) -> None:
    with writing(session):
        session.add_all([Heartbeat(worker=f"host{days}:1", at=NOW - timedelta(days=days)) for days in (0, 1, 2)])
    assert not is_late(session, NOW)

    Heart().beat(session, NOW + timedelta(minutes=2))

    assert len(session.scalars(select(Heartbeat)).all()) == 2


@pytest.mark.parametrize(("timeout", "lease"), [("10s", 900), ("60s", 1200), ("10m", 12000)])
def test_a_row_is_its_senders_for_longer_than_any_attempt_lasts(data_dir: Path, timeout: str, lease: int) -> None:
    config = factories.config(data_dir, MAIL_TIMEOUT=timeout)

    assert worker.gate_of(config).lease == timedelta(seconds=lease)
    assert lease > 18.5 * config.mail_timeout.total_seconds()


def test_the_policy_is_that_of_the_settings_and_spreads_its_pauses(data_dir: Path) -> None:
    settings = factories.config(data_dir, LETTER_RETRIES="1m 2m", CONFIRMATION_RETRIES="3s", UNKNOWN_RETRY="4h")

    policy = policy_of(settings)

    assert policy.letters == (timedelta(minutes=1), timedelta(minutes=2))
    assert policy.confirmations == (timedelta(seconds=3),)
    assert policy.unknown == timedelta(hours=4)
    factors = [policy.jitter() for _turn in range(200)]
    assert 0.75 <= min(factors) < 0.9 < 1.1 < max(factors) <= 1.25
