"""A letter's merge fields and open parts: finding them, showing them, filling them.

An open part is what stands between a line `[Edit from here]` and a line `[Edit to here]`: signers may change it. It is
one paragraph or several of its own; the two marks are never shown and never sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import chain, groupby, repeat

from app.addresses import PostalAddress
from app.campaigns.targeting import Recipient
from app.delivery import N_
from app.delivery.wording import whole


class MergeField(StrEnum):
    """What stands between the brackets, exactly; other spellings are text (and refused in a campaign file).

    Pages show them translated.
    """

    DECISION_MAKER = N_("Decision Maker")
    NAME = N_("Your Name")
    ADDRESS = N_("Your Address")
    CITY_STATE_ZIP = N_("City, State ZIP")
    EMAIL = N_("Your Email")

    @property
    def bracket(self) -> str:
        """As it stands in a letter: `[Your Name]`."""
        return f"[{self.value}]"


EDIT_FROM = "[Edit from here]"
"""The line above an open part."""
EDIT_TO = "[Edit to here]"
"""The line below it."""

_GREETING, _STREET = MergeField.DECISION_MAKER.bracket, MergeField.ADDRESS.bracket
_FIELD = re.compile(r"\[(" + "|".join(re.escape(field.value) for field in MergeField) + r")\]")


@dataclass(frozen=True, slots=True)
class Part:
    """A run of plain text (`field` is None), or one merge field (`text` is its name, without brackets)."""

    text: str
    field: MergeField | None = None


@dataclass(frozen=True, slots=True)
class Signer:
    """The person who writes."""

    given_name: str
    family_name: str
    address: PostalAddress
    email: str
    prefix: str = ""
    """`Ms.`, or empty; like the phone it stands in no letter, but offices' forms ask for it."""
    phone: str = ""

    @property
    def name(self) -> str:
        """As it is signed."""
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def asides(self) -> str:
        """What was given beside the letters; tells a corrected form from the same form twice."""
        return f"{self.prefix} {self.phone}"


@lru_cache(maxsize=4096)  # a campaign's lines, which every letter and every page has again
def parts(letter: str) -> tuple[Part, ...]:
    """The letter cut at its merge fields; never an empty text."""
    pieces = _FIELD.split(letter)  # text, name, text, name, …, text
    cut = [
        Part(piece, MergeField(piece)) if position % 2 else Part(piece)
        for position, piece in enumerate(pieces)
        if piece
    ]
    return tuple(cut)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines of parts. `open` tells that signers may change it."""

    lines: tuple[tuple[Part, ...], ...]
    open: bool = False


def paragraphs(letter: str) -> tuple[Paragraph, ...]:
    """The letter for a page; blank lines and marks part its paragraphs."""
    return tuple(
        Paragraph(tuple(parts(line) for line in lines), stretch.open)
        for stretch in _stretches(letter.split("\n"))
        for written, lines in groupby(stretch.lines, key=lambda line: bool(line.strip()))
        if written
    )


def parts_open(letter: str) -> tuple[str, ...]:
    """The suggested texts of the open parts, in their order, without blank lines around."""
    return tuple(trimmed(stretch.lines) for stretch in _stretches(letter.split("\n")) if stretch.open)


@dataclass(frozen=True, slots=True)
class Filled:
    """A letter as it goes out, in two parts: a signer's own words go between them."""

    opening: str
    """All up to and including the salutation; empty when the letter has none that stands alone."""
    body: str
    """The rest, without blank lines around."""

    @property
    def text(self) -> str:
        """The letter without own words."""
        return whole(self.opening, "", self.body)


def fill(letter: str, signer: Signer, recipient: Recipient, edits: Sequence[str | None] = ()) -> Filled:
    """The letter as it goes out to this recipient, without blank lines around.

    `edits[i]` stands in place of open part i: None for the text as suggested, blanks to leave the part out.

    One pass: brackets that a signer typed are text and are never filled, nor taken for marks.
    """
    values = {
        MergeField.DECISION_MAKER: recipient.greeting,
        MergeField.NAME: signer.name,
        MergeField.ADDRESS: signer.address.street,
        MergeField.CITY_STATE_ZIP: f"{signer.address.city}, {signer.address.state} {signer.address.zip}",
        MergeField.EMAIL: signer.email,
    }
    above, below = _cut(letter)
    typed = chain(edits, repeat(None))
    opening = _fill_stretches(above, values, typed)
    return Filled(opening, _fill_stretches(below, values, typed))


def is_mark(line: str) -> bool:
    """Whether an open part begins or ends with this line; blanks around do not count."""
    return line.strip() in (EDIT_FROM, EDIT_TO)


def trimmed(lines: Sequence[str]) -> str:
    """The lines as a text, without the blank ones around."""
    written = [index for index, line in enumerate(lines) if line.strip()]
    return "\n".join(lines[written[0] : written[-1] + 1]) if written else ""


@dataclass(frozen=True, slots=True)
class _Stretch:
    lines: tuple[str, ...]
    open: bool


@lru_cache(maxsize=256)
def _cut(letter: str) -> tuple[tuple[_Stretch, ...], tuple[_Stretch, ...]]:
    """What goes above a signer's own words, and below."""
    lines = letter.split("\n")
    cut = _below_salutation(lines)
    return tuple(_stretches(lines[:cut])), tuple(_stretches(lines[cut:]))


def _stretches(lines: Sequence[str]) -> Iterator[_Stretch]:
    """The lines cut at the marks, which are left out; some stretches are empty."""
    start, is_open = 0, False
    for index, line in enumerate(lines):
        if is_mark(line):
            yield _Stretch(tuple(lines[start:index]), is_open)
            start, is_open = index + 1, line.strip() == EDIT_FROM
    yield _Stretch(tuple(lines[start:]), is_open)


def _below_salutation(lines: Sequence[str]) -> int:
    """Index of the line below the paragraph that greets; 0 when it says more than a greeting, or nobody is greeted."""
    greeting = next((index for index, line in enumerate(lines) if _GREETING in line), None)
    if greeting is None:
        return 0
    below = greeting + 1
    while below < len(lines) and lines[below].strip() and not is_mark(lines[below]):
        below += 1
    return below if lines[below - 1].rstrip().endswith((",", ":")) else 0


def _fill_stretches(
    stretches: Sequence[_Stretch], values: Mapping[MergeField, str], typed: Iterator[str | None]
) -> str:
    """The text with its fields filled; each open part takes the next of `typed`."""
    # Inside a sentence the two lines of a street would tear it apart.
    inside = {**values, MergeField.ADDRESS: values[MergeField.ADDRESS].replace("\n", ", ")}
    texts = []
    for stretch in stretches:
        edit = next(typed) if stretch.open else None
        if edit is None:
            own = [_fill_line(line, values if line.strip() == _STREET else inside) for line in stretch.lines]
        else:
            own = edit.split("\n")
        texts.append(trimmed(own))
    return "\n\n".join(text for text in texts if text)


def _fill_line(line: str, values: Mapping[MergeField, str]) -> str:
    return "".join(part.text if part.field is None else values[part.field] for part in parts(line))
