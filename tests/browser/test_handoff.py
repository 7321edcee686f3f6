"""The hand-off in a real Chromium: on a phone, with and without scripts, to the end; and what is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from config import ROOT
from tests.browser.conftest import Site, window
from tests.browser.test_journey import LIGHT_AND_DARK, SHOW, assert_stayed_home, press, type_in
from tests.factories import mails

pytestmark = pytest.mark.browser

GET, CONFIRM, SENT, STUCK = "Get my letters", "Confirm", "I sent it", "The form did not work"


def to_the_receipt(page: Page, site: Site) -> str:
    """Write and confirm; the address of the receipt."""
    page.goto(site.url)
    site.clock.forward(seconds=30)
    type_in(page)
    page.locator("[name=honorific-prefix]").select_option("Ms.")
    page.locator("[name=tel]").fill("307-555-0143")
    press(page, SHOW)
    press(page, GET)
    page.goto(f"{site.url}{mails(site.data_dir, 'confirmation')[-1].link}")
    press(page, CONFIRM)
    return page.url


@pytest.mark.parametrize("width", [360, 768])
@LIGHT_AND_DARK
def test_three_offices_are_done_without_scripts(chromium: Browser, by_hand: Site, width: int, dark: bool) -> None:
    with window(chromium, width=width, dark=dark) as (page, seen):
        to_the_receipt(page, by_hand)
        page.locator("a.button").click()
        for place in (1, 2, 3):
            assert page.locator(".kicker").inner_text().startswith(f"{place} OF 3")
            assert page.locator("button.copy").count() == 0
            assert page.get_by_label("Message").input_value().startswith("Dear ")
            press(page, SENT)

        assert page.get_by_text("You have done your part at every office.").is_visible()
        assert page.context.cookies() == []
        assert_stayed_home(seen, by_hand)


def test_a_button_copies_each_value_under_the_pages_own_policy(chromium: Browser, by_hand: Site) -> None:
    with window(chromium, width=360, script=True, policy=True) as (page, seen):
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        to_the_receipt(page, by_hand)
        page.locator("a.button").click()
        fields = page.locator(".value")
        page.locator("button.copy").last.wait_for()
        assert page.locator("button.copy").count() == fields.count() == 12

        for label, text in (("Title", "Ms."), ("ZIP code", "82001"), ("Phone", "307-555-0143")):
            page.get_by_role("button", name=f"Copy: {label}").click()
            page.wait_for_function("wanted => navigator.clipboard.readText().then(text => text == wanted)", arg=text)
        assert page.get_by_text("Copied").first.is_visible()
        page.get_by_role("button", name="Copy: Message").click()
        page.wait_for_function("navigator.clipboard.readText().then(text => text.startsWith('Dear '))")
        message = page.get_by_label("Message", exact=True).input_value()
        assert page.evaluate("navigator.clipboard.readText()").replace("\r\n", "\n") == message
        assert seen.errors == []
    assert len((ROOT / "app" / "static" / "copy.js").read_bytes()) <= 2048


def test_without_a_clipboard_the_old_way_copies(chromium: Browser, by_hand: Site) -> None:
    """On plain http a browser has no clipboard for scripts."""
    with window(chromium, script=True, policy=True) as (page, _seen):
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.add_init_script(
            "window.theirs = navigator.clipboard; Object.defineProperty(navigator, 'clipboard', {value: undefined})"
        )
        to_the_receipt(page, by_hand)
        page.locator("a.button").click()
        page.get_by_role("button", name="Copy: City").click()
        page.get_by_text("Copied").first.wait_for()

        assert page.evaluate("window.theirs.readText()") == "Cheyenne"


def test_the_form_opens_in_a_tab_that_knows_nothing_of_the_receipt(chromium: Browser, by_hand: Site) -> None:
    with window(chromium) as (page, _seen):
        to_the_receipt(page, by_hand)
        page.locator("a.button").click()
        asked: list[dict[str, str]] = []

        def answer(route: Route) -> None:
            asked.append(route.request.headers)
            route.fulfill(status=200, body="A form")

        page.context.route(re.compile(r"https://.*"), answer)
        with page.context.expect_page() as opened:
            page.get_by_role("link", name="Open the office's form").click()

        assert opened.value.url.startswith("https://www.barrasso.senate.gov/")
        assert "referer" not in asked[0]
        assert page.locator("h1").inner_text().startswith("Senator")


def test_each_letter_is_printed_on_pages_of_its_own(chromium: Browser, by_hand: Site, tmp_path: Path) -> None:
    with window(chromium, script=True) as (page, _seen):
        receipt = to_the_receipt(page, by_hand)
        page.goto(f"{receipt}/print")
        page.emulate_media(media="print")
        shown = page.evaluate(
            "[...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && !e.closest('.sheet')"
            " && !e.querySelector('.sheet')).map(e => e.tagName)"
        )
        sheets = page.locator(".sheet").count()
        pdf = page.pdf(path=tmp_path / "letters.pdf")

    assert [tag for tag in shown if tag != "SCRIPT"] == []
    assert sheets == 6
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 6
