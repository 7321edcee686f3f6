"""What keeps everybody from asking a mail server that takes nothing from us: too many wrong logins lock an account.

It is kept in the database, so that every worker obeys it and a person can see it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, exists, or_, select
from sqlalchemy.orm import Session

from app.db import writing
from app.delivery import (
    ACCOUNT_REFUSED,
    LOGIN_REFUSED,
    NO_CONNECTION,
    SENDER_REFUSED,
    TOO_FAST,
    Outcome,
    OutcomeKind,
)
from app.models import SiteState

log = logging.getLogger(__name__)

PAUSES = tuple(timedelta(minutes=count) for count in (1, 5, 15, 30))
_ROW = SiteState.id == 1
_PATIENCE = 3
"""After so many messages in a row that came to nobody the others need not try."""
_OF_US = frozenset({NO_CONNECTION, LOGIN_REFUSED, SENDER_REFUSED})
_OF_EVERYBODY = frozenset({ACCOUNT_REFUSED, TOO_FAST, "refused", "connection lost", "no answer", "unreadable answer"})
"""What a server may say to everybody. A recipient that is refused by itself is not among it, whatever it says of it: a
stranger types addresses that nobody has into the form."""


def stopped() -> ColumnElement[bool]:
    """Whether nothing may be sent at `:now`: somebody has paused it, or the server refuses us. See `stopped_at`."""
    refused = (SiteState.refused_until > bindparam("now")) & (SiteState.refused_until <= bindparam("longest"))
    return exists().where(_ROW, or_(SiteState.paused_at.is_not(None), refused))


def stopped_at(now: datetime) -> dict[str, datetime]:
    """What `stopped` asks for. `longest` is the longest pause: a clock that was set back must not stop us for days."""
    return {"now": now, "longest": now + PAUSES[-1]}


def site_state(session: Session, delivery: str) -> SiteState:
    """The one row, for whoever changes it; `delivery` is the site's mode, if it was never started."""
    site = session.scalars(select(SiteState).with_for_update()).first()
    if site is None:
        site = SiteState(id=1, delivery=delivery, refusals=0)
        session.add(site)
    return site


@dataclass(frozen=True, slots=True)
class Refusal:
    """A mail server that takes nothing from us: since when, its last answer, and until when it is left in peace."""

    since: datetime
    why: str
    code: int | None
    until: datetime

    @property
    def told(self) -> str:
        """In a few words, for the log and for people."""
        return f"{self.why} ({self.code})" if self.code else self.why

    @property
    def is_of_messages(self) -> bool:
        """Whether a recipient or a message met it: who only asks whether they may send then does not."""
        return self.why in _OF_EVERYBODY


def refusal(session: Session) -> Refusal | None:
    """How the mail server refuses us, since the last message that it took."""
    row = session.execute(
        select(SiteState.refused_since, SiteState.refused_why, SiteState.refused_code, SiteState.refused_until).where(
            SiteState.refused_since.is_not(None)
        )
    ).one_or_none()
    return None if row is None else Refusal(row.refused_since, row.refused_why, row.refused_code, row.refused_until)


def ask_again(session: Session, now: datetime) -> bool:
    """Let the next message ask a server that was left in peace, because a person says so. Whether it was left in peace.

    If it takes nothing then either, the next pause is as long as this one was. The caller commits.
    """
    site = session.scalars(select(SiteState).with_for_update()).first()
    if site is None or site.refused_until is None or site.refused_until <= now:
        return False
    site.refused_until = now
    site.refusals = max(0, site.refusals - 1)
    return True


