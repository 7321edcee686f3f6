"""Where the parts of a campaign file are: its head, its story and letter, and those in other languages.

The first line below the head that is not blank is `# Story`; the story ends at the first line that is `# Letter`. All
that follows is the letter, whatever it holds, up to the first line `# Story (xx)` or `# Letter (xx)` with a known
language code; each such line begins a section, and ends the one before. Blanks after these marks do not count. A
line that only looks like one of them is refused, any other spelling is text. Blank lines around a section do not belong
to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

from app import typed
from app.campaigns.checks import AT_MOST, LANGUAGES, CampaignFileError, Problem, unseen_in_heading

FENCE = "+++"
STORY = "# Story"
LETTER = "# Letter"

# Three or so of one sign, as other programs part a head from a text, or what a word processor makes of them: a dash.
_LOOKS_LIKE_A_FENCE = re.compile(r"[\"']?(?:([-+=~*_#`]|[^\s\x00-\x7f])(?: ?\1){1,40}\w{0,10}|-)[\"']?")
_MOST_OF_A_HEADING = 40
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
        instead = f" Instead of it stands {_no_fence(marks[first])}." if _looks_like_a_fence(marks[first]) else ""
        message = f"Begin the file with a line +++, the head, and another line +++.{instead}"
        raise CampaignFileError([*problems, Problem(first + 1, 1, message)])
    if FENCE not in marks[first + 1 :]:
        raise CampaignFileError([*problems, _unclosed(marks, first + 1)])
    body = marks.index(FENCE, first + 1) + 1
    problems += islice(_look_alikes(marks, body), AT_MOST)
    marks[body:] = map(_as_read, marks[body:])  # so that one sign is told once
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
        translated=_translated(lines, marks, headings, problems),
    )


def _as_read(line: str) -> str:
    """The mark that people see in a line, whatever signs it is made of; any other line as it is."""
    if len(line) > _MOST_OF_A_HEADING:
        return line
    seen = typed.plain_form(line).replace("\t", " ")
    return seen if seen in (STORY, LETTER) or _TRANSLATED.fullmatch(seen) else line


def _look_alikes(marks: Sequence[str], start: int) -> Iterator[Problem]:
    """Lines that nobody can tell from a mark, and that would be text."""
    for index in range(start, len(marks)):
        mark = _as_read(marks[index])
        if mark != marks[index]:
            yield _not_a_heading(index, marks[index], mark)


def _not_a_heading(index: int, line: str, mark: str) -> Problem:
    """A line that was meant as a mark."""
    column, why = unseen_in_heading(line)
    return Problem(index + 1, column, f"Write this heading as “{mark}”{f': {why}' if why else ''}.")


def _looks_like_a_fence(line: str) -> bool:
    return len(line) <= _MOST_OF_A_HEADING and _LOOKS_LIKE_A_FENCE.fullmatch(typed.plain_form(line)) is not None


def _no_fence(line: str) -> str:
    return f"“{line}”{typed.unlike(line, FENCE)}"


def _unclosed(marks: Sequence[str], start: int) -> Problem:
    """The head has no end: at the line that looks most like one, or at the last."""
    for index in range(start, len(marks)):
        if _looks_like_a_fence(marks[index]):
            return Problem(index + 1, 1, f"Close the head with a line +++ instead of {_no_fence(marks[index])}.")
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
            problems.append(_not_a_heading(index, marks[index], mark))
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


def _translated(
    lines: Sequence[str], marks: Sequence[str], headings: Sequence[int], problems: list[Problem]
) -> dict[str, Translated]:
    """The sections below the letter; one that stands twice or in the wrong order goes to `problems`."""
    found: dict[str, Translated] = {}
    wrong: list[Problem] = []
    for index, end in pairwise([*headings, len(lines)]):
        mark, language = marks[index].removesuffix(")").split(" (")
        before = found.get(language, Translated(index + 1))
        text = _trim(lines, index + 1, end)
        if (before.story if mark == STORY else before.letter) is not None:
            wrong.append(Problem(index + 1, 1, f"Remove this heading: there is a “{marks[index]}” above."))
        elif mark == STORY and before.letter is not None:
            above = heading(LETTER, language)
            wrong.append(Problem(index + 1, 1, f"Move “{marks[index]}” and its text above “{above}”."))
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
