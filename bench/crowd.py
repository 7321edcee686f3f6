"""The outside of the viral hour: the people and the proxy that they come through, and their mail server.

`bench.viral` starts both as processes of their own. They share the machine's cores with the site, so they do little
themselves: no library, and nothing of ours, is imported here.

    python -m bench.crowd people JOB RESULT            # JOB: what `Job` says, as JSON
    python -m bench.crowd visitors JOB RESULT          # the floor: each gets one page, again and again
    python -m bench.crowd mail DESCRIPTOR RESULT       # until SIGTERM; prints the links to confirm

A link goes from the mail server's output to the people's input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

PAGE, LOOK, SHOW, SEND = "campaign page", "style, icon", "Show my letters", "Send my letters"
MAILED, CONFIRM, RECEIPT = "link of the mail", "Confirm and send", "receipt"
KINDS = (PAGE, LOOK, SHOW, SEND, MAILED, CONFIRM, RECEIPT)
"""What somebody asks for, in this order."""

PATIENCE = 60.0
"""Seconds until somebody gives up on a page; on a mail they do after five times as many."""
_IDLE = 1.0
"""A connection that has rested for longer is not used again: gunicorn closes it after two seconds."""
_SEED = 20261127
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_SEAT = re.compile(r'name="write-to"[^>]*value="([^"]+)"')
_FILES = re.compile(r'<link rel="(?:stylesheet|icon)" href="([^"]+)"')
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_LOCATION = re.compile(rb"\r\nlocation: *([^\r]+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Job:
    """So many people, at moments between `start` (of the monotonic clock) and so many seconds later."""

    port: int
    host: str
    path: str
    people: int
    start: float
    seconds: float
    fields: dict[str, str] = field(default_factory=dict)
    """What all of them enter."""
    places: list[list[str]] = field(default_factory=list)
    """State and ZIP code: theirs in turn."""


class Visit(NamedTuple):
    """One request: when it was to begin, how long after that its answer was there, and what that was."""

    kind: str
    due: float
    seconds: float
    lag: float
    """How much of it the crowd itself was late."""
    answer: str
    """The status, or how it failed."""


@dataclass(slots=True)
class Crowd:
    """What the people have seen."""

    visits: list[Visit] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    """Seconds from *Send my letters* to the mail that asks to confirm."""
    done: int = 0
    gave_up: dict[str, int] = field(default_factory=dict)
    """How many, by why."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    location: str
    text: str


class GaveUp(Exception):
    """Somebody did not get the page that should have come."""


class Proxy:
    """Like Caddy in front: connections are kept and used again, the last one first; says who asks."""

    def __init__(self, port: int, host: str) -> None:
        self._port, self._host = port, host
        self._resting: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, path: str, network: str, form: str | None = None) -> Answer:
        """One request, whole. Raises OSError, EOFError."""
        reader, writer = await self._connection()
        try:
            writer.write(self._request(path, network, form))
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1])) if length else b""
        except BaseException:
            writer.close()
            raise
        if _CLOSES.search(head) or not length:
            writer.close()
        else:
            self._resting.append((time.monotonic(), reader, writer))
        location = _LOCATION.search(head)
        return Answer(int(head[9:12]), location[1].decode() if location else "", body.decode())

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._resting:
            since, reader, writer = self._resting.pop()
            if time.monotonic() - since < _IDLE and not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)

    def _request(self, path: str, network: str, form: str | None) -> bytes:
        head = (
            f"{'GET' if form is None else 'POST'} {path} HTTP/1.1\r\nHost: {self._host}\r\n"
            f"X-Forwarded-For: {network}\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: {self._host}\r\n"
            "Accept: text/html\r\nAccept-Language: en-US,en;q=0.5\r\nSec-Fetch-Site: same-origin\r\n"
        )
        if form is None:
            return f"{head}\r\n".encode()
        posted = f"Origin: https://{self._host}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        return f"{head}{posted}Content-Length: {len(form)}\r\n\r\n{form}".encode()


