"""What a folder of tables is made of: values → files, and files → the same values.

The same values give the same bytes: rows are sorted, and nothing tells when or where the files were made.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from app.addresses import State
from app.legislators import Bioguide, Seat, TablesUnusable
from app.legislators.congresses import begins
from app.legislators.geography import is_senate, seat_order, state_of
from app.legislators.making.corrections import CrosswalkRows
from app.legislators.making.member_sources import DistrictOffice, Person
from app.legislators.making.origins import SOURCES_OF, SourceRecord
from app.legislators.making.sources import Point
from app.legislators.making.zip_rows import ZipRow
from app.legislators.tables import COLUMNS, FORMAT, MANIFEST, REMEDY, ZipKind, load

_Rows = list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that a folder of tables says."""

    congress: int
    """Whose members these are."""
    map_congress: int
    """Whose districts the ZIP codes are told in."""
    as_of: date
    """The day up to which the members are known to be right."""
    persons: tuple[Person, ...]
    vacant: Mapping[Seat, str]
    """The seats that nobody holds, with the telephone of the office, which may be empty."""
    web_addresses: Mapping[str, Mapping[str, int]]
    """How many of the persons' addresses were taken, mended or missing, by field."""
    offices: tuple[DistrictOffice, ...]
    """Those of people who do not sit are left out of the table."""
    zips: tuple[ZipRow, ...]
    open_questions: tuple[str, ...]
    """What was not known about the members on that day."""
    crosswalk_corrections: CrosswalkRows
    points_in_no_district: int
    """How many of the points inside ZIP areas the map has in the water."""
    sources: Mapping[str, SourceRecord]

    @property
    def districts(self) -> frozenset[Seat]:
        """All House seats, filled or vacant."""
        seats = {person.seat for person in self.persons} | self.vacant.keys()
        return frozenset(seat for seat in seats if not is_senate(seat))


def files_of(parts: Parts) -> dict[str, bytes]:
    """The files of a folder of tables, by name."""
    tables = {
        "members.csv": _member_rows(parts.persons, parts.vacant),
        "offices.csv": _office_rows(parts.offices, {person.bioguide for person in parts.persons}),
        "zips.csv": [_zip_row(row) for row in parts.zips],
    }
    files = {name: _csv(COLUMNS[name], rows) for name, rows in tables.items()}
    manifest = {
        "format": FORMAT,
        "congress": parts.congress,
        "map_congress": parts.map_congress,
        "valid_from": begins(parts.congress).isoformat(),
        "valid_to": begins(parts.congress + 1).isoformat(),
        "time_zone": "America/New_York",
        "as_of": parts.as_of.isoformat(),
        "seats": {"filled": len(parts.persons), "vacant": sorted(parts.vacant, key=seat_order)},
        "open_questions": parts.open_questions,
        "web_addresses": parts.web_addresses,
        "crosswalk_corrections": {
            "add": sorted(parts.crosswalk_corrections.added),
            "remove": sorted(parts.crosswalk_corrections.removed),
        },
        "points_in_no_district": parts.points_in_no_district,
        "tables": {name: _described(name, rows, files[name]) for name, rows in tables.items()},
        "sources": {name: _record(record) for name, record in parts.sources.items()},
    }
    files[MANIFEST] = f"{json.dumps(manifest, indent=2, ensure_ascii=False)}\n".encode()
    return files


