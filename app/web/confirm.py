"""/confirm/<token>: GET shows the letters (mail scanners follow links), only POST releases them."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.db import DatabaseUnavailable, writing
from app.delivery import Way
from app.extensions import db
from app.models import Signature, SignatureState
from app.signing import (
    Agreement,
    NoSuchSignature,
    Release,
    WaysChanged,
    can_be_confirmed,
    confirm,
    find_mailed,
    ways_seal,
)
from app.signing.tokens import Token
from app.web.languages import speak_to
from app.web.published import campaign_of, of
from app.web.receipt import gone, is_gone, seat_now
from app.web.same_site import from_our_page
from app.web.site import site
from app.web.words import press_again, try_later

blueprint = Blueprint("confirm", __name__)


@blueprint.get("/confirm/<token>")
def show(token: str) -> Response | str:
    """The letters and one button; the receipt when that has been pressed."""
    signature = _signature(token)
    if is_gone(signature):
        return gone(signature)
    if signature.confirmed_at is not None:
        return redirect(url_for("receipt.show", token=token))
    return _page(signature, token)


@blueprint.post("/confirm/<token>")
def release(token: str) -> Response | tuple[str, int]:
    """Send the letters on their way, once, however often it is pressed."""
    signature = _signature(token)
    if is_gone(signature):
        return gone(signature)
    if not from_our_page(request, site().config.public_url):
        return _page(signature, token, notice=press_again()), 403
    session, headline = db.session(), of(signature).told_in(signature.language).headline
    ways, pen, now = site().ways_of(signature.letters), site().pen(), site().clock()
    agreed = Agreement(_sentence(ways), request.form.get("seal", ""))
    ready = Release.of(signature, Token(token), headline, pen, ways, now)
    try:
        with writing(session):
            signature = confirm(session, Token(token), ready, agreed, pen, now)
    except WaysChanged:
        notice = _("How your letters go has changed. Look at it once more, and press the button again.")
        return _page(signature, token, notice=notice), 409
    except DatabaseUnavailable:
        return _page(signature, token, notice=try_later()), 503
    if is_gone(signature):
        return gone(signature)
    if signature.state is SignatureState.WITHDRAWN:
        return _page(signature, token), 200
    return redirect(url_for("receipt.show", token=token), 303)


def _signature(token: str) -> Signature:
    try:
        signature = find_mailed(db.session(), token)
    except NoSuchSignature:
        abort(404)
    speak_to(signature.language)
    return signature


def _sentence(ways: dict[int, Way]) -> str:
    """What the signer agrees to; stored with the time as proof of consent."""
    organisation = site().config.organisation
    channels = [way.channel for way in ways.values()]
    if not any(channel.by_signer for channel in channels):
        return _(
            "I ask %(organisation)s to send these letters in my name, with my address, to the offices named here.",
            organisation=organisation,
        )
    if all(channel.by_signer for channel in channels):
        return _(
            "I ask %(organisation)s to keep these letters ready for me. I deliver them to the offices myself.",
            organisation=organisation,
        )
    return _(
        "I ask %(organisation)s to e-mail, in my name and with my address, the letters that are marked so, "
        "and to keep the others ready for me. I deliver those myself.",
        organisation=organisation,
    )


def _page(signature: Signature, token: str, *, notice: str = "") -> str:
    ways = site().ways_of(signature.letters)
    return render_template(
        "confirm/page.html",
        signature=signature,
        token=token,
        campaign=campaign_of(signature),
        pending=can_be_confirmed(db.session(), signature),
        ways=ways,
        by_us=sum(not way.channel.by_signer for way in ways.values()),
        changed=any(ways[letter.position].channel.name != letter.deliveries[0].channel for letter in signature.letters),
        seal=ways_seal(ways),
        seat_now=seat_now,
        sentence=_sentence(ways),
        keep=site().keep,
        notice=notice,
    )
