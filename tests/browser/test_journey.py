"""The whole journey in a real Chromium: without scripts and cookies, at two widths, in light and dark, by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Response

from tests.browser.conftest import Seen, Site, window
from tests.factories import mails, supporter

pytestmark = pytest.mark.browser

SHOW, SEND, CONFIRM = "Show me my letters", "Send my letters", "Confirm and send"
AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
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


@LIGHT_AND_DARK
def test_axe_finds_nothing_on_any_screen(chromium: Browser, site: Site, axe: Axe, dark: bool) -> None:
    found = {}
    with window(chromium, width=360 if dark else 1280, dark=dark, script=True) as (page, _seen):
        for screen in screens(page, site):
            result = axe.run(page, options=AXE).response
            assert len(result["passes"]) > 8, screen  # it has looked
            for violation in result["violations"]:
                nodes = [node["html"][:160] for node in violation["nodes"]]
                found[f"{screen}: {violation['id']}"] = nodes

    assert found == {}


def test_axe_would_find_a_field_without_a_label_and_faint_words(chromium: Browser, site: Site, axe: Axe) -> None:
    with window(chromium, script=True) as (page, _seen):
        page.goto(f"{site.url}/reunite-families")
        page.evaluate("document.querySelector('label[for=city], label[for=address-level2]').remove()")
        page.evaluate("document.querySelector('h1').style.color = '#ccc'")

        found = {violation["id"] for violation in axe.run(page, options=AXE).response["violations"]}

    assert found == {"label", "color-contrast"}


def test_no_screen_scrolls_sideways(chromium: Browser, site: Site) -> None:
    wide = {}
    with window(chromium, script=True) as (page, _seen):
        for screen in screens(page, site):
            for width in (320, 360, 640):  # 640 is what 1280 becomes at 200 %, 320 at 400 %
                page.set_viewport_size({"width": width, "height": 900})
                scrolled = page.evaluate("document.scrollingElement.scrollWidth")
                if scrolled > width:
                    wide[screen, width] = scrolled

    assert wide == {}


def test_a_long_name_and_an_unbroken_word_do_not_scroll_sideways(chromium: Browser, site: Site) -> None:
    with window(chromium, width=360, script=True) as (page, _seen):
        page.goto(site.url)
        site.clock.forward(seconds=30)
        type_in(
            page, given_name="W" * 100, family_name="M" * 100, address_line1="X" * 200, email=f"{'m' * 64}@example.org"
        )
        widths = []
        for step in (SHOW, SEND, "", CONFIRM):
            if step:
                press(page, step)
            else:
                page.goto(f"{site.url}{mails(site.data_dir, 'confirmation')[0].link}")
            widths.append(page.evaluate("document.scrollingElement.scrollWidth"))

    assert widths == [360, 360, 360, 360]


def focused(page: Page) -> str:
    """Name or words of what has the focus."""
    found = page.evaluate(
        "(e => e.name && e.type != 'submit' && e.type != 'radio' ? e.name : (e.value || e.innerText || e.tagName))"
        "(document.activeElement)"
    )
    return str(found).strip()


def tab_to(page: Page, wanted: Callable[[str], bool], most: int = 60) -> None:
    """Press Tab until the focus is on what is wanted; every stop must be visible."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted(focused(page)):
            assert page.evaluate("document.activeElement.getBoundingClientRect().width") > 0
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
    raise AssertionError(f"Tab never came there; the focus is on {focused(page)}")


def test_with_the_keyboard_alone_the_letters_are_confirmed(chromium: Browser, site: Site) -> None:
    with window(chromium, script=True) as (page, _seen):
        page.goto(site.url)
        site.clock.forward(seconds=30)
        for name, value in supporter(address_level1="MA", postal_code="01007").items():
            html_name = name.replace("_", "-")
            tab_to(page, lambda stop, html_name=html_name: stop == html_name)  # type: ignore[misc]
            page.keyboard.type("Massachusetts" if name == "address_level1" else value)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert "Who represents you?" in page.locator("main").inner_text()
        tab_to(page, lambda stop: stop.startswith("ocd-division"))
        page.keyboard.press("Space")
        page.keyboard.press("ArrowDown")
        assert page.locator("input[type=radio]:checked").get_attribute("value") == (
            "ocd-division/country:us/state:ma/cd:2"
        )
        tab_to(page, lambda stop: stop == SHOW)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.get_by_text("Dear Representative McGovern,").is_visible()
        tab_to(page, lambda stop: stop == SEND)
        with page.expect_navigation(url="**/sent/**"):
            page.keyboard.press("Space")
        page.goto(f"{site.url}{mails(site.data_dir, 'confirmation')[0].link}")
        tab_to(page, lambda stop: stop == CONFIRM)
        with page.expect_navigation(url="**/receipt/**"):
            page.keyboard.press("Enter")

    assert len(mails(site.data_dir, "letter")) == 3


def test_tab_never_stops_at_the_trap_for_programs(chromium: Browser, site: Site) -> None:
    with window(chromium, script=True) as (page, _seen):
        page.goto(f"{site.url}/reunite-families")
        stops = []
        for _ in range(20):
            page.keyboard.press("Tab")
            stops.append(focused(page))

    assert SHOW in stops
    assert "website" not in stops


def test_after_an_error_the_focus_is_on_the_summary_and_its_links_lead_to_the_fields(
    chromium: Browser, site: Site
) -> None:
    with window(chromium, width=360, script=True) as (page, _seen):
        page.goto(f"{site.url}/reunite-families")
        site.clock.forward(seconds=30)
        type_in(page, family_name="", postal_code="1")
        press(page, SHOW)

        assert page.title().startswith("Error: ")
        assert page.evaluate("document.activeElement.classList.contains('summary')")
        box = page.locator(".summary").bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] < 900
        page.get_by_role("link", name="Enter your ZIP code, like 94110.").click()
        assert focused(page) == "postal-code"
        assert page.locator("[name=given-name]").input_value() == "Ana"


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
