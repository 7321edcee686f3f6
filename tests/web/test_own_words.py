"""What signers add, change and leave out: it reaches the offices as they meant it, and nothing typed is lost."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from flask import Flask

from app.extensions import db
from tests.conftest import OpenSandbox
from tests.databases import connected, write_lock
from tests.factories import LETTER, Clock, campaign_source, mails, published, stored
from tests.pages import Page, Visitor
from tests.web.steps import CONFIRM, SEND, SHOW, begin, confirm, sign

AGAIN = "Show me my letters with these words"
WORDS = "My aunt's well is dry.\n\nShe is 80 & carries water."
OPEN = (
    "Dear [Decision Maker],\n\nThe well runs dry.\n\n[Edit from here]\nPlease dig deeper.\n[Edit to here]\n\n"
    "Thank you.\n\n[Edit from here]\nI live close by.\n[Edit to here]\n\n[Your Name]\n[Your Email]"
)
SPLIT = {"address_level1": "WI", "address_level2": "Platteville", "postal_code": "53811"}


@pytest.fixture
def open_letter(sandbox: Flask, clock: Clock) -> str:
    """The slug of a campaign whose letter has two open parts."""
    with sandbox.app_context():
        return published(db.session(), campaign_source(letter=OPEN), clock())


def letters_to_offices(data_dir: Path) -> list[str]:
    return [mail.text for mail in mails(data_dir, "letter")]


def rows(data_dir: Path, query: str) -> list[tuple[object, ...]]:
    with connected(data_dir) as connection:
        return list(connection.execute(query).fetchall())


def nudge(page: Page) -> str:
    return " ".join("".join(element.itertext()) for element in page.root.iter("p") if element.get("class") == "nudge")


# --- own words ------------------------------------------------------------------------------------------------


def test_own_words_stand_first_in_each_letter_and_apart_from_the_suggested_text(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock, own_words=WORDS)
    confirm(visitor, data_dir)

    letters = letters_to_offices(data_dir)
    assert len(letters) == 3
    for letter in letters:
        salutation, own, suggested = letter.split("\n\n* * *\n\n")[0].partition("\n\n")[0], WORDS, letter
        assert salutation.startswith("Dear ")
        assert suggested.startswith(f"{salutation}\n\n{own}\n\n* * *\n\nI am writing to you about parents")
        assert 'Ana García Ruiz wrote the words above the line "* * *"; Sample' in letter
    assert rows(data_dir, "SELECT own_words FROM signature") == [(WORDS,)]
    assert all("well" not in str(body) for (body,) in rows(data_dir, "SELECT body FROM letter"))


def test_without_own_words_nothing_is_said_of_them(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    confirm(visitor, data_dir)

    assert all("* * *" not in letter and "wrote the words" not in letter for letter in letters_to_offices(data_dir))


def test_own_words_are_sent_with_one_press_and_shown_before_anything_goes(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    begin(visitor, clock).press(SHOW)
    visitor.fill(own_words=WORDS)
    assert visitor.press(SEND).heading == "Check your e-mail"

    page = visitor.open(mails(data_dir, "confirmation")[-1].link)

    assert all("My aunt's well is dry. She is 80 & carries water. * * *" in letter for letter in page.letters)


def test_own_words_can_be_seen_in_the_letters_before_they_are_sent(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock).press(SHOW)

    page = visitor.fill(own_words=WORDS).press(AGAIN)

    assert all("Dear" in letter and "My aunt's well is dry." in letter for letter in page.letters)
    assert page.values["own-words"] == WORDS
    assert visitor.press(SEND).heading == "Check your e-mail"


def test_other_words_are_another_signature_and_the_same_ones_are_not(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    begin(visitor, clock).press(SHOW)
    letters = visitor.page
    for words in (WORDS, WORDS, "Others."):
        visitor.page = letters
        visitor.fill(own_words=words).press(SEND)

    assert rows(data_dir, "SELECT own_words FROM signature ORDER BY id") == [(WORDS,), ("Others.",)]


@pytest.mark.parametrize("bad", ["x" * 10_001, "a\0b", "I am [Your Name]", "\ufdd0x"])
def test_words_that_no_letter_can_hold_are_refused_and_kept(visitor: Visitor, clock: Clock, bad: str) -> None:
    begin(visitor, clock).press(SHOW)

    page = visitor.fill(own_words=bad).press(SEND)

    assert page.status == 422
    assert len(page.errors) == 1
    assert page.title.startswith("Error: ")
    assert len(page.values["own-words"]) == len(bad)
    assert len(page.letters) == 3  # without the words: what was found is not lost
    assert "* * *" not in page.letters[0]
    assert visitor.fill(own_words="Better.").press(SHOW).values["own-words"] == "Better."


def test_how_long_the_words_are_is_told(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock).press(SHOW)

    page = visitor.fill(own_words="é" * 10_002).press(SEND)

    assert page.errors == ["Your own words: shorten this to 10,000 characters; it has 10,002."]


def test_words_survive_an_error_in_another_field_a_choice_and_a_stale_token(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock).press(SHOW)
    page = visitor.fill(own_words=WORDS, postal_code="8200").press(SHOW)
    assert page.errors == ["Enter your ZIP code, like 94110. It has five digits; yours has 4."]
    assert page.values["own-words"] == WORDS

    page = visitor.fill(**SPLIT).press(SHOW)
    assert page.values["own-words"] == WORDS
    assert page.has("district")

    clock.forward(hours=25)
    assert visitor.press(SHOW).values["own-words"] == WORDS


def test_a_text_in_any_script_arrives_whole(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    words = "¿Por qué? Mañana — “sí”.\n水 عربى 👩‍👧"
    sign(visitor, clock, own_words=words)
    confirm(visitor, data_dir)

    assert all(words in letter for letter in letters_to_offices(data_dir))


def test_words_survive_a_full_day_and_a_busy_database(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path, impatient: None
) -> None:
    visitor = Visitor(open_sandbox(LIMIT_NETWORK="1"))
    sign(visitor, clock)
    begin(visitor, clock).press(SHOW)
    visitor.untick("write-to", "WY-S1").fill(own_words=WORDS)
    for status in (429, 503):
        with write_lock(data_dir) if status == 503 else contextlib.nullcontext():
            page = visitor.press(SEND)
        assert page.status == status
        assert page.values["own-words"] == WORDS
        assert len(page.letters) == 2
        assert page.control("write-to", "WY-S1").get("checked") is None


# --- how like the template it is ------------------------------------------------------------------------------


def test_how_like_the_suggested_text_it_is_is_told_once(visitor: Visitor, clock: Clock) -> None:
    page = begin(visitor, clock).press(SHOW)
    assert nudge(page) == "100% of this is the suggested text. One sentence of your own gives it more weight."

    assert nudge(visitor.press(AGAIN)) == ""
    assert nudge(visitor.fill(own_words="Please.").press(AGAIN)) == ""


def test_who_writes_much_is_told_nothing(visitor: Visitor, clock: Clock) -> None:
    sign(visitor, clock, own_words="The well was dug in 1912 by hand, and each house gave a day. " * 60)
    visitor.press("Wrong address? Change it")
    clock.forward(seconds=5)

    page = visitor.press(SHOW)

    assert len(page.letters) == 3
    assert nudge(page) == ""


# --- open parts -----------------------------------------------------------------------------------------------


def test_the_parts_that_a_campaign_leaves_open_can_be_changed(
    visitor: Visitor, clock: Clock, data_dir: Path, open_letter: str
) -> None:
    page = begin(visitor, clock, open_letter).press(SHOW)
    assert [page.values["part-1"], page.values["part-2"]] == ["Please dig deeper.", "I live close by."]

    visitor.fill(part_1="Please bring a pump.\n\nSoon.", part_2="")
    assert visitor.press(SEND).heading == "Check your e-mail"
    confirm(visitor, data_dir)

    for letter in letters_to_offices(data_dir):
        assert "The well runs dry.\n\nPlease bring a pump.\n\nSoon.\n\nThank you.\n\nAna García Ruiz\n" in letter
        assert "dig" not in letter
        assert "[" not in letter


def test_open_parts_survive_every_other_view_of_the_page(visitor: Visitor, clock: Clock, open_letter: str) -> None:
    begin(visitor, clock, open_letter).press(SHOW)
    visitor.fill(part_1="Bring\na pump.", part_2="", postal_code="1")
    assert visitor.press(SHOW).errors == ["Enter your ZIP code, like 94110. It has five digits; yours has 1."]
    visitor.fill(**SPLIT).press(SHOW)
    assert visitor.page.has("district")
    visitor.choose("district", "senators-only").press(SHOW)

    assert [visitor.page.values["part-1"], visitor.page.values["part-2"]] == ["Bring\na pump.", ""]
    assert "Bring a pump. Thank you. Ana" in visitor.page.letters[0]


def test_a_part_that_nobody_may_change_cannot_be_changed(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock).press(SHOW)
    path, fields = visitor.ready(SEND)
    page = visitor.post(path, [*fields, ("part-1", "forged"), ("part-2", "forged too"), ("part-9", "forged")])

    assert stored(data_dir)["letter"] == 0
    assert page.values["own-words"] == "forged\n\nforged too"  # seen, as words of one's own
    assert all("Dear Senator Barrasso, forged forged too * * * I am" in letter for letter in page.letters[:1])


def test_the_page_marks_what_can_be_changed(visitor: Visitor, open_letter: str) -> None:
    page = visitor.open(f"/{open_letter}")

    marked = [element for element in page.root.iter("p") if element.get("class") == "open"]
    assert ["".join(element.itertext()) for element in marked] == ["Please dig deeper.", "I live close by."]


# --- leaving somebody out -------------------------------------------------------------------------------------


def test_whoever_loses_the_tick_gets_no_letter(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    page = begin(visitor, clock).press(SHOW)
    assert [box.get("value") for box in page.all("input") if box.get("name") == "write-to"] == [
        "WY-S1",
        "WY-S2",
        "WY-AL",
    ]

    visitor.untick("write-to", "WY-S2").press(SEND)
    confirm(visitor, data_dir)

    assert rows(data_dir, "SELECT seat FROM letter ORDER BY position") == [("WY-S1",), ("WY-AL",)]
    assert len(letters_to_offices(data_dir)) == 2


def test_the_tick_stays_away_while_other_things_are_mended(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock).press(SHOW)
    visitor.untick("write-to", "WY-AL").fill(postal_code="1")
    assert visitor.press(SHOW).status == 422
    page = visitor.fill(postal_code="82001").press(SHOW)

    assert len(page.letters) == 2
    ticked = {
        box.get("value"): box.get("checked") is not None for box in page.all("input") if box.get("name") == "write-to"
    }
    assert ticked == {"WY-S1": True, "WY-S2": True, "WY-AL": False}


def test_a_tick_can_come_back(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock).press(SHOW)
    visitor.untick("write-to", "WY-AL").press(AGAIN)
    visitor.page.typed[visitor.page.control("write-to", "WY-AL")] = True

    assert len(visitor.press(AGAIN).letters) == 3


def test_with_nobody_left_the_page_asks_for_one(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock).press(SHOW)
    for seat in ("WY-S1", "WY-S2", "WY-AL"):
        visitor.untick("write-to", seat)

    page = visitor.press(SEND)

    assert page.status == 422
    assert page.errors == ["Choose at least one office to write to."]
    assert page.buttons[:2] == [AGAIN, SEND]
    assert stored(data_dir)["signature"] == 0


def test_a_forged_seat_changes_nothing(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock).press(SHOW)
    path, fields = visitor.ready(SEND)

    visitor.post(path, [*fields, ("write-to", "CA-S1"), ("left-out", "CA-12"), ("left-out", "x\0")])

    assert rows(data_dir, "SELECT seat FROM letter ORDER BY position") == [("WY-S1",), ("WY-S2",), ("WY-AL",)]


def test_a_single_recipient_has_no_tick(visitor: Visitor, sandbox: Flask, clock: Clock) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(targets=["us-representative"]), clock())

    assert not begin(visitor, clock, "the-well").press(SHOW).has("write-to")


def test_correcting_the_address_keeps_the_words(visitor: Visitor, clock: Clock) -> None:
    sign(visitor, clock, own_words=WORDS)

    assert visitor.press("Wrong address? Change it").values["own-words"] == WORDS


def test_correcting_the_address_keeps_the_changed_parts_and_whom_one_does_not_write_to(
    visitor: Visitor, clock: Clock, data_dir: Path, open_letter: str
) -> None:
    begin(visitor, clock, open_letter).press(SHOW)
    visitor.fill(part_1="Bring\na pump.").untick("write-to", "WY-S1").press(SEND)
    visitor.press("Wrong address? Change it")
    clock.forward(seconds=5)
    page = visitor.fill(email="ana@example.net").press(SHOW)

    assert len(page.letters) == 2
    assert "The well runs dry. Bring a pump. Thank you." in page.letters[0]
    visitor.press(SEND)
    assert rows(data_dir, "SELECT changes IS NULL, origin IS NULL FROM signature ORDER BY id") == [(1, 1), (0, 0)]


def test_the_confirmation_mail_holds_none_of_the_words(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock, own_words=WORDS)

    assert "aunt" not in mails(data_dir, "confirmation")[0].text


def test_the_copy_holds_the_words(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock, own_words=WORDS)
    visitor.open(mails(data_dir, "confirmation")[-1].link)
    visitor.press(CONFIRM)

    assert mails(data_dir, "copy")[0].text.count(WORDS) == 3


# --- what a reviewer found -----------------------------------------------------------------------------------


def test_an_open_part_above_the_salutation_is_changed_too(
    visitor: Visitor, clock: Clock, data_dir: Path, sandbox: Flask
) -> None:
    letter = f"[Edit from here]\nRe: our well\n[Edit to here]\n\n{LETTER}"
    with sandbox.app_context():
        published(db.session(), campaign_source(letter=letter), clock())
    begin(visitor, clock, "the-well").press(SHOW)
    visitor.fill(part_1="Re: my own headline").press(SEND)
    confirm(visitor, data_dir)

    assert all(text.startswith("Re: my own headline\n\nDear ") for text in letters_to_offices(data_dir))


def test_a_part_left_alone_follows_the_letter_when_that_changes(
    visitor: Visitor, clock: Clock, data_dir: Path, sandbox: Flask, open_letter: str
) -> None:
    begin(visitor, clock, open_letter).press(SHOW)
    with sandbox.app_context():
        published(db.session(), campaign_source(letter=OPEN.replace("dig deeper", "dig much deeper")), clock())

    page = visitor.press(SEND)
    assert "Something in your letters has changed." in page.notice
    assert "Please dig much deeper." in page.letters[0]
    visitor.press(SEND)
    confirm(visitor, data_dir)

    assert all("Please dig much deeper." in text for text in letters_to_offices(data_dir))
    assert rows(data_dir, "SELECT changes FROM signature") == [("{}",)]


def test_a_changed_part_keeps_its_place_when_another_comes_before_it(
    visitor: Visitor, clock: Clock, sandbox: Flask, open_letter: str
) -> None:
    begin(visitor, clock, open_letter).press(SHOW)
    more = OPEN.replace("The well runs dry.", "[Edit from here]\nThe well runs dry.\n[Edit to here]")
    with sandbox.app_context():
        published(db.session(), campaign_source(letter=more), clock())

    page = visitor.fill(part_2="I live next door.").press(AGAIN)

    assert "The well runs dry. Please dig deeper. Thank you. I live next door. Ana" in page.letters[0]
    assert page.values["part-3"] == "I live next door."


def test_a_changed_part_that_has_no_place_any_more_is_shown_and_not_lost(
    visitor: Visitor, clock: Clock, data_dir: Path, sandbox: Flask, open_letter: str
) -> None:
    begin(visitor, clock, open_letter).press(SHOW)
    with sandbox.app_context():
        published(db.session(), campaign_source(), clock())

    page = visitor.fill(part_1="Bring a pump.").press(SEND)

    assert "and with it a part that you had changed" in page.notice
    assert page.values["own-words"] == "Bring a pump."
    assert stored(data_dir)["signature"] == 0
    assert visitor.press(SEND).heading == "Check your e-mail"


def test_what_is_wrong_with_a_part_can_be_mended_on_the_page(visitor: Visitor, clock: Clock, open_letter: str) -> None:
    begin(visitor, clock, open_letter).press(SHOW)
    page = visitor.fill(part_1="x" * 10_001).press(SEND)
    assert page.errors == [
        "Part 1 of the letter, which you can change: shorten this to 10,000 characters; it has 10,001."
    ]
    assert page.control("part-1").get("aria-invalid") == "true"

    assert len(visitor.fill(part_1="Short.").press(SHOW).letters) == 3


def test_a_suggestion_with_odd_characters_stops_nobody(visitor: Visitor, clock: Clock, sandbox: Flask) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(letter=OPEN.replace("dig", "\u2068dig\u2069")), clock())
    begin(visitor, clock, "the-well").press(SHOW)

    assert visitor.press(SEND).heading == "Check your e-mail"


def test_an_office_is_told_that_suggested_words_were_changed(
    visitor: Visitor, clock: Clock, data_dir: Path, open_letter: str
) -> None:
    begin(visitor, clock, open_letter).press(SHOW)
    visitor.fill(part_1="Bring a pump.").press(SEND)
    confirm(visitor, data_dir)

    told = "Sample Organisation suggested this text, and Ana García Ruiz changed some of it."
    assert all(told in " ".join(text.split()) for text in letters_to_offices(data_dir))


def test_own_words_cannot_move_the_mark_at_their_end(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock).press(SHOW)

    page = visitor.fill(own_words="Mine.\n\n * * * \n\nTheirs.").press(SEND)

    assert page.errors == ['Leave out the line "* * *": it marks where your own words end.']


def test_words_set_in_far_do_not_blow_up_a_letter(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock, own_words="a\n" + " " * 4900 + "b" * 4900)
    confirm(visitor, data_dir)

    with connected(data_dir) as connection:
        (largest,) = connection.execute("SELECT max(length(mail)) FROM delivery").fetchone()
    assert largest < 60_000


def test_who_has_written_already_leaves_no_second_words(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock, own_words=WORDS)
    confirm(visitor, data_dir)
    sign(visitor, clock, own_words="Once more.")

    assert rows(data_dir, "SELECT own_words FROM signature ORDER BY id") == [(WORDS,), ("",)]
