"""What the documents say is there, is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from app.backups import KEPT_FOR
from app.campaigns import RESERVED_SLUGS
from app.models import DeliveryState
from app.signing.retention import DIGESTS, PROOF
from config import ROOT
from tests import factories

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
# `block shape` holds the name of a layout; an id is put together from a field's name and -hint or -error.
NOT_WORDS = re.compile(
    r"\{% block shape %\}\w+|\{%.*?%\}|\{\{.*?\}\}(?:-hint|-error)?|\{#.*?#\}|<[^>]*>", flags=re.DOTALL
)
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_in_a_document_leads_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_path_that_contributing_names_exists() -> None:
    named = re.findall(r"`((?:app|settings|tests|docs|migrations|bench|bin)/[\w./-]*)`", CONTRIBUTING)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_contributing_names_every_module() -> None:
    found = [*(ROOT / "app").rglob("*.py"), *(ROOT / "settings").rglob("*.py")]
    modules = [path for path in found if path.name not in {"__init__.py", "__main__.py"}]
    unnamed = [path for path in modules if f"{path.name}`" not in CONTRIBUTING and path.parent.name != "cli"]
    assert unnamed == []


def test_every_command_that_the_documents_show_exists(app: Flask) -> None:
    groups = ("campaign", "contacts", "legislators", "outbox", "signatures")
    pattern = rf"(?:flask|redress) ({'|'.join(groups)}) (\w+)"
    shown = {
        (group, command)
        for document in DOCUMENTS
        for group, command in re.findall(pattern, document.read_text(encoding="utf-8"))
    }
    assert ("campaign", "import") in shown
    there = {(group, command) for group in groups for command in getattr(app.cli.commands[group], "commands", {})}
    assert shown <= there


def test_operating_explains_every_state_of_a_delivery() -> None:
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert [state for state in DeliveryState if f"`{state}`" not in text] == []


def test_operating_says_the_days_that_the_code_keeps(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    kept = text.partition("## What is kept, and how long")[2].partition("\n## ")[0]
    config = factories.config(tmp_path)
    assert f"`KEEP_PENDING`, {config.keep_pending.days} days" in kept
    assert f"`KEEP_LETTERS`, {config.keep_letters.days} days" in kept
    assert f"| {DIGESTS.total_seconds() / 3600:.0f} hours |" in kept
    assert f"| {PROOF.days // 365} years |" in kept
    assert f"none older than {KEPT_FOR.days} days" in kept


def test_no_campaign_can_take_the_address_of_a_page(app: Flask) -> None:
    first_words = {rule.rule.split("/")[1] for rule in app.url_map.iter_rules()} - {"", "<slug>"}
    assert first_words
    assert first_words <= set(RESERVED_SLUGS)


def test_every_word_on_a_page_goes_through_gettext() -> None:
    bare = {}
    for template in (ROOT / "app" / "templates").rglob("*.*"):
        words = re.findall(r"[A-Za-z]{2,}", NOT_WORDS.sub(" ", template.read_text(encoding="utf-8")))
        if words:
            bare[template.name] = words
    assert bare == {}
