"""A mail server on loopback that does what a script says, phase by phase, and keeps what it was given.

    with scripted(rcpt=["450 come back", "250 ok"], dot=("250 taken", DROP)) as server:
        …connect to 127.0.0.1, server.port…
    assert server.taken[0].mail == …

A step is one part, or a tuple of parts done in order: text is a reply line (CRLF is added), bytes go out as they are,
a number is a pause in seconds, an Event is waited for, DROP ends the connection, HANG says nothing more until the
other side leaves, TLS encrypts from there on, with the certificate that the server was given. A Drip sends the same
bytes again and again; SIP reads a little now and then. A phase is one step for every time, or a list of steps, used up
one by one; then the server answers as a good one would.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import BinaryIO


class Act(Enum):
    """What a server does besides talking."""

    DROP = "drop"
    HANG = "hang"
    TLS = "tls"
    SIP = "sip"


DROP, HANG, TLS, SIP = Act.DROP, Act.HANG, Act.TLS, Act.SIP

LONG_ENOUGH = 20.0
"""Seconds after which whoever drips or sips stops that and goes on with the script: nobody should be there by then."""


@dataclass(frozen=True, slots=True)
class Drip:
    """The same bytes, with a pause after each time; none of these pauses is too long by itself."""

    piece: bytes
    pause: float = 0.02


Part = str | bytes | float | threading.Event | Act | Drip
Step = Part | tuple[Part, ...]
Phase = Step | list[Step]

GOOD: dict[str, Step] = {
    "connect": "220 mail.example.org",
    "ehlo": ("250-mail.example.org", "250 8BITMIME"),
    "helo": "250 mail.example.org",
    "starttls": ("220 go ahead", TLS),
    "auth": "235 welcome",
    "mail": "250 sender ok",
    "rcpt": "250 recipient ok",
    "data": "354 go on",
    "body": b"",
    "dot": "250 queued",
    "rset": "250 ok",
    "quit": "221 bye",
}


class _Over(Exception):
    """The connection has ended."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A message whose final dot came; `mail` is what stood on the wire, without the doubled dots."""

    connection: int
    sender: str
    recipients: tuple[str, ...]
    mail: bytes


