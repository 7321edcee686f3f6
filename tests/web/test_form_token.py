"""The form's token: whose it is, how old, and what happens when it is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from itsdangerous import URLSafeSerializer

from app.extensions import db
from app.web import form_token
from tests.factories import SECRET, Clock, campaign_source, published, stored, supporter
from tests.pages import Visitor
from tests.web.steps import SEND, SHOW, begin

NOW = datetime(2026, 11, 24, 17, 0, 0, 500_000, tzinfo=UTC)


def read(secret: str, text: str, slug: str, now: datetime) -> form_token.FormToken | None:
    """The token, if it is ours and good."""
    token = form_token.opened(secret, text, slug)
    return token if token and token.is_good(now) else None


def test_a_fresh_one_is_read_again() -> None:
    issued = form_token.issue(SECRET, "the-well", NOW)

    found = read(SECRET, issued.text, "the-well", NOW + timedelta(hours=1))

    assert found == issued


def test_no_two_are_alike() -> None:
    assert len({form_token.issue(SECRET, "the-well", NOW).nonce for _ in range(100)}) == 100


@pytest.mark.parametrize(("seconds", "quick"), [(0, True), (2, True), (3, False), (3600, False)])
def test_three_seconds_are_the_least(seconds: int, quick: bool) -> None:
    assert form_token.issue(SECRET, "x", NOW).too_quick(NOW + timedelta(seconds=seconds)) is quick


@pytest.mark.parametrize(("hours", "good"), [(0, True), (23.9, True), (24.1, False), (-0.05, True), (-0.1, False)])
def test_it_lives_for_a_day_and_does_not_come_from_the_future(hours: float, good: bool) -> None:
    text = form_token.issue(SECRET, "x", NOW).text

    assert (read(SECRET, text, "x", NOW + timedelta(hours=hours)) is not None) is good


def test_to_the_last_moment() -> None:
    token = form_token.issue(SECRET, "x", NOW)
    begun, tick = token.first_page, timedelta(microseconds=1)

    assert begun == NOW.replace(microsecond=0)
    assert token.too_quick(begun + timedelta(seconds=3) - tick)
    assert not token.too_quick(begun + timedelta(seconds=3))
    assert token.is_good(begun + timedelta(hours=24))
    assert not token.is_good(begun + timedelta(hours=24) + tick)
    assert token.is_good(begun - timedelta(minutes=5))
    assert not token.is_good(begun - timedelta(minutes=5) - tick)
    assert len(token.nonce) == 22  # 128 bits: nobody guesses another's


@pytest.mark.parametrize("text", ["", "x", ".", "a.b", "é", "\x00", "\ud800", "[" * 5000, "W10.abc", "x" * 100_000])
def test_nonsense_is_none(text: str) -> None:
    assert read(SECRET, text, "x", NOW) is None


def test_another_secret_campaign_or_use_is_none() -> None:
    text = form_token.issue(SECRET, "the-well", NOW).text

    assert read("t" * 64, text, "the-well", NOW) is None
    assert read(SECRET, text, "other", NOW) is None
    assert read(SECRET, str(URLSafeSerializer(SECRET, "other").dumps(["x", 1, "n"])), "x", NOW) is None


def wrong_tokens(app: Flask, clock: Clock) -> dict[str, str]:
    """Tokens that do not fit the sample campaign now, by what is wrong with them."""
    good = form_token.issue(SECRET, "reunite-families", clock() - timedelta(minutes=1)).text
    return {
        "missing": "",
        "stale": form_token.issue(SECRET, "reunite-families", clock() - timedelta(hours=24, minutes=1)).text,
        "forged": good[:-2] + ("A" if good[-2] != "A" else "B") + good[-1],  # not all bits of the last one count
        "of another site": form_token.issue("t" * 64, "reunite-families", clock()).text,
        "of another campaign": form_token.issue(SECRET, "the-well", clock() - timedelta(minutes=1)).text,
        "nonsense": "\x00[[é",
    }


def test_with_a_wrong_token_the_form_comes_back_filled_and_the_next_press_works(
    sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(), clock())
    for wrong, text in wrong_tokens(sandbox, clock).items():
        visitor = begin(Visitor(sandbox), clock)
        path, fields = visitor.ready(SHOW)

        page = visitor.post(path, [(name, text if name == "token" else value) for name, value in fields])

        assert page.status == 200, wrong
        assert "press the button once more." in page.notice, wrong
        assert page.errors == []
        assert {n.replace("_", "-"): v for n, v in supporter().items()}.items() <= page.values.items(), wrong
        assert stored(data_dir)["signature"] == 0
        clock.forward(seconds=5)
        assert len(visitor.press(SHOW).letters) == 3, wrong


def test_without_the_field_the_form_comes_back(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock)
    path, fields = visitor.ready(SHOW)

    page = visitor.post(path, [(name, value) for name, value in fields if name != "token"])

    assert page.status == 200
    assert page.values["given-name"] == "Ana"


def test_the_page_of_a_day_ago_still_works_after_one_more_press(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock)
    clock.forward(hours=30)
    assert visitor.press(SHOW).notice.endswith("press the button once more.")
    clock.forward(seconds=5)

    visitor.press(SHOW)

    assert visitor.press(SEND).heading == "Check your e-mail"


def test_a_reused_token_of_the_same_person_is_the_same_signature(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    begin(visitor, clock).press(SHOW)
    letters = visitor.page
    first = visitor.press(SEND).path
    visitor.page = letters

    assert visitor.press(SEND).path == first
    assert stored(data_dir)["signature"] == 1
    assert stored(data_dir)["delivery"] == 4


def test_the_first_page_counts_not_the_last(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock).press(SHOW)  # no time passes between reading and sending

    assert visitor.press(SEND).heading == "Check your e-mail"
