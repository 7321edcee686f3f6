"""How much one mailbox and one network may ask for in 24 hours: counts of what is stored, not of form posts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from app.models import Delivery, DeliveryKind, LimitEvent, Signature

WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Limits:
    """`address`: confirmation mails to one mailbox. `network`: signatures from one IPv4 address or IPv6 /64."""

    address: int
    network: int


WRONG_TRIES = 5
"""How often in 24 hours one network may enter a wrong e-mail address to withdraw or erase one signature."""

WRONG_TRIES_OF_ALL = 20
"""How often all networks together may; the address is masked on the receipt, and few guesses might do."""


class TooManyTries(Exception):
    """Nobody may try this again today."""


class TooManyToAddress(Exception):
    """This mailbox has been sent as many confirmation mails as it may be in a day."""


class TooManyFromNetwork(Exception):
    """This network has signed as often as it may in a day."""


# Made once: to build such a statement takes longer than to run it.
MAILS = (
    select(func.count())
    .select_from(Delivery)
    .join(Signature, Delivery.signature_id == Signature.id)
    .where(
        Signature.email_digest == bindparam("mailbox"),
        or_(Delivery.kind == DeliveryKind.CONFIRMATION, Delivery.kind == DeliveryKind.REPEAT),
        Delivery.created_at > bindparam("since"),
    )
    .scalar_subquery()
)
"""How many confirmation mails were made for this mailbox since then."""
SIGNATURES = (
    select(func.count())
    .select_from(Signature)
    .where(Signature.network_digest == bindparam("network"), Signature.created_at > bindparam("since"))
    .scalar_subquery()
)
"""How many signatures came from this network since then; none from a connection without an address (a Unix socket)."""
_MAILS_ALONE = select(MAILS)


def check(mails: int, signatures: int, limits: Limits) -> None:
    """Raises TooManyToAddress, TooManyFromNetwork. Counted in a write transaction, nobody else can pass meanwhile."""
    if mails >= limits.address:
        raise TooManyToAddress
    if signatures >= limits.network:
        raise TooManyFromNetwork


def check_address(session: Session, digest: bytes, limits: Limits, now: datetime) -> None:
    """Raises TooManyToAddress."""
    mails = session.scalars(_MAILS_ALONE, {"mailbox": digest, "since": now - WINDOW}).one()
    check(mails, 0, limits)


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
