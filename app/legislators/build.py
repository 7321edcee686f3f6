"""Builds the project's tables of members, offices and ZIP codes from published files.

The same input gives the same bytes: rows are sorted, and nothing tells when or where the tables were built. Every guard
here refuses a whole build; the message names the seat or the person, and what to do.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from app.addresses import STATES, State
from app.legislators import Bioguide, Seat
from app.legislators.geography import is_senate, seat_number, seat_order, state_of
from app.legislators.member_sources import (
    Corrections,
    DistrictOffice,
    Person,
    official_address,
    read_contact_forms,
    read_corrections,
    read_members,
    read_offices,
)
from app.legislators.seating import by_seat, seated
from app.legislators.sources import InputUnusable, Source, read_source
from app.legislators.tables import COLUMNS, FORMAT, MANIFEST, ZipKind, load
from app.legislators.zip_sources import Crosswalk, Place, read_crosswalk, read_zip_places, read_zip_points

HOUSE_DISTRICTS = 441
"""435 seats by apportionment, DC's and five territories'."""

_WEB_ADDRESSES = ("url", "contact_form")
_EASTERN = timezone(timedelta(hours=-5))  # New York in January; a zone's name would need the system's zone files

Rows = list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files that are built from; the names of the fields are those of the sources in the manifest."""

    members: Path
    offices: Path
    contact_forms: Path
    corrections: Path
    crosswalk: Path
    zip_points: Path
    zip_places: Path


@dataclass(frozen=True, slots=True)
class _Origin:
    """Under what terms a source is published, and where."""

    licence: str
    addresses: tuple[str, ...]


_CENSUS = "US Government work"
_ORIGINS: dict[str, _Origin] = {
    "members": _Origin("CC0-1.0", ("https://unitedstates.github.io/congress-legislators/legislators-current.json",)),
    "offices": _Origin(
        "CC0-1.0", ("https://unitedstates.github.io/congress-legislators/legislators-district-offices.json",)
    ),
    "contact_forms": _Origin("CC0-1.0", ("https://github.com/openstates/people",)),
    "corrections": _Origin(
        "public record, compiled by this project",
        ("https://clerk.house.gov/xml/lists/MemberData.xml", "https://github.com/unitedstates/congress-legislators"),
    ),
    "crosswalk": _Origin(
        _CENSUS, ("https://www2.census.gov/geo/docs/maps-data/data/rel2020/cd-sld/tab20_cd11920_zcta520_natl.txt",)
    ),
    "zip_points": _Origin(
        _CENSUS, ("https://www.census.gov/geographies/reference-files/time-series/geo/gazetteer-files.html",)
    ),
    "zip_places": _Origin("MIT (facts only)", ("https://github.com/seanpianka/Zipcodes",)),
}
_SOURCES_OF: dict[str, tuple[str, ...]] = {
    "members.csv": ("members", "contact_forms", "corrections", "crosswalk"),
    "offices.csv": ("offices", "corrections"),
    "zips.csv": ("crosswalk", "corrections", "zip_points", "zip_places"),
}
SOURCES: tuple[str, ...] = tuple(_ORIGINS)
"""The names of the sources, as `build` and the manifest use them."""


@dataclass(frozen=True, slots=True)
class _WebAddresses:
    """What became of the members' web addresses, by field: taken, mended, dropped or missing."""

    persons: tuple[Person, ...]
    fates: Mapping[str, Mapping[str, int]]


