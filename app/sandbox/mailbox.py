"""The built-in mailbox: takes every mail by SMTP on loopback, keeps it in a Maildir, relays nothing; and its reader."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
import mailbox
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

SIZE_LIMIT = 1_000_000
"""Octets of one mail; a bigger one is refused (552)."""

SHOWN = 200
"""How many mails `list_mails` gives at most."""

_HEAD_LIMIT = 64_000
_MESSAGE_ID = re.compile(r"<([0-9a-f-]{36})@[^<>@]+>")
_KEY = re.compile(r"(\d{1,12})\.M(\d{1,6})P\d+Q(\d+)\.[^/:\0]{1,200}")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MailSummary:
    """One line of the list. `key` is the Maildir's name of the mail; `sender` and `subject` are readable text."""

    key: str
    arrived_at: datetime
    recipients: tuple[str, ...]
    sender: str
    subject: str


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as people read it. `headers` holds those of interest, in the order in which a mail program shows them.

    `envelope_from` (`<>` for none) and `recipients` are what the mail server was told; `headers` need not agree.
    """

    key: str
    arrived_at: datetime
    envelope_from: str
    recipients: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]
    text: str


class Keeper:
    """aiosmtpd's handler: a mail is on the disk before it is answered with 250."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._box = mailbox.Maildir(str(folder), factory=None, create=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 — aiosmtpd's name
        """Keep one mail, as it came, behind the envelope's own headers."""
        content = envelope.original_content or b""
        try:
            self._box.add(_envelope_headers(envelope) + content)  # writes and fsyncs the file, then renames it
            _sync(self._folder / "new")
        except OSError as error:
            _log.error("A mail could not be kept: %s", os.strerror(error.errno or 0))
            return "452 4.3.1 The mailbox cannot keep it now"
        return "250 2.0.0 Kept"


def serve(listener: socket.socket, folder: Path, on_parents_end: Callable[[Callable[[], None]], None]) -> None:
    """Take mail on a listening loopback socket until SIGTERM, SIGINT or the parent's end.

    `on_parents_end` is given what it shall call then, from whichever thread.
    """
    if not listener.getsockname()[0].startswith("127."):
        raise ValueError("the mailbox listens on loopback only")
    asyncio.run(_serve(listener, Keeper(folder), on_parents_end))


async def _serve(listener: socket.socket, keeper: Keeper, on_parents_end: Callable[[Callable[[], None]], None]) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    on_parents_end(lambda: _call_in(loop, stop.set))
    server = await loop.create_server(lambda: connection(keeper, loop), sock=listener)
    await stop.wait()
    server.close()


def _call_in(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended already
        loop.call_soon_threadsafe(call)


def connection(keeper: Keeper, loop: asyncio.AbstractEventLoop) -> SMTP:
    """The protocol of one connection. The name it greets with is fixed: looking up our own could ask the network."""
    return SMTP(
        keeper,
        loop=loop,
        hostname="mailbox.invalid",
        ident="Redress mailbox",
        data_size_limit=SIZE_LIMIT,
        decode_data=False,
        enable_SMTPUTF8=True,
    )


def _envelope_headers(envelope: Envelope) -> bytes:
    lines = [f"X-Envelope-From: {envelope.mail_from or ''}"]
    lines += [f"X-Envelope-To: {recipient}" for recipient in envelope.rcpt_tos]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape")


def _sync(folder: Path) -> None:
    """Make a rename in the folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def list_mails(folder: Path) -> list[MailSummary]:
    """The newest mails, newest first, at most SHOWN of them; empty when there is no mailbox yet."""
    newest = heapq.nlargest(SHOWN, _files(folder))
    summaries = (_summary(key, path) for (_, key, path) in newest)
    return [summary for summary in summaries if summary is not None]


def read_mail(folder: Path, key: str) -> Mail | None:
    """One mail; None when there is none of that key, or the key is not one."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    for _, found, path in _files(folder):
        if found == key:
            try:
                raw = path.read_bytes()
            except OSError:
                return None
            return _mail(key, raw)
    return None


def sweep(folder: Path, is_kept: Callable[[str], bool | None], oldest: datetime) -> int:
    """Delete the mails of which the site has deleted its own copy, and those before `oldest` that it does not know.

    How many. `is_kept` is asked with the local part of each Message-ID that is a UUID; None for one that is not known.
    What the site keeps stays as long: the machine's clock may have been behind when it came.
    """
    gone = 0
    for _, key, path in list(_files(folder)):
        head = _head(path)
        if head is None:
            continue
        ours = _MESSAGE_ID.fullmatch(_first(head, "Message-ID"))
        kept = is_kept(ours[1]) if ours else None
        if not kept and (kept is False or _arrival(key) < oldest):
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def _files(folder: Path) -> Iterator[tuple[tuple[int, ...], str, Path]]:
    """(order of arrival, key, path) of each mail; another mail program may have moved some from `new` to `cur`."""
    for subfolder in (folder / "new", folder / "cur"):
        try:
            names = os.listdir(subfolder)
        except OSError:
            continue
        for name in names:
            key = name.partition(":")[0]
            if match := _KEY.fullmatch(key):
                yield tuple(int(part) for part in match.groups()), key, subfolder / name


def _summary(key: str, path: Path) -> MailSummary | None:
    message = _head(path)
    if message is None:
        return None
    return MailSummary(
        key=key,
        arrived_at=_arrival(key),
        recipients=_all(message, "X-Envelope-To"),
        sender=_first(message, "From"),
        subject=_first(message, "Subject"),
    )


def _head(path: Path) -> Message | None:
    """The headers of a mail; None when it is gone since the folder was listed."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_LIMIT).replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    except OSError:
        return None
    return BytesParser(policy=compat32).parsebytes(head, headersonly=True)


def _mail(key: str, raw: bytes) -> Mail:
    try:
        message = BytesParser(policy=compat32).parsebytes(raw)
        text = _text(message)
    except RecursionError:  # multiparts within multiparts, hundreds deep
        message = BytesParser(policy=compat32).parsebytes(raw, headersonly=True)
        text = raw.decode("utf-8", "replace")
    interesting = ("From", "To", "Reply-To", "Subject", "Date", "Message-ID")
    return Mail(
        key=key,
        arrived_at=_arrival(key),
        envelope_from=_first(message, "X-Envelope-From"),
        recipients=_all(message, "X-Envelope-To"),
        headers=tuple((name, _first(message, name)) for name in interesting if name in message),
        text=text,
    )


def _text(message: Message) -> str:
    parts = [part for part in message.walk() if not part.is_multipart()]
    plain = [part for part in parts if part.get_content_type() == "text/plain"]
    for part in (plain or parts)[:1]:
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            return _decoded(content, part.get_content_charset("utf-8")).replace("\r\n", "\n")
    return ""


def _decoded(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset, "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")


def _arrival(key: str) -> datetime:
    seconds, microseconds = (int(part) for part in key.split("P", 1)[0].split(".M"))
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)


def _first(message: Message, name: str) -> str:
    values = _all(message, name)
    return values[0] if values else ""


def _all(message: Message, name: str) -> tuple[str, ...]:
    return tuple(_readable(value) for found, value in message.raw_items() if found.lower() == name.lower())


def _readable(raw: str) -> str:
    """A header as people read it; as it stands when it is not what it claims to be."""
    value = raw.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    with contextlib.suppress(HeaderParseError, LookupError, ValueError):
        value = str(make_header(decode_header(value)))
    return " ".join(value.split())
