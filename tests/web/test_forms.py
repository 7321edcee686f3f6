"""The form's fields: what browsers and screen readers are told of them, and what becomes of what is typed."""

from __future__ import annotations

from flask import Flask
from werkzeug.datastructures import MultiDict

from app.addresses import STATES
from app.web.forms import SignForm
from tests.factories import supporter
from tests.pages import Visitor


def form(app: Flask, **other: str) -> SignForm:
    """The form as posted by the person of the factories."""
    typed = {name.replace("_", "-"): value for name, value in supporter(**other).items()}
    with app.test_request_context("/"):
        made = SignForm(MultiDict(typed))
        made.validate()
        return made


def test_browsers_can_fill_in_what_they_know(visitor: Visitor) -> None:
    page = visitor.open("/reunite-families")

    tokens = {name.replace("_", "-"): page.control(name.replace("_", "-")).get("autocomplete") for name in supporter()}
    assert tokens == {name: name for name in tokens}
    assert page.control("postal-code").get("inputmode") == "numeric"
    assert page.control("email").get("type") == "email"


def test_every_state_district_and_territory_can_be_chosen_and_none_is_preset(visitor: Visitor) -> None:
    select = visitor.open("/reunite-families").control("address-level1")

    values = [option.get("value") for option in select.iter("option")]
    assert values == ["", *STATES]
    assert len(STATES) == 56
    assert all(option.get("selected") is None or option.get("value") == "" for option in select.iter("option"))


def test_required_is_said_in_words_and_left_to_us(visitor: Visitor) -> None:
    page = visitor.open("/reunite-families")

    labels = {label.get("for"): " ".join("".join(label.itertext()).split()) for label in page.all("label")}
    required = {name for name, words in labels.items() if "(required) *" in words}
    assert required == {name.replace("_", "-") for name in supporter()} - {"address-line2"}
    assert "*Required fields" in page.text
    assert all(element.get("required") is None for tag in ("input", "select") for element in page.all(tag))
    assert all(element.get("placeholder") is None for element in page.all("input"))
    assert page.find("form").get("novalidate") is not None


def test_the_trap_is_out_of_the_way_of_the_keyboard_and_says_what_it_is(visitor: Visitor) -> None:
    page = visitor.open("/reunite-families")

    trap = page.control("website")
    (label,) = [label for label in page.all("label") if label.get("for") == trap.get("id")]
    assert (trap.get("tabindex"), trap.get("autocomplete")) == ("-1", "off")
    assert "Leave this field empty" in "".join(label.itertext())


def test_a_signer_comes_out_tidied(sandbox: Flask) -> None:
    signer = form(
        sandbox, given_name="  Ana ", postal_code="820011234", email=" Ana@BÜCHER.example ", address_line2="  "
    ).signer()

    assert signer.name == "Ana García Ruiz"
    assert signer.email == "Ana@xn--bcher-kva.example"
    assert (signer.address.zip, signer.address.zip5) == ("82001-1234", "82001")
    assert signer.address.street == "1200 Randall Avenue"


def test_a_choice_counts_only_for_the_place_for_which_it_was_made(sandbox: Flask) -> None:
    chosen = {"district": "senators-only"}

    assert form(sandbox, **chosen, chosen_for="0 WY 82001").entry().district == "senators-only"
    assert form(sandbox, **chosen, chosen_for="0 WY 82009").entry().district == ""
    assert form(sandbox, **chosen, chosen_for="119 WY 82001").entry().district == ""  # of another Congress
    assert form(sandbox, **chosen).entry().district == ""


def test_being_sure_of_the_state_counts_only_for_the_zip_code_it_was_said_of(sandbox: Flask) -> None:
    assert form(sandbox, sure_of_state="y", chosen_for="0 WY 82001").entry().sure_of_state
    assert not form(sandbox, sure_of_state="y", chosen_for="0 WY 57701").entry().sure_of_state


def test_what_no_page_can_hold_is_shown_as_the_sign_for_it(sandbox: Flask) -> None:
    made = form(sandbox, given_name="A\x00n\x1ba", district="\x00", replaces="\ufffe")

    assert made.given_name.data == "A\ufffdn\ufffda"
    assert (made.district.data, made.replaces) == ("\ufffd", "\ufffd")


def test_a_sentence_of_an_error_is_escaped(visitor: Visitor, sandbox: Flask) -> None:
    assert [type(sentence) for _id, sentence in form(sandbox, given_name="<b>").shown_errors()] == [str]
