"""Writes the headers of a mail as the lines that go over the wire, and says which name may stand in one.

Not by the standard library, which folds what is beyond ASCII wrongly: it loses blanks (Python 3.11), or leaves none
between two encoded words (3.13), for which large providers refuse a mail. Here a value either stands as it is, folded
at its blanks, or is encoded from its first sign to its last (RFC 2047): a decoder drops the blanks between encoded
words, and then drops none that anybody has written.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence

from app.mailboxes import ENCODED_WORD

ANONYMOUS = "A constituent"

_WIDTH = 76
"""Of a line. RFC 2047 asks for it where something is encoded, RFC 5322 for 78 elsewhere."""
_WORD = 75
_BARE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
"""What an encoded word may hold as it is, wherever it stands: in a name that is less than in a subject."""
_QUOTED = tuple(chr(octet) if octet in _BARE else "_" if octet == 0x20 else f"={octet:02X}" for octet in range(256))
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")

_LONGEST_NAME = 64
_LETTERS, _HYPHENS = "LMN", "Pd"
"""Categories of Unicode: letters, marks and numbers; what parts syllables."""
_OF_WORDS = frozenset(
    " .&+/#_!"
    "'`\xb4\u2018\u2019\u201b\u2032\uff07\u1fbd\u1fbf"  # apostrophes, and what is typed for one
    "\u055a\u055b\u055c\u055e\u055f\u05f3\u05f4"  # Armenian marks, Hebrew geresh and gershayim
    "\xb7\u2022\u2027\u2219\u22c5\u30fb\uff65\u2212"  # dots as in Gal·la and between Japanese names; minus
    "\u0f0b\u0f0c\u1361"  # between the syllables of Tibetan and the words of Amharic
)
"""Signs that live inside names though they are no letters, marks, numbers or hyphens."""
_JOINERS = frozenset("\u200c\u200d\u180e")
"""They cannot be seen, but change how the letters beside them look: in Persian, Sinhala, Malayalam, Mongolian."""
_DOUBLED_JOINER = re.compile("([\u200c\u200d\u180e])[\u200c\u200d\u180e]+")
_LOUD = re.compile(r"!(?!\w)")
"""An exclamation mark, but for those that begin a syllable: people type one for the click in !Nxau."""
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters that nobody sees."""
_VIRAMA = 9
"""The class of marks that bind the next letter of an Indic script to the one before."""
_BOUND = frozenset("\u0e33\u0eb3\uff9e\uff9f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")
"""Vowels of Thai and Lao, sound marks of Japanese, colours of skin: bound to what stands before, and no marks."""


def text(name: str, value: str) -> bytes:
    """A header for people to read, like Subject. Raises ValueError for two lines, which would be two headers."""
    return _folded(name, _as_it_is(name, value) or _encoded(name, value))


def mailbox(name: str, address: str, shown: str = "") -> bytes:
    """A header with one address, and the name that is `shown` before it. Raises ValueError for no address.

    An address is never broken: one that is longer than a line makes its line longer.
    """
    if not is_address(address):
        raise ValueError("no address that can stand in a header, or one that a header would decode")
    return _folded(name, [*_phrase(name, shown), f"<{address}>"] if shown else [address])


def is_address(text: str) -> bool:
    """Whether a header can hold it as an address."""
    return ENCODED_WORD not in text and _ADDRESS.fullmatch(text) is not None


def message_id(uuid: str, domain: str) -> bytes:
    """The header by which programs know a message; never broken either."""
    return _folded("Message-ID", [f"<{uuid}@{domain}>"])


def _folded(name: str, pieces: Sequence[str]) -> bytes:
    """Lines of pieces with a blank between them. The first stands beside the name, which is never a line of its own."""
    lines = [f"{name}:"]
    for place, piece in enumerate(pieces):
        if place and len(lines[-1]) + 1 + len(piece) > _WIDTH:
            lines.append("")
        lines[-1] += f" {piece}"
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _as_it_is(name: str, value: str) -> list[str]:
    """The words of a value that needs no encoding; none of one that does, be it for a blank that could get lost."""
    if not (value.isascii() and value.isprintable()) or ENCODED_WORD in value:
        return []
    words = value.split(" ")
    fit = _room(name) >= len(words[0]) and all(len(word) < _WIDTH for word in words)
    return words if fit and all(words) else []


def _room(name: str) -> int:
    """Columns on the first line of a header."""
    return _WIDTH - len(f"{name}: ")


