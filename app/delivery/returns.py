"""What follows when something comes back to the envelope sender of a delivery: it has bounced, waits, or is answered.

The same message twice is one: it is read again when its reader was stopped in between. A mail that is made here can
come back itself; then only its own row moves, and nobody is written to.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, defer

from app.db import writing
from app.delivery import dead, outbox, spoken
from app.delivery.answers import Answer
from app.delivery.bounces import Bounce, Delay, Nothing
from app.delivery.mails import Composer, Correspondent
from app.models import (
    Delivery,
    DeliveryEvent,
    DeliveryKind,
    DeliveryState,
    LimitEvent,
    Signature,
    SignatureState,
)

S = DeliveryState
MOST_ANSWERS = 3
"""So many are passed on of each letter: two machines that answer each other do not stop by themselves."""
_MOST_DELAYS = 3
_OFFICE_IS_DEAD = 2
"""After so many letters came back within a day; a signer's address after one mail: nobody else would miss it."""
_DAY = timedelta(hours=24)
_LIMIT = "bounce"
_BATCH = 100
_NAMESPACE = uuid.UUID("5f0d3a52-6f0f-4c43-9a43-0c6f5d1d2a77")
_PROVES_ACCEPTANCE = frozenset({S.ACCEPTED, S.PARKED})


class StillInHand(Exception):
    """The worker has not yet written down what came of sending it: ask again in a few minutes."""


class Taken(StrEnum):
    """What came of a message, as the end of a sentence."""

    BOUNCED = "it came back"
    OVER = "it came back; nothing follows, since that is known, or it is not out"
    DELAYED = "its recipient's mail server has not taken it yet and goes on trying"
    PASSED_ON = "an answer, which its signer gets"
    NO_LETTER = "an answer to a mail that was no letter; nobody gets it"
    NOBODY_THERE = "an answer, but its signer is gone, or their own address is dead; nobody gets it"
    EMPTY = "an answer without words; nobody gets it"
    ANSWERED = f"an answer that its signer has, or one more than {MOST_ANSWERS}; nobody gets it"
    UNKNOWN = "a delivery of which this database knows nothing"
    NOTHING = "nothing that changes anything"


@dataclass(frozen=True, slots=True)
class Means:
    """What is written with, and how addresses are kept that are dead."""

    composer: Composer
    digest: dead.Digest


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a message, for which delivery; `handed_over` letters of others went to their signers with it."""

    taken: Taken
    delivery_id: int | None = None
    handed_over: int = 0


def receive(
    session: Session, sent_as: str, tells: Bounce | Delay | Answer | Nothing, means: Means, now: datetime
) -> Result:
    """Do what follows from a message about the delivery with the uuid `sent_as`. Owns its transactions.

    Raises StillInHand, DatabaseUnavailable; then, or when it is stopped, it can be done again.
    """
    with writing(session):
        delivery = session.scalars(select(Delivery).where(Delivery.uuid == sent_as)).one_or_none()
        if delivery is None:
            return Result(Taken.UNKNOWN)
        taken = _take(session, delivery, tells, means, now)
        identifier, office = delivery.id, _dead_office(session, delivery, means) if isinstance(tells, Bounce) else None
    return Result(taken, identifier, _hand_over(session, office, now) if office else 0)


def _take(
    session: Session, delivery: Delivery, tells: Bounce | Delay | Answer | Nothing, means: Means, now: datetime
) -> Taken:
    if isinstance(tells, Bounce):
        return _bounced(session, delivery, tells, means, now)
    if isinstance(tells, Delay):
        return _delayed(session, delivery, tells, now)
    if isinstance(tells, Answer):
        return _answered(session, delivery, tells, means, now)
    return Taken.NOTHING


def _bounced(session: Session, delivery: Delivery, bounce: Bounce, means: Means, now: datetime) -> Taken:
    if delivery.state is S.SENDING:
        raise StillInHand
    if delivery.state not in _PROVES_ACCEPTANCE:
        # One of unknown fate that waits to be sent once more comes back once more, too.
        return Taken.OVER
    said = _nameless(delivery, bounce.said)
    outbox.bounce(session, delivery, now, bounce.code, said)
    is_ours = bounce.about == (delivery.recipient or "").lower()  # else an alias's, which may lead to others, too
    if bounce.is_dead and is_ours and delivery.recipient and delivery.signature is not None:
        if delivery.letter is None:
            _bury_signer(session, delivery.signature, delivery.recipient, means, now)
        else:
            _count_office(session, delivery, said, means, now)
    return Taken.BOUNCED


def _bury_signer(session: Session, signature: Signature, address: str, means: Means, now: datetime) -> None:
    """Cancel all mails to that address, of whichever campaign; letters go on."""
    dead.bury(session, means.digest(address), now)
    same = select(Signature).where(Signature.email_digest == signature.email_digest, Signature.erased_at.is_(None))
    for one in session.scalars(same) if signature.email_digest else [signature]:
        if (one.email or "").casefold() == address.casefold():
            for mail in one.deliveries:
                if mail.letter_id is None and mail.state in {S.HELD, S.QUEUED}:
                    outbox.give_up(session, mail, now)


def _count_office(session: Session, letter: Delivery, said: str, means: Means, now: datetime) -> None:
    """After the second letter in a day the address is dead, and the organisation is told; once."""
    address = letter.recipient or ""
    digest = means.digest(address)
    session.add(LimitEvent(kind=_LIMIT, digest=digest, at=now))
    session.flush()
    counted = select(func.count()).where(
        LimitEvent.kind == _LIMIT, LimitEvent.digest == digest, LimitEvent.at > now - _DAY
    )
    if (session.scalar(counted) or 0) < _OFFICE_IS_DEAD or letter.letter is None:
        return
    since = dead.bury(session, digest, now)
    identifier = str(uuid.uuid5(_NAMESPACE, f"dead {digest.hex()} {since.isoformat()}"))
    mail = means.composer.office_dead(identifier, letter.letter.recipient, address, said, now)
    outbox.queue_report(session, mail, now)


def _dead_office(session: Session, delivery: Delivery, means: Means) -> str | None:
    """The letter's address, if it is dead: asked of each letter that comes back, to finish what was stopped before."""
    address = delivery.recipient
    if delivery.letter_id is None or not address or not dead.is_dead(session, means.digest(address)):
        return None
    return address


