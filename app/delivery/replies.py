"""What a mail server's answer means: whom it refuses, and when to ask again.

The codes are those of RFC 5321 and RFC 3463. What large services say of an account, at whatever step, was collected
from their documentation; it comes with the same codes as what they say of a recipient.
"""

from __future__ import annotations

import re
from datetime import timedelta

from app.delivery import ACCOUNT_REFUSED, GREYLISTED, TOO_FAST, Outcome, OutcomeKind

_OF_A_LOGIN = frozenset({530, 535, 538})
_OF_THE_ACCOUNT = re.compile(r"5\.1\.[78]|5\.4\.5|5\.7\.(?:57|60|5\d\d|7\d\d)|5\.2\.25\d")
"""Statuses of Gmail and of Exchange: a bad sender, a quota used up, no permission to send, a tenant that is blocked."""
_OF_A_MAILBOX = re.compile(r"[45]\.2\.[0-4]")
_SAYS_ACCOUNT = re.compile(
    rb"relay(?:ing)? (?:access )?(?:denied|disallowed|prohibited|not (?:permitted|allowed))|unable to relay|"
    rb"(?:not (?:permitted|allowed|authori[sz]ed)|no permissions?|not have permissions?) to (?:relay|send)|"
    rb"authentication (?:is )?required|sender address (?:is )?(?:rejected|not allowed)|from address|verified sender|"
    rb"sender (?:verify failed|not verified)|address is not verified|your (?:\w+ )?account|sandbox subdomain|"
    rb"(?:daily|hourly|sending|sender) (?:\w+ ){0,2}(?:quota|limit)",
    re.IGNORECASE,
)
_SAYS_ACCOUNT_FOR_SURE = re.compile(
    rb"storedrv\.submission|sendasdenied|sender throttled|submission quota", re.IGNORECASE
)
_SAYS_RECIPIENT = re.compile(
    rb"to (?:this|the|that) (?:mailing )?(?:list|group|recipient|address|user)|sending to this group|resolver\.rst",
    re.IGNORECASE,
)
_SAYS_TOO_FAST = re.compile(rb"\brate\b|too (?:many|fast|much)|throttl|slow down|limit|exceeded|quota", re.IGNORECASE)
_SAYS_GREYLISTED = re.compile(rb"gr[ea]y-?\s?list", re.IGNORECASE)
_GREYLISTING = frozenset({450, 451})
_ADDRESS = re.compile(rb"\S*@\S*")
_STATUS = re.compile(rb"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_LATER = re.compile(rb"\b(?:in|after|for)\s+([0-9]{1,6})\s*(sec|min|hour|s\b|m\b|h\b)", re.IGNORECASE)
_UNIT = {b"s": 1, b"m": 60, b"h": 3600}


def refused_at_once(code: int, reply: bytes, why: str) -> Outcome:
    """Before there was a recipient: a 5xx is about us, all else may change."""
    kind = OutcomeKind.CHANNEL if 500 <= code < 600 else OutcomeKind.TRANSIENT
    return Outcome(kind, why, known(code), None if kind is OutcomeKind.CHANNEL else asked_pause(reply), words(reply))


def refused_recipient(code: int, reply: bytes) -> Outcome:
    """At RCPT. Greylisting takes only some codes, and says nothing of a limit, nor of a mailbox."""
    found = refused_message(code, reply, "recipient refused")
    is_greylisted = (
        code in _GREYLISTING and found.why == "recipient refused" and not _OF_A_MAILBOX.fullmatch(status(reply))
    )
    says_so = 400 <= code < 500 and _SAYS_GREYLISTED.search(reply) is not None
    if is_greylisted or says_so:
        return Outcome(found.kind, GREYLISTED, code, found.retry_after, found.said)
    return found


def refused_message(code: int, reply: bytes, why: str = "refused") -> Outcome:
    """Once there was a recipient: a 5xx is for good where it is about this message, but not where it is about us."""
    if _is_about_us(code, reply):
        why = ACCOUNT_REFUSED
    elif 500 <= code < 600:
        return Outcome(OutcomeKind.PERMANENT, why, code, said=words(reply))
    elif 400 <= code < 500 and not _OF_A_MAILBOX.fullmatch(status(reply)) and _SAYS_TOO_FAST.search(_bare(reply)):
        why = TOO_FAST
    return Outcome(OutcomeKind.TRANSIENT, why, known(code), asked_pause(reply), words(reply))


def _is_about_us(code: int, reply: bytes) -> bool:
    number, said = status(reply), _bare(reply)
    if not 400 <= code < 600:
        return False
    if code in _OF_A_LOGIN or _OF_THE_ACCOUNT.fullmatch(number) or _SAYS_ACCOUNT_FOR_SURE.search(said):
        return True
    is_theirs = _OF_A_MAILBOX.fullmatch(number) is not None or _SAYS_RECIPIENT.search(said) is not None
    return _SAYS_ACCOUNT.search(said) is not None and not is_theirs


def _bare(reply: bytes) -> bytes:
    """Without addresses, whose parts may be words."""
    return _ADDRESS.sub(b" ", reply)


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
