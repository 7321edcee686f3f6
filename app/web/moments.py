"""Days and times in words, in the zone of the capital, which they name."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from babel.dates import format_date, format_time
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from app.web.site import CAPITAL


def moment(value: datetime) -> str:
    """`November 24, 2026, 10:42 AM Eastern`."""
    local = value.astimezone(CAPITAL)
    time = format_time(local, "short", tzinfo=CAPITAL, locale=get_locale()).replace("\u202f", " ")
    return _("%(day)s, %(time)s Eastern", day=day(local), time=time)


def day(value: date) -> str:
    """`October 3, 2026`."""
    return format_date(value, "long", locale=get_locale())


def day_in(value: date, language: str) -> str:
    """The day in the language of a letter, whatever that of the page is."""
    return format_date(value, "long", locale=language)


def span(value: timedelta) -> str:
    """`7 days`, `36 hours`, `90 minutes`: whole days where it can be."""
    minutes = int(value.total_seconds() // 60)
    if minutes % (24 * 60) == 0:
        return ngettext("%(num)s day", "%(num)s days", minutes // (24 * 60))
    if minutes % 60 == 0:
        return ngettext("%(num)s hour", "%(num)s hours", minutes // 60)
    return ngettext("%(num)s minute", "%(num)s minutes", minutes)
