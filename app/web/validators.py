"""What fields of the form accept, and the words when they do not."""

from __future__ import annotations

import re
import unicodedata
from typing import Protocol

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext
from wtforms import Field, ValidationError

from app.addresses import STATES, parse_zip
from app.campaigns.letters import MergeField
from app.delivery.headers import ENCODED_WORD
from app.delivery.wording import OWN_WORDS_END
from app.web.moments import number

_LINK = re.compile(r"://|www\.", re.IGNORECASE)
_OFFICE_DOMAINS = ("house.gov", "senate.gov")
# Marks that turn the direction of what follows; they could make one name look like another.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSHOWN = "\ufffd"
_BRACKETS = tuple(merge.bracket for merge in MergeField)
_PHONE = re.compile(r"[+(]?[0-9][0-9 ().+/-]{0,30}(?:(?:x|ext\.?) ?[0-9]{1,6})?", re.ASCII | re.IGNORECASE)
PREFIXES = ("Mr.", "Mrs.", "Miss", "Ms.", "Dr.")
"""The titles that the House's interface for constituents' mail takes."""


def tidy(value: object) -> object:
    """Without blanks around it; what no page and no letter can hold becomes the sign that Plain refuses."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.isascii() and text.isprintable():  # as nearly all is
        return text
    return "".join(_UNSHOWN if _cannot_be_shown(character) else character for character in text)


def tidy_prose(value: object) -> object:
    """The same for a text of several lines."""
    if not isinstance(value, str):
        return value
    lines = value.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ").strip().split("\n")
    return "\n".join(str(tidy(f".{line}"))[1:].rstrip() for line in lines)


def _cannot_be_shown(character: str) -> bool:
    """Control characters, separators that some programs take for the end of a line, and code points that are none."""
    code = ord(character)
    none = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return none or character in _TURNING or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}


def _refuse_signs(field: Field, text: str) -> None:
    """Raise ValidationError for what no page can show, and for merge fields: those are a campaign's."""
    if _UNSHOWN in text:
        raise ValidationError(
            gettext(
                "%(field)s: type this again by hand; it contains characters that cannot be shown.",
                field=field.label.text,
            )
        )
    if any(bracket in text for bracket in _BRACKETS):
        raise ValidationError(
            gettext("%(field)s: type your own words in place of the brackets.", field=field.label.text)
        )


class Prose:
    """Accepts text of several lines, up to `longest` characters, that can stand in a letter."""

    def __init__(self, longest: int) -> None:
        self.longest = longest

    def __call__(self, form: object, field: Field) -> None:
        """Raise ValidationError with what to do."""
        text = str(field.data or "")
        if len(text) > self.longest:
            raise ValidationError(
                gettext(
                    "%(field)s: shorten this to %(most)s characters; it has %(length)s.",
                    field=field.label.text,
                    most=number(self.longest),
                    length=number(len(text)),
                )
            )
        _refuse_signs(field, text)


class Plain(Prose):
    """Accepts one line of it, without the characters that offices' forms take for markup."""

    def __call__(self, form: object, field: Field) -> None:
        """Raise ValidationError with what to do."""
        super().__call__(form, field)
        text = str(field.data or "")
        if "<" in text or ">" in text:
            raise ValidationError(gettext("%(field)s: leave out the characters < and >.", field=field.label.text))


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


class ZipCode:
    """Accepts five digits, or ZIP+4."""

    def __call__(self, form: object, field: Field) -> None:
        """Raise ValidationError with what to do."""
        if parse_zip(str(field.data or "")) is None:
            raise ValidationError(gettext("Enter your ZIP code, like 94110."))


class PhoneNumber:
    """Accepts ten to fifteen digits, written as people do, and nothing at all."""

    def __call__(self, form: object, field: Field) -> None:
        """Raise ValidationError with what to do."""
        text = str(field.data or "")
        if text and not (_PHONE.fullmatch(text) and 10 <= sum(map(str.isdigit, text)) <= 15):
            raise ValidationError(gettext("Enter your phone number with its area code, like 202-555-0143."))


class Prefix:
    """Accepts one of the choices, or none."""

    def __call__(self, form: object, field: Field) -> None:
        """Raise ValidationError with what to do."""
        if field.data and field.data not in PREFIXES:
            raise ValidationError(gettext("Choose a title, or none."))


class StateCode:
    """Accepts one of the choices, and says what to do where WTForms says what is wrong."""

    def __call__(self, form: object, field: Field) -> None:
        """Raise ValidationError with what to do."""
        if field.data not in STATES:
            raise ValidationError(gettext("Choose your state."))


class HasMailbox(Protocol):
    """A form that asks for an e-mail address."""

    mailbox: str


class OwnEmail:
    """Accepts an address that mail can reach and that is not an office's own; gives the form its ASCII form."""

    def __call__(self, form: HasMailbox, field: Field) -> None:
        """Raise ValidationError with what to do."""
        try:
            found = validate_email(str(field.data or ""), check_deliverability=False, allow_smtputf8=False)
        except EmailNotValidError as error:
            raise ValidationError(gettext("Enter your e-mail address, like name@example.com.")) from error
        if ENCODED_WORD in str(field.data):  # allowed in addresses, but in a header it would be decoded to anything
            raise ValidationError(gettext("Enter your e-mail address, like name@example.com."))
        domain = found.ascii_domain
        if any(domain == office or domain.endswith(f".{office}") for office in _OFFICE_DOMAINS):
            raise ValidationError(gettext("Enter your own e-mail address, not one of an office."))
        form.mailbox = found.ascii_email or ""
