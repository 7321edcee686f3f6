"""What must hold of the open parts of a letter."""

from __future__ import annotations

import pytest

from app.campaigns import read, write
from app.campaigns.letters import EDIT_FROM, EDIT_TO, parts_open
from tests.campaigns.test_files import SIGNED, campaign, only_problem, problems, source

PART = f"{EDIT_FROM}\nI am a nurse.\n{EDIT_TO}\n"


@pytest.mark.parametrize("letter", [PART * 5 + SIGNED, f"  {EDIT_FROM} \n\nI am a nurse.\n\t{EDIT_TO}\t\n{SIGNED}"])
def test_a_letter_with_open_parts_is_kept_as_it_is(letter: str) -> None:
    file = campaign(letter=letter)

    assert read(write(file)) == file
    assert set(parts_open(file.letter)) == {"I am a nurse."}


@pytest.mark.parametrize(
    ("letter", "line", "column", "words"),
    [
        (f"Hello {EDIT_FROM}\n{SIGNED}", 15, 7, "Put [Edit from here] alone on its line."),
        (f"{EDIT_FROM}\nx\n{EDIT_TO}.\n{EDIT_TO}\n{SIGNED}", 17, 1, "Put [Edit to here] alone on its line."),
        (f"{EDIT_FROM}\na\n {EDIT_FROM}\nb\n{EDIT_TO}\n{SIGNED}", 17, 2, "Close the open part above with a line"),
        (f"a\n{EDIT_TO}\n{SIGNED}", 16, 1, "Begin this open part with a line [Edit from here], or remove"),
        (f"{PART}{EDIT_FROM}\nx\n{SIGNED}", 18, 1, "Close this open part with a line [Edit to here]."),
        (f"a\n  {EDIT_FROM}\n \n{EDIT_TO}\n{SIGNED}", 16, 3, "Write a suggestion between [Edit from here]"),
        (f"{EDIT_FROM}\nI am [Your Name]\n{EDIT_TO}\n{SIGNED}", 16, 6, "Move [Your Name] out of the open part"),
        (PART * 6 + SIGNED, 30, 1, "Open at most 5 parts of the letter; it has 6."),
        (f"[edit from here]\n{SIGNED}", 15, 1, "There is no merge field [edit from here]; write [Edit from here]."),
        (f"[Edit til here]\n{SIGNED}", 15, 1, "There is no merge field [Edit til here]; write [Edit to here]."),
        (f"[Edit from here\n{SIGNED}", 15, 1, "Close the bracket: write [Edit from here]."),
    ],
)
def test_a_wrong_open_part_has_its_place_and_what_to_do(letter: str, line: int, column: int, words: str) -> None:
    problem = only_problem(source(letter=letter))

    assert (problem.line, problem.column) == (line, column)
    assert words in problem.message


def test_a_letter_of_marks_is_refused_in_few_words() -> None:
    assert len(problems(source(letter=f"{EDIT_FROM}\n" * 500 + SIGNED))) == 1
    assert len(problems(source(letter=f"{EDIT_TO}\n" * 500 + SIGNED))) == 1
