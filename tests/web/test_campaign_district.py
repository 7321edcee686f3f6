"""The campaign page: where somebody lives, who represents them, and whom they can write to."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from app.extensions import db
from tests.factories import Clock, campaign_source, published, stored, supporter
from tests.pages import Visitor
from tests.web.steps import MA_1, MA_2, NOTHING, SEND, SHOW, SPLIT, assert_kept, begin, instead


def test_a_zip_of_a_state_far_away_names_that_state(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    page = begin(visitor, clock, postal_code="94110").press(SHOW)

    assert page.status == 422
    assert page.errors == ["ZIP code 94110 is in California. Correct the ZIP code or the state."]
    assert_kept(page, **supporter(postal_code="94110"))
    assert not page.has("sure-of-state")
    assert stored(data_dir) == NOTHING


def test_a_zip_of_a_neighbour_state_can_be_said_to_be_right(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    page = begin(visitor, clock, address_level1="WI", postal_code="60002", address_level2="Antioch").press(SHOW)
    assert page.status == 422
    assert page.errors[0].startswith("ZIP code 60002 is mostly in Illinois. Do you live in Wisconsin?")
    assert "Yes, I live in Wisconsin, and my ZIP code is right" in page.text

    visitor.fill(sure_of_state=True).press(SHOW)

    assert "is mostly in another state. Who represents you in Wisconsin?" in visitor.page.text
    assert visitor.page.values["sure-of-state"]
    visitor.choose("district", "ocd-division/country:us/state:wi/cd:1").press(SHOW)
    assert len(visitor.page.letters) == 3
    assert visitor.press(SEND).heading == "Check your e-mail"
    assert stored(data_dir)["signature"] == 1


def test_a_zip_that_no_table_knows_asks_who_represents_them(visitor: Visitor, clock: Clock) -> None:
    page = begin(visitor, clock, address_level1="CA", postal_code="96199").press(SHOW)

    assert page.status == 200, page.errors
    assert "We do not know ZIP code 96199." in page.text
    assert len([radio for radio in page.all("input") if radio.get("type") == "radio"]) == 53


def test_military_mail_asks_for_the_address_at_home(visitor: Visitor, clock: Clock) -> None:
    page = begin(visitor, clock, postal_code="09001").press(SHOW)

    assert page.status == 422
    assert page.errors == [
        "ZIP code 09001 is military mail, which has no district. "
        "Enter the address in the States where you are registered to vote."
    ]


# --- the choice of a representative --------------------------------------------------------------------------


def test_a_split_zip_shows_named_members_and_none_is_preselected(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    page = begin(visitor, clock, **SPLIT).press(SHOW)

    assert page.status == 200
    assert "ZIP code 01007 lies in more than one district. Who represents you?" in page.text
    radios = [radio for radio in page.all("input") if radio.get("type") == "radio"]
    assert [radio.get("value") for radio in radios] == [MA_1, MA_2, "senators-only"]
    assert all(radio.get("checked") is None for radio in radios)
    assert "Richard E. Neal" in page.text
    assert SEND not in page.buttons
    assert_kept(page, **supporter(**SPLIT))
    assert stored(data_dir) == NOTHING


def test_a_split_zip_without_a_choice_cannot_be_sent(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock, **SPLIT).press(SHOW)
    path, fields = visitor.ready(SHOW)

    page = visitor.post(path, instead(fields))

    assert page.status == 422
    assert page.errors == ["Choose who represents you, or say that you are not sure."]
    assert_kept(page, **supporter(**SPLIT))
    assert stored(data_dir) == NOTHING


def test_showing_again_without_a_choice_says_what_is_missing(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock, **SPLIT).press(SHOW)

    page = visitor.press(SHOW)

    assert page.errors == ["Choose who represents you, or say that you are not sure."]


def test_a_forged_choice_is_refused(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock, **SPLIT).press(SHOW)
    path, fields = visitor.ready(SHOW)
    elsewhere = "ocd-division/country:us/state:wy/cd:at-large"
    for field in ("district", "other-district"):
        for forged in (elsewhere, "ocd-division/country:us/state:ma", "x", "[", "\x00", "é" * 5000):
            rest = [(name, value) for name, value in instead(fields) if name != field]

            page = visitor.post(path, [*rest, (field, forged)])

            assert page.status == 422
            assert page.errors == ["Choose who represents you, or say that you are not sure."]
    assert stored(data_dir) == NOTHING


def test_a_chosen_representative_gets_the_third_letter(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock, **SPLIT).press(SHOW)
    visitor.choose("district", MA_2).press(SHOW)

    assert "Dear Representative McGovern," in visitor.page.letters[2]
    assert visitor.page.values["district"] == MA_2
    visitor.press(SEND)
    assert stored(data_dir)["letter"] == 3


def test_who_is_not_sure_writes_to_the_senators_only(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock, **SPLIT).press(SHOW)

    page = visitor.choose("district", "senators-only").press(SHOW)

    assert len(page.letters) == 2
    assert "you said that you are not sure who yours is" in page.text
    visitor.press(SEND)
    assert stored(data_dir)["letter"] == 2


def test_another_representative_of_the_state_can_be_chosen(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock, address_level1="CA", postal_code="94110", address_level2="San Francisco").press(SHOW)
    assert "Dear Representative Pelosi," in visitor.page.letters[2]

    visitor.fill(other_district="ocd-division/country:us/state:ca/cd:12").press(SHOW)

    assert "Dear Representative Simon," in visitor.page.letters[2]
    assert visitor.press(SEND).heading == "Check your e-mail"


def test_another_zip_makes_an_earlier_choice_void(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock, **SPLIT).press(SHOW)
    visitor.choose("district", MA_2).press(SHOW)

    page = visitor.fill(postal_code="01026").press(SHOW)

    assert "ZIP code 01026 lies in more than one district." in page.text
    assert all(r.get("checked") is None for r in page.all("input") if r.get("type") == "radio")


def test_a_question_that_comes_after_a_mistake_is_asked_and_not_held_against_anybody(
    visitor: Visitor, clock: Clock
) -> None:
    begin(visitor, clock, address_level1="WI", postal_code="53811", email="bad").press(SHOW)

    page = visitor.fill(email="ana@example.org").press(SHOW)

    assert page.status == 200
    assert page.errors == []
    assert visitor.press(SHOW).status == 422


# --- whom they can write to ----------------------------------------------------------------------------------


def test_somebody_in_the_capital_writes_to_the_delegate_and_is_told_why(visitor: Visitor, clock: Clock) -> None:
    page = begin(visitor, clock, address_level1="DC", postal_code="20001", address_level2="Washington").press(SHOW)

    assert len(page.letters) == 1
    assert "Dear Delegate Norton," in page.letters[0]
    assert "No letter goes to the Senate: it has no members from where you live." in page.text
    assert visitor.press(SEND).heading == "Check your e-mail"


def test_a_senator_whose_term_was_to_end_is_named_with_that(visitor: Visitor, clock: Clock) -> None:
    page = begin(visitor, clock, address_level1="OH", postal_code="43215").press(SHOW)

    assert page.text.count("This term was to end on November 3, 2026; who holds it sits until somebody else") == 1


def test_a_zip_of_post_office_boxes_is_mentioned_where_it_decides(visitor: Visitor, clock: Clock) -> None:
    page = begin(visitor, clock, address_level1="MA", postal_code="01009").press(SHOW)

    assert "ZIP code 01009 is for PO boxes. If you live somewhere else, look whether this is" in page.text
    assert len(page.letters) == 3


def test_a_vacant_seat_is_said_and_the_senators_still_get_their_letters(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock, address_level1="TX", postal_code="78201", address_level2="San Antonio").press(SHOW)

    page = visitor.fill(other_district="ocd-division/country:us/state:tx/cd:23").press(SHOW)

    assert "This seat is vacant" in page.text
    assert len(page.letters) == 2
    assert visitor.press(SEND).heading == "Check your e-mail"


def test_where_nobody_can_be_written_to_no_button_sends(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(targets=["us-senators"]), clock())
    page = begin(visitor, clock, "the-well", address_level1="PR", postal_code="00901").press(SHOW)

    assert page.status == 200
    assert page.letters == []
    assert "There is nobody that we can write to for you here." in page.text
    assert SEND not in page.buttons
    path, fields = visitor.ready(SHOW)
    visitor.post(path, instead(fields))
    assert stored(data_dir) == NOTHING


@pytest.mark.parametrize("target", ["us-senators", "us-representative"])
def test_a_campaign_for_one_chamber_writes_to_no_other(
    visitor: Visitor, sandbox: Flask, clock: Clock, target: str
) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(targets=[target]), clock())

    page = begin(visitor, clock, "the-well").press(SHOW)

    assert len(page.letters) == {"us-senators": 2, "us-representative": 1}[target]