class Breaker:
    """Opens after a refusal of us, for longer each time; closes when the server talks again. One for each worker."""

    def __init__(self, delivery: str) -> None:
        """`delivery` is the site's mode, for a database that was never started."""
        self._delivery = delivery
        self._unreached = 0
        self._alike = _Alike()
        self._may_be_open = False

    @property
    def is_closed(self) -> bool:
        """Whether the server talks with us, as far as this worker knows: an acceptance tells nothing new then."""
        return not self._may_be_open

    def look(self, session: Session) -> None:
        """See what other workers, and those before, know of the server."""
        self._may_be_open = refusal(session) is not None

    def weigh(self, outcome: Outcome, recipient: str) -> Outcome:
        """What an attempt came to, beside those before it: who says the same to everybody does not mean the recipient.

        Such a refusal is not for good: another account, or another day, and the letter goes.
        """
        self._unreached = self._unreached + 1 if outcome.why in _OF_US else 0
        if self._alike.to_everybody(outcome, recipient):
            self._unreached = _PATIENCE
            is_final = outcome.kind is OutcomeKind.PERMANENT
            return replace(outcome, kind=OutcomeKind.TRANSIENT, why=ACCOUNT_REFUSED) if is_final else outcome
        return outcome

    def note(self, session: Session, outcome: Outcome, now: datetime) -> Refusal | None:
        """What follows from an attempt that was weighed; the refusal if the server is to be left in peace.

        Owns its transaction.
        """
        # "Too many logins, try again later" too: the next message would only be one login more.
        at_once = outcome.kind is OutcomeKind.CHANNEL or outcome.why == LOGIN_REFUSED
        if at_once or self._unreached >= _PATIENCE:
            return self._open(session, outcome, now)
        met_it = outcome.kind is OutcomeKind.ACCEPTED or outcome.code is not None
        if self._may_be_open and met_it and not self._unreached and not self._alike.count:
            self._close(session)
        return None

    def _open(self, session: Session, outcome: Outcome, now: datetime) -> Refusal:
        with writing(session):
            row = site_state(session, self._delivery)
            if row.refused_until is None or row.refused_until <= now:  # else another worker has just met the same
                row.refusals += 1
            pause = PAUSES[min(row.refusals or 1, len(PAUSES)) - 1]
            row.refused_since = row.refused_since or now
            until = now + min(max(pause, outcome.retry_after or pause), PAUSES[-1])  # as the server asks
            row.refused_why, row.refused_code, row.refused_until = outcome.why, outcome.code, until
            found = Refusal(row.refused_since, outcome.why, outcome.code, until)
        self._may_be_open = True
        return found

    def _close(self, session: Session) -> None:
        refused = refusal(session)
        if refused is not None:
            with writing(session):
                row = site_state(session, self._delivery)
                row.refused_since = row.refused_until = row.refused_why = row.refused_code = None
                row.refusals = 0
            # A warning like its beginning, or whoever read that would not see the end.
            log.warning(
                "the mail server refuses us no longer, as it did since %s", f"{refused.since:%Y-%m-%d %H:%M} UTC"
            )
        else:
            session.rollback()
        self._may_be_open = False


@dataclass(slots=True)
class _Alike:
    """Answers in a row that are the same, and whether to more than one domain."""

    answer: tuple[str, int | None] | None = None
    count: int = 0
    domain: str = ""
    is_spread: bool = False

    def to_everybody(self, outcome: Outcome, recipient: str) -> bool:
        """Whether this is one answer too many of that kind.

        What recipients' servers may have said is counted anew after it: a few that say so must not stop all others.
        """
        if outcome.why not in _OF_EVERYBODY:
            self._count(None, "")
            return False
        answer = outcome.why, None if outcome.why == ACCOUNT_REFUSED else outcome.code
        domain = recipient.rpartition("@")[2].lower()
        if answer != self.answer:
            self._count(answer, domain)
        self.count += 1
        self.is_spread = self.is_spread or domain != self.domain
        is_enough = self.count >= _PATIENCE and self.is_spread
        if is_enough and outcome.why in {ACCOUNT_REFUSED, TOO_FAST}:
            self._count(None, "")
        return is_enough

    def _count(self, answer: tuple[str, int | None] | None, domain: str) -> None:
        """From nothing on."""
        self.answer, self.count, self.domain, self.is_spread = answer, 0, domain, False
