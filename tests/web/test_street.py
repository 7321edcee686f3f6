"""The button "Use my street address": what it finds, what it says when it does not, and what never depends on it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.extensions import db
from app.serve.prepare import publish_sample
from tests import factories
from tests.conftest import compiled
from tests.databases import connected
from tests.factories import Clock, mails, stored, supporter
from tests.legislators.geocoder import (
    BAD_REQUEST,
    NO_MATCH,
    Geocoder,
    Step,
    answer,
    finds,
    geocoder,
    match,
    says,
    sends,
)
from tests.pages import Page, Visitor
from tests.web.steps import SEND, SHOW, begin

STREET = "Use my street address"
HERE = {
    "address_level1": "WI",
    "postal_code": "53811",
    "address_level2": "Platteville",
    "address_line1": "1 Main Street",
}
Open = Callable[..., contextlib.AbstractContextManager[tuple[Visitor, Geocoder]]]


@pytest.fixture
def opened(data_dir: Path, clock: Clock) -> Open:
    """Somebody at the page of a site whose settings allow the button, and the geocoder that does these steps."""

    @contextlib.contextmanager
    def open_(*steps: Step, **settings: str) -> Iterator[tuple[Visitor, Geocoder]]:
        with geocoder(*steps) as server:
            config = factories.config(data_dir, GEOCODER="census", **settings)
            app = compiled(create_app(config, clock=clock, geocoder=server.address))
            with app.app_context():
                publish_sample(db.session(), clock())
            yield Visitor(app), server
            with app.app_context():
                db.session.remove()
                db.engine.dispose()

    return open_


def typed(visitor: Visitor, clock: Clock, **other: str) -> Page:
    return begin(visitor, clock, **(HERE | other)).press(SHOW)


def test_the_street_leads_to_the_member_and_the_letters_go(opened: Open, clock: Clock, data_dir: Path) -> None:
    with opened(finds("5503", state="WI")) as (visitor, server):
        page = typed(visitor, clock)
        assert page.buttons.index(SHOW) < page.buttons.index(STREET)  # Enter presses the first

        page = visitor.press(STREET)

        assert "Dear Representative Van Orden," in page.letters[2]
        assert "The Census Bureau places your street address in this district." in page.text
        assert visitor.press(SEND).heading == "Check your e-mail"
        assert len(server.heads) == 1  # the second button remembers the answer
    assert located_by(data_dir) == ["census"]


def test_what_is_sent_is_the_address_alone(opened: Open, clock: Clock) -> None:
    with opened(finds("5503", state="WI")) as (visitor, server):
        typed(visitor, clock, address_line2="Apartment 9")
        visitor.press(STREET)

    (question,) = server.questions
    assert {key: question[key] for key in ("street", "city", "state", "zip")} == {
        "street": "1 Main Street",
        "city": "Platteville",
        "state": "WI",
        "zip": "53811",
    }
    assert not [secret for secret in ("Ana", "Garc", "example.org", "Apartment") if secret in server.heads[0]]


def test_nothing_is_asked_before_the_button_is_pressed(opened: Open, clock: Clock) -> None:
    with opened(finds("5503", state="WI")) as (visitor, server):
        typed(visitor, clock)
        visitor.choose("district", "ocd-division/country:us/state:wi/cd:2").press(SHOW)
        visitor.press(SEND)

    assert server.heads == []


def test_without_the_setting_there_is_no_such_button(visitor: Visitor, clock: Clock) -> None:
    page = typed(visitor, clock)

    assert page.buttons == [SHOW]
    assert "Census" not in page.text


def test_where_the_zip_decides_there_is_no_such_button(opened: Open, clock: Clock) -> None:
    with opened(finds("5503", state="WI")) as (visitor, _server):
        assert STREET not in typed(visitor, clock, postal_code="53703").buttons


@pytest.mark.parametrize("step", [says(NO_MATCH), says(BAD_REQUEST, 400)], ids=["no match", "bad request"])
def test_an_unknown_address_is_said_and_all_that_was_typed_is_there(opened: Open, clock: Clock, step: Step) -> None:
    with opened(step) as (visitor, _server):
        typed(visitor, clock)

        page = visitor.press(STREET)

        assert page.status == 200
        assert page.notice.startswith("The Census Bureau does not know this street address")
        assert {name: page.values[name.replace("_", "-")] for name in HERE} == HERE
        assert page.values["email"] == supporter()["email"]
        assert len([radio for radio in page.all("input") if radio.get("type") == "radio"]) == 3
        visitor.choose("district", "ocd-division/country:us/state:wi/cd:2").press(SHOW)
        assert visitor.press(SEND).heading == "Check your e-mail"


@pytest.mark.parametrize(
    "step",
    [sends(b"", 503), sends(b"<!DOCTYPE html>"), finds("5503", state="WI", congress=120)],
    ids=["503", "HTML", "another Congress"],
)
def test_a_geocoder_that_fails_leaves_the_choice(opened: Open, clock: Clock, step: Step, data_dir: Path) -> None:
    with opened(step) as (visitor, _server):
        typed(visitor, clock)

        page = visitor.press(STREET)

        assert page.status == 200
        assert page.notice.startswith("We could not find it out from the Census Bureau just now.")
        assert page.values["given-name"] == "Ana"
        visitor.choose("district", "senators-only").press(SHOW)
        assert visitor.press(SEND).heading == "Check your e-mail"
    assert located_by(data_dir) == ["person"]


def test_an_address_in_two_districts_is_a_choice_between_them(opened: Open, clock: Clock) -> None:
    with opened(finds("5502", "5503", state="WI")) as (visitor, _server):
        typed(visitor, clock, postal_code="53999")

        page = visitor.press(STREET)

        assert "The Census Bureau knows your street address in more than one district." in page.text
        assert len([radio for radio in page.all("input") if radio.get("type") == "radio"]) == 3


def test_a_district_outside_the_zip_code_is_not_believed_in_silence(opened: Open, clock: Clock) -> None:
    with opened(finds("5507", state="WI")) as (visitor, _server):
        typed(visitor, clock)

        page = visitor.press(STREET)

        assert "places your street address outside the districts of ZIP code 53811" in page.text
        assert len(page.letters) == 2
        values = [radio.get("value") for radio in page.all("input") if radio.get("type") == "radio"]
        assert [value.rpartition(":")[2] for value in values] == ["7", "3", "2", "senators-only"]


def test_a_post_office_box_is_not_asked_about(opened: Open, clock: Clock) -> None:
    with opened(finds("5503", state="WI")) as (visitor, server):
        typed(visitor, clock, address_line1="PO Box 12")

        assert "it knows no PO boxes" in visitor.press(STREET).notice
        assert server.heads == []


def test_who_changes_the_address_is_not_led_by_the_old_one(opened: Open, clock: Clock) -> None:
    with opened(finds("5503", state="WI")) as (visitor, _server):
        typed(visitor, clock)
        visitor.press(STREET)

        page = visitor.fill(postal_code="53703", address_level2="Madison").press(SHOW)

        assert "Dear Representative Pocan," in page.letters[2]
        assert "ZIP code 53703 lies in a single district of Wisconsin." in page.text


def test_who_corrects_the_street_is_asked_anew(opened: Open, clock: Clock) -> None:
    """The district that one street led to says nothing about another one of the same ZIP code."""
    with opened(finds("5503", state="WI"), finds("5502", state="WI")) as (visitor, server):
        typed(visitor, clock)
        visitor.press(STREET)

        page = visitor.fill(address_line1="99 Elm Street").press(SHOW)
        assert len(page.letters) == 2
        assert STREET in page.buttons

        assert "Dear Representative Pocan," in visitor.press(STREET).letters[2]
        assert len(server.heads) == 2


def test_a_forged_answer_of_the_census_is_a_persons_word(opened: Open, clock: Clock, data_dir: Path) -> None:
    """The hidden field alone proves nothing: what counts is what this site remembers."""
    with opened(finds("5503", state="WI")) as (visitor, server):
        typed(visitor, clock)
        visitor.choose("district", "ocd-division/country:us/state:wi/cd:2")
        visitor.fill(looked_up="1", chosen_for="119 WI 53811 Platteville 1 Main Street").press(SHOW)
        visitor.choose("district", "ocd-division/country:us/state:wi/cd:2").press(SHOW)
        visitor.press(SEND)

    assert server.heads == []
    assert located_by(data_dir) == ["person"]


def test_nobody_can_ask_what_others_have_looked_up(opened: Open, clock: Clock) -> None:
    """Neither with a made-up mark nor with that of one's own form for another street."""
    with opened(finds("5503", state="WI")) as (visitor, server):
        typed(visitor, clock)
        mark = visitor.press(STREET).values["looked-up"]
        other = Visitor(visitor.app)
        for made_up in ("1", mark):
            typed(other, clock)
            other.fill(looked_up=made_up, chosen_for="119 WI 53811 Platteville 1 Main Street").press(SHOW)

            assert "Census Bureau places" not in other.page.text
            assert len(other.page.letters) == 2
    assert len(server.heads) == 1


