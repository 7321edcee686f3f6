"""Signing and confirming. Verbs take the session and `now`; they flush, the caller commits with `writing(session)`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
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
from app.signing.limits import Limits, check_address, check_network
from app.signing.retention import Keep, has_expired, let_go
from app.signing.tokens import Keys, Token, hashed

REMIND_AFTER = timedelta(days=2)
"""When the signer is reminded of letters that wait for them, once, if they have reported nothing."""


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

    `language` is that of the page, `origin` what the link that led there said of itself.
    """

    campaign_id: int
    revision_id: int
    title: str
    nonce: str
    network: str
    replaces: str = ""
    language: str = "en"
    origin: Mapping[str, str] = field(default_factory=dict)
    """The /sent/… token of an earlier signature that this one takes the place of, after "wrong address?"."""


def sign(session: Session, draft: Draft, submission: Submission, pen: Pen, now: datetime) -> Token:
    """Store signature, letters (held) and the mail to confirm (queued); returns the token of the /sent/… page.

    The same form, mailbox, name and letters again are the same signature. Raises NothingToSign, TooManyToAddress,
    TooManyFromNetwork.
    """
    if not draft.letters:
        raise NothingToSign
    signer = draft.signer
    token, signed = _token(session, draft, submission, pen.keys)
    if signed:
        return token
    network = pen.keys.network(submission.network)
    check_address(session, pen.keys.email(signer.email), pen.limits, now)
    check_network(session, network, pen.limits, now)
    _withdraw_replaced(session, submission.replaces, now)
    earlier = _confirmed_before(session, submission.campaign_id, pen.keys.person(signer.email, signer.name))
    signature = _signature(draft, submission, pen.keys, token, network, now)
    signature.repeats_id = earlier.id if earlier else None
    session.add(signature)
    if earlier is None:
        _hold_letters(session, signature, draft, now)
    _queue_first_mail(session, signature, submission.title, pen, token, now)
    session.flush()  # once, at the end: all rows of a kind go in one statement
    return token


def resend(session: Session, token: Token, title: str, pen: Pen, now: datetime) -> None:
    """Queue the mail behind /sent/<token> once more. Raises NoSuchSignature, TooManyToAddress.

    Does nothing when the signature is no longer waiting.
    """
    signature = find_sent(session, token)
    if signature.state is not SignatureState.PENDING or signature.email is None or signature.email_digest is None:
        return
    check_address(session, signature.email_digest, pen.limits, now)
    _queue_first_mail(session, signature, title, pen, token, now)


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


def _token(session: Session, draft: Draft, submission: Submission, keys: Keys) -> tuple[Token, bool]:
    """The token of this submission, and whether it is signed already. One that was set aside can be signed anew."""
    turn, signer = 0, draft.signer
    while True:
        token = keys.sent(submission.nonce, signer.email, signer.name, f"{draft.fingerprint} {signer.asides} {turn}")
        found = _by_sent(session, token)
        if found is None or found.state in {SignatureState.PENDING, SignatureState.CONFIRMED}:
            return token, found is not None
        turn += 1


def _by_sent(session: Session, token: str) -> Signature | None:
    return session.scalars(select(Signature).where(Signature.sent_hash == hashed(token))).one_or_none()


def _confirmed_before(session: Session, campaign_id: int, person: bytes | None) -> Signature | None:
    return session.scalars(
        select(Signature).where(
            Signature.campaign_id == campaign_id,
            Signature.person_digest == person,
            Signature.state == SignatureState.CONFIRMED,
        )
    ).first()


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


def _signature(
    draft: Draft, submission: Submission, keys: Keys, token: Token, network: bytes | None, now: datetime
) -> Signature:
    signer, address = draft.signer, draft.signer.address
    return Signature(
        revision_id=submission.revision_id,
        campaign_id=submission.campaign_id,
        state=SignatureState.PENDING,
        sent_hash=hashed(token),
        mail_hash=hashed(keys.mail(token)),
        prefix=signer.prefix,
        given_name=signer.given_name,
        family_name=signer.family_name,
        address_line1=address.line1,
        address_line2=address.line2,
        city=address.city,
        region=address.state,
        postal_code=address.zip,
        email=signer.email,
        phone=signer.phone,
        own_words=draft.letters[0].own_words,
        origin=dict(submission.origin),
        person_digest=keys.person(signer.email, signer.name),
        email_digest=keys.email(signer.email),
        network_digest=network,
        congress=draft.congress,
        division=draft.division,
        located_by=draft.located_by,
        language=submission.language,
        created_at=now,
    )


def _hold_letters(session: Session, signature: Signature, draft: Draft, now: datetime) -> None:
    for position, written in enumerate(draft.letters, start=1):
        legislator = written.recipient.legislator
        letter = Letter(
            signature=signature,
            position=position,
            seat=legislator.seat,
            congress=draft.congress,
            bioguide=legislator.bioguide,
            recipient=written.recipient.title,
            recipient_detail=written.recipient.detail,
            language=draft.language,
            subject=written.subject,
            opening=written.opening,
            body=written.body,
        )
        session.add(letter)
        outbox.hold(session, signature, letter, written.way.channel.name, written.way.address, now)


def _queue_first_mail(
    session: Session, signature: Signature, title: str, pen: Pen, token: Token, now: datetime
) -> None:
    # Without a name: neither mail holds a word that the visitor typed.
    signer, uuid = Correspondent("", signature.email or "", signature.language), outbox.new_uuid()
    if signature.repeats_id is not None:
        earlier = session.get_one(Signature, signature.repeats_id)
        mail = pen.composer.repeat(uuid, signer, title, earlier.confirmed_at or now, now)
        outbox.queue(session, signature, DeliveryKind.REPEAT, mail, now)
        return
    mailed = pen.keys.mail(token)
    signature.mail_hash = hashed(mailed)  # the same as before, unless the site's secret was changed meanwhile
    letters = signature.letters
    by_us = sum(not pen.channels[letter.deliveries[0].channel].by_signer for letter in letters)
    mail = pen.composer.confirmation(uuid, signer, title, pen.confirm_url(mailed), len(letters), by_us, now)
    outbox.queue(session, signature, DeliveryKind.CONFIRMATION, mail, now)


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
    written = Written(letter.subject or "", text_of(letter), letter.language, bool(signature.own_words))
    return composer.letter(delivery.uuid, delivery.recipient or "", written, correspondent(signature), now)


def _queue_copy(session: Session, signature: Signature, token: Token, title: str, pen: Pen, now: datetime) -> None:
    """The copy; a notice in case that a mail fails, and a reminder in case that the signer reports nothing."""
    signer, links = correspondent(signature), pen.links(token)
    letters = [_sent_letter(letter, pen) for letter in signature.letters]
    copy = pen.composer.copy(outbox.new_uuid(), signer, title, letters, links, now)
    outbox.queue(session, signature, DeliveryKind.COPY, copy, now)
    if any(not letter.handoff for letter in letters):
        notice = pen.composer.notice(outbox.new_uuid(), signer, title, links, now)
        outbox.queue(session, signature, DeliveryKind.NOTICE, notice, now)
    waiting = [letter.recipient for letter in letters if letter.handoff]
    if waiting:
        due = now + REMIND_AFTER
        reminder = pen.composer.reminder(outbox.new_uuid(), signer, title, waiting, links, now, due)
        outbox.queue(session, signature, DeliveryKind.REMINDER, reminder, now, due)


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
