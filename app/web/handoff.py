"""/receipt/<token>/letters/<n>: everything that it takes to deliver one letter by hand, and what came of it."""

from __future__ import annotations

import contextlib

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.db import DatabaseUnavailable, writing
from app.extensions import db
from app.models import DeliveryState, Letter, Signature
from app.signing.afterwards import NoSuchLetter, NotByHand, by_hand, letter_at, report, waiting
from app.web.published import campaign_of
from app.web.receipt import seat_now, standing, successor
from app.web.same_site import from_our_page
from app.web.site import site
from app.web.words import press_again, try_later

blueprint = Blueprint("handoff", __name__, url_prefix="/receipt/<token>")


@blueprint.get("/letters/<int:position>")
def show(token: str, position: int) -> Response | str | tuple[str, int]:
    """One office: its form, each value ready to copy, the phone, the nearest office."""
    signature = standing(token)
    if isinstance(signature, Response):
        return signature
    return _page(signature, _letter(signature, position), token)


@blueprint.post("/letters/<int:position>")
def act(token: str, position: int) -> Response | str | tuple[str, int]:
    """*I sent it*, or *the form did not work*."""
    signature = standing(token)
    if isinstance(signature, Response):
        return signature
    letter = _letter(signature, position)
    if not from_our_page(request, site().config.public_url):
        return _page(signature, letter, token, notice=press_again())[0], 403
    worked = "sent" in request.form
    if not worked and "stuck" not in request.form:
        return _page(signature, letter, token)
    try:
        with writing(db.session()):
            signature = report(db.session(), token, position, site().clock(), worked=worked)
    except NotByHand:
        return _page(signature, letter, token)
    except DatabaseUnavailable:
        notice = try_later()
        return _page(signature, letter, token, notice=notice)[0], 503
    if not worked:
        return redirect(url_for("handoff.show", token=token, position=position), 303)
    return _to_the_next(signature, token, position)


@blueprint.get("/print")
def sheets(token: str) -> Response | str:
    """The letters that their signer delivers, one a page: to Washington, and to the nearest office."""
    signature = standing(token)
    if isinstance(signature, Response):
        return signature
    only = request.args.get("letter", "")
    letters = [letter for letter in signature.letters if by_hand(letter) and (not only or only == str(letter.position))]
    return render_template(
        "handoff/print.html",
        signature=signature,
        token=token,
        campaign=campaign_of(signature),
        letters=[(letter, site().handoff(letter)) for letter in letters],
        today=site().today(),
        successor=successor,
    )


def _letter(signature: Signature, position: int) -> Letter:
    try:
        return letter_at(signature, position)
    except NoSuchLetter:
        abort(404)


def _to_the_next(signature: Signature, token: str, done: int) -> Response:
    """The next office whose form has not failed; when there is none the receipt, which says what is left."""
    for letter in waiting(signature):
        delivery = by_hand(letter)
        if delivery is not None and delivery.state is DeliveryState.OFFERED:
            return redirect(url_for("handoff.show", token=token, position=letter.position, after=done), 303)
    return redirect(url_for("receipt.show", token=token), 303)


def _before(signature: Signature) -> Letter | None:
    """The letter that was reported just before this page was shown."""
    with contextlib.suppress(NoSuchLetter, ValueError):
        letter = letter_at(signature, int(request.args.get("after", "")[:3]))
        delivery = by_hand(letter)
        return letter if delivery and delivery.state is DeliveryState.REPORTED else None
    return None


def _page(signature: Signature, letter: Letter, token: str, *, notice: str = "") -> tuple[str, int]:
    delivery = by_hand(letter)
    if delivery is None:  # it goes by mail, or was withdrawn: there is nothing to do and nothing to report
        return render_template("handoff/not_yours.html", letter=letter, token=token), 409
    mine = [other for other in signature.letters if by_hand(other)]
    left = [other for other in waiting(signature) if other is not letter]
    page = render_template(
        "handoff/page.html",
        campaign=campaign_of(signature),
        letter=letter,
        delivery=delivery,
        stuck=delivery.state is DeliveryState.STUCK,
        reported=delivery.state is DeliveryState.REPORTED,
        before=None if delivery.state is DeliveryState.REPORTED else _before(signature),
        next=left[0] if left else None,
        place=mine.index(letter) + 1,
        total=len(mine),
        handoff=site().handoff(letter),
        seat_now=seat_now(letter),
        successor=successor(letter),
        token=token,
        notice=notice,
    )
    return page, 200
