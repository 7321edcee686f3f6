"""Words for the people that letters go to, and for the seats that nobody holds."""

from __future__ import annotations

import re

from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from app.addresses import STATES, State
from app.delivery.handoff import SWITCHBOARD
from app.legislators import DivisionId, Legislator, Vacancy
from app.legislators.congresses import ordinal
from app.legislators.geography import is_senate
from app.web.moments import day
from app.web.site import site

# As targeting.py writes them: "Senator Alex Padilla"; "Democrat, California, 12th district".
_TITLE = re.compile(r"(?P<title>Senator|Representative|Delegate|Resident Commissioner) (?P<name>.+)")
_DISTRICT = re.compile(r"(?P<number>[0-9]+)(?:st|nd|rd|th) district")


def named(recipient: str) -> str:
    """Whom a letter is for, in the language of the page; letters themselves greet people in English.

    Without the forms of address that would have to know whether a senator is a man or a woman.
    """
    found = _TITLE.fullmatch(recipient)
    if found is None or _speaks_english():
        return recipient
    if found["title"] == "Senator":
        return _("%(name)s, in the Senate", name=found["name"])
    return _("%(name)s, in the House of Representatives", name=found["name"])


def described(detail: str) -> str:
    """Party, state and district, in the language of the page."""
    return detail if _speaks_english() else ", ".join(_translated(part) for part in detail.split(", "))


def _translated(part: str) -> str:
    district = _DISTRICT.fullmatch(part)
    if district:
        return _("district %(number)s", number=district["number"])
    return party(part) if part != "at large" else _("at large")


def party(name: str) -> str:
    """A party, in the language of the page; one that is none of the usual stays as the tables have it."""
    return {"Democrat": _("Democrat"), "Republican": _("Republican"), "Independent": _("Independent")}.get(name, name)


def _speaks_english() -> bool:
    return str(get_locale() or "en") == "en"


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


def district_name(division: DivisionId) -> str:
    """`Wyoming, at large`, `Wisconsin, 3rd district`, `District of Columbia`."""
    place, _slash, district = division.removeprefix("ocd-division/country:us/").partition("/")
    kind, _colon, code = place.partition(":")
    name = STATES[State(code.upper())]
    if kind != "state":
        return name
    number = district.removeprefix("cd:")
    if number == "at-large":
        return _("%(state)s, at large", state=name)
    if _speaks_english():
        return f"{name}, {ordinal(int(number))} district"
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
    return " · ".join(part for part in (f"{party(holder.party)}, {district}", towns(holder)) if part)


def seat_name(seat: Vacancy) -> str:
    """`Texas, 23rd district`, `Ohio, one of two seats in the Senate`."""
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
