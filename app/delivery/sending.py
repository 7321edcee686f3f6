"""From the queue to the mail server: claim a row, send it with no transaction open, settle what came of it.

What a crash leaves in `sending` may or may not have been accepted: it is sent once more, later, with the same bytes and
Message-ID. Every verb here owns its transactions.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from typing import cast

from sqlalchemy import Select, Table, bindparam, func, or_, select, text, update
from sqlalchemy.orm import Session

from app.clock import bounds, doubt, is_doubted
from app.db import writing
from app.delivery import Outcome, OutcomeKind, Outgoing, outbox
from app.delivery.breaker import Breaker, refusal, stopped, stopped_at
from app.delivery.pacing import MINUTE, Busy, Rates, is_paced, may_go, note_sent, take_turn
from app.delivery.pause import is_paused
from app.delivery.retries import Claimed, Policy, verdict
from app.models import Delivery, DeliveryKind, DeliveryState, Signature

S = DeliveryState
LEASE = timedelta(seconds=900)
SENDER_DIED = "sender died"
UNKNOWN = frozenset({SENDER_DIED, "no answer", "unreadable answer", "error"})
"""Why it is not known whether a message was accepted, as events say it."""
_PUT_OFF_AT_ONCE = 200
"""Rows that one claim may find too early before it lets others write."""

_TABLE = cast(Table, Delivery.__table__)


def _first(rank: int) -> Select[tuple[int]]:
    # The state stands in the text, not in a parameter: only so does SQLite see that the partial index fits.
    due = text("state = 'queued'"), text(f"rank = {rank}"), _TABLE.c.due_at <= bindparam("now")
    found = select(_TABLE.c.id).where(*due).order_by(_TABLE.c.due_at).limit(1)
    if rank == outbox.rank_of(DeliveryKind.REMINDER):  # which comes after days of silence, and not of a wrong clock
        found = found.where(or_(_TABLE.c.kind != DeliveryKind.REMINDER, ~is_doubted()))
    if rank == outbox.rank_of(DeliveryKind.LETTER):
        found = found.where(~is_paced())
    return found.with_for_update(skip_locked=True)


# One look into the index for each rank: in one look for all, what is due later would be read again and again.
_CLAIM = (
    update(_TABLE)
    .where(
        _TABLE.c.id == func.coalesce(*(_first(rank).scalar_subquery() for rank in outbox.RANKS)),
        ~stopped(),
    )
    .values(
        state=S.SENDING, lease=bindparam("new_lease"), leased_until=bindparam("until"), attempts=_TABLE.c.attempts + 1
    )
    .returning(
        *(_TABLE.c[name] for name in ("id", "kind", "attempts", "unknowns", "sender", "recipient", "mail", "due_at"))
    )
)


@dataclass(frozen=True, slots=True)
class Gate:
    """What decides which of the rows that are due may go."""

    rates: Rates
    busy: Busy
    breaker: Breaker
    lease: timedelta = LEASE
    """How long a row is its sender's alone: longer than the slowest attempt."""

    @classmethod
    def open(cls, rates: Rates | None = None, delivery: str = "sandbox", lease: timedelta = LEASE) -> Gate:
        """One that knows of no trouble yet, on a site of that mode."""
        return cls(rates or Rates(), Busy(), Breaker(delivery), lease)


def lease_of(timeout: timedelta) -> timedelta:
    """A lease that no attempt outlasts whose commands may take so long: the final dot gets ten times that."""
    return max(LEASE, 20 * timeout)


def claim(session: Session, now: datetime, gate: Gate | None = None) -> Claimed | None:
    """Take the row that goes next: the most urgent kind first, then what has waited longest.

    In short transactions. None when nothing is due, nothing may be sent, or all that is due comes too early.
    """
    gate = gate or Gate.open()
    while True:
        with writing(session, beside_workers=True):
            if not may_go(session, gate.rates, now):
                return None
            for _row in range(_PUT_OFF_AT_ONCE):
                looked = _look(session, gate, now)
                if looked is not _Looked.BUSY:
                    break
        if isinstance(looked, Claimed):
            return looked
        if looked is _Looked.NOTHING:
            return None


class _Looked(Enum):
    NOTHING = auto()
    BUSY = auto()
    TAKEN = auto()
    """Another worker took the office's turn, whose row is locked: who locks two of them could wait for each other."""


def _look(session: Session, gate: Gate, now: datetime) -> Claimed | _Looked:
    """Take the row that is first; or put it off, if its office is in trouble."""
    lease = secrets.token_hex(16)
    values = stopped_at(now) | {"soon": now + MINUTE, "until": now + gate.lease}
    row = session.execute(_CLAIM, values | bounds(now) | {"new_lease": lease}).one_or_none()
    if row is None:
        return _Looked.NOTHING
    until = gate.busy.until(row.recipient or "", now)
    if until is not None:
        _put_off(session, row.id, until)
        return _Looked.BUSY
    if not take_turn(session, row.kind, row.recipient or "", gate.rates, now):
        _put_off(session, row.id, row.due_at)
        return _Looked.TAKEN
    outbox.note_event(session, row.id, S.SENDING, now, "claimed")
    note_sent(session, gate.rates, now)
    outgoing = Outgoing(row.sender or "", row.recipient or "", row.mail or b"")
    return Claimed(row.id, lease, row.kind, row.attempts, row.unknowns, outgoing)


def _put_off(session: Session, identifier: int, until: datetime) -> None:
    """As if it had never been claimed: nothing was tried, and nothing has moved."""
    session.execute(
        update(_TABLE)
        .where(_TABLE.c.id == identifier)
        .values(state=S.QUEUED, lease=None, leased_until=None, attempts=_TABLE.c.attempts - 1, due_at=until)
    )


