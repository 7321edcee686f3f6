"""What follows from an attempt: the retry schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from app.delivery import GREYLISTED, Outcome, OutcomeKind, Outgoing
from app.models import DeliveryKind, DeliveryState

GREYLISTED_PAUSE = timedelta(minutes=6)
LONGEST_PAUSE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Policy:
    """When to try again. `jitter` gives a factor around 1, so that a thousand letters do not come back at once."""

    letters: tuple[timedelta, ...]
    confirmations: tuple[timedelta, ...]
    unknown: timedelta
    jitter: Callable[[], float]

    def pauses(self, kind: DeliveryKind) -> tuple[timedelta, ...]:
        """The pauses between attempts; when they are used up the delivery has failed."""
        quick = kind in {DeliveryKind.CONFIRMATION, DeliveryKind.REPEAT}
        return self.confirmations if quick else self.letters


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that this process alone may send, until its lease runs out."""

    id: int
    lease: str
    kind: DeliveryKind
    attempts: int
    unknowns: int
    outgoing: Outgoing


def verdict(claimed: Claimed, outcome: Outcome, policy: Policy) -> tuple[DeliveryState, timedelta]:
    """Where an outcome leads, and after which pause if it leads back into the queue."""
    if outcome.kind is OutcomeKind.ACCEPTED:
        return DeliveryState.ACCEPTED, timedelta()
    if outcome.kind is OutcomeKind.PERMANENT:
        return DeliveryState.FAILED, timedelta()
    if outcome.kind is OutcomeKind.UNKNOWN:
        return (DeliveryState.QUEUED, policy.unknown) if claimed.unknowns == 0 else (DeliveryState.PARKED, timedelta())
    if outcome.kind is OutcomeKind.CHANNEL:  # the breaker makes the pause, for all messages together
        return DeliveryState.QUEUED, timedelta()
    pauses = policy.pauses(claimed.kind)
    if claimed.attempts > len(pauses):
        return DeliveryState.FAILED, timedelta()
    pause = pauses[claimed.attempts - 1]
    if outcome.retry_after is not None:  # not before, but no faster than the schedule: it would be used up in no time
        return DeliveryState.QUEUED, max(pause * policy.jitter(), min(outcome.retry_after, LONGEST_PAUSE))
    if outcome.why == GREYLISTED and claimed.attempts == 1:
        pause = GREYLISTED_PAUSE
    return DeliveryState.QUEUED, pause * policy.jitter()
