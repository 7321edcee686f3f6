"""The worker: its rounds, its signs of life, its settings. tests/delivery/test_failures_killed.py kills it."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import heartbeat, worker
from app.clock.watch import Watch
from app.db import writing
from app.delivery import Outgoing
from app.delivery.sending import claim
from app.delivery.smtp import Timeouts
from app.extensions import db
from app.heartbeat import Heart, beating, is_late, last_sign
from app.models import DeliveryState, Heartbeat, Signature, SignatureState
from app.refresher import Refresher
from app.worker import policy_of, run
from tests import factories
from tests.clock.factories import certain
from tests.databases import connected
from tests.delivery import processes
from tests.delivery.factories import NOW, ScriptedSender, delivery, moves, reread, signature
from tests.smtp_server import scripted

S = DeliveryState
LONG_AGO = datetime(2026, 1, 5, tzinfo=UTC)  # the worker looks at the real clock
MAIL = b"Message-ID: <one@example.org>\r\nSubject: hello\r\n\r\n.Hello\r\n"


def queued(session: Session, recipient: str = "office@example.org") -> int:
    with writing(session):
        return delivery(session, signature(session), LONG_AGO, mail=MAIL, recipient=recipient).id


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


def work(
    data_dir: Path,
    session: Session,
    sender: ScriptedSender,
    stop: threading.Event,
    refresher: Refresher | None = None,
    *,
    vouches: bool = False,
) -> None:
    """Run the worker here until `stop` is set; after ten seconds in any case."""
    emergency = threading.Timer(10, stop.set)
    emergency.start()
    watch = Watch(lambda _now: vouches)
    run(factories.config(data_dir), session, sender, stop, refresher=refresher, watch=watch)
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


@pytest.mark.file  # the trouble is a trigger of SQLite's
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
        wait_for_log(caplog, "it is busy")
        other.execute("ROLLBACK")
        other.close()

    unlocking = threading.Thread(target=unlock)
    unlocking.start()
    work(data_dir, session, sender, stop)
    unlocking.join()

    assert moves(reread(session, abandoned))[-1] == (S.QUEUED, "sender died")


class CountedRefresher(Refresher):
    """Does nothing, as often as it is asked to."""

    def __init__(self) -> None:
        self.runs = 0

    def run(self, session: Session, now: datetime) -> None:
        self.runs += 1


def state_of_the_only_one(session: Session) -> SignatureState:
    session.rollback()
    session.expire_all()
    return session.scalars(select(Signature.state).order_by(Signature.id).limit(1)).one()


@pytest.mark.parametrize("off", [timedelta(days=400), timedelta(days=-400), timedelta(days=4)])
def test_a_worker_that_doubts_its_clock_sends_and_deletes_nothing(
    session: Session, data_dir: Path, off: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    now = worker._now()
    with writing(session):
        signature(session, min(now, now - off) - timedelta(days=500), SignatureState.PENDING)
    (data_dir / "backups").mkdir()
    copies = [f"redress-{now - off - timedelta(days=age):%Y%m%dT%H%M%SZ}.db" for age in (1, 2, 3, 40)]
    for name in copies:
        (data_dir / "backups" / name).touch()
    certain(session, now - off)
    queued(session)
    refresher = CountedRefresher()

    stop, sender = stop_after(1)
    work(data_dir, session, sender, stop, refresher)

    assert len(sender.sent) == 1
    assert state_of_the_only_one(session) is SignatureState.PENDING
    assert sorted(path.name for path in (data_dir / "backups").iterdir()) == sorted(copies)
    assert refresher.runs == 0
    assert "Until that is explained nothing is deleted" in caplog.text

    queued(session)
    stop, sender = stop_after(1)
    work(data_dir, session, sender, stop, refresher, vouches=True)

    assert state_of_the_only_one(session) is SignatureState.EXPIRED
    assert copies[-1] not in [path.name for path in (data_dir / "backups").iterdir()]
    assert refresher.runs == 1


def test_a_worker_that_doubts_its_clock_takes_no_message_from_another(
    on_server: object, session: Session, data_dir: Path
) -> None:
    now = worker._now()
    with writing(session):
        in_hand = delivery(session, signature(session), now - timedelta(days=401), mail=MAIL).id
    claim(session, now - timedelta(days=400))
    certain(session, now - timedelta(days=400))
    queued(session)

    stop, sender = stop_after(1)
    work(data_dir, session, sender, stop)

    assert reread(session, in_hand).state is S.SENDING


def test_a_worker_that_has_never_run_is_late(session: Session) -> None:
    assert is_late(session, worker._now())


def test_a_worker_that_runs_is_not_late_and_one_that_was_killed_is(session: Session, data_dir: Path) -> None:
    identifier = queued(session)
    with scripted() as server, processes.worker(data_dir, server) as child:
        processes.until(lambda: reread(session, identifier).state is S.ACCEPTED)
        now = worker._now()
        assert not is_late(session, now)
        assert not is_late(session, now + timedelta(seconds=49))
        child.kill()
        child.wait()

    later = now + timedelta(seconds=70)
    assert is_late(session, later)
    assert last_sign(session, later) is not None


def test_of_one_that_was_killed_nothing_is_left_when_another_has_run_and_was_stopped(
    session: Session, data_dir: Path
) -> None:
    killed = worker._now() - timedelta(hours=1)
    with writing(session):
        for machine in (socket.gethostname()[:40], "elsewhere"):
            session.add(Heartbeat(worker=f"{machine}:1:abcd", at=killed))
    queued(session)
    stop, sender = stop_after(1)

    work(data_dir, session, sender, stop)

    is_file = session.get_bind().dialect.name == "sqlite"  # on a server the other machine's worker may be gone since
    assert last_sign(session, worker._now()) == (None if is_file else killed)


def test_a_sign_of_life_from_the_future_is_no_life(session: Session) -> None:
    now = worker._now()
    with writing(session):
        session.add(Heartbeat(worker="elsewhere:1:abcd", at=now + timedelta(seconds=90)))

    assert is_late(session, now)
    assert last_sign(session, now) == now + timedelta(seconds=90)
    with writing(session):
        session.add(Heartbeat(worker="here:1:abcd", at=now - timedelta(seconds=5)))
    assert not is_late(session, now)


def test_a_worker_that_was_told_to_stop_is_late_at_once(session: Session, data_dir: Path) -> None:
    queued(session)
    stop, sender = stop_after(1)

    work(data_dir, session, sender, stop)

    assert is_late(session, worker._now())
    assert last_sign(session, worker._now()) is None
    assert session.scalars(select(Heartbeat)).all() == []


def test_a_worker_whose_message_takes_long_is_not_late(
    session: Session, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "EVERY", timedelta(seconds=0.01))
    queued(session)
    stop, sender = stop_after(1)
    seen = set[datetime]()

    def take_long(_message: Outgoing) -> None:
        while len(seen) < 3:
            with connected(data_dir) as connection:
                seen.update(at for (at,) in connection.execute("SELECT at FROM heartbeat"))
        stop.set()

    sender.on_send = take_long
    work(data_dir, session, sender, stop)

    assert len(sender.sent) == 1


def test_a_worker_that_hangs_shows_no_life(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "EVERY", timedelta(seconds=0.01))
    asked = threading.Event()

    def now() -> datetime:
        asked.set()
        return worker._now()

    with beating(db.engine, now) as heart:
        heart.lives(timedelta())
        asked.clear()
        assert not asked.wait(0.1)
        heart.lives()
        assert asked.wait(10)


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
    assert lease > Timeouts.of(config.mail_timeout).whole + 30  # for the database


def test_the_policy_is_that_of_the_settings_and_spreads_its_pauses(data_dir: Path) -> None:
    settings = factories.config(data_dir, LETTER_RETRIES="1m 2m", CONFIRMATION_RETRIES="3s", UNKNOWN_RETRY="4h")

    policy = policy_of(settings)

    assert policy.letters == (timedelta(minutes=1), timedelta(minutes=2))
    assert policy.confirmations == (timedelta(seconds=3),)
    assert policy.unknown == timedelta(hours=4)
    factors = [policy.jitter() for _turn in range(200)]
    assert 0.75 <= min(factors) < 0.9 < 1.1 < max(factors) <= 1.25


# --- the edges --------------------------------------------------------------------------------------------------------

TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("ago", "late"),
    [
        (timedelta(), False),
        (timedelta(seconds=60), False),
        (timedelta(seconds=60) + TICK, True),
        (timedelta(seconds=-60), False),
        (timedelta(seconds=-60) - TICK, True),
    ],
)
def test_a_sign_of_life_holds_for_a_minute(session: Session, ago: timedelta, late: bool) -> None:
    with writing(session):
        session.add(Heartbeat(worker="here:1", at=NOW - ago))

    assert is_late(session, NOW) is late


def test_a_sign_that_is_credible_comes_before_one_that_is_not(session: Session) -> None:
    minute = timedelta(seconds=60)
    with writing(session):
        session.add_all([Heartbeat(worker="a:1", at=NOW + minute), Heartbeat(worker="b:1", at=NOW + minute + TICK)])

    assert last_sign(session, NOW) == NOW + minute


def test_a_beat_forgets_whoever_was_silent_for_more_than_a_day(session: Session) -> None:
    day = timedelta(days=1)
    with writing(session):
        session.add_all([Heartbeat(worker="a:1", at=NOW - day), Heartbeat(worker="b:1", at=NOW - day - TICK)])

    Heart().beat(session, NOW)

    left = {beat.worker: beat.at for beat in session.scalars(select(Heartbeat))}
    assert len(left) == 2
    assert set(left.values()) == {NOW - day, NOW}


def test_who_ends_takes_along_whoever_was_killed_on_its_machine_more_than_a_minute_ago(session: Session) -> None:
    here, minute = f"{heartbeat._machine()}:1:", timedelta(seconds=60)
    with writing(session):
        session.add_all(
            [
                Heartbeat(worker=f"{here}lives", at=NOW - minute),
                Heartbeat(worker=f"{here}dead", at=NOW - minute - TICK),
                Heartbeat(worker="elsewhere:1:dead", at=NOW - minute - TICK),
            ]
        )
    heart = Heart()
    heart.beat(session, NOW)

    heart.stop(session, NOW)

    assert set(session.scalars(select(Heartbeat.worker))) == {f"{here}lives", "elsewhere:1:dead"}


@pytest.mark.parametrize("alone", [True, False])
def test_only_who_is_alone_begins_with_an_empty_table(session: Session, *, alone: bool) -> None:
    with writing(session):
        session.add(Heartbeat(worker="elsewhere:1", at=NOW))

    Heart().begin(session, NOW, alone=alone)

    assert len(session.scalars(select(Heartbeat)).all()) == (1 if alone else 2)


def test_a_worker_may_be_busy_for_as_long_as_it_says() -> None:
    heart = Heart()
    assert heart.has_lived()
    heart.lives(timedelta())
    assert not heart.has_lived()
    heart.lives(timedelta(seconds=60))
    assert heart.has_lived()
    said = [heartbeat.EVERY, heartbeat.LATE, heartbeat.PATIENCE]
    assert [one.total_seconds() for one in said] == [10, 60, 300]
