"""The retry schedule: after which pause a message is tried again, and when it has failed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.delivery import Outcome, OutcomeKind, Outgoing
from app.delivery.retries import GREYLISTED_PAUSE, Claimed, verdict
from app.models import DeliveryKind, DeliveryState
from tests.delivery.factories import ACCEPTED, PERMANENT, TRANSIENT, UNKNOWN, minutes, policy
from tests.delivery.queue import MINUTE

S = DeliveryState


GREYLISTED = Outcome(OutcomeKind.TRANSIENT, "greylisted", 450)


def claimed_as(attempts: int = 1, unknowns: int = 0, kind: DeliveryKind = DeliveryKind.LETTER) -> Claimed:
    return Claimed(1, "lease", kind, attempts, unknowns, Outgoing("a@b.c", "d@e.f", b"x"))


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


@pytest.mark.parametrize("kind", DeliveryKind)
def test_only_the_mails_that_somebody_waits_for_are_tried_again_quickly(kind: DeliveryKind) -> None:
    is_quick = kind in {DeliveryKind.CONFIRMATION, DeliveryKind.REPEAT}
    pauses = minutes(0.5, 2) if is_quick else minutes(2, 10, 30)

    for attempt, pause in enumerate(pauses, start=1):
        assert verdict(claimed_as(attempt, kind=kind), TRANSIENT, policy()) == (S.QUEUED, pause)
    assert verdict(claimed_as(len(pauses) + 1, kind=kind), TRANSIENT, policy()) == (S.FAILED, timedelta())


def test_what_every_other_outcome_leads_to() -> None:
    channel = Outcome(OutcomeKind.CHANNEL, "login refused", 535)

    assert verdict(claimed_as(), ACCEPTED, policy()) == (S.ACCEPTED, timedelta())
    assert verdict(claimed_as(), PERMANENT, policy()) == (S.FAILED, timedelta())
    assert verdict(claimed_as(9), channel, policy()) == (S.QUEUED, timedelta())
    assert verdict(claimed_as(9, unknowns=0), UNKNOWN, policy()) == (S.QUEUED, 30 * MINUTE)
    assert verdict(claimed_as(1, unknowns=1), UNKNOWN, policy()) == (S.PARKED, timedelta())
    assert GREYLISTED_PAUSE == 6 * MINUTE
    assert verdict(claimed_as(), Outcome(OutcomeKind.TRANSIENT, "refused", 451), policy()) == (S.QUEUED, 2 * MINUTE)
