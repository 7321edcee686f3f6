"""Fetching one published file over HTTPS: within limits of size and time, from the host that was named and no other."""

from __future__ import annotations

import contextlib
import re
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3.exceptions

from app.deadlines import Deadline, in_time
from app.legislators import LegislatorsError
from app.legislators.severing import Severable

CONNECT = 10.0
"""Seconds for a connection."""
READ = 30.0
"""Seconds without a single byte."""
DEADLINE = 120.0
"""Seconds for all of it, a second try included."""

_GRACE = 1.0  # seconds in which an attempt notices its deadline itself
_PAUSE = 0.5  # seconds before the second try
_HOPS = 3
_PIECE = 65536
_LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost"))
_SENT_ON = frozenset((301, 302, 303, 307, 308))
_NEVER_IN_AN_ADDRESS = re.compile(r"[\x00-\x20\x7f\\]")  # programs disagree on where such an address leads
_ETAG = re.compile(r"[\x21-\x7e]{1,200}")
_PAGES = frozenset(("text/html", "application/xhtml+xml"))


@dataclass(frozen=True, slots=True)
class Known:
    """What the server said of the file that we have: it need not send that again. Both may be missing."""

    etag: str = ""
    last_modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file as it came."""

    content: bytes
    etag: str
    """Empty when the server named none."""
    last_modified: datetime | None
    """As the server says, in UTC."""
    url: str
    """Where it was found in the end."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The server has the file that we know already."""


class CannotFetch(LegislatorsError):
    """There is no file; the message is one sentence with host, file and cause, without what follows a `?`."""


class _Failed(Exception):
    """Why an attempt failed, in words that follow a colon."""

    def __init__(self, cause: str, *, again: bool = False) -> None:
        super().__init__(cause)
        self.again = again
        """Whether another attempt may do better."""


class _SentElsewhere(Exception):
    """The server names another host, which is the argument."""


def fetch(
    url: str, known: Known | None, most: int, *, deadline: float = DEADLINE, session: requests.Session | None = None
) -> Fetched | Unchanged:
    """The file at `url`, of at most `most` bytes when unpacked. Raises CannotFetch; `deadline` is in seconds.

    Tries again once when the connection fails or the server has an error. `http` is for this machine alone.
    """

    way = Severable()

    def attempt() -> Fetched | Unchanged:
        with contextlib.nullcontext(session) if session else _session(way) as http:
            return _twice(lambda: _attempt(http, url, known or Known(), most, ends), ends)

    ends = time.monotonic() + deadline
    where = _where(url)
    try:
        return in_time(attempt, Deadline(ends + _GRACE))
    except _SentElsewhere as error:
        raise CannotFetch(
            f"{where} sends us to another host ({error}): give that address with --source if it is right."
        ) from error
    except _Failed as error:
        raise CannotFetch(f"{where} cannot be fetched: {error}.") from error
    except TimeoutError:
        way.sever()  # no timeout of a socket holds against a server that sends a byte of its headers now and then
        raise CannotFetch(f"{where} cannot be fetched: {_too_slow()}.") from None


def _session(way: Severable) -> requests.Session:
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, way)
    return session


def _twice(attempt: Callable[[], Fetched | Unchanged], ends: float) -> Fetched | Unchanged:
    try:
        return attempt()
    except _Failed as failed:
        if not failed.again or time.monotonic() + _PAUSE >= ends:
            raise
    time.sleep(_PAUSE)
    return attempt()


def _attempt(http: requests.Session, url: str, known: Known, most: int, ends: float) -> Fetched | Unchanged:
    _checked(url)
    for _ in range(1 + _HOPS):
        with _in_words(), _asked(http, url, known, ends) as response:
            onwards = response.headers.get("Location", "") if response.status_code in _SENT_ON else ""
            if not onwards:
                return _answer(response, known, most, ends)
        url = _next_hop(url, onwards)
    raise _Failed(f"it sends us on more than {_HOPS} times")


