"""The published files about ZIP codes: the Census's crosswalk and points, and the list of codes in postal use."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.addresses import STATES
from app.legislators import Seat
from app.legislators.geography import FREE_ASSOCIATION, MILITARY, STATE_BY_FIPS, house_seat
from app.legislators.sources import InputUnusable, Source
from app.legislators.tables import ZipKind

_ZIP = re.compile(r"[0-9]{5}")
_AT_LARGE = ("00", "98")  # the only seat of a state; a delegate's or the resident commissioner's


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """Which ZIP areas touch which districts of one Congress."""

    congress: int
    pairs: frozenset[tuple[str, Seat]]


@dataclass(frozen=True, slots=True)
class Place:
    """A ZIP code in postal use; `point` is empty or `lat,lon` to four decimals."""

    kind: ZipKind
    state: str
    point: str


def read_crosswalk(source: Source) -> Crosswalk:
    """The Census's relationship file of ZIP areas and districts, or its two GEOID columns alone.

    Rows without a ZIP area and rows of water (`…ZZ`) say nothing about an address and are skipped.
    """
    header, _, rest = source.text.partition("\n")
    columns = header.strip().split("|")
    district_at, congress = _congress_column(source, columns)
    if "GEOID_ZCTA5_20" not in columns:
        raise InputUnusable(f"{source.path} has no column GEOID_ZCTA5_20.")
    zcta_at = columns.index("GEOID_ZCTA5_20")
    pairs = set()
    for number, line in enumerate(rest.splitlines(), start=2):
        cells = line.split("|")
        if len(cells) != len(columns):
            raise InputUnusable(f"{source.path}, line {number} has {len(cells)} cells, not {len(columns)}.")
        zcta, geoid = cells[zcta_at], cells[district_at]
        if zcta and not geoid.endswith("ZZ"):
            pairs.add(crosswalk_pair(zcta, geoid, f"{source.path}, line {number}"))
    return Crosswalk(congress, frozenset(pairs))


def read_zip_places(source: Source) -> dict[str, Place]:
    """A table `zip,kind,state,city,lat,lon`; a point of zeros is unknown."""
    known = STATES.keys() | MILITARY | FREE_ASSOCIATION
    places = {}
    for where, row in _rows(source, ("zip", "kind", "state", "lat", "lon")):
        if row["state"] not in known:
            raise InputUnusable(f"{where} names an unknown state: {row['state']!r}.")
        if row["kind"] not in set(ZipKind) - {ZipKind.UNLISTED}:
            raise InputUnusable(f"{where} has an unknown kind: {row['kind']!r}.")
        code = _zip(row["zip"], where)
        if code in places:
            raise InputUnusable(f"{where} names {code} for the second time.")
        places[code] = Place(ZipKind(row["kind"]), row["state"], _row_point(row, where))
    return places


def read_zip_points(source: Source) -> dict[str, str]:
    """A table `zcta,lat,lon` of points inside the ZIP areas; the values are `lat,lon` to four decimals."""
    return {_zip(row["zcta"], where): _row_point(row, where) for where, row in _rows(source, ("zcta", "lat", "lon"))}


def crosswalk_pair(zcta: str, geoid: str, where: str) -> tuple[str, Seat]:
    """A ZIP area and the seat of a GEOID: two digits of the state, two of the district. Raises InputUnusable."""
    state = STATE_BY_FIPS.get(geoid[:2])
    number = geoid[2:]
    if state is None or not re.fullmatch(r"[0-9]{2}", number):
        raise InputUnusable(f"{where} names an unknown district: {geoid!r}.")
    return _zip(zcta, where), house_seat(state, 0 if number in _AT_LARGE else int(number))


def _congress_column(source: Source, columns: list[str]) -> tuple[int, int]:
    for at, column in enumerate(columns):
        match = re.fullmatch(r"GEOID_CD([0-9]{3})_20", column)
        if match:
            return at, int(match[1])
    raise InputUnusable(f"{source.path} has no column like GEOID_CD119_20: is it the crosswalk, separated by “|”?")


def _rows(source: Source, needed: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    reader = csv.DictReader(source.text.splitlines(), restval="", restkey="", strict=True)
    missing = [column for column in needed if column not in (reader.fieldnames or ())]
    if missing:
        raise InputUnusable(f"{source.path} has no column {missing[0]}.")
    try:
        for row in reader:
            yield f"{source.path}, line {reader.line_num}", row
    except csv.Error as error:
        raise InputUnusable(f"{source.path}, line {reader.line_num} is not CSV ({error}).") from error


def _zip(text: str, where: str) -> str:
    if not _ZIP.fullmatch(text):
        raise InputUnusable(f"{where} has a ZIP code that is not five digits: {text!r}.")
    return text


def _row_point(row: Mapping[str, str], where: str) -> str:
    try:
        lat, lon = float(row["lat"]), float(row["lon"])
    except ValueError as error:
        raise InputUnusable(f"{where} has a point that is not two numbers.") from error
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise InputUnusable(f"{where} has a point that is not on this earth.")
    return f"{lat:.4f},{lon:.4f}" if lat or lon else ""
