"""Encryption and login before anything is said about a message, against a real server with real certificates."""

from __future__ import annotations

import base64
import logging
import ssl
import time
from pathlib import Path

import pytest
from flask import Flask
from flask_mail import Mail

from app import create_app, mail_sender
from app.delivery import Outcome, OutcomeKind, Outgoing
from app.delivery.smtp import SmtpSender, Timeouts
from tests import factories
from tests.certificates import Authority
from tests.smtp_server import DROP, HANG, SIP, TLS, Drip, Phase, Server, scripted

MESSAGE = Outgoing("b+1.2@letters.example.org", "office@example.com", b"Subject: hello\r\n\r\nHello\r\n")
TRANSIENT, CHANNEL = OutcomeKind.TRANSIENT, OutcomeKind.CHANNEL
ACCEPTED = Outcome(OutcomeKind.ACCEPTED, "accepted", 250)
NO_CONNECTION, NO_TLS = Outcome(TRANSIENT, "no connection"), Outcome(CHANNEL, "no TLS")
BAD_CERTIFICATE = Outcome(CHANNEL, "bad certificate")
OFFERS_TLS = ("250-mail.example.org", "250-8BITMIME", "250 STARTTLS")
OFFERS_LOGIN = ("250-mail.example.org", "250 AUTH PLAIN LOGIN")
USER, PASSWORD = "letters@example.org", "gänse füßchen 7"


@pytest.fixture(autouse=True)
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority is trusted as an operator would have it trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))


PATIENT, SHORT = Timeouts(5, 5, 5), Timeouts(0.4, 0.4, 0.4)


def sender_to(
    port: int, settings: dict[str, object], host: str = "127.0.0.1", timeouts: Timeouts = PATIENT
) -> SmtpSender:
    app = Flask("mailer")
    app.config.update(MAIL_SERVER=host, MAIL_PORT=port, MAIL_SUPPRESS_SEND=False)
    app.config.update(settings)
    Mail(app)
    return SmtpSender(app, timeouts, "letters.example.org")


STARTTLS: dict[str, object] = {"MAIL_USE_TLS": True}
IMPLICIT: dict[str, object] = {"MAIL_USE_SSL": True}
LOGIN: dict[str, object] = {"MAIL_USERNAME": USER, "MAIL_PASSWORD": PASSWORD}


def attempt(
    settings: dict[str, object], certificate: ssl.SSLContext, timeouts: Timeouts = PATIENT, /, **script: Phase
) -> tuple[Outcome, Server]:
    """One message through a server of its own."""
    with scripted(0, certificate, **script) as server:
        sender = sender_to(server.port, settings, timeouts=timeouts)
        outcome = sender.send(MESSAGE)
        sender.close()
    return outcome, server


def test_starttls_then_login_then_the_message(good: ssl.SSLContext) -> None:
    outcome, server = attempt(STARTTLS | LOGIN, good, ehlo=[OFFERS_TLS, OFFERS_LOGIN])

    assert outcome == ACCEPTED
    assert server.verbs(1) == ["ehlo", "starttls", "ehlo", "auth", "mail", "rcpt", "data", "quit"]
    assert server.in_clear == ["ehlo letters.example.org", "STARTTLS"]
    assert [one.mail for one in server.taken] == [MESSAGE.mail]


def test_tls_from_the_first_byte(good: ssl.SSLContext) -> None:
    outcome, server = attempt(IMPLICIT | LOGIN, good, connect=(TLS, "220 hello"), ehlo=OFFERS_LOGIN)

    assert outcome == ACCEPTED
    assert server.verbs(1) == ["ehlo", "auth", "mail", "rcpt", "data", "quit"]
    assert server.in_clear == []


@pytest.mark.parametrize(
    ("settings", "script"),
    [(STARTTLS, {"ehlo": [OFFERS_TLS]}), (IMPLICIT, {"connect": (TLS, "220 hello")})],
    ids=["STARTTLS", "implicit"],
)
def test_messages_share_an_encrypted_connection(
    good: ssl.SSLContext, settings: dict[str, object], script: dict[str, Phase]
) -> None:
    with scripted(0, good, **script) as server:
        sender = sender_to(server.port, settings)
        outcomes = [sender.send(MESSAGE) for _number in range(3)]
        sender.close()

    assert outcomes == [ACCEPTED] * 3
    assert server.connections == 1
    assert len(server.taken) == 3


