"""A letter without the signer's street and e-mail address in full: whoever finds the address of a receipt sees less.

What is told from the rest is meant, not only as it was entered: people write "12 main st." in their own words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.addresses import mask_email, mask_street
from app.models import Signature

# Spellings of one word, as the Postal Service lists them (Publication 28, appendices B and C), as far as people use
# them; with those of streets that have a Spanish name.
_ENDINGS = """
    street st str | avenue ave av avenida avda | road rd | drive dr | lane ln | boulevard blvd bulevar | court ct |
    place pl plaza plz | square sq | terrace ter terr | circle cir | highway hwy | parkway pkwy pky | trail trl |
    way wy | alley aly | crossing xing | loop lp | cove cv | turnpike tpke | expressway expy | freeway fwy |
    point pt | ridge rdg | path | pike | bend bnd | hill hl | hills hls | landing lndg | manor mnr
"""
_DIRECTIONS = """
    north n norte | south s sur | east e este | west w oeste |
    northeast ne | northwest nw | southeast se | southwest sw
"""
_OTHERS = """
    saint st | heights hts | mount mt | fort ft | route rte rt | county co | calle c | first 1st | second 2nd |
    third 3rd | fourth 4th | fifth 5th | sixth 6th | seventh 7th | eighth 8th | ninth 9th | tenth 10th |
    1 one | 2 two | 3 three | 4 four | 5 five | 6 six | 7 seven | 8 eight | 9 nine | 10 ten | 11 eleven | 12 twelve
