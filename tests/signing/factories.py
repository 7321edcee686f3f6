"""Supporters, campaigns and pens, with defaults that are easy to override."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import campaigns
from app.addresses import PostalAddress, State
from app.campaigns import CampaignFile
from app.campaigns.letters import Signer
from app.db import writing
from app.delivery.mails import Links
from app.models import Campaign, CampaignRevision, Delivery, DeliveryKind, Signature
from app.signing import Agreement, Release, confirm, find_mailed, page_seal
from app.signing.draft import Choice, Desk, Draft, Entry, Errors, draft
from app.signing.limits import Limits
from app.signing.pen import Pen
from app.signing.retention import Keep
from app.signing.submitting import Ready, Submission, sign
from app.signing.tokens import Token, hashed
from app.signing.waiting import beside
from app.web.site import CHANNELS, Site
from tests.factories import campaign_source

NOW = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
KEEP = Keep(pending=timedelta(days=7), letters=timedelta(days=90))
SENTENCE = "I ask you to send these letters in my name."
TITLE = "Look after the well"

_nonces = itertools.count()


def site(app: Flask) -> Site:
    return cast(Site, app.extensions["redress"])


def pen(app: Flask, *, address: int = 3, network: int = 100) -> Pen:
    def links(token: Token) -> Links:
        receipt = f"https://act.example.org/receipt/{token}"
        return Links(receipt, f"{receipt}/reminder")

    return Pen(
        keys=site(app).keys,
        composer=site(app).composer,
        limits=Limits(address, network),
        keep=KEEP,
        confirm_url=lambda token: f"https://act.example.org/confirm/{token}",
        links=links,
        channels=CHANNELS,
        ways=site(app).ways_of,
        handoff=site(app).handoff,
    )


def signer(
    given_name: str = "Ana",
    family_name: str = "García Ruiz",
    email: str = "ana.garcia@example.org",
    *,
    state: str = "WY",
    zip_code: str = "82001",
    line1: str = "1200 Randall Avenue",
) -> Signer:
    """Somebody in Wyoming, which has one district, where nothing else is said."""
    return Signer(given_name, family_name, PostalAddress(line1, "", "Cheyenne", State(state), zip_code), email)


def campaign_file(*targets: str, slug: str = "the-well") -> CampaignFile:
    return campaigns.read(campaign_source(slug, targets=targets or ("us-senators", "us-representative")))


def drafted(
    desk: Desk,
    who: Signer | None = None,
    campaign: CampaignFile | None = None,
    *,
    district: str = "",
    other: str = "",
    sure: bool = False,
    look_up: bool = False,
    looked_up: bool = False,
    on: datetime = NOW,
) -> Draft | Choice | Errors:
    entry = Entry(who or signer(), district, other, sure, look_up, looked_up)
    return draft(entry, campaign or campaign_file(), desk, on)


def letters_of(app: Flask, who: Signer) -> Draft:
    result = drafted(site(app).desk, who)
    assert isinstance(result, Draft)
    return result


def revision(session: Session, slug: str = "the-well") -> CampaignRevision:
    """The published campaign of that slug, made when it is not there."""
    query = select(CampaignRevision).join(Campaign).where(Campaign.slug == slug)
    found = session.scalars(query).one_or_none()
    if found is None:
        with writing(session):
            campaigns.import_campaign(session, campaign_source(slug), NOW)
            campaigns.publish(session, slug, NOW)
        found = session.scalars(query).one()
    return found


def submission(
    session: Session, nonce: str = "", *, network: str = "203.0.113.7", replaces: str = "", slug: str = "the-well"
) -> Submission:
    """From a form of its own, unless a nonce says which."""
    shown = revision(session, slug)
    nonce = nonce or f"nonce-{next(_nonces)}"
    return Submission(shown.campaign_id, shown.id, TITLE, nonce, network, replaces)


def signed(
    app: Flask,
    session: Session,
    who: Signer | None = None,
    nonce: str = "",
    *,
    now: datetime = NOW,
    with_pen: Pen | None = None,
    network: str = "203.0.113.7",
    replaces: str = "",
    slug: str = "the-well",
) -> Token:
    """A committed signature; the token of its /sent/… page."""
    form = submission(session, nonce, network=network, replaces=replaces, slug=slug)
    ready = Ready.of(session, letters_of(app, who or signer()), form, with_pen or pen(app), now)
    with writing(session):
        return sign(session, ready)


def confirmed(app: Flask, session: Session, token: Token, now: datetime = NOW) -> Signature:
    """Press the button behind /confirm/… of the signature at /sent/<token>."""
    mailed, ink = mailed_token(app, token), pen(app)
    ready, agreed = released(app, session, mailed, now)
    with writing(session):
        return confirm(session, mailed, ready, agreed, ink, now)


def released(app: Flask, session: Session, mailed: Token, now: datetime = NOW) -> tuple[Release, Agreement]:
    """What a press of the button sets going, and to what the page would show it."""
    signature = find_mailed(session, mailed)
    ways, tools = site(app).ways_of(signature.letters), pen(app)
    found = beside(session, signature, tools.keys, tools.keep, now)
    ready = Release.of(signature, mailed, TITLE, tools, ways, found, now)
    return ready, Agreement(SENTENCE, page_seal(ways, found))


def mailed_token(app: Flask, token: str) -> Token:
    """What opens /confirm/… of the signature at /sent/<token>."""
    return site(app).keys.mail(hashed(token))


def deliveries(session: Session, *kinds: DeliveryKind) -> Sequence[Delivery]:
    """All deliveries of these kinds (of all, without any), oldest first, as they stand in the database."""
    session.rollback()
    query = select(Delivery).order_by(Delivery.id).execution_options(populate_existing=True)
    return session.scalars(query.where(Delivery.kind.in_(kinds)) if kinds else query).all()
