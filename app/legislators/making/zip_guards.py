"""Whether crosswalk, points, list of ZIP codes and map can be right, and are of one Congress."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from app.addresses import STATES, State
from app.legislators import Seat
from app.legislators.geography import seat_number, seat_order, state_of
from app.legislators.making.sources import InputUnusable, Point
from app.legislators.making.zip_sources import Crosswalk

HOUSE_DISTRICTS = 441
"""435 seats by apportionment, DC's and five territories'."""

SHARE_IN_SEVERAL = (0.15, 0.20)
"""How many of the ZIP areas lie in several districts: 17 % in the 119th Congress."""

FEWEST_ACROSS_STATES = 110
"""So many ZIP areas at least lie in two states: 115 as published for the 119th Congress, 124 corrected."""

MOST_MISSING = 0.01
"""So many of the ZIP areas may lack a point, or be on no list of postal codes; more means that a file is not whole."""

GRAIN_KM = 0.5
"""So far may a point lie outside its ZIP code's districts: the map is drawn at 1:500,000, with corners to 0.1 km."""

_NAMED = 15


class Map(Protocol):
    """Districts as areas of the map."""

    @property
    def seats(self) -> frozenset[Seat]:
        """Every district on the map."""

    def seat_at(self, point: Point) -> Seat | None:
        """In which a point lies."""

    def km_to(self, point: Point, seats: Iterable[Seat]) -> float:
        """How far it is to the nearest of some."""


def districts_of(crosswalk: Crosswalk) -> frozenset[Seat]:
    """Every House seat there is: the crosswalk covers them all. Raises InputUnusable when it does not."""
    districts = frozenset(seat for _, seat in crosswalk.pairs)
    numbers: dict[State, list[int]] = {state: [] for state in STATES}
    for seat in districts:
        numbers[state_of(seat)].append(seat_number(seat))
    for state, found in numbers.items():
        if sorted(found) not in ([0], list(range(1, len(found) + 1))) or not found:
            raise InputUnusable(f"The crosswalk's districts of {state} have gaps: {sorted(found)}.")
    if len(districts) != HOUSE_DISTRICTS:
        raise InputUnusable(f"The crosswalk has {len(districts)} districts, not {HOUSE_DISTRICTS}.")
    return districts


def check_whole(zctas: Collection[str], points: Collection[str], places: Collection[str]) -> None:
    """Whether nearly every ZIP area of the crosswalk has a point, and is in postal use. Raises InputUnusable."""
    for others, what in ((points, "have no point"), (places, "are on no list of postal codes")):
        missing = sum(zcta not in others for zcta in zctas)
        if missing > MOST_MISSING * len(zctas):
            raise InputUnusable(f"{missing:,} of the crosswalk's {len(zctas):,} ZIP areas {what}: is the file whole?")


def check_shares(areas: Mapping[str, Collection[Seat]]) -> None:
    """Whether as many ZIP areas lie in several districts, and in several states, as should. Raises InputUnusable."""
    share = sum(len(seats) > 1 for seats in areas.values()) / len(areas)
    least, most = SHARE_IN_SEVERAL
    if not least <= share <= most:
        raise InputUnusable(
            f"{share:.1%} of the ZIP areas lie in several districts, not {least:.0%} to {most:.0%}: "
            "is the crosswalk the Census's, and whole?"
        )
    across = sum(len({state_of(seat) for seat in seats}) > 1 for seats in areas.values())
    if across < FEWEST_ACROSS_STATES:
        raise InputUnusable(
            f"{across} ZIP areas cross a state line, not {FEWEST_ACROSS_STATES} or more: "
            "does the crosswalk give each area to one state only?"
        )


def check_map(district_map: Map, districts: frozenset[Seat]) -> None:
    """Whether the map has the crosswalk's districts and no others. Raises InputUnusable."""
    lacks = sorted(districts - district_map.seats, key=seat_order)
    more = sorted(district_map.seats - districts, key=seat_order)
    if lacks or more:
        what = " and ".join(
            f"{word} {_named(seats)}" for word, seats in (("lacks", lacks), ("has besides", more)) if seats
        )
        raise InputUnusable(f"The map {what}, unlike the crosswalk: are both of one Congress?")


def check_points(district_map: Map, areas: Mapping[str, Collection[Seat]], points: Mapping[str, Point]) -> int:
    """Whether the point inside each ZIP area lies in one of its districts, or nearly. Raises InputUnusable.

    Returns how many points lie in no district of the map: in water. Those say nothing.
    """
    outside, wrong = 0, []
    for zcta, point in sorted(points.items()):
        seats = areas.get(zcta, ())
        found = district_map.seat_at(point)
        if found is None:
            outside += 1
        elif found not in seats and district_map.km_to(point, seats) > GRAIN_KM:
            wrong.append(zcta)
    if wrong:
        raise InputUnusable(
            f"The crosswalk or the map is wrong about {_named(wrong)}: a point inside the ZIP area lies in a district "
            "that the crosswalk does not give it; look it up, and put the missing row into the corrections."
        )
    return outside


def _named(names: list[str] | list[Seat]) -> str:
    named = " ".join(names[:_NAMED])
    return named if len(names) <= _NAMED else f"{named} and {len(names) - _NAMED} more"
