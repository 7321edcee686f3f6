"""People at the campaign page, each with a ZIP code that has led other sites astray."""

from __future__ import annotations

import pytest

from tests.factories import Clock
from tests.pages import Page, Visitor
from tests.web.steps import SEND, SHOW, begin


def write_from(visitor: Visitor, clock: Clock, state: str, zip_code: str) -> Page:
    return begin(visitor, clock, address_level1=state, postal_code=zip_code, address_level2="Anytown").press(SHOW)


def people(page: Page) -> list[str]:
    """Whom the letters are for, as the page shows them."""
    return [letter.split(",")[0] for letter in (sheet[sheet.index("Dear ") + 5 :] for sheet in page.letters)]


def offered(page: Page) -> list[str]:
    """The names beside the buttons of a choice, in their order; nothing is chosen yet."""
    radios = [element for element in page.all("input") if element.get("type") == "radio"]
    assert not [radio for radio in radios if radio.get("checked") is not None]
    return [radio.get("value", "").removeprefix("ocd-division/country:us/") for radio in radios]


@pytest.mark.parametrize(
    ("state", "zip_code", "expected"),
    [
        ("KY", "42223", ["Senator McConnell", "Senator Paul", "Representative Comer"]),
        ("TN", "42223", ["Senator Blackburn", "Senator Hagerty", "Representative Van Epps"]),
        ("CO", "81120", ["Senator Bennet", "Senator Hickenlooper", "Representative Hurd"]),
        ("NM", "81120", ["Senator Heinrich", "Senator Luján", "Representative Leger Fernandez"]),
        ("SD", "57642", ["Senator Thune", "Senator Rounds", "Representative Johnson"]),
        ("ND", "57642", ["Senator Hoeven", "Senator Cramer", "Representative Fedorchak"]),
        ("UT", "84034", ["Senator Lee", "Senator Curtis", "Representative Maloy"]),
        ("MT", "59001", ["Senator Daines", "Senator Sheehy", "Representative Downing"]),
        ("DC", "20001", ["Delegate Norton"]),
        ("DC", "20500", ["Delegate Norton"]),
        ("PR", "00901", ["Resident Commissioner Hernández Rivera"]),
        ("GU", "96910", ["Delegate Moylan"]),
        ("WY", "82001", ["Senator Barrasso", "Senator Lummis", "Representative Hageman"]),
        ("TX", "78701", ["Senator Cornyn", "Senator Cruz", "Representative Doggett"]),
    ],
)
def test_the_letters_are_for_the_right_people(
    visitor: Visitor, clock: Clock, state: str, zip_code: str, expected: list[str]
) -> None:
    page = write_from(visitor, clock, state, zip_code)

    assert (page.status, page.errors) == (200, [])
    assert people(page) == expected
    assert visitor.press(SEND).heading == "Check your e-mail"


def test_in_a_split_zip_the_person_chooses_among_named_members(visitor: Visitor, clock: Clock) -> None:
    page = write_from(visitor, clock, "WI", "53811")

    assert sorted(offered(page)) == ["senators-only", "state:wi/cd:2", "state:wi/cd:3"]
    assert people(page) == ["Senator Johnson", "Senator Baldwin"]
    assert "Mark Pocan" in page.text
    for party_and_district in ("Democrat, Wisconsin, 2nd district", "Republican, Wisconsin, 3rd district"):
        assert f"{party_and_district} · office" in page.text

    page = visitor.choose("district", "ocd-division/country:us/state:wi/cd:3").press(SHOW)
    assert people(page) == ["Senator Johnson", "Senator Baldwin", "Representative Van Orden"]
    assert visitor.press(SEND).heading == "Check your e-mail"


def test_a_soldier_is_asked_where_they_vote_and_then_led_there(visitor: Visitor, clock: Clock) -> None:
    page = write_from(visitor, clock, "TX", "09012")

    assert page.status == 422
    assert page.errors == [
        "ZIP code 09012 is military mail, which has no district. "
        "Enter the address in the States where you are registered to vote."
    ]
    page = visitor.fill(postal_code="78701").press(SHOW)
    assert people(page)[-1] == "Representative Doggett"


@pytest.mark.parametrize(
    ("zip_code", "place"), [("96940", "Palau"), ("96941", "Micronesia"), ("96960", "the Marshall Islands")]
)
def test_islands_that_elect_nobody_are_named(visitor: Visitor, clock: Clock, zip_code: str, place: str) -> None:
    page = write_from(visitor, clock, "GU", zip_code)

    assert page.errors == [
        f"ZIP code {zip_code} is in {place}, which elects nobody to Congress. "
        "If you vote in the States, enter your address there."
    ]


def test_somebody_across_a_state_line_is_asked_and_not_turned_away(visitor: Visitor, clock: Clock) -> None:
    page = write_from(visitor, clock, "SD", "58649")

    assert page.errors[0].startswith("ZIP code 58649 is mostly in North Dakota. Do you live in South Dakota?")

    page = visitor.fill(sure_of_state=True).press(SHOW)
    assert people(page) == ["Senator Thune", "Senator Rounds", "Representative Johnson"]


def test_a_post_office_box_is_met_with_a_first_guess_that_says_so(visitor: Visitor, clock: Clock) -> None:
    page = write_from(visitor, clock, "CA", "94604")

    assert page.text.count("A first guess: the post office of this ZIP code stands here.") == 1
    assert offered(page)[0] == "state:ca/cd:12"
    assert len(offered(page)) == 7  # six members, and "I am not sure"
    page = visitor.fill(other_district="ocd-division/country:us/state:ca/cd:50").press(SHOW)
    assert people(page)[-1] == "Representative Peters"


def test_a_vacant_seat_is_named_with_the_telephone_that_still_answers(visitor: Visitor, clock: Clock) -> None:
    page = write_from(visitor, clock, "TX", "78002")

    assert "This seat is vacant Texas, 23rd district." in page.text
    assert "Its office still answers: 202-225-4511." in page.text
    assert people(page) == ["Senator Cornyn", "Senator Cruz"]
