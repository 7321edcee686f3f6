"""The project's own tables of members, offices and ZIP codes: their columns, and how they are read.

A folder holds `members.csv` (a line for each seat, the vacant ones included), `offices.csv`, `zips.csv` and
`manifest.json`, which says where all of it comes from. They are written by `app.legislators.making.build`.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from app.addresses import State, Zip
from app.legislators import (
    Bioguide,
    DivisionId,
    Legislator,
    NoDataForDay,
    Office,
    Seat,
    TablesUnusable,
    Vacancy,
)
from app.legislators.congresses import congress_at
from app.legislators.geography import (
    division_of,
    is_senate,
    role_of,
    seat_number,
    state_of,
)

SHIPPED = Path(__file__).with_name("data")
"""The tables that come with the project."""

MANIFEST = "manifest.json"
FORMAT = 2

MEMBER_COLUMNS = (
    "seat",
    "bioguide",
    "name",
    "last_name",
    "party",
    "rank",
    "since",
    "until",
    "phone",
    "address",
    "url",
    "contact_form",
    "how",
    "end_type",
    "first_name",
    "middle_name",
    "nickname",
    "suffix",
    "caucus",
    "fax",
)
OFFICE_COLUMNS = ("bioguide", "city", "state", "street", "zip", "phone", "fax", "hours", "lat", "lon")
ZIP_COLUMNS = ("zip", "kind", "state", "districts", "guess", "lat", "lon")
COLUMNS: dict[str, tuple[str, ...]] = {
    "members.csv": MEMBER_COLUMNS,
    "offices.csv": OFFICE_COLUMNS,
    "zips.csv": ZIP_COLUMNS,
}


class ZipKind(StrEnum):
    """What a ZIP code is for."""

    STANDARD = "standard"
    BOX = "box"
    SINGLE = "single"  # one building or organisation
    MILITARY = "military"
    UNLISTED = "unlisted"  # an area of the Census that is on no list of postal codes


@dataclass(frozen=True, slots=True)
class ZipArea:
    """What is known about one ZIP code."""

    kind: ZipKind
    postal_state: str
    """Where its post office stands: a State, `AA` `AE` `AP`, `PW` `FM` `MH`, or empty when unlisted."""
    districts: tuple[DivisionId, ...]
    """Those that its area touches, the likeliest first; empty for most PO boxes and single buildings."""
    guess: DivisionId | None
    """Where there are none: the district in which its post office stands. No answer, but a place to begin."""
    point: tuple[float, float] | None
    """Latitude, longitude: inside the area where it has one, else of the post office."""
    states: tuple[State, ...]
    """Every state that it touches, sorted."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything that is known about one Congress."""

    congress: int
    map_congress: int
    """Whose districts the ZIP codes are told in: an older Congress's while no newer crosswalk is published."""
    as_of: date
    """The day up to which the members are known to be right."""
    members: tuple[Legislator, ...]
    """By state, senators first (the senior before the junior), then by district."""
    vacancies: tuple[Vacancy, ...]
    districts: Mapping[State, tuple[DivisionId, ...]]
    """All House divisions of each state in numeric order."""
    about: Mapping[str, Any]
    """The manifest, for people: any JSON."""
    _zips: Mapping[str, str]
    """The line of each ZIP code without the code, read when asked for: 42,000 values would take far more room."""
    _areas: dict[str, ZipArea] = field(default_factory=dict)
    """Those that somebody has asked for."""

    def congress_on(self, on: datetime) -> int:
        """The Congress that sits then. Raises NoDataForDay unless the tables are its own, or of the one before it."""
        sitting = congress_at(on)
        if not self.congress <= sitting <= self.congress + 1:
            raise NoDataForDay(
                f"The tables are those of Congress {self.congress}, and Congress {sitting} sits on {on.date()}: "
                "get newer ones with `flask legislators refresh`."
            )
        return sitting

    def zip_codes(self) -> Iterator[Zip]:
        """Every ZIP code known, in order."""
        return (Zip(code) for code in self._zips)

    def zip_area(self, zip_code: str) -> ZipArea | None:
        """What is known about five digits, None when nothing is."""
        return self._areas.get(zip_code) or self._read_area(zip_code)

    def _read_area(self, zip_code: str) -> ZipArea | None:
        line = self._zips.get(zip_code)
        if line is None:
            return None
        kind, postal_state, seats, guess, lat, lon = line.split(",")
        known_state = postal_state if postal_state in self.districts else ""
        area = self._areas[zip_code] = ZipArea(
            kind=ZipKind(kind),
            postal_state=postal_state,
            districts=_divisions(seats),
            guess=division_of(Seat(guess)) if guess else None,
            point=_point(lat, lon),
            states=_states(seats, known_state),
        )
        return area

    def states_of_prefix(self, prefix: str) -> tuple[State, ...]:
        """The states in which ZIP codes with these three first digits are in use, sorted."""
        areas = (self.zip_area(f"{prefix}{n:02}") for n in range(100))
        return tuple(sorted({state for area in areas if area for state in area.states}))


@dataclass(frozen=True, slots=True)
class _Manifest:
    congress: int
    map_congress: int
    as_of: date
    rows: Mapping[str, int]
    hashes: Mapping[str, str]
    raw: Mapping[str, Any]


