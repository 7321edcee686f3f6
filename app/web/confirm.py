"""/confirm/<token>: GET shows the letters (mail scanners follow links), only POST releases them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from babel.lists import format_list
from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.db import DatabaseUnavailable, writing
from app.delivery import Way
from app.extensions import db
from app.models import Signature, SignatureState
from app.signing import (
    Agreement,
    NoSuchSignature,
    PageChanged,
    Release,
    can_be_confirmed,
    confirm,
    find_mailed,
    page_seal,
)
from app.signing.tokens import Token
from app.signing.waiting import Beside, Waiting, name_of, names_of, written_before
from app.web.languages import speak_to
from app.web.published import campaign_of, of
from app.web.receipt import gone, is_gone, seat_now
from app.web.same_site import from_our_page
from app.web.site import site
from app.web.words import press_again, try_later

blueprint = Blueprint("confirm", __name__)

EARLIER = "earlier"
"""What an address or a form says when somebody wants the letters that they wrote first, and not the newer ones."""
THEIRS, MINE = "theirs", "mine"
"""The answers to the question whose the letters are that wait under another name."""
_MOST_SHOWN = 5


@blueprint.get("/confirm/<token>")
def show(token: str) -> Response | str:
    """The letters and one button; the receipt when that has been pressed, and the newer letters if there are any."""
    signature = _signature(token)
    if is_gone(signature):
        return gone(signature)
    if signature.confirmed_at is not None:
        return redirect(url_for("receipt.show", token=token))
    found = site().beside(signature)
    newer = _newer(signature, found)
    return _page_of(newer, signature, token) if newer else _page(signature, token, found)


@blueprint.post("/confirm/<token>")
def release(token: str) -> Response | tuple[str, int]:
    """Send the letters on their way, once, however often it is pressed."""
    signature = _signature(token)
    if is_gone(signature):
        return gone(signature)
    found = site().beside(signature)
    if not from_our_page(request, site().config.public_url):
        return _page(signature, token, found, notice=press_again()), 403
    if newer := _newer(signature, found):
        notice = _("You have written again since. Look at the newer letters, and press the button once more.")
        return _page_of(newer, signature, token, notice=notice), 409
    unsaid = [question for question in _questions(found) if question.answer is None]
    if unsaid and _is_waiting(signature):
        return _page(signature, token, found, unsaid=unsaid), 422
    return _released(signature, token, found)


def _released(signature: Signature, token: str, found: Beside) -> Response | tuple[str, int]:
    session, headline = db.session(), of(signature).told_in(signature.language).headline
    ways, pen, now = site().ways_of(signature.letters), site().pen(), site().clock()
    slips = frozenset(asked.one.signature.person_digest for asked in _questions(found) if asked.answer == MINE)
    agreed = Agreement(_sentence(ways), request.form.get("seal", ""), slips)
    ready = Release.of(signature, token, headline, pen, ways, found, now)
    try:
        with writing(session):
            signature = confirm(session, token, ready, agreed, pen, now)
    except PageChanged:
        notice = _("What waits here, or how it goes, has changed. Look at it once more, and press the button again.")
        return _page(signature, token, site().beside(signature), notice=notice), 409
    except DatabaseUnavailable:
        return _page(signature, token, found, notice=try_later()), 503
    if is_gone(signature):
        return gone(signature)
    if signature.state is SignatureState.WITHDRAWN:
        return _page(signature, token, site().beside(signature)), 200
    return redirect(url_for("receipt.show", token=token), 303)


@dataclass(frozen=True, slots=True)
class Question:
    """Whose the letters are that wait under another name."""

    one: Waiting
    """The newest of them."""

    @property
    def field(self) -> str:
        """Of the form. Named after the person, not counted: somebody may sign while the page is read."""
        return f"others-{(self.one.signature.person_digest or b'').hex()[:12]}"

    @property
    def answer(self) -> str | None:
        """None where nothing was said."""
        given = request.form.get(self.field)
        return given if given in {THEIRS, MINE} else None

    @property
    def sentence(self) -> str:
        """What to do about one without an answer."""
        return _("Say whose these letters are: %(name)s.", name=name_of(self.one.signature))


def _questions(found: Beside) -> list[Question]:
    return [Question(one) for one in found.people[:_MOST_SHOWN]]


def _signature(token: str) -> Signature:
    try:
        signature = find_mailed(db.session(), token)
    except NoSuchSignature:
        abort(404)
    speak_to(signature.language)
    return signature


def _is_waiting(signature: Signature) -> bool:
    return can_be_confirmed(db.session(), signature)


def _newer(signature: Signature, found: Beside) -> Waiting | None:
    """Whoever wrote again with better words wants those, whichever mail they open, unless they say otherwise."""
    return None if EARLIER in request.values or not _is_waiting(signature) else found.newer(signature)


def _page_of(newer: Waiting, opened: Signature, token: str, *, notice: str = "") -> str:
    """The newer letters, with a link to those that the mail was about which was opened."""
    here = site().beside(newer.signature)
    return _page(newer.signature, newer.token, here, notice=notice, opened=Waiting(opened, Token(token)))


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


def _page(
    signature: Signature,
    token: str,
    found: Beside,
    *,
    notice: str = "",
    unsaid: Sequence[Question] = (),
    opened: Waiting | None = None,
) -> str:
    ways, pending = site().ways_of(signature.letters), _is_waiting(signature)
    before = written_before(db.session(), signature)
    return render_template(
        "confirm/page.html",
        signature=signature,
        token=token,
        campaign=campaign_of(signature),
        pending=pending,
        ways=ways,
        by_us=sum(not way.channel.by_signer for way in ways.values()),
        changed=any(ways[letter.position].channel.name != letter.deliveries[0].channel for letter in signature.letters),
        seal=page_seal(ways, found),
        seat_now=seat_now,
        sentence=_sentence(ways),
        keep=site().keep,
        notice=notice,
        unsaid=unsaid,
        errors=[(f"{question.field}-{THEIRS}", question.sentence) for question in unsaid],
        signed_by=name_of(signature),
        newer=found.newer(signature),
        earlier=_first_and_newest(opened, found.own),
        doubtful=found.doubtful[:_MOST_SHOWN],
        questions=_questions(found),
        more_people=len(found.people[_MOST_SHOWN:]),
        elsewhere=found.elsewhere,
        all_waiting=found.all,
        campaign_of=campaign_of,
        written_by=_listed(names_of(before)),
        receipt=site().mailed_token(before[0]) if before else None,
    )


def _first_and_newest(opened: Waiting | None, own: list[Waiting]) -> list[Waiting]:
    """Those that the opened mail was about, and the newest of the others."""
    if opened is None:
        return own[:_MOST_SHOWN]
    return [opened, *(one for one in own if one.signature is not opened.signature)][:_MOST_SHOWN]


def _listed(names: list[str]) -> str:
    return format_list(names, "standard", locale=get_locale()) if names else ""
