"""What `flask doctor` finds out: one value for each thing that it has looked at. Nothing here changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """ok: nothing to do. warn: it works, or nobody can tell from here. fail: this stops letters, or loses them."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was seen, and what to do about it, in words for people.

    `do` is "" when there is nothing to do; below its first line stand records to paste, one a line.
    """

    verdict: Verdict
    subject: str
    says: str
    do: str = ""


class Stopped(Exception):
    """What was found makes every further step of the same check pointless."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.says)
        self.finding = finding


def ok(subject: str, says: str, do: str = "") -> Finding:
    """All is well; `do` is then a hint."""
    return Finding(Verdict.OK, subject, says, do)


def warn(subject: str, says: str, do: str) -> Finding:
    """Something to look at."""
    return Finding(Verdict.WARN, subject, says, do)


def fail(subject: str, says: str, do: str) -> Finding:
    """Something to mend."""
    return Finding(Verdict.FAIL, subject, says, do)


def days(count: int) -> str:
    """`1 day`, `12 days`."""
    return f"{count:,} {'day' if count == 1 else 'days'}"


def printable(text: str, most: int = 200) -> str:
    """What somebody else has written, in one line, cut, and without anything that could command a terminal."""
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    return line if len(line) <= most else f"{line[:most]}…"
