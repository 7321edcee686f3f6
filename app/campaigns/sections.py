"""Where the parts of a campaign file are: its head, its story and letter, and those in other languages.

The first line below the head that is not blank is `# Story`; the story ends at the first line that is `# Letter`. All
that follows is the letter, whatever it holds, up to the first line `# Story (xx)` or `# Letter (xx)` with a known
language code; each such line begins a section, and ends the one before. Blanks after these marks do not count, any
other spelling is text. Blank lines around a section do not belong to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from app import typed
from app.campaigns.checks import AT_MOST, LANGUAGES, CampaignFileError, Problem

FENCE = "+++"
STORY = "# Story"
LETTER = "# Letter"

# Three or so of one sign, as other programs part a head from a text, or as a word processor makes dashes of hyphens.
_LOOKS_LIKE_A_FENCE = re.compile(r"([-+=~*_#`]|[^\w\s\x00-\x7f])(?: ?\1){1,40}\w{0,10}")
_TRANSLATED = re.compile(rf"({STORY}|{LETTER}) \(({'|'.join(LANGUAGES)})\)")


class Text(NamedTuple):
    """A part of a file, and the line on which it begins."""

    text: str
    line: int


class Translated(NamedTuple):
    """The sections in another language; None for one that is not there."""

    line: int
    """Of the first heading."""
    story: Text | None = None
    letter: Text | None = None


class Pieces(NamedTuple):
    """A file cut up; `story` or `letter` is None when its heading is missing."""

    head: Text
    story: Text | None
    letter: Text | None
    translated: Mapping[str, Translated]
    """By language code."""


def heading(mark: str, language: str) -> str:
    """The line above a section in another language: `# Story (es)`."""
    return f"{mark} ({language})"


def is_heading(line: str) -> bool:
    """Whether a section in another language begins with this line."""
    return _TRANSLATED.fullmatch(line.rstrip()) is not None


def cut(source: str, problems: list[Problem]) -> Pieces:
    """The parts of a file; what is wrong with their places goes to `problems`. Raises when there is no head."""
    lines = source.split("\n")
    marks = [line.rstrip() for line in lines]
    first = next((index for index, line in enumerate(marks) if line), 0)
    if marks[first] != FENCE:
        instead = f" Instead of it stands “{marks[first]}”." if _LOOKS_LIKE_A_FENCE.fullmatch(marks[first]) else ""
        message = f"Begin the file with a line +++, the head, and another line +++.{instead}"
        raise CampaignFileError([*problems, Problem(first + 1, 1, message)])
    if FENCE not in marks[first + 1 :]:
        raise CampaignFileError([*problems, _unclosed(marks, first + 1)])
    body = marks.index(FENCE, first + 1) + 1
    start = _find(marks, body, STORY, problems)
    end = _find(marks, body if start is None else start, LETTER, problems)
    stray = next((index for index in range(body, body if start is None else start) if marks[index]), None)
    if stray is not None:
        problems.append(Problem(stray + 1, 1, "Move this text below “# Story”, or remove it."))
    below = len(lines) if end is None else end
    headings = [index for index in range(below, len(lines)) if _TRANSLATED.fullmatch(marks[index])]
    if start is not None and end is not None:
        problems += _too_early(marks, start, end)
    return Pieces(
        head=Text("\n".join(lines[first + 1 : body - 1]), first + 2),
        story=None if start is None else _trim(lines, start + 1, below),
        letter=None if end is None else _trim(lines, end + 1, headings[0] if headings else len(lines)),
        translated=_translated(lines, headings, problems),
    )


def _unclosed(marks: Sequence[str], start: int) -> Problem:
    """The head has no end: at the line that looks most like one, or at the last."""
    for index in range(start, len(marks)):
        if _LOOKS_LIKE_A_FENCE.fullmatch(marks[index]):
            return Problem(index + 1, 1, f"Close the head with a line +++ instead of “{marks[index]}”.")
    return Problem(len(marks), 1, "Close the head with a line +++.")


def _find(marks: Sequence[str], start: int, mark: str, problems: list[Problem]) -> int | None:
    """Index of the line that is `mark`; the story's must come before the letter's."""
    for index in range(start, len(marks)):
        if marks[index] == mark:
            return index
        if mark == STORY and marks[index] == LETTER:
            break
    name = mark.removeprefix("# ")
    similar = re.compile(rf"[\s#*_]*{name}[\s:#*_]*", re.IGNORECASE)
    for index in range(start, len(marks)):
        if marks[index] != mark and similar.fullmatch(typed.plain_form(marks[index])):
            place, sign = typed.first_unusual(marks[index]) or (0, "")
            why = f": {typed.correction(sign)}" if sign else ""
            problems.append(Problem(index + 1, place + 1, f"Write this heading as “{mark}”{why}."))
            return None
    where = "below the head, above “# Letter”; the story may be empty" if mark == STORY else "above the letter"
    problems.append(Problem(min(start + 1, len(marks)), 1, f"Add a line “{mark}” {where}."))
    return None


def _too_early(marks: Sequence[str], start: int, end: int) -> list[Problem]:
    """Sections in another language that stand inside the story."""
    early = [index for index in range(start, end) if _TRANSLATED.fullmatch(marks[index])]
    return [
        Problem(index + 1, 1, f"Move “{marks[index]}” and its text below the letter: translations stand at the end.")
        for index in early[:AT_MOST]
    ]


def _translated(lines: Sequence[str], headings: Sequence[int], problems: list[Problem]) -> dict[str, Translated]:
    """The sections below the letter; one that stands twice or in the wrong order goes to `problems`."""
    found: dict[str, Translated] = {}
    wrong: list[Problem] = []
    for index, end in pairwise([*headings, len(lines)]):
        mark, language = lines[index].rstrip().removesuffix(")").split(" (")
        before = found.get(language, Translated(index + 1))
        text = _trim(lines, index + 1, end)
        if (before.story if mark == STORY else before.letter) is not None:
            wrong.append(Problem(index + 1, 1, f"Remove this heading: there is a “{lines[index].rstrip()}” above."))
        elif mark == STORY and before.letter is not None:
            above = heading(LETTER, language)
            wrong.append(Problem(index + 1, 1, f"Move “{lines[index].rstrip()}” and its text above “{above}”."))
        else:
            found[language] = before._replace(story=text) if mark == STORY else before._replace(letter=text)
    problems += wrong[:AT_MOST]
    return found


def _trim(lines: Sequence[str], start: int, end: int) -> Text:
    """The lines without the blank ones around them."""
    while end > start and not lines[end - 1].strip():
        end -= 1
    while start < end and not lines[start].strip():
        start += 1
    return Text("\n".join(lines[start:end]), min(start + 1, len(lines)))
