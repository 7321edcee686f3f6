"""What a wrong clock has written, put right when the clock is: moments that cannot be are brought to the present.

Else a mail that was put off would wait for a year, and what was written then be kept for one more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from app.clock import STEP, moments
from app.db import writing
from app.delivery.outbox import RANKS
from app.models import Delivery, DeliveryKind, Heartbeat, Signature
from app.signing import REMIND_AFTER
from config import Config

_SLOWEST = 1.25
"""By so much a pause can be longer than it is set."""


@dataclass(frozen=True, slots=True)
class Furthest:
    """How far ahead it may lie when a mail is tried again, and when whoever sends it is thought dead."""

    due: timedelta
    lease: timedelta

    @classmethod
    def of(cls, config: Config, lease: timedelta) -> Furthest:
        """By the settings."""
        day = timedelta(days=1)  # a server may ask for so long a pause
        pauses = (*config.letter_retries, *config.confirmation_retries, config.unknown_retry, REMIND_AFTER, day)
        return cls(max(pauses) * _SLOWEST, lease)


def has_false_moments(session: Session, now: datetime, furthest: Furthest) -> bool:
    """Whether any is found where it matters most and costs nothing to look: among people's data, and in the queue."""
    kept = select(Signature.id).where(Signature.erased_at.is_(None), Signature.created_at > now + STEP)
    waits = [
        select(Delivery.id).where(text(f"state = 'queued' AND rank = {rank}"), Delivery.due_at > now + furthest.due)
        for rank in RANKS
    ]
    return any(session.execute(query.limit(1)).first() is not None for query in (kept, *waits))


def put_right(session: Session, now: datetime, furthest: Furthest) -> int:
    """Bring them all to the present; in how many columns there were some. Owns its transactions.

    It reads through every table, and writes only where it has to.
    """
    later = {"due_at": furthest.due, "wanted_at": furthest.due, "leased_until": furthest.lease}
    false = [
        (table, column, column > now + later.get(column.name, STEP))
        for table, column in moments()
        if table.name != Heartbeat.__tablename__
    ]
    found = [one for one in false if session.execute(select(one[1]).where(one[2]).limit(1)).first() is not None]
    session.rollback()
    with writing(session):
        session.execute(delete(Heartbeat).where(Heartbeat.at > now + STEP))
        _remind_later(session, now, furthest)
        for table, column, is_false in found:
            session.execute(update(table).where(is_false).values({column.name: now}))
    session.expire_all()
    return len(found)


def _remind_later(session: Session, now: datetime, furthest: Furthest) -> None:
    """A reminder is to come after some days of silence, and nobody knows how many there were."""
    soon = now + REMIND_AFTER
    session.execute(
        update(Delivery)
        .where(text("state = 'queued'"), Delivery.kind == DeliveryKind.REMINDER, Delivery.due_at > now + furthest.due)
        .values(due_at=soon, wanted_at=soon)
        .execution_options(synchronize_session=False)
    )
