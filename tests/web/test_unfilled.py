"""Placeholders that mailing programs left unfilled."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from app.web.unfilled import is_unfilled, unfilled
from tests.pages import Visitor
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


def test_no_placeholder_becomes_a_source(visitor: Visitor) -> None:
    assert "source" not in visitor.open("/reunite-families?source=*%7CCAMPAIGN%7C*").values
