"""Days, times and numbers as the States write them, in the language of the page; the capital's zone is named."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from babel.dates import format_date, format_time
from babel.numbers import format_decimal, format_percent
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from app.web.site import CAPITAL


def moment(value: datetime) -> str:
    """`November 24, 2026, 10:42 AM Eastern`."""
    local = value.astimezone(CAPITAL)
    time = format_time(local, "short", tzinfo=CAPITAL, locale=_here())
    return _("%(day)s, %(time)s Eastern", day=day(local), time=re.sub(r"\s", " ", time))


def day(value: date) -> str:
    """`October 3, 2026`."""
    return _long(value.date() if isinstance(value, datetime) else value, _here())


def day_of(value: datetime) -> str:
    """The same of a moment, as it is in Washington."""
    return day(value.astimezone(CAPITAL))


@lru_cache(maxsize=100)
def _long(value: date, locale: str) -> str:
    """Kept, since a mail that only some people get must take no longer to write than that of all others."""
    return format_date(value, "long", locale=locale)


def day_in(value: date, language: str) -> str:
    """The day in the language of a letter, whatever that of the page is."""
    return format_date(value, "long", locale=f"{language}_US")


def number(value: int) -> str:
    """`12,345`."""
    return format_decimal(value, locale=_here())


def percent(value: int) -> str:
    """`97%`, of whole per cent."""
    return format_percent(value / 100, locale=_here())


def _here() -> str:
    """Spanish too has the commas and the clock of this country."""
    return f"{get_locale() or 'en'}_US"


def span(value: timedelta) -> str:
    """`7 days`, `36 hours`, `90 minutes`: whole days where it can be."""
    minutes = int(value.total_seconds() // 60)
    if minutes % (24 * 60) == 0:
        return ngettext("%(num)s day", "%(num)s days", minutes // (24 * 60))
    if minutes % 60 == 0:
        return ngettext("%(num)s hour", "%(num)s hours", minutes // 60)
    return ngettext("%(num)s minute", "%(num)s minutes", minutes)
