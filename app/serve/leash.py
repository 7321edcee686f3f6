"""The leash between parent and children: a socket pair that tells each side when the other is gone, however it went.

Only the parent holds one end, all children (and theirs) hold the other. The system closes the ends of a process that
is killed, so the children learn of the parent's death, and the parent knows when the last of them has ended. Nothing
is ever written.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable

GRACE = 3.0
"""Seconds that a child has to end in order once its parent is gone."""


class Leash:
    """The parent's side."""

    def __init__(self) -> None:
        self._mine, self._theirs = socket.socketpair()

    @property
    def end(self) -> int:
        """The descriptor that a child inherits."""
        return self._theirs.fileno()

    def let_go(self, timeout: float) -> None:
        """Tell whoever is left to end, and wait until all have, at most `timeout` seconds."""
        self._theirs.close()
        self._mine.settimeout(timeout)
        try:
            self._mine.shutdown(socket.SHUT_WR)
            self._mine.recv(1)
        except OSError:  # in vain, or the other end was lost in a hurry
            pass
        finally:
            self._mine.close()


def follow(end: int, on_parents_end: Callable[[], None]) -> None:
    """In a child: when the parent is gone call `on_parents_end`, and leave by force if that has not helped in time."""
    threading.Thread(target=_follow, args=(end, on_parents_end), name="leash", daemon=True).start()


def _follow(end: int, on_parents_end: Callable[[], None]) -> None:
    while os.read(end, 1):
        pass
    on_parents_end()
    time.sleep(GRACE)
    os._exit(1)
