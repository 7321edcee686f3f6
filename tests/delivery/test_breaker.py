"""A mail server that takes nothing from us: nobody asks it again too soon, and no message pays for it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from app.db import writing
from app.delivery import ACCOUNT_REFUSED, NO_CONNECTION, SENDER_REFUSED, TOO_FAST, Outcome, OutcomeKind
from app.delivery.breaker import Breaker, Refusal, ask_again, refusal
from app.delivery.drain import drain
from app.delivery.pause import pause, resume
from app.delivery.sending import Gate, Halt, claim, halt
from app.models import DeliveryKind, DeliveryState
from tests.clock.factories import certain
from tests.delivery.factories import ACCEPTED, NOW, ScriptedSender, minutes, policy, reread
from tests.delivery.queue import MINUTE, at, never, row
from tests.factories import Clock

S = DeliveryState


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


def test_the_log_says_when_it_refuses_us_no_longer(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    row(session, recipient="ana@example.org")
    sender, gate, clock = ScriptedSender([REFUSED_US]), Gate.open(), Clock(NOW)
    drain(session, sender, policy(), clock, never, gate)
    caplog.clear()
    clock.forward(minutes=1)

    drain(session, sender, policy(), clock, never, gate)
    row(session)
    drain(session, sender, policy(), clock, never, gate)

    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == ["the mail server refuses us no longer, as it did since 2026-11-24 17:00 UTC"]


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


@pytest.mark.parametrize(("later", "state"), [(2, S.FAILED), (4, S.QUEUED), (400, S.QUEUED)])
def test_a_clock_that_cannot_be_right_makes_no_trouble_last_too_long(
    session: Session, later: int, state: DeliveryState
) -> None:
    certain(session, NOW)
    identifier = row(session)
    sender, gate, clock = ScriptedSender([REFUSED_US] * 2), Gate.open(), Clock(NOW)
    drain(session, sender, policy(), clock, never, gate)

    clock.forward(days=later)
    drain(session, sender, policy(), clock, never, gate)

    assert reread(session, identifier).state is state


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


# --- its edges --------------------------------------------------------------------------------------------------------

TICK = timedelta(microseconds=1)
LOST = Outcome(OutcomeKind.TRANSIENT, NO_CONNECTION)


def told(session: Session) -> Refusal:
    found = refusal(session)
    session.rollback()
    assert found is not None
    return found


def let_ask(session: Session, now: datetime) -> bool:
    with writing(session):
        return ask_again(session, now)


def test_the_pauses_are_as_long_as_is_said(session: Session) -> None:
    breaker, now, pauses = Breaker("sandbox"), NOW, []
    for _time in range(6):
        found = breaker.note(session, REFUSED_US, now)
        assert found is not None
        pauses.append(found.until - now)
        now = found.until

    assert pauses == [MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 30 * MINUTE, 30 * MINUTE]
    assert told(session).since == NOW


def test_who_meets_it_in_the_same_pause_does_not_make_the_next_one_longer(session: Session) -> None:
    for worker in (Breaker("sandbox"), Breaker("sandbox")):
        worker.note(session, REFUSED_US, NOW)
    before_its_end = NOW + MINUTE - TICK
    Breaker("sandbox").note(session, REFUSED_US, before_its_end)

    assert told(session).until == before_its_end + MINUTE


def test_until_its_last_moment_nothing_goes_and_then_everything(session: Session) -> None:
    for _number in range(2):
        row(session)
    Breaker("sandbox").note(session, REFUSED_US, NOW)

    for now, stops in ((NOW, True), (NOW + MINUTE - TICK, True), (NOW + MINUTE, False)):
        assert (halt(session, now) is Halt.REFUSED) is stops
        session.rollback()
        assert (claim(session, now) is None) is stops


def test_a_pause_that_is_longer_than_any_is_of_a_clock_that_was_wrong(session: Session) -> None:
    for _number in range(2):
        row(session, NOW - timedelta(days=1))
    longest = Outcome(OutcomeKind.CHANNEL, "login refused", 535, timedelta(hours=9))
    Breaker("sandbox").note(session, longest, NOW)
    assert told(session).until == NOW + 30 * MINUTE

    for now, stops in ((NOW, True), (NOW - TICK, False)):
        assert (halt(session, now) is Halt.REFUSED) is stops
        session.rollback()
        assert (claim(session, now) is None) is stops


def test_that_somebody_paused_sending_is_said_first(session: Session) -> None:
    assert halt(session, NOW) is None
    Breaker("sandbox").note(session, REFUSED_US, NOW)
    with writing(session):
        pause(session, "sandbox", NOW)
    assert halt(session, NOW) is Halt.PAUSED
    with writing(session):
        resume(session, NOW)
    assert halt(session, NOW) is Halt.REFUSED


def test_a_person_lets_the_next_message_ask_and_the_pause_after_it_is_no_longer(session: Session) -> None:
    assert not let_ask(session, NOW)  # a database that was never started
    row(session)
    Breaker("sandbox").note(session, REFUSED_US, NOW)
    Breaker("sandbox").note(session, REFUSED_US, NOW + MINUTE)
    assert told(session).until == NOW + 6 * MINUTE

    assert let_ask(session, NOW + 2 * MINUTE)

    assert told(session).until == NOW + 2 * MINUTE
    assert claim(session, NOW + 2 * MINUTE) is not None
    assert not let_ask(session, NOW + 2 * MINUTE)
    Breaker("sandbox").note(session, REFUSED_US, NOW + 3 * MINUTE)
    assert told(session).until == NOW + 8 * MINUTE


def test_a_server_that_takes_mail_needs_no_leave_to_be_asked(session: Session) -> None:
    with writing(session):
        pause(session, "sandbox", NOW)  # so that there is a row
    assert not let_ask(session, NOW)

    Breaker("sandbox").note(session, REFUSED_US, NOW)
    assert not let_ask(session, NOW + MINUTE)
    assert let_ask(session, NOW + MINUTE - TICK)


def test_a_clock_that_goes_back_between_two_persons_makes_no_pause_longer(session: Session) -> None:
    Breaker("sandbox").note(session, REFUSED_US, NOW)
    assert let_ask(session, NOW + 10 * TICK)
    Breaker("sandbox").note(session, REFUSED_US, NOW)  # by a worker whose clock is a little behind
    assert told(session).until == NOW + MINUTE

    assert let_ask(session, NOW + 10 * TICK)
    assert let_ask(session, NOW)
    Breaker("sandbox").note(session, REFUSED_US, NOW)
    assert told(session).until == NOW + MINUTE


def test_a_worker_that_begins_asks_nobody_anew_whether_the_server_takes_mail(session: Session) -> None:
    breaker = Breaker("sandbox")
    assert breaker.is_closed
    breaker.look(session)
    assert breaker.is_closed

    breaker.note(session, REFUSED_US, NOW)
    assert not breaker.is_closed
    another = Breaker("sandbox")
    another.look(session)
    assert not another.is_closed

    another.note(session, ACCEPTED, NOW + MINUTE)
    assert another.is_closed
    assert refusal(session) is None
    breaker.look(session)
    assert breaker.is_closed


def test_one_that_another_worker_has_closed_is_closed_without_a_word(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    breaker, another = Breaker("sandbox"), Breaker("sandbox")
    breaker.note(session, REFUSED_US, NOW)
    another.look(session)
    another.note(session, ACCEPTED, NOW + MINUTE)
    caplog.clear()

    breaker.note(session, ACCEPTED, NOW + MINUTE)

    assert breaker.is_closed
    assert caplog.text == ""
    assert not session.in_transaction()


MET_IT = [
    (ACCEPTED, True),
    (Outcome(OutcomeKind.ACCEPTED, "accepted"), True),
    (Outcome(OutcomeKind.PERMANENT, "recipient refused", 550), True),
    (Outcome(OutcomeKind.TRANSIENT, "greylisted", 450), True),
    (Outcome(OutcomeKind.TRANSIENT, "connection lost"), False),
    (Outcome(OutcomeKind.TRANSIENT, NO_CONNECTION, 421), False),
    (Outcome(OutcomeKind.TRANSIENT, "refused", 451), False),
]


@pytest.mark.parametrize(("outcome", "is_over"), MET_IT)
def test_what_says_that_the_server_talks_with_us_again(session: Session, outcome: Outcome, is_over: bool) -> None:
    """An answer to everybody may be about us; another one is worth no less than an acceptance."""
    breaker = Breaker("sandbox")
    breaker.note(session, REFUSED_US, NOW)

    breaker.note(session, breaker.weigh(outcome, "a@example.org"), NOW + MINUTE)

    assert (refusal(session) is None) is is_over


def test_only_three_in_a_row_that_came_to_nobody_stop_the_others(session: Session) -> None:
    breaker = Breaker("sandbox")
    unsure = Outcome(OutcomeKind.TRANSIENT, "greylisted", 450)
    for outcome in (LOST, LOST, unsure, LOST, Outcome(OutcomeKind.TRANSIENT, SENDER_REFUSED, 451)):
        assert breaker.note(session, breaker.weigh(outcome, "a@example.org"), NOW) is None

    assert breaker.note(session, breaker.weigh(LOST, "a@example.org"), NOW) is not None


SAME = Outcome(OutcomeKind.PERMANENT, "refused", 554)
ROWS: dict[str, tuple[list[tuple[Outcome, str]], bool]] = {
    "three to two domains": ([(SAME, "a@x"), (SAME, "b@X"), (SAME, "c@y")], True),
    "three to two domains, the first apart": ([(SAME, "a@y"), (SAME, "b@x"), (SAME, "c@x")], True),
    "two to two": ([(SAME, "a@x"), (SAME, "b@y")], False),
    "nine to one": ([(SAME, f"{name}@x") for name in "abcdefghi"], False),
    "four, and a second domain at last": ([(SAME, "a@x")] * 3 + [(SAME, "b@y")], True),
    "with another code between": (
        [(SAME, "a@x"), (SAME, "b@y"), (Outcome(OutcomeKind.PERMANENT, "refused", 550), "c@z")],
        False,
    ),
    "of the account, whatever the code": (
        [(Outcome(OutcomeKind.TRANSIENT, ACCOUNT_REFUSED, code), f"a@{code}") for code in (550, 554, 451)],
        True,
    ),
    "with an acceptance between": ([(SAME, "a@x"), (SAME, "b@y"), (ACCEPTED, "c@z"), (SAME, "d@x")], False),
    "too fast, counted anew after three": (
        [(Outcome(OutcomeKind.TRANSIENT, TOO_FAST, 450), f"a@{name}") for name in "wxyz"],
        False,
    ),
    "too fast, six times": ([(Outcome(OutcomeKind.TRANSIENT, TOO_FAST, 450), f"a@{name}") for name in "uvwxyz"], True),
    "refused, and once more": ([(SAME, f"a@{name}") for name in "wxyz"], True),
}


@pytest.mark.parametrize(("answers", "is_meant"), ROWS.values(), ids=ROWS)
def test_whether_the_last_of_several_answers_is_about_us(
    session: Session, answers: list[tuple[Outcome, str]], is_meant: bool
) -> None:
    breaker = Breaker("sandbox")
    *before, (last, to) = answers
    for outcome, recipient in before:
        breaker.weigh(outcome, recipient)

    assert (breaker.note(session, breaker.weigh(last, to), NOW) is not None) is is_meant


def test_a_refusal_says_whether_a_message_met_it_and_its_code_if_it_has_one() -> None:
    of_a_message, of_nobody = Refusal(NOW, TOO_FAST, 450, NOW), Refusal(NOW, NO_CONNECTION, None, NOW)

    assert (of_a_message.is_of_messages, of_a_message.told) == (True, f"{TOO_FAST} (450)")
    assert (of_nobody.is_of_messages, of_nobody.told) == (False, NO_CONNECTION)
