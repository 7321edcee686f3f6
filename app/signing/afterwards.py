"""What a signer can do once the letters are confirmed: report, stop the reminder, withdraw, erase.

Verbs take the session and `now`; they flush, the caller commits with `writing(session)`.
"""

from __future__ import annotations

import hmac
from datetime import datetime

from sqlalchemy.orm import Session

from app.delivery import outbox
from app.models import Delivery, DeliveryKind, DeliveryState, Letter, Signature, SignatureState
from app.signing import find_mailed, set_aside
from app.signing.limits import check_tries, note_try
from app.signing.retention import let_go
from app.signing.tokens import canonical_email

_TRY = "owner"
BY_HAND = frozenset({DeliveryState.OFFERED, DeliveryState.STUCK, DeliveryState.REPORTED})


class NoSuchLetter(Exception):
    """The signature has no letter at this position."""


class NotByHand(Exception):
    """The letter is not its signer's to deliver: it goes by mail, or was withdrawn."""


def letter_at(signature: Signature, position: int) -> Letter:
    """The letter at this position, counted from 1. Raises NoSuchLetter."""
    for letter in signature.letters:
        if letter.position == position:
            return letter
    raise NoSuchLetter


def by_hand(letter: Letter) -> Delivery | None:
    """Its delivery by the signer's hand, when there is one that stands."""
    return next((delivery for delivery in letter.deliveries if delivery.state in BY_HAND), None)


def waiting(signature: Signature) -> list[Letter]:
    """The letters that wait for their signer, those first whose form has not failed."""
    found = [(letter, by_hand(letter)) for letter in signature.letters]
    offered = [letter for letter, delivery in found if delivery and delivery.state is DeliveryState.OFFERED]
    stuck = [letter for letter, delivery in found if delivery and delivery.state is DeliveryState.STUCK]
    return offered + stuck


def report(session: Session, token: str, position: int, now: datetime, *, worked: bool) -> Signature:
    """Note what the signer says of a letter that they deliver; no reminder is needed any more.

    Raises NoSuchSignature, NoSuchLetter, NotByHand.
    """
    signature = find_mailed(session, token)
    delivery = by_hand(letter_at(signature, position))
    if delivery is None or (delivery.state is DeliveryState.REPORTED and not worked):
        raise NotByHand
    outbox.report(session, delivery, now, worked=worked)
    _cancel_reminder(session, signature, now)
    return signature


def stop_reminder(session: Session, token: str, now: datetime) -> Signature:
    """Send no reminder. Raises NoSuchSignature."""
    signature = find_mailed(session, token)
    _cancel_reminder(session, signature, now)
    return signature


def reminder(signature: Signature) -> Delivery | None:
    """The reminder that was planned for this signature."""
    return next((delivery for delivery in signature.deliveries if delivery.kind is DeliveryKind.REMINDER), None)


def can_be_withdrawn(signature: Signature) -> bool:
    """Whether anything of it has not gone yet."""
    stands = signature.state in {SignatureState.PENDING, SignatureState.CONFIRMED}
    return stands and any(
        outbox.can_be_cancelled(delivery) for letter in signature.letters for delivery in letter.deliveries
    )


def is_owner(session: Session, token: str, email: str, now: datetime) -> bool:
    """Whether this is the signer's address; a try in vain is counted, so the caller commits. Raises TooManyTries.

    Raises NoSuchSignature. Whoever found the address of a receipt shall not take away somebody else's letters.
    """
    signature = find_mailed(session, token)
    check_tries(session, _TRY, signature.mail_hash, now)
    mine, typed = (canonical_email(address).encode() for address in (signature.email or "", email))
    if signature.email and hmac.compare_digest(mine, typed):
        return True
    note_try(session, _TRY, signature.mail_hash, now)
    return False


def withdraw(session: Session, token: str, now: datetime) -> Signature:
    """Cancel everything that has not gone. Raises NoSuchSignature."""
    signature = find_mailed(session, token)
    if can_be_withdrawn(signature):
        set_aside(session, signature, now, "withdrawn")
    return signature


def erase(session: Session, token: str, now: datetime) -> Signature:
    """Delete everything personal, and cancel what has not gone. Raises NoSuchSignature."""
    signature = find_mailed(session, token)
    if signature.erased_at is None:
        let_go(session, signature, SignatureState.ERASED, now)
    return signature


def _cancel_reminder(session: Session, signature: Signature, now: datetime) -> None:
    outbox.cancel(session, [d for d in signature.deliveries if d.kind is DeliveryKind.REMINDER], now, "not needed")
