"""Telephone numbers as people type and paste them."""

from __future__ import annotations

import pytest

from app.phones import Flaw, NoPhone, check, tidy


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("202-555-0143", "202-555-0143"),
        ("202\u2011555\u20110143", "202-555-0143"),
        ("\uff12\uff10\uff12\uff0d555\u22120143", "202-555-0143"),
        ("(202)\u00a0555\u20130143", "(202) 555-0143"),
        ("202\u00b7555\u20220143", "202.555.0143"),
        ("+1 (202) 555-0143", "+1 (202) 555-0143"),
        ("tel:+1-202-555-0143", "+1-202-555-0143"),
        ("tel:+1-202-555-0143;ext=5", "+1-202-555-0143;ext=5"),
        ("Phone: 202 555 0143 (cell)", "202 555 0143"),
        *((f"{label} 202-555-0143", "202-555-0143") for label in ("Phone number:", "Ph.", "Teléfono:", "Móvil:")),
        ("[202] 555~0143", "(202) 555-0143"),
        ("☎\ufe0f 202-555-0143.", "202-555-0143"),
        ("p: 202-555-0143", "202-555-0143"),
        ("tel:+12025550143;phone-context=+1", "+12025550143"),
        *(
            (f"202-555-0143{extension}", f"202-555-0143{extension}")
            for extension in (", ext 5", " x5", "x 1234567", " ext. 5", " extension 5", " #5", ",5", " Ext.: 5", "p5")
        ),
        ("202-555-0143 extensión 5", "202-555-0143 extensión 5"),
        ("+44 20 7946 0958", "+44 20 7946 0958"),
        ("\u202a2025550143\u202c", "2025550143"),
    ],
)  # fmt: skip
def test_a_number_is_taken_as_people_write_it(typed: str, kept: str) -> None:
    assert tidy(typed) == kept
    check(kept)


@pytest.mark.parametrize(
    ("typed", "flaw", "sign", "digits"),
    [
        ("555-0143", Flaw.TOO_FEW, "", 7),
        ("555-0143 x12345", Flaw.TOO_FEW, "", 7),
        ("ext 5", Flaw.TOO_FEW, "", 0),
        ("202-555-0143 / 202-555-0144", Flaw.TOO_MANY, "", 20),
        ("202-555-0143 or 202-555-0144", Flaw.TOO_MANY, "", 20),
        ("1-800-FLOWERS", Flaw.SIGN, "F", 0),
        ("202-555-0143 call me", Flaw.SIGN, "c", 0),
        ("202\x07-555-0143", Flaw.SIGN, "\x07", 0),
        ("," * 5000 + "y", Flaw.SIGN, ",", 0),
    ],
)
def test_what_is_wrong_with_a_number_is_known(typed: str, flaw: Flaw, sign: str, digits: int) -> None:
    with pytest.raises(NoPhone) as caught:
        check(tidy(typed))

    assert (caught.value.flaw, caught.value.sign, caught.value.digits) == (flaw, sign, digits)
