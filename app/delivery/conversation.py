"""smtplib's conversation with a mail server, with an end in time for each step and for the whole."""

from __future__ import annotations

import io
import smtplib
import socket
import ssl
from typing import TYPE_CHECKING

from app.deadlines import Deadline
from app.delivery.connecting import addresses_of, connected

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_LONGEST_ANSWER = 64 * 1024
"""Octets, however many lines they are."""


class Conversation(smtplib.SMTP):
    """Connected and greeted when it is made. A step that takes longer than `seconds`, or than until `whole`, ends it.

    smtplib by itself waits as long again after each byte, and reads the lines of an answer for as long as they come.
    """

    def __init__(
        self, host: str, port: int, hello: str, seconds: float, whole: Deadline, tls: ssl.SSLContext | None = None
    ) -> None:
        """`tls` is for a server that is to be encrypted from the first byte. Raises OSError, SMTPException."""
        self.seconds = seconds
        """For each step: to connect, a handshake, sending a command or a message, an answer to it."""
        self.whole = whole
        """When all of them have to be done."""
        self._tls = tls
        self._answer, self._room = whole, 0
        super().__init__(host, port, hello)  # smtplib learns here which name the certificate must bear, and connects

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        _address, plain = connected(addresses_of(host, port, self.whole), port, self.seconds, self.whole)
        plain.settimeout(self.seconds)  # a handshake has it for all of it
        return plain if self._tls is None else self._tls.wrap_socket(plain, server_hostname=host)

    def send(self, s: ReadableBuffer | str) -> None:
        """All of it, however little the server takes at a time. Raises SMTPServerDisconnected."""
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("there is no connection")
        rest = memoryview(s.encode(self.command_encoding) if isinstance(s, str) else s)
        deadline = self.whole.within(self.seconds)
        try:
            while rest:
                self.sock.settimeout(deadline.left())
                rest = rest[self.sock.send(rest) :]
        except OSError as error:
            self.close()
            raise smtplib.SMTPServerDisconnected("the server does not take it") from error

    def getreply(self) -> tuple[int, bytes]:
        """The answer, all its lines. Raises SMTPServerDisconnected, SMTPResponseException."""
        self._answer, self._room = self.whole.within(self.seconds), _LONGEST_ANSWER
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Received(self))
        found = super().getreply()
        if self.sock is not None:
            self.sock.settimeout(self.seconds)  # for a handshake, which smtplib begins after the answer to STARTTLS
        return found

    def receive_into(self, buffer: WriteableBuffer) -> int:
        """What comes next of an answer. Raises OSError when it should be over."""
        if self.sock is None:
            raise OSError("there is no connection")
        self.sock.settimeout(self._answer.left())
        count = self.sock.recv_into(buffer)
        self._room -= count
        if self._room < 0:
            raise OSError("the answer has no end")
        return count


class _Received(io.RawIOBase):
    """What comes from the server, as a file."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self._conversation = conversation

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return self._conversation.receive_into(buffer)
