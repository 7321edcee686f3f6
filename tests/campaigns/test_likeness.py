"""How much of a text was suggested."""

from __future__ import annotations

import time
import unicodedata

import pytest

from app.campaigns.likeness import likeness

SUGGESTED = "I drink water from this creek every day. My children swim in it, and I want it to stay clean."


@pytest.mark.parametrize(
    ("text", "suggested", "expected"),
    [
        (SUGGESTED, SUGGESTED, 100),
        (SUGGESTED.upper().replace(",", " –").replace(".", "!\n\n"), SUGGESTED, 100),
        ("I drink water from this creek every day.", SUGGESTED, 100),
        ("My grandmother taught school here until the flood of 1983.", SUGGESTED, 0),
        ("I want my day in court, and this creek.", SUGGESTED, 0),  # the same words, no three in a row
        ("I drink water from this creek every day. It tastes of iron since last spring.", SUGGESTED, 53),
        ("We drink water from that creek every day.", SUGGESTED, 75),
        ("Tomo agua de este arroyo; mi niña también.", "TOMO AGUA DE ESTE ARROYO, MI NIÑA TAMBIÉN", 100),
        (unicodedata.normalize("NFD", "Mi niña también"), "Mi niña también", 100),
        ("I don't know", "I don’t know", 100),
        ("one two three one two three", "one two three", 100),
        ("one two three two three four", "one two three four", 100),
        # Fewer than three words.
        ("Thank you!", "Thank you.", 100),
        ("Thank you", "I thank you very much", 100),
        ("you thank", "I thank you very much", 0),
        ("Please", "Please act now", 100),
        ("Thank you very much", "Thank you", 50),
        ("", "", 100),
        ("", SUGGESTED, 0),
        (SUGGESTED, "", 0),
        ("…", "* * *", 100),
    ],
)
def test_likeness_is_the_part_of_the_words_that_was_suggested(text: str, suggested: str, expected: int) -> None:
    assert likeness(text, suggested) == expected


def test_one_word_of_ones_own_is_never_rounded_away() -> None:
    words = " ".join(f"w{number}" for number in range(1000))

    assert likeness(f"{words} mine", words) == 99


def test_three_words_that_were_suggested_are_never_rounded_away() -> None:
    words = " ".join(f"w{number}" for number in range(1000))

    assert likeness(f"{words} all is suggested", "all is suggested") == 1


def test_long_texts_are_compared_soon() -> None:
    before = time.monotonic()
    assert likeness("a " * 5_000, "a " * 5_000) == 100
    assert likeness("".join(chr(97 + number % 26) + " " for number in range(5_000)), "a b " * 2_500) == 0
    assert time.monotonic() - before < 1
