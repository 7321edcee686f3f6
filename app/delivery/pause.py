"""The switch that stops the worker: a person turns it, or a restore does."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, func, or_, select, text
from sqlalchemy.orm import Session, defer

from app.delivery import outbox
from app.delivery.breaker import site_state
from app.models import Delivery, DeliveryKind, Signature, SiteState

RESTORED = "restored"
"""Why a letter is parked that waited in a backup, as its event says it: it may have gone out after the backup."""


class LettersUndecided(Exception):
    """Letters that waited in a backup, `count` of them: whether to send them is for a person to say."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


def is_paused(session: Session) -> bool:
    """Whether nothing may be sent."""
    return paused_since(session) is not None


def paused_since(session: Session) -> datetime | None:
    """Since when a person, or a restore, lets nothing be sent; None when neither does."""
    return session.scalar(select(SiteState.paused_at).limit(1))


def pause(session: Session, delivery: str, now: datetime) -> datetime:
    """Send nothing from now on; since when that is so. `delivery` is the site's own, if it was never started."""
    site = site_state(session, delivery)
    if site.paused_at is None:
        site.paused_at = now
    return site.paused_at


def pause_restored(session: Session, delivery: str, now: datetime, *, unsure: bool = True) -> None:
    """Send nothing from a database that was restored.

    `unsure` says that what waits in it may have gone out after the backup, so that a person has to decide; it may not
    when the database that was there before knew of every letter. `now` is no earlier than the backup, whatever the
    clock of this machine says.
    """
    site = site_state(session, delivery)
    site.paused_at = now
    site.restored_at = now if unsure else None


def resume(session: Session, now: datetime, *, park: bool | None = None) -> tuple[int, int] | None:
    """Send again; how many letters that waited in a backup are sent, and how many parked. None if nothing was paused.

    What was confirmed after the restore simply goes. Raises LettersUndecided while `park` does not say what becomes of
    the others; `park` leaves each where it is, as one of which nobody knows whether it went out.
    """
    site = session.scalars(select(SiteState)).first()
    if site is None or site.paused_at is None:
        return None
    count = 0 if site.restored_at is None else _count(session, site.restored_at)
    if count and park is None:
        raise LettersUndecided(count)
    if count and park and site.restored_at is not None:
        outbox.park(session, session.scalars(_undecided(site.restored_at)).all(), now, RESTORED)
    site.paused_at = site.restored_at = None
    session.flush()
    return (0, count) if park else (count, 0)


def _undecided(restored_at: datetime) -> Select[Delivery]:
    """Letters that were confirmed before, and were on their way then. Without their bytes, which can be many."""
    return (
        select(Delivery)
        .join(Delivery.signature)
        .where(
            text("delivery.state IN ('queued', 'sending')"),
            Delivery.kind == DeliveryKind.LETTER,
            or_(Signature.confirmed_at.is_(None), Signature.confirmed_at <= restored_at),
        )
        .options(defer(Delivery.mail))
    )


def _count(session: Session, restored_at: datetime) -> int:
    return session.scalar(select(func.count()).select_from(_undecided(restored_at).subquery())) or 0
