"""/receipt/<token>: where each letter is, in words that say no more than is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.delivery.handoff import SWITCHBOARD
from app.delivery.outbox import (
    ADDRESS_DEAD,
    ANSWERED,
    BY_A_PERSON,
    DELAYED,
    MAILED_AGAIN,
    NOTES,
    WITHDRAWN,
    WITHDRAWN_MEANWHILE,
)
from app.delivery.pause import RESTORED
from app.delivery.sending import UNKNOWN, Halt, halt
from app.extensions import db
from app.legislators import DivisionId, Legislator, NoDataForDay, Vacancy
from app.models import Delivery, DeliveryEvent, DeliveryKind, DeliveryState, Letter, Signature, SignatureState
from app.signing import NoSuchSignature, find_mailed
from app.signing.afterwards import by_hand, can_be_withdrawn, reminder, waiting
from app.signing.retention import UNCOUNTED, has_expired
from app.web.languages import speak_to
from app.web.letter_page import signers
from app.web.moments import moment
from app.web.published import campaign_of, of
from app.web.sharing import share_links
from app.web.site import CHANNELS, site

blueprint = Blueprint("receipt", __name__)

_NOT_TRIED = {"confirmed", "composed", BY_A_PERSON}
"""Why a message is in the queue of which the mail server has said nothing since."""


@blueprint.get("/receipt/<token>")
def show(token: str) -> Response | str:
    """One line a letter, as things stand at this moment."""
    signature = standing(token)
    if isinstance(signature, Response):
        return signature
    campaign, halted = campaign_of(signature), halt(db.session(), site().clock())
    planned = reminder(signature)
    return render_template(
        "receipt/page.html",
        signature=signature,
        token=token,
        campaign=campaign,
        share=share_links(campaign),
        signers=signers(signature.campaign_id),
        copy=next(delivery for delivery in signature.deliveries if delivery.kind is DeliveryKind.COPY),
        waiting=waiting(signature),
        mine=[letter for letter in signature.letters if by_hand(letter)],
        late="late" in request.args and not can_be_withdrawn(signature),
        withdrawn=signature.state is SignatureState.WITHDRAWN,
        can_be_withdrawn=can_be_withdrawn(signature),
        reminded_at=planned.due_at if planned and planned.state is DeliveryState.QUEUED else None,
        deleted_on=_deleted_on(signature),
        keep=site().keep,
        channels=CHANNELS,
        vacant=_vacant(signature),
        by_hand=by_hand,
        present=present,
        label=partial(label, halted=halted),
        happened=partial(happened, halted=halted),
        history=history,
        seat_now=seat_now,
    )


def standing(token: str) -> Signature | Response:
    """The confirmed signature behind the token; the answer to give where there is none any more, or not yet."""
    try:
        signature = find_mailed(db.session(), token)
    except NoSuchSignature:
        abort(404)
    speak_to(signature.language)
    if is_gone(signature):
        return gone(signature)
    if signature.confirmed_at is None:
        return redirect(url_for("confirm.show", token=token), 303)
    return signature


def is_gone(signature: Signature) -> bool:
    """Whether nothing of it may be shown any more."""
    return signature.erased_at is not None or has_expired(signature, site().keep, site().clock())


def gone(signature: Signature) -> Response:
    """The page that says that it was deleted, and what one can do."""
    page = render_template(
        "receipt/gone.html",
        signature=signature,
        campaign=campaign_of(signature),
        keep=site().keep,
        done="done" in request.args,
        expired=signature.state in {SignatureState.PENDING, SignatureState.EXPIRED},
        all_waiting=site().beside(signature).all,
        campaign_of=campaign_of,
    )
    return make_response(page, 410)


def label(delivery: Delivery, halted: Halt | None = None) -> str:
    """A few words on how far it has got; `halted` says why nothing goes at present."""
    return {
        DeliveryState.HELD: _("Waiting"),
        DeliveryState.QUEUED: _going(delivery, halted),
        DeliveryState.SENDING: _("On its way"),
        DeliveryState.ACCEPTED: _("Accepted"),
        DeliveryState.FAILED: _("Not delivered"),
        DeliveryState.PARKED: _("Not certain") if _may_have_gone(delivery) else _("Set aside"),
        DeliveryState.CANCELLED: _("Cancelled"),
        DeliveryState.OFFERED: _("Waiting for you"),
        DeliveryState.REPORTED: _("You said you sent it"),
        DeliveryState.STUCK: _("The form did not work"),
        DeliveryState.BOUNCED: _("Came back"),
    }[delivery.state]


def _going(delivery: Delivery, halted: Halt | None) -> str:
    """Of one in the queue. Its attempts are not asked: what the mail server says of us uses up none."""
    is_tried = _was_asked(delivery)
    if halted is Halt.PAUSED or (halted and not is_tried):
        return _("Waiting")
    return _("Trying again") if is_tried else _("On its way")


def present(letter: Letter) -> Delivery:
    """The delivery that counts: the last one, unless that was taken back because the letter was mailed after all."""
    last = letter.deliveries[-1]
    if last.state is not DeliveryState.CANCELLED or last.events[-1].why != MAILED_AGAIN:
        return last
    return next(one for one in reversed(letter.deliveries) if not CHANNELS[one.channel].by_signer)


def _may_have_gone(delivery: Delivery) -> bool:
    """Whether an answer is missing that could have been yes; after a restore nobody knows."""
    return any(event.why in UNKNOWN or event.why == RESTORED for event in delivery.events)


def _was_asked(delivery: Delivery) -> bool:
    return any(event.state is DeliveryState.SENDING for event in delivery.events)


def happened(delivery: Delivery, halted: Halt | None = None) -> str:
    """What has happened, in a sentence that says no more than is known; `halted` says why nothing goes at present."""
    ended = moment(delivery.ended_at) if delivery.ended_at else ""
    last = next(event for event in reversed(delivery.events) if event.why not in NOTES)
    told = moment(last.at)
    if delivery.state is DeliveryState.QUEUED:
        return _queued(delivery, last, halted)
    if delivery.state is DeliveryState.FAILED:
        return _failed(last, ended)
    if delivery.state is DeliveryState.ACCEPTED:
        return _accepted(delivery.events, ended)
    return {
        DeliveryState.HELD: _("It waits for you to confirm."),
        DeliveryState.SENDING: _("We are handing it to the mail server now."),
        DeliveryState.PARKED: _parked(last) if _may_have_gone(delivery) else _("It has not gone, and waits for us."),
        DeliveryState.CANCELLED: _cancelled(delivery, last, told),
        DeliveryState.BOUNCED: _bounced(last, told),
        DeliveryState.OFFERED: _("Ready for you since %(when)s.", when=told),
        DeliveryState.REPORTED: _("You told us so on %(when)s. We cannot see whether it arrived.", when=told),
        DeliveryState.STUCK: _("You told us so on %(when)s. You can call, print it, or try again.", when=told),
    }[delivery.state]


def _queued(delivery: Delivery, last: DeliveryEvent, halted: Halt | None) -> str:
    """With the time of the next attempt, if that is known: not of one that could go now, or is kept with all others."""
    if halted is Halt.PAUSED:
        return _("It waits: we have paused sending, and will go on.")
    due = delivery.due_at if not halted and delivery.due_at and delivery.due_at > site().clock() else None
    if last.why in UNKNOWN and due:
        return _("We do not know whether the mail server took it. We send it once more on %(when)s.", when=moment(due))
    if last.why in UNKNOWN:
        return _("We do not know whether the mail server took it. It waits to be sent once more.")
    if halted:
        return _("It waits: our mail server takes nothing from us at the moment. We go on trying.")
    if last.why in _NOT_TRIED:
        return _("It waits for its turn.")
    if due:
        return _("The mail server did not take it. We try again on %(when)s.", when=moment(due))
    return _("The mail server did not take it. It waits, and we keep trying.")


def _accepted(events: Sequence[DeliveryEvent], when: str) -> str:
    """With what its recipient's server has told since, if that was the last we heard."""
    if events[-1].why == DELAYED:
        return _(
            "The mail server accepted it on %(when)s, and cannot pass it on yet. It goes on trying.",
            when=when,
        )
    return _("The mail server accepted it on %(when)s.", when=when)


