"""How much one mailbox and one network may ask for in 24 hours: counts of what is stored, not of form posts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
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


def check_address(session: Session, digest: bytes, limits: Limits, now: datetime) -> None:
    """Raises TooManyToAddress. Inside a write transaction nobody else can pass at the same time."""
    mails = (
        select(func.count())
        .select_from(Delivery)
        .join(Signature, Delivery.signature_id == Signature.id)
        .where(
            Signature.email_digest == digest,
            Delivery.kind.in_([DeliveryKind.CONFIRMATION, DeliveryKind.REPEAT]),
            Delivery.created_at > now - WINDOW,
        )
    )
    if session.scalar(mails) >= limits.address:  # type: ignore[operator]  # count() is never NULL
        raise TooManyToAddress


def check_network(session: Session, digest: bytes | None, limits: Limits, now: datetime) -> None:
    """Raises TooManyFromNetwork; a connection without an address (a Unix socket) is not limited."""
    if digest is None:
        return
    signatures = (
        select(func.count())
        .select_from(Signature)
        .where(Signature.network_digest == digest, Signature.created_at > now - WINDOW)
    )
    if session.scalar(signatures) >= limits.network:  # type: ignore[operator]  # count() is never NULL
        raise TooManyFromNetwork


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
