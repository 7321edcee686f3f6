"""Newer tables from newer files: the tables in force are the ground, and whatever is given takes its part's place.

What the new files do not say is kept from the tables in force: the web forms of people who sit on, the telephone of a
seat that has become vacant, the order of a ZIP code's districts, which takes a map that a running site does not have.
"""

from __future__ import annotations

import csv
import hashlib
import tempfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

from app.legislators import Bioguide, LegislatorsError, Seat
from app.legislators.congresses import begins, facts, ordinal
from app.legislators.geography import is_senate, seat_order, state_of
from app.legislators.keeping.changes import Change, changes, seats_lost
from app.legislators.keeping.generations import NotKept, reason
from app.legislators.making.corrections import Corrections, CrosswalkRows, read_corrections
from app.legislators.making.member_sources import (
    DistrictOffice,
    Person,
    read_contact_forms,
    read_members,
    read_offices,
)
from app.legislators.making.origins import SourceRecord
from app.legislators.making.parts import Parts, files_of
from app.legislators.making.seating import VACANT_OFFICES, Seating, congress_of, newest_start, seated
from app.legislators.making.sources import InputUnusable, Source
from app.legislators.making.web_addresses import with_official_addresses
from app.legislators.making.zip_guards import MOST_MISSING, check_shares, check_whole, districts_of
from app.legislators.making.zip_rows import ZipRow, areas_of, zip_rows
from app.legislators.making.zip_sources import Crosswalk, Place, read_crosswalk, read_zip_places, read_zip_points
from app.legislators.tables import MANIFEST, Tables, load

MOST_LOST = 5
"""So many seats may become vacant in one refresh; more look like a file that is not whole."""

LEAST_WITH_OFFICE = 0.5
"""So many of those who had an office and sit on have one in newer files, too."""


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


def renew(base: Parts, in_force: Tables, given: Mapping[str, Given], today: date, *, force: bool = False) -> Renewal:
    """The tables that `base`, the parts of those `in_force`, become with the given files, by the names of the sources.

    Nothing counts as newer than `today`. `force` takes fewer holders, offices and ZIP areas than is likely, and leaves
    out web addresses that are not an office's, in place of refusing them. Raises InputUnusable, TooManyLost, NotKept.
    """
    parts, remarks, left = _Renewing(base, given, today, force=force).parts()
    files = _files(parts)
    if _is_said_by(parts, files, in_force.about):
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
    return _congress_of(read_members(given["members"].source)) if "members" in given else None


