"""Asking friends: links that carry the campaign's address and nothing about who shares it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from flask_babel import get_locale

from app.campaigns import CampaignFile
from app.web.words import public_address

# Each takes the text and the address, percent-encoded; what they do with it is their page's matter, not ours.
_NETWORKS = {
    "WhatsApp": "https://wa.me/?text={text}%20{address}",
    "Facebook": "https://www.facebook.com/sharer/sharer.php?u={address}",
    "X": "https://twitter.com/intent/tweet?text={text}&url={address}",
    "Bluesky": "https://bsky.app/intent/compose?text={text}%20{address}",
    "Telegram": "https://t.me/share/url?url={address}&text={text}",
}


@dataclass(frozen=True, slots=True)
class Share:
    """What a supporter says to friends. `text` is for copying; it ends with the address."""

    text: str
    language: str
    by_mail: str
    networks: Mapping[str, str]
    """Their names, and where each takes what is to be said."""


def share_links(campaign: CampaignFile) -> Share:
    """Links to the campaign, never to the page of the person who shares it."""
    address = public_address(campaign, str(get_locale()))
    said = campaign.share or campaign.title
    values = {"text": quote(said, safe=""), "address": quote(address, safe="")}
    mail = f"mailto:?subject={quote(campaign.title, safe='')}&body={values['text']}%0A%0A{values['address']}"
    networks = {name: form.format(**values) for name, form in _NETWORKS.items()}
    return Share(f"{said}\n{address}", campaign.language, mail, networks)
