"""A whole refresh of a site's tables: gather, renew, compare, put in force; and how the attempts went."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from app.legislators import LegislatorsError
from app.legislators.congresses import begins, congress_at, ordinal
from app.legislators.keeping.changes import Change
from app.legislators.keeping.generations import NotKept, alone, keep
from app.legislators.keeping.refresh_state import read_state, write_state
from app.legislators.keeping.renewal import Given, Renewal, congress_given, renew
from app.legislators.keeping.shelf import Shelf
from app.legislators.making.origins import SourceRecord
from app.legislators.making.parts import Parts, parts_of
from app.legislators.making.sources import InputUnusable
from app.legislators.tables import Tables

Gather = Callable[[Mapping[str, SourceRecord]], Mapping[str, Given]]
"""Brings newer files, told of what the tables in force were made."""

_OF_ZIPS = ("crosswalk", "map", "zip_points", "zip_places")


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What came of it. `generation` is None when nothing was put in force."""

    generation: str | None
    report: tuple[Change, ...]
    remarks: tuple[str, ...]
    is_news: bool


def refresh(shelf: Shelf, gather: Gather, now: datetime, *, force: bool = False, dry_run: bool = False) -> Refreshed:
    """Put newer tables in force, if there are any. Takes seconds of computing, and no lock of the database.

    Raises a LegislatorsError with one sentence for whatever went wrong; the tables in force are then as they were. Each
    attempt but a dry one is written down, for `is_due`.
    """
    with alone(shelf.folder):
        if dry_run:
            return _refreshed(None, _renewal(shelf, gather, now, force=force))
        state = read_state(shelf.folder).trying(now)
        write_state(shelf.folder, state)
        try:
            renewal = _renewal(shelf, gather, now, force=force)
            generation = keep(shelf.folder, renewal.files, now, renewal.report) if renewal.is_news else None
        except Exception as error:
            with contextlib.suppress(NotKept):  # what went wrong first is what counts
                write_state(shelf.folder, state.failed(now, _cause(error)))
            raise
        write_state(shelf.folder, state.succeeded(now))
        return _refreshed(generation, renewal)


def _refreshed(generation: str | None, renewal: Renewal) -> Refreshed:
    return Refreshed(generation, renewal.report, renewal.remarks, renewal.is_news)


def _cause(error: Exception) -> str:
    if isinstance(error, LegislatorsError):
        return str(error)
    return f"The program itself has a fault ({type(error).__name__}): please report it."


def _renewal(shelf: Shelf, gather: Gather, now: datetime, *, force: bool) -> Renewal:
    """On the ground of the tables in force; of the next Congress's, if those lie ready and these files are its."""
    in_force = shelf.tables(now)
    given = gather(_records(in_force))
    if not given:
        return Renewal({}, in_force, (), ())
    congress = congress_given(given)
    if congress and congress > congress_at(now) + 1:
        raise InputUnusable(f"These are members of the {ordinal(congress)} Congress, which is far away.")
    ground = shelf.tables(max(now, begins(congress))) if congress else in_force
    return renew(_ground(shelf, ground), ground, given, now.astimezone(UTC).date(), force=force)


def _records(tables: Tables) -> dict[str, SourceRecord]:
    """Of what they were made."""
    sources: Mapping[str, Mapping[str, Any]] = tables.about["sources"]
    return {
        name: SourceRecord(**{**record, "addresses": tuple(record["addresses"])}) for name, record in sources.items()
    }


def _ground(shelf: Shelf, tables: Tables) -> Parts:
    """The parts of tables that the shelf has. Their ZIP codes may be those of an upgrade, and not of their folder."""
    parts = parts_of(shelf.folder_of(tables))
    shipped = shelf.shipped
    if tables._zips is not shipped._zips or _sum_of_zips(tables) == _sum_of_zips(shipped):
        return parts
    newer = parts_of(shelf.folder_of(shipped))
    return replace(
        parts,
        map_congress=newer.map_congress,
        zips=newer.zips,
        crosswalk_corrections=newer.crosswalk_corrections,
        points_in_no_district=newer.points_in_no_district,
        sources={**parts.sources, **{name: newer.sources[name] for name in _OF_ZIPS}},
    )


def _sum_of_zips(tables: Tables) -> object:
    return tables.about["tables"]["zips.csv"]["sha256"]
