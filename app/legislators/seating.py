"""Who sits: the published members with the corrections applied, and every seat of Congress accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from app.legislators import Bioguide, Seat
from app.legislators.geography import SENATE_STATES, is_senate, seat_order, state_of
from app.legislators.member_sources import Corrections, Person
from app.legislators.sources import InputUnusable


def seated(members: Iterable[Person], corrections: Corrections, districts: frozenset[Seat]) -> dict[Bioguide, Person]:
    """Who sits, once the corrections are applied and every seat is accounted for. Raises InputUnusable.

    `districts` are all House seats that there are. Who is past the end of a term sits until a successor is sworn in.
    """
    persons = _by_bioguide(members)
    for bioguide in corrections.removed:
        if persons.pop(bioguide, None) is None:
            raise InputUnusable(f"The corrections remove {bioguide}, who is not among the members.")
    persons = _by_bioguide((*persons.values(), *corrections.added))
    for patch in corrections.patches:
        person = persons.get(patch.bioguide)
        if person is None or person.seat != patch.seat:
            raise InputUnusable(f"The corrections patch {patch.bioguide} of {patch.seat}, who does not sit there.")
        persons[patch.bioguide] = _patched(person, patch.fields)
    _check_seats(by_seat(persons.values()), corrections.vacant, districts)
    return persons


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
            raise InputUnusable(f"{person.bioguide} ({person.name}) comes twice: is a correction no longer needed?")
        persons[person.bioguide] = person
    return persons


def _patched(person: Person, values: Mapping[str, str]) -> Person:
    return replace(
        person,
        name=values.get("name", person.name),
        phone=values.get("phone", person.phone),
        address=values.get("address", person.address),
        url=values.get("url", person.url),
        contact_form=values.get("contact_form", person.contact_form),
    )


def _check_seats(holders: Mapping[Seat, Person], vacant: frozenset[Seat], districts: frozenset[Seat]) -> None:
    for seat in sorted(vacant & holders.keys(), key=seat_order):
        holder = holders[seat]
        raise InputUnusable(f"The corrections call {seat} vacant, but {holder.name} ({holder.bioguide}) holds it.")
    known = holders.keys() | vacant
    unknown = sorted(seat for seat in known if not is_senate(seat) and seat not in districts)
    if unknown:
        raise InputUnusable(f"The crosswalk has no district {', '.join(unknown)}: are the files of one Congress?")
    empty = sorted(districts - known, key=seat_order)
    if empty:
        raise InputUnusable(
            f"Nobody holds {', '.join(empty)}, and the corrections do not call it vacant: find out, and say so there."
        )
    _check_senate(holders.keys(), vacant)


def _check_senate(held: Iterable[Seat], vacant: frozenset[Seat]) -> None:
    filled = Counter(state_of(seat) for seat in held if is_senate(seat))
    empty = Counter(state_of(seat) for seat in vacant if is_senate(seat))
    for state in SENATE_STATES:
        if not filled[state]:
            raise InputUnusable(f"{state} has no senator at all: are the members complete?")
        if filled[state] + empty[state] != 2:
            raise InputUnusable(
                f"{state} has {filled[state]} senators and {empty[state]} vacant seats by the corrections: "
                "together they must be two."
            )
