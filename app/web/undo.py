"""/receipt/<token>/withdraw, …/erase and …/reminder: take back what has not gone, delete, be left in peace.

GET explains and asks, only POST acts: mail scanners follow links.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import mailboxes
from app.backups import KEPT_FOR
from app.db import DatabaseUnavailable, writing
from app.extensions import db
from app.models import DeliveryState, Signature
from app.signing import NoSuchSignature, find_mailed
from app.signing.afterwards import can_be_withdrawn, erase, is_owner, stop_reminder, withdraw
from app.signing.afterwards import reminder as planned_reminder
from app.signing.limits import TooManyTries
from app.web import refusals
from app.web.languages import speak_to
from app.web.published import campaign_of
from app.web.same_site import from_our_page
from app.web.site import site
from app.web.validators import tidy_email
from app.web.words import press_again, try_later

blueprint = Blueprint("undo", __name__, url_prefix="/receipt/<token>")

VERBS: dict[str, Callable[[Session, str, datetime], Signature]] = {"withdraw": withdraw, "erase": erase}


@blueprint.get("/<any(withdraw, erase):what>")
def ask(token: str, what: str) -> Response | str:
    """What it does, what it cannot undo, and the question for the e-mail address."""
    signature = _signature(token)
    if not _is_open(signature, what):
        return redirect(url_for("receipt.show", token=token))
    return _page(signature, token, what)


@blueprint.post("/<any(withdraw, erase):what>")
def act(token: str, what: str) -> Response | str | tuple[str, int]:
    """Do it at once, if the address is the signer's."""
    signature = _signature(token)
    if not _is_open(signature, what):
        return redirect(url_for("receipt.show", token=token, late="1" if what == "withdraw" else None), 303)
    session, now, email = db.session(), site().clock(), str(tidy_email(request.form.get("email", "")))[:254]
    if not from_our_page(request, site().config.public_url):
        return _page(signature, token, what, notice=press_again(), email=email), 403
    network = site().keys.network(request.remote_addr or "")
    if slip := _slip(email):
        return _page(signature, token, what, error=slip, email=email), 422
    try:
        with writing(session):
            is_done = not _is_open(find_mailed(session, token), what)  # by another press at the same time
            owner = is_done or is_owner(session, token, email, network.widest, now)
            if owner and not is_done:
                VERBS[what](session, token, now)
    except TooManyTries:
        error = _(
            "Too many other addresses were entered here today. Please come back tomorrow, or write to %(email)s.",
            email=site().config.privacy_email,
        )
        return _page(signature, token, what, error=error, email=email), 429
    except DatabaseUnavailable:
        notice = try_later()
        return _page(signature, token, what, notice=notice, email=email), 503
    if not owner:
        error = _("These letters were not written with this address. Enter the one that you gave.")
        return _page(signature, token, what, error=error, email=email), 403
    return redirect(url_for("receipt.show", token=token, done="1" if what == "erase" else None), 303)


def _slip(email: str) -> str:
    """What is wrong with what can be nobody's address, and so counts as no try; empty when nothing is."""
    if not email:
        return _("Enter the e-mail address that you gave with the letters.")
    try:
        mailboxes.mailbox(email)
    except mailboxes.NoMailbox as error:
        return refusals.email(error)
    return ""


@blueprint.get("/reminder")
def reminder(token: str) -> str:
    """Whether a reminder will come, and a button that stops it."""
    return _reminder_page(_signature(token), token)


@blueprint.post("/reminder")
def no_reminder(token: str) -> str | tuple[str, int]:
    """Send none."""
    signature = _signature(token)
    if not from_our_page(request, site().config.public_url):
        return _reminder_page(signature, token, notice=press_again()), 403
    try:
        with writing(db.session()):
            signature = stop_reminder(db.session(), token, site().clock())
    except DatabaseUnavailable:
        notice = try_later()
        return _reminder_page(signature, token, notice=notice), 503
    return _reminder_page(signature, token)


def _signature(token: str) -> Signature:
    try:
        signature = find_mailed(db.session(), token)
    except NoSuchSignature:
        abort(404)
    speak_to(signature.language)
    return signature


def _is_open(signature: Signature, what: str) -> bool:
    """Whether there is still something to withdraw, or to erase."""
    return can_be_withdrawn(signature) if what == "withdraw" else signature.erased_at is None


def _page(signature: Signature, token: str, what: str, *, error: str = "", notice: str = "", email: str = "") -> str:
    return render_template(
        f"undo/{what}.html",
        signature=signature,
        token=token,
        campaign=campaign_of(signature),
        backups=KEPT_FOR,
        error=error,
        notice=notice,
        email=email,
    )


def _reminder_page(signature: Signature, token: str, *, notice: str = "") -> str:
    planned = planned_reminder(signature)
    return render_template(
        "undo/reminder.html",
        token=token,
        campaign=campaign_of(signature),
        due=planned.due_at if planned and planned.state is DeliveryState.QUEUED else None,
        notice=notice,
    )
