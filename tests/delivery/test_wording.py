"""The text of a letter, put together from what was suggested and what its signer wrote."""

import pytest

from app.delivery.wording import whole


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (("Dear A,", "I live there.", "Please act."), "Dear A,\n\nI live there.\n\n* * *\n\nPlease act."),
        (("Dear A,", "", "Please act."), "Dear A,\n\nPlease act."),
        (("", "I live there.", "Please act."), "I live there.\n\n* * *\n\nPlease act."),
        (("Dear A,", "I live there.", ""), "Dear A,\n\nI live there."),
        (("", "", ""), ""),
    ],
)
def test_own_words_stand_above_the_text_of_the_campaign(pieces: tuple[str, str, str], text: str) -> None:
    assert whole(*pieces) == text
