"""Placeholders that mailing programs left unfilled."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from app.web.unfilled import decoded, is_unfilled, unfilled
from tests.factories import Clock
from tests.pages import Visitor
from tests.web.steps import SHOW, begin
from tests.web.test_links import FOREIGN

TAGS = [
    "*|FNAME|*", "{{first_name}}", "{{{name}}}", "%%FirstName%%", "[[FNAME]]", "{FNAME}", "$FNAME$", "[FIRST_NAME]",
    "%FIRSTNAME%", "#{name}", "@@NAME@@", "${first_name}", "{!Contact.FirstName}", "{$name}", "-FIRST_NAME-",
    "*|A|**|B|*",
    "%recipient.first_name%", "##FNAME##", "[firstname,fallback=there]", "first_name", "FNAME", "$first_name",
    "~FNAME~",
    "__NAME__", "{subscriber.first_name}",
]  # fmt: skip
SPACED = (
    "{{ contact.FIRSTNAME }}", "<%= name %>", "<<First Name>>", "[% name %]", "{% if name %}", "((first name))",
    "{{ name | default: 'friend' }}", "*|FNAME|* {{last_name}}",
)  # fmt: skip


@pytest.mark.parametrize("tag", [*TAGS, *SPACED])
def test_a_placeholder_is_noticed(tag: str) -> None:
    assert unfilled(tag)


@pytest.mark.parametrize("text", ["Dear *|FNAME|*", "12 {{ street }}", "Ana [[LNAME]]"])
def test_one_among_words_is_noticed_where_somebody_else_has_filled_in_the_form(text: str) -> None:
    assert unfilled(text)
    assert not is_unfilled(text)


@pytest.mark.parametrize(
    "text",
    [
        "Ana", "José[a]", "O’Brien", "Anna-Maria", "Apt #3", "100% Main", "12 Main St [rear]", "-", "#12", "=3",
        "1/2 Main", "*", "{}", 'J. R. "Bob" D.', "5 & 10", "Bldg -C-", "(rear)", "$", "a_b@example.org",
        "Name", "Ka‘iulani", "N/A",
    ],
)  # fmt: skip
def test_what_people_enter_is_none(text: str) -> None:
    assert not unfilled(text)
    assert not is_unfilled(text)


@pytest.mark.parametrize("tag", ["*|FNAME|*", "{{ contact.FIRSTNAME }}", "[FIRST_NAME]"])
def test_it_leaves_its_field_empty_and_says_why(visitor: Visitor, tag: str) -> None:
    for page in (
        visitor.open(f"/reunite-families?given-name={quote(tag)}&family-name=Ruiz"),
        visitor.post("/reunite-families", [("given-name", tag), ("family-name", "Ruiz")], **FOREIGN),
    ):
        assert (page.values["given-name"], page.values["family-name"]) == ("", "Ruiz")
        assert page.errors == [
            f"First name: fill this in yourself; the link or form held {tag}, which a program should have filled."
        ]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Jos%E9", "José"), ("Jos%C3%A9", "José"), ("JosÃ©", "José"), ("Ã\x81lvaro", "Álvaro"), ("Jos%u00e9", "José"),
        ("Jos&eacute;", "José"), ("Jos&#233;", "José"), ("&#1048;&#1074;", "Ив"), ("%u0418%u0432", "Ив"),
        ("Ana%20Mar", "Ana Mar"), ("O&#39;Brien", "O'Brien"), ("AT&T", "AT&T"), ("Ñandú", "Ñandú"),
    ],
)  # fmt: skip
def test_what_was_encoded_once_too_often_is_read(said: str, name: str) -> None:
    assert decoded(said) == name


@pytest.mark.parametrize("said", ["&bogus;", "Jos%E9&bogus;", "%FF%FE", "%ud800", "&#0;x", "%C3%A9%"])
def test_what_cannot_be_read_leaves_its_field_empty(visitor: Visitor, said: str) -> None:
    assert visitor.open(f"/reunite-families?given-name={quote(said)}").values["given-name"] == ""


def test_other_sites_and_links_fill_in_no_encoded_letters_and_nobody_signs_with_them(
    visitor: Visitor, clock: Clock
) -> None:
    page = visitor.open(f"/reunite-families?given-name={quote('Jos%E9')}&family-name={quote('Garc&iacute;a')}")
    assert (page.values["given-name"], page.values["family-name"]) == ("José", "García")
    from_latin_1 = [("given-name", "&#1048;&#1074;"), ("own-words", "&#1055;: 50%25")]
    page = visitor.post("/reunite-families", from_latin_1, **FOREIGN)
    assert (page.values["given-name"], page.values["own-words"]) == ("Ив", "П: 50%25")

    page = begin(visitor, clock, given_name="Jos%E9", family_name="Garc&iacute;a").press(SHOW)

    assert [error.partition(". ")[2] for error in page.errors] == [
        f"{tag} is a placeholder that a program has left." for tag in ("%E9", "&iacute;")
    ]


def test_no_placeholder_becomes_a_source(visitor: Visitor) -> None:
    assert "source" not in visitor.open("/reunite-families?source=*%7CCAMPAIGN%7C*").values
