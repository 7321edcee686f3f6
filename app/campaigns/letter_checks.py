"""What must hold of a letter, in sentences that say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from app import typed
from app.campaigns.checks import AT_MOST, LETTER_LIMIT, Problem, place
from app.campaigns.letters import EDIT_FROM, EDIT_TO, MergeField, is_mark, parts, parts_open
from app.spelling import nearest

OPEN_LIMIT = 5
"""So many parts of a letter may be open."""

_FOREIGN_LETTERS = re.compile(r"[^\W\x00-\x7f]+")
_LOOKS_LIKE_A_FIELD = re.compile(r"\[(?=\s*[^\W\d_])([^\[\]\n]{1,40})\]")
_NAMES = (*(field.value for field in MergeField), EDIT_FROM.strip("[]"), EDIT_TO.strip("[]"))
# A merge field as other programs have them, or between brackets of another script.
_OTHER_BRACKETS = re.compile(
    r"(?P<bracket>\{\{|<<|\[\[|\*\||%%|[{<［【〔「⟦（❨❲⁅〖『｢《〈«‹⟨])\s*"
    rf"(?P<name>{'|'.join(map(re.escape, _NAMES))})\b",
    re.IGNORECASE,
)


def letter_problems(letter: str, first_line: int, heading: str = "# Letter") -> list[Problem]:
    """What is wrong with a letter that begins on `first_line` of its file."""
    if not letter:
        return [Problem(first_line, 1, f"Write the letter below “{heading}”.")]
    if len(letter) > LETTER_LIMIT:
        return [Problem(first_line, 1, f"Shorten the letter to {LETTER_LIMIT:,} characters; it has {len(letter):,}.")]
    problems = [
        *_unknown_fields(letter, first_line),
        *_unclosed_fields(letter, first_line),
        *_open_part_problems(letter.split("\n"), first_line),
    ]
    if MergeField.NAME.bracket not in letter:
        problems.append(_unsigned(letter, first_line))
    return problems


def translated_letter_problems(letter: str, first_line: int, original: str) -> list[Problem]:
    """How a translated letter differs from the original where it must not; both are right by themselves."""
    has, should_have = _fields(letter), _fields(original)
    last_line, _ = place(letter, len(letter), first_line)
    problems = [
        Problem(last_line, 1, f"Put {field.bracket} into this translation: the original letter has it.")
        for field in MergeField
        if field in should_have - has
    ]
    problems += [
        Problem(
            *place(letter, letter.index(field.bracket), first_line),
            f"Remove {field.bracket} from this translation: the original letter does not have it.",
        )
        for field in MergeField
        if field in has - should_have
    ]
    count, expected = len(parts_open(letter)), len(parts_open(original))
    if count != expected:
        message = f"Open as many parts of this translation as of the original letter: {expected} instead of {count}."
        problems.append(Problem(first_line, 1, message))
    return problems


def letter_warnings(letter: str, first_line: int) -> list[Problem]:
    """What is odd about the letter, but may be meant."""
    last_line, _ = place(letter, len(letter), first_line)
    warnings = [
        Problem(
            *place(letter, found.start(), first_line),
            f"“{found['bracket']}” begins no merge field and no mark: write [{nearest(found['name'], _NAMES)}].",
        )
        for found in _other_brackets(letter)
    ]
    if MergeField.DECISION_MAKER.bracket not in letter:
        warnings.append(Problem(first_line, 1, "The letter greets nobody: begin it with “Dear [Decision Maker],”."))
    warnings += [
        Problem(last_line, 1, f"The letter ends without {field.bracket}: offices answer constituents only.")
        for field in (MergeField.ADDRESS, MergeField.CITY_STATE_ZIP, MergeField.EMAIL)
        if field.bracket not in letter
    ]
    return warnings


def mark_warnings(letter: str, first_line: int, heading: str = "# Letter") -> list[Problem]:
    """A line in the letter that would begin a section if it stood above."""
    match = re.search(r"^# (?:Letter|Story)[ \t]*$", letter, re.MULTILINE)
    if match is None:
        return []
    line, column = place(letter, match.start(), first_line)
    return [Problem(line, column, f"The letter holds the line “{match[0]}”: it begins below the first “{heading}”.")]


def _unsigned(letter: str, first_line: int) -> Problem:
    """The name is missing: where it stands between other brackets, else at the end."""
    name = MergeField.NAME
    here = next((found for found in _other_brackets(letter) if found["name"].title() == name.value), None)
    line, column = place(letter, here.start() if here else len(letter), first_line)
    why = f": “{here['bracket']}” begins no merge field" if here else ""
    advice = f"Put {name.bracket} where the letter is signed{why}: without it no office learns who wrote."
    return Problem(line, column if here else 1, advice)


def _other_brackets(letter: str) -> Iterator[re.Match[str]]:
    plain = _FOREIGN_LETTERS.sub(lambda match: typed.plain_form(match[0]), letter)
    return islice(_OTHER_BRACKETS.finditer(plain), AT_MOST)


def _fields(letter: str) -> set[MergeField]:
    return {part.field for part in parts(letter) if part.field}


def _unknown_fields(letter: str, first_line: int) -> Iterator[Problem]:
    for match in _LOOKS_LIKE_A_FIELD.finditer(letter):
        if match[1] in _NAMES:
            continue
        meant = nearest(typed.plain_form(match[1]), _NAMES)
        hint = (
            f"write [{meant}]"
            if meant
            else f"use one of {', '.join(field.bracket for field in MergeField)}, or round brackets if it is plain text"
        )
        yield Problem(
            *place(letter, match.start(), first_line),
            f"There is no merge field {match[0]}{typed.unlike(match[1], meant)}; {hint}.",
        )


def _unclosed_fields(letter: str, first_line: int) -> Iterator[Problem]:
    for name in _NAMES:
        for match in re.finditer(rf"\[{re.escape(name)}(?![^\[\]\n]*\])", letter, re.IGNORECASE):
            closing = letter[match.end() : match.end() + 1]
            instead = "" if closing.isalnum() else typed.unlike(closing, "]")
            yield Problem(*place(letter, match.start(), first_line), f"Close the bracket{instead}: write [{name}].")


def _open_part_problems(lines: Sequence[str], first_line: int) -> list[Problem]:
    """What is wrong with the marks; when they do not make pairs, what stands between them is not looked at."""
    marks = [index for index, line in enumerate(lines) if is_mark(line)]
    problems = [*_marks_beside_text(lines, first_line), *_unpaired_marks(lines, marks, first_line)]
    if not problems:
        problems += _inside_open_parts(lines, list(zip(marks[::2], marks[1::2], strict=True)), first_line)
    return problems


def _marks_beside_text(lines: Sequence[str], first_line: int) -> Iterator[Problem]:
    for index, line in enumerate(lines):
        for mark in (EDIT_FROM, EDIT_TO):
            if mark in line and not is_mark(line):
                yield Problem(first_line + index, line.index(mark) + 1, f"Put {mark} alone on its line.")


def _unpaired_marks(lines: Sequence[str], marks: Sequence[int], first_line: int) -> Iterator[Problem]:
    """The first mark that does not follow its counterpart: the others may be wrong only for its sake."""
    expected, last = EDIT_FROM, 0
    for index in marks:
        if lines[index].strip() != expected:
            advice = (
                f"Close the open part above with a line {EDIT_TO} first: an open part can't hold another."
                if expected == EDIT_TO
                else f"Begin this open part with a line {EDIT_FROM}, or remove the line."
            )
            yield Problem(first_line + index, _column(lines[index]), advice)
            return
        expected, last = EDIT_TO if expected == EDIT_FROM else EDIT_FROM, index
    if expected == EDIT_TO:
        advice = f"Close this open part with a line {EDIT_TO}."
        yield Problem(first_line + last, _column(lines[last]), advice)


def _inside_open_parts(lines: Sequence[str], pairs: Sequence[tuple[int, int]], first_line: int) -> Iterator[Problem]:
    for begin, end in pairs:
        if not "".join(lines[begin + 1 : end]).strip():
            advice = f"Write a suggestion between {EDIT_FROM} and {EDIT_TO}: signers may change it."
            yield Problem(first_line + begin, _column(lines[begin]), advice)
        for index in range(begin + 1, end):
            for field in MergeField:
                if field.bracket in lines[index]:
                    advice = f"Move {field.bracket} out of the open part: what signers change has no merge fields."
                    yield Problem(first_line + index, lines[index].index(field.bracket) + 1, advice)
    for begin, _end in pairs[OPEN_LIMIT : OPEN_LIMIT + 1]:
        advice = f"Open at most {OPEN_LIMIT} parts of the letter; it has {len(pairs)}."
        yield Problem(first_line + begin, _column(lines[begin]), advice)


def _column(line: str) -> int:
    return len(line) - len(line.lstrip()) + 1
