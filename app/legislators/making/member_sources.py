"""The published files about members: who sits, their offices and web forms.

Their shapes are those of unitedstates/congress-legislators (https://github.com/unitedstates/congress-legislators).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from app.addresses import STATES, State
from app.legislators import Bioguide, Seat
from app.legislators.geography import SENATE_STATES, house_seat, senate_seat
from app.legislators.making.sources import InputUnusable, Point, Record, Source, parse_json, record_of, records_of

PARTIES: frozenset[str] = frozenset(("Democrat", "Independent", "Republican"))


@dataclass(frozen=True, slots=True)
class Person:
    """A member as published, or as a table has them. The texts mean what those of `Legislator` mean."""

    bioguide: Bioguide
    seat: Seat
    name: str
    last_name: str
    party: str
    senior: bool
    since: date
    until: date
    phone: str
    address: str
    url: str
    contact_form: str
    how: str
    end_type: str
    first_name: str
    middle_name: str
    nickname: str
    suffix: str
    caucus: str
    fax: str


@dataclass(frozen=True, slots=True)
class DistrictOffice:
    """A member's office in the state. Everything but the city and the state may be empty."""

    bioguide: Bioguide
    city: str
    state: str
    street: str
    zip: str
    phone: str
    fax: str
    hours: str
    point: Point | None


def read_members(source: Source) -> tuple[Person, ...]:
    """The `legislators-current.json` of unitedstates/congress-legislators: everyone by the last of their terms."""
    return tuple(_member(record) for record in records_of(parse_json(source), str(source.path)))


def read_offices(source: Source) -> tuple[DistrictOffice, ...]:
    """The `legislators-district-offices.json` of unitedstates/congress-legislators."""
    known: set[str] = set()
    return tuple(
        _office(Bioguide(entry.child("id").text("bioguide")), office, known)
        for entry in records_of(parse_json(source), str(source.path))
        for office in entry.children("offices")
    )


def read_contact_forms(source: Source) -> dict[Bioguide, str]:
    """An object that gives the address of the web form for a bioguide id."""
    forms = record_of(parse_json(source), str(source.path))
    return {Bioguide(bioguide): forms.text(bioguide) for bioguide in forms.values}


def party_of(record: Record) -> str:
    """The party of an entry. Raises InputUnusable when it is not a known one."""
    party = record.text("party")
    if party not in PARTIES:
        raise InputUnusable(
            f"{record.where} has an unknown party: {party[:100]!r}; known are {', '.join(sorted(PARTIES))}."
        )
    return party


def seat_of(record: Record, chamber: str) -> Seat:
    """The seat of an entry with `state` and `district` or `class`; `chamber` is rep or sen. Raises InputUnusable."""
    state = State(record.text("state"))
    if state not in STATES or (chamber == "sen" and state not in SENATE_STATES):
        raise InputUnusable(f"{record.where} names a state without such a seat: {state[:100]!r}.")
    if chamber == "rep":
        return house_seat(state, record.number("district"))
    if chamber != "sen" or record.number("class") not in (1, 2, 3):
        raise InputUnusable(f"{record.where} has neither a House seat nor a Senate seat of class 1, 2 or 3.")
    return senate_seat(state, record.number("class"))


def _member(record: Record) -> Person:
    bioguide = Bioguide(record.child("id").text("bioguide"))
    name = record.child("name")
    terms = record.children("terms")
    if not terms:
        raise InputUnusable(f"{record.where} ({bioguide}) has no terms.")
    term = Record(f"{record.where} ({bioguide})", terms[-1].values)
    parts = [name.text("first"), name.text("last"), name.text_or_empty("suffix")]
    return Person(
        bioguide=bioguide,
        seat=seat_of(term, term.text("type")),
        name=name.text_or_empty("official_full") or " ".join(filter(None, parts)),
        last_name=name.text("last"),
        party=party_of(term),
        senior=term.text_or_empty("state_rank") == "senior",
        since=term.day("start"),
        until=term.day("end"),
        phone=term.text_or_empty("phone"),
        address=term.text_or_empty("address"),
        url=term.text_or_empty("url"),
        contact_form=term.text_or_empty("contact_form"),
        how=term.text_or_empty("how"),
        end_type=term.text_or_empty("end-type"),
        first_name=name.text("first"),
        middle_name=name.text_or_empty("middle"),
        nickname=name.text_or_empty("nickname"),
        suffix=name.text_or_empty("suffix"),
        caucus=term.text_or_empty("caucus"),
        fax=term.text_or_empty("fax"),
    )


def _office(bioguide: Bioguide, record: Record, known: set[str]) -> DistrictOffice:
    """`known` are the ids met before; those of this file are added."""
    office_id = record.text_or_empty("id")
    if office_id in known:
        raise InputUnusable(f"{record.where} ({bioguide}) comes for the second time: {office_id[:100]}.")
    if office_id:
        known.add(office_id)
    street = [record.text_or_empty(key) for key in ("address", "building", "suite")]
    return DistrictOffice(
        bioguide=bioguide,
        city=record.text("city"),
        state=record.text("state"),
        street=", ".join(filter(None, street)),
        zip=record.text_or_empty("zip"),
        phone=record.text_or_empty("phone"),
        fax=record.text_or_empty("fax"),
        hours=record.text_or_empty("hours"),
        point=_office_point(record),
    )


def _office_point(record: Record) -> Point | None:
    """The published file has slips like a latitude of 441.5; an office is kept without its point."""
    latitude = record.values.get("latitude")
    if isinstance(latitude, int | float) and 90 < abs(latitude) < math.inf:
        return None
    return record.point("latitude", "longitude")
