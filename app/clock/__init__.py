"""Whether this machine's clock can be right. For a time of which nothing here knows, nothing is deleted.

A clock that is once ahead would end at one stroke all that is kept for some days. So a site writes down, with every
sign of life of its workers, the moment that it has surely come to (`SiteState.certain_at`), and believes a clock that
an ordinary stop explains from there on. Any other is in doubt, until a second source or a person vouches for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, Table, bindparam, exists, func, or_, select, update
from sqlalchemy.orm import Session

from app.db import Base, UTCDateTime
from app.models import Heartbeat, SiteState

ORDINARY_STOP = timedelta(days=3)
"""For how long a site may have been off without anybody having to say which day it is: over a long weekend."""
STEP = timedelta(hours=1)
"""By so much a clock may be set right without anybody having to care: nothing here is promised to the hour."""
ALIVE = timedelta(minutes=1)
"""A worker that has shown life within it lives."""
TO_COME = frozenset({"due_at", "wanted_at", "leased_until", "refused_until", "next_at"})
"""Columns of moments that may lie ahead; all others hold what has been."""
CURE = (
    "If the clock is wrong, set it (timedatectl set-ntp true). If it is right, and the site was off for that long, say "
    "so: .venv/bin/flask clock confirm"
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A clock that says `now`, on a site that has surely come to `certain` and knows of nothing that explains more."""

    now: datetime
    certain: datetime

    @property
    def told(self) -> str:
        """What is known, and what follows from it."""
        return (
            f"This machine's clock says {self.now:%Y-%m-%d %H:%M} UTC, and the last moment that is certain here is "
            f"{self.certain:%Y-%m-%d %H:%M} UTC. Until that is explained nothing is deleted that is kept for a time."
        )


def certain_moment(session: Session) -> datetime | None:
    """What the site has surely come to; None while no start has looked."""
    return session.scalar(select(SiteState.certain_at).limit(1))


def doubt(session: Session, now: datetime) -> Doubt | None:
    """What speaks against the clock of this machine, which says `now`; None when nothing does.

    A worker that shows life far from the moment that is certain is itself in doubt: it would have moved that with it.
    """
    alive = exists().where(Heartbeat.at.between(now - ALIVE, now + ALIVE))
    certain, is_alive = session.execute(select(SiteState.certain_at, alive)).first() or (None, False)
    if certain is None:
        return None
    return None if -STEP <= now - certain <= (STEP if is_alive else ORDINARY_STOP) else Doubt(now, certain)


def is_doubted() -> ColumnElement[bool]:
    """For statements: whether an ordinary stop does not explain what the clock says; bound by `bounds`."""
    earliest, latest = (bindparam(name, type_=UTCDateTime) for name in ("certain_from", "certain_to"))
    return exists().where(SiteState.id == 1, or_(SiteState.certain_at < earliest, SiteState.certain_at > latest))


def bounds(now: datetime) -> dict[str, datetime]:
    """The parameters of `is_doubted`."""
    return {"certain_from": now - ORDINARY_STOP, "certain_to": now + STEP}


def confirm(session: Session, now: datetime) -> None:
    """A person says that the clock is right. The caller commits."""
    session.execute(update(SiteState).values(certain_at=now))


def begin(session: Session, now: datetime) -> None:
    """Before a start writes anything else: the newest moment that the database knows, if none is certain yet.

    The caller commits.
    """
    if certain_moment(session) is None:
        confirm(session, _newest(session) or now)


def moments() -> Iterator[tuple[Table, Column[datetime]]]:
    """All columns that hold moments."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, UTCDateTime):
                yield table, column


def _newest(session: Session) -> datetime | None:
    past = (session.scalar(select(func.max(column))) for _table, column in moments() if column.name not in TO_COME)
    return max((moment for moment in past if moment is not None), default=None)
