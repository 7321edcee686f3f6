"""With the keyboard alone: every stop can be seen, errors are led to, and Enter in a field never sends letters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Site, window
from tests.browser.screens import first_view, type_in
from tests.factories import mails, stored, supporter

pytestmark = pytest.mark.browser

LOOK = """() => {
  const focused = document.activeElement, style = getComputedStyle(focused);
  const box = focused.getClientRects()[0] || new DOMRect();
  const [x, y] = [box.x + Math.min(box.width, 40) / 2, box.y + Math.min(box.height, 24) / 2];
  const top = document.elementFromPoint(x, y);
  const light = colour => colour.match(/[0-9.]+/g).slice(0, 3).map(part => part / 255)
    .map(part => part > 0.04045 ? ((part + 0.055) / 1.055) ** 2.4 : part / 12.92)
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0.05);
  let behind = focused.parentElement;
  while (behind && getComputedStyle(behind).backgroundColor == "rgba(0, 0, 0, 0)") behind = behind.parentElement;
  const both = [style.outlineColor, behind ? getComputedStyle(behind).backgroundColor : "rgb(255,255,255)"].map(light);
  return {
    tag: focused.localName,
    name: focused.getAttribute("name") || "",
    words: (focused.type == "submit" ? focused.value : "") || focused.innerText || "",
    value: focused.value || "",
    ring: style.outlineStyle == "none" ? 0 : parseFloat(style.outlineWidth),
    contrast: Math.max(...both) / Math.min(...both),
    seen: box.width > 0 && x >= 0 && y >= 0 && x < innerWidth && y < innerHeight
      && top != null && (focused.contains(top) || top.contains(focused)),
  };
}"""


@dataclass(frozen=True)
class Stop:
    """What has the focus, and how it can be seen."""

    tag: str
    name: str
    words: str
    value: str
    ring: float
    contrast: float
    seen: bool


def focus(page: Page) -> Stop:
    """Where the focus is; it must be seen there."""
    stop = Stop(**page.evaluate(LOOK))
    assert stop.seen, f"not in the window: {stop}"
    assert stop.ring >= 2, f"no ring: {stop}"
    assert stop.contrast >= 3, f"the ring is faint: {stop}"
    return stop


def tab_to(page: Page, wanted: Callable[[Stop], bool], key: str = "Tab", most: int = 40) -> Stop:
    """Press Tab until the focus is on what is wanted; every stop on the way can be seen."""
    passed = []
    for _ in range(most):
        page.keyboard.press(key)
        stop = focus(page)
        if wanted(stop):
            return stop
        passed.append(stop.name or stop.words)
    raise AssertionError(f"{key} never came there, but to {passed}")


def named(name: str) -> Callable[[Stop], bool]:
    """Whether a stop is the field or button of that name."""
    return lambda stop: stop.name == name


def press_key(page: Page, key: str) -> None:
    """Press a key that leads to another page."""
    with page.expect_navigation():
        page.keyboard.press(key)


def enter(page: Page, name: str) -> None:
    """Press Enter in the first field of that name."""
    page.locator(f"[name={name}]").first.focus()
    press_key(page, "Enter")


@pytest.mark.parametrize("width", [360, 1280])
def test_from_the_campaign_to_the_receipt(chromium: Browser, site: Site, width: int) -> None:
    with window(chromium, width=width, dark=width == 360, height=640, script=True) as (page, _seen):
        first_view(page, site, "en")
        person = supporter(address_level1="Wisconsin", postal_code="53811", address_level2="Platteville")
        for name, value in person.items():
            tab_to(page, named(name.replace("_", "-")))
            page.keyboard.type(value)
        tab_to(page, named("show"))
        tab_to(page, named("email"), key="Shift+Tab")
        tab_to(page, named("show"))
        press_key(page, "Enter")

        tab_to(page, named("district"))
        page.keyboard.press("Space")
        page.keyboard.press("ArrowDown")
        assert focus(page).value == "ocd-division/country:us/state:wi/cd:2"
        page.keyboard.press("ArrowUp")
        assert page.locator("[name=district]:checked").get_attribute("value") == focus(page).value
        tab_to(page, named("show"))
        press_key(page, "Space")

        first = tab_to(page, named("write-to"))
        page.keyboard.press("Space")
        assert not page.locator(f"[value='{first.value}']").is_checked()
        tab_to(page, named("own-words"))
        page.keyboard.type("My own words.")
        page.keyboard.press("Enter")
        page.keyboard.type("In two lines.")
        tab_to(page, lambda stop: stop.tag == "a" and "letters" in stop.words)
        page.keyboard.press("Enter")
        page.wait_for_url("**#letters")
        tab_to(page, named("own-words"), key="Shift+Tab")
        tab_to(page, named("send"))
        press_key(page, "Enter")

        assert page.locator("h1").inner_text() == "Check your e-mail"
        tab_to(page, named("again"))
        press_key(page, "Space")
        page.goto(site.url + mails(site.data_dir, "confirmation")[-1].link)
        tab_to(page, named("confirm"))
        press_key(page, "Enter")

        tab_to(page, lambda stop: stop.tag == "summary", most=20)
        page.keyboard.press("Enter")
        assert page.get_by_text("In two lines.").first.is_visible()
        tab_to(page, lambda stop: stop.words.startswith("Privacy"))
    assert len(mails(site.data_dir, "letter")) == 2


def test_every_stop_of_the_hand_off_can_be_seen(chromium: Browser, by_hand: Site) -> None:
    with window(chromium, width=360, height=640, script=True) as (page, _seen):
        first_view(page, by_hand, "en")
        type_in(page)
        enter(page, "postal-code")
        tab_to(page, named("send"))
        press_key(page, "Enter")
        page.goto(by_hand.url + mails(by_hand.data_dir, "confirmation")[-1].link)
        tab_to(page, named("confirm"))
        press_key(page, "Enter")
        tab_to(page, lambda stop: stop.words.startswith("Deliver letter 1"))
        press_key(page, "Enter")
        tab_to(page, named("sent"))
        press_key(page, "Enter")

        assert page.locator("[role=status]").first.inner_text().startswith("You told us that you sent your letter")


@pytest.mark.parametrize("language", ["en", "es"])
def test_after_an_error_the_focus_is_on_the_summary_and_its_first_link_leads_to_the_field(
    chromium: Browser, site: Site, language: str
) -> None:
    def follow(expected: str) -> None:
        page.wait_for_function("document.activeElement.className == 'summary'")
        focus(page)
        page.keyboard.press("Tab")
        assert focus(page).tag == "a"
        page.keyboard.press("Enter")
        page.wait_for_function("id => document.activeElement.id == id", arg=expected)
        focus(page)

    with window(chromium, width=360, height=640, script=True) as (page, _seen):
        first_view(page, site, language)
        enter(page, "given-name")
        follow("given-name")
        type_in(page, address_level1="WI", postal_code="53811", address_level2="Platteville")
        press_key(page, "Enter")
        page.locator("[name=show]").last.focus()
        press_key(page, "Enter")
        follow("district")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        press_key(page, "Enter")
        for _ in page.locator("[name=write-to]").all():
            tab_to(page, named("write-to"))
            page.keyboard.press("Space")
        tab_to(page, named("send"))
        press_key(page, "Enter")
        follow("write-to")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        tab_to(page, named("send"))
        press_key(page, "Enter")
        page.goto(site.url + mails(site.data_dir, "confirmation")[-1].link.replace("confirm", "receipt") + "/erase")
        enter(page, "email")
        follow("email")


def test_enter_in_a_field_never_sends_letters_nor_changes_the_language(chromium: Browser, site: Site) -> None:
    nothing = stored(site.data_dir)

    def enter_everywhere() -> list[str]:
        fields = page.locator(
            "input:is([type=text], [type=email], [type=tel], [type=checkbox], [type=radio]):not(.away *)"
        )
        names = [str(field.get_attribute("id")) for field in fields.all()]
        for name in names:
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            field = page.locator(f"[id='{name}']")
            if field.count() == 0:  # an answer has been found meanwhile
                continue
            field.focus()
            press_key(page, "Enter")
            assert page.url.endswith("/reunite-families")
            assert page.locator("html").get_attribute("lang") == "en"
            assert stored(site.data_dir) == nothing
        return names

    with window(chromium, script=True) as (page, _seen):
        page.goto(f"{site.url}/reunite-families")
        site.clock.forward(seconds=30)
        assert len(enter_everywhere()) == 8
        type_in(page, address_level1="WI", postal_code="53811", address_level2="Platteville")
        enter(page, "email")
        assert len(enter_everywhere()) == 11
        page.locator("[name=district]").first.check()
        enter(page, "district")
        assert page.locator("[name=send]").count() == 1
        assert len(enter_everywhere()) == 11
        assert page.locator("[name=send]").count() == 1
