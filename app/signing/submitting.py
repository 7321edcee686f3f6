"""From a press of *Send my letters* to a stored signature whose mail asks to be confirmed.

All that can be worked out before is worked out before the database's write lock is taken: while one visitor has it,
everybody else waits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Self, cast

from sqlalchemy import Connection, Table, bindparam, exists, insert, select
from sqlalchemy.orm import Session

from app.campaigns import IN_FORCE
from app.delivery import Channel, outbox
from app.delivery.dead import is_dead
from app.delivery.mails import Correspondent
from app.models import DeadAddress, DeliveryKind, DeliveryState, Letter, Signature, SignatureState
from app.signing import CONFIRMED, by_sent, find_sent
from app.signing.draft import Draft
from app.signing.limits import MAILS, SIGNATURES, WINDOW, check, check_address
from app.signing.pen import Pen
from app.signing.retention import let_go
from app.signing.tokens import Token, hashed

# Statements that every signature needs, made once: to build them takes longer than to run them.
_SIGNATURES, _LETTERS = cast(Table, Signature.__table__), cast(Table, Letter.__table__)
_KNOWN = select(
    select(_SIGNATURES.c.state).where(_SIGNATURES.c.sent_hash == bindparam("sent")).scalar_subquery(),
    CONFIRMED,
    IN_FORCE,
    MAILS,
    SIGNATURES,
    exists().where(DeadAddress.digest == bindparam("address")),
)
_NEW_SIGNATURE = insert(_SIGNATURES).returning(_SIGNATURES.c.id)
_NEW_LETTER = insert(_LETTERS).returning(_LETTERS.c.id, sort_by_parameter_order=True)
_WAITING_OR_DONE = frozenset({SignatureState.PENDING, SignatureState.CONFIRMED})


class NothingToSign(Exception):
    """The draft holds no letter."""


class MailComesBack(Exception):
    """Nothing is sent to this address any more: the signer has to correct it, or use another."""


class Superseded(Exception):
    """The campaign has been revised or closed since it was read."""


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
    turn: int
    """How often the same was signed and set aside before."""
    token: Token
    """Of the /sent/… page."""
    sought: Mapping[str, object]
    """What to look for, to know of it."""
    signature: Mapping[str, object]
    letters: Sequence[Mapping[str, object]]
    mail: outbox.Fresh

    @classmethod
    def of(cls, draft: Draft, submission: Submission, pen: Pen, now: datetime, *, turn: int = 0) -> Self:
        """Work it out. Raises NothingToSign."""
        if not draft.letters:
            raise NothingToSign
        signer, keys = draft.signer, pen.keys
        said = f"{draft.fingerprint} {signer.asides} {turn}"
        token = keys.sent(submission.nonce, signer.email, signer.name, said)
        digests = {
            "email_digest": keys.email(signer.email),
            "person_digest": keys.person(signer.email, signer.name),
            "network_digest": keys.network(submission.network),
        }
        sought = {
            "campaign": submission.campaign_id,
            "person": digests["person_digest"],
            "mailbox": digests["email_digest"],
            "network": digests["network_digest"],
            "address": keys.address(signer.email),
            "since": now - WINDOW,
            "sent": hashed(token),
        }
        to = _nameless(signer.email, submission.language)
        channels = [letter.way.channel for letter in draft.letters]
        return cls(
            draft=draft,
            submission=submission,
            pen=pen,
            at=now,
            turn=turn,
            token=token,
            sought=sought,
            signature=_signature_row(draft, submission, pen, token, digests, now),
            letters=_letter_rows(draft),
            mail=_confirmation(pen, to, submission.title, token, channels, now),
        )

    def again(self) -> Self:
        """The same, to be signed anew after it was set aside."""
        return self.of(self.draft, self.submission, self.pen, self.at, turn=self.turn + 1)


class _Known(NamedTuple):
    """What is known of a submission before it is stored: all in one look."""

    state: SignatureState | None
    """Of the signature that it has become already."""
    earlier: int | None
    """A signature that the same person has confirmed in the campaign."""
    revision: int | None
    """The campaign's newest; None once it is closed."""
    mails: int
    signatures: int
    is_dead: bool
    """Mail to the address comes back."""


