"""The campaign page: what it says, the two buttons, and what comes back when something is wrong."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event

from app import campaigns
from app.db import writing
from app.extensions import db
from tests.conftest import OpenSandbox
from tests.databases import write_lock
from tests.factories import Clock, campaign_source, published, stored, supporter
from tests.pages import Page, Visitor
from tests.web.steps import SEND, SHOW, begin

NOTHING = {"signature": 0, "letter": 0, "delivery": 0, "consent": 0, "delivery_event": 0}
SPLIT = {"address_level1": "MA", "postal_code": "01007", "address_level2": "Belchertown"}
MA_1, MA_2 = (f"ocd-division/country:us/state:ma/cd:{number}" for number in (1, 2))
PAST_A_DAY = timedelta(hours=24, seconds=1).total_seconds()


def instead(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The same fields as if a button that the page does not show had been pressed: send, unseen."""
    return [(name, value) for name, value in fields if name != "show"] + [("send", SEND)]


def assert_kept(page: Page, **typed: str) -> None:
    """Everything typed is still in its field."""
    kept = page.values
    for name, value in typed.items():
        assert kept[name.replace("_", "-")] == value


# --- the page -------------------------------------------------------------------------------------------------


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


def test_sending_stores_everything_once_and_leads_to_check_your_mail(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    begin(visitor, clock).press(SHOW)

    page = visitor.press(SEND)

    assert page.heading == "Check your e-mail"
    assert page.path.startswith("/sent/")
    counts = stored(data_dir)
    assert (counts["signature"], counts["letter"], counts["delivery"], counts["consent"]) == (1, 3, 4, 0)


def test_enter_shows_the_letters_and_never_sends(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    page = begin(visitor, clock).enter()
    assert len(page.letters) == 3

    page = visitor.enter()

    assert page.path == "/reunite-families"
    assert len(page.letters) == 3
    assert stored(data_dir) == NOTHING


def test_send_pressed_after_an_edit_shows_the_letters_once_more(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock).press(SHOW)
    visitor.fill(given_name="Anna")

    page = visitor.press(SEND)

    assert page.path == "/reunite-families"
    assert "changed" in page.notice
    assert all("Anna García Ruiz" in letter for letter in page.letters)
    assert stored(data_dir) == NOTHING
    assert visitor.press(SEND).heading == "Check your e-mail"


def test_a_campaign_published_anew_between_reading_and_sending_is_shown_once_more(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(), clock())
    begin(visitor, clock, "the-well").press(SHOW)
    with sandbox.app_context():
        published(db.session(), campaign_source(subject="The well, again"), clock())

    page = visitor.press(SEND)

    assert "changed" in page.notice
    assert "The well, again" in page.letters[0]
    assert stored(data_dir) == NOTHING


def test_send_without_having_seen_the_letters_shows_them(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock)
    path, fields = visitor.ready(SHOW)

    page = visitor.post(path, instead(fields))

    assert len(page.letters) == 3
    assert stored(data_dir) == NOTHING


# --- bad input ------------------------------------------------------------------------------------------------

EMPTY = {
    "given_name": "Enter your first name.",
    "family_name": "Enter your last name.",
    "address_line1": "Enter your street address, like 12 Main Street.",
    "address_level2": "Enter your city or town.",
    "address_level1": "Choose your state.",
    "postal_code": "Enter your ZIP code, like 94110.",
    "email": "Enter your e-mail address, like name@example.com.",
}


def test_an_empty_field_says_what_to_enter(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    for name, sentence in EMPTY.items():
        for blank in ("", "   ") if name != "address_level1" else ("",):
            page = begin(visitor, clock, **{name: blank}).press(SHOW)

            assert page.status == 422
            assert page.errors == [sentence]
            assert page.title.startswith("Error: ")
            assert_kept(page, **{other: value for other, value in supporter().items() if other != name})
            control = page.control(name.replace("_", "-"))
            assert control.get("aria-invalid") == "true"
            assert any(id_.endswith("-error") for id_ in control.get("aria-describedby").split())
    assert stored(data_dir) == NOTHING


def test_all_fields_empty_are_all_named_in_the_order_of_the_page(visitor: Visitor, clock: Clock) -> None:
    visitor.open("/reunite-families")
    clock.forward(seconds=30)

    page = visitor.press(SHOW)

    assert page.errors == list(EMPTY.values())
    assert "There are 7 things to mend" in page.text


def test_a_form_with_no_field_at_all_is_answered_like_an_empty_one(visitor: Visitor, clock: Clock) -> None:
    visitor.open("/reunite-families")
    clock.forward(seconds=30)

    page = visitor.post("/reunite-families", [("token", visitor.page.values["token"]), ("show", SHOW)])

    assert page.status == 422
    assert page.errors == list(EMPTY.values())


BAD = [
    ("given_name", "x" * 10_240, "shorten this to 100 characters; it has "),
    ("family_name", "é" * 10_240, "shorten this to 100 characters; it has "),
    ("address_line1", "x" * 10_240, "shorten this to 200 characters; it has "),
    ("address_line2", "x" * 10_240, "shorten this to 200 characters; it has "),
    ("address_level2", "x" * 10_240, "shorten this to 100 characters; it has "),
    ("postal_code", "9" * 10_240, "shorten this to 20 characters; it has "),
    ("email", f"{'a' * 10_240}@example.org", "shorten this to 254 characters; it has "),
    *((name, "A\x00na", "characters that cannot be shown") for name in ("given_name", "address_line1", "email")),
    *(
        (name, f"A{c}na", "characters that cannot be shown")
        for name in ("family_name", "address_level2")
        for c in "\x07\x1b\x7f\x85\u202e\u2066\u2028\uffff"
    ),
    ("address_line2", "Apt\r\nBcc: all@example.org", "characters that cannot be shown"),
    ("given_name", "Ana\nBcc: all@example.org", "characters that cannot be shown"),
    ("given_name", "<b>Ana</b>", "leave out the characters < and >."),
    ("address_line1", "<script>alert(1)</script>", "leave out the characters < and >."),
    ("given_name", "[Your Name]", "type your own words in place of the brackets."),
    ("address_line1", "[Your Address]", "type your own words in place of the brackets."),
    ("address_level2", "[Decision Maker]", "type your own words in place of the brackets."),
    ("given_name", "=cmd()", "Begin the name with a letter."),
    ("family_name", "@SUM(A1)", "Begin the name with a letter."),
    ("given_name", "12345", "Enter your name in letters."),
    ("family_name", "https://example.org", "Enter a name without a link."),
    ("given_name", "www.example.org", "Enter a name without a link."),
    ("postal_code", "8200", "Enter your ZIP code, like 94110."),
    ("postal_code", "SW1A 1AA", "Enter your ZIP code, like 94110."),
    ("postal_code", "٨٢٠٠١", "Enter your ZIP code, like 94110."),
    ("email", "ana", "Enter your e-mail address, like name@example.com."),
    ("email", "ana@", "Enter your e-mail address, like name@example.com."),
    ("email", "ana@localhost", "Enter your e-mail address, like name@example.com."),
    ("email", "ana@@example.org", "Enter your e-mail address, like name@example.com."),
    ("email", "Ana <ana@example.org>", "leave out the characters < and >."),
    ("email", "ana@example.org, bo@example.org", "Enter your e-mail address, like name@example.com."),
    ("email", "ana@[127.0.0.1]", "Enter your e-mail address, like name@example.com."),
    ("email", "=?utf-8?q?x=0D=0ABcc=3A_v?=@example.org", "Enter your e-mail address, like name@example.com."),
    ("email", "=?utf-8?b?AAAA?=@example.org", "Enter your e-mail address, like name@example.com."),
    ("email", "senator@barrasso.senate.gov", "Enter your own e-mail address, not one of an office."),
    ("email", "rep@MAIL.HOUSE.GOV", "Enter your own e-mail address, not one of an office."),
]


def test_a_value_that_cannot_stand_in_a_letter_comes_back_with_what_to_do(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    for name, value, sentence in BAD:
        page = begin(visitor, clock, **{name: value}).press(SHOW)

        assert page.status == 422, (name, value[:80])
        assert len(page.errors) == 1, (name, value[:80], page.errors)
        assert sentence in page.errors[0]
        assert_kept(page, **{n: v for n, v in supporter().items() if n != name})
        if value.isprintable() and "\u202e" not in value:
            assert_kept(page, **{name: value})
    assert stored(data_dir) == NOTHING


GOOD = [
    ("given_name", "Mary-Jane"),
    ("family_name", "O’Brien d'Arc, Jr."),
    ("given_name", "李"),
    ("given_name", "שרה"),
    ("family_name", "García {{ 7*7 }} %(name)s"),
    ("given_name", "José[a]"),
    ("address_line1", "1200 Randall Ave # 3 & “B”"),
    ("address_line2", "=3"),
    ("postal_code", "82001-1234"),
    ("postal_code", " 82001 "),
    ("email", "Ana.Garcia+tag@Example.ORG"),
    ("email", "ana@bücher.example"),
    ("email", "o'hara@example.org"),
]


def test_what_people_are_really_called_passes(visitor: Visitor, clock: Clock) -> None:
    for name, value in GOOD:
        page = begin(visitor, clock, **{name: value}).press(SHOW)

        assert page.status == 200, (name, value, page.errors)
        assert SEND in page.buttons


def test_a_state_that_is_not_in_the_list_asks_to_choose_one(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock)
    path, fields = visitor.ready(SHOW)

    page = visitor.post(path, [(n, "ZZ" if n == "address-level1" else v) for n, v in fields])

    assert page.status == 422
    assert page.errors == ["Choose your state."]
    assert_kept(page, given_name="Ana", postal_code="82001")


def test_a_field_sent_twice_counts_once(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock)
    path, fields = visitor.ready(SHOW)

    page = visitor.post(path, [*fields, ("given-name", "Eve"), ("address-level1", "CA")])

    assert all("Ana García Ruiz" in letter for letter in page.letters)


def test_what_is_typed_is_escaped_on_the_page(visitor: Visitor, clock: Clock) -> None:
    page = begin(visitor, clock, given_name='"><script>alert(1)</script>').press(SHOW)

    assert "<script" not in page.html
    assert_kept(page, given_name='"><script>alert(1)</script>')


# --- where somebody lives -------------------------------------------------------------------------------------


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


# --- the same again -------------------------------------------------------------------------------------------


def test_the_same_submission_twice_at_once_is_one_signature(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    begin(visitor, clock).press(SHOW)
    path, fields = visitor.ready(SEND)
    visitors = [Visitor(sandbox) for _ in range(6)]
    together = threading.Barrier(len(visitors))

    def send(one: Visitor) -> None:
        together.wait()
        one.post(path, fields)

    threads = [threading.Thread(target=send, args=(one,)) for one in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {one.page.heading for one in visitors} == {"Check your e-mail"}
    assert len({one.page.path for one in visitors}) == 1
    counts = stored(data_dir)
    assert (counts["signature"], counts["letter"], counts["delivery"]) == (1, 3, 4)


def test_two_people_on_one_phone_one_after_the_other_are_two(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock).press(SHOW)
    first_letters = visitor.page
    first = visitor.press(SEND).path

    visitor.page = first_letters  # Back, and the other one's name and address
    visitor.fill(given_name="Luis", email="luis@example.org").press(SHOW)
    second = visitor.press(SEND).path

    assert first != second
    assert stored(data_dir)["signature"] == 2


def test_two_people_who_share_a_mailbox_are_two(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock).press(SHOW)
    letters = visitor.page
    visitor.press(SEND)

    visitor.page = letters
    visitor.fill(given_name="Luis").press(SHOW)
    visitor.press(SEND)

    assert stored(data_dir)["signature"] == 2


# --- not now --------------------------------------------------------------------------------------------------


def test_an_unknown_campaign_is_not_found(visitor: Visitor) -> None:
    for path in ("/no-such-thing", "/Reunite-Families", "/reunite_families", "/%00", "/%ff", f"/{'a' * 3000}"):
        assert visitor.open(path).status == 404
        assert visitor.page.heading == "This page does not exist"


def test_a_post_to_an_unknown_campaign_is_not_found(visitor: Visitor) -> None:
    assert visitor.post("/no-such-thing", [("given-name", "Ana")]).status == 404


def test_a_draft_is_not_found(visitor: Visitor, sandbox: Flask, clock: Clock) -> None:
    with sandbox.app_context(), writing(db.session()):
        campaigns.import_campaign(db.session(), campaign_source(), clock())

    assert visitor.open("/the-well").status == 404


@pytest.mark.parametrize(
    ("dates", "sentence"),
    [
        ("opens = 2026-12-24", "This campaign opens on December 24, 2026. Please come back then."),
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


@contextlib.contextmanager
def while_a_press_waits_to_write(visitor: Visitor) -> Iterator[Future[Page]]:
    """The press has read the campaign, and waits for its turn to write while somebody changes it."""
    waits = threading.Event()

    def note(_connection: object, _cursor: object, sql: str, *_rest: object) -> None:
        if sql == "BEGIN IMMEDIATE" or "advisory" in sql:
            waits.set()

    with ThreadPoolExecutor(1) as other, visitor.app.app_context(), writing(db.session()):
        event.listen(db.engine, "before_cursor_execute", note)
        pressed = other.submit(visitor.press, SEND)
        assert waits.wait(20)
        yield pressed
        assert not pressed.done()
        event.remove(db.engine, "before_cursor_execute", note)


def test_a_campaign_closed_in_the_moment_of_sending_stores_nothing(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    begin(visitor, clock).press(SHOW)
    with while_a_press_waits_to_write(visitor) as pressed:
        campaigns.close(db.session(), "reunite-families")
    page = pressed.result()

    assert page.status == 409
    assert "This campaign has ended." in page.text
    assert stored(data_dir) == NOTHING


def test_a_letter_revised_in_the_moment_of_sending_is_shown_before_it_goes(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    begin(visitor, clock).press(SHOW)
    with while_a_press_waits_to_write(visitor) as pressed:
        source = campaigns.named(db.session(), "reunite-families").source.replace(
            "every means you have", "all your means"
        )
        campaigns.import_campaign(db.session(), source, clock())
        campaigns.publish(db.session(), "reunite-families", clock())
    page = pressed.result()

    assert page.status == 200
    assert "Something in your letters has changed." in page.notice
    assert "all your means" in page.letters[0]
    assert stored(data_dir) == NOTHING
    assert visitor.press(SEND).path.startswith("/sent/")


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


# --- the day after the tables end -----------------------------------------------------------------------------


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


# --- when the database does not take it -----------------------------------------------------------------------


def test_a_locked_database_keeps_the_text_and_asks_to_press_again(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path, impatient: None
) -> None:
    visitor = begin(Visitor(open_sandbox()), clock)
    visitor.press(SHOW)
    with write_lock(data_dir):
        page = visitor.press(SEND)

        assert page.status == 503
        assert "We could not store your letters just now." in page.notice
        assert len(page.letters) == 3
        assert_kept(page, **supporter())
    assert stored(data_dir) == NOTHING

    assert visitor.press(SEND).heading == "Check your e-mail"
    assert stored(data_dir)["signature"] == 1


def test_reading_goes_on_while_somebody_else_writes(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    with write_lock(data_dir):
        assert begin(visitor, clock).press(SHOW).status == 200


@pytest.mark.file
def test_a_full_disk_keeps_the_text_and_asks_to_press_again(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path
) -> None:
    app = open_sandbox()
    visitor = begin(Visitor(app), clock)
    visitor.press(SHOW)
    with app.app_context():
        connection = db.engine.raw_connection()
        pages = connection.cursor().execute("PRAGMA page_count").fetchone()[0]
        connection.cursor().execute(f"PRAGMA max_page_count={pages}")
        connection.close()  # back to the pool: the next request gets this one
    filler = {"address_line1": "x" * 200, "address_line2": "y" * 200}
    visitor.fill(**filler).press(SHOW)

    page = visitor.press(SEND)

    assert page.status == 503
    assert_kept(page, **supporter(**filler))
    assert stored(data_dir) == NOTHING


# --- programs -------------------------------------------------------------------------------------------------


def test_a_program_that_fills_in_the_trap_is_told_what_to_do(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    page = begin(visitor, clock, website="https://example.org").press(SHOW)

    assert page.status == 422
    assert page.errors == ["Leave this field empty: it is there to stop programs."]
    assert_kept(page, **supporter())
    assert stored(data_dir) == NOTHING


def test_who_is_quicker_than_a_person_is_asked_to_press_again(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    visitor.open("/reunite-families")
    clock.forward(seconds=2)
    page = visitor.fill(**supporter()).press(SHOW)

    assert page.status == 422
    assert "you are no program" in page.notice
    assert_kept(page, **supporter())
    assert stored(data_dir) == NOTHING

    clock.forward(seconds=2)
    assert len(visitor.press(SHOW).letters) == 3


@pytest.mark.parametrize("setting", ["LIMIT_ADDRESS", "LIMIT_NETWORK"])
def test_over_a_limit_nothing_is_stored_and_everything_typed_stays(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path, setting: str
) -> None:
    app = open_sandbox(**{setting: "2"})
    for name in ("Ana", "Bo"):
        visitor = begin(Visitor(app), clock, given_name=name)
        visitor.press(SHOW)
        assert visitor.press(SEND).heading == "Check your e-mail"
    before = stored(data_dir)
    visitor = begin(Visitor(app), clock, given_name="Cy")
    visitor.press(SHOW)

    page = visitor.press(SEND)

    assert page.status == 429
    assert "tomorrow" in page.notice
    assert len(page.letters) == 3
    assert_kept(page, **supporter(given_name="Cy"))
    assert stored(data_dir) == before

    clock.forward(hours=24)
    visitor = begin(Visitor(app), clock, given_name="Cy")
    visitor.press(SHOW)
    assert visitor.press(SEND).heading == "Check your e-mail"


def test_limits_of_others_do_not_count(open_sandbox: OpenSandbox, clock: Clock, data_dir: Path) -> None:
    app = open_sandbox(LIMIT_ADDRESS="1", LIMIT_NETWORK="1")
    for number in range(3):
        visitor = begin(Visitor(app, f"192.0.2.{number}"), clock, email=f"ana{number}@example.org")
        visitor.press(SHOW)
        assert visitor.press(SEND).heading == "Check your e-mail"

    assert stored(data_dir)["signature"] == 3


def test_a_forwarded_address_is_not_believed_without_a_proxy(open_sandbox: OpenSandbox, clock: Clock) -> None:
    app = open_sandbox(LIMIT_NETWORK="1")
    for number in range(2):
        visitor = begin(
            Visitor(app, "192.0.2.1", X_Forwarded_For=f"198.51.100.{number}"), clock, email=f"a{number}@example.org"
        )
        visitor.press(SHOW)
        visitor.press(SEND)

    assert visitor.page.status == 429


def test_behind_a_proxy_that_is_trusted_the_last_address_counts(open_sandbox: OpenSandbox, clock: Clock) -> None:
    app = open_sandbox(LIMIT_NETWORK="1", TRUSTED_PROXIES="1")
    for number in range(2):
        forwarded = f"203.0.113.{number}, 198.51.100.7"  # the first is the visitor's own claim
        visitor = begin(Visitor(app, X_Forwarded_For=forwarded), clock, email=f"a{number}@example.org")
        visitor.press(SHOW)
        visitor.press(SEND)

    assert visitor.page.status == 429


def test_a_question_that_comes_after_a_mistake_is_asked_and_not_held_against_anybody(
    visitor: Visitor, clock: Clock
) -> None:
    begin(visitor, clock, address_level1="WI", postal_code="53811", email="bad").press(SHOW)

    page = visitor.fill(email="ana@example.org").press(SHOW)

    assert page.status == 200
    assert page.errors == []
    assert visitor.press(SHOW).status == 422


def test_mistakes_are_named_even_to_somebody_very_quick(visitor: Visitor) -> None:
    visitor.open("/reunite-families")

    assert len(visitor.press(SHOW).errors) == 7


# --- what tells that the letters have come ------------------------------------------------------------------------


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
