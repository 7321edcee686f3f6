"""Sending all that is due: what no stop, poison row, lock or full disk can lose or double."""

from __future__ import annotations

import contextlib
import itertools
import logging
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from app.db import DatabaseUnavailable, writing
from app.delivery import Outcome, OutcomeKind, Outgoing
from app.delivery.drain import drain
from app.delivery.pacing import Rates
from app.delivery.sending import Gate, recover
from app.models import Delivery, DeliveryKind, DeliveryState
from tests.databases import Writer, connected
from tests.delivery.factories import ACCEPTED, NOW, PERMANENT, TRANSIENT, UNKNOWN, ScriptedSender, moves, policy, reread
from tests.delivery.queue import (
    MINUTE,
    at,
    empty_disk,
    fill_disk,
    many,
    never,
    row,
    state_of,
    statements,
    use_up_free_space,
)

S = DeliveryState


# --- draining ---------------------------------------------------------------------------------------------------------


def test_all_that_is_due_is_sent_once_and_the_connection_is_closed(session: Session) -> None:
    identifiers = [row(session, recipient=f"office{number}@example.org") for number in range(3)]
    row(session, NOW + MINUTE)
    sender = ScriptedSender()

    assert drain(session, sender, policy(), at(NOW), never) == 3

    assert [message.recipient for message in sender.sent] == [f"office{number}@example.org" for number in range(3)]
    assert {state_of(session, identifier) for identifier in identifiers} == {S.ACCEPTED}
    assert sender.closed == 1


def test_no_transaction_is_open_while_a_message_is_sent(session: Session) -> None:
    for number in range(3):
        row(session, recipient=f"office{number}@example.org")
    seen: list[bool] = []
    sender = ScriptedSender(
        outcomes=[TRANSIENT, UNKNOWN, ACCEPTED], on_send=lambda _message: seen.append(session.in_transaction())
    )

    recover(session, policy(), NOW, abandoned=True)
    drain(session, sender, policy(), at(NOW), never)

    assert seen == [False, False, False]


def test_another_process_can_write_while_a_message_is_sent(session: Session, data_dir: Path) -> None:
    row(session)

    def write(_message: Outgoing) -> None:
        with connected(data_dir) as other:
            other.execute("UPDATE campaign SET source = 'changed'")

    drain(session, ScriptedSender(on_send=write), policy(), at(NOW), never)

    assert session.scalar(text("SELECT source FROM campaign")) == "changed"


