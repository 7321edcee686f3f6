"""The queue: what is claimed and when, where each outcome leads, and what no crash, lock or full disk can lose."""

from __future__ import annotations

import contextlib
import itertools
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask_mail import Mail
from sqlalchemy import event, func, insert, select, text
from sqlalchemy.orm import Session

from app.db import DatabaseUnavailable, writing
from app.delivery import NO_CONNECTION, Outcome, OutcomeKind, Outgoing
from app.delivery.breaker import Breaker, Refusal, refusal
from app.delivery.drain import drain
from app.delivery.outbox import (
    ENDED,
    TRANSITIONS,
    Composed,
    MoveRefused,
    cancel,
    drop_reports,
    held,
    queue,
    queue_report,
    queued,
    release,
    store,
)
from app.delivery.retries import GREYLISTED_PAUSE, Claimed, verdict
from app.delivery.sending import LEASE, Gate, claim, recover, settle
from app.delivery.smtp import SmtpSender, Timeouts
from app.models import Delivery, DeliveryEvent, DeliveryKind, DeliveryState, SignatureState, SiteState
from tests.databases import Writer, connected
from tests.delivery.factories import (
    ACCEPTED,
    NOW,
    PERMANENT,
    TRANSIENT,
    UNKNOWN,
    ScriptedSender,
    delivery,
    minutes,
    moves,
    policy,
    reread,
    signature,
)
from tests.factories import Clock
from tests.smtp_server import Phase, Server, scripted

S = DeliveryState
MINUTE = timedelta(minutes=1)


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def never(_seconds: float) -> bool:
    """Nobody asks to stop, and no test really waits."""
    return False


def row(session: Session, due: datetime | None = NOW, /, **columns: object) -> int:
    """A committed delivery; its id."""
    with writing(session):
        return delivery(session, signature(session), due, **columns).id  # type: ignore[arg-type]  # plain columns


def must_claim(session: Session, now: datetime = NOW) -> Claimed:
    claimed = claim(session, now)
    assert claimed is not None
    return claimed


def state_of(session: Session, identifier: int) -> DeliveryState:
    return reread(session, identifier).state


# --- claiming ---------------------------------------------------------------------------------------------------------


def test_a_due_row_is_claimed_with_the_bytes_and_envelope_it_was_queued_with(session: Session) -> None:
    identifier = row(session, mail=b"the very bytes\r\n", recipient="office@example.org")

    claimed = must_claim(session)

    assert claimed.id == identifier
    assert claimed.outgoing == Outgoing("b+1.2@example.org", "office@example.org", b"the very bytes\r\n")
    found = reread(session, identifier)
    assert (found.state, found.attempts, found.lease) == (S.SENDING, 1, claimed.lease)
    assert found.leased_until == NOW + LEASE
    assert moves(found) == [(S.SENDING, "claimed")]


def test_the_row_that_has_waited_longest_is_claimed_first(session: Session) -> None:
    late, early, middle = (row(session, NOW - count * MINUTE) for count in (1, 9, 5))

    assert [must_claim(session).id for _turn in range(3)] == [early, middle, late]
    assert claim(session, NOW) is None


def test_a_row_is_not_claimed_before_it_is_due(session: Session) -> None:
    identifier = row(session, NOW + MINUTE)

    assert claim(session, NOW) is None
    assert must_claim(session, NOW + MINUTE).id == identifier


def test_a_claimed_row_is_not_claimed_again(session: Session) -> None:
    row(session)
    must_claim(session)

    assert claim(session, NOW + timedelta(days=30)) is None


@pytest.mark.parametrize("state", [state for state in S if state is not S.QUEUED])
def test_only_queued_rows_are_claimed(session: Session, state: DeliveryState) -> None:
    lease = {"lease": "a", "leased_until": NOW} if state is S.SENDING else {}
    row(session, state=state, **lease)

    assert claim(session, NOW) is None


def test_a_clock_that_jumps_back_makes_rows_wait_and_sends_nothing_twice(session: Session) -> None:
    first, second = row(session), row(session)
    before = NOW - timedelta(days=1)
    claimed = must_claim(session)

    assert claim(session, before) is None
    assert recover(session, policy(), before) == 0
    assert settle(session, claimed, TRANSIENT, policy(), before)

    assert reread(session, first).due_at == before + 2 * MINUTE
    assert [must_claim(session).id, must_claim(session).id] == [first, second]