def test_the_button_goes_before_what_was_chosen_in_the_list(opened: Open, clock: Clock) -> None:
    with opened(finds("5503", state="WI")) as (visitor, _server):
        typed(visitor, clock)
        visitor.choose("district", "ocd-division/country:us/state:wi/cd:2")

        page = visitor.fill(other_district="ocd-division/country:us/state:wi/cd:7").press(STREET)

        assert "Dear Representative Van Orden," in page.letters[2]
        visitor.press(SEND)
        assert visitor.page.heading == "Check your e-mail"


def test_one_network_may_not_look_up_a_whole_town(opened: Open, clock: Clock) -> None:
    with opened(says(NO_MATCH), LIMIT_NETWORK="2") as (visitor, server):
        for number in range(3):
            typed(visitor, clock, address_line1=f"{number} Main Street")
            visitor.press(STREET)

        assert visitor.page.notice.startswith("Many addresses were looked up from your connection today.")
        assert len(server.heads) == 2
        visitor.choose("district", "ocd-division/country:us/state:wi/cd:2").press(SHOW)
        assert visitor.press(SEND).heading == "Check your e-mail"


def test_a_match_in_another_zip_code_is_another_address(opened: Open, clock: Clock) -> None:
    with opened(says(answer(match("5503", "WI", zip_code="53818")))) as (visitor, _server):
        typed(visitor, clock)

        assert visitor.press(STREET).notice.startswith("The Census Bureau does not know this street address")


