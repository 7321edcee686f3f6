"""/sent/<token>: "check your e-mail", opened once more; and its button that has the mail sent again."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from flask_babel import gettext as _

from app.db import DatabaseUnavailable, writing
from app.delivery.sending import halt
from app.extensions import db
from app.models import Signature
from app.signing import NoSuchSignature, find_sent
from app.signing.submitting import resend
from app.web.languages import speak_to
from app.web.published import campaign_of, of
from app.web.same_site import from_our_page
from app.web.sent_page import draw_sent, has_failed, is_over
from app.web.site import site
from app.web.validators import tidy_email
from app.web.words import press_again

blueprint = Blueprint("sent", __name__)


@blueprint.get("/sent/<token>")
def show(token: str) -> str:
    """What to do if the mail does not come."""
    return _page(_signature(token), token)


@blueprint.post("/sent/<token>")
def act(token: str) -> str | tuple[str, int]:
    """*Send it again*."""
    signature = _signature(token)
    if not from_our_page(request, site().config.public_url):
        return _page(signature, token, notice=press_again()), 403
    session, headline = db.session(), of(signature).told_in(signature.language).headline
    try:
        with writing(session):
            resend(session, token, headline, site().pen(), site().clock())
    except DatabaseUnavailable:
        return _page(signature, token, notice=_("That did not work just now. Please try again in a minute.")), 503
    return _page(signature, token, again=True)


def _signature(token: str) -> Signature:
    try:
        signature = find_sent(db.session(), token)
    except NoSuchSignature:
        abort(404)
    speak_to(signature.language)
    return signature


def _page(signature: Signature, token: str, *, notice: str = "", again: bool = False) -> str:
    now, campaign = site().clock(), campaign_of(signature)
    if is_over(signature, now):
        return render_template("sent/over.html", campaign=campaign, keep=site().keep)
    email = str(tidy_email(request.form.get("email", "")))[:254]
    failed, halted = has_failed(signature, now), halt(db.session(), now)
    return draw_sent(token, campaign, email=email, notice=notice, again=again, failed=failed, halted=halted)
