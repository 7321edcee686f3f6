"""Campaigns: their files, and what can be done with them.

The verbs take the session and the moment, and flush; the caller commits. What supporters see is the newest revision:
importing changes nothing for them until the campaign is published again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.orm import Session

from app import typed
from app.campaigns.checks import LANGUAGES, RESERVED_SLUGS, SLUG_LIMIT, CampaignFileError, Problem, is_slug
from app.campaigns.files import decode, normalise, read, warnings, write
from app.campaigns.targeting import Target
from app.campaigns.values import CampaignFile, Translation
from app.models import COUNTED, Campaign, CampaignRevision, CampaignState, Signature

__all__ = [
    "LANGUAGES",
    "RESERVED_SLUGS",
    "CampaignFile",
    "CampaignFileError",
    "NeverPublished",
    "NoSuchCampaign",
    "Problem",
    "Standing",
    "Target",
    "Translation",
    "close",
    "decode",
    "find",
    "import_campaign",
    "import_draft",
    "named",
    "newest_revision",
    "open_campaigns",
    "publish",
    "read",
    "read_published",
    "sample_source",
    "signers",
    "standing",
    "warnings",
    "write",
]


class NoSuchCampaign(Exception):
    """No campaign has this slug."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"There is no campaign {slug[:80]!r}{typed.unlike(slug)}.")


