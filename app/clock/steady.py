"""The clock of the pages, where the machine's is behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.clock import STEP, certain_moment
from app.db import DatabaseUnavailable

_AGAIN = 10.0
"""Seconds after which it is looked whether somebody has set the clock right, or has said that it is."""


class Steady:
    """The clock of the pages: never far before the moment that is certain, so that nothing gets an old date."""

    def __init__(
        self, wall: Callable[[], datetime], session: Callable[[], Session], may_look: Callable[[], bool]
    ) -> None:
        """`wall` is what this machine says; `may_look` tells whether the database is in use: else it is left alone."""
        self._wall = wall
        self._session = session
        self._may_look = may_look
        self._least: datetime | None = None
        self._read: float | None = None

    def __call__(self) -> datetime:
        """What time it is, as far as can be known."""
        now = self._wall()
        if not self._may_look():
            return now
        if self._read is None or (self._is_before(now) and time.monotonic() - self._read >= _AGAIN):
            self._look()
        least = self._now_at_least()
        return least if least is not None and self._is_before(now) else now

    def _now_at_least(self) -> datetime | None:
        """What was certain when it was read, and what has passed since."""
        if self._least is None or self._read is None:
            return None
        return self._least + timedelta(seconds=time.monotonic() - self._read)

    def _is_before(self, now: datetime) -> bool:
        least = self._now_at_least()
        return least is not None and now < least - STEP

    def _look(self) -> None:
        """In a session of its own: ours may be in the middle of something."""
        least = self._now_at_least()
        try:
            with self._session() as session:
                found = certain_moment(session)
        except (SQLAlchemyError, DatabaseUnavailable):
            found = None
        # A worker writes it down every few seconds: between two of them our own time must not go back.
        goes_on = least is not None and found is not None and timedelta() <= least - found <= STEP
        self._least, self._read = least if goes_on else found, time.monotonic()
