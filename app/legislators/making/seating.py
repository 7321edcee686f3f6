"""Who sits: the published members with the corrections applied, and every seat of Congress accounted for."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from app.legislators import Bioguide, Seat
from app.legislators.congresses import congress_at
from app.legislators.geography import SENATE_STATES, is_senate, seat_order
from app.legislators.making.corrections import Corrections
from app.legislators.making.member_sources import Person
from app.legislators.making.senate_classes import SENATE_SEATS, senate_seats
from app.legislators.making.sources import InputUnusable

FEWEST_SENATORS = 95
FEWEST_REPRESENTATIVES = 425
"""So many House seats are filled at least, delegates' included. More are never empty at once by nature."""

VACANT_OFFICES: Mapping[Seat, str] = {
    Seat(seat): phone
    for seat, phone in tomllib.loads(Path(__file__).with_name("vacant_offices.toml").read_text("utf-8")).items()
}
"""Telephones of vacant seats' offices, kept by hand."""

_NEWER = "if the members are newer than the corrections, say of when they are with --as-of members DATE"


@dataclass(frozen=True, slots=True)
class Seating:
    """Every seat of Congress, filled or not."""

    persons: tuple[Person, ...]
    """By state, the Senate first."""
    vacant: Mapping[Seat, str]
    """The others, in the same order, with the telephone of the office; empty when it is not known."""
    as_of: date
    """The day up to which this is known to be right."""
    open_questions: tuple[str, ...] = ()
    """What was not known of that day."""


def seated(
    members: Iterable[Person],
    members_as_of: date,
    corrections: Corrections | None,
    districts: frozenset[Seat],
    phones: Mapping[Seat, str] = VACANT_OFFICES,
) -> Seating:
    """Who sits. Corrections apply to members who are older than they are; without, a seat without a member is vacant.

    `districts` are all House seats that there are, `phones` those of offices whose seat may be vacant. Who is past the
    end of a term sits until a successor is sworn in. Raises InputUnusable.
    """
    persons = _by_bioguide(members)
    questions: tuple[str, ...] = ()
    known, as_of = dict(phones), members_as_of
    if corrections and members_as_of < corrections.as_of:
        as_of, questions = corrections.as_of, corrections.open_questions
        left = [persons.get(removal.bioguide) for removal in corrections.removed]
        known |= {
            person.seat: person.phone for person in left if person and not is_senate(person.seat) and person.phone
        }
        known |= {seat: phone for seat, phone in corrections.vacant.items() if phone}
        persons = _corrected(persons, corrections)
        _check_vacancies(by_seat(persons.values()), corrections.vacant.keys(), districts)
    check_members(persons.values(), districts)
    holders = by_seat(persons.values())
    seats = sorted(districts | SENATE_SEATS, key=seat_order)
    return Seating(
        persons=tuple(holders[seat] for seat in seats if seat in holders),
        vacant={seat: known.get(seat, "") for seat in seats if seat not in holders},
        as_of=as_of,
        open_questions=questions,
    )


def newest_start(members: Iterable[Person]) -> date:
    """The first day of the newest term: the members are of that day or later. Raises InputUnusable for nobody."""
    starts = [person.since for person in members]
    if not starts:
        raise InputUnusable("There is nobody among the members: is it the right file?")
    return max(starts)


def congress_of(persons: Iterable[Person]) -> int:
    """The Congress whose members these are: the one in which most terms in the House began."""
    starts = (person.since for person in persons if not is_senate(person.seat))
    # Terms are told by days, and January 3rd is the first of a new Congress's: what sits late that day.
    days = (datetime(start.year, start.month, start.day, 23, tzinfo=UTC) for start in starts)
    return Counter(congress_at(day) for day in days).most_common(1)[0][0]


