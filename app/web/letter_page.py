"""The campaign page as it is drawn: what the form carries on, and what stands beside it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from flask import current_app, render_template
from flask_babel import get_locale
from markupsafe import Markup

from app import campaigns
from app.campaigns import CampaignFile, Target
from app.campaigns.letters import parts_open
from app.campaigns.stories import render
from app.delivery import Channel
from app.extensions import db
from app.legislators import Method, NoDataForDay
from app.legislators.congresses import congress_at
from app.signing.draft import SENATORS_ONLY, Choice, Draft
from app.web.form_token import FormToken
from app.web.forms import SignForm, hidden
from app.web.front import FrontPages
from app.web.published import Published, find
from app.web.site import site

Ways = Mapping[Target, tuple[Channel, ...]]
"""How letters to each target go at present: by one channel, or by several where it depends on the office."""
MUCH_ALIKE = 80
"""From so many per cent of suggested text on a signer is told, once, that words of their own weigh more."""


@dataclass(frozen=True, slots=True)
class Front:
    """What the first view of a campaign depends on; `signers` have confirmed."""

    campaign: Published
    ways: Ways
    signers: int
    new_congress: int | None


@dataclass(frozen=True, slots=True)
class Story:
    """The story as HTML: its first paragraph stands beside the form, the rest above the letter."""

    lead: Markup
    rest: Markup

    @classmethod
    def of(cls, text: str) -> Story:
        """Cut at the first empty line."""
        lead, _gap, rest = text.partition("\n\n")
        return cls(render(lead), render(rest))


def front_of(slug: str) -> Front | None:
    """The campaign at this address, at most a second old; None for none."""
    return front_pages().found.of(slug, site().clock(), _find_front)


def signers(campaign_id: int) -> int:
    """How many have confirmed, as counted not long ago."""
    counted = front_pages().counts.of(campaign_id, site().clock(), lambda key: campaigns.signers(db.session(), key))
    return counted or 0


def front_pages() -> FrontPages[Front]:
    """What this process remembers of first views."""
    return cast("FrontPages[Front]", current_app.extensions["redress-front"])


def _find_front(slug: str) -> Front | None:
    campaign = find(slug)
    if campaign is None:
        return None
    return Front(campaign, _ways(campaign.source), signers(campaign.id), site().new_congress)


def _ways(file: CampaignFile) -> Ways:
    try:
        return site().ways(file.targets)
    except NoDataForDay:
        return {}


def draw(
    front: Front,
    form: SignForm,
    token: FormToken,
    origin: Mapping[str, str],
    *,
    draft: Draft | None = None,
    choice: Choice | None = None,
    notice: str = "",
    carried: Markup | None = None,
) -> str:
    """The page: with the letters of a draft, with a choice to make, or as it is opened first.

    `carried` stands for the hidden fields that differ from one page to the next.
    """
    form.congress = congress_at(site().clock())
    if form.chosen_for != form.place:
        form.district.data = form.other_district.data = form.looked_up = ""
    if draft or choice:  # a page that only has errors says again what was said
        found = draft is not None and draft.located_by is Method.CENSUS
        form.looked_up = street_mark(form, token) if found else ""
    form.chosen_for = form.place
    form.seal = draft.seal if draft else ""
    language = str(get_locale())
    file = front.campaign.told_in(language)
    form.settle_parts(file.letter)
    for part in form.parts:
        part.render_kw = {"lang": file.letter_language, "rows": 5}
    nudged = bool(draft) and not form.told and draft is not None and draft.likeness >= MUCH_ALIKE
    form.told = "1" if nudged or form.told else ""
    return render_template(
        "campaign/page.html",
        campaign=file,
        front=front,
        ways=front.ways,
        story=Story.of(file.story),
        form=form,
        carried=hidden_fields(token, language, origin) if carried is None else carried,
        draft=draft,
        choice=choice,
        nudged=nudged,
        open_parts=form.parts[: len(parts_open(file.letter))],
        asks_phone=bool(form.phone.data or form.phone.errors) or _by_signer(front.ways, draft),
        notice=notice,
        chosen=_chosen(draft) if draft or choice else form.district.data,
        asks_state=form.asks_state or bool(form.sure_of_state.data),
        as_of=site().desk.directory.as_of(),
        new_congress=front.new_congress,
        keep=site().keep,
    )


def hidden_fields(token: FormToken, language: str, origin: Mapping[str, str]) -> Markup:
    """The form's token, its language, and where the signer comes from."""
    return hidden({"token": token.text, "lang": language, **origin}.items())


def street_mark(form: SignForm, token: FormToken) -> str:
    """What the form carries after its street was found, and only this site can make: for this form and this street."""
    where = f"{token.nonce}\0{form.spot}\0{form.city.data}\0{form.address_line1.data}"
    return hmac.new(site().config.secret_key.encode(), f"street\0{where}".encode(), hashlib.sha256).hexdigest()[:32]


def _by_signer(ways: Ways, draft: Draft | None) -> bool:
    """Whether an office's form may have to be filled in, which asks for more than a mail does."""
    channels: Iterable[Channel]
    if draft is None:
        channels = (channel for found in ways.values() for channel in found)
    else:
        channels = (letter.way.channel for letter in draft.offered)
    return any(channel.by_signer for channel in channels)


def _chosen(draft: Draft | None) -> str:
    """What a person or the street address said about their district, to be said again with the next button."""
    if draft is None or draft.located_by not in {Method.PERSON, Method.CENSUS}:
        return ""
    return draft.division or SENATORS_ONLY
