"""Through a real Postfix and to a real IMAP client; and what Postfix itself sends back."""

from __future__ import annotations

import email
import email.policy
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.extensions import db
from config import ROOT
from tests import factories
from tests.conftest import compiled
from tests.databases import connected
from tests.delivery import postfix
from tests.delivery.postfix import (
    BOUNCES,
    FAILS_LATER,
    OFFICE,
    PIPED,
    REFUSED_LATER,
    RETURNED,
    SIGNER,
    UNKNOWN,
    MailHost,
)
from tests.factories import Clock, campaign_source, mails, published
from tests.pages import Page, Visitor
from tests.serve.processes import until
from tests.web.steps import confirm, sign
from tests.web.test_live import deliver, know
from tests.web.test_receipt import states

pytestmark = [
    pytest.mark.file,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start a Postfix"),
]

ADDRESS_OF_2500 = "https://example.org/" + "x" * 2480
WORDS = f"Grüße vom Brunnen 💧 – ¡agua!\n.\n..two dots\nFrom here on\n{ADDRESS_OF_2500}\n.hidden\n\nÄÖÜ = 100 %"

OpenLive = Callable[..., Flask]


@pytest.fixture(scope="module")
def host() -> Iterator[MailHost]:
    if obstacle := postfix.obstacle():
        if "CI" in os.environ:
            pytest.fail(obstacle)
        pytest.skip(obstacle)
    with postfix.mail_host() as running:
        yield running


@pytest.fixture
def settings(host: MailHost) -> dict[str, str]:
    """Of a live site over Postfix."""
    return factories.LIVE | {"MAIL_PORT": str(host.port), "BOUNCE_DOMAIN": BOUNCES}


@pytest.fixture
def open_live(data_dir: Path, clock: Clock, settings: dict[str, str]) -> Iterator[OpenLive]:
    """Make a live site with one campaign, to one office, which has this address."""
    made: list[Flask] = []

    def open_(office: str, **more: str) -> Flask:
        app = compiled(create_app(factories.config(data_dir, **(settings | more)), clock=clock))
        made.append(app)
        with app.app_context():
            published(db.session(), campaign_source(targets=["us-representative"]), clock())
        know(app, WY_AL=office)
        return app

    yield open_
    for app in made:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def sent(app: Flask, clock: Clock, data_dir: Path) -> Page:
    """Write to the office, confirm, and let all go; the receipt."""
    visitor = Visitor(app)
    sign(visitor, clock, "the-well", own_words=WORDS, email=SIGNER)
    deliver(app, clock)
    receipt = confirm(visitor, data_dir)
    deliver(app, clock)
    return visitor.open(receipt.path)


def rows(data_dir: Path, kind: str = "letter") -> list[tuple[str, ...]]:
    """State and channel of the deliveries of a kind, oldest first."""
    with connected(data_dir) as connection:
        query = "SELECT state, channel FROM delivery WHERE kind = ? ORDER BY id"
        return [tuple(row) for row in connection.execute(query, (kind,))]


def composed(data_dir: Path, kind: str) -> bytes:
    """The bytes as they were queued."""
    with connected(data_dir) as connection:
        return bytes(connection.execute("SELECT mail FROM delivery WHERE kind = ?", (kind,)).fetchone()[0])


def parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def text(message: EmailMessage) -> str:
    return str(message.get_content()).replace("\r\n", "\n")


def test_a_mail_program_shows_what_was_composed(
    host: MailHost, open_live: OpenLive, clock: Clock, data_dir: Path
) -> None:
    began = clock()
    receipt = sent(open_live(OFFICE), clock, data_dir)
    assert states(receipt) == ["Accepted"] * 2

    for kind, to in (("confirmation", SIGNER), ("copy", SIGNER), ("letter", OFFICE)):
        (queued,) = mails(data_dir, kind)
        raw = host.read(to, queued.headers["Message-ID"])
        message = parsed(raw)

        assert raw.endswith(composed(data_dir, kind))
        assert text(message) == queued.text
        for name in ("From", "Reply-To", "To", "Subject", "Message-ID", "Date"):
            assert message.get_all(name) == [queued.headers[name]]
        assert message["To"] == to
        assert re.fullmatch(rf"<[0-9a-f-]{{36}}@{BOUNCES}>", message["Message-ID"])
        assert began <= parsedate_to_datetime(message["Date"]).astimezone(UTC) <= clock()
        assert re.fullmatch(rf"<b\+[0-9a-f]{{32}}\.[0-9a-f]{{16}}@{BOUNCES}>", message["Return-Path"])
        assert message["Return-Path"] == f"<{queued.sender}>"
        assert (message["Delivered-To"], message["X-Original-To"]) == (to, to)
        assert (WORDS in text(message)) == (kind != "confirmation")

    assert message["From"].addresses[0].display_name == "Ana García Ruiz via Friends of the Well"
    assert message["From"].addresses[0].addr_spec == "letters@example.org"
    assert message["Reply-To"].addresses[0].addr_spec == SIGNER


