"""The campaign page: what it says before anything is typed, and how it shows the letters."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask

from app import campaigns
from app.db import writing
from app.extensions import db
from tests.factories import Clock, campaign_source, published, stored, supporter
from tests.pages import Page, Visitor
from tests.web.steps import MA_1, NOTHING, SEND, SHOW, SPLIT, assert_kept, begin


def test_the_only_campaign_is_the_front_page(visitor: Visitor) -> None:
    page = visitor.open("/")

    assert page.path == "/reunite-families"
    assert page.status == 200
    assert page.title == "Tell Congress – Reunite Families · Sample Organisation"


def test_several_campaigns_are_listed(visitor: Visitor, sandbox: Flask, clock: Clock) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(), clock())

    page = visitor.open("/")

    assert page.path == "/"
    assert [a.get("href") for a in page.find("main").iter("a")] == ["/reunite-families", "/the-well"]


def test_without_an_open_campaign_the_front_page_says_so(visitor: Visitor, sandbox: Flask) -> None:
    with sandbox.app_context(), writing(db.session()):
        campaigns.close(db.session(), "reunite-families")

    assert "No campaign is open just now." in visitor.open("/").text


def test_it_says_before_anything_is_typed_to_whom_and_how_letters_go(visitor: Visitor) -> None:
    page = visitor.open("/reunite-families")

    assert page.heading == "Reunite Families"
    assert page.text.index("Your Senators") < page.text.index("Your Representative")
    assert page.text.count("We e-mail it") == 2
    assert "You see every letter before it goes, and you get a copy." in page.text
    assert "Trial mode: nothing leaves this machine." in " ".join(page.root.itertext())
    assert len(page.letters) == 1
    assert re.search(r"Dear \[?Decision Maker\]?,", page.letters[0])


# --- the letters ---------------------------------------------------------------------------------------------


def test_a_person_who_types_everything_sees_three_letters_with_names(visitor: Visitor, clock: Clock) -> None:
    page = begin(visitor, clock).press(SHOW)

    assert page.status == 200
    assert page.path == "/reunite-families"
    assert len(page.letters) == 3
    assert ["Dear Senator Barrasso," in page.letters[0], "Dear Senator Lummis," in page.letters[1]] == [True, True]
    assert "Dear Representative Hageman," in page.letters[2]
    for letter in page.letters:
        assert letter.endswith("Ana García Ruiz 1200 Randall Avenue Cheyenne, WY 82001 ana.garcia@example.org")
        assert "[" not in letter
    assert page.buttons == ["Show me my letters with these words", SEND, SHOW]


def test_showing_the_letters_stores_nothing(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock).press(SHOW)

    assert stored(data_dir) == NOTHING


def test_the_letters_page_keeps_every_field_folded_and_filled(visitor: Visitor, clock: Clock) -> None:
    page = begin(visitor, clock).press(SHOW)

    assert_kept(page, **supporter())
    (details,) = [d for d in page.all("details") if any(e.get("name") == "given-name" for e in d.iter("input"))]
    assert details.get("open") is None


def test_enter_shows_the_letters_and_never_sends(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    page = begin(visitor, clock).enter()
    assert len(page.letters) == 3

    page = visitor.enter()

    assert page.path == "/reunite-families"
    assert len(page.letters) == 3
    assert stored(data_dir) == NOTHING


def focused(page: Page) -> list[str]:
    return [element.tag for element in page.root.iter() if element.get("autofocus") is not None]


def test_title_and_focus_tell_what_the_page_shows_now(visitor: Visitor, clock: Clock) -> None:
    first = begin(visitor, clock, **SPLIT).page
    assert (first.title.partition(" · ")[0], focused(first)) == ("Tell Congress – Reunite Families", [])

    choice = visitor.press(SHOW)
    assert (choice.title.partition(" · ")[0], focused(choice)) == ("Who represents you?", ["fieldset"])

    letters = visitor.choose("district", MA_1).press(SHOW)
    assert (letters.title.partition(" · ")[0], focused(letters)) == ("Your letters", ["h2"])

    wrong = visitor.fill(postal_code="1").press(SHOW)
    assert (wrong.title[:7], focused(wrong)) == ("Error: ", ["div"])


# --- what is not there ---------------------------------------------------------------------------------------


def test_an_unknown_campaign_is_not_found(visitor: Visitor) -> None:
    for path in ("/no-such-thing", "/%00", "/%ff", f"/{'a' * 3000}"):
        assert visitor.open(path).status == 404
        assert visitor.page.heading == "This page does not exist"


def test_a_post_to_an_unknown_campaign_is_not_found(visitor: Visitor) -> None:
    assert visitor.post("/no-such-thing", [("given-name", "Ana")]).status == 404


def test_a_draft_is_not_found(visitor: Visitor, sandbox: Flask, clock: Clock) -> None:
    with sandbox.app_context(), writing(db.session()):
        campaigns.import_campaign(db.session(), campaign_source(), clock())

    assert visitor.open("/the-well").status == 404
