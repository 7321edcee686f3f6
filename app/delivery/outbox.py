"""The queue of messages: rows in the signature's own transaction, moved by one table of allowed moves.

A row is claimed and committed, sent with no transaction open, and settled in a transaction of its own. What a crash
leaves in `sending` may or may not have been accepted: it is sent once more, later, with the same bytes and Message-ID.
Verbs flush and the caller commits, except `drain`, which owns its transactions.
"""

from __future__ import annotations

import logging
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app.db import DatabaseUnavailable, writing
from app.delivery import Outcome, OutcomeKind, Outgoing, Sender
from app.logs import kind_and_place
from app.models import Delivery, DeliveryEvent, DeliveryKind, DeliveryState, Letter, Signature, SignatureState

log = logging.getLogger(__name__)

S = DeliveryState
TRANSITIONS: dict[DeliveryState, frozenset[DeliveryState]] = {
    S.HELD: frozenset({S.QUEUED, S.CANCELLED}),
    S.QUEUED: frozenset({S.SENDING, S.CANCELLED}),
    S.SENDING: frozenset({S.ACCEPTED, S.QUEUED, S.FAILED, S.PARKED}),
    S.ACCEPTED: frozenset(),
    S.FAILED: frozenset(),
    S.PARKED: frozenset(),
    S.CANCELLED: frozenset(),
}
ENDED = frozenset({S.ACCEPTED, S.FAILED, S.PARKED, S.CANCELLED})

LEASE = timedelta(seconds=900)
GREYLISTED_PAUSE = timedelta(minutes=6)
LONGEST_PAUSE = timedelta(hours=24)
_SETTLE_PAUSE = 1.0


class MoveRefused(Exception):
    """A delivery cannot go from its state to the one asked for."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A message ready to be queued. `uuid` is in its Message-ID and in its envelope sender."""

    uuid: str
    sender: str
    recipient: str
    mail: bytes


@dataclass(frozen=True, slots=True)
class Policy:
    """When to try again. `jitter` gives a factor around 1, so that a thousand letters do not come back at once."""

    letters: tuple[timedelta, ...]
    confirmations: tuple[timedelta, ...]
    unknown: timedelta
    jitter: Callable[[], float]

    def pauses(self, kind: DeliveryKind) -> tuple[timedelta, ...]:
        """The pauses between attempts; when they are used up the delivery has failed."""
        quick = kind in {DeliveryKind.CONFIRMATION, DeliveryKind.REPEAT}
        return self.confirmations if quick else self.letters


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that this process alone may send, until its lease runs out."""

    id: int
    lease: str
    kind: DeliveryKind
    attempts: int
    unknowns: int
    outgoing: Outgoing


def new_uuid() -> str:
    """The identity of one message, for its Message-ID and its envelope."""
    return str(uuid.uuid4())


def hold(session: Session, signature: Signature, letter: Letter, channel: str, address: str, now: datetime) -> None:
    """Store a letter's delivery; it waits until the signer confirms."""
    delivery = Delivery(
        uuid=new_uuid(),
        kind=DeliveryKind.LETTER,
        state=S.HELD,
        channel=channel,
        signature=signature,
        letter=letter,
        recipient=address,
        created_at=now,
    )
    session.add(delivery)
    _record(session, delivery, now, "signed")
    session.flush()


def queue(session: Session, signature: Signature, kind: DeliveryKind, mail: Composed, now: datetime) -> None:
    """Store a mail to the signer, due at once."""
    delivery = Delivery(
        uuid=mail.uuid,
        kind=kind,
        state=S.QUEUED,
        channel="mail",
        signature=signature,
        recipient=mail.recipient,
        sender=mail.sender,
        mail=mail.mail,
        due_at=now,
        created_at=now,
    )
    session.add(delivery)
    _record(session, delivery, now, "composed")
    session.flush()


