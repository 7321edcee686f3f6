"""Tokens in addresses, and digests that can be counted but not read.

A token is a keyed hash of the form's random nonce and of who signed. So the same submission twice leads to the same
page, a mail can be made again without keeping its token, and the database holds nothing that opens a page.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import unicodedata
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import NewType

from email_validator import EmailNotValidError, validate_email

Token = NewType("Token", str)
"""Opens a page: 32 URL-safe characters (192 bits). Never stored, never logged."""

_WITH_PORT = re.compile(r"\[(.*)\](?::[0-9]+)?|([0-9.]+):[0-9]+")
# Providers that have one mailbox under several domains, and the marks that do not count in its local part.
_ALIASES = {
    **dict.fromkeys(("gmail.com", "googlemail.com"), ("gmail.com", ".")),
    **dict.fromkeys(("proton.me", "protonmail.com", "pm.me"), ("proton.me", "._-")),
    **dict.fromkeys(("icloud.com", "me.com", "mac.com"), ("icloud.com", "")),
}


@dataclass(frozen=True, slots=True)
class Keys:
    """Everything that is derived from the site's secret, each use with a prefix of its own."""

    secret: str = field(repr=False)

    def sent(self, nonce: str, email: str, name: str, seal: str) -> Token:
        """Opens /sent/…: the same for the same form, mailbox, name and letters; only the secret can make it."""
        return self._token("sent", nonce, canonical_email(email), canonical_name(name), seal)

    def mail(self, sent: Token) -> Token:
        """Opens /confirm/… and /receipt/…: only the mail to the signer holds it."""
        return self._token("mail", sent)

    def email(self, email: str) -> bytes:
        """Digest of a mailbox."""
        return self._digest("email", canonical_email(email))

    def address(self, email: str) -> bytes:
        """Digest of an address as it is written: `a+x@…` can be dead while `a@…`, the same mailbox, is not."""
        return self._digest("address", email.casefold())

    def person(self, email: str, name: str) -> bytes:
        """Digest of a person: a household may share a mailbox if the names differ."""
        return self._digest("person", canonical_email(email), canonical_name(name))

    def network(self, address: str) -> bytes | None:
        """Digest of an IPv4 address or of an IPv6 /64; None without one. All that is neither counts as one network."""
        if not address:
            return None
        with_port = _WITH_PORT.fullmatch(address)
        try:
            ip = ipaddress.ip_address(with_port[1] or with_port[2] if with_port else address)
        except ValueError:
            return self._digest("network", "unreadable")
        if isinstance(ip, ipaddress.IPv6Address):
            if ip.ipv4_mapped is not None:
                return self._digest("network", str(ip.ipv4_mapped))
            return self._digest("network", str(ipaddress.ip_network((int(ip), 64), strict=False)))
        return self._digest("network", str(ip))

    def _digest(self, purpose: str, *parts: str) -> bytes:
        text = "\0".join((purpose, *parts))
        return hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).digest()

    def _token(self, purpose: str, *parts: str) -> Token:
        return Token(urlsafe_b64encode(self._digest(purpose, *parts)[:24]).decode("ascii"))


def hashed(token: str) -> bytes:
    """What the database keeps of a token: its SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def wire_email(typed: str) -> str:
    """An address as it is stored: without blanks around it, its domain in ASCII. What is none stays as it was typed."""
    try:
        return validate_email(typed.strip(), check_deliverability=False, allow_smtputf8=False).ascii_email or ""
    except EmailNotValidError:
        return typed.strip()


def canonical_email(email: str) -> str:
    """One spelling for each mailbox: lower case, without `+tag`, and what else large providers overlook."""
    local, _, domain = email.casefold().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in _ALIASES:
        domain, marks = _ALIASES[domain]
        local = "".join(character for character in local if character not in marks) or local
    return f"{local}@{domain}"


def canonical_name(name: str) -> str:
    """One spelling for each name: case, accents' encoding and spaces do not matter."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
