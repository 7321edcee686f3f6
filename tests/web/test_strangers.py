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
from app.models import DeadAddress
from tests.delivery.factories import leave
from tests.factories import Clock, mails, supporter
from tests.pages import Page, Visitor
from tests.signing.factories import site
from tests.web.steps import SEND, SHOW, begin, confirm, sent_address, sign

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

    page = person.choose("others", "mine").press("Confirm and send")
    assert page.path.startswith("/receipt/")
    assert all("We walk to the well." in letter.text for letter in mails(data_dir, "letter"))
    assert len(mails(data_dir, "letter")) == 3


def test_after_three_mails_that_say_you_have_written_another_campaign_still_has_a_way_in(
    sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    person = Visitor(sandbox)
    sign(person, clock)
    receipt = confirm(person, data_dir).path
    for _time in range(2):
        Stranger(sandbox, clock)
    sign(person, clock, given_name="Luis")
    assert len(mails(data_dir, "confirmation")) == 1

    person.open(receipt)

    person.follow("Confirm the letters of Luis García Ruiz")
    assert person.press("Confirm and send").path.startswith("/receipt/")
    assert len(mails(data_dir, "letter")) == 6
