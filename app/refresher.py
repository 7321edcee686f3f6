"""What a live site's worker does for its tables: fetches them once a week, and tells the organisation what matters."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import Thread

from sqlalchemy.orm import Session

from app.campaigns import CampaignFile
from app.db import writing
from app.delivery.mails import Composer
from app.delivery.outbox import drop_reports, queue_report
from app.legislators import LegislatorsError
from app.legislators.congresses import begins
from app.legislators.geography import role_of
from app.legislators.keeping.condition import Condition, sentence
from app.legislators.keeping.gathering import from_web
from app.legislators.keeping.generations import alone, read_report
from app.legislators.keeping.refresh import Gather, refresh
from app.legislators.keeping.refresh_state import (
    AFTER_FAILURE,
    RefreshState,
    is_due,
    read_state,
    silent_for_three_weeks,
    write_state,
)
from app.legislators.keeping.shelf import Generation, Shelf
from app.logs import kind_and_place

log = logging.getLogger(__name__)

KEEP = timedelta(days=90)
"""How long a mail to the organisation is kept after it went."""

_NEWS = timedelta(days=14)
"""A generation that has been in force for longer is no news: its mail was queued long ago, and may be deleted."""
_REMIND = timedelta(days=1)
_BROKEN_OFF = "The program ended before the attempt did."
_NAMESPACE = uuid.UUID("5d0e4a0e-6a0c-4b7e-9d35-2f8f3a2f6c11")


class Refresher:
    """Run once a minute by the worker. Fetching happens in a thread of its own: letters do not wait for it."""

    def __init__(
        self,
        shelf: Shelf,
        composer: Composer,
        running: Callable[[Session, datetime], list[CampaignFile]],
        gather: Callable[[datetime], Gather] = lambda now: lambda records: from_web((), records, now),
    ) -> None:
        self._shelf = shelf
        self._composer = composer
        self._running = running
        self._gather = gather
        self._thread: Thread | None = None
        self._told: set[str] = set()
        self._began_at: datetime | None = None
        self._warned_at: datetime | None = None

    def run(self, session: Session, now: datetime) -> None:
        """Begin a refresh if one is due; queue what the organisation should be told. Raises DatabaseUnavailable."""
        self._warn(now)
        in_force = self._shelf.tables(now)
        for generation in self._shelf.refreshed():
            if generation.tables is in_force:
                self._tell_of(session, generation, now)
        state = read_state(self._shelf.folder)
        due = self._is_due(state, now)
        if silent_for_three_weeks(state, now) and not self.is_busy and (not due or self._has_tried(now)):
            self._tell_of_silence(session, state, now)
        with writing(session):
            drop_reports(session, now - KEEP)
        if due and not self.is_busy:
            self._began_at = now
            self._thread = Thread(target=self._refresh, args=(now,), name="refresh", daemon=True)
            self._thread.start()

    def _is_due(self, state: RefreshState, now: datetime) -> bool:
        """Once a week; once a day while a Congress sits whose members are not known here."""
        if is_due(state, now):
            return True
        rested = state.tried_at is None or now - state.tried_at >= AFTER_FAILURE
        return rested and self._shelf.condition(now) is Condition.MEMBERS_MISSING

    @property
    def is_busy(self) -> bool:
        """Whether it is fetching."""
        return self._thread is not None and self._thread.is_alive()

    def _has_tried(self, now: datetime) -> bool:
        """Whether an attempt was begun lately: a site that was off for a month tries before it complains."""
        return self._began_at is not None and timedelta() <= now - self._began_at < AFTER_FAILURE

    def _refresh(self, now: datetime) -> None:
        try:
            done = refresh(self._shelf, self._gather(now), now)
        except LegislatorsError as error:
            log.warning("the tables of legislators were not refreshed: %s", error)
        except Exception as error:
            log.error("a refresh of the tables of legislators failed: %s", kind_and_place(error))
        else:
            log.info("the tables of legislators are fresh: %d changes", len(done.report))

    def _tell_of(self, session: Session, generation: Generation, now: datetime) -> None:
        since = max(generation.made_at, begins(generation.tables.congress))
        if generation.name in self._told or now - since > _NEWS:
            return
        sentences = list(self._news(session, generation, now))
        if sentences:
            identifier = str(uuid.uuid5(_NAMESPACE, f"tables {generation.name}"))
            with writing(session):
                queue_report(session, self._composer.tables_changed(identifier, sentences, now), now)
        self._told.add(generation.name)

    def _news(self, session: Session, generation: Generation, now: datetime) -> Iterator[str]:
        """What changed about the holders of seats that a running campaign writes to."""
        targets = {target for campaign in self._running(session, now) for target in campaign.targets}
        for change in read_report(self._shelf.folder, generation.name):
            seat = change.seat
            if seat and change.holder and any(target.reaches(role_of(seat)) for target in targets):
                yield change.sentence

    def _tell_of_silence(self, session: Session, state: RefreshState, now: datetime) -> None:
        since = state.checked_at or state.failing_since or now
        cause = state.cause or _BROKEN_OFF
        identifier = str(uuid.uuid5(_NAMESPACE, f"silence since {since}, told {state.told_at}"))
        with writing(session):
            queue_report(session, self._composer.tables_stale(identifier, since, cause, now), now)
        try:
            with alone(self._shelf.folder):
                write_state(self._shelf.folder, read_state(self._shelf.folder).told(now))
        except LegislatorsError as error:  # told again next minute: it is the same mail, which is there already
            log.warning("it could not be written down that the organisation was told: %s", error)

    def _warn(self, now: datetime) -> None:
        """Once a day, in the log, what will be missing when the next Congress begins."""
        if self._warned_at is not None and timedelta() <= now - self._warned_at < _REMIND:
            return
        self._warned_at = now
        if warning := sentence(self._shelf.condition(now), now):
            log.warning("%s", warning)
