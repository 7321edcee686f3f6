"""What newer tables say differently from older ones, seat by seat, in words for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from app.legislators import Bioguide, Legislator, Role, Seat, Vacancy
from app.legislators.congresses import ordinal
from app.legislators.geography import is_senate, role_of, seat_number, seat_order, state_of
from app.legislators.tables import Tables

Holder = Legislator | Vacancy

# What is compared when the same person still sits, under the names that people are told.
_DETAILS: Mapping[str, tuple[str, ...]] = {
    "name": ("name", "last_name"),
    "party": ("party",),
    "web form": ("contact_form",),
    "phone": ("phone",),
    "address": ("address",),
    "website": ("url",),
    "end of the term": ("until",),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `seat` is None when it is about all of them, or about ZIP codes."""

    seat: Seat | None
    sentence: str
    holder: bool = False
    """Somebody else holds the seat, or nobody does any more."""


def changes(old: Tables, new: Tables, left: Mapping[Bioguide, date]) -> tuple[Change, ...]:
    """All differences: a change of Congress first, then by seat, then the ZIP codes. Empty when nothing changed.

    `left` says of members when they left, where that is known. Between two Congresses only other holders count.
    """
    found: list[Change] = []
    if new.congress != old.congress:
        sentence = (
            f"These are the members of the {ordinal(new.congress)} Congress; "
            f"so far the tables were those of the {ordinal(old.congress)}."
        )
        found.append(Change(None, sentence))
    before, after = _holders(old), _holders(new)
    same_congress = new.congress == old.congress
    for seat in sorted(before.keys() | after.keys(), key=seat_order):
        if words := _seat_change(before.get(seat), after.get(seat), left, details=same_congress):
            found.append(Change(seat, f"{seat_in_words(seat)}: {words}.", _who(before, seat) != _who(after, seat)))
    if words := _zip_changes(old, new):
        found.append(Change(None, f"ZIP codes: {words}."))
    return tuple(found)


def seats_lost(old: Tables, new: Tables) -> tuple[Seat, ...]:
    """The seats that somebody held and nobody holds now, in seat order; also those that are not there any more."""
    held = {member.seat for member in new.members}
    return tuple(sorted((member.seat for member in old.members if member.seat not in held), key=seat_order))


def seat_in_words(seat: Seat) -> str:
    """`SC senator`, `TX-23`, `WY at large`, `DC delegate`, `PR resident commissioner`."""
    role = role_of(seat)
    if is_senate(seat) or role is not Role.REPRESENTATIVE:
        return f"{state_of(seat)} {role}"
    return seat if seat_number(seat) else f"{state_of(seat)} at large"


def _holders(tables: Tables) -> dict[Seat, Holder]:
    holders: tuple[Holder, ...] = (*tables.vacancies, *tables.members)
    return {holder.seat: holder for holder in holders}


def _seat_change(before: Holder | None, after: Holder | None, left: Mapping[Bioguide, date], *, details: bool) -> str:
    """What follows the colon; empty when nothing changed."""
    if isinstance(before, Legislator) and isinstance(after, Legislator) and before.bioguide == after.bioguide:
        return _details(before, after) if details else ""
    if isinstance(before, Vacancy) and isinstance(after, Vacancy):
        return ""
    return "; ".join(_halves(before, after, left))


def _who(holders: Mapping[Seat, Holder], seat: Seat) -> Bioguide | None:
    holder = holders.get(seat)
    return holder.bioguide if isinstance(holder, Legislator) else None


def _halves(before: Holder | None, after: Holder | None, left: Mapping[Bioguide, date]) -> Iterator[str]:
    """Who left, and who came or how it is now; for who came where nobody was, how it was."""
    if isinstance(before, Legislator):
        day = left.get(before.bioguide)
        yield f"{before.name} left {day}" if day else f"{before.name} has left"
    if isinstance(after, Legislator):
        yield f"{after.name} since {after.since}"
    else:
        yield "the seat is vacant" if after else "there is no such seat any more"
    if not isinstance(before, Legislator):
        yield "the seat was vacant" if before else "the seat is new"


def _details(before: Legislator, after: Legislator) -> str:
    different = [
        words
        for words, fields in _DETAILS.items()
        if any(getattr(before, field) != getattr(after, field) for field in fields)
    ]
    return f"{after.name}: {', '.join(different)} changed" if different else ""


def _zip_changes(old: Tables, new: Tables) -> str:
    before, after = set(old.zip_codes()), set(new.zip_codes())
    counts = {
        "new": len(after - before),
        "gone": len(before - after),
        "with other districts": sum(_is_elsewhere(code, old, new) for code in before & after),
    }
    return ", ".join(f"{count:,} {words}" for words, count in counts.items() if count)


def _is_elsewhere(code: str, old: Tables, new: Tables) -> bool:
    if old._zips[code] == new._zips[code]:  # asking for 42,000 areas would keep all of them in memory
        return False
    before, after = old.zip_area(code), new.zip_area(code)
    return before is not None and after is not None and set(before.districts) != set(after.districts)