def check_members(persons: Iterable[Person], districts: frozenset[Seat]) -> None:
    """Whether these can be the members of a Congress with those House seats. Raises InputUnusable."""
    holders = by_seat(persons)
    unknown = sorted(holders.keys() - districts - SENATE_SEATS, key=seat_order)
    if unknown:
        raise InputUnusable(f"There is no seat {', '.join(unknown)}: are the files of one Congress?")
    for state in SENATE_STATES:
        if not any(seat in holders for seat in senate_seats(state)):
            raise InputUnusable(f"{state} has no senator at all: are the members complete?")
    senators = sum(is_senate(seat) for seat in holders)
    if senators < FEWEST_SENATORS:
        raise InputUnusable(f"There are {senators} senators, not {FEWEST_SENATORS} to 100: are the members complete?")
    filled = len(holders) - senators
    if filled < FEWEST_REPRESENTATIVES:
        raise InputUnusable(
            f"{filled} House seats are filled, not {FEWEST_REPRESENTATIVES} to {len(districts)}: "
            "are the members complete?"
        )


def by_seat(persons: Iterable[Person]) -> dict[Seat, Person]:
    """The one holder of each seat. Raises InputUnusable when there are two."""
    holders: dict[Seat, Person] = {}
    for person in persons:
        other = holders.setdefault(person.seat, person)
        if other is not person:
            raise InputUnusable(
                f"Two people hold {person.seat}: {other.name} ({other.bioguide}) and {person.name} ({person.bioguide})."
            )
    return holders


def _by_bioguide(members: Iterable[Person]) -> dict[Bioguide, Person]:
    persons: dict[Bioguide, Person] = {}
    for person in members:
        if person.bioguide in persons:
            raise InputUnusable(f"{person.bioguide} ({person.name}) comes twice among the members.")
        persons[person.bioguide] = person
    return persons


def _corrected(members: Mapping[Bioguide, Person], corrections: Corrections) -> dict[Bioguide, Person]:
    persons = dict(members)
    for removal in corrections.removed:
        if persons.pop(removal.bioguide, None) is None:
            raise InputUnusable(f"The corrections remove {removal.bioguide}, who is not among the members: {_NEWER}.")
    for person in corrections.added:
        _check_addition(person, persons)
        persons[person.bioguide] = person
    for patch in corrections.patches:
        found = persons.get(patch.bioguide)
        if found is None or found.seat != patch.seat:
            raise InputUnusable(
                f"The corrections patch {patch.bioguide} of {patch.seat}, who does not sit there: {_NEWER}."
            )
        persons[patch.bioguide] = _patched(found, patch.fields)
    return persons


def _check_addition(person: Person, persons: Mapping[Bioguide, Person]) -> None:
    if person.bioguide in persons:
        raise InputUnusable(f"The corrections add {person.bioguide} ({person.name}), who is there already: {_NEWER}.")
    holder = next((other for other in persons.values() if other.seat == person.seat), None)
    if holder:
        raise InputUnusable(
            f"The corrections put {person.name} into {person.seat}, which {holder.name} ({holder.bioguide}) holds: "
            f"{_NEWER}."
        )


def _patched(person: Person, values: Mapping[str, str]) -> Person:
    return replace(
        person,
        name=values.get("name", person.name),
        phone=values.get("phone", person.phone),
        address=values.get("address", person.address),
        url=values.get("url", person.url),
        contact_form=values.get("contact_form", person.contact_form),
    )


def _check_vacancies(holders: Mapping[Seat, Person], vacant: Iterable[Seat], districts: frozenset[Seat]) -> None:
    seats = districts | SENATE_SEATS
    for seat in sorted(vacant, key=seat_order):
        if seat not in seats:
            raise InputUnusable(f"The corrections call {seat} vacant, but there is no such seat.")
        if seat in holders:
            holder = holders[seat]
            raise InputUnusable(
                f"The corrections call {seat} vacant, but {holder.name} ({holder.bioguide}) holds it: {_NEWER}."
            )
    empty = sorted(seats - holders.keys() - set(vacant), key=seat_order)
    if empty:
        raise InputUnusable(
            f"Nobody holds {', '.join(empty[:15])}, and the corrections do not call that vacant: "
            f"find out, and say so there; {_NEWER}."
        )
