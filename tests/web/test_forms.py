"""The form's fields: what browsers and screen readers are told of them, and what becomes of what is typed."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from app.addresses import STATES
from app.web.forms import SignForm
from tests.factories import Clock, supporter
from tests.pages import Visitor
from tests.web.steps import begin


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
    assert values == ["", *STATES, "AA", "AE", "AP"]
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


# What browsers and password managers look for in names, ids and labels
# (https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#autofill-field and Chromium's
# components/autofill/core/common/autofill_regex_constants.h, shortened to what decides).
FILLED = re.compile(
    "name|nick|title|prefix|suffix|mail|correo|phone|tel|mobile|fax|contact|street|address|direcci|line[0-9]|suite|unit|apt|"
    "city|town|ciudad|localidad|suburb|state|estado|province|provincia|region|county|zip|postal|post.?code|codigo|country|pais|"
    "company|organi[sz]ation|empresa|business|firm|url|web|site|link|home|user|login|account|id$|pass|pin|otp|one-time|code|"
    "verif|captcha|token|card|cc-|cvc|cvv|csc|exp|iban|bank|number|amount|currency|price|qty|coupon|promo|gift|bday|birth|"
    "day|month|year|age|sex|gender|language|photo|impp|message|subject|comment|note|search|query|\\bq\\b|first|last|middle|"
    "given|family|honorific|additional|nombre|apellido|level[0-9]|area|local|extension|\\bext\\b|room|floor|cedex|stadt|ort\\b",
    re.IGNORECASE,
)


def test_the_trap_is_out_of_the_way_of_the_keyboard_and_no_program_knows_what_to_fill_in(visitor: Visitor) -> None:
    page = visitor.open("/reunite-families")

    (trap,) = [field for field in page.all("input") if field.get("tabindex") == "-1" and field.get("type") == "text"]
    (label,) = [label for label in page.all("label") if label.get("for") == trap.get("id")]
    assert trap.get("autocomplete") == "off"
    assert "Leave this field empty" in "".join(label.itertext())
    for words in (trap.get("name"), trap.get("id"), *label.itertext(), *trap.attrib.values()):
        assert not FILLED.search(words.removesuffix("text")), words
    spanish = visitor.open("/reunite-families?lang=es")
    (label,) = [label for label in spanish.all("label") if label.get("for") == trap.get("id")]
    assert not FILLED.search("".join(label.itertext()))


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
    assert (made.district.data, made.replaces) == ("", "")


def test_what_nobody_typed_is_no_more_than_the_form_could_hold(sandbox: Flask) -> None:
    long, every = "x" * 200_000, [f"TX-{number}" for number in range(38)]
    seats = ["WY-S1", "TX-37", "PR-AL", "AE-1", "XX-AL", "WY-S9", "<b>", *every]
    typed = MultiDict(dict.fromkeys((*HIDDEN, "district", "other-district", "left-out", "write-to", "offered"), long))
    typed.setlist("left-out", [*seats, long] * 100)
    with sandbox.test_request_context("/"):
        made = SignForm(typed)

        assert [getattr(made, name.replace("-", "_")) for name in HIDDEN] == [""] * len(HIDDEN)
        assert len(str(made.carried)) < 1000
        assert (made.district.data, made.other_district.data) == ("", "")
        assert {"WY-S1", "TX-37", "PR-AL"} <= made.seats_left_out <= {*seats[:3], *every[1:]}
        assert len(made.seats_left_out) <= 20
        assert len(str(made.changes(made.seats_left_out))) < 300


HIDDEN = ("seal", "chosen-for", "looked-up", "replaces", "told", "parts-of", "asked-email")


@pytest.mark.parametrize("military", ["AA", "AE", "AP"])
def test_military_mail_gets_its_sentence_in_the_form_and_from_a_link(
    visitor: Visitor, clock: Clock, military: str
) -> None:
    page = begin(visitor, clock, address_level1=military, postal_code="09012").press("Show me my letters")
    (sentence,) = page.errors
    assert sentence.endswith(
        f"({military}) is military mail, which has no district. "
        "Enter the address in the States where you are registered to vote."
    )

    page = visitor.open(f"/reunite-families?address-level1={military.lower()}")
    assert (page.errors, page.values["address-level1"]) == ([sentence], military)


def test_a_sentence_of_an_error_is_escaped(visitor: Visitor, sandbox: Flask) -> None:
    assert [type(sentence) for _id, sentence in form(sandbox, given_name="<b>").shown_errors()] == [str]
