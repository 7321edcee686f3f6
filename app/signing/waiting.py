"""What else is there for one mailbox: letters that wait to be confirmed, and those that were.

A mail that asks to confirm proves whose the mailbox is, so its page may lead to all that waits there: a text that was
improved, a name that was corrected, another person of the household, or a signature whose own mail was one too many
for a day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    network: bytes | None = None
    """Where the signature itself was entered; None two days later, when that is deleted."""

    @property
    def own(self) -> list[Waiting]:
        """Of the same person, and surely so: entered from the same network."""
        return [one for one in self.same if one.signature.network_digest == self.network is not None]

    @property
    def doubtful(self) -> list[Waiting]:
        """In the same name, but from another network, or nobody knows from which; the newest of each.

        A stranger can type anybody's name and address. Many of theirs shall not hide the one that is true.
        """
        return _newest_of_each([one for one in self.same if one not in self.own], lambda one: one.network_digest)

    @property
    def people(self) -> list[Waiting]:
        """The newest of each other name."""
        return _newest_of_each(self.others, lambda one: one.person_digest)

    @property
    def all(self) -> tuple[Waiting, ...]:
        """Everything that waits."""
        return (*self.same, *self.others, *self.elsewhere)

    def newer(self, signature: Signature) -> Waiting | None:
        """The newest of the same person, if that is newer than this one."""
        return next((one for one in self.own if one.signature.id > signature.id), None)


def _newest_of_each(found: Sequence[Waiting], which: Callable[[Signature], bytes | None]) -> list[Waiting]:
    newest: dict[bytes | None, Waiting] = {}
    for one in found:
        newest.setdefault(which(one.signature), one)
    return list(newest.values())


def beside(session: Session, signature: Signature, keys: Keys, keep: Keep, now: datetime) -> Beside:
    """What waits beside it. Left out are those whose token cannot be made: their own mails alone lead to them.

    Nothing for one that was confirmed: its link leads to a receipt, which people show to others.
    """
    if signature.email_digest is None or signature.confirmed_at is not None:
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
        signature.network_digest,
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
