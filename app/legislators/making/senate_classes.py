"""Which two Senate seats each state has: when a seat is vacant, nobody is there to tell its class."""

from __future__ import annotations

from app.addresses import State
from app.legislators import Seat
from app.legislators.geography import senate_seat

# https://www.senate.gov/senators/Class_I.htm, Class_II.htm, Class_III.htm
_CLASSES: dict[int, str] = {
    1: "AZ CA CT DE FL HI IN MA MD ME MI MN MO MS MT ND NE NJ NM NV NY OH PA RI TN TX UT VA VT WA WI WV WY",
    2: "AK AL AR CO DE GA IA ID IL KS KY LA MA ME MI MN MS MT NC NE NH NJ NM OK OR RI SC SD TN TX VA WV WY",
    3: "AK AL AR AZ CA CO CT FL GA HI IA ID IL IN KS KY LA MD MO NC ND NH NV NY OH OK OR PA SC SD UT VT WA WI",
}

SENATE_SEATS: frozenset[Seat] = frozenset(
    senate_seat(State(state), number) for number, states in _CLASSES.items() for state in states.split()
)
"""All hundred."""


def senate_seats(state: State) -> tuple[Seat, ...]:
    """The two of a state, by class; none of DC or a territory."""
    return tuple(seat for number in _CLASSES if (seat := senate_seat(state, number)) in SENATE_SEATS)
