"""How fast messages may go: so many a minute in all, so many to one office, and none to who cannot take them now.

A letter that comes too early gets a turn of its own, the office's next one, so that letters go in the order in which
they came. Turns that were missed, in a pause or by a worker that had more to do, never go together.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, func, select, text, update
from sqlalchemy.orm import Session

from app.db import UTCDateTime
from app.delivery import TOO_FAST, Outcome, OutcomeKind
from app.models import Delivery, DeliveryKind, Pace

_WRONG = timedelta(minutes=30)
"""An account's turn so far ahead can only be of a clock that was wrong."""
_AHEAD = timedelta(seconds=1)
"""The worker looks once a second, so the account's turns of the next second go together."""
_MINUTE = timedelta(seconds=61)
"""A second is spare, so that no 60 seconds ever see one message more than they may."""
_ACCOUNT = ""
_FORGOTTEN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages a minute, or None for as many as there are: from the account, and to one office."""

    account: int | None = None
    office: int | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """When a message that may not go now is due instead; `has_slot`: its turn then is its own.

    `is_late`: its turn was long ago, and others wait as it does; let `deal_anew` bring all into order.
    """

    at: datetime
    has_slot: bool = False
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """What decides whether a row may go: whom it goes to, since when, and when its turn is or was, if it has one."""

    kind: DeliveryKind
    recipient: str
    since: datetime
    turn: datetime | None


def may_go(session: Session, rates: Rates, now: datetime) -> bool:
    """Whether the account has a turn left."""
    return rates.account is None or _next(session, now) <= now + _AHEAD


def note_sent(session: Session, rates: Rates, now: datetime) -> None:
    """Take a turn of the account."""
    if rates.account is not None:
        _row(session, _ACCOUNT, now).next_at = _next(session, now) + _MINUTE / rates.account
        session.flush()


def turn(session: Session, row: Waiting, rates: Rates, now: datetime) -> Later | None:
    """None if this may go to its office now, whose turn it takes; else when it may."""
    if rates.office is None or row.kind is not DeliveryKind.LETTER:
        return None
    pace, interval = _row(session, row.recipient, now), _MINUTE / rates.office
    free = pace.free_at or now
    if free > now + interval:  # a clock was wrong
        free = now
    has_come = row.turn is not None or pace.next_at <= now
    if has_come and free <= now:
        began = row.turn if row.turn is not None and now - row.turn <= _AHEAD else now
        pace.free_at = began + interval
        pace.next_at = max(pace.next_at, pace.free_at)
    elif row.turn is not None:
        before_the_next = free < row.turn + interval  # the one before it has gone a little late
        return Later(free, has_slot=True) if before_the_next else Later(row.since, is_late=True)
    else:
        slot = max(pace.next_at, free)
        pace.next_at = slot + interval
        return Later(slot, has_slot=True)
    return None


def deal_anew(session: Session) -> None:
    """Take all turns at offices back, so that who has waited longest comes first again.

    For when many were missed, in a pause, or when the pace is another. What offices have just got still counts.
    """
    if session.scalar(select(Pace.key).where(Pace.key != _ACCOUNT).limit(1)) is None:
        return
    dealt = text("state = 'queued'"), Delivery.has_slot.is_(True)
    session.execute(
        update(Delivery)
        .where(*dealt)
        .values(due_at=Delivery.wanted_at, has_slot=False)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Pace)
        .where(Pace.key != _ACCOUNT)
        .values(next_at=func.coalesce(Pace.free_at, Pace.next_at))
        .execution_options(synchronize_session=False)
    )


def forget_paces(session: Session, now: datetime) -> None:
    """Delete turns that have long passed."""
    session.execute(delete(Pace).where(Pace.next_at < now - _FORGOTTEN))


def _next(session: Session, now: datetime) -> datetime:
    """The account's next turn."""
    found = _row(session, _ACCOUNT, now).next_at
    return now if found > now + _WRONG else max(found, now)


def _row(session: Session, key: str, now: datetime) -> Pace:
    """Ours alone until the transaction ends: another worker that wants a turn waits for it."""
    mine = select(Pace).where(Pace.key == key).with_for_update().execution_options(populate_existing=True)
    row = session.scalars(mine).first()
    if row is None:
        new = text("INSERT INTO pace (key, next_at) VALUES (:key, :next_at) ON CONFLICT (key) DO NOTHING")
        session.execute(new.bindparams(bindparam("next_at", type_=UTCDateTime), key=key, next_at=now))
        row = session.scalars(mine).one()
    return row


@dataclass(slots=True)
class _Trouble:
    failures: int = 0
    trips: int = 0
    until: datetime | None = None


@dataclass(slots=True)
class Busy:
    """Offices and domains that took nothing the last few times. They are left alone a while, and hold up nobody."""

    _known: OrderedDict[str, _Trouble] = field(default_factory=OrderedDict)

    def until(self, recipient: str, now: datetime) -> datetime | None:
        """When to try this address again; None for now."""
        found = [self._known[key].until for key, _patience in _keys(recipient) if key in self._known]
        later = [at for at in found if at is not None and now < at <= now + _PAUSES[-1]]
        return max(later, default=None)

    def note(self, recipient: str, outcome: Outcome, now: datetime) -> None:
        """Learn from an attempt. Greylisting is no trouble: each message has to knock twice."""
        for key, patience in _keys(recipient):
            if not _is_trouble(outcome):
                if outcome.kind in {OutcomeKind.ACCEPTED, OutcomeKind.PERMANENT}:
                    self._known.pop(key, None)
                continue
            trouble = self._known.setdefault(key, _Trouble())
            self._known.move_to_end(key)
            trouble.failures += 1
            if trouble.failures >= patience:
                trouble.until = now + _PAUSES[min(trouble.trips, len(_PAUSES) - 1)]
                trouble.trips += 1
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)


_PAUSES = tuple(timedelta(minutes=count) for count in (1, 5, 15, 30))
_MOST_KNOWN = 10_000
_OF_THE_RECIPIENT = frozenset(
    {"recipient refused", "refused", TOO_FAST, "connection lost", "no answer", "unreadable answer"}
)
"""Why an attempt failed after the conversation had come to the recipient."""


def _keys(recipient: str) -> tuple[tuple[str, int], ...]:
    """What may be in trouble, and after how many failures in a row it is: the mailbox, and all of its domain."""
    address = recipient.lower()
    return (address, 2), ("@" + address.rpartition("@")[2], 5)


def _is_trouble(outcome: Outcome) -> bool:
    return outcome.kind in {OutcomeKind.TRANSIENT, OutcomeKind.UNKNOWN} and outcome.why in _OF_THE_RECIPIENT
