"""E-mail addresses as people type them: one form of each, what is wrong with one, and which was probably meant."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from email_validator import EmailNotValidError, validate_email

from app.spelling import distance
from app.typed import code, plain_form

ENCODED_WORD = "=?"
"""How a header begins what it wants decoded; in an address it could become line ends and further addresses."""


class Flaw(StrEnum):
    """Why something is no address that mail can be sent to."""

    EMPTY = "empty"
    WEB_ADDRESS = "web address"
    MAILTO = "mailto"
    NAMED = "named"
    """An address between < and >, perhaps with a name before it."""
    SEVERAL = "several"
    NO_AT = "no at"
    TWO_AT = "two at"
    NOTHING_BEFORE = "nothing before"
    NOTHING_AFTER = "nothing after"
    BLANK = "blank"
    TWO_DOTS = "two dots"
    DOT_AT_EDGE = "dot at edge"
    """Where the part before or behind the @ begins or ends."""
    SIGN_AT_END = "sign at end"
    NO_DOT = "no dot"
    COMMA = "comma"
    FOREIGN_SIGN = "foreign sign"
    """Letters like ö before the @, which only few servers could take."""
    LOOKALIKE = "lookalike"
    """A letter of another alphabet behind the @ that looks like one of these, or among these."""
    SIGN = "sign"
    TOO_LONG = "too long"
    DOMAIN = "domain"
    """No mail gets there: it exists for examples and tests, is a machine's number, or is none."""


class NoMailbox(Exception):
    """Mail cannot be sent there.

    `sign` is what is wrong with it: a sign or some; for BLANK the word before it, for DOMAIN the domain. `alone` is the
    address itself where it can be told from the rest.
    """

    def __init__(self, flaw: Flaw, sign: str = "", alone: str = "") -> None:
        super().__init__(flaw.value)
        self.flaw = flaw
        self.sign = sign
        self.alone = alone


def tidy(text: str) -> str:
    """An address as it is kept and shown, before anybody has looked whether it is one."""
    return code(text).replace("。", ".")


def mailbox(text: str) -> str:
    """The address in its ASCII form, as it goes over the wire. Raises NoMailbox."""
    address = tidy(text)
    if len(address) > _MOST or len(address.partition("@")[0]) > _MOST_BEFORE:
        raise NoMailbox(Flaw.TOO_LONG)
    for look in (_look_around, _look_at_the_at, _look_at_dots, _look_at_signs, _look_at_alphabets):
        look(address)
    if ENCODED_WORD in address:
        raise NoMailbox(Flaw.SIGN, ENCODED_WORD)
    try:
        found = validate_email(address, check_deliverability=False, allow_smtputf8=False).ascii_email
    except EmailNotValidError:
        found = None
    if found is None or len(found.rpartition(".")[2]) < 2:  # no top-level domain has one letter
        raise NoMailbox(Flaw.DOMAIN, address.partition("@")[2])
    return found


_MOST, _MOST_BEFORE = 254, 64
"""Characters of an address, and of the part before the @ (RFC 5321, 4.5.3.1)."""
_WEB = re.compile(r"https?:|(?:www\.|[^@]*/)[^@]*$", re.IGNORECASE)
_NAMED = re.compile(r"[^<>]*<([^<>]*)>[^<>]*")
_ONE = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+")
_LABELLED = re.compile(r"(?:[^@]*[:\"'”’)] )?([^\s@,;:<>]+@[^\s@,;<>]+)(?:[,;][^@]*| \([^@]*)?")
"""One address with words that are parted from it by a sign: `Email: jane@example.org`."""
_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]")
_DOMAIN = re.compile(r"[A-Za-z0-9.-]|[^\x00-\x7f]")
_AT_THE_END, _AT_THE_BEGINNING = ".,;:!?)]}>'\"", "([{<'\""


def _look_around(address: str) -> None:
    """What stands around an address when it is copied from elsewhere."""
    if not address:
        raise NoMailbox(Flaw.EMPTY)
    if len(_ONE.findall(address)) > 1:
        raise NoMailbox(Flaw.SEVERAL)
    if address.lower().startswith("mailto:"):
        raise NoMailbox(Flaw.MAILTO, address[:7], address[7:].partition("?")[0].strip())
    named = _NAMED.fullmatch(address)
    if named:
        raise NoMailbox(Flaw.NAMED, "<>", named[1].strip())
    labelled = _LABELLED.fullmatch(address)
    if labelled and " " in address and _is_one(labelled[1]):
        raise NoMailbox(Flaw.NAMED, "", labelled[1])
    if _WEB.match(address):
        raise NoMailbox(Flaw.WEB_ADDRESS)


def _is_one(address: str) -> bool:
    try:
        return bool(mailbox(address))
    except NoMailbox:
        return False


def _look_at_the_at(address: str) -> None:
    count = address.count("@")
    if count != 1:
        raise NoMailbox(Flaw.TWO_AT if count else Flaw.NO_AT, "@" * min(count, 2))
    local, _, domain = address.partition("@")
    if not local.strip() or not domain.strip():
        raise NoMailbox(Flaw.NOTHING_AFTER if local.strip() else Flaw.NOTHING_BEFORE)


