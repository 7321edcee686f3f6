"""From a press of *Send my letters* to a stored signature whose mail asks to be confirmed.

All that can be worked out before is worked out before the database's write lock is taken: while one visitor has it,
everybody else waits.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Self, cast

from sqlalchemy import Table, bindparam, exists, insert, select
from sqlalchemy.orm import Session

from app.campaigns import IN_FORCE
from app.delivery import Channel, outbox
from app.delivery.dead import is_dead
from app.delivery.mails import Correspondent
from app.models import DeadAddress, Delivery, DeliveryKind, DeliveryState, Letter, Signature, SignatureState
from app.signing import CONFIRMED, by_sent, find_sent, set_aside
from app.signing.draft import Draft
from app.signing.limits import (
    MAILS,
    REPEATS,
    SIGNATURES,
    WINDOW,
    Limits,
    TooManyFromNetwork,
    TooManyTries,
    check_wider,
    has_room,
    mails_to,
)
from app.signing.pen import Pen
from app.signing.retention import has_expired, let_go
from app.signing.tokens import Token, hashed, spelled

# Statements that every signature needs, made once: to build them takes longer than to run them.
_SIGNATURES, _LETTERS = cast(Table, Signature.__table__), cast(Table, Letter.__table__)
_SAME = _SIGNATURES.c.sent_hash == bindparam("sent")
_KNOWN = select(
    select(_SIGNATURES.c.state).where(_SAME).scalar_subquery(),
    select(_SIGNATURES.c.erased_at).where(_SAME).scalar_subquery(),
    CONFIRMED,
    IN_FORCE,
    MAILS,
    REPEATS,
    SIGNATURES,
    exists().where(
        _SIGNATURES.c.campaign_id == bindparam("campaign"),
        _SIGNATURES.c.person_digest == bindparam("person"),
        _SIGNATURES.c.network_digest == bindparam("network"),
        _SIGNATURES.c.state == SignatureState.PENDING,
        _SIGNATURES.c.id > select(_SIGNATURES.c.id).where(_SAME).scalar_subquery(),
    ),
    exists().where(DeadAddress.digest == bindparam("address")),
)
_CONFIRMED_ON = select(_SIGNATURES.c.confirmed_at).where(_SIGNATURES.c.id == bindparam("signature"))
_EARLIER = select(_SIGNATURES.c.id, _SIGNATURES.c.confirmed_at).where(_SIGNATURES.c.id == CONFIRMED)
"""In one look, which takes as long when it finds nobody."""
_NEW_SIGNATURE = insert(_SIGNATURES).returning(_SIGNATURES.c.id)
_NEW_LETTER = insert(_LETTERS).returning(_LETTERS.c.id, sort_by_parameter_order=True)


class NothingToSign(Exception):
    """The draft holds no letter."""


class Superseded(Exception):
    """The campaign has been revised or closed since it was read, or the person has confirmed or erased meanwhile."""


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


@dataclass(frozen=True, slots=True)
class Ready:
    """A submission with its letters and its mail, as they are stored unless something is known of it already."""

    draft: Draft
    submission: Submission
    pen: Pen
    at: datetime
    token: Token
    """Of the /sent/… page."""
    sought: Mapping[str, object]
    """What to look for, to know of it."""
    earlier: int | None
    """A signature that the same person has confirmed in the campaign: then nothing is to be confirmed."""
    signature: Mapping[str, object]
    letters: Sequence[Mapping[str, object]]
    mail: outbox.Fresh

    @classmethod
    def of(cls, session: Session, draft: Draft, submission: Submission, pen: Pen, now: datetime) -> Self:
        """Work it out. Reads the database. Raises NothingToSign."""
        if not draft.letters:
            raise NothingToSign
        signer, keys = draft.signer, pen.keys
        token = keys.sent(submission.nonce, signer.email, signer.name, f"{draft.fingerprint} {signer.asides}")
        network = keys.network(submission.network)
        digests = {
            "email_digest": keys.email(signer.email),
            "person_digest": keys.person(signer.email, signer.name),
            "network_digest": network.digest,
        }
        sought = {
            "campaign": submission.campaign_id,
            "person": digests["person_digest"],
            "mailbox": digests["email_digest"],
            "network": network.digest,
            "address": keys.address(signer.email),
            "since": now - WINDOW,
            "sent": hashed(token),
        }
        earlier, written_on = session.connection().execute(_EARLIER, sought).one_or_none() or (None, None)
        signature = _signature_row(draft, submission, pen, token, digests, now) | {"repeats_id": earlier}
        letters = _letter_rows(draft)
        to = _nameless(signer.email, submission.language)
        if earlier is None:
            channels = [letter.way.channel for letter in draft.letters]
            mail = _confirmation(pen, to, submission.title, keys.mail(hashed(token)), channels, now)
        else:
            mail = _repeat(pen, to, submission.title, written_on or now, now)
            signature |= {"own_words": "", "changes": {}}
            letters = [{**letter, "subject": None, "opening": None, "body": None} for letter in letters]
        return cls(draft, submission, pen, now, token, sought, earlier, signature, letters, mail)


class _Known(NamedTuple):
    """What is known of a submission before it is stored: all in one look."""

    state: SignatureState | None
    """Of the signature that it has become already."""
    erased_at: datetime | None
    earlier: int | None
    """A signature that the same person has confirmed in the campaign."""
    revision: int | None
    """The campaign's newest; None once it is closed."""
    mails: int
    repeats: int
    signatures: int
    is_older: bool
    """The same person has signed with other words since, from the same network, and they wait too."""
    is_dead: bool
    """Mail to the address comes back."""

    @property
    def is_replaced(self) -> bool:
        """Whether its signer has corrected the address, and with that taken it back; or goes back to it now."""
        corrected = self.state is SignatureState.WITHDRAWN and self.erased_at is not None
        return corrected or (self.state is SignatureState.PENDING and self.is_older)


