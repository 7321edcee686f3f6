"""Writes the files of a whole refresh, in the shapes in which they are published, out of the shipped tables.

    python -m bench.published FOLDER        # a crosswalk of two columns, points and ZIP codes as CSV
    python -m bench.published FOLDER --full # the Census's own columns and the package zipcodes' JSON: far larger

They say the same as the tables, but for one telephone that the corrections change.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

from app.legislators import Seat
from app.legislators.geography import STATE_BY_FIPS, is_senate, seat_number, state_of
from app.legislators.making.member_sources import DistrictOffice, Person
from app.legislators.making.parts import Parts, parts_of
from app.legislators.tables import SHIPPED, ZipKind

PAST_TERMS = 5
"""So many terms before the present one: with these the file is as large as the published one, 1.5 MB."""

CHANGED_PHONE = "202-555-0100"

_FIPS = {state: fips for fips, state in STATE_BY_FIPS.items()}
_KINDS = {
    ZipKind.STANDARD: "STANDARD",
    ZipKind.BOX: "PO BOX",
    ZipKind.SINGLE: "UNIQUE",
    ZipKind.MILITARY: "MILITARY",
}
_CROSSWALK = (
    "OID_CD{0}_20 GEOID_CD{0}_20 NAMELSAD_CD{0}_20 AREALAND_CD{0}_20 AREAWATER_CD{0}_20 MTFCC_CD{0}_20 "
    "FUNCSTAT_CD{0}_20 OID_ZCTA5_20 GEOID_ZCTA5_20 NAMELSAD_ZCTA5_20 AREALAND_ZCTA5_20 AREAWATER_ZCTA5_20 "
    "MTFCC_ZCTA5_20 CLASSFP_ZCTA5_20 FUNCSTAT_ZCTA5_20 AREALAND_PART AREAWATER_PART"
)


def main(folder: Path, *, full: bool) -> None:
    """Write all seven files into a folder that is there."""
    parts = parts_of(SHIPPED)
    write_json(folder / "legislators-current.json", [_member(person) for person in parts.persons])
    write_json(folder / "legislators-district-offices.json", list(_offices(parts.offices)))
    write_json(folder / "contact-forms.json", {p.bioguide: p.contact_form for p in parts.persons if p.contact_form})
    write_json(folder / "corrections.json", _corrections(parts))
    (_write_census_files if full else _write_small_files)(parts, folder)


def write_json(file: Path, value: object) -> None:
    """As published: with an indent of two."""
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8")


def _member(person: Person) -> dict[str, object]:
    names = {
        "first": person.first_name,
        "middle": person.middle_name,
        "nickname": person.nickname,
        "last": person.last_name,
        "suffix": person.suffix,
        "official_full": person.name,
    }
    return {
        "id": {"bioguide": person.bioguide, "govtrack": 400000, "wikidata": "Q1", "fec": ["H0AA00000"], "icpsr": 20000},
        "name": {key: text for key, text in names.items() if text},
        "bio": {"birthday": "1960-01-01", "gender": "F"},
        "terms": [_term(person)] * (PAST_TERMS + 1),
    }


def _term(person: Person) -> dict[str, object]:
    number = seat_number(person.seat)
    senate = {"class": number, "state_rank": "senior" if person.senior else "junior"}
    texts = {
        "phone": person.phone,
        "address": person.address,
        "url": person.url,
        "contact_form": person.contact_form,
        "how": person.how,
        "end-type": person.end_type,
        "caucus": person.caucus,
        "fax": person.fax,
    }
    return {
        "type": "sen" if is_senate(person.seat) else "rep",
        "start": person.since.isoformat(),
        "end": person.until.isoformat(),
        "state": state_of(person.seat),
        "party": person.party,
        **(senate if is_senate(person.seat) else {"district": number}),
        **{key: text for key, text in texts.items() if text},
    }


def _offices(offices: Iterable[DistrictOffice]) -> Iterator[dict[str, object]]:
    number = count()
    by_member: dict[str, list[dict[str, object]]] = {}
    for office in offices:
        by_member.setdefault(office.bioguide, []).append(
            {
                "id": f"{office.bioguide}-{next(number)}",
                "address": office.street,
                "city": office.city,
                "state": office.state,
                "zip": office.zip,
                "phone": office.phone,
                "fax": office.fax,
                "hours": office.hours,
                **({"latitude": office.point[0], "longitude": office.point[1]} if office.point else {}),
            }
        )
    for bioguide, found in by_member.items():
        yield {"id": {"bioguide": bioguide, "govtrack": 400000}, "offices": found}


def _corrections(parts: Parts) -> dict[str, object]:
    """Of a day after the members: one telephone, the vacant seats, and the rows of the crosswalk that stand already."""
    person = next(person for person in parts.persons if not is_senate(person.seat))
    rows = parts.crosswalk_corrections
    return {
        "as_of": (parts.as_of + timedelta(days=1)).isoformat(),
        "patch": [{"bioguide": person.bioguide, **_place(person.seat), "phone": CHANGED_PHONE}],
        "vacant": [{**_place(seat), "phone": phone} for seat, phone in parts.vacant.items()],
        "crosswalk": {
            name: [[code, _geoid(seat)] for code, seat in sorted(pairs)]
            for name, pairs in (("add", rows.added), ("remove", rows.removed))
        },
    }


def _place(seat: Seat) -> dict[str, object]:
    return {"state": state_of(seat), "class" if is_senate(seat) else "district": seat_number(seat)}


def _pairs(parts: Parts) -> list[tuple[str, Seat]]:
    """The crosswalk as published: without its corrections."""
    rows = parts.crosswalk_corrections
    corrected = {(row.code, seat) for row in parts.zips for seat in row.districts}
    return sorted((corrected - rows.added) | rows.removed)


def _geoid(seat: Seat) -> str:
    return f"{_FIPS[state_of(seat)]}{seat_number(seat):02}"


def _write_small_files(parts: Parts, folder: Path) -> None:
    name, column = f"zcta520-cd{parts.map_congress}.txt", f"GEOID_CD{parts.map_congress}_20"
    lines = (f"{_geoid(seat)}|{code}\n" for code, seat in _pairs(parts))
    (folder / name).write_text("".join((f"{column}|GEOID_ZCTA5_20\n", *lines)), encoding="utf-8")
    areas = ((row.code, *(row.point or ())) for row in parts.zips if row.districts and row.point)
    _write_csv(folder / "zcta-points.csv", ("zcta", "lat", "lon"), areas)
    places = (
        (row.code, row.kind, row.state, "Springfield", *(row.point or ("0.0", "0.0")))
        for row in parts.zips
        if row.kind is not ZipKind.UNLISTED
    )
    _write_csv(folder / "zip-places.csv", ("zip", "kind", "state", "city", "lat", "lon"), places)


def _write_csv(file: Path, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows((columns, *rows))


def _write_census_files(parts: Parts, folder: Path) -> None:
    name = f"tab20_cd{parts.map_congress}20_zcta520_natl.txt"
    header = "|".join(_CROSSWALK.format(parts.map_congress).split())
    lines = (
        f"21290112345678|{_geoid(seat)}|Congressional District {seat_number(seat)}|9876543210|123456789|G5200|N"
        f"|221904290114565|{code}|ZCTA5 {code}|123456789|1234567|G6350|B5|S|12345678|123456\n"
        for code, seat in _pairs(parts)
    )
    (folder / name).write_text("".join((f"{header}\n", *lines)), encoding="utf-8")
    points = (
        f"{row.code}\t123456789\t1234567\t64.348\t0.309\t{row.point[0]}\t{row.point[1]}\n"
        for row in parts.zips
        if row.districts and row.point
    )
    gazetteer = "GEOID\tALAND\tAWATER\tALAND_SQMI\tAWATER_SQMI\tINTPTLAT\tINTPTLONG\n"
    (folder / "2020_Gaz_zcta_national.txt").write_text("".join((gazetteer, *points)), encoding="utf-8")
    places = [
        {
            "zip_code": row.code,
            "zip_code_type": _KINDS[row.kind],
            "active": True,
            "city": "Springfield",
            "acceptable_cities": [],
            "unacceptable_cities": ["North Springfield"],
            "state": row.state,
            "county": "Springfield County",
            "timezone": "America/New_York",
            "area_codes": ["202"],
            "world_region": "NA",
            "country": "US",
            "lat": str(row.point[0]) if row.point else "0.0",
            "long": str(row.point[1]) if row.point else "0.0",
        }
        for row in parts.zips
        if row.kind in _KINDS
    ]
    (folder / "zips.json").write_text(json.dumps(places), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), full="--full" in sys.argv[2:])
