"""Ports of this machine for servers that tests start."""

from __future__ import annotations

import contextlib
import secrets
import socket

_FIRST, _COUNT = 20_000, 12_000
"""Below those that systems give to whoever connects: many tests connect at the same time, in several processes."""


def free_port() -> int:
    """A port that nobody listens on just now."""
    while True:
        port = _FIRST + secrets.randbelow(_COUNT)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
