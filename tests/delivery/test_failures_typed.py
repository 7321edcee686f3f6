"""What people type and press (DELIVERY §9): the mails that the server has accepted in the end, and what is read."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask import Flask

from tests.delivery import rfc2047
from tests.delivery.letters import ITS_TURN, Letters, accepted_at, to_offices, to_signer, told, written
from tests.delivery.test_smtp_tls import sender_to
from tests.factories import Clock, mails
from tests.pages import Visitor
from tests.smtp_server import Server, Taken
from tests.web.steps import CONFIRM, SEND, SHOW, begin, confirm, sent_address, sign

pytestmark = pytest.mark.file  # what people type is the same to every database
ACCEPTED = accepted_at("12:00 PM")
HEADERS = ["From", "To", "Date", "Message-ID", "Reply-To", "Subject"]
HEADERS += ["Content-Type", "Content-Transfer-Encoding", "MIME-Version"]


def parsed(taken: Taken) -> EmailMessage:
    return email.message_from_bytes(taken.mail, policy=email.policy.default)


def check_wire(taken: Taken) -> None:
    """One letter to one office, in lines that every server takes; nobody has added a header."""
    assert [header for header, _value in parsed(taken).items()] == HEADERS
    assert [one.addr_spec for one in parsed(taken)["From"].addresses] == ["letters@sandbox.invalid"]
    assert len(taken.recipients) == 1
    assert taken.mail.isascii()
    assert max(map(len, taken.mail.split(b"\r\n"))) <= 998
    assert not any(b"\r" in line or b"\n" in line for line in taken.mail.split(b"\r\n"))


# --- names, bodies, addresses -----------------------------------------------------------------------------------------

NAMES = {
    "comma": ("Ana, Jane", "Ana Jane García Ruiz"),
    "quotes": ('Ana "J" \\', "Ana J García Ruiz"),
    "an address": ("ceo@bank.example", "ceo bank.example García Ruiz"),
    "encoded word": ("Ana =?utf-8?q?ceo=40bank?=", "Ana utf-8 q ceo 40bank García Ruiz"),
    "emoji": ("Ana 💌", "Ana García Ruiz"),
    "an apostrophe that is none": ("Ka‘iulani", "Ka‘iulani García Ruiz"),
    "a dot inside": ("Gal·la", "Gal·la García Ruiz"),
    "a non-joiner": ("علی\u200cرضا", "علی\u200cرضا García Ruiz"),
    "long and Cyrillic": ("Владимир Константинович Иванов", "Владимир Константинович Иванов García Ruiz"),
    "100 characters": ("Ж" * 100, "Ж" * 64),
}


@pytest.mark.parametrize(("name", "shown"), NAMES.values(), ids=NAMES)
def test_a_name_from_hell_goes_out_as_a_name(
    sandbox: Flask, clock: Clock, data_dir: Path, server: Server, name: str, shown: str
) -> None:
    letters = written(sandbox, clock, data_dir, given_name=name)
    letters.deliver(sender_to(server.port, {}))

    assert letters.told() == [ACCEPTED] * 3
    assert len(to_offices(server)) == len(server.accepted) == 3
    for taken in server.accepted:
        check_wire(taken)
        sender = rfc2047.sender(rfc2047.header(taken.mail, "From"))
        assert sender == (f"{shown} via Sample Organisation", "letters@sandbox.invalid")


REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "address in brackets": ({"given_name": "<a@b>"}, "First name: leave out the characters < and >."),
    "nothing but an encoded word": ({"given_name": "=?utf-8?q?ceo=40bank?="}, "Begin the name with a letter."),
    "NUL": ({"given_name": "Ana\0"}, "First name: remove the invisible control character U+0000 after “Ana”."),
    "300 characters": (
        {"given_name": "x" * 300},
        "First name: shorten this to 100 characters; it has 300.",
    ),
    "empty": ({"given_name": " "}, "Enter your first name."),
    "nothing but an emoji": ({"given_name": "💌"}, "Enter your name in letters."),
    "SMTPUTF8": (
        {"email": "ána@example.org"},
        "Enter your e-mail address, like name@example.com. "
        "“á” (U+00E1) cannot stand before the @: only letters a–z can, digits and a few signs.",
    ),
}


@pytest.mark.parametrize(("typed", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_no_letter_can_bear_comes_back_with_what_to_do_and_nothing_goes(
    sandbox: Flask, clock: Clock, data_dir: Path, server: Server, typed: dict[str, str], sentence: str
) -> None:
    page = begin(Visitor(sandbox), clock, **typed).press(SHOW)
    Letters(sandbox, clock, data_dir, "").deliver(sender_to(server.port, {}))

    assert (page.status, page.errors) == (422, [sentence])
    assert server.accepted == []


BODIES = {
    "lone dots": ".\n..\n.a\n\n.",
    "2,500 characters in one line": "word " * 500,
    "2,500 characters without a space": "x" * 2500,
    "mixed line ends": "a\r\nb\nc\rd\n\re",
    "headers": "Bcc: all@example.org\nSubject: other",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_words_from_hell_arrive_whole(sandbox: Flask, clock: Clock, data_dir: Path, server: Server, body: str) -> None:
    letters = written(sandbox, clock, data_dir, own_words=body)
    letters.deliver(sender_to(server.port, {}))

    assert letters.told() == [ACCEPTED] * 3
    assert len(server.accepted) == 3
    for taken in server.accepted:
        check_wire(taken)
        assert "".join(body.split()) in "".join(str(parsed(taken).get_content()).split())


def test_lines_and_marks_of_word_processors_arrive_as_plain_lines(
    sandbox: Flask, clock: Clock, data_dir: Path, server: Server
) -> None:
    letters = written(sandbox, clock, data_dir, given_name="Ana\r\nBcc: all\u202e", own_words="One.\u2028Two\u202b.")
    letters.deliver(sender_to(server.port, {}))

    assert len(server.accepted) == 3
    for taken in server.accepted:
        check_wire(taken)
        assert parsed(taken)["Bcc"] is None
        assert "One.\nTwo.\n" in str(parsed(taken).get_content()).replace("\r\n", "\n")


def test_an_address_in_another_script_is_written_as_every_server_knows_it(
    sandbox: Flask, clock: Clock, data_dir: Path, server: Server
) -> None:
    letters = written(sandbox, clock, data_dir, email="ana@bücher.example")
    letters.deliver(sender_to(server.port, {}))

    assert letters.told() == [ACCEPTED] * 3
    assert len(server.accepted) == 3
    for taken in server.accepted:
        check_wire(taken)
        assert [one.addr_spec for one in parsed(taken)["Reply-To"].addresses] == ["ana@xn--bcher-kva.example"]


# --- links and buttons ------------------------------------------------------------------------------------------------


def links(data_dir: Path) -> list[str]:
    return [mail.link for mail in mails(data_dir, "confirmation")]


def test_opening_the_link_five_times_sends_nothing_and_pressing_the_button_sends_once(
    site: Letters, visitor: Visitor, server: Server
) -> None:
    sign(visitor, site.clock)
    site.deliver(sender_to(server.port, {}))
    (link,) = links(site.data_dir)
    for _scanner in range(5):
        assert visitor.open(link).buttons == [CONFIRM]
        site.deliver(sender_to(server.port, {}))
    assert (len(to_offices(server)), len(to_signer(server))) == (0, 1)

    site.path = visitor.press(CONFIRM).path
    assert site.told() == [ITS_TURN] * 3
    site.deliver(sender_to(server.port, {}))
    assert site.told() == [ACCEPTED] * 3
    assert (len(to_offices(server)), len(to_signer(server))) == (3, 2)


def test_a_link_that_is_used_again_leads_to_the_receipt_and_sends_nothing_more(
    site: Letters, visitor: Visitor, server: Server
) -> None:
    sign(visitor, site.clock)
    (link,) = links(site.data_dir)
    other_tab = Visitor(visitor.app)
    other_tab.open(link)
    site.path = confirm(visitor, site.data_dir).path
    site.deliver(sender_to(server.port, {}))

    for page in (visitor.open(link), other_tab.press(CONFIRM)):
        assert page.path == site.path
        assert told(page) == [ACCEPTED] * 3
    site.deliver(sender_to(server.port, {}))
    assert (len(to_offices(server)), len(to_signer(server))) == (3, 2)


def test_a_link_past_its_time_sends_nothing(site: Letters, visitor: Visitor, server: Server) -> None:
    sign(visitor, site.clock)
    site.deliver(sender_to(server.port, {}))
    (link,) = links(site.data_dir)
    early = Visitor(visitor.app)
    early.open(link)
    site.clock.forward(days=7, minutes=1)

    for page in (visitor.open(link), early.press(CONFIRM)):
        assert (page.status, page.heading) == (410, "This link is no longer good")
    site.deliver(sender_to(server.port, {}))
    assert (len(to_offices(server)), len(to_signer(server))) == (0, 1)


def test_a_link_made_of_another_page_of_the_signer_is_none(site: Letters, visitor: Visitor, server: Server) -> None:
    forged = sent_address(sign(visitor, site.clock)).replace("/sent/", "/confirm/")

    assert visitor.open(forged).status == 404
    assert visitor.post(forged, []).status == 404
    site.deliver(sender_to(server.port, {}))
    assert (len(to_offices(server)), len(to_signer(server))) == (0, 1)


def test_sent_twice_from_one_form_or_after_the_back_button_it_goes_once(
    site: Letters, visitor: Visitor, server: Server
) -> None:
    begin(visitor, site.clock).press(SHOW)
    letters = visitor.page
    pages = []
    for _press in range(3):
        visitor.page = letters
        pages.append(visitor.press(SEND).path)
    site.path = confirm(visitor, site.data_dir).path
    site.deliver(sender_to(server.port, {}))

    assert len(set(pages)) == 1
    assert site.told() == [ACCEPTED] * 3
    assert (len(to_offices(server)), len(to_signer(server))) == (3, 2)


def test_written_in_two_tabs_only_the_letters_that_are_confirmed_first_go(
    site: Letters, visitor: Visitor, server: Server
) -> None:
    other_tab = Visitor(visitor.app)
    for tab in (visitor, other_tab):
        begin(tab, site.clock).press(SHOW)
    for tab in (visitor, other_tab):
        tab.press(SEND)
    site.deliver(sender_to(server.port, {}))
    first, second = links(site.data_dir)
    for tab, link in ((visitor, second), (other_tab, f"{first}?earlier=1")):
        tab.open(link)
    site.path = visitor.press(CONFIRM).path

    assert other_tab.press(CONFIRM).heading == "These letters do not go"
    site.deliver(sender_to(server.port, {}))
    assert site.told() == [accepted_at("12:01 PM")] * 3
    assert (len(to_offices(server)), len(to_signer(server))) == (3, 3)
