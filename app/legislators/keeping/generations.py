"""Refreshed tables, which lie in a folder of the site beside the shipped ones, and which of all of them are in force.

The folder holds a folder of tables for each generation, named by the moment it was made; `in-force.json`, the pointer,
which names the generation of each Congress that is in force; `reports/`, what each changed. Only the pointer says what
is in force, and it moves when all else is on the disk: whatever is killed before leaves the old tables in force. Who
writes here holds `alone`; to read, nothing is needed.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app import locks
from app.backups import sync
from app.legislators import LegislatorsError, Seat, TablesUnusable
from app.legislators.keeping.changes import Change
from app.legislators.tables import COLUMNS, MANIFEST, Tables, load

GENERATIONS = "legislators"
"""The name of the folder, within the site's."""
POINTER = "in-force.json"
REPORTS = "reports"
LOCK = "refresh.lock"

LINGERS = timedelta(hours=1)
"""How long a generation stays that is no longer named: a server may be reading it."""

_FORMAT = 1
_GROWING = ".growing-"
_TIME = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z(?:-[1-9][0-9]{0,3})?")
_CONGRESS = re.compile(r"[1-9][0-9]{0,3}")
_FILES = frozenset((MANIFEST, *COLUMNS))

log = logging.getLogger(__name__)


class RefreshRunning(LegislatorsError):
    """Somebody else is refreshing the tables of this site."""


class NotKept(LegislatorsError):
    """The disk did not take it; what was in force still is. The message says why."""


class NothingToRollBack(LegislatorsError):
    """No other tables were in force before."""


class PointerUnreadable(LegislatorsError):
    """The file that says which refreshed tables are in force is damaged."""


@dataclass(frozen=True, slots=True)
class InForce:
    """What the pointer says: the name of a generation by the number of its Congress."""

    current: Mapping[int, str] = field(default_factory=dict)
    previous: Mapping[int, str] = field(default_factory=dict)
    """What was current before the last change. Empty: the shipped tables were alone."""

    @property
    def names(self) -> frozenset[str]:
        """All that are named."""
        return frozenset((*self.current.values(), *self.previous.values()))


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep every other refresh of this site out meanwhile. Raises RefreshRunning, NotKept."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = locks.take(folder / LOCK)
    except locks.InUse as error:
        raise RefreshRunning("Another refresh of the tables is at work: try again when it has ended.") from error
    except OSError as error:
        raise NotKept(f"{folder} takes no files ({reason(error)}).") from error
    try:
        yield
    finally:
        os.close(handle)


