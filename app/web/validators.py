"""What fields of the form accept, and the words when they do not.

Filters come first: each brings what was typed into the form in which it is judged, shown, kept and compared.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Protocol

from flask_babel import gettext
from wtforms import Field, ValidationError
from wtforms.validators import StopValidation

from app import mailboxes, phones, typed
from app.addresses import MILITARY, MILITARY_POST_OFFICES, STATES, parse_military, parse_state, parse_zip
from app.campaigns.letters import MergeField
from app.delivery.wording import OWN_WORDS_END
from app.web import refusals
from app.web.moments import number
from app.web.unfilled import is_unfilled, undecoded, unfilled

_LINK = re.compile(r"://|www\.", re.IGNORECASE)
_OFFICE_DOMAINS = ("house.gov", "senate.gov")
_BRACKETS = tuple(merge.bracket for merge in MergeField)
PREFIXES = ("Mr.", "Mrs.", "Miss", "Ms.", "Dr.")
"""The titles that the House's interface for constituents' mail takes."""
_TITLES = {
    **{prefix.rstrip(".").casefold(): prefix for prefix in PREFIXES},
    "sr": "Mr.",
    "sra": "Mrs.",
    "srta": "Miss",
    "dra": "Dr.",
    "doctor": "Dr.",
    "mister": "Mr.",
}


def tidy(value: object) -> object:
    """One line as it is judged; what no page and no letter can hold becomes the sign that Plain refuses."""
    return typed.shown(typed.line(value)) if isinstance(value, str) else value


def tidy_prose(value: object) -> object:
    """The same for a text of several lines."""
    return typed.shown(typed.prose(value)) if isinstance(value, str) else value


def tidy_zip(value: object) -> object:
    """The same for a ZIP code."""
    return (parse_zip(value) or typed.shown(typed.code(value))) if isinstance(value, str) else value


def tidy_state(value: object) -> object:
    """The same for a state: its two letters, however it was told."""
    if not isinstance(value, str):
        return value
    return parse_state(value) or parse_military(value) or typed.shown(typed.code(value)).upper()


def tidy_email(value: object) -> object:
    """The same for an e-mail address."""
    return typed.shown(mailboxes.tidy(value)) if isinstance(value, str) else value


def tidy_prefix(value: object) -> object:
    """The same for a title: `mrs` is `Mrs.`."""
    text = tidy(value)
    return _TITLES.get(text.rstrip(".").casefold(), text) if isinstance(text, str) else text


def tidy_phone(value: object) -> object:
    """The same for a telephone number."""
    return typed.shown(phones.tidy(value)) if isinstance(value, str) else value


class Prose:
    """Accepts text of several lines, up to `longest` characters, that can stand in a letter."""

    def __init__(self, longest: int) -> None:
        self.longest = longest

    def __call__(self, form: object, field: Field) -> None:
        """Raise StopValidation with what to do: nobody looks at the rest of what is too long or strange."""
        text = str(field.data or "")
        if len(text) > self.longest:
            raise StopValidation(
                gettext(
                    "%(field)s: shorten this to %(most)s characters; it has %(length)s.",
                    field=field.label.text,
                    most=number(self.longest),
                    length=number(len(text)),
                )
            )
        if typed.UNSHOWN in text:
            raise StopValidation(_of_stray(field, text))
        if any(bracket in text for bracket in _BRACKETS):  # merge fields are a campaign's
            raise StopValidation(
                gettext("%(field)s: type your own words in place of the brackets.", field=field.label.text)
            )


def _of_stray(field: Field, text: str) -> str:
    """Why it cannot be shown: in the text as it came the sign is still what it was."""
    came = typed.lines(str(field.raw_data[0])) if field.raw_data else ""
    return refusals.stray(field.label.text, next(iter(typed.strays(came)), None) or next(typed.strays(text)))


class Plain(Prose):
    """Accepts one line of it, without the characters that offices' forms take for markup."""

    def __call__(self, form: object, field: Field) -> None:
        """Raise StopValidation with what to do."""
        super().__call__(form, field)
        text = str(field.data or "")
        if is_unfilled(text) or undecoded(text):
            raise StopValidation(
                gettext(
                    "%(field)s: enter this yourself. %(tag)s is a placeholder that a program has left.",
                    field=field.label.text,
                    tag=unfilled(text) or undecoded(text),
                )
            )
        if "<" in text or ">" in text:
            raise StopValidation(gettext("%(field)s: leave out the characters < and >.", field=field.label.text))


class OwnWords:
    """Accepts what leaves the mark at its end to us."""

    def __call__(self, form: object, field: Field) -> None:
        """Raise ValidationError with what to do."""
        if any(line.strip() == OWN_WORDS_END for line in str(field.data or "").split("\n")):
            raise ValidationError(gettext('Leave out the line "* * *": it marks where your own words end.'))


