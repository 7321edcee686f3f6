"""The published files about ZIP codes: the Census's crosswalk and points, and the list of codes in postal use."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from app.addresses import MILITARY, STATES
from app.legislators import Seat
from app.legislators.geography import FREE_ASSOCIATION, STATE_BY_FIPS, house_seat
from app.legislators.making.sources import (
    InputUnusable,
    Point,
    Record,
    Source,
    parse_json,
    point_of,
    records_of,
    rows_of,
    whole_lines,
)
from app.legislators.tables import ZipKind

_ZIP = re.compile(r"[0-9]{5}")
_AT_LARGE = ("00", "98")  # the only seat of a state; a delegate's or the resident commissioner's
_KINDS = {
    "STANDARD": ZipKind.STANDARD,
    "PO BOX": ZipKind.BOX,
    "UNIQUE": ZipKind.SINGLE,
    "MILITARY": ZipKind.MILITARY,
}
_LISTED = frozenset(_KINDS.values())
_POSTAL_STATES = STATES.keys() | MILITARY | FREE_ASSOCIATION


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """Which ZIP areas touch which districts of one Congress."""

    congress: int
    pairs: frozenset[tuple[str, Seat]]


@dataclass(frozen=True, slots=True)
class Place:
    """A ZIP code in postal use, and the point of its post office where that is known."""

    kind: ZipKind
    state: str
    point: Point | None


def read_crosswalk(source: Source) -> Crosswalk:
    """The Census's relationship file of ZIP areas and districts, or its two GEOID columns alone.

    Rows without a ZIP area and rows of water (`…ZZ`) say nothing about an address and are skipped; a row may repeat.
    """
    header, *lines = whole_lines(source) or [""]
    columns = header.strip().split("|")
    district_at, congress = _congress_column(source, columns)
    if "GEOID_ZCTA5_20" not in columns:
        raise InputUnusable(f"{source.path} has no column GEOID_ZCTA5_20.")
    zcta_at = columns.index("GEOID_ZCTA5_20")
    pairs = set()
    for number, line in enumerate(lines, start=2):
        cells = line.split("|")
        if len(cells) != len(columns):
            raise InputUnusable(f"{source.path}, line {number} has {len(cells)} cells, not {len(columns)}.")
        zcta, geoid = cells[zcta_at], cells[district_at]
        if zcta and not geoid.endswith("ZZ"):
            pairs.add(crosswalk_pair(zcta, geoid, f"{source.path}, line {number}"))
    return Crosswalk(congress, frozenset(pairs))


def read_zip_places(source: Source) -> dict[str, Place]:
    """A CSV `zip,kind,state,city,lat,lon`, or the `zips.json` of the package zipcodes, without codes out of use.

    A point of zeros is unknown.
    """
    published = source.text.lstrip().startswith("[")
    places: dict[str, Place] = {}
    for where, code, place in _published_places(source) if published else _listed_places(source):
        if place.state not in _POSTAL_STATES:
            raise InputUnusable(f"{where} names an unknown state: {place.state[:100]!r}.")
        if code in places:
            raise InputUnusable(f"{where} names {code} for the second time.")
        places[code] = place
    return places


def read_zip_points(source: Source) -> dict[str, Point]:
    """A point inside each ZIP area: a CSV `zcta,lat,lon`, or the Gazetteer's `…_Gaz_zcta_national.txt`."""
    gazetteer = "\t" in source.text.partition("\n")[0]
    zcta, lat, lon = ("GEOID", "INTPTLAT", "INTPTLONG") if gazetteer else ("zcta", "lat", "lon")
    points: dict[str, Point] = {}
    for where, row in rows_of(source, (zcta, lat, lon), "\t" if gazetteer else ","):
        code = _zip(row[zcta].strip(), where)
        point = point_of(row[lat], row[lon], where)
        if code in points:
            raise InputUnusable(f"{where} names {code} for the second time.")
        if point is None:
            raise InputUnusable(f"{where} has no point for {code}.")
        points[code] = point
    return points


def crosswalk_pair(zcta: str, geoid: str, where: str) -> tuple[str, Seat]:
    """A ZIP area and the seat of a GEOID: two digits of the state, two of the district. Raises InputUnusable."""
    return _zip(zcta, where), geoid_seat(geoid, where)


def geoid_seat(geoid: str, where: str) -> Seat:
    """The seat of a GEOID: two digits of the state, two of the district. Raises InputUnusable."""
    state = STATE_BY_FIPS.get(geoid[:2])
    number = geoid[2:]
    if state is None or not re.fullmatch(r"[0-9]{2}", number):
        raise InputUnusable(f"{where} names an unknown district: {geoid[:100]!r}.")
    return Seat(sys.intern(house_seat(state, 0 if number in _AT_LARGE else int(number))))


def _congress_column(source: Source, columns: list[str]) -> tuple[int, int]:
    for at, column in enumerate(columns):
        match = re.fullmatch(r"GEOID_CD([0-9]{3})_20", column)
        if match:
            return at, int(match[1])
    raise InputUnusable(f"{source.path} has no column like GEOID_CD119_20: is it the crosswalk, separated by “|”?")


def _listed_places(source: Source) -> Iterator[tuple[str, str, Place]]:
    for where, row in rows_of(source, ("zip", "kind", "state", "lat", "lon")):
        if row["kind"] not in _LISTED:
            raise InputUnusable(f"{where} has an unknown kind: {row['kind'][:100]!r}.")
        point = point_of(row["lat"], row["lon"], where)
        yield where, _zip(row["zip"], where), Place(ZipKind(row["kind"]), sys.intern(row["state"]), point)


def _published_places(source: Source) -> Iterator[tuple[str, str, Place]]:
    for record in records_of(parse_json(source), str(source.path)):
        if record.values.get("active") is not False:
            yield record.where, _zip(record.text("zip_code"), record.where), _published_place(record)


def _published_place(record: Record) -> Place:
    kind = _KINDS.get(record.text("zip_code_type"))
    if kind is None:
        raise InputUnusable(f"{record.where} has an unknown kind: {record.text('zip_code_type')[:100]!r}.")
    return Place(kind, record.text("state"), record.point("lat", "long"))


def _zip(text: str, where: str) -> str:
    if not _ZIP.fullmatch(text):
        raise InputUnusable(f"{where} has a ZIP code that is not five digits: {text[:100]!r}.")
    return sys.intern(text)  # a code stands in several files, and each would keep its own