class People:
    """All who come; each is a task that begins when its time has come, whatever became of those before."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._proxy = Proxy(job.port, job.host)
        self._dice = random.Random(_SEED)
        self._mailboxes: dict[str, asyncio.Future[tuple[str, float]]] = {}
        self.crowd = Crowd()

    async def all(self, one: Callable[[int, float], Awaitable[None]]) -> None:
        """Everybody, at random moments; until the last has gone."""
        moments = sorted(self._job.start + self._dice.random() * self._job.seconds for _ in range(self._job.people))
        await asyncio.gather(*(self._whole(one, number, moment) for number, moment in enumerate(moments)))

    async def _whole(self, one: Callable[[int, float], Awaitable[None]], number: int, due: float) -> None:
        try:
            await one(number, due)
            self.crowd.done += 1
        except GaveUp as error:
            self.crowd.gave_up[str(error)] = self.crowd.gave_up.get(str(error), 0) + 1

    async def visit(self, number: int, due: float) -> None:
        """Look at the page."""
        await self._get(PAGE, self._job.path, number, due, 200)

    async def sign(self, number: int, due: float) -> None:
        """The page, the letters, the button, the mail, its button, the receipt."""
        mailbox, path = f"jane{number}@example.net", self._job.path
        page = await self._get(PAGE, path, number, due, 200)
        now = time.monotonic()
        await asyncio.gather(*(self._get(LOOK, file, number, now, 200) for file in _FILES.findall(page.text)))
        state, code = self._job.places[number % len(self._job.places)]
        typed = {**_hidden(page.text), **self._job.fields, "address-level1": state, "postal-code": code}
        typed |= {"address-line1": f"{number + 1} Main Street", "email": mailbox, "further-wishes": ""}
        shown = await self._get(SHOW, path, number, self._after(4, 10), 200, {**typed, "show": "1"})
        sending = {**typed, **_hidden(shown.text), "own-words": f"Number {number}.", "send": "1"}
        written = {**sending, "write-to": _SEAT.findall(shown.text)}
        mail = self._mailboxes[mailbox] = asyncio.get_running_loop().create_future()
        await self._get(SEND, path, number, self._after(2, 6), 200, written)
        pressed = time.monotonic()
        link, came = await self._mail(mail)
        self.crowd.waits.append(came - pressed)
        page = await self._get(MAILED, link, number, self._after(2, 6), 200)
        agreed = await self._get(CONFIRM, link, number, self._after(1, 4), 303, {**_hidden(page.text), "confirm": "1"})
        await self._get(RECEIPT, _path(agreed.location), number, time.monotonic(), 200)

    def arrived(self, line: bytes) -> None:
        """A mail that asks to confirm: mailbox, link and moment."""
        mailbox, link, moment = line.decode().split()
        waiting = self._mailboxes.get(mailbox)
        if waiting is not None and not waiting.done():
            waiting.set_result((link, float(moment)))

    async def _mail(self, mail: asyncio.Future[tuple[str, float]]) -> tuple[str, float]:
        try:
            return await asyncio.wait_for(mail, 5 * PATIENCE)
        except TimeoutError:
            raise GaveUp("the mail that asks to confirm did not come") from None

    async def _get(
        self, kind: str, path: str, number: int, due: float, status: int, form: dict[str, str | list[str]] | None = None
    ) -> Answer:
        """Ask at this moment. Raises GaveUp unless the answer has this status."""
        await asyncio.sleep(due - time.monotonic())
        typed = None if form is None else urlencode(form, doseq=True)
        network = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        began, answer = time.monotonic(), None
        try:
            answer = await asyncio.wait_for(self._proxy.ask(path, network, typed), PATIENCE)
            said = str(answer.status)
        except (OSError, EOFError, TimeoutError) as error:
            said = type(error).__name__
        self.crowd.visits.append(Visit(kind, due, time.monotonic() - due, began - due, said))
        if answer is None or answer.status != status:
            raise GaveUp(f"{kind}: {said} instead of {status}")
        return answer

    def _after(self, least: float, most: float) -> float:
        """The moment at which somebody has read, or typed."""
        return time.monotonic() + self._dice.uniform(least, most)


def _hidden(page: str) -> dict[str, str | list[str]]:
    return dict(_HIDDEN.findall(page))


def _path(location: str) -> str:
    return location[location.index("/", location.find("//") + 2) :] if "//" in location else location


async def _come(people: People, *, sign: bool) -> None:
    if not sign:
        return await people.all(people.visit)
    mails = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(mails), sys.stdin)

    async def read() -> None:
        while line := await mails.readline():
            people.arrived(line)

    reading = asyncio.create_task(read())
    await people.all(people.sign)
    if reading.done():
        reading.result()  # it has failed: nobody after that got a mail
    reading.cancel()
    return None


class Mail:
    """A mail server that takes everything; it counts, by Message-ID, and hands the links on."""

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter()
        self.moments: list[float] = []
        self._telling = threading.Lock()

    def serve(self, listener: socket.socket) -> None:
        """Take whatever comes, for ever."""
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as lines:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(b"220 crowd\r\n")
            recipient = b""
            for line in lines:
                word = line[:4].upper()
                if word == b"RCPT":
                    recipient = line[line.index(b"<") + 1 : line.index(b">")]
                connection.sendall({b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}.get(word, b"250 ok\r\n"))
                if word == b"DATA":
                    self._take(recipient, b"".join(iter(lines.readline, b".\r\n")))
                    connection.sendall(b"250 queued\r\n")
                if word == b"QUIT":
                    return

    def _take(self, recipient: bytes, mail: bytes) -> None:
        found = re.search(rb"^Message-ID: *(\S+)", mail, re.MULTILINE | re.IGNORECASE)
        now = time.monotonic()
        self.accepted[found[1].decode() if found else "none"] += 1
        self.moments.append(now)
        link = re.search(rb"https://[^/\s]+(/confirm/\S+)", mail)
        if link:
            with self._telling, contextlib.suppress(BrokenPipeError):
                print(recipient.decode(), link[1].decode(), now, flush=True)


def main(what: str, given: str, result: str) -> None:
    if what == "mail":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        server, listener = Mail(), socket.socket(fileno=int(given))
        threading.Thread(target=server.serve, args=(listener,), daemon=True).start()
        signal.sigwait({signal.SIGTERM})
        found: object = {"accepted": server.accepted, "moments": server.moments}
    else:
        people = People(Job(**json.loads(given)))
        asyncio.run(_come(people, sign=what == "people"))
        found = asdict(people.crowd)
    Path(result).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