def _asked(http: requests.Session, url: str, known: Known, ends: float) -> requests.Response:
    left = ends - time.monotonic()
    if left <= 0:
        raise _too_slow()
    headers = {"User-Agent": "Redress", "Accept": "*/*", "Accept-Encoding": "gzip"}
    if _ETAG.fullmatch(known.etag):
        headers["If-None-Match"] = known.etag
    if known.last_modified:
        headers["If-Modified-Since"] = format_datetime(known.last_modified.astimezone(UTC), usegmt=True)
    request = http.prepare_request(requests.Request("GET", url, headers=headers))
    settings: dict[str, Any] = {**http.merge_environment_settings(url, {}, True, None, None)}
    # The session itself would read all that comes with a redirect, however much.
    return http.get_adapter(url).send(request, timeout=(min(CONNECT, left), min(READ, left)), **settings)


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """Errors of the network as causes."""
    try:
        yield
    except (requests.exceptions.SSLError, urllib3.exceptions.SSLError) as error:
        raise _Failed("its certificate is not accepted") from error
    except requests.exceptions.ProxyError as error:
        raise _Failed("the proxy does not let us through", again=True) from error
    except (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError) as error:
        raise _Failed("it stopped answering") from error
    except requests.exceptions.ConnectionError as error:
        raise _Failed(_no_connection(error), again=True) from error
    except urllib3.exceptions.ProtocolError as error:
        raise _Failed("the answer broke off", again=True) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise _Failed("its address, the proxy or the answer makes no sense") from error


def _no_connection(error: requests.exceptions.ConnectionError) -> str:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return "nobody knows the host's address, or this machine has no network"
    return "there is no connection to it"


def _answer(response: requests.Response, known: Known, most: int, ends: float) -> Fetched | Unchanged:
    status = response.status_code
    if status == 304 and known != Known():
        return Unchanged()
    if status != 200:
        raise _Failed(f"it answered {status}", again=status >= 500)
    if response.headers.get("Content-Type", "").partition(";")[0].strip().lower() in _PAGES:
        raise _Failed("it sent a page in place of data")
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > most:
        raise _too_large(most)
    content = _content(response, most, ends)
    if not content:
        raise _Failed("the file is empty")
    etag = response.headers.get("ETag", "")
    return Fetched(
        content=content,
        etag=etag if _ETAG.fullmatch(etag) else "",
        last_modified=_moment(response.headers.get("Last-Modified", "")),
        url=response.url,
    )


def _content(response: requests.Response, most: int, ends: float) -> bytes:
    """All of the body, unpacked. What is shorter than it should be raises by itself, in urllib3 or at the end here."""
    packed = _Packed() if _is_packed(response.headers.get("Content-Encoding", "")) else None
    content = bytearray()
    while piece := response.raw.read1(_PIECE, decode_content=False):  # read() would wait until the piece is full
        content += packed.unpack(piece, most + 1 - len(content)) if packed else piece
        if len(content) > most:
            raise _too_large(most)
        if time.monotonic() > ends:
            raise _too_slow()
    if packed and not packed.is_whole:
        raise _Failed("the answer broke off", again=True)
    return bytes(content)


def _is_packed(encoding: str) -> bool:
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise _Failed("it is packed in a way that we did not ask for")
    return encoding.endswith("gzip")


class _Packed:
    """A gzip file that comes in pieces and is never unpacked further than asked."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)

    @property
    def is_whole(self) -> bool:
        """Whether what came so far is a file from beginning to end."""
        return self._member.eof

    def unpack(self, piece: bytes, room: int) -> bytes:
        """What the piece holds; of what takes more than `room` bytes (at least one), only that many."""
        content = bytearray()
        while piece and len(content) < room:
            if self._member.eof:  # a file may have several members
                self._member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            try:
                content += self._member.decompress(piece, room - len(content))
            except zlib.error as error:
                raise _Failed("it is packed in a way that makes no sense") from error
            piece = self._member.unused_data
        return bytes(content)


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _next_hop(url: str, location: str) -> str:
    """Where we are sent. Raises _SentElsewhere; _Failed for what is no address for us."""
    try:
        onwards = urljoin(url, location)
        host = urlsplit(onwards).hostname
    except ValueError as error:
        raise _Failed("it sends us to an address that makes no sense") from error
    before = urlsplit(url)
    if host != before.hostname:
        raise _SentElsewhere(re.sub(r"[^a-z0-9.:-]", "?", host or "none")[:100])
    if _checked(onwards).scheme != "https" and before.scheme == "https":
        raise _Failed("it sends us on without encryption")
    return onwards


def _checked(url: str) -> SplitResult:
    """The parts of an address that we may ask. Raises _Failed."""
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or _NEVER_IN_AN_ADDRESS.search(url):
        raise _Failed("the address makes no sense")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise _Failed("only https addresses are asked")
    if "@" in parts.netloc:
        raise _Failed("an address with a name and password is not asked")
    return parts


def _where(url: str) -> str:
    """Host and file, to begin a sentence with: no password, nothing that follows a `?`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "The file"
    return f"{parts.hostname or ''}{parts.path}"[:200] or "The file"


def _too_slow() -> _Failed:
    return _Failed("it took too long")


def _too_large(most: int) -> _Failed:
    return _Failed(f"it is larger than {most:,} bytes")