@dataclass
class Server:
    """What happened so far. `commands` are all lines that came, with the number of their connection.

    `in_clear` are those of them that anybody on the way could read. `taken` are all messages that came whole,
    `accepted` those of them that it has not refused, whether its answer arrived or not: they go on to the recipient.
    """

    port: int
    script: dict[str, Phase]
    certificate: ssl.SSLContext | None = None
    commands: list[tuple[int, str]] = field(default_factory=list)
    in_clear: list[str] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    accepted: list[Taken] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _sockets: list[socket.socket] = field(default_factory=list)

    def verbs(self, connection: int) -> list[str]:
        """The commands of one connection, by their first word, in lower case."""
        return [line.split(" ")[0].lower() for number, line in self.commands if number == connection]

    def wait_for(self, messages: int, timeout: float = 30.0) -> None:
        """Return as soon as so many messages were taken; fails after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while len(self.taken) < messages:
            assert time.monotonic() < deadline, f"only {len(self.taken)} of {messages} messages came"
            time.sleep(0.01)

    def step(self, phase: str) -> tuple[Part, ...]:
        """What the script says for this phase now."""
        with self._lock:
            said = self.script.get(phase, GOOD[phase])
            if isinstance(said, list):
                said = said.pop(0) if said else GOOD[phase]
        return said if isinstance(said, tuple) else (said,)

    def talk(self, connection: socket.socket) -> None:
        """One connection, from greeting to end."""
        with self._lock:
            self.connections += 1
            number = self.connections
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.ExitStack() as opened, contextlib.suppress(OSError, _Over):
            _Conversation(self, number, opened, connection).run()

    def keep(self, connection: socket.socket) -> None:
        """Remember whom to drop at the end."""
        with self._lock:
            self._sockets.append(connection)

    def end(self) -> None:
        """Drop everybody who is still there."""
        self.over.set()
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Conversation:
    def __init__(self, server: Server, number: int, opened: contextlib.ExitStack, connection: socket.socket) -> None:
        self.server, self.number, self.opened = server, number, opened
        self.sender = ""
        self.recipients: list[str] = []
        self.use(connection)

    def use(self, connection: socket.socket) -> None:
        self.server.keep(connection)
        self.connection: socket.socket = self.opened.enter_context(connection)
        self.lines: BinaryIO = self.opened.enter_context(connection.makefile("rb"))

    def run(self) -> None:
        self.do("connect")
        while text := self.heard():
            verb, _space, rest = text.rstrip("\r\n").partition(" ")
            self.obey(verb.lower(), rest)

    def heard(self) -> str:
        text = self.lines.readline().decode("latin-1")
        if text:
            line = text.rstrip("\r\n")
            self.server.commands.append((self.number, line))
            if not isinstance(self.connection, ssl.SSLSocket):
                self.server.in_clear.append(line)
        return text

    def obey(self, verb: str, rest: str) -> None:
        address = rest.partition("<")[2].partition(">")[0]
        if verb == "mail":
            self.sender, self.recipients = address, []
        elif verb == "rcpt":
            self.recipients.append(address)
        said = self.do(verb if verb in GOOD else "rset")
        while verb == "auth" and said.startswith(b"334") and self.heard():
            said = self.do("auth")
        if verb == "data" and said.startswith(b"354"):
            self.do("body")
            self.take()
        elif verb == "quit":
            raise _Over

    def take(self) -> None:
        mail = b""
        while (line := self.lines.readline()) != b".\r\n":
            if not line:
                raise _Over
            mail += line.removeprefix(b".")
        taken = Taken(self.number, self.sender, tuple(self.recipients), mail)
        answer = self.server.step("dot")
        if not _refuses(answer):
            self.server.accepted.append(taken)
        self.server.taken.append(taken)
        self.say(answer)

    def do(self, phase: str) -> bytes:
        return self.say(self.server.step(phase))

    def say(self, parts: tuple[Part, ...]) -> bytes:
        said = b""
        for part in parts:
            if isinstance(part, Act):
                self.act(part)
            elif isinstance(part, float | int):
                time.sleep(part)
            elif isinstance(part, threading.Event):
                part.wait(timeout=30)
            elif isinstance(part, Drip):
                self.drip(part)
            else:
                sent = part if isinstance(part, bytes) else part.encode() + b"\r\n"
                self.connection.sendall(sent)
                said += sent
        return said

    def drip(self, drip: Drip) -> None:
        until = time.monotonic() + LONG_ENOUGH
        while time.monotonic() < until and not self.server.over.wait(drip.pause):
            self.connection.sendall(drip.piece)

    def sip(self) -> None:
        until = time.monotonic() + LONG_ENOUGH
        while time.monotonic() < until and not self.server.over.wait(0.1) and self.lines.read(1 << 16):
            pass

    def act(self, act: Act) -> None:
        if act is SIP:
            self.sip()
            return
        if act is HANG:
            while self.lines.read(4096):
                pass
        if act is not TLS:
            raise _Over
        assert self.server.certificate is not None, "the server was given no certificate"
        self.use(self.server.certificate.wrap_socket(self.connection, server_side=True))


def _refuses(answer: tuple[Part, ...]) -> bool:
    """Whether the first thing that it says is a 4xx or 5xx."""
    words = [part.encode() if isinstance(part, str) else part for part in answer if isinstance(part, str | bytes)]
    return bool(words) and words[0][:1] in {b"4", b"5"}


@contextlib.contextmanager
def scripted(port: int = 0, certificate: ssl.SSLContext | None = None, /, **script: Phase) -> Iterator[Server]:
    """A server that follows `script`; keywords are the phases of GOOD. A script with TLS needs a certificate."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        steps = {phase: list(said) if isinstance(said, list) else said for phase, said in script.items()}
        server = Server(listener.getsockname()[1], steps, certificate)
        threads: list[threading.Thread] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _address = listener.accept()
                    thread = threading.Thread(target=server.talk, args=(connection,))
                    threads.append(thread)
                    thread.start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            server.end()
            for thread in threads:
                thread.join()