@dataclass(frozen=True, slots=True)
class _Renewing:
    base: Parts
    given: Mapping[str, Given]
    today: date
    force: bool

    def parts(self) -> tuple[Parts, tuple[str, ...], Mapping[Bioguide, date]]:
        """The new parts, what was not taken, and who is known to have left when."""
        corrections = self._corrections()
        crosswalk = self._crosswalk()
        districts = districts_of(crosswalk) if crosswalk else self.base.districts
        members, older = self._members(corrections)
        seating = self._seating(members, corrections, districts)
        congress = _congress_of(members) if members is not None else self.base.congress
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
            offices=self._offices(seating.persons),
            sources={**self.base.sources, **self._records(corrections, members)},
        )
        if crosswalk:
            parts = self._with_zips(parts, crosswalk, corrections)
        left = {removal.bioguide: removal.end for removal in corrections.removed if removal.end} if corrections else {}
        return parts, tuple(filter(None, (older, self._not_newer(members, corrections)))), left

    def _questions(self, seating: Seating) -> tuple[str, ...]:
        """Newer members answer the questions of before."""
        unanswered = self.base.open_questions if seating.as_of == self.base.as_of else ()
        return seating.open_questions or unanswered

    def _corrections(self) -> Corrections | None:
        if "corrections" not in self.given:
            return None
        corrections = read_corrections(self.given["corrections"].source)
        if corrections.as_of > self.today:
            raise InputUnusable(f"The corrections are of {corrections.as_of}, and that day has not come yet.")
        return corrections

    def _not_newer(self, members: tuple[Person, ...] | None, corrections: Corrections | None) -> str:
        """A sentence if corrections are given that say nothing about the members, because those are as new."""
        day = self.base.as_of if members is None else self._day_of(members)
        if corrections is None or day < corrections.as_of:
            return ""
        return (
            f"The corrections are of {corrections.as_of}, and no newer than the members ({day}): of them only the rows "
            "about ZIP codes count."
        )

    def _records(self, corrections: Corrections | None, members: tuple[Person, ...] | None) -> dict[str, SourceRecord]:
        """What the manifest says of the files that were taken. Corrections tell themselves of when they are."""
        records = {name: one.record for name, one in self.given.items() if name != "members" or members is not None}
        if corrections:
            records["corrections"] = replace(records["corrections"], as_of=corrections.as_of.isoformat())
        return records

    def _members(self, corrections: Corrections | None) -> tuple[tuple[Person, ...] | None, str]:
        """The given members, unless they are older than those in force; then None, and a sentence that says so."""
        if "members" not in self.given:
            return None, ""
        members = read_members(self.given["members"].source)
        day = max(self._day_of(members), corrections.as_of if corrections else date.min)
        congress = _congress_of(members)
        if (congress, day) >= (self.base.congress, self.base.as_of):
            return members, ""
        return None, (
            f"The members at the source are those of {day} ({ordinal(congress)} Congress), and older than the tables "
            f"in force ({self.base.as_of}, {ordinal(self.base.congress)} Congress): they were not taken."
        )

    def _day_of(self, members: Iterable[Person]) -> date:
        return min(self.given["members"].day or newest_start(members), self.today)

    def _seating(
        self, members: tuple[Person, ...] | None, corrections: Corrections | None, districts: frozenset[Seat]
    ) -> Seating:
        base = self.base
        phones = {**VACANT_OFFICES, **{seat: phone for seat, phone in base.vacant.items() if phone}}
        phones |= {person.seat: person.phone for person in base.persons if person.phone and not is_senate(person.seat)}
        if members is not None:
            return seated(self._with_forms(members), self._day_of(members), corrections, districts, phones)
        persons = self._with_forms(base.persons)
        if corrections is None or corrections.as_of <= base.as_of:
            return seated(persons, base.as_of, None, districts, phones)
        added = {(person.bioguide, person.seat) for person in corrections.added}
        others = [person for person in persons if (person.bioguide, person.seat) not in added]
        return seated(others, base.as_of, self._news(corrections, persons), districts, phones)

    def _news(self, corrections: Corrections, persons: Iterable[Person]) -> Corrections:
        """Corrections of the members in force, in which some of them are made already.

        Who is to be removed may be gone; who is to be added may be there, and keeps what the corrections do not say;
        seats that they do not name stay vacant.
        """
        known = {(person.bioguide, person.seat): person for person in persons}
        sitting = {person.bioguide for person in persons}
        filled = {person.seat for person in corrections.added}
        vacant = {seat: phone for seat, phone in self.base.vacant.items() if seat not in filled}
        return replace(
            corrections,
            removed=tuple(removal for removal in corrections.removed if removal.bioguide in sitting),
            added=tuple(_merged(known.get((one.bioguide, one.seat)), one) for one in corrections.added),
            vacant={**vacant, **corrections.vacant},
        )

    def _with_forms(self, members: Iterable[Person]) -> tuple[Person, ...]:
        """The published file lacks the web forms of the House: a person keeps the one that is known of them."""
        known = {person.bioguide: person.contact_form for person in self.base.persons}
        given = read_contact_forms(self.given["contact_forms"].source) if "contact_forms" in self.given else {}
        return tuple(
            replace(
                person,
                contact_form=given.get(person.bioguide) or person.contact_form or known.get(person.bioguide, ""),
            )
            for person in members
        )

    def _offices(self, persons: Iterable[Person]) -> tuple[DistrictOffice, ...]:
        if "offices" not in self.given:
            return self.base.offices
        offices = read_offices(self.given["offices"].source)
        had = {office.bioguide for office in self.base.offices} & {person.bioguide for person in persons}
        have = had & {office.bioguide for office in offices}
        if len(have) < LEAST_WITH_OFFICE * len(had) and not self.force:
            raise InputUnusable(
                f"Only {len(have)} of {len(had)} members have an office in the new file who had one so far: is it "
                "whole? If it is true, say so with --force."
            )
        return offices

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
        self._check_lost(areas.keys())
        return replace(
            parts,
            map_congress=crosswalk.congress,
            zips=zip_rows(crosswalk, rows, points, places, None, self._likely_as_before(crosswalk.congress)),
            crosswalk_corrections=rows,
        )

    def _check_lost(self, areas: Collection[str]) -> None:
        before = [row.code for row in self.base.zips if row.districts]
        lost = [code for code in before if code not in areas]
        if len(lost) > MOST_MISSING * len(before) and not self.force:
            raise InputUnusable(
                f"{len(lost):,} of {len(before):,} ZIP areas are missing in the new crosswalk: is it whole? If it is "
                "true, say so with --force."
            )

    def _likely_as_before(self, congress: int) -> dict[str, ZipRow]:
        """The rows whose likeliest district is the same in that Congress: all but those of states redrawn since."""
        since = range(self.base.map_congress + 1, congress + 1)
        redrawn = {state for each in since for state in facts(each).redrawn}
        likely = ((row, row.districts[0] if row.districts else row.guess) for row in self.base.zips)
        return {row.code: row for row, seat in likely if seat and state_of(seat) not in redrawn}

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
    """Whether all sit in that Congress: nobody's term ended before it, or begins after it. Raises InputUnusable."""
    began, ends = begins(congress).date(), begins(congress + 1).date()
    wrong = sorted((p.seat for p in persons if p.until <= began or p.since >= ends), key=seat_order)
    if wrong:
        raise InputUnusable(
            f"{', '.join(wrong[:15])}: the terms of {len(wrong)} are of another Congress than the {ordinal(congress)}, "
            "of which most members are. The published members are still being changed: try again in a few days."
        )


