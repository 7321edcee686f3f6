"""Whether a POST comes from a page of ours: what the browser says, in every combination."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, Request
from werkzeug.test import EnvironBuilder

from app.web.same_site import from_our_page
from tests.factories import Clock, stored, supporter
from tests.pages import Visitor
from tests.web.steps import SEND, SHOW, begin

PUBLIC = "https://act.example.org"


def ours(**headers: str) -> bool:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return from_our_page(
        Request(EnvironBuilder("/x", PUBLIC, method="POST", headers=list(named.items())).get_environ()), PUBLIC
    )


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, True),
        ({"Sec_Fetch_Site": "same-origin"}, True),
        ({"Sec_Fetch_Site": "none"}, True),
        ({"Sec_Fetch_Site": "cross-site"}, False),
        ({"Sec_Fetch_Site": "same-site"}, False),
        ({"Sec_Fetch_Site": ""}, False),
        ({"Sec_Fetch_Site": "cross-site", "Origin": PUBLIC}, False),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "null"}, True),
        ({"Origin": PUBLIC}, True),
        ({"Origin": "HTTPS://ACT.EXAMPLE.ORG"}, True),
        ({"Origin": "https://other.example", "Host": "other.example"}, True),
        ({"Origin": "https://other.example"}, False),
        ({"Origin": "https://act.example.org.evil.example"}, False),
        ({"Origin": "https://act.example.org@evil.example"}, False),
        ({"Origin": "https://act.example.org:8443"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": "http://[::1"}, False),
        ({"Origin": "no address"}, False),
    ],
)
def test_what_the_browser_says_decides(headers: dict[str, str], expected: bool) -> None:
    assert ours(**headers) is expected


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_sent_from_elsewhere_comes_back_filled_with_a_fresh_token(
    visitor: Visitor, clock: Clock, data_dir: Path, headers: dict[str, str]
) -> None:
    begin(visitor, clock).press(SHOW)
    token = visitor.page.values["token"]

    page = visitor.press(SEND, **headers)

    assert page.status == 200
    assert "press the button once more." in page.notice
    assert {n.replace("_", "-"): v for n, v in supporter().items()}.items() <= page.values.items()
    assert page.values["token"] != token
    assert stored(data_dir)["signature"] == 0


def test_an_old_browser_that_says_nothing_can_write(sandbox: Flask, clock: Clock) -> None:
    visitor = begin(Visitor(sandbox), clock)
    visitor.press(SHOW)

    assert visitor.press(SEND).heading == "Check your e-mail"


@pytest.mark.parametrize("headers", [{"Sec_Fetch_Site": "same-origin"}, {"Origin": "http://localhost"}])
def test_a_new_browser_can_write(sandbox: Flask, clock: Clock, headers: dict[str, str]) -> None:
    visitor = begin(Visitor(sandbox), clock)
    visitor.press(SHOW, **headers)

    assert visitor.press(SEND, **headers).heading == "Check your e-mail"
