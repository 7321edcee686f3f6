"""Why a value is refused: what is wrong with it, where, and what to do, in a sentence for its field."""

from __future__ import annotations

import re
import unicodedata

from flask_babel import gettext

from app import mailboxes, phones, typed
from app.mailboxes import NoMailbox
from app.phones import NoPhone
from app.web.moments import number


def stray(label: str, found: typed.Stray) -> str:
    """Of a sign that no page and no letter can hold."""
    what = _named(found.sign)
    if not found.after:
        return gettext("%(field)s: remove %(what)s at the beginning.", field=label, what=what)
    return gettext("%(field)s: remove %(what)s after “%(word)s”.", field=label, what=what, word=found.after)


def _named(sign: str) -> str:
    code = f"U+{ord(sign):04X}"
    if sign == typed.UNSHOWN:
        return gettext("the sign � (something was there that nobody can read)")
    if unicodedata.category(sign) == "Cc":
        return gettext("the invisible control character %(code)s", code=code)
    return gettext("the invisible sign %(code)s, which is no character", code=code)


def zip_code(text: str) -> str:
    """Of what is no ZIP code."""
    how = gettext("Enter your ZIP code, like 94110.")
    if not text:
        return how
    digits = sum(sign.isdigit() for sign in text)
    beyond = re.fullmatch(r"[0-9]{5} ?- ?([0-9]+)", text)
    strange = next((sign for sign in text if not (sign.isdigit() or sign in " -")), "")
    if strange:
        return how + " " + gettext("“%(sign)s” cannot stand in it.", sign=strange)
    if beyond:
        return how + " " + gettext("Behind the hyphen stand four digits, or nothing.")
    if digits in (5, 9):
        return how + " " + gettext("Write its digits side by side.")
    return how + " " + gettext("It has five digits; yours has %(count)s.", count=number(digits))


def phone(error: NoPhone) -> str:
    """Of what is no telephone number."""
    how = gettext("Enter your phone number with its area code, like 202-555-0143.")
    if error.flaw is phones.Flaw.SIGN:
        return how + " " + gettext("“%(sign)s” cannot stand in it.", sign=error.sign)
    if error.flaw is phones.Flaw.TOO_FEW:
        return how + " " + gettext("It has at least ten digits; yours has %(count)s.", count=number(error.digits))
    return how + " " + gettext("Enter one number only: yours has %(count)s digits.", count=number(error.digits))


def email(error: NoMailbox) -> str:
    """Of what is no e-mail address."""
    how = gettext("Enter your e-mail address, like name@example.com.")
    why = _why_no_mailbox(error)
    return f"{how} {why}" if why else how


def _why_no_mailbox(error: NoMailbox) -> str:
    flaw, sign = mailboxes.Flaw, error.sign
    if error.alone and error.flaw in {flaw.MAILTO, flaw.NAMED, flaw.SIGN_AT_END}:
        return gettext("Enter it alone: %(address)s", address=error.alone)
    return {
        flaw.WEB_ADDRESS: lambda: gettext("This is the address of a web page."),
        flaw.MAILTO: lambda: gettext("“%(sign)s” does not belong to it.", sign=sign),
        flaw.NAMED: lambda: gettext("Enter it alone, without < and >."),
        flaw.SEVERAL: lambda: gettext("Enter one address only."),
        flaw.NO_AT: lambda: gettext("The @ is missing."),
        flaw.TWO_AT: lambda: gettext("It has one @; yours has more."),
        flaw.NOTHING_BEFORE: lambda: gettext("Before the @ something is missing."),
        flaw.NOTHING_AFTER: lambda: gettext("Behind the @ something is missing, like example.com."),
        flaw.BLANK: lambda: gettext("There is a blank after “%(word)s”: leave it out.", word=sign),
        flaw.TWO_DOTS: lambda: gettext("There are two dots side by side."),
        flaw.DOT_AT_EDGE: lambda: gettext("No dot can stand at its beginning, at its end, or beside the @."),
        flaw.SIGN_AT_END: lambda: gettext("“%(sign)s” cannot stand in it.", sign=sign),
        flaw.NO_DOT: lambda: gettext(
            "Behind the @ a dot is missing, like the one in %(address)s.", address=error.alone or "example.com"
        ),
        flaw.COMMA: lambda: gettext("It has a comma where a dot belongs: %(address)s", address=error.alone),
        flaw.FOREIGN_SIGN: lambda: gettext(
            "“%(sign)s” (%(code)s) cannot stand before the @: only letters a–z can, digits and a few signs.",
            sign=sign,
            code=f"U+{ord(sign[:1] or ' '):04X}",
        ),
        flaw.LOOKALIKE: lambda: _of_another_alphabet(sign, error.alone),
        flaw.SIGN: lambda: gettext("“%(sign)s” cannot stand in it.", sign=sign),
        flaw.TOO_LONG: lambda: gettext("It is too long to be one."),
        flaw.DOMAIN: lambda: gettext("No mail can get to “%(domain)s”.", domain=sign),
    }.get(error.flaw, str)()


def _of_another_alphabet(sign: str, meant: str) -> str:
    what = gettext(
        "“%(sign)s” (%(code)s) is a letter of another alphabet.", sign=sign, code=f"U+{ord(sign[:1] or ' '):04X}"
    )
    return what + " " + gettext("Did you mean %(address)s?", address=meant) if meant else what
