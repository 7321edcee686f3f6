"""Confirming. Verbs take the session and `now`; they flush, the caller commits with `writing(session)`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self, cast

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.delivery import Way, outbox
from app.delivery.mails import Correspondent, Links, SentLetter, Written, wrapped
from app.delivery.wording import text_of
from app.models import Consent, Delivery, DeliveryKind, DeliveryState, Letter, Signature, SignatureState
from app.signing.pen import Pen
from app.signing.retention import has_expired, let_go
from app.signing.tokens import hashed, spelled, spellings
from app.signing.waiting import Beside, beside

REMIND_AFTER = timedelta(days=2)
"""When the signer is reminded of letters that wait for them, once, if they have reported nothing."""


_SIGNATURES = cast(Table, Signature.__table__)
CONFIRMED = (
    select(_SIGNATURES.c.id)
    .where(
        _SIGNATURES.c.campaign_id == bindparam("campaign"),
        _SIGNATURES.c.person_digest == bindparam("person"),
        _SIGNATURES.c.state == SignatureState.CONFIRMED,
    )
    .limit(1)
    .scalar_subquery()
)


_CONFIRM = (
    update(_SIGNATURES)
    .where(_SIGNATURES.c.id == bindparam("signature"))
    .values(state=SignatureState.CONFIRMED, confirmed_at=bindparam("now"))
)
_CONSENT = insert(cast(Table, Consent.__table__))


class NoSuchSignature(Exception):
    """The token opens nothing here."""


class PageChanged(Exception):
    """What goes, or how, is no longer what the page showed, so nobody has agreed to it."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the signer agreed to: the sentence, and the seal of what the page showed."""

    sentence: str
    seal: str
    slips: frozenset[bytes | None] = frozenset()
    """Digests of the names for the same mailbox that were slips of theirs: what waits under them is set aside."""


def page_seal(ways: Mapping[int, Way], found: Beside) -> str:
    """A short hash of how each letter goes, by its position, and of what waits beside them: tells whether what is
    confirmed is what was shown.
    """
    told = [f"{position} {way.channel.name} {way.address}" for position, way in sorted(ways.items())]
    told += [f"beside {one.signature.id}" for one in (*found.same, *found.others)]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Release:
    """What confirming sets going, worked out before the write lock is taken: while one has it, everybody else waits."""

    seal: str
    """Of the page that shows it."""
    letters: tuple[outbox.Going, ...]
    mails: tuple[outbox.Fresh, ...]

    @classmethod
    def of(
        cls,
        signature: Signature,
        token: str,
        title: str,
        pen: Pen,
        ways: Mapping[int, Way],
        found: Beside,
        now: datetime,
    ) -> Self:
        """Of a signature that waits, with the `ways` of its letters by their positions. Reads the database."""
        seal = page_seal(ways, found)
        if signature.state is not SignatureState.PENDING:
            return cls(seal, (), ())
        same: dict[str, str] = {}  # paragraphs of one campaign, wrapped six times in letters and copy
        letters = [
            (letter, ways[letter.position], wrapped(text_of(letter), same))
            for letter in signature.letters
            if _held(letter)  # somebody at the organisation may have cancelled one
        ]
        links = pen.links(spelled(token, signature.mail_hash))
        return cls(
            seal,
            tuple(_going(*one, delivery, pen, now) for one in letters for delivery in _held(one[0])),
            tuple(_mails(signature, letters, links, title, pen, now)),
        )


def confirm(session: Session, token: str, release: Release, agreed: Agreement, pen: Pen, now: datetime) -> Signature:
    """Release the letters and queue the copy, once. Raises NoSuchSignature, PageChanged.

    A signature that is already confirmed, or was withdrawn, is returned as it stands. When the same person has
    confirmed another one in between, this one is withdrawn: nobody writes twice by accident. What else the same person
    left waiting is set aside.
    """
    signature = find_mailed(session, token)
    if signature.state is not SignatureState.PENDING:
        return signature
    if has_expired(signature, pen.keep, now):
        let_go(session, signature, SignatureState.EXPIRED, now)
        return signature
    if not can_be_confirmed(session, signature):
        set_aside(session, signature, now, "written already")
        return signature
    now_held = {delivery.id for letter in signature.letters for delivery in _held(letter)}
    found = beside(session, signature, pen.keys, pen.keep, now)
    if not release.seal == agreed.seal == page_seal(pen.ways(signature.letters), found):
        raise PageChanged
    if now_held != {one.delivery_id for one in release.letters}:
        raise PageChanged
    connection, known = session.connection(), {"signature": signature.id, "now": now}
    connection.execute(_CONFIRM, known)
    connection.execute(_CONSENT, {"signature_id": signature.id, "sentence": agreed.sentence, "agreed_at": now})
    outbox.go(connection, release.letters, now)
    outbox.store(connection, signature.id, release.mails, now)
    slips = (one for one in found.others if one.signature.person_digest in agreed.slips)
    for other in (*found.same, *slips):
        set_aside(session, other.signature, now, "written again")
    set_committed_value(signature, "state", SignatureState.CONFIRMED)
    set_committed_value(signature, "confirmed_at", now)
    return signature


