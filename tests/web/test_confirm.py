"""/confirm/<token>: GET shows, only POST releases."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app.db import writing
from app.delivery.outbox import drop
from app.extensions import db
from app.models import Delivery, DeliveryKind, DeliveryState
from app.signing.retention import purge
from tests.conftest import OpenSandbox
from tests.databases import write_lock
from tests.factories import Clock, campaign_source, mails, published, stored, supporter
from tests.pages import Visitor
from tests.signing.factories import KEEP
from tests.web.steps import CONFIRM, SEND, SHOW, begin, confirm, say_whose, sent_address, sign
from tests.web.test_receipt import states


def mailed(data_dir: Path) -> str:
    """The path in the newest mail to confirm."""
    return mails(data_dir, "confirmation")[-1].link


def test_it_shows_each_letter_in_full_and_one_button(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)

    page = visitor.open(mailed(data_dir))

    assert page.heading == "Confirm and send"
    assert page.buttons == [CONFIRM]
    assert len(page.letters) == 3
    assert "1200 Randall Avenue" in page.letters[0]
    assert "I ask Sample Organisation to send these letters in my name" in page.text
    assert page.headers["Cache-Control"] == "private, no-store"
    assert any(meta.get("content") == "noindex" for meta in page.all("meta"))


def test_a_scanner_that_follows_the_link_five_times_sends_nothing(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock)
    before = stored(data_dir)
    for _ in range(5):
        assert visitor.open(mailed(data_dir)).status == 200
        assert visitor.client.head(mailed(data_dir)).status_code == 200

    assert stored(data_dir) == before
    assert mails(data_dir, "letter") == []

    page = visitor.press(CONFIRM)

    assert page.path.startswith("/receipt/")
    assert len(mails(data_dir, "letter")) == 3


def test_pressing_twice_sends_once(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    waiting = visitor.open(mailed(data_dir))
    visitor.press(CONFIRM)
    before = stored(data_dir)

    visitor.page = waiting
    page = visitor.press(CONFIRM)

    assert page.path.startswith("/receipt/")
    assert stored(data_dir) == before
    assert len(mails(data_dir, "letter")) == 3
    assert len(mails(data_dir, "copy")) == 1


def test_pressing_six_times_at_once_sends_once(visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    visitors, path = [Visitor(sandbox) for _ in range(6)], mailed(data_dir)
    for one in visitors:
        one.open(path)
    threads = [threading.Thread(target=one.press, args=(CONFIRM,)) for one in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {one.page.path for one in visitors} == {path.replace("/confirm/", "/receipt/")}
    assert (len(mails(data_dir, "letter")), len(mails(data_dir, "copy"))) == (3, 1)
    assert stored(data_dir)["consent"] == 1


def test_after_confirming_the_link_leads_to_the_receipt(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    confirm(visitor, data_dir)

    assert visitor.open(mailed(data_dir)).path.startswith("/receipt/")


def test_the_letters_say_who_sent_them_for_whom(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    confirm(visitor, data_dir)

    letters = mails(data_dir, "letter")

    greetings = [letter.text.partition(",")[0] for letter in letters]
    assert greetings == ["Dear Senator Barrasso", "Dear Senator Lummis", "Dear Representative Hageman"]
    for letter in letters:
        assert "\nAna García Ruiz\n1200 Randall Avenue\nCheyenne, WY 82001\nana.garcia@example.org\n" in letter.text
        assert "Ana García Ruiz confirmed it by e-mail on November 24, 2026" in letter.text
        assert letter.recipient.endswith("@offices.invalid")
        assert letter.headers["Reply-To"] == "Ana García Ruiz <ana.garcia@example.org>"


ELSEWHERE = "198.51.100.9"
DOUBT = "In your name other letters wait, too."


def test_whoever_writes_again_with_better_words_sends_those_whichever_mail_is_opened(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock, own_words="Plese help.")
    clock.forward(minutes=2)
    sign(visitor, clock, own_words="Please help the families.")
    clock.forward(minutes=2)
    first, second = mails(data_dir, "confirmation")

    for mail in (second, first):
        page = visitor.open(mail.link)
        assert "You wrote more than once. These letters, of November 24, 2026, 12:03 PM Eastern, are" in page.text
        assert "Your own words begin: Please help the families." in page.text
        assert "Show those of November 24, 2026, 12:00 PM Eastern, with your words “Plese help.”" in page.text
        assert DOUBT not in page.text
    visitor.press(CONFIRM)

    letters = mails(data_dir, "letter")
    assert len(letters) == 3
    assert all("Please help the families." in letter.text for letter in letters)
    assert visitor.open(first.link).heading == "These letters do not go"
    assert visitor.follow("Where the letters are that you confirmed").path == second.link.replace("confirm", "receipt")


def test_a_page_that_was_open_when_its_signer_wrote_again_sends_nothing_older(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock, own_words="Plese help.")
    visitor.open(mailed(data_dir))
    sign(Visitor(visitor.app), clock, own_words="Please help the families.")

    page = visitor.press(CONFIRM)

    assert page.status == 409
    assert "You have written again since." in page.notice
    assert mails(data_dir, "letter") == []
    visitor.press(CONFIRM)
    assert all("Please help the families." in letter.text for letter in mails(data_dir, "letter"))


def test_the_earlier_words_can_be_chosen(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock, own_words="My words.")
    sign(visitor, clock)
    visitor.open(mailed(data_dir))

    page = visitor.follow("Show those of November 24, 2026, 12:00 PM Eastern, with your words “My words.”")

    assert "These are the letters that you wrote first." in page.text
    assert "My words." in page.letters[0]
    assert "My words." in visitor.follow("Español").letters[0]
    assert "My words." not in visitor.follow("Ver las cartas más nuevas").letters[0]
    visitor.page = page
    assert visitor.press(CONFIRM).path.startswith("/receipt/")
    assert [("My words." in letter.text) for letter in mails(data_dir, "letter")] == [True] * 3
    assert visitor.open(mailed(data_dir)).heading == "These letters do not go"


def test_who_goes_back_to_the_first_words_and_sends_them_once_more_sends_those(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    begin(visitor, clock).press(SHOW)
    visitor.fill(own_words="First words.")
    path, fields = visitor.ready(SEND)
    visitor.post(path, fields)
    visitor.post(path, [(name, "Other words." if name == "own-words" else value) for name, value in fields])
    visitor.post(path, fields)

    for mail in mails(data_dir, "confirmation"):
        assert "First words." in visitor.open(mail.link).letters[0]
    visitor.press(CONFIRM)

    assert all("First words." in letter.text for letter in mails(data_dir, "letter"))


def test_letters_that_a_stranger_signed_hide_nothing_and_are_called_doubtful(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock, own_words="My words.")
    mine = mailed(data_dir)
    for number in range(7):
        sign(Visitor(visitor.app, ELSEWHERE), clock, own_words=f"Somebody else's, number {number}.")

    page = visitor.open(mine)
    assert "My words." in page.letters[0]
    assert DOUBT in page.text
    assert page.text.count("Somebody else's") == 1  # the newest of that network
    theirs = visitor.open(mailed(data_dir))
    assert "number 6." in theirs.letters[0]
    assert DOUBT in theirs.text
    assert "with your words “My words.”" in theirs.text

    visitor.page = page
    visitor.press(CONFIRM)
    assert [("My words." in letter.text) for letter in mails(data_dir, "letter")] == [True] * 3


def test_once_networks_are_forgotten_nobody_is_taken_for_the_same(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    first = sign(visitor, clock, own_words="My words.")
    mine = mailed(data_dir)
    stranger = Visitor(visitor.app, ELSEWHERE)
    sign(stranger, clock, own_words="Somebody else's.")
    clock.forward(days=3)
    with visitor.app.app_context():
        purge(db.session(), KEEP, clock(), lambda _seconds: False)

    page = visitor.open(mine)
    assert "My words." in page.letters[0]
    assert DOUBT in page.text
    stranger.open(sent_address(stranger.page))
    stranger.press("Wrong address? Change it")
    clock.forward(seconds=30)
    stranger.fill(**supporter(email="stranger@example.net")).press(SHOW)
    stranger.press(SEND)
    assert "My words." in visitor.open(mine).letters[0]
    assert sent_address(first)


def test_a_changed_part_is_told_from_another(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    with visitor.app.app_context():
        letter = "Dear [Decision Maker],\n\n[Edit from here]\nPlease dig.\n[Edit to here]\n\n[Your Name]"
        published(db.session(), campaign_source("the-well", letter=letter), clock())
    for words in ("My goats died.", "My well is dry."):
        begin(visitor, clock, "the-well").press(SHOW)
        visitor.fill(part_1=words).press(SEND)

    page = visitor.open(mailed(data_dir))

    assert "What you changed begins: My well is dry." in page.text
    assert "with your words “My goats died.”" in page.text


def with_a_slip(visitor: Visitor, clock: Clock, data_dir: Path) -> tuple[str, str]:
    """Sign as Jnae, notice it, sign as Janet; the links of both mails."""
    sign(visitor, clock, given_name="Jnae")
    sign(visitor, clock, given_name="Janet")
    first, second = mails(data_dir, "confirmation")
    return first.link, second.link


@pytest.mark.parametrize("opened", [0, 1])
def test_another_name_at_the_same_mailbox_is_asked_about_and_a_slip_is_set_aside(
    visitor: Visitor, clock: Clock, data_dir: Path, opened: int
) -> None:
    links, names = with_a_slip(visitor, clock, data_dir), ("Jnae García Ruiz", "Janet García Ruiz")
    page = visitor.open(links[opened])
    assert f"They are signed: {names[opened]}." in page.text
    assert f"Letters also wait in the name of {names[1 - opened]}, with the same e-mail address." in page.text

    page = visitor.press(CONFIRM)

    assert (page.status, page.errors) == (422, [f"Say whose these letters are: {names[1 - opened]}."])
    assert mails(data_dir, "letter") == []
    page = say_whose(visitor, "mine").press(CONFIRM)
    assert page.path == links[opened].replace("confirm", "receipt")
    assert len(mails(data_dir, "letter")) == 3
    assert visitor.open(links[1 - opened]).heading == "These letters do not go"


def test_two_of_a_household_are_asked_once(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    first, second = with_a_slip(visitor, clock, data_dir)
    visitor.open(first)
    say_whose(visitor, "theirs").press(CONFIRM)
    assert visitor.page.path.startswith("/receipt/")
    assert "Janet" not in visitor.page.text  # people show receipts to others

    page = visitor.open(second)

    assert "Jnae García Ruiz wrote on this page before with this e-mail address." in page.text
    assert "Letters also wait" not in page.text
    assert visitor.press(CONFIRM).path.startswith("/receipt/")
    assert len(mails(data_dir, "letter")) == 6


def test_from_the_question_a_link_leads_to_the_other_letters(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    first, second = with_a_slip(visitor, clock, data_dir)
    visitor.open(first)

    page = visitor.follow("Look at those of Janet García Ruiz instead")

    assert page.path == second


def test_somebody_who_signs_while_the_question_is_answered_is_asked_about_too(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    first, _second = with_a_slip(visitor, clock, data_dir)
    visitor.open(first)
    sign(Visitor(visitor.app), clock, given_name="Luis")

    page = say_whose(visitor, "mine").press(CONFIRM)

    assert (page.status, page.errors) == (422, ["Say whose these letters are: Luis García Ruiz."])
    assert [radio.get("value") for radio in page.all("input") if "checked" in radio.attrib] == ["mine"]
    assert mails(data_dir, "letter") == []
    assert say_whose(visitor, "theirs", "mine").press(CONFIRM).path.startswith("/receipt/")


def test_a_fourth_person_of_a_mailbox_confirms_by_the_mail_of_another(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    for name in ("Ana", "Bea", "Cai", "Dee"):
        page = sign(visitor, clock, given_name=name)
    assert "To one address we send 3 such mails a day at most." in page.text
    assert len(mails(data_dir, "confirmation")) == 3
    visitor.open(mailed(data_dir))
    for name in ("Dee", "Bea", "Ana"):
        assert f"Letters also wait in the name of {name} García Ruiz, with" in visitor.page.text

    visitor.follow("Look at those of Dee García Ruiz instead")
    page = say_whose(visitor, "mine", "theirs", "theirs").press(CONFIRM)

    assert "Thank you, Dee." in page.heading
    for number, heading in enumerate(("Confirm and send", "Confirm and send", "These letters do not go")):
        assert visitor.open(mails(data_dir, "confirmation")[number].link).heading == heading
    assert [mail.text.partition(",")[0] for mail in mails(data_dir, "copy")] == ["Thank you"]
    receipt = mails(data_dir, "copy")[0].link
    assert visitor.open(receipt).heading == page.heading


def test_what_waits_in_another_campaign_is_led_to(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    with visitor.app.app_context():
        published(db.session(), campaign_source("the-well"), clock())
    sign(visitor, clock)
    sign(visitor, clock, "the-well")
    visitor.open(mails(data_dir, "confirmation")[0].link)

    assert "Also waiting for this e-mail address" in visitor.page.text
    assert visitor.follow("Confirm the letters of Ana García Ruiz").path == mailed(data_dir)


def test_a_link_that_a_mail_program_cut_or_lengthened_still_opens(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock)
    for end in (".", ")", "%E2%80%8B"):
        assert visitor.open(mailed(data_dir) + end).heading == "Confirm and send"

    page = visitor.press(CONFIRM)

    assert "Thank you, Ana." in page.heading
    assert "Erase what you entered" in page.html
    assert mails(data_dir, "copy")[0].link == mailed(data_dir).replace("confirm", "receipt")


def test_two_of_one_household_both_count(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    for name in ("Ana", "Luis"):
        sign(visitor, clock, **supporter(given_name=name))
        confirm(visitor, data_dir)

    assert len(mails(data_dir, "letter")) == 6


def test_an_unknown_token_is_not_found(visitor: Visitor) -> None:
    for token in ("x", "A" * 32, "%00", "%ff", "é", "a" * 3000):
        assert visitor.open(f"/confirm/{token}").status == 404
        assert visitor.post(f"/confirm/{token}", []).status == 404


def test_the_token_of_the_sent_page_does_not_confirm(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    page = sign(visitor, clock)

    assert visitor.post(sent_address(page).replace("/sent/", "/confirm/"), []).status == 404
    assert mails(data_dir, "letter") == []


def test_a_press_from_another_site_sends_nothing_and_shows_the_button_again(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock)

    page = visitor.post(mailed(data_dir), [], Sec_Fetch_Site="cross-site")

    assert page.status == 403
    assert "Please press the button once more." in page.notice
    assert mails(data_dir, "letter") == []
    assert visitor.press(CONFIRM, Sec_Fetch_Site="same-origin").path.startswith("/receipt/")


def test_a_link_opened_from_webmail_is_shown_although_it_comes_from_another_site(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock)

    assert visitor.open(mailed(data_dir), Sec_Fetch_Site="cross-site").buttons == [CONFIRM]


def test_a_locked_database_asks_to_press_again_and_sends_nothing(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path, impatient: None
) -> None:
    visitor = Visitor(open_sandbox())
    sign(visitor, clock)
    visitor.open(mailed(data_dir))
    with write_lock(data_dir):
        page = visitor.press(CONFIRM)

        assert page.status == 503
        assert "press the button again in a minute" in page.notice
    assert mails(data_dir, "letter") == []
    assert visitor.press(CONFIRM).path.startswith("/receipt/")


def test_links_in_mails_come_from_the_public_address_whatever_host_was_asked(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path
) -> None:
    app = open_sandbox(PUBLIC_URL="https://act.example.org", TRUSTED_PROXIES="1")
    visitor = Visitor(app, Host="evil.example", X_Forwarded_Host="evil.example", X_Forwarded_For="192.0.2.1")
    sign(visitor, clock)
    visitor.open(mailed(data_dir))
    visitor.press(CONFIRM)

    (confirmation,), (copy,) = mails(data_dir, "confirmation"), mails(data_dir, "copy")

    assert "\nhttps://act.example.org/confirm/" in confirmation.text
    assert "\nhttps://act.example.org/receipt/" in copy.text
    assert "evil.example" not in confirmation.text + copy.text


def test_the_mail_to_confirm_holds_nothing_that_was_typed(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock, given_name="Buy Pills", address_line1="Cheap Street")

    (mail,) = mails(data_dir, "confirmation")

    for typed in ("Buy Pills", "García", "Cheap Street", "Cheyenne"):
        assert typed not in mail.text + str(mail.headers)


def test_a_second_link_says_on_opening_that_its_letters_do_not_go(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock)
    sign(visitor, clock)
    first, second = mails(data_dir, "confirmation")
    visitor.open(second.link)
    visitor.press(CONFIRM)

    page = visitor.open(first.link)

    assert page.heading == "These letters do not go"
    assert page.buttons == []


def test_a_letter_that_the_organisation_has_cancelled_stays_so_and_the_others_go(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock)
    with visitor.app.app_context(), writing(db.session()):
        letter = db.session.scalars(select(Delivery).where(Delivery.kind == DeliveryKind.LETTER)).first()
        assert letter is not None
        drop(db.session(), letter, clock())

    confirm(visitor, data_dir)

    with visitor.app.app_context():
        found = db.session.scalars(select(Delivery).where(Delivery.kind == DeliveryKind.LETTER).order_by(Delivery.id))
        assert [one.state for one in found] == [DeliveryState.CANCELLED, DeliveryState.QUEUED, DeliveryState.QUEUED]
        db.session.rollback()


def test_all_letters_cancelled_leave_a_receipt(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    with visitor.app.app_context(), writing(db.session()):
        for letter in db.session.scalars(select(Delivery).where(Delivery.kind == DeliveryKind.LETTER)):
            drop(db.session(), letter, clock())

    assert states(confirm(visitor, data_dir))[:3] == ["Cancelled"] * 3
