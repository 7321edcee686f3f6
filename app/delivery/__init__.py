"""Ways out: the Channel port, and what one attempt to hand a message over can come to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from app.legislators import Legislator


def N_(message: str) -> str:  # noqa: N802 — the name by which gettext's tools find what is translated later
    """A message for gettext that is translated where it is shown."""
    return message


HANDOFF = "handoff"
"""Name of the channel by which a letter goes that mail could not bring."""


class Channel(Protocol):
    """A way for a letter to reach an office. Adapters are listed by the composition root, best first."""

    @property
    def name(self) -> str:
        """Kept with each delivery; at most 20 characters."""

    @property
    def promise(self) -> str:
        """The sentence that says beforehand how a letter goes; a gettext message."""

    @property
    def by_signer(self) -> bool:
        """Whether the signer delivers the letter, with what we prepare; else we send it."""

    def address(self, legislator: Legislator) -> str | None:
        """Where the letter to this member goes, or None where the channel does not reach the office."""


@dataclass(frozen=True, slots=True)
class Way:
    """How one letter goes: the channel, and where that takes it."""

    channel: Channel
    address: str


def way_to(legislator: Legislator, channels: Sequence[Channel]) -> Way:
    """The best way to this member's office. The last channel must reach every office."""
    for channel in channels[:-1]:
        address = channel.address(legislator)
        if address is not None:
            return Way(channel, address)
    return Way(channels[-1], channels[-1].address(legislator) or "")


class OutcomeKind(StrEnum):
    """What an attempt came to.

    accepted: the server took responsibility. transient: it did not, and may later. permanent: it never will.
    unknown: the connection broke when the server may already have accepted. channel: it takes nothing from us at all,
    whatever the message; that uses up no attempt.
    """

    ACCEPTED = "accepted"
    TRANSIENT = "transient"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"
    CHANNEL = "channel"


NO_CONNECTION, LOGIN_REFUSED, SENDER_REFUSED = "no connection", "login refused", "sender refused"
"""Why an attempt failed before it came to the recipient: then the next message fares no better."""
ACCOUNT_REFUSED, TOO_FAST, GREYLISTED = "account refused", "too fast", "greylisted"
"""Why one failed at the recipient or later, though not for good: our account has no right or no quota left, too many
messages came at once, or each has to knock twice."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt's result. `why` is a word of ours, `code` the server's reply code, `said` its words, as `spoken`."""

    kind: OutcomeKind
    why: str
    code: int | None = None
    retry_after: timedelta | None = None
    """The pause that the server itself asked for."""
    said: str = field(default="", compare=False)


_SPOKEN = 200
_ADDRESSED = re.compile(r"\S*@\S*|[\x00-\x1f\x7f-\x9f]+")


def spoken(reply: bytes, *secret: str) -> str:
    """A server's words for people: one short line without what looks like an address, or is one of `secret`."""
    text = reply.decode("utf-8", "replace")
    for word in sorted(filter(None, secret), key=len, reverse=True):
        is_short = len(word) < 6 and word.isalnum()  # a Cat shall not be seen in "authentication"
        sought = rf"(?<![^\W_]){re.escape(word)}(?![^\W_])" if is_short else re.escape(word)
        text = re.sub(sought, "…", text, flags=re.IGNORECASE)
    return " ".join(_ADDRESSED.sub(" … ", text).split())[:_SPOKEN]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as it goes over the wire: envelope and the exact bytes (CRLF line ends)."""

    sender: str
    recipient: str
    mail: bytes


class Sender(Protocol):
    """Hands messages to the mail server, keeping a connection open between them."""

    def send(self, message: Outgoing) -> Outcome:
        """One attempt. Never raises for what a server or the network does."""

    def close(self) -> None:
        """End the connection, quietly."""
