"""Words that templates need for our values; each is put into Jinja by name."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from flask import Flask, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup

from app.addresses import STATES, TERRITORIES, State, mask_email
from app.campaigns import CampaignFile
from app.campaigns.letters import paragraphs as merge_paragraphs
from app.campaigns.stories import render
from app.delivery.handoff import CHAMBERS
from app.delivery.wording import text_of
from app.legislators import Doubt, Method, Seat
from app.legislators.congresses import begins
from app.legislators.geography import is_senate
from app.models import Signature
from app.signing.draft import SENATORS_ONLY, Choice, Draft, Street
from app.signing.waiting import name_of
from app.web.languages import LANGUAGES
from app.web.masking import masked
from app.web.moments import day, day_in, moment, number, percent, span
from app.web.people import (
    described,
    district_name,
    holder_detail,
    holder_name,
    named,
    past_end,
    seat_name,
    towns,
    why_no_letter,
)
from app.web.site import CAPITAL, site

_SUMMARY = 200


def init_app(app: Flask) -> None:
    """Give the templates of `app` their words."""
    app.jinja_env.filters.update(
        anchor=anchor,
        day=day,
        day_in=day_in,
        day_of=lambda moment: moment.astimezone(CAPITAL).date(),
        described=described,
        kicker=kicker,
        mask_email=mask_email,
        masked=masked,
        merge_paragraphs=merge_paragraphs,
        moment=moment,
        named=named,
        number=number,
        percent=percent,
        paragraphs=paragraphs,
        past_end=past_end,
        signed_name=name_of,
        span=span,
        summary_of=summary_of,
        text_of=text_of,
        towns=towns,
        without_senators=without_senators,
        words_of=words_of,
    )
    app.jinja_env.globals.update(
        language=lambda: str(get_locale() or "en"),
        lang=lang,
        lang_of_page=lang_of_page,
        language_name=language_name,
        other_languages=other_languages,
        here_in=here_in,
        public_address=public_address,
        public_file=lambda name: site().config.public_url + url_for("look.file", name=name),
        inside_address=inside_address,
        today=lambda: site().today(),
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


def lang(language: str) -> Markup:
    """The attribute of an element that speaks this language, on a page that speaks another one."""
    return Markup("") if language == str(get_locale()) else Markup(' lang="{}"').format(language)


def lang_of_page(around: str) -> Markup:
    """The attribute of an element that speaks the page's language, inside one that may speak another."""
    page = str(get_locale())
    return Markup("") if around == page else Markup(' lang="{}"').format(page)


def language_name(language: str) -> str:
    """In the language of the page."""
    return {"en": _("English"), "es": _("Spanish")}[language]


def other_languages() -> dict[str, str]:
    """Codes and names of the languages that this page could speak as well."""
    return {code: name for code, name in LANGUAGES.items() if code != str(get_locale())}


def here_in(language: str) -> str:
    """The address of this page in another language, with all else that stands in it."""
    values = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return f"{quote(request.script_root + request.path)}?{urlencode([*values, ('lang', language)])}"


def public_address(campaign: CampaignFile, language: str) -> str:
    """Where everybody finds the campaign in that language, whatever Host this request claims."""
    said = language if language != campaign.languages[0] and language in campaign.languages else None
    return site().config.public_url + url_for("campaign.show", slug=campaign.slug, lang=said)


def inside_address(recipient: str, seat: str) -> tuple[str, ...]:
    """The lines above a letter: whom it is for, and where that chamber's post arrives, in English."""
    return (recipient, *CHAMBERS[is_senate(Seat(seat))])


def summary_of(campaign: CampaignFile) -> str:
    """The first sentences of the story as plain text, for whoever lists or shares the page."""
    text = render(campaign.story.partition("\n\n")[0]).striptags() or campaign.headline
    return text if len(text) <= _SUMMARY else text[:_SUMMARY].rpartition(" ")[0] + " …"


def press_again() -> str:
    """What is said when a press seemed to come from another site."""
    return _("Please press the button once more.")


def try_later() -> str:
    """What is said when the database did not take a change."""
    return _("That did not work just now. Please press the button again in a minute.")


def words_of(signature: Signature) -> str:
    """What a signer wrote: words of their own, or else the first part of the letter that they changed."""
    changed = sorted((name, text) for name, text in (signature.changes or {}).items() if name.startswith("part-"))
    return signature.own_words or next((text for _name, text in changed if text), "")


def paragraphs(text: str) -> list[list[str]]:
    """Plain text → paragraphs → lines."""
    return [block.split("\n") for block in text.split("\n\n") if block.strip()]


def kicker(campaign: CampaignFile) -> str:
    """The words of the title before the headline: "Tell Congress" of "Tell Congress – Reunite Families"."""
    before = campaign.title.removesuffix(campaign.headline)
    return before.strip(" –—-:") if before != campaign.title else campaign.title


def anchor(text: str) -> str:
    """A value as part of an HTML id."""
    return "".join(c if c.isalnum() else "-" for c in text)


def without_senators(state: State) -> bool:
    """Whether DC or a territory: nobody sits in the Senate for them."""
    return state in TERRITORIES or state == "DC"


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
