"""/sent/<token>: check your e-mail, send it again, change the address."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from app import campaigns
from app.db import writing
from app.delivery import Outcome, OutcomeKind
from app.delivery.breaker import Breaker
from app.delivery.pause import pause
from app.extensions import db
from tests.conftest import OpenSandbox
from tests.databases import write_lock
from tests.delivery.factories import leave
from tests.factories import Clock, mails, stored, supporter
from tests.pages import Visitor
from tests.web.steps import SEND, SHOW, assert_kept, begin, confirm, sent_address, sign

AGAIN, CHANGE = "Send it again", "Wrong address? Change it"


def gone(app: Flask, clock: Clock) -> None:
    """All mails have left."""
    with app.app_context():
        leave(db.session(), clock())


def test_it_shows_the_address_and_what_to_do(visitor: Visitor, clock: Clock) -> None:
    page = sign(visitor, clock)

    assert page.heading == "Check your e-mail"
    assert "Look for our mail to ana.garcia@example.org." in page.text
    assert page.buttons == [AGAIN, CHANGE]
    assert any(meta.get("name") == "robots" and meta.get("content") == "noindex" for meta in page.all("meta"))


def test_opened_anew_it_holds_nothing_that_was_typed(visitor: Visitor, clock: Clock) -> None:
    page = visitor.open(sent_address(sign(visitor, clock)))

    assert page.heading == "Check your e-mail"
    assert page.buttons == [AGAIN, CHANGE]
    for typed in supporter().values():
        if len(typed) > 2:
            assert typed not in page.html
    assert page.headers["Cache-Control"] == "private, no-store"

    page = visitor.press(CHANGE)

    assert "Enter your details once more. Then only the new letters count." in page.notice
    assert page.values["email"] == ""


def test_in_a_trial_a_link_leads_to_the_mailbox(visitor: Visitor, clock: Clock) -> None:
    page = sign(visitor, clock)

    assert "/mailbox" in [a.get("href") for a in page.find("main").iter("a")]


def test_the_mail_can_be_sent_again_with_the_same_link(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    gone(visitor.app, clock)

    page = visitor.press(AGAIN)

    assert page.status == 200
    assert "The mail goes once more, unless" in page.text
    assert "ana.garcia@example.org" in page.text
    first, second = mails(data_dir, "confirmation")
    assert first.link == second.link
    assert stored(data_dir)["signature"] == 1


def test_after_sending_again_the_address_can_still_be_changed(visitor: Visitor, clock: Clock) -> None:
    sign(visitor, clock, own_words="We walk to the well.")
    visitor.press(AGAIN)

    page = visitor.press(CHANGE)

    assert_kept(page, **supporter(), own_words="We walk to the well.")


def test_a_mail_that_has_not_left_is_not_queued_again(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    refuse(visitor.app, clock)
    for _time in range(4):
        assert visitor.press(AGAIN).status == 200

    clock.forward(minutes=2)
    gone(visitor.app, clock)
    assert len(mails(data_dir, "confirmation")) == 1
    visitor.press(AGAIN)
    assert len(mails(data_dir, "confirmation")) == 2


def test_sending_again_is_limited(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    for _time in range(4):
        gone(visitor.app, clock)
        page = visitor.press(AGAIN)
        assert (page.status, page.notice) == (200, "")

    assert len(mails(data_dir, "confirmation")) == 3
    clock.forward(hours=24)
    visitor.press(AGAIN)
    assert len(mails(data_dir, "confirmation")) == 4


def test_a_wrong_address_leads_back_to_the_filled_form_and_withdraws_the_first(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    typed = supporter(email="ana@exmaple.org", address_line2="Apt 4")
    sign(visitor, clock, **typed)
    (wrong,) = mails(data_dir, "confirmation")

    page = visitor.press(CHANGE)

    assert "Then only the corrected ones count." in page.notice
    assert {name.replace("_", "-"): value for name, value in typed.items()}.items() <= page.values.items()
    clock.forward(seconds=30)
    visitor.fill(email="ana@example.org").press(SHOW)
    page = visitor.press(SEND)
    assert page.heading == "Check your e-mail"
    assert [mail.recipient for mail in mails(data_dir, "confirmation")] == ["ana@example.org"]  # the other is blank
    assert visitor.open(wrong.link).heading == "These letters do not go"
    assert visitor.page.buttons == []


def test_a_correction_on_a_page_that_was_opened_anew_takes_the_place_of_the_first_too(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    page = sign(visitor, clock, email="ana@exmaple.org")
    (wrong,) = mails(data_dir, "confirmation")
    visitor.open(sent_address(page))
    visitor.press(CHANGE)
    clock.forward(seconds=30)

    visitor.fill(**supporter()).press(SHOW)
    visitor.press(SEND)

    assert visitor.open(wrong.link).heading == "These letters do not go"


def test_going_back_to_the_first_form_after_a_slip_sends_another_mail(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    begin(visitor, clock, email="ana@example.org").press(SHOW)
    path, fields = visitor.ready(SEND)
    visitor.press(SEND)
    visitor.press(CHANGE)
    clock.forward(seconds=30)
    visitor.fill(email="ana@exmaple.org").press(SHOW)
    visitor.press(SEND)

    page = visitor.post(path, fields)  # Back, and Send once more

    assert page.heading == "Check your e-mail"
    assert [mail.recipient for mail in mails(data_dir, "confirmation")] == ["ana@exmaple.org", "ana@example.org"]
    visitor.open(mails(data_dir, "confirmation")[-1].link)
    assert visitor.page.heading == "Confirm and send"


def test_correcting_the_address_sets_aside_everything_that_waits_under_the_wrong_one(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock, email="ana@exmaple.org")
    sign(visitor, clock, email="ana@exmaple.org")
    wrong = mails(data_dir, "confirmation")
    visitor.press(CHANGE)
    clock.forward(seconds=30)
    visitor.fill(email="ana@example.org").press(SHOW)
    visitor.press(SEND)

    assert len(wrong) == 2
    for mail in wrong:
        assert visitor.open(mail.link).heading == "These letters do not go"


def test_confirming_the_replaced_one_by_force_releases_nothing(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    (first,) = mails(data_dir, "confirmation")
    visitor.press(CHANGE)
    clock.forward(seconds=30)
    visitor.fill(email="other@example.org").press(SHOW)
    visitor.press(SEND)

    page = visitor.post(first.link, [])

    assert page.heading == "These letters do not go"
    assert mails(data_dir, "letter") == []


def test_after_its_time_it_says_so(visitor: Visitor, clock: Clock) -> None:
    address = sent_address(sign(visitor, clock))
    clock.forward(days=7)

    page = visitor.open(address)

    assert page.heading == "This link is no longer good"
    assert page.buttons == []
    assert visitor.post(address, [("again", AGAIN)]).html == page.html


def test_the_same_person_again_sees_the_same_page_and_gets_another_mail(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock)
    confirm(visitor, data_dir)
    clock.forward(hours=1)

    sign(visitor, clock, given_name="ANA", email="Ana.Garcia+again@example.org")

    (mail,) = mails(data_dir, "repeat")
    assert "You confirmed your letters on November 24, 2026" in mail.text
    assert "/confirm/" not in mail.text


def test_a_campaign_that_ended_meanwhile_says_so_when_the_changed_form_is_sent(
    visitor: Visitor, sandbox: Flask, clock: Clock
) -> None:
    sign(visitor, clock)
    visitor.press(CHANGE)
    with sandbox.app_context(), writing(db.session()):
        campaigns.close(db.session(), "reunite-families")
    clock.forward(seconds=30)

    page = visitor.fill(email="other@example.org").press(SHOW)

    assert page.status == 409
    assert "This campaign has ended." in page.text


def test_an_unknown_token_is_not_found(visitor: Visitor) -> None:
    for token in ("x", "A" * 32, "%00", "%ff", "a" * 3000):
        assert visitor.open(f"/sent/{token}").status == 404
        assert visitor.post(f"/sent/{token}", [("again", AGAIN)]).status == 404


def test_the_token_of_the_mail_does_not_open_this_page(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    (mail,) = mails(data_dir, "confirmation")

    assert visitor.open(f"/sent/{mail.token}").status == 404


def test_a_locked_database_asks_to_press_again(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path, impatient: None
) -> None:
    visitor = Visitor(open_sandbox())
    sign(visitor, clock)
    with write_lock(data_dir):
        page = visitor.press(AGAIN)

    assert page.status == 503
    assert "Please try again in a minute." in page.notice
    assert visitor.press(AGAIN).status == 200


def test_a_press_from_another_site_does_nothing(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)

    page = visitor.press(AGAIN, Sec_Fetch_Site="cross-site")

    assert page.status == 403
    assert "Please press the button once more." in page.notice
    assert len(mails(data_dir, "confirmation")) == 1


def refuse(app: Flask, clock: Clock) -> None:
    """The mail server takes no login of ours."""
    with app.app_context():
        Breaker("sandbox").note(db.session(), Outcome(OutcomeKind.CHANNEL, "login refused", 535), clock())


def test_a_mail_that_waits_for_the_mail_server_is_not_promised_soon(visitor: Visitor, clock: Clock) -> None:
    refuse(visitor.app, clock)
    page = sign(visitor, clock)

    assert "Our mail server takes nothing from us at the moment, and we go on trying." in page.text
    with visitor.app.app_context(), writing(db.session()):
        pause(db.session(), "sandbox", clock())
    page = visitor.open(sent_address(page))
    assert "We have paused sending for now." in page.text
    assert "Our mail server takes nothing" not in page.text
