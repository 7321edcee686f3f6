"""What a mail server's answer means: whom it refuses, and when to ask again.

The codes are those of RFC 5321 and RFC 3463. What large services say of an account, at whatever step, was collected
from their documentation; it comes with the same codes as what they say of a recipient.
"""

from __future__ import annotations

import re
from datetime import timedelta

from app.delivery import ACCOUNT_REFUSED, GREYLISTED, TOO_FAST, Outcome, OutcomeKind

_OF_A_LOGIN = frozenset({530, 535, 538})
_OF_THE_ACCOUNT = frozenset(
    {"5.1.8", "5.4.5", "5.7.57", "5.7.60", "5.7.501", "5.7.502", "5.7.503", "5.7.705", "5.7.750"}
)
"""Statuses of Gmail and of Exchange: a bad sender, a quota used up, no permission to send, a tenant that is blocked."""
_SAYS_ACCOUNT = re.compile(
    rb"relay(?:ing)? (?:access )?(?:denied|prohibited|not (?:permitted|allowed))|unable to relay|"
    rb"(?:not (?:permitted|allowed|authori[sz]ed)|no permissions?|not have permissions?) to (?:relay|send)|"
    rb"authentication (?:is )?required|sender address rejected|sender (?:verify failed|not verified)|"
    rb"address is not verified|your (?:\w+ )?account|"
    rb"(?:daily|hourly|sending|sender) (?:\w+ ){0,2}(?:quota|limit)",
    re.IGNORECASE,
)
_SAYS_TOO_FAST = re.compile(rb"\brate\b|too (?:many|fast|much)|throttl|slow down|limit|exceeded|quota", re.IGNORECASE)
_OF_A_MAILBOX = ("4.2.", "5.2.")
_GREYLISTING = frozenset({450, 451})
_STATUS = re.compile(rb"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_LATER = re.compile(rb"\b(?:in|after|for)\s+([0-9]{1,6})\s*(sec|min|hour|s\b|m\b|h\b)", re.IGNORECASE)
_UNIT = {b"s": 1, b"m": 60, b"h": 3600}


def refused_at_once(code: int, reply: bytes, why: str) -> Outcome:
    """Before there was a recipient: a 5xx is about us, all else may change."""
    kind = OutcomeKind.CHANNEL if 500 <= code < 600 else OutcomeKind.TRANSIENT
    return Outcome(kind, why, known(code), None if kind is OutcomeKind.CHANNEL else asked_pause(reply), words(reply))


def refused_recipient(code: int, reply: bytes) -> Outcome:
    """At RCPT. Greylisting takes only some codes, and says nothing of a limit."""
    found = refused_message(code, reply, "recipient refused")
    is_greylisted = code in _GREYLISTING and found.why == "recipient refused"
    return Outcome(found.kind, GREYLISTED, code, found.retry_after, found.said) if is_greylisted else found


def refused_message(code: int, reply: bytes, why: str = "refused") -> Outcome:
    """Once there was a recipient: a 5xx is for good where it is about this message, but not where it is about us."""
    is_of_a_mailbox = status(reply).startswith(_OF_A_MAILBOX)
    says_account = _SAYS_ACCOUNT.search(reply) is not None and not is_of_a_mailbox
    if code in _OF_A_LOGIN or status(reply) in _OF_THE_ACCOUNT or (says_account and 400 <= code < 600):
        why = ACCOUNT_REFUSED
    elif 500 <= code < 600:
        return Outcome(OutcomeKind.PERMANENT, why, code, said=words(reply))
    elif 400 <= code < 500 and not is_of_a_mailbox and _SAYS_TOO_FAST.search(reply):
        why = TOO_FAST
    return Outcome(OutcomeKind.TRANSIENT, why, known(code), asked_pause(reply), words(reply))


def status(reply: bytes | str) -> str:
    """The enhanced status in an answer, such as 5.1.1; or nothing."""
    found = _STATUS.search(reply if isinstance(reply, bytes) else reply.encode("utf-8", "replace"))
    return found[1].decode() if found else ""


def words(reply: bytes) -> str:
    """An answer as text."""
    return reply.decode("utf-8", "replace")


def known(code: int) -> int | None:
    """A reply code; None for what smtplib makes of an answer that has none."""
    return code if 200 <= code < 600 else None


def asked_pause(reply: bytes) -> timedelta | None:
    """The pause in an answer like "greylisted, try again in 300 seconds"."""
    match = _LATER.search(reply)
    if match is None:
        return None
    return timedelta(seconds=int(match[1]) * _UNIT[match[2][:1].lower()])
