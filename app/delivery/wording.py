"""A letter as an office gets it: opening, the signer's own words, the campaign's text."""

from __future__ import annotations

from app.models import Letter

OWN_WORDS_END = "* * *"
"""The line below a signer's own words: what follows was suggested to them."""


def whole(opening: str, own_words: str, body: str) -> str:
    """The text of a letter; a part that is empty leaves no gap, and without own words there is no line below them."""
    mark = OWN_WORDS_END if own_words and body else ""
    return "\n\n".join(part for part in (opening, own_words, mark, body) if part)


def text_of(letter: Letter) -> str:
    """The whole text of a stored letter; empty when it was erased."""
    return whole(letter.opening or "", letter.signature.own_words or "", letter.body or "")
