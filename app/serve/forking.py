"""A process that is made by dividing this one: it has all modules and tables already, and shares their memory."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

_SIGNALS: dict[signal.Signals, Callable[..., object] | signal.Handlers] = {
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGINT: signal.default_int_handler,
    signal.SIGHUP: signal.SIG_DFL,
}
_LOOK_EVERY = 0.02


class Child:
    """A process that this one has made, as subprocess.Popen shows one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, negative when a signal killed it; None while it lives."""
        if self._code is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # somebody else has waited for it
                pid, status = self.pid, 0
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def has_ended(self, within: float) -> bool:
        """Wait for its end, for so many seconds at most."""
        deadline = time.monotonic() + within
        while self.poll() is None:
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_EVERY)
        return True

    def terminate(self) -> None:
        """Ask it to end; does nothing to one that has ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it and all of its own session."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def fork(name: str, work: Callable[[], int], kept: Collection[int]) -> Child:
    """Start `work`, whose result is the exit code, in a child: a session of its own, with no descriptors but `kept`.

    There must be no other thread, and no open connection to a database. Tools show the child by `name`.
    """
    gc.freeze()  # a collector that looks at what both have would make a copy of it
    _flush()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # one that comes now is the child's, not its handlers'
    pid = os.fork()
    if pid == 0:
        _be(name, work, kept, before)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return Child(pid)


def _be(name: str, work: Callable[[], int], kept: Collection[int], signals: Collection[int]) -> NoReturn:
    code = 1
    try:
        os.setsid()
        for number, handler in _SIGNALS.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        _close_all_but(kept)
        with suppress(OSError):  # only Linux has it
            Path("/proc/self/comm").write_text(name, encoding="ascii")
        code = work()
    except SystemExit as end:  # gunicorn's way
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            logging.shutdown()
            _flush()
        finally:
            os._exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by whoever started us
            with suppress(OSError, ValueError):
                stream.flush()


def _close_all_but(kept: Collection[int]) -> None:
    """What is closed is still known to objects of the parent's; nothing here ever touches them again."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number in [int(entry) for entry in os.listdir("/dev/fd")]:
        if number > 2 and number not in kept:
            with suppress(OSError):  # the one that listed them
                os.close(number)
