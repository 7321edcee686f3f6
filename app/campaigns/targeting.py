"""From a campaign's targets and an address's delegation to the people a letter goes to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from app.addresses import STATES
from app.legislators import Delegation, DivisionId, Legislator, Role, Vacancy
from app.legislators.congresses import ordinal

# Plain English, not gettext: these words go into letters, copies and receipts as they stand.
_TITLES: dict[Role, str] = {
    Role.SENATOR: "Senator",
    Role.REPRESENTATIVE: "Representative",
    Role.DELEGATE: "Delegate",
    Role.RESIDENT_COMMISSIONER: "Resident Commissioner",
}


class Target(StrEnum):
    """Whom a campaign writes to, as the campaign file names them."""

    SENATORS = "us-senators"
    REPRESENTATIVE = "us-representative"

    def reaches(self, role: Role) -> bool:
        """Whether members of this role are among those it means; delegates are who represents their place."""
        return (role is Role.SENATOR) == (self is Target.SENATORS)


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person who gets a letter, with the words that name them."""

    legislator: Legislator
    title: str
    """`Senator Cynthia M. Lummis`."""
    greeting: str
    """`Senator Lummis`: what stands after "Dear"."""
    detail: str
    """`Republican, Wyoming`, `Democrat, California, 12th district`, `Republican, Wyoming, at large`."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """Senators first. Both are empty when a campaign writes to senators only and the address has none."""

    people: tuple[Recipient, ...]
    vacant: tuple[Vacancy, ...]
    """Seats that nobody holds, or of which it is not known who does."""


def recipients(targets: Collection[Target], delegation: Delegation) -> Recipients:
    """Those of the delegation that the campaign writes to; the order of `targets` does not matter."""
    people: list[Recipient] = []
    vacant: list[Vacancy] = []
    if Target.SENATORS in targets:
        people.extend(_recipient(senator) for senator in delegation.senators)
        vacant.extend(delegation.vacant_senate)
    if Target.REPRESENTATIVE in targets:
        if isinstance(delegation.representative, Vacancy):
            vacant.append(delegation.representative)
        elif delegation.representative is not None:
            people.append(_recipient(delegation.representative))
    return Recipients(tuple(people), tuple(vacant))


def _recipient(legislator: Legislator) -> Recipient:
    title = _TITLES[legislator.role]
    details = [legislator.party, STATES[legislator.state]]
    if legislator.role is Role.REPRESENTATIVE:  # a delegate's seat is the only one there is
        details.append(_district(legislator.division))
    return Recipient(
        legislator=legislator,
        title=f"{title} {legislator.name}",
        greeting=f"{title} {legislator.last_name}",
        detail=", ".join(detail for detail in details if detail),
    )


def _district(division: DivisionId) -> str:
    number = division.rpartition(":")[2]
    return f"{ordinal(int(number))} district" if number.isdecimal() else "at large"
