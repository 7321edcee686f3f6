"""Signs of life of the workers, on whatever machines they run: rows in the database that all of them share."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.db import writing
from app.models import Heartbeat

LATE = timedelta(seconds=60)
EVERY = timedelta(seconds=10)
_FORGOTTEN = timedelta(days=1)


class Heart:
    """Beats for one worker, every ten seconds at most. Owns its transactions."""

    def __init__(self) -> None:
        # In containers all may have one name and one number.
        self._name = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._last: datetime | None = None

    def beat(self, session: Session, now: datetime) -> None:
        """Show life, unless that was done just now. Raises DatabaseUnavailable."""
        if self._last is not None and timedelta() <= now - self._last < EVERY:
            return
        with writing(session):
            session.execute(delete(Heartbeat).where(Heartbeat.at < now - _FORGOTTEN))
            seen = update(Heartbeat).where(Heartbeat.worker == self._name).values(at=now).returning(Heartbeat.worker)
            if session.execute(seen).first() is None:
                session.add(Heartbeat(worker=self._name, at=now))
        self._last = now

    def stop(self, session: Session) -> None:
        """Say that this worker has ended as it should; one that was killed looks late in a minute."""
        with writing(session):
            session.execute(delete(Heartbeat).where(Heartbeat.worker == self._name))


def is_late(session: Session, now: datetime) -> bool:
    """Whether no worker has shown life for a while."""
    # One from the future, of a clock that was wrong, says nothing of now.
    return session.scalar(select(func.count()).where(Heartbeat.at >= now - LATE, Heartbeat.at <= now + LATE)) == 0