def test_a_letter_that_is_refused_at_the_door_is_its_signers(
    host: MailHost, open_live: OpenLive, clock: Clock, data_dir: Path
) -> None:
    receipt = sent(open_live(UNKNOWN), clock, data_dir)

    assert states(receipt) == ["Waiting for you", "Accepted"]
    assert rows(data_dir) == [("failed", "mail"), ("offered", "handoff")]
    with connected(data_dir) as connection:
        query = "SELECT why, code, said FROM delivery_event WHERE state = 'failed'"
        why, code, said = connection.execute(query).fetchone()
    assert (why, code) == ("recipient refused", 550)
    assert said.startswith("5.1.1 ")
    assert "unknown" in said
    assert "@" not in said
    assert "nobody.there" not in said


def test_a_letter_that_came_back_into_a_maildir_is_its_signers(
    host: MailHost, open_live: OpenLive, clock: Clock, data_dir: Path
) -> None:
    app = open_live(REFUSED_LATER)
    receipt = sent(app, clock, data_dir)
    assert states(receipt) == ["Accepted"] * 2
    (letter,) = mails(data_dir, "letter")

    report = host.came_back()
    assert report.get_content_type() == "multipart/report"
    assert (report["Return-Path"], report["Delivered-To"]) == ("<>", letter.sender)
    told = app.test_cli_runner().invoke(args=["outbox", "bounces", "--maildir", str(host.maildir(RETURNED))])

    assert (told.exit_code, told.stderr.count("it came back")) == (0, 1)
    assert told.stderr.endswith("1 mail: 1 done.\n")
    assert not list((host.maildir(RETURNED) / "new").iterdir())
    assert rows(data_dir) == [("bounced", "mail"), ("offered", "handoff")]
    with connected(data_dir) as connection:
        code, said = connection.execute("SELECT code, said FROM delivery_event WHERE state = 'bounced'").fetchone()
    assert code == 550
    assert "no such user here" in said
    assert states(Visitor(app).open(receipt.path)) == ["Waiting for you", "Accepted"]

    deliver(app, clock)
    (notice,) = mails(data_dir, "notice")
    assert text(parsed(host.read(SIGNER, notice.headers["Message-ID"]))) == notice.text


def test_a_letter_that_came_back_through_the_pipe_is_its_signers(
    host: MailHost, open_live: OpenLive, clock: Clock, data_dir: Path, settings: dict[str, str], tmp_path: Path
) -> None:
    elsewhere = create_app(factories.config(tmp_path / "no-site-yet", **(settings | {"BOUNCE_DOMAIN": PIPED})))
    environment = {**settings, "BOUNCE_DOMAIN": PIPED, "DATA_DIR": str(data_dir), "PATH": os.environ["PATH"]}

    def too_early(arguments: Sequence[str], message: bytes) -> int:
        return elsewhere.test_cli_runner().invoke(args=arguments, input=message).exit_code

    def really(arguments: Sequence[str], message: bytes) -> int:
        assert arguments == ["outbox", "bounces", "-", f"--recipient={letter.sender}"]
        command = [str(Path(sys.executable).with_name("flask")), *arguments]
        done = subprocess.run(
            command, input=message, cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False
        )
        assert re.fullmatch(rb"Delivery \d+: it came back\.\n", done.stderr)
        return done.returncode

    app = open_live(FAILS_LATER, BOUNCE_DOMAIN=PIPED)
    receipt = sent(app, clock, data_dir)
    (letter,) = mails(data_dir, "letter")

    host.through_the_pipe(too_early)
    assert until(host.waits, 10), host.log
    assert rows(data_dir) == [("accepted", "mail")]
    host.try_again()
    host.through_the_pipe(really)

    assert until(host.is_empty, 10), host.log
    assert rows(data_dir) == [("bounced", "mail"), ("offered", "handoff")]
    assert states(Visitor(app).open(receipt.path)) == ["Waiting for you", "Accepted"]
