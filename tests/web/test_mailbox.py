"""/mailbox: on this machine it shows every mail; anywhere else it does not exist."""

from __future__ import annotations

import mailbox
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import OpenSandbox
from tests.pages import Visitor

MAIL = (
    "X-Envelope-From: b+1@sandbox.invalid\r\nX-Envelope-To: ana@example.org\r\n"
    "From: Sample <letters@sandbox.invalid>\r\nTo: ana@example.org\r\nSubject: {subject}\r\n"
    "Message-ID: <1@sandbox.invalid>\r\n\r\n{text}\r\n"
)


def deliver(data_dir: Path, subject: str = "Please confirm", text: str = "Hello") -> str:
    """Put a mail where the built-in mailbox keeps them; its key."""
    box = mailbox.Maildir(str(data_dir / "mailbox"), create=True)
    return box.add(MAIL.format(subject=subject, text=text).encode())


def test_an_empty_one_says_so(visitor: Visitor) -> None:
    assert (
        "It is empty. A mail arrives a second or two after it was sent: reload this page."
        in visitor.open("/mailbox").text
    )


def test_it_lists_mails_and_shows_one(visitor: Visitor, data_dir: Path) -> None:
    key = deliver(data_dir, text="Open http://127.0.0.1:8000/confirm/abc and press")

    page = visitor.open("/mailbox")
    assert "Please confirm" in page.text
    assert "To ana@example.org" in page.text
    page = visitor.open(next(a.get("href") for a in page.find("main").iter("a")))

    assert page.path == f"/mailbox/{key}"
    assert page.heading == "Please confirm"
    assert "b+1@sandbox.invalid" in page.text
    assert "http://127.0.0.1:8000/confirm/abc" in [a.get("href") for a in page.all("a")]


def test_markup_and_scripts_in_a_mail_are_shown_as_text(visitor: Visitor, data_dir: Path) -> None:
    key = deliver(data_dir, subject="<script>1</script>", text="<img src=http://evil.example/x> javascript:alert(1)")

    page = visitor.open(f"/mailbox/{key}")

    assert page.heading == "<script>1</script>"
    assert "<img src=http://evil.example/x>" in page.text
    assert not page.all("img")


def test_a_mail_without_a_subject_can_be_read(visitor: Visitor, data_dir: Path) -> None:
    key = deliver(data_dir, subject="")

    assert visitor.open(f"/mailbox/{key}").heading == "(no subject)"
    assert "(no subject)" in visitor.open("/mailbox").text


def test_control_characters_in_a_mail_do_not_break_the_page(visitor: Visitor, data_dir: Path) -> None:
    for control in ["\x00", "\x07", "\x1b[31m", "\ufffe"]:
        key = deliver(data_dir, text=f"A{control}B")

        assert visitor.open(f"/mailbox/{key}").status == 200


def test_an_unknown_key_is_not_found(visitor: Visitor, data_dir: Path) -> None:
    deliver(data_dir)
    for key in ("x", "%2e%2e%2fsecret-key", "..%2f..%2fredress.db", "1.M1P1Q1.host", "a" * 3000):
        assert visitor.open(f"/mailbox/{key}").status == 404


def test_it_answers_to_a_loopback_host(visitor: Visitor) -> None:
    for host in ["localhost", "localhost:8000", "127.0.0.1", "127.0.0.1:8000", "[::1]", "[::1]:8000", "LOCALHOST"]:
        assert visitor.open("/mailbox", Host=host).status == 200, host


def test_it_does_not_exist_for_another_host(visitor: Visitor, data_dir: Path) -> None:
    key = deliver(data_dir)

    for host in [
        "act.example.org",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "evil.example:8000",
    ]:
        assert visitor.open("/mailbox", Host=host).status == 404
        assert visitor.open(f"/mailbox/{key}", Host=host).status == 404
        assert "mailbox" not in visitor.open("/reunite-families", Host=host).html


def test_it_does_not_exist_behind_a_proxy(visitor: Visitor) -> None:
    for header in ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "Via", "x-forwarded-for"]:
        assert visitor.open("/mailbox", **{header: "192.0.2.1"}).status == 404, header


@pytest.mark.parametrize(
    "settings",
    [
        {"PUBLIC_URL": "https://act.example.org"},
        {"HOST": "0.0.0.0", "SANDBOX_PUBLIC": "1", "PUBLIC_URL": "http://localhost:8000"},
    ],
)
def test_it_does_not_exist_on_a_site_that_others_can_reach(open_sandbox: OpenSandbox, settings: dict[str, str]) -> None:
    visitor = Visitor(open_sandbox(**settings))

    assert visitor.open("/mailbox").status == 404
    assert "Open the mailbox" not in visitor.open("/reunite-families").html


def test_nothing_can_be_sent_to_it(sandbox: Flask) -> None:
    assert Visitor(sandbox).post("/mailbox", []).status == 404
    assert Visitor(sandbox).post("/mailbox/x", []).status == 405
