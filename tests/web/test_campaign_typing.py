"""The campaign page: what people type into it, what comes back with what to do, and what programs do."""

from __future__ import annotations

from pathlib import Path

from tests.factories import Clock, stored, supporter
from tests.pages import Visitor
from tests.web.steps import NOTHING, SEND, SHOW, assert_kept, begin

EMPTY = {
    "given_name": "Enter your first name.",
    "family_name": "Enter your last name. If you have only one name, tick “I have only one name”.",
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


ADDRESS = "Enter your e-mail address, like name@example.com."
ZIP = "Enter your ZIP code, like 94110."
BAD = [
    ("given_name", "x" * 10_240, "shorten this to 100 characters; it has "),
    ("family_name", "é" * 10_240, "shorten this to 100 characters; it has "),
    ("address_line1", "x" * 10_240, "shorten this to 200 characters; it has "),
    ("address_line2", "x" * 10_240, "shorten this to 200 characters; it has "),
    ("address_level2", "x" * 10_240, "shorten this to 100 characters; it has "),
    ("postal_code", "9" * 10_240, "shorten this to 20 characters; it has "),
    ("email", f"{'a' * 10_240}@example.org", "shorten this to 254 characters; it has "),
    *(
        (name, "A\x00na", "remove the invisible control character U+0000 after “A”.")
        for name in ("given_name", "address_line1", "email", "address_line2")
    ),
    ("family_name", "\x07na", "Last name: remove the invisible control character U+0007 at the beginning."),
    ("address_level2", "New \x1bna", "City: remove the invisible control character U+001B after “New”."),
    ("address_level2", "A\x7fna", "the invisible control character U+007F after “A”."),
    ("family_name", "Ana B\uffff", "remove the invisible sign U+FFFF, which is no character after “Ana B”."),
    ("given_name", "Jos\ufffd", "remove the sign � (something was there that nobody can read) after “Jos”."),
    ("given_name", "<b>Ana</b>", "leave out the characters < and >."),
    ("address_line1", "<script>alert(1)</script>", "leave out the characters < and >."),
    ("given_name", "[Your Name]", "type your own words in place of the brackets."),
    ("address_line1", "[Your Address]", "type your own words in place of the brackets."),
    ("address_level2", "[Decision\u00a0Maker]", "type your own words in place of the brackets."),
    ("given_name", "*|FNAME|*", "*|FNAME|* is a placeholder that a program has left."),
    ("address_level2", "{{ contact.CITY }}", "{{ contact.CITY }} is a placeholder that a program has left."),
    ("given_name", "=cmd()", "Begin the name with a letter."),
    ("family_name", "@SUM(A1)", "Begin the name with a letter."),
    ("given_name", "12345", "Enter your name in letters."),
    ("family_name", "https://example.org", "Enter a name without a link."),
    ("given_name", "www.example.org", "Enter a name without a link."),
    ("given_name", "-", "Enter your first name."),
    *((name, nothing, "If you have only one name, tick “I have only one name”.") for name in ("family_name",)
      for nothing in ("-", "–", ".", "***", "N/A", "\u200b")),
    ("postal_code", "8200", f"{ZIP} It has five digits; yours has 4."),
    ("postal_code", "82001-12", f"{ZIP} Behind the hyphen stand four digits, or nothing."),
    ("postal_code", "820011", f"{ZIP} It has five digits; yours has 6."),
    ("postal_code", "8200l", f"{ZIP} “l” cannot stand in it."),
    ("postal_code", "SW1A 1AA", f"{ZIP} “S” cannot stand in it."),
    ("postal_code", "8200\x07", "ZIP code: remove the invisible control character U+0007 after “8200”."),
    ("address_level1", "AE", "Armed Forces Europe (AE) is military mail, which has no district."),
    ("email", "ana", f"{ADDRESS} The @ is missing."),
    ("email", "ana@", f"{ADDRESS} Behind the @ something is missing, like example.com."),
    ("email", "@example.org", f"{ADDRESS} Before the @ something is missing."),
    ("email", "ana@localhost", f"{ADDRESS} Behind the @ a dot is missing, like the one in example.com."),
    ("email", "ana@@example.org", f"{ADDRESS} It has one @; yours has more."),
    ("email", "ana@bo@example.org", f"{ADDRESS} It has one @; yours has more."),
    ("email", "Ana <ana@example.org>", f"{ADDRESS} Enter it alone: ana@example.org"),
    ("email", "<ana@example.org>", f"{ADDRESS} Enter it alone: ana@example.org"),
    ("email", "mailto:ana@example.org", f"{ADDRESS} Enter it alone: ana@example.org"),
    ("email", "ana@example.org.", f"{ADDRESS} Enter it alone: ana@example.org"),
    ("email", "ana@example.org, bo@example.org", f"{ADDRESS} Enter one address only."),
    ("email", "ana ruiz@example.org", f"{ADDRESS} There is a blank after “ana”: leave it out."),
    ("email", "ana..ruiz@example.org", f"{ADDRESS} There are two dots side by side."),
    ("email", "ana.@example.org", "No dot can stand at its beginning, at its end, or beside the @."),
    ("email", "ana@example,org", "It has a comma where a dot belongs: ana@example.org"),
    ("email", "jörg@example.org", "“ö” (U+00F6) cannot stand before the @"),
    ("email", "аna@example.org", "“а” (U+0430) cannot stand before the @"),
    ("email", "ana@exa_mple.org", f"{ADDRESS} “_” cannot stand in it."),
    ("email", "ana@[127.0.0.1]", f"{ADDRESS} No mail can get to “[127.0.0.1]”."),
    ("email", "ana@example.invalid", f"{ADDRESS} No mail can get to “example.invalid”."),
    ("email", "www.example.org/ana", f"{ADDRESS} This is the address of a web page."),
    ("email", "=?utf-8?q?x=0D=0ABcc=3A_v?=@example.org", f"{ADDRESS} “=?” cannot stand in it."),
    ("email", "=?utf-8?b?AAAA?=@example.org", f"{ADDRESS} “=?” cannot stand in it."),
    ("email", "senator@barrasso.senate.gov", "Enter your own e-mail address, not one of an office."),
    ("email", "rep@MAIL.HOUSE.GOV", "Enter your own e-mail address, not one of an office."),
]  # fmt: skip


def test_a_value_that_cannot_stand_in_a_letter_comes_back_with_what_to_do(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    for name, value, sentence in BAD:
        page = begin(visitor, clock, **{name: value}).press(SHOW)

        assert page.status == 422, (name, value[:80])
        assert len(page.errors) == 1, (name, value[:80], page.errors)
        assert sentence in page.errors[0]
        assert_kept(page, **{n: v for n, v in supporter().items() if n != name})
        if value.isprintable() and value.isascii():
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


PASTED = [
    ("given_name", "Jose\u0301\u200b", "José"),
    ("given_name", "Ana\u00a0\u2003Mar\u00adía", "Ana María"),
    ("family_name", "\u202aO’Brien\u202c\ufeff", "O’Brien"),
    ("family_name", "Smith–Jones", "Smith–Jones"),
    ("given_name", "\u0646\u0627\u0632\u200c\u0646\u06cc\u0646", "\u0646\u0627\u0632\u200c\u0646\u06cc\u0646"),
    ("address_line1", "1200\u2028Randall\u202fAvenue", "1200 Randall Avenue"),
    ("address_level2", "Chey\u200benne", "Cheyenne"),
    ("postal_code", "82001\u20131234", "82001-1234"),
    ("postal_code", "8200\u200b1", "82001"),
    ("postal_code", "WY 82001", "82001"),
    ("postal_code", "٨٢٠٠١", "82001"),
    ("email", "ana.garcia\uff20example\uff0eorg\u200b", "ana.garcia@example.org"),
    ("email", "mary\u2011jane@example.org", "mary-jane@example.org"),
]


def test_what_comes_with_a_paste_is_put_right_on_the_page_and_in_the_letters(visitor: Visitor, clock: Clock) -> None:
    for name, value, kept in PASTED:
        page = begin(visitor, clock, **{name: value}).press(SHOW)

        assert page.status == 200, (name, ascii(value), page.errors)
        assert_kept(page, **{name: kept})
        assert all(kept in letter for letter in page.letters)


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


# --- an address that somebody probably did not mean ----------------------------------------------------------


MEANT = "Did you mean ana@gmail.com? If ana@gmial.con is right, press the button once more."


def test_a_probable_slip_in_the_address_is_asked_about_once(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    page = begin(visitor, clock, email="ana@gmial.con").press(SHOW)
    assert (page.status, page.errors) == (422, [MEANT])
    assert_kept(page, email="ana@gmial.con")
    assert {"Use ana@gmail.com", "My address is right"} <= set(page.buttons)

    assert len(visitor.press(SHOW).letters) == 3
    assert visitor.press(SEND).heading == "Check your e-mail"
    assert stored(data_dir)["signature"] == 1


def test_either_answer_is_one_press(visitor: Visitor, clock: Clock) -> None:
    for button, address in (("My address is right", "ana@gmial.con"), ("Use ana@gmail.com", "ana@gmail.com")):
        begin(visitor, clock, email="ana@gmial.con").press(SHOW)
        page = visitor.press(button)

        assert len(page.letters) == 3
        assert_kept(page, email=address)


def test_another_slip_is_another_question_and_a_changed_language_answers_none(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock, email="ana@gmial.con").press(SHOW)
    assert visitor.fill(email="ana@yahooo.com").press(SHOW).errors[0].startswith("Did you mean ana@yahoo.com?")

    begin(visitor, clock).press(SHOW)
    visitor.fill(email="ana@gmial.con").press("Español")
    assert visitor.press("Ver mis cartas").status == 422


def test_a_question_does_not_hide_what_is_wrong(visitor: Visitor, clock: Clock) -> None:
    page = begin(visitor, clock, email="ana@gmial.con", postal_code="").press(SHOW)

    assert page.errors == ["Enter your ZIP code, like 94110.", MEANT]
    assert len(visitor.fill(postal_code="82001").press(SHOW).letters) == 3


# --- programs, and who is as quick as one --------------------------------------------------------------------


def test_a_program_that_fills_in_the_trap_is_told_what_to_do(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    page = begin(visitor, clock, further_wishes="https://example.org").press(SHOW)

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
