"""The campaign file: a TOML head between `+++` lines, then the story and the letter.

The sections are found so: the first line below the head that is not blank is `# Story`; the story ends at the first
line that is `# Letter`; all that follows is the letter, whatever it holds. Blanks after these three marks do not
count, any other spelling is text. Blank lines around story and letter do not belong to them; line ends are LF.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

import tomli_w

from app.campaigns.checks import (
    TOPICS,
    CampaignFileError,
    Problem,
    control_problems,
    forbidden,
    head_warnings,
    letter_problems,
    letter_warnings,
    line_complaint,
    nearest,
    slug_complaint,
    story_problems,
    story_warnings,
)
from app.campaigns.targeting import Target

FILE_LIMIT = 256 * 1024  # bytes

_FENCE = "+++"
_STORY = "# Story"
_LETTER = "# Letter"
_AT_MOST = 20  # complaints of one kind, where a senseless file could bring thousands
_KEYS = ("slug", "title", "headline", "targets", "subject", "topic", "opens", "closes")


@dataclass(frozen=True, slots=True)
class CampaignFile:
    """A campaign as its file tells it."""

    slug: str
    title: str
    headline: str
    targets: tuple[Target, ...]
    subject: str
    story: str
    """Markdown; may be empty."""
    letter: str
    """Plain text with merge fields."""
    topic: str = ""
    """One of TOPICS, or empty: what offices' forms ask a writer to choose."""
    opens: date | None = None
    """First day on which it is open."""
    closes: date | None = None
    """Last day on which it is open."""


class _Text(NamedTuple):
    text: str
    line: int  # of its first line in the file


class _Pieces(NamedTuple):
    head: _Text
    story: _Text | None
    letter: _Text | None


def decode(data: bytes) -> str:
    """The text of an uploaded or read file. Raises CampaignFileError when it is too large or not UTF-8."""
    if len(data) > FILE_LIMIT:
        raise CampaignFileError([Problem(1, 1, f"Shorten the file to {FILE_LIMIT // 1024} kB.")])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise CampaignFileError([Problem(line, column, "Save the file as UTF-8: this character is not.")]) from None


def normalise(source: str) -> str:
    """Without a byte order mark, line ends as LF; what is kept of an imported file."""
    return source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def read(source: str) -> CampaignFile:
    """The campaign in the text of a file. Raises CampaignFileError with every problem found."""
    return _read(source)[0]


def warnings(source: str) -> tuple[Problem, ...]:
    """What is odd in a file that can be used. Raises CampaignFileError as `read` does."""
    file, story, letter = _read(source)
    return tuple(sorted([*head_warnings(file.topic), *story_warnings(*story), *letter_warnings(*letter)]))


def write(file: CampaignFile) -> str:
    """The text from which `read` makes the same file again.

    Raises CampaignFileError for a file with problems, ValueError for one that no text says (a story with a line
    `# Letter`, blank lines around the letter, CR line ends).
    """
    head = {
        "slug": file.slug,
        "title": file.title,
        "headline": file.headline,
        "targets": [target.value for target in file.targets],
        "subject": file.subject,
    }
    topic = {"topic": file.topic} if file.topic else {}
    days = {key: day for key, day in (("opens", file.opens), ("closes", file.closes)) if day is not None}
    story = f"{_STORY}\n\n{file.story}\n\n" if file.story else f"{_STORY}\n\n"
    source = f"{_FENCE}\n{tomli_w.dumps(head | topic | days)}{_FENCE}\n\n{story}{_LETTER}\n\n{file.letter}\n"
    if read(source) != file:
        raise ValueError("no campaign file can hold this story, letter or head as it is")
    return source


def _read(source: str) -> tuple[CampaignFile, _Text, _Text]:
    source = normalise(source)
    problems = control_problems(source)
    if problems:  # blanks in their place let the rest be checked, with every column as it was
        source = "".join(" " if forbidden(character) else character for character in source)
    pieces = _cut(source, problems)
    story, letter = pieces.story or _Text("", 1), pieces.letter or _Text("", 1)
    file = _Head(pieces.head, problems).campaign(story.text, letter.text)
    if pieces.story is not None:
        problems += story_problems(*story)
    if pieces.letter is not None:
        problems += letter_problems(*letter)
    if problems:
        raise CampaignFileError(problems)
    return file, story, letter


def _cut(source: str, problems: list[Problem]) -> _Pieces:
    """Head, story and letter; a section is None when its mark is missing. Raises when there is no head."""
    lines = source.split("\n")
    marks = [line.rstrip() for line in lines]
    first = next((index for index, line in enumerate(marks) if line), 0)
    if marks[first] != _FENCE:
        problem = Problem(first + 1, 1, "Begin the file with a line +++, the head, and another line +++.")
        raise CampaignFileError([*problems, problem])
    if _FENCE not in marks[first + 1 :]:
        raise CampaignFileError([*problems, Problem(len(lines), 1, "Close the head with a line +++.")])
    body = marks.index(_FENCE, first + 1) + 1
    start = _find(marks, body, _STORY, problems)
    end = _find(marks, body if start is None else start, _LETTER, problems)
    stray = next((index for index in range(body, body if start is None else start) if marks[index]), None)
    if stray is not None:
        problems.append(Problem(stray + 1, 1, "Move this text below “# Story”, or remove it."))
    return _Pieces(
        head=_Text("\n".join(lines[first + 1 : body - 1]), first + 2),
        story=None if start is None else _trim(lines, start + 1, len(lines) if end is None else end),
        letter=None if end is None else _trim(lines, end + 1, len(lines)),
    )