@contextlib.contextmanager
def statements(session: Session) -> Iterator[list[tuple[str, tuple[object, ...]]]]:
    """What goes to the database, with its parameters."""
    seen: list[tuple[str, tuple[object, ...]]] = []

    def keep(_connection: object, _cursor: object, sql: str, values: tuple[object, ...], *_rest: object) -> None:
        seen.append((sql, values))

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", keep)
    yield seen
    event.remove(engine, "before_cursor_execute", keep)


def plan_of(data_dir: Path, sql: str, values: tuple[object, ...]) -> str:
    with connected(data_dir) as connection:
        return "\n".join(str(line[3]) for line in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values))


def many(session: Session, count: int, state: DeliveryState = S.ACCEPTED, spread: timedelta = timedelta()) -> None:
    """A lot of rows at once."""
    with writing(session):
        signer = signature(session).id
        rows = [
            {
                "uuid": f"{state}-{number}",
                "kind": DeliveryKind.COPY,
                "state": state,
                "channel": "mail",
                "signature_id": signer,
                "recipient": f"office{number}@example.org",
                "sender": "b+1.2@example.org",
                "mail": b"Subject: a\r\n\r\nb\r\n",
                "due_at": NOW - spread * ((number * 7919) % count),
                "created_at": NOW,
            }
            for number in range(count)
        ]
        session.execute(insert(Delivery), rows)


@pytest.mark.file
@pytest.mark.parametrize("analysed", [False, True], ids=["as it is", "after ANALYZE"])
def test_a_claim_finds_its_row_by_the_index_of_what_is_due(session: Session, data_dir: Path, *, analysed: bool) -> None:
    many(session, 1500)
    row(session)
    if analysed:
        with writing(session):
            session.execute(text("ANALYZE"))

    with statements(session) as seen:
        must_claim(session)

    (update,) = [(sql, values) for sql, values in seen if sql.startswith("UPDATE delivery")]
    plan = plan_of(data_dir, *update)
    assert plan.count("INDEX ix_delivery_due (rank=? AND due_at<?)") == 3
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.file
@pytest.mark.parametrize("abandoned", [False, True])
def test_recovery_looks_only_at_what_is_being_sent(session: Session, data_dir: Path, *, abandoned: bool) -> None:
    many(session, 1500)

    with statements(session) as seen:
        recover(session, policy(), NOW, abandoned=abandoned)

    (query,) = [(sql, values) for sql, values in seen if sql.startswith("SELECT")]
    assert "ix_delivery_leased" in plan_of(data_dir, *query)


@pytest.mark.usefixtures("on_server")
def test_on_a_server_a_claim_finds_its_row_by_the_index_too(session: Session) -> None:
    many(session, 1500)
    row(session)
    with writing(session):
        session.execute(text("ANALYZE"))
    with statements(session) as seen:
        must_claim(session)

    ((update, values),) = [(sql, values) for sql, values in seen if sql.startswith("UPDATE delivery")]
    connection = session.connection()
    plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {update}", values).scalars())
    assert plan.count("Index Scan using ix_delivery_due on delivery") == 3
    assert "Seq Scan on delivery" not in plan


# --- settling ---------------------------------------------------------------------------------------------------------


def test_an_accepted_message_has_ended(session: Session) -> None:
    identifier = row(session)

    assert settle(session, must_claim(session), ACCEPTED, policy(), NOW + MINUTE)

    found = reread(session, identifier)
    assert (found.state, found.ended_at, found.lease, found.leased_until) == (S.ACCEPTED, NOW + MINUTE, None, None)
    assert moves(found) == [(S.SENDING, "claimed"), (S.ACCEPTED, "accepted")]
    assert found.events[-1].code == 250


def test_a_message_refused_for_good_has_failed(session: Session) -> None:
    identifier = row(session)

    settle(session, must_claim(session), PERMANENT, policy(), NOW)

    found = reread(session, identifier)
    assert (found.state, found.ended_at) == (S.FAILED, NOW)
    assert (found.events[-1].why, found.events[-1].code) == ("recipient refused", 550)


def test_a_message_refused_for_now_is_due_again_after_the_first_pause(session: Session) -> None:
    identifier = row(session)

    settle(session, must_claim(session), TRANSIENT, policy(), NOW)

    found = reread(session, identifier)
    assert (found.state, found.due_at, found.ended_at) == (S.QUEUED, NOW + 2 * MINUTE, None)
    assert (found.attempts, found.unknowns, found.lease) == (1, 0, None)