def _look_at_dots(address: str) -> None:
    local, _, domain = address.partition("@")
    if ".." in address:
        raise NoMailbox(Flaw.TWO_DOTS, "..")
    if " " in address:
        raise NoMailbox(Flaw.BLANK, address.partition(" ")[0])
    if domain.startswith("["):
        raise NoMailbox(Flaw.DOMAIN, domain)
    if address[-1] in _AT_THE_END:
        alone = address.rstrip(_AT_THE_END).lstrip(_AT_THE_BEGINNING)
        raise NoMailbox(Flaw.SIGN_AT_END, address[-1], mailbox(alone) and alone)
    if "," in domain:
        raise NoMailbox(Flaw.COMMA, ",", address.replace(",", "."))
    if "." in (local[0], local[-1], domain[0], domain[-1]):
        raise NoMailbox(Flaw.DOT_AT_EDGE, ".")
    if "." not in domain:
        ending = _PROVIDERS.get(domain.lower())
        raise NoMailbox(Flaw.NO_DOT, alone=f"{address}.{ending}" if ending else "")


def _look_at_signs(address: str) -> None:
    local, _, domain = address.partition("@")
    wrong = next((sign for sign in local if not _LOCAL.match(sign)), "")
    if wrong:
        raise NoMailbox(Flaw.SIGN if wrong.isascii() else Flaw.FOREIGN_SIGN, wrong)
    wrong = next((sign for sign in domain if not _DOMAIN.match(sign)), "")
    if wrong:
        raise NoMailbox(Flaw.SIGN, wrong)


def _look_at_alphabets(address: str) -> None:
    """Refuse a word of a domain in two alphabets, which nobody can register; `com` in other letters is one, too."""
    local, _, domain = address.partition("@")
    plain, ending = plain_form(domain), domain.rpartition(".")[2]
    for label in domain.split("."):
        foreign = next(filter(_is_of_a_like_alphabet, label), "")
        is_mixed = any(sign.isascii() and sign.isalpha() for sign in label)
        if foreign and (is_mixed or (label == ending and plain_form(label).isascii())):
            raise NoMailbox(Flaw.LOOKALIKE, foreign, f"{local}@{plain}" if plain.isascii() else "")


def _is_of_a_like_alphabet(sign: str) -> bool:
    return not sign.isascii() and unicodedata.name(sign, "").partition(" ")[0] in _LIKE_ALPHABETS


_LIKE_ALPHABETS = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})

_PROVIDERS = {
    name: ending
    for ending, *names in (
        line.split()
        for line in """
        com gmail yahoo hotmail outlook icloud googlemail protonmail rocketmail
        net comcast verizon sbcglobal bellsouth earthlink optonline windstream
        """.strip().splitlines()
    )
    for name in names
}
_NAMES_OF_OTHERS = frozenset(("gail",))
"""Domains of people and firms that differ from a provider's by one letter."""
# No top-level domain is called so (https://data.iana.org/TLD/tlds-alpha-by-domain.txt).
_NO_ENDINGS = {
    slip: ending
    for ending, *slips in (
        line.split()
        for line in """
        com con cmo ocm vom xom cpm cim comm coom copm c0m cpom clm conm comn
        net nte ent ner ney nett netr
        org ogr rog orgg ord orh
        edu eud deu edi eduu
        gov gvo ogv govv
        """.strip().splitlines()
    )
    for slip in slips
}
_OF_THESE_ONLY = ("co", "cm", "om", "cam")
"""Top-level domains that exist; the large providers are not there."""
_KEYS = {
    key: (row, column)
    for row, keys in enumerate(("qwertyuiop", "asdfghjkl", "zxcvbnm"))
    for column, key in enumerate(keys)
}
# From a key to those around it: each row of a keyboard begins half a key further to the right.
_AROUND = frozenset(((0, -1), (0, 1), (-1, 0), (-1, 1), (1, -1), (1, 0)))


def probably_meant(address: str) -> str | None:
    """The address with a slip in its domain mended, where that looks like one; None for all others, however rare.

    Only slips of the finger in the names of the largest providers, and endings that do not exist, are taken for one.
    """
    local, _, domain = address.rpartition("@")
    name, _, ending = domain.lower().rpartition(".")
    meant = _domain_meant(name, _NO_ENDINGS.get(ending, ending))
    return f"{local}@{meant}" if meant and meant != domain.lower() else None


def _domain_meant(name: str, ending: str) -> str | None:
    if not name:
        return None
    for provider, there in _PROVIDERS.items():
        if ending in (there, *_OF_THESE_ONLY) and (name == provider or _is_slip_of(name, provider)):
            return f"{provider}.{there}"
    return f"{name}.{ending}"


def _is_slip_of(typed: str, name: str) -> bool:
    """One letter swapped with its neighbour, forgotten, doubled, or the key beside it; the first is always right."""
    if typed in _NAMES_OF_OTHERS or typed[:1] != name[:1] or distance(typed, name) != 1:
        return False
    if len(typed) == len(name):
        wrong = [(one, other) for one, other in zip(typed, name, strict=True) if one != other]
        return len(wrong) == 2 or _are_beside(*wrong[0])
    if len(typed) < len(name):
        return True
    doubled = (place for place in range(1, len(typed)) if typed[place] == typed[place - 1])
    return any(typed[:place] + typed[place + 1 :] == name for place in doubled)


def _are_beside(key: str, other: str) -> bool:
    if key not in _KEYS or other not in _KEYS:
        return False
    (row, column), (other_row, other_column) = _KEYS[key], _KEYS[other]
    return (row - other_row, column - other_column) in _AROUND
