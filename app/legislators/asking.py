"""One question to another site: within a time, a few at once over all processes, and none while the site is down.

The question holds what a person typed: it stands in no log and in no error.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import requests
import urllib3
from requests.structures import CaseInsensitiveDict

from app.legislators import AddressNotFound, LookupUnavailable
from app.legislators.severing import Severable
from app.locks import InUse, take

log = logging.getLogger(__name__)
logging.getLogger("urllib3").setLevel(logging.CRITICAL)  # below that it writes whole URLs

AT_ONCE = 2
"""Questions at a time, of all processes that share a folder of slots."""

HERE = 4
"""Threads of one process that may ask or wait for their turn; the others are refused at once."""

MOST_BYTES = 256 * 1024
"""Of an answer."""

FAILURES = 5
REST = 300.0
"""Seconds for which a site is left alone after so many failures in a row."""

_POLL = 0.02
_HEADERS = {"User-Agent": "Redress", "Accept": "application/json", "Accept-Encoding": "identity", "Connection": "close"}


class AllBusy(LookupUnavailable):
    """Nobody was asked: others were asking all the time, or too many waited for their turn."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a site answered: a status below 500, and the body."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why there is no reply, in words of ours. `passing`: a second try may go better."""

    cause: str
    passing: bool = False


_TOO_LATE = _Fault("it timed out")
_BROKEN = _Fault("the connection failed", passing=True)
_TOO_LONG = _Fault("its answer is too long")


class Line:
    """Asks one address of the web, `limit` seconds at most for everything: the turn, the network, a second try."""

    def __init__(self, address: str, slots: Path, limit: float) -> None:
        """`slots` is a folder; the lock files in it are the same for all processes of a site."""
        self._address = address
        self._slots = slots
        self._here = threading.BoundedSemaphore(HERE)
        self._limit = limit

    def ask(self, question: Mapping[str, str]) -> Reply:
        """The reply to a query. Raises LookupUnavailable, whose text and context hold nothing of the question."""
        if not self._here.acquire(blocking=False):
            raise AllBusy("too many wait for their turn")
        try:
            return self._ask(question)
        finally:
            self._here.release()

    def _ask(self, question: Mapping[str, str]) -> Reply:
        until = time.monotonic() + self._limit
        url = f"{self._address}?{urlencode(question, errors='replace')}"
        outcome = _outcome(url, until, self._slot(until))
        if isinstance(outcome, _Fault):
            raise LookupUnavailable(outcome.cause)
        return outcome

    def _slot(self, until: float) -> int:
        """The descriptor of a lock file. Raises AllBusy, LookupUnavailable."""
        while time.monotonic() < until:
            for number in range(1, AT_ONCE + 1):
                try:
                    return take(self._slots / f"geocoder-{number}.lock")
                except InUse:
                    continue
                except OSError:
                    raise LookupUnavailable("its lock files cannot be opened") from None
            time.sleep(_POLL)
        raise AllBusy("others were being looked up all the time")


def _outcome(url: str, until: float, slot: int) -> Reply | _Fault:
    """What comes of it in time, asked in a thread: no timeout of a socket holds against names that are looked up for
    ever, or against headers that drip. Nobody waits for a thread that is late; its connection is cut, so that it ends
    and gives its slot back.
    """
    outcomes: queue.SimpleQueue[Reply | _Fault] = queue.SimpleQueue()
    way = Severable()

    def ask() -> None:
        try:
            outcome = _attempt(url, until, way)
            if isinstance(outcome, _Fault) and outcome.passing:
                outcome = _attempt(url, until, way)
        finally:
            os.close(slot)
        outcomes.put(outcome)

    try:
        threading.Thread(target=ask, name="geocoder", daemon=True).start()
    except RuntimeError:
        os.close(slot)
        return _Fault("this machine has no thread left")
    try:
        return outcomes.get(timeout=max(0.0, until - time.monotonic()))
    except queue.Empty:
        way.sever()
        return _TOO_LATE


def _attempt(url: str, until: float, way: Severable) -> Reply | _Fault:
    try:
        return _converse(url, until, way)
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        return _TOO_LATE
    except (requests.ConnectionError, urllib3.exceptions.HTTPError, OSError):
        return _BROKEN
    except Exception as error:  # its text may hold the question
        return _Fault(f"asking raised {type(error).__name__}")


def _converse(url: str, until: float, way: Severable) -> Reply | _Fault:
    left = until - time.monotonic()
    if left <= 0:
        return _TOO_LATE
    with requests.Session() as session:
        session.trust_env = False  # no proxy, and no password, out of the environment
        session.headers = CaseInsensitiveDict(_HEADERS)
        session.mount(f"{url.partition(':')[0]}://", way)
        with session.get(url, timeout=left, stream=True, allow_redirects=False) as response:
            return _read(response, until)


def _read(response: requests.Response, until: float) -> Reply | _Fault:
    if response.status_code >= 500:
        return _Fault(f"it answered {response.status_code}", passing=True)
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return _Fault("its answer is packed, which nobody asked for")
    body = b""
    while len(body) <= MOST_BYTES and (piece := response.raw.read1(MOST_BYTES)):
        body += piece
        if time.monotonic() > until:
            return _TOO_LATE
    return Reply(response.status_code, body) if len(body) <= MOST_BYTES else _TOO_LONG


class Breaker:
    """Leaves a site alone that failed five times in a row: for five minutes, and then but for one question a time.

    For the threads of one process. `clock` gives seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._opened: float | None = None
        self._probing = False

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Count what becomes of a question; that an address is unknown is an answer. Raises LookupUnavailable."""
        probe = self._admit()
        well: bool | None = False
        try:
            yield
            well = True
        except AddressNotFound:
            well = True
            raise
        except AllBusy:
            well = None
            raise
        except LookupUnavailable as error:
            log.warning("a street address could not be looked up: %s", error)
            raise
        finally:
            self._note(well, probe=probe)

    def _admit(self) -> bool:
        """Whether this question is the one that tries a site which is left alone."""
        with self._lock:
            if self._opened is None:
                return False
            if self._probing or self._clock() - self._opened < REST:
                raise LookupUnavailable("it failed too often lately")
            self._probing = True
            return True

    def _note(self, well: bool | None, *, probe: bool) -> None:
        with self._lock:
            if probe:
                self._probing = False
            if well:
                self._failures, self._opened = 0, None
            elif well is False:
                self._failures += 1
                if probe or (self._failures >= FAILURES and self._opened is None):
                    self._opened = self._clock()
