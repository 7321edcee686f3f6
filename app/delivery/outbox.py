"""The queue of messages: rows in the signature's own transaction, moved by one table of allowed moves.

Here rows come into being, and people move them; sending.py is how they get to the mail server. Verbs flush, the caller
commits.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from typing import cast

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from app.delivery import HANDOFF, Way
from app.models import (
    Delivery,
    DeliveryEvent,
    DeliveryKind,
    DeliveryState,
    Signature,
    SignatureState,
)

log = logging.getLogger(__name__)

S = DeliveryState
TRANSITIONS: dict[DeliveryState, frozenset[DeliveryState]] = {
    S.HELD: frozenset({S.QUEUED, S.OFFERED, S.CANCELLED}),
    S.QUEUED: frozenset({S.SENDING, S.PARKED, S.CANCELLED}),
    S.SENDING: frozenset({S.ACCEPTED, S.QUEUED, S.FAILED, S.PARKED}),
    S.ACCEPTED: frozenset({S.BOUNCED}),
    S.BOUNCED: frozenset(),
    S.FAILED: frozenset({S.QUEUED}),
    S.PARKED: frozenset({S.QUEUED, S.CANCELLED, S.BOUNCED}),
    S.CANCELLED: frozenset(),
    S.OFFERED: frozenset({S.REPORTED, S.STUCK, S.CANCELLED}),
    S.STUCK: frozenset({S.REPORTED, S.CANCELLED}),
    S.REPORTED: frozenset(),
}
ENDED = frozenset({S.ACCEPTED, S.BOUNCED, S.FAILED, S.PARKED, S.CANCELLED})
RANKS = (0, 1, 2)
"""The order in which kinds go: the link that somebody waits for, other mails to people, letters."""
BY_A_PERSON = "by a person"
"""Why a delivery moved that somebody at the organisation moved, as its event says it."""
MAILED_AGAIN = "mailed again"
"""Why a hand-off was cancelled whose letter had failed as a mail, and is mailed once more."""
WITHDRAWN, WITHDRAWN_MEANWHILE = "withdrawn", "withdrawn meanwhile"
"""Why one was cancelled that its signer took back: before it was tried, or while it was."""
CAME_BACK, ADDRESS_DEAD = "came back", "address dead"
"""Why one bounced; and why one was cancelled whose address takes no mail any more."""
DAY_USED_UP = "day used up"
"""Why a mail to confirm was cancelled whose mailbox had been sent a day's mails."""
DELAYED, ANSWERED = "delayed", "answered"
NOTES = frozenset({DELAYED, ANSWERED})
"""Why there is an event though the delivery stays where it is: what its recipient's server told of it."""
_STANDING = frozenset({SignatureState.PENDING, SignatureState.CONFIRMED})
URGENT = frozenset({DeliveryKind.CONFIRMATION, DeliveryKind.REPEAT})
"""The mails that somebody waits for who has just signed."""

_DATE = re.compile(rb"^Date: [^\r\n]*\r\n", re.MULTILINE)

_TABLE, _EVENTS = cast(Table, Delivery.__table__), cast(Table, DeliveryEvent.__table__)
_NEW_DELIVERY = insert(_TABLE).returning(_TABLE.c.id, sort_by_parameter_order=True)
_NEW_EVENT = insert(_EVENTS)
_GO = (
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("delivery"), _TABLE.c.state == S.HELD)
    .values(
        state=bindparam("to"),
        channel=bindparam("by"),
        recipient=bindparam("address"),
        sender=bindparam("envelope"),
        mail=bindparam("bytes"),
        due_at=bindparam("at"),
        wanted_at=bindparam("at"),
        ended_at=bindparam("over"),
    )
)


class MoveRefused(Exception):
    """A delivery cannot go from its state to the one asked for; `why` finishes the sentence "because …"."""

    def __init__(self, delivery_id: int, why: str) -> None:
        super().__init__(f"delivery {delivery_id}: {why}")
        self.delivery_id = delivery_id
        self.why = why


@dataclass(frozen=True, slots=True)
class Composed:
    """A message ready to be queued. `uuid` is in its Message-ID and in its envelope sender."""

    uuid: str
    sender: str
    recipient: str
    mail: bytes


def date_header(at: datetime) -> bytes:
    """The line of a mail's header that says when it was written."""
    return f"Date: {format_datetime(at)}\r\n".encode("ascii")


