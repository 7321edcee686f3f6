"""Every page holds: narrow and zoomed, with long words, with wider text, right to left, in forced colours, on touch."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.browser.conftest import Site, window
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
SPACING = """* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }
p { margin-block-end: 2em !important; }"""

SHOWN = "[...document.body.querySelectorAll('*')].filter(e => e.checkVisibility() && !e.closest('.away'))"
WORDS = "e => `${e.outerHTML.slice(0, 120)} ${Math.round(e.getBoundingClientRect().width)}`"
SCROLLS = f"""() => document.scrollingElement.scrollWidth <= innerWidth ? [] : [
  document.scrollingElement.scrollWidth,
  ...{SHOWN}.filter(e => e.getBoundingClientRect().right > innerWidth + 1 || e.getBoundingClientRect().left < -1)
    .slice(0, 3).map({WORDS}),
]"""
FIELD = "input:not([type=submit]), select"  # a field of one line scrolls by itself
CLIPPED = f"""() => {SHOWN}.filter(e => !e.matches('{FIELD}')
  && (e.matches('[type=submit]') || /hidden|clip/.test(getComputedStyle(e).overflow))
  && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)).map({WORDS})"""
SMALL = f"""() => {SHOWN}.filter(e => e.matches('a, button, input, select, textarea, summary')).filter(e => {{
  const box = e.getBoundingClientRect();
  const sentence = e.localName == 'a' && [...e.parentElement.childNodes].some(
    other => other != e && /[\\p{{L}}]/u.test(other.textContent) && (other.nodeType == 3 || !other.matches('a, p')));
  return !sentence && (box.width < 24 || box.height < 24);
}}).map({WORDS})"""
UNFRAMED = f"""() => {SHOWN}.filter(e => e.matches(
  '[type=submit]:not(.plain), button.copy, a.button, textarea, select, .state, .chip, .summary, progress, '
  + 'input:not([type=checkbox], [type=radio])'
)).filter(e => {{
  const style = getComputedStyle(e), behind = getComputedStyle(document.body).backgroundColor;
  return !['block-start', 'block-end'].some(side => parseFloat(style.getPropertyValue(`border-${{side}}-width`)) >= 1
    && style.getPropertyValue(`border-${{side}}-style`) != 'none'
    && style.getPropertyValue(`border-${{side}}-color`) != behind);
}}).map({WORDS})"""
MOVING = f"""() => {SHOWN}.filter(e => {{
  const style = getComputedStyle(e);
  return style.animationName != 'none' || style.transitionDuration != '0s' || style.scrollBehavior != 'auto';
}}).map({WORDS})"""
TURNED = """() => {
  const [panel, opening] = ['.panel', '.opening'].map(name => document.querySelector(name));
  return !panel || panel.getBoundingClientRect().right <= opening.getBoundingClientRect().left ? [] : ['panel'];
}"""
MOVED = """() => new Promise(done => {
  let moved = 0;
  new PerformanceObserver(list => list.getEntries().forEach(entry => moved += entry.value))
    .observe({type: 'layout-shift', buffered: true});
  new PerformanceObserver(() => requestAnimationFrame(() => setTimeout(() => done(moved), 50)))
    .observe({type: 'largest-contentful-paint', buffered: true});
})"""


LOOK = f"""([spacing, checks]) => {{
  const find = {{scrolls: {SCROLLS}, clips: {CLIPPED}, small: {SMALL}, turned: {TURNED}}};
  const dress = {{
    plain: () => () => {{}},
    spaced: () => {{
      const style = document.head.appendChild(document.createElement('style'));
      style.textContent = spacing;
      return () => style.remove();
    }},
    rtl: () => {{
      document.documentElement.dir = 'rtl';
      return () => document.documentElement.removeAttribute('dir');
    }},
  }};
  return checks.map(([dressed, wrong]) => {{
    const undress = dress[dressed](), found = find[wrong]();
    undress();
    return found;
  }});
}}"""
"""One visit in the page for each size of the window: what is wrong as it is, with wider text, from right to left."""

SPACED = (("spaced", "scrolls"), ("spaced", "clips"), ("rtl", "scrolls"))
SIZES: dict[tuple[int, int], tuple[tuple[str, str], ...]] = {
    (320, 900): (("plain", "scrolls"), *SPACED),
    (320, 256): (("plain", "scrolls"),),  # 1280 px zoomed to 400 %
    (640, 512): (("plain", "scrolls"),),
    (360, 900): (("plain", "small"),),
    (1280, 900): (("plain", "small"), *SPACED, ("rtl", "turned")),
}
"""What is asked at which width and height; the window of the walk comes last."""


def at(page: Page, width: int, height: int = 900) -> None:
    page.set_viewport_size({"width": width, "height": height})


def look(page: Page, *checks: tuple[str, str]) -> list[list[object]]:
    """What each of the checks finds, by how the page is dressed and by what is looked for."""
    found: list[list[object]] = page.evaluate(LOOK, [SPACING, checks])
    return found


def sized(page: Page) -> dict[str, object]:
    """In windows of all sizes: with the text spacing of WCAG 1.4.12, and in a language written from right to left."""
    found: dict[str, object] = {}
    for (width, height), checks in SIZES.items():
        at(page, width, height)
        for (dressed, wrong), where in zip(checks, look(page, *checks), strict=True):
            found[f"{dressed}: {wrong} at {width} x {height}"] = where
    return found


def adapted(page: Page) -> dict[str, object]:
    """In a person's own colours, and without motion."""
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    found: dict[str, object] = {"without a frame": page.evaluate(UNFRAMED), "moves": page.evaluate(MOVING)}
    page.emulate_media(forced_colors="none", reduced_motion="no-preference")
    return found


@pytest.mark.parametrize(("language", "words"), [("es", {}), ("en", LONG)], ids=["Spanish", "long words"])
@pytest.mark.parametrize("kind", WALKS)
def test_every_page_holds(
    chromium: Browser, request: pytest.FixtureRequest, kind: str, language: str, words: dict[str, str]
) -> None:
    site: Site = request.getfixturevalue(kind)
    prepare(site)
    found: dict[str, object] = {}
    with window(chromium, script=True) as (page, _seen):
        for screen in WALKS[kind](page, site, language, **words):
            for check in (sized, adapted):
                found |= {f"{screen}: {what}": wrong for what, wrong in check(page).items() if wrong}

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
