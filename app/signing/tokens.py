"""Tokens in addresses, and digests that can be counted but not read.

A token is a keyed hash of the form's random nonce and of who signed. So the same submission twice leads to the same
page, a mail can be made again without keeping its token, and the database holds nothing that opens a page.

Programs that make links of bare addresses leave out signs at their end, so a token is made of letters and digits. Those
of an earlier form ended in "-" or "_" now and then, and are found with and without it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import itertools
import re
import unicodedata
from base64 import b32encode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import NewType

from email_validator import EmailNotValidError, validate_email

from app.signing.limits import WIDER, Network

Token = NewType("Token", str)
"""Opens a page: 32 small letters and digits (160 bits). Never stored, never logged."""

_LENGTH = 32
_MOST_CUT = 2
"""So many signs at its end a token of the earlier form may have lost: of three, one in 30,000 ends so."""
_NO_SIGN = re.compile(r"[^A-Za-z0-9_-]+")

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

    def mail(self, sent_hash: bytes) -> Token:
        """Opens /confirm/… and /receipt/…: only mails to the signer hold it. From the hash of the /sent/… token."""
        return self._token("mail", sent_hash.hex())

    def earlier_mail(self, sent: str) -> Token:
        """The same in the form that tokens had once, for mails that are sent again."""
        return Token(urlsafe_b64encode(self._digest("mail", sent)[:24]).decode("ascii"))

    def email(self, email: str) -> bytes:
        """Digest of a mailbox."""
        return self._digest("email", canonical_email(email))

    def address(self, email: str) -> bytes:
        """Digest of an address as it is written: `a+x@…` can be dead while `a@…`, the same mailbox, is not."""
        return self._digest("address", email.casefold())

    def person(self, email: str, name: str) -> bytes:
        """Digest of a person: a household may share a mailbox if the names differ."""
        return self._digest("person", canonical_email(email), canonical_name(name))

    def network(self, address: str) -> Network:
        """Of an IPv4 address or an IPv6 /64, and of what is around that. All that is neither counts as one network."""
        if not address:
            return Network(None)
        with_port = _WITH_PORT.fullmatch(address)
        try:
            ip = ipaddress.ip_address(with_port[1] or with_port[2] if with_port else address)
        except ValueError:
            return Network(self._digest("network", "unreadable"))
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
            return Network(self._around(ip, 64), {bits: self._around(ip, bits) for bits in WIDER})
        return Network(self._digest("network", str(getattr(ip, "ipv4_mapped", None) or ip)))

    def _around(self, ip: ipaddress.IPv6Address, bits: int) -> bytes:
        return self._digest("network", str(ipaddress.ip_network((int(ip), bits), strict=False)))

    def _digest(self, purpose: str, *parts: str) -> bytes:
        text = "\0".join((purpose, *parts))
        return hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).digest()

    def _token(self, purpose: str, *parts: str) -> Token:
        return Token(b32encode(self._digest(purpose, *parts)[:20]).decode("ascii").lower())


def hashed(token: str) -> bytes:
    """What the database keeps of a token: its SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def spellings(typed: str) -> list[Token]:
    """The tokens that what stands in an address can be: with signs that a mail program cut off, without those that one
    put around or between its parts, in small letters.

    All are looked for at once, by their hashes, so that the time tells nothing.
    """
    signs = _NO_SIGN.sub("", unicodedata.normalize("NFKC", typed))
    bare = re.sub("[-_]", "", signs)  # a program may have put a hyphen where it broke the line
    cut = _LENGTH - len(signs)
    ends = itertools.product("-_", repeat=cut) if 0 < cut <= _MOST_CUT else ()
    found = [signs, signs[:_LENGTH], bare[:_LENGTH].lower(), *(signs + "".join(end) for end in ends)]
    return [Token(token) for token in dict.fromkeys(found)]


def spelled(typed: str, digest: bytes) -> Token:
    """The one of these that has this hash."""
    return next(token for token in spellings(typed) if hashed(token) == digest)


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
