"""Placeholders of mailing programs that were sent out unfilled, where a link or a form should hold somebody's name."""

from __future__ import annotations

import re

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
            r"%[A-Za-z][\w.:|-]{0,80}%",  # ActiveCampaign, Mailgun
            r"\$[A-Za-z]\w{0,80}\$",
        )
    )
)
# As a whole value only: a part of one may be meant.
_ALONE = re.compile(
    r"\[[^\[\]]{1,80}\]|\(\([^()]{1,80}\)\)|-[A-Za-z]\w{1,80}-|~\w{1,80}~|\*\w{1,80}\*|\$[A-Za-z]\w{0,80}|%[A-Za-z]\w{0,80}"
    r"|(?:f|l|first|last|middle|full|user|contact|subscriber)[_.]?name|(?:email|zip|postal|street)_(?:address|code)",
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
