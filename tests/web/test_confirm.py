"""/confirm/<token>: GET shows, only POST releases."""

from __future__ import annotations

import threading
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from app.db import writing
from app.delivery.outbox import drop
from app.extensions import db
from app.models import Delivery, DeliveryKind, DeliveryState
from tests.conftest import OpenSandbox
from tests.databases import write_lock
from tests.factories import Clock, mails, stored, supporter
from tests.pages import Visitor
from tests.web.steps import CONFIRM, confirm, sign
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


def test_only_the_first_of_two_unconfirmed_of_one_person_is_sent(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock)
    first = mailed(data_dir)
    sign(visitor, clock)
    second = mailed(data_dir)
    other = Visitor(visitor.app)
    other.open(second)
    visitor.open(first)
    visitor.press(CONFIRM)

    page = other.press(CONFIRM)

    assert page.status == 200
    assert page.heading == "These letters do not go"
    assert len(mails(data_dir, "letter")) == 3


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

    assert visitor.post(page.path.replace("/sent/", "/confirm/"), []).status == 404
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
    visitor.open(first.link)
    visitor.press(CONFIRM)

    page = visitor.open(second.link)

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
