"""The published files about members: who sits, their offices and web forms, and what has changed since.

Their shapes are those of unitedstates/congress-legislators (https://github.com/unitedstates/congress-legislators); the
corrections are the project's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app.addresses import STATES, State
from app.legislators import Bioguide, Seat
from app.legislators.geography import SENATE_STATES, house_seat, senate_seat
from app.legislators.sources import InputUnusable, Record, Source, parse_json, record_of, records_of
from app.legislators.zip_sources import crosswalk_pair

PARTIES: frozenset[str] = frozenset(("Democrat", "Independent", "Republican"))

_SUFFIXES = frozenset(("Jr.", "Jr", "Sr.", "Sr", "II", "III", "IV"))
_PATCHABLE = frozenset(("name", "phone", "address", "url", "contact_form"))
_SCHEME = re.compile(r"h+ttps?://", re.IGNORECASE)
_OFFICIAL = re.compile(r"https://(?:[a-z0-9-]+\.)*(?:house|senate)\.gov(?:[/?#][!#-;=?-\[\]-~]*)?")


@dataclass(frozen=True, slots=True)
class Person:
    """A member as published. Web addresses are as found: `official_address` has not looked at them yet."""

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


@dataclass(frozen=True, slots=True)
class DistrictOffice:
    """A member's office in the state; `point` is empty or `lat,lon` to four decimals."""

    bioguide: Bioguide
    city: str
    state: str
    street: str
    zip: str
    phone: str
    point: str


@dataclass(frozen=True, slots=True)
class Patch:
    """What is to be changed of a member who holds that seat."""

    bioguide: Bioguide
    seat: Seat
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Corrections:
    """What has changed since the other files were made, by hand from the public record."""

    as_of: date
    removed: tuple[Bioguide, ...]
    added: tuple[Person, ...]
    patches: tuple[Patch, ...]
    vacant: frozenset[Seat]
    crosswalk_added: frozenset[tuple[str, Seat]]
    crosswalk_removed: frozenset[tuple[str, Seat]]


def official_address(text: str) -> str:
    """A web address at house.gov or senate.gov as https, empty when it is none. `http` and `hhttps` are mended."""
    mended = _SCHEME.sub("https://", text, count=1) if _SCHEME.match(text) else text
    return mended if _OFFICIAL.fullmatch(mended) else ""


def read_members(source: Source) -> tuple[Person, ...]:
    """The `legislators-current.json` of unitedstates/congress-legislators: everyone by the last of their terms."""
    return tuple(_member(record) for record in records_of(parse_json(source), str(source.path)))


def read_offices(source: Source) -> tuple[DistrictOffice, ...]:
    """The `legislators-district-offices.json` of unitedstates/congress-legislators."""
    return tuple(
        _office(Bioguide(entry.child("id").text("bioguide")), office)
        for entry in records_of(parse_json(source), str(source.path))
        for office in entry.children("offices")
    )


def read_contact_forms(source: Source) -> dict[Bioguide, str]:
    """An object that gives the address of the web form for a bioguide id."""
    forms = record_of(parse_json(source), str(source.path))
    return {Bioguide(bioguide): forms.text(bioguide) for bioguide in forms.values}


def read_corrections(source: Source) -> Corrections:
    """An object with `as_of` and, each optional, `remove`, `add`, `patch`, `vacant` and `crosswalk`."""
    record = record_of(parse_json(source), str(source.path))
    crosswalk = record.child("crosswalk") if record.has("crosswalk") else Record(record.where, {})
    return Corrections(
        as_of=record.day("as_of"),
        removed=tuple(Bioguide(entry.text("bioguide")) for entry in _optional(record, "remove")),
        added=tuple(_added(entry) for entry in _optional(record, "add")),
        patches=tuple(_patch(entry) for entry in _optional(record, "patch")),
        vacant=frozenset(_corrected_seat(entry) for entry in _optional(record, "vacant")),
        crosswalk_added=_crosswalk_rows(crosswalk, "add"),
        crosswalk_removed=_crosswalk_rows(crosswalk, "remove"),
    )


def _optional(record: Record, key: str) -> list[Record]:
    return record.children(key) if record.has(key) else []


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
        seat=_seat(term, term.text("type")),
        name=name.text_or_empty("official_full") or " ".join(filter(None, parts)),
        last_name=name.text("last"),
        party=_party(term),
        senior=term.text_or_empty("state_rank") == "senior",
        since=term.day("start"),
        until=term.day("end"),
        phone=term.text_or_empty("phone"),
        address=term.text_or_empty("address"),
        url=term.text_or_empty("url"),
        contact_form=term.text_or_empty("contact_form"),
    )


def _added(record: Record) -> Person:
    name = record.text("name")
    return Person(
        bioguide=Bioguide(record.text("bioguide")),
        seat=_seat(record, record.text("chamber")),
        name=name,
        last_name=record.text_or_empty("last") or _last_name(name),
        party=_party(record),
        senior=False,
        since=record.day("start"),
        until=record.day("end_expected"),
        phone=record.text_or_empty("phone"),
        address=record.text_or_empty("address"),
        url=record.text_or_empty("url"),
        contact_form=record.text_or_empty("contact_form"),
    )


def _last_name(name: str) -> str:
    words = [word for word in name.replace(",", " ").split() if word not in _SUFFIXES]
    return words[-1] if words else name


def _patch(record: Record) -> Patch:
    fields = {key: record.text_or_empty(key) for key in sorted(_PATCHABLE & record.values.keys())}
    return Patch(Bioguide(record.text("bioguide")), _corrected_seat(record), fields)


def _corrected_seat(record: Record) -> Seat:
    """Corrections may leave the chamber out: a class means the Senate."""
    return _seat(record, "sen" if record.has("class") else "rep")


def _party(record: Record) -> str:
    party = record.text("party")
    if party not in PARTIES:
        raise InputUnusable(f"{record.where} has an unknown party: {party!r}; known are {', '.join(sorted(PARTIES))}.")
    return party


def _seat(record: Record, chamber: str) -> Seat:
    state = State(record.text("state"))
    if state not in STATES or (chamber == "sen" and state not in SENATE_STATES):
        raise InputUnusable(f"{record.where} names a state without such a seat: {state!r}.")
    if chamber == "rep":
        return house_seat(state, record.number("district"))
    if chamber != "sen" or record.number("class") not in (1, 2, 3):
        raise InputUnusable(f"{record.where} has neither a House seat nor a Senate seat of class 1, 2 or 3.")
    return senate_seat(state, record.number("class"))


def _office(bioguide: Bioguide, record: Record) -> DistrictOffice:
    street = [record.text_or_empty(key) for key in ("address", "building", "suite")]
    return DistrictOffice(
        bioguide=bioguide,
        city=record.text("city"),
        state=record.text("state"),
        street=", ".join(filter(None, street)),
        zip=record.text_or_empty("zip"),
        phone=record.text_or_empty("phone"),
        point=record.point(),
    )


def _crosswalk_rows(record: Record, key: str) -> frozenset[tuple[str, Seat]]:
    rows = record.values.get(key, [])
    where = f"{record.where}: “{key}”"
    if not isinstance(rows, list):
        raise InputUnusable(f"{where} is not a list.")
    return frozenset(_crosswalk_row(row, where) for row in rows)


def _crosswalk_row(row: object, where: str) -> tuple[str, Seat]:
    match row:
        case [str(zcta), str(geoid)]:
            return crosswalk_pair(zcta, geoid, where)
        case _:
            raise InputUnusable(f"{where} holds something else than pairs of ZIP area and district: {row!r}.")
