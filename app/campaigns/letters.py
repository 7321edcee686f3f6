"""A letter's merge fields: finding them, showing them, filling them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from app.addresses import PostalAddress
from app.campaigns.targeting import Recipient


class MergeField(StrEnum):
    """What stands between the brackets, exactly; other spellings are text (and refused in a campaign file)."""

    DECISION_MAKER = "Decision Maker"
    NAME = "Your Name"
    ADDRESS = "Your Address"
    CITY_STATE_ZIP = "City, State ZIP"
    EMAIL = "Your Email"

    @property
    def bracket(self) -> str:
        """As it stands in a letter: `[Your Name]`."""
        return f"[{self.value}]"


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


def parts(letter: str) -> tuple[Part, ...]:
    """The letter cut at its merge fields; never an empty text."""
    pieces = _FIELD.split(letter)  # text, name, text, name, …, text
    cut = [
        Part(piece, MergeField(piece)) if position % 2 else Part(piece)
        for position, piece in enumerate(pieces)
        if piece
    ]
    return tuple(cut)


def paragraphs(letter: str) -> tuple[tuple[tuple[Part, ...], ...], ...]:
    """Paragraphs (blank lines part them) of lines of parts, for a page."""
    blocks = groupby(letter.split("\n"), key=lambda line: bool(line.strip()))
    return tuple(tuple(parts(line) for line in lines) for written, lines in blocks if written)


def fill(letter: str, signer: Signer, recipient: Recipient) -> str:
    """The letter as it goes out, without blank lines at its end.

    One pass: brackets that a signer typed into a field are text and are never filled.
    """
    values = {
        MergeField.DECISION_MAKER: recipient.greeting,
        MergeField.NAME: signer.name,
        MergeField.ADDRESS: signer.address.street,
        MergeField.CITY_STATE_ZIP: f"{signer.address.city}, {signer.address.state} {signer.address.zip}",
        MergeField.EMAIL: signer.email,
    }
    lines = [_fill_line(line, values) for line in letter.split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    return "\n".join(lines)


def _fill_line(line: str, values: dict[MergeField, str]) -> str:
    if line.strip() != MergeField.ADDRESS.bracket:
        # Inside a sentence the two lines of a street would tear it apart.
        values = values | {MergeField.ADDRESS: values[MergeField.ADDRESS].replace("\n", ", ")}
    return "".join(part.text if part.field is None else values[part.field] for part in parts(line))
