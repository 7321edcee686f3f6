"""WCAG 2.2 AA and axe's best practices: every page, in English at three widths, in light and dark, and in Spanish.

Spanish pages differ by their words alone: axe looks at them where these have the least room. At every width each is
looked at as layout.py looks: to come to all of them takes longer than to look at them.
"""

from __future__ import annotations

from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from app.web.languages import LANGUAGES
from tests.browser.conftest import Site, window
from tests.browser.layout import faults
from tests.browser.screens import WALKS, listed, prepare

pytestmark = pytest.mark.browser

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
OF_COLOURS = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
"""The dark scheme changes colours alone, which a test below sees to: what does not look at them is asked once."""
SCHEMES: tuple[tuple[Literal["light", "dark"], dict[str, Any], int], ...] = (
    ("light", OPTIONS, 15),
    ("dark", OF_COLOURS, 0),
)
WIDTHS = {"en": (360, 768, 1280), "es": (360,)}
RUN = """options => axe.run(document, options).then(found => ({
  passed: found.passes.length,
  wrong: [...found.violations, ...found.incomplete]
    .map(rule => [rule.id, rule.nodes.map(node => node.html.slice(0, 160))]),
}))"""


def complaints(page: Page, screen: str, language: str) -> dict[str, object]:
    """What axe finds wrong, or cannot decide, on the page at hand in each scheme and width."""
    found: dict[str, object] = {}
    for turn, width in enumerate(WIDTHS[language]):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme, options, at_least in SCHEMES[:: -1 if turn % 2 else 1]:  # each change is drawn, which takes time
            page.emulate_media(color_scheme=scheme)
            result = page.evaluate(RUN, options)
            assert result["passed"] > at_least, screen  # it has looked
            found |= {f"{screen}, {scheme}, {width}: {rule}": nodes for rule, nodes in result["wrong"]}
    page.emulate_media(color_scheme="light")
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", WALKS)
def test_every_page_holds_and_axe_finds_nothing_wrong(
    chromium: Browser, request: pytest.FixtureRequest, axe: Axe, kind: str, language: str
) -> None:
    site: Site = request.getfixturevalue(kind)
    prepare(site)
    found: dict[str, object] = {}
    with window(chromium, script=True) as (page, _seen):
        page.add_init_script(axe.axe_script)
        for screen in WALKS[kind](page, site, language):
            assert page.locator("html").get_attribute("lang") == language, screen
            if language == "es":  # its words are longer; other long words are looked at in test_layout
                found |= faults(page, screen)
            found |= complaints(page, screen, language)

    assert not found, listed(found)


def test_axe_would_find_it(chromium: Browser, site: Site, axe: Axe) -> None:
    with window(chromium, script=True) as (page, _seen):
        page.add_init_script(axe.axe_script)
        page.goto(f"{site.url}/reunite-families")
        page.evaluate("document.querySelector('[for=email]').remove()")
        page.evaluate("document.querySelector('h1').style.color = '#ccc'")
        page.evaluate("document.querySelector('.form h2').outerHTML = '<h4 id=write>Write</h4>'")

        found = {rule for rule, _nodes in page.evaluate(RUN, OPTIONS)["wrong"]}

    assert {"label", "color-contrast", "heading-order"} <= found


def test_the_dark_scheme_changes_colours_alone(chromium: Browser, site: Site) -> None:
    with window(chromium, script=True) as (page, _seen):
        page.goto(f"{site.url}/reunite-families")
        found = page.evaluate(
            """() => [...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
              .filter(rule => rule.media && /prefers-color-scheme/.test(rule.media.mediaText))
              .flatMap(rule => [...rule.cssRules]).flatMap(rule => [...rule.style])"""
        )
        assert "--paper" in found
        assert [name for name in found if not name.startswith("--")] == []
        colours = page.evaluate(
            "names => names.map(name => getComputedStyle(document.documentElement).getPropertyValue(name))", found
        )
        assert all(page.evaluate("colour => CSS.supports('color', colour)", colour) for colour in colours)
        assert page.locator("source[media], [media*=dark]:not(meta)").count() == 0
