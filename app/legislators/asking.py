"""One question to another site: within a time, a few at once over all processes, and none while the site is down.

With http.client alone, not with requests: the question holds what a person typed, and urllib3 writes addresses of the
web into its log. Nor does http.client look for proxies and passwords in the environment, or follow redirects.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from app.legislators import AddressNotFound, LookupUnavailable
from app.locks import InUse, take

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Questions at a time, of all processes that share a folder of slots."""

MOST_BYTES = 256 * 1024
"""Of an answer, unpacked."""

FAILURES = 5
REST = 300.0
"""Seconds for which a site is left alone after so many failures in a row."""

_POLL = 0.02
_HEADERS = {"User-Agent": "Redress", "Accept": "application/json", "Accept-Encoding": "identity", "Connection": "close"}


class AllBusy(LookupUnavailable):
    """Nobody was asked: until the time was over others were asking."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a site answered: a status below 500, and the body, unpacked."""

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
        parts = urlsplit(address)
        self._path = parts.path
        self._slots = slots
        self._limit = limit
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
            self._connection: Callable[[], HTTPConnection] = lambda: HTTPSConnection(
                parts.hostname or "", parts.port, timeout=limit, context=context
            )
        else:
            self._connection = lambda: HTTPConnection(parts.hostname or "", parts.port, timeout=limit)

    def ask(self, question: Mapping[str, str]) -> Reply:
        """The reply to a query. Raises LookupUnavailable, whose text and context hold nothing of the question."""
        until = time.monotonic() + self._limit
        query = f"{self._path}?{urlencode(question, errors='replace')}"
        outcome = _Call(self._connection(), query, self._slot(until), until).outcome()
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


class _Call(threading.Thread):
    """One question, in a thread of its own: whatever the network does to that, nobody else waits for it.

    The thread keeps its slot until it ends.
    """

    def __init__(self, connection: HTTPConnection, query: str, slot: int, until: float) -> None:
        super().__init__(name="geocoder", daemon=True)
        self._connection = connection
        self._query = query
        self._slot = slot
        self._until = until
        self._outcome: queue.SimpleQueue[Reply | _Fault] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def outcome(self) -> Reply | _Fault:
        """Start it, and wait for what comes of it while there is time. Then what still goes on is cut off."""
        try:
            self.start()
        except RuntimeError:
            os.close(self._slot)
            return _Fault("this machine has no thread left")
        with contextlib.suppress(queue.Empty):
            return self._outcome.get(timeout=max(0.0, self._until - time.monotonic()))
        self._cut()
        return _TOO_LATE

    def run(self) -> None:
        """Ask, and once more if that may help."""
        try:
            outcome = self._attempt()
            if isinstance(outcome, _Fault) and outcome.passing:
                outcome = self._attempt()
        finally:
            os.close(self._slot)
        self._outcome.put(outcome)

    def _attempt(self) -> Reply | _Fault:
        try:
            return self._converse()
        except TimeoutError:
            return _TOO_LATE
        except (OSError, HTTPException):
            return _BROKEN
        except Exception as error:  # its text may hold the question
            return _Fault(f"asking raised {type(error).__name__}")

    def _converse(self) -> Reply | _Fault:
        with contextlib.ExitStack() as opened:
            opened.callback(self._connection.close)
            self._connection.timeout = self._left()
            self._connection.connect()
            self._hold(self._connection.sock)
            self._connection.sock.settimeout(self._left())
            self._connection.request("GET", self._query, headers=_HEADERS)
            response = opened.enter_context(self._connection.getresponse())
            opened.callback(self._hold, None)
            return _read(response)

    def _left(self) -> float:
        """Seconds. Raises TimeoutError when none are left."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _hold(self, connected: socket.socket | None) -> None:
        with self._lock:
            self._socket = connected

    def _cut(self) -> None:
        """End a conversation that drips, so that its slot is free again. Its thread sees an end of the connection."""
        with self._lock, contextlib.suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)


def _read(response: HTTPResponse) -> Reply | _Fault:
    if response.status >= 500:
        return _Fault(f"it answered {response.status}", passing=True)
    body = b""
    while len(body) <= MOST_BYTES and (piece := response.read1(MOST_BYTES)):  # read() believes a chunk's size of -1
        body += piece
    if len(body) > MOST_BYTES:
        return _TOO_LONG
    if response.length:  # so much was promised besides
        return _BROKEN
    if response.headers.get("Content-Encoding") == "gzip":
        body = _unpacked(body)
    return Reply(response.status, body) if len(body) <= MOST_BYTES else _TOO_LONG


def _unpacked(body: bytes) -> bytes:
    """Of what we did not ask to be packed: one octet past the bound, or nothing if it is damaged."""
    try:
        return zlib.decompressobj(wbits=31).decompress(body, MOST_BYTES + 1)
    except zlib.error:
        return b""


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
