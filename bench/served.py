"""gunicorn as bin/run sets it up, for an application of ours or for a floor."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config import ROOT


@dataclass(frozen=True)
class Served:
    """A server that runs: where, and as which process."""

    port: int
    process: int

    def computed(self) -> float:
        """Seconds of a processor that its workers have taken so far (Linux)."""
        children = Path(f"/proc/{self.process}/task/{self.process}/children").read_text(encoding="ascii").split()
        files = [Path(f"/proc/{child}/stat").read_text(encoding="ascii") for child in children]
        stats = [file.rpartition(")")[2].split() for file in files]  # the name before the bracket may hold anything
        return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def served(application: str, **settings: str) -> Iterator[Served]:
    """The server, once it answers: two processes of eight threads."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    command = ["gunicorn", "-b", f"127.0.0.1:{port}", "-w", "2", "-k", "gthread", "--threads", "8"]
    options = ["--no-control-socket", "--log-level", "critical", application]
    environment = {"PATH": "", "LIMIT_NETWORK": "1000000", **settings}
    with subprocess.Popen([sys.executable, "-m", *command, *options], cwd=ROOT, env=environment) as server:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        try:
            yield Served(port, server.pid)
        finally:
            server.terminate()
