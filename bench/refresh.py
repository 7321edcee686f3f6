"""A refresh of the whole data set by the real command: CPU seconds and peak memory; floor: a command that only looks.

Every run is a process of its own on an empty DATA_DIR. This one imports nothing of ours: a child's peak would begin
with its parent's.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MOST_SECONDS, MOST_MEGABYTES, ROUNDS = 5.0, 150.0, 5
FLASK = (sys.executable, "-m", "flask", "legislators")
CHANGE = "phone changed."


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds of computing, user's and system's, and megabytes at its peak."""

    seconds: float
    megabytes: float


def main() -> None:
    """Measure with the small files, for which the limits are, and with those that the Census publishes."""
    for words, options in (("two-column crosswalk and CSV", []), ("the Census's files and zips.json", ["--full"])):
        with tempfile.TemporaryDirectory(prefix="redress-bench-") as folder:
            subprocess.run([sys.executable, "-m", "bench.published", folder, *options], cwd=ROOT, check=True)
            _compare(words, folder, limits=not options)


def _compare(words: str, files: str, *, limits: bool) -> None:
    day = _day()
    ours: list[Cost] = []
    floor: list[Cost] = []
    for _ in range(ROUNDS):
        cost, said = _run("refresh", "--from", files, "--as-of", "members", day)
        if not said.strip().endswith(CHANGE) or len(said.strip().splitlines()) != 1:
            sys.exit(f"The refresh should have found one change and nothing else, and said: {said}")
        ours.append(cost)
        floor.append(_run("info")[0])
    _report(f"refresh, CPU ({words})", "s", [c.seconds for c in ours], [c.seconds for c in floor], MOST_SECONDS, limits)
    peaks = [c.megabytes for c in ours], [c.megabytes for c in floor]
    _report(f"refresh, peak of RSS ({words})", "MB", *peaks, MOST_MEGABYTES, limits)


def _day() -> str:
    said = _run("info")[1]
    return said.partition(" as of ")[2][:10]


def _run(*arguments: str) -> tuple[Cost, str]:
    """What `flask legislators …` takes, and says on standard output."""
    with tempfile.TemporaryDirectory(prefix="redress-bench-") as folder, tempfile.TemporaryFile("w+") as said:
        environment = {"DATA_DIR": folder, "PATH": ""}
        process = subprocess.Popen(
            [*FLASK, *arguments], cwd=ROOT, env=environment, stdout=said, stderr=subprocess.PIPE, text=True
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"`{' '.join(arguments)}` failed: {process.stderr.read() if process.stderr else ''}")
        said.seek(0)
        return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024), said.read()


def _report(what: str, unit: str, ours: list[float], floor: list[float], most: float, limits: bool) -> None:
    our, bare = statistics.median(ours), statistics.median(floor)
    limit = f"; less than {most:.0f} {unit} {'holds' if our < most else 'DOES NOT HOLD'}" if limits else ""
    print(f"{what}: ours {our:.1f} {unit}, floor {bare:.1f} {unit}, ratio {our / bare:.2f}{limit}")


if __name__ == "__main__":
    if sys.platform != "linux":
        sys.exit("This reads a child's peak in kilobytes, as Linux tells it.")
    main()
