"""What is claimed and when, where each outcome leads, and what becomes of a row whose sender died."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import writing
from app.delivery import Outcome, OutcomeKind, Outgoing
from app.delivery.breaker import Breaker
from app.delivery.outbox import cancel
from app.delivery.pacing import Rates
from app.delivery.pause import pause
from app.delivery.sending import LEASE, Gate, claim, is_something_due, recover, settle, settle_and_claim
from app.models import Delivery, DeliveryKind, DeliveryState, SignatureState, SiteState
from tests.clock.factories import certain
from tests.delivery.factories import ACCEPTED, NOW, PERMANENT, TRANSIENT, UNKNOWN, moves, policy, reread
from tests.delivery.queue import MINUTE, many, must_claim, plan_of, row, state_of, statements

S = DeliveryState


# --- claiming ---------------------------------------------------------------------------------------------------------


def test_a_due_row_is_claimed_with_the_bytes_and_envelope_it_was_queued_with(session: Session) -> None:
    identifier = row(session, mail=b"the very bytes\r\n", recipient="office@example.org")

    claimed = must_claim(session)

    assert claimed.id == identifier
    assert claimed.outgoing == Outgoing("b+1.2@example.org", "office@example.org", b"the very bytes\r\n")
    found = reread(session, identifier)
    assert (found.state, found.attempts, found.lease) == (S.SENDING, 1, claimed.lease)
    assert found.leased_until == NOW + LEASE == NOW + 15 * MINUTE
    assert len(claimed.lease) == 32  # 128 bits, and all that its column holds
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


@pytest.mark.parametrize("days", [4, 400])
def test_a_clock_that_cannot_be_right_brings_no_reminder_early_and_holds_up_nothing_else(
    session: Session, days: int
) -> None:
    certain(session, NOW)
    later = NOW + timedelta(days=days)
    reminder = row(session, NOW + timedelta(days=2), kind=DeliveryKind.REMINDER)
    copy = row(session, NOW + timedelta(days=3), kind=DeliveryKind.COPY)

    assert must_claim(session, later).id == copy
    assert claim(session, later) is None
    certain(session, later)
    assert must_claim(session, later).id == reminder


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


def test_nothing_is_claimed_while_sending_is_paused(session: Session) -> None:
    row(session)
    with writing(session):
        session.add(SiteState(id=1, delivery="live", paused_at=NOW))
    assert claim(session, NOW) is None

    with writing(session):
        session.get_one(SiteState, 1).paused_at = None
    assert claim(session, NOW) is not None


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


def test_a_late_acceptance_counts_as_long_as_nobody_sends_it_again(session: Session) -> None:
    identifier = row(session)
    late = must_claim(session)
    recover(session, policy(), NOW + LEASE + MINUTE)
    assert state_of(session, identifier) is S.QUEUED

    assert settle(session, late, ACCEPTED, policy(), NOW + LEASE + 2 * MINUTE)

    found = reread(session, identifier)
    assert (found.state, found.lease, found.unknowns) == (S.ACCEPTED, None, 0)
    assert [why for _state, why in moves(found)][-3:] == ["sender died", "answered late", "accepted"]
    assert claim(session, NOW + timedelta(days=1)) is None


@pytest.mark.parametrize("outcome", [TRANSIENT, PERMANENT, UNKNOWN])
def test_any_other_late_answer_changes_nothing(session: Session, outcome: Outcome) -> None:
    identifier = row(session)
    late = must_claim(session)
    recover(session, policy(), NOW + LEASE + MINUTE)

    assert not settle(session, late, outcome, policy(), NOW + LEASE + 2 * MINUTE)

    assert (state_of(session, identifier), reread(session, identifier).unknowns) == (S.QUEUED, 1)


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


# --- the edges --------------------------------------------------------------------------------------------------------

TICK = timedelta(microseconds=1)
REFUSED_US = Outcome(OutcomeKind.CHANNEL, "login refused", 535)


@pytest.mark.parametrize(
    ("kind", "all_pauses"), [(DeliveryKind.LETTER, 42 * MINUTE), (DeliveryKind.CONFIRMATION, 2.5 * MINUTE)]
)
def test_a_server_that_refuses_us_fails_a_message_only_after_more_than_all_its_pauses(
    session: Session, kind: DeliveryKind, all_pauses: timedelta
) -> None:
    """The pauses are those of its own kind, and count from when the server began to refuse us."""
    row(session, kind=kind)
    Breaker("sandbox").note(session, REFUSED_US, NOW)
    end = NOW + all_pauses
    for moment, state in ((end, S.QUEUED), (end + TICK, S.FAILED)):
        claimed = must_claim(session, end)

        assert settle(session, claimed, REFUSED_US, policy(), moment)

        found = reread(session, claimed.id)
        assert (found.state, found.attempts, found.due_at, found.wanted_at) == (state, 0, NOW, NOW)
        assert found.ended_at == (moment if state is S.FAILED else None)


def test_a_lease_is_over_after_its_last_moment(session: Session) -> None:
    row(session)
    must_claim(session)

    assert recover(session, policy(), NOW + LEASE) == 0
    assert recover(session, policy(), NOW + LEASE + TICK) == 1


def test_the_lease_is_that_of_the_gate(session: Session) -> None:
    identifier = row(session)

    assert claim(session, NOW, Gate.open(lease=7 * MINUTE)) is not None

    assert reread(session, identifier).leased_until == NOW + 7 * MINUTE


def test_what_goes_back_into_the_queue_is_due_and_wanted_after_its_pause(session: Session) -> None:
    identifier = row(session)

    settle(session, must_claim(session), TRANSIENT, policy(), NOW + MINUTE)

    found = reread(session, identifier)
    assert (found.due_at, found.wanted_at, found.ended_at) == (NOW + 3 * MINUTE, NOW + 3 * MINUTE, None)
    assert (found.attempts, found.unknowns, found.lease, found.leased_until) == (1, 0, None, None)


def test_a_late_acceptance_counts_for_what_was_parked_too(session: Session) -> None:
    identifier, now = row(session), NOW
    for _crash in range(2):
        late = must_claim(session, now)
        recover(session, policy(), now, abandoned=True)
        now += timedelta(hours=1)
    assert state_of(session, identifier) is S.PARKED

    assert settle(session, late, ACCEPTED, policy(), now)

    assert (state_of(session, identifier), reread(session, identifier).ended_at) == (S.ACCEPTED, now)


def test_a_late_acceptance_of_an_attempt_before_the_last_changes_nothing(session: Session) -> None:
    identifier, now = row(session), NOW
    first = must_claim(session)
    for _crash in range(2):
        recover(session, policy(), now, abandoned=True)
        now += timedelta(hours=1)
        if state_of(session, identifier) is S.QUEUED:
            must_claim(session, now)

    assert not settle(session, first, ACCEPTED, policy(), now)
    assert state_of(session, identifier) is S.PARKED


def test_whether_something_only_waits_for_its_turn(session: Session) -> None:
    assert not is_something_due(session, NOW)
    row(session)
    assert not is_something_due(session, NOW - TICK)
    assert is_something_due(session, NOW)
    assert not session.in_transaction()
    Breaker("sandbox").note(session, REFUSED_US, NOW)
    assert not is_something_due(session, NOW)
    assert is_something_due(session, NOW + MINUTE)
    with writing(session):
        pause(session, "sandbox", NOW)
    assert not is_something_due(session, NOW + MINUTE)


def test_with_what_was_accepted_the_next_one_is_claimed_if_it_may_go(session: Session) -> None:
    first, second, third = (row(session, NOW - count * MINUTE) for count in (3, 2, 1))
    gate = Gate.open(Rates(account=1))

    settled, following = settle_and_claim(session, must_claim(session), ACCEPTED, NOW, Gate.open())
    assert settled
    assert following is not None
    assert following.id == second
    claim(session, NOW, gate)  # takes the account's turn

    assert settle_and_claim(session, following, ACCEPTED, NOW, gate) == (True, None)
    assert settle_and_claim(session, following, ACCEPTED, NOW, gate) == (False, None)
    assert [state_of(session, one) for one in (first, second, third)] == [S.ACCEPTED, S.ACCEPTED, S.SENDING]


def test_what_is_put_off_looks_as_if_nobody_had_touched_it(session: Session) -> None:
    busy, beside = row(session, recipient="a@busy.example"), row(session, NOW + 9 * MINUTE)
    gate = Gate.open()
    for _failure in range(2):
        gate.busy.note("a@busy.example", TRANSIENT, NOW)

    assert claim(session, NOW, gate) is None

    found = reread(session, busy)
    assert (found.state, found.attempts, found.lease, found.leased_until) == (S.QUEUED, 0, None, None)
    assert (found.due_at, moves(found)) == (NOW + MINUTE, [])
    assert reread(session, beside).due_at == NOW + 9 * MINUTE


def test_however_many_are_put_off_the_one_that_can_go_is_found(session: Session) -> None:
    for _number in range(201):
        row(session, NOW - MINUTE, recipient="a@busy.example")
    quick = row(session, recipient="b@quick.example")
    gate = Gate.open()
    for _failure in range(2):
        gate.busy.note("a@busy.example", TRANSIENT, NOW)

    claimed = claim(session, NOW, gate)

    assert claimed is not None
    assert claimed.id == quick