def test_when_the_pauses_are_used_up_the_message_has_failed(session: Session) -> None:
    identifier, now, dues = row(session), NOW, []
    while state_of(session, identifier) is S.QUEUED:
        settle(session, must_claim(session, now), TRANSIENT, policy(), now)
        now = reread(session, identifier).due_at or now
        dues.append(now - NOW)

    assert dues == [2 * MINUTE, 12 * MINUTE, 42 * MINUTE, 42 * MINUTE]
    found = reread(session, identifier)
    assert (found.state, found.attempts) == (S.FAILED, 4)


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        (DeliveryKind.LETTER, 2 * MINUTE),
        (DeliveryKind.COPY, 2 * MINUTE),
        (DeliveryKind.CONFIRMATION, MINUTE / 2),
        (DeliveryKind.REPEAT, MINUTE / 2),
    ],
)
def test_somebody_who_waits_for_a_mail_waits_less(session: Session, kind: DeliveryKind, first: timedelta) -> None:
    identifier = row(session, kind=kind)

    settle(session, must_claim(session), TRANSIENT, policy(), NOW)

    assert reread(session, identifier).due_at == NOW + first


GREYLISTED = Outcome(OutcomeKind.TRANSIENT, "greylisted", 450)


def claimed_as(attempts: int = 1, unknowns: int = 0) -> Claimed:
    return Claimed(1, "lease", DeliveryKind.LETTER, attempts, unknowns, Outgoing("a@b.c", "d@e.f", b"x"))


def test_greylisting_pauses_long_enough_the_first_time_only() -> None:
    assert verdict(claimed_as(1), GREYLISTED, policy()) == (S.QUEUED, GREYLISTED_PAUSE)
    assert verdict(claimed_as(2), GREYLISTED, policy()) == (S.QUEUED, 10 * MINUTE)
    assert verdict(claimed_as(4), GREYLISTED, policy())[0] is S.FAILED


def asking(seconds: float) -> Outcome:
    return Outcome(OutcomeKind.TRANSIENT, "greylisted", 450, retry_after=timedelta(seconds=seconds))


def test_try_again_in_300_seconds_is_obeyed() -> None:
    assert verdict(claimed_as(), asking(300), policy()) == (S.QUEUED, timedelta(seconds=300))


def test_a_server_that_asks_for_haste_does_not_use_up_the_schedule_in_no_time() -> None:
    assert verdict(claimed_as(), asking(0), policy()) == (S.QUEUED, 2 * MINUTE)
    assert verdict(claimed_as(3), asking(1), policy()) == (S.QUEUED, 30 * MINUTE)


def test_a_server_cannot_put_a_letter_off_for_years() -> None:
    assert verdict(claimed_as(), asking(999_999 * 3600), policy()) == (S.QUEUED, timedelta(hours=24))


def test_what_a_server_asks_for_does_not_prolong_the_schedule() -> None:
    assert verdict(claimed_as(4), asking(300), policy())[0] is S.FAILED


def test_jitter_spreads_the_pauses() -> None:
    factors = iter([0.75, 1.25, 0.8])
    jittery = policy(jitter=lambda: next(factors))

    assert verdict(claimed_as(), TRANSIENT, jittery) == (S.QUEUED, 1.5 * MINUTE)
    assert verdict(claimed_as(2), TRANSIENT, jittery) == (S.QUEUED, 12.5 * MINUTE)
    assert verdict(claimed_as(), GREYLISTED, jittery) == (S.QUEUED, 0.8 * GREYLISTED_PAUSE)


def test_a_message_of_unknown_fate_is_sent_once_more_then_parked(session: Session) -> None:
    identifier = row(session, mail=b"the same bytes\r\n")
    first = must_claim(session)
    settle(session, first, UNKNOWN, policy(), NOW)
    waiting = reread(session, identifier)
    assert (waiting.state, waiting.due_at, waiting.unknowns) == (S.QUEUED, NOW + 30 * MINUTE, 1)

    second = must_claim(session, NOW + 30 * MINUTE)
    settle(session, second, UNKNOWN, policy(), NOW + 31 * MINUTE)

    found = reread(session, identifier)
    assert (found.state, found.unknowns, found.ended_at) == (S.PARKED, 2, NOW + 31 * MINUTE)
    assert second.outgoing == first.outgoing


def test_unknown_is_remembered_across_attempts_that_were_refused(session: Session) -> None:
    identifier, now = row(session), NOW
    for outcome in (UNKNOWN, TRANSIENT, UNKNOWN):
        settle(session, must_claim(session, now), outcome, policy(), now)
        now += timedelta(hours=1)

    assert state_of(session, identifier) is S.PARKED


