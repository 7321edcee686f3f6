"""/sent/<token>: check your e-mail, send it again, change the address."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from app import campaigns
from app.db import writing
from app.delivery import Outcome, OutcomeKind
from app.delivery.breaker import Breaker
from app.delivery.pause import pause
from app.delivery.sending import claim, settle
from app.extensions import db
from tests.conftest import OpenSandbox
from tests.databases import write_lock
from tests.delivery.factories import ACCEPTED, leave, policy
from tests.factories import Clock, mails, stored, supporter
from tests.pages import Visitor
from tests.web.steps import SEND, SHOW, begin, confirm, sign

AGAIN, CHANGE = "Send it again", "Wrong address? Change it"


def gone(app: Flask, clock: Clock) -> None:
    """All mails have left."""
    with app.app_context():
        leave(db.session(), clock())


def test_it_shows_the_address_masked_and_what_to_do(visitor: Visitor, clock: Clock) -> None:
    page = sign(visitor, clock)

    assert page.heading == "Check your e-mail"
    assert "a···@example.org" in page.text
    assert "ana.garcia" not in page.html
    assert page.buttons == [AGAIN, CHANGE]
    assert any(meta.get("name") == "robots" and meta.get("content") == "noindex" for meta in page.all("meta"))
    assert page.headers["Cache-Control"] == "private, no-store"


def test_in_a_trial_a_link_leads_to_the_mailbox(visitor: Visitor, clock: Clock) -> None:
    page = sign(visitor, clock)

    assert "/mailbox" in [a.get("href") for a in page.find("main").iter("a")]


def test_the_mail_can_be_sent_again_with_the_same_link(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    gone(visitor.app, clock)

    page = visitor.press(AGAIN)

    assert page.status == 200
    assert "We are sending the mail again." in page.text
    first, second = mails(data_dir, "confirmation")
    assert first.link == second.link
    assert stored(data_dir)["signature"] == 1


def test_a_mail_that_has_not_left_is_not_queued_again(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    page = sign(visitor, clock)
    refuse(visitor.app, clock)
    for _time in range(4):
        page = visitor.press(AGAIN)
        assert page.status == 200

    assert "We have sent several mails" not in page.text
    assert "Look in the spam folder first." not in page.text
    clock.forward(minutes=2)
    gone(visitor.app, clock)
    assert len(mails(data_dir, "confirmation")) == 1
    assert "We are sending the mail again." in visitor.press(AGAIN).text
    assert len(mails(data_dir, "confirmation")) == 2


def test_sending_again_is_limited(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    for _time in range(2):
        gone(visitor.app, clock)
        visitor.press(AGAIN)
    gone(visitor.app, clock)

    page = visitor.press(AGAIN)

    assert page.status == 429
    assert "come back tomorrow" in page.notice
    assert len(mails(data_dir, "confirmation")) == 3

    clock.forward(hours=24)
    assert visitor.press(AGAIN).status == 200


def test_a_wrong_address_leads_back_to_the_filled_form_and_withdraws_the_first(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    typed = supporter(email="ana@exmaple.org", address_line2="Apt 4")
    sign(visitor, clock, **typed)
    (wrong,) = mails(data_dir, "confirmation")

    page = visitor.press(CHANGE)

    assert {name.replace("_", "-"): value for name, value in typed.items()}.items() <= page.values.items()
    clock.forward(seconds=30)
    visitor.fill(email="ana@example.org").press(SHOW)
    page = visitor.press(SEND)
    assert page.heading == "Check your e-mail"
    assert [mail.recipient for mail in mails(data_dir, "confirmation")] == ["ana@example.org"]  # the other is blank
    assert visitor.open(wrong.link).heading == "These letters do not go"
    assert visitor.page.buttons == []


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


def test_the_first_page_says_that_it_was_replaced(visitor: Visitor, clock: Clock) -> None:
    first = sign(visitor, clock)
    visitor.press(CHANGE)
    clock.forward(seconds=30)
    visitor.fill(email="other@example.org").press(SHOW)
    visitor.press(SEND)

    page = visitor.open(first.path)

    assert page.heading == "These letters do not go"
    assert page.buttons == []


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


def test_after_confirming_there_is_nothing_to_change(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sent = sign(visitor, clock)
    letters = visitor.page
    confirm(visitor, data_dir)
    before = stored(data_dir)

    page = visitor.open(sent.path)

    assert page.heading == "You have confirmed"
    visitor.page = letters
    assert visitor.press(AGAIN).heading == "You have confirmed"
    visitor.page = letters
    assert visitor.press(CHANGE).heading == "You have confirmed"
    assert stored(data_dir) == before


def test_the_same_person_again_sees_the_same_page_and_gets_another_mail(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    first = sign(visitor, clock)
    confirm(visitor, data_dir)
    clock.forward(hours=1)

    second = sign(visitor, clock, given_name="ANA", email="Ana.Garcia+again@example.org")

    assert second.path != first.path
    assert (second.heading, second.status, second.buttons) == ("Check your e-mail", 200, first.buttons)
    assert second.text.replace("A···", "a···") == first.text
    (mail,) = mails(data_dir, "repeat")
    assert "You confirmed your letters on November 24, 2026" in mail.text
    assert "/confirm/" not in mail.text
    assert stored(data_dir)["letter"] == 3


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
    assert "the mail to a···@example.org comes when it does." in page.text
    assert "We are sending" not in visitor.press(AGAIN).text
    with visitor.app.app_context(), writing(db.session()):
        pause(db.session(), "sandbox", clock())
    page = visitor.open(page.path)
    assert "We have paused sending for now." in page.text
    assert "Our mail server takes nothing" not in page.text


@pytest.mark.parametrize("why", ["refused", "paused"])
def test_of_a_mail_that_has_left_no_halt_is_told(visitor: Visitor, clock: Clock, why: str) -> None:
    page = sign(visitor, clock)
    with visitor.app.app_context():
        claimed = claim(db.session(), clock())
        assert claimed
        settle(db.session(), claimed, ACCEPTED, policy(), clock())
        if why == "paused":
            with writing(db.session()):
                pause(db.session(), "sandbox", clock())
    if why == "refused":
        refuse(visitor.app, clock)

    assert "We are sending a mail to a···@example.org." in visitor.open(page.path).text