class NameLike:
    """Accepts what can be a person's name."""

    def __call__(self, form: object, field: Field) -> None:
        """Raise ValidationError with what to do."""
        text = str(field.data or "")
        if _LINK.search(text):
            raise ValidationError(gettext("Enter a name without a link."))
        if text[:1] in {"=", "+", "-", "@"}:
            raise ValidationError(gettext("Begin the name with a letter."))
        if not any(unicodedata.category(c)[0] == "L" for c in text):
            raise ValidationError(gettext("Enter your name in letters."))


def is_no_name(text: str) -> bool:
    """Whether nothing stands there but a sign for nothing: many forms want one."""
    return all(unicodedata.category(sign)[0] in "PZ" for sign in text) or text.strip("().").casefold() in {"n/a", "n.a"}


_NONE = frozenset({"none", "(none)", "ninguno", "(ninguno)"})
"""In small letters: people are called None."""


def says_none(text: str) -> bool:
    """Whether it means no name where somebody has said that they have none; it is the name of others."""
    return is_no_name(text) or text.strip("().").casefold() in {"none", "na", "null", "nil", "no", "ninguno", "ninguna"}


class HasNames(Protocol):
    """A form that asks for two names, and whether there is only one."""

    mononym: Field


class FirstName:
    """Accepts a first name, or the only one that somebody has."""

    field_flags = {"required": True}  # noqa: RUF012 — as WTForms has it

    def __call__(self, form: object, field: Field) -> None:
        """Raise StopValidation with what to do."""
        if is_no_name(str(field.data or "")):
            raise StopValidation(gettext("Enter your first name."))


class LastName:
    """Accepts a last name; none from somebody who says that they have only one name."""

    field_flags = {"required": True}  # noqa: RUF012 — as WTForms has it

    def __call__(self, form: HasNames, field: Field) -> None:
        """Raise StopValidation, with what to do unless all is well."""
        text = str(field.data or "")
        if form.mononym.data and says_none(text):
            raise StopValidation
        if form.mononym.data:
            raise StopValidation(
                gettext("Leave your last name empty, or take away the tick at “I have only one name”.")
            )
        if is_no_name(text) or text in _NONE:
            raise StopValidation(
                gettext("Enter your last name. If you have only one name, tick “I have only one name”.")
            )


class ZipCode:
    """Accepts five digits, or ZIP+4."""

    def __call__(self, form: object, field: Field) -> None:
        """Raise ValidationError with what is wrong."""
        text = str(field.data or "")
        if parse_zip(text) is None:
            raise ValidationError(refusals.zip_code(text))


class PhoneNumber:
    """Accepts ten to fifteen digits, written as people do, and nothing at all."""

    def __call__(self, form: object, field: Field) -> None:
        """Raise ValidationError with what is wrong."""
        text = str(field.data or "")
        if not text:
            return
        try:
            phones.check(text)
        except phones.NoPhone as error:
            raise ValidationError(refusals.phone(error)) from error


class Prefix:
    """Accepts one of the choices, or none."""

    def __call__(self, form: object, field: Field) -> None:
        """Raise ValidationError with what to do."""
        if field.data and field.data not in PREFIXES:
            raise ValidationError(gettext("Choose a title, or none."))


class StateCode:
    """Accepts a state with districts, and says what to do where WTForms says what is wrong."""

    def __call__(self, form: object, field: Field) -> None:
        """Raise ValidationError with what to do."""
        if field.data in MILITARY | MILITARY_POST_OFFICES:
            raise ValidationError(
                gettext(
                    "%(state)s is military mail, which has no district. "
                    "Enter the address in the States where you are registered to vote.",
                    state=military_name(str(field.data)),
                )
            )
        if field.data not in STATES:
            raise ValidationError(gettext("Choose your state."))


def military_name(code: str) -> str:
    """What the Postal Service means by AA, AE and AP; others as they are."""
    names = {
        "AA": gettext("Armed Forces Americas (AA)"),
        "AE": gettext("Armed Forces Europe (AE)"),
        "AP": gettext("Armed Forces Pacific (AP)"),
    }
    return names.get(code, code)


class HasMailbox(Protocol):
    """A form that asks for an e-mail address."""

    mailbox: str


class OwnEmail:
    """Accepts an address that mail can reach and that is not an office's own; gives the form its ASCII form."""

    def __call__(self, form: HasMailbox, field: Field) -> None:
        """Raise ValidationError with what is wrong."""
        try:
            found = mailboxes.mailbox(str(field.data or ""))
        except mailboxes.NoMailbox as error:
            raise ValidationError(refusals.email(error)) from error
        domain = found.rpartition("@")[2]
        if any(domain == office or domain.endswith(f".{office}") for office in _OFFICE_DOMAINS):
            raise ValidationError(gettext("Enter your own e-mail address, not one of an office."))
        form.mailbox = found
