"""Newer tables from newer files: the tables in force are the ground, and whatever is given takes its part's place.

What the new files do not say is kept from the tables in force: the web forms of people who sit on, the telephone of a
seat that has become vacant, the order of a ZIP code's districts, which takes a map that a running site does not have.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from app.legislators import Bioguide, LegislatorsError, Seat
from app.legislators.congresses import begins, ordinal
from app.legislators.geography import is_senate, seat_order
from app.legislators.keeping.changes import Change, changes, seats_lost
from app.legislators.making.corrections import Corrections, CrosswalkRows, read_corrections
from app.legislators.making.member_sources import Person, read_contact_forms, read_members, read_offices
from app.legislators.making.origins import SourceRecord
from app.legislators.making.parts import Parts, files_of
from app.legislators.making.seating import VACANT_OFFICES, Seating, congress_of, newest_start, seated
from app.legislators.making.sources import InputUnusable, Source
from app.legislators.making.web_addresses import with_official_addresses
from app.legislators.making.zip_guards import check_shares, check_whole, districts_of
from app.legislators.making.zip_rows import ZipRow, areas_of, zip_rows
from app.legislators.making.zip_sources import Crosswalk, Place, read_crosswalk, read_zip_places, read_zip_points
from app.legislators.tables import Tables, load

MOST_LOST = 5
"""So many seats may become vacant in one refresh; more look like a file that is not whole."""


class TooManyLost(LegislatorsError):
    """More seats than is likely would become vacant at once."""


@dataclass(frozen=True, slots=True)
class Given:
    """A newer file, and what the manifest shall say of it. `day`: of when it is, where that is known."""

    source: Source
    record: SourceRecord
    day: date | None


@dataclass(frozen=True, slots=True)
class Renewal:
    """Newer tables, not yet in force."""

    files: Mapping[str, bytes]
    """Of the folder of tables, by name."""
    tables: Tables
    report: tuple[Change, ...]
    """What they say differently."""
    remarks: tuple[str, ...]
    """Of given files that were not taken."""

    @property
    def is_news(self) -> bool:
        """Whether the tables in force should be replaced."""
        return bool(self.files)


def renew(base: Parts, in_force: Tables, given: Mapping[str, Given], *, force: bool = False) -> Renewal:
    """The tables that `base`, the parts of those `in_force`, become with the given files, by the names of the sources.

    `force` takes more vacant seats than is likely, and leaves out web addresses that are not an office's, in place of
    refusing them. Raises InputUnusable, TooManyLost.
    """
    parts, remarks, left = _Renewing(base, given, force=force).parts()
    files = files_of(parts)
    before = files_of(base)
    if parts.as_of == base.as_of and all(files[name] == before[name] for name in files if name.endswith(".csv")):
        return Renewal({}, in_force, (), remarks)
    tables = _loaded(files)
    lost = seats_lost(in_force, tables)
    if len(lost) > MOST_LOST and not force:
        raise TooManyLost(
            f"{len(lost)} seats would become vacant at once ({', '.join(lost[:15])}): that looks like a file that is "
            "not whole. If it is true, say so with --force."
        )
    return Renewal(files, tables, changes(in_force, tables, left), remarks)


def congress_given(given: Mapping[str, Given]) -> int | None:
    """Whose members are among the given files; None without members. Raises InputUnusable."""
    members = read_members(given["members"].source) if "members" in given else ()
    return congress_of(members) if members else None


@dataclass(frozen=True, slots=True)
class _Renewing:
    base: Parts
    given: Mapping[str, Given]
    force: bool

    def parts(self) -> tuple[Parts, tuple[str, ...], Mapping[Bioguide, date]]:
        """The new parts, what was not taken, and who is known to have left when."""
        corrections = self._corrections()
        crosswalk = self._crosswalk()
        districts = districts_of(crosswalk) if crosswalk else self.base.districts
        members, remark = self._members(corrections)
        seating = self._seating(members, corrections, districts)
        congress = congress_of(members) if members else self.base.congress
        check_terms(seating.persons, congress)
        web = with_official_addresses(seating.persons, leave_out=self.force)
        parts = replace(
            self.base,
            congress=congress,
            as_of=seating.as_of,
            persons=web.persons,
            vacant=seating.vacant,
            open_questions=self._questions(seating),
            web_addresses=web.fates,
            offices=read_offices(self.given["offices"].source) if "offices" in self.given else self.base.offices,
            sources={**self.base.sources, **{name: one.record for name, one in self._taken(remark).items()}},
        )
        if crosswalk:
            parts = self._with_zips(parts, crosswalk, corrections)
        left = {removal.bioguide: removal.end for removal in corrections.removed if removal.end} if corrections else {}
        return parts, (remark,) if remark else (), left

    def _questions(self, seating: Seating) -> tuple[str, ...]:
        """Newer members answer the questions of before."""
        unanswered = self.base.open_questions if seating.as_of == self.base.as_of else ()
        return seating.open_questions or unanswered

    def _corrections(self) -> Corrections | None:
        return read_corrections(self.given["corrections"].source) if "corrections" in self.given else None

    def _taken(self, remark: str) -> Mapping[str, Given]:
        return {name: one for name, one in self.given.items() if name != "members" or not remark}

    def _members(self, corrections: Corrections | None) -> tuple[tuple[Person, ...] | None, str]:
        """The given members, unless they are older than those in force; then None, and a sentence that says so."""
        if "members" not in self.given:
            return None, ""
        members = read_members(self.given["members"].source)
        day = max(self._day_of(members), corrections.as_of if corrections else date.min)
        congress = congress_of(members) if members else self.base.congress
        if (congress, day) >= (self.base.congress, self.base.as_of):
            return members, ""
        return None, (
            f"The members at the source are those of {day} ({ordinal(congress)} Congress), and older than the tables "
            f"in force ({self.base.as_of}, {ordinal(self.base.congress)} Congress): they were not taken."
        )

    def _day_of(self, members: Iterable[Person]) -> date:
        return self.given["members"].day or newest_start(members)

    def _seating(
        self, members: tuple[Person, ...] | None, corrections: Corrections | None, districts: frozenset[Seat]
    ) -> Seating:
        base = self.base
        phones = {**VACANT_OFFICES, **{seat: phone for seat, phone in base.vacant.items() if phone}}
        phones |= {person.seat: person.phone for person in base.persons if person.phone and not is_senate(person.seat)}
        if members is None:
            return seated(base.persons, base.as_of, self._news(corrections), districts, phones)
        return seated(self._with_forms(members), self._day_of(members), corrections, districts, phones)

    def _news(self, corrections: Corrections | None) -> Corrections | None:
        """Corrections of the members in force: those that say nothing of the vacant seats leave them vacant."""
        if corrections is None:
            return None
        added = {person.seat for person in corrections.added}
        vacant = {seat: phone for seat, phone in self.base.vacant.items() if seat not in added}
        return replace(corrections, vacant={**vacant, **corrections.vacant})

    def _with_forms(self, members: Iterable[Person]) -> tuple[Person, ...]:
        """The published file lacks the web forms of the House: a person keeps the one that is known of them."""
        forms = {person.bioguide: person.contact_form for person in self.base.persons}
        if "contact_forms" in self.given:
            forms |= read_contact_forms(self.given["contact_forms"].source)
        return tuple(
            replace(person, contact_form=forms.get(person.bioguide) or person.contact_form) for person in members
        )

    def _with_zips(self, parts: Parts, crosswalk: Crosswalk, corrections: Corrections | None) -> Parts:
        if not parts.congress - 1 <= crosswalk.congress <= parts.congress:
            raise InputUnusable(
                f"The crosswalk is of the {ordinal(crosswalk.congress)} Congress, and the members are of the "
                f"{ordinal(parts.congress)}: give both of the same one."
            )
        rows = self._rows(crosswalk, corrections)
        previous = {row.code: row for row in self.base.zips}
        points, places = self._points(previous), self._places(previous)
        areas = areas_of(crosswalk, rows)
        check_whole({zcta for zcta, _ in crosswalk.pairs}, points, places)
        check_shares(areas)
        known = previous if crosswalk.congress == self.base.map_congress else {}
        return replace(
            parts,
            map_congress=crosswalk.congress,
            zips=zip_rows(crosswalk, rows, points, places, None, known),
            crosswalk_corrections=rows,
        )

    def _crosswalk(self) -> Crosswalk | None:
        """The given one; the one that the tables in force were made of, if something else about ZIP codes is given."""
        if "crosswalk" in self.given:
            return read_crosswalk(self.given["crosswalk"].source)
        if self.given.keys().isdisjoint(("corrections", "zip_points", "zip_places")):
            return None
        pairs = frozenset((row.code, seat) for row in self.base.zips for seat in row.districts)
        rows = self.base.crosswalk_corrections
        return Crosswalk(self.base.map_congress, (pairs - rows.added) | rows.removed)

    def _rows(self, crosswalk: Crosswalk, corrections: Corrections | None) -> CrosswalkRows:
        """All corrections of the crosswalk: those of before that still fit the same Congress's, and the given ones."""
        given = corrections.crosswalk if corrections else CrosswalkRows()
        if crosswalk.congress != self.base.map_congress:
            return given
        before = self.base.crosswalk_corrections
        return CrosswalkRows(before.added | given.added, (before.removed & crosswalk.pairs) | given.removed)

    def _points(self, previous: Mapping[str, ZipRow]) -> Mapping[str, tuple[float, float]]:
        if "zip_points" in self.given:
            return read_zip_points(self.given["zip_points"].source)
        return {code: row.point for code, row in previous.items() if row.point}

    def _places(self, previous: Mapping[str, ZipRow]) -> Mapping[str, Place]:
        if "zip_places" in self.given:
            return read_zip_places(self.given["zip_places"].source)
        return {code: Place(row.kind, row.state, row.point) for code, row in previous.items() if row.state}


def check_terms(persons: Iterable[Person], congress: int) -> None:
    """Whether all who sit in the House were elected to that Congress. Raises InputUnusable."""
    began = begins(congress).date()
    over = sorted((p.seat for p in persons if not is_senate(p.seat) and p.until <= began), key=seat_order)
    if over:
        raise InputUnusable(
            f"{', '.join(over[:15])}: the terms of {len(over)} in the House ended before the {ordinal(congress)} "
            "Congress began. The published members are still being changed: try again in a few days."
        )


def _loaded(files: Mapping[str, bytes]) -> Tables:
    with tempfile.TemporaryDirectory(prefix="redress-tables-") as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        return load(Path(folder))
