"""The end in time of a conversation with another program: of the whole of it.

The timeout of a socket counts from the last byte, and a program that sends one now and then is never late by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

IN_TIME = "in time"
"""The name of threads that somebody waits for until a deadline."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of this process's steady clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    def within(self, seconds: float) -> Deadline:
        """So many seconds from now, or this one where that comes before."""
        return Deadline(min(self.at, time.monotonic() + seconds))

    @property
    def is_over(self) -> bool:
        """Whether it has come."""
        return time.monotonic() >= self.at

    def left(self) -> float:
        """Seconds until it comes. Raises TimeoutError when it has."""
        seconds = self.at - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the time for the whole of it is over")
        return seconds


def in_time(work: Callable[[], T], deadline: Deadline) -> T:
    """What `work` returns or raises. Raises TimeoutError at the deadline, OSError when there is no thread for it.

    It runs in a thread, which is left to itself when it takes longer: nothing ends what asks the system's resolver.
    """
    results: SimpleQueue[tuple[T] | Exception] = SimpleQueue()
    left = deadline.left()

    def run() -> None:
        try:
            results.put((work(),))
        except Exception as error:  # whoever waits raises it
            results.put(error)

    try:
        Thread(target=run, name=IN_TIME, daemon=True).start()
    except RuntimeError as error:
        raise OSError("this machine has no thread left") from error
    try:
        result = results.get(timeout=left)
    except Empty:
        raise TimeoutError("the time for the whole of it is over") from None
    if isinstance(result, Exception):
        raise result
    return result[0]
