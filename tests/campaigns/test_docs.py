"""docs/campaign-files.md tells the truth."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from app.campaigns import LANGUAGES, CampaignFile, Target, Translation, read, warnings
from app.campaigns.head_table import KEYS, TRANSLATED_KEYS
from app.campaigns.letter_checks import OPEN_LIMIT
from app.campaigns.letters import EDIT_FROM, EDIT_TO, MergeField, parts_open
from app.cli.campaigns import campaign

PAGE = (Path(__file__).parents[2] / "docs" / "campaign-files.md").read_text(encoding="utf-8")


def test_the_example_is_a_campaign_file_without_warnings() -> None:
    example = PAGE.split("```\n")[1]

    assert read(example).slug == "save-the-creek"
    assert warnings(example) == ()


def test_the_translated_example_is_one_too_and_all_of_it_is_told_in_spanish() -> None:
    example = next(block for block in PAGE.split("```\n") if "[es]" in block and block.startswith("+++"))

    file = read(example).told_in("es")
    assert (file.language, file.story_language, file.letter_language) == ("es", "es", "es")
    assert len(parts_open(file.letter)) == 1
    assert warnings(example) == ()


def test_every_key_is_in_the_table() -> None:
    head = PAGE.split("## The head")[1].split("## The sections")[0]

    keys = {field.name.replace("_", "-") for field in fields(CampaignFile)}
    assert keys - {"story", "letter", "translations", "original"} == set(KEYS)
    assert set(re.findall(r"^\| `([a-z-]+)` \|", head, re.MULTILINE)) == set(KEYS)
    assert all(f"`{target}`" in head for target in Target)
    assert all(f"`{language}`" in head for language in LANGUAGES)


def test_every_key_of_a_translation_is_in_its_table() -> None:
    page = PAGE.split("## Translations")[1].split("## Commands")[0]

    keys = {field.name for field in fields(Translation)} - {"language", "story", "letter"}
    assert keys == set(TRANSLATED_KEYS)
    assert set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)) == keys


def test_the_marks_of_an_open_part_are_told() -> None:
    page = PAGE.split("### Open parts")[1].split("## Translations")[0]

    assert EDIT_FROM in page
    assert EDIT_TO in page
    assert OPEN_LIMIT == 5
    assert "at most five open parts" in page


def test_every_merge_field_is_in_the_table() -> None:
    assert set(re.findall(r"^\| `\[(.+?)\]` \|", PAGE, re.MULTILINE)) == {field.value for field in MergeField}


def test_every_command_is_in_the_table() -> None:
    commands = PAGE.split("## Commands")[1].split("## Captured")[0]

    assert set(re.findall(r"^\| `([a-z]+)", commands, re.MULTILINE)) == set(campaign.commands)