def _hand_over(session: Session, address: str, now: datetime) -> int:
    """Give the letters that wait for a dead address to their signers, some at a time: others want to write, too."""
    waiting = (
        select(Delivery)
        .where(
            text("state = 'queued'"),  # in the text, so that SQLite sees that the partial index fits
            Delivery.kind == DeliveryKind.LETTER,
            func.lower(Delivery.recipient) == address.lower(),
        )
        .options(defer(Delivery.mail))
        .limit(_BATCH)
    )
    count = 0
    while True:
        with writing(session):
            found = session.scalars(waiting).all()
            for delivery in found:
                outbox.give_up(session, delivery, now)
        count += len(found)
        if len(found) < _BATCH:
            return count


def _delayed(session: Session, delivery: Delivery, delay: Delay, now: datetime) -> Taken:
    said = _nameless(delivery, delay.said)
    told = [event for event in delivery.events if event.why == outbox.DELAYED]
    if delivery.state not in _PROVES_ACCEPTANCE or len(told) >= _MOST_DELAYS:
        return Taken.NOTHING
    if all((event.code, event.said or "") != (delay.code, said) for event in told):
        outbox.note(session, delivery, now, outbox.DELAYED, delay.code, said)
    return Taken.DELAYED


def _answered(session: Session, delivery: Delivery, answer: Answer, means: Means, now: datetime) -> Taken:
    if delivery.letter is None or delivery.signature is None:
        return Taken.NO_LETTER
    if not answer.says_something:
        return Taken.EMPTY
    if not _can_be_told(session, delivery.signature, means):
        return Taken.NOBODY_THERE
    words = hashlib.sha256((answer.text or answer.subject).encode("utf-8", "replace")).hexdigest()
    identifier = str(uuid.uuid5(_NAMESPACE, f"answer {delivery.uuid} {words}"))
    if _answers(session, delivery) >= MOST_ANSWERS or _is_there(session, identifier):
        return Taken.ANSWERED
    signature = delivery.signature
    to = Correspondent("", signature.email or "", signature.language)
    office = delivery.letter.recipient
    mail = means.composer.answer(identifier, to, office, answer, now)
    outbox.note(session, delivery, now, outbox.ANSWERED)
    outbox.queue(session, signature, outbox.queued(DeliveryKind.ANSWER, mail, now), now)
    return Taken.PASSED_ON


def _can_be_told(session: Session, signature: Signature, means: Means) -> bool:
    stands = signature.state is SignatureState.CONFIRMED and signature.erased_at is None
    return stands and bool(signature.email) and not dead.is_dead(session, means.digest(signature.email or ""))


def _answers(session: Session, delivery: Delivery) -> int:
    counted = select(func.count()).where(DeliveryEvent.delivery_id == delivery.id, DeliveryEvent.why == outbox.ANSWERED)
    return session.scalar(counted) or 0


def _is_there(session: Session, identifier: str) -> bool:
    return session.scalar(select(Delivery.id).where(Delivery.uuid == identifier)) is not None


def _nameless(delivery: Delivery, said: str) -> str:
    """A server's words without addresses and names; nothing of somebody who was erased."""
    signature, address = delivery.signature, delivery.recipient or ""
    if signature is not None and signature.erased_at is not None:
        return ""
    names = [address, address.rpartition("@")[0]]
    if signature is not None:
        names.append(f"{signature.given_name or ''} {signature.family_name or ''}".strip())
    return spoken(said.encode("utf-8", "replace"), *(name for name in names if len(name) > 2))
