"""The way to the mail server, up to an open connection: its name, and its port."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass

from app.doctor import Finding, Stopped, fail
from settings.mail_server import MailServer

SERVER, PORT = "mail server", "mail port"
_NETWORK = "Look whether this machine has a network, and whether a firewall of its own forbids it."


@dataclass(frozen=True, slots=True)
class Way:
    """Where the server was reached: one of its IP addresses."""

    address: str
    port: int

    def open(self, seconds: float) -> socket.socket:
        """Another connection to the same place. Raises OSError."""
        return socket.create_connection((self.address, self.port), timeout=seconds)


def look_up(server: MailServer, seconds: float) -> tuple[str, ...]:
    """The IP addresses of the server, as this machine's own resolver knows them. Raises Stopped."""
    found: list[tuple[str, ...] | OSError | UnicodeError] = []

    def ask() -> None:
        try:
            infos = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
            found.append(tuple(dict.fromkeys(str(info[4][0]) for info in infos)))
        except (OSError, UnicodeError) as error:
            found.append(error)

    # The system's resolver takes as long as it likes; a thread can be left behind.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    answer = found[0] if found else TimeoutError()
    if isinstance(answer, tuple):
        return answer
    raise Stopped(no_address(answer, server.host))


def no_address(error: OSError | UnicodeError, host: str) -> Finding:
    """What it means that a name could not be looked up."""
    unknown = isinstance(error, socket.gaierror) and error.errno not in {socket.EAI_AGAIN, socket.EAI_FAIL}
    if unknown or isinstance(error, UnicodeError):
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


def connect(server: MailServer, addresses: tuple[str, ...], seconds: float) -> tuple[Way, socket.socket]:
    """The first address that takes a connection; all of them together have twice the time of one. Raises Stopped."""
    deadline = time.monotonic() + 2 * seconds
    errors: list[OSError] = []
    for address in addresses:
        way, left = Way(address, server.port), deadline - time.monotonic()
        if left <= 0:
            break
        try:
            return way, way.open(min(seconds, left))
        except OSError as error:
            errors.append(error)
    raise Stopped(_no_connection(errors[0], server, seconds))


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
