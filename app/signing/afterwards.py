"""What a signer can do once the letters are confirmed: report, stop the reminder, withdraw, erase.

Verbs take the session and `now`; they flush, the caller commits with `writing(session)`.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery import outbox
from app.models import Delivery, DeliveryKind, DeliveryState, Letter, Signature, SignatureState
from app.signing import find_mailed, set_aside
from app.signing.limits import WRONG_TRIES, WRONG_TRIES_OF_ALL, check_tries, note_try
from app.signing.retention import let_go
from app.signing.tokens import canonical_email, wire_email

_OF_LETTERS, _FROM_NETWORK = "owner", "owner from network"
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


def is_owner(session: Session, token: str, email: str, network: bytes | None, now: datetime) -> bool:
    """Whether this is the signer's address; a try in vain is counted, so the caller commits.

    Raises NoSuchSignature, TooManyTries. Whoever found the address of a receipt shall neither take away somebody else's
    letters nor, by trying in vain, keep their owner from it: one network's tries count apart from those of all.
    """
    signature = find_mailed(session, token)
    here = hashlib.sha256(signature.mail_hash + (network or b"")).digest()
    check_tries(session, _FROM_NETWORK, here, WRONG_TRIES, now)
    check_tries(session, _OF_LETTERS, signature.mail_hash, WRONG_TRIES_OF_ALL, now)
    mine, typed = (canonical_email(address).encode() for address in (signature.email or "", wire_email(email)))
    if signature.email and hmac.compare_digest(mine, typed):
        return True
    note_try(session, _FROM_NETWORK, here, now)
    note_try(session, _OF_LETTERS, signature.mail_hash, now)
    return False


def withdraw(session: Session, token: str, now: datetime) -> Signature:
    """Cancel everything of this person in the campaign that has not gone. Raises NoSuchSignature."""
    signature = find_mailed(session, token)
    for one in _of_the_person(session, signature):
        if one.campaign_id == signature.campaign_id and can_be_withdrawn(one):
            set_aside(session, one, now, outbox.WITHDRAWN)
    return signature


def erase(session: Session, token: str, now: datetime) -> Signature:
    """Delete everything personal of this person, in every campaign, and cancel what has not gone.

    What they signed twice, or left unconfirmed, would else stay without a link that leads to it. Raises
    NoSuchSignature.
    """
    signature = find_mailed(session, token)
    for one in _of_the_person(session, signature):
        if one.erased_at is None:
            let_go(session, one, SignatureState.ERASED, now)
    return signature


def _of_the_person(session: Session, signature: Signature) -> list[Signature]:
    """This signature, and all others that the same name and mailbox left."""
    same = select(Signature).where(Signature.person_digest == signature.person_digest, Signature.id != signature.id)
    return [signature, *(session.scalars(same) if signature.person_digest else ())]


def _cancel_reminder(session: Session, signature: Signature, now: datetime) -> None:
    outbox.cancel(session, [d for d in signature.deliveries if d.kind is DeliveryKind.REMINDER], now, "not needed")
