"""docs/campaign-files.md tells the truth."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from app.campaigns import CampaignFile, Target, read, warnings
from app.campaigns.letters import MergeField
from app.cli.campaigns import campaign

PAGE = (Path(__file__).parents[2] / "docs" / "campaign-files.md").read_text(encoding="utf-8")


def test_the_example_is_a_campaign_file_without_warnings() -> None:
    example = PAGE.split("```\n")[1]

    assert read(example).slug == "save-the-creek"
    assert warnings(example) == ()


def test_every_key_is_in_the_table() -> None:
    head = PAGE.split("## The head")[1].split("## The sections")[0]

    keys = {field.name for field in fields(CampaignFile)} - {"story", "letter"}
    assert set(re.findall(r"^\| `([a-z]+)` \|", head, re.MULTILINE)) == keys
    assert all(f"`{target}`" in head for target in Target)


def test_every_merge_field_is_in_the_table() -> None:
    assert set(re.findall(r"^\| `\[(.+?)\]` \|", PAGE, re.MULTILINE)) == {field.value for field in MergeField}


def test_every_command_is_in_the_table() -> None:
    commands = PAGE.split("## Commands")[1].split("## Captured")[0]

    assert set(re.findall(r"^\| `([a-z]+)", commands, re.MULTILINE)) == set(campaign.commands)
