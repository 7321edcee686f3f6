"""A conversation with a mail server, line by line, in which neither an answer nor the whole takes longer than it may.

Not smtplib: it does not tell a connection that nobody takes from a greeting that does not come.
"""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum

from app.deadlines import Deadline

_REPLY = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_MOST = 64 * 1024


class Ending(StrEnum):
    """How a conversation broke: the end of a sentence that begins with who it was."""

    SILENCE = "gave no answer"
    LEFT = "ended the conversation"
    TOO_LONG = "was so slow at each step that no time was left"
    NOT_SMTP = "answered something that is not SMTP"


class Broken(Exception):
    """There is no answer, and there will be none."""

    def __init__(self, ending: Ending, seconds: float | None = None) -> None:
        """`seconds` are those that the server had, for a silence."""
        super().__init__(ending.value)
        self.ending = ending
        self.seconds = seconds

    def __str__(self) -> str:
        within = "" if self.seconds is None else f" within {self.seconds:.3g} seconds"
        return f"{self.ending}{within}"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its code and its lines, decoded somehow."""

    code: int
    lines: tuple[str, ...]


class Talk:
    """Over a connected socket, which it closes. Every method that waits for an answer raises Broken."""

    def __init__(self, connection: socket.socket, seconds: float, whole: Deadline) -> None:
        self.seconds = seconds
        """For each answer, however many lines it has."""
        self._whole = whole
        self._connection = connection
        self._heard = b""

    def say(self, line: str) -> Reply:
        """Send a line and hear the answer to it."""
        try:
            self._connection.settimeout(self._left())
            self._connection.sendall(line.encode() + b"\r\n")
        except OSError:
            raise Broken(Ending.LEFT) from None
        return self.hear()

    def hear(self) -> Reply:
        """One answer, all its lines."""
        seconds = self._left()
        deadline = Deadline.after(seconds)
        lines: list[str] = []
        while True:
            try:
                match = _REPLY.fullmatch(self._line(deadline))
            except TimeoutError:
                raise Broken(Ending.SILENCE, seconds) from None
            if match is None or len(lines) > 100:
                raise Broken(Ending.NOT_SMTP)
            lines.append((match[3] or b"").decode("utf-8", "replace"))
            if match[2] != b"-":
                return Reply(int(match[1]), tuple(lines))

    def encrypt(self, context: ssl.SSLContext, name: str) -> ssl.SSLSocket:
        """From now on. What came in clear counts no longer. Raises OSError, SSLError among them."""
        self._heard = b""
        self._connection.settimeout(self._whole.within(self.seconds).left())
        self._connection = encrypted = context.wrap_socket(self._connection, server_hostname=name)
        return encrypted

    def close(self) -> None:
        """End the connection, without a word."""
        self._connection.close()

    def _left(self) -> float:
        """Seconds for the next step. Raises Broken when there are none."""
        try:
            return self._whole.within(self.seconds).left()
        except TimeoutError:
            raise Broken(Ending.TOO_LONG) from None

    def _line(self, deadline: Deadline) -> bytes:
        while b"\n" not in self._heard:
            if len(self._heard) > _MOST:
                raise Broken(Ending.NOT_SMTP)
            self._heard += self._received(deadline)
        line, _end, self._heard = self._heard.partition(b"\n")
        return line.rstrip(b"\r")

    def _received(self, deadline: Deadline) -> bytes:
        self._connection.settimeout(deadline.left())
        try:
            received = self._connection.recv(4096)
        except TimeoutError:
            raise
        except OSError:
            received = b""
        if not received:
            raise Broken(Ending.LEFT)
        return received
