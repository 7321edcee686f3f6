"""The campaign page: what people type into it, what comes back with what to do, and what programs do."""

from __future__ import annotations

from pathlib import Path

from tests.factories import Clock, stored, supporter
from tests.pages import Visitor
from tests.web.steps import NOTHING, SEND, SHOW, assert_kept, begin

EMPTY = {
    "given_name": "Enter your first name.",
    "family_name": "Enter your last name.",
    "address_line1": "Enter your street address, like 12 Main Street.",
    "address_level2": "Enter your city or town.",
    "address_level1": "Choose your state.",
    "postal_code": "Enter your ZIP code, like 94110.",
    "email": "Enter your e-mail address, like name@example.com.",
}


def test_an_empty_field_says_what_to_enter(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    for name, sentence in EMPTY.items():
        for blank in ("", "   ") if name != "address_level1" else ("",):
            page = begin(visitor, clock, **{name: blank}).press(SHOW)

            assert page.status == 422
            assert page.errors == [sentence]
            assert page.title.startswith("Error: ")
            assert_kept(page, **{other: value for other, value in supporter().items() if other != name})
            control = page.control(name.replace("_", "-"))
            assert control.get("aria-invalid") == "true"
            assert any(id_.endswith("-error") for id_ in control.get("aria-describedby").split())
    assert stored(data_dir) == NOTHING


def test_all_fields_empty_are_all_named_in_the_order_of_the_page(visitor: Visitor, clock: Clock) -> None:
    visitor.open("/reunite-families")
    clock.forward(seconds=30)

    page = visitor.press(SHOW)

    assert page.errors == list(EMPTY.values())
    assert "There are 7 things to mend" in page.text


def test_a_form_with_no_field_at_all_is_answered_like_an_empty_one(visitor: Visitor, clock: Clock) -> None:
    visitor.open("/reunite-families")
    clock.forward(seconds=30)

    page = visitor.post("/reunite-families", [("token", visitor.page.values["token"]), ("show", SHOW)])

    assert page.status == 422
    assert page.errors == list(EMPTY.values())


BAD = [
    ("given_name", "x" * 10_240, "shorten this to 100 characters; it has "),
    ("family_name", "é" * 10_240, "shorten this to 100 characters; it has "),
    ("address_line1", "x" * 10_240, "shorten this to 200 characters; it has "),
    ("address_line2", "x" * 10_240, "shorten this to 200 characters; it has "),
    ("address_level2", "x" * 10_240, "shorten this to 100 characters; it has "),
    ("postal_code", "9" * 10_240, "shorten this to 20 characters; it has "),
    ("email", f"{'a' * 10_240}@example.org", "shorten this to 254 characters; it has "),
    *((name, "A\x00na", "characters that cannot be shown") for name in ("given_name", "address_line1", "email")),
    *(
        (name, f"A{c}na", "characters that cannot be shown")
        for name in ("family_name", "address_level2")
        for c in "\x07\x1b\x7f\x85\u202e\u2066\u2028\uffff"
    ),
    ("address_line2", "Apt\r\nBcc: all@example.org", "characters that cannot be shown"),
    ("given_name", "Ana\nBcc: all@example.org", "characters that cannot be shown"),
    ("given_name", "<b>Ana</b>", "leave out the characters < and >."),
    ("address_line1", "<script>alert(1)</script>", "leave out the characters < and >."),
    ("given_name", "[Your Name]", "type your own words in place of the brackets."),
    ("address_line1", "[Your Address]", "type your own words in place of the brackets."),
    ("address_level2", "[Decision Maker]", "type your own words in place of the brackets."),
    ("given_name", "=cmd()", "Begin the name with a letter."),
    ("family_name", "@SUM(A1)", "Begin the name with a letter."),
    ("given_name", "12345", "Enter your name in letters."),
    ("family_name", "https://example.org", "Enter a name without a link."),
    ("given_name", "www.example.org", "Enter a name without a link."),
    ("postal_code", "8200", "Enter your ZIP code, like 94110."),
    ("postal_code", "SW1A 1AA", "Enter your ZIP code, like 94110."),
    ("postal_code", "٨٢٠٠١", "Enter your ZIP code, like 94110."),
    ("email", "ana", "Enter your e-mail address, like name@example.com."),
    ("email", "ana@", "Enter your e-mail address, like name@example.com."),
    ("email", "ana@localhost", "Enter your e-mail address, like name@example.com."),
    ("email", "ana@@example.org", "Enter your e-mail address, like name@example.com."),
    ("email", "Ana <ana@example.org>", "leave out the characters < and >."),
    ("email", "ana@example.org, bo@example.org", "Enter your e-mail address, like name@example.com."),
    ("email", "ana@[127.0.0.1]", "Enter your e-mail address, like name@example.com."),
    ("email", "=?utf-8?q?x=0D=0ABcc=3A_v?=@example.org", "Enter your e-mail address, like name@example.com."),
    ("email", "=?utf-8?b?AAAA?=@example.org", "Enter your e-mail address, like name@example.com."),
    ("email", "senator@barrasso.senate.gov", "Enter your own e-mail address, not one of an office."),
    ("email", "rep@MAIL.HOUSE.GOV", "Enter your own e-mail address, not one of an office."),
]


def test_a_value_that_cannot_stand_in_a_letter_comes_back_with_what_to_do(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    for name, value, sentence in BAD:
        page = begin(visitor, clock, **{name: value}).press(SHOW)

        assert page.status == 422, (name, value[:80])
        assert len(page.errors) == 1, (name, value[:80], page.errors)
        assert sentence in page.errors[0]
        assert_kept(page, **{n: v for n, v in supporter().items() if n != name})
        if value.isprintable() and "\u202e" not in value:
            assert_kept(page, **{name: value})
    assert stored(data_dir) == NOTHING


GOOD = [
    ("given_name", "Mary-Jane"),
    ("family_name", "O’Brien d'Arc, Jr."),
    ("given_name", "李"),
    ("given_name", "שרה"),
    ("family_name", "García {{ 7*7 }} %(name)s"),
    ("given_name", "José[a]"),
    ("address_line1", "1200 Randall Ave # 3 & “B”"),
    ("address_line2", "=3"),
    ("postal_code", "82001-1234"),
    ("postal_code", " 82001 "),
    ("email", "Ana.Garcia+tag@Example.ORG"),
    ("email", "ana@bücher.example"),
    ("email", "o'hara@example.org"),
]


def test_what_people_are_really_called_passes(visitor: Visitor, clock: Clock) -> None:
    for name, value in GOOD:
        page = begin(visitor, clock, **{name: value}).press(SHOW)

        assert page.status == 200, (name, value, page.errors)
        assert SEND in page.buttons


def test_a_state_that_is_not_in_the_list_asks_to_choose_one(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock)
    path, fields = visitor.ready(SHOW)

    page = visitor.post(path, [(n, "ZZ" if n == "address-level1" else v) for n, v in fields])

    assert page.status == 422
    assert page.errors == ["Choose your state."]
    assert_kept(page, given_name="Ana", postal_code="82001")


def test_a_field_sent_twice_counts_once(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock)
    path, fields = visitor.ready(SHOW)

    page = visitor.post(path, [*fields, ("given-name", "Eve"), ("address-level1", "CA")])

    assert all("Ana García Ruiz" in letter for letter in page.letters)


def test_what_is_typed_is_escaped_on_the_page(visitor: Visitor, clock: Clock) -> None:
    page = begin(visitor, clock, given_name='"><script>alert(1)</script>').press(SHOW)

    assert "<script" not in page.html
    assert_kept(page, given_name='"><script>alert(1)</script>')


# --- programs, and who is as quick as one --------------------------------------------------------------------


def test_a_program_that_fills_in_the_trap_is_told_what_to_do(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    page = begin(visitor, clock, website="https://example.org").press(SHOW)

    assert page.status == 422
    assert page.errors == ["Leave this field empty: it is there to stop programs."]
    assert_kept(page, **supporter())
    assert stored(data_dir) == NOTHING


def test_who_is_quicker_than_a_person_is_asked_to_press_again(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    visitor.open("/reunite-families")
    clock.forward(seconds=2)
    page = visitor.fill(**supporter()).press(SHOW)

    assert page.status == 422
    assert "you are no program" in page.notice
    assert_kept(page, **supporter())
    assert stored(data_dir) == NOTHING

    clock.forward(seconds=2)
    assert len(visitor.press(SHOW).letters) == 3


def test_mistakes_are_named_even_to_somebody_very_quick(visitor: Visitor) -> None:
    visitor.open("/reunite-families")

    assert len(visitor.press(SHOW).errors) == 7
