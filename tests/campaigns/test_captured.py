"""Drafts from captured action pages."""

from __future__ import annotations

import pytest

from app.campaigns import CampaignFileError, Target, read, write
from app.campaigns.captured import from_captured, looks_captured
from app.campaigns.letters import parts

LETTER = """Dear\u00a0[Decision Maker],

The creek behind our school is drying up.  Twelve "temporary" dams are to blame.

Please have them removed.

[Your Name]
[Your Address]
[City, State ZIP]
[Your Email]"""

PAGE = f"""Tell Congress - Save the Creek


  •\tYour Senators
  •\tYour Representative


*Required fields



Save the Creek

{LETTER}

"""


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(CampaignFileError) as caught:
        from_captured(text)
    return [(problem.line, problem.message) for problem in caught.value.problems]


def test_a_captured_page_becomes_a_draft() -> None:
    file = from_captured(PAGE)

    assert file.slug == "save-the-creek"
    assert file.title == "Tell Congress - Save the Creek"
    assert file.headline == file.subject == "Save the Creek"
    assert file.targets == (Target.SENATORS, Target.REPRESENTATIVE)
    assert (file.story, file.opens, file.closes) == ("", None, None)


def test_the_letter_is_kept_word_for_word_with_its_five_fields() -> None:
    file = from_captured(PAGE)

    assert file.letter == LETTER.replace("\u00a0", " ")
    assert len({part.field for part in parts(file.letter) if part.field}) == 5
    assert read(write(file)) == file


@pytest.mark.parametrize(
    "page",
    [
        PAGE.replace("\n", "\r\n"),
        "\ufeff\n\n" + PAGE,
        PAGE.replace("•\t", "* "),
        PAGE.replace("•\t", "- "),
        PAGE.replace("•\t", "– "),
        PAGE.replace("  •\t", ""),
        PAGE.replace("Senators", "U.S. Senators").replace("Representative", "US Representative"),
        PAGE.replace("*Required fields", "* Indicates required field"),
        PAGE.replace("*Required fields\n", ""),
        PAGE.replace("Save the Creek\n\nDear", "Save the Creek\nDear"),
        PAGE.replace("*Required", "Dear friend of the creek,\n\n*Required"),
    ],
)
def test_pages_differ_in_line_ends_and_bullets(page: str) -> None:
    assert looks_captured(page)
    assert from_captured(page) == from_captured(PAGE)


def test_a_page_to_senators_only_writes_to_senators_only() -> None:
    assert from_captured(PAGE.replace("  •\tYour Representative\n", "")).targets == (Target.SENATORS,)


def test_without_a_headline_the_title_serves() -> None:
    file = from_captured(PAGE.replace("\nSave the Creek\n", "\n"))

    assert file.headline == file.subject == "Tell Congress - Save the Creek"
    assert file.slug == "tell-congress-save-the-creek"


@pytest.mark.parametrize(
    ("headline", "slug"),
    [
        ("¡Salva el año!", "salva-el-ano"),
        ("Don't Wait", "dont-wait"),
        ("Privacy", "privacy-campaign"),
        ("字", "new-campaign"),
        ("one two three " * 10, "one-two-three-one-two-three-one-two-three-one-two-three-one-two"),
        ("x" * 100, "x" * 64),
    ],
)
def test_the_slug_comes_from_the_headline(headline: str, slug: str) -> None:
    file = from_captured(PAGE.replace("\nSave the Creek\n", f"\n{headline}\n"))

    assert file.slug == slug
    assert read(write(file)) == file


@pytest.mark.parametrize(
    ("page", "line", "words"),
    [
        (PAGE.replace("Your Senators", "").replace("Your Representative", ""), 2, "Add whom the page writes to"),
        (PAGE.replace("Your Senators", "Your Governor"), 4, "Remove the line “Your Governor”"),
        (PAGE.replace("Your Senators", "Your State Senators"), 4, "Remove the line “Your State Senators”"),
        (PAGE.replace("Dear", "Hello"), 25, "Add the letter: its first line begins with “Dear”."),
        (PAGE.replace("[Your Email]", "[Your Emial]"), 23, "There is no merge field [Your Emial]; write [Your Email]."),
        (PAGE.replace("[Your Name]\n", ""), 22, "Put [Your Name] where the letter is signed"),
        (PAGE.replace("Tell Congress", "Tell Congress " + "x" * 150), 1, "Shorten title to 150 characters"),
        (PAGE.replace("\nSave the Creek\n", f"\n{'x' * 151}\n"), 12, "Shorten headline to 150 characters"),
        (PAGE.replace("creek", "cr\x00ek"), 16, "Remove the control character U+0000"),
        (PAGE.replace("Twelve", "x" * 10_000), 14, "Shorten the letter to 10,000 characters"),
    ],
)
def test_what_is_missing_is_said_with_its_place_on_the_page(page: str, line: int, words: str) -> None:
    ((found, message),) = problems(page)

    assert (found, words in message) == (line, True), message


def test_an_empty_page_misses_everything() -> None:
    assert [message.split()[0] for _, message in problems(" \n\n")] == ["Begin", "Add", "Add"]


@pytest.mark.parametrize(
    "text", ["", "hello", write(from_captured(PAGE)), write(from_captured(PAGE)).removeprefix("+++\n")]
)
def test_a_campaign_file_does_not_look_captured(text: str) -> None:
    assert not looks_captured(text)
