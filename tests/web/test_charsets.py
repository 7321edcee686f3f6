"""Links and forms in other charsets than ours: read as what they are, or left out with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.web.charsets import pairs
from tests.factories import Clock, stored
from tests.pages import Visitor, parse
from tests.web.test_links import FOREIGN


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"a=Jos%C3%A9", "José"),
        (b"a=Jos%E9", "José"),
        (b"a=Jos\xe9", "José"),
        (b"a=Mu%F1oz+P%E9rez", "Muñoz Pérez"),
        (b"a=O%92Brien", "O’Brien"),
        (b"a=%93Ren%E9e%94", "“Renée”"),
        (b"a=%D6&_charset_=iso-8859-1", "Ö"),
        (b"a=%C8%E2%E0%ED&_charset_=windows-1251", "Иван"),
        (b"_charset_=Shift_JIS&a=%93%FA%96%7B", "日本"),
        (b"a=%25E9", "%E9"),
        (b"a=%", "%"),
        (b"a", ""),
        # What was cut, or could be anything, is not guessed at.
        (b"a=Jos%C3", "Jos\ufffd"),
        (b"a=%C3%A9t%E9", "ét\ufffd"),
        (b"a=%C8%E2%E0%ED", "\ufffd" * 4),
        (b"a=%F0%9F%98", "\ufffd"),
        (b"a=%FF%FE", "\ufffd" * 2),
        (b"a=x%81", "x\ufffd"),
        (b"a=A%ACb&_charset_=unicode_escape", "A\ufffdb"),
        (b"a=J%E9&_charset_=zip", "J\u00e9"),
    ],
)
def test_a_value_is_read_in_the_charset_in_which_it_was_written(data: bytes, value: str) -> None:
    assert dict(pairs(data))["a"] == value


def test_the_charset_that_a_program_names_counts() -> None:
    assert dict(pairs(b"a=%C8%E2%E0%ED", "windows-1251"))["a"] == "Иван"
    assert dict(pairs("a=Иван".encode(), "iso-8859-1"))["a"] == "Иван"


@pytest.mark.parametrize("link", ["given-name=Jos%E9", "given-name=Jose%CC%81"])
def test_a_link_in_another_charset_fills_in_the_name(visitor: Visitor, link: str) -> None:
    page = visitor.open(f"/reunite-families?{link}")

    assert (page.values["given-name"], page.errors) == ("José", [])
    assert visitor.open(f"/?{link}").values["given-name"] == "José"


def test_a_link_that_cannot_be_read_leaves_its_field_empty_and_says_why(visitor: Visitor) -> None:
    page = visitor.open("/reunite-families?given-name=Jos%C3&family-name=Ruiz")

    assert (page.values["given-name"], page.values["family-name"]) == ("", "Ruiz")
    assert page.errors == ["First name: fill this in yourself; what the link or form held cannot stand here."]


@pytest.mark.parametrize(
    ("body", "kind", "values"),
    [
        (b"given-name=Jos%E9&own-words=Ma%F1ana", "", ("José", "Mañana")),
        (b"given-name=%C8%E2%E0%ED", "; charset=windows-1251", ("Иван", "")),
        (b"given-name=%C8%E2%E0%ED&own-words=%C8%E2%E0%ED", "", ("", "")),
    ],
)
def test_the_form_of_a_partner_may_be_in_another_charset(
    visitor: Visitor, clock: Clock, data_dir: Path, body: bytes, kind: str, values: tuple[str, str]
) -> None:
    headers = {name.replace("_", "-"): value for name, value in FOREIGN.items()}
    answer = visitor.app.test_client().post(
        "/reunite-families", data=body, content_type=f"application/x-www-form-urlencoded{kind}", headers=headers
    )
    root = parse(answer.text)
    (name,) = [field for field in root.iter("input") if field.get("name") == "given-name"]
    (words,) = [field for field in root.iter("textarea") if field.get("name") == "own-words"] or [None]

    assert answer.status_code == 200
    assert (name.get("value", ""), "".join(words.itertext()).strip() if words is not None else "") == values
    assert ("fill this in yourself" in answer.text) == (not all(values) and b"own-words" in body)
    assert "\ufffd" not in answer.text
    assert stored(data_dir)["signature"] == 0