def _find(marks: Sequence[str], start: int, mark: str, problems: list[Problem]) -> int | None:
    """Index of the line that is `mark`; the story's must come before the letter's."""
    for index in range(start, len(marks)):
        if marks[index] == mark:
            return index
        if mark == _STORY and marks[index] == _LETTER:
            break
    name = mark.removeprefix("# ")
    similar = re.compile(rf"\s*#*\s*{name}\s*:?\s*#*", re.IGNORECASE)
    for index in range(start, len(marks)):
        if marks[index] != mark and similar.fullmatch(marks[index]):
            problems.append(Problem(index + 1, 1, f"Write this heading as “{mark}”."))
            return None
    where = "below the head, above “# Letter”; the story may be empty" if mark == _STORY else "above the letter"
    problems.append(Problem(min(start + 1, len(marks)), 1, f"Add a line “{mark}” {where}."))
    return None


def _trim(lines: Sequence[str], start: int, end: int) -> _Text:
    """The lines without the blank ones around them."""
    while end > start and not lines[end - 1].strip():
        end -= 1
    while start < end and not lines[start].strip():
        start += 1
    return _Text("\n".join(lines[start:end]), min(start + 1, len(lines)))


class _Head:
    """The TOML head while it is read; problems go to the list that is passed in."""

    def __init__(self, head: _Text, problems: list[Problem]) -> None:
        self._lines = head.text.split("\n")
        self._first_line = head.line
        self._problems = problems
        self._legible = True
        self._values = self._parse(head.text)

    def campaign(self, story: str, letter: str) -> CampaignFile:
        """The campaign with this head; whatever had a problem is empty in it."""
        for key in sorted(self._values.keys() - set(_KEYS))[:_AT_MOST]:
            meant = nearest(key, _KEYS)
            hint = f"write {meant}" if meant else f"the keys are {', '.join(_KEYS)}"
            self._complain(key, f"There is no key {key[:80]}; {hint}.")
        file = CampaignFile(
            slug=self._text("slug", slug_complaint),
            title=self._text("title", lambda value: line_complaint("title", value)),
            headline=self._text("headline", lambda value: line_complaint("headline", value)),
            targets=self._targets(),
            subject=self._text("subject", lambda value: line_complaint("subject", value)),
            story=story,
            letter=letter,
            topic=self._topic(),
            opens=self._day("opens"),
            closes=self._day("closes"),
        )
        if file.opens and file.closes and file.closes < file.opens:
            self._complain("closes", "Set closes to the day of opens or to a later one.")
        return file

    def _parse(self, text: str) -> dict[str, object]:
        try:
            return tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError; huge numbers raise that itself
            self._legible = False
            words = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "a value is too large or too deep"
            match = re.search(r" \(at line (\d+), column (\d+)\)$", words)
            line, column = (int(match[1]), int(match[2])) if match else (len(self._lines), 1)
            reason = re.sub(r" \(at [^()]*\)$", "", words)
            message = f'Write the head as TOML, like title = "Reunite Families" ({reason}).'
            self._problems.append(Problem(self._first_line + line - 1, column, message))
            return {}

    def _complain(self, key: str, message: str) -> None:
        """Report a problem at the line of the key, or at the top of the head when it has none."""
        start = re.compile(rf"\[{{0,2}}[\"']?{re.escape(key)}[\"']?[ \t]*[\].=]")
        for index, line in enumerate(self._lines):
            if start.match(line.lstrip()):
                column = len(line) - len(line.lstrip()) + 1
                self._problems.append(Problem(self._first_line + index, column, message))
                return
        self._problems.append(Problem(self._first_line, 1, message))

    def _value(self, key: str, example: str) -> object:
        """The value of a key that must be there; None after a complaint."""
        if key not in self._values and self._legible:
            self._complain(key, f"Add a line like {key} = {example}.")
        return self._values.get(key)

    def _text(self, key: str, complaint: Callable[[str], str | None]) -> str:
        value = self._value(key, '"…"')
        if value is None:
            return ""
        if not isinstance(value, str):
            self._complain(key, f"Write the {key} between quotes.")
            return ""
        value = value.strip()
        if message := complaint(value):
            self._complain(key, message)
        return value

    def _targets(self) -> tuple[Target, ...]:
        names = self._value("targets", '["us-senators", "us-representative"]')
        if names is None:
            return ()
        if not isinstance(names, list) or not names:
            self._complain("targets", 'Name at least one target, like targets = ["us-senators", "us-representative"].')
            return ()
        known = {target.value: target for target in Target}
        for name in names[:_AT_MOST]:
            if name not in known.values():
                meant = nearest(str(name), known)
                hint = f"write {meant}" if meant else f"the targets are {' and '.join(known)}"
                self._complain("targets", f"There is no target {str(name)[:80]!r}; {hint}.")
        targets = tuple(known[name] for name in names if name in known.values())
        if len(set(targets)) < len(targets):
            self._complain("targets", "Name each target once.")
        return targets

    def _topic(self) -> str:
        value = self._values.get("topic")
        if value is None:
            return ""
        meant = nearest(str(value), TOPICS)
        if value not in TOPICS:
            hint = f"write {meant}" if meant else f"the topics are {'; '.join(TOPICS)}"
            self._complain("topic", f"There is no topic {str(value)[:80]!r}; {hint}.")
        return str(value)

    def _day(self, key: str) -> date | None:
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, datetime) or not isinstance(value, date):
            self._complain(key, f"Write the day without quotes and without a time, like {key} = 2030-03-02.")
            return None
        return value
