"""Postal addresses of the United States: values, parsing, masking."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import NewType

from app.typed import code

State = NewType("State", str)
"""Two capital letters of a state, of DC or of a territory with a seat in the House; a key of STATES."""

Zip = NewType("Zip", str)
"""Five digits."""

# The 50 states, the District of Columbia and the five territories that send somebody to the House.
STATES: dict[State, str] = {
    State(code): name
    for code, name in (
        line.split(maxsplit=1)
        for line in """
        AL Alabama
        AK Alaska
        AS American Samoa
        AZ Arizona
        AR Arkansas
        CA California
        CO Colorado
        CT Connecticut
        DE Delaware
        DC District of Columbia
        FL Florida
        GA Georgia
        GU Guam
        HI Hawaii
        ID Idaho
        IL Illinois
        IN Indiana
        IA Iowa
        KS Kansas
        KY Kentucky
        LA Louisiana
        ME Maine
        MD Maryland
        MA Massachusetts
        MI Michigan
        MN Minnesota
        MS Mississippi
        MO Missouri
        MT Montana
        NE Nebraska
        NV Nevada
        NH New Hampshire
        NJ New Jersey
        NM New Mexico
        NY New York
        NC North Carolina
        ND North Dakota
        MP Northern Mariana Islands
        OH Ohio
        OK Oklahoma
        OR Oregon
        PA Pennsylvania
        PR Puerto Rico
        RI Rhode Island
        SC South Carolina
        SD South Dakota
        TN Tennessee
        TX Texas
        VI U.S. Virgin Islands
        UT Utah
        VT Vermont
        VA Virginia
        WA Washington
        WV West Virginia
        WI Wisconsin
        WY Wyoming
        """.strip().splitlines()
    )
}

TERRITORIES: frozenset[State] = frozenset(State(code) for code in ("AS", "GU", "MP", "PR", "VI"))

MILITARY: frozenset[str] = frozenset(("AA", "AE", "AP"))
"""Addresses of the armed forces: the Postal Service has them in the place of a state, and they lie in none."""
MILITARY_POST_OFFICES: frozenset[str] = frozenset(("APO", "FPO", "DPO"))
"""What these have in the place of a city, and people now and then in that of a state."""

# As newspapers and people shorten the names, and as they are in Spanish, beside the letters of the Postal Service.
_SHORT_NAMES: dict[str, State] = {
    name: State(code)
    for code, *names in (
        line.split()
        for line in """
        AL ala
        AK alas
        AZ ariz
        CA cal calif cali
        CO colo
        CT conn
        DE del
        DC washingtondc washdc districtofcolumbia
        FL fla flor
        HI haw
        ID ida
        IL ill ills
        IN ind
        KS kan kans
        KY ken kent
        MA mass
        MI mich
        MN minn
        MS miss
        MT mont
        NE neb nebr
        NV nev
        NM nmex newmex
        NC ncar
        ND ndak nodak
        MP cnmi northernmarianas
        OK okla
        OR ore oreg
        PA penn penna
        SC scar
        SD sdak sodak
        TN tenn
        TX tex
        VI usvi virginislands
        WA wash
        WV wva
        WI wis wisc
        WY wyo
        CT conectico
        DC distritodecolumbia
        HI hawai
        LA luisiana
        MP islasmarianasdelnorte
        AS samoaamericana
        MS misisipi
        MO misuri
        NH nuevohampshire nuevahampshire
        NJ nuevajersey
        NM nuevomexico nuevomejico
        NY nuevayork
        NC carolinadelnorte
        ND dakotadelnorte
        PA pensilvania
        SC carolinadelsur
        SD dakotadelsur
        TN tenesi
        TX tejas
        VI islasvirgenes islasvirgenesdelosestadosunidos
        WV virginiaoccidental virginiadeloeste
        """.strip().splitlines()
    )
    for name in names
}
_STATE_NAMES = (
    _SHORT_NAMES
    | {re.sub("[^a-z]", "", name.lower()): code for code, name in STATES.items()}
    | {code.lower(): code for code in STATES}
)
_AROUND_A_STATE = re.compile(
    r"^(?:u\.?s\.?-|(?:the )?(?:state|commonwealth|territory) of |estado (?:libre asociado )?de )", re.IGNORECASE
)

_BEFORE_THE_LETTERS = re.compile("^(?:[afd]po|armedforces[a-z]+(?=a[aep]$))")
_MILITARY_NAMES = {"armedforcesamericas": "AA", "armedforceseurope": "AE", "armedforcespacific": "AP"}

_NO_STATE = frozenset(("", "us", "usa", "u.s.", "u.s.a.", "united states"))

_ZIP = re.compile(
    r"(?:(?:zip *(?:\+ *4)? *(?:codes?)?|c\.? ?p|c[oó]digo postal)[ :.#]*)?(?:(?P<state>[a-z]{2})[-, ]*)?"
    r"(?P<five>[0-9]{5})(?: *[-_./+\u2044]? *(?P<four>[0-9]{4})| *-)?"
    r"(?:[, ]+[a-z]{2})?(?:[, ]+u\.?s\.?(?:a\.?)?)?",
    re.IGNORECASE,
)
_SPACED = re.compile(r"(?:[0-9] ?){4}[0-9]|(?:[0-9] ?){8}[0-9]")
_AROUND_A_CODE = " .,;:#'\"()[]-"


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """Where a signer lives. `zip` may carry ZIP+4 as typed; `line2` is empty when there is none."""

    line1: str
    line2: str
    city: str
    state: State
    zip: str

    @property
    def zip5(self) -> Zip:
        """The five digits that the ZIP tables know."""
        return Zip(self.zip[:5])

    @property
    def street(self) -> str:
        """The lines above the city, one below the other."""
        return f"{self.line1}\n{self.line2}" if self.line2 else self.line1


def parse_zip(text: str) -> str | None:
    """`94110`, `94110-1234`, `94110 – 1234`, `941101234`, `ZIP 94110`, `CA 94110` → `94110` or `94110-1234`.

    None when it is no ZIP code.
    """
    typed = code(text).strip(_AROUND_A_CODE)
    match = _ZIP.fullmatch(typed.replace(" ", "") if _SPACED.fullmatch(typed) else typed)
    if match is None or (match["state"] and match["state"].upper() not in {*STATES, *MILITARY, "US"}):
        return None
    return f"{match['five']}-{match['four']}" if match["four"] else str(match["five"])


def parse_state(text: str) -> State | None:
    """`CA`, `ca`, `California`, `Calif.`, `US-CA`, `D.C.`; None when it is no state, nor DC, nor a territory."""
    name = code(text)
    found = _state_called(name)
    if found:
        return found
    # `TX - Texas`, `Texas (TX)`, `CA, USA`
    told = {_state_called(piece) for piece in re.split("[-/(),]", name) if piece.strip().lower() not in _NO_STATE}
    return told.pop() if len(told) == 1 else None


def _state_called(name: str) -> State | None:
    plain = _letters(_AROUND_A_STATE.sub("", name.strip()))
    return _STATE_NAMES.get(plain) or _STATE_NAMES.get(plain.removesuffix("state"))


def _letters(name: str) -> str:
    """Those of a name, small and without accents."""
    return re.sub("[^a-z]", "", unicodedata.normalize("NFD", name).lower())


def parse_military(text: str) -> str | None:
    """`AE`, `A.E.`, `APO AE`, `Armed Forces Europe` → `AE`; `APO` → `APO`. None when it is no military mail."""
    name = _letters(code(text))
    name = _BEFORE_THE_LETTERS.sub("", name) or name
    return _MILITARY_NAMES.get(name, name.upper() if name.upper() in {*MILITARY, *MILITARY_POST_OFFICES} else None)


def mask_email(address: str) -> str:
    """`jane.doe@example.com` → `j···@example.com`: enough to recognise one's own, too little to learn another's."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}···@{domain}"


def mask_street(line: str) -> str:
    """`12 Main Street` → `1···`."""
    return f"{line[:1]}···"
