"""/receipt/<token>: where each letter is now. No log-in; the address cannot be guessed."""

from __future__ import annotations

from flask import Blueprint, Response, abort, make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from app.delivery.outbox import UNKNOWN
from app.extensions import db
from app.models import Delivery, DeliveryKind, DeliveryState, SignatureState
from app.signing import NoSuchSignature, find_mailed
from app.web import campaign as campaign_page
from app.web.moments import moment

blueprint = Blueprint("receipt", __name__)


@blueprint.get("/receipt/<token>")
def show(token: str) -> Response | AnyResponse:
    """One line a letter, as things stand at this moment."""
    try:
        signature = find_mailed(db.session(), token)
    except NoSuchSignature:
        abort(404)
    if signature.state is not SignatureState.CONFIRMED:
        return redirect(url_for("confirm.show", token=token))
    copy = next(delivery for delivery in signature.deliveries if delivery.kind is DeliveryKind.COPY)
    page = render_template(
        "receipt/page.html",
        signature=signature,
        campaign=campaign_page.of(signature).file,
        copy=copy,
        label=label,
        happened=happened,
    )
    response = make_response(page)
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def label(delivery: Delivery) -> str:
    """One or two words on how far it has got."""
    return {
        DeliveryState.HELD: _("Waiting"),
        DeliveryState.QUEUED: _("Trying again") if delivery.attempts else _("On its way"),
        DeliveryState.SENDING: _("On its way"),
        DeliveryState.ACCEPTED: _("Accepted"),
        DeliveryState.FAILED: _("Not delivered"),
        DeliveryState.PARKED: _("Not certain"),
        DeliveryState.CANCELLED: _("Cancelled"),
    }[delivery.state]


def happened(delivery: Delivery) -> str:
    """What has happened, in a sentence that says no more than is known."""
    ended = moment(delivery.ended_at) if delivery.ended_at else ""
    last = delivery.events[-1]
    if delivery.state is DeliveryState.QUEUED and delivery.attempts:
        due = moment(delivery.due_at) if delivery.due_at else ""
        if last.why in UNKNOWN:
            return _("We do not know whether the mail server took it. We send it once more on %(when)s.", when=due)
        return _("The mail server did not take it. We try again on %(when)s.", when=due)
    if delivery.state is DeliveryState.FAILED and (last.code or 0) < 500:
        return _("We could not hand it to the mail server, and gave up on %(when)s.", when=ended)
    return {
        DeliveryState.HELD: _("It waits for you to confirm."),
        DeliveryState.QUEUED: _("It waits for its turn: usually a few seconds."),
        DeliveryState.SENDING: _("We are handing it to the mail server now."),
        DeliveryState.ACCEPTED: _("The mail server accepted it on %(when)s.", when=ended),
        DeliveryState.FAILED: _("The mail server refused it for good on %(when)s.", when=ended),
        DeliveryState.PARKED: _("Twice we had no answer: it may or may not have arrived."),
        DeliveryState.CANCELLED: _("It was cancelled on %(when)s.", when=ended),
    }[delivery.state]
