"""Small input files for the builder, in the shapes of the published ones: a made-up country of 541 seats.

Each of its districts is a square of one degree. They stand in rows of 21, each beside the one before it; between
the rows is a degree of water. Of its ZIP areas 17 in 100 lie in two districts, and 112 in two states.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from app.addresses import TERRITORIES, State
from app.cli.legislators import legislators
from app.legislators.geography import DC, SENATE_STATES, STATE_BY_FIPS
from app.legislators.making.build import Inputs
from app.legislators.making.origins import SOURCES
from app.legislators.making.senate_classes import senate_seats

FIPS = {state: fips for fips, state in STATE_BY_FIPS.items()}
JsonObject = dict[str, object]
Point = tuple[float, float]

ADDED: JsonObject = {
    "bioguide": "N000001",
    "name": "New Person Jr.",
    "chamber": "rep",
    "state": "WY",
    "district": 0,
    "party": "Independent",
    "start": "2026-09-01",
    "end_expected": "2027-01-03",
}
REMOVED: JsonObject = {"bioguide": "H560000", "name": "Robin Member"}


def district_numbers(state: State) -> list[int]:
    """435 seats: one for Wyoming, two for Vermont, nine for the rest; and those of DC and the territories."""
    if state == "WY" or state == DC or state in TERRITORIES:
        return [0]
    return [1, 2] if state == "VT" else list(range(1, 10))


def geoid(state: State, number: int) -> str:
    at_large = "00" if state == "WY" else "98"
    return FIPS[state] + (f"{number:02}" if number else at_large)


def zcta(state: State, number: int) -> str:
    """`number` is that of a district for an area that is all of it, more for others."""
    return f"{FIPS[state]}{number:03}"


DISTRICTS = [(state, number) for state in FIPS for number in district_numbers(state)]


def middle(state: str, number: int) -> Point:
    """Latitude and longitude of the middle of a district's square: it reaches half a degree to each side."""
    row, column = divmod(DISTRICTS.index((State(state), number)), 21)
    return 10.5 + 2 * row, -119.5 + column


def square(at: Point) -> JsonObject:
    lat, lon = at
    west, south, east, north = lon - 0.5, lat - 0.5, lon + 0.5, lat + 0.5
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def senator(bioguide: str, state: str, senate_class: int, *, rank: str = "junior") -> JsonObject:
    earlier = {"type": "rep", "start": "1999-01-03", "end": "2001-01-03", "state": "ZZ", "district": 1, "party": "Whig"}
    term = {
        "type": "sen",
        "start": "2023-01-03",
        "end": "2029-01-03",
        "state": state,
        "class": senate_class,
        "state_rank": rank,
        "party": "Democrat",
        "phone": "202-224-0000",
        "address": "1 Senate Office Building Washington DC 20510",
        "url": f"https://www.{bioguide.lower()}.senate.gov",
    }
    return {
        "id": {"bioguide": bioguide},
        "name": {"first": "Sam", "last": f"Senator {bioguide}", "official_full": f"Sam Senator {bioguide}"},
        "terms": [earlier, term],
    }


def representative(bioguide: str, state: str, number: int) -> JsonObject:
    term = {
        "type": "rep",
        "start": "2025-01-03",
        "end": "2027-01-03",
        "state": state,
        "district": number,
        "party": "Republican",
    }
    name = {"first": "Robin", "last": f"Member{bioguide}", "suffix": "Jr."}
    return {"id": {"bioguide": bioguide}, "name": name, "terms": [term]}


def all_members() -> list[JsonObject]:
    members = []
    for number, state in enumerate(SENATE_STATES):
        first, second = (int(seat[-1]) for seat in senate_seats(state))
        members.append(senator(f"S{number:05}1", state, first))
        members.append(senator(f"S{number:05}2", state, second, rank="senior"))
    for state, fips in FIPS.items():
        members.extend(representative(f"H{fips}{number:04}", state, number) for number in district_numbers(state))
    return members


