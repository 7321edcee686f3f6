"""What must hold of a campaign file, in sentences that say what to do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from app import typed
from app.campaigns.letters import MergeField

SLUG_LIMIT = 64
LINE_LIMIT = 150
GOAL_LIMIT = 100_000_000
STORY_LIMIT = 20_000
LETTER_LIMIT = 10_000
AT_MOST = 20  # complaints of one kind, where a senseless file could bring thousands

LANGUAGES: tuple[str, ...] = ("en", "es")
"""Codes of the languages in which a campaign can be told."""
LANGUAGE_NAMES = {"en": "English", "es": "Spanish"}

# First parts of addresses that the site has, or may well get; a campaign there could never be reached.
RESERVED_SLUGS = frozenset(
    """
    about account accounts admin api assets campaign campaigns confirm contact contacts desk download edit email embed
    en erase error errors es export favicon feed feedback health healthz help home import index legal legislator
    legislators letter letters login logout look mail mailbox metrics new office offices outbox ping preview privacy
    receipt receipts redress robots search security send sent settings share sign signatures signed signin signout
    signup sitemap static statistics stats status terms thanks unsubscribe webhooks well-known withdraw worker
    """.split()  # noqa: SIM905 — seventy strings in quotes would hide the words
)

# The policy areas of the Library of Congress (https://www.congress.gov/help/field-values/policy-area): the House's
# interface for constituents' mail takes these, and offices' forms ask for one of them or for something like it.
TOPICS = (
    "Agriculture and Food",
    "Animals",
    "Armed Forces and National Security",
    "Arts, Culture, Religion",
    "Civil Rights and Liberties, Minority Issues",
    "Commerce",
    "Congress",
    "Crime and Law Enforcement",
    "Economics and Public Finance",
    "Education",
    "Emergency Management",
    "Energy",
    "Environmental Protection",
    "Families",
    "Finance and Financial Sector",
    "Foreign Trade and International Finance",
    "Government Operations and Politics",
    "Health",
    "Housing and Community Development",
    "Immigration",
    "International Affairs",
    "Labor and Employment",
    "Law",
    "Native Americans",
    "Public Lands and Natural Resources",
    "Science, Technology, Communications",
    "Social Sciences and History",
    "Social Welfare",
    "Sports and Recreation",
    "Taxation",
    "Transportation and Public Works",
    "Water Resources Development",
)

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_UNSEEN_BLANKS = re.compile(r"^[ \t]+|[ \t]*\t[ \t]*| {2,}")
_LOOKS_LIKE_A_HEADING = re.compile(
    r"#*[ \t]*(?:Story|Letter)[ \t]*\([ \t]*\w{1,20}[ \t]*\)[ \t:#]*"
    rf"|#+[ \t]*(?:Story|Letter)\W{{1,5}}(?:{'|'.join(LANGUAGES)})\W{{0,5}}",
    re.IGNORECASE,
)
_OF_HEADINGS = frozenset("# Story Letter ()").union(*LANGUAGES)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong and what to do, at a place in the file; line and column count characters from 1."""

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


