"""From the name of a mail server to an open connection, with an end in time."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from app.deadlines import Deadline, in_time

LOOK_UP = 10.0
"""Seconds for the name, which no setting limits."""


def addresses_of(host: str, port: int, deadline: Deadline) -> tuple[str, ...]:
    """The IP addresses of a name, as this machine's own resolver knows them. Raises OSError."""

    def ask() -> tuple[str, ...]:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(info[4][0]) for info in infos))

    try:
        return in_time(ask, deadline.within(LOOK_UP))  # the system's resolver takes as long as it likes
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, "no name of a machine") from error


def connected(addresses: Sequence[str], port: int, seconds: float, deadline: Deadline) -> tuple[str, socket.socket]:
    """The first address that takes a connection, and that. Each has so many seconds, all together have twice as many.

    Raises OSError: why the first one did not.
    """
    deadline = deadline.within(2 * seconds)
    errors: list[OSError] = []
    for address in addresses:
        try:
            return address, socket.create_connection((address, port), timeout=min(seconds, deadline.left()))
        except OSError as error:
            errors.append(error)
    raise errors[0]
