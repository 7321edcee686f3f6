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
from app.delivery.handoff import SWITCHBOARD
from app.legislators import DivisionId, Doubt, Legislator, Method, Vacancy
from app.legislators.congresses import begins
from app.legislators.geography import is_senate
from app.models import Signature
from app.signing.draft import SENATORS_ONLY, Choice, Draft, Street
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
        past_end=past_end,
        span=span,
        towns=towns,
        without_senators=without_senators,
    )
    static = Path(app.static_folder or "")
    versions = {name: _fingerprinted(static / name) for name in ("redress.css", "copy.js")}
    app.jinja_env.globals.update(
        static=lambda name: url_for("static", filename=name, v=versions[name]),
        language=lambda: str(get_locale() or "en"),
        began=lambda congress: begins(congress).date(),
        doubt=doubt,
        found_by=found_by,
        seat_name=seat_name,
        state_name=lambda state: STATES.get(state, ""),
        street_is_offered=lambda choice: choice.street is not Street.OFF,
        warning=warning,
        why_no_letter=why_no_letter,
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


def past_end(legislator: Legislator) -> str:
    """That a term should have ended by now; empty for nearly everyone."""
    if legislator.until >= site().today():
        return ""
    ended = day(legislator.until)
    return _("This term was to end on %(day)s; who holds it sits until somebody else is sworn in.", day=ended)


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
    if isinstance(holder, Legislator):
        return holder.name
    return _("Vacant seat") if holder.known else _("Not known yet")


def holder_detail(holder: Legislator | Vacancy) -> str:
    """Party, district and towns: what helps a person to choose."""
    district = district_name(holder.division)
    if isinstance(holder, Vacancy):
        return district
    return " · ".join(part for part in (f"{holder.party}, {district}", towns(holder)) if part)


def seat_name(seat: Vacancy) -> str:
    """`Texas, district 23`, `Ohio, one of two seats in the Senate`."""
    if is_senate(seat.seat):
        return _("%(state)s, one of two seats in the Senate", state=STATES[seat.state])
    return district_name(seat.division)


def why_no_letter(seat: Vacancy) -> str:
    """Why nobody is written to for this seat, and whom one can call."""
    if not seat.known:
        return _(
            "A new Congress has begun, and we do not know yet who was sworn in for this seat, so no letter goes there. "
            "You can call the Capitol at %(phone)s and ask.",
            phone=SWITCHBOARD,
        )
    if seat.phone:
        return _(
            "Nobody holds it at present, so no letter goes there. Its office still answers: %(phone)s.",
            phone=seat.phone,
        )
    return _(
        "Nobody holds it at present, so no letter goes there. Its office still answers: "
        "call the Capitol at %(phone)s and ask for it.",
        phone=SWITCHBOARD,
    )


def found_by(draft: Draft, zip_code: str) -> str:
    """How the district was found; empty where no letter depends on it."""
    if draft.division is None:
        return ""
    return {
        Method.STATE: _("Your state or territory has a single seat in the House."),
        Method.ZIP: _(
            "ZIP code %(zip)s lies in a single district of %(state)s.", zip=zip_code[:5], state=STATES[draft.state]
        ),
        Method.PLACE: "",
        Method.CENSUS: _("The Census Bureau places your street address in this district."),
        Method.PERSON: _("You said who represents you."),
    }[draft.located_by]


def doubt(choice: Choice, zip_code: str) -> str:
    """The question that a choice asks."""
    place = {"zip": zip_code[:5], "state": STATES[choice.state]}
    if choice.doubt is None:
        return _("Who represents you?")
    return {
        Doubt.SPLIT_ZIP: _("ZIP code %(zip)s lies in more than one district. Who represents you?", **place),
        Doubt.ZIP_WITHOUT_DISTRICT: _(
            "ZIP code %(zip)s is on no map: it may be for PO boxes or for a single building. "
            "Who represents you where you live?",
            **place,
        ),
        Doubt.UNKNOWN_ZIP: _("We do not know ZIP code %(zip)s. If it is right, who represents you?", **place),
        Doubt.ZIP_OF_NEIGHBOUR: _(
            "ZIP code %(zip)s is mostly in another state. Who represents you in %(state)s?", **place
        ),
        Doubt.REDRAWN: _(
            "%(state)s has new districts since the new Congress began, and our list of ZIP codes has only the old "
            "ones. Who represents you?",
            **place,
        ),
        Doubt.SEVERAL_MATCHES: _(
            "The Census Bureau knows your street address in more than one district. Who represents you?"
        ),
        Doubt.OUTSIDE_ZIP: _(
            "The Census Bureau places your street address outside the districts of ZIP code %(zip)s. "
            "Who represents you?",
            **place,
        ),
    }[choice.doubt]


def warning(doubt: Doubt, zip_code: str) -> str:
    """What somebody should look at though the answer does not depend on it."""
    if doubt is Doubt.BOX:
        return _(
            "ZIP code %(zip)s is for PO boxes. If you live somewhere else, look whether this is your district.",
            zip=zip_code[:5],
        )
    if doubt is Doubt.UNKNOWN_ZIP:
        return _("We do not know ZIP code %(zip)s: look whether it is right.", zip=zip_code[:5])
    return ""


def street_notice(choice: Choice, *, refused: bool) -> str:
    """What came of looking up the street address, when the person has to choose all the same."""
    if refused and choice.street is not Street.OFF:
        return _("Many addresses were looked up from your connection today. Choose below who represents you.")
    if choice.street is Street.NOT_FOUND:
        return _(
            "The Census Bureau does not know this street address; it knows no PO boxes either. "
            "Correct it, or choose below who represents you."
        )
    if choice.street is Street.UNAVAILABLE:
        return _(
            "We could not find it out from the Census Bureau just now. "
            "Choose below who represents you, or try again later."
        )
    return ""


def abroad(place: str) -> str:
    """The name of a country in free association."""
    return {"PW": _("Palau"), "FM": _("Micronesia"), "MH": _("the Marshall Islands")}[place]


def _fingerprinted(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]
