"""What programs leave where a link or a form should hold somebody's name: placeholders, letters encoded too often."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote_to_bytes

from app.web import charsets

_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8}[0-9]{0,2});")
"""Browsers write so what the charset of a form does not have, and many programs what is no letter of ASCII."""
_OCTETS = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_UNICODE = re.compile(r"%u([0-9A-Fa-f]{4})")
"""JavaScript's `escape`, which nothing else reads."""
_TWICE = re.compile("[\xc2-\xf4][\x80-\xff\u0152-\u2122]")
"""How UTF-8 looks that was read as Windows-1252."""

_NO_OCTETS = r"(?!u[0-9A-Fa-f]{4}|[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2}|$))"
_IN = r"[^\n]{1,80}?"
# Wherever they stand in a value: nobody's name, street or address has signs like these around a word.
_ANYWHERE = re.compile(
    "|".join(
        (
            rf"\*\|{_IN}\|\*",  # Mailchimp, Mandrill
            rf"\{{\{{{_IN}\}}\}}",  # Brevo, HubSpot, Klaviyo, and all that speak Handlebars or Liquid
            rf"\{{%{_IN}%\}}",
            rf"<%{_IN}%>",  # templates of Ruby and Lodash
            rf"\[%{_IN}%\]",
            rf"[#$]\{{{_IN}\}}",
            rf"%%{_IN}%%",  # Salesforce
            rf"\[\[{_IN}\]\]",
            rf"<<{_IN}>>",
            r"@@[\w.]{1,80}@@",
            r"##[\w.]{1,80}##",
            r"__[A-Za-z][\w.]{0,80}__",
            r"\{[!$]?[\w.:|][\w.:|!$, -]{0,80}\}",  # Action Network, Salesforce, PHP
            rf"%{_NO_OCTETS}[A-Za-z][\w.:|-]{{0,80}}%",  # ActiveCampaign, Mailgun
            r"\$[A-Za-z]\w{0,80}\$",
        )
    )
)
# As a whole value only: a part of one may be meant.
_ALONE = re.compile(
    r"\[[^\[\]]{1,80}\]|\(\([^()]{1,80}\)\)|-[A-Za-z]\w{1,80}-|~\w{1,80}~|\*\w{1,80}\*|\$[A-Za-z]\w{0,80}"
    rf"|%{_NO_OCTETS}[A-Za-z]\w{{0,80}}|(?:f|l|first|last|middle|full|user|contact|subscriber)[_.]?name|(?:email|zip|postal|street)_(?:address|code)",
    re.IGNORECASE,
)


def unfilled(value: str) -> str:
    """The placeholder in what a link or another site's form holds; empty when there is none."""
    found = _ANYWHERE.search(value) or _ALONE.fullmatch(value)
    return found[0] if found else ""


def is_unfilled(value: str) -> bool:
    """Whether a value is nothing but one or several, as nobody types them."""
    rest = _ANYWHERE.sub("", value)
    return rest != value and not any(map(str.isalnum, rest))


def undecoded(value: str) -> str:
    """What stands for a letter, and would stand in its place in a letter; empty when there is nothing."""
    found = _REFERENCE.search(value) or _UNICODE.search(value) or _OCTETS.search(value)
    return found[0] if found else ""


def unreferenced(text: str) -> str:
    """A text with the letters that stand in it as `&#1048;`."""
    return _REFERENCE.sub(lambda found: unescape(found[0]), text)


def decoded(value: str) -> str:
    """A value of a link or of another site's form that was encoded once more than it is decoded."""
    if unfilled(value):
        return value
    value = _UNICODE.sub(lambda found: chr(int(found[1], 16)), unreferenced(value))
    if _OCTETS.search(value):
        value = charsets.text(unquote_to_bytes(value))
    return _read_once(value) if _TWICE.search(value) else value


def _read_once(value: str) -> str:
    """`JosÃ©` → `José`; what is none of that kind as it is."""
    try:
        octets = b"".join(sign.encode("latin-1" if sign <= "\xff" else "cp1252") for sign in value)
        return octets.decode("utf-8")
    except UnicodeError:
        return value
