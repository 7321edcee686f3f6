"""Whoever types somebody else's name and address learns nothing of that person: each page is the same whatever they do.

A stranger reaches the campaign page, the page that answers *Send my letters*, and what stands at /sent/… afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app.db import writing
from app.extensions import db
from app.models import DeadAddress, DeliveryKind
from tests.delivery.factories import leave
from tests.factories import Clock, mails, supporter
from tests.pages import Page, Visitor
from tests.signing.factories import deliveries, site
from tests.web.steps import SEND, SHOW, begin, confirm, say_whose, sent_address, sign

OTHER = "someone.el@example.org"
"""An address of the same length that nobody has."""
AGAIN, CHANGE = "Send it again", "Wrong address? Change it"
# What no two forms share: their tokens, and the seal of letters that end with another address.
_OWN = re.compile(r'(?<=sent/)\w{32}|(?<=token" value=")[^"]+|(?<=seal" value=")[^"]+|(?<=replaces" value=")[^"]+')


def seen(page: Page) -> tuple[int, str, list[tuple[str, str]]]:
    """All that a stranger can tell two pages by, but for the tokens of their own form."""
    return page.status, _OWN.sub("…", page.html), sorted(page.headers.items())


class Stranger:
    """Signs in the name of another person, with words of their own, and looks at every page that can be reached."""

    def __init__(self, app: Flask, clock: Clock, **typed: str) -> None:
        self.visitor = Visitor(app)
        begin(self.visitor, clock, **typed).press(SHOW)
        self.visitor.fill(own_words="Words of a stranger.")
        self.path, self.fields = self.visitor.ready(SEND)
        self.first = self.visitor.press(SEND)
        self.address = sent_address(self.first)

    def pages(self) -> list[tuple[int, str, list[tuple[str, str]]]]:
        """Sent once more from the same form, opened anew, sent again by mail, and changed, from both."""
        again = self.visitor.post(self.path, self.fields)
        assert sent_address(again) == self.address
        resent, changed = self.visitor.press(AGAIN), self.visitor.press(CHANGE)
        opened = self.visitor.open(self.address)
        empty = self.visitor.press(CHANGE)
        return [seen(page) for page in (again, resent, changed, opened, empty)]


def nothing(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    pass


def signs(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)


def confirms(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    signs(visitor, clock, data_dir)
    confirm(visitor, data_dir)


def withdraws(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    confirms(visitor, clock, data_dir)
    visitor.follow("Take back what has not gone yet")
    visitor.fill(email=supporter()["email"]).press("Take them back")


def erases(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    confirms(visitor, clock, data_dir)
    visitor.follow("Erase what you entered")
    visitor.fill(email=supporter()["email"]).press("Erase it")
    assert visitor.page.heading == "What you wrote is no longer here"


def uses_up_the_day(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    for name in ("Ana", "Bea", "Cai", "Dee"):
        sign(visitor, clock, given_name=name)


ACTS = [nothing, signs, confirms, withdraws, erases, uses_up_the_day]
Act = Callable[[Visitor, Clock, Path], None]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_after_whatever_a_person_does_a_stranger_who_signs_as_them_sees_the_same(
    sandbox: Flask, clock: Clock, data_dir: Path, act: Act
) -> None:
    unknown = Stranger(sandbox, clock, email=OTHER)
    act(Visitor(sandbox), clock, data_dir)

    stranger = Stranger(sandbox, clock)

    ours, theirs = [seen(stranger.first), *stranger.pages()], [seen(unknown.first), *unknown.pages()]
    assert [(status, html.replace(supporter()["email"], OTHER), headers) for status, html, headers in ours] == theirs


@pytest.mark.parametrize("act", ACTS[1:], ids=lambda act: act.__name__)
def test_what_a_person_does_changes_no_page_of_a_stranger_who_has_signed_as_them(
    sandbox: Flask, clock: Clock, data_dir: Path, act: Act
) -> None:
    stranger = Stranger(sandbox, clock)
    before = stranger.pages()

    act(Visitor(sandbox), clock, data_dir)
    if act in {withdraws, erases, confirms}:
        with sandbox.app_context():
            leave(db.session(), clock())

    assert stranger.pages() == before


@pytest.mark.parametrize("last", ["Confirm", "Take back what has not gone yet", "Erase what you entered"])
def test_what_a_person_does_with_the_strangers_own_letters_changes_no_page_either(
    sandbox: Flask, clock: Clock, data_dir: Path, last: str
) -> None:
    stranger = Stranger(sandbox, clock)
    before = stranger.pages()

    person = Visitor(sandbox)
    confirm(person, data_dir)
    if last != "Confirm":
        person.follow(last)
        person.fill(email=supporter()["email"]).press("Erase it" if "Erase" in last else "Take them back")

    assert stranger.pages() == before


def test_an_address_that_takes_no_mail_looks_at_first_like_any_other(
    sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    unknown = Stranger(sandbox, clock, email=OTHER)
    with sandbox.app_context(), writing(db.session()):
        digest = site(sandbox).keys.address(supporter()["email"])
        db.session.add(DeadAddress(digest=digest, since=clock()))

    stranger = Stranger(sandbox, clock)

    assert stranger.pages()[3] == unknown.pages()[3]
    assert [mail.recipient for mail in mails(data_dir, "confirmation") if mail.recipient] == [OTHER]
    clock.forward(minutes=5)
    assert "The mail could not be delivered." in stranger.visitor.open(stranger.address).text
    with sandbox.app_context():
        assert db.session.scalars(select(DeadAddress)).one() is not None


def test_three_mails_of_strangers_do_not_keep_a_person_from_signing(
    sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    for name in ("Ana", "Ana", "Evil"):
        Stranger(sandbox, clock, given_name=name)
    person = Visitor(sandbox)
    assert sign(person, clock, own_words="We walk to the well.").heading == "Check your e-mail"
    received = mails(data_dir, "confirmation")
    assert len(received) == 3

    for mail in received:
        person.open(mail.link)
        if "They are signed: Evil García Ruiz." in person.page.text:
            person.follow("Look at those of Ana García Ruiz instead")
        assert "We walk to the well." in person.page.letters[0]
        assert "You wrote more than once." in person.page.text

    page = say_whose(person, "mine").press("Confirm and send")
    assert page.path.startswith("/receipt/")
    assert all("We walk to the well." in letter.text for letter in mails(data_dir, "letter"))
    assert len(mails(data_dir, "letter")) == 3


def test_mails_that_say_you_have_written_come_once_a_day_and_keep_nobody_out(
    sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    person = Visitor(sandbox)
    sign(person, clock)
    confirm(person, data_dir)
    for _time in range(3):
        Stranger(sandbox, clock)
    assert len(mails(data_dir, "repeat")) == 1

    for name in ("Luis", "Bea", "Cai"):
        sign(person, clock, given_name=name)

    assert len(mails(data_dir, "confirmation")) == 1 + 3


def test_a_receipt_that_somebody_was_shown_confirms_nothing(sandbox: Flask, clock: Clock, data_dir: Path) -> None:
    person = Visitor(sandbox)
    sign(person, clock)
    receipt = confirm(person, data_dir).path
    Stranger(sandbox, clock, given_name="Anna Maria")
    stranger = Visitor(sandbox, "198.51.100.9")

    for path in (receipt, receipt.replace("receipt", "confirm")):
        assert "Anna Maria" not in stranger.open(path).html
    person.open(f"{receipt}/erase")
    person.fill(email=supporter()["email"]).press("Erase it")

    for path in (receipt, receipt.replace("receipt", "confirm")):
        assert "Anna Maria" not in stranger.open(path).html


def test_what_another_site_sends_is_carried_into_no_form_of_ours(sandbox: Flask, clock: Clock) -> None:
    stranger = Stranger(sandbox, clock)
    forged = [("again", "1"), ("given-name", "Eve"), ("left-out", "WY-S1"), ("token", "forged")]

    page = stranger.visitor.post(stranger.address, forged, Sec_Fetch_Site="cross-site")

    assert page.status == 403
    assert "Eve" not in page.html
    assert "WY-S1" not in page.html
    unknown = [("again", "1"), *(("a", "") for _field in range(5000))]
    assert len(stranger.visitor.post(stranger.address, unknown).html) < 10_000


def test_sending_again_stores_as_many_mails_whatever_became_of_the_signer(
    sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    """So that it takes as long: each press up to the limit of a day composes one mail and stores it."""
    stranger = Stranger(sandbox, clock)
    confirm(Visitor(sandbox), data_dir)
    with sandbox.app_context():
        leave(db.session(), clock())
    for _press in range(5):
        stranger.visitor.post(stranger.address, [("again", "1")])

    with sandbox.app_context():
        made = [one.state for one in deliveries(db.session(), DeliveryKind.CONFIRMATION)]
    assert made == ["accepted", "cancelled", "cancelled"]
