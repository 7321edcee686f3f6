"""The tables and their enums; no verbs. What each state means and who moves it stands in the package that owns it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import JSON, CheckConstraint, Enum, ForeignKey, Index, LargeBinary, SmallInteger, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import Base

E = TypeVar("E", bound=StrEnum)


def _enum(kind: type[E], name: str) -> Enum:
    """A column of a StrEnum's values, kept as text under a check."""
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=20,
        values_callable=lambda members: [member.value for member in members],
    )


def _partial(name: str, *columns: str, where: str) -> Index:
    """An index of some rows only, on either database."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


COUNTED = "confirmed_at IS NOT NULL AND state IN ('confirmed', 'erased')"
"""Which signatures a campaign counts: SQL that an index repeats, so that it can be used."""


class CampaignState(StrEnum):
    """draft → published → closed → published; a campaign without a revision is a draft."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CLOSED = "closed"


class SignatureState(StrEnum):
    """pending → confirmed | withdrawn | expired; confirmed → withdrawn; any → erased.

    Expired and erased signatures hold nothing personal any more.
    """

    PENDING = "pending"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    ERASED = "erased"


class DeliveryKind(StrEnum):
    """What a delivery carries: a letter to an office, one of the mails to the signer, or one to the organisation."""

    LETTER = "letter"
    CONFIRMATION = "confirmation"
    REPEAT = "repeat"  # "you have already written", in place of a confirmation
    COPY = "copy"
    REMINDER = "reminder"  # "these letters still wait for you"
    NOTICE = "notice"  # "a letter could not be delivered, and waits for you": held until that happens
    REPORT = "report"  # to the organisation, of what it should look after; it holds nothing about signers
    ANSWER = "answer"  # an office's automatic answer, passed on to the signer


class DeliveryState(StrEnum):
    """How far a delivery has got; the allowed moves are `TRANSITIONS` in delivery/outbox.py."""

    HELD = "held"
    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    FAILED = "failed"
    PARKED = "parked"
    CANCELLED = "cancelled"
    OFFERED = "offered"  # the signer was given everything that it takes to deliver the letter by hand
    REPORTED = "reported"  # the signer says that they delivered it
    STUCK = "stuck"  # the signer says that the office's form did not work
    BOUNCED = "bounced"  # it came back after a mail server had accepted it