def load(folder: Path) -> Tables:
    """Read a folder of tables. Raises TablesUnusable when a file is missing or not what the manifest says."""
    manifest = _read_manifest(folder / MANIFEST)
    offices = _read_offices(_lines(folder, "offices.csv", manifest))
    try:
        members, vacancies, districts = _read_members(_lines(folder, "members.csv", manifest), offices)
    except ValueError as error:
        raise TablesUnusable(f"{folder / 'members.csv'} holds a value that makes no sense ({error}).") from error
    zips = {line[:5]: line[6:] for line in _lines(folder, "zips.csv", manifest)}
    return Tables(
        congress=manifest.congress,
        map_congress=manifest.map_congress,
        as_of=manifest.as_of,
        members=members,
        vacancies=vacancies,
        districts=districts,
        about=manifest.raw,
        _zips=zips,
    )


def _read_manifest(path: Path) -> _Manifest:
    try:
        raw = json.loads(_read(path))
        if raw["format"] != FORMAT:
            raise TablesUnusable(f"{path} is of format {raw['format']}, this program reads {FORMAT}: {REMEDY}")
        return _Manifest(
            congress=int(raw["congress"]),
            map_congress=int(raw["map_congress"]),
            as_of=date.fromisoformat(raw["as_of"]),
            rows={name: int(raw["tables"][name]["rows"]) for name in COLUMNS},
            hashes={name: str(raw["tables"][name]["sha256"]) for name in COLUMNS},
            raw=raw,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise TablesUnusable(f"{path} is not a manifest of tables: {REMEDY}") from error


REMEDY = "put the folder back, for example with `git checkout -- app/legislators/data`."


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TablesUnusable(f"{path} cannot be read ({error.strerror}): {REMEDY}") from error


def _lines(folder: Path, name: str, manifest: _Manifest) -> list[str]:
    """The rows of a table as text, once its columns, row count and hash are found to be the manifest's."""
    path = folder / name
    content = _read(path)
    header, *rows = content.decode(errors="replace").removesuffix("\n").split("\n")
    if header != ",".join(COLUMNS[name]):
        raise TablesUnusable(f"{path} has other columns than {', '.join(COLUMNS[name])}: {REMEDY}")
    if len(rows) != manifest.rows[name]:
        raise TablesUnusable(f"{path} has {len(rows)} rows, its manifest says {manifest.rows[name]}: {REMEDY}")
    if hashlib.sha256(content).hexdigest() != manifest.hashes[name]:
        raise TablesUnusable(f"{path} is not the file that its manifest describes (another sha256): {REMEDY}")
    return rows


def _read_offices(lines: list[str]) -> dict[str, tuple[Office, ...]]:
    offices: dict[str, tuple[Office, ...]] = {}
    for bioguide, city, state, street, zip_code, phone, fax, hours, lat, lon in csv.reader(lines):
        office = Office(city, state, street, zip_code, phone, _point(lat, lon), fax, hours)
        offices[bioguide] = (*offices.get(bioguide, ()), office)
    return offices


@functools.cache
def _divisions(seats: str) -> tuple[DivisionId, ...]:
    return tuple(division_of(Seat(seat)) for seat in seats.split())


@functools.cache
def _states(seats: str, postal_state: str) -> tuple[State, ...]:
    states = {state_of(Seat(seat)) for seat in seats.split()}
    return tuple(sorted(states | {State(postal_state)} if postal_state else states))


def _point(lat: str, lon: str) -> tuple[float, float] | None:
    return (float(lat), float(lon)) if lat and lon else None


def _read_members(
    lines: list[str], offices: Mapping[str, tuple[Office, ...]]
) -> tuple[tuple[Legislator, ...], tuple[Vacancy, ...], dict[State, tuple[DivisionId, ...]]]:
    members: list[tuple[bool, Legislator]] = []
    vacancies: list[Vacancy] = []
    districts: dict[State, tuple[DivisionId, ...]] = {}
    for row in csv.DictReader(lines, MEMBER_COLUMNS, strict=True):
        seat = Seat(row["seat"])
        if not is_senate(seat):
            districts[state_of(seat)] = (*districts.get(state_of(seat), ()), division_of(seat))
        if row["bioguide"]:
            members.append((row["rank"] == "junior", _legislator(row, offices)))
        else:
            vacancies.append(Vacancy(seat, role_of(seat), state_of(seat), division_of(seat), row["phone"]))
    members.sort(key=lambda entry: (entry[1].state, not is_senate(entry[1].seat), entry[0], seat_number(entry[1].seat)))
    return tuple(member for _, member in members), tuple(vacancies), districts


def _legislator(row: Mapping[str, str], offices: Mapping[str, tuple[Office, ...]]) -> Legislator:
    seat = Seat(row["seat"])
    return Legislator(
        bioguide=Bioguide(row["bioguide"]),
        seat=seat,
        role=role_of(seat),
        state=state_of(seat),
        division=division_of(seat),
        name=row["name"],
        last_name=row["last_name"],
        party=row["party"],
        since=date.fromisoformat(row["since"]),
        until=date.fromisoformat(row["until"]),
        phone=row["phone"],
        address=row["address"],
        url=row["url"],
        contact_form=row["contact_form"],
        offices=offices.get(row["bioguide"], ()),
        how=row["how"],
        end_type=row["end_type"],
        first_name=row["first_name"],
        middle_name=row["middle_name"],
        nickname=row["nickname"],
        suffix=row["suffix"],
        caucus=row["caucus"],
        fax=row["fax"],
    )
