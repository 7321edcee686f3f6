"""When each Congress sits, which states were redrawn for it, and what the Census's geocoder calls its districts."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from app.addresses import STATES, State

_EASTERN = timezone(timedelta(hours=-5))  # New York in January; a zone's name would need the system's zone files
_FACTS = Path(__file__).with_name("congresses.toml")


@dataclass(frozen=True, slots=True)
class Layer:
    """Where the Census's geocoder has the districts of a Congress. `misdrawn`: states that it shows wrongly."""

    vintage: str
    name: str
    misdrawn: frozenset[State]


@dataclass(frozen=True, slots=True)
class Congress:
    """What is known of a Congress beforehand. `layer` is None when nothing is known of it."""

    number: int
    redrawn: frozenset[State]
    """States whose House districts are not those of the Congress before."""
    layer: Layer | None


def begins(congress: int) -> datetime:
    """A Congress's first moment: January 3rd of an odd year, noon in Washington (20th Amendment)."""
    return datetime(1789 + 2 * (congress - 1), 1, 3, 12, tzinfo=_EASTERN)


def congress_at(moment: datetime) -> int:
    """The Congress that sits at a moment with a zone. The next one's first moment is noon sharp."""
    number = (moment.astimezone(UTC).year - 1789) // 2 + 1
    return number if moment >= begins(number) else number - 1


def facts(congress: int) -> Congress:
    """What is known of it; of one that nobody has written about, that it may have been redrawn everywhere."""
    return _KNOWN.get(congress) or Congress(congress, frozenset(STATES), None)


def ordinal(number: int) -> str:
    """`119th`, `121st`."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _read(text: str) -> dict[int, Congress]:
    return {
        int(number): Congress(
            int(number),
            frozenset(State(state) for state in entry["redrawn"]),
            Layer(entry["vintage"], entry["layer"], frozenset(State(state) for state in entry["misdrawn"])),
        )
        for number, entry in tomllib.loads(text).items()
    }


_KNOWN = _read(_FACTS.read_text(encoding="utf-8"))