def keep(folder: Path, files: Mapping[str, bytes], now: datetime, report: Iterable[Change] = ()) -> str:
    """Put tables in force for their Congress, and give the name of their generation. Who calls holds `alone`.

    `files` are the three tables and their manifest, by name; `report` is what they change. Raises TablesUnusable when
    they do not load, NotKept when the disk is full; then nothing has changed. Deletes what no one needs any more.
    """
    if files.keys() != _FILES:
        raise ValueError(f"a folder of tables holds {', '.join(sorted(_FILES))}, not {', '.join(sorted(files))}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        name = _free_name(folder, now)
        congress = _store(folder, name, files, now)
        _write_report(folder, name, report)
        before = _pointer_or_none(folder)
        _point(folder, InForce({**before.current, congress: name}, before.current), before, now)
    except OSError as error:
        _sweep(folder)
        raise NotKept(f"The new tables could not be stored in {folder} ({reason(error)}).") from error
    prune(folder, now)
    return name


def rollback(folder: Path, now: datetime) -> InForce:
    """Put in force what was before the last change, and give it; a second time changes it back.

    Who calls holds `alone`. Raises NothingToRollBack; PointerUnreadable; TablesUnusable when the tables of before do
    not load; NotKept.
    """
    before = read_pointer(folder)
    if not before.names:
        raise NothingToRollBack("The tables of this site were never refreshed: there is nothing to roll back.")
    for congress, name in before.previous.items():
        load_generation(folder, congress, name)
    after = InForce(before.previous, before.current)
    try:
        _point(folder, after, before, now)
    except OSError as error:
        raise NotKept(f"{folder / POINTER} could not be written ({reason(error)}).") from error
    return after


def read_pointer(folder: Path) -> InForce:
    """What is in force, and was before; empty when nothing was ever kept. Raises PointerUnreadable."""
    try:
        raw = json.loads((folder / POINTER).read_bytes())
        if raw["format"] != _FORMAT:
            raise ValueError("another format")
        return InForce(_mapping(raw["current"]), _mapping(raw["previous"]))
    except FileNotFoundError:
        return InForce()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PointerUnreadable(
            f"{folder / POINTER} is damaged: delete it and restart to go back to the shipped tables, "
            "or refresh with `flask legislators refresh`."
        ) from error


def _mapping(raw: Any) -> dict[int, str]:
    """Whole numbers and names of generations only: nothing here may lead out of the folder. Raises as JSON does."""
    for congress, name in raw.items():
        if not (_CONGRESS.fullmatch(congress) and _NAME.fullmatch(name)):
            raise ValueError("no generation")
    return {int(congress): name for congress, name in raw.items()}


def _pointer_or_none(folder: Path) -> InForce:
    try:
        return read_pointer(folder)
    except PointerUnreadable as error:
        log.error("What refreshed tables were in force before is not known: %s", type(error.__cause__).__name__)
        return InForce()


def _point(folder: Path, after: InForce, before: InForce, now: datetime) -> None:
    content = {
        "format": _FORMAT,
        "current": {str(congress): name for congress, name in sorted(after.current.items())},
        "previous": {str(congress): name for congress, name in sorted(after.previous.items())},
    }
    write_json(folder / POINTER, content)
    for name in before.names - after.names:
        with contextlib.suppress(OSError):
            _stamp(folder / name, now)  # from now on it lingers


def made_at(name: str) -> datetime:
    """The moment at which a generation was made."""
    return datetime.strptime(name.partition("-")[0], _TIME).replace(tzinfo=UTC)


def _store(folder: Path, name: str, files: Mapping[str, bytes], now: datetime) -> int:
    """Put the tables under a name, whole and proved; the number of their Congress. Raises TablesUnusable, OSError."""
    growing = folder / f"{_GROWING}{name}"
    growing.mkdir()
    for file, content in files.items():
        (growing / file).write_bytes(content)
        sync(growing / file)
    sync(growing)
    try:
        tables = _read_tables(growing)
    except TablesUnusable:
        shutil.rmtree(growing, ignore_errors=True)
        raise
    _stamp(growing, now)
    growing.rename(folder / name)
    sync(folder)
    return tables.congress


def _free_name(folder: Path, now: datetime) -> str:
    """The moment, with a number when there is one of this second already."""
    stamp = f"{now.astimezone(UTC):{_TIME}}"
    name, number = stamp, 1
    while (folder / name).exists() or _report(folder, name).exists():
        number += 1
        name = f"{stamp}-{number}"
    return name


def _stamp(path: Path, now: datetime) -> None:
    os.utime(path, (now.timestamp(), now.timestamp()))


def write_json(path: Path, content: object) -> None:
    """Write JSON in the place of an older file: there is always one of the two, and whole. Raises OSError."""
    growing = path.with_name(f"{_GROWING}{path.name}")
    growing.write_text(f"{json.dumps(content, indent=2, ensure_ascii=False)}\n", encoding="utf-8")
    sync(growing)
    growing.replace(path)
    sync(path.parent)


def _sweep(folder: Path) -> None:
    """Delete what whoever was killed left unfinished: as we are alone, it is nobody's work."""
    for path in (*folder.glob(f"{_GROWING}*"), *(folder / REPORTS).glob(f"{_GROWING}*")):
        with contextlib.suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def prune(folder: Path, now: datetime) -> None:
    """Delete generations that the pointer has not named for an hour, with their reports. Who calls holds `alone`.

    Deletes nothing while the pointer cannot be read, and never a file of another name: that is a person's own.
    """
    _sweep(folder)
    try:
        named = read_pointer(folder).names
    except PointerUnreadable:
        return
    for path in folder.iterdir():
        if _NAME.fullmatch(path.name) and path.name not in named and _lingered(path, now):
            shutil.rmtree(path, ignore_errors=True)
    for path in (folder / REPORTS).glob("*.json"):
        if _NAME.fullmatch(path.stem) and not (folder / path.stem).exists():
            with contextlib.suppress(OSError):
                path.unlink()


def _lingered(path: Path, now: datetime) -> bool:
    return now - datetime.fromtimestamp(path.lstat().st_mtime, UTC) >= LINGERS


def reason(error: OSError) -> str:
    """Why the disk did not do it, in words that can stand in brackets."""
    return (error.strerror or type(error).__name__).lower()


def load_generation(folder: Path, congress: int, name: str) -> Tables:
    """A generation, which is of the Congress that the pointer says. Raises TablesUnusable."""
    tables = _read_tables(folder / name)
    if tables.congress != congress:
        raise TablesUnusable(f"{folder / name} holds tables of Congress {tables.congress}, not {congress}.")
    return tables


def _read_tables(path: Path) -> Tables:
    """Tables, whatever is wrong with them being TablesUnusable."""
    try:
        return load(path)
    except TablesUnusable:
        raise
    except Exception as error:  # damage in ways that `load` does not look for
        raise TablesUnusable(f"{path} holds tables that make no sense ({type(error).__name__}).") from error


# What a generation changed


def _report(folder: Path, name: str) -> Path:
    return folder / REPORTS / f"{name}.json"


def _write_report(folder: Path, name: str, report: Iterable[Change]) -> None:
    (folder / REPORTS).mkdir(exist_ok=True)
    write_json(_report(folder, name), [asdict(change) for change in report])


def read_report(folder: Path, name: str) -> tuple[Change, ...]:
    """What a generation changed when it was kept; empty when that is not known."""
    if not _NAME.fullmatch(name):
        return ()
    try:
        entries = json.loads(_report(folder, name).read_bytes())
        return tuple(_change(entry) for entry in entries)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()


def _change(entry: Any) -> Change:
    seat, sentence = entry["seat"], entry["sentence"]
    if not isinstance(sentence, str) or not isinstance(seat, str | None):
        raise TypeError("no change")
    return Change(Seat(seat) if seat else None, sentence, entry["holder"] is True)
