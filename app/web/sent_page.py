"""The page that says to look for the mail: it answers *Send my letters*, and stands at /sent/<token> afterwards.

It tells whoever typed a name and an address nothing of the person whose they are: what it says depends on what was
typed, on the time, and on how the mail server answers; never on what is known of that person. So what was typed comes
back from the page itself, as hidden fields, and not from the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from flask import render_template, request
from flask_babel import get_locale
from markupsafe import Markup, escape

from app.campaigns import CampaignFile
from app.delivery.outbox import ADDRESS_DEAD, URGENT
from app.delivery.sending import Halt
from app.models import Delivery, DeliveryState, Signature
from app.web.form_token import issue
from app.web.forms import FIELD_NAMES, hidden
from app.web.front import EMAIL_MARK, MARK, TOKEN_MARK
from app.web.languages import LANGUAGES, asked_for, liked
from app.web.letter_page import front_pages
from app.web.origin import KEYS
from app.web.published import Published
from app.web.same_site import from_our_page
from app.web.site import site
from app.web.validators import tidy_prose

AGAIN, CHANGE = "again", "change"
"""The buttons."""
_CARRIED = frozenset((*FIELD_NAMES, *KEYS))
_MOST_OF_A_NAME = 60
_TOLD_AFTER = timedelta(minutes=5)
"""When the page says that the mail did not arrive: of an address to which others went in vain we know it at once."""


def answer_sent(token: str, campaign: Published, email: str, halted: Halt | None) -> str:
    """The answer to *Send my letters*, rendered once for each revision and language."""
    file = campaign.told_in(str(get_locale()))
    own = {TOKEN_MARK: token, EMAIL_MARK: escape(email), MARK: _carried(token, file.slug)}

    def render() -> str:
        return draw_sent(TOKEN_MARK, file, email=EMAIL_MARK, halted=halted, carried=MARK)

    return front_pages().page(
        ("sent", file.slug, str(get_locale()), liked(LANGUAGES), asked_for() or ""),
        (campaign.revision_id, halted, site().mailbox_is_open()),
        own,
        render,
    )


def draw_sent(
    token: str,
    campaign: CampaignFile,
    *,
    email: str = "",
    notice: str = "",
    again: bool = False,
    failed: bool = False,
    halted: Halt | None,
    carried: Markup | None = None,
) -> str:
    """The page while its mail may be under way; `email` is known only to whoever has just typed it."""
    return render_template(
        "sent/page.html",
        token=token,
        campaign=campaign,
        email=email,
        carried=_carried(token, campaign.slug) if carried is None else carried,
        notice=notice,
        again=again,
        failed=failed,
        halt=halted,
        limit=site().config.limit_address,
        keep=site().keep,
    )


def is_over(signature: Signature, now: datetime) -> bool:
    """Whether its time to confirm is over, by the clock alone."""
    return signature.created_at <= now - site().keep.pending


def has_failed(signature: Signature, now: datetime) -> bool:
    """Whether the newest mail to the address was refused or came back, as is told some minutes after signing."""
    if signature.created_at > now - _TOLD_AFTER:
        return False
    newest = next((delivery for delivery in reversed(signature.deliveries) if delivery.kind in URGENT), None)
    return newest is not None and _did_not_arrive(newest)


def _did_not_arrive(mail: Delivery) -> bool:
    if mail.state is DeliveryState.CANCELLED:
        return mail.events[-1].why == ADDRESS_DEAD
    return mail.state in {DeliveryState.FAILED, DeliveryState.BOUNCED}


def _carried(token: str, slug: str) -> Markup:
    """What was typed, for a correction that takes this one's place; a page that was opened anew has only that."""
    fields = list(_typed())
    if not fields:
        fields = [("token", issue(site().config.secret_key, slug, site().clock()).text)]
    return hidden([*fields, ("replaces", token)])


def _typed() -> Iterator[tuple[str, str]]:
    """Only from our own page: another site shall put nothing into hidden fields of ours."""
    if not from_our_page(request, site().config.public_url):
        return
    for name, values in request.form.lists():
        if name in _CARRIED:
            for value in values[:_MOST_OF_A_NAME]:
                yield name, str(tidy_prose(value))
