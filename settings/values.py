"""Parsers of plain values: a choice, a number, a duration, a line of text.

Like those of `addresses.py` and `files.py` they raise ValueError with words that finish the sentence "NAME must be …".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

LONGEST_PAUSE = "7d"
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Characters that a line of text does not have."""
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def one_of(*words: str) -> Callable[[str], str]:
    """Make a parser that takes these words only."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(" or ".join(words))
        return text

    return parse


def switch(text: str) -> bool:
    """Parse `1` or `0`."""
    if text not in {"0", "1"}:
        raise ValueError("1 (on) or 0 (off)")
    return text == "1"


def whole(low: int, high: int) -> Callable[[str], int]:
    """Make a parser of whole numbers within these bounds, both included."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def rate(text: str) -> int | None:
    """How many a minute; None for "", which is as many as there are."""
    return whole(1, 100_000)(text) if text else None


def duration(text: str) -> timedelta:
    """Parse `2s`, `10m`, `24h` or `7d`."""
    match = _DURATION.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise ValueError("a duration like 2s, 10m, 24h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def at_most(longest: str) -> Callable[[str], timedelta]:
    """Make a parser of durations up to this one."""

    def parse(text: str) -> timedelta:
        try:
            lasting = duration(text)
        except ValueError:
            lasting = timedelta.max
        if lasting > duration(longest):
            raise ValueError(f"a duration like 2s or 10m, and no longer than {longest}")
        return lasting

    return parse


def pauses(text: str) -> tuple[timedelta, ...]:
    """Durations with blanks between, one at least."""
    try:
        found = tuple(at_most(LONGEST_PAUSE)(part) for part in text.split())
    except ValueError:
        found = ()
    if not found:
        raise ValueError(f"a list of pauses like 2m 10m 1h, none of them longer than {LONGEST_PAUSE}")
    return found


def keeping(text: str) -> timedelta:
    """For a sentence that says "7 days" or "36 hours": nothing finer, and nobody's words for ever."""
    kept = duration(text)
    if kept % timedelta(hours=1) or not timedelta(hours=1) <= kept <= timedelta(days=400):
        raise ValueError("whole hours or days, from 1h to 400d")
    return kept


def name(text: str) -> str:
    """What pages and mails show as a name."""
    if not text.strip() or len(text) > 100 or CONTROL.search(text):
        raise ValueError("a name of 1 to 100 characters on one line")
    return text.strip()


def line(text: str) -> str:
    """A line that may be empty."""
    if len(text) > 200 or CONTROL.search(text):
        raise ValueError("at most 200 characters on one line")
    return text.strip()


def credential(text: str) -> str:
    """What logs in, as it stands."""
    if CONTROL.search(text):
        raise ValueError("one line, as your mail provider gave it to you")
    return text