def _bounced(last: DeliveryEvent, when: str) -> str:
    if last.said:
        return _('It came back on %(when)s, with the words "%(words)s".', when=when, words=last.said)
    return _("It came back on %(when)s.", when=when)


def _cancelled(delivery: Delivery, last: DeliveryEvent, when: str) -> str:
    if last.why == ADDRESS_DEAD:
        return _("We did not send it: mail to this address comes back.")
    if last.why in {WITHDRAWN, WITHDRAWN_MEANWHILE} and _may_have_gone(delivery):
        return _("It may or may not have arrived: we had no answer. You took it back, so we do not send it again.")
    if last.why == WITHDRAWN:
        return _("You took it back on %(when)s.", when=when)
    if last.why == WITHDRAWN_MEANWHILE:
        return _("You took it back, so we did not send it again.")
    if last.why == BY_A_PERSON:
        return _("%(organisation)s cancelled it on %(when)s.", organisation=site().config.organisation, when=when)
    return _("It was cancelled on %(when)s.", when=when)


def _parked(last: DeliveryEvent) -> str:
    if last.why == RESTORED:
        return _("It may or may not have gone before this site had to be repaired. We do not send it again.")
    return _("It may or may not have arrived: we had no answer, and do not send it again.")


def _failed(last: DeliveryEvent, when: str) -> str:
    if last.why == "recipient refused" and (last.code or 0) >= 500:
        return _("The mail server refused the address on %(when)s.", when=when)
    if (last.code or 0) >= 500:
        return _("The mail server refused it for good on %(when)s.", when=when)
    return _("We could not hand it to the mail server, and gave up on %(when)s.", when=when)


