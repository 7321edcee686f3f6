"""Facts of geography: the Census's numbers for states, which adjoin, which mail has no district; seats' names."""

from __future__ import annotations

import re

from app.addresses import STATES, TERRITORIES, State
from app.legislators import DivisionId, Role, Seat

DC = State("DC")
PUERTO_RICO = State("PR")

# Palau, Micronesia and the Marshall Islands: the Postal Service serves them, but they lie in no state.
FREE_ASSOCIATION: frozenset[str] = frozenset(("PW", "FM", "MH"))

# First three digits of military mail: the Americas, Europe, the Pacific.
_MILITARY_PREFIXES: frozenset[str] = frozenset(("340", *(f"{n:03}" for n in (*range(90, 100), *range(962, 967)))))

# https://www.census.gov/library/reference/code-lists/ansi.html
STATE_BY_FIPS: dict[str, State] = {
    fips: State(code)
    for fips, code in re.findall(
        "([0-9]{2})=([A-Z]{2})",
        """
        01=AL 02=AK 04=AZ 05=AR 06=CA 08=CO 09=CT 10=DE 11=DC 12=FL 13=GA 15=HI 16=ID 17=IL 18=IN 19=IA
        20=KS 21=KY 22=LA 23=ME 24=MD 25=MA 26=MI 27=MN 28=MS 29=MO 30=MT 31=NE 32=NV 33=NH 34=NJ 35=NM
        36=NY 37=NC 38=ND 39=OH 40=OK 41=OR 42=PA 44=RI 45=SC 46=SD 47=TN 48=TX 49=UT 50=VT 51=VA 53=WA
        54=WV 55=WI 56=WY 60=AS 66=GU 69=MP 72=PR 78=VI
        """,
    )
}

# States that share a line or, like Arizona and Colorado, a corner on land. Lines through open water are left out:
# nobody's letter box stands across Lake Michigan.
ADJOINING: dict[State, frozenset[State]] = {
    State(state): frozenset(State(other) for other in others)
    for state, *others in (
        line.split()
        for line in """
        AL FL GA MS TN
        AK
        AS
        AZ CA CO NM NV UT
        AR LA MO MS OK TN TX
        CA AZ NV OR
        CO AZ KS NE NM OK UT WY
        CT MA NY RI
        DC MD VA
        DE MD NJ PA
        FL AL GA
        GA AL FL NC SC TN
        GU
        HI
        IA IL MN MO NE SD WI
        ID MT NV OR UT WA WY
        IL IA IN KY MO WI
        IN IL KY MI OH
        KS CO MO NE OK
        KY IL IN MO OH TN VA WV
        LA AR MS TX
        MA CT NH NY RI VT
        MD DC DE PA VA WV
        ME NH
        MI IN OH WI
        MN IA ND SD WI
        MO AR IA IL KS KY NE OK TN
        MP
        MS AL AR LA TN
        MT ID ND SD WY
        NC GA SC TN VA
        ND MN MT SD
        NE CO IA KS MO SD WY
        NH MA ME VT
        NJ DE NY PA
        NM AZ CO OK TX UT
        NV AZ CA ID OR UT
        NY CT MA NJ PA VT
        OH IN KY MI PA WV
        OK AR CO KS MO NM TX
        OR CA ID NV WA
        PA DE MD NJ NY OH WV
        PR
        RI CT MA
        SC GA NC
        SD IA MN MT ND NE WY
        TN AL AR GA KY MO MS NC VA
        TX AR LA NM OK
        UT AZ CO ID NM NV WY
        VA DC KY MD NC TN WV
        VI
        VT MA NH NY
        WA ID OR
        WI IA IL MI MN
        WV KY MD OH PA VA
        WY CO ID MT NE SD UT
        """.strip().splitlines()
    )
}

SENATE_STATES: tuple[State, ...] = tuple(sorted(set(STATES) - TERRITORIES - {DC}))
"""The fifty states: DC and the territories have no senators."""


def is_military_zip(zip_code: str) -> bool:
    """Whether the three first digits are those of the armed forces' mail."""
    return zip_code[:3] in _MILITARY_PREFIXES


def house_seat(state: State, number: int) -> Seat:
    """`TX-37`; number 0 is the only seat of a state or territory, `WY-AL`."""
    return Seat(f"{state}-{number or 'AL'}")


def senate_seat(state: State, senate_class: int) -> Seat:
    """`WY-S2`."""
    return Seat(f"{state}-S{senate_class}")


def state_of(seat: Seat) -> State:
    """The state or territory of a seat of either chamber."""
    return State(seat[:2])


def is_senate(seat: Seat) -> bool:
    """Whether the seat is one of the Senate's."""
    return seat[3] == "S"


def seat_number(seat: Seat) -> int:
    """The class of a Senate seat, the number of a House district, 0 at large."""
    return 0 if seat[3:] == "AL" else int(seat[3:].removeprefix("S"))


def state_division(state: State) -> DivisionId:
    """The division of a whole state, of DC or of a territory (https://github.com/opencivicdata/ocd-division-ids)."""
    kind = "district" if state == DC else "territory" if state in TERRITORIES else "state"
    return DivisionId(f"ocd-division/country:us/{kind}:{state.lower()}")


def division_of(seat: Seat) -> DivisionId:
    """The whole state for a Senate seat, else the district."""
    whole = state_division(state_of(seat))
    if is_senate(seat):
        return whole
    return DivisionId(f"{whole}/cd:{seat_number(seat) or 'at-large'}")


def role_of(seat: Seat) -> Role:
    """What the holder of a seat is called."""
    state = state_of(seat)
    if is_senate(seat):
        return Role.SENATOR
    if state == PUERTO_RICO:
        return Role.RESIDENT_COMMISSIONER
    return Role.DELEGATE if state == DC or state in TERRITORIES else Role.REPRESENTATIVE


def seat_order(seat: Seat) -> tuple[State, bool, int]:
    """Sorts by state, the Senate first, then by number."""
    return state_of(seat), not is_senate(seat), seat_number(seat)