def dated(mail: bytes, at: datetime) -> bytes:
    """A mail that was composed before it was known whether it would be needed, as one that is written `at` then."""
    return _DATE.sub(date_header(at), mail, count=1)


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


def given_up(mail: Fresh, why: str) -> Fresh:
    """The same, that never goes: its address takes no mail any more, or has been sent as many as may be in a day."""
    return replace(mail, state=S.CANCELLED, why=why, sender=None, mail=None, due_at=None)


def rank_of(kind: DeliveryKind) -> int:
    """One of RANKS."""
    return 0 if kind in URGENT else 2 if kind is DeliveryKind.LETTER else 1


def store(connection: Connection, signature_id: int | None, fresh: Sequence[Fresh], now: datetime) -> None:
    """Write deliveries, each with its first event: two statements, however many there are."""
    rows = [
        {
            "uuid": one.uuid,
            "kind": one.kind,
            "rank": rank_of(one.kind),
            "state": one.state,
            "channel": one.channel,
            "signature_id": signature_id,
            "letter_id": one.letter_id,
            "recipient": one.recipient,
            "sender": one.sender,
            "mail": one.mail,
            "due_at": one.due_at,
            "wanted_at": one.due_at,
            "created_at": now,
            "ended_at": now if one.state in ENDED else None,
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


@dataclass(frozen=True, slots=True)
class Going:
    """A held letter whose way is settled: with the mail that is sent, or, without, its signer's to deliver."""

    delivery_id: int
    way: Way
    mail: Composed | None


def go(connection: Connection, letters: Sequence[Going], now: datetime) -> None:
    """Queue or offer held letters, with their final bytes and addresses. Raises MoveRefused if one is held no longer.

    Of those that are offered the days of keeping count from now, whatever is reported later.
    """
    if not letters:
        return
    rows = [
        {
            "delivery": one.delivery_id,
            "to": S.QUEUED if one.mail else S.OFFERED,
            "by": one.way.channel.name,
            "address": one.way.address,
            "envelope": one.mail.sender if one.mail else None,
            "bytes": one.mail.mail if one.mail else None,
            "at": now if one.mail else None,
            "over": None if one.mail else now,
        }
        for one in letters
    ]
    if connection.execute(_GO, rows).rowcount != len(rows):
        raise MoveRefused(letters[0].delivery_id, "it, or a letter beside it, is no longer held")
    moves = [(one.delivery_id, S.QUEUED if one.mail else S.OFFERED) for one in letters]
    connection.execute(_NEW_EVENT, [_event_row(number, to, now, "confirmed") for number, to in moves])


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


def can_be_cancelled(delivery: Delivery) -> bool:
    """Whether nobody has taken it yet, as far as we know."""
    return delivery.state in {S.HELD, S.QUEUED, S.OFFERED, S.STUCK}


def park(session: Session, deliveries: Sequence[Delivery], now: datetime, why: str) -> None:
    """Leave unsent what may have gone out already, without our knowing. Only while no worker can have them in hand."""
    for delivery in deliveries:
        _move(session, delivery, S.PARKED, now, why)
        delivery.lease = delivery.leased_until = None


def set_aside(session: Session, delivery: Delivery, now: datetime) -> None:
    """Park what waits, because a person says so. Raises MoveRefused."""
    _check(delivery, {S.QUEUED})
    park(session, [delivery], now, BY_A_PERSON)


def drop(session: Session, delivery: Delivery, now: datetime) -> None:
    """Never send this, because a person says so; nobody is told. Raises MoveRefused."""
    _check(delivery, {S.HELD, S.QUEUED, S.PARKED, S.OFFERED, S.STUCK})
    _move(session, delivery, S.CANCELLED, now, BY_A_PERSON)


def bounce(session: Session, delivery: Delivery, now: datetime, code: int | None, said: str) -> None:
    """It came back; a letter goes to its signer. Only what is `accepted`, or of unknown fate: it was accepted, then."""
    _move(session, delivery, S.BOUNCED, now, CAME_BACK, code, said)
    after_a_failure(session, delivery, now)


def note(
    session: Session, delivery: Delivery, now: datetime, why: str, code: int | None = None, said: str = ""
) -> None:
    """Write down what was learnt of it, where it is; `why` is one of NOTES."""
    _record(session, delivery, now, why, code, said)


def give_up(session: Session, delivery: Delivery, now: datetime) -> None:
    """Do not send what waits, since its address takes no mail any more; a letter goes to its signer."""
    _move(session, delivery, S.CANCELLED, now, ADDRESS_DEAD)
    signature = delivery.signature
    if delivery.letter is not None and signature is not None and signature.state in _STANDING:
        _offer_instead(session, delivery, signature, now)


def retry(session: Session, delivery: Delivery, now: datetime) -> None:
    """Send this now, with all its attempts before it, because a person says so. Raises MoveRefused.

    A letter that had failed is no longer its signer's to deliver then; one that they have delivered stays as it is.
    """
    _check(delivery, {S.QUEUED, S.FAILED, S.PARKED})
    signature = delivery.signature
    if delivery.mail is None or (signature is not None and signature.state not in _STANDING):
        raise MoveRefused(delivery.id, "its text has been deleted, or its signer has taken it back")
    _take_back(session, delivery, now)
    delivery.due_at = delivery.wanted_at = now
    delivery.attempts, delivery.unknowns = 0, 0
    delivery.ended_at = None
    if delivery.state is S.QUEUED:
        _record(session, delivery, now, BY_A_PERSON)
    else:
        _move(session, delivery, S.QUEUED, now, BY_A_PERSON)


def _take_back(session: Session, delivery: Delivery, now: datetime) -> None:
    """The hand-off that stands in for a letter whose mail failed."""
    others = [other for other in (delivery.letter.deliveries if delivery.letter else ()) if other is not delivery]
    if any(other.state is S.REPORTED for other in others):
        raise MoveRefused(delivery.id, "its signer says that they have delivered it by hand")
    cancel(session, others, now, MAILED_AGAIN)


def _check(delivery: Delivery, allowed: set[DeliveryState]) -> None:
    if delivery.state not in allowed:
        raise MoveRefused(delivery.id, f"it is {delivery.state}, and not {' or '.join(sorted(allowed))}")


def after_a_failure(session: Session, delivery: Delivery, now: datetime) -> None:
    """Nobody sends again what was withdrawn meanwhile; a letter that mail did not bring goes to its signer."""
    signature = delivery.signature
    if signature is None:  # a report, which nobody withdraws
        return
    if signature.state not in _STANDING:
        cancel(session, [delivery], now, WITHDRAWN_MEANWHILE)
    elif delivery.state in {S.FAILED, S.BOUNCED} and delivery.letter is not None:
        _offer_instead(session, delivery, signature, now)


def _offer_instead(session: Session, failed: Delivery, signature: Signature, now: datetime) -> None:
    """A second delivery, by hand, beside the failed one, which stays as it is; the signer hears of the first."""
    delivery = Delivery(
        uuid=new_uuid(),
        kind=DeliveryKind.LETTER,
        rank=rank_of(DeliveryKind.LETTER),
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
            notice.due_at = notice.wanted_at = now
            notice.mail = notice.mail and dated(notice.mail, now)
            _move(session, notice, S.QUEUED, now, "mail failed")


def _move(
    session: Session,
    delivery: Delivery,
    to: DeliveryState,
    now: datetime,
    why: str,
    code: int | None = None,
    said: str = "",
) -> None:
    check_move(delivery.id, delivery.state, to)
    delivery.state = to
    if to in ENDED and delivery.ended_at is None:
        delivery.ended_at = now
    _record(session, delivery, now, why, code, said)


def check_move(delivery_id: int, state: DeliveryState, to: DeliveryState) -> None:
    """Raises MoveRefused."""
    if to not in TRANSITIONS[state]:
        raise MoveRefused(delivery_id, f"it is {state}, and cannot become {to}")


def _record(
    session: Session, delivery: Delivery, now: datetime, why: str, code: int | None = None, said: str = ""
) -> None:
    """The event of a move that is still in the session, with its row's number or before it has one."""
    event = DeliveryEvent(delivery=delivery, at=now, state=delivery.state, why=why, code=code, said=said or None)
    session.add(event)


def note_event(
    session: Session,
    delivery_id: int,
    state: DeliveryState,
    now: datetime,
    why: str,
    code: int | None = None,
    said: str = "",
) -> None:
    """The event of a move that a statement has made."""
    session.execute(_NEW_EVENT, _event_row(delivery_id, state, now, why) | {"code": code, "said": said or None})


def _event_row(delivery_id: int, state: DeliveryState, now: datetime, why: str) -> dict[str, object]:
    return {"delivery_id": delivery_id, "at": now, "state": state, "why": why, "code": None, "said": None}
