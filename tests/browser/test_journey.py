"""The whole journey in a real Chromium: without scripts and cookies, at two widths, in light and dark, by keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Response

from tests.browser.conftest import Seen, Site, window
from tests.factories import mails, supporter

pytestmark = pytest.mark.browser

SHOW, SEND, CONFIRM = "Show me my letters", "Send my letters", "Confirm and send"
LIGHT_AND_DARK = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])


def type_in(page: Page, **other: str) -> None:
    """Fill the form as the person of the factories."""
    for name, value in supporter(**other).items():
        field = page.locator(f"[name={name.replace('_', '-')}]")
        if name == "address_level1":
            field.select_option(value)
        else:
            field.fill(value)


def press(page: Page, words: str) -> None:
    """Press the button with these words that is not folded away, and wait for the page that it leads to."""
    with page.expect_navigation():
        page.get_by_role("button", name=words, exact=True).locator("visible=true").last.click()


def screens(page: Page, site: Site) -> Iterator[str]:
    """Walk through everything that a supporter can come to see; each screen by its name, while it is shown."""
    page.goto(f"{site.url}/reunite-families")
    yield "campaign"
    site.clock.forward(seconds=30)
    press(page, SHOW)
    yield "errors"
    type_in(page, postal_code="94110", email="ana")
    press(page, SHOW)
    yield "one error"
    type_in(page, address_level1="MA", postal_code="01007")
    press(page, SHOW)
    yield "choice"
    press(page, SHOW)
    yield "choice without an answer"
    page.get_by_label("James P. McGovern").check()
    press(page, SHOW)
    yield "letters"
    press(page, SEND)
    yield "sent"
    press(page, "Send it again")
    yield "sent again"
    press(page, "Wrong address? Change it")
    yield "changed"
    page.go_back()
    path = mails(site.data_dir, "confirmation")[-1].link
    page.goto(f"{site.url}{path}")
    yield "confirm"
    press(page, CONFIRM)
    yield "receipt"
    page.locator("summary").first.click()
    yield "receipt with a letter open"
    page.goto(f"{site.url}/mailbox")
    yield "mailbox"
    page.goto(f"{site.url}/no-such-page")
    yield "not found"
    page.goto(f"{site.url}/the-well")
    yield "not open"


@pytest.mark.parametrize("width", [360, 1280])
@LIGHT_AND_DARK
def test_without_scripts_and_cookies_the_letters_are_confirmed(
    chromium: Browser, site: Site, width: int, dark: bool
) -> None:
    with window(chromium, width=width, dark=dark) as (page, seen):
        page.goto(site.url)
        site.clock.forward(seconds=30)
        type_in(page)
        press(page, SHOW)
        assert page.get_by_text("Dear Senator Lummis,").is_visible()
        press(page, SEND)
        assert page.locator("h1").inner_text() == "Check your e-mail"
        page.goto(f"{site.url}{mails(site.data_dir, 'confirmation')[0].link}")
        press(page, CONFIRM)

        assert page.locator("h1").inner_text().startswith("Thank you, Ana.")
        assert page.context.cookies() == []
        assert_stayed_home(seen, site)
    assert len(mails(site.data_dir, "letter")) == 3


def test_no_screen_asks_another_host_or_complains(chromium: Browser, site: Site) -> None:
    with window(chromium, script=True) as (page, seen):
        for screen in screens(page, site):
            assert page.locator("h1").count() == 1, screen
        assert_stayed_home(seen, site)
        assert page.context.cookies() == []


def assert_stayed_home(seen: Seen, site: Site) -> None:
    """No request went elsewhere, and the browser complained of nothing but the answers that were meant as errors."""
    assert {urlsplit(url).netloc for url in seen.requests} == {urlsplit(site.url).netloc}
    meant = re.compile(r"Failed to load resource: the server responded with a status of (404|422|429) ")
    assert [error for error in seen.errors if not meant.match(error)] == []


def test_before_the_first_paint_two_requests_bring_at_most_forty_kilobytes(chromium: Browser, site: Site) -> None:
    with window(chromium, script=True) as (page, seen):
        sizes: dict[str, int] = {}

        def weigh(response: Response) -> None:
            sizes[urlsplit(response.url).path] = len(response.body())

        page.on("response", weigh)
        page.goto(f"{site.url}/reunite-families", wait_until="networkidle")
        blocking = page.evaluate(
            "performance.getEntriesByType('resource')"
            ".filter(e => e.renderBlockingStatus == 'blocking').map(e => e.name)"
        )

    (stylesheet,) = [urlsplit(url).path for url in blocking]
    assert re.fullmatch(r"/look/redress\.[0-9a-f]{12}\.css", stylesheet)
    assert [urlsplit(url).path for url in seen.requests][:2] == ["/reunite-families", stylesheet]
    assert {path.split(".")[0] for path in sizes} <= {"/reunite-families", "/look/redress", "/look/icon"}
    assert sizes["/reunite-families"] + sizes[stylesheet] <= 40_000


def test_printing_the_letters_prints_one_a_page_and_nothing_else(chromium: Browser, site: Site, tmp_path: Path) -> None:
    with window(chromium, script=True) as (page, _seen):
        page.goto(site.url)
        site.clock.forward(seconds=30)
        type_in(page)
        press(page, SHOW)
        page.emulate_media(media="print")

        shown = page.evaluate(
            "[...document.querySelectorAll('main *')].filter(e => e.checkVisibility() && !e.closest('.sheet')"
            " && !e.querySelector('.sheet')).map(e => e.tagName)"
        )
        pdf = page.pdf(path=tmp_path / "letters.pdf")

    assert shown == []
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 3