def release(session: Session, delivery: Delivery, mail: Composed, now: datetime) -> None:
    """Queue a held letter with its final bytes."""
    delivery.uuid, delivery.sender, delivery.mail = mail.uuid, mail.sender, mail.mail
    delivery.due_at = now
    _move(session, delivery, S.QUEUED, now, "confirmed")


def cancel(session: Session, deliveries: Sequence[Delivery], now: datetime, why: str) -> None:
    """Cancel those that have not begun to be sent; leave the others as they are."""
    for delivery in deliveries:
        if S.CANCELLED in TRANSITIONS[delivery.state]:
            _move(session, delivery, S.CANCELLED, now, why)


def claim(session: Session, now: datetime) -> Claimed | None:
    """Take the row that has waited longest. One short transaction of its own; None when nothing is due."""
    lease = secrets.token_hex(16)
    # The state stands in the text, not in a parameter: only so does SQLite see that the partial index fits.
    due = (
        select(Delivery.id)
        .where(text("state = 'queued'"), Delivery.due_at <= now)
        .order_by(Delivery.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    statement = (
        update(Delivery)
        .where(Delivery.id == due)
        .values(state=S.SENDING, lease=lease, leased_until=now + LEASE, attempts=Delivery.attempts + 1)
        .returning(
            Delivery.id,
            Delivery.kind,
            Delivery.attempts,
            Delivery.unknowns,
            Delivery.sender,
            Delivery.recipient,
            Delivery.mail,
        )
        .execution_options(synchronize_session=False)
    )
    with writing(session):
        row = session.execute(statement).one_or_none()
        if row is None:
            return None
        session.add(DeliveryEvent(delivery_id=row.id, at=now, state=S.SENDING, why="claimed"))
    outgoing = Outgoing(row.sender or "", row.recipient or "", row.mail or b"")
    return Claimed(row.id, lease, row.kind, row.attempts, row.unknowns, outgoing)


def settle(session: Session, claimed: Claimed, outcome: Outcome, policy: Policy, now: datetime) -> bool:
    """Write an attempt's outcome. False, and nothing written, when the lease had passed to somebody else."""
    state, pause = verdict(claimed, outcome, policy)
    with writing(session):
        delivery = session.scalars(
            select(Delivery).where(Delivery.id == claimed.id, Delivery.lease == claimed.lease)
        ).one_or_none()
        if delivery is None:
            return False
        _leave_sending(session, delivery, state, now + pause, now, outcome.why, outcome.code)
        if outcome.kind is OutcomeKind.UNKNOWN:
            delivery.unknowns += 1
    return True


def verdict(claimed: Claimed, outcome: Outcome, policy: Policy) -> tuple[DeliveryState, timedelta]:
    """Where an outcome leads, and after which pause if it leads back into the queue."""
    if outcome.kind is OutcomeKind.ACCEPTED:
        return S.ACCEPTED, timedelta()
    if outcome.kind is OutcomeKind.PERMANENT:
        return S.FAILED, timedelta()
    if outcome.kind is OutcomeKind.UNKNOWN:
        return (S.QUEUED, policy.unknown) if claimed.unknowns == 0 else (S.PARKED, timedelta())
    pauses = policy.pauses(claimed.kind)
    if claimed.attempts > len(pauses):
        return S.FAILED, timedelta()
    pause = pauses[claimed.attempts - 1]
    if outcome.retry_after is not None:  # not before, but no faster than the schedule: it would be used up in no time
        return S.QUEUED, max(pause * policy.jitter(), min(outcome.retry_after, LONGEST_PAUSE))
    if outcome.why == "greylisted" and claimed.attempts == 1:
        pause = GREYLISTED_PAUSE
    return S.QUEUED, pause * policy.jitter()


def recover(session: Session, policy: Policy, now: datetime, *, abandoned: bool = False) -> int:
    """Bring back rows whose sender died: those past their lease, or all (`abandoned`) when no other sender can live.

    Whether they were accepted is unknown, so they follow the rule for that. Returns how many there were.
    """
    stale = select(Delivery).where(text("state = 'sending'"))
    if not abandoned:
        stale = stale.where(Delivery.leased_until < now)
    if session.scalars(stale.limit(1)).first() is None:
        session.rollback()
        return 0
    with writing(session):
        deliveries = session.scalars(stale).all()
        for delivery in deliveries:
            to = S.QUEUED if delivery.unknowns == 0 else S.PARKED
            _leave_sending(session, delivery, to, now + policy.unknown, now, "sender died")
            delivery.unknowns += 1
    return len(deliveries)


def drain(
    session: Session,
    sender: Sender,
    policy: Policy,
    clock: Callable[[], datetime],
    wait: Callable[[float], bool],
) -> int:
    """Send all that is due, one message at a time; returns how many were tried. Owns its transactions.

    `wait(seconds)` pauses and tells whether to stop; a message in hand is always finished and settled. Raises
    DatabaseUnavailable only from a claim, when nothing is in hand.
    """
    tried = 0
    try:
        while not wait(0):
            claimed = claim(session, clock())
            if claimed is None:
                break
            outcome = _attempt(sender, claimed)
            _settle_for_sure(session, claimed, outcome, policy, clock, wait)
            tried += 1
    finally:
        sender.close()
    return tried


def _attempt(sender: Sender, claimed: Claimed) -> Outcome:
    try:
        return sender.send(claimed.outgoing)
    except Exception as error:  # a poison row must not stop the others; whether it went out is not known
        log.error("delivery %d: sending raised %s", claimed.id, kind_and_place(error))
        return Outcome(OutcomeKind.UNKNOWN, "error")


def _settle_for_sure(
    session: Session,
    claimed: Claimed,
    outcome: Outcome,
    policy: Policy,
    clock: Callable[[], datetime],
    wait: Callable[[float], bool],
) -> None:
    """Keep the outcome in memory until the database takes it: forgetting it would send the message twice.

    When we are told to stop, or when it is not the database's lock or disk that is at fault, it tries a last few
    times; the row then stays in `sending`, to be recovered as unknown.
    """
    last_tries = 5
    while last_tries:
        try:
            if not settle(session, claimed, outcome, policy, clock()):
                log.warning("delivery %d: the lease had run out, outcome %s dropped", claimed.id, outcome.kind)
            else:
                log.info("delivery %d: %s %s", claimed.id, outcome.kind, outcome.code or outcome.why)
            return
        except DatabaseUnavailable:
            log.error("delivery %d: the database does not take the outcome yet", claimed.id)
        except Exception as error:  # unforeseen; perhaps the bare outcome, without its details, can be written
            log.error("delivery %d: its outcome was refused by %s", claimed.id, kind_and_place(error))
            outcome = Outcome(outcome.kind, "settled after an error")
            last_tries -= 1
        if wait(_SETTLE_PAUSE):
            last_tries -= 1
    log.error("delivery %d: stopped before its outcome %s could be written", claimed.id, outcome.kind)


def _leave_sending(
    session: Session,
    delivery: Delivery,
    to: DeliveryState,
    due: datetime,
    now: datetime,
    why: str,
    code: int | None = None,
) -> None:
    delivery.lease = delivery.leased_until = None
    if to is S.QUEUED:
        delivery.due_at = due
    _move(session, delivery, to, now, why, code)
    if to is S.QUEUED and delivery.signature.state is SignatureState.WITHDRAWN:
        cancel(session, [delivery], now, "withdrawn meanwhile")


def _move(
    session: Session, delivery: Delivery, to: DeliveryState, now: datetime, why: str, code: int | None = None
) -> None:
    if to not in TRANSITIONS[delivery.state]:
        raise MoveRefused(f"delivery {delivery.id}: {delivery.state} → {to}")
    delivery.state = to
    if to in ENDED:
        delivery.ended_at = now
    _record(session, delivery, now, why, code)


def _record(session: Session, delivery: Delivery, now: datetime, why: str, code: int | None = None) -> None:
    session.add(DeliveryEvent(delivery=delivery, at=now, state=delivery.state, why=why, code=code))
