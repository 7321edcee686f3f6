"""Reading a file that tables are built from, and the values in its JSON, with sentences about what is wrong."""

from __future__ import annotations

import bz2
import csv
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from app.legislators import LegislatorsError

MOST_BYTES = 64_000_000
"""Of a file of text; the published ones have up to 6 MB. A packed one may not grow to more."""

Point = tuple[float, float]
"""Latitude, longitude in degrees."""


class InputUnusable(LegislatorsError):
    """A file from which tables should be built is missing, malformed or contradicts another; the message says how."""


@dataclass(frozen=True, slots=True)
class Content:
    """A file as read, byte for byte."""

    path: Path
    sha256: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Source:
    """A file of text as read; `sha256` is that of the file, packed if it was."""

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
            raise InputUnusable(f"{self.where} has a “{key}” that is no text: {value!r:.100}.")
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

    def point(self, latitude: str, longitude: str) -> Point | None:
        """The point under two keys, numbers or their text; None when one is missing, or both are zero."""
        values = [self.values.get(key) for key in (latitude, longitude)]
        return None if None in values or "" in values else point_of(values[0], values[1], self.where)


def read_content(path: Path, most: int) -> Content:
    """A file of at most so many bytes. Raises InputUnusable."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise InputUnusable(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > most:
        raise InputUnusable(f"{path} is larger than {most // 1_000_000} MB: is it the right file?")
    return Content(path, hashlib.sha256(data).hexdigest(), data)


def read_source(path: Path) -> Source:
    """A UTF-8 file, with or without a byte-order mark, or one packed with bzip2. Raises InputUnusable."""
    return _source(read_content(path, MOST_BYTES))


def source_of(name: Path, data: bytes) -> Source:
    """Bytes that were got elsewhere, taken like a file; `name` is for sentences. Raises InputUnusable."""
    return _source(Content(name, hashlib.sha256(data).hexdigest(), data))


def parse_json(source: Source) -> object:
    """What a JSON file holds. Raises InputUnusable."""
    return parsed(source.path, source.text)


def parsed(path: Path, text: str | bytes) -> object:
    """What the JSON of a file holds. Raises InputUnusable."""
    try:
        value: object = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise InputUnusable(f"{path} is not JSON ({error}).") from error
    except RecursionError as error:
        raise InputUnusable(f"{path} is not JSON of any known shape (it is nested too deep).") from error
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


def rows_of(source: Source, needed: tuple[str, ...], delimiter: str = ",") -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a table by column, each with the words for its place. Raises InputUnusable."""
    lines = whole_lines(source)
    columns = [name.strip(' \t"') for name in (lines or [""])[0].split(delimiter)]
    missing = [column for column in needed if column not in columns]
    if missing:
        raise InputUnusable(f"{source.path} has no column {missing[0]}.")
    reader = csv.DictReader(lines[1:], columns, restval="", restkey="", delimiter=delimiter, strict=True)
    try:
        for row in reader:
            yield f"{source.path}, line {reader.line_num + 1}", row
    except csv.Error as error:
        raise InputUnusable(f"{source.path}, line {reader.line_num + 1} is not CSV ({error}).") from error


def whole_lines(source: Source) -> list[str]:
    """The lines of a table. Raises InputUnusable when the last one has no end: a download may have broken off."""
    if source.text and not source.text.endswith(("\n", "\r")):
        raise InputUnusable(
            f"{source.path} ends in the middle of a line: is it whole? (A table ends with a line break.)"
        )
    return source.text.splitlines()


def point_of(latitude: object, longitude: object, where: str) -> Point | None:
    """The point of two numbers or their text, None for two zeros. Raises InputUnusable."""
    try:
        lat, lon = (
            float(value) if isinstance(value, int | float | str) else math.nan for value in (latitude, longitude)
        )
    except ValueError as error:
        raise InputUnusable(f"{where} has a point that is not two numbers.") from error
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise InputUnusable(f"{where} has a point that is not on this earth.")
    return (lat, lon) if lat or lon else None


def _source(content: Content) -> Source:
    data = _unpacked(content) if content.data.startswith(b"BZh") else content.data
    try:
        return Source(content.path, content.sha256, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputUnusable(f"{content.path} is not text in UTF-8.") from error


def _unpacked(content: Content) -> bytes:
    unpacking = bz2.BZ2Decompressor()
    try:
        data = unpacking.decompress(content.data, MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputUnusable(f"{content.path} is not a file of bzip2 ({error}).") from error
    if len(data) > MOST_BYTES:
        raise InputUnusable(f"{content.path} unpacks to more than {MOST_BYTES // 1_000_000} MB: is it the right file?")
    if not unpacking.eof:
        raise InputUnusable(f"{content.path} ends too early: is it whole?")
    return data


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")
