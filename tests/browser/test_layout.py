"""Every page holds with long words; in Spanish, and what axe sees of it, is looked at in test_access."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Locator

from tests.browser.conftest import Site, window
from tests.browser.layout import CLIPPED, MOVING, SCROLLS, SMALL, TURNED, UNFRAMED, at, faults, look
from tests.browser.screens import WALKS, first_view, handed, listed, on_the_way, prepare

pytestmark = pytest.mark.browser

LONG = {
    "given_name": "W" * 100,
    "family_name": "M" * 100,
    "address_line1": "X" * 200,
    "address_level2": "M" * 100,
    "email": f"{'m' * 64}@{'m' * 60}.example.org",
    "own_words": "W" * 600 + "\n\n" + "https://example.org/" + "w" * 600,
}
MOVED = """() => new Promise(done => {
  let moved = 0;
  new PerformanceObserver(list => list.getEntries().forEach(entry => moved += entry.value))
    .observe({type: 'layout-shift', buffered: true});
  new PerformanceObserver(() => requestAnimationFrame(() => setTimeout(() => done(moved), 50)))
    .observe({type: 'largest-contentful-paint', buffered: true});
})"""


@pytest.mark.parametrize("kind", WALKS)
def test_every_page_holds_long_words(chromium: Browser, request: pytest.FixtureRequest, kind: str) -> None:
    site: Site = request.getfixturevalue(kind)
    prepare(site)
    found: dict[str, object] = {}
    with window(chromium, script=True) as (page, _seen):
        for screen in WALKS[kind](page, site, "en", **LONG):
            found |= faults(page, screen)

    assert not found, listed(found)


def test_the_checks_would_find_it(chromium: Browser, site: Site) -> None:
    with window(chromium, width=320, script=True) as (page, _seen):
        page.goto(f"{site.url}/reunite-families")
        page.add_style_tag(
            content="h1 { inline-size: 40rem; overflow: hidden; block-size: 1rem; transition: color 1s } "
            ".form { border: 0 } .field input { block-size: 20px; min-block-size: 0; border: 0 } .panel { order: -1 }"
        )
        page.add_style_tag(content=".desk { direction: ltr }")

        assert page.evaluate(SCROLLS)
        assert len(page.evaluate(CLIPPED)) == 1
        assert len(page.evaluate(SMALL)) == 7
        assert len(page.evaluate(UNFRAMED)) == 7
        assert len(page.evaluate(MOVING)) == 1
        at(page, 1280)
        assert page.evaluate(TURNED) == ["panel"]
        page.evaluate(
            """const tight = document.body.appendChild(document.createElement('pre'));
            Object.assign(tight, {id: 'tight', textContent: 'Word by word'});
            Object.assign(tight.style, {overflow: 'hidden', inlineSize: 'max-content', lineHeight: 2});
            tight.style.inlineSize = `${tight.clientWidth + 1}px`;"""
        )
        plain, spaced, turned = look(page, ("plain", "clips"), ("spaced", "clips"), ("rtl", "turned"))
        assert not any("tight" in str(each) for each in plain)
        assert any("tight" in str(each) for each in spaced)
        assert turned == ["panel"]
        assert page.evaluate("document.documentElement.dir") == ""


def test_what_is_ticked_focused_or_reached_is_seen_in_forced_colours(chromium: Browser, by_hand: Site) -> None:
    def changes(seen: Locator, change: str, back: str) -> bool:
        before = seen.screenshot()
        seen.evaluate(change)
        after = seen.screenshot()
        seen.evaluate(back)
        return before != after and before == seen.screenshot()

    prepare(by_hand)
    with window(chromium, script=True) as (page, _seen):
        page.emulate_media(forced_colors="active")
        walk = handed(page, by_hand, "en")
        for screen in walk:
            if screen == "receipt by hand":
                assert changes(page.locator("progress"), "e => e.value = 5", "e => e.value = 1")
                for name in ("a.button >> nth=0", "summary >> nth=0"):
                    around = page.locator(name).locator("../..")
                    assert changes(
                        around, "e => e.querySelector('a, summary').focus()", "() => document.activeElement.blur()"
                    )
                break
        for screen in on_the_way(page, by_hand, "en"):
            if screen in {"choice", "letters"}:
                box = page.locator("[name=district], [name=write-to]").first
                assert changes(box, "e => e.checked = !e.checked", "e => e.checked = !e.checked")
            if screen == "letters":
                break


def test_the_first_view_is_painted_once_without_a_script(chromium: Browser, site: Site) -> None:
    for width in (360, 1280):
        with window(chromium, width=width, script=True, policy=True) as (page, seen):
            first_view(page, site, "en")
            page.wait_for_load_state("networkidle")

            assert page.evaluate(MOVED) == 0
            assert page.locator("script").count() == 0
            assert (
                page.evaluate("performance.getEntriesByType('resource').filter(e => e.initiatorType == 'script')") == []
            )
            assert all(not url.endswith(".js") for url in seen.requests)
            page.evaluate("document.querySelector('main').style.marginTop = '10rem'")
            assert page.evaluate(MOVED) > 0