def sign(session: Session, ready: Ready) -> Token:
    """Store signature, letters (held) and the mail to confirm (queued); returns the token of the /sent/… page.

    The same form, mailbox, name and letters again are the same signature. Whoever types a name and an address learns
    nothing of that person: who has confirmed already, has been sent a day's mails or gets none is stored like everybody
    else, with another mail or none. Raises Superseded, TooManyFromNetwork.
    """
    connection, limits = session.connection(), ready.pen.limits  # without the session a statement takes a third less
    known = _Known(*connection.execute(_KNOWN, ready.sought).one())
    if known.is_replaced:
        _free_tokens(session, ready.token, ready.at)
    elif known.state is not None:
        return ready.token
    if known.revision != ready.submission.revision_id or known.earlier != ready.earlier:
        raise Superseded
    if known.signatures >= limits.network:
        raise TooManyFromNetwork
    try:
        network = ready.pen.keys.network(ready.submission.network)
        check_wider(session, "sign", network, limits.network, ready.at)
    except TooManyTries as error:
        raise TooManyFromNetwork from error
    _withdraw_replaced(session, ready.submission.replaces, ready.at)
    signature_id = connection.scalars(_NEW_SIGNATURE, ready.signature).one()
    numbers = connection.scalars(_NEW_LETTER, [{**row, "signature_id": signature_id} for row in ready.letters])
    ways = [letter.way for letter in ready.draft.letters]
    fresh = [outbox.held(number, way.channel.name, way.address) for number, way in zip(numbers, ways, strict=True)]
    room = has_room(known.mails, known.repeats, limits, is_repeat=ready.earlier is not None)
    fresh.append(_fate(ready.mail, is_dead=known.is_dead, has_room=room))
    outbox.store(connection, signature_id, fresh, ready.at)
    return ready.token


def _fate(mail: outbox.Fresh, *, is_dead: bool, has_room: bool) -> outbox.Fresh:
    """A mail that may not go is stored all the same, as cancelled: who measures how long it takes learns nothing."""
    if is_dead:
        return outbox.given_up(mail, outbox.ADDRESS_DEAD)
    return mail if has_room else outbox.given_up(mail, outbox.DAY_USED_UP)


def _free_tokens(session: Session, token: Token, now: datetime) -> None:
    """Give the tokens of a signature to the one that is signed anew from the same form; what waits is set aside."""
    signature = find_sent(session, token)
    if signature.state is SignatureState.PENDING:
        set_aside(session, signature, now, "written again")
    signature.sent_hash, signature.mail_hash = secrets.token_bytes(32), secrets.token_bytes(32)
    session.flush()


