"""The campaign file: a TOML head between `+++` lines, then the story and the letter, then their translations.

`sections.py` tells where each of them begins and ends; line ends are LF.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import tomli_w

from app import typed
from app.campaigns.checks import (
    CampaignFileError,
    Problem,
    control_problems,
    heading_warnings,
    place,
    story_problems,
    story_warnings,
    unreadable_warnings,
)
from app.campaigns.head import COUNT_FROM, Head
from app.campaigns.letter_checks import (
    letter_problems,
    letter_warnings,
    mark_warnings,
    translated_letter_problems,
)
from app.campaigns.letters import EDIT_FROM, EDIT_TO, parts
from app.campaigns.sections import FENCE, LETTER, STORY, Pieces, Text, cut, heading
from app.campaigns.values import CampaignFile

FILE_LIMIT = 256 * 1024  # bytes

_BRACKETS = re.compile(r"\[[^\[\]\n]{1,40}\]")


class _Reading(NamedTuple):
    file: CampaignFile
    head: Head
    pieces: Pieces


def decode(data: bytes) -> str:
    """The text of an uploaded or read file. Raises CampaignFileError when it is too large or not UTF-8."""
    if len(data) > FILE_LIMIT:
        raise CampaignFileError([Problem(1, 1, f"Shorten the file to {FILE_LIMIT // 1024} kB.")])
    try:
        return typed.decoded(data)
    except typed.NotText as error:
        where = place(error.before, len(error.before), 1)
        raise CampaignFileError([Problem(*where, f"Save the file as UTF-8 text: {error.why}.")]) from None


def normalise(source: str) -> str:
    """With LF at ends of lines, one kind of blanks, and no marks that nobody sees; what is kept of an imported file.

    A line of the head stays one line, whatever some programs would take for its end.
    """
    rows = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    fences = [index for index, row in enumerate(rows) if typed.joined(row).rstrip() == FENCE][:2]
    below = fences[1] + 1 if len(fences) == 2 else 0
    body = "\n".join(map(typed.lines, rows[below:]))
    return "\n".join([*map(typed.joined, rows[:below]), _BRACKETS.sub(_with_one_blank, body)])


def _with_one_blank(bracket: re.Match[str]) -> str:
    """A merge field or a mark with one blank between its words: how many there are, or a tab, nobody sees."""
    plain = re.sub(r"[ \t]+", " ", bracket[0])
    return plain if plain in (EDIT_FROM, EDIT_TO) or parts(plain)[0].field else bracket[0]


def read(source: str) -> CampaignFile:
    """The campaign in the text of a file. Raises CampaignFileError with every problem found."""
    return _read(source).file


def warnings(source: str) -> tuple[Problem, ...]:
    """What is odd in a file that can be used. Raises CampaignFileError as `read` does."""
    file, head, pieces = _read(source)
    found = [*head.warnings(file), *unreadable_warnings(normalise(source), 1)]
    if pieces.story is not None:
        found += [*story_warnings(*pieces.story), *heading_warnings(*pieces.story)]
    if pieces.letter is not None:
        found += [*letter_warnings(*pieces.letter), *mark_warnings(*pieces.letter), *heading_warnings(*pieces.letter)]
    for language, texts in pieces.translated.items():
        if texts.story is not None and texts.story.text:
            found += [*story_warnings(*texts.story), *heading_warnings(*texts.story)]
        if texts.letter is not None:  # whatever else is odd about it is odd about the original
            found += [*mark_warnings(*texts.letter, heading(LETTER, language)), *heading_warnings(*texts.letter)]
    return tuple(sorted(found))


def write(file: CampaignFile) -> str:
    """The text from which `read` makes the same file again.

    Raises CampaignFileError for a file with problems, ValueError for one that no text says (a story with a line
    `# Letter`, blank lines around the letter, CR line ends; a file that is told in another language).
    """
    source = f"{FENCE}\n{tomli_w.dumps(_head(file))}{FENCE}\n\n{_sections(file)}"
    if read(source) != file:
        raise ValueError("no campaign file can hold this story, letter or head as it is")
    return source


def _head(file: CampaignFile) -> dict[str, object]:
    """The keys of the head; those that need not be said are left out."""
    head: dict[str, object] = {
        "slug": file.slug,
        "title": file.title,
        "headline": file.headline,
        "targets": [target.value for target in file.targets],
        "subject": file.subject,
    }
    optional: dict[str, object] = {
        "topic": file.topic,
        "opens": file.opens,
        "closes": file.closes,
        "language": "" if file.language == "en" else file.language,
        "goal": file.goal,
        "count-from": None if file.count_from == COUNT_FROM else file.count_from,
        "share": file.share,
    }
    for translation in file.translations:
        table = {"title": translation.title, "headline": translation.headline}
        more = {"share": translation.share, "subject": translation.subject}
        optional[translation.language] = table | {key: value for key, value in more.items() if value}
    return head | {key: value for key, value in optional.items() if value not in ("", None)}


def _sections(file: CampaignFile) -> str:
    texts = [(STORY, file.story), (LETTER, file.letter)]
    for translation in file.translations:
        if translation.story:
            texts.append((heading(STORY, translation.language), translation.story))
        if translation.letter:
            texts.append((heading(LETTER, translation.language), translation.letter))
    return "\n\n".join(f"{mark}\n\n{text}" if text else mark for mark, text in texts) + "\n"


def _read(source: str) -> _Reading:
    source = normalise(source)
    problems = control_problems(source)
    if problems:  # blanks in their place let the rest be checked, with every column as it was
        source = typed.shown(source, " ")
    pieces = cut(source, problems)
    story, letter = pieces.story or Text("", 1), pieces.letter or Text("", 1)
    head = Head(pieces.head, problems)
    file = head.campaign(story.text, letter.text, pieces.translated)
    if pieces.story is not None:
        problems += story_problems(*story)
    own = letter_problems(*letter) if pieces.letter is not None else []
    problems += [*own, *_translation_problems(pieces, None if own else letter.text)]
    if problems:
        raise CampaignFileError(problems)
    return _Reading(file, head, pieces)


def _translation_problems(pieces: Pieces, original: str | None) -> list[Problem]:
    """What is wrong with the texts in other languages; `original` is None when they can't be compared with it."""
    problems: list[Problem] = []
    for language, texts in pieces.translated.items():
        if texts.story is not None:
            problems += story_problems(*texts.story)
        if texts.letter is not None:
            wrong = letter_problems(*texts.letter, heading(LETTER, language))
            if not wrong and original is not None:
                wrong = translated_letter_problems(*texts.letter, original)
            problems += wrong
    return problems
