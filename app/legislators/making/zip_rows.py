"""The rows of `zips.csv`: what each ZIP code is for, and its districts, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from app.legislators import Seat
from app.legislators.geography import seat_order, state_of
from app.legislators.making.corrections import CrosswalkRows
from app.legislators.making.sources import InputUnusable, Point
from app.legislators.making.zip_sources import Crosswalk, Place
from app.legislators.tables import ZipKind


@dataclass(frozen=True, slots=True)
class ZipRow:
    """What is known about one ZIP code; `ZipArea` says more about each."""

    code: str
    kind: ZipKind
    state: str
    districts: tuple[Seat, ...]
    """The likeliest first."""
    guess: Seat | None
    point: Point | None


class Map(Protocol):
    """In which district a point lies."""

    def seat_at(self, point: Point) -> Seat | None:
        """None for a point in no district."""


def areas_of(crosswalk: Crosswalk, corrections: CrosswalkRows) -> dict[str, frozenset[Seat]]:
    """The districts of each ZIP area, corrected. Raises InputUnusable for a correction that does not fit."""
    districts = {seat for _, seat in crosswalk.pairs}
    for zcta, seat in sorted(corrections.removed - crosswalk.pairs):
        raise InputUnusable(f"The corrections take {seat} from {zcta}, but the crosswalk has no such row.")
    for zcta, seat in sorted(corrections.added):
        if seat not in districts:
            raise InputUnusable(f"The corrections put {zcta} into {seat}, which is no district of the crosswalk.")
    areas: dict[str, set[Seat]] = {}
    for zcta, seat in (crosswalk.pairs - corrections.removed) | corrections.added:
        areas.setdefault(zcta, set()).add(seat)
    shared: dict[frozenset[Seat], frozenset[Seat]] = {}  # a few hundred sets serve all areas
    frozen = ((zcta, frozenset(seats)) for zcta, seats in areas.items())
    return {zcta: shared.setdefault(seats, seats) for zcta, seats in frozen}


def zip_rows(
    crosswalk: Crosswalk,
    corrections: CrosswalkRows,
    points: Mapping[str, Point],
    places: Mapping[str, Place],
    district_map: Map | None = None,
    previous: Mapping[str, ZipRow] | None = None,
) -> tuple[ZipRow, ...]:
    """Every ZIP code that has an area or is in postal use, in order.

    The map says in which of a code's districts its post office stands, else the point inside its area: that one comes
    first, the others by their numbers. A code in use without an area gets a guess: the district of its post office, if
    it is in the code's own state. Without a map both are taken from `previous` rows where they still fit.
    Raises InputUnusable.
    """
    areas = areas_of(crosswalk, corrections)
    known = frozenset(seat for _, seat in crosswalk.pairs)
    rows = []
    for code in sorted(areas.keys() | places.keys()):
        place = places.get(code, Place(ZipKind.UNLISTED, "", None))
        seats = areas.get(code, frozenset())
        likely: list[Seat] = []
        if len(seats) != 1:
            likely = _likely(place, points.get(code), district_map) if district_map else _before(code, previous or {})
        rows.append(
            ZipRow(
                code=code,
                kind=place.kind,
                state=place.state,
                districts=_ordered(seats, likely),
                guess=None if seats else _guess(place, likely, known),
                point=points.get(code) or place.point,
            )
        )
    return tuple(rows)


def _likely(place: Place, inside: Point | None, district_map: Map) -> list[Seat]:
    """The district of the post office, and that of the point inside the area."""
    seats = (district_map.seat_at(point) for point in (place.point, inside) if point)
    return [seat for seat in seats if seat]


def _before(code: str, previous: Mapping[str, ZipRow]) -> list[Seat]:
    row = previous.get(code)
    return [seat for seat in (*row.districts[:1], row.guess) if seat] if row else []


def _ordered(seats: frozenset[Seat], likely: Iterable[Seat]) -> tuple[Seat, ...]:
    first = next((seat for seat in likely if seat in seats), None)
    return tuple(sorted(seats, key=lambda seat: (seat != first, seat_order(seat))))


def _guess(place: Place, likely: Iterable[Seat], known: frozenset[Seat]) -> Seat | None:
    if place.kind is ZipKind.MILITARY:
        return None
    return next((seat for seat in likely if seat in known and state_of(seat) == place.state), None)
