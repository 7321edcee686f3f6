"""A whole Redress as `bin/run` starts it, for tests: real processes on a free port, in a folder of its own."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from config import ROOT

PATIENCE = 40.0


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class Redress:
    """One start. Everything it writes is in `output`."""

    def __init__(self, data_dir: Path, port: int, settings: Mapping[str, str], log: Path) -> None:
        self.data_dir = data_dir
        self.port = port
        self._log = log
        self._environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(data_dir), "PORT": str(port), **settings}
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.serve"],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """What was written so far, by all of them."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def said(self) -> list[str]:
        """Its lines, but for those that depend on the day and on the network: how old the tables of legislators are."""
        return [
            line
            for line in self.output.splitlines()
            if not line.startswith(("  Note", "worker: WARNING The ", "worker: WARNING the "))
        ]

    def is_ready(self) -> bool:
        """Wait until it says how to stop it; False when it ended before."""
        until(lambda: "Ctrl-C" in self.output or self.process.poll() is not None, PATIENCE)
        return self.process.poll() is None

    def ended(self) -> int:
        """Wait for the end of the parent; its exit code."""
        return self.process.wait(PATIENCE)

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def flask(self, *arguments: str) -> str:
        """What a command of `flask` prints, with the settings of this start."""
        command = [sys.executable, "-m", "flask", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self._environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def pid(self, name: str) -> int:
        """The process of a child, which the parent started itself."""
        mine = [pid for pid, called in self.living().items() if name in called and _parent(pid) == self.process.pid]
        assert len(mine) == 1, self.living()
        return mine[0]

    def living(self) -> dict[int, str]:
        """All processes of this start that are alive, by their DATA_DIR, with what tools call them."""
        marker = f"DATA_DIR={self.data_dir}".encode()
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if marker in (entry / "environ").read_bytes().split(b"\0"):
                    found[int(entry.name)] = (entry / "comm").read_text().strip()
            except OSError:
                continue
        return found

    def kill_all(self) -> None:
        """Leave nothing behind, whatever the test did."""
        for pid in self.living():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(PATIENCE)


def _parent(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    match = re.search(r"^PPid:\s+(\d+)$", status, re.MULTILINE)
    return int(match[1]) if match else 0