def test_a_late_worker_does_not_overwrite_what_another_settled(session: Session) -> None:
    identifier = row(session)
    late = must_claim(session)
    recover(session, policy(), NOW + LEASE + MINUTE)
    settle(session, must_claim(session, NOW + timedelta(hours=1)), ACCEPTED, policy(), NOW)

    assert not settle(session, late, UNKNOWN, policy(), NOW)

    found = reread(session, identifier)
    assert (found.state, found.unknowns) == (S.ACCEPTED, 1)
    assert [state for state, _why in moves(found)] == [S.SENDING, S.QUEUED, S.SENDING, S.ACCEPTED]


def test_a_late_worker_does_not_take_the_row_from_the_one_who_sends_it_now(session: Session) -> None:
    identifier = row(session)
    late = must_claim(session)
    recover(session, policy(), NOW + LEASE + MINUTE)
    present = must_claim(session, NOW + timedelta(hours=1))

    assert not settle(session, late, TRANSIENT, policy(), NOW)

    found = reread(session, identifier)
    assert (found.state, found.lease) == (S.SENDING, present.lease)


def test_settling_sees_the_row_as_it_is_even_where_an_old_copy_of_it_is_still_held(session: Session) -> None:
    """With `expire_on_commit=False` an object outlives the transaction it was read in."""
    identifier = row(session)
    held = session.get_one(Delivery, identifier)
    session.commit()

    assert settle(session, must_claim(session), TRANSIENT, policy(), NOW)
    assert settle(session, must_claim(session, NOW + MINUTE * 2), ACCEPTED, policy(), NOW)

    assert held.state is S.ACCEPTED


def test_a_message_whose_signature_was_withdrawn_while_it_was_sent_is_not_tried_again(session: Session) -> None:
    identifier = row(session)
    claimed = must_claim(session)
    with writing(session):
        reread_row = session.get_one(Delivery, identifier)
        assert reread_row.signature is not None
        reread_row.signature.state = SignatureState.WITHDRAWN
        cancel(session, [reread_row], NOW, "withdrawn")

    settle(session, claimed, TRANSIENT, policy(), NOW)

    found = reread(session, identifier)
    assert (found.state, found.ended_at) == (S.CANCELLED, NOW)
    assert moves(found)[1:] == [(S.QUEUED, "refused"), (S.CANCELLED, "withdrawn meanwhile")]


# --- moves ------------------------------------------------------------------------------------------------------------


def test_a_held_letter_waits_for_its_release_and_then_has_its_bytes(session: Session) -> None:
    with writing(session):
        signer = signature(session)
        letter = delivery(session, signer, None, kind=DeliveryKind.LETTER, state=S.HELD).letter
        assert letter is not None
        store(session.connection(), signer.id, [held(letter.id, "mail", "office@example.org")], NOW)
    made = session.scalars(select(Delivery).order_by(Delivery.id.desc())).first()
    assert made is not None
    assert (made.state, made.mail, made.due_at) == (S.HELD, None, None)
    assert claim(session, NOW + timedelta(days=400)) is None

    with writing(session):
        release(session, made, Composed(made.uuid, "b+1@example.org", "office@example.org", b"bytes\r\n"), NOW)

    assert must_claim(session).outgoing == Outgoing("b+1@example.org", "office@example.org", b"bytes\r\n")
    assert moves(reread(session, made.id)) == [(S.HELD, "signed"), (S.QUEUED, "confirmed"), (S.SENDING, "claimed")]


def test_several_deliveries_are_stored_in_their_order_each_with_an_event_of_its_own(session: Session) -> None:
    with writing(session):
        signer = signature(session)
        letter = delivery(session, signer, None, kind=DeliveryKind.LETTER, state=S.HELD).letter
        assert letter is not None
        letters = [held(letter.id, "mail", f"office{number}@example.org") for number in range(30)]
        mail = Composed("uuid-1", "b+1@example.org", "ana@example.org", b"bytes\r\n")
        store(session.connection(), signer.id, [*letters, queued(DeliveryKind.CONFIRMATION, mail, NOW)], NOW)

    first, *made = session.scalars(select(Delivery).order_by(Delivery.id))
    assert first.letter is letter
    assert [row.recipient for row in made] == [*(f"office{number}@example.org" for number in range(30)), mail.recipient]
    assert {(row.signature_id, row.created_at, row.attempts) for row in made} == {(signer.id, NOW, 0)}
    assert [moves(row) for row in made] == [[(S.HELD, "signed")]] * 30 + [[(S.QUEUED, "composed")]]


