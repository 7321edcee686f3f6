"""How much one mailbox and one network may ask for in 24 hours: counts of what is stored, not of form posts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from app.models import Delivery, DeliveryKind, DeliveryState, LimitEvent, Signature

WINDOW = timedelta(hours=24)


WIDER = {56: 4, 48: 16}
"""How many times as much an IPv6 network of so many bits may ask for as a /64: providers give each customer one of
these, so that whoever has one has up to 65,536 of the others. Still wider ones are a provider's, with thousands of
homes or telephones behind them.
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """`address`: confirmation mails to one mailbox. `network`: signatures from one IPv4 address or IPv6 /64."""

    address: int
    network: int


@dataclass(frozen=True, slots=True)
class Network:
    """Where a request comes from: the digest of its IPv4 address or IPv6 /64, and those of the `wider` ones around a
    /64, by their bits. None without an address (a Unix socket).
    """

    digest: bytes | None
    wider: Mapping[int, bytes] = field(default_factory=dict)

    @property
    def widest(self) -> bytes | None:
        """The widest of them, for what no home has to do often."""
        return self.wider[min(self.wider)] if self.wider else self.digest


WRONG_TRIES = 5
"""How often in 24 hours one network may enter a wrong e-mail address to withdraw or erase one signature."""

WRONG_TRIES_OF_ALL = 20
"""How often all networks together may; the address is masked on the receipt, and few guesses might do."""


class TooManyTries(Exception):
    """Nobody may try this again today."""


class TooManyFromNetwork(Exception):
    """This network has signed as often as it may in a day."""


# Made once: to build such a statement takes longer than to run it.
_OF_THE_DAY = (
    select(func.count())
    .select_from(Delivery)
    .join(Signature, Delivery.signature_id == Signature.id)
    .where(
        Signature.email_digest == bindparam("mailbox"),
        Delivery.state != DeliveryState.CANCELLED,
        Delivery.created_at > bindparam("since"),
    )
)
MAILS = _OF_THE_DAY.where(
    Delivery.kind == DeliveryKind.CONFIRMATION, Signature.confirmed_at.is_(None)
).scalar_subquery()
"""How many mails to confirm were made for this mailbox since then, but for those that never go, and those whose button
was pressed: they were wanted. So each leads to what waits."""
REPEATS = _OF_THE_DAY.where(Delivery.kind == DeliveryKind.REPEAT).scalar_subquery()
"""How many that say that somebody has written already; they have no link, so they count apart."""
MOST_REPEATS = 1
"""A mailbox is told so once a day."""
SIGNATURES = (
    select(func.count())
    .select_from(Signature)
    .where(Signature.network_digest == bindparam("network"), Signature.created_at > bindparam("since"))
    .scalar_subquery()
)
"""How many signatures came from this network since then; none from a connection without an address (a Unix socket)."""
_MAILS_ALONE = select(MAILS, REPEATS)


def has_room(mails: int, repeats: int, limits: Limits, *, is_repeat: bool) -> bool:
    """Whether one more of the kind may go to a mailbox that was sent so many in 24 hours."""
    return repeats < MOST_REPEATS if is_repeat else mails < limits.address


def mails_to(session: Session, mailbox: bytes | None, now: datetime) -> tuple[int, int]:
    """How many mails to confirm, and how many repeats, were made for this mailbox in 24 hours."""
    mails, repeats = session.execute(_MAILS_ALONE, {"mailbox": mailbox, "since": now - WINDOW}).one()
    return mails, repeats


def check_wider(session: Session, kind: str, network: Network, most: int, now: datetime) -> None:
    """Raises TooManyTries where a network around this /64 has done so its share of times in 24 hours; counts it."""
    for bits, digest in network.wider.items():
        check_tries(session, f"{kind} /{bits}", digest, most * WIDER[bits], now)
    for bits, digest in network.wider.items():
        note_try(session, f"{kind} /{bits}", digest, now)


def check_tries(session: Session, kind: str, digest: bytes, most: int, now: datetime) -> None:
    """Raises TooManyTries when it was tried in vain `most` times in 24 hours."""
    tries = (
        select(func.count())
        .select_from(LimitEvent)
        .where(LimitEvent.kind == kind, LimitEvent.digest == digest, LimitEvent.at > now - WINDOW)
    )
    if session.scalar(tries) >= most:  # type: ignore[operator]  # count() is never NULL
        raise TooManyTries


def note_try(session: Session, kind: str, digest: bytes, now: datetime) -> None:
    """Count one try in vain."""
    session.add(LimitEvent(kind=kind, digest=digest, at=now))
