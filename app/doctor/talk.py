"""A conversation with a mail server, line by line, in which no answer can take longer than it may.

Not smtplib: a server that sends a byte now and then would hold that for ever, and it does not tell a connection that
nobody takes from a greeting that does not come.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from dataclasses import dataclass
from enum import StrEnum

_REPLY = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_MOST = 64 * 1024


class Ending(StrEnum):
    """How a conversation broke: the end of a sentence that begins with who it was."""

    SILENCE = "gave no answer"
    LEFT = "ended the conversation"
    NOT_SMTP = "answered something that is not SMTP"


class Broken(Exception):
    """There is no answer, and there will be none."""

    def __init__(self, ending: Ending, seconds: float) -> None:
        super().__init__(ending.value)
        self.ending = ending
        self.seconds = seconds

    def __str__(self) -> str:
        within = f" within {self.seconds:.3g} seconds" if self.ending is Ending.SILENCE else ""
        return f"{self.ending}{within}"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its code and its lines, decoded somehow."""

    code: int
    lines: tuple[str, ...]


class Talk:
    """Over a connected socket, which it closes. Every method that waits for an answer raises Broken."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self.seconds = seconds
        """For each answer, however many lines it has."""
        self._connection = connection
        self._heard = b""

    def say(self, line: str) -> Reply:
        """Send a line and hear the answer to it."""
        try:
            self._connection.settimeout(self.seconds)
            self._connection.sendall(line.encode() + b"\r\n")
        except OSError:
            raise Broken(Ending.LEFT, self.seconds) from None
        return self.hear()

    def hear(self) -> Reply:
        """One answer, all its lines."""
        deadline = time.monotonic() + self.seconds
        lines: list[str] = []
        while True:
            match = _REPLY.fullmatch(self._line(deadline))
            if match is None or len(lines) > 100:
                raise Broken(Ending.NOT_SMTP, self.seconds)
            lines.append((match[3] or b"").decode("utf-8", "replace"))
            if match[2] != b"-":
                return Reply(int(match[1]), tuple(lines))

    def encrypt(self, context: ssl.SSLContext, name: str) -> ssl.SSLSocket:
        """From now on. What came in clear counts no longer. Raises OSError, SSLError among them."""
        self._heard = b""
        self._connection.settimeout(self.seconds)
        self._connection = encrypted = context.wrap_socket(self._connection, server_hostname=name)
        return encrypted

    def close(self) -> None:
        """End the connection, without a word."""
        self._connection.close()

    def _line(self, deadline: float) -> bytes:
        while b"\n" not in self._heard:
            if len(self._heard) > _MOST:
                raise Broken(Ending.NOT_SMTP, self.seconds)
            self._heard += self._received(deadline)
        line, _end, self._heard = self._heard.partition(b"\n")
        return line.rstrip(b"\r")

    def _received(self, deadline: float) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0:
            raise Broken(Ending.SILENCE, self.seconds)
        try:
            self._connection.settimeout(left)
            received = self._connection.recv(4096)
        except TimeoutError:
            raise Broken(Ending.SILENCE, self.seconds) from None
        except OSError:
            raise Broken(Ending.LEFT, self.seconds) from None
        if not received:
            raise Broken(Ending.LEFT, self.seconds)
        return received
