"""Signing and confirming. Verbs take the session and `now`; they flush, the caller commits with `writing(session)`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple, cast

from sqlalchemy import Connection, Table, bindparam, insert, select
from sqlalchemy.orm import Session

from app.delivery import Channel, Way, outbox
from app.delivery.handoff import Handoff
from app.delivery.mails import Composer, Correspondent, Links, SentLetter, Written
from app.delivery.wording import text_of
from app.models import (
    Consent,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Letter,
    Signature,
    SignatureState,
)
from app.signing.draft import Draft
from app.signing.limits import MAILS, SIGNATURES, WINDOW, Limits, check, check_address
from app.signing.retention import Keep, has_expired, let_go
from app.signing.tokens import Keys, Token, hashed

REMIND_AFTER = timedelta(days=2)
"""When the signer is reminded of letters that wait for them, once, if they have reported nothing."""


# Statements that every signature needs, made once: to build them takes longer than to run them.
_SIGNATURES, _LETTERS = cast(Table, Signature.__table__), cast(Table, Letter.__table__)
_CONFIRMED = (
    select(_SIGNATURES.c.id)
    .where(
        _SIGNATURES.c.campaign_id == bindparam("campaign"),
        _SIGNATURES.c.person_digest == bindparam("person"),
        _SIGNATURES.c.state == SignatureState.CONFIRMED,
    )
    .limit(1)
    .scalar_subquery()
)
_KNOWN = select(
    select(_SIGNATURES.c.state).where(_SIGNATURES.c.sent_hash == bindparam("sent")).scalar_subquery(),
    _CONFIRMED,
    MAILS,
    SIGNATURES,
)
_NEW_SIGNATURE = insert(_SIGNATURES).returning(_SIGNATURES.c.id)
_NEW_LETTER = insert(_LETTERS).returning(_LETTERS.c.id, sort_by_parameter_order=True)


class NoSuchSignature(Exception):
    """The token opens nothing here."""


class WaysChanged(Exception):
    """How the letters go is no longer what the page showed, so nobody has agreed to it."""


class NothingToSign(Exception):
    """The draft holds no letter."""


@dataclass(frozen=True, slots=True)
class Pen:
    """What signing needs besides the draft."""

    keys: Keys
    composer: Composer
    limits: Limits
    keep: Keep
    confirm_url: Callable[[Token], str]
    links: Callable[[Token], Links]
    channels: Mapping[str, Channel]
    """Every channel by its name, those that are not in use now too."""
    way: Callable[[Letter], Way]
    """How a letter that has not gone yet goes now: to whoever holds its seat."""
    handoff: Callable[[Letter], Handoff]
    """What the signer needs to deliver a letter."""


@dataclass(frozen=True, slots=True)
class Submission:
    """Where a draft came from: which form, for which revision of which campaign, from which network.

    `language` is that of the page, `origin` what the link that led there said of itself, `changes` what the signer made
    of the letters besides their own words, by the names of the form's fields.
    """

    campaign_id: int
    revision_id: int
    title: str
    nonce: str
    network: str
    replaces: str = ""
    """The /sent/… token of an earlier signature that this one takes the place of, after "wrong address?"."""
    language: str = "en"
    origin: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, str] = field(default_factory=dict)


def sign(session: Session, draft: Draft, submission: Submission, pen: Pen, now: datetime) -> Token:
    """Store signature, letters (held) and the mail to confirm (queued); returns the token of the /sent/… page.

    The same form, mailbox, name and letters again are the same signature. Raises NothingToSign, TooManyToAddress,
    TooManyFromNetwork.
    """
    if not draft.letters:
        raise NothingToSign
    digests = _digests(draft, submission, pen.keys)
    connection = session.connection()  # without the session a statement takes a third less time
    token, known = _known(connection, draft, submission, pen.keys, digests, now)
    if known.state is not None:
        return token
    check(known.mails, known.signatures, pen.limits)
    _withdraw_replaced(session, submission.replaces, now)
    row = _signature_row(draft, submission, pen.keys, token, now)
    if known.earlier is not None:  # nothing is kept a second time
        row |= {"own_words": "", "changes": {}}
    signature_id = connection.scalars(_NEW_SIGNATURE, {**row, **digests, "repeats_id": known.earlier}).one()
    to = _nameless(draft.signer.email, submission.language)
    if known.earlier is None:
        channels = [letter.way.channel for letter in draft.letters]
        mail = _confirmation(pen, to, submission.title, token, channels, now)
        fresh = [*_held_letters(connection, signature_id, draft), mail]
    else:
        fresh = [_repeat(session, pen, to, submission.title, known.earlier, now)]
    outbox.store(connection, signature_id, fresh, now)
    return token


def resend(session: Session, token: Token, title: str, pen: Pen, now: datetime) -> None:
    """Queue the mail behind /sent/<token> once more. Raises NoSuchSignature, TooManyToAddress.

    Does nothing when the signature is no longer waiting.
    """
    signature = find_sent(session, token)
    if signature.state is not SignatureState.PENDING or signature.email is None or signature.email_digest is None:
        return
    check_address(session, signature.email_digest, pen.limits, now)
    to = _nameless(signature.email, signature.language)
    if signature.repeats_id is None:
        signature.mail_hash = hashed(pen.keys.mail(token))  # another one if the site's secret was changed meanwhile
        channels = [pen.channels[letter.deliveries[0].channel] for letter in signature.letters]
        mail = _confirmation(pen, to, title, token, channels, now)
    else:
        mail = _repeat(session, pen, to, title, signature.repeats_id, now)
    outbox.queue(session, signature, mail, now)


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the signer agreed to: the sentence, and the seal of how the letters go, as the page showed it."""

    sentence: str
    seal: str