def build(inputs: Inputs, as_of: Mapping[str, str]) -> dict[str, bytes]:
    """The files of a folder of tables, by name.

    `as_of` says for a source, where it is known, of when its file is; corrections say it themselves. Raises
    InputUnusable.
    """
    sources = {field.name: read_source(getattr(inputs, field.name)) for field in fields(Inputs)}
    corrections = read_corrections(sources["corrections"])
    published = read_crosswalk(sources["crosswalk"])
    districts = _all_districts(published)
    members = _with_forms(read_members(sources["members"]), read_contact_forms(sources["contact_forms"]))
    web = _with_official_addresses(seated(members, corrections, districts).values())
    tables = {
        "members.csv": _member_rows(web.persons, corrections.vacant),
        "offices.csv": _office_rows(read_offices(sources["offices"]), {person.bioguide for person in web.persons}),
        "zips.csv": _zip_rows(
            _corrected(published, corrections, districts),
            read_zip_points(sources["zip_points"]),
            read_zip_places(sources["zip_places"]),
        ),
    }
    files = {name: _csv(COLUMNS[name], rows) for name, rows in tables.items()}
    manifest = {
        "format": FORMAT,
        **_validity(published.congress),
        "as_of": corrections.as_of.isoformat(),
        "seats": {"filled": len(web.persons), "vacant": sorted(corrections.vacant, key=seat_order)},
        "web_addresses": web.fates,
        "tables": {name: _described(name, rows, files[name]) for name, rows in tables.items()},
        "sources": _sources(sources, {**as_of, "corrections": corrections.as_of.isoformat()}),
    }
    files[MANIFEST] = f"{json.dumps(manifest, indent=2, ensure_ascii=False)}\n".encode()
    return files


def write(files: Mapping[str, bytes], out: Path) -> None:
    """Put the files into a folder of their own, in place of an older one.

    They are written beside it and read back before anything is replaced: a build that fails leaves the old tables as
    they were. Raises InputUnusable when the folder holds something else than tables, OSError, TablesUnusable.
    """
    out = out.resolve()
    others = sorted(path.name for path in out.iterdir() if path.name not in files) if out.is_dir() else []
    if others or (out.exists() and not out.is_dir()):
        raise InputUnusable(f"{out} is not a folder of tables alone ({', '.join(others) or 'a file'}): name another.")
    new, old = out.with_name(f".{out.name}.new"), out.with_name(f".{out.name}.old")
    if old.exists() and not out.exists():
        old.rename(out)  # a build was killed between the two steps of _swap
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        for name, content in files.items():
            (new / name).write_bytes(content)
        load(new)
        _swap(new, out, old)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _swap(new: Path, out: Path, old: Path) -> None:
    """A folder can't be replaced in one step: for a moment there is none, and if the second fails the old is back."""
    if not out.exists():
        new.rename(out)
        return
    out.rename(old)
    try:
        new.rename(out)
    except OSError:
        old.rename(out)
        raise


def _all_districts(crosswalk: Crosswalk) -> frozenset[Seat]:
    """Every House seat there is: the crosswalk covers them all."""
    districts = frozenset(seat for _, seat in crosswalk.pairs)
    numbers: dict[State, list[int]] = {state: [] for state in STATES}
    for seat in districts:
        numbers[state_of(seat)].append(seat_number(seat))
    for state, found in numbers.items():
        if sorted(found) not in ([0], list(range(1, len(found) + 1))) or not found:
            raise InputUnusable(f"The crosswalk's districts of {state} have gaps: {sorted(found)}.")
    if len(districts) != HOUSE_DISTRICTS:
        raise InputUnusable(f"The crosswalk has {len(districts)} districts, not {HOUSE_DISTRICTS}.")
    return districts


def _corrected(crosswalk: Crosswalk, corrections: Corrections, districts: frozenset[Seat]) -> dict[str, list[Seat]]:
    """The districts of each ZIP area."""
    for zcta, seat in sorted(corrections.crosswalk_removed - crosswalk.pairs):
        raise InputUnusable(f"The corrections take {seat} from {zcta}, but the crosswalk has no such row.")
    for zcta, seat in sorted(corrections.crosswalk_added):
        if seat not in districts:
            raise InputUnusable(f"The corrections put {zcta} into {seat}, which is no district of the crosswalk.")
    areas: dict[str, list[Seat]] = {}
    for zcta, seat in (crosswalk.pairs - corrections.crosswalk_removed) | corrections.crosswalk_added:
        areas.setdefault(zcta, []).append(seat)
    return areas


def _with_forms(members: Iterable[Person], forms: Mapping[Bioguide, str]) -> tuple[Person, ...]:
    """Members with the form that `forms` knows: the members' own file has hardly any of the House's."""
    return tuple(replace(person, contact_form=forms.get(person.bioguide) or person.contact_form) for person in members)