def test_a_signature_that_is_in_memory_knows_of_a_mail_that_was_queued(session: Session) -> None:
    mail = Composed("uuid-1", "b+1@example.org", "ana@example.org", b"bytes\r\n")
    with writing(session):
        signer = signature(session)
        assert signer.deliveries == []
        queue(session, signer, queued(DeliveryKind.COPY, mail, NOW), NOW)
        assert [delivery.uuid for delivery in signer.deliveries] == ["uuid-1"]


def test_a_queued_mail_is_due_at_once(session: Session) -> None:
    mail = Composed("uuid-1", "b+1@example.org", "ana@example.org", b"bytes\r\n")
    with writing(session):
        queue(session, signature(session), queued(DeliveryKind.COPY, mail, NOW), NOW)

    assert must_claim(session).outgoing == Outgoing("b+1@example.org", "ana@example.org", b"bytes\r\n")


@pytest.mark.parametrize("state", S)
def test_only_what_has_not_begun_to_be_sent_can_be_cancelled(session: Session, state: DeliveryState) -> None:
    lease = {"lease": "a", "leased_until": NOW} if state is S.SENDING else {}
    identifier = row(session, state=state, **lease)

    with writing(session):
        cancel(session, [session.get_one(Delivery, identifier)], NOW, "replaced")

    found = reread(session, identifier)
    if state in {S.HELD, S.QUEUED, S.OFFERED, S.STUCK}:
        assert (found.state, found.ended_at, moves(found)) == (S.CANCELLED, NOW, [(S.CANCELLED, "replaced")])
    else:
        assert (found.state, found.ended_at, moves(found)) == (state, None, [])


@pytest.mark.parametrize("state", [state for state in S if S.QUEUED not in TRANSITIONS[state]])
def test_a_move_that_is_not_on_the_table_is_refused(session: Session, state: DeliveryState) -> None:
    identifier = row(session, state=state)

    with pytest.raises(MoveRefused), writing(session):
        release(session, session.get_one(Delivery, identifier), Composed("u", "a", "b", b"c"), NOW)

    found = reread(session, identifier)
    assert (found.state, moves(found)) == (state, [])


def test_every_state_is_on_the_table_and_what_has_ended_stays() -> None:
    assert set(TRANSITIONS) == set(S)
    later = {S.FAILED: {S.QUEUED}, S.PARKED: {S.QUEUED, S.CANCELLED, S.BOUNCED}, S.ACCEPTED: {S.BOUNCED}}
    assert {state: TRANSITIONS[state] for state in ENDED if TRANSITIONS[state]} == later


# --- recovering -------------------------------------------------------------------------------------------------------


def test_a_row_past_its_lease_is_sent_once_more_later(session: Session) -> None:
    identifier = row(session)
    must_claim(session)

    assert recover(session, policy(), NOW + LEASE) == 0
    assert recover(session, policy(), NOW + LEASE + MINUTE) == 1

    found = reread(session, identifier)
    assert (found.state, found.unknowns, found.due_at) == (S.QUEUED, 1, NOW + LEASE + 31 * MINUTE)
    assert moves(found)[-1] == (S.QUEUED, "sender died")


def test_at_the_start_every_row_in_sending_was_abandoned(session: Session) -> None:
    identifiers = [row(session), row(session)]
    must_claim(session)
    must_claim(session)

    assert recover(session, policy(), NOW + MINUTE, abandoned=True) == 2

    assert {state_of(session, identifier) for identifier in identifiers} == {S.QUEUED}


def test_a_row_that_is_abandoned_twice_is_parked(session: Session) -> None:
    identifier, now = row(session), NOW
    for _crash in range(2):
        must_claim(session, now)
        recover(session, policy(), now, abandoned=True)
        now += timedelta(hours=1)

    found = reread(session, identifier)
    assert (found.state, found.unknowns, found.lease) == (S.PARKED, 2, None)


def test_recovery_leaves_no_transaction_open(session: Session) -> None:
    recover(session, policy(), NOW)
    assert not session.in_transaction()

    row(session)
    must_claim(session)
    recover(session, policy(), NOW, abandoned=True)
    assert not session.in_transaction()


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
    assert "does not take the outcome yet" in caplog.text


