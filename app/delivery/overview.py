"""What waits, what went, and what stands in the way, for a person who asks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, defer

from app.delivery.breaker import Refusal, refusal
from app.delivery.outbox import NOTES
from app.delivery.pause import paused_since
from app.models import DeadAddress, Delivery, DeliveryEvent, DeliveryKind, DeliveryState

LATELY = timedelta(minutes=5)
"""Over how long the rate of sending is told."""
_DAY = timedelta(hours=24)
_LOOKED_AT = 20_000
"""Newest events of which those of the last minutes are counted: there is no index by time."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is queued at a moment."""

    due: int
    """How many would go now, if nothing stood in their way: no pause, no pace, no busy office."""
    oldest_due: datetime | None
    next_due: datetime | None
    """When the next one that waits for its time may go."""
    later: int
    """How many are not due yet."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The outbox at a moment."""

    counts: dict[tuple[DeliveryState, DeliveryKind], int]
    waiting: Waiting
    per_minute: float
    """Messages that the mail server accepted, over the last minutes."""
    paused_since: datetime | None
    refusal: Refusal | None
    dead: int
    """Addresses to which nothing is sent any more."""
    bounced: int
    """How many messages came back in the last day."""


def overview(session: Session, now: datetime) -> Overview:
    """Look at everything: a second or so for a million rows."""
    counted = session.execute(
        select(Delivery.state, Delivery.kind, func.count()).group_by(Delivery.state, Delivery.kind)
    )
    return Overview(
        counts={(state, kind): count for state, kind, count in counted},
        waiting=waiting(session, now),
        per_minute=_per_minute(session, now),
        paused_since=paused_since(session),
        refusal=refusal(session),
        dead=session.scalar(select(func.count()).select_from(DeadAddress)) or 0,
        bounced=_bounced(session, now),
    )


def waiting(session: Session, now: datetime) -> Waiting:
    """What is queued. Put off by an office's trouble, or for its pace, is due: that is what it was before."""
    wanted = func.coalesce(Delivery.wanted_at, Delivery.due_at)
    is_due, is_queued = wanted <= now, text("state = 'queued'")
    due, oldest, later = session.execute(
        select(func.count().filter(is_due), func.min(wanted), func.count().filter(~is_due)).where(is_queued)
    ).one()
    following = session.scalar(select(func.min(Delivery.due_at)).where(is_queued, Delivery.due_at > now))
    return Waiting(due, oldest if due else None, following, later)


def last_words(session: Session, by: Refusal) -> str:
    """The server's words with that refusal, without addresses; "" if it gave none with that code."""
    if by.code is None:
        return ""
    same = DeliveryEvent.why == by.why, DeliveryEvent.code == by.code, DeliveryEvent.at > by.since - LATELY
    newest = select(DeliveryEvent.said).where(*same, DeliveryEvent.said.is_not(None))
    return session.scalar(newest.order_by(DeliveryEvent.id.desc()).limit(1)) or ""


def _bounced(session: Session, now: datetime) -> int:
    came_back = (
        DeliveryEvent.state == DeliveryState.BOUNCED,
        DeliveryEvent.why.not_in(NOTES),
        DeliveryEvent.at > now - _DAY,
    )
    query = select(func.count()).select_from(Delivery).join(Delivery.events).where(*came_back)
    return session.scalar(query.where(Delivery.state == DeliveryState.BOUNCED)) or 0


def _per_minute(session: Session, now: datetime) -> float:
    newest = select(DeliveryEvent.at, DeliveryEvent.state, DeliveryEvent.why).order_by(DeliveryEvent.id.desc())
    events = session.execute(newest.limit(_LOOKED_AT)).all()
    moves = ((at, state) for at, state, why in events if why not in NOTES)
    accepted = [at for at, state in moves if state is DeliveryState.ACCEPTED and now - LATELY < at <= now]
    whole = len(events) < _LOOKED_AT or events[-1].at <= now - LATELY
    span = LATELY if whole else now - events[-1].at
    return len(accepted) / (span / timedelta(minutes=1))


def listed(session: Session, states: Collection[DeliveryState], limit: int) -> list[Delivery]:
    """Deliveries in these states, or in any; the newest first. Without their bytes."""
    query = select(Delivery).options(defer(Delivery.mail)).order_by(Delivery.id.desc()).limit(limit)
    if states:
        query = query.where(Delivery.state.in_(states))
    return list(session.scalars(query))