def _with_official_addresses(persons: Iterable[Person]) -> _WebAddresses:
    fates: dict[str, Counter[str]] = {name: Counter() for name in _WEB_ADDRESSES}
    kept = []
    for person in persons:
        found = {"url": person.url, "contact_form": person.contact_form}
        official = {name: official_address(address) for name, address in found.items()}
        for name, address in found.items():
            fates[name][_fate(address, official[name])] += 1
        kept.append(replace(person, url=official["url"], contact_form=official["contact_form"]))
    return _WebAddresses(tuple(kept), {name: dict(sorted(fate.items())) for name, fate in fates.items()})


def _fate(found: str, official: str) -> str:
    if not found:
        return "missing"
    if not official:
        return "dropped"
    return "taken" if found == official else "mended"


def _member_rows(persons: Iterable[Person], vacant: Iterable[Seat]) -> Rows:
    holders = by_seat(persons)
    senior = _senior_senators(holders.values())
    rows: dict[Seat, tuple[str, ...]] = {seat: (seat, *[""] * (len(COLUMNS["members.csv"]) - 1)) for seat in vacant}
    for seat, person in holders.items():
        rank = ("senior" if person.bioguide in senior else "junior") if is_senate(seat) else ""
        rows[seat] = (
            seat,
            person.bioguide,
            person.name,
            person.last_name,
            person.party,
            rank,
            person.since.isoformat(),
            person.until.isoformat(),
            person.phone,
            person.address,
            person.url,
            person.contact_form,
        )
    return [rows[seat] for seat in sorted(rows, key=seat_order)]


def _senior_senators(persons: Iterable[Person]) -> frozenset[Bioguide]:
    """One of each state. Where the senior one has left, the other follows: published ranks lag behind."""
    first: dict[State, Person] = {}
    for person in sorted(persons, key=lambda person: (not person.senior, person.since, person.bioguide)):
        if is_senate(person.seat):
            first.setdefault(state_of(person.seat), person)
    return frozenset(person.bioguide for person in first.values())


def _office_rows(offices: Iterable[DistrictOffice], sitting: set[Bioguide]) -> Rows:
    return sorted(
        (
            office.bioguide,
            office.city,
            office.state,
            office.street,
            office.zip,
            office.phone,
            *_cells(office.point),
        )
        for office in offices
        if office.bioguide in sitting
    )


def _zip_rows(areas: Mapping[str, list[Seat]], points: Mapping[str, str], places: Mapping[str, Place]) -> Rows:
    rows: Rows = []
    for code in sorted(areas.keys() | places.keys()):
        place = places.get(code, Place(ZipKind.UNLISTED, "", ""))
        seats = sorted(areas.get(code, ()), key=seat_order)
        rows.append((code, place.kind, place.state, " ".join(seats), *_cells(points.get(code) or place.point)))
    return rows


def _cells(point: str) -> tuple[str, str]:
    lat, _, lon = point.partition(",")
    return lat, lon


def _csv(columns: tuple[str, ...], rows: Rows) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


def _validity(congress: int) -> dict[str, object]:
    """A Congress sits from January 3rd, noon, of an odd year to the same moment two years on (20th Amendment)."""
    year = 1789 + 2 * (congress - 1)
    return {
        "congress": congress,
        "valid_from": datetime(year, 1, 3, 12, tzinfo=_EASTERN).isoformat(),
        "valid_to": datetime(year + 2, 1, 3, 12, tzinfo=_EASTERN).isoformat(),
        "time_zone": "America/New_York",
    }


def _described(name: str, rows: Rows, content: bytes) -> dict[str, object]:
    return {
        "columns": COLUMNS[name],
        "rows": len(rows),
        "sha256": hashlib.sha256(content).hexdigest(),
        "sources": _SOURCES_OF[name],
    }


def _sources(sources: Mapping[str, Source], as_of: Mapping[str, str]) -> dict[str, object]:
    return {
        name: {
            "addresses": origin.addresses,
            "as_of": as_of.get(name),
            "licence": origin.licence,
            "sha256": sources[name].sha256,
        }
        for name, origin in _ORIGINS.items()
    }