"""
_UNITS = "apartment apt apto apartamento unit suite ste # | room rm | floor fl"
_SHORT = 5
_NUMBERED = r"(?:(?:no|num|numero|number)\.?\s*|#\s*)?"
_AFTER_NUMBER = r"[^\w.!?]{0,4}"
_BETWEEN = r"\.?[^\w.!?]{0,4}"
_WITHIN = "['’‘ʼ-]?"
_AT, _DOT = (
    r"\s*[^\w\s]?\s*(?:@|\bat\b|\barroba\b)\s*[^\w\s]?\s*",
    r"\s*[^\w\s]?\s*(?:\.|\bdot\b|\bpunto\b)\s*[^\w\s]?\s*",
)
_WORD = re.compile(r"#|[^\W_]+")
_BOX = re.compile(r"\b(?:p\W{0,3}o\W{0,3}b(?:ox)?|post office box|apartado(?: postal)?)\b")
_ANY_BOX = (
    rf"(?:(?:p\W{{0,3}}o\W{{0,3}}|post office )?(?:box|(?<=o)b|(?<=o\. )b)|apartado(?: postal)?)\W{{0,3}}{_NUMBERED}"
)


def _groups(spellings: str) -> Mapping[str, str]:
    groups = [group.split() for group in spellings.split("|")]
    return {
        word: "(?:" + "|".join(map(_spelled, sorted(group, key=len, reverse=True))) + ")"
        for group in groups
        for word in group
    }


def _spelled(word: str) -> str:
    """The word, with an apostrophe or a hyphen anywhere in it; an ordinal number also without its letters."""
    ordinal = re.fullmatch(r"([0-9]+)(?:st|nd|rd|th)", word)
    if ordinal:
        return rf"{ordinal[1]}(?:st|nd|rd|th)?"
    return _WITHIN.join(map(re.escape, word))


_ENDING, _DIRECTION, _UNIT = _groups(_ENDINGS), _groups(_DIRECTIONS), _groups(_UNITS)
_OTHER = _groups(_OTHERS)
_SOME_DIRECTION = f"(?:{'|'.join(_DIRECTION)})"


@dataclass(frozen=True, slots=True)
class _Rule:
    """What is masked: where the pattern has a group `bare`, only if a capital stands there."""

    pattern: str
    mask: str


def masked(text: str | None, signature: Signature) -> str:
    """The text with a sign of each masked value in its place; empty for one that was erased."""
    shown = text or ""
    folded, places = _folded(shown)
    parts, done = [], 0
    spans = _found(folded, shown, places, list(_rules(signature)))
    for begin, end, mask in sorted(spans, key=lambda span: (span[0], -span[1])):
        if begin >= done:
            parts += [shown[done:begin], mask]
            done = end
    return "".join([*parts, shown[done:]])


def _found(folded: str, text: str, places: Sequence[int], rules: Sequence[_Rule]) -> Iterator[tuple[int, int, str]]:
    for rule in rules:
        for match in re.finditer(rule.pattern, folded, re.MULTILINE):
            bare = match.groupdict().get("bare")
            if bare is None or not text[places[match.start("bare")]].islower():
                yield places[match.start()], places[match.end()], rule.mask


def _folded(text: str) -> tuple[str, list[int]]:
    """Small letters without accents, and for each of them, and for the end, its place in the text."""
    if text.isascii():
        return text.lower(), list(range(len(text) + 1))
    pairs = list(_letters(text))
    return "".join(letter for letter, _place in pairs), [*(place for _letter, place in pairs), len(text)]


def _letters(text: str) -> Iterator[tuple[str, int]]:
    for place, character in enumerate(text):
        for letter in unicodedata.normalize("NFKD", character).casefold():
            if not unicodedata.combining(letter) and unicodedata.category(letter) != "Cf":
                yield letter, place


def _rules(signature: Signature) -> Iterator[_Rule]:
    if signature.email:
        yield _Rule(_email(signature.email), mask_email(signature.email))
    for line in (signature.address_line1, signature.address_line2):
        for pattern in _patterns(line or ""):
            yield _Rule(pattern, mask_street(line or ""))


def _email(email: str) -> str:
    """Also with words in the place of its signs, with a tag, and its domain in its own letters."""
    local, _at, domain = _folded(email)[0].rpartition("@")
    name = _DOT.join(map(re.escape, local.partition("+")[0].split(".")))
    try:
        own = _folded(domain.encode("ascii").decode("idna"))[0]
    except UnicodeError:
        own = domain
    domains = "|".join(_DOT.join(map(re.escape, one.split("."))) for one in dict.fromkeys((domain, own)))
    return rf"(?<![\w.+-]){name}(?:\+[\w.+-]*)?{_AT}(?:{domains})(?![\w-])"


def _patterns(line: str) -> Iterator[str]:
    """Of a line of an address in its usual spellings, with the apartment apart from the street."""
    folded = _folded(line)[0]
    words = _WORD.findall(re.sub("['’‘ʼ]", "", folded))
    if words == ["#"] * len(words):
        return
    if _BOX.search(folded):
        number = _BETWEEN.join(map(_spelled, _WORD.findall(_BOX.sub(" ", folded))))
        yield rf"(?<!\w){_ANY_BOX}{number}(?!\w)"
        return
    unit = next((place for place, word in enumerate(words) if word in _UNIT), len(words))
    if words[unit + 1 :]:
        value = r"[\s-]?".join(_WITHIN.join(map(re.escape, word)) for word in words[unit + 1 :] if word != "#")
        yield rf"(?:(?<!\w){_UNIT[words[unit]]}\.?[^\w.!?]{{0,2}}|#\s*){_split_at_digits(value)}(?!\w)"
    if len(line) <= _SHORT:  # it may be a word of the letter, and is masked only where it can be nothing else
        yield rf"(?:(?<=[\n,] )|^){re.escape(folded)}$"
    elif words[:unit]:
        yield from _street(words[:unit])


def _split_at_digits(value: str) -> str:
    """The value, with a hyphen or a blank between its number and its letter."""
    return re.sub(r"(?<=[0-9])(?:\[[^]]*\]\?)?(?=[a-z])", r"[-\\s]?", value)


def _street(words: Sequence[str]) -> Iterator[str]:
    """House number and street; in what is shorter the word for a street and the direction may be missing."""
    number, named = (words[0], words[1:]) if words[0][0].isdigit() else (words[-1], words[:-1])
    if not number[0].isdigit() or not named:
        yield rf"(?<!\w){_BETWEEN.join(_any_spelling(word) for word in words)}(?!\w)"
        return
    number = _OTHER.get(number) or _split_at_digits(_spelled(number))
    ending = next((word for word in reversed(named[1:]) if word in _ENDING), "")
    core = [word for word in named if word != ending]
    if any(word not in _DIRECTION for word in core):
        core = [word for word in core if word not in _DIRECTION]
    name = _BETWEEN.join(_any_spelling(word) for word in core)
    around = rf"(?:{_SOME_DIRECTION}{_BETWEEN}(?!\s))?"
    behind = rf"(?:{_BETWEEN}{_SOME_DIRECTION}(?!\w))?"
    ended = rf"{_BETWEEN}{_ENDING[ending]}(?!\w)\.?" if ending else ""
    begin = rf"(?<!\w){number}{_AFTER_NUMBER}{around}"
    yield rf"{begin}{name}(?!\w){ended}{behind}"
    yield rf"(?<!\w){name}(?!\w){ended}{_BETWEEN}{_NUMBERED}{number}(?!\w)"
    if ending and sum(map(len, core)) > 2:
        yield rf"{begin}(?P<bare>{name})(?!\w){behind}"


def _any_spelling(word: str) -> str:
    if word in _ENDING and word in _OTHER:
        return f"(?:{_ENDING[word]}|{_OTHER[word]})"
    return _ENDING.get(word) or _DIRECTION.get(word) or _OTHER.get(word) or _spelled(word)
