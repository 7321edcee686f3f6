"""Small input files for the builder, in the shapes of the published ones: a made-up country of 541 seats."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from app.addresses import TERRITORIES, State
from app.legislators.build import Inputs
from app.legislators.geography import DC, SENATE_STATES, STATE_BY_FIPS

FIPS = {state: fips for fips, state in STATE_BY_FIPS.items()}
JsonObject = dict[str, object]


def district_numbers(state: State) -> list[int]:
    """435 seats: one for Wyoming, two for Vermont, nine for the rest; and those of DC and the territories."""
    if state == "WY" or state == DC or state in TERRITORIES:
        return [0]
    return [1, 2] if state == "VT" else list(range(1, 10))


def geoid(state: State, number: int) -> str:
    at_large = "00" if state == "WY" else "98"
    return FIPS[state] + (f"{number:02}" if number else at_large)


def zcta(state: State, number: int) -> str:
    return f"{FIPS[state]}{number:03}"


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
        members.append(senator(f"S{number:05}1", state, 1))
        members.append(senator(f"S{number:05}2", state, 2, rank="senior"))
    for state, fips in FIPS.items():
        members.extend(representative(f"H{fips}{number:04}", state, number) for number in district_numbers(state))
    return members


@dataclass
class Files:
    """The seven inputs, to be spoilt by a test before they are written."""

    members: list[JsonObject]
    offices: list[JsonObject]
    contact_forms: dict[str, str]
    corrections: JsonObject
    crosswalk: list[tuple[str, str]]
    zip_points: str
    zip_places: str

    def write(self, folder: Path) -> Inputs:
        pairs = [f"{district}|{zcta}" for district, zcta in self.crosswalk]
        texts = {
            "members": json.dumps(self.members),
            "offices": json.dumps(self.offices),
            "contact_forms": json.dumps(self.contact_forms),
            "corrections": json.dumps(self.corrections),
            "crosswalk": "\n".join(["GEOID_CD119_20|GEOID_ZCTA5_20", *pairs]) + "\n",
            "zip_points": self.zip_points,
            "zip_places": self.zip_places,
        }
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        return Inputs(**{name: folder / name for name in texts})

    def member(self, bioguide: str) -> JsonObject:
        return next(member for member in self.members if member["id"] == {"bioguide": bioguide})


def files() -> Files:
    """A ZIP area for each district; 05601 is a PO box of Vermont, 09901 military."""
    pairs = [(geoid(state, number), zcta(state, number)) for state in FIPS for number in district_numbers(state)]
    return Files(
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
                    },
                    {"id": "H560000-casper", "city": "Casper", "state": "WY"},
                ],
            },
            {"id": {"bioguide": "Z000000"}, "offices": [{"id": "gone", "city": "Nowhere", "state": "WY"}]},
        ],
        contact_forms={"H560000": "https://member.house.gov/contact"},
        corrections={"as_of": "2026-10-03"},
        crosswalk=pairs,
        zip_points="zcta,lat,lon\n56000,42.123456,-107.5\n",
        zip_places=(
            "zip,kind,state,city,lat,lon\n"
            "05601,box,VT,Montpelier,44.2600,-72.5800\n"
            "56000,standard,WY,Cheyenne,41.1000,-104.8000\n"
            "09901,military,AE,Apo,0.0000,0.0000\n"
        ),
    )
