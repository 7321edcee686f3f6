"""/receipt/<token>: where each letter is, and no more than is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import writing
from app.delivery import Outcome, OutcomeKind
from app.delivery.breaker import Breaker
from app.delivery.outbox import drop, retry, set_aside
from app.delivery.pause import pause
from app.delivery.retries import Claimed, Policy
from app.delivery.sending import claim, settle
from app.extensions import db
from app.models import Delivery, DeliveryKind, DeliveryState
from tests.factories import Clock, campaign_source, mails, published
from tests.pages import Page, Visitor
from tests.web.steps import confirm, sign

POLICY = Policy(
    letters=(timedelta(minutes=2),),
    confirmations=(timedelta(seconds=30),),
    unknown=timedelta(minutes=30),
    jitter=lambda: 1.0,
)


def attempt_letters(app: Flask, clock: Clock, *outcomes: Outcome) -> None:
    """Try what is due: the letters with these outcomes, in their order; other mails are accepted."""
    waiting = list(outcomes)
    with app.app_context():
        while claimed := claim(db.session(), clock()):
            mine = waiting.pop(0) if claimed.kind is DeliveryKind.LETTER and waiting else ACCEPTED
            settle(db.session(), claimed, mine, POLICY, clock())


def confirmed(visitor: Visitor, clock: Clock, data_dir: Path) -> str:
    """Sign, get the mail, confirm; the path of the receipt, whose letters and copy wait to be sent."""
    sign(visitor, clock)
    attempt_letters(visitor.app, clock)
    return confirm(visitor, data_dir).path


def take_back(visitor: Visitor, path: str) -> None:
    """From the receipt: what has not gone does not go."""
    visitor.open(f"{path}/withdraw")
    visitor.fill(email="ana.garcia@example.org").press("Take them back")


ACCEPTED = Outcome(OutcomeKind.ACCEPTED, "accepted", 250)
REFUSED = Outcome(OutcomeKind.PERMANENT, "recipient refused", 550)
LATER = Outcome(OutcomeKind.TRANSIENT, "refused", 450)
UNKNOWN = Outcome(OutcomeKind.UNKNOWN, "no answer")


def states(page: Page) -> list[str]:
    """The words beside each letter, and beside the copy."""
    return [
        " ".join("".join(span.itertext()).split())
        for span in page.all("span")
        if "state" in span.get("class", "").split()
    ]


def test_it_thanks_by_name_and_lists_each_letter_and_the_copy(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)

    page = confirm(visitor, data_dir)

    assert page.heading == "Thank you, Ana. Here is where your letters are."
    assert states(page) == ["On its way"] * 4
    assert "Your copy, to a···@example.org" in page.text


def test_it_is_kept_out_of_search_engines_and_leads_them_to_the_campaign(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock)

    page = confirm(visitor, data_dir)

    assert page.headers["X-Robots-Tag"] == "noindex"
    assert page.headers["Cache-Control"] == "private, no-store"
    assert [link.get("href") for link in page.all("link") if link.get("rel") == "canonical"] == [
        "http://127.0.0.1:8000/reunite-families"
    ]


def test_the_letters_on_a_spanish_receipt_say_that_they_are_in_english(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock)
    page = visitor.open(confirm(visitor, data_dir).path + "?lang=es")

    assert page.root.get("lang") == "es"
    assert [(sheet.get("lang"), sheet.get("aria-label")) for sheet in page.all("article")] == [
        ("en", "Please reunite the families from Calexico")
    ] * 3


def test_street_and_email_are_masked(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock, address_line2="Apartment 42b")

    page = confirm(visitor, data_dir)

    for hidden in ("ana.garcia@example.org", "1200 Randall Avenue", "Apartment 42b"):
        assert hidden not in page.html
    assert "1··· A··· Cheyenne, WY 82001" in page.letters[0]


@pytest.mark.parametrize(
    "letter",
    [
        "Dear [Decision Maker],\n\nI live at [Your Address], [City, State ZIP]. Write to [Your Email].\n\n[Your Name]",
        "Dear [Decision Maker],\n\nPlease.\n\n[Your Name]\n[Your Email]\n[Your Address]",
        "[Your Address]\n\nDear [Decision Maker],\n\nPlease.\n\n[Your Name]",
    ],
)
def test_street_and_email_are_masked_wherever_they_stand_in_the_letter(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path, letter: str
) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(letter=letter), clock())
    sign(visitor, clock, "the-well", address_line2="Apartment 42b")

    page = confirm(visitor, data_dir)

    for hidden in ("ana.garcia@example.org", "1200 Randall Avenue", "Apartment 42b"):
        assert hidden not in page.html


def test_a_short_unit_is_masked_without_touching_the_words_of_the_letter(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock, address_line1="the", address_line2="I")

    page = confirm(visitor, data_dir)

    assert "\nthe\n" not in page.letters[0]
    assert "I am writing to you about parents" in page.letters[0]
    assert "t···" in page.letters[0]
    assert page.letters[0].count("···") == 3


def test_it_says_no_more_than_is_known_of_a_message_that_did_not_go(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock)
    attempt_letters(sandbox, clock)
    page = confirm(visitor, data_dir)
    nobody = Outcome(OutcomeKind.TRANSIENT, "no connection")
    attempt_letters(sandbox, clock, UNKNOWN, REFUSED, nobody)

    page = visitor.open(page.path)
    assert "We do not know whether the mail server took it. We send it once more on" in page.text
    assert "The mail server refused the address on November 24, 2026, 12:00 PM Eastern. So it is yours" in page.text

    for _attempt in POLICY.letters:
        clock.forward(hours=30)
        attempt_letters(sandbox, clock, *[nobody] * 2)
    page = visitor.open(page.path)
    assert "We could not hand it to the mail server, and gave up on" in page.text


def test_it_tells_how_far_each_letter_has_got(visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    attempt_letters(sandbox, clock)  # the mail to confirm
    page = confirm(visitor, data_dir)
    attempt_letters(sandbox, clock, ACCEPTED, REFUSED, LATER)

    page = visitor.open(page.path)

    assert states(page) == ["Accepted", "Waiting for you", "Trying again", "Accepted"]
    assert "The mail server did not take it. We try again on November 24, 2026, 12:02 PM Eastern." in page.text
    assert "Sent" not in page.text

    clock.forward(minutes=3)
    attempt_letters(sandbox, clock, UNKNOWN)
    clock.forward(minutes=31)
    attempt_letters(sandbox, clock, UNKNOWN)
    page = visitor.open(page.path)

    assert states(page) == ["Accepted", "Waiting for you", "Not certain", "Accepted"]
    assert "it may or may not have arrived" in page.text


def test_before_confirming_it_leads_to_the_page_with_the_button(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)

    page = visitor.open(mails(data_dir, "confirmation")[-1].link.replace("/confirm/", "/receipt/"))

    assert page.heading == "Confirm and send"


def test_it_shows_the_campaign_as_it_was_signed(visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(), clock())
    sign(visitor, clock, "the-well")
    page = confirm(visitor, data_dir)
    with sandbox.app_context():
        published(db.session(), campaign_source(headline="Another headline"), clock())

    page = visitor.open(page.path)

    assert "Look after the well" in page.text
    assert "Another headline" not in page.text


def test_an_unknown_or_foreign_token_is_not_found(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sent = sign(visitor, clock).path
    confirm(visitor, data_dir)

    for token in ("x", "A" * 32, "%00", "%ff", sent.rpartition("/")[2]):
        assert visitor.open(f"/receipt/{token}").status == 404


def test_nobody_elses_letters_are_on_it(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock, given_name="Luis", email="luis@example.org")
    confirm(visitor, data_dir)
    sign(visitor, clock)

    page = confirm(visitor, data_dir)

    assert len(states(page)) == 4
    assert "Luis" not in page.html


def by_hand(app: Flask, clock: Clock, move: Callable[[Session, Delivery, datetime], None]) -> None:
    """Somebody at the organisation moves the first letter."""
    with app.app_context(), writing(db.session()):
        letters = select(Delivery).where(Delivery.kind == DeliveryKind.LETTER).order_by(Delivery.id)
        letter = db.session.scalars(letters).first()
        assert letter is not None
        move(db.session(), letter, clock())


def test_a_failed_letter_that_is_mailed_after_all_is_accepted(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    path = confirmed(visitor, clock, data_dir)
    attempt_letters(visitor.app, clock, REFUSED)
    assert "Waiting for you" in states(visitor.open(path))
    with visitor.app.app_context(), writing(db.session()):
        failed = db.session.scalars(select(Delivery).where(Delivery.state == DeliveryState.FAILED)).one()
        retry(db.session(), failed, clock())
    attempt_letters(visitor.app, clock)

    page = visitor.open(path)

    assert states(page)[:3] == ["Accepted"] * 3
    assert "yours to deliver" not in page.text
    assert "Cancelled" not in page.text
    assert page.text.count("Not taken by the mail server") == 0


def test_what_was_set_aside_before_it_was_tried_has_not_gone(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    path = confirm(visitor, data_dir).path
    by_hand(visitor.app, clock, set_aside)

    page = visitor.open(path)

    assert states(page)[0] == "Set aside"
    assert "It has not gone, and waits for us." in page.text
    assert "may or may not" not in page.text
    by_hand(visitor.app, clock, retry)
    assert "Not taken by the mail server" not in visitor.open(path).text


NO_LOGIN = Outcome(OutcomeKind.CHANNEL, "login refused", 535)
NOTHING_TAKEN = "It waits: our mail server takes nothing from us at the moment. We go on trying."


def refuse(app: Flask, clock: Clock, outcome: Outcome = NO_LOGIN) -> None:
    """The mail server says that of us, whatever the message."""
    with app.app_context():
        Breaker("sandbox").note(db.session(), outcome, clock())


def test_while_the_mail_server_takes_nothing_what_waits_says_so(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    path = confirm(visitor, data_dir).path
    refuse(visitor.app, clock)

    page = visitor.open(path)
    assert states(page) == ["Waiting"] * 4
    assert page.text.count(NOTHING_TAKEN) == 4
    assert "It waits for its turn." not in page.text

    with visitor.app.app_context(), writing(db.session()):
        pause(db.session(), "sandbox", clock())
    page = visitor.open(path)
    assert page.text.count("It waits: we have paused sending, and will go on.") == 4
    assert NOTHING_TAKEN not in page.text


def test_no_time_is_told_while_the_mail_server_takes_nothing(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    path = confirmed(visitor, clock, data_dir)
    attempt_letters(visitor.app, clock, LATER, UNKNOWN)
    refuse(visitor.app, clock)

    page = visitor.open(path)

    assert states(page) == ["Trying again", "Trying again", "Accepted", "Accepted"]
    assert page.text.count(NOTHING_TAKEN) == 1
    assert "We do not know whether the mail server took it. It waits to be sent once more." in page.text
    assert "12:02 PM" not in page.text
    assert "12:30 PM" not in page.text


def test_what_was_tried_without_using_up_an_attempt_is_tried_again(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    path = confirmed(visitor, clock, data_dir)
    in_hand = letter_in_hand(visitor.app, clock)
    settled(visitor.app, clock, in_hand, NO_LOGIN)

    page = visitor.open(path)

    assert sorted(states(page)) == ["Accepted", "On its way", "On its way", "Trying again"]
    assert page.text.count("The mail server did not take it. It waits, and we keep trying.") == 1
    assert page.text.count("Not taken by the mail server") == 1


def letter_in_hand(app: Flask, clock: Clock) -> Claimed:
    """The letter that is due first; mails before it are accepted."""
    with app.app_context():
        while claimed := claim(db.session(), clock()):
            if claimed.kind is DeliveryKind.LETTER:
                return claimed
            settle(db.session(), claimed, ACCEPTED, POLICY, clock())
    raise AssertionError("no letter is due")


def settled(app: Flask, clock: Clock, claimed: Claimed, outcome: Outcome) -> None:
    with app.app_context():
        assert settle(db.session(), claimed, outcome, POLICY, clock())


def test_an_unknown_outcome_stays_unknown_when_its_time_has_come(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    path = confirmed(visitor, clock, data_dir)
    attempt_letters(visitor.app, clock, UNKNOWN)
    clock.forward(hours=1)

    page = visitor.open(path)

    assert "We do not know whether the mail server took it. It waits to be sent once more." in page.text
    assert "did not take it" not in page.text


def test_who_cancelled_a_letter_is_said(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    path = confirmed(visitor, clock, data_dir)
    by_hand(visitor.app, clock, drop)
    in_hand = letter_in_hand(visitor.app, clock)
    take_back(visitor, path)
    settled(visitor.app, clock, in_hand, LATER)

    page = visitor.open(path)

    assert states(page)[:3] == ["Cancelled"] * 3
    organisation = visitor.app.config["REDRESS"].organisation
    assert page.text.count(f"{organisation} cancelled it on November 24, 2026, 12:00 PM Eastern.") == 1
    assert page.text.count("You took it back on November 24, 2026, 12:00 PM Eastern.") == 1
    assert page.text.count("You took it back, so we did not send it again.") == 1
    assert f": Cancelled by {organisation}" in page.text
    assert ": Taken back by you" in page.text
    assert "It was cancelled" not in page.text


def test_a_hand_off_that_was_taken_back_meanwhile_is_no_reason_to_deliver_it(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    path = confirmed(visitor, clock, data_dir)
    attempt_letters(visitor.app, clock, REFUSED)
    by_hand(visitor.app, clock, retry)
    attempt_letters(visitor.app, clock, REFUSED)

    page = visitor.open(path)

    assert states(page)[0] == "Waiting for you"
    assert page.text.count("So it is yours to deliver.") == 1
    assert "It was cancelled" not in page.text


def test_a_letter_taken_back_of_which_nobody_knows_is_not_said_to_have_stayed(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    path = confirmed(visitor, clock, data_dir)
    in_hand = letter_in_hand(visitor.app, clock)
    take_back(visitor, path)
    settled(visitor.app, clock, in_hand, UNKNOWN)

    page = visitor.open(path)

    assert page.text.count("It may or may not have arrived: we had no answer. You took it back, so we do not") == 1
    assert page.text.count("You took it back on November 24, 2026, 12:00 PM Eastern.") == 2


def test_a_letter_set_aside_after_a_clear_answer_has_not_gone(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    path = confirmed(visitor, clock, data_dir)
    attempt_letters(visitor.app, clock, LATER)
    by_hand(visitor.app, clock, set_aside)

    page = visitor.open(path)

    assert states(page)[0] == "Set aside"
    assert "It has not gone, and waits for us." in page.text
    assert "may or may not" not in page.text


def test_a_letter_that_was_taken_back_is_not_its_signers_to_deliver(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    path = confirmed(visitor, clock, data_dir)
    attempt_letters(visitor.app, clock, REFUSED)
    assert "So it is yours to deliver." in visitor.open(path).text
    take_back(visitor, path)

    page = visitor.open(path)

    assert "The mail server refused the address" in page.text
    assert "So it is yours to deliver." not in page.text


def test_a_pause_that_is_over_keeps_nothing(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    refuse(visitor.app, clock)
    clock.forward(hours=5)
    path = confirm(visitor, data_dir).path

    assert NOTHING_TAKEN not in visitor.open(path).text
