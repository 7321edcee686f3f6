"""A live site: letters are mailed to addresses of the contact book alone, the others are handed to the signer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app import create_app, mail_sender, worker
from app.db import writing
from app.delivery.drain import drain
from app.extensions import db
from app.models import Consent, Contact, Signature
from tests import factories
from tests.conftest import compiled
from tests.databases import connected
from tests.factories import Clock, campaign_source, mails, published
from tests.pages import Page, Visitor
from tests.smtp_server import Server, scripted
from tests.web.steps import SHOW, begin, sent_address
from tests.web.test_receipt import states

MAILED = "We e-mail it to the office."
PASTED = "You paste it into the office's own form."
WYOMING = {"WY-S1": "barrasso.staff@example.org", "WY-S2": "lummis.staff@example.org", "WY-AL": "hageman@example.org"}


@pytest.fixture
def server() -> Iterator[Server]:
    with scripted() as running:
        yield running


@pytest.fixture
def live(data_dir: Path, clock: Clock, server: Server) -> Iterator[Flask]:
    """A live site over the server, with one campaign."""
    app = compiled(create_app(factories.live_config(data_dir, MAIL_PORT=str(server.port)), clock=clock))
    with app.app_context():
        published(db.session(), campaign_source(more='topic = "Water Resources Development"'), clock())
    yield app
    with app.app_context():
        db.engine.dispose()


def know(app: Flask, **offices: str) -> None:
    """Put these addresses into the contact book."""
    with app.app_context(), writing(db.session()):
        db.session().add_all(
            Contact(
                office=office.replace("_", "-"), role="staff", email=email, source="a card", as_of=date(2026, 11, 1)
            )
            for office, email in offices.items()
        )


def forget(app: Flask, office: str) -> None:
    with app.app_context(), writing(db.session()):
        db.session().execute(db.delete(Contact).where(Contact.office == office))


def deliver(app: Flask, clock: Clock) -> None:
    config = app.config["REDRESS"]
    with app.app_context():
        drain(db.session(), mail_sender(app, config), worker.policy_of(config), clock, lambda _seconds: False)


def recipients(server: Server) -> list[str]:
    return sorted(recipient for taken in server.taken for recipient in taken.recipients)


def written(visitor: Visitor, clock: Clock, data_dir: Path, button: str, confirm: str) -> Page:
    begin(visitor, clock, "the-well").press(SHOW)
    visitor.press(button)
    visitor.open(mails(data_dir, "confirmation")[-1].link)
    return visitor.press(confirm)


def test_without_a_contact_book_nothing_goes_to_an_office(
    live: Flask, clock: Clock, data_dir: Path, server: Server
) -> None:
    visitor = Visitor(live)
    page = visitor.open("/the-well")
    assert PASTED in page.text
    assert MAILED not in page.text
    assert "Trial" not in page.html

    receipt = written(visitor, clock, data_dir, "Get my letters", "Confirm")
    deliver(live, clock)

    assert states(visitor.open(receipt.path)) == ["Waiting for you"] * 3 + ["Accepted"]
    assert recipients(server) == ["ana.garcia@example.org"] * 2
    assert visitor.open("/mailbox").status == 404


def test_with_all_addresses_everything_is_mailed_and_only_there(
    live: Flask, clock: Clock, data_dir: Path, server: Server
) -> None:
    know(live, **WYOMING)
    visitor = Visitor(live)
    begin(visitor, clock, "the-well")
    page = visitor.press(SHOW)
    assert page.text.count(MAILED) == 3
    assert PASTED not in page.text

    receipt = written(visitor, clock, data_dir, "Send my letters", "Confirm and send")
    deliver(live, clock)

    assert states(visitor.open(receipt.path)) == ["Accepted"] * 4
    assert recipients(server) == sorted([*WYOMING.values(), *["ana.garcia@example.org"] * 2])


def test_with_one_address_each_letter_says_how_it_goes(
    live: Flask, clock: Clock, data_dir: Path, server: Server
) -> None:
    know(live, **{"WY-S2": "lummis.staff@example.org"})
    clock.forward(seconds=2)
    visitor = Visitor(live)
    page = visitor.open("/the-well")
    assert "One of these, depending on the office; you see which before you decide: We e-mail it" in page.text

    receipt = written(visitor, clock, data_dir, "Send my letters", "Confirm and send")
    deliver(live, clock)

    assert sorted(states(visitor.open(receipt.path))) == ["Accepted", "Accepted", "Waiting for you", "Waiting for you"]
    assert recipients(server) == ["ana.garcia@example.org"] * 2 + ["lummis.staff@example.org"]
    (copy,) = mails(data_dir, "copy")
    assert "2 letters need you" in copy.text
    assert "Topic: Water Resources Development" in copy.text
    assert receipt.path in copy.text
    assert "https://act.example.org/receipt/" in copy.text


def test_an_address_that_was_taken_out_meanwhile_gets_nothing(
    live: Flask, clock: Clock, data_dir: Path, server: Server
) -> None:
    know(live, **WYOMING)
    visitor = Visitor(live)
    begin(visitor, clock, "the-well").press(SHOW)
    visitor.press("Send my letters")
    forget(live, "WY-S1")

    page = visitor.open(mails(data_dir, "confirmation")[-1].link)
    assert (page.text.count(MAILED), page.text.count(PASTED)) == (2, 1)
    assert "the letters that are marked so, and to keep the others ready for me" in page.text
    page = visitor.press("Confirm and send")
    deliver(live, clock)

    assert "Waiting for you" in states(page)
    assert WYOMING["WY-S1"] not in recipients(server)


def test_an_address_that_came_while_the_page_to_confirm_was_open_mails_nothing_unseen(
    live: Flask, clock: Clock, data_dir: Path, server: Server
) -> None:
    visitor = Visitor(live)
    begin(visitor, clock, "the-well").press(SHOW)
    visitor.press("Get my letters")
    visitor.open(mails(data_dir, "confirmation")[-1].link)
    know(live, **WYOMING)

    page = visitor.press("Confirm")

    assert page.status == 409
    assert "What waits here, or how it goes, has changed." in page.notice
    assert factories.stored(data_dir)["consent"] == 0
    assert states(visitor.press("Confirm and send")) == ["On its way"] * 4
    with live.app_context():
        (sentence,) = db.session().scalars(db.select(Consent.sentence))
    assert "to send these letters in my name" in sentence


@pytest.mark.parametrize(("seat", "day"), [("TX-23", 0), ("WY-AL", 45)], ids=["vacant", "the next Congress has begun"])
def test_when_nobody_is_known_in_a_seat_no_address_is_trusted(
    live: Flask, clock: Clock, data_dir: Path, server: Server, seat: str, day: int
) -> None:
    know(live, **WYOMING)
    visitor = Visitor(live)
    begin(visitor, clock, "the-well").press(SHOW)
    visitor.press("Send my letters")
    with live.app_context(), writing(db.session()):
        db.session().execute(db.text("UPDATE letter SET seat = :seat WHERE position = 3"), {"seat": seat})
        for signature in db.session().scalars(select(Signature)):
            signature.created_at += timedelta(days=day)
    clock.forward(days=day)

    visitor.open(mails(data_dir, "confirmation")[-1].link)
    page = visitor.press("Confirm and send")
    deliver(live, clock)

    assert WYOMING["WY-AL"] not in recipients(server)
    letter = visitor.open(f"{page.path}/letters/3")
    assert "202-224-3121" in letter.text
    assert "United States House of Representatives Washington DC 20515" in letter.text


def test_a_house_seat_of_another_congress_is_another_place(live: Flask, clock: Clock, data_dir: Path) -> None:
    know(live, **WYOMING)
    visitor = Visitor(live)
    begin(visitor, clock, "the-well").press(SHOW)
    visitor.press("Send my letters")
    with live.app_context(), writing(db.session()):
        db.session().execute(db.text("UPDATE letter SET congress = 118"))

    page = visitor.open(mails(data_dir, "confirmation")[-1].link)

    assert page.text.count(MAILED) == 2  # a senator's seat is the same in every Congress


def test_a_signer_whose_letters_were_refused_is_told_once(
    live: Flask, clock: Clock, data_dir: Path, server: Server
) -> None:
    know(live, **WYOMING)
    visitor = Visitor(live)
    receipt = written(visitor, clock, data_dir, "Send my letters", "Confirm and send").path
    (notice,) = mails(data_dir, "notice")
    assert order(data_dir) == ["confirmation", "copy", "letter", "letter", "letter"]
    good, refused = "250 ok", "550 no such user"
    server.script["rcpt"] = [good, good, refused, good, refused, refused]  # the notice goes before the other letters
    deliver(live, clock)
    deliver(live, clock)

    assert states(visitor.open(receipt)) == ["Waiting for you"] * 3 + ["Accepted"]
    told = [
        taken
        for taken in server.taken
        if b"could_not_be_delivered" in taken.mail or b"could not be deliv" in taken.mail
    ]
    assert [taken.recipients for taken in told] == [("ana.garcia@example.org",)]
    assert receipt in notice.text
    assert "It waits" not in visitor.page.text


def order(data_dir: Path) -> list[str]:
    """The kinds of what is queued, in the order in which it will be tried."""
    with connected(data_dir) as connection:
        query = "SELECT kind FROM delivery WHERE state = 'queued' ORDER BY rank, due_at, id"
        return [kind for (kind,) in connection.execute(query)]


def test_a_letter_that_was_mailed_needs_no_notice(live: Flask, clock: Clock, data_dir: Path, server: Server) -> None:
    know(live, **WYOMING)
    visitor = Visitor(live)
    receipt = written(visitor, clock, data_dir, "Send my letters", "Confirm and send").path
    deliver(live, clock)
    clock.forward(days=5)
    deliver(live, clock)

    assert b"could not be deliv" not in b"".join(taken.mail for taken in server.taken)
    assert "We delete your address and your letters on February 22, 2027" in visitor.open(receipt).text


def test_a_confirmation_that_was_refused_is_said(live: Flask, clock: Clock, data_dir: Path, server: Server) -> None:
    server.script["rcpt"] = "550 no such user"
    visitor = Visitor(live)
    begin(visitor, clock, "the-well").press(SHOW)
    sent = visitor.press("Get my letters")
    deliver(live, clock)
    clock.forward(minutes=5)

    page = visitor.open(sent_address(sent))

    assert "could not be delivered. Perhaps the address has a slip" in page.text
    assert "Look for our mail" not in page.text


def test_an_address_that_was_taken_out_while_the_letters_were_looked_at_shows_them_once_more(
    live: Flask, clock: Clock, data_dir: Path
) -> None:
    know(live, **WYOMING)
    visitor = Visitor(live)
    begin(visitor, clock, "the-well").press(SHOW)
    forget(live, "WY-AL")

    page = visitor.press("Send my letters")

    assert "Something in your letters has changed." in page.notice
    assert page.text.count(PASTED) == 1


def test_a_contact_of_a_person_who_left_is_not_used_for_who_came(live: Flask, clock: Clock, data_dir: Path) -> None:
    know(live, X000001="former@example.org")
    visitor = Visitor(live)
    begin(visitor, clock, "the-well")

    assert MAILED not in visitor.press(SHOW).text


def test_paused_sending_is_said_and_nothing_goes(live: Flask, clock: Clock, data_dir: Path, server: Server) -> None:
    receipt = written(Visitor(live), clock, data_dir, "Get my letters", "Confirm")
    assert live.test_cli_runner().invoke(args=["outbox", "pause"]).exit_code == 0
    visitor = Visitor(live)

    assert states(visitor.open(receipt.path))[-1] == "Waiting"
    assert "It waits: we have paused sending, and will go on." in visitor.page.text
    begin(visitor, clock, "the-well", given_name="Beto").press(SHOW)
    page = visitor.press("Get my letters")
    assert "We have paused sending for now." in page.text
    assert live.test_client().get("/healthz").get_json()["sending"] == "paused"
    live.test_cli_runner().invoke(args=["outbox", "resume"])
    assert states(visitor.open(receipt.path))[-1] == "On its way"


def test_privacy_names_the_organisation_and_adds_its_own_words(data_dir: Path, clock: Clock, tmp_path: Path) -> None:
    own = tmp_path / "privacy.md"
    own.write_text("# Our lists\n\nWe keep **no** list. <b>x</b> [more](https://example.org/p)", encoding="utf-8")
    settings = {
        "PRIVACY_FILE": str(own),
        "PRIVACY_EMAIL": "privacy@example.org",
        "ORGANISATION_ADDRESS": "1 Well Street, Cheyenne, WY 82001",
    }
    app = compiled(create_app(factories.live_config(data_dir, **settings), clock=clock))
    page = Visitor(app).open("/privacy")

    for words in (
        "Friends of the Well 1 Well Street, Cheyenne, WY 82001",
        "privacy@example.org",
        "that is, the government",
    ):
        assert words in page.text
    assert "Friends of the Well adds" in page.text
    assert "<strong>no</strong>" in page.html
    assert "&lt;b&gt;" in page.html
    assert "trial" not in page.text
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def test_every_page_leads_to_privacy(live: Flask, clock: Clock) -> None:
    for path in ("/the-well", "/nowhere", "/privacy"):
        page = Visitor(live).open(path)
        assert "/privacy" in [a.get("href") for a in page.all("a")]
