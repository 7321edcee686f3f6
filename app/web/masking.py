"""A letter without the signer's street and e-mail address in full: whoever finds the address of a receipt sees less.

What is told from the rest is meant, not only as it was entered: people write "12 main st." in their own words. So text
and address are brought into one spelling, letters without signs between them, and compared there.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from app.addresses import mask_email, mask_street
from app.models import Signature
from app.signing.tokens import canonical_email

# Spellings of one word, the first for all, as the Postal Service lists them (Publication 28, appendices B and C), as
# far as people use them; with those of streets that have a Spanish name. An underscore stands for any signs.
_KINDS = """
    street st str saint | avenue ave av avenida avda | road rd | drive dr | lane ln | boulevard blvd bulevar |
    calle c | court ct | place pl plaza plz | square sq | terrace ter terr | circle cir | highway hwy |
    parkway pkwy pky | trail trl | way wy | alley aly | crossing xing | loop lp | cove cv | turnpike tpke |
    expressway expy | freeway fwy | point pt | ridge rdg | path | pike | bend bnd | hill hl | hills hls |
    landing lndg | manor mnr
"""
_DIRECTIONS = """
    north n norte | south s sur | east e este | west w oeste |
    northeast ne | northwest nw | southeast se | southwest sw
"""
_OTHERS = """
    heights hts | mount mt | fort ft | route rte rt | county co | rr rural_route | hc highway_contract |
    mlk martin_luther_king dr_martin_luther_king
"""
_UNITS = "apartment apt apto apartamento unit suite ste # | room rm | floor fl"
_BOX = "box po_box p_o_box pob p_o_b post_office_box apartado apartado_postal"
_NUMBERS = """
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen
"""
_ORDINALS = """
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth
    sixteenth seventeenth eighteenth nineteenth
"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
# What may be missing, and may stand between: nothing, what a name is known without, and small words of a sentence, too.
_ASIDE = frozenset(f"{_DIRECTIONS} jr sr junior senior".replace("|", " ").split())
_WITHIN = "on at in is the of de la las los del en no num number numero #"
_SMALL = _ASIDE.union(_WITHIN.split())
_OVERLOOKED = (frozenset[str](), _ASIDE, _SMALL)
_SHORT = 5
_LONG = 5  # a sign that stands for more letters than this is in no address
# Domains under which one provider has the same mailboxes; `canonical_email` knows which belong together.
_PROVIDERS = ("gmail.com", "googlemail.com", "proton.me", "protonmail.com", "pm.me", "icloud.com", "me.com", "mac.com")

_ENCODED = re.compile(
    r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,10});|%[0-7][0-9a-f]|%[c-f][0-9a-f](?:%[89ab][0-9a-f]){1,3}",
    re.IGNORECASE,
)
_AT = r"(?:@|(?<![^\W_])(?:at|arroba)(?![^\W_])|(?<=[(\[{<])a(?=[)\]}>]))"
_APART = r"[^\w@.+-]"
_MAILBOX = re.compile(
    rf"(?P<at>{_AT})|(?P<tag>(?:\+[\w.-]{{1,64}}+){{1,4}}+(?=[\W_]{{0,4}}{_AT}))|"
    rf"(?P<sign>(?<={_APART})(?:dot|punto|dash|hyphen|minus|guion|underscore)(?={_APART}))|(?P<letters>[^\W_]+)"
)
_BEFORE_MAILBOX = re.compile(r"[^\W_][.+_-]?\Z")


def _meanings() -> Mapping[str, str]:
    """The one spelling of each word that has several."""
    tables = "|".join((_KINDS, _DIRECTIONS, _OTHERS, _UNITS, _BOX))
    groups = [group.split() for group in tables.split("|")]
    return {word.replace("_", ""): group[0] for group in groups for word in group} | dict(_numbers())


def _numbers() -> Iterator[tuple[str, str]]:
    """Numbers in words up to ninety-nine: `twentyone` → `21`, `twentyfirst` → `21th`."""
    ones = [*enumerate(_NUMBERS.split(), start=1)]
    places = [*enumerate(_ORDINALS.split(), start=1)]
    yield from ((word, f"{value}") for value, word in ones)
    yield from ((word, f"{value}th") for value, word in places)
    for ten, word in enumerate(_TENS.split(), start=2):
        yield word, f"{ten}0"
        yield f"{word[:-1]}ieth", f"{ten}0th"
        yield from ((word + one, f"{ten}{value}") for value, one in ones[:9])
        yield from ((word + place, f"{ten}{value}th") for value, place in places[:9])