def parts_of(folder: Path) -> Parts:
    """What a folder of tables was made of. Raises TablesUnusable when a file is missing or damaged."""
    tables = load(folder)
    try:
        members = list(_read(folder / "members.csv"))
        return Parts(
            congress=tables.congress,
            map_congress=tables.map_congress,
            as_of=tables.as_of,
            persons=tuple(_person(row) for row in members if row["bioguide"]),
            vacant={Seat(row["seat"]): row["phone"] for row in members if not row["bioguide"]},
            offices=tuple(_office(row) for row in _read(folder / "offices.csv")),
            zips=tuple(_read_zip(row) for row in _read(folder / "zips.csv")),
            **_of_manifest(tables.about),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise TablesUnusable(f"{folder} holds a value that makes no sense ({error}): {REMEDY}") from error


def _member_rows(persons: Iterable[Person], vacant: Mapping[Seat, str]) -> _Rows:
    persons = tuple(persons)
    senior = _senior_senators(persons)
    rows = {seat: _row("members.csv", {"seat": seat, "phone": phone}) for seat, phone in vacant.items()}
    for person in persons:
        rank = ("senior" if person.bioguide in senior else "junior") if is_senate(person.seat) else ""
        days = {"since": person.since.isoformat(), "until": person.until.isoformat()}
        rows[person.seat] = _row("members.csv", {**asdict(person), **days, "rank": rank})
    return [rows[seat] for seat in sorted(rows, key=seat_order)]


def _senior_senators(persons: Iterable[Person]) -> frozenset[Bioguide]:
    """One of each state. Where the senior one has left, the other follows: published ranks lag behind."""
    first: dict[State, Person] = {}
    for person in sorted(persons, key=lambda person: (not person.senior, person.since, person.bioguide)):
        if is_senate(person.seat):
            first.setdefault(state_of(person.seat), person)
    return frozenset(person.bioguide for person in first.values())


def _office_rows(offices: Iterable[DistrictOffice], sitting: set[Bioguide]) -> _Rows:
    return sorted(
        _row("offices.csv", {**asdict(office), **_cells(office.point)})
        for office in offices
        if office.bioguide in sitting
    )


def _zip_row(row: ZipRow) -> tuple[str, ...]:
    lat, lon = _cells(row.point).values()
    return row.code, row.kind, row.state, " ".join(row.districts), row.guess or "", lat, lon


def _row(table: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(values.get(column, "") for column in COLUMNS[table])


def _cells(point: Point | None) -> dict[str, str]:
    return {"lat": f"{point[0]:.4f}" if point else "", "lon": f"{point[1]:.4f}" if point else ""}


def _csv(columns: tuple[str, ...], rows: _Rows) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


def _described(name: str, rows: _Rows, content: bytes) -> dict[str, object]:
    return {
        "columns": COLUMNS[name],
        "rows": len(rows),
        "sha256": hashlib.sha256(content).hexdigest(),
        "sources": SOURCES_OF[name],
    }


def _record(record: SourceRecord) -> dict[str, object]:
    """What is only known of a file that the program fetched is left out where it is not."""
    values = asdict(record)
    return {key: value for key, value in values.items() if value is not None or key == "as_of"}


def _read(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, strict=True)


def _person(row: Mapping[str, str]) -> Person:
    texts = {column: row[column] for column in COLUMNS["members.csv"] if column not in _OTHERWISE}
    return Person(
        bioguide=Bioguide(row["bioguide"]),
        seat=Seat(row["seat"]),
        senior=row["rank"] == "senior",
        since=date.fromisoformat(row["since"]),
        until=date.fromisoformat(row["until"]),
        **texts,
    )


_OTHERWISE = frozenset(("bioguide", "seat", "rank", "since", "until"))


def _office(row: Mapping[str, str]) -> DistrictOffice:
    texts = {column: row[column] for column in COLUMNS["offices.csv"] if column not in ("bioguide", "lat", "lon")}
    return DistrictOffice(bioguide=Bioguide(row["bioguide"]), point=_point(row), **texts)


def _read_zip(row: Mapping[str, str]) -> ZipRow:
    return ZipRow(
        code=sys.intern(row["zip"]),
        kind=ZipKind(row["kind"]),
        state=sys.intern(row["state"]),
        districts=_seats(row["districts"]),
        guess=Seat(sys.intern(row["guess"])) if row["guess"] else None,
        point=_point(row),
    )


@functools.cache
def _seats(text: str) -> tuple[Seat, ...]:
    return tuple(Seat(sys.intern(seat)) for seat in text.split())


def _point(row: Mapping[str, str]) -> Point | None:
    return (float(row["lat"]), float(row["lon"])) if row["lat"] else None


def _of_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    rows = manifest["crosswalk_corrections"]
    return {
        "open_questions": tuple(map(str, manifest["open_questions"])),
        "web_addresses": manifest["web_addresses"],
        "crosswalk_corrections": CrosswalkRows(
            *(frozenset((str(zcta), Seat(seat)) for zcta, seat in rows[key]) for key in ("add", "remove"))
        ),
        "points_in_no_district": int(manifest["points_in_no_district"]),
        "sources": {
            name: SourceRecord(**{**record, "addresses": tuple(record["addresses"])})
            for name, record in manifest["sources"].items()
        },
    }
