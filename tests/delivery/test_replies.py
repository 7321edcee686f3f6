"""What servers answer, by the words and codes that large services use."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.delivery import ACCOUNT_REFUSED, GREYLISTED, TOO_FAST, OutcomeKind
from app.delivery.replies import refused_message, refused_recipient

ABOUT_US = {
    "Gmail's daily quota": (550, b"5.4.5 Daily user sending quota exceeded. For more information on Gmail"),
    "Exchange, no right to the address": (550, b"5.7.60 SMTP; Client does not have permissions to send as this sender"),
    "Exchange, not logged in": (530, b"5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL"),
    "Exchange, a tenant that is blocked": (550, b"5.7.705 Access denied, tenant has exceeded threshold"),
    "Exchange, a bad sender": (550, b"5.1.8 Access denied, bad outbound sender"),
    "Postfix, no relay": (554, b"5.7.1 <ana@example.org>: Relay access denied"),
    "Postfix, no relay for now": (454, b"4.7.1 <ana@example.org>: Relay access denied"),
    "Exim, no relay": (550, b"relay not permitted"),
    "Sendmail, no relay": (550, b"5.7.1 ana@example.org... Relaying denied"),
    "Postfix, another's address": (553, b"5.7.1 <b@example.org>: Sender address rejected: not owned by user redress"),
    "a login is wanted": (550, b"Authentication required"),
    "Amazon, an unknown sender": (554, b"Message rejected: Email address is not verified. The following identities"),
    "Amazon, the day's quota": (454, b"Throttling failure: Daily message quota exceeded"),
    "a suspended account": (550, b"5.7.1 Your account has been suspended for sending spam"),
    "Exchange, a sender it may not be": (
        554,
        b"5.2.252 SendAsDenied; a@example.org not allowed to send as b@example.org",
    ),
    "Exchange, the same from its store": (554, b"5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException"),
    "Exchange, throttled": (550, b"5.2.255 Sender throttled due to continuous errors"),
    "Exchange, a tenant again": (550, b"5.7.708 Service unavailable. Access denied, traffic not accepted from this IP"),
    "a bad sender address": (550, b"5.1.7 Bad sender's mailbox address syntax"),
    "Zoho, another's address": (553, b"Relaying disallowed as letters@example.org"),
    "iCloud, another's address": (550, b"From address is not one of your addresses"),
    "IONOS, another's address": (550, b"Sender address is not allowed."),
    "an unknown identity": (550, b"The from address does not match a verified Sender Identity"),
    "a trial account": (554, b"Sandbox subdomains are for test purposes only"),
    "an hourly limit": (550, b"Domain example.org has exceeded the hourly sending limit"),
}
ABOUT_A_MAILBOX = {
    "nobody there": (550, b"5.1.1 User unknown", "recipient refused"),
    "too large": (552, b"5.3.4 Message size limit exceeded", "recipient refused"),
    "spam": (554, b"5.7.1 Message rejected as spam", "recipient refused"),
    "over quota": (552, b"5.2.2 user over quota; daily limit reached", "recipient refused"),
    "a list for its members": (
        550,
        b"5.7.1 You are not allowed to send mail to this list",
        "recipient refused",
    ),
    "a group": (
        550,
        b"5.7.133 RESOLVER.RST.NotAuthenticated; authentication required",
        "recipient refused",
    ),
    "no route": (550, b"Unrouteable address", "recipient refused"),
    "an account that is closed": (
        550,
        b"5.2.1 The email account that you tried to reach is disabled",
        "recipient refused",
    ),
}


@pytest.mark.parametrize(("code", "reply"), ABOUT_US.values(), ids=ABOUT_US)
def test_what_a_server_says_of_our_account_is_not_for_good(code: int, reply: bytes) -> None:
    for found in (refused_recipient(code, reply), refused_message(code, reply)):
        assert (found.kind, found.why, found.code) == (OutcomeKind.TRANSIENT, ACCOUNT_REFUSED, code)


@pytest.mark.parametrize(("code", "reply", "why"), ABOUT_A_MAILBOX.values(), ids=ABOUT_A_MAILBOX)
def test_what_it_says_of_a_mailbox_or_of_the_message_is(code: int, reply: bytes, why: str) -> None:
    found = refused_recipient(code, reply)
    assert (found.kind, found.why, found.code) == (OutcomeKind.PERMANENT, why, code)


@pytest.mark.parametrize(
    ("code", "reply", "why"),
    [
        (450, b"4.2.0 Greylisted, try again in 300 seconds", GREYLISTED),
        (451, b"4.7.1 please come back later", GREYLISTED),
        (450, b"4.7.1 <unlimited@office.example>: Greylisted", GREYLISTED),
        (450, b"4.2.1 The user is receiving mail at a rate that prevents more", "recipient refused"),
        (450, b"4.7.1 too many messages, slow down", TOO_FAST),
        (451, b"4.7.0 rate limited", TOO_FAST),
        (421, b"4.7.28 unusual rate of mail", TOO_FAST),
        (452, b"4.2.2 mailbox full, quota exceeded", "recipient refused"),
        (451, b"4.3.0 local error", GREYLISTED),
    ],
)
def test_a_limit_is_not_greylisting(code: int, reply: bytes, why: str) -> None:
    found = refused_recipient(code, reply)
    assert (found.kind, found.why) == (OutcomeKind.TRANSIENT, why)


def test_a_limit_tells_its_pause() -> None:
    assert refused_message(450, b"4.7.1 too many messages, try again in 5 minutes").retry_after == timedelta(minutes=5)
