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
from typing import cast

from sqlalchemy import Connection, Table, bindparam, delete, exists, insert, select, text, update
from sqlalchemy.orm import Session

from app.db import DatabaseUnavailable, writing
from app.delivery import HANDOFF, Outcome, OutcomeKind, Outgoing, Sender
from app.delivery.retries import Breaker, Claimed, Policy, verdict
from app.logs import kind_and_place
from app.models import (
    Delivery,
    DeliveryEvent,
    DeliveryKind,
    DeliveryState,
    Signature,
    SignatureState,
    SiteState,
)

log = logging.getLogger(__name__)

S = DeliveryState
TRANSITIONS: dict[DeliveryState, frozenset[DeliveryState]] = {
    S.HELD: frozenset({S.QUEUED, S.OFFERED, S.CANCELLED}),
    S.QUEUED: frozenset({S.SENDING, S.PARKED, S.CANCELLED}),
    S.SENDING: frozenset({S.ACCEPTED, S.QUEUED, S.FAILED, S.PARKED}),
    S.ACCEPTED: frozenset(),
    S.FAILED: frozenset(),
    S.PARKED: frozenset(),
    S.CANCELLED: frozenset(),
    S.OFFERED: frozenset({S.REPORTED, S.STUCK, S.CANCELLED}),
    S.STUCK: frozenset({S.REPORTED, S.CANCELLED}),
    S.REPORTED: frozenset(),
}
ENDED = frozenset({S.ACCEPTED, S.FAILED, S.PARKED, S.CANCELLED})

_TABLE, _EVENTS = cast(Table, Delivery.__table__), cast(Table, DeliveryEvent.__table__)
_NEW_DELIVERY = insert(_TABLE).returning(_TABLE.c.id, sort_by_parameter_order=True)
_NEW_EVENT = insert(_EVENTS)

_PAUSED = exists().where(SiteState.id == 1, SiteState.paused_at.is_not(None))