class Campaign(Base):
    """One campaign. `source` is the campaign file as last imported; supporters see the newest revision."""

    __tablename__ = "campaign"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    state: Mapped[CampaignState] = mapped_column(_enum(CampaignState, "state"))
    source: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class CampaignRevision(Base):
    """The campaign file as it was published, numbered from 1; never changed afterwards."""

    __tablename__ = "campaign_revision"
    __table_args__ = (Index("uq_campaign_revision_campaign_id_number", "campaign_id", "number", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    number: Mapped[int]
    source: Mapped[str] = mapped_column(Text)
    published_at: Mapped[datetime]

    campaign: Mapped[Campaign] = relationship()


class Signature(Base):
    """One person who wrote once. What is nullable down to `network_digest` is personal and gets blanked.

    `own_words` stand in every letter, before the campaign's text. `changes` is what else the signer made of the
    letters, by the names of the form's fields, so that a corrected address does not lose it. `origin` is what the link
    that brought the signer said of itself: `source`, `utm_…`. `language` is that of the pages and mails for the signer.

    `sent_hash` and `mail_hash` are SHA-256 of the tokens in the addresses /sent/… and /confirm/…, /receipt/….
    The digests are keyed (HMAC): they can be counted and compared, not read. `erased_at` is the moment from which
    nothing personal is left but the digests, which follow two days later.
    """

    __tablename__ = "signature"
    __table_args__ = (
        Index("ix_signature_person", "campaign_id", "person_digest"),
        Index("ix_signature_network", "network_digest", "created_at"),
        Index("ix_signature_email", "email_digest"),
        # Only what still holds personal data is in it: what is to be deleted is found beside a million long blank.
        _partial("ix_signature_kept", "created_at", where="erased_at IS NULL"),
        # Those who have written, and nothing else of them: they are counted again and again.
        _partial("ix_signature_counted", "campaign_id", where=COUNTED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("campaign_revision.id"), index=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    state: Mapped[SignatureState] = mapped_column(_enum(SignatureState, "state"))
    repeats_id: Mapped[int | None] = mapped_column(ForeignKey("signature.id"), index=True)
    sent_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    mail_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    prefix: Mapped[str | None] = mapped_column(String(10))
    given_name: Mapped[str | None] = mapped_column(String(100))
    family_name: Mapped[str | None] = mapped_column(String(100))
    address_line1: Mapped[str | None] = mapped_column(String(200))
    address_line2: Mapped[str | None] = mapped_column(String(200))
    city: Mapped[str | None] = mapped_column(String(100))
    region: Mapped[str | None] = mapped_column(String(2))
    postal_code: Mapped[str | None] = mapped_column(String(10))
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(40))
    own_words: Mapped[str | None] = mapped_column(Text)
    changes: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    origin: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    person_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    email_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    network_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    congress: Mapped[int]
    division: Mapped[str | None] = mapped_column(String(80))
    located_by: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(10), default="en")
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]

    revision: Mapped[CampaignRevision] = relationship()
    letters: Mapped[list[Letter]] = relationship(back_populates="signature", order_by="Letter.position")
    deliveries: Mapped[list[Delivery]] = relationship(back_populates="signature", order_by="Delivery.id")


class Consent(Base):
    """Proof that a signer agreed: when, and to which sentence; kept longer than any letter."""

    __tablename__ = "consent"

    id: Mapped[int] = mapped_column(primary_key=True)
    signature_id: Mapped[int] = mapped_column(ForeignKey("signature.id"), unique=True)
    sentence: Mapped[str] = mapped_column(Text)
    agreed_at: Mapped[datetime]


class Letter(Base):
    """What was said, to whom, as known then: never edited. `seat` is like WY-S1 or WY-AL.

    `opening` ends with the salutation, `body` is what follows it; between them stand the signer's own words.
    """

    __tablename__ = "letter"
    __table_args__ = (Index("uq_letter_signature_id_seat", "signature_id", "seat", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    signature_id: Mapped[int] = mapped_column(ForeignKey("signature.id"))
    position: Mapped[int]
    seat: Mapped[str] = mapped_column(String(10))
    congress: Mapped[int]
    bioguide: Mapped[str] = mapped_column(String(10))
    recipient: Mapped[str] = mapped_column(String(200))
    recipient_detail: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(10), default="en")
    subject: Mapped[str | None] = mapped_column(String(150))
    opening: Mapped[str | None] = mapped_column(Text, default="")
    body: Mapped[str | None] = mapped_column(Text)

    signature: Mapped[Signature] = relationship(back_populates="letters")
    deliveries: Mapped[list[Delivery]] = relationship(back_populates="letter", order_by="Delivery.id")


class Delivery(Base):
    """One letter or mail on its way. `mail` holds the exact bytes from the moment that it is queued.

    A letter that the signer delivers by hand has no bytes and is never queued; `recipient` is then the address of the
    office's form, or empty. `ended_at` is when we had nothing more to do with it: the days of keeping count from it.
    Only a report to the organisation is nobody's signature's.

    What is due goes by `rank`, the lowest first. One that comes too early is put off: `due_at` is when it is looked at
    again, `wanted_at` since when it would have gone.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint("(kind = 'letter') = (letter_id IS NOT NULL)", name="letter_has_letter"),
        CheckConstraint("(kind = 'report') = (signature_id IS NULL)", name="report_has_no_signature"),
        CheckConstraint("(state = 'sending') = (lease IS NOT NULL)", name="lease_while_sending"),
        # Only what waits is in these: a claim costs the same beside a million messages long gone.
        _partial("ix_delivery_due", "rank", "due_at", where="state = 'queued'"),
        _partial("ix_delivery_leased", "leased_until", where="state = 'sending'"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str] = mapped_column(String(36), unique=True)
    kind: Mapped[DeliveryKind] = mapped_column(_enum(DeliveryKind, "kind"))
    state: Mapped[DeliveryState] = mapped_column(_enum(DeliveryState, "state"))
    channel: Mapped[str] = mapped_column(String(20))
    signature_id: Mapped[int | None] = mapped_column(ForeignKey("signature.id"), index=True)
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("letter.id"), index=True)
    recipient: Mapped[str | None] = mapped_column(String(254))
    sender: Mapped[str | None] = mapped_column(String(320))
    mail: Mapped[bytes | None] = mapped_column(LargeBinary)
    rank: Mapped[int] = mapped_column(SmallInteger, default=1)
    due_at: Mapped[datetime | None]
    wanted_at: Mapped[datetime | None] = mapped_column(default=lambda row: row.get_current_parameters().get("due_at"))
    attempts: Mapped[int] = mapped_column(default=0)
    unknowns: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str | None] = mapped_column(String(32))
    leased_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    signature: Mapped[Signature | None] = relationship(back_populates="deliveries")
    letter: Mapped[Letter | None] = relationship(back_populates="deliveries")
    events: Mapped[list[DeliveryEvent]] = relationship(back_populates="delivery", order_by="DeliveryEvent.id")


class DeliveryEvent(Base):
    """One move of a delivery, or what was learnt of it where it is.

    `code` is the mail server's reply code, `said` its words without anything that looks like an address; they go when
    the person is forgotten.
    """

    __tablename__ = "delivery_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    at: Mapped[datetime]
    state: Mapped[DeliveryState] = mapped_column(_enum(DeliveryState, "state"))
    why: Mapped[str] = mapped_column(String(40))
    code: Mapped[int | None]
    said: Mapped[str | None] = mapped_column(String(200))

    delivery: Mapped[Delivery] = relationship(back_populates="events")


class Contact(Base):
    """An office's e-mail address, as the organisation collected it. `office` is a bioguide id or a seat."""

    __tablename__ = "contact"

    id: Mapped[int] = mapped_column(primary_key=True)
    office: Mapped[str] = mapped_column(String(10), unique=True)
    role: Mapped[str] = mapped_column(String(60))
    email: Mapped[str] = mapped_column(String(254))
    source: Mapped[str] = mapped_column(String(200))
    as_of: Mapped[date]


class LimitEvent(Base):
    """Something that may be tried only so often in a day: which kind, and the digest of who or what it was about."""

    __tablename__ = "limit_event"
    __table_args__ = (Index("ix_limit_event_kind", "kind", "digest", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    at: Mapped[datetime]


class GeocoderAnswer(Base):
    """In which districts of a Congress the Census places an address: their ids, or nothing if it does not know it.

    `key` is a keyed digest (HMAC) of the address, which stands nowhere.
    """

    __tablename__ = "geocoder_answer"

    key: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    congress: Mapped[int]
    divisions: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]


class SiteState(Base):
    """What this database belongs to; at most one row, whose id is 1.

    `delivery` is `sandbox` or `live`, from the first start on.

    While `paused_at` is set the worker sends nothing. `restored_at` is set with it by a restore: letters that were
    confirmed before may have gone out after the backup was made.

    `refused_…` tell of a mail server that takes nothing from us: since when, until when it is left in peace, its last
    answer, and how often in a row it was asked.

    `certain_at` is the moment that this site has surely come to, whatever clocks say: app/clock.py.
    """

    __tablename__ = "site_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery: Mapped[str] = mapped_column(String(10))
    paused_at: Mapped[datetime | None]
    restored_at: Mapped[datetime | None]
    refused_since: Mapped[datetime | None]
    refused_until: Mapped[datetime | None]
    refused_why: Mapped[str | None] = mapped_column(String(40))
    refused_code: Mapped[int | None]
    refusals: Mapped[int] = mapped_column(default=0)
    certain_at: Mapped[datetime | None]


class Pace(Base):
    """From when the next message may go: to one office (its address), or from our account (an empty key)."""

    __tablename__ = "pace"

    key: Mapped[str] = mapped_column(String(254), primary_key=True)
    next_at: Mapped[datetime]


class Heartbeat(Base):
    """When a worker, which is one process on one machine, last showed life."""

    __tablename__ = "heartbeat"

    worker: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]


class DeadAddress(Base):
    """A mailbox whose mails came back for good; only a keyed digest of it."""

    __tablename__ = "dead_address"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    since: Mapped[datetime]
