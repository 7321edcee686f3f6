"""`flask doctor` as an organiser runs it: against a mail server and a nameserver of the test's."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from app import create_app
from app.cli.doctor import doctor
from app.delivery import ACCOUNT_REFUSED, Outcome, OutcomeKind
from app.delivery.breaker import Breaker
from app.extensions import db
from tests import factories
from tests.conftest import OpenSandbox, compiled
from tests.doctor.dns_server import answering
from tests.heartbeats import beat
from tests.smtp_server import Phase, Server, scripted

OFFERS_LOGIN = ("250-mail.example.org", "250 AUTH PLAIN LOGIN")
SECRETS = {"MAIL_USERNAME": "canary-user", "MAIL_PASSWORD": "canary-password"}
ZONE = """
@ TXT "v=spf1 include:_spf.example.net -all"
@ MX 10 mx.example.net.
_dmarc TXT "v=DMARC1; p=none"
s1._domainkey TXT "v=DKIM1; p=abc"
"""

Open = Callable[..., Flask]


@pytest.fixture
def live(data_dir: Path) -> Iterator[Open]:
    """A live site over a migrated database, whose worker is at work; keywords are settings."""
    made: list[Flask] = []

    def open_(**settings: str) -> Flask:
        app = compiled(create_app(factories.live_config(data_dir, **settings)))
        made.append(app)
        with app.app_context():
            beat(db.session(), datetime.now(UTC))
        return app

    yield open_
    for app in made:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def nameserver() -> Iterator[str]:
    """The address of one that knows example.org as it should be."""
    with answering({"example.org": ZONE}) as server:
        yield f"127.0.0.1:{server.port}"


def run(app: Flask, *arguments: str, code: int = 0) -> Result:
    result = app.test_cli_runner().invoke(doctor, arguments)
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def at(server: Server) -> dict[str, str]:
    return {"MAIL_PORT": str(server.port)}


def test_a_live_site_that_is_well(live: Open, nameserver: str) -> None:
    with scripted(ehlo=OFFERS_LOGIN) as server:
        result = run(live(**at(server), **SECRETS), "--nameserver", nameserver)

    lines = result.output.splitlines()
    subjects = [line[6:20].strip() for line in lines if not line.startswith(" ")]
    assert subjects == [
        *("database", "migrations", "database", "sending", "worker", "legislators", "disk", "clock"),
        *("mail server", "mail port", "greeting", "TLS", "login", "sender", "recipient"),
        *("SPF", "DKIM", "DMARC", "bounces"),
    ]
    assert not [line for line in lines if line.startswith("fail")]
    assert server.taken == []


def test_what_fails_is_told_with_what_to_do_below_and_the_exit_code_says_it(live: Open, nameserver: str) -> None:
    with scripted(ehlo=OFFERS_LOGIN, auth="535 5.7.8 wrong") as server:
        result = run(live(**at(server), **SECRETS), "--nameserver", nameserver, code=1)

    lines = result.output.splitlines()
    (place,) = [number for number, line in enumerate(lines) if line.startswith("fail")]
    assert lines[place] == "fail  login         The server refuses the login: 535 5.7.8 wrong."
    assert lines[place + 1].startswith(" " * 20 + "Set MAIL_USERNAME and MAIL_PASSWORD")


def test_a_quota_that_is_used_up_is_said_where_every_other_line_is_well(live: Open, nameserver: str) -> None:
    with scripted(ehlo=OFFERS_LOGIN) as server:
        app = live(**at(server), **SECRETS)
        with app.app_context():
            used_up = Outcome(OutcomeKind.CHANNEL, ACCOUNT_REFUSED, 452)
            Breaker("live").note(db.session(), used_up, datetime.now(UTC))
        lines = run(app, "--nameserver", nameserver).output.splitlines()

    (place,) = [number for number, line in enumerate(lines) if line.startswith("warn  sending")]
    assert lines[place].endswith(" UTC: account refused (452).")
    assert "Ask your mail provider what your account may send" in " ".join(" ".join(lines[place + 1 :]).split())
    assert not [line for line in lines if line.startswith("fail")]


def test_the_findings_as_json(live: Open, nameserver: str) -> None:
    with scripted(mail="550 not for you") as server:
        result = run(live(**at(server)), "--json", "--nameserver", nameserver, code=1)

    findings = json.loads(result.stdout)
    assert {tuple(finding) for finding in findings} == {("verdict", "subject", "says", "do")}
    (failed,) = [finding for finding in findings if finding["verdict"] == "fail"]
    assert failed["subject"] == "sender"


def test_one_test_message_goes_where_it_was_told_to(live: Open, nameserver: str) -> None:
    with scripted(ehlo=OFFERS_LOGIN) as server:
        result = run(live(**at(server), **SECRETS), "--to", "ana@bücher.example.com", "--nameserver", nameserver)

    assert "The mail server has accepted a message to ana@xn--bcher-kva.example.com (250)" in result.output
    (taken,) = server.taken
    assert taken.recipients == ("ana@xn--bcher-kva.example.com",)
    assert taken.sender.endswith("@example.org")
    mail = email.message_from_bytes(taken.mail, policy=email.policy.default)
    assert mail["From"].addresses[0].display_name == "Friends of the Well"
    assert "https://act.example.org" in mail.get_content()


def test_a_test_message_that_is_refused_fails_with_its_code(live: Open, nameserver: str) -> None:
    with scripted(rcpt=["250 ok", "550 no such user"]) as server:
        result = run(live(**at(server)), "--to", "nobody@example.com", "--nameserver", nameserver, code=1)

    assert "(recipient refused, 550)" in result.output


def test_no_test_message_is_tried_where_the_way_is_blocked(live: Open, nameserver: str) -> None:
    with scripted(ehlo=OFFERS_LOGIN, auth="535 wrong") as server:
        result = run(live(**at(server), **SECRETS), "--to", "a@example.com", "--nameserver", nameserver, code=1)

    assert "It was not sent" in result.output
    assert [line for _number, line in server.commands if line.startswith("AUTH")] == [server.commands[1][1]]


def test_the_names_of_dkim_keys_are_asked_for(live: Open) -> None:
    with scripted() as server, answering({"example.org": ZONE}) as dns:
        place = f"127.0.0.1:{dns.port}"
        result = run(
            live(**at(server)), "--dkim-selector", "s1", "--dkim-selector", "s2", "--nameserver", place, code=1
        )

    assert "example.org has a key under the name s1." in result.output
    assert "The key s2._domainkey.example.org does not exist" in result.output


def test_dns_that_cannot_be_asked_is_a_warning(live: Open) -> None:
    with scripted() as server, answering({}, servfail="*") as dns:
        result = run(live(**at(server)), "--nameserver", f"127.0.0.1:{dns.port}")

    assert result.output.count("DNS could not be asked (the nameserver answered SERVFAIL).") == 4


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--to", "nobody"), "one e-mail address"),
        (("--to", "a@example.org\r\nBcc: b@example.org"), "one e-mail address"),
        (("--dkim-selector", "s1._domainkey.example.org"), "the name alone"),
        (("--nameserver", "dns.example.org"), "an IP address"),
        (("--nameserver", "127.0.0.1:99999"), "an IP address"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_before_anything_is_asked(
    live: Open, arguments: tuple[str, str], says: str
) -> None:
    with scripted() as server:
        result = run(live(**at(server)), *arguments, code=1)

    assert says in result.output
    assert server.connections == 0


def test_a_sandbox_asks_nobody(open_sandbox: OpenSandbox, clock: factories.Clock) -> None:
    app = open_sandbox()
    with app.app_context():
        beat(db.session(), clock())

    result = run(app)

    assert "ok    mail server   This is a sandbox" in result.output
    assert "ok    domain        This is a sandbox" in result.output


def test_a_sandbox_sends_no_test_message(open_sandbox: OpenSandbox) -> None:
    result = run(open_sandbox(), "--to", "ana@example.com", code=1)

    assert "This is a sandbox, which sends nothing from this machine" in result.output


def test_a_site_that_is_stopped_fails_by_its_worker(open_sandbox: OpenSandbox) -> None:
    result = run(open_sandbox(), code=1)

    assert "fail  worker" in result.output


def test_a_damaged_database_leaves_the_rest_to_be_looked_at(live: Open, nameserver: str, data_dir: Path) -> None:
    with scripted() as server:
        app = live(**at(server))
        (data_dir / "redress.db").write_bytes(b"no database" * 1000)
        result = run(app, "--nameserver", nameserver, code=1)

    assert "fail  migrations" in result.output
    assert "ok    recipient" in result.output


ECHO = "550 canary-user canary-password Y2FuYXJ5LXBhc3N3b3Jk AGNhbmFyeS11c2VyAGNhbmFyeS1wYXNzd29yZA=="
"""What a server can say that has heard a name and a password."""


@pytest.mark.parametrize(
    ("phase", "form"), [("connect", ()), ("auth", ()), ("auth", ("--json",)), ("mail", ()), ("rcpt", ()), ("dot", ())]
)
def test_no_secret_is_ever_printed(
    live: Open, nameserver: str, phase: str, form: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    script: dict[str, Phase] = {"ehlo": OFFERS_LOGIN, phase: ECHO}
    with scripted(**script) as server:
        arguments = (*form, "--to", "ana@example.com", "--nameserver", nameserver)
        result = run(live(**at(server), **SECRETS), *arguments, code=1)

    written = result.output + "".join(capfd.readouterr())
    assert "550" in written
    hidden = ("canary", "Y2FuYXJ5", "AGNhbmFy", factories.SECRET)
    assert [secret for secret in hidden if secret in written] == []