def _phrases() -> Iterator[str]:
    """What is several words, and means one thing."""
    ones = "|".join([*_NUMBERS.split()[:9], *_ORDINALS.split()[:9]])
    yield rf"(?:{'|'.join(_TENS.split())})[\W_]{{1,3}}(?:{ones})"
    for phrase in sorted(f"{_OTHERS} {_BOX}".split(), key=len, reverse=True):
        if "_" in phrase:
            yield phrase.replace("_", r"[\W_]{0,3}")


_MEANINGS = _meanings()
_KIND, _UNIT = ({group.split()[0] for group in table.split("|")} for table in (_KINDS, _UNITS))
_WORD = re.compile(
    rf"(?<![^\W_])(?:{'|'.join(_phrases())})(?![^\W_])|[^\W_]+(?:(?<=[0-9])[,.-][0-9]+(?![^\W_]|/))*|#|"
    r"(?P<stop>[!?]|(?<=[0-9])\.(?=\s))"
)
_FRACTION = "\N{FRACTION SLASH}"
_STOP = " "
_ORDINAL = re.compile(r"(?<=[0-9])(?:st|nd|rd)$")
_NEXT = re.compile(r"[^\w.,;:!?\n]*")
_NTH = re.compile(r"[0-9]+th")
_SIGNS = re.compile(r"[\W_]+")
_LOOSE_END = re.compile(r"(?<=[0-9])(?:th|d)$|(?<=[a-z]{3})s$")


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of what is folded: its letters, what it means, and where it and they stand; or the end of a sentence.

    What it means loosely is without the end of an ordinal number, of a plural and of a possessive.
    """

    said: str
    meaning: str
    loose: str
    begin: int
    end: int
    places: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Text:
    """A text as it is shown; in small letters without accents; and for each of them, and for the end, its place."""

    shown: str
    folded: str
    places: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is masked in a view; with `capital` the place in it where a small letter means something else."""

    letters: str
    capital: int | None = None


@dataclass(frozen=True, slots=True)
class _View:
    """A text in one spelling: its letters, and where each of them begins and ends in what is folded."""

    text: _Text
    letters: list[str] = field(default_factory=list)
    begins: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def add(self, letters: str, begins: Iterable[int], ends: Iterable[int]) -> None:
        self.letters.extend(letters)
        self.begins.extend(begins)
        self.ends.extend(ends)

    def find(self, wanted: _Wanted) -> Iterator[tuple[int, int]]:
        """Where it begins and ends in what is folded."""
        for match in re.finditer(f"(?={re.escape(wanted.letters)})", "".join(self.letters)):
            first, last = match.start(), match.start() + len(wanted.letters) - 1
            if not self._cuts(first, last) and (wanted.capital is None or self._capital(first + wanted.capital)):
                yield self.begins[first], self.ends[last]

    def _cuts(self, first: int, last: int) -> bool:
        """Whether a word begins before, or ends after."""
        begin, end, folded = self.begins[first], self.ends[last], self.text.folded
        within = begin in self.begins[first - 1 : first] or self.begins[last] in self.begins[last + 1 : last + 2]
        return within or folded[begin - 1 : begin].isalnum() or folded[end : end + 1].isalnum()

    def _capital(self, place: int) -> bool:
        return not self.text.shown[self.text.places[self.begins[place]]].islower()


def masked(text: str | None, signature: Signature) -> str:
    """The text with a sign of each masked value in its place; empty for one that was erased."""
    folded = _folded(text or "")
    parts, done = [], 0
    spans = [(folded.places[begin], folded.places[end], mask) for begin, end, mask in _found(folded, signature)]
    for begin, end, mask in sorted(spans, key=lambda span: (span[0], -span[1])):
        if begin >= done:
            parts += [folded.shown[done:begin], mask]
            done = end
    return "".join([*parts, folded.shown[done:]])