def test_a_poison_row_stops_nobody_and_is_not_sent_for_ever(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    poison, good = row(session, NOW - MINUTE, recipient="canary@example.org"), row(session)
    sender = ScriptedSender(outcomes=[ValueError("canary@example.org"), ACCEPTED, ValueError("again")])

    drain(session, sender, policy(), at(NOW), never)
    drain(session, sender, policy(), at(NOW + timedelta(hours=1)), never)
    drain(session, sender, policy(), at(NOW + timedelta(hours=9)), never)

    assert state_of(session, good) is S.ACCEPTED
    assert state_of(session, poison) is S.PARKED
    assert len(sender.sent) == 3
    assert "ValueError at " in caplog.text
    assert "canary" not in caplog.text


def test_told_to_stop_the_message_in_hand_is_settled_and_the_rest_waits(session: Session) -> None:
    first, second = row(session, NOW - MINUTE), row(session)
    stopping: list[bool] = []
    sender = ScriptedSender(on_send=lambda _message: stopping.append(True))

    assert drain(session, sender, policy(), at(NOW), lambda _seconds: bool(stopping)) == 1

    assert (state_of(session, first), state_of(session, second)) == (S.ACCEPTED, S.QUEUED)


def test_a_backlog_of_5000_goes_oldest_first_and_each_message_once(session: Session) -> None:
    many(session, 5000, S.QUEUED, spread=timedelta(seconds=1))
    turns = itertools.count()
    sender = ScriptedSender()

    tried = drain(session, sender, policy(), at(NOW), lambda _seconds: next(turns) >= 300)

    assert tried == 300
    oldest = session.scalars(
        select(Delivery.recipient).where(Delivery.state == S.ACCEPTED).order_by(Delivery.due_at)
    ).all()
    assert [message.recipient for message in sender.sent] == oldest
    left = session.scalars(select(Delivery.due_at).where(Delivery.state == S.QUEUED).order_by(Delivery.due_at)).first()
    assert left == NOW - timedelta(seconds=4999 - 300)


# --- a database that is locked or full --------------------------------------------------------------------------------


@pytest.fixture
def impatient(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait 10 ms instead of 5 s for somebody else's lock."""
    monkeypatch.setattr(sys.modules["app.db"], "BUSY_TIMEOUT_MS", 10)
    session.get_bind().engine.dispose()


@pytest.fixture
def other(data_dir: Path) -> Iterator[Writer]:
    """Another process."""
    with contextlib.closing(Writer(data_dir)) as writer:
        yield writer


@pytest.mark.usefixtures("impatient")
def test_a_database_locked_at_claim_loses_nothing(session: Session, other: Writer) -> None:
    identifier = row(session)
    sender = ScriptedSender()
    other.begin()

    for _time in range(20):  # more often than the pool has connections: none is lost
        with pytest.raises(DatabaseUnavailable):
            drain(session, sender, policy(), at(NOW), never)

    other.end()
    assert sender.sent == []
    assert drain(session, sender, policy(), at(NOW), never) == 1
    assert reread(session, identifier).attempts == 1


@pytest.mark.usefixtures("impatient")
def test_an_outcome_is_kept_in_memory_while_the_database_is_locked(
    session: Session, other: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    identifier = row(session)
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        if seconds:
            waits.append(seconds)
            if len(waits) == 8:  # more often than when we are told to stop
                other.end()
        return False

    def begin(_message: Outgoing) -> None:
        other.begin()

    sender = ScriptedSender(on_send=begin)

    assert drain(session, sender, policy(), at(NOW), wait) == 1

    assert len(sender.sent) == 1
    assert len(waits) == 8
    assert moves(reread(session, identifier)) == [(S.SENDING, "claimed"), (S.ACCEPTED, "accepted")]
    assert "its outcome could not be written down yet: the database takes no change" in caplog.text


@pytest.mark.usefixtures("impatient")
def test_told_to_stop_while_the_database_is_locked_it_gives_up_and_the_row_is_of_unknown_fate(
    session: Session, other: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    identifier, stopping = row(session), []

    def begin(_message: Outgoing) -> None:
        stopping.append(True)
        other.begin()

    drain(session, ScriptedSender(on_send=begin), policy(), at(NOW), lambda _seconds: bool(stopping))

    other.end()
    assert caplog.text.count("could not be written down yet") == 5
    assert state_of(session, identifier) is S.SENDING
    recover(session, policy(), NOW, abandoned=True)
    assert reread(session, identifier).unknowns == 1


@pytest.mark.file
def test_an_outcome_whose_details_cannot_be_written_is_written_without_them(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    identifier = row(session)
    absurd = Outcome(OutcomeKind.ACCEPTED, "accepted", code=2**70)  # no column holds that

    drain(session, ScriptedSender(outcomes=[absurd]), policy(), at(NOW), never)

    found = reread(session, identifier)
    assert moves(found)[-1] == (S.ACCEPTED, "settled after an error")
    assert "outcome was refused by OverflowError" in caplog.text


@pytest.mark.file
def test_an_outcome_that_the_database_refuses_is_tried_again_not_forgotten(session: Session) -> None:
    identifier = row(session)
    with writing(session):
        session.execute(
            text(
                "CREATE TRIGGER refuse BEFORE UPDATE ON delivery WHEN new.state = 'accepted' "
                "BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        )

    def wait(seconds: float) -> bool:
        if seconds:
            with writing(session):
                session.execute(text("DROP TRIGGER IF EXISTS refuse"))
        return False

    sender = ScriptedSender()
    drain(session, sender, policy(), at(NOW), wait)

    assert len(sender.sent) == 1
    assert state_of(session, identifier) is S.ACCEPTED


@pytest.mark.file
def test_an_outcome_that_is_refused_for_ever_does_not_stop_the_others(session: Session) -> None:
    poison, good = row(session, NOW - MINUTE), row(session)
    with writing(session):
        session.execute(
            text(
                f"CREATE TRIGGER refuse BEFORE UPDATE ON delivery WHEN new.id = {poison} AND new.state = 'accepted' "
                "BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        )

    sender, waits = ScriptedSender(), list[float]()

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return False

    drain(session, sender, policy(), at(NOW), wait)

    assert (state_of(session, poison), state_of(session, good)) == (S.SENDING, S.ACCEPTED)
    assert len(sender.sent) == 2
    assert [seconds for seconds in waits if seconds] == [1.0] * 5
    assert set(waits) == {0, 1.0}  # else it only asks whether to stop


@pytest.mark.file
def test_a_full_disk_at_claim_leaves_the_row_in_the_queue(session: Session) -> None:
    identifier = row(session)
    fill_disk(session)
    use_up_free_space(session)
    sender = ScriptedSender()

    with pytest.raises(DatabaseUnavailable):
        drain(session, sender, policy(), at(NOW), never)

    assert sender.sent == []
    found = reread(session, identifier)
    assert (found.state, found.attempts, found.lease) == (S.QUEUED, 0, None)
    empty_disk(session)
    assert drain(session, sender, policy(), at(NOW), never) == 1


@pytest.mark.file
def test_a_full_disk_at_settle_keeps_the_outcome_until_there_is_room(session: Session) -> None:
    identifier = row(session)

    def fill(_message: Outgoing) -> None:
        fill_disk(session)
        use_up_free_space(session)

    waits: list[float] = []

    def wait(seconds: float) -> bool:
        if seconds:
            waits.append(seconds)
            if len(waits) == 7:
                empty_disk(session)
        return False

    sender = ScriptedSender(on_send=fill)
    drain(session, sender, policy(), at(NOW), wait)

    assert len(waits) == 7
    assert len(sender.sent) == 1
    assert state_of(session, identifier) is S.ACCEPTED


def test_what_was_accepted_is_written_with_the_claim_of_the_next(session: Session) -> None:
    for _ in range(10):
        row(session)
    with statements(session) as seen:
        assert drain(session, ScriptedSender(), policy(), at(NOW), never) == 10

    begun = [sql for sql, _values in seen if sql == "BEGIN IMMEDIATE" or "pg_advisory_xact_lock" in sql]
    assert len(begun) <= 13  # 20 if each had one of its own; the last finds nothing to claim


def test_who_is_told_to_stop_takes_no_next_one_along(session: Session) -> None:
    identifiers = [row(session) for _ in range(3)]
    sender = ScriptedSender()

    drain(session, sender, policy(), at(NOW), lambda _seconds: len(sender.sent) > 0)

    assert [reread(session, one).state for one in identifiers] == [S.ACCEPTED, S.QUEUED, S.QUEUED]


def test_the_next_one_keeps_to_the_pace(session: Session) -> None:
    for number in range(4):
        row(session, kind=DeliveryKind.LETTER, recipient=f"office{number % 2}@example.org")

    assert drain(session, ScriptedSender(), policy(), at(NOW), never, Gate.open(Rates(office=1))) == 2
    for _ in range(3):
        row(session)
    assert drain(session, ScriptedSender(), policy(), at(NOW), never, Gate.open(Rates(account=1))) == 1


def test_an_acceptance_is_written_though_the_next_one_cannot_be_claimed(session: Session) -> None:
    first, second = row(session, NOW - MINUTE), row(session)
    engine, sender = session.get_bind(), ScriptedSender()
    refused: list[str] = []

    def refuse(_connection: object, _cursor: object, sql: str, *_rest: object) -> None:
        if len(sender.sent) == 1 and not refused and "SET state" in sql and "attempts" in sql and "coalesce" in sql:
            refused.append(sql)
            raise RuntimeError("no")

    event.listen(engine, "before_cursor_execute", refuse)
    assert drain(session, sender, policy(), at(NOW), never) == 2
    event.remove(engine, "before_cursor_execute", refuse)

    assert len(refused) == 1
    for one in (first, second):
        assert moves(reread(session, one)) == [(S.SENDING, "claimed"), (S.ACCEPTED, "accepted")]


def test_the_log_tells_what_became_of_each(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    identifiers = [row(session, NOW - count * MINUTE) for count in (4, 3, 2, 1)]
    outcomes = [ACCEPTED, Outcome(OutcomeKind.ACCEPTED, "accepted"), PERMANENT, Outcome(OutcomeKind.UNKNOWN, "error")]

    drain(session, ScriptedSender(outcomes=outcomes), policy(), at(NOW), never)

    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    words = ["accepted 250", "accepted accepted", "permanent 550", "unknown error"]
    levels = ["INFO", "INFO", "WARNING", "INFO"]
    assert told == [
        (level, f"delivery {one}: {said}") for level, one, said in zip(levels, identifiers, words, strict=True)
    ]
