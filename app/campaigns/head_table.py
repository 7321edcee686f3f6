"""One table of a campaign file's head: its values, what is wrong with them, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from app import typed
from app.campaigns.checks import AT_MOST, GOAL_LIMIT, Complaint, Problem, line_complaint
from app.spelling import nearest

KEYS = (
    "slug",
    "title",
    "headline",
    "targets",
    "subject",
    "topic",
    "opens",
    "closes",
    "language",
    "goal",
    "count-from",
    "share",
)
TRANSLATED_KEYS = ("title", "headline", "share", "subject")
NUMBERS = {"goal": "2000", "count-from": "100"}
"""Keys whose values are whole numbers, each with one."""
DAYS = {"opens": "2030-03-02", "closes": "2030-06-30"}
"""Keys whose values are days, each with one."""

_VALUE_BEGINS = re.compile(r"=[ \t]*\[?[ \t]*(?:\"{3}|'{3}|[\"']?)[ \t]*")
_GROUPED = re.compile(r"[0-9]{1,9}|[0-9]{1,3}(?:[ ,.'_][0-9]{3}){1,2}")
_ZEROS_AND_ONES = str.maketrans("OolI", "0011")


class Line(NamedTuple):
    """A line of the head, and its number in the file."""

    number: int
    text: str


class Table:
    """The keys of the head, or of one table in it; problems go to the list that is passed in."""

    def __init__(self, name: str, values: Mapping[str, object], lines: Sequence[Line], problems: list[Problem]) -> None:
        self.values = values
        self._name = name
        self._lines = lines
        self._problems = problems

    def place(self, key: str) -> tuple[int, int]:
        """Line and column of a key, or of the table when it does not have it."""
        start = re.compile(rf"\[{{0,2}}[ \t]*[\"']?{re.escape(key)}[\"']?[ \t]*[\].=]")
        for line in self._lines:
            text = line.text.lstrip()
            if start.match(text):
                return line.number, len(line.text) - len(text) + 1
        return self._lines[0].number, 1

    def place_in(self, key: str, words: str) -> tuple[int, int]:
        """Line and column of the first of these words in the value of a key, as far as they stand there as they are."""
        start = self.place(key)
        for line in self._lines if words else ():
            if line.number < start[0]:
                continue
            begins = _VALUE_BEGINS.search(line.text, start[1] - 1) if line.number == start[0] else None
            for text in (line.text, typed.plain_form(line.text)):
                found = text.find(words, begins.end() if begins else 0)
                if found >= 0:
                    return line.number, found + 1
        return start

    def complain(self, key: str, message: str, words: str = "") -> None:
        """Report a problem at these words in the value of the key, or at the key, or at the top of the table."""
        self._problems.append(Problem(*self.place_in(key, words), message))

    def unknown_keys(self) -> None:
        """Complain of what a translation's table can't hold."""
        for key in sorted(self.values.keys() - set(TRANSLATED_KEYS))[:AT_MOST]:
            meant = nearest(typed.plain_form(key), TRANSLATED_KEYS)
            hint = f"write {meant}" if meant else f"its keys are {', '.join(TRANSLATED_KEYS)}"
            if key in KEYS:
                hint = f"move it above [{self._name}]"
            self.complain(key, f"There is no key {key[:80]} below [{self._name}]{typed.unlike(key)}; {hint}.")

    def value(self, key: str, example: str) -> object:
        """The value of a key that must be there; None after a complaint."""
        if key not in self.values:
            below = f" below [{self._name}]" if self._name else ""
            self.complain(key, f"Add a line like {key} = {example}{below}.")
        return self.values.get(key)

    def text(self, key: str, complaint: Callable[[str], Complaint | None]) -> str:
        """A text that must be there; as it is after a complaint."""
        value = self.value(key, '"…"')
        if value is None:
            return ""
        if not isinstance(value, str):
            self.complain(key, f"Write the {key} between quotes.")
            return ""
        value = value.strip()
        if found := complaint(value):
            self.complain(key, found.message, found.sign)
        return value

    def line(self, key: str) -> str:
        """A text of one line that must be there."""
        return typed.line(self.text(key, lambda value: line_complaint(key, value)))

    def number(self, key: str) -> int | None:
        """A whole number from 1 to GOAL_LIMIT; None when it is not there, and after a complaint."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            self.complain(key, f"{without_quotes(key, str(value))}.")
            return None
        if not 1 <= value <= GOAL_LIMIT:
            self.complain(key, f"Set {key} to a number from 1 to {GOAL_LIMIT:,}.")
            return None
        return value

    def day(self, key: str) -> date | None:
        """A day; None when it is not there, and after a complaint."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, datetime) or not isinstance(value, date):
            self.complain(key, f"{without_quotes(key, str(value))}.")
            return None
        return value


def without_quotes(key: str, value: str) -> str:
    """How to write the value of one of NUMBERS or DAYS: as it was meant, where that can be told."""
    if key in NUMBERS:
        meant = _number_meant(value) or NUMBERS[key]
        return f"Write {key} as a whole number without quotes, like {key} = {meant}"
    return f"Write the day without quotes and without a time, like {key} = {_day_meant(value) or DAYS[key]}"


def _number_meant(value: str) -> str | None:
    """Of `2,000`, `2 000` or `2OOO`: its digits."""
    plain = typed.plain_form(value).strip(" \t\"'").translate(_ZEROS_AND_ONES)
    return str(int(re.sub("[^0-9]", "", plain))) if _GROUPED.fullmatch(plain) else None


def _day_meant(value: str) -> str | None:
    """Of `03/02/2030`, as days are written in the United States, or of `2030/3/2`: the day as TOML has it."""
    numbers = re.findall("[0-9]{1,4}", typed.plain_form(value))[:3]
    if len(numbers) < 3:
        return None
    year, month, day = map(int, numbers if len(numbers[0]) == 4 else (numbers[2], *numbers[:2]))
    try:
        return date(year, *((month, day) if month <= 12 else (day, month))).isoformat() if year > 999 else None
    except ValueError:
        return None
