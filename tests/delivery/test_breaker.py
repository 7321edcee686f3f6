"""A mail server that takes nothing from us: nobody asks it again too soon, and no message pays for it."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.delivery import NO_CONNECTION, Outcome, OutcomeKind
from app.delivery.breaker import Breaker, Refusal, refusal
from app.delivery.drain import drain
from app.delivery.sending import Gate, claim
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
