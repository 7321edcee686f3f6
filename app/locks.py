"""Being alone with a data folder: the locks that `bin/run` and its programs hold while they live."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

LAST_RUN_ENDS_IN = 8.0
"""Seconds in which the programs of a start that was killed have ended."""


class InUse(Exception):
    """A Redress, or what is left of one, works with the folder."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep every start, and every program of one, out of the folder meanwhile. Raises InUse, OSError."""
    with ExitStack() as held:
        lock = take(folder / "run.lock")
        held.callback(os.close, lock)
        say_where(lock, "")
        for name in ("children.lock", "worker.lock"):
            held.callback(os.close, take(folder / name, patience=LAST_RUN_ENDS_IN))
        yield


def say_where(handle: int, address: str) -> None:
    """Write into the lock file of a start under which address people find its pages."""
    os.ftruncate(handle, 0)
    os.pwrite(handle, address.encode(), 0)


def running_at(folder: Path) -> str | None:
    """The address of the pages of the start that runs with the folder; None if none does, or nobody can tell."""
    with suppress(OSError), (folder / "run.lock").open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return lock.read().decode("ascii", "replace") or None
    return None


def take(path: Path, *, patience: float = 0.0) -> int:
    """The descriptor of a lock file that is ours until it is closed. Raises InUse after `patience` seconds, OSError."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                os.close(handle)
                raise InUse from error
            time.sleep(0.05)
        else:
            return handle
