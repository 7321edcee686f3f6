"""Sending all that is due, message by message: what the worker does, and `flask outbox run`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from app.db import DatabaseUnavailable
from app.delivery import Outcome, OutcomeKind, Sender
from app.delivery.retries import Claimed, Policy
from app.delivery.sending import Gate, claim, settle, settle_and_claim
from app.logs import kind_and_place

log = logging.getLogger(__name__)

_SETTLE_PAUSE = 1.0


def drain(
    session: Session,
    sender: Sender,
    policy: Policy,
    clock: Callable[[], datetime],
    wait: Callable[[float], bool],
    gate: Gate | None = None,
    *,
    keep_open: bool = False,
) -> int:
    """Send all that is due, one message at a time; returns how many were tried. Owns its transactions.

    A mail server that takes nothing from us ends it; `gate` remembers what was learnt for the next time. `keep_open`
    leaves the connection open until there is nothing to send: then whoever drains no more closes it.

    `wait(seconds)` pauses and tells whether to stop; a message in hand is always finished and settled. Raises
    DatabaseUnavailable only from a claim, when nothing is in hand.
    """
    tried, gate = 0, gate or Gate.open()
    gate.breaker.look(session)
    session.rollback()
    following: Claimed | None = None
    while following is not None or not wait(0):
        claimed = following or claim(session, clock(), gate)
        if claimed is None:
            break
        outcome = gate.breaker.weigh(_attempt(sender, claimed), claimed.outgoing.recipient)
        gate.busy.note(claimed.outgoing.recipient, outcome, clock())
        settled, following = _settle_at_once(session, claimed, outcome, clock(), wait, gate)
        if not settled:
            _settle_for_sure(session, claimed, outcome, policy, clock, wait)
        _tell_breaker(session, gate, outcome, clock())
        tried += 1
    if not (tried and keep_open):  # the next message may be due in a second, and a server counts logins
        sender.close()
    return tried


def _tell_breaker(session: Session, gate: Gate, outcome: Outcome, now: datetime) -> None:
    """What the outcome says of the server. What cannot be written is learnt from the next one."""
    try:
        refusal = gate.breaker.note(session, outcome, now)
    except DatabaseUnavailable as error:
        log.error("what the mail server said of us could not be written down: %s", error)
        return
    if refusal is not None:
        pause = (refusal.until - now).total_seconds()
        log.error("the mail server takes nothing from us (%s); trying again in %d s", refusal.told, pause)


def _attempt(sender: Sender, claimed: Claimed) -> Outcome:
    try:
        return sender.send(claimed.outgoing)
    except Exception as error:  # a poison row must not stop the others; whether it went out is not known
        log.error("delivery %d: sending raised %s", claimed.id, kind_and_place(error))
        return Outcome(OutcomeKind.UNKNOWN, "error")


def _settle_at_once(
    session: Session, claimed: Claimed, outcome: Outcome, now: datetime, wait: Callable[[float], bool], gate: Gate
) -> tuple[bool, Claimed | None]:
    """If all is as it should be: write that it was accepted, and take the next one with it, unless told to stop."""
    if outcome.kind is not OutcomeKind.ACCEPTED or not gate.breaker.is_closed or wait(0):
        return False, None
    try:
        settled, following = settle_and_claim(session, claimed, outcome, now, gate)
    except Exception as error:  # whatever it is, the outcome alone may still be written
        log.error("delivery %d: not settled with the next one: %s", claimed.id, kind_and_place(error))
        return False, None
    if settled:
        log.info("delivery %d: %s %s", claimed.id, outcome.kind, outcome.code or outcome.why)
    return settled, following


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
        except DatabaseUnavailable as error:
            log.error("delivery %d: its outcome could not be written down yet: %s", claimed.id, error)
        except Exception as error:  # unforeseen; perhaps the bare outcome, without its details, can be written
            log.error("delivery %d: its outcome was refused by %s", claimed.id, kind_and_place(error))
            outcome = Outcome(outcome.kind, "settled after an error")
            last_tries -= 1
        if wait(_SETTLE_PAUSE):
            last_tries -= 1
    log.error("delivery %d: stopped before its outcome %s could be written", claimed.id, outcome.kind)
