"""Every sentence of the code is translated, whole, and with the same values in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from app.web.languages import DEFAULT, LANGUAGES
from config import ROOT

FOLDER = ROOT / "app" / "translations"
TRANSLATED = sorted(set(LANGUAGES) - {DEFAULT})
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]|%%|%")
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2), "N_": None}
Id = str | tuple[str, ...]


def sentences() -> set[Id]:
    """What the code says through gettext, found as `bin/translate` finds it."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found = extract_from_dir(str(ROOT / "app"), [(f"{m.removeprefix('app/')}", how) for m, how in methods], {
        pattern.removeprefix("app/"): values for pattern, values in options.items()
    }, keywords=KEYWORDS)  # fmt: skip
    return {message for _file, _line, message, _comments, _context in found}


def catalog(language: str) -> Catalog:
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def messages(language: str) -> Iterator[Message]:
    return (message for message in catalog(language) if message.id)


def texts(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


def values(text: str) -> list[str]:
    """The places in a text where something is put in, and per cent signs."""
    return sorted(PLACEHOLDER.findall(text))


def test_there_is_a_folder_for_each_language_and_no_other() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == TRANSLATED


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_of_the_code_has_its_place_and_nothing_else_has_one(language: str) -> None:
    known = {_hashable(message.id) for message in messages(language)}

    assert sentences() - known == set(), "run bin/translate"
    assert known - sentences() == set(), "run bin/translate"
    assert len(known) > 400


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_is_translated_for_good(language: str) -> None:
    missing = [message.id for message in messages(language) if message.fuzzy or not all(texts(message))]

    assert missing == []
    assert not list(catalog(language).obsolete)


@pytest.mark.parametrize("language", TRANSLATED)
def test_plurals_have_all_their_forms(language: str) -> None:
    plural = catalog(language).num_plurals

    assert [m.id for m in messages(language) if m.pluralizable and len(texts(m)) != plural] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_names_the_values_that_the_sentence_has_and_no_others(language: str) -> None:
    wrong = []
    for message in messages(language):
        originals = [message.id] if isinstance(message.id, str) else list(message.id)
        allowed = [values(original) for original in originals]
        for position, text in enumerate(texts(message)):
            if values(text) != allowed[min(position, len(allowed) - 1)]:
                wrong.append((message.id, text))

    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_keeps_blanks_at_the_ends_and_marks_that_are_not_words(language: str) -> None:
    wrong = []
    for message in messages(language):
        original = message.id if isinstance(message.id, str) else message.id[0]
        for text in texts(message):
            ends = [(one[:1].isspace(), one[-1:].isspace(), one.count("\n")) for one in (original, text)]
            if ends[0] != ends[1] or "!" in text or "¡" in text:
                wrong.append(text)

    assert wrong == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_is_read_at_run_time_was_made_from_what_is_edited(language: str) -> None:
    with (FOLDER / language / "LC_MESSAGES" / "messages.mo").open("rb") as file:
        compiled = read_mo(file)

    made = {_hashable(message.id): _hashable(message.string) for message in compiled if message.id}
    edited = {_hashable(message.id): _hashable(message.string) for message in messages(language)}
    assert made == edited, "run bin/translate"


def _hashable(text: str | list[str] | tuple[str, ...] | None) -> Id:
    return text if isinstance(text, str) else tuple(text or ())
