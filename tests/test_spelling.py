"""Whether a word is another one with a slip in it."""

from __future__ import annotations

import pytest

from app.spelling import distance, nearest

NAMES = (
    "us-senators",
    "us-representative",
    "Your Name",
    "Your Email",
    "City, State ZIP",
    "Edit from here",
    "count-from",
)


def test_what_a_finger_does_counts_once() -> None:
    pairs = (("gmial", "gmail"), ("gmal", "gmail"), ("gmaill", "gmail"), ("a", "a"), ("", "ab"))
    assert [distance(*pair) for pair in pairs] == [1, 1, 1, 0, 2]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("us-senator", "us-senators"),
        ("US Senators", "us-senators"),
        ("u.s._senatrs", "us-senators"),
        ("senators", "us-senators"),
        ("us-representatives", "us-representative"),
        ("Your Nmae", "Your Name"),
        ("yourname", "Your Name"),
        ("E-Mail", "Your Email"),
        ("City State Zip", "City, State ZIP"),
        ("Edit form here", "Edit from here"),
        ("count_from", "count-from"),
        *((word, None) for word in ("state-senator", "state-senators", "state-representative", "governor")),
        *((word, None) for word in ("us-president", "city-council", "First Name", "State", "your", "us", "", "-")),
        ("us-senators " * 9, None),
    ],
)
def test_the_nearest_name_is_one_that_means_the_same(word: str, meant: str | None) -> None:
    assert nearest(word, NAMES) == meant