def _found(text: _Text, signature: Signature) -> Iterator[tuple[int, int, str]]:
    """Begin and end of all that is masked in what is folded, and its mask."""
    if signature.email:
        for begin, end in _mailboxes(text, signature.email):
            yield begin, end, mask_email(signature.email)
    words = list(_words(text.folded))
    views = [(_view(text, words, overlooked), overlooked) for overlooked in _OVERLOOKED]
    for line in filter(None, (signature.address_line1, signature.address_line2)):
        spans = [
            span for view, overlooked in views for each in _spellings(line, overlooked) for span in view.find(each)
        ]
        for begin, end in (*spans, *_short(text.folded, line)):
            yield begin, end, mask_street(line)


def _folded(text: str) -> _Text:
    if text.isascii() and not _ENCODED.search(text):
        return _Text(text, text.lower(), range(len(text) + 1))
    pairs = list(_letters(text))
    return _Text(text, "".join(letter for letter, _place in pairs), [*(place for _letter, place in pairs), len(text)])


def _letters(text: str) -> Iterator[tuple[str, int]]:
    for character, place in _decoded(text):
        plain = unicodedata.normalize("NFKD", character).casefold()
        if len(plain) > _LONG:
            plain = character
        for letter in f" {plain}" if _FRACTION in plain else plain:
            if not unicodedata.combining(letter) and unicodedata.category(letter) != "Cf":
                yield letter, place


def _decoded(text: str) -> Iterator[tuple[str, int]]:
    """Each character and its place, with those that are written as in HTML or in the address of a page."""
    done = 0
    for match in _ENCODED.finditer(text):
        character = html.unescape(match[0]) if match[0].startswith("&") else unquote(match[0])
        if len(character) == 1:
            yield from zip(text[done : match.start()], range(done, match.start()), strict=True)
            yield character, match.start()
            done = match.end()
    yield from zip(text[done:], range(done, len(text)), strict=True)


def _mailboxes(text: _Text, email: str) -> Iterator[tuple[int, int]]:
    """Also with words for its signs or without them, with a tag, and at the other domains of its provider."""
    view = _mailbox_view(text)
    local, _at, domain = email.rpartition("@")
    same = [one for one in _PROVIDERS if canonical_email(f"{local}@{one}") == canonical_email(email)]
    for one in dict.fromkeys((domain, _own_letters(domain), *same)):
        wanted = "".join(_mailbox_view(_folded(f"{local}@{one}")).letters)
        for begin, end in view.find(_Wanted(wanted)):
            if not _BEFORE_MAILBOX.search(text.folded[max(begin - 2, 0) : begin]):
                yield begin, end


def _own_letters(domain: str) -> str:
    try:
        return domain.encode("ascii").decode("idna")
    except UnicodeError:
        return domain


def _mailbox_view(text: _Text) -> _View:
    """Letters and digits only, and an at sign for what stands for one."""
    view = _View(text)
    for match in _MAILBOX.finditer(text.folded):
        begin, end = match.span()
        if match["letters"]:
            view.add(match["letters"], range(begin, end), range(begin + 1, end + 1))
        elif match["at"] and view.letters[-1:] != ["@"]:
            view.add("@", [begin], [end])
    return view


def _short(folded: str, line: str) -> Iterator[tuple[int, int]]:
    """A short line may be a word of the letter: it is masked where it can be nothing else."""
    if len(line) <= _SHORT and any(map(str.isalnum, line)):
        pattern = rf"(?:(?<=[\n,] )|^){re.escape(_folded(line).folded)}$"
        yield from (match.span() for match in re.finditer(pattern, folded, re.MULTILINE))


def _words(folded: str) -> Iterator[_Word]:
    for match in _WORD.finditer(folded):
        begin, end = match.span()
        said, places = match[0], [*range(begin, end)]
        if len(said) > 1 and not said.isalnum():
            said = _SIGNS.sub("", said)
            places = [place for place in places if folded[place].isalnum()]
        meaning = _STOP if match["stop"] else _ORDINAL.sub("th", _MEANINGS.get(said, said))
        if meaning != said and meaning.isalpha() and folded.startswith(".", end):
            end += 1
        yield _Word(said, meaning, _LOOSE_END.sub("", meaning), begin, end, places)


def _view(text: _Text, words: Sequence[_Word], overlooked: frozenset[str]) -> _View:
    """The words without what is overlooked; a direction and the like belongs to what stands right before it."""
    view = _View(text)
    for word in words:
        if word.said not in overlooked:
            _add(view, word, word.loose if overlooked else word.meaning)
        elif word.said in _ASIDE and view.ends and _NEXT.fullmatch(text.folded, view.ends[-1], word.begin):
            view.ends[-1] = word.end
    return view


