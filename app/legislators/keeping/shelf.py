"""All tables that a site has, and which of them are in force at a moment."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Lock

from app.legislators import TablesUnusable
from app.legislators.congresses import begins, congress_at
from app.legislators.keeping.condition import Condition, condition
from app.legislators.keeping.generations import POINTER, PointerUnreadable, load_generation, made_at, read_pointer
from app.legislators.tables import Tables, load

log = logging.getLogger(__name__)

AGAIN = 60.0
"""Seconds after which what could not be read is tried again: the cause may have passed."""

_OF_ZIPS = ("crosswalk", "zip_points", "zip_places")
"""The sources that say which ZIP code lies where."""


@dataclass(frozen=True, slots=True)
class Generation:
    """Refreshed tables and the name of their folder."""

    name: str
    tables: Tables

    @property
    def made_at(self) -> datetime:
        """When it was made."""
        return made_at(self.name)


_Stat = tuple[int, int, int] | str | None


@dataclass(frozen=True, slots=True)
class _Content:
    """What the shelf has in memory, and of which pointer: its time, size and inode, or the error that it gave."""

    stat: _Stat
    generations: Mapping[int, Generation]
    again_at: float | None = None
    """When to try again, by the monotonic clock, because something could not be read."""


class Shelf:
    """The shipped tables and the refreshed ones in force, for threads. Notices by itself when the latter change."""

    def __init__(
        self,
        shipped: Path,
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
        read: Callable[[Path], Tables] = load,
    ) -> None:
        """Raises TablesUnusable when the shipped tables are; refreshed ones that cannot be read are logged.

        `clock` gives seconds, `read` the shipped tables.
        """
        self.shipped = read(shipped)
        self.folder = folder
        self._shipped_at = shipped
        self._clock = clock
        self._reading = Lock()
        self._content = _Content(None, {})
        self._look()

    def tables(self, on: datetime) -> Tables:
        """What is in force at a moment with a zone. Costs one look at a file unless that has changed. Raises nothing.

        Of the tables of the Congress that sits then the newest, of equally new ones the refreshed; else of the Congress
        before it; else the newest of all. So tables of the next Congress may lie ready.
        """
        self._look()
        return _in_force(congress_at(on), self.shipped, self._content.generations)

    def refreshed(self) -> tuple[Generation, ...]:
        """The refreshed tables that are in memory, by Congress."""
        self._look()
        return tuple(generation for _, generation in sorted(self._content.generations.items()))

    def generation_of(self, tables: Tables) -> str | None:
        """The name of the generation whose tables these very ones are, None for the shipped ones."""
        generations = self._content.generations.values()
        return next((generation.name for generation in generations if generation.tables is tables), None)

    def folder_of(self, tables: Tables) -> Path:
        """The folder that these very tables were read from."""
        name = self.generation_of(tables)
        return self.folder / name if name else self._shipped_at

    def condition(self, on: datetime) -> Condition:
        """How the tables stand at a moment with a zone."""
        return condition(self.tables(on), self.tables(begins(congress_at(on) + 1)), on)

    def _look(self) -> None:
        if self._is_read() or not self._reading.acquire(blocking=False):
            return  # nothing is new, or another thread reads it already: go on with what there is
        try:
            if not self._is_read():
                self._content = self._read(_stat(self.folder))
        finally:
            self._reading.release()

    def _is_read(self) -> bool:
        """Whether what the pointer names is in memory, or could not be read just now."""
        content = self._content
        return content.stat == _stat(self.folder) and (content.again_at is None or self._clock() < content.again_at)

    def _read(self, stat: _Stat) -> _Content:
        """What the pointer names; what cannot be read is what it was before, logged, and tried again in a minute."""
        old, again_at = self._content.generations, self._clock() + AGAIN
        if not isinstance(stat, tuple):
            _log_unreadable(POINTER, stat or "it is gone")
            return _Content(stat, old)
        try:
            named = read_pointer(self.folder).current
        except PointerUnreadable as error:
            _log_unreadable(POINTER, type(error.__cause__).__name__)
            return _Content(stat, old, again_at)
        found = {congress: self._generation(congress, name, old.get(congress)) for congress, name in named.items()}
        whole = all(one is not None and one.name == named[congress] for congress, one in found.items())
        kept = {congress: generation for congress, generation in found.items() if generation}
        return _Content(stat, kept, None if whole else again_at)

    def _generation(self, congress: int, name: str, old: Generation | None) -> Generation | None:
        if old is not None and old.name == name:
            return old
        try:
            return Generation(name, with_newer_zips(load_generation(self.folder, congress, name), self.shipped))
        except TablesUnusable as error:
            _log_unreadable(name, type(error.__cause__ or error).__name__)
            return old


def with_newer_zips(refreshed: Tables, shipped: Tables) -> Tables:
    """Refreshed tables with the ZIP codes that came with the program, unless they have newer ones of their own.

    A refresh mostly brings members, and would else keep back for ever what an upgrade knows of ZIP codes.
    """
    if shipped.map_congress > refreshed.congress or shipped.districts != refreshed.districts:
        return refreshed
    if shipped.map_congress <= refreshed.map_congress and not _of_the_same_files(refreshed, shipped):
        return refreshed
    return replace(refreshed, map_congress=shipped.map_congress, _zips=shipped._zips, _areas=shipped._areas)


def _of_the_same_files(refreshed: Tables, shipped: Tables) -> bool:
    """Whether both have their ZIP codes from the same files, and no newer corrections than those of the program."""
    ours, theirs = (tables.about.get("sources", {}) for tables in (refreshed, shipped))
    same = all(ours.get(name, {}).get("sha256") == theirs.get(name, {}).get("sha256") for name in _OF_ZIPS)
    corrected = [sources.get("corrections", {}).get("as_of") or "" for sources in (ours, theirs)]
    return refreshed.map_congress == shipped.map_congress and same and corrected[0] <= corrected[1]


def _stat(folder: Path) -> _Stat:
    """None when there is no pointer; the kind of error when it cannot be looked at."""
    try:
        found = os.stat(folder / POINTER)
    except FileNotFoundError:
        return None
    except OSError as error:
        return type(error).__name__
    return found.st_mtime_ns, found.st_size, found.st_ino


def _log_unreadable(what: str, kind: str) -> None:
    log.error("Refreshed tables cannot be read, the older ones stay in force: %s (%s)", what, kind)


def _in_force(sitting: int, shipped: Tables, refreshed: Mapping[int, Generation]) -> Tables:
    every = [*(generation.tables for generation in refreshed.values()), shipped]
    for congress in (sitting, sitting - 1):
        fitting = [tables for tables in every if tables.congress == congress]
        if fitting:
            return max(fitting, key=lambda tables: tables.as_of)  # the first of equals: the refreshed ones
    return max(every, key=lambda tables: (tables.congress, tables.as_of))
