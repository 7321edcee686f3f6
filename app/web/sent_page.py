"""The page that says to look for the mail: it answers *Send my letters*, and stands at /sent/<token> afterwards.

It tells whoever typed a name and an address nothing of the person whose they are: what it says depends on what was
typed, on the time, and on how the mail server answers; never on what is known of that person. So what was typed comes
back from the page itself, as hidden fields, and not from the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from flask import render_template, request
from markupsafe import Markup

from app.campaigns import CampaignFile
from app.delivery.outbox import ADDRESS_DEAD, URGENT
from app.delivery.sending import halt
from app.extensions import db
from app.models import Delivery, DeliveryState, Signature
from app.web.form_token import issue
from app.web.forms import FIELD_NAMES, hidden
from app.web.origin import KEYS
from app.web.same_site import from_our_page
from app.web.site import site
from app.web.validators import tidy_prose

AGAIN, CHANGE = "again", "change"
"""The buttons."""
_MOST_OF_A_NAME = 60
_TOLD_AFTER = timedelta(minutes=5)
"""When the page says that the mail did not arrive: of an address to which others went in vain we know it at once."""


def draw_sent(
    token: str,
    campaign: CampaignFile,
    *,
    email: str = "",
    notice: str = "",
    again: bool = False,
    failed: bool = False,
) -> str:
    """The page while its mail may be under way; `email` is known only to whoever has just typed it."""
    return render_template(
        "sent/page.html",
        token=token,
        campaign=campaign,
        email=email,
        carried=_carried(token, campaign.slug),
        notice=notice,
        again=again,
        failed=failed,
        halt=halt(db.session(), site().clock()),
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
    return Markup("").join(hidden({name: value}) for name, value in [*fields, ("replaces", token)])


def _typed() -> Iterator[tuple[str, str]]:
    """Only from our own page: another site shall put nothing into hidden fields of ours."""
    if not from_our_page(request, site().config.public_url):
        return
    for name in (*FIELD_NAMES, *KEYS):
        for value in request.form.getlist(name)[:_MOST_OF_A_NAME]:
            yield name, str(tidy_prose(value))
