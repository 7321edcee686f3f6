"""The way to the mail server, up to an open connection: its name, and its port."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from app.deadlines import Deadline
from app.delivery.connecting import addresses_of, connected
from app.doctor import Finding, Stopped, fail
from app.doctor.talk import Talk
from settings.mail_server import MailServer

SERVER, PORT = "mail server", "mail port"
_NETWORK = "Look whether this machine has a network, and whether a firewall of its own forbids it."


@dataclass(frozen=True, slots=True)
class Way:
    """Where the server was reached, one of its IP addresses; and when the whole visit has to be over."""

    address: str
    port: int
    whole: Deadline

    def open(self, seconds: float) -> Talk:
        """Another conversation at the same place. Raises OSError."""
        _address, connection = connected([self.address], self.port, seconds, self.whole)
        return Talk(connection, seconds, self.whole)


def look_up(server: MailServer, deadline: Deadline) -> tuple[str, ...]:
    """The IP addresses of the server, as this machine's own resolver knows them. Raises Stopped."""
    try:
        return addresses_of(server.host, server.port, deadline)
    except OSError as error:
        raise Stopped(no_address(error, server.host)) from None


def no_address(error: OSError, host: str) -> Finding:
    """What it means that a name could not be looked up."""
    unknown = isinstance(error, socket.gaierror) and error.errno not in {socket.EAI_AGAIN, socket.EAI_FAIL}
    if unknown:
        return fail(
            SERVER,
            f"There is no machine of the name {host}.",
            "Set MAIL_SERVER to the name that your mail provider gives for sending (SMTP); mind its spelling.",
        )
    return fail(
        SERVER,
        f"The name {host} could not be looked up: this machine's DNS gave no answer.",
        f"{_NETWORK} /etc/resolv.conf says whom it asks for names.",
    )


def connect(server: MailServer, addresses: tuple[str, ...], seconds: float, whole: Deadline) -> tuple[Way, Talk]:
    """A conversation with the first address that takes a connection. Raises Stopped."""
    try:
        address, connection = connected(addresses, server.port, seconds, whole)
    except OSError as error:
        raise Stopped(_no_connection(error, server, seconds)) from None
    return Way(address, server.port, whole), Talk(connection, seconds, whole)


def _no_connection(error: OSError, server: MailServer, seconds: float) -> Finding:
    if isinstance(error, ConnectionRefusedError):
        return fail(
            PORT,
            f"Nobody listens on port {server.port} of {server.host}.",
            "Set MAIL_PORT to the port that your mail provider gives: 587 as a rule, 465 with MAIL_USE_SSL=1. If the "
            "server is on this machine, start it.",
        )
    if isinstance(error, TimeoutError):
        return fail(
            PORT,
            f"No connection to {server.address} within {seconds:.3g} seconds: something on the way swallows it.",
            f"Many hosters block port {server.port} at first: ask yours to open it, or ask your mail provider for "
            "another MAIL_PORT (587, 465, often 2525). A wrong MAIL_SERVER looks the same.",
        )
    return fail(PORT, f"There is no way to {server.address} ({error.strerror or type(error).__name__}).", _NETWORK)
