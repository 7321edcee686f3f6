"""What is kept, and how long: the one place that deletes what people entered.

A signature whose days are over keeps its state, its times, its district, its language and the seats that it wrote to;
nothing by which the person could be told. The days come from the settings; every page and mail says the same ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, or_, select, update
from sqlalchemy.orm import Session, object_session

from app.clock import doubt
from app.db import truncate_journal, writing
from app.delivery import outbox
from app.models import Consent, Delivery, DeliveryKind, LimitEvent, Signature, SignatureState
from app.signing.tokens import canonical_email, wire_email

DIGESTS = timedelta(hours=48)
"""Digests of networks, and those of the mailboxes of people who are erased: they only serve to limit misuse."""

PROOF = timedelta(days=2 * 365)
"""Proof of consent: the sentence and when it was agreed to."""

UNCOUNTED = frozenset({DeliveryKind.REMINDER, DeliveryKind.NOTICE, DeliveryKind.ANSWER})
"""Mails that prolong nothing: "90 days after your last letter has gone" is meant as it is said."""

_BATCH = 50


@dataclass(frozen=True, slots=True)
class Keep:
    """How long a signature waits for its confirmation, and its letters are kept after the last delivery has ended."""

    pending: timedelta
    letters: timedelta


def has_expired(signature: Signature, keep: Keep, now: datetime) -> bool:
    """Whether it waited too long for its confirmation, though perhaps nobody has deleted it yet.

    Nothing has expired while the clock cannot be right.
    """
    if signature.state is not SignatureState.PENDING or signature.created_at > now - keep.pending:
        return False
    session = object_session(signature)
    return session is None or doubt(session, now) is None


def let_go(session: Session, signature: Signature, state: SignatureState, now: datetime) -> None:
    """Cancel what has not gone, and blank everything personal. What an office has taken it keeps."""
    outbox.cancel(session, signature.deliveries, now, state.value)
    signature.state = state
    signature.erased_at = now
    for column in (
        "prefix",
        "given_name",
        "family_name",
        "address_line1",
        "address_line2",
        "city",
        "region",
        "postal_code",
        "email",
        "phone",
        "own_words",
        "changes",
        "origin",
    ):
        setattr(signature, column, None)
    for letter in signature.letters:
        letter.subject = letter.opening = letter.body = None
    for delivery in signature.deliveries:
        delivery.sender = delivery.recipient = delivery.mail = None
        for event in delivery.events:
            event.said = None
    session.flush()


def signatures_of(session: Session, email: str) -> list[Signature]:
    """All signatures of a mailbox that still hold something. Compares the addresses, not their digests: those are
    made with the site's secret, which may have been changed.
    """
    wanted = canonical_email(wire_email(email))
    kept = select(Signature.id, Signature.email).where(Signature.erased_at.is_(None), Signature.email.is_not(None))
    found = [row.id for row in session.execute(kept).yield_per(1000) if canonical_email(row.email) == wanted]
    return [session.get_one(Signature, identifier) for identifier in found]


def purge(session: Session, keep: Keep, now: datetime, wait: Callable[[float], bool]) -> int:
    """Delete everything whose days are over; how many signatures that were. `wait(0)` says whether to stop.

    Owns its transactions, each of a few rows: one that is interrupted goes on next time, and nobody waits for it long.
    """
    gone = 0
    for state, over in _overdue(keep, now):
        while not wait(0):
            with writing(session):
                found = session.scalars(select(Signature).where(over).limit(_BATCH)).all()
                for signature in found:
                    let_go(session, signature, state, now)
            gone += len(found)
            if len(found) < _BATCH:
                break
    with writing(session):
        _drop_digests(session, now)
    truncate_journal(session)
    return gone


def _overdue(keep: Keep, now: datetime) -> list[tuple[SignatureState, ColumnElement[bool]]]:
    """What waited too long, what was set aside before it was confirmed, and what ended long ago."""
    kept = Signature.erased_at.is_(None)
    old = kept & (Signature.created_at <= now - keep.pending)
    unended = exists().where(
        Delivery.signature_id == Signature.id,
        Delivery.kind.not_in(UNCOUNTED),
        or_(Delivery.ended_at.is_(None), Delivery.ended_at > now - keep.letters),
    )
    return [
        (SignatureState.EXPIRED, old & (Signature.state == SignatureState.PENDING)),
        (
            SignatureState.ERASED,
            old & (Signature.state == SignatureState.WITHDRAWN) & Signature.confirmed_at.is_(None),
        ),
        (SignatureState.ERASED, kept & (Signature.created_at <= now - keep.letters) & ~unended),
    ]


def _drop_digests(session: Session, now: datetime) -> None:
    lately = now - DIGESTS
    session.execute(
        update(Signature)
        .where(Signature.network_digest.is_not(None), Signature.created_at <= lately)
        .values(network_digest=None)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Signature)
        .where(Signature.email_digest.is_not(None), Signature.erased_at <= lately)
        .values(email_digest=None, person_digest=None)
        .execution_options(synchronize_session=False)
    )
    session.execute(delete(LimitEvent).where(LimitEvent.at <= lately))
    session.execute(delete(Consent).where(Consent.agreed_at <= now - PROOF))
