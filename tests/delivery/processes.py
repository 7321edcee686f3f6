"""Workers in processes of their own, as `bin/run` starts them, for tests that kill them."""

from __future__ import annotations

import contextlib
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from config import ROOT
from tests import factories
from tests.delivery.halting_worker import REACHED, Step
from tests.smtp_server import Server

PATIENCE = 30.0
"""Seconds after which a test fails that waits for something: many times what it takes on a busy machine."""


@contextlib.contextmanager
def worker(data_dir: Path, server: Server, halt: Step | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A worker, which stays at the step `halt` if there is one; killed at the end if it has not ended."""
    environment = {
        "DATA_DIR": str(data_dir),
        "SECRET_KEY": factories.SECRET,
        "UNKNOWN_RETRY": "1s",
        "LETTER_RETRIES": "1s 1s",
        **factories.database_of(data_dir),
    }
    program = (
        ["tests.delivery.halting_worker", str(server.port), halt]
        if halt
        else ["tests.worker_process", str(server.port)]
    )
    command = [sys.executable, "-m", *program]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as child:
        try:
            yield child
        finally:
            child.kill()


def kill_at_its_step(child: subprocess.Popen[bytes]) -> None:
    """Wait until a worker stays where it shall, and send it SIGKILL."""
    assert child.stdout is not None
    assert select.select([child.stdout], [], [], PATIENCE)[0], "it never came there"
    assert child.stdout.readline() == REACHED
    child.kill()
    child.wait()


def until(condition: Callable[[], bool]) -> None:
    """Return as soon as it is true; fails after `PATIENCE`."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
