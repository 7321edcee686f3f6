"""Postal addresses of the United States: values, parsing, masking."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

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

_ZIP = re.compile(r"([0-9]{5})(?:[-\s]?[0-9]{4})?")


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
    """`94110`, `94110-1234`, `94110 1234`, `941101234` → `94110` or `94110-1234`; None when it is no ZIP code."""
    match = _ZIP.fullmatch(text.strip())
    if match is None:
        return None
    digits = re.sub(r"[^0-9]", "", match[0])
    return digits if len(digits) == 5 else f"{digits[:5]}-{digits[5:]}"


def mask_email(address: str) -> str:
    """`jane.doe@example.com` → `j···@example.com`: enough to recognise one's own, too little to learn another's."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}···@{domain}"


def mask_street(line: str) -> str:
    """`12 Main Street` → `1···`."""
    return f"{line[:1]}···"