def resend(session: Session, token: str, title: str, pen: Pen, now: datetime) -> None:
    """Queue the mail behind /sent/<token> once more, if one may go. Raises NoSuchSignature.

    None goes when the signature is no longer waiting, or the mailbox was sent a day's mails: then one is stored as
    cancelled, as many as would go. Nothing is stored when the mail before has not been tried yet: while nothing leaves,
    nobody shall collect mails that then come all at once. Whoever asks is told nothing: it may be somebody else's
    address.
    """
    signature = find_sent(session, token)
    link = _mailed_link(signature, token, pen)
    if _may_not_be_repeated(signature, pen.limits, now):
        return
    to = _nameless(signature.email or _NOBODY, signature.language)
    if signature.repeats_id is None:
        channels = [pen.channels[letter.deliveries[0].channel] for letter in signature.letters]
        mail = _confirmation(pen, to, title, link, channels, now)
    else:
        written_on = session.connection().scalar(_CONFIRMED_ON, {"signature": signature.repeats_id}) or now
        mail = _repeat(pen, to, title, written_on, now)
    mails, repeats = mails_to(session, signature.email_digest, now)
    waits = signature.state is SignatureState.PENDING and not has_expired(signature, pen.keep, now)
    room = waits and has_room(mails, repeats, pen.limits, is_repeat=signature.repeats_id is not None)
    is_gone = is_dead(session, pen.keys.address(signature.email or _NOBODY))
    fate = _fate(mail, is_dead=is_gone, has_room=room)
    if fate is mail and signature.repeats_id is None:
        signature.mail_hash = hashed(link)  # another one if the site's secret was changed meanwhile
    outbox.queue(session, signature, fate, now)


_NOBODY = "nobody@example.invalid"
"""Of a mail that is composed for somebody who was erased, and never goes."""


def _may_not_be_repeated(signature: Signature, limits: Limits, now: datetime) -> bool:
    """Whether its newest mail has still to be tried, can never arrive, or is one of a day's many."""
    mails = [delivery for delivery in signature.deliveries if delivery.kind in outbox.URGENT]
    lately = [mail for mail in mails if mail.created_at > now - WINDOW]
    return len(lately) >= limits.address or (bool(mails) and _is_untried(mails[-1]))


def _mailed_link(signature: Signature, token: str, pen: Pen) -> Token:
    """What opens /confirm/… in the mails to this signer: also in those of before tokens had their present form."""
    earlier = pen.keys.earlier_mail(spelled(token, signature.sent_hash))
    return earlier if hashed(earlier) == signature.mail_hash else pen.keys.mail(signature.sent_hash)


def _is_untried(mail: Delivery) -> bool:
    """Whether it was to go, and no mail server has said anything of it. What became of its signer changes nothing."""
    asked = any(event.state is DeliveryState.SENDING for event in mail.events)
    return not asked and mail.events[0].state is DeliveryState.QUEUED


def _withdraw_replaced(session: Session, token: str, now: datetime) -> None:
    """Set aside, and blank, what waits under the corrected address: all that the same person sent from this network."""
    replaced = by_sent(session, token) if token else None
    if replaced is None:
        return
    network = replaced.network_digest
    is_one = Signature.id == replaced.id  # once the digests of networks are deleted nobody can tell of the others
    waiting = session.scalars(
        select(Signature).where(
            Signature.campaign_id == replaced.campaign_id,
            Signature.person_digest == replaced.person_digest,
            is_one if network is None else is_one | (Signature.network_digest == network),
            Signature.state == SignatureState.PENDING,
        )
    )
    for signature in waiting:
        let_go(session, signature, SignatureState.WITHDRAWN, now)


def _signature_row(
    draft: Draft, submission: Submission, pen: Pen, token: Token, digests: Mapping[str, bytes | None], now: datetime
) -> dict[str, object]:
    signer, address = draft.signer, draft.signer.address
    return {
        **digests,
        "revision_id": submission.revision_id,
        "campaign_id": submission.campaign_id,
        "state": SignatureState.PENDING,
        "sent_hash": hashed(token),
        "mail_hash": hashed(pen.keys.mail(hashed(token))),
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


def _letter_rows(draft: Draft) -> list[dict[str, object]]:
    """The letters, but for their signature's number."""
    return [
        {
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


def _nameless(email: str, language: str) -> Correspondent:
    """For the first mail, which holds no word that the visitor typed."""
    return Correspondent("", email, language)


def _confirmation(
    pen: Pen, to: Correspondent, title: str, link: Token, channels: Sequence[Channel], now: datetime
) -> outbox.Fresh:
    """The mail to confirm letters that go by these channels."""
    address, by_us = pen.confirm_url(link), sum(not channel.by_signer for channel in channels)
    mail = pen.composer.confirmation(outbox.new_uuid(), to, title, address, len(channels), by_us, now)
    return outbox.queued(DeliveryKind.CONFIRMATION, mail, now)


def _repeat(pen: Pen, to: Correspondent, title: str, written_on: datetime, now: datetime) -> outbox.Fresh:
    """The mail that says that they have already written."""
    return outbox.queued(DeliveryKind.REPEAT, pen.composer.repeat(outbox.new_uuid(), to, title, written_on, now), now)