@dataclass
class Files:
    """The eight inputs, to be spoilt by a test before they are written."""

    members: list[JsonObject]
    offices: list[JsonObject]
    contact_forms: dict[str, str]
    corrections: JsonObject
    crosswalk: list[tuple[str, str]]
    map: dict[str, JsonObject]
    """GEOID to geometry."""
    zip_points: dict[str, Point]
    zip_places: dict[str, tuple[str, str, Point]]
    """ZIP code to kind, state and post office."""

    def texts(self) -> dict[str, str]:
        pairs = [f"{district}|{zcta}" for district, zcta in self.crosswalk]
        points = [f"{zcta},{lat},{lon}" for zcta, (lat, lon) in self.zip_points.items()]
        places = [f"{code},{kind},{state},Town,{at[0]},{at[1]}" for code, (kind, state, at) in self.zip_places.items()]
        return {
            "members": json.dumps(self.members),
            "offices": json.dumps(self.offices),
            "contact_forms": json.dumps(self.contact_forms),
            "corrections": json.dumps(self.corrections),
            "crosswalk": "\n".join(["GEOID_CD119_20|GEOID_ZCTA5_20", *pairs]) + "\n",
            "map": json.dumps({"type": "FeatureCollection", "features": self.features()}),
            "zip_points": "\n".join(["zcta,lat,lon", *points]) + "\n",
            "zip_places": "\n".join(["zip,kind,state,city,lat,lon", *places]) + "\n",
        }

    def features(self) -> list[JsonObject]:
        return [
            {"type": "Feature", "properties": {"GEOID": district}, "geometry": geometry}
            for district, geometry in self.map.items()
        ]

    def write(self, folder: Path) -> Inputs:
        for name, text in self.texts().items():
            (folder / name).write_text(text, encoding="utf-8")
        return Inputs(**{name: folder / name for name in self.texts()})

    def member(self, bioguide: str) -> JsonObject:
        return next(member for member in self.members if member["id"] == {"bioguide": bioguide})

    def add_area(self, code: str, *districts: tuple[State, int]) -> None:
        """A ZIP area with its post office, both in the first of its districts."""
        self.crosswalk += [(geoid(*district), code) for district in districts]
        self.zip_points[code] = middle(*districts[0])
        self.zip_places[code] = ("standard", districts[0][0], middle(*districts[0]))


def files() -> Files:
    """A ZIP area or two for each district, and some of two; 05601 is a PO box of Vermont, 09901 military."""
    country = Files(
        members=all_members(),
        offices=[
            {
                "id": {"bioguide": "H560000"},
                "offices": [
                    {
                        "id": "H560000-cheyenne",
                        "address": "1 Capitol  Ave.",
                        "suite": 2002,
                        "city": "Cheyenne",
                        "state": "WY",
                        "zip": "82001",
                        "latitude": 41.123456,
                        "longitude": -104.8,
                        "phone": "307-555-0100",
                        "fax": "307-555-0199",
                        "hours": "M-F 9-5",
                    },
                    {"id": "H560000-casper", "city": "Casper", "state": "WY"},
                ],
            },
            {"id": {"bioguide": "Z000000"}, "offices": [{"id": "gone", "city": "Nowhere", "state": "WY"}]},
        ],
        contact_forms={"H560000": "https://member.house.gov/contact"},
        corrections={"as_of": "2026-10-03"},
        crosswalk=[],
        map={geoid(*district): square(middle(*district)) for district in DISTRICTS},
        zip_points={},
        zip_places={"05601": ("box", "VT", middle("VT", 2)), "09901": ("military", "AE", (0.0, 0.0))},
    )
    for state, number in DISTRICTS:
        country.add_area(zcta(state, number), (state, number))
        if number < 8:
            country.add_area(zcta(state, 100 + number), (state, number))
    states = list(FIPS)
    for state, neighbour in zip(states, [*states[1:], states[0]], strict=True):
        for number in (201, 202):
            country.add_area(
                zcta(state, number), (state, district_numbers(state)[0]), (neighbour, district_numbers(neighbour)[0])
            )
        if len(district_numbers(state)) > 1:
            country.add_area(zcta(state, 301), (state, 1), (state, 2))
    return country


def run(inputs: Inputs, out: Path, *more: str) -> Result:
    """`flask legislators build`."""
    options = [f"--{name.replace('_', '-')}={getattr(inputs, name)}" for name in SOURCES]
    return CliRunner().invoke(legislators, ["build", *options, f"--out={out}", *more])


def rows(built: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(built[name].decode(), newline="")))


def row(built: dict[str, bytes], name: str, key: str) -> dict[str, str]:
    """The row whose first cell is `key`."""
    return next(row for row in rows(built, name) if next(iter(row.values())) == key)


def refusal(spoilt: Files, folder: Path, *more: str) -> str:
    """What the command says when it refuses the files: one sentence, and no tables."""
    result = run(spoilt.write(folder), folder / "out", *more)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.count("\n") == 1
    assert not (folder / "out").exists()
    return result.stderr.removeprefix("Error: ").strip()
