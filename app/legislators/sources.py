"""Reading a file that tables are built from, and the values in its JSON, with sentences about what is wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from app.legislators import LegislatorsError


class InputUnusable(LegislatorsError):
    """A file from which tables should be built is missing, malformed or contradicts another; the message says how."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file as read."""

    path: Path
    sha256: str
    text: str


@dataclass(frozen=True, slots=True)
class Record:
    """One object of a JSON file; `where` begins the sentence about what is wrong with it."""

    where: str
    values: Mapping[str, object]

    def has(self, key: str) -> bool:
        """Whether there is something under the key."""
        return self.values.get(key) not in (None, "")

    def text(self, key: str) -> str:
        """Text with its white space collapsed. Raises InputUnusable when there is none."""
        if not self.has(key):
            raise InputUnusable(f"{self.where} has no “{key}”.")
        return self.text_or_empty(key)

    def text_or_empty(self, key: str) -> str:
        """Text with its white space collapsed. Raises InputUnusable when it is something else."""
        value = self.values.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)  # a suite's number
        if value is not None and not isinstance(value, str):
            raise InputUnusable(f"{self.where} has a “{key}” that is no text: {value!r}.")
        return " ".join(value.split()) if value else ""

    def number(self, key: str) -> int:
        """A whole number. Raises InputUnusable."""
        value = self.values.get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise InputUnusable(f"{self.where} has no whole number “{key}”.")
        return value

    def day(self, key: str) -> date:
        """A date like 2026-06-15. Raises InputUnusable."""
        text = self.text(key)
        try:
            return date.fromisoformat(text)
        except ValueError as error:
            raise InputUnusable(f"{self.where} has a “{key}” that is no date: {text!r}.") from error

    def child(self, key: str) -> Record:
        """An object within this one. Raises InputUnusable."""
        return record_of(self.values.get(key), f"{self.where}: “{key}”")

    def children(self, key: str) -> list[Record]:
        """A list of objects within this one. Raises InputUnusable."""
        return records_of(self.values.get(key), f"{self.where}: “{key}”")

    def point(self) -> str:
        """`latitude` and `longitude` as `lat,lon` to four decimals, empty when one is missing."""
        values = [self.values.get(key) for key in ("latitude", "longitude")]
        numbers = [value for value in values if isinstance(value, int | float)]
        return f"{numbers[0]:.4f},{numbers[1]:.4f}" if len(numbers) == 2 else ""


def read_source(path: Path) -> Source:
    """A UTF-8 file, with or without a byte-order mark. Raises InputUnusable."""
    try:
        content = path.read_bytes()
        return Source(path, hashlib.sha256(content).hexdigest(), content.decode("utf-8-sig"))
    except OSError as error:
        raise InputUnusable(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputUnusable(f"{path} is not text in UTF-8.") from error


def parse_json(source: Source) -> object:
    """What a JSON file holds. Raises InputUnusable."""
    try:
        value: object = json.loads(source.text)
    except ValueError as error:
        raise InputUnusable(f"{source.path} is not JSON ({error}).") from error
    return value


def record_of(value: object, where: str) -> Record:
    """A JSON object. Raises InputUnusable."""
    if not isinstance(value, dict):
        raise InputUnusable(f"{where} is not an object.")
    return Record(where, value)


def records_of(value: object, where: str) -> list[Record]:
    """A JSON list of objects. Raises InputUnusable."""
    if not isinstance(value, list):
        raise InputUnusable(f"{where} is not a list.")
    return [record_of(entry, f"{where}, entry {number}") for number, entry in enumerate(value, start=1)]
