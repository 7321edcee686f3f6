"""The campaign page: out of the campaign's time, and after the turn of the Congress."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from app import campaigns
from app.db import writing
from app.extensions import db
from tests.factories import Clock, campaign_source, published, stored, supporter
from tests.pages import Visitor
from tests.web.steps import NOTHING, SEND, SHOW, assert_kept, begin


@pytest.mark.parametrize(
    ("dates", "sentence"),
    [
        (
            "opens = 2026-12-24",
            "This campaign opens on December 24, 2026, at midnight in Washington (Eastern time).",
        ),
        ("closes = 2026-11-23", "This campaign has ended. No more letters are sent from this page."),
    ],
)
def test_a_campaign_out_of_its_time_says_so_to_readers_and_senders(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path, dates: str, sentence: str
) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(more=dates), clock())

    page = visitor.open("/the-well")
    assert page.status == 200
    assert sentence in page.text
    assert not page.all("form")

    page = visitor.post("/the-well", [("given-name", "Ana"), ("send", SEND)])
    assert page.status == 409
    assert sentence in page.text
    assert stored(data_dir) == NOTHING


@pytest.mark.parametrize(
    ("moment", "open_"),
    [(datetime(2026, 11, 25, 4, 59, tzinfo=UTC), True), (datetime(2026, 11, 25, 5, 0, tzinfo=UTC), False)],
)
def test_the_last_day_is_that_of_washington_and_the_page_says_so(
    visitor: Visitor, sandbox: Flask, clock: Clock, moment: datetime, open_: bool
) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(more="closes = 2026-11-24"), clock())
    clock.now = moment

    page = visitor.open("/the-well")

    said = "You can write until the end of November 24, 2026 in Washington (Eastern time)."
    assert (said in page.text) is open_
    assert bool(page.all("form")) is open_


def test_a_campaign_closed_while_somebody_types_says_so_at_once(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    begin(visitor, clock).press(SHOW)
    with sandbox.app_context(), writing(db.session()):
        campaigns.close(db.session(), "reunite-families")

    page = visitor.press(SEND)

    assert page.status == 409
    assert "This campaign has ended." in page.text
    assert stored(data_dir) == NOTHING


def test_a_closed_campaign_is_seen_closed_within_a_second(visitor: Visitor, sandbox: Flask, clock: Clock) -> None:
    assert visitor.open("/reunite-families").all("form")
    with sandbox.app_context(), writing(db.session()):
        campaigns.close(db.session(), "reunite-families")
    clock.forward(seconds=1)

    page = visitor.open("/reunite-families")

    assert "This campaign has ended." in page.text
    assert not page.all("form")


def test_a_campaign_opens_and_closes_at_midnight_in_the_capital(visitor: Visitor, sandbox: Flask, clock: Clock) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(more="opens = 2026-11-25\ncloses = 2026-11-25"), clock())
    forms = []
    for hours in (11.9, 0.2, 23.7, 0.3):  # from noon in Washington: 23:54, 00:06, 23:48, 00:06
        clock.forward(hours=hours)
        forms.append(len(visitor.open("/the-well").all("form")))

    assert forms == [0, 1, 1, 0]


# --- the day after the tables end ----------------------------------------------------------------------------


def test_when_the_next_congress_has_begun_the_page_says_what_it_does_not_know_before_anything_is_typed(
    visitor: Visitor, clock: Clock
) -> None:
    clock.now = datetime(2027, 1, 3, 16, 59, tzinfo=UTC)
    assert "new Congress" not in visitor.open("/reunite-families").text

    clock.forward(minutes=1)  # noon in Washington

    page = visitor.open("/reunite-families")
    assert "A new Congress began on January 3, 2027." in page.text
    assert "letters from here go to the senators whose terms go on" in page.text
    assert "Your Representative No letter goes there at present." in page.text


def test_when_the_next_congress_has_begun_only_those_who_surely_sit_are_written_to(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    clock.now = datetime(2027, 1, 3, 17, 0, tzinfo=UTC)

    page = begin(visitor, clock).press(SHOW)

    assert len(page.letters) == 1
    assert "Dear Senator Barrasso," in page.letters[0]
    assert page.text.count("A new Congress has begun, and we do not know yet who was sworn in for this seat") == 2
    assert visitor.press(SEND).heading == "Check your e-mail"
    assert stored(data_dir)["letter"] == 1


def test_in_a_redrawn_state_nobody_is_asked_to_choose_before_the_new_members_are_known(
    visitor: Visitor, clock: Clock
) -> None:
    clock.now = datetime(2027, 1, 3, 17, 0, tzinfo=UTC)

    page = begin(visitor, clock, address_level1="TX", postal_code="78701", address_level2="Austin").press(SHOW)

    assert page.status == 200
    assert not [radio for radio in page.all("input") if radio.get("type") == "radio"]
    assert "No letter goes to the House: a new Congress began on January 3, 2027" in page.text
    assert len(page.letters) == 1


def test_two_congresses_later_the_page_says_that_it_knows_nobody(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    clock.now = datetime(2029, 1, 4, 17, 0, tzinfo=UTC)
    assert "We do not know yet who sits in Congress now" in visitor.open("/reunite-families").text

    page = begin(visitor, clock).press(SHOW)

    assert page.status == 503
    assert "we do not know its members yet" in page.notice
    assert_kept(page, **supporter())
    assert stored(data_dir) == NOTHING