def _add(view: _View, word: _Word, spelled: str) -> None:
    """Numbers side by side stay apart; of a word that is spelled as it was said, each letter has its own place."""
    if spelled[0].isdigit() and view.letters and view.letters[-1].isdigit():
        view.add(_STOP, [-1], [-1])
    if word.said.startswith(spelled):
        places = word.places[: len(spelled)]
        view.add(spelled, places, [place + 1 for place in places])
        view.ends[-1] = word.end
    else:
        view.add(spelled, [word.begin] * len(spelled), [word.end] * len(spelled))


def _spellings(line: str, overlooked: frozenset[str]) -> Iterator[_Wanted]:
    """Of a line of an address, with the apartment and the box apart from the street."""
    words = [word for word in _words(_folded(line).folded) if word.meaning != _STOP]
    street, *units = _parts(words)
    for unit, *value in units:
        yield from _unit(unit.meaning, value, overlooked)
    box = next((place for place, word in enumerate(street) if word.meaning == "box"), len(street))
    if number := _joined(street[box + 1 :], overlooked):
        yield _Wanted(f"box{number}")
    if box and len(line) > _SHORT:
        yield from _street(street, overlooked)


def _parts(words: Sequence[_Word]) -> list[list[_Word]]:
    """The street, and each unit with its number behind it: `12 Main Street | Floor 3rd | Apt 4`.

    A number sign behind a street without a number is that of the house.
    """
    parts: list[list[_Word]] = [[]]
    for place, word in enumerate(words):
        if word.said == "#":
            begins = not words[:place] or (len(parts) == 1 and any(map(_is_number, parts[0])))
        else:
            begins = word.meaning in _UNIT
        if begins:
            turned = parts[-1][-1:] if _is_ordinal_of(words[place - 1 : place + 2]) else []
            parts[-1] = parts[-1][: len(parts[-1]) - len(turned)]
            parts.append([word, *turned])
        elif word.said != "#":
            parts[-1].append(word)
    return parts


def _is_ordinal_of(words: Sequence[_Word]) -> bool:
    """Whether the first of these tells which the second is, since the third does not."""
    return len(words) > 1 and bool(_NTH.fullmatch(words[0].meaning)) and (len(words) < 3 or words[2].meaning in _UNIT)


def _unit(unit: str, value: Sequence[_Word], overlooked: frozenset[str]) -> Iterator[_Wanted]:
    """`Floor 3` is the third floor, too."""
    number = _joined(value, overlooked)
    if number.removesuffix("th").isdigit():
        number = number.removesuffix("th")
        yield _Wanted(f"{number}th{unit}")
    if number:
        yield _Wanted(f"{unit}{number}")


def _street(words: Sequence[_Word], overlooked: frozenset[str]) -> Iterator[_Wanted]:
    """House number and street in either order; where that is entered, the word for a street may be missing."""
    first = bool(words) and _is_number(words[0])
    number, named = (words[:1], words[1:]) if first else (words[-1:], words[:-1])
    name = [word for word in named if word.said not in overlooked]
    if not named or not _is_number(number[0]):
        if words and not overlooked:
            yield _Wanted(_joined(words, overlooked))
    elif name:
        yield _Wanted(_joined([*number, *name], overlooked))
        yield _Wanted(_joined([*name, *number], overlooked))
        core = _without_kind(name)
        if len(core) < len(name) and sum(len(word.said) for word in core) > 2 and overlooked != _SMALL:
            short = _joined([*number, *core] if first else [*core, *number], overlooked)
            yield _Wanted(short, len(short) - len(_joined(core, overlooked)) if first else 0)


def _is_number(word: _Word) -> bool:
    return word.meaning[0].isdigit() and not _NTH.fullmatch(word.meaning)


def _without_kind(name: Sequence[_Word]) -> Sequence[_Word]:
    """`Main Street` → `Main`, `Calle Peña` → `Peña`."""
    kinds = [place for place, word in enumerate(name) if word.meaning in _KIND and not (place and word.said == "c")]
    if not kinds or len(name) == 1:
        return name
    return [*name[: kinds[-1]], *name[kinds[-1] + 1 :]]


def _joined(words: Sequence[_Word], overlooked: frozenset[str]) -> str:
    return "".join(_view(_folded(""), words, overlooked).letters)
