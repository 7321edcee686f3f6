"""Campaigns as supporters see them: the published file, in the language of the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask_babel import get_locale

from app import campaigns
from app.campaigns import CampaignFile, Standing
from app.extensions import db
from app.models import CampaignState, Signature


@dataclass(frozen=True, slots=True)
class Published:
    """A campaign that was published, and may be closed. `source` is its file in the language it was written in."""

    id: int
    state: CampaignState
    revision_id: int
    source: CampaignFile

    def standing(self, today: date) -> Standing:
        """Whether people can write today."""
        return campaigns.standing(self.state, self.source, today)

    def told_in(self, language: str) -> CampaignFile:
        """The file in that language, as far as it is translated."""
        return self.source.told_in(language)


def find(slug: str) -> Published | None:
    """The published or closed campaign at this address."""
    found = campaigns.find(db.session(), slug)
    return None if found is None else Published(*found[:3], campaigns.read_published(found.source))


def of(signature: Signature) -> Published:
    """The campaign as it stood when the signature was made."""
    revision = signature.revision
    source = campaigns.read_published(revision.source)
    return Published(signature.campaign_id, revision.campaign.state, revision.id, source)


def campaign_of(signature: Signature) -> CampaignFile:
    """The campaign as it stood when the signature was made, in the language of the page."""
    return of(signature).told_in(str(get_locale()))
