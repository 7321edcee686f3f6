"""What the worker deletes besides sending: rows whose days are over, old backups, a sandbox's mails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.backups import prune_backups
from app.db import compact, truncate_journal, writing
from app.delivery.dead import Digest
from app.delivery.dead import forget as forget_dead
from app.delivery.pacing import forget_paces
from app.delivery.sending import lease_of
from app.legislators.census import forget
from app.legislators.contacts import stored
from app.models import Delivery, Signature
from app.righting import Furthest, has_false_moments, put_right
from app.signing.retention import Keep, purge
from app.signing.tokens import Keys
from config import Config

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=60)
COMPACT_SMALL_EVERY = timedelta(hours=1)
COMPACT_EVERY = timedelta(hours=24)
_NEVER = datetime.min.replace(tzinfo=UTC)
SMALL = 100_000_000
"""Octets up to which a database is small."""

Sweep = Callable[[Callable[[str], bool | None], datetime], object]
"""Deletes mails from the sandbox's mailbox: those that are not kept, and those that nobody knows before a moment."""


class Upkeep:
    """Deletes what is over: rows, backups and, in a sandbox, mails. Once a minute; erasing by hand is swept up too."""

    def __init__(self, config: Config, sweep: Sweep | None = None) -> None:
        self._config = config
        self._digest = Keys(config.secret_key).address
        self._sweep = sweep
        self._furthest = Furthest.of(config, lease_of(config.mail_timeout))
        self._is_right = False
        """Whether the moments in the database were looked through since the clock was in doubt last."""
        self._last: datetime | None = None
        self._swept: tuple[datetime | None] | None = None
        """The newest erasure at the last sweep; None before the first one."""
        self._compacted: tuple[datetime | None] = (None,)
        self.compacted_at: datetime | None = None
        """When the file was last written anew."""

    def is_due(self, now: datetime) -> bool:
        """Whether a minute has passed; a clock that was set back does not stop it for long."""
        return self._last is None or not timedelta() <= now - self._last < EVERY

    def run(self, session: Session, now: datetime, wait: Callable[[float], bool], *, held: bool = False) -> None:
        """Do it, now. What fails is tried again in a minute. Raises DatabaseUnavailable.

        `held` says that the clock is in doubt: then only what people have erased goes, nothing by its time.
        """
        self._last = now
        if held:
            self._is_right = False
            truncate_journal(session)
        else:
            self._put_right(session, now)
            self._delete(session, now, wait)
        latest = (session.scalar(select(func.max(Signature.erased_at))),)
        self._sweep_mailbox(session, latest, _NEVER if held else now - self._config.keep_letters)
        self._compact(session, latest, now)
        session.rollback()

    def _put_right(self, session: Session, now: datetime) -> None:
        if self._is_right and not has_false_moments(session, now, self._furthest):
            return
        if put_right(session, now, self._furthest):
            log.warning("moments that lay ahead, as of a clock that was wrong, were brought to the present")
        self._is_right, self._swept = True, None

    def _delete(self, session: Session, now: datetime, wait: Callable[[float], bool]) -> None:
        """What is over."""
        gone = purge(session, Keep(self._config.keep_pending, self._config.keep_letters), now, wait)
        if gone:
            log.info("deleted what %d people had entered: its time was over", gone)
        with writing(session):
            forget(session, now)
            forget_paces(session, now)
            forget_dead(session, lambda: _offices(session, self._digest), now)
        prune_backups(self._config.data_dir / "backups", now)

    def _sweep_mailbox(self, session: Session, latest: tuple[datetime | None], oldest: datetime) -> None:
        if self._sweep is not None and latest != self._swept:
            self._sweep(lambda uuid: _is_kept(session, uuid), oldest)
            self._swept = latest

    def _compact(self, session: Session, latest: tuple[datetime | None], now: datetime) -> None:
        """After an erasure, but not all the time: a large file takes seconds in which nobody can write."""
        if self._config.database is None:
            return
        size = self._config.database.stat().st_size
        pause = COMPACT_SMALL_EVERY if size < SMALL else COMPACT_EVERY
        rested = self.compacted_at is None or not timedelta() <= now - self.compacted_at < pause
        if latest == self._compacted or not rested:
            return
        if compact(session):
            self._compacted, self.compacted_at = latest, now
        else:
            log.warning("the database could not be written anew after an erasure: it is busy, or its disk is full")


def _offices(session: Session, digest: Digest) -> list[bytes]:
    """Of the addresses in the contact book: a dead one stays dead until somebody imports it again."""
    return [digest(row.email) for row in stored(session)]


def _is_kept(session: Session, uuid: str) -> bool | None:
    """Whether the bytes of this delivery are there; None when there is no such delivery."""
    return session.scalar(select(Delivery.mail.is_not(None)).where(Delivery.uuid == uuid))