@pytest.mark.usefixtures("impatient")
def test_told_to_stop_while_the_database_is_locked_it_gives_up_and_the_row_is_of_unknown_fate(
    session: Session, other: Writer
) -> None:
    identifier, stopping = row(session), []

    def begin(_message: Outgoing) -> None:
        stopping.append(True)
        other.begin()

    drain(session, ScriptedSender(on_send=begin), policy(), at(NOW), lambda _seconds: bool(stopping))

    other.end()
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

    sender = ScriptedSender()
    drain(session, sender, policy(), at(NOW), never)

    assert (state_of(session, poison), state_of(session, good)) == (S.SENDING, S.ACCEPTED)
    assert len(sender.sent) == 2


def fill_disk(session: Session) -> None:
    """Let the database have no page more than it uses: SQLite then answers SQLITE_FULL, as on a full disk."""
    session.rollback()
    pages = session.scalar(text("PRAGMA page_count"))
    session.scalar(text(f"PRAGMA max_page_count = {pages}"))
    session.rollback()


def empty_disk(session: Session) -> None:
    session.scalar(text("PRAGMA max_page_count = 1000000"))
    session.rollback()


def use_up_free_space(session: Session) -> None:
    """Fill what is left of the last pages of the table that every move writes into."""
    with writing(session):
        identifier = session.scalars(select(Delivery.id)).first()
        noise = {"delivery_id": identifier, "at": NOW, "state": S.SENDING, "why": "noise", "code": None}
    with pytest.raises(DatabaseUnavailable):  # noqa: PT012 — until one of them does not fit
        while True:
            with writing(session):
                session.execute(insert(DeliveryEvent), [noise])


@pytest.mark.file
def test_a_full_disk_at_insert_stores_nothing(session: Session) -> None:
    row(session)
    fill_disk(session)

    with pytest.raises(DatabaseUnavailable):
        row(session, mail=b"x" * 1_000_000)

    empty_disk(session)
    assert len(session.scalars(select(Delivery.id)).all()) == 1
    row(session, mail=b"x" * 1_000_000)


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


# --- the way into a write transaction ---------------------------------------------------------------------------------


@pytest.mark.file
def test_a_commit_that_fails_stores_nothing_and_leaves_the_session_usable(session: Session) -> None:
    identifier = row(session)

    with pytest.raises(Exception, match="FOREIGN KEY"), writing(session):  # noqa: PT012 — the commit itself fails
        session.execute(text("PRAGMA defer_foreign_keys = ON"))
        session.get_one(Delivery, identifier).signature_id = 4711
        session.flush()

    assert not session.in_transaction()
    assert must_claim(session).id == identifier


def test_changes_made_outside_a_write_transaction_are_refused(session: Session) -> None:
    identifier = row(session)
    session.get_one(Delivery, identifier).attempts = 7

    with pytest.raises(RuntimeError), writing(session):
        pass

    assert reread(session, identifier).attempts == 0


# --- a mail server that takes nothing from us -----------------------------------------------------------------


REFUSED_US = Outcome(OutcomeKind.CHANNEL, "login refused", 535)


def test_a_server_that_refuses_us_is_asked_once_and_costs_no_message_an_attempt(session: Session) -> None:
    identifiers = [row(session) for _ in range(50)]
    sender, gate, clock = ScriptedSender([REFUSED_US] * 60), Gate.open(), Clock(NOW)

    for passed, tried in ((0, 1), (0.5, 0), (0.6, 1), (4, 0), (2, 1), (15, 1), (29, 0), (2, 1), (31, 1)):
        clock.forward(minutes=passed)
        assert drain(session, sender, policy(letters=minutes(600)), clock, never, gate) == tried

    assert {reread(session, one).attempts for one in identifiers} == {0}
    assert {reread(session, one).state for one in identifiers} == {S.QUEUED}


def test_when_it_takes_mail_again_everything_goes_and_the_pauses_begin_anew(session: Session) -> None:
    for _ in range(3):
        row(session)
    sender, gate, clock = ScriptedSender([REFUSED_US, ACCEPTED, REFUSED_US, ACCEPTED]), Gate.open(), Clock(NOW)
    drain(session, sender, policy(), clock, never, gate)
    clock.forward(minutes=1)

    assert drain(session, sender, policy(), clock, never, gate) == 2
    clock.forward(minutes=1)
    assert drain(session, sender, policy(), clock, never, gate) == 2


