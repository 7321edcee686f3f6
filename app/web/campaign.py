"""The campaign page: one address, one form; the form is the state."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from babel.lists import format_list
from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app import campaigns
from app.addresses import STATES, State
from app.campaigns import Standing
from app.campaigns.stories import render
from app.db import DatabaseUnavailable, writing
from app.delivery.sending import halt
from app.extensions import db
from app.legislators import NoDataForDay
from app.legislators.congresses import congress_at
from app.signing.draft import Choice, Draft, Errors, Problem, draft
from app.signing.limits import TooManyFromNetwork, TooManyTries, check_tries, check_wider, note_try
from app.signing.submitting import Ready, Submission, Superseded, sign
from app.web import form_token
from app.web.form_token import FormToken
from app.web.forms import SignForm, by_a_stranger, fills_a_field, form_for
from app.web.front import MARK
from app.web.languages import LANGUAGES, SWITCH, asked_for, liked, speak
from app.web.letter_page import Front, draw, front_of, front_pages, hidden_fields, street_mark
from app.web.origin import origin_of
from app.web.published import Published, find
from app.web.same_site import from_our_page
from app.web.sent_page import CHANGE, answer_sent
from app.web.site import site
from app.web.words import abroad, street_notice

blueprint = Blueprint("campaign", __name__)

Page = tuple[str, int]


@blueprint.get("/")
def index() -> Response | str:
    """The only open campaign, or a list of them."""
    found = campaigns.open_campaigns(db.session(), site().today())
    if len(found) == 1:
        said = urlencode(list(request.args.items(multi=True)))  # a link's language, fields and codes
        return redirect(url_for("campaign.show", slug=found[0].slug, lang=None) + (f"?{said}" if said else ""))
    told = [campaign.told_in(str(get_locale())) for campaign in found]
    return render_template("campaign/index.html", campaigns=told)


@blueprint.get("/<slug>")
def show(slug: str) -> Page:
    """Why, to whom, the letter and the form, which a link may have filled."""
    front = front_of(slug) or abort(404)
    language = speak(front.campaign.source.languages)
    standing = front.campaign.standing(site().today())
    if standing is not Standing.OPEN:
        return _not_open(front, standing), 200
    origin = origin_of(request.args)
    if fills_a_field(request.args):
        form = form_for(front.campaign.told_in(language).letter)
        form.fill_in(request.args)
        return draw(front, form, _fresh(slug), origin), 200
    ways = tuple(tuple(channel.name for channel in channels) for channels in front.ways.values())
    version = (
        front.campaign.revision_id,
        front.signers,
        ways,
        front.new_congress,
        site().mailbox_is_open(),
    )

    def render() -> str:
        form = form_for(front.campaign.told_in(language).letter)
        return draw(front, form, _fresh(slug), {}, carried=MARK)

    return front_pages().page(
        (slug, language, liked(LANGUAGES), asked_for() or ""),
        version,
        {MARK: str(hidden_fields(_fresh(slug), language, origin))},
        render,
    ), 200


@blueprint.post("/<slug>")
def write(slug: str) -> Page | Response:
    """Both buttons: show the letters, or send them. Everything typed comes back until it is stored."""
    while True:
        with suppress(Superseded):  # as often as the campaign is changed between our reading and our writing
            return _write(slug)


def _write(slug: str) -> Page | Response:
    """Raises Superseded, with nothing stored."""
    campaign, given = find(slug) or abort(404), request.form
    language = speak(campaign.source.languages)
    standing = campaign.standing(site().today())
    if standing is not Standing.OPEN:
        return _not_open(_front(campaign), standing), 409
    now, ours = site().clock(), from_our_page(request, site().config.public_url)
    token = form_token.opened(site().config.secret_key, given.get("token", ""), slug) if ours else None
    good = token is not None and token.is_good(now)
    form = form_for(campaign.told_in(language).letter, given if token else by_a_stranger(given))
    if token is None:
        form.empty_what_cannot_stand()
    press = _Press(campaign, form, token if token and good else _fresh(slug), origin_of(given), now)
    if not good:
        return press.page(notice=_("Look over what you entered, then press the button once more.")), 200
    return press.answer()


@dataclass(frozen=True, slots=True)
class _Press:
    """One press of a button of the form. Without a token of ours, or from another site, its page is all it gets."""

    campaign: Published
    form: SignForm
    token: FormToken
    origin: Mapping[str, str]
    now: datetime

    def answer(self) -> Page | Response:
        """The page with what came of it, or the way to the next one."""
        form, switching = self.form, SWITCH in request.form
        if CHANGE in request.form:
            return self._change(), 200
        form.congress = congress_at(self.now)
        if form.looked_up != street_mark(form, self.token):  # the browser's word would tell what others looked up
            form.looked_up = ""
        moved = form.settle_parts(self.campaign.told_in(str(get_locale())).letter)
        if switching and not (form.seal or "asked" in request.form):
            return self.page(), 200
        if not form.validate() and (switching or not form.only_words_are_wrong()):
            if switching:
                form.forget_errors()
            return self.page(), 200 if switching else 422
        if self.token.too_quick(self.now) and not switching:
            return self.page(notice=_("Please press the button once more: so we know that you are no program.")), 422
        try:
            return self._drafted(moved=moved)
        except NoDataForDay:
            notice = _("A new Congress has begun, and we do not know its members yet. Please come back in a few days.")
            return self.page(notice=notice), 503

    def page(self, *, draft: Draft | None = None, choice: Choice | None = None, notice: str = "") -> str:
        """The form as it was sent, with what was found."""
        return draw(
            _front(self.campaign), self.form, self.token, self.origin, draft=draft, choice=choice, notice=notice
        )

    def _drafted(self, *, moved: bool) -> Page | Response:
        form, looking_up = self.form, "look-up" in request.form
        if looking_up:
            form.district.data = form.other_district.data = form.looked_up = ""
        may_look_up = looking_up and _may_look_up(self.now)
        file = self.campaign.told_in(str(get_locale()))
        result = draft(form.entry(look_up=may_look_up), file, site().desk, self.now)
        if isinstance(result, Errors):
            form.postal_code.errors = [_explain(result, form)]
            form.asks_state = result.problem is Problem.NEIGHBOUR_STATE
            return self.page(), 422
        if isinstance(result, Choice):
            return self._choose(result, looking_up=looking_up, refused=not may_look_up)
        return self._show_or_send(result, moved=moved)

    def _choose(self, choice: Choice, *, looking_up: bool, refused: bool) -> Page:
        form = self.form
        asked = "asked" in request.form and form.chosen_for == form.place and not looking_up
        if ("send" in request.form or choice.refused or asked) and SWITCH not in request.form:
            form.district.errors = [_("Choose who represents you, or say that you are not sure.")]
        notice = street_notice(choice, refused=refused) if looking_up else ""
        return self.page(choice=choice, notice=notice), 422 if form.shown_errors() else 200

    def _show_or_send(self, result: Draft, *, moved: bool) -> Page | Response:
        form = self.form
        if moved and result.offered:
            notice = _("The letter has been revised, and with it a part that you had changed. Look at it once more.")
            return self.page(draft=result, notice=notice), 200
        if form.own_words.errors or any(part.errors for part in form.parts):
            return self.page(draft=result), 422
        if "send" not in request.form or not result.offered:
            return self.page(draft=result), 200
        if not result.letters:
            form.write_to.errors = [_("Choose at least one office to write to.")]
            return self.page(draft=result), 422
        if form.seal != result.seal:
            notice = _("Something in your letters has changed. Here they are once more, as they will go.")
            return self.page(draft=result, notice=notice), 200
        return self._send(result)

    def _change(self) -> str:
        """The form once more for somebody who corrects what is wrong; what was sent is set aside for it."""
        if not self.form.email.data:  # from a page that was opened anew, and holds nothing
            return self.page(notice=_("Enter your details once more. Then only the new letters count."))
        return self.page(
            notice=_("Correct what is wrong below and look at your letters again. Then only the corrected ones count.")
        )

    def _send(self, result: Draft) -> Page:
        session = db.session()
        try:
            ready = Ready.of(session, result, self._submission(result), site().pen(), self.now)
            halted = halt(session, self.now)
            with writing(session):
                sent = sign(session, ready)
        except TooManyFromNetwork:
            notice = _(
                "Many letters have come from your connection today. "
                "Please come back tomorrow, or use another connection."
            )
            return self.page(draft=result, notice=notice), 429
        except DatabaseUnavailable:
            notice = _(
                "We could not store your letters just now. Nothing is lost: please press the button again in a minute."
            )
            return self.page(draft=result, notice=notice), 503
        return answer_sent(sent, self.campaign, str(self.form.email.data), halted), 200

    def _submission(self, result: Draft) -> Submission:
        language = str(get_locale())
        return Submission(
            campaign_id=self.campaign.id,
            revision_id=self.campaign.revision_id,
            title=self.campaign.told_in(language).headline,
            nonce=self.token.nonce,
            network=request.remote_addr or "",
            language=language,
            origin=self.origin,
            changes=self.form.changes(result.left_out),
            replaces=self.form.replaces,
        )


def _may_look_up(now: datetime) -> bool:
    """Count that somebody asks for a street; no network may look up more addresses a day than it may sign."""
    network, most = site().keys.network(request.remote_addr or ""), site().config.limit_network
    session = db.session()
    try:
        with writing(session):
            if network.digest is not None:
                check_tries(session, "street", network.digest, most, now)
                check_wider(session, "street", network, most, now)
                note_try(session, "street", network.digest, now)
    except (TooManyTries, DatabaseUnavailable):
        return False
    return True


def _front(campaign: Published) -> Front:
    """What stands around the form, with the campaign as it is at this moment."""
    front = front_of(campaign.source.slug)
    if front is None:
        return Front(campaign, {}, 0, None)
    return replace(front, campaign=campaign)


def _fresh(slug: str) -> FormToken:
    return form_token.issue(site().config.secret_key, slug, site().clock())


def _not_open(front: Front, standing: Standing) -> str:
    today = site().today()
    others = [file for file in campaigns.open_campaigns(db.session(), today) if file.slug != front.campaign.source.slug]
    language = str(get_locale())
    return render_template(
        "campaign/not_open.html",
        campaign=front.campaign.told_in(language),
        front=front,
        standing=standing,
        story=render(front.campaign.told_in(language).story),
        others=[file.told_in(language) for file in others],
    )


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
    elsewhere = format_list([STATES[state] for state in errors.states], "or", locale=get_locale())
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
