"""How much of a text is what was suggested: whether a person wrote it or left it as it stood."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_SHINGLE = 3  # words in a row


def likeness(text: str, suggested: str) -> int:
    """Per cent of the words of `text` that stand in a row of three which `suggested` has too, from 0 to 100.

    Case and punctuation do not count; a text of one or two words is looked for as a whole. 100 means that all of it
    is suggested, 0 that nothing is. A text without words is like another one only.
    """
    words, pattern = _words(text), _words(suggested)
    if not words or not pattern:
        return 0 if words or pattern else 100
    length = min(_SHINGLE, len(words), len(pattern))
    known = {tuple(pattern[at : at + length]) for at in range(len(pattern) - length + 1)}
    covered, covered_to = 0, 0
    for at in range(len(words) - length + 1):
        if tuple(words[at : at + length]) in known:
            covered += at + length - max(at, covered_to)
            covered_to = at + length
    if covered in (0, len(words)):
        return 100 if covered else 0
    return min(99, max(1, round(100 * covered / len(words))))


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