def test_a_kept_connection_that_the_server_has_left_is_encrypted_anew(good: ssl.SSLContext) -> None:
    ehlo: Phase = [OFFERS_TLS, "250 mail.example.org"] * 2
    with scripted(0, good, ehlo=ehlo, dot=[("250 queued", DROP)]) as server:
        sender = sender_to(server.port, STARTTLS)
        outcomes = [sender.send(MESSAGE) for _number in range(2)]
        sender.close()

    assert outcomes == [ACCEPTED] * 2
    assert server.in_clear == ["ehlo letters.example.org", "STARTTLS"] * 2


CERTIFICATES = {
    "self-signed": lambda authority: authority.self_signed(),
    "of another machine": lambda authority: authority.server("DNS:mail.example.org,IP:127.0.0.2"),
    "expired": lambda authority: authority.server(until="20200102000000Z"),
}


@pytest.mark.parametrize("made", CERTIFICATES.values(), ids=CERTIFICATES)
def test_a_certificate_that_proves_nothing_gets_no_mail_and_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: object
) -> None:
    assert callable(made)
    authority = Authority.made_in(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    certificate = made(authority)

    by_starttls, first = attempt(STARTTLS | LOGIN, certificate, ehlo=OFFERS_TLS)
    implicit, second = attempt(IMPLICIT | LOGIN, certificate, connect=(TLS, "220 hello"))

    assert (by_starttls, implicit) == (BAD_CERTIFICATE, BAD_CERTIFICATE)
    assert first.commands == [(1, "ehlo letters.example.org"), (1, "STARTTLS")]
    assert second.commands == []


def test_an_authority_that_nobody_told_us_to_trust(good: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    outcome, server = attempt(STARTTLS, good, ehlo=OFFERS_TLS)

    assert outcome == BAD_CERTIFICATE
    assert server.taken == []


def test_the_name_that_must_be_in_the_certificate_is_the_one_that_was_set(authority: Authority) -> None:
    named = authority.server("DNS:localhost")
    with scripted(0, named, ehlo=OFFERS_TLS) as server:
        senders = [sender_to(server.port, STARTTLS, host) for host in ("localhost", "127.0.0.1")]
        outcomes = [sender.send(MESSAGE) for sender in senders]
        senders[0].close()

    assert outcomes == [ACCEPTED, BAD_CERTIFICATE]


HELLO_BEGINS = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"
"""The head of a handshake record of 16 kB, the longest that there is."""

WITHOUT_TLS: dict[str, tuple[dict[str, object], dict[str, Phase], Outcome]] = {
    "not offered": (STARTTLS, {"ehlo": OFFERS_LOGIN}, NO_TLS),
    "helo only": (STARTTLS, {"ehlo": "502 what?"}, NO_TLS),
    "454": (STARTTLS, {"ehlo": OFFERS_TLS, "starttls": "454 not now"}, Outcome(CHANNEL, "no TLS", 454)),
    "501": (STARTTLS, {"ehlo": OFFERS_TLS, "starttls": "501 no"}, Outcome(CHANNEL, "no TLS", 501)),
    "not TLS after the 220": (STARTTLS, {"ehlo": OFFERS_TLS, "starttls": "220 go\r\n220 hello"}, NO_TLS),
    "not TLS from the first byte": (IMPLICIT, {"connect": "220 hello"}, NO_TLS),
    "drop at STARTTLS": (STARTTLS, {"ehlo": OFFERS_TLS, "starttls": DROP}, NO_CONNECTION),
    "drop after STARTTLS": (STARTTLS, {"ehlo": OFFERS_TLS, "starttls": ("220 go", DROP)}, NO_CONNECTION),
    "drop in the handshake": (IMPLICIT, {"connect": DROP}, NO_CONNECTION),
    "drop after the handshake": (STARTTLS, {"ehlo": OFFERS_TLS, "starttls": ("220 go", TLS, DROP)}, NO_CONNECTION),
    "refused after the handshake": (
        STARTTLS,
        {"ehlo": [OFFERS_TLS, "502 what?"], "helo": "421 no"},
        Outcome(TRANSIENT, "no connection", 421),
    ),
    "421 after the handshake": (
        IMPLICIT,
        {"connect": (TLS, "421 busy", DROP)},
        Outcome(TRANSIENT, "no connection", 421),
    ),
    "hang at STARTTLS": (STARTTLS, {"ehlo": OFFERS_TLS, "starttls": HANG}, NO_CONNECTION),
    "hang in the handshake after STARTTLS": (
        STARTTLS,
        {"ehlo": OFFERS_TLS, "starttls": ("220 go", HANG)},
        NO_CONNECTION,
    ),
    "hang in the handshake": (IMPLICIT, {"connect": HANG}, NO_CONNECTION),
    "hang after the handshake": (IMPLICIT, {"connect": (TLS, HANG)}, NO_CONNECTION),
    "drops in the handshake": (IMPLICIT, {"connect": (HELLO_BEGINS, Drip(b"\x00"))}, NO_CONNECTION),
    "drops of a greeting after the handshake": (
        IMPLICIT,
        {"connect": (TLS, Drip(b"220-wait\r\n"), "220 hello")},
        NO_CONNECTION,
    ),
    "drops of an answer after the handshake": (
        STARTTLS | LOGIN,
        {"ehlo": [OFFERS_TLS, (Drip(b"250-X\r\n"), "250 ok")]},
        NO_CONNECTION,
    ),
    "drops of an answer to the login": (
        STARTTLS | LOGIN,
        {"ehlo": [OFFERS_TLS, OFFERS_LOGIN], "auth": (Drip(b"235-x\r\n"), "235 welcome")},
        NO_CONNECTION,
    ),
}


@pytest.mark.parametrize(("settings", "script", "meant"), WITHOUT_TLS.values(), ids=WITHOUT_TLS)
def test_without_tls_nothing_is_sent(
    good: ssl.SSLContext, settings: dict[str, object], script: dict[str, Phase], meant: Outcome
) -> None:
    begun = time.monotonic()

    is_slow = repr(HANG) in repr(script) or "Drip(" in repr(script)

    outcome, server = attempt(settings | LOGIN, good, SHORT if is_slow else PATIENT, **script)

    assert outcome == meant
    assert {"mail", "rcpt"}.isdisjoint(server.verbs(1))
    assert server.taken == []
    assert time.monotonic() - begun < 4


def test_a_server_that_sips_at_an_encrypted_message_has_not_taken_it(good: ssl.SSLContext) -> None:
    large = Outgoing(MESSAGE.sender, MESSAGE.recipient, MESSAGE.mail + b"y" * 24_000_000)
    with scripted(0, good, ehlo=OFFERS_TLS, body=SIP) as server:
        outcome = sender_to(server.port, STARTTLS, timeouts=SHORT).send(large)

    assert outcome == Outcome(TRANSIENT, "connection lost")
    assert server.taken == []


def test_the_handshake_from_the_first_byte_has_the_time_to_connect(good: ssl.SSLContext) -> None:
    with scripted(0, good, connect=HANG) as server:
        sender = sender_to(server.port, IMPLICIT, timeouts=Timeouts(connect=0.2, command=30, final_dot=30))
        begun = time.monotonic()

        assert sender.send(MESSAGE) == NO_CONNECTION
        assert time.monotonic() - begun < 4


def test_what_was_said_in_clear_is_forgotten_after_the_handshake(good: ssl.SSLContext) -> None:
    """Somebody on the way adds an answer to STARTTLS's, for us to take for the encrypted server's."""
    forged: Phase = (b"220 go\r\n250-forged\r\n250 AUTH LOGIN\r\n", TLS)

    outcome, server = attempt(STARTTLS | LOGIN, good, ehlo=[OFFERS_TLS, OFFERS_LOGIN], starttls=forged)

    assert outcome == ACCEPTED
    assert server.commands[3][1].startswith("AUTH PLAIN ")


def test_plain_carries_name_and_password_as_they_are(good: ssl.SSLContext) -> None:
    _outcome, server = attempt(STARTTLS | LOGIN, good, ehlo=[OFFERS_TLS, OFFERS_LOGIN])

    encoded = server.commands[3][1].removeprefix("AUTH PLAIN ")
    assert base64.b64decode(encoded).decode() == f"\0{USER}\0{PASSWORD}"


def test_where_only_login_is_offered_it_is_used(good: ssl.SSLContext) -> None:
    auth: Phase = ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 welcome"]
    outcome, server = attempt(
        IMPLICIT | LOGIN, good, connect=(TLS, "220 x"), ehlo=("250-x", "250 AUTH LOGIN"), auth=auth
    )

    assert outcome == ACCEPTED
    assert server.commands[1][1] == "AUTH LOGIN"
    assert [base64.b64decode(line).decode() for _number, line in server.commands[2:4]] == [USER, PASSWORD]


REFUSED_LOGINS: dict[str, tuple[Phase, Phase, Outcome]] = {
    "535": (OFFERS_LOGIN, "535 wrong password", Outcome(CHANNEL, "login refused", 535)),
    "421": (OFFERS_LOGIN, ("421 too many logins", DROP), Outcome(TRANSIENT, "login refused", 421)),
    "454": (OFFERS_LOGIN, "454 directory is away", Outcome(TRANSIENT, "login refused", 454)),
    "garbage": (OFFERS_LOGIN, b"what?\r\n", Outcome(TRANSIENT, "login refused")),
    "drop": (OFFERS_LOGIN, DROP, NO_CONNECTION),
    "not offered": ("250 mail.example.org", "235 ok", Outcome(CHANNEL, "login refused")),
    "another way only": (("250-x", "250 AUTH GSSAPI"), "235 ok", Outcome(CHANNEL, "login refused")),
    "LOGIN, at the name": (
        ("250-x", "250 AUTH LOGIN"),
        ["334 x", "535 who?"],
        Outcome(CHANNEL, "login refused", 535),
    ),
}


@pytest.mark.parametrize(("ehlo", "auth", "meant"), REFUSED_LOGINS.values(), ids=REFUSED_LOGINS)
def test_a_login_that_fails_is_tried_once_and_costs_no_letter(
    good: ssl.SSLContext, ehlo: Phase, auth: Phase, meant: Outcome
) -> None:
    outcome, server = attempt(IMPLICIT | LOGIN, good, connect=(TLS, "220 hello"), ehlo=ehlo, auth=auth)

    assert outcome == meant
    assert server.verbs(1).count("auth") <= 1
    assert "mail" not in server.verbs(1)


def test_the_pause_that_a_server_asks_for_at_login_is_told(good: ssl.SSLContext) -> None:
    script: dict[str, Phase] = {"ehlo": OFFERS_LOGIN, "auth": "421 too many logins, try again in 5 minutes"}

    outcome, _server = attempt(IMPLICIT | LOGIN, good, connect=(TLS, "220 hello"), **script)

    assert outcome.retry_after is not None
    assert outcome.retry_after.total_seconds() == 300


@pytest.mark.parametrize("shown", [PASSWORD, USER, base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()])
def test_what_a_server_says_of_our_login_is_kept_without_it(good: ssl.SSLContext, shown: str) -> None:
    answer = f"535 5.7.8 {shown} is wrong\r\n".encode()

    outcome, _server = attempt(IMPLICIT | LOGIN, good, connect=(TLS, "220 x"), ehlo=OFFERS_LOGIN, auth=answer)

    assert outcome.said == "5.7.8 … is wrong"


def test_no_password_and_no_word_of_the_server_gets_into_a_log(
    good: ssl.SSLContext, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    encoded = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()

    for script in ({"auth": f"535 {USER} {PASSWORD} canary"}, {"auth": DROP}, {}):
        attempt(IMPLICIT | LOGIN, good, connect=(TLS, "220 hello"), ehlo=OFFERS_LOGIN, **script)
    attempt(STARTTLS | LOGIN, good, ehlo=OFFERS_TLS, starttls="454 canary")

    written = caplog.text + "".join(capfd.readouterr())
    assert [secret for secret in (USER, PASSWORD, encoded, "canary") if secret in written] == []


@pytest.mark.parametrize(
    ("setting", "script"),
    [
        ("MAIL_USE_TLS", {"ehlo": [OFFERS_TLS, OFFERS_LOGIN]}),
        ("MAIL_USE_SSL", {"connect": (TLS, "220 hello"), "ehlo": OFFERS_LOGIN}),
    ],
)
def test_the_settings_of_a_live_site_reach_the_server(
    good: ssl.SSLContext, tmp_path: Path, setting: str, script: dict[str, Phase]
) -> None:
    with scripted(0, good, **script) as server:
        mail = {"MAIL_SERVER": "localhost", "MAIL_PORT": str(server.port), setting: "1"}
        login = {"MAIL_USERNAME": USER, "MAIL_PASSWORD": PASSWORD}
        config = factories.live_config(tmp_path, **mail, **login)
        sender = mail_sender(create_app(config), config)
        outcome = sender.send(MESSAGE)
        sender.close()

    assert outcome == ACCEPTED
    assert "auth" in server.verbs(1)
    assert all(line in {"ehlo example.org", "STARTTLS"} for line in server.in_clear)
