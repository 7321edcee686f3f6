"""Words that templates need for our values; each is put into Jinja by name."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from flask import Flask, url_for
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from app.addresses import STATES, TERRITORIES, State, mask_email, mask_street
from app.campaigns import CampaignFile
from app.campaigns.letters import paragraphs as merge_paragraphs
from app.legislators import DivisionId, Doubt, Legislator, Vacancy
from app.models import Signature
from app.signing.draft import SENATORS_ONLY, Choice
from app.web.moments import day, moment, span
from app.web.site import site

_SHORT = 5


def init_app(app: Flask) -> None:
    """Give the templates of `app` their words."""
    app.jinja_env.filters.update(
        anchor=anchor,
        day=day,
        kicker=kicker,
        mask_email=mask_email,
        masked=masked,
        merge_paragraphs=merge_paragraphs,
        moment=moment,
        paragraphs=paragraphs,
        span=span,
        towns=towns,
        without_senators=without_senators,
    )
    static = Path(app.static_folder or "")
    versions = {name: _fingerprinted(static / name) for name in ("redress.css", "copy.js")}
    app.jinja_env.globals.update(
        static=lambda name: url_for("static", filename=name, v=versions[name]),
        language=lambda: str(get_locale() or "en"),
        doubt=doubt,
        holder_name=holder_name,
        holder_detail=holder_detail,
        district_name=district_name,
        senators_only=SENATORS_ONLY,
    )
    app.context_processor(
        lambda: {
            "organisation": site().config.organisation,
            "live": site().config.live,
            "mailbox_is_open": site().mailbox_is_open,
        }
    )


def press_again() -> str:
    """What is said when a press seemed to come from another site."""
    return _("Please press the button once more.")


def try_later() -> str:
    """What is said when the database did not take a change."""
    return _("That did not work just now. Please press the button again in a minute.")


def paragraphs(text: str) -> list[list[str]]:
    """Plain text → paragraphs → lines."""
    return [block.split("\n") for block in text.split("\n\n") if block.strip()]


def masked(text: str | None, signature: Signature) -> str:
    """A letter without the signer's street and e-mail in full: whoever finds the address of a receipt sees less."""
    shown = text or ""
    if signature.email:
        shown = shown.replace(signature.email, mask_email(signature.email))
    for line in (signature.address_line1, signature.address_line2):
        if line:
            # A short one, like "A", may be a word of the letter: it is masked only where it can be nothing else.
            before, after = (r"(?<!\w)", r"(?!\w)") if len(line) > _SHORT else (r"(?<=[\n,] )|^", "$")
            shown = re.sub(f"(?:{before}){re.escape(line)}{after}", mask_street(line), shown, flags=re.MULTILINE)
    return shown


def kicker(campaign: CampaignFile) -> str:
    """The words of the title before the headline: "Tell Congress" of "Tell Congress – Reunite Families"."""
    before = campaign.title.removesuffix(campaign.headline)
    return before.strip(" –—-:") if before != campaign.title else campaign.title


def towns(legislator: Legislator) -> str:
    """The towns of a member's offices, at most four: by these people know their own."""
    names = list(dict.fromkeys(office.city for office in legislator.offices if office.city))
    if not names:
        return ""
    return ngettext("office in %(towns)s", "offices in %(towns)s", len(names), towns=", ".join(names[:4]))


def anchor(text: str) -> str:
    """A value as part of an HTML id."""
    return "".join(c if c.isalnum() else "-" for c in text)


def without_senators(state: State) -> bool:
    """Whether DC or a territory: nobody sits in the Senate for them."""
    return state in TERRITORIES or state == "DC"


def district_name(division: DivisionId) -> str:
    """`Wyoming, at large`, `Wisconsin, district 3`, `District of Columbia`."""
    place, _slash, district = division.removeprefix("ocd-division/country:us/").partition("/")
    kind, _colon, code = place.partition(":")
    name = STATES[State(code.upper())]
    if kind != "state":
        return name
    number = district.removeprefix("cd:")
    if number == "at-large":
        return _("%(state)s, at large", state=name)
    return _("%(state)s, district %(number)s", state=name, number=number)


def holder_name(holder: Legislator | Vacancy) -> str:
    """The member's name, or that there is none."""
    return holder.name if isinstance(holder, Legislator) else _("Vacant seat")


def holder_detail(holder: Legislator | Vacancy) -> str:
    """Party, district and towns: what helps a person to choose."""
    district = district_name(holder.division)
    if isinstance(holder, Vacancy):
        return district
    return " · ".join(part for part in (f"{holder.party}, {district}", towns(holder)) if part)


def doubt(choice: Choice, zip_code: str) -> str:
    """The question that a choice asks."""
    if choice.doubt is Doubt.SPLIT_ZIP:
        return _("ZIP code %(zip)s lies in more than one district. Who represents you?", zip=zip_code[:5])
    if choice.doubt is Doubt.ZIP_WITHOUT_DISTRICT:
        return _(
            "ZIP code %(zip)s is for PO boxes or for a single building. Who represents you where you live?",
            zip=zip_code[:5],
        )
    if choice.doubt is Doubt.UNKNOWN_ZIP:
        return _("We do not know ZIP code %(zip)s. If it is right, who represents you?", zip=zip_code[:5])
    return _("ZIP code %(zip)s is mostly in another state. Who represents you in yours?", zip=zip_code[:5])


def _fingerprinted(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]
