"""Whom a campaign writes to."""

from __future__ import annotations

from datetime import date

import pytest

from app.addresses import State
from app.campaigns.targeting import Target, recipients
from app.legislators import Bioguide, Delegation, DivisionId, Legislator, Role, Seat, Vacancy

BOTH = (Target.REPRESENTATIVE, Target.SENATORS)


def member(
    name: str,
    role: Role = Role.SENATOR,
    *,
    state: str = "WY",
    division: str = "ocd-division/country:us/state:wy/cd:at-large",
    party: str = "Republican",
) -> Legislator:
    return Legislator(
        bioguide=Bioguide("X000001"), seat=Seat("WY-AL"), role=role, state=State(state),
        division=DivisionId(division), name=name, last_name=name.split()[-1], party=party, since=date(2025, 1, 3),
        until=date(2027, 1, 3), phone="", address="", url="", contact_form="", offices=(),
    )  # fmt: skip


BARRASSO, LUMMIS = member("John Barrasso"), member("Cynthia M. Lummis")
HAGEMAN = member("Harriet M. Hageman", Role.REPRESENTATIVE)


def delegation(
    representative: Legislator | Vacancy | None, senators: tuple[Legislator, ...] = (BARRASSO, LUMMIS)
) -> Delegation:
    return Delegation(119, State("WY"), senators, (), representative)


def test_senators_come_first_in_the_delegations_order() -> None:
    found = recipients(BOTH, delegation(HAGEMAN))

    assert [(person.title, person.greeting, person.detail) for person in found.people] == [
        ("Senator John Barrasso", "Senator Barrasso", "Republican, Wyoming"),
        ("Senator Cynthia M. Lummis", "Senator Lummis", "Republican, Wyoming"),
        ("Representative Harriet M. Hageman", "Representative Hageman", "Republican, Wyoming, at large"),
    ]
    assert [person.legislator for person in found.people] == [BARRASSO, LUMMIS, HAGEMAN]
    assert found.vacant == ()


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        ((Target.SENATORS,), ["Senator Barrasso", "Senator Lummis"]),
        ((Target.REPRESENTATIVE,), ["Representative Hageman"]),
        ((), []),
    ],
)
def test_only_targets_get_a_letter(targets: tuple[Target, ...], names: list[str]) -> None:
    assert [person.greeting for person in recipients(targets, delegation(HAGEMAN)).people] == names


def test_a_vacant_house_seat_is_told() -> None:
    vacancy = Vacancy(Seat("WY-AL"), Role.REPRESENTATIVE, State("WY"), HAGEMAN.division)

    found = recipients(BOTH, delegation(vacancy))

    assert [person.greeting for person in found.people] == ["Senator Barrasso", "Senator Lummis"]
    assert found.vacant == (vacancy,)
    assert recipients((Target.SENATORS,), delegation(vacancy)).vacant == ()


def test_an_unknown_district_leaves_the_senators() -> None:
    assert len(recipients(BOTH, delegation(None)).people) == 2


def test_a_state_with_one_senator_has_one() -> None:
    assert len(recipients(BOTH, delegation(HAGEMAN, (LUMMIS,))).people) == 2


def test_a_delegate_stands_alone() -> None:
    norton = member(
        "Eleanor Holmes Norton", Role.DELEGATE, state="DC", division="ocd-division/country:us/district:dc/cd:at-large",
        party="Democrat",
    )  # fmt: skip

    (person,) = recipients(BOTH, delegation(norton, ())).people

    assert (person.title, person.greeting) == ("Delegate Eleanor Holmes Norton", "Delegate Norton")
    assert person.detail == "Democrat, District of Columbia"


def test_the_resident_commissioner_has_the_whole_title() -> None:
    hernandez = member("Pablo Hernández", Role.RESIDENT_COMMISSIONER, state="PR", party="Democrat")

    (person,) = recipients(BOTH, delegation(hernandez, ())).people

    assert person.title == "Resident Commissioner Pablo Hernández"
    assert person.greeting == "Resident Commissioner Hernández"
    assert person.detail == "Democrat, Puerto Rico"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"),
        (21, "21st"), (22, "22nd"), (23, "23rd"), (52, "52nd"),
    ],
)  # fmt: skip
def test_a_district_has_its_number_in_words(number: int, words: str) -> None:
    simon = member(
        "Lateefah Simon", Role.REPRESENTATIVE, state="CA", division=f"ocd-division/country:us/state:ca/cd:{number}",
        party="Democrat",
    )  # fmt: skip

    (person,) = recipients((Target.REPRESENTATIVE,), delegation(simon)).people

    assert person.detail == f"Democrat, California, {words} district"


def test_an_unknown_party_is_left_out() -> None:
    (person,) = recipients((Target.SENATORS,), delegation(None, (member("A B", party=""),))).people

    assert person.detail == "Wyoming"
