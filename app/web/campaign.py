"""The campaign page: one address, one form; the form is the state."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response

from app import campaigns
from app.addresses import STATES, State
from app.campaigns import CampaignFile, Standing, Target
from app.campaigns.stories import render
from app.db import DatabaseUnavailable, writing
from app.delivery import Channel
from app.extensions import db
from app.legislators import Method, NoDataForDay
from app.legislators.congresses import congress_at
from app.models import Campaign, CampaignRevision, CampaignState, Signature
from app.signing import Submission, sign
from app.signing.draft import SENATORS_ONLY, Choice, Draft, Errors, Problem, draft
from app.signing.limits import TooManyFromNetwork, TooManyToAddress, TooManyTries, check_tries, note_try
from app.web import form_token
from app.web.form_token import FormToken
from app.web.forms import SignForm
from app.web.front import MARK, FrontPages
from app.web.same_site import from_our_page
from app.web.site import site
from app.web.words import abroad, street_notice

blueprint = Blueprint("campaign", __name__)

Page = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Open:
    """A campaign as supporters see it."""

    id: int
    state: CampaignState
    revision_id: int
    file: CampaignFile

    def standing(self, today: date) -> Standing:
        """Whether people can write today."""
        return campaigns.standing(self.state, self.file, today)


Ways = Mapping[Target, tuple[Channel, ...]]
"""How letters to each target go at present: by one channel, or by several where it depends on the office."""


@dataclass(frozen=True, slots=True)
class Front:
    """What the first view of a campaign depends on."""

    campaign: Open
    ways: Ways


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


@blueprint.get("/")
def index() -> Response | str:
    """The only open campaign, or a list of them."""
    found = campaigns.open_campaigns(db.session(), site().today())
    if len(found) == 1:
        return redirect(url_for("campaign.show", slug=found[0].slug))
    return render_template("campaign/index.html", campaigns=found)


@blueprint.get("/<slug>")
def show(slug: str) -> Page:
    """Why, to whom, the letter and the form."""
    pages = _front_pages()
    front = pages.found(slug, site().clock(), _find_front) or abort(404)
    campaign = front.campaign
    standing = campaign.standing(site().today())
    if standing is not Standing.OPEN:
        return _not_open(campaign, standing), 200
    ways = tuple(tuple(channel.name for channel in channels) for channels in front.ways.values())
    version = (campaign.revision_id, ways, site().new_congress, str(get_locale()), site().mailbox_is_open())

    def render() -> str:
        return _page(campaign, SignForm(None), FormToken(MARK, "", site().clock()), ways=front.ways)

    return pages.page(slug, version, _fresh(slug).text, render), 200


@blueprint.post("/<slug>")
def write(slug: str) -> Page | Response:
    """Both buttons: show the letters, or send them. Everything typed comes back until it is stored."""
    campaign = _find(slug)
    standing = campaign.standing(site().today())
    if standing is not Standing.OPEN:
        return _not_open(campaign, standing), 409
    form, now = SignForm(request.form), site().clock()
    form.congress = congress_at(now)
    token = form_token.read(site().config.secret_key, form.token.data or "", slug, now)
    if token is None or not from_our_page(request, site().config.public_url):
        notice = _("This page was open for very long, or came from elsewhere. Please press the button once more.")
        return _page(campaign, form, _fresh(slug), notice=notice), 422
    if form.looked_up.data != _street_mark(form, token):  # the browser's word would tell what others looked up
        form.looked_up.data = ""
    if not form.validate():
        return _page(campaign, form, token), 422
    if token.too_quick(now):
        return _page(campaign, form, token, notice=_("That was very quick. Please press the button once more.")), 422
    try:
        return _answer(campaign, form, token, now)
    except NoDataForDay:
        notice = _("A new Congress has begun, and we do not know its members yet. Please come back in a few days.")
        return _page(campaign, form, token, notice=notice), 503


def _answer(campaign: Open, form: SignForm, token: FormToken, now: datetime) -> Page | Response:
    sending, looking_up = "send" in request.form, "look-up" in request.form
    if looking_up:
        form.district.data = form.other_district.data = form.looked_up.data = ""
    may_look_up = looking_up and _may_look_up(now)
    result = draft(form.entry(look_up=may_look_up), campaign.file, site().desk, now)
    if isinstance(result, Errors):
        form.postal_code.errors = [_explain(result, form)]
        return _page(campaign, form, token, asks_state=result.problem is Problem.NEIGHBOUR_STATE), 422
    if isinstance(result, Choice):
        asked = "asked" in request.form and form.chosen_for.data == form.place and not looking_up
        if sending or result.refused or asked:
            form.district.errors = [_("Choose who represents you, or say that you are not sure.")]
        notice = street_notice(result, refused=not may_look_up) if looking_up else ""
        return _page(campaign, form, token, choice=result, notice=notice), 422 if form.district.errors else 200
    if not sending or not result.letters:
        return _page(campaign, form, token, draft=result), 200
    if form.seal.data != result.seal:
        notice = _("Something in your letters has changed. Here they are once more, as they will go.")
        return _page(campaign, form, token, draft=result, notice=notice), 200
    return _send(campaign, form, token, result, now)


def _may_look_up(now: datetime) -> bool:
    """Count that somebody asks for a street; no network may look up more addresses a day than it may sign."""
    digest = site().keys.network(request.remote_addr or "")
    session = db.session()
    try:
        with writing(session):
            if digest is not None:
                check_tries(session, "street", digest, site().config.limit_network, now)
                note_try(session, "street", digest, now)
    except (TooManyTries, DatabaseUnavailable):
        return False
    return True


def _send(campaign: Open, form: SignForm, token: FormToken, result: Draft, now: datetime) -> Page | Response:
    submission = Submission(
        campaign_id=campaign.id,
        revision_id=campaign.revision_id,
        title=campaign.file.headline,
        nonce=token.nonce,
        network=request.remote_addr or "",
        replaces=form.replaces.data or "",
    )
    session = db.session()
    try:
        with writing(session):
            sent = sign(session, result, submission, site().pen(), now)
    except TooManyToAddress:
        notice = _(
            "We have sent several mails to this address today. "
            "Look for them, in the spam folder too, or come back tomorrow."
        )
    except TooManyFromNetwork:
        notice = _(
            "Many letters have come from your connection today. Please come back tomorrow, or use another connection."
        )
    except DatabaseUnavailable:
        notice = _(
            "We could not store your letters just now. Nothing is lost: please press the button again in a minute."
        )
        return _page(campaign, form, token, draft=result, notice=notice), 503
    else:
        return redirect(url_for("sent.show", token=sent), 303)
    return _page(campaign, form, token, draft=result, notice=notice), 429


def filled(campaign: Open, form: SignForm) -> str:
    """The page with the fields filled and a token of its own, for somebody who corrects an address."""
    notice = _("Correct what is wrong below and look at your letters again. Then only the corrected ones count.")
    return _page(campaign, form, _fresh(campaign.file.slug), notice=notice)


def find(slug: str) -> Open | None:
    """The published or closed campaign at this address."""
    found = campaigns.find(db.session(), slug)
    if found is None:
        return None
    campaign, revision = found
    return _open(campaign, revision)


def of(signature: Signature) -> Open:
    """The campaign as it stood when the signature was made."""
    return _open(signature.revision.campaign, signature.revision)


def _open(campaign: Campaign, revision: CampaignRevision) -> Open:
    return Open(campaign.id, campaign.state, revision.id, campaigns.read_published(revision.source))


def _find_front(slug: str) -> Front | None:
    campaign = find(slug)
    return None if campaign is None else Front(campaign, _ways(campaign.file))


def _ways(file: CampaignFile) -> Ways:
    try:
        return site().ways(file.targets)
    except NoDataForDay:
        return {}


def _front_pages() -> FrontPages[Front]:
    return cast("FrontPages[Front]", current_app.extensions["redress-front"])


def _find(slug: str) -> Open:
    return find(slug) or abort(404)


def _fresh(slug: str) -> FormToken:
    return form_token.issue(site().config.secret_key, slug, site().clock())


def _not_open(campaign: Open, standing: Standing) -> str:
    return render_template("campaign/not_open.html", campaign=campaign.file, standing=standing)


def _page(
    campaign: Open,
    form: SignForm,
    token: FormToken,
    *,
    draft: Draft | None = None,
    choice: Choice | None = None,
    notice: str = "",
    asks_state: bool = False,
    ways: Ways | None = None,
) -> str:
    form.congress = congress_at(site().clock())
    if form.chosen_for.data != form.place:
        form.district.data = form.other_district.data = form.looked_up.data = ""
    if draft or choice:  # a page that only has errors says again what was said
        found = draft is not None and draft.located_by is Method.CENSUS
        form.looked_up.data = _street_mark(form, token) if found else ""
    form.chosen_for.data = form.place
    form.token.data = token.text
    form.seal.data = draft.seal if draft else ""
    return render_template(
        "campaign/page.html",
        campaign=campaign.file,
        ways=_ways(campaign.file) if ways is None and not (draft or choice) else ways,
        story=Story.of(campaign.file.story),
        form=form,
        draft=draft,
        choice=choice,
        notice=notice,
        chosen=_chosen(draft) if draft or choice else form.district.data,
        asks_state=asks_state or bool(form.sure_of_state.data),
        as_of=site().desk.directory.as_of(),
        new_congress=site().new_congress,
        keep=site().keep,
    )


def _street_mark(form: SignForm, token: FormToken) -> str:
    """What the form carries after its street was found, and only this site can make: for this form and this street."""
    where = f"{token.nonce}\0{form.spot}\0{form.city.data}\0{form.address_line1.data}"
    return hmac.new(site().config.secret_key.encode(), f"street\0{where}".encode(), hashlib.sha256).hexdigest()[:32]


def _chosen(draft: Draft | None) -> str:
    """What a person or the street address said about their district, to be said again with the next button."""
    if draft is None or draft.located_by not in {Method.PERSON, Method.CENSUS}:
        return ""
    return draft.division or SENATORS_ONLY


def _explain(errors: Errors, form: SignForm) -> str:
    zip_code, here = (form.postal_code.data or "")[:5], STATES[State(str(form.state.data))]
    if errors.problem is Problem.NO_DISTRICT_FOR_MAIL:
        return _(
            "ZIP code %(zip)s is military mail, which has no district. "
            "Enter the address in the States where you are registered to vote.",
            zip=zip_code,
        )
    if errors.problem is Problem.ELECTS_NOBODY:
        return _(
            "ZIP code %(zip)s is in %(place)s, which elects nobody to Congress. "
            "If you vote in the States, enter your address there.",
            zip=zip_code,
            place=abroad(errors.place),
        )
    elsewhere = _(" or ").join(STATES[state] for state in errors.states)
    if errors.problem is Problem.NEIGHBOUR_STATE:
        return _(
            "ZIP code %(zip)s is mostly in %(elsewhere)s. Do you live in %(here)s? "
            "If so, say it below; if not, correct the ZIP code or the state.",
            zip=zip_code,
            elsewhere=elsewhere,
            here=here,
        )
    return _(
        "ZIP code %(zip)s is in %(elsewhere)s. Correct the ZIP code or the state.", zip=zip_code, elsewhere=elsewhere
    )