def history(letter: Letter) -> list[tuple[datetime, str]]:
    """What has become of a letter, oldest first: when, and a few words."""
    events = sorted((event for delivery in letter.deliveries for event in delivery.events), key=lambda event: event.id)
    told = [(event.at, _told(event)) for event in events]
    return [(at, words) for at, words in told if words]


def _told(event: DeliveryEvent) -> str:
    """An event in a few words; nothing of those that only tell of our own machine."""
    if event.why in NOTES:
        return {
            DELAYED: _("Not passed on yet; the mail server goes on trying"),
            ANSWERED: _("An answer came to us, and we sent it on to you"),
        }[event.why]
    if event.state is DeliveryState.CANCELLED and event.why in {BY_A_PERSON, WITHDRAWN}:
        by_us = _("Cancelled by %(organisation)s", organisation=site().config.organisation)
        return by_us if event.why == BY_A_PERSON else _("Taken back by you")
    if event.why in {BY_A_PERSON, MAILED_AGAIN}:
        return ""  # what the organisation has done; what becomes of it is told
    if event.state is DeliveryState.QUEUED and event.why != "confirmed":
        return _("No answer from the mail server") if event.why in UNKNOWN else _("Not taken by the mail server")
    return {
        DeliveryState.HELD: _("Written"),
        DeliveryState.QUEUED: _("Confirmed by you"),
        DeliveryState.SENDING: "",
        DeliveryState.ACCEPTED: _("Accepted by the mail server"),
        DeliveryState.FAILED: _("Not delivered"),
        DeliveryState.PARKED: _("Set aside: it may or may not have arrived"),
        DeliveryState.CANCELLED: _("Cancelled"),
        DeliveryState.OFFERED: _("Ready for you to deliver"),
        DeliveryState.REPORTED: _("Sent, as you told us"),
        DeliveryState.STUCK: _("The form did not work, as you told us"),
        DeliveryState.BOUNCED: _("Came back"),
    }[event.state]


def seat_now(letter: Letter) -> str:
    """That somebody else, or nobody, or we do not know who, holds the seat by now; empty when all is as it was."""
    if site().outlived(letter):
        return _(
            "The Congress to which you wrote has ended, and we do not know who holds this seat now. "
            "Find out before you send it: the Capitol's operators at %(phone)s tell you.",
            phone=SWITCHBOARD,
        )
    if isinstance(site().holder(letter), Vacancy):
        return _("Nobody holds this seat at present. Your letter stands as you wrote it.")
    came = successor(letter)
    return _("%(name)s holds this seat now. Your letter stands as you wrote it.", name=came.name) if came else ""


def successor(letter: Letter) -> Legislator | None:
    """Who holds the seat now, if that is not the person to whom the letter was written."""
    holder = site().holder(letter)
    return holder if isinstance(holder, Legislator) and holder.bioguide != letter.bioguide else None


def _vacant(signature: Signature) -> Vacancy | None:
    """The House seat that nobody holds, so that no letter could go there."""
    if signature.division is None or "us-representative" not in of(signature).source.targets:
        return None
    try:
        delegation = site().desk.directory.delegation(DivisionId(signature.division), site().clock())
    except (NoDataForDay, KeyError):
        return None
    holder = delegation.representative
    if not isinstance(holder, Vacancy) or not holder.known or delegation.congress != signature.congress:
        return None
    return None if holder.seat in {letter.seat for letter in signature.letters} else holder


def _deleted_on(signature: Signature) -> datetime | None:
    """When the worker deletes what was entered; None while a delivery has not ended."""
    ends = [delivery.ended_at for delivery in signature.deliveries if delivery.kind not in UNCOUNTED]
    ended = [at for at in ends if at is not None]
    return max(ended) + site().keep.letters if ended and len(ended) == len(ends) else None