def test_a_mistake_elsewhere_does_not_lose_what_was_found(opened: Open, clock: Clock) -> None:
    with opened(finds("5503", state="WI")) as (visitor, server):
        typed(visitor, clock)
        visitor.press(STREET)
        assert visitor.fill(email="nonsense").press(SHOW).status == 422

        page = visitor.fill(email="ana@example.org").press(SHOW)

        assert "The Census Bureau places your street address in this district." in page.text
        assert len(server.heads) == 1


def test_what_was_found_on_the_old_map_is_asked_anew_in_the_new_congress(opened: Open, clock: Clock) -> None:
    clock.now = datetime(2027, 1, 3, 16, 50, tzinfo=UTC)
    with opened(finds("5503", state="WI")) as (visitor, _server):
        typed(visitor, clock)
        visitor.press(STREET)
        clock.forward(minutes=20)

        page = visitor.press(SEND)

        assert page.heading == "Reunite Families"
        assert "Something in your letters has changed" in page.notice or len(page.letters) == 2


def test_an_answer_is_remembered_without_the_address(opened: Open, clock: Clock, data_dir: Path) -> None:
    with opened(finds("5503", state="WI")) as (visitor, server):
        for _person in range(2):
            typed(visitor, clock)
            visitor.press(STREET)

    assert len(server.heads) == 1
    assert stored(data_dir)["signature"] == 0
    database = b"".join(path.read_bytes() for path in data_dir.glob("redress.db*"))
    assert b"1 Main Street" not in database
    assert b"Platteville" not in database


def test_the_privacy_page_tells_of_it_only_where_it_can_happen(opened: Open, visitor: Visitor, clock: Clock) -> None:
    assert "Census" not in visitor.open("/privacy").text
    with opened() as (other, _server):
        assert "the Census Bureau" in other.open("/privacy").text


def located_by(data_dir: Path) -> list[str]:
    with connected(data_dir) as connection:
        return [row[0] for row in connection.execute("SELECT located_by FROM signature ORDER BY id")]


def test_the_mail_to_confirm_comes_all_the_same(opened: Open, clock: Clock, data_dir: Path) -> None:
    with opened(finds("5503", state="WI")) as (visitor, _server):
        typed(visitor, clock)
        visitor.press(STREET)
        visitor.press(SEND)

    assert len(mails(data_dir, "confirmation")) == 1


def test_pressing_again_and_again_stays_a_page(sandbox: Flask, clock: Clock) -> None:
    """Without the setting a forged button is one more way to ask for the letters."""
    visitor = Visitor(sandbox)
    typed(visitor, clock)
    answer = visitor.client.post("/reunite-families", data={**visitor.page.values, "look-up": "1"})

    assert answer.status_code == 200
