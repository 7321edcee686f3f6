"""People with one name, from the form to the offices."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import OpenSandbox
from tests.databases import connected
from tests.factories import Clock, mails, supporter
from tests.pages import Page, Visitor
from tests.web.steps import SEND, SHOW, begin, confirm
from tests.web.test_handoff import got, next_office, values

ONE: dict[str, str | bool] = {"given_name": "Sukarno", "family_name": "", "mononym": True}


def fill(visitor: Visitor, clock: Clock, **typed: str | bool) -> Page:
    begin(visitor, clock)
    return visitor.fill(**{**ONE, **typed}).press(SHOW)


def names(data_dir: Path) -> list[tuple[str, str]]:
    with connected(data_dir) as connection:
        return list(connection.execute("SELECT given_name, family_name FROM signature ORDER BY id"))


def test_a_person_with_one_name_signs_and_every_letter_is_right(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    page = fill(visitor, clock)

    assert len(page.letters) == 3
    assert all("Sukarno 1200 Randall Avenue" in letter for letter in page.letters)
    assert page.control("mononym").get("checked") is not None

    visitor.press(SEND)
    receipt = confirm(visitor, data_dir)

    assert names(data_dir) == [("Sukarno", "")]
    assert "Thank you, Sukarno." in receipt.text
    letter = mails(data_dir, "letter")[-1]
    assert letter.headers["From"] == "Sukarno via Sample Organisation <letters@sandbox.invalid>"
    assert letter.headers["Reply-To"] == "Sukarno <ana.garcia@example.org>"
    assert "\n\nSukarno\n1200 Randall Avenue\n" in letter.text
    (copy,) = mails(data_dir, "copy")
    assert copy.text.startswith("Thank you, Sukarno. Here is a copy")


@pytest.mark.parametrize(
    "typed",
    [
        *({"family_name": nothing} for nothing in ("-", "N/A", "n.a.", "None", "(none)", "SUKARNO")),
        *({"given_name": nothing, "family_name": "Sukarno"} for nothing in ("", "-")),
    ],
)
def test_a_sign_for_nothing_and_the_same_name_twice_are_understood(
    visitor: Visitor, clock: Clock, data_dir: Path, typed: dict[str, str]
) -> None:
    page = fill(visitor, clock, **typed)

    assert all("Sukarno 1200 Randall" in letter for letter in page.letters)
    assert (page.values["given-name"], page.values["family-name"]) == ("Sukarno", "")
    visitor.press(SEND)
    assert names(data_dir) == [("Sukarno", "")]


def test_no_last_name_leads_to_the_tick_and_no_name_at_all_to_the_first_field(visitor: Visitor, clock: Clock) -> None:
    for nothing in ("n.a.", "none", ""):
        page = fill(visitor, clock, mononym=False, family_name=nothing)
        assert page.errors == ["Enter your last name. If you have only one name, tick “I have only one name”."]

    assert len(visitor.fill(mononym=True).press(SHOW).letters) == 3

    assert fill(visitor, clock, given_name="", family_name="").errors == ["Enter your first name."]


def test_a_tick_beside_two_names_is_asked_about(visitor: Visitor, clock: Clock) -> None:
    page = fill(visitor, clock, family_name="Ruiz")

    assert page.errors == ["Leave your last name empty, or take away the tick at “I have only one name”."]
    assert page.values["family-name"] == "Ruiz"
    assert len(visitor.fill(mononym=False).press(SHOW).letters) == 3


def test_the_tick_survives_a_corrected_address_and_a_link_can_set_it(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    fill(visitor, clock)
    visitor.press(SEND)
    page = visitor.press("Wrong address? Change it")
    assert page.control("mononym").get("checked") is not None
    clock.forward(seconds=30)
    visitor.fill(email="ana@example.net").press(SHOW)
    visitor.press(SEND)
    assert names(data_dir)[-1] == ("Sukarno", "")

    page = visitor.open("/reunite-families?given-name=Sukarno&mononym=1")
    assert page.control("mononym").get("checked") is not None
    clock.forward(seconds=30)
    visitor.fill(**{**supporter(), "given_name": "Sukarno", "family_name": ""})
    assert len(visitor.press(SHOW).letters) == 3


def test_the_same_person_is_the_same_and_another_of_the_household_is_not(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    for given in ("Sukarno", "sukarno", "Suharto"):
        fill(visitor, clock, given_name=given)
        visitor.press(SEND)

    with connected(data_dir) as connection:
        digests = [digest for (digest,) in connection.execute("SELECT person_digest FROM signature ORDER BY id")]
    assert digests[0] == digests[1] != digests[2]


def test_an_office_that_asks_for_a_last_name_gets_the_one_again(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path
) -> None:
    by_hand = Visitor(open_sandbox(SANDBOX_CHANNEL="handoff"))
    note = "This office's form may ask for a last name: enter your one name again."
    begin(by_hand, clock)
    by_hand.fill(**ONE).press(SHOW)
    by_hand.press("Get my letters")
    by_hand.open(mails(data_dir, "confirmation")[-1].link)
    by_hand.press("Confirm")
    page = next_office(by_hand)

    assert ("First name", "Sukarno") in values(page)
    assert "Last name" not in dict(values(page))
    assert note in page.text
    assert "my name is Sukarno, and I live in Cheyenne" in page.text
    assert f"First name: Sukarno\n{note}\n" in mails(data_dir, "copy")[-1].text


def test_nobody_with_two_names_is_told_of_it(open_sandbox: OpenSandbox, clock: Clock, data_dir: Path) -> None:
    by_hand = Visitor(open_sandbox(SANDBOX_CHANNEL="handoff"))
    got(by_hand, clock, data_dir)

    assert "one name again" not in next_office(by_hand).text


def test_in_spanish_too(visitor: Visitor, clock: Clock, sandbox: Flask) -> None:
    page = visitor.open("/reunite-families?lang=es")

    assert "Tengo un solo nombre" in page.text
