"""What waits, what went, and what stands in the way, for a person who asks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, defer

from app.delivery.breaker import Refusal, refusal
from app.delivery.outbox import NOTES
from app.models import DeadAddress, Delivery, DeliveryEvent, DeliveryKind, DeliveryState, SiteState

LATELY = timedelta(minutes=5)
"""Over how long the rate of sending is told."""
_DAY = timedelta(hours=24)
_LOOKED_AT = 20_000
"""Newest events of which those of the last minutes are counted: there is no index by time."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The outbox at a moment."""

    counts: dict[tuple[DeliveryState, DeliveryKind], int]
    due: int
    """How many would go now, if nothing stood in their way: no pause, no pace, no busy office."""
    oldest_due: datetime | None
    next_due: datetime | None
    """When the next one that waits for its time may go."""
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
    wanted = func.coalesce(Delivery.wanted_at, Delivery.due_at)
    due, oldest = session.execute(
        select(func.count(), func.min(wanted)).where(text("state = 'queued'"), wanted <= now)
    ).one()
    return Overview(
        counts={(state, kind): count for state, kind, count in counted},
        due=due,
        oldest_due=oldest,
        next_due=session.scalar(
            select(func.min(Delivery.due_at)).where(text("state = 'queued'"), Delivery.due_at > now)
        ),
        per_minute=_per_minute(session, now),
        paused_since=session.scalar(select(SiteState.paused_at)),
        refusal=refusal(session),
        dead=session.scalar(select(func.count()).select_from(DeadAddress)) or 0,
        bounced=_bounced(session, now),
    )


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
