"""What has changed since the published files were made, compiled by hand from the public record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app.legislators import Bioguide, Seat
from app.legislators.making.member_sources import Person, party_of, seat_of
from app.legislators.making.sources import InputUnusable, Record, Source, parse_json, record_of
from app.legislators.making.zip_sources import crosswalk_pair

_SUFFIXES = frozenset(("Jr.", "Jr", "Sr.", "Sr", "II", "III", "IV"))
_KEYS = frozenset(("as_of", "remove", "add", "patch", "vacant", "crosswalk", "unknown_today", "note"))
_PATCHABLE = frozenset(("name", "phone", "address", "url", "contact_form"))


@dataclass(frozen=True, slots=True)
class Removal:
    """Who no longer sits; `end` is the last day, where it is known."""

    bioguide: Bioguide
    end: date | None


@dataclass(frozen=True, slots=True)
class Patch:
    """What is to be changed of a member who holds that seat."""

    bioguide: Bioguide
    seat: Seat
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CrosswalkRows:
    """Rows that the published crosswalk lacks, and rows of it that are wrong: pairs of ZIP area and district."""

    added: frozenset[tuple[str, Seat]] = frozenset()
    removed: frozenset[tuple[str, Seat]] = frozenset()


@dataclass(frozen=True, slots=True)
class Corrections:
    """All of them. Those about members say how things were on `as_of`; those of the crosswalk hold for ever."""

    as_of: date
    removed: tuple[Removal, ...]
    added: tuple[Person, ...]
    patches: tuple[Patch, ...]
    vacant: Mapping[Seat, str]
    """Seats that nobody holds, with the telephone of the office, which may be empty."""
    crosswalk: CrosswalkRows
    open_questions: tuple[str, ...] = ()
    """What nobody could find out by that day, a sentence each."""


def read_corrections(source: Source) -> Corrections:
    """An object with `as_of`; `remove`, `add`, `patch`, `vacant`, `crosswalk` and `unknown_today` may be left out."""
    record = record_of(parse_json(source), str(source.path))
    if unknown := sorted(record.values.keys() - _KEYS):
        raise InputUnusable(f"{record.where} has an unknown “{unknown[0][:50]}”; known are {', '.join(sorted(_KEYS))}.")
    crosswalk = record.child("crosswalk") if record.has("crosswalk") else Record(record.where, {})
    return Corrections(
        as_of=record.day("as_of"),
        removed=tuple(_removal(entry) for entry in _optional(record, "remove")),
        added=tuple(_added(entry) for entry in _optional(record, "add")),
        patches=tuple(_patch(entry) for entry in _optional(record, "patch")),
        vacant={_corrected_seat(entry): entry.text_or_empty("phone") for entry in _optional(record, "vacant")},
        crosswalk=CrosswalkRows(_crosswalk_rows(crosswalk, "add"), _crosswalk_rows(crosswalk, "remove")),
        open_questions=_texts(record, "unknown_today"),
    )


def _optional(record: Record, key: str) -> list[Record]:
    return record.children(key) if record.has(key) else []


def _texts(record: Record, key: str) -> tuple[str, ...]:
    texts = record.values.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InputUnusable(f"{record.where}: “{key}” is not a list of texts.")
    return tuple(" ".join(text.split()) for text in texts)


def _removal(record: Record) -> Removal:
    return Removal(Bioguide(record.text("bioguide")), record.day("end") if record.has("end") else None)


def _added(record: Record) -> Person:
    name = record.text("name")
    return Person(
        bioguide=Bioguide(record.text("bioguide")),
        seat=seat_of(record, record.text("chamber")),
        name=name,
        last_name=record.text_or_empty("last") or _last_name(name),
        party=party_of(record),
        senior=False,
        since=record.day("start"),
        until=record.day("end_expected"),
        phone=record.text_or_empty("phone"),
        address=record.text_or_empty("address"),
        url=record.text_or_empty("url"),
        contact_form=record.text_or_empty("contact_form"),
        how=record.text_or_empty("how"),
        end_type=record.text_or_empty("end_type"),
        first_name=record.text_or_empty("first") or name.split()[0],
        middle_name=record.text_or_empty("middle"),
        nickname=record.text_or_empty("nickname"),
        suffix=record.text_or_empty("suffix") or _suffix(name),
        caucus=record.text_or_empty("caucus"),
        fax=record.text_or_empty("fax"),
    )


def _last_name(name: str) -> str:
    words = [word for word in name.replace(",", " ").split() if word not in _SUFFIXES]
    return words[-1] if words else name


def _suffix(name: str) -> str:
    word = name.split()[-1]
    return word if word in _SUFFIXES else ""


def _patch(record: Record) -> Patch:
    fields = {key: record.text_or_empty(key) for key in sorted(_PATCHABLE & record.values.keys())}
    return Patch(Bioguide(record.text("bioguide")), _corrected_seat(record), fields)


def _corrected_seat(record: Record) -> Seat:
    """Corrections may leave the chamber out: a class means the Senate."""
    return seat_of(record, "sen" if record.has("class") else "rep")


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
            raise InputUnusable(f"{where} holds something else than pairs of ZIP area and district: {row!r:.100}.")
