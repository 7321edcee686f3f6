"""Headers: the same on pages, errors, redirects, files and JSON."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from flask import Flask

from tests.factories import Clock
from tests.pages import Visitor, check_headers
from tests.web.steps import sent_address, sign


def test_every_answer_carries_them(sandbox: Flask) -> None:
    client = sandbox.test_client(use_cookies=False)
    for path in ("/", "/reunite-families", "/nothing", "/healthz", "/mailbox", "/static/icon.svg"):
        for method in ("GET", "POST", "HEAD", "OPTIONS", "DELETE"):
            with client.open(path, method=method) as response:
                check_headers(response)


def test_nothing_may_be_loaded_but_our_own_style_images_and_script(visitor: Visitor) -> None:
    policy = visitor.open("/reunite-families").headers["Content-Security-Policy"]

    assert dict(part.split(" ", 1) for part in policy.split("; ")) == {
        "default-src": "'none'",
        "style-src": "'self'",
        "script-src": "'self'",
        "img-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }


def test_no_page_of_the_journey_sets_a_cookie_or_is_kept_on_the_way(visitor: Visitor, clock: Clock) -> None:
    page = sign(visitor, clock)  # each answer on the way is checked for cookies

    assert page.headers["Cache-Control"] == "private, no-cache"  # Back finds what was typed
    assert visitor.open(sent_address(page)).headers["Cache-Control"] == "private, no-store"
    assert visitor.open("/reunite-families").headers["Cache-Control"].startswith("private")


def test_the_stylesheet_has_a_name_of_its_content_and_may_be_kept_for_a_year(visitor: Visitor) -> None:
    page = visitor.open("/reunite-families")
    (address,) = [link.get("href") for link in page.all("link") if link.get("rel") == "stylesheet"]

    assert re.fullmatch(r"/look/redress\.[0-9a-f]{12}\.css", address)
    with visitor.client.get(address) as response:
        assert response.status_code == 200
        assert response.mimetype == "text/css"
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_so_has_the_script(sandbox: Flask) -> None:
    address = f"/look/{sandbox.jinja_env.globals['look'].script}"  # type: ignore[attr-defined]

    assert re.fullmatch(r"/look/copy\.[0-9a-f]{12}\.js", address)
    with sandbox.test_client(use_cookies=False).get(address) as response:
        assert response.mimetype == "text/javascript"
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("query", ["", "?v=", "?v=000000000000", "?v=7&v=8", "?x"])
@pytest.mark.parametrize("name", ["redress.css", "copy.js", "icon.svg"])
def test_whatever_stands_behind_it_a_name_without_its_content_is_asked_for_again(
    visitor: Visitor, name: str, query: str
) -> None:
    """Else anybody could make others keep today's file for a year, under the name of another one."""
    with visitor.client.get(f"/static/{name}{query}") as response:
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "private, no-cache"


def test_no_other_name_than_that_of_its_content_is_kept(visitor: Visitor, sandbox: Flask) -> None:
    script = sandbox.jinja_env.globals["look"].script  # type: ignore[attr-defined]
    for name in (script.replace(".js", ".css"), script.upper(), "copy.000000000000.js", "copy.js"):
        with visitor.client.get(f"/look/{name}?v=1") as response:
            assert response.status_code == 404
            assert "immutable" not in response.headers["Cache-Control"]


def test_no_redirect_leaves_the_site(visitor: Visitor) -> None:
    for path in ("//evil.example", "///evil.example/", "/\\evil.example", "/reunite-families/", "//", "/mailbox/"):
        response = visitor.client.get("/", environ_overrides={"PATH_INFO": path})
        assert urlsplit(response.headers.get("Location", "")).netloc in {"", "localhost"}