def find_sent(session: Session, token: str) -> Signature:
    """The signature behind /sent/<token>. Raises NoSuchSignature."""
    signature = by_sent(session, token)
    if signature is None:
        raise NoSuchSignature
    return signature


def find_mailed(session: Session, token: str) -> Signature:
    """The signature behind /confirm/<token> and /receipt/<token>. Raises NoSuchSignature.

    A repeat has no letters of its own and was never given this token.
    """
    hashes = [hashed(one) for one in spellings(token)]
    signature = session.scalars(select(Signature).where(Signature.mail_hash.in_(hashes))).one_or_none()
    if signature is None or signature.repeats_id is not None:
        raise NoSuchSignature
    return signature


def can_be_confirmed(session: Session, signature: Signature) -> bool:
    """Whether its letters wait, and the same person has not confirmed others meanwhile."""
    return (
        signature.state is SignatureState.PENDING
        and _confirmed_before(session, signature.campaign_id, signature.person_digest) is None
    )


def correspondent(signature: Signature) -> Correspondent:
    """The signer as mails address them."""
    name = f"{signature.given_name or ''} {signature.family_name or ''}".strip()
    return Correspondent(name, signature.email or "", signature.language, signature.prefix or "")


def by_sent(session: Session, token: str) -> Signature | None:
    """The signature behind /sent/<token>; None for none."""
    hashes = [hashed(one) for one in spellings(token)]
    return session.scalars(select(Signature).where(Signature.sent_hash.in_(hashes))).one_or_none()


def _confirmed_before(session: Session, campaign_id: int, person: bytes | None) -> int | None:
    """A signature that this person has confirmed in the campaign."""
    return session.scalar(select(CONFIRMED), {"campaign": campaign_id, "person": person})


def set_aside(session: Session, signature: Signature, now: datetime, why: str) -> None:
    """Withdraw a signature: nothing of it goes that has not gone."""
    signature.state = SignatureState.WITHDRAWN
    outbox.cancel(session, signature.deliveries, now, why)


def _held(letter: Letter) -> list[Delivery]:
    return [delivery for delivery in letter.deliveries if delivery.state is DeliveryState.HELD]


def _going(letter: Letter, way: Way, text: str, delivery: Delivery, pen: Pen, now: datetime) -> outbox.Going:
    """A held letter as its way is now, which may differ from when it was signed."""
    if way.channel.by_signer:
        return outbox.Going(delivery.id, way, None)
    signature = letter.signature
    changed = any(name.startswith("part-") for name in signature.changes or ())
    written = Written(letter.subject or "", text, letter.language, bool(signature.own_words), changed)
    mail = pen.composer.letter(delivery.uuid, way.address, written, correspondent(signature), now)
    return outbox.Going(delivery.id, way, mail)


def _mails(
    signature: Signature, going: Sequence[tuple[Letter, Way, str]], links: Links, title: str, pen: Pen, now: datetime
) -> Iterator[outbox.Fresh]:
    """The copy; a notice in case that a mail fails, and a reminder in case that the signer reports nothing."""
    signer = correspondent(signature)
    letters = [_sent_letter(*one, pen) for one in going]
    copy = pen.composer.copy(outbox.new_uuid(), signer, title, letters, links, now)
    yield outbox.queued(DeliveryKind.COPY, copy, now)
    if any(not letter.handoff for letter in letters):
        notice = pen.composer.notice(outbox.new_uuid(), signer, title, links, now)
        yield outbox.queued(DeliveryKind.NOTICE, notice, now)
    waiting = [letter.recipient for letter in letters if letter.handoff]
    if waiting:
        due = now + REMIND_AFTER
        reminder = pen.composer.reminder(outbox.new_uuid(), signer, title, waiting, links, now, due)
        yield outbox.queued(DeliveryKind.REMINDER, reminder, now, due)


def _sent_letter(letter: Letter, way: Way, text: str, pen: Pen) -> SentLetter:
    return SentLetter(
        recipient=letter.recipient,
        detail=letter.recipient_detail,
        promise=way.channel.promise,
        subject=letter.subject or "",
        text=text,
        handoff=pen.handoff(letter, way) if way.channel.by_signer else None,
    )
