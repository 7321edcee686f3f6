"""A draft from a captured action page: the plain text of a page that asks people to write to Congress.

Such a page has a title, a list of whom it writes to, perhaps "*Required fields", a headline, and the letter, which
runs from "Dear" to the end.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from app.campaigns.checks import (
    RESERVED_SLUGS,
    SLUG_LIMIT,
    CampaignFileError,
    Complaint,
    Problem,
    control_problems,
    line_complaint,
)
from app.campaigns.files import normalise
from app.campaigns.letter_checks import letter_problems
from app.campaigns.letters import MergeField
from app.campaigns.sections import FENCE, LETTER, is_heading
from app.campaigns.targeting import Target
from app.campaigns.values import CampaignFile

_BULLET = re.compile(r"^\s*[•*\-–—·∙‣▪●◦]+\s*")
_REQUIRED = re.compile(r"\*? ?(?:indicates )?required fields?\W*", re.IGNORECASE)
_DEAR = re.compile(r"\s*Dear\b", re.IGNORECASE)
_TARGETS = (
    (re.compile(r"(?:your )?(?:two )?(?:u\.?s\.? )?senators?(?:\(s\))?", re.IGNORECASE), Target.SENATORS),
    (
        re.compile(r"(?:your )?(?:u\.?s\.? )?(?:house )?representatives?(?:\(s\))?", re.IGNORECASE),
        Target.REPRESENTATIVE,
    ),
)


def looks_captured(text: str) -> bool:
    """Whether the text is rather a captured page than a campaign file."""
    lines = normalise(text).strip().split("\n")
    if any(line.rstrip() in (FENCE, LETTER) or is_heading(line) for line in lines):
        return False
    return any(_DEAR.match(line) or _REQUIRED.fullmatch(_words(line)) or _target(line) for line in lines)


def from_captured(text: str) -> CampaignFile:
    """The draft of a campaign, without a story, its letter word for word; slug and subject come from the headline.

    Raises CampaignFileError for what is missing, with places in the captured text. The slug may be in use already.
    """
    text = normalise(text)
    lines = text.split("\n")
    problems = control_problems(text)
    title_at = next((index for index, line in enumerate(lines) if line.strip()), 0)
    dear_at = _dear(lines, title_at + 1)
    top = range(title_at + 1, len(lines) if dear_at is None else dear_at)
    headline_at = title_at
    if dear_at is not None:
        headline_at = next((index for index in reversed(top) if _is_prose(lines[index])), title_at)
    title, headline = _words(lines[title_at]), _words(lines[headline_at])
    for name, index, words in (("title", title_at, title), ("headline", headline_at, headline)):
        complaint = Complaint("Begin the page with its title.") if not words else line_complaint(name, words)
        if complaint and (name == "title" or index != title_at):
            column = lines[index].find(complaint.sign) + 1 if complaint.sign else 1
            problems.append(Problem(index + 1, max(column, 1), complaint.message))
    targets = _targets(lines, top, problems)
    letter = ""
    if dear_at is None:
        problems.append(Problem(len(lines), 1, "Add the letter: its first line begins with “Dear”."))
    else:
        letter = "\n".join(lines[dear_at:]).rstrip()
        problems += letter_problems(letter, dear_at + 1)
    if problems:
        raise CampaignFileError(problems)
    return CampaignFile(
        slug=_slug(headline),
        title=title,
        headline=headline,
        targets=targets,
        subject=headline,
        story="",
        letter=letter,
    )


def _dear(lines: Sequence[str], start: int) -> int | None:
    """Where the letter begins: a page may greet its reader too, before the one that greets the decision maker."""
    greetings = [index for index in range(start, len(lines)) if _DEAR.match(lines[index])]
    addressed = [index for index in greetings if MergeField.DECISION_MAKER.bracket in lines[index]]
    return next(iter(addressed or greetings), None)


def _targets(lines: Sequence[str], top: range, problems: list[Problem]) -> tuple[Target, ...]:
    found = {target for index in top if (target := _target(lines[index]))}
    if not found:
        problems.append(
            Problem(
                top.start + 1,
                1,
                "Add whom the page writes to, below its title: “• Your Senators”, “• Your Representative”.",
            )
        )
    for index in top:
        words = _item(lines[index])
        if _BULLET.match(lines[index]) and words.lower().startswith("your ") and not _target(lines[index]):
            problems.append(
                Problem(
                    index + 1,
                    1,
                    f"Remove the line “{words[:80]}”: a campaign writes to US senators and representatives only.",
                )
            )
    return tuple(target for target in Target if target in found)


def _target(line: str) -> Target | None:
    return next((target for pattern, target in _TARGETS if pattern.fullmatch(_item(line))), None)


def _item(line: str) -> str:
    return _words(_BULLET.sub("", line))


def _is_prose(line: str) -> bool:
    return bool(line.strip()) and not (_BULLET.match(line) or _REQUIRED.fullmatch(_words(line)) or _target(line))


def _words(line: str) -> str:
    return " ".join(line.split())


def _slug(headline: str) -> str:
    ascii_letters = unicodedata.normalize("NFKD", headline.lower()).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_letters.replace("'", "")).strip("-")
    if len(words) > SLUG_LIMIT:
        words = words[: SLUG_LIMIT + 1].rpartition("-")[0] or words[:SLUG_LIMIT]
    return f"{words or 'new'}-campaign" if not words or words in RESERVED_SLUGS else words
