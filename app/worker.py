"""The worker: one process, under a lock, that sends what is due and deletes what is over."""

from __future__ import annotations

import fcntl
import logging
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import cast

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.clock.watch import Watch
from app.db import DatabaseReplaced, DatabaseUnavailable
from app.delivery import Outcome, Outgoing, Sender
from app.delivery.drain import drain
from app.delivery.pacing import Rates
from app.delivery.pause import is_paused
from app.delivery.retries import Policy
from app.delivery.sending import Gate, is_something_due, lease_of, recover
from app.heartbeat import Heart, beating
from app.logs import Repeated, kind_and_place
from app.refresher import Refresher
from app.upkeep import Sweep, Upkeep
from config import Config

log = logging.getLogger(__name__)

PAUSE = 1.0
_AGAIN = 60.0
"""Seconds in which the log is not told of the same trouble again."""


class AlreadyRunning(Exception):
    """Another worker holds the lock in this DATA_DIR."""


def run(
    config: Config,
    session: Session,
    sender: Sender,
    stop: threading.Event,
    sweep: Sweep | None = None,
    refresher: Refresher | None = None,
    started: Callable[[], None] = lambda: None,
    watch: Watch | None = None,
) -> None:
    """Send what is due and delete what is over until `stop` is set; a message in hand is finished first.

    With a `refresher` the tables of legislators are kept fresh, too. `started` is called once it is alone. While
    `watch` doubts the clock nothing is deleted. Raises AlreadyRunning.
    """
    alone, watch = config.database is not None, watch or Watch()
    with _lock(config), beating(cast(Engine, session.get_bind()), _now, alone=alone, watch=watch) as heart:
        started()
        upkeep = Upkeep(config, sweep)
        sender = _Watched(sender, heart, gate_of(config).lease)

        def wait(seconds: float) -> bool:
            heart.lives()
            # wait() holds a lock for a moment; a signal handler that called set() just then would hang, waiting for us
            return stop.wait(seconds) if seconds else stop.is_set() or upkeep.is_due(watch.time(_now()))

        complaints = Repeated(log, _AGAIN)
        rounds = _Rounds(session, sender, config, upkeep, wait, refresher, watch)
        while not stop.is_set():
            heart.lives()
            try:
                rounds.one()
                complaints.over()
            except DatabaseReplaced:  # the log says it already
                session.rollback()
            except DatabaseUnavailable as error:
                complaints.error(f"{error}; trying again")
                session.rollback()
            except Exception as error:  # whatever it is, the next round may go better; its text may hold a name
                complaints.error(f"a round of the worker failed: {kind_and_place(error)}")
                session.rollback()
            if not upkeep.is_due(watch.time(_now())):
                stop.wait(PAUSE)
        sender.close()


def once(config: Config, session: Session, sender: Sender, stop: threading.Event) -> None:
    """Send what is due now, at the paces of the settings, until nothing is left or `stop` is set.

    Raises AlreadyRunning.
    """
    with _lock(config):
        policy, gate = policy_of(config), gate_of(config)
        recover(session, policy, _now(), abandoned=config.database is not None)
        while True:
            drain(session, sender, policy, _now, lambda _seconds: stop.is_set(), gate, keep_open=True)
            if stop.is_set() or not is_something_due(session, _now()) or stop.wait(PAUSE):
                break
        sender.close()


class _Watched:
    """A Sender whose worker is not thought dead while one message takes long."""

    def __init__(self, sender: Sender, heart: Heart, longest: timedelta) -> None:
        self._sender = sender
        self._heart = heart
        self._longest = longest

    def send(self, message: Outgoing) -> Outcome:
        """One attempt; see Sender."""
        self._heart.lives(self._longest)
        try:
            return self._sender.send(message)
        finally:
            self._heart.lives()

    def close(self) -> None:
        """End the connection; see Sender."""
        self._sender.close()


class _Rounds:
    """What the worker does again and again."""

    def __init__(
        self,
        session: Session,
        sender: Sender,
        config: Config,
        upkeep: Upkeep,
        wait: Callable[[float], bool],
        refresher: Refresher | None,
        watch: Watch,
    ) -> None:
        self._session = session
        self._sender = sender
        self._policy = policy_of(config)
        self._gate = gate_of(config)
        self._upkeep = upkeep
        self._wait = wait
        self._refresher = refresher
        self._watch = watch
        self._abandoned = config.database is not None  # we hold the lock: whoever was sending before us is dead

    def one(self) -> None:
        """Delete what is over, when it is time for that; then send what is due, unless somebody has paused sending."""
        if self._upkeep.is_due(self._time()):
            self._keep_up(_now())
        paused = is_paused(self._session)
        self._session.rollback()  # else the next look would be into the same snapshot
        if paused:
            return
        # Whether another's time is over is for no clock to say that is in doubt.
        surely = min(self._time(), self._watch.certain() or self._time())
        recovered = recover(self._session, self._policy, surely, abandoned=self._abandoned)
        self._abandoned = False
        if recovered:
            log.warning("%d deliveries were left in the middle; each is sent once more later", recovered)
        drain(self._session, self._sender, self._policy, self._time, self._wait, self._gate, keep_open=True)

    def _keep_up(self, now: datetime) -> None:
        """Nothing is deleted, and no table exchanged, at a moment that nobody vouches for."""
        held = self._watch.doubts(now)
        self._upkeep.run(self._session, self._watch.time(now), self._wait, held=held)
        if self._refresher and not held:
            self._refresher.run(self._session, now)

    def _time(self) -> datetime:
        return self._watch.time(_now())


def told_to_stop() -> threading.Event:
    """Set by SIGTERM or SIGINT: by a thread that waits for them, since a handler that sets an event can hang in it."""
    stop, numbers = threading.Event(), {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)

    def wait() -> None:
        signal.sigwait(numbers)
        stop.set()

    threading.Thread(target=wait, name="signals", daemon=True).start()
    return stop


def policy_of(config: Config) -> Policy:
    """The retry schedule of the settings, each pause × 0.75 to 1.25."""
    return Policy(
        letters=config.letter_retries,
        confirmations=config.confirmation_retries,
        unknown=config.unknown_retry,
        jitter=lambda: random.uniform(0.75, 1.25),  # noqa: S311 — spreads load, hides nothing
    )


def gate_of(config: Config) -> Gate:
    """The paces of the settings, and a lease that no attempt outlasts."""
    return Gate.open(Rates(config.mail_rate, config.office_rate), config.delivery, lease_of(config.mail_timeout))


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def _lock(config: Config) -> Iterator[None]:
    """The one lock of the worker; it goes with the process, by whatever cause that ends. A server takes several."""
    if config.database is None:
        yield
        return
    with (config.data_dir / "worker.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning from error
        yield