def _congress_of(members: Iterable[Person]) -> int:
    """Whose members these are. Raises InputUnusable when nobody of the House is among them."""
    house = [person for person in members if not is_senate(person.seat)]
    if not house:
        raise InputUnusable("There is nobody of the House among the members: is it the right file, and whole?")
    return congress_of(house)


def _merged(known: Person | None, added: Person) -> Person:
    """Somebody as corrections add them; what those leave empty stays as it is known."""
    if known is None:
        return added
    empty = {field.name for field in fields(added) if getattr(added, field.name) == ""}
    return replace(added, senior=known.senior, **{name: getattr(known, name) for name in empty})


def _is_said_by(parts: Parts, files: Mapping[str, bytes], about: Mapping[str, Any]) -> bool:
    """Whether the tables of that manifest say the same already. Where the files come from does not count."""
    before = {name: table["sha256"] for name, table in about["tables"].items()}
    now = {name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name != MANIFEST}
    of = (parts.congress, parts.map_congress, parts.as_of.isoformat())
    return of == (about["congress"], about["map_congress"], about["as_of"]) and now == before


def _files(parts: Parts) -> dict[str, bytes]:
    try:
        return files_of(parts)
    except UnicodeEncodeError as error:
        raise InputUnusable("A text in the given files has half a character in it (a lone surrogate).") from error


def _loaded(files: Mapping[str, bytes]) -> Tables:
    try:
        with tempfile.TemporaryDirectory(prefix="redress-tables-") as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            return load(Path(folder))
    except OSError as error:
        raise NotKept(f"The new tables could not be written to try them ({reason(error)}).") from error
    except csv.Error as error:
        raise InputUnusable(f"The given files make tables that cannot be read ({error}).") from error