def ways_seal(ways: Mapping[int, Way]) -> str:
    """A short hash of how each letter goes, by its position: tells whether what is confirmed is what was shown."""
    told = "\0".join(f"{position} {way.channel.name} {way.address}" for position, way in sorted(ways.items()))
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def confirm(session: Session, token: Token, agreed: Agreement, title: str, pen: Pen, now: datetime) -> Signature:
    """Release the letters and queue the copy, once. Raises NoSuchSignature, WaysChanged.

    A signature that is already confirmed, or was withdrawn, is returned as it stands. When the same person has
    confirmed another one in between, this one is withdrawn: nobody writes twice by accident.
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
    ways = {letter.position: pen.way(letter) for letter in signature.letters}
    if ways_seal(ways) != agreed.seal:
        raise WaysChanged
    signature.state = SignatureState.CONFIRMED
    signature.confirmed_at = now
    session.add(Consent(signature_id=signature.id, sentence=agreed.sentence, agreed_at=now))
    for letter in signature.letters:
        _dispatch(session, letter, ways[letter.position], pen.composer, now)
    _queue_copy(session, signature, token, title, pen, now)
    return signature


def find_sent(session: Session, token: str) -> Signature:
    """The signature behind /sent/<token>. Raises NoSuchSignature."""
    signature = _by_sent(session, token)
    if signature is None:
        raise NoSuchSignature
    return signature


def find_mailed(session: Session, token: str) -> Signature:
    """The signature behind /confirm/<token> and /receipt/<token>. Raises NoSuchSignature.

    A repeat has no letters of its own and was never given this token.
    """
    signature = session.scalars(select(Signature).where(Signature.mail_hash == hashed(token))).one_or_none()
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


class _Known(NamedTuple):
    """What is known of a submission before it is stored: all in one look."""

    state: SignatureState | None
    """Of the signature that it has become already."""
    earlier: int | None
    """A signature that the same person has confirmed in the campaign."""
    mails: int
    signatures: int


def _known(
    connection: Connection,
    draft: Draft,
    submission: Submission,
    keys: Keys,
    digests: Mapping[str, bytes | None],
    now: datetime,
) -> tuple[Token, _Known]:
    """The token of this submission, and what is known of it. One that was set aside can be signed anew."""
    signer, fingerprint = draft.signer, draft.fingerprint
    sought = {
        "campaign": submission.campaign_id,
        "person": digests["person_digest"],
        "mailbox": digests["email_digest"],
        "network": digests["network_digest"],
        "since": now - WINDOW,
    }
    for turn in count():
        token = keys.sent(submission.nonce, signer.email, signer.name, f"{fingerprint} {signer.asides} {turn}")
        known = _Known(*connection.execute(_KNOWN, {**sought, "sent": hashed(token)}).one())
        if known.state in {None, SignatureState.PENDING, SignatureState.CONFIRMED}:
            return token, known
    raise AssertionError("count() does not end")


def _digests(draft: Draft, submission: Submission, keys: Keys) -> dict[str, bytes | None]:
    signer = draft.signer
    return {
        "email_digest": keys.email(signer.email),
        "person_digest": keys.person(signer.email, signer.name),
        "network_digest": keys.network(submission.network),
    }


def _by_sent(session: Session, token: str) -> Signature | None:
    return session.scalars(select(Signature).where(Signature.sent_hash == hashed(token))).one_or_none()


def _confirmed_before(session: Session, campaign_id: int, person: bytes | None) -> int | None:
    """A signature that this person has confirmed in the campaign."""
    return session.scalar(select(_CONFIRMED), {"campaign": campaign_id, "person": person})


def _withdraw_replaced(session: Session, token: str, now: datetime) -> None:
    """Set aside, and blank, what waits under the corrected address: all that the same person sent from this network."""
    replaced = _by_sent(session, token) if token else None
    if replaced is None:
        return
    waiting = session.scalars(
        select(Signature).where(
            Signature.campaign_id == replaced.campaign_id,
            Signature.person_digest == replaced.person_digest,
            Signature.network_digest.is_not_distinct_from(replaced.network_digest),
            Signature.state == SignatureState.PENDING,
        )
    )
    for signature in waiting:
        let_go(session, signature, SignatureState.WITHDRAWN, now)


def set_aside(session: Session, signature: Signature, now: datetime, why: str) -> None:
    """Withdraw a signature: nothing of it goes that has not gone."""
    signature.state = SignatureState.WITHDRAWN
    outbox.cancel(session, signature.deliveries, now, why)


def _signature_row(draft: Draft, submission: Submission, keys: Keys, token: Token, now: datetime) -> dict[str, object]:
    signer, address = draft.signer, draft.signer.address
    return {
        "revision_id": submission.revision_id,
        "campaign_id": submission.campaign_id,
        "state": SignatureState.PENDING,
        "sent_hash": hashed(token),
        "mail_hash": hashed(keys.mail(token)),
        "prefix": signer.prefix,
        "given_name": signer.given_name,
        "family_name": signer.family_name,
        "address_line1": address.line1,
        "address_line2": address.line2,
        "city": address.city,
        "region": address.state,
        "postal_code": address.zip,
        "email": signer.email,
        "phone": signer.phone,
        "own_words": draft.letters[0].own_words,
        "changes": dict(submission.changes),
        "origin": dict(submission.origin),
        "congress": draft.congress,
        "division": draft.division,
        "located_by": draft.located_by,
        "language": submission.language,
        "created_at": now,
    }


def _held_letters(connection: Connection, signature_id: int, draft: Draft) -> list[outbox.Fresh]:
    """Store the letters; their deliveries, to be stored next."""
    rows = [
        {
            "signature_id": signature_id,
            "position": position,
            "seat": letter.recipient.legislator.seat,
            "congress": draft.congress,
            "bioguide": letter.recipient.legislator.bioguide,
            "recipient": letter.recipient.title,
            "recipient_detail": letter.recipient.detail,
            "language": draft.language,
            "subject": letter.subject,
            "opening": letter.opening,
            "body": letter.body,
        }
        for position, letter in enumerate(draft.letters, start=1)
    ]
    stored = zip(connection.scalars(_NEW_LETTER, rows), draft.letters, strict=True)
    return [outbox.held(number, letter.way.channel.name, letter.way.address) for number, letter in stored]


def _nameless(email: str, language: str) -> Correspondent:
    """For the first mail, which holds no word that the visitor typed."""
    return Correspondent("", email, language)


def _confirmation(
    pen: Pen, to: Correspondent, title: str, token: Token, channels: Sequence[Channel], now: datetime
) -> outbox.Fresh:
    """The mail to confirm letters that go by these channels."""
    link, by_us = pen.confirm_url(pen.keys.mail(token)), sum(not channel.by_signer for channel in channels)
    mail = pen.composer.confirmation(outbox.new_uuid(), to, title, link, len(channels), by_us, now)
    return outbox.queued(DeliveryKind.CONFIRMATION, mail, now)


def _repeat(session: Session, pen: Pen, to: Correspondent, title: str, earlier: int, now: datetime) -> outbox.Fresh:
    """The mail that says that they have already written."""
    written_on = session.get_one(Signature, earlier).confirmed_at or now
    return outbox.queued(DeliveryKind.REPEAT, pen.composer.repeat(outbox.new_uuid(), to, title, written_on, now), now)


def _dispatch(session: Session, letter: Letter, way: Way, composer: Composer, now: datetime) -> None:
    """Queue a held letter, or offer it to its signer: as its way is now, which may differ from when it was signed."""
    for delivery in letter.deliveries:
        if delivery.state is not DeliveryState.HELD:
            continue
        outbox.readdress(delivery, way.channel.name, way.address)
        if way.channel.by_signer:
            outbox.offer(session, delivery, now)
        else:
            outbox.release(session, delivery, _composed_letter(letter, delivery, composer, now), now)


def _composed_letter(letter: Letter, delivery: Delivery, composer: Composer, now: datetime) -> outbox.Composed:
    signature = letter.signature
    changed = any(name.startswith("part-") for name in signature.changes or ())
    written = Written(letter.subject or "", text_of(letter), letter.language, bool(signature.own_words), changed)
    return composer.letter(delivery.uuid, delivery.recipient or "", written, correspondent(signature), now)


def _queue_copy(session: Session, signature: Signature, token: Token, title: str, pen: Pen, now: datetime) -> None:
    """The copy; a notice in case that a mail fails, and a reminder in case that the signer reports nothing."""
    signer, links = correspondent(signature), pen.links(token)
    letters = [_sent_letter(letter, pen) for letter in signature.letters]
    copy = pen.composer.copy(outbox.new_uuid(), signer, title, letters, links, now)
    outbox.queue(session, signature, outbox.queued(DeliveryKind.COPY, copy, now), now)
    if any(not letter.handoff for letter in letters):
        notice = pen.composer.notice(outbox.new_uuid(), signer, title, links, now)
        outbox.queue(session, signature, outbox.queued(DeliveryKind.NOTICE, notice, now), now)
    waiting = [letter.recipient for letter in letters if letter.handoff]
    if waiting:
        due = now + REMIND_AFTER
        reminder = pen.composer.reminder(outbox.new_uuid(), signer, title, waiting, links, now, due)
        outbox.queue(session, signature, outbox.queued(DeliveryKind.REMINDER, reminder, now, due), now)


def _sent_letter(letter: Letter, pen: Pen) -> SentLetter:
    channel = pen.channels[letter.deliveries[0].channel]
    return SentLetter(
        recipient=letter.recipient,
        detail=letter.recipient_detail,
        promise=channel.promise,
        subject=letter.subject or "",
        text=text_of(letter),
        handoff=pen.handoff(letter) if channel.by_signer else None,
    )
