"""Merge fields of a letter."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from app.addresses import PostalAddress, State
from app.campaigns.letters import (
    EDIT_FROM,
    EDIT_TO,
    Filled,
    MergeField,
    Paragraph,
    Part,
    Signer,
    fill,
    paragraphs,
    parts,
    parts_open,
)
from app.campaigns.targeting import Recipient
from app.legislators import Bioguide, DivisionId, Legislator, Role, Seat

ADDRESS = PostalAddress("12 Main Street", "Apt. 3", "Cheyenne", State("WY"), "82001")
SIGNER = Signer("Jane", "Doe", ADDRESS, "jane@example.com")
LUMMIS = Recipient(
    legislator=Legislator(
        bioguide=Bioguide("L000571"), seat=Seat("WY-S2"), role=Role.SENATOR, state=State("WY"),
        division=DivisionId("ocd-division/country:us/state:wy"), name="Cynthia M. Lummis", last_name="Lummis",
        party="Republican", since=date(2021, 1, 3), until=date(2027, 1, 3), phone="", address="", url="",
        contact_form="", offices=(),
    ),
    title="Senator Cynthia M. Lummis",
    greeting="Senator Lummis",
    detail="Republican, Wyoming",
)  # fmt: skip

LETTER = "Dear [Decision Maker],\n\nPlease act.\n\n[Your Name]\n[Your Address]\n[City, State ZIP]\n[Your Email]\n"
OPEN = (
    f"Dear [Decision Maker],\n\n{EDIT_FROM}\nI am a nurse.\n\nI have two children.\n{EDIT_TO}\n\nPlease act.\n"
    f"{EDIT_FROM}\n\nThank you.\n{EDIT_TO}\n\n\n[Your Name]"
)


def filled_text(letter: str, signer: Signer = SIGNER) -> str:
    return fill(letter, signer, LUMMIS).text


def test_a_letter_is_filled() -> None:
    assert fill(LETTER, SIGNER, LUMMIS) == Filled(
        "Dear Senator Lummis,",
        "Please act.\n\nJane Doe\n12 Main Street\nApt. 3\nCheyenne, WY 82001\njane@example.com",
    )


def test_without_own_words_the_letter_is_what_the_campaign_wrote() -> None:
    assert fill(LETTER, SIGNER, LUMMIS).text == (
        "Dear Senator Lummis,\n\nPlease act.\n\nJane Doe\n12 Main Street\nApt. 3\nCheyenne, WY 82001\njane@example.com"
    )


def test_what_a_signer_types_is_never_filled_again() -> None:
    address = replace(ADDRESS, line1="[Your Email]", line2="[Your Address]", city="[City, State ZIP]")
    signer = Signer("[Your Name]", "[Decision Maker] \\1 \\g<0>", address, "[x]@example.com")

    filled = filled_text("[Your Name]|[Your Address]|[City, State ZIP]|[Your Email]", signer)

    assert filled == (
        "[Your Name] [Decision Maker] \\1 \\g<0>|[Your Email], [Your Address]"
        "|[City, State ZIP], WY 82001|[x]@example.com"
    )


def test_a_street_stays_on_its_line_inside_a_sentence() -> None:
    assert filled_text("I live at [Your Address].") == "I live at 12 Main Street, Apt. 3."
    assert filled_text(" [Your Address] ") == " 12 Main Street\nApt. 3 "


def test_one_line_of_street_is_one_line() -> None:
    signer = replace(SIGNER, address=replace(ADDRESS, line2=""))

    assert filled_text("[Your Address]\n[City, State ZIP]", signer) == "12 Main Street\nCheyenne, WY 82001"


def test_fields_may_stand_side_by_side_and_twice() -> None:
    assert filled_text("[Your Name][Your Name]") == "Jane DoeJane Doe"


def test_blank_lines_around_are_gone_and_others_stay() -> None:
    assert filled_text("\n a\n\n\nb \n \n\n") == " a\n\n\nb "
    assert filled_text("\n\n") == ""


def test_a_name_of_one_word_has_no_blank() -> None:
    assert replace(SIGNER, family_name="").name == "Jane"


@pytest.mark.parametrize("text", ["[your name]", "[ Your Name ]", "[Your  Name]", "Your Name", "[Your Name", "[sic]"])
def test_only_the_exact_names_are_fields(text: str) -> None:
    assert parts(text) == (Part(text),)
    assert filled_text(text) == text


def test_parts_are_the_letter_in_order() -> None:
    assert parts("[[Your Name]] and [Your Email]") == (
        Part("["),
        Part("Your Name", MergeField.NAME),
        Part("] and "),
        Part("Your Email", MergeField.EMAIL),
    )
    assert parts("") == ()


def test_paragraphs_are_lines_of_parts() -> None:
    assert paragraphs("\nDear [Decision Maker],\n \n\na\nb\n\n") == (
        Paragraph(((Part("Dear "), Part("Decision Maker", MergeField.DECISION_MAKER), Part(",")),)),
        Paragraph(((Part("a"),), (Part("b"),))),
    )
    assert paragraphs("") == ()


def test_paragraphs_tell_which_are_open_and_leave_the_marks_out() -> None:
    shown = paragraphs(f"a\n{EDIT_FROM}\nb\n\nc\n {EDIT_TO} \nd\n\n{EDIT_FROM}\n\ne\n\n{EDIT_TO}")

    assert [(paragraph.lines[0][0].text, paragraph.open) for paragraph in shown] == [
        ("a", False), ("b", True), ("c", True), ("d", False), ("e", True),
    ]  # fmt: skip


def test_open_parts_are_their_suggested_texts() -> None:
    assert parts_open(OPEN) == ("I am a nurse.\n\nI have two children.", "Thank you.")
    assert parts_open(LETTER) == ()


@pytest.mark.parametrize(
    ("edits", "between", "end"),
    [
        ((), "I am a nurse.\n\nI have two children.\n\n", "\n\nThank you."),
        ((None, None), "I am a nurse.\n\nI have two children.\n\n", "\n\nThank you."),
        ((None, "Thanks!"), "I am a nurse.\n\nI have two children.\n\n", "\n\nThanks!"),
        (("I teach.",), "I teach.\n\n", "\n\nThank you."),
        (("\n  I teach.\n\n", " \n"), "  I teach.\n\n", ""),
        (("", None), "", "\n\nThank you."),
        (("", ""), "", ""),
        (("a", "b", "too many"), "a\n\n", "\n\nb"),
    ],
)
def test_open_parts_hold_what_the_signer_made_of_them(edits: tuple[str | None, ...], between: str, end: str) -> None:
    filled = fill(OPEN, SIGNER, LUMMIS, edits)

    assert filled.opening == "Dear Senator Lummis,"
    assert filled.body == f"{between}Please act.{end}\n\nJane Doe"


def test_marks_and_fields_that_a_signer_typed_are_text() -> None:
    typed = f"{EDIT_FROM}\n[Your Name] \\1\n{EDIT_TO}"

    assert fill(OPEN, SIGNER, LUMMIS, (typed, "[Decision Maker],")).body == (
        f"{typed}\n\nPlease act.\n\n[Decision Maker],\n\nJane Doe"
    )


@pytest.mark.parametrize(
    ("letter", "opening", "body"),
    [
        ("Dear [Decision Maker],\n\na", "Dear Senator Lummis,", "a"),
        ("Dear [Decision Maker]: \n\n\na", "Dear Senator Lummis: ", "a"),
        ("March 2\n\nDear [Decision Maker],\nand staff,\n\na", "March 2\n\nDear Senator Lummis,\nand staff,", "a"),
        ("Dear [Decision Maker],", "Dear Senator Lummis,", ""),
        (f"{EDIT_FROM}\nb\n{EDIT_TO}\nDear [Decision Maker],\n{EDIT_FROM}\nc\n{EDIT_TO}",
         "b\n\nDear Senator Lummis,", "c"),
        ("Dear [Decision Maker], please act.\n\na", "", "Dear Senator Lummis, please act.\n\na"),
        ("Dear [Decision Maker],\nplease act.\n\na", "", "Dear Senator Lummis,\nplease act.\n\na"),
        ("I ask [Decision Maker].\n\nDear [Decision Maker],", "", "I ask Senator Lummis.\n\nDear Senator Lummis,"),
        ("Dear friend,\n\na", "", "Dear friend,\n\na"),
    ],
)  # fmt: skip
def test_a_salutation_that_stands_alone_is_the_opening(letter: str, opening: str, body: str) -> None:
    filled = fill(letter, SIGNER, LUMMIS)

    assert filled == Filled(opening, body)
    assert filled.text == "\n\n".join(text for text in (opening, body) if text)
