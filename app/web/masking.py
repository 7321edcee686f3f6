"""A letter without the signer's street and e-mail address in full: whoever finds the address of a receipt sees less.

What is told from the rest is meant, not only as it was entered: people write "12 main st." in their own words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from app.addresses import mask_email, mask_street
from app.models import Signature

# Spellings of one word, as the Postal Service lists them (Publication 28, appendices C1 and C2), as far as people use
# them; with those of streets that have a Spanish name.
_SPELLINGS = """
    street st str saint | avenue ave av avenida avda | road rd | drive dr | lane ln | boulevard blvd bulevar |
    court ct | place pl plaza plz | square sq | terrace ter terr | circle cir | highway hwy |
    parkway pkwy pky | trail trl | way wy | alley aly | crossing xing | heights hts | mount mt | fort ft |
    point pt | ridge rdg | route rte rt | county co | calle c | north n norte | south s sur | east e este |
    west w oeste | northeast ne | northwest nw | southeast se | southwest sw | first 1st | second 2nd |
    third 3rd | fourth 4th | fifth 5th | sixth 6th | seventh 7th | eighth 8th | ninth 9th | tenth 10th
"""
_UNITS = "apartment apt apto apartamento unit suite ste room rm floor fl number no num"
_ENDINGS = (
    "street avenue road drive lane boulevard court place square terrace circle highway parkway trail way alley crossing"
)
_SHORT = 5
_BETWEEN = r"[\W_]{0,4}"


def _groups() -> Mapping[str, str]:
    groups = [group.split() for group in (*_SPELLINGS.split("|"), _UNITS)]
    return {word: "(?:" + "|".join(sorted(group, key=len, reverse=True)) + ")" for group in groups for word in group}


_ANY_OF = _groups()
_UNIT, _ENDING = _ANY_OF["apt"], frozenset(_ANY_OF[word] for word in _ENDINGS.split())
_BOX = re.compile(r"\b(?:p[\W_]{0,3}o[\W_]{0,3}|post office )box\b")
_ANY_BOX = rf"(?:p{_BETWEEN}o{_BETWEEN}|post office )?box"


def masked(text: str | None, signature: Signature) -> str:
    """The text with a sign of each masked value in its place; empty for one that was erased."""
    shown = text or ""
    if signature.email:
        shown = _replaced(shown, _email_pattern(signature.email), mask_email(signature.email))
    for line in (signature.address_line1, signature.address_line2):
        if line:
            shown = _replaced(shown, _line_pattern(line), mask_street(line))
    return shown


def _replaced(text: str, pattern: str, mask: str) -> str:
    """Where the folded text has the pattern the text itself gets the mask."""
    folded, places = _folded(text)
    parts, done = [], 0
    for found in re.finditer(pattern, folded, re.MULTILINE):
        begin, end = places[found.start()], places[found.end()]
        parts += [text[done:begin], mask]
        done = end
    return "".join([*parts, text[done:]])


def _folded(text: str) -> tuple[str, list[int]]:
    """Small letters without accents, and for each of them, and for the end, its place in the text."""
    pairs = list(_letters(text))
    return "".join(letter for letter, _place in pairs), [*(place for _letter, place in pairs), len(text)]


def _letters(text: str) -> Iterator[tuple[str, int]]:
    for place, character in enumerate(text):
        for letter in unicodedata.normalize("NFKD", character).casefold():
            if not unicodedata.combining(letter) and unicodedata.category(letter) != "Cf":
                yield letter, place


def _email_pattern(email: str) -> str:
    """Also with blanks or words in the place of its signs."""
    local, _at, domain = _folded(email)[0].rpartition("@")
    dotted = r"\s*[\[(]?(?:\.|\bdot\b)[\])]?\s*".join(map(re.escape, domain.split(".")))
    return rf"(?<![\w.+-]){re.escape(local)}\s*[\[(]?(?:@|\bat\b)[\])]?\s*{dotted}(?![\w-])"


def _line_pattern(line: str) -> str:
    """A line of an address in any usual spelling. A short one, like "A", may be a word of the letter: it is masked only
    where it can be nothing else.
    """
    folded = _folded(line)[0]
    if _BOX.search(folded):
        words = [_ANY_BOX, *map(re.escape, re.findall(r"[^\W_]+", _BOX.sub(" ", folded)))]
        return _whole(words)
    words = [_ANY_OF.get(word, re.escape(word)) for word in re.findall(r"[^\W_]+", folded)]
    unit = _unit_pattern(folded, words)
    if unit:
        return unit
    if len(line) <= _SHORT or not words:
        return rf"(?:(?<=[\n,] )|^){re.escape(folded)}$"
    if len(words) > 2 and words[-1] in _ENDING:
        return _whole(words[:-1], rf"(?:{_BETWEEN}{words[-1]}(?!\w)\.?)?")
    return _whole(words)


def _unit_pattern(folded: str, words: list[str]) -> str:
    """Of "Apt 4" and "#4"; empty for what is no such thing."""
    values = words[1:] if words and words[0] == _UNIT else words if folded.startswith("#") else []
    if not values:
        return ""
    value = _BETWEEN.join(values)
    return rf"(?<!\w)(?:{_UNIT}{_BETWEEN}|#\s*){value}(?!\w)|(?:(?<=[\n,] )|^){re.escape(folded)}$"


def _whole(words: list[str], ending: str = "") -> str:
    """The words one after the other; "Apt" in the middle of a line may be left out, or be a sign."""
    between = [f"(?:{word}{_BETWEEN})?" if word == _UNIT else word + _BETWEEN for word in words[:-1]]
    return rf"(?<!\w){''.join(between)}{words[-1]}(?!\w){ending}"
