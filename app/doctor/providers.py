"""What is known of large mail providers: whom their SPF record names, and domains that are nobody's own."""

from __future__ import annotations

import ipaddress

from settings.addresses import is_loopback
from settings.mail_server import MailServer

_SPF_OF = {
    "gmail.com": "_spf.google.com",
    "google.com": "_spf.google.com",
    "office365.com": "spf.protection.outlook.com",
    "outlook.com": "spf.protection.outlook.com",
    "amazonaws.com": "amazonses.com",
    "mailgun.org": "mailgun.org",
    "sendgrid.net": "sendgrid.net",
    "mailjet.com": "spf.mailjet.com",
    "postmarkapp.com": "spf.mtasv.net",
    "fastmail.com": "spf.messagingengine.com",
    "messagingengine.com": "spf.messagingengine.com",
}
"""By the domain of their SMTP server; each as it is commonly documented (2026-11)."""

# fmt: off
_OF_EVERYBODY = frozenset({
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com",
    "ymail.com", "aol.com", "icloud.com", "me.com", "mac.com", "proton.me", "protonmail.com", "gmx.com",
    "gmx.net", "gmx.de", "web.de", "mail.com", "zoho.com", "yandex.com", "fastmail.com", "comcast.net",
    "verizon.net", "att.net", "sbcglobal.net", "cox.net",
})

USUAL_SELECTORS = (
    "default", "dkim", "mail", "email", "smtp", "google", "selector1", "selector2", "s1", "s2", "k1", "k2",
    "k3", "mx", "key1", "fm1", "fm2", "fm3", "protonmail", "mailjet", "pm", "zoho", "mandrill",
)
# fmt: on
"""Names under which DKIM keys are often published."""


def is_of_everybody(domain: str) -> bool:
    """Whether people have mailboxes there with strangers: nobody can allow a server to send for it."""
    return domain in _OF_EVERYBODY


def allowed(server: MailServer, public_host: str) -> tuple[str, bool]:
    """Who sends, as SPF writes it, and whether that is known rather than guessed."""
    for domain, included in _SPF_OF.items():
        if server.host == domain or server.host.endswith(f".{domain}"):
            return f"include:{included}", True
    if is_loopback(server.host):
        return f"a:{public_host}", False
    try:
        address = ipaddress.ip_address(server.host)
    except ValueError:
        return f"a:{server.host}", False
    return f"ip{address.version}:{address}", False
