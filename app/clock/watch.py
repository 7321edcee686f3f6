"""How a worker watches its clock."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.clock import CURE, ORDINARY_STOP, STEP, Doubt, certain_moment
from app.clock.second_source import is_vouched_for
from app.logs import Repeated
from app.models import SiteState

log = logging.getLogger(__name__)

_ASK_EVERY, _LOG_EVERY = 60.0, 3600.0


def _running() -> float:
    """Seconds since this machine was started, those in which it slept too; nobody sets them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(frozen=True, slots=True)
class _Reference:
    """A moment that is certain, when it was so, and how much more may have passed since without our seeing it."""

    at: datetime
    seen: float
    unseen: timedelta

    def least(self, running: float) -> datetime:
        """What time it is at the least."""
        return self.at + timedelta(seconds=running - self.seen)

    def explains(self, now: datetime, running: float) -> bool:
        """Whether it can be `now`."""
        return -STEP <= now - self.least(running) <= self.unseen


class Watch:
    """What one worker knows of its clock: it looks with each sign of life, before that is written."""

    def __init__(
        self, vouches: Callable[[datetime], bool] = is_vouched_for, running: Callable[[], float] = _running
    ) -> None:
        """`vouches` is the second source; `running` are seconds that go on evenly whatever the clock says."""
        self._vouches = vouches
        self._running = running
        self._has_looked = False
        self._known: datetime | None = None
        """What the database had as certain when it was last read or written."""
        self._reference: _Reference | None = None
        self._asked: float | None = None
        self._log = Repeated(log, _LOG_EVERY)
        self._in_doubt = False

    def doubts(self, now: datetime) -> bool:
        """Whether nothing may be deleted because it is said to be `now`; before the first look nothing may."""
        reference = self._reference
        return not (reference.explains(now, self._running()) if reference else self._has_looked)

    def time(self, now: datetime) -> datetime:
        """What the clock says, or what time it is at the least: what is written or sent shall not bear an old date."""
        least = self.certain()
        return now if least is None or now >= least - STEP else least

    def certain(self) -> datetime | None:
        """What time it is at the least."""
        return None if self._reference is None else self._reference.least(self._running())

    def look(self, session: Session, now: datetime) -> None:
        """Compare the clock with what the database knows; where they do not agree, ask the second source.

        Leaves no transaction open.
        """
        known = certain_moment(session)
        is_first = self._known is None
        on_a_stop = is_first and _server_agrees(session, now)
        session.rollback()
        self._has_looked = True
        if known is not None and known != self._known:  # at first; or a person, or another worker, has written it
            self._reference = _Reference(known, self._running(), ORDINARY_STOP if on_a_stop else STEP)
        self._known = known
        if known is None:
            return
        if self.doubts(now) and not self._is_vouched_for(now):
            self._in_doubt = True
            self._log.error(f"{Doubt(now, self.certain() or known).told} {CURE}", about="clock")
            return
        self._reference = _Reference(now, self._running(), STEP)
        if self._in_doubt:
            log.warning("The clock is explained: what is over is deleted again.")
        self._in_doubt = False
        self._log.over()

    def write(self, session: Session) -> datetime | None:
        """Write down what time it is at the least, unless somebody else just has. Who commits calls `wrote` then."""
        certain = self.certain()
        if certain is None or self._known is None:
            return None
        mine = update(SiteState).where(SiteState.certain_at == self._known).values(certain_at=certain)
        return certain if session.execute(mine.returning(SiteState.id)).first() else None

    def wrote(self, certain: datetime | None) -> None:
        """That is in the database now."""
        self._known = certain or self._known

    def _is_vouched_for(self, now: datetime) -> bool:
        running = self._running()
        if self._asked is not None and running - self._asked < _ASK_EVERY:
            return False
        self._asked = running
        return self._vouches(now)


def _server_agrees(session: Session, now: datetime) -> bool:
    """Whether a server that keeps the database has the same time: other machines may have written there since."""
    if session.get_bind().dialect.name == "sqlite":
        return True
    theirs: datetime = session.scalars(select(func.clock_timestamp())).one()
    return abs(theirs - now) <= STEP