class NeverPublished(Exception):
    """A draft can't be closed: nobody could open it."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"The campaign {slug} was never published: there is nothing to close.")


class Standing(StrEnum):
    """Whether people can write now."""

    NOT_YET = "not yet"
    OPEN = "open"
    CLOSED = "closed"


def sample_source() -> str:
    """The campaign file of the sample campaign."""
    return Path(__file__).with_name("sample.md").read_text(encoding="utf-8")


def import_campaign(session: Session, source: str, now: datetime) -> Campaign:
    """Keep a campaign file: as a new draft, or in place of the source of the campaign of that slug.

    Raises CampaignFileError.
    """
    source = normalise(source)
    slug = read(source).slug
    campaign = session.scalar(select(Campaign).where(Campaign.slug == slug))
    if campaign is None:
        campaign = Campaign(slug=slug, state=CampaignState.DRAFT, source=source, created_at=now)
        session.add(campaign)
    else:
        campaign.source = source
    session.flush()
    return campaign


def import_draft(session: Session, file: CampaignFile, now: datetime) -> Campaign:
    """Keep a draft whose slug nobody chose: it takes the next free one, and never the place of another campaign.

    The very same draft is kept once. Raises CampaignFileError.
    """
    for number in count(1):
        suffix = "" if number == 1 else f"-{number}"
        slug = file.slug[: SLUG_LIMIT - len(suffix)].rstrip("-") + suffix
        source = write(replace(file, slug=slug))
        stored = session.scalar(select(Campaign.source).where(Campaign.slug == slug))
        if stored in (None, source):
            return import_campaign(session, source, now)
    raise AssertionError("count() does not end")


def publish(session: Session, slug: str, now: datetime) -> CampaignRevision:
    """Show the source to supporters, and open the campaign again if it was closed.

    The revision is the newest one when it has this source already. Raises NoSuchCampaign, CampaignFileError.
    """
    campaign = named(session, slug)
    read(campaign.source)  # the rules may have become stricter since it was imported
    revision = newest_revision(session, campaign)
    if revision is None or revision.source != campaign.source:
        number = 1 if revision is None else revision.number + 1
        revision = CampaignRevision(campaign=campaign, number=number, source=campaign.source, published_at=now)
        session.add(revision)
    campaign.state = CampaignState.PUBLISHED
    session.flush()
    return revision


def close(session: Session, slug: str) -> Campaign:
    """End the campaign; its page stays. Raises NoSuchCampaign, NeverPublished."""
    campaign = named(session, slug)
    if campaign.state is CampaignState.DRAFT:
        raise NeverPublished(slug)
    campaign.state = CampaignState.CLOSED
    session.flush()
    return campaign


def named(session: Session, slug: str) -> Campaign:
    """The campaign of that slug, in any state. Raises NoSuchCampaign."""
    slug = typed.code(slug)
    # Whatever a person typed; PostgreSQL refuses a NUL.
    campaign = session.scalar(select(Campaign).where(Campaign.slug == slug)) if is_slug(slug) else None
    if campaign is None:
        raise NoSuchCampaign(slug)
    return campaign


def newest_revision(session: Session, campaign: Campaign) -> CampaignRevision | None:
    """What supporters see of it; None for a draft."""
    return session.scalar(
        select(CampaignRevision)
        .where(CampaignRevision.campaign_id == campaign.id)
        .order_by(CampaignRevision.number.desc())
        .limit(1)
    )


class Found(NamedTuple):
    """What stands at an address: a campaign, with the file of its newest revision."""

    id: int
    state: CampaignState
    revision_id: int
    source: str


_AT = (
    select(Campaign.id, Campaign.state, CampaignRevision.id, CampaignRevision.source)
    .join(CampaignRevision, CampaignRevision.campaign_id == Campaign.id)
    .where(Campaign.slug == bindparam("slug"), Campaign.state != CampaignState.DRAFT)
    .order_by(CampaignRevision.number.desc())
    .limit(1)
)


IN_FORCE = (
    select(CampaignRevision.id)
    .join(Campaign, CampaignRevision.campaign_id == Campaign.id)
    .where(Campaign.id == bindparam("campaign"), Campaign.state == CampaignState.PUBLISHED)
    .order_by(CampaignRevision.number.desc())
    .limit(1)
    .scalar_subquery()
)
"""The newest revision of a campaign that has not been closed; its days are in its file."""


def find(session: Session, slug: str) -> Found | None:
    """What stands at this address; None for an unknown one and for a draft."""
    if not is_slug(slug):  # whatever stands in an address; PostgreSQL refuses a NUL
        return None
    row = session.connection().execute(_AT, {"slug": slug}).first()
    return None if row is None else Found(*row)


def open_campaigns(session: Session, today: date) -> list[CampaignFile]:
    """The campaigns that people can write for on that day, oldest first, as they were published."""
    newest = (
        select(CampaignRevision.campaign_id, func.max(CampaignRevision.number).label("number"))
        .group_by(CampaignRevision.campaign_id)
        .subquery()
    )
    sources = session.scalars(
        select(CampaignRevision.source)
        .join(Campaign, Campaign.id == CampaignRevision.campaign_id)
        .join(
            newest,
            (newest.c.campaign_id == CampaignRevision.campaign_id) & (newest.c.number == CampaignRevision.number),
        )
        .where(Campaign.state == CampaignState.PUBLISHED)
        .order_by(Campaign.id)
    )
    files = [read_published(source) for source in sources]
    return [file for file in files if standing(CampaignState.PUBLISHED, file, today) is Standing.OPEN]


def signers(session: Session, campaign_id: int) -> int:
    """How many people have confirmed that they write; who was erased since still counts."""
    mine = select(func.count()).select_from(Signature).where(Signature.campaign_id == campaign_id, text(COUNTED))
    return session.scalar(mine) or 0


@lru_cache(maxsize=64)
def read_published(source: str) -> CampaignFile:
    """The file of a revision; a revision never changes, so it is kept."""
    return read(source)


def standing(state: CampaignState, file: CampaignFile, today: date) -> Standing:
    """Whether people can write on that day; `opens` and `closes` are days of the caller's time zone."""
    if state is CampaignState.CLOSED:
        return Standing.CLOSED
    if state is CampaignState.DRAFT or (file.opens and today < file.opens):
        return Standing.NOT_YET
    return Standing.CLOSED if file.closes and file.closes < today else Standing.OPEN
