"""Merge fields of a letter."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from app.addresses import PostalAddress, State
from app.campaigns.letters import MergeField, Part, Signer, fill, paragraphs, parts
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


def test_a_letter_is_filled() -> None:
    assert fill(LETTER, SIGNER, LUMMIS) == (
        "Dear Senator Lummis,\n\nPlease act.\n\nJane Doe\n12 Main Street\nApt. 3\nCheyenne, WY 82001\njane@example.com"
    )


def test_what_a_signer_types_is_never_filled_again() -> None:
    address = replace(ADDRESS, line1="[Your Email]", line2="[Your Address]", city="[City, State ZIP]")
    signer = Signer("[Your Name]", "[Decision Maker] \\1 \\g<0>", address, "[x]@example.com")

    filled = fill("[Your Name]|[Your Address]|[City, State ZIP]|[Your Email]", signer, LUMMIS)

    assert filled == (
        "[Your Name] [Decision Maker] \\1 \\g<0>|[Your Email], [Your Address]"
        "|[City, State ZIP], WY 82001|[x]@example.com"
    )


def test_a_street_stays_on_its_line_inside_a_sentence() -> None:
    assert fill("I live at [Your Address].", SIGNER, LUMMIS) == "I live at 12 Main Street, Apt. 3."
    assert fill(" [Your Address] ", SIGNER, LUMMIS) == " 12 Main Street\nApt. 3 "


def test_one_line_of_street_is_one_line() -> None:
    signer = replace(SIGNER, address=replace(ADDRESS, line2=""))

    assert fill("[Your Address]\n[City, State ZIP]", signer, LUMMIS) == "12 Main Street\nCheyenne, WY 82001"


def test_fields_may_stand_side_by_side_and_twice() -> None:
    assert fill("[Your Name][Your Name]", SIGNER, LUMMIS) == "Jane DoeJane Doe"


def test_blank_lines_at_the_end_are_gone_and_others_stay() -> None:
    assert fill("\na\n\n\nb \n \n\n", SIGNER, LUMMIS) == "\na\n\n\nb "
    assert fill("\n\n", SIGNER, LUMMIS) == ""


def test_a_name_of_one_word_has_no_blank() -> None:
    assert replace(SIGNER, family_name="").name == "Jane"


@pytest.mark.parametrize("text", ["[your name]", "[ Your Name ]", "[Your  Name]", "Your Name", "[Your Name", "[sic]"])
def test_only_the_exact_names_are_fields(text: str) -> None:
    assert parts(text) == (Part(text),)
    assert fill(text, SIGNER, LUMMIS) == text


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
        ((Part("Dear "), Part("Decision Maker", MergeField.DECISION_MAKER), Part(",")),),
        ((Part("a"),), (Part("b"),)),
    )
    assert paragraphs("") == ()
