"""How fast messages may go: so many a minute in all, so many to one office, and none to who cannot take them now.

A letter whose office may not get another one yet stays where it is, and the claim passes it over: the oldest goes
first, and no pause saves turns up.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, delete, exists, select, text
from sqlalchemy.orm import Session

from app.db import UTCDateTime
from app.delivery import TOO_FAST, Outcome, OutcomeKind
from app.models import Delivery, DeliveryKind, Pace

_WRONG = timedelta(minutes=30)
"""An account's turn so far ahead can only be of a clock that was wrong."""
_AHEAD = timedelta(seconds=1)
"""The worker looks once a second, so the account's turns of the next second go together."""
MINUTE = timedelta(seconds=61)
"""A second is spare, so that no 60 seconds ever see one message more than they may."""
_ACCOUNT = ""
_FORGOTTEN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages a minute, or None for as many as there are: from the account, and to one office."""

    account: int | None = None
    office: int | None = None


def may_go(session: Session, rates: Rates, now: datetime) -> bool:
    """Whether the account has a turn left."""
    return rates.account is None or _next(session, now) <= now + _AHEAD


def note_sent(session: Session, rates: Rates, now: datetime) -> None:
    """Take a turn of the account."""
    if rates.account is not None:
        _row(session, _ACCOUNT, now).next_at = _next(session, now) + MINUTE / rates.account
        session.flush()


def is_paced() -> ColumnElement[bool]:
    """Whether a row's office may not get a letter at `:now`; what is after `:soon` is of a clock that was wrong."""
    mine = Pace.key == Delivery.recipient, Pace.key != _ACCOUNT
    return exists().where(*mine, Pace.next_at > bindparam("now"), Pace.next_at <= bindparam("soon"))


def take_turn(session: Session, kind: DeliveryKind, recipient: str, rates: Rates, now: datetime) -> bool:
    """Take a turn of the office that this goes to. False if another worker has just taken it."""
    if rates.office is None or kind is not DeliveryKind.LETTER:
        return True
    pace, interval = _row(session, recipient, now), MINUTE / rates.office
    if now < pace.next_at <= now + MINUTE:
        return False
    is_punctual = timedelta() <= now - pace.next_at <= _AHEAD
    pace.next_at = (pace.next_at if is_punctual else now) + interval
    session.flush()
    return True


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