def test_nothing_is_claimed_while_sending_is_paused(session: Session) -> None:
    row(session)
    with writing(session):
        session.add(SiteState(id=1, delivery="live", paused_at=NOW))
    assert claim(session, NOW) is None

    with writing(session):
        session.get_one(SiteState, 1).paused_at = None
    assert claim(session, NOW) is not None


def test_a_server_that_refuses_us_for_longer_than_any_trouble_may_last_leaves_the_letter_to_its_signer(
    session: Session,
) -> None:
    identifier = row(session, kind=DeliveryKind.LETTER)
    sender, gate, clock = ScriptedSender([REFUSED_US] * 60), Gate.open(), Clock(NOW)
    for _ in range(3):
        clock.forward(minutes=31)
        drain(session, sender, policy(), clock, never, gate)

    assert reread(session, identifier).state is S.FAILED
    assert reread(session, identifier).letter.deliveries[-1].state is S.OFFERED  # type: ignore[union-attr]


def test_after_a_long_pause_the_first_refusal_of_us_fails_nothing(session: Session) -> None:
    identifier = row(session, NOW - timedelta(days=9), kind=DeliveryKind.CONFIRMATION)

    drain(session, ScriptedSender([REFUSED_US]), policy(), at(NOW), never)

    assert (reread(session, identifier).state, reread(session, identifier).attempts) == (S.QUEUED, 0)


def test_a_clock_that_was_set_back_does_not_keep_the_breaker_open(session: Session) -> None:
    row(session, NOW - timedelta(days=2))
    Breaker("sandbox").note(session, REFUSED_US, NOW)

    assert claim(session, NOW) is None
    assert claim(session, NOW - timedelta(days=1)) is not None


def test_every_worker_obeys_what_one_has_learnt_and_a_person_can_see_it(session: Session) -> None:
    for _ in range(2):
        row(session)
    drain(session, ScriptedSender([REFUSED_US]), policy(), at(NOW), never)

    told = refusal(session)
    assert told == Refusal(NOW, "login refused", 535, NOW + MINUTE)
    assert drain(session, ScriptedSender(), policy(), at(NOW), never) == 0
    assert drain(session, ScriptedSender(), policy(), at(NOW + MINUTE), never) == 2
    assert refusal(session) is None


@pytest.mark.parametrize(("asked", "pause"), [(None, 1), (5, 5), (600, 30)])
def test_too_many_logins_for_now_are_not_answered_with_more(session: Session, asked: int | None, pause: int) -> None:
    for number in range(9):
        row(session, recipient=f"office{number}@example.org")
    later = None if asked is None else timedelta(minutes=asked)
    sender = ScriptedSender([Outcome(OutcomeKind.TRANSIENT, "login refused", 454, later)] * 9)

    assert drain(session, sender, policy(), at(NOW), never) == 1

    assert refusal(session) == Refusal(NOW, "login refused", 454, NOW + pause * MINUTE)


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(OutcomeKind.TRANSIENT, "login refused", 454),
        Outcome(OutcomeKind.PERMANENT, "cannot be sent"),
        Outcome(OutcomeKind.UNKNOWN, "error"),
    ],
)
def test_what_never_came_to_the_server_does_not_say_that_it_takes_mail_again(
    session: Session, outcome: Outcome
) -> None:
    breaker = Breaker("sandbox")
    breaker.note(session, REFUSED_US, NOW)
    breaker.note(session, outcome, NOW + MINUTE)

    told = refusal(session)
    assert told is not None
    assert told.since == NOW


def test_when_nobody_can_be_reached_three_messages_try_and_the_others_wait(session: Session) -> None:
    identifiers = [row(session) for _ in range(9)]
    lost = Outcome(OutcomeKind.TRANSIENT, NO_CONNECTION)
    sender = ScriptedSender([lost] * 9)

    assert drain(session, sender, policy(), at(NOW), never) == 3

    assert sorted(reread(session, one).attempts for one in identifiers) == [0] * 6 + [1] * 3
    assert refusal(session) == Refusal(NOW, NO_CONNECTION, None, NOW + MINUTE)


# --- mails to the organisation ----------------------------------------------------------------------------------------

REPORT = Composed(
    str(uuid.uuid5(uuid.NAMESPACE_URL, "members are three weeks old, 2026-11-24")),
    "b+1.2@example.org",
    "letters@example.org",
    b"Message-ID: <report@example.org>\r\nSubject: old tables\r\n\r\n.Look after them.\r\n",
)


def reported(session: Session, mail: Composed = REPORT, now: datetime = NOW) -> int:
    """A committed report; its id."""
    with writing(session):
        queue_report(session, mail, now)
    return session.scalars(select(Delivery.id).where(Delivery.uuid == mail.uuid)).one()