def _phrase(name: str, shown: str) -> list[str]:
    """A name before its address: as bare words, between quotation marks if they fit on the line, or encoded."""
    words = _as_it_is(name, shown)
    if words and not all(map(_ATOM.fullmatch, words)):
        quoted = '"' + re.sub(r'(["\\])', r"\\\1", shown) + '"'
        words = [quoted] if len(quoted) <= _room(name) else []
    return words or _encoded(name, shown)


def _encoded(name: str, value: str) -> list[str]:
    """As encoded words, each of which can be read alone: it holds whole characters."""
    if "\r" in value or "\n" in value:
        raise ValueError("a header cannot hold a linefeed or a carriage return")
    kind, write = min((("q", _q), ("b", _b)), key=lambda way: len(way[1](value.encode())))
    around = len(_word(kind, ""))
    most, chunks = min(_WORD, _room(name)) - around, [b""]
    for octets in _unbroken(value, write, most):
        if chunks[-1] and len(write(chunks[-1] + octets)) > most:
            chunks.append(b"")
            most = _WORD - around
        chunks[-1] += octets
    return [_word(kind, write(chunk)) for chunk in chunks if chunk]


def _word(kind: str, inside: str) -> str:
    return f"=?utf-8?{kind}?{inside}?="


def _q(octets: bytes) -> str:
    return "".join(_QUOTED[octet] for octet in octets)


def _b(octets: bytes) -> str:
    return b64encode(octets).decode("ascii")


def _unbroken(value: str, write: Callable[[bytes], str], most: int) -> Iterator[bytes]:
    """The octets of what a reader takes for one sign; of its code points where it is longer than a word."""
    for sign in _signs(value):
        octets = sign.encode()
        if len(write(octets)) <= most:
            yield octets
        else:
            yield from (point.encode() for point in sign)


def _signs(value: str) -> Iterator[str]:
    """What a reader takes for one sign each: a letter with its marks, an emoji of several, a flag."""
    sign = ""
    for point in value:
        if sign and not _goes_on(sign, point):
            yield sign
            sign = ""
        sign += point
    if sign:
        yield sign


def _goes_on(sign: str, point: str) -> bool:
    last = sign[-1]
    is_bound = unicodedata.category(point)[0] == "M" or point in _JOINERS or point in _BOUND
    binds = point != " " and (last in _JOINERS or unicodedata.combining(last) == _VIRAMA)
    is_jamo = "\u1160" <= point <= "\u11ff"
    return is_bound or binds or is_jamo or (_is_half_a_flag(sign) and _is_half_a_flag(point))


def _is_half_a_flag(sign: str) -> bool:
    return len(sign) == 1 and "\U0001f1e6" <= sign <= "\U0001f1ff"


def display_name(name: str, nameless: str = ANONYMOUS) -> str:
    """A name that is safe in From and Reply-To: words of at most 64 characters in all, or `nameless`.

    What stays are letters, marks, numbers and the signs that live inside names. Anything else could be read as an
    address again (`=?utf-8?q?ceo=40bank?=` is one to the standard library), turns what follows, or is not seen.
    """
    kept = _DOUBLED_JOINER.sub(r"\1", "".join(map(_kept, _LOUD.sub(" ", name))))
    words = _cut(" ".join(_without_loose_joiners(kept).split()))
    return words if any(unicodedata.category(sign)[0] in "LN" for sign in words) else nameless


def _kept(sign: str) -> str:
    """The sign; a blank for what parts two words; nothing for what is not seen."""
    category = unicodedata.category(sign)
    if sign in _FILLERS or (category == "Cf" and sign not in _JOINERS):
        return ""
    is_of_words = category[0] in _LETTERS or category == _HYPHENS or sign in _OF_WORDS or sign in _JOINERS
    return sign if is_of_words else " "


def _is_letter(sign: str) -> bool:
    return unicodedata.category(sign)[0] in _LETTERS


def _without_loose_joiners(name: str) -> str:
    """A joiner stays between letters, and behind a mark that it keeps from being shown, as in Malayalam."""
    around = zip(f" {name}", name, f"{name[1:]} ", strict=False)
    return "".join(
        sign
        for before, sign, after in around
        if sign not in _JOINERS
        or (_is_letter(before) and (_is_letter(after) or unicodedata.combining(before) == _VIRAMA))
    )


def _cut(words: str) -> str:
    """At most so many characters, and no letter without its marks, unless a single one has more of them."""
    short = ""
    for sign in _signs(words):
        if len(short) + len(sign) > _LONGEST_NAME:
            return (short or sign[:_LONGEST_NAME]).strip()
        short += sign
    return short
