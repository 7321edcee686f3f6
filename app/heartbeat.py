"""Signs of life of the workers, on whatever machines they run: rows in the database that all of them share."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import Engine, delete, func, or_, select, update
from sqlalchemy.orm import Session

from app.clock import ALIVE
from app.clock.watch import Watch
from app.db import DatabaseUnavailable, writing
from app.logs import Repeated, kind_and_place
from app.models import Heartbeat

log = logging.getLogger(__name__)

LATE = ALIVE
EVERY = timedelta(seconds=10)
PATIENCE = timedelta(minutes=5)
"""For how long a worker may be busy with anything but a message: a refresh of the tables, or writing the file anew."""
_FORGOTTEN = timedelta(days=1)
_trouble = Repeated(log, 60.0)


class Heart:
    """Of one worker."""

    def __init__(self, watch: Watch | None = None) -> None:
        """`watch` looks at the clock whenever this beats."""
        self._watch = watch or Watch()
        # In containers all may have one name and one number.
        self._name = f"{_machine()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.lives()

    def lives(self, for_: timedelta = PATIENCE) -> None:
        """Its worker says so whenever it comes by, and for how long nobody need worry if it does not."""
        self._until = monotonic() + for_.total_seconds()

    def has_lived(self) -> bool:
        """Whether its worker has come by lately."""
        return monotonic() < self._until

    def begin(self, session: Session, now: datetime, *, alone: bool) -> None:
        """The first beat; `alone` says that no other worker can live, so that what others left behind goes."""
        if alone:
            with writing(session):
                session.execute(delete(Heartbeat))
        self.beat(session, now)

    def beat(self, session: Session, now: datetime) -> None:
        """Show life, and say what time it surely is. Owns its transaction. Raises DatabaseUnavailable."""
        self._watch.look(session, now)
        at = self._watch.time(now)
        with writing(session):
            if not self._watch.doubts(now):
                session.execute(delete(Heartbeat).where(Heartbeat.at < at - _FORGOTTEN))
            seen = update(Heartbeat).where(Heartbeat.worker == self._name).values(at=at).returning(Heartbeat.worker)
            if session.execute(seen).first() is None:
                session.add(Heartbeat(worker=self._name, at=at))
            certain = self._watch.write(session)
        self._watch.wrote(certain)

    def stop(self, session: Session, now: datetime) -> None:
        """Say that this worker has ended as it should; one that was killed looks late in a minute.

        Those that were killed on this machine long before have had another since.
        """
        long_dead = Heartbeat.worker.startswith(f"{_machine()}:", autoescape=True) & (Heartbeat.at < now - LATE)
        with writing(session):
            session.execute(delete(Heartbeat).where(or_(Heartbeat.worker == self._name, long_dead)))


@contextmanager
def beating(
    engine: Engine, clock: Callable[[], datetime], *, alone: bool = False, watch: Watch | None = None
) -> Iterator[Heart]:
    """A heart that beats every ten seconds, in a thread: the message in hand may take minutes, and its worker lives.

    It stops when the worker does not come by in the time that it said: then that hangs.
    """
    heart, over = Heart(watch), threading.Event()
    with Session(engine) as session:
        _for_sure(session, lambda: heart.begin(session, clock(), alone=alone))
    thread = threading.Thread(target=_beat, args=(heart, engine, clock, over), name="heart", daemon=True)
    thread.start()
    try:
        yield heart
    finally:
        over.set()
        thread.join(LATE.total_seconds() / 10)  # a database that does not answer must not keep it from ending


def _beat(heart: Heart, engine: Engine, clock: Callable[[], datetime], over: threading.Event) -> None:
    with Session(engine) as session:
        while not over.wait(EVERY.total_seconds()):
            if heart.has_lived():
                _for_sure(session, lambda: heart.beat(session, clock()))
        _for_sure(session, lambda: heart.stop(session, clock()))


def _machine() -> str:
    return socket.gethostname()[:40]


def _for_sure(session: Session, sign: Callable[[], None]) -> None:
    try:
        sign()
    except DatabaseUnavailable as error:
        session.rollback()
        _trouble.error(f"no sign of life could be written: {error}")
    except Exception as error:  # whatever it is, it must not stop the sending
        session.rollback()
        _trouble.error(f"no sign of life could be written: {kind_and_place(error)}")
    else:
        _trouble.over()


def last_sign(session: Session, now: datetime) -> datetime | None:
    """When a worker last showed life, of those that have not ended as they should; None when there is none.

    It lies in the future if a clock is wrong, and there is no other.
    """
    credible = session.scalar(select(func.max(Heartbeat.at)).where(Heartbeat.at <= now + LATE))
    return credible or session.scalar(select(func.max(Heartbeat.at)))


def is_late(session: Session, now: datetime) -> bool:
    """Whether no worker has shown life for a while: none runs, or it hangs."""
    last = last_sign(session, now)
    return last is None or abs(last - now) > LATE