def drained(session: Session, now: datetime = NOW, **script: Phase) -> Server:
    """Send what is due to a mail server that follows `script`."""
    with scripted(**script) as server:
        mailer = Flask("mailer")
        mailer.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=server.port, MAIL_SUPPRESS_SEND=False)
        Mail(mailer)
        sender = SmtpSender(mailer, Timeouts(connect=5, command=5, final_dot=5), "example.org")
        drain(session, sender, policy(), at(now), never)
    return server


def test_a_report_goes_out_with_the_bytes_it_was_queued_with(session: Session) -> None:
    identifier = reported(session)

    server = drained(session)

    (taken,) = server.taken
    assert (taken.sender, taken.recipients, taken.mail) == (REPORT.sender, (REPORT.recipient,), REPORT.mail)
    found = reread(session, identifier)
    assert (found.kind, found.state, found.ended_at) == (DeliveryKind.REPORT, S.ACCEPTED, NOW)
    assert (found.signature, found.letter, found.mail) == (None, None, REPORT.mail)
    assert moves(found) == [(S.QUEUED, "composed"), (S.SENDING, "claimed"), (S.ACCEPTED, "accepted")]


def test_the_same_report_twice_is_one_mail_even_when_it_has_gone(session: Session) -> None:
    with writing(session):
        queue_report(session, REPORT, NOW)
        queue_report(session, REPORT, NOW)
    drained(session)
    reported(session, now=NOW + MINUTE)

    assert drained(session, NOW + MINUTE).taken == []
    assert session.scalar(select(func.count()).select_from(Delivery)) == 1
    assert session.scalar(select(func.count()).select_from(DeliveryEvent)) == 3


def test_a_report_is_tried_again_as_often_as_a_letter_and_then_has_failed(session: Session) -> None:
    identifier, now = reported(session), NOW
    while state_of(session, identifier) is S.QUEUED:
        now = reread(session, identifier).due_at or now
        drained(session, now, rcpt="452 the mailbox is full")

    found = reread(session, identifier)
    assert (found.state, found.attempts, now - NOW) == (S.FAILED, 4, 42 * MINUTE)


def test_a_report_that_is_refused_for_good_has_failed_and_is_offered_to_nobody(session: Session) -> None:
    identifier = reported(session)

    drained(session, rcpt="550 no such mailbox")

    assert state_of(session, identifier) is S.FAILED
    assert session.scalar(select(func.count()).select_from(Delivery)) == 1


def test_a_report_whose_sender_died_is_sent_once_more_and_then_parked(session: Session) -> None:
    identifier, now, states = reported(session), NOW, []
    for _crash in range(2):
        must_claim(session, now)
        assert recover(session, policy(), now, abandoned=True) == 1
        states.append(state_of(session, identifier))
        now += timedelta(hours=1)

    assert states == [S.QUEUED, S.PARKED]


def other_report(name: str) -> Composed:
    return Composed(str(uuid.uuid5(uuid.NAMESPACE_URL, name)), REPORT.sender, REPORT.recipient, REPORT.mail)


def test_reports_that_ended_long_ago_are_deleted_with_their_events_and_nothing_else_is(
    session: Session,
) -> None:
    letter = row(session, kind=DeliveryKind.LETTER)
    old, late, waiting = (reported(session, other_report(name)) for name in ("old", "late", "waiting"))
    with writing(session):
        for identifier, ended in ((letter, NOW), (old, NOW), (late, NOW + MINUTE)):
            found = session.get_one(Delivery, identifier)
            found.state, found.ended_at = S.ACCEPTED, ended

    with writing(session):
        drop_reports(session, NOW)

    assert session.scalars(select(Delivery.id).order_by(Delivery.id)).all() == [letter, late, waiting]
    assert set(session.scalars(select(DeliveryEvent.delivery_id))) == {late, waiting}


@pytest.mark.file
def test_deleting_reports_does_not_read_through_the_letters(session: Session, data_dir: Path) -> None:
    many(session, 1500)
    reported(session)

    with writing(session), statements(session) as seen:
        drop_reports(session, NOW)

    deletes = [(sql, values) for sql, values in seen if sql.startswith("DELETE")]
    assert len(deletes) == 2
    for sql, values in deletes:
        plan = plan_of(data_dir, sql, values)
        assert "ix_delivery_signature_id (signature_id=?)" in plan
        assert "SCAN" not in plan