class CampaignFileError(Exception):
    """The text is not a campaign file that can be used; `problems` has everything that was found, in its order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Complaint(NamedTuple):
    """What is wrong with a value, and the sign in it that is; empty when it is wrong as a whole."""

    message: str
    sign: str = ""


_MOST_CONTROLS = 1000


def control_problems(text: str, first_line: int = 1) -> list[Problem]:
    """One problem for all control characters: a file in a foreign encoding may hold thousands."""
    found = [stray for stray in islice(typed.strays(text), _MOST_CONTROLS) if is_refused(stray.sign)]
    if not found:
        return []
    others = f", and {len(found) - 1} more" if len(found) > 1 else ""
    line, column = place(text, found[0].position, first_line)
    return [Problem(line, column, f"Remove {found[0].described}{others}.")]


def is_refused(sign: str) -> bool:
    """Whether no campaign can have it: control characters, and halves of characters."""
    return sign not in "\n\t" and unicodedata.category(sign) in {"Cc", "Cs"}


def unreadable_warnings(text: str, first_line: int) -> list[Problem]:
    """Of what was lost in another program, and stands in no other text."""
    return [
        Problem(*place(text, stray.position, first_line), f"There is {stray.described}: is this what you wrote?")
        for stray in islice(typed.strays(text), AT_MOST)
        if not is_refused(stray.sign)
    ]


def place(text: str, position: int, first_line: int) -> tuple[int, int]:
    """Line and column of a position in a text that begins on `first_line` of its file."""
    return first_line + text.count("\n", 0, position), position - text.rfind("\n", 0, position)


def is_slug(text: str) -> bool:
    """Whether a campaign can have this slug, as far as its letters go."""
    return len(text) <= SLUG_LIMIT and _SLUG.fullmatch(text) is not None


def slug_complaint(slug: str) -> Complaint | None:
    """Why this can't be the last part of the campaign's address."""
    if len(slug) > SLUG_LIMIT:
        return Complaint(f"Shorten slug to {SLUG_LIMIT} characters; it has {len(slug):,}.")
    if not is_slug(slug):
        how = "Write slug in small letters a–z and digits, with single hyphens between words, like reunite-families"
        wrong = next((sign for sign in slug if not re.match("[a-z0-9-]", sign)), "")
        if not wrong:
            return Complaint(f"{how}.", "--" if "--" in slug else "")
        why = typed.correction(wrong) if typed.meant_by(wrong) else f"{typed.described(wrong)} cannot stand in it"
        return Complaint(f"{how}: {why}.", wrong)
    if slug in RESERVED_SLUGS:
        return Complaint(f"Choose another slug: the site keeps “{slug}” for itself.")
    return None


def line_complaint(name: str, value: str) -> Complaint | None:
    """What is wrong with a title, headline, subject or the words to share."""
    if not value:
        return Complaint(f"Write the {name} between the quotes.")
    wrong = next((place for place, sign in enumerate(value) if sign in "\n\t" or is_refused(sign)), None)
    if wrong is not None:
        stray = typed.Stray(value[wrong], typed.word_before(value, wrong), wrong)
        return Complaint(f"Write {name} on one line: there is {stray.described}.")
    if len(value) > LINE_LIMIT:
        return Complaint(f"Shorten {name} to {LINE_LIMIT} characters; it has {len(value):,}.")
    for field in MergeField:
        if found := _written(field, value):
            how = f"Write {name} without {found}{typed.unlike(found, field.bracket)}"
            return Complaint(f"{how}: merge fields are filled in the letter only.", found)
    return None


def head_warnings(topic: str) -> list[Problem]:
    """What is odd about the head, but may be meant."""
    if topic:
        return []
    return [Problem(1, 1, 'There is no topic: most offices\' forms ask for one, like topic = "Immigration".')]


def story_problems(story: str, first_line: int) -> list[Problem]:
    """What is wrong with the story; an empty one is right."""
    if len(story) > STORY_LIMIT:
        return [Problem(first_line, 1, f"Shorten the story to {STORY_LIMIT:,} characters; it has {len(story):,}.")]
    return []


def story_warnings(story: str, first_line: int) -> list[Problem]:
    """What is odd about the story, but may be meant."""
    if not story:
        return [Problem(first_line, 1, "The story is empty: the page will show the letter alone.")]
    return [
        Problem(*place(story, story.index(found), first_line), f"{found} is not filled in a story.")
        for field in MergeField
        if (found := _written(field, story))
    ]


def _written(field: MergeField, text: str) -> str:
    """The first place of a text that people read as this merge field, as it stands there; empty when there is none."""
    start = typed.plain_form(text).find(field.bracket)
    return text[start : start + len(field.bracket)] if start >= 0 else ""


def heading_warnings(text: str, first_line: int) -> list[Problem]:
    """A line in a story or letter that may have been meant to begin a translation; it would be a part of the text."""
    for index, line in enumerate(text.split("\n")):
        words = line.strip()
        if _LOOKS_LIKE_A_HEADING.fullmatch(typed.plain_form(words)):
            advice = f"The line “{words}” is text here: a translation begins with a line like “# Story (es)”"
            column, why = unseen_in_heading(words)
            advice += f", and {why}." if why else "."
            return [Problem(first_line + index, line.index(words) + column, advice)]
    return []


def unseen_in_heading(line: str) -> tuple[int, str]:
    """Column and words of what nobody sees in a heading: a sign that is another one, a tab, a blank too much.

    The beginning and no words where all can be seen.
    """
    for column, sign in enumerate(line, start=1):
        if meant := typed.meant_by(sign):
            is_in_marks = meant in _OF_HEADINGS
            return column, typed.correction(sign) if is_in_marks else f"{typed.described(sign)} cannot stand in it"
    blanks = _UNSEEN_BLANKS.search(line)
    if blanks is None:
        return 1, ""
    what = "is a tab" if "\t" in blanks[0] else "is a blank" if len(blanks[0]) == 1 else "are several blanks"
    before = line[: blanks.start()]
    return blanks.start() + 1, f"there {what} " + (f"after “{before}”" if before else "before it")
