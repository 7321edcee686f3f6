"""What is written while things go well or wrong holds no name, street, e-mail address or token, nor a path with one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import Template
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import create_app, mail_sender, worker
from app.db import writing
from app.delivery.drain import drain
from app.extensions import db
from settings.mail_server import MailServer
from tests import factories
from tests.conftest import OpenSandbox
from tests.databases import connected
from tests.delivery.factories import ScriptedSender
from tests.factories import Clock, mails
from tests.pages import Visitor
from tests.smtp_server import scripted
from tests.web.steps import CONFIRM, SEND, SHOW, begin, sent_address, sign

CANARY = {
    "given_name": "Canaria",
    "family_name": "Flavescens",
    "address_line1": "77 Birdcage Walk",
    "address_line2": "Perch 9",
    "address_level2": "Seedville",
    "email": "canary.bird@feathers.example",
}
TEXT = " ".join(CANARY.values())


class Listener:
    """Everything that is logged or printed, and what must not be in it."""

    def __init__(self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
        caplog.set_level(logging.DEBUG)
        caplog.set_level(logging.INFO, "markdown_it")  # it tells of each paragraph of the story, at length
        self._caplog, self._capfd = caplog, capfd
        self.secrets = {*CANARY.values(), "canary.bird"}

    def keeps(self, secret: str) -> None:
        """Note a token."""
        assert len(secret) > 20
        self.secrets.add(secret)

    def heard(self) -> str:
        out, err = self._capfd.readouterr()
        written = self._caplog.text + "".join(record.getMessage() for record in self._caplog.records) + out + err
        assert [secret for secret in self.secrets if secret in written] == []
        return written


@pytest.fixture
def listener(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Listener:
    return Listener(caplog, capfd)


def signed(visitor: Visitor, clock: Clock, data_dir: Path, listener: Listener) -> tuple[str, str]:
    """Sign as the canary; the tokens of /sent/… and of the mail."""
    sent = sent_address(sign(visitor, clock, **CANARY)).rpartition("/")[2]
    mailed = mails(data_dir, "confirmation")[-1].token
    listener.keeps(sent)
    listener.keeps(mailed)
    return sent, mailed


def deliver(app: Flask, data_dir: Path, clock: Clock, port: int) -> None:
    """Send what is due to a mail server on `port`."""
    config = replace(factories.config(data_dir), mail=MailServer.on_loopback(port))
    mailing = create_app(config, clock=clock)
    with mailing.app_context():
        drain(db.session(), mail_sender(mailing, config), worker.policy_of(config), clock, lambda _seconds: False)
        db.session.remove()
        db.engine.dispose()


def test_a_journey_that_goes_well(sandbox: Flask, clock: Clock, data_dir: Path, listener: Listener) -> None:
    visitor = Visitor(sandbox)
    begin(visitor, clock, **(CANARY | {"postal_code": "1"})).press(SHOW)
    _sent, mailed = signed(visitor, clock, data_dir, listener)
    with scripted() as server:
        deliver(sandbox, data_dir, clock, server.port)
        visitor.press("Send it again")
        deliver(sandbox, data_dir, clock, server.port)
        visitor.open(f"/confirm/{mailed}")
        visitor.press(CONFIRM)
        deliver(sandbox, data_dir, clock, server.port)
        assert len(server.taken) == 6
    visitor.open(f"/mailbox/{mailed}")

    listener.heard()


def test_a_mail_server_whose_words_name_the_recipient(
    sandbox: Flask, clock: Clock, data_dir: Path, listener: Listener
) -> None:
    signed(Visitor(sandbox), clock, data_dir, listener)
    for phase in ("connect", "mail", "rcpt", "dot"):
        for code in (421, 450, 554):
            with sandbox.app_context(), writing(db.session()):
                db.session.execute(text("UPDATE delivery SET state = 'queued' WHERE kind = 'confirmation'"))
            clock.forward(hours=1)
            with scripted(**{phase: f"{code} {TEXT} is not welcome"}) as server:
                deliver(sandbox, data_dir, clock, server.port)

            assert f" {code}" in listener.heard(), phase


def explode(*_args: object, **_kwargs: object) -> None:
    raise RuntimeError(TEXT)


def views(sent: str, mailed: str) -> list[tuple[str, Callable[[Visitor], object]]]:
    """Each view, by its endpoint, and how to call it."""
    return [
        ("campaign.index", lambda visitor: visitor.open("/")),
        ("campaign.show", lambda visitor: visitor.open("/reunite-families")),
        ("campaign.write", lambda visitor: visitor.post("/reunite-families", [("email", CANARY["email"])])),
        ("sent.show", lambda visitor: visitor.open(f"/sent/{sent}")),
        ("sent.act", lambda visitor: visitor.post(f"/sent/{sent}", [("again", "")])),
        ("confirm.show", lambda visitor: visitor.open(f"/confirm/{mailed}")),
        ("confirm.release", lambda visitor: visitor.post(f"/confirm/{mailed}", [])),
        ("handoff.show", lambda visitor: visitor.open(f"/receipt/{mailed}/letters/1")),
        ("handoff.act", lambda visitor: visitor.post(f"/receipt/{mailed}/letters/1", [("sent", "")])),
        ("handoff.sheets", lambda visitor: visitor.open(f"/receipt/{mailed}/print")),
        ("undo.ask", lambda visitor: visitor.open(f"/receipt/{mailed}/erase")),
        ("undo.act", lambda visitor: visitor.post(f"/receipt/{mailed}/erase", [("email", CANARY["email"])])),
        ("undo.reminder", lambda visitor: visitor.open(f"/receipt/{mailed}/reminder")),
        ("undo.no_reminder", lambda visitor: visitor.post(f"/receipt/{mailed}/reminder", [])),
        ("receipt.show", lambda visitor: visitor.open(f"/receipt/{mailed}")),
    ]


def test_an_error_of_a_library_inside_each_view(
    sandbox: Flask, clock: Clock, data_dir: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = signed(Visitor(sandbox), clock, data_dir, listener)
    clock.forward(minutes=1)
    for name in ("execute", "scalars", "scalar"):
        monkeypatch.setattr(Session, name, explode)
    for endpoint, call in views(*tokens):
        visitor = Visitor(sandbox)
        call(visitor)

        assert visitor.page.status == 500, endpoint
        assert TEXT not in visitor.page.html
        assert f"{endpoint}: RuntimeError at explode" in listener.heard()


def test_an_error_in_the_middle_of_every_page_even_of_the_error_page(
    sandbox: Flask, clock: Clock, data_dir: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = signed(Visitor(sandbox), clock, data_dir, listener)
    clock.forward(minutes=1)
    monkeypatch.setattr(Template, "render", explode)
    client = sandbox.test_client(use_cookies=False)
    for path in (
        "/mailbox",
        "/nowhere",
        f"/sent/{tokens[0]}",
        f"/confirm/{tokens[1]}",
        f"/mailbox/{tokens[1]}",
    ):
        answer = client.get(path)

        assert answer.status_code in {404, 500}
        assert TEXT not in answer.text
        listener.heard()


@pytest.mark.file
def test_tables_that_have_vanished(sandbox: Flask, clock: Clock, data_dir: Path, listener: Listener) -> None:
    tokens = signed(Visitor(sandbox), clock, data_dir, listener)
    clock.forward(minutes=1)
    with connected(data_dir) as connection:
        connection.execute("DROP TABLE delivery")
        connection.execute("DROP TABLE campaign")
        connection.execute("DROP TABLE letter")
    for endpoint, call in views(*tokens):
        visitor = Visitor(sandbox)
        call(visitor)

        assert visitor.page.status == 503, endpoint
        led_on = endpoint.partition(".")[0] in {"receipt", "handoff"}  # nobody has confirmed yet
        expected = "confirm.show" if led_on else endpoint
        assert f"{expected}: the database is unavailable" in listener.heard()


@pytest.mark.file
@pytest.mark.parametrize("table", ["signature", "letter", "delivery"])
def test_a_row_that_the_database_refuses(
    sandbox: Flask, clock: Clock, data_dir: Path, listener: Listener, table: str
) -> None:
    with connected(data_dir) as connection:
        connection.execute(f"CREATE TRIGGER no BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'not this row'); END")
    visitor = begin(Visitor(sandbox), clock, **CANARY)
    visitor.press(SHOW)

    page = visitor.press(SEND)

    assert page.status == 500
    assert "campaign.write: IntegrityError" in listener.heard()


def test_an_error_in_the_worker(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_sandbox()
    signed(Visitor(app), clock, data_dir, listener)
    monkeypatch.setattr("smtplib.SMTP.connect", explode)

    deliver(app, data_dir, clock, 9)

    assert "sending raised RuntimeError at explode" in listener.heard()


@pytest.mark.parametrize("broken", ["table", "library"])
def test_a_round_of_the_worker_that_fails(
    sandbox: Flask, clock: Clock, data_dir: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    signed(Visitor(sandbox), clock, data_dir, listener)
    config = factories.config(data_dir)
    if broken == "table":
        with connected(data_dir) as connection:
            connection.execute("ALTER TABLE delivery RENAME TO elsewhere")
    else:
        for name in ("execute", "scalars", "scalar"):
            monkeypatch.setattr(Session, name, explode)
    stop = threading.Event()
    with sandbox.app_context():
        session = db.session()
        monkeypatch.setattr(worker, "PAUSE", 0.05)
        threading.Timer(0.3, stop.set).start()
        worker.run(config, session, ScriptedSender(), stop)

    assert "failed" in (written := listener.heard()) or "the database takes no change" in written


def test_the_listener_would_hear_a_secret(sandbox: Flask, data_dir: Path, listener: Listener) -> None:
    logging.getLogger("app.anything").error("a letter of %s", CANARY["email"])

    with pytest.raises(AssertionError):
        listener.heard()
    with sandbox.app_context(), writing(db.session()):
        assert Path(data_dir).exists()
