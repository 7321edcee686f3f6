"""A campaign in more than one language."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest

from app.campaigns import CampaignFileError, Translation, read, sample_source, warnings, write
from app.campaigns.captured import looks_captured
from tests.campaigns.test_captured import PAGE
from tests.campaigns.test_files import SIGNED, campaign, only_problem, problems, source

LETTER_ES = SIGNED.replace("Dear [Decision Maker],", "Para [Decision Maker]:").replace("Please act", "Actúe")
TITLES = '[es]\ntitle = "Salven el arroyo, por favor"\nheadline = "Salven el arroyo"\n'
SUBJECT = 'subject = "Por favor, salven el arroyo"\n'
SPANISH = Translation("es", "Salven el arroyo, por favor", "Salven el arroyo")


def translated(table: str = TITLES, *sections: str, **head: str) -> str:
    """A campaign file with a table at the end of its head (from line 7), and sections below its letter."""
    above, below = source(**head).split("+++\n\n# Story")
    return "\n".join([f"{above}{table}+++\n\n# Story{below}", *sections])


STORY_SECTION = "# Story (es)\n\nSe está secando.\n"
LETTER_SECTION = f"# Letter (es)\n\n{LETTER_ES}\n"


def test_a_translation_is_read() -> None:
    file = read(translated(TITLES + SUBJECT + 'share = "Ya escribí."\n', STORY_SECTION, LETTER_SECTION))

    (spanish,) = file.translations
    assert spanish == replace(
        SPANISH,
        subject="Por favor, salven el arroyo",
        share="Ya escribí.",
        story="Se está secando.",
        letter=LETTER_ES,
    )
    assert replace(file, translations=()) == campaign()


def test_the_other_new_keys_are_read() -> None:
    file = read(source(language='"es"', goal="2000", share='"Write too!"', **{"count-from": "1"}))

    assert (file.language, file.goal, file.count_from, file.share) == ("es", 2000, 1, "Write too!")
    plain = read(source())
    assert (plain.language, plain.goal, plain.count_from, plain.share) == ("en", None, 100, "")


@pytest.mark.parametrize(
    "changes",
    [
        {"translations": (SPANISH,)},
        {"translations": (replace(SPANISH, story="Se seca.\n\n# Story\n\n+++"),)},
        {"translations": (replace(SPANISH, letter=LETTER_ES, subject="Salven el arroyo"),), "story": ""},
        {"translations": (replace(SPANISH, story="x", letter=f"{LETTER_ES}\n# Letter", subject="y", share="z"),)},
        {"translations": (replace(SPANISH, language="en", story="x"),), "language": "es"},
        {"goal": 1, "count_from": 1, "share": "x" * 150},
        {"goal": 100_000_000, "count_from": 100_000_000, "language": "es"},
        {"letter": f"{SIGNED}\n# Story (fr)\n## Story (es)\n# Story  (es)"},
    ],
)
def test_what_is_written_is_read_again(changes: dict[str, object]) -> None:
    file = campaign(**changes)

    text = write(file)

    assert read(text) == file
    assert write(read(text)) == text


def test_nothing_is_lost_in_random_files() -> None:
    pieces = ["# Letter", "# Story", "# Story (fr)", "## Letter (es)", "+++", "", "  ", "[Your Name]", "x \t"]
    chance = random.Random(7)
    for _ in range(200):
        story, letter = ("\n".join(chance.choices(pieces, k=6)) for _ in range(2))
        sections = [f"# Story (es)\n{story}\nx", f"# Letter (es)\n{letter}\n{SIGNED}"]
        file = read(translated(TITLES + SUBJECT, *sections))
        assert read(write(file)) == file
        assert file.translations[0].letter.endswith(SIGNED)


@pytest.mark.parametrize(
    "changes",
    [
        {"translations": (replace(SPANISH, story="Above.\n# Letter (es)"),)},
        {"story": "x\n# Story (es)\ny"},
        {"letter": f"{SIGNED}\n# Story (es)"},
        {"translations": (SPANISH, SPANISH)},
        {"translations": (replace(SPANISH, language="fr"),)},
    ],
)
def test_a_campaign_that_no_file_can_hold_is_not_written(changes: dict[str, object]) -> None:
    with pytest.raises((ValueError, CampaignFileError)):
        write(campaign(**changes))


def test_a_file_as_read_is_in_its_own_language() -> None:
    file = read(source(language='"es"'))

    assert (file.language, file.story_language, file.letter_language) == ("es", "es", "es")
    assert file.languages == ("es",)


def test_a_file_is_told_in_a_language_as_far_as_it_is_translated() -> None:
    file = read(translated(TITLES, STORY_SECTION, share='"Write too!"'))
    told = file.told_in("es")

    assert file.languages == told.languages == ("en", "es")
    assert (told.title, told.headline, told.story) == (SPANISH.title, SPANISH.headline, "Se está secando.")
    assert (told.share, told.subject, told.letter) == ("", file.subject, file.letter)
    assert (told.language, told.story_language, told.letter_language) == ("es", "es", "en")
    assert (told.slug, told.targets, told.goal) == (file.slug, file.targets, file.goal)


def test_a_letter_is_told_with_its_subject() -> None:
    told = read(translated(TITLES + SUBJECT + 'share = "Ya escribí."\n', LETTER_SECTION)).told_in("es")

    assert (told.subject, told.letter, told.share) == ("Por favor, salven el arroyo", LETTER_ES, "Ya escribí.")
    assert (told.language, told.story_language, told.letter_language) == ("es", "en", "es")


def test_any_other_language_gives_the_original() -> None:
    file = read(translated())

    for told in (file, file.told_in("es")):
        for language in ("en", "fr", "", "es-MX"):
            assert told.told_in(language) is file
        assert told.told_in("es") is file.told_in("es")


def test_a_told_file_is_not_written() -> None:
    with pytest.raises(ValueError, match="no campaign file can hold"):
        write(read(translated()).told_in("es"))


def test_the_sample_is_told_in_spanish_and_its_letter_stays_english() -> None:
    told = read(sample_source()).told_in("es")

    assert told.title == "Dígale al Congreso – Reúnan a las familias"
    assert (told.story_language, told.letter_language) == ("es", "en")
    assert len(told.share) <= 150


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        # Keys.
        (source(language='"fr"'), 7, 1, "There is no language 'fr'; the languages are en and es."),
        (source(language="1"), 7, 1, "There is no language '1';"),
        (source(goal='"100"'), 7, 1, "Write goal as a whole number without quotes, like goal = 100."),
        (source(goal="1.5"), 7, 1, "Write goal as a whole number"),
        (source(goal="true"), 7, 1, "Write goal as a whole number"),
        (source(goal="0"), 7, 1, "Set goal to a number from 1 to 100,000,000."),
        (source(goal="100_000_001"), 7, 1, "Set goal to a number"),
        (source(**{"count-from": "0"}), 7, 1, "Set count-from to a number from 1"),
        (source(share='""'), 7, 1, "Write the share between the quotes."),
        (source(share=f'"{"x" * 151}"'), 7, 1, "Shorten share to 150 characters"),
        (source(share='"[Your Name] wrote"'), 7, 10, "Write share without [Your Name]"),
        # Tables.
        (translated("[fr]\ntitle = 'x'\n"), 7, 1, "There is no key fr; a translation's table is [es]."),
        (translated("[ES]\ntitle = 'x'\n"), 7, 1, "There is no key ES; write es."),
        (translated("es = 'x'\n"), 7, 1, "Write the translation as a table: a line [es]"),
        (translated("[es]\n"), 7, 1, "Write title and headline below [es], or remove it."),
        (translated("[en]\ntitle = 'x'\nheadline = 'y'\n"), 7, 1, "Remove [en]: it is the campaign's own language"),
        (translated("  [es]\ntitle = 'x'\n"), 7, 1, 'Add a line like headline = "…" below [es].'),
        (translated("[es]\ntitle = 'x'\nheadline = 1\n"), 9, 1, "Write the headline between quotes."),
        (translated(f"[es]\ntitle = '{'x' * 151}'\nheadline = 'y'\n"), 8, 1, "Shorten title to 150 characters"),
        (translated(f"{TITLES}goal = 5\n"), 10, 1, "There is no key goal below [es]; move it above [es]."),
        (translated(f"{TITLES}  shar = 'x'\n"), 10, 3, "There is no key shar below [es]; write share."),
        (translated(f"{TITLES}zzzz = 'x'\n"), 10, 1, "below [es]; its keys are title, headline, share, subject."),
        (translated(TITLES + SUBJECT), 10, 1, "Remove the subject below [es], or add the letter that it belongs to"),
        (translated(TITLES, LETTER_SECTION), 7, 1, 'Add a line like subject = "…" below [es].'),
        (translated("es.title = 'x'\n"), 7, 1, 'Add a line like headline = "…" below [es].'),
        # Sections.
        (translated("", STORY_SECTION), 24, 1, "Add a table [es] with title and headline at the end of the head"),
        (translated("", "# Letter (en)"), 24, 1, "Move this text below “# Story” or “# Letter”: en is"),
        (translated(TITLES + SUBJECT, LETTER_SECTION, STORY_SECTION), 39, 1, "Move “# Story (es)” and its text above"),
        (translated(TITLES, STORY_SECTION, STORY_SECTION), 31, 1, "Remove this heading: there is a “# Story (es)”"),
        (source(story="a\n# Story (es)\nb"), 12, 1, "Move “# Story (es)” and its text below the letter"),
        (translated(TITLES, f"# Story (es)\n{'x' * 20_001}"), 28, 1, "Shorten the story to 20,000 characters"),
        (translated(TITLES, "# Story (es)\n\na\x07"), 29, 2, "Remove the control character U+0007"),
        *(
            (translated(TITLES, f"{line}\nx"), 27, column, f"“# Story (es)”: {why}")
            for line, column, why in (
                ("# Story (\u0435s)", 10, "\u0435 is a Cyrillic letter (U+0435); write e instead."),
                ("# Story \uff08es\uff09", 9, "\uff08 is a full-width sign (U+FF08); write ( instead."),
                ("# Story\t(es)", 8, "there is a tab after “# Story”."),
            )
        ),
        (translated(TITLES + SUBJECT, LETTER_SECTION.replace("# Letter", "# Lett\u0435r")), 28, 7,
         "“# Letter (es)”: \u0435 is a Cyrillic letter (U+0435)"),
        # Letters.
        (translated(TITLES + SUBJECT, "# Letter (es)"), 28, 1, "Write the letter below “# Letter (es)”."),
        (translated(TITLES + SUBJECT, LETTER_SECTION.replace("Your Name", "Your Nmae")), 34, 1, "no merge field"),
        (translated(TITLES + SUBJECT, LETTER_SECTION.replace("[Your Email]", "-")), 37, 1, "Put [Your Email] into"),
        (translated(TITLES + SUBJECT, "# Letter (es)\n[Your Name]" + "x" * 9_990), 29, 1, "Shorten the letter"),
        (translated(TITLES + SUBJECT, f"# Letter (es)\n[Edit from here]\nx\n[Edit to here]\n{LETTER_ES}"), 29, 1,
         "Open as many parts of this translation as of the original letter: 0 instead of 1."),
    ],
)  # fmt: skip
def test_a_problem_has_its_place_and_says_what_to_do(text: str, line: int, column: int, words: str) -> None:
    found = [problem for problem in problems(text) if words in problem.message]

    assert [(problem.line, problem.column) for problem in found] == [(line, column)], problems(text)


def test_a_field_that_the_original_lacks_is_one_too_many() -> None:
    text = translated(TITLES + SUBJECT, LETTER_SECTION).replace("[Your Email]\n\n# Story", "x\n\n# Story")

    problem = only_problem(text.replace("[Your Email]", "x", 1))

    assert (problem.line, problem.column) == (37, 1)
    assert problem.message == "Remove [Your Email] from this translation: the original letter does not have it."


def test_an_illegible_head_brings_no_problems_of_the_translation() -> None:
    assert "Write the head as TOML" in only_problem(translated("[es\n", STORY_SECTION, LETTER_SECTION)).message


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (source(topic='"Law"', goal="99"), 8, "The page shows no count below 100 signers: raise goal"),
        (translated(TITLES, topic='"Law"'), 8, "supporters who read Spanish see the story in English"),
        (translated(TITLES, "# Story (es)", topic='"Law"'), 8, "supporters who read Spanish see the story in English"),
        (translated(TITLES, "# Story (es)\n[Your Name]", topic='"Law"'), 29, "[Your Name] is not filled in a story."),
        (translated(TITLES, "# Story (es)\nx\n## letter (es):", topic='"Law"'), 30, "“## letter (es):” is text here"),
        (source(topic='"Law"', letter=f"{SIGNED}\n# Story (fr)"), 24, "“# Story (fr)” is text here: a translation"),
        (translated(TITLES, "# Story (es)\nx\n# Letter  (es)", topic='"Law"'), 30, "several blanks after “# Letter”."),
        (translated(TITLES, "# Story (es)\nx\n## L\u0435tter (es)", topic='"Law"'), 30, "a Cyrillic letter (U+0435)"),
        (translated(TITLES + SUBJECT, STORY_SECTION, f"{LETTER_SECTION}# Letter", topic='"Law"'), 43,
         "it begins below the first “# Letter (es)”."),
    ],
)  # fmt: skip
def test_what_may_be_meant_is_a_warning(text: str, line: int, words: str) -> None:
    (warning,) = warnings(text)

    assert (warning.line, words in warning.message) == (line, True), warning


def test_a_translation_that_lacks_only_the_letter_is_no_warning() -> None:
    assert warnings(translated(TITLES, STORY_SECTION, topic='"Law"')) == ()
    assert warnings(translated(TITLES, story="", topic='"Law"'))[0].message.startswith("The story is empty")


def test_a_file_with_a_translation_does_not_look_captured() -> None:
    assert not looks_captured(f"{PAGE}\n# Story (es)\n")


@pytest.mark.parametrize(
    "text",
    [
        translated(TITLES, "# Story (es)\n" * 15_000),
        translated("", "# Story (es)\n# Letter (es)\n" * 8_000),
        source(story="# Story (es)\n" * 15_000),
        translated("[es]\n" + "".join(f"k{number} = 1\n" for number in range(20_000))),
        translated("[" + " " * 200_000 + "x\n"),
    ],
)
def test_a_senseless_file_is_refused_soon(text: str) -> None:
    before = time.monotonic()
    assert len(problems(text)) < 50
    assert time.monotonic() - before < 5


def test_a_story_of_blanks_is_warned_of_soon() -> None:
    before = time.monotonic()
    warnings(source(story="x\n" + " " * 19_000 + "x"))
    assert time.monotonic() - before < 1
