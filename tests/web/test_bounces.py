"""What people and the organisation see of mails that came back, on the pages and in the commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from app.cli.contacts import contacts
from app.db import writing
from app.delivery import dead
from app.delivery.answers import Answer
from app.delivery.bounces import Bounce, Delay
from app.delivery.returns import Means, receive
from app.extensions import db
from app.models import DeadAddress, Delivery, DeliveryKind, DeliveryState, Signature
from app.signing.retention import purge
from tests.factories import Clock, mails, supporter
from tests.pages import Page, Visitor
from tests.signing.factories import KEEP, deliveries, site
from tests.web import test_live
from tests.web.steps import CONFIRM, SEND, SHOW, begin, confirm, sent_address, sign
from tests.web.test_live import MAILED, PASTED, WYOMING, deliver, know
from tests.web.test_receipt import ACCEPTED, attempt_letters, states
from tests.web.test_sent import AGAIN, CHANGE

live, server = test_live.live, test_live.server
NOT_DELIVERED = "The mail could not be delivered."
HARD = Bounce(550, "550 5.1.1 no such user", is_dead=True)
FULL = Bounce(552, "552 5.2.2 full", is_dead=False)


def comes_back(
    app: Flask, clock: Clock, kind: DeliveryKind, tells: Bounce | Delay | Answer = HARD, place: int = 0
) -> None:
    """Let something come back to the address of a delivery of that kind, of which there may be several."""
    with app.app_context():
        session = db.session()
        query = select(Delivery).where(Delivery.kind == kind, Delivery.channel == "mail").order_by(Delivery.id)
        sent = session.scalars(query).all()[place]
        uuid, about = sent.uuid, (sent.recipient or "").lower()
        session.rollback()
        tells = replace(tells, about=about) if isinstance(tells, Bounce) else tells
        receive(session, uuid, tells, Means(site(app).composer, site(app).keys.address), clock())


def confirmations(app: Flask) -> Sequence[Delivery]:
    with app.app_context():
        return deliveries(db.session(), DeliveryKind.CONFIRMATION)


# --- the signer's own address -----------------------------------------------------------------------------------------


def test_a_confirmation_that_came_back_is_said_and_the_address_can_be_corrected(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    path = sent_address(sign(visitor, clock, email="ana@exmaple.org"))
    attempt_letters(sandbox, clock)
    comes_back(sandbox, clock, DeliveryKind.CONFIRMATION)
    clock.forward(minutes=5)

    page = Visitor(sandbox).open(path)
    assert NOT_DELIVERED in page.text
    assert page.buttons == [AGAIN, CHANGE]
    visitor.press(CHANGE)
    clock.forward(seconds=30)
    visitor.fill(email="ana@example.org").press(SHOW)
    assert visitor.press(SEND).heading == "Check your e-mail"
    assert mails(data_dir, "confirmation")[-1].recipient == "ana@example.org"


def test_no_other_mail_goes_to_an_address_that_is_dead(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    path = sent_address(sign(visitor, clock))
    attempt_letters(sandbox, clock)
    visitor.press(AGAIN)
    comes_back(sandbox, clock, DeliveryKind.CONFIRMATION)
    clock.forward(minutes=5)

    assert NOT_DELIVERED in visitor.open(path).text  # the second one was cancelled
    visitor.press(AGAIN)
    assert [mail.state for mail in confirmations(sandbox)] == ["bounced", "cancelled"]


def test_a_mailbox_that_is_only_full_can_be_written_to_again(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    path = sent_address(sign(visitor, clock))
    attempt_letters(sandbox, clock)
    comes_back(sandbox, clock, DeliveryKind.CONFIRMATION, FULL)
    clock.forward(minutes=5)
    assert NOT_DELIVERED in visitor.open(path).text

    page = visitor.press(AGAIN)

    assert NOT_DELIVERED not in page.text
    assert [mail.state for mail in confirmations(sandbox)] == ["bounced", "queued"]


def test_nothing_goes_to_a_dead_address_and_its_signer_is_told_after_some_minutes_as_of_any_other(
    visitor: Visitor, sandbox: Flask, clock: Clock
) -> None:
    sign(visitor, clock)
    attempt_letters(sandbox, clock)
    comes_back(sandbox, clock, DeliveryKind.CONFIRMATION)
    other = Visitor(sandbox)
    other.open("/reunite-families?lang=es")
    clock.forward(seconds=30)
    other.fill(**supporter(email="Ana.Garcia@example.org")).press("Ver mis cartas")

    address = sent_address(other.press("Enviar mis cartas"))

    assert [mail.state for mail in confirmations(sandbox)] == ["bounced", "cancelled"]
    assert "no se pudo entregar" not in other.open(address).text
    clock.forward(minutes=5)
    assert "no se pudo entregar" in other.open(address).text


def test_another_spelling_of_the_same_mailbox_may_be_good(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    """Else anybody could keep somebody out with `ana+nonsense@…`, where a server knows no such tags."""
    sign(visitor, clock, email="ana+nonsense@example.org")
    attempt_letters(sandbox, clock)
    comes_back(sandbox, clock, DeliveryKind.CONFIRMATION)

    assert sign(Visitor(sandbox), clock, email="ana@example.org", given_name="Other").heading == "Check your e-mail"


def test_after_thirty_days_the_address_is_good_again(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    with sandbox.app_context(), writing(db.session()):
        address = site(sandbox).keys.address("ana.garcia@example.org")
        db.session().add(DeadAddress(digest=address, since=clock() - timedelta(days=29)))
    sign(visitor, clock)
    assert [mail.state for mail in confirmations(sandbox)] == ["cancelled"]

    with sandbox.app_context(), writing(db.session()):
        dead.forget(db.session(), lambda: (), clock() + timedelta(days=1))
    visitor.press(AGAIN)
    assert [mail.state for mail in confirmations(sandbox)] == ["cancelled", "queued"]


# --- the receipt ------------------------------------------------------------------------------------------------------


def receipt(visitor: Visitor, app: Flask, clock: Clock, data_dir: Path) -> Page:
    """Of letters that a mail server has accepted."""
    sign(visitor, clock)
    attempt_letters(app, clock)
    page = confirm(visitor, data_dir)
    attempt_letters(app, clock, ACCEPTED, ACCEPTED, ACCEPTED)
    return visitor.open(page.path)


def test_a_letter_that_came_back_is_the_signers_to_deliver(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    path = receipt(visitor, sandbox, clock, data_dir).path
    clock.forward(hours=1)
    comes_back(sandbox, clock, DeliveryKind.LETTER, place=1)

    page = visitor.open(path)

    assert states(page) == ["Accepted", "Waiting for you", "Accepted", "Accepted"]
    when = "November 24, 2026, 1:00 PM Eastern"
    assert f'It came back on {when}, with the words "550 5.1.1 no such user". So it is yours to deliver.' in page.text
    assert f"{when}: Came back" in page.text
    assert "One letter needs you." in page.text
    attempt_letters(sandbox, clock)
    assert [mail.headers["Subject"] for mail in mails(data_dir, "notice")] == [
        "A letter could not be delivered: Reunite Families"
    ]


def test_a_delay_is_told_until_something_else_is_known(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    path = receipt(visitor, sandbox, clock, data_dir).path
    comes_back(sandbox, clock, DeliveryKind.LETTER, Delay(451, "451 later"))

    page = visitor.open(path)
    assert states(page) == ["Accepted"] * 4
    assert "and cannot pass it on yet. It goes on trying." in page.text
    assert "Not passed on yet; the mail server goes on trying" in page.text

    comes_back(sandbox, clock, DeliveryKind.LETTER, Answer("Thank you.", is_automatic=True))
    page = visitor.open(path)
    assert "cannot pass it on yet" not in page.text
    assert "An answer came to us, and we sent it on to you" in page.text


def test_a_copy_that_came_back_is_told_in_spanish_too(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    path = receipt(visitor, sandbox, clock, data_dir).path
    comes_back(sandbox, clock, DeliveryKind.COPY, Bounce(None, "", is_dead=True))

    page = visitor.open(path)
    assert states(page)[-1] == "Came back"
    assert "It came back on November 24, 2026" in page.text
    with sandbox.app_context(), writing(db.session()):
        db.session().scalars(select(Signature)).one().language = "es"
    assert states(visitor.open(path))[-1] == "Devuelta"


def test_answers_are_deleted_with_the_letters_and_prolong_nothing(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    receipt(visitor, sandbox, clock, data_dir)
    last = clock()
    clock.forward(days=80)
    comes_back(sandbox, clock, DeliveryKind.LETTER, Answer("Thank you for your letter.", is_automatic=True))
    assert "> Thank you for your letter." in mails(data_dir, "answer")[0].text

    with sandbox.app_context():
        assert purge(db.session(), KEEP, last + timedelta(days=90), lambda _seconds: False) == 1

    assert mails(data_dir, "answer") == []
    with sandbox.app_context():
        (passed,) = db.session().scalars(select(Delivery).where(Delivery.kind == DeliveryKind.ANSWER))
        assert (passed.state, passed.recipient, passed.mail) == (DeliveryState.CANCELLED, None, None)


# --- an office's address ----------------------------------------------------------------------------------------------


def test_letters_to_a_dead_office_are_handed_to_signers_until_its_address_is_imported_again(
    live: Flask,
    clock: Clock,
    data_dir: Path,
) -> None:
    know(live, **WYOMING)
    visitor = Visitor(live)
    paths = []
    for name in ("Ana", "Bea", "Cora"):
        begin(visitor, clock, "the-well", given_name=name, email=f"{name}@example.org").press(SHOW)
        visitor.press(SEND)
        visitor.open(mails(data_dir, "confirmation")[-1].link)
        paths.append(visitor.press(CONFIRM).path)
        if name != "Cora":
            deliver(live, clock)

    for place in (0, 3):
        comes_back(live, clock, DeliveryKind.LETTER, place=place)

    assert (
        "We did not send it: mail to this address comes back. So it is yours to deliver." in visitor.open(paths[2]).text
    )
    assert states(visitor.page)[0] == "Waiting for you"
    clock.forward(seconds=2)
    begin(visitor, clock, "the-well", given_name="Dora", email="dora@example.org")
    page = visitor.press(SHOW)
    assert (page.text.count(MAILED), page.text.count(PASTED)) == (2, 1)
    runner = live.test_cli_runner()
    listed = runner.invoke(contacts, ["list"]).stdout
    assert listed.count("dead: letters came back, none is e-mailed there until you import it again") == 1

    exported = runner.invoke(contacts, ["export"]).stdout
    imported = runner.invoke(contacts, ["import", "-"], input=exported)

    assert imported.stderr.endswith("1 of them was dead; letters are e-mailed there again.\n")
    assert "dead" not in runner.invoke(contacts, ["list"]).stdout
    clock.forward(seconds=2)
    assert visitor.press(SHOW).text.count(MAILED) == 3


def test_a_confirmation_of_letters_to_an_office_that_died_meanwhile_shows_how_they_go_now(
    live: Flask,
    clock: Clock,
    data_dir: Path,
) -> None:
    know(live, **WYOMING)
    visitor = Visitor(live)
    begin(visitor, clock, "the-well").press(SHOW)
    visitor.press(SEND)
    with live.app_context(), writing(db.session()):
        db.session().add(DeadAddress(digest=site(live).keys.address(WYOMING["WY-S1"]), since=clock()))

    page = visitor.open(mails(data_dir, "confirmation")[-1].link)

    assert PASTED in page.text
    assert states(visitor.press(CONFIRM))[:3].count("Waiting for you") == 1


def test_privacy_says_how_long_a_dead_address_is_remembered(visitor: Visitor) -> None:
    assert "If mail to your address comes back, we note that for 30 days" in visitor.open("/privacy").text
