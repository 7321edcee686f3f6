"""Whether a word is another one with a slip of the finger in it; nothing is known here of what words mean."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MOST = 60
"""Nobody means a name by a longer word, and comparing takes time."""


def distance(one: str, other: str) -> int:
    """How many letters were forgotten, doubled, taken for another or swapped with their neighbour."""
    before, row = [0] * (len(other) + 1), list(range(len(other) + 1))
    for i, here in enumerate(one, start=1):
        earlier, before, row = before, row, [i]
        for j, there in enumerate(other, start=1):
            steps = [before[j] + 1, row[j - 1] + 1, before[j - 1] + (here != there)]
            if i > 1 and j > 1 and here == other[j - 2] and one[i - 2] == there:
                steps.append(earlier[j - 2] + 1)
            row.append(min(steps))
    return row[-1]


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The one name that was meant: all of it, with or without blanks, or half of its words and no other; but for slips.

    `state-senator` is not `us-senators`: "state" is nothing that stands there.
    """
    typed = _words(word)
    if not typed or len(word) > _MOST:
        return None
    known = {name: _words(name) for name in names}
    whole = {name: distance("".join(typed), "".join(own)) for name, own in known.items() if _is_whole(typed, own)}
    if whole:
        return min(whole, key=lambda name: whole[name])
    parts = [name for name, own in known.items() if _is_part(typed, own)]
    return parts[0] if len(parts) == 1 else None


def is_slip(typed: str, word: str) -> bool:
    """Whether this is the word with a slip in it: one, from four letters on, and two in a long one."""
    most = 0 if len(word) < 4 else 1 if len(word) < 8 else 2
    return abs(len(typed) - len(word)) <= most and distance(typed, word) <= most


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def _is_whole(typed: list[str], own: list[str]) -> bool:
    return is_slip("".join(typed), "".join(own))


def _is_part(typed: list[str], own: list[str]) -> bool:
    return any(
        2 * len(words) >= len(own) and all(any(is_slip(word, each) for each in own) for word in words)
        for words in (typed, ["".join(typed)])  # `E-mail` is one of the words of `Your Email`
    )
