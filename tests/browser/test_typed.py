"""What was typed is still there: after Back, a reload, in a second tab, in another language."""

from __future__ import annotations

from playwright.sync_api import Browser, Page

from tests.browser.conftest import Site, window
from tests.browser.test_journey import SEND, SHOW, press, type_in
from tests.factories import mails, supporter

WORDS = "We dug the well together.\n\nCome and see it."


def to_the_letters(page: Page, site: Site) -> None:
    """Open the campaign, type, and look at the letters."""
    page.goto(f"{site.url}/reunite-families")
    site.clock.forward(seconds=30)
    type_in(page)
    press(page, SHOW)


def typed(page: Page) -> dict[str, str]:
    """What stands in the fields about the person, folded away or not."""
    names = [name.replace("_", "-") for name in supporter()]
    return {name: page.locator(f"[name={name}]").input_value() for name in names}


def entered() -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in supporter().items()}


def test_back_from_the_letters_and_from_the_next_page_finds_everything(chromium: Browser, site: Site) -> None:
    with window(chromium) as (page, _seen):
        to_the_letters(page, site)
        page.fill("[name=own-words]", WORDS)
        page.uncheck("[name=write-to][value=WY-S1]")
        press(page, SEND)
        assert page.locator("h1").inner_text() == "Check your e-mail"

        page.go_back()
        assert page.locator("[name=own-words]").input_value() == WORDS
        assert not page.is_checked("[name=write-to][value=WY-S1]")
        assert typed(page) == entered()
        page.go_back()
        assert typed(page) == entered()


def test_a_reload_of_the_letters_shows_them_again_and_keeps_what_was_sent(chromium: Browser, site: Site) -> None:
    with window(chromium) as (page, _seen):
        to_the_letters(page, site)
        page.fill("[name=own-words]", WORDS)
        press(page, "Show me my letters with these words")

        page.reload()

        assert page.locator("[name=own-words]").input_value() == WORDS
        assert page.get_by_text("We dug the well together.").nth(1).is_visible()
        assert typed(page) == entered()


def test_two_tabs_do_not_know_of_each_other(chromium: Browser, site: Site) -> None:
    with window(chromium) as (first, _seen):
        second = first.context.new_page()
        for page, name in ((first, "Ana"), (second, "Eva")):
            page.goto(f"{site.url}/reunite-families")
            type_in(page, given_name=name, email=f"{name.lower()}@example.org")
        site.clock.forward(seconds=30)
        for page in (first, second):
            press(page, SHOW)
        second.fill("[name=own-words]", WORDS)
        for page in (first, second):
            press(page, SEND)

    to = [mail.recipient for mail in mails(site.data_dir, "confirmation")]
    assert to == ["ana@example.org", "eva@example.org"]


def test_the_other_language_finds_everything(chromium: Browser, site: Site) -> None:
    with window(chromium) as (page, _seen):
        page.goto(f"{site.url}/reunite-families")
        site.clock.forward(seconds=30)
        type_in(page)
        press(page, "Español")
        assert page.locator("html").get_attribute("lang") == "es"
        assert typed(page) == entered()
        press(page, "Ver mis cartas")
        page.fill("[name=own-words]", WORDS)
        press(page, "English")

        assert page.locator("[name=own-words]").input_value() == WORDS
        assert typed(page) == entered()


def test_enter_in_a_field_shows_the_letters_and_changes_no_language(chromium: Browser, site: Site) -> None:
    with window(chromium) as (page, _seen):
        page.goto(f"{site.url}/reunite-families")
        site.clock.forward(seconds=30)
        type_in(page)
        with page.expect_navigation():
            page.press("[name=email]", "Enter")

        assert page.locator("html").get_attribute("lang") == "en"
        assert page.get_by_role("heading", name="Before you send").is_visible()
        assert mails(site.data_dir, "confirmation") == []


def test_the_whole_way_in_spanish_with_scripts_on(chromium: Browser, site: Site) -> None:
    with window(chromium, width=360, script=True) as (page, seen):
        page.goto(f"{site.url}/reunite-families?lang=es")
        site.clock.forward(seconds=30)
        type_in(page)
        press(page, "Ver mis cartas")
        page.fill("[name=own-words]", "Yo también soy madre.")
        press(page, "Enviar mis cartas")
        assert page.locator("h1").inner_text() == "Revise su correo electrónico"
        page.goto(f"{site.url}{mails(site.data_dir, 'confirmation')[0].link}")
        press(page, "Confirmar y enviar")

        assert page.locator("h1").inner_text() == "Gracias, Ana. Aquí puede ver dónde están sus cartas."
        assert page.locator("html").get_attribute("lang") == "es"
        assert page.context.cookies() == []
        assert seen.errors == []
    letters = mails(site.data_dir, "letter")
    assert all("\n\nYo también soy madre.\n\n* * *\n\nI am writing to you" in letter.text for letter in letters)
    assert len(letters) == 3
