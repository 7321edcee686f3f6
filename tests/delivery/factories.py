"""Rows of the outbox, and parts of the worker, with defaults that are easy to override."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery import Outcome, OutcomeKind, Outgoing
from app.delivery.drain import drain
from app.delivery.outbox import rank_of
from app.delivery.retries import Policy
from app.models import (
    Campaign,
    CampaignRevision,
    CampaignState,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Letter,
    Signature,
    SignatureState,
)

NOW = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
ACCEPTED = Outcome(OutcomeKind.ACCEPTED, "accepted", 250)
TRANSIENT = Outcome(OutcomeKind.TRANSIENT, "refused", 451)
PERMANENT = Outcome(OutcomeKind.PERMANENT, "recipient refused", 550)
UNKNOWN = Outcome(OutcomeKind.UNKNOWN, "no answer")


def minutes(*counts: float) -> tuple[timedelta, ...]:
    return tuple(timedelta(minutes=count) for count in counts)


def policy(
    letters: tuple[timedelta, ...] = minutes(2, 10, 30),
    confirmations: tuple[timedelta, ...] = minutes(0.5, 2),
    unknown: timedelta = timedelta(minutes=30),
    jitter: Callable[[], float] = lambda: 1.0,
) -> Policy:
    return Policy(letters=letters, confirmations=confirmations, unknown=unknown, jitter=jitter)


def signature(session: Session, now: datetime = NOW, state: SignatureState = SignatureState.CONFIRMED) -> Signature:
    """Somebody who signed; each one for a campaign of their own."""
    campaign = Campaign(slug=secrets.token_hex(8), state=CampaignState.PUBLISHED, source="", created_at=now)
    revision = CampaignRevision(campaign=campaign, number=1, source="", published_at=now)
    session.add_all([campaign, revision])
    session.flush()
    made = Signature(
        revision_id=revision.id,
        campaign_id=campaign.id,
        state=state,
        sent_hash=secrets.token_bytes(32),
        mail_hash=secrets.token_bytes(32),
        given_name="Ana",
        family_name="García",
        email="ana@example.org",
        person_digest=secrets.token_bytes(32),
        email_digest=secrets.token_bytes(32),
        congress=119,
        located_by="zip",
        created_at=now,
    )
    session.add(made)
    session.flush()
    return made


def delivery(
    session: Session,
    signer: Signature,
    due: datetime | None = NOW,
    *,
    kind: DeliveryKind = DeliveryKind.COPY,
    state: DeliveryState = DeliveryState.QUEUED,
    mail: bytes = b"Subject: hello\r\n\r\nHello\r\n",
    recipient: str = "office@example.org",
    **columns: object,
) -> Delivery:
    """A row as `queue` or `release` leaves it; of kind LETTER it gets a letter."""
    letter = None
    if kind is DeliveryKind.LETTER:
        letter = Letter(
            signature_id=signer.id,
            position=1,
            seat=secrets.token_hex(5),
            congress=119,
            bioguide="L000571",
            recipient="Senator Cynthia M. Lummis",
            recipient_detail="Republican, Wyoming",
            subject="The well",
            body="Dear Senator",
        )
        session.add(letter)
        session.flush()
    made = Delivery(
        uuid=secrets.token_hex(16),
        kind=kind,
        rank=rank_of(kind),
        state=state,
        channel="mail",
        signature_id=signer.id,
        letter_id=letter.id if letter else None,
        recipient=recipient,
        sender="b+1.2@example.org",
        mail=mail,
        due_at=due,
        created_at=NOW,
        **columns,
    )
    session.add(made)
    session.flush()
    return made


def reread(session: Session, identifier: int) -> Delivery:
    """The delivery as it stands in the database."""
    session.rollback()
    return session.scalars(
        select(Delivery).where(Delivery.id == identifier).execution_options(populate_existing=True)
    ).one()


def moves(found: Delivery) -> list[tuple[DeliveryState, str]]:
    """The events of a delivery, oldest first."""
    return [(event.state, event.why) for event in found.events]


@dataclass
class ScriptedSender:
    """A Sender that answers from a list; past its end, `accepted`. Keeps what it was given."""

    outcomes: Iterable[Outcome | Exception] = ()
    on_send: Callable[[Outgoing], None] = lambda _message: None
    sent: list[Outgoing] = field(default_factory=list)
    closed: int = 0

    def __post_init__(self) -> None:
        self._outcomes = iter(self.outcomes)

    def send(self, message: Outgoing) -> Outcome:
        self.sent.append(message)
        self.on_send(message)
        outcome = next(self._outcomes, ACCEPTED)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        self.closed += 1


def leave(session: Session, now: datetime) -> None:
    """Let the mail server accept all that is due."""
    drain(session, ScriptedSender(), policy(), lambda: now, lambda _seconds: False)
