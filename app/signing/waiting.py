"""What else is there for one mailbox: letters that wait to be confirmed, and those that were.

A mail that asks to confirm proves whose the mailbox is, so its page may lead to all that waits there: a text that was
improved, a name that was corrected, another person of the household, or a signature whose own mail was one too many
for a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Signature, SignatureState
from app.signing.retention import Keep
from app.signing.tokens import Keys, Token, canonical_name, hashed


@dataclass(frozen=True, slots=True)
class Waiting:
    """A signature that waits for its confirmation, and what opens its page."""

    signature: Signature
    token: Token


@dataclass(frozen=True, slots=True)
class Beside:
    """What waits in a signature's mailbox beside it, the newest first."""

    same: tuple[Waiting, ...] = ()
    """Of the same person in the same campaign."""
    others: tuple[Waiting, ...] = ()
    """Under other names in the same campaign."""
    elsewhere: tuple[Waiting, ...] = ()
    """In other campaigns."""

    def newer(self, signature: Signature) -> Waiting | None:
        """The newest of the same person, if that is newer than this one."""
        return self.same[0] if self.same and self.same[0].signature.id > signature.id else None

    @property
    def all(self) -> tuple[Waiting, ...]:
        """Everything that waits."""
        return (*self.same, *self.others, *self.elsewhere)

    @property
    def people(self) -> list[Waiting]:
        """The newest of each other name."""
        newest: dict[bytes | None, Waiting] = {}
        for one in self.others:
            newest.setdefault(one.signature.person_digest, one)
        return list(newest.values())


def beside(session: Session, signature: Signature, keys: Keys, keep: Keep, now: datetime) -> Beside:
    """What waits beside it. Left out are those whose token cannot be made: their own mails alone lead to them."""
    if signature.email_digest is None:
        return Beside()
    found = session.scalars(
        select(Signature)
        .where(
            Signature.email_digest == signature.email_digest,
            Signature.id != signature.id,
            Signature.state == SignatureState.PENDING,
            Signature.repeats_id.is_(None),
            Signature.created_at > now - keep.pending,
        )
        .order_by(Signature.id.desc())
    )
    waiting = [Waiting(one, keys.mail(one.sent_hash)) for one in found]
    waiting = [one for one in waiting if hashed(one.token) == one.signature.mail_hash]
    here = [one for one in waiting if one.signature.campaign_id == signature.campaign_id]
    return Beside(
        tuple(one for one in here if one.signature.person_digest == signature.person_digest),
        tuple(one for one in here if one.signature.person_digest != signature.person_digest),
        tuple(one for one in waiting if one.signature.campaign_id != signature.campaign_id),
    )


def written_before(session: Session, signature: Signature) -> list[Signature]:
    """What the same mailbox has confirmed in the campaign, under whichever name; the newest first."""
    if signature.email_digest is None:
        return []
    query = select(Signature).where(
        Signature.email_digest == signature.email_digest,
        Signature.campaign_id == signature.campaign_id,
        Signature.id != signature.id,
        Signature.state == SignatureState.CONFIRMED,
        Signature.erased_at.is_(None),
    )
    return list(session.scalars(query.order_by(Signature.id.desc())))


def name_of(signature: Signature) -> str:
    """Under which name it was written."""
    return f"{signature.given_name or ''} {signature.family_name or ''}".strip()


def names_of(signatures: Sequence[Signature]) -> list[str]:
    """Under which names these were written, each once, in their order."""
    names: dict[str, str] = {}
    for one in signatures:
        names.setdefault(canonical_name(name_of(one)), name_of(one))
    return list(names.values())
