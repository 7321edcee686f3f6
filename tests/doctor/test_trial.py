"""The test message: what it is, and what is said of its fate."""

from __future__ import annotations

import email
import email.policy

import pytest

from app.delivery import Outcome, OutcomeKind
from app.doctor import Verdict
from app.doctor.trial import Letterhead, compose, envelope_sender, send
from tests.delivery import rfc2047
from tests.delivery.factories import NOW, ScriptedSender

HEAD = Letterhead(
    "Friends of <the> Well, “Ünïted”", "letters@example.org", "bounce.example.org", "https://act.example.org"
)
UUID = "6f2c1f0e-7d54-4a55-9f0c-5f6d0a9f6f10"


def test_a_test_message_has_the_headers_of_a_mail_of_ours() -> None:
    outgoing = compose(HEAD, "ana@example.net", UUID, NOW)

    mail = email.message_from_bytes(outgoing.mail, policy=email.policy.default)
    assert mail["From"].addresses[0].addr_spec == "letters@example.org"
    assert rfc2047.sender(rfc2047.header(outgoing.mail, "From")) == (
        "Friends of the Well Ünïted",
        "letters@example.org",
    )
    assert rfc2047.subject(rfc2047.header(outgoing.mail, "Subject")) == "Test message of Friends of the Well Ünïted"
    assert mail["To"] == "ana@example.net"
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"] == f"<{UUID}@bounce.example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert "https://act.example.org" in mail.get_content()
    assert all(len(line) <= 78 for line in outgoing.mail.split(b"\r\n"))
    assert b"\n" not in outgoing.mail.replace(b"\r\n", b"")


def test_its_envelope_is_of_the_kind_of_letters_and_belongs_to_none() -> None:
    sender = envelope_sender("bounce.example.org")

    assert compose(HEAD, "ana@example.net", UUID, NOW).sender == sender
    assert sender == f"b+{'0' * 32}.{'0' * 16}@bounce.example.org"


@pytest.mark.parametrize(
    ("outcome", "verdict", "says"),
    [
        (Outcome(OutcomeKind.ACCEPTED, "accepted", 250), Verdict.OK, "accepted a message to ana@example.net (250)"),
        (Outcome(OutcomeKind.TRANSIENT, "greylisted", 450), Verdict.WARN, "(greylisted, 450)"),
        (Outcome(OutcomeKind.UNKNOWN, "no answer"), Verdict.WARN, "gave no answer"),
        (Outcome(OutcomeKind.PERMANENT, "recipient refused", 550), Verdict.FAIL, "(recipient refused, 550)"),
        (Outcome(OutcomeKind.CHANNEL, "login refused", 535), Verdict.FAIL, "(login refused, 535)"),
    ],
)
def test_its_fate_is_told_with_the_code(outcome: Outcome, verdict: Verdict, says: str) -> None:
    sender = ScriptedSender([outcome])

    finding = send(compose(HEAD, "ana@example.net", UUID, NOW), sender)

    assert (finding.verdict, says in finding.says) == (verdict, True), finding.says
    assert finding.do
    assert (len(sender.sent), sender.closed) == (1, 1)