# The state stands in the text, not in a parameter: only so does SQLite see that the partial index fits.
_CLAIM = (
    update(_TABLE)
    .where(
        _TABLE.c.id
        == select(_TABLE.c.id)
        .where(text("state = 'queued'"), _TABLE.c.due_at <= bindparam("now"), ~_PAUSED)
        .order_by(_TABLE.c.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    .values(
        state=S.SENDING,
        lease=bindparam("new_lease"),
        leased_until=bindparam("until"),
        attempts=_TABLE.c.attempts + 1,
    )
    .returning(
        *(_TABLE.c[name] for name in ("id", "kind", "attempts", "unknowns", "sender", "recipient", "mail", "due_at"))
    )
)

SENDER_DIED = "sender died"
UNKNOWN = frozenset({SENDER_DIED, "no answer", "unreadable answer", "error"})
"""Why it is not known whether a message was accepted, as events say it."""

LEASE = timedelta(seconds=900)
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


def new_uuid() -> str:
    """The identity of one message, for its Message-ID and its envelope."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Fresh:
    """A delivery that is not stored yet, as `held` and `queued` make them."""

    uuid: str
    kind: DeliveryKind
    state: DeliveryState
    why: str
    channel: str
    recipient: str
    letter_id: int | None = None
    sender: str | None = None
    mail: bytes | None = None
    due_at: datetime | None = None


def held(letter_id: int, channel: str, address: str) -> Fresh:
    """A letter's delivery; it waits until the signer confirms."""
    return Fresh(new_uuid(), DeliveryKind.LETTER, S.HELD, "signed", channel, address, letter_id=letter_id)


def queued(kind: DeliveryKind, mail: Composed, now: datetime, due: datetime | None = None) -> Fresh:
    """A mail of ours, due at once unless `due` says when; a notice is held until it is needed."""
    is_held = kind is DeliveryKind.NOTICE
    return Fresh(
        uuid=mail.uuid,
        kind=kind,
        state=S.HELD if is_held else S.QUEUED,
        why="composed",
        channel="mail",
        recipient=mail.recipient,
        sender=mail.sender,
        mail=mail.mail,
        due_at=None if is_held else due or now,
    )


def store(connection: Connection, signature_id: int | None, fresh: Sequence[Fresh], now: datetime) -> None:
    """Write deliveries, each with its first event: two statements, however many there are."""
    rows = [
        {
            "uuid": one.uuid,
            "kind": one.kind,
            "state": one.state,
            "channel": one.channel,
            "signature_id": signature_id,
            "letter_id": one.letter_id,
            "recipient": one.recipient,
            "sender": one.sender,
            "mail": one.mail,
            "due_at": one.due_at,
            "created_at": now,
        }
        for one in fresh
    ]
    stored = connection.scalars(_NEW_DELIVERY, rows)
    events = [_event_row(number, one.state, now, one.why) for number, one in zip(stored, fresh, strict=True)]
    connection.execute(_NEW_EVENT, events)


def queue(session: Session, signature: Signature, mail: Fresh, now: datetime) -> None:
    """Store one more mail to a signer, as `queued` made it."""
    store(session.connection(), signature.id, [mail], now)
    session.expire(signature, ["deliveries"])


def queue_report(session: Session, mail: Composed, now: datetime) -> None:
    """Store a mail to the organisation, due at once; one with a uuid that is there already is not stored again.

    It holds nothing about signers: its bytes stay until `drop_reports` deletes it.
    """
    if session.scalar(select(Delivery.id).where(Delivery.uuid == mail.uuid)) is not None:
        return
    store(session.connection(), None, [queued(DeliveryKind.REPORT, mail, now)], now)


def drop_reports(session: Session, before: datetime) -> None:
    """Delete the mails to the organisation that had ended by then, with their events."""
    # By the column that has an index, not by kind: this must not read through a million letters.
    ended = select(_TABLE.c.id).where(_TABLE.c.signature_id.is_(None), _TABLE.c.ended_at <= before)
    for gone in (
        delete(DeliveryEvent).where(DeliveryEvent.delivery_id.in_(ended)),
        delete(Delivery).where(Delivery.id.in_(ended)),
    ):
        session.execute(gone.execution_options(synchronize_session=False))


def readdress(delivery: Delivery, channel: str, address: str) -> None:
    """Change how a held letter goes: the office's address was found, changed or taken away since it was signed."""
    if delivery.state is not S.HELD:
        raise MoveRefused(f"delivery {delivery.id} is {delivery.state}: how it goes is settled")
    delivery.channel, delivery.recipient = channel, address


def release(session: Session, delivery: Delivery, mail: Composed, now: datetime) -> None:
    """Queue a held letter with its final bytes."""
    delivery.uuid, delivery.sender, delivery.mail = mail.uuid, mail.sender, mail.mail
    delivery.due_at = now
    _move(session, delivery, S.QUEUED, now, "confirmed")


def offer(session: Session, delivery: Delivery, now: datetime) -> None:
    """Give a held letter to its signer to deliver. The days of keeping count from now, whatever is reported later."""
    _move(session, delivery, S.OFFERED, now, "confirmed")
    delivery.ended_at = now


def report(session: Session, delivery: Delivery, now: datetime, *, worked: bool) -> None:
    """Note the signer's word on a letter that was offered: they delivered it, or the form did not work.

    The same word twice is one. Raises MoveRefused for a letter that is not theirs to deliver, or no longer.
    """
    to = S.REPORTED if worked else S.STUCK
    if delivery.state is not to:
        _move(session, delivery, to, now, "the signer's word")


def cancel(session: Session, deliveries: Sequence[Delivery], now: datetime, why: str) -> None:
    """Cancel those that have not begun to be sent; leave the others as they are."""
    for delivery in deliveries:
        if can_be_cancelled(delivery):
            _move(session, delivery, S.CANCELLED, now, why)


def park(session: Session, deliveries: Sequence[Delivery], now: datetime, why: str) -> None:
    """Leave unsent what may have gone out already, without our knowing. Only while no worker can have them in hand."""
    for delivery in deliveries:
        _move(session, delivery, S.PARKED, now, why)
        delivery.lease = delivery.leased_until = None


def can_be_cancelled(delivery: Delivery) -> bool:
    """Whether nobody has taken it yet, as far as we know."""
    return S.CANCELLED in TRANSITIONS[delivery.state]


def claim(session: Session, now: datetime) -> Claimed | None:
    """Take the row that has waited longest. One short transaction of its own; None when nothing is due, or paused."""
    lease = secrets.token_hex(16)
    with writing(session):
        row = session.execute(_CLAIM, {"now": now, "new_lease": lease, "until": now + LEASE}).one_or_none()
        if row is None:
            return None
        _event(session, row.id, S.SENDING, now, "claimed")
    outgoing = Outgoing(row.sender or "", row.recipient or "", row.mail or b"")
    return Claimed(row.id, lease, row.kind, row.attempts, row.unknowns, outgoing, row.due_at)


def settle(session: Session, claimed: Claimed, outcome: Outcome, policy: Policy, now: datetime) -> bool:
    """Write an attempt's outcome. False, and nothing written, when the lease had passed to somebody else."""
    state, pause = verdict(claimed, outcome, policy)
    unknowns = claimed.unknowns + (outcome.kind is OutcomeKind.UNKNOWN)
    spared = outcome.kind is OutcomeKind.CHANNEL
    if spared and claimed.due_at and now - claimed.due_at > sum(policy.pauses(claimed.kind), timedelta()):
        state = S.FAILED  # as long as any other trouble may last; then its signer can still deliver it
    leaving = _Leaving(claimed.id, claimed.lease, state, now + pause, unknowns, outcome.why, outcome.code, spared)
    with writing(session):
        return _leave_sending(session, leaving, now)


def recover(session: Session, policy: Policy, now: datetime, *, abandoned: bool = False) -> int:
    """Bring back rows whose sender died: those past their lease, or all (`abandoned`) when no other sender can live.

    Whether they were accepted is unknown, so they follow the rule for that. Returns how many there were.
    """
    stale = select(Delivery.id, Delivery.lease, Delivery.unknowns).where(text("state = 'sending'"))
    if not abandoned:
        stale = stale.where(Delivery.leased_until < now)
    found = session.execute(stale.limit(1)).first() is not None
    session.rollback()
    if not found:
        return 0
    with writing(session):
        rows = session.execute(stale).all()
        for row in rows:
            to = S.QUEUED if row.unknowns == 0 else S.PARKED
            leaving = _Leaving(row.id, row.lease, to, now + policy.unknown, row.unknowns + 1, SENDER_DIED)
            _leave_sending(session, leaving, now)
    return len(rows)


def drain(
    session: Session,
    sender: Sender,
    policy: Policy,
    clock: Callable[[], datetime],
    wait: Callable[[float], bool],
    breaker: Breaker | None = None,
) -> int:
    """Send all that is due, one message at a time; returns how many were tried. Owns its transactions.

    A mail server that takes nothing from us ends it; `breaker` remembers that for the next time.

    `wait(seconds)` pauses and tells whether to stop; a message in hand is always finished and settled. Raises
    DatabaseUnavailable only from a claim, when nothing is in hand.
    """
    tried, breaker = 0, breaker or Breaker()
    try:
        while not wait(0) and not breaker.is_open(clock()):
            claimed = claim(session, clock())
            if claimed is None:
                break
            outcome = _attempt(sender, claimed)
            _settle_for_sure(session, claimed, outcome, policy, clock, wait)
            tried += 1
            if pause := breaker.note(outcome, clock()):
                told = outcome.code or outcome.why
                log.error(
                    "the mail server takes nothing from us (%s); trying again in %d s", told, pause.total_seconds()
                )
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
                level = logging.WARNING if outcome.kind is OutcomeKind.PERMANENT else logging.INFO
                log.log(level, "delivery %d: %s %s", claimed.id, outcome.kind, outcome.code or outcome.why)
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


@dataclass(frozen=True, slots=True)
class _Leaving:
    """How a row leaves `sending`; `due` counts only for one that goes back into the queue."""

    id: int
    lease: str
    to: DeliveryState
    due: datetime
    unknowns: int
    why: str
    code: int | None = None
    spared: bool = False
    """The attempt does not count."""


def _leave_sending(session: Session, leaving: _Leaving, now: datetime) -> bool:
    _check_move(leaving.id, S.SENDING, leaving.to)
    queued = leaving.to is S.QUEUED
    values: dict[str, object] = {"due_at": leaving.due} if queued else {"ended_at": now}
    if leaving.spared:
        values["attempts"] = _TABLE.c.attempts - 1
        values.pop("due_at", None)  # since when it waits stays known
    moved = session.execute(
        update(_TABLE)
        .where(_TABLE.c.id == leaving.id, _TABLE.c.lease == leaving.lease)
        .values(state=leaving.to, lease=None, leased_until=None, unknowns=leaving.unknowns, **values)
        .returning(_TABLE.c.id)
    ).one_or_none()
    if moved is None:
        return False
    _event(session, leaving.id, leaving.to, now, leaving.why, leaving.code)
    if queued or leaving.to is S.FAILED:
        _after_a_failure(session, session.get_one(Delivery, leaving.id), now)
    return True


def _after_a_failure(session: Session, delivery: Delivery, now: datetime) -> None:
    """Nobody sends again what was withdrawn meanwhile; a letter that mail could not bring goes to its signer."""
    signature = delivery.signature
    if signature is None:  # a report, which nobody withdraws
        return
    if signature.state not in {SignatureState.PENDING, SignatureState.CONFIRMED}:
        cancel(session, [delivery], now, "withdrawn meanwhile")
    elif delivery.state is S.FAILED and delivery.letter is not None:
        _offer_instead(session, delivery, signature, now)


def _offer_instead(session: Session, failed: Delivery, signature: Signature, now: datetime) -> None:
    """A second delivery, by hand, beside the failed one, which stays as it is; the signer hears of the first."""
    delivery = Delivery(
        uuid=new_uuid(),
        kind=DeliveryKind.LETTER,
        state=S.OFFERED,
        channel=HANDOFF,
        signature=signature,
        letter=failed.letter,
        created_at=now,
        ended_at=now,
    )
    session.add(delivery)
    _record(session, delivery, now, "mail failed")
    for notice in signature.deliveries:
        if notice.kind is DeliveryKind.NOTICE and notice.state is S.HELD:
            notice.due_at = now
            _move(session, notice, S.QUEUED, now, "mail failed")


def _move(session: Session, delivery: Delivery, to: DeliveryState, now: datetime, why: str) -> None:
    _check_move(delivery.id, delivery.state, to)
    delivery.state = to
    if to in ENDED and delivery.ended_at is None:
        delivery.ended_at = now
    _record(session, delivery, now, why)


def _check_move(delivery_id: int, state: DeliveryState, to: DeliveryState) -> None:
    if to not in TRANSITIONS[state]:
        raise MoveRefused(f"delivery {delivery_id}: {state} → {to}")


def _record(session: Session, delivery: Delivery, now: datetime, why: str) -> None:
    """The event of a move that is still in the session, with its row's number or before it has one."""
    session.add(DeliveryEvent(delivery=delivery, at=now, state=delivery.state, why=why))


def _event(
    session: Session, delivery_id: int, state: DeliveryState, now: datetime, why: str, code: int | None = None
) -> None:
    """The event of a move that a statement has made."""
    session.execute(_NEW_EVENT, _event_row(delivery_id, state, now, why, code))


def _event_row(
    delivery_id: int, state: DeliveryState, now: datetime, why: str, code: int | None = None
) -> dict[str, object]:
    return {"delivery_id": delivery_id, "at": now, "state": state, "why": why, "code": code}
