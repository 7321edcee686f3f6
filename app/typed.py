"""What people type and paste, in one form before anything is judged; and the names of signs that nobody sees.

Every door comes through here: fields of forms, links, arguments of commands, campaign files and contact files. Text
from word processors, telephones and web pages is full of signs that look like others or like nothing: a no-break blank,
a hyphen that does not break, a mark that turns the direction. None of them is anybody's mistake.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

UNSHOWN = "\ufffd"
"""Stands where something was that no page and no letter can hold."""

_BREAK = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")
_BLANK = re.compile("[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]")
# What is not seen and says nothing: soft hyphens, marks of direction and of order, fillers, tags. Those that Arabic,
# Syriac and hieroglyphs write around numbers and groups are seen, and stay; so does the flag of Scotland, made of tags.
_INVISIBLE = re.compile(
    "(\U0001f3f4[\U000e0020-\U000e007e]{1,20}\U000e007f)|"
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\ufffc\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)
_MISREAD = {
    # Windows-1252 that was taken for Latin-1: no text has these control characters.
    **{number: sign for number in range(0x80, 0xA0) if (sign := bytes([number]).decode("cp1252", "ignore"))},
    # Bullets, arrows and dashes of word processors, which only their own fonts have at these places.
    **dict(zip(map(ord, "\uf0b7\uf0a7\uf0d8\uf0fc\uf0e0\uf02d\uf0be"), "•▪➢✓→––", strict=True)),
}
_VARIATION = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
# Behind a plain sign too, but for the pictures of keys, which are made of one.
_VARIES_NOTHING = re.compile(f"(?:(?<=[\\s\\x00-\\x7f\u200c\u200d])|^)[{_VARIATION}]+(?!\u20e3)")
_JOINERS = re.compile("[\u200c\u200d]+")
_ZWJ = "\u200d"
# Arabic to Myanmar, the scripts of India and of the islands beyond, and their later additions.
_JOINABLE = re.compile("[\u0600-\u109f\u1700-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff]")
_SIGN_OF_VOWEL_LOSS = 9
"""The combining class of the viramas."""

_QUOTES = {**dict.fromkeys("‘’‛′‵ʼʹ´`＇", "'"), **dict.fromkeys("“”„‟«»″‶〝〞＂", '"')}
_CURLY = frozenset("‘’‛“”„‟")
_DASHES = frozenset("\u02d7\u2043\u2212\u30fc")
"""Signs that are typed as hyphens, beside those that Unicode calls dashes."""
_LOW_QUOTE = "‚"
"""Looks like a comma, and begins a quotation in German."""
_IN_CODES = str.maketrans({sign: meant for sign, meant in _QUOTES.items() if meant == "'"} | {_LOW_QUOTE: ","})
_NOT_IN_CODES = re.compile(f"[\u200c\u200d{_VARIATION}]")
_LOOK_ALIKE = dict(
    zip(
        "аеорсухіѕјһԁԛԝьАВЕЅІЈКМНОРСТУХԚԜοανρυκιτΑΒΕΖΗΙΚΜΝΟΡΤΥΧıɑℓ‐‚،、؛♯❨❩⁄∕∶",
        "aeopcyxisjhdqwbABESIJKMHOPCTYXQWoavpukitABEZHIKMNOPTYXial-,,,;#()//:",
        strict=True,
    )
)
"""Letters and signs of other scripts that nobody can tell from a Latin one, or that stand for it."""


def line(text: str) -> str:
    """One line: a name, a street. Its own dashes and quotation marks stay."""
    if text.isascii() and text.isprintable() and "  " not in text:  # as nearly all is
        return text.strip()
    return _one_line(_readable(_BREAK.sub(" ", text)))


def prose(text: str) -> str:
    """A text of several lines, without blanks at their ends and around it."""
    return "\n".join(line.rstrip(" ") for line in lines(text).replace("\t", " ").strip(" \n").split("\n"))


def lines(text: str) -> str:
    """A whole file of them, with all that stands at the ends of lines; every break of lines is LF."""
    return _readable(_BREAK.sub("\n", text), tabs=True)


def joined(text: str) -> str:
    """One line of a file that is no prose: breaks of lines that only some programs know are blanks in it."""
    return _readable(_BREAK.sub(" ", text), tabs=True)


def code(text: str) -> str:
    """A ZIP code, a telephone number, an e-mail address, a slug: every sign that has one in its plain ASCII form."""
    text = line(text)
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKC", _NOT_IN_CODES.sub("", text.translate(_IN_CODES)))
    return _one_line("".join(_in_code(sign) for sign in plain))


_MOST_BEFORE = 20


class Stray(NamedTuple):
    """A sign that no page and no letter can hold, and the words that it follows; none where the line begins."""

    sign: str
    after: str
    position: int

    @property
    def described(self) -> str:
        """What it is and where: `the control character U+0007 after “Dear”`."""
        return f"{described(self.sign)} " + (f"after “{self.after}”" if self.after else "at the beginning of the line")


def strays(text: str) -> Iterator[Stray]:
    """Those of a text in one of the forms above: control characters, halves of characters, and what is none."""
    if _is_clear(text):
        return
    for position, sign in enumerate(text):
        if is_stray(sign):
            yield Stray(sign, word_before(text, position), position)


def shown(text: str, instead: str = UNSHOWN) -> str:
    """The text as a page can show it, with another sign where something strays."""
    if _is_clear(text):
        return text
    return "".join(instead if is_stray(sign) else sign for sign in text)


def _is_clear(text: str) -> bool:
    return text.isprintable() and UNSHOWN not in text


def is_stray(sign: str) -> bool:
    """Whether it can stand nowhere, but for the end of a line and tabs."""
    number = ord(sign)
    if number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF or sign == UNSHOWN:
        return True
    return sign not in "\n\t" and unicodedata.category(sign) in {"Cc", "Cs"}


def described(sign: str) -> str:
    """A sign in words, for somebody who may not see it: `“е” (Cyrillic small letter ie, U+0435)`."""
    number, kind = f"U+{ord(sign):04X}", unicodedata.category(sign)
    if sign == "\n":
        return "the end of a line"
    if sign == "\t":
        return "a tab"
    if kind == "Cc":
        return f"the control character {number}"
    if kind == "Cs":
        return f"{number}, half a character"
    if is_stray(sign) and sign != UNSHOWN:
        return f"{number}, which is no character"
    if sign == " ":
        return "a blank"
    if kind == "Co":
        return f"{number}, a sign that only some fonts have"
    name = unicodedata.name(sign, "a sign without a name")
    seen = f"“{sign}” " if sign.isprintable() and not _INVISIBLE.match(sign) else ""
    return f"{seen}({name.capitalize()}, {number})" if seen else f"the invisible sign {number} ({name.capitalize()})"


def meant_by(sign: str) -> str | None:
    """The plain sign that somebody meant who typed this one; None where nobody could say."""
    if sign.isascii():
        return None
    meant = _LOOK_ALIKE.get(sign) or _QUOTES.get(sign) or _in_code(_composed(sign))
    return meant if meant.isascii() and meant.isprintable() else None


def correction(sign: str) -> str:
    """What a sign is that was typed for another, and what to write: `“ is a curly quote (U+201C); write " instead`."""
    meant = meant_by(sign)
    if meant is None:
        return f"{described(sign)} cannot stand here"
    meant = "' or ," if sign == _LOW_QUOTE else meant
    return f"{sign} is {_kind(sign, meant)} (U+{ord(sign):04X}); write {meant} instead"


def _kind(sign: str, meant: str) -> str:
    """What a sign is that was typed for another: `a full-width sign`, `a Cyrillic letter`, `a prime`."""
    name = unicodedata.name(sign, "sign without a name")
    script = name.partition(" ")[0].title()
    if meant == "-":
        kind = "dash"
    elif name.startswith("FULLWIDTH"):
        kind = "full-width sign"
    elif sign in _CURLY:
        kind = "curly quote"
    elif unicodedata.category(sign) == "Nd" and " DIGIT " in name:
        kind = f"{name.partition(' DIGIT ')[0].title()} digit"
    elif " LETTER " in name and sign.isalpha() and unicodedata.normalize("NFKC", sign) == sign:
        kind = f"{script} letter"
    else:
        kind = name.lower()
    return f"{'an' if kind[0] in 'AEIOaeio' else 'a'} {kind}"


def unlike(word: str, meant: str | None = None) -> str:
    """The first sign in a word that is not plain, to be said behind it; empty when all are.

    `meant` is the whole word that was meant, where that is known.
    """
    found = first_unusual(word)
    if found is None:
        return ""
    position, sign = found
    in_place_of = meant[position] if meant is not None and len(meant) == len(word) else meant_by(sign)
    return f", with {described(sign)}" + (f" in the place of {in_place_of}" if in_place_of else "")


def plain_form(text: str) -> str:
    """The text with the plain sign in place of each that looks like one: what a reader sees."""
    return "".join(meant_by(sign) or sign for sign in text)


def first_unusual(text: str) -> tuple[int, str] | None:
    """Position and sign of the first that is no plain one of ASCII: in a code that is what is wrong with it."""
    return next(((place, sign) for place, sign in enumerate(text) if not sign.isascii() or is_stray(sign)), None)


def _readable(text: str, *, tabs: bool = False) -> str:
    """Without marks that carry no meaning, with one blank for all kinds of them; letters and their accents composed."""
    if not text.isascii():
        text = text.translate(_MISREAD)
        text = unicodedata.normalize("NFC", _INVISIBLE.sub(lambda match: match[1] or "", text))
        text = _JOINERS.sub(_if_it_joins, _VARIES_NOTHING.sub("", text))
        text = unicodedata.normalize("NFC", text)  # what stood apart may have come together
    return _BLANK.sub(lambda match: "\t" if tabs and match[0] == "\t" else " ", text)


def _one_line(text: str) -> str:
    return re.sub(" {2,}", " ", text).strip(" ")


def _if_it_joins(joiners: re.Match[str]) -> str:
    """One of them where letters or pictures are joined by it, or kept apart; nothing elsewhere."""
    text, joiner = joiners.string, joiners[0][0]
    before, after = text[max(0, joiners.start() - 1) : joiners.start()], text[joiners.end() : joiners.end() + 1]
    if not before:
        return ""
    if _is_joinable(before):
        ends_a_half_form = joiner == _ZWJ and unicodedata.combining(before) == _SIGN_OF_VOWEL_LOSS
        return joiner if ends_a_half_form or _is_joinable(after) else ""
    return joiner if joiner == _ZWJ and after and _is_picture(before) and _is_picture(after) else ""


def _is_joinable(sign: str) -> bool:
    """A letter, or a mark on one, of a script in which neighbours can be written joined or apart."""
    return _JOINABLE.match(sign) is not None and unicodedata.category(sign)[0] in "LM"


def _is_picture(sign: str) -> bool:
    """An emoji, the colour of its skin, or the mark that shows a sign as one."""
    return sign == "\ufe0f" or (ord(sign) > 0x2000 and unicodedata.category(sign) in {"So", "Sk", "Sm"})


def _composed(sign: str) -> str:
    """Its form in everyday text, if that is one sign too."""
    usual = unicodedata.normalize("NFKC", sign)
    return usual if len(usual) == 1 else sign


def _in_code(sign: str) -> str:
    if sign.isascii():
        return sign
    kind = unicodedata.category(sign)
    if kind == "Nd":
        return str(unicodedata.decimal(sign))
    return "-" if kind == "Pd" or sign in _DASHES else sign


def word_before(text: str, position: int) -> str:
    """The end of the same line before a position, in whole words where they are not too long."""
    before = "".join(sign for sign in text[max(0, position - 60) : position].rpartition("\n")[2] if not is_stray(sign))
    end = before.strip()[-_MOST_BEFORE:]
    return end.partition(" ")[2] or end if len(before.strip()) > _MOST_BEFORE else end


class NotText(Exception):
    """The bytes are no text in UTF-8. `before` is what could be read, `why` says what they seem to be."""

    def __init__(self, before: str, why: str) -> None:
        super().__init__(why)
        self.before = before
        self.why = why


# How files begin that are no text, whatever their name says.
_NO_TEXT = (
    (b"PK\x03\x04", "it is a document of a word processor or a spreadsheet, or another archive"),
    (b"\xd0\xcf\x11\xe0", "it is an old document of a word processor or a spreadsheet"),
    (b"%PDF", "it is a PDF"),
    (b"{\\rtf", "it is a document in Rich Text Format"),
    (b"\x1f\x8b", "it is compressed"),
    (b"\xff\xfe\x00\x00", "it is in UTF-32"),
    (b"\x00\x00\xfe\xff", "it is in UTF-32"),
    (b"\xff\xfe", "it is in UTF-16"),
    (b"\xfe\xff", "it is in UTF-16"),
)


_SURROGATE = re.compile(b"\xed[\xa0-\xbf][\x80-\xbf]")
"""How other programs write half a character, which UTF-8 has no bytes for."""


def decoded(data: bytes) -> str:
    """The text of a file in UTF-8. Raises NotText."""
    for beginning, why in _NO_TEXT:
        if data.startswith(beginning):
            raise NotText("", why)
    sample = data[:2000]
    if sample.count(0) * 3 > len(sample) > 1:  # every other byte of English in UTF-16, with no mark at its beginning
        raise NotText("", "it seems to be in UTF-16")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if half := _SURROGATE.match(data, error.start):
            why = f"here is {described(half[0].decode('utf-8', 'surrogatepass'))}"
            raise NotText(data[: error.start].decode("utf-8"), why) from None
        byte = data[error.start : error.start + 1]
        seen = byte.decode("cp1252", "replace")
        letter = "" if seen == UNSHOWN else f", which is {seen} in Windows-1252 and"
        raise NotText(
            data[: error.start].decode("utf-8"), f"here is the byte {byte.hex().upper()}{letter} no character in UTF-8"
        ) from None