def sign(session: Session, ready: Ready) -> Token:
    """Store signature, letters (held) and the mail to confirm (queued); returns the token of the /sent/… page.

    The same form, mailbox, name and letters again are the same signature. Raises Superseded, MailComesBack,
    TooManyToAddress, TooManyFromNetwork.
    """
    connection = session.connection()  # without the session a statement takes a third less time
    while (known := _known(connection, ready)).state is not None:
        if known.state in _WAITING_OR_DONE:
            return ready.token
        ready = ready.again()
    if known.revision != ready.submission.revision_id:
        raise Superseded
    if known.is_dead:
        raise MailComesBack
    check(known.mails, known.signatures, ready.pen.limits)
    _withdraw_replaced(session, ready.submission.replaces, ready.at)
    if known.earlier is not None:
        _store_repeat(session, ready, known.earlier)
        return ready.token
    signature_id = connection.scalars(_NEW_SIGNATURE, ready.signature).one()
    numbers = connection.scalars(_NEW_LETTER, [{**row, "signature_id": signature_id} for row in ready.letters])
    ways = [letter.way for letter in ready.draft.letters]
    held = [outbox.held(number, way.channel.name, way.address) for number, way in zip(numbers, ways, strict=True)]
    outbox.store(connection, signature_id, [*held, ready.mail], ready.at)
    return ready.token


def _store_repeat(session: Session, ready: Ready, earlier: int) -> None:
    """They have confirmed already: nothing is kept a second time, and a mail tells them so."""
    connection, to = session.connection(), _nameless(ready.draft.signer.email, ready.submission.language)
    row = {**ready.signature, "own_words": "", "changes": {}, "repeats_id": earlier}
    mail = _repeat(session, ready.pen, to, ready.submission.title, earlier, ready.at)
    outbox.store(connection, connection.scalars(_NEW_SIGNATURE, row).one(), [mail], ready.at)


def resend(session: Session, token: Token, title: str, pen: Pen, now: datetime) -> bool:
    """Queue the mail behind /sent/<token> once more. Raises NoSuchSignature, MailComesBack, TooManyToAddress.

    False, and nothing queued, when the signature is no longer waiting, or the mail before has not been tried yet: while
    nothing leaves, nobody shall collect mails that then come all at once, nor use up what an address may get.
    """
    signature = find_sent(session, token)
    if signature.state is not SignatureState.PENDING or signature.email is None or signature.email_digest is None:
        return False
    if is_dead(session, pen.keys.address(signature.email)):
        raise MailComesBack
    if signature.mail_hash == hashed(pen.keys.mail(token)) and _is_untried(signature):
        return False
    check_address(session, signature.email_digest, pen.limits, now)
    to = _nameless(signature.email, signature.language)
    if signature.repeats_id is None:
        signature.mail_hash = hashed(pen.keys.mail(token))  # another one if the site's secret was changed meanwhile
        channels = [pen.channels[letter.deliveries[0].channel] for letter in signature.letters]
        mail = _confirmation(pen, to, title, token, channels, now)
    else:
        mail = _repeat(session, pen, to, title, signature.repeats_id, now)
    outbox.queue(session, signature, mail, now)
    return True


def _is_untried(signature: Signature) -> bool:
    """Whether its newest mail to confirm waits, and the mail server has said nothing of it."""
    mails = [delivery for delivery in signature.deliveries if delivery.kind in outbox.URGENT]
    return bool(mails) and mails[-1].state is DeliveryState.QUEUED and mails[-1].attempts == 0


def _known(connection: Connection, ready: Ready) -> _Known:
    return _Known(*connection.execute(_KNOWN, ready.sought).one())


def _withdraw_replaced(session: Session, token: str, now: datetime) -> None:
    """Set aside, and blank, what waits under the corrected address: all that the same person sent from this network."""
    replaced = by_sent(session, token) if token else None
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
        "mail_hash": hashed(pen.keys.mail(token)),
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