def settle(session: Session, claimed: Claimed, outcome: Outcome, policy: Policy, now: datetime) -> bool:
    """Write an attempt's outcome. False, and nothing written, when the lease had passed to somebody else.

    One that was accepted is written even then, if it waits to be sent once more or was parked: it need not go twice.
    """
    state, pause = verdict(claimed, outcome, policy)
    unknowns = claimed.unknowns + (outcome.kind is OutcomeKind.UNKNOWN)
    spared = outcome.kind is OutcomeKind.CHANNEL
    if spared and _refused_for(session, now) > sum(policy.pauses(claimed.kind), timedelta()):
        state = S.FAILED  # as long as any other trouble may last; then its signer can still deliver it
    leaving = _Leaving(
        claimed.id,
        claimed.lease,
        state,
        now + pause,
        unknowns,
        outcome.why,
        outcome.code,
        outcome.said,
        spared,
    )
    with writing(session, beside_workers=True):
        if _leave_sending(session, leaving, now):
            return True
        is_late = outcome.kind is OutcomeKind.ACCEPTED and _take_again(session, claimed, now)
        return is_late and _leave_sending(session, leaving, now)


def settle_and_claim(
    session: Session, claimed: Claimed, outcome: Outcome, now: datetime, gate: Gate
) -> tuple[bool, Claimed | None]:
    """`settle` of what was accepted and, in the same transaction, the claim of what goes next: half of the commits.

    Gives what both would. Of the next, None does not say that there is nothing.
    """
    leaving = _Leaving(
        claimed.id, claimed.lease, S.ACCEPTED, now, claimed.unknowns, outcome.why, outcome.code, outcome.said
    )
    with writing(session, beside_workers=True):
        if not _leave_sending(session, leaving, now):
            return False, None
        looked = _look(session, gate, now) if may_go(session, gate.rates, now) else None
    return True, looked if isinstance(looked, Claimed) else None


def _take_again(session: Session, claimed: Claimed, now: datetime) -> bool:
    """What was given up as of a sender that died."""
    taken = session.execute(
        update(_TABLE)
        .where(
            _TABLE.c.id == claimed.id,
            _TABLE.c.state.in_((S.QUEUED, S.PARKED)),
            _TABLE.c.attempts == claimed.attempts,
            _TABLE.c.unknowns == claimed.unknowns + 1,
        )
        .values(state=S.SENDING, lease=claimed.lease, leased_until=now)
        .returning(_TABLE.c.id)
    ).one_or_none()
    if taken is not None:
        outbox.note_event(session, claimed.id, S.SENDING, now, "answered late")
    return taken is not None


_STOPPED = select(stopped())


class Halt(StrEnum):
    """Why nothing goes at present: somebody has paused sending, or the mail server takes nothing from us."""

    PAUSED = "paused"
    REFUSED = "refused"


def halt(session: Session, now: datetime) -> Halt | None:
    """What keeps everything that waits, as far as is known; None if nothing does."""
    if not session.scalar(_STOPPED, stopped_at(now)):
        return None
    return Halt.PAUSED if is_paused(session) else Halt.REFUSED


def is_something_due(session: Session, now: datetime) -> bool:
    """Whether anything could go now that only waits for a turn."""
    due = select(_TABLE.c.id).where(text("state = 'queued'"), _TABLE.c.due_at <= bindparam("now"), ~stopped()).limit(1)
    found = session.execute(due, stopped_at(now)).first() is not None
    session.rollback()
    return found


def _refused_for(session: Session, now: datetime) -> timedelta:
    """How long the server has taken nothing from us; nothing, as long as the clock cannot be right."""
    refused = None if doubt(session, now) else refusal(session)
    session.rollback()
    return timedelta() if refused is None else now - refused.since


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
        rows = session.execute(stale.with_for_update(skip_locked=True)).all()
        for row in rows:
            to = S.QUEUED if row.unknowns == 0 else S.PARKED
            leaving = _Leaving(row.id, row.lease, to, now + policy.unknown, row.unknowns + 1, SENDER_DIED)
            _leave_sending(session, leaving, now)
    return len(rows)


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
    said: str = ""
    spared: bool = False
    """The attempt does not count."""


def _leave_sending(session: Session, leaving: _Leaving, now: datetime) -> bool:
    outbox.check_move(leaving.id, S.SENDING, leaving.to)
    queued = leaving.to is S.QUEUED
    values: dict[str, object] = {}
    if leaving.spared:  # as if it had not been tried: since when it waits stays known
        values["attempts"] = _TABLE.c.attempts - 1
    elif queued:
        values |= {"due_at": leaving.due, "wanted_at": leaving.due}
    if not queued:
        values["ended_at"] = now
    moved = session.execute(
        update(_TABLE)
        .where(_TABLE.c.id == leaving.id, _TABLE.c.lease == leaving.lease)
        .values(state=leaving.to, lease=None, leased_until=None, unknowns=leaving.unknowns, **values)
        .returning(_TABLE.c.id)
    ).one_or_none()
    if moved is None:
        return False
    outbox.note_event(session, leaving.id, leaving.to, now, leaving.why, leaving.code, leaving.said)
    if queued or leaving.to is S.FAILED:
        _hold_signature(session, leaving.id)
        outbox.after_a_failure(session, session.get_one(Delivery, leaving.id), now)
    return True


def _hold_signature(session: Session, identifier: int) -> None:
    """On a server another worker may be settling another letter of the same signer: one after the other."""
    mine = select(_TABLE.c.signature_id).where(_TABLE.c.id == identifier).scalar_subquery()
    session.execute(select(Signature.id).where(Signature.id == mine).with_for_update())
