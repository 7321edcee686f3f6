"""What must hold of every page: narrow and zoomed, with wider text, right to left, in forced colours, on touch."""

from __future__ import annotations

from playwright.sync_api import Page

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


def faults(page: Page, screen: str) -> dict[str, object]:
    """All that does not hold of the page at hand, by what that is."""
    return {f"{screen}: {what}": wrong for check in (sized, adapted) for what, wrong in check(page).items() if wrong}
