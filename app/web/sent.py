"""/sent/<token>: "check your e-mail"; send it again, or correct the address."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.db import DatabaseUnavailable, writing
from app.delivery.outbox import ADDRESS_DEAD, URGENT
from app.delivery.sending import halt
from app.extensions import db
from app.models import Delivery, DeliveryState, Signature, SignatureState
from app.signing import NoSuchSignature, find_sent
from app.signing.limits import TooManyToAddress
from app.signing.retention import has_expired
from app.signing.submitting import MailComesBack, resend
from app.signing.tokens import Token
from app.web.campaign import filled
from app.web.forms import form_for
from app.web.languages import speak_to
from app.web.published import campaign_of, of
from app.web.same_site import from_our_page
from app.web.site import site
from app.web.words import comes_back, press_again

blueprint = Blueprint("sent", __name__)


@blueprint.get("/sent/<token>")
def show(token: str) -> str:
    """Where the mail went (masked) and what to do if it does not come."""
    return _page(_signature(token), token, again="again" in request.args)


@blueprint.post("/sent/<token>")
def act(token: str) -> Response | tuple[str, int]:
    """*Send it again*, or *wrong address? change it*."""
    signature = _signature(token)
    if not from_our_page(request, site().config.public_url):
        return _page(signature, token, notice=press_again()), 403
    if "change" in request.form:
        return _change(signature, token), 200
    session, headline = db.session(), of(signature).told_in(signature.language).headline
    try:
        with writing(session):
            is_queued = resend(session, Token(token), headline, site().pen(), site().clock())
    except MailComesBack:
        return _page(signature, token, notice=comes_back()), 422
    except TooManyToAddress:
        notice = _(
            "We have sent several mails to this address today. "
            "Look for them, in the spam folder too, or come back tomorrow."
        )
        return _page(signature, token, notice=notice), 429
    except DatabaseUnavailable:
        return _page(signature, token, notice=_("That did not work just now. Please try again in a minute.")), 503
    return redirect(url_for("sent.show", token=token, again=1 if is_queued else None), 303)


def _signature(token: str) -> Signature:
    try:
        signature = find_sent(db.session(), token)
    except NoSuchSignature:
        abort(404)
    speak_to(signature.language)
    return signature


def _page(signature: Signature, token: str, *, notice: str = "", again: bool = False) -> str:
    return render_template(
        "sent/page.html",
        signature=signature,
        token=token,
        campaign=campaign_of(signature),
        pending=signature.state is SignatureState.PENDING and not has_expired(signature, site().keep, site().clock()),
        keep=site().keep,
        notice=notice,
        again=again,
        failed=_has_failed(signature),
        came_back=_came_back(signature),
        halt=halt(db.session(), site().clock()) if _waits(signature) else None,
    )


def _newest(signature: Signature) -> Delivery | None:
    """The newest mail to the address."""
    return next((delivery for delivery in reversed(signature.deliveries) if delivery.kind in URGENT), None)


def _waits(signature: Signature) -> bool:
    """Whether the newest mail to the address has not left yet: only then does it matter that nothing leaves."""
    newest = _newest(signature)
    return newest is not None and newest.state is DeliveryState.QUEUED


def _has_failed(signature: Signature) -> bool:
    """Whether the newest mail to the address was refused, or could not be brought there."""
    newest = _newest(signature)
    return newest is not None and newest.state is DeliveryState.FAILED


def _came_back(signature: Signature) -> bool:
    """Whether the newest mail to the address came back, or was not sent because others did."""
    newest = _newest(signature)
    if newest is None or newest.state is DeliveryState.BOUNCED:
        return newest is not None
    return newest.state is DeliveryState.CANCELLED and newest.events[-1].why == ADDRESS_DEAD


def _change(signature: Signature, token: str) -> str:
    """The campaign page, filled; what is signed there takes the place of this signature."""
    if signature.state is not SignatureState.PENDING or signature.erased_at is not None:
        return _page(signature, token)
    typed = {
        "honorific-prefix": signature.prefix,
        "given-name": signature.given_name,
        "family-name": signature.family_name,
        "address-line1": signature.address_line1,
        "address-line2": signature.address_line2,
        "address-level2": signature.city,
        "address-level1": signature.region,
        "postal-code": signature.postal_code,
        "email": signature.email,
        "tel": signature.phone,
        "own-words": signature.own_words,
        "replaces": token,
    }
    given = MultiDict({name: value or "" for name, value in (typed | dict(signature.changes or {})).items()})
    given.setlist("left-out", given.get("left-out", "").split())
    return filled(of(signature), form_for(campaign_of(signature).letter, given), signature.origin or {})
