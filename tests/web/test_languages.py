"""Which language a page speaks, and that it stays so on the whole way."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.extensions import db
from tests.conftest import OpenSandbox
from tests.databases import connected
from tests.factories import LETTER, Clock, campaign_source, mails, published, supporter
from tests.pages import Page, Visitor
from tests.web.steps import SEND, SHOW, begin, confirm, sent_address, sign

ES = {"Accept_Language": "es-MX,es;q=0.9,en;q=0.5"}
FR = {"Accept_Language": "fr-CA,fr"}
MOSTRAR, ENVIAR, CONFIRMAR = "Ver mis cartas", "Enviar mis cartas", "Confirmar y enviar"
SPANISH = """
[es]
title = "Dígale al Congreso – Cuiden el pozo"
headline = "Cuiden el pozo"
{subject}
"""
STORY = "\n\n# Story (es)\n\nDos pueblos comparten un pozo.\n"
CARTA = LETTER.replace("Dear [Decision Maker],", "Estimado equipo de [Decision Maker]:").replace(
    "Please look after the well.", "Por favor, cuiden el pozo."
)


def speaks(page: Page) -> str:
    return str(page.root.get("lang"))


def switch(page: Page) -> list[str]:
    """What the header offers."""
    header = page.find("header")
    return ["".join(e.itertext()) for e in header.iter() if e.get("lang") and e.tag in {"a", "button"}]


def well(visitor: Visitor, clock: Clock, *, translated: bool = True, letter: bool = False) -> str:
    """Publish a campaign in English; perhaps with a Spanish story, and perhaps with a Spanish letter."""
    head = SPANISH.format(subject='subject = "El pozo"' if letter else "")
    more = STORY + (f"\n# Letter (es)\n\n{CARTA}\n" if letter else "")
    source = campaign_source(more=head) + more if translated else campaign_source()
    with visitor.app.app_context():
        return published(db.session(), source, clock())


def stored_languages(data_dir: Path) -> tuple[str, set[str]]:
    with connected(data_dir) as connection:
        (signer,) = connection.execute("SELECT language FROM signature").fetchone()
        return signer, {language for (language,) in connection.execute("SELECT language FROM letter")}


# --- which one ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/reunite-families", {}, "en"),
        ("/reunite-families", ES, "es"),
        ("/reunite-families", FR, "en"),
        ("/reunite-families", {"Accept_Language": "*;;q=x, ,=\x7f"}, "en"),
        ("/reunite-families", {"Accept_Language": "es-MX,en-US;q=0.7,en;q=0.3"}, "es"),
        ("/reunite-families", {"Accept_Language": "fr,es-419;q=0.8,en;q=0.1"}, "es"),
        ("/reunite-families", {"Accept_Language": "es;q=0,en;q=0.1"}, "en"),
        ("/reunite-families?lang=es", {}, "es"),
        ("/reunite-families?lang=en", ES, "en"),
        ("/reunite-families?lang=fr", ES, "es"),
        ("/reunite-families?lang=", {}, "en"),
        ("/reunite-families?lang=../es", {}, "en"),
        ("/privacy", ES, "es"),
        ("/privacy?lang=en", ES, "en"),
        ("/no/such/page", ES, "es"),
        ("/no/such/page?lang=es", {}, "es"),
        ("/mailbox", ES, "es"),
    ],
)
def test_the_address_decides_then_the_browser(
    visitor: Visitor, path: str, headers: dict[str, str], expected: str
) -> None:
    assert speaks(visitor.open(path, **headers)) == expected


def test_a_campaign_that_is_not_translated_speaks_its_own_language(visitor: Visitor, clock: Clock) -> None:
    slug = well(visitor, clock, translated=False)

    assert speaks(visitor.open(f"/{slug}", **ES)) == "en"
    page = visitor.open(f"/{slug}?lang=es", **ES)
    assert speaks(page) == "es"
    assert page.heading == "Look after the well"
    assert MOSTRAR in page.buttons


def test_a_campaign_written_in_spanish_is_spanish_for_everybody(visitor: Visitor, clock: Clock) -> None:
    with visitor.app.app_context():
        published(db.session(), campaign_source(more='language = "es"'), clock())

    assert speaks(visitor.open("/the-well")) == "es"
    assert speaks(visitor.open("/the-well?lang=en")) == "en"


def test_story_and_letter_say_which_language_they_are_in(visitor: Visitor, clock: Clock) -> None:
    page = visitor.open(f"/{well(visitor, clock)}", **ES)

    assert page.heading == "Cuiden el pozo"
    assert page.title.startswith("Dígale al Congreso – Cuiden el pozo")
    assert "Dos pueblos comparten un pozo." in page.text
    (sheet,) = page.all("article")
    assert sheet.get("lang") == "en"
    lead = next(element for element in page.root.iter("div") if element.get("class") == "lead")
    assert lead.get("lang") is None


def test_every_other_language_is_named_in_itself(visitor: Visitor) -> None:
    assert switch(visitor.open("/reunite-families")) == ["Español"]
    assert switch(visitor.open("/reunite-families", **ES)) == ["English"]
    page = visitor.open("/privacy?x=1&lang=en")
    (link,) = [a for a in page.find("header").iter("a") if a.get("lang")]
    assert link.get("href") == "/privacy?x=1&lang=es"
    assert link.get("hreflang") == "es"


def test_search_engines_are_told_of_both(visitor: Visitor) -> None:
    page = visitor.open("/reunite-families?lang=es&source=mail")
    links = {link.get("rel"): (link.get("hreflang"), link.get("href")) for link in page.all("link")}

    assert links["canonical"] == (None, "http://127.0.0.1:8000/reunite-families?lang=es")
    assert links["alternate"] == ("en", "http://127.0.0.1:8000/reunite-families")


def test_a_cache_is_told_that_the_browsers_language_matters(visitor: Visitor) -> None:
    assert "Accept-Language" in visitor.open("/reunite-families").headers["Vary"]


def test_two_people_at_once_each_get_their_own(visitor: Visitor) -> None:
    for headers, expected in [(ES, "es"), ({}, "en"), (ES, "es"), ({}, "en")]:
        page = visitor.open("/reunite-families", **headers)
        assert speaks(page) == page.values["lang"] == expected


# --- it stays -------------------------------------------------------------------------------------------------


def test_changing_the_language_keeps_what_was_typed(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock)
    visitor.fill(postal_code="8200")  # not right yet, and nobody has asked

    page = visitor.press("Español")

    assert speaks(page) == "es"
    assert page.status == 200
    assert page.errors == []
    assert {n.replace("_", "-"): v for n, v in supporter(postal_code="8200").items()}.items() <= page.values.items()
    page = visitor.press("English")
    assert speaks(page) == "en"
    assert page.values["given-name"] == "Ana"


def test_changing_it_at_once_is_not_too_quick(visitor: Visitor) -> None:
    visitor.open("/reunite-families")

    assert visitor.press("Español").notice == ""


def test_changing_it_among_the_letters_shows_the_letters(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock).press(SHOW)
    page = visitor.untick("write-to", "WY-S1").fill(own_words="Mío.").press("Español")

    assert len(page.letters) == 2
    assert page.values["own-words"] == "Mío."
    assert page.buttons[1] == ENVIAR


def test_changing_it_at_a_choice_asks_again_without_an_error(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock, address_level1="WI", postal_code="53811").press(SHOW)

    page = visitor.press("Español")

    assert page.has("district")
    assert page.errors == []


def test_it_stays_from_the_first_page_to_the_receipt_whatever_the_browser_likes(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    page = visitor.open("/reunite-families?lang=es")
    clock.forward(seconds=30)
    visitor.fill(**supporter())
    for button in (MOSTRAR, ENVIAR):
        page = visitor.press(button)
        assert speaks(page) == "es"
    assert sent_address(page)

    page = visitor.open(mails(data_dir, "confirmation")[0].link)
    assert speaks(page) == "es"
    page = visitor.press(CONFIRMAR)

    assert page.path.startswith("/receipt/")
    assert speaks(page) == "es"
    links = {
        str(a.get("href")).partition("?")[2] for a in page.find("main").iter("a") if str(a.get("href")).startswith("/")
    }
    assert links == {"lang=es"}  # the browser alone would lead to English
    assert stored_languages(data_dir) == ("es", {"en"})
    assert speaks(visitor.open(f"{page.path}?lang=en")) == "en"


def test_the_mails_speak_the_signers_language_and_the_letters_their_own(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    visitor.open("/reunite-families", **ES)
    clock.forward(seconds=30)
    visitor.fill(**supporter()).press(MOSTRAR, **ES)
    visitor.press(ENVIAR, **ES)
    visitor.open(mails(data_dir, "confirmation")[0].link)  # on another device, which likes English
    visitor.press(CONFIRMAR)

    assert mails(data_dir, "confirmation")[0].headers["Subject"] == "Por favor, confirme: Reúnan a las familias"
    copy = mails(data_dir, "copy")[0]
    assert copy.headers["Subject"] == "Sus cartas: Reúnan a las familias"
    assert "John Barrasso, del Senado" in copy.text
    assert "Partido Republicano, Wyoming, distrito único" in copy.text
    for letter in mails(data_dir, "letter"):
        assert "Sample Organisation sent this letter for Ana García Ruiz" in " ".join(letter.text.split())
        assert "Dear " in letter.text
        assert "lang=" not in letter.text


def test_a_letter_that_is_translated_goes_in_that_language(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    slug = well(visitor, clock, letter=True)
    visitor.open(f"/{slug}?lang=es")
    clock.forward(seconds=30)
    visitor.fill(**supporter()).press(MOSTRAR)
    visitor.press(ENVIAR)
    visitor.open(mails(data_dir, "confirmation")[0].link)
    visitor.press(CONFIRMAR)

    assert stored_languages(data_dir) == ("es", {"es"})
    letter = mails(data_dir, "letter")[0]
    assert letter.headers["Subject"] == "El pozo"
    assert letter.text.startswith("Estimado equipo de Senator Barrasso:\n\nPor favor, cuiden el pozo.")
    assert "Sample Organisation sent" not in letter.text


def test_a_letter_that_changes_its_language_is_shown_once_more(visitor: Visitor, clock: Clock) -> None:
    slug = well(visitor, clock, letter=True)
    begin(visitor, clock, slug).press(SHOW)
    page = visitor.press("Español")

    assert "Por favor, cuiden el pozo." in page.letters[0]
    assert sent_address(visitor.press(ENVIAR))


def test_english_mails_are_english_for_a_spanish_browser(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    page = visitor.open(mails(data_dir, "confirmation")[0].link, **ES)
    assert speaks(page) == "en"
    confirm(visitor, data_dir)

    assert mails(data_dir, "copy")[0].headers["Subject"] == "Your letters: Reunite Families"


def test_a_forged_language_is_none(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock).press(SHOW)
    path, fields = visitor.ready(SEND)

    visitor.post(path, [(name, "xx\0" if name == "lang" else value) for name, value in fields])

    assert stored_languages(data_dir) == ("en", {"en"})


def test_a_part_left_alone_follows_the_language_of_the_letter(visitor: Visitor, clock: Clock) -> None:
    opened = "[Edit from here]\n{}\n[Edit to here]"
    letter = LETTER.replace("Please look after the well.", opened.format("Please dig."))
    carta = CARTA.replace("Por favor, cuiden el pozo.", opened.format("Por favor, caven."))
    head = SPANISH.format(subject='subject = "El pozo"')
    with visitor.app.app_context():
        published(db.session(), campaign_source(more=head, letter=letter) + f"\n# Letter (es)\n\n{carta}\n", clock())
    begin(visitor, clock, "the-well").press(SHOW)

    page = visitor.press("Español")

    assert "Por favor, caven." in page.letters[0]
    assert "dig" not in page.letters[0]
    assert page.values["part-1"] == "Por favor, caven."


def test_words_for_sharing_are_in_the_language_of_the_page(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    head = 'share = "I wrote to Congress."\n' + SPANISH.format(subject="")
    with visitor.app.app_context():
        published(db.session(), campaign_source(more=head), clock())
    visitor.open("/the-well?lang=es")
    clock.forward(seconds=30)
    visitor.fill(**supporter()).press(MOSTRAR)
    visitor.press(ENVIAR)
    visitor.open(mails(data_dir, "confirmation")[0].link)
    page = visitor.press(CONFIRMAR)

    (copyable,) = page.root.iter("textarea")
    assert "".join(copyable.itertext()).strip().startswith("Dígale al Congreso – Cuiden el pozo\n")


def test_the_language_that_was_asked_for_stays_on_an_untranslated_campaign(visitor: Visitor, clock: Clock) -> None:
    slug = well(visitor, clock, translated=False)
    page = visitor.open(f"/{slug}?lang=es", **ES)

    assert {a.get("href") for a in page.find("footer").iter("a")} == {"/privacy?lang=es"}


def test_letters_in_another_language_are_announced_before_each_button(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    said = "Las cartas van en inglés, tal como las ve abajo. Sus propias palabras pueden ir en su idioma."
    assert "The letters go in" not in visitor.open("/reunite-families").text
    assert said in visitor.open("/reunite-families?lang=es").text
    clock.forward(seconds=30)
    assert said in visitor.fill(**supporter()).press(MOSTRAR).text
    visitor.press(ENVIAR)

    assert said in visitor.open(mails(data_dir, "confirmation")[0].link).text


def test_merge_fields_are_shown_in_the_language_of_the_page(visitor: Visitor) -> None:
    (letter,) = visitor.open("/reunite-families?lang=es").letters

    assert "Dear [A quien va la carta]," in letter
    assert letter.endswith("[Su nombre] [Su domicilio] [Ciudad, estado y código postal] [Su correo electrónico]")


def test_a_hand_off_names_its_values_as_english_forms_do_too(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path
) -> None:
    visitor = Visitor(open_sandbox(SANDBOX_CHANNEL="handoff"))
    visitor.open("/reunite-families?lang=es")
    clock.forward(seconds=30)
    visitor.fill(**supporter()).press(MOSTRAR)
    visitor.press("Recibir mis cartas")
    visitor.open(mails(data_dir, "confirmation")[0].link)
    page = visitor.open(f"{visitor.press('Confirmar').path}/letters/1")

    labels = [" ".join("".join(label.itertext()).split()) for label in page.root.iter("label")]
    assert {"Nombre (First name)", "Calle y número (Street address)", "Asunto (Subject)"} <= set(labels)


def test_the_button_of_a_language_leads_to_an_address_that_names_it(visitor: Visitor) -> None:
    page = visitor.open("/reunite-families?lang=en", **ES)

    (button,) = [element for element in page.root.iter("button") if element.get("name") == "speak"]
    assert button.get("formaction") == "/reunite-families?lang=es"
