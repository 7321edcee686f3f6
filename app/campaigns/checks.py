"""What must hold of a campaign file, in sentences that say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

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
_LOOKS_LIKE_A_HEADING = re.compile(r"#*[ \t]*(?:Story|Letter)[ \t]*\([ \t]*\w{1,20}[ \t]*\)[ \t:#]*", re.IGNORECASE)


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


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    by_key = {name.casefold(): name for name in names}
    close = get_close_matches(" ".join(word.casefold().split()), by_key, n=1)
    return by_key[close[0]] if close else None


FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, halves of pairs, and the two separators that some programs take for the end of a line."""


def control_problems(text: str, first_line: int = 1) -> list[Problem]:
    """One problem for all control characters: a file in a foreign encoding may hold thousands."""
    positions = [found.start() for found in FORBIDDEN.finditer(text)]
    if not positions:
        return []
    first = positions[0]
    others = f" and {len(positions) - 1} more" if len(positions) > 1 else ""
    line, column = place(text, first, first_line)
    return [
        Problem(line, column, f"Remove the control character U+{ord(text[first]):04X}{others}; save the file as UTF-8.")
    ]


def place(text: str, position: int, first_line: int) -> tuple[int, int]:
    """Line and column of a position in a text that begins on `first_line` of its file."""
    return first_line + text.count("\n", 0, position), position - text.rfind("\n", 0, position)


def is_slug(text: str) -> bool:
    """Whether a campaign can have this slug, as far as its letters go."""
    return len(text) <= SLUG_LIMIT and _SLUG.fullmatch(text) is not None


def slug_complaint(slug: str) -> str | None:
    """Why this can't be the last part of the campaign's address."""
    if len(slug) > SLUG_LIMIT:
        return f"Shorten slug to {SLUG_LIMIT} characters; it has {len(slug):,}."
    if not is_slug(slug):
        return "Write slug in small letters a–z and digits, with single hyphens between words, like reunite-families."
    if slug in RESERVED_SLUGS:
        return f"Choose another slug: the site keeps “{slug}” for itself."
    return None


def line_complaint(name: str, value: str) -> str | None:
    """What is wrong with a title, headline, subject or the words to share."""
    if not value:
        return f"Write the {name} between the quotes."
    if "\n" in value or "\t" in value or FORBIDDEN.search(value):
        return f"Write {name} on one line, without tabs and control characters."
    if len(value) > LINE_LIMIT:
        return f"Shorten {name} to {LINE_LIMIT} characters; it has {len(value):,}."
    for field in MergeField:
        if field.bracket in value:
            return f"Write {name} without {field.bracket}: merge fields are filled in the letter only."
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
        Problem(*place(story, story.index(field.bracket), first_line), f"{field.bracket} is not filled in a story.")
        for field in MergeField
        if field.bracket in story
    ]


def heading_warnings(text: str, first_line: int) -> list[Problem]:
    """A line in a story or letter that may have been meant to begin a translation; it would be a part of the text."""
    for index, line in enumerate(text.split("\n")):
        words = line.strip()
        if _LOOKS_LIKE_A_HEADING.fullmatch(words):
            advice = f"The line “{words}” is text here: a translation begins with a line like “# Story (es)”."
            return [Problem(first_line + index, line.index(words) + 1, advice)]
    return []
