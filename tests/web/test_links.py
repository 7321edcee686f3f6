"""Links that fill in fields and tell where somebody comes from; forms on other sites."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest
from flask import Flask

from app import campaigns
from app.db import writing
from app.extensions import db
from app.web.forms import PREFILLED, SignForm
from app.web.origin import KEYS
from app.web.validators import Prose
from config import ROOT
from tests.databases import connected
from tests.factories import Clock, campaign_source, mails, published, stored, supporter
from tests.pages import Visitor, parse
from tests.web.steps import SEND, SHOW, begin, confirm, sign

EMPTY = "fill this in yourself; what the link or form held cannot stand here."
FOREIGN = {"Sec_Fetch_Site": "cross-site", "Origin": "https://friends.example"}


def origins(data_dir: Path) -> list[dict[str, str]]:
    with connected(data_dir) as connection:
        return [json.loads(text) for (text,) in connection.execute("SELECT origin FROM signature ORDER BY id")]


def html(**fields: str) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in fields.items()}


# --- filled fields --------------------------------------------------------------------------------------------


def test_a_link_fills_in_every_field_about_the_person_and_sends_nothing(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    given = html(**supporter(honorific_prefix="Ms.", address_line2="Apt. 4"))
    page = visitor.open(f"/reunite-families?{urlencode(given)}")

    assert page.status == 200
    assert page.errors == []
    assert given.items() <= page.values.items()
    assert page.letters[0].startswith("Please reunite the families from Calexico Dear [Decision Maker],")
    assert stored(data_dir)["signature"] == 0
    clock.forward(seconds=10)
    assert len(visitor.press(SHOW).letters) == 3


def test_the_letter_and_the_choice_of_a_person_are_never_filled_by_a_link(visitor: Visitor) -> None:
    given = {"own-words": "x", "part-1": "x", "district": "ocd-division/country:us/state:wy", "send": "1", "token": "x"}
    page = visitor.open(f"/reunite-families?given-name=Ana&{urlencode(given)}")

    assert page.values["given-name"] == "Ana"
    assert "x" not in page.values.values()
    assert not page.has("own-words")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("given-name", "x" * 101),
        ("postal-code", "9" * 21),
        ("email", "a" * 255),
        ("address-line1", "x" * 7000),
        ("family-name", "a\0b"),
        ("address-level2", "<script>alert(1)</script>"),
        ("address-level1", "XX"),
    ],
)
def test_what_a_field_cannot_hold_leaves_it_empty_and_it_says_why(visitor: Visitor, name: str, value: str) -> None:
    page = visitor.open(f"/reunite-families?{quote(name)}={quote(value)}")

    assert page.status == 200
    assert page.values[name] == ""
    (error,) = page.errors
    assert error.endswith(f": {EMPTY}")
    assert page.control(name).get("aria-invalid") == "true"


def test_a_title_is_known_without_its_dot_and_one_that_is_none_is_left_out_in_silence(visitor: Visitor) -> None:
    for typed, title in (("King", ""), ("mrs", "Mrs."), ("DR", "Dr."), ("Sra.", "Mrs."), ("Mx.", "")):
        page = visitor.open(f"/reunite-families?honorific-prefix={typed}")

        assert page.errors == []
        assert page.values["honorific-prefix"] == title


def test_what_is_only_wrong_stays_and_is_said_when_a_button_is_pressed(visitor: Visitor, clock: Clock) -> None:
    page = visitor.open("/reunite-families?postal-code=8200&email=ana")
    assert page.errors == []
    assert [page.values["postal-code"], page.values["email"]] == ["8200", "ana"]

    clock.forward(seconds=5)
    assert "Enter your ZIP code, like 94110. It has five digits; yours has 4." in visitor.press(SHOW).errors


def test_the_first_of_two_values_counts(visitor: Visitor) -> None:
    assert visitor.open("/reunite-families?given-name=Ana&given-name=Eva").values["given-name"] == "Ana"


def test_a_filled_page_is_nobody_elses(visitor: Visitor) -> None:
    visitor.open("/reunite-families?given-name=Ana&source=mail")

    page = visitor.open("/reunite-families")

    assert page.values["given-name"] == ""
    assert "source" not in page.values


# --- where somebody comes from --------------------------------------------------------------------------------


def test_where_somebody_comes_from_is_kept_through_all_steps_and_stored(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    visitor.open("/reunite-families?source=newsletter-7&utm_medium=email&utm_campaign=reunite&other=1")
    clock.forward(seconds=30)
    visitor.fill(**supporter(postal_code="1")).press(SHOW)
    visitor.fill(**supporter(address_level1="WI", postal_code="53811")).press(SHOW)
    visitor.choose("district", "senators-only").press("Español")
    visitor.press("English")
    visitor.press(SEND)

    assert origins(data_dir) == [{"source": "newsletter-7", "utm_medium": "email", "utm_campaign": "reunite"}]


def test_it_survives_a_corrected_address(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    visitor.open("/reunite-families?source=mail")
    clock.forward(seconds=30)
    visitor.fill(**supporter()).press(SHOW)
    visitor.press(SEND)
    visitor.press("Wrong address? Change it")
    clock.forward(seconds=30)
    visitor.fill(email="ana@example.net").press(SHOW)
    visitor.press(SEND)

    with connected(data_dir) as connection:
        kept = connection.execute("SELECT email, origin FROM signature ORDER BY id").fetchall()
    assert kept == [(None, None), ("ana@example.net", '{"source": "mail"}')]


@pytest.mark.parametrize("code", ["ana@example.org", "x" * 101, "<b>", "a\nb", "é", ""])
def test_what_is_no_code_is_not_kept(visitor: Visitor, clock: Clock, data_dir: Path, code: str) -> None:
    visitor.open(f"/reunite-families?source={quote(code)}&utm_term=ok")
    clock.forward(seconds=30)
    visitor.fill(**supporter()).press(SHOW)
    visitor.press(SEND)

    assert origins(data_dir) == [{"utm_term": "ok"}]


def test_without_a_code_nothing_is_stored(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)

    assert origins(data_dir) == [{}]


def test_pages_that_differ_only_in_where_one_comes_from_are_kept_apart(visitor: Visitor) -> None:
    for code in ("a", "b", "a"):
        assert visitor.open(f"/reunite-families?source={code}").values["source"] == code


# --- a form on another site -----------------------------------------------------------------------------------


def test_a_form_on_another_site_leads_to_the_filled_page_and_nothing_is_looked_up_or_stored(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    given = [*html(**supporter()).items(), ("source", "friends"), ("lang", "es")]
    page = visitor.post("/reunite-families", given, **FOREIGN)

    assert page.status == 200
    assert page.errors == []
    assert page.root.get("lang") == "es"
    assert dict(given).items() <= page.values.items()
    assert not page.has("write-to")
    assert "Barrasso" not in page.text
    assert stored(data_dir)["signature"] == 0

    clock.forward(seconds=5)
    assert len(visitor.press("Ver mis cartas").letters) == 3
    visitor.press("Enviar mis cartas")
    assert origins(data_dir) == [{"source": "friends"}]


def test_even_with_a_token_of_ours_another_site_sends_nothing(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock).press(SHOW)

    page = visitor.press(SEND, **FOREIGN)

    assert page.path == "/reunite-families"
    assert "Look over what you entered, then press the button once more." in page.notice
    assert stored(data_dir)["signature"] == 0


def test_a_form_without_a_token_from_our_own_site_sends_nothing(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock).press(SHOW)
    path, fields = visitor.ready(SEND)

    page = visitor.post(
        path, [(name, value) for name, value in fields if name != "token"], Sec_Fetch_Site="same-origin"
    )

    assert page.path == "/reunite-families"
    assert stored(data_dir)["signature"] == 0


def test_words_that_another_site_puts_into_the_form_are_shown_before_they_go(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    page = visitor.post("/reunite-families", [*html(**supporter()).items(), ("own-words", "Theirs.")], **FOREIGN)

    assert page.values["own-words"] == "Theirs."
    assert "own-words" in {element.get("id") for element in page.root.iter("textarea")}


def test_another_site_chooses_nothing_that_the_page_hides(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    hidden = {
        "chosen-for": "119 WI 53703", "district": "ocd-division/country:us/state:wi/cd:7", "left-out": "WI-S1",
        "part-1": "x", "told": "1", "replaces": "abc", "seal": "x", "sure-of-state": "y", "offered": "WI-S1",
    }  # fmt: skip
    madison = html(**supporter(address_level1="WI", address_level2="Madison", postal_code="53703"))
    page = visitor.post("/reunite-families", [*madison.items(), *hidden.items()], **FOREIGN)
    assert [page.values.get(name, "") for name in hidden if name != "chosen-for"] == [""] * 8

    clock.forward(seconds=5)
    page = visitor.press(SHOW)

    assert len(page.letters) == 3
    assert "Mark Pocan" in page.text
    assert "You said who represents you" not in page.text


def test_a_page_of_ours_that_was_open_for_a_day_keeps_all_that_was_chosen(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock).press(SHOW)
    clock.forward(hours=25)
    visitor.untick("write-to", "WY-S1").fill(own_words="Mine.").press(SHOW)
    clock.forward(seconds=5)

    page = visitor.press(SHOW)

    assert len(page.letters) == 2
    assert page.values["own-words"] == "Mine."


def test_a_phone_number_that_does_not_fit_is_said_at_its_field(visitor: Visitor) -> None:
    page = visitor.open(f"/reunite-families?tel={'1' * 50}")

    assert page.errors == [f"Phone: {EMPTY}"]
    assert page.values["tel"] == ""


def test_the_sites_address_takes_a_link_along(visitor: Visitor) -> None:
    page = visitor.open("/?source=mail&given-name=Ana&lang=es")

    assert page.path == "/reunite-families"
    assert [page.values["source"], page.values["given-name"], page.values["lang"]] == ["mail", "Ana", "es"]


# --- what the documentation says ------------------------------------------------------------------------------


def test_the_form_in_the_documentation_works(visitor: Visitor, data_dir: Path) -> None:
    text = (ROOT / "docs" / "embed.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"```html\n(.*?)```", text, re.DOTALL)
    root = parse(f"<!DOCTYPE html><html lang=en><head><title>Friends</title></head><body>{snippet}</body></html>")
    (form,) = root.iter("form")
    typed = {"given-name": "Ana", "postal-code": "82001"}
    fields = [(f.get("name"), typed.get(f.get("name"), f.get("value", ""))) for f in form.iter("input")]

    page = visitor.post(urlsplit(form.get("action")).path, fields, **FOREIGN)

    assert {**typed, "source": "partner-site"}.items() <= page.values.items()
    assert stored(data_dir)["signature"] == 0


def test_the_documentation_names_every_field_that_a_link_fills_and_its_limit(visitor: Visitor) -> None:
    text = (ROOT / "docs" / "links.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \|.*\| *(\d*) *\|$", text, re.MULTILINE))

    with visitor.app.test_request_context():
        form = SignForm(None)
        fields = [form[name] for name in PREFILLED]
        limits = {f.name: next((str(v.longest) for v in f.validators if isinstance(v, Prose)), "") for f in fields}
    assert rows == limits
    assert all(f"`{key}`" in text for key in KEYS)


# --- sharing, and how many have written -----------------------------------------------------------------------


def confirmed(visitor: Visitor, clock: Clock, data_dir: Path, number: int, slug: str = "the-well") -> None:
    sign(visitor, clock, slug, email=f"ana{number}@example.org")
    confirm(visitor, data_dir)


def test_the_receipt_offers_links_that_carry_the_campaign_and_nothing_else(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock)
    page = confirm(visitor, data_dir)

    token = page.path.rpartition("/")[2]
    share = {"".join(a.itertext()): str(a.get("href")) for a in page.find("main").iter("a")}
    address = quote("http://127.0.0.1:8000/reunite-families", safe="")
    for name in ("E-mail", "WhatsApp", "Facebook", "X", "Bluesky", "Telegram"):
        assert address in share[name]
        assert token not in share[name]
        assert "Ana" not in share[name]
    (copyable,) = page.root.iter("textarea")
    assert "".join(copyable.itertext()).strip().endswith("two minutes.\nhttp://127.0.0.1:8000/reunite-families")


def test_the_count_is_hidden_below_its_number_and_counts_confirmed_people_once(
    visitor: Visitor, clock: Clock, data_dir: Path, sandbox: Flask
) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(more="goal = 4\ncount-from = 2"), clock())
    confirmed(visitor, clock, data_dir, 1)
    sign(visitor, clock, "the-well", email="waits@example.org")
    clock.forward(seconds=11)
    assert "written" not in visitor.open("/the-well").text
    confirmed(visitor, clock, data_dir, 2)
    clock.forward(seconds=11)

    page = visitor.open("/the-well")

    assert "2 people have written. The goal is 4." in page.text
    (bar,) = page.root.iter("progress")
    assert (bar.get("value"), bar.get("max")) == ("2", "4")
    sign(visitor, clock, "the-well", email="ana1@example.org")  # a second time: told by mail, never counted
    clock.forward(seconds=11)
    assert "2 people have written." in visitor.open("/the-well").text


def test_a_person_who_was_erased_still_counts_and_one_who_withdrew_does_not(
    visitor: Visitor, clock: Clock, data_dir: Path, sandbox: Flask
) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(more="count-from = 1"), clock())
    for number, button in ((1, "Erase it"), (2, "Take them back")):
        confirmed(visitor, clock, data_dir, number)
        what = "erase" if number == 1 else "withdraw"
        visitor.open(f"{visitor.page.path}/{what}")
        visitor.fill(email=f"ana{number}@example.org").press(button)
    clock.forward(seconds=11)

    assert "1 person has written." in visitor.open("/the-well").text


def test_beyond_its_goal_the_count_goes_on(visitor: Visitor, clock: Clock, data_dir: Path, sandbox: Flask) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(more="goal = 1\ncount-from = 1"), clock())
    for number in range(2):
        confirmed(visitor, clock, data_dir, number)
    clock.forward(seconds=11)

    page = visitor.open("/the-well")

    assert "2 people have written. The goal was 1." in page.text
    (bar,) = page.root.iter("progress")
    assert (bar.get("value"), bar.get("max")) == ("1", "1")


# --- no dead ends ---------------------------------------------------------------------------------------------


def test_a_campaign_that_has_ended_says_so_and_what_one_can_do(visitor: Visitor, clock: Clock, sandbox: Flask) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(more="closes = 2026-11-01"), clock())

    page = visitor.open("/the-well")

    assert "This campaign has ended." in page.text
    assert "202-224-3121" in page.text
    assert "the link in the mail with your copy still shows where your letters are" in page.text
    assert [a.get("href") for a in page.find("main").iter("a")] == ["/reunite-families"]


def test_a_campaign_that_is_not_open_yet_says_when_and_in_spanish(
    visitor: Visitor, clock: Clock, sandbox: Flask
) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(more="opens = 2026-12-24"), clock())

    assert "opens on December 24, 2026" in visitor.open("/the-well").text
    assert "24 de diciembre de 2026" in visitor.open("/the-well?lang=es").text


def test_the_mails_lead_to_pages_without_a_language_in_their_address(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock)
    confirm(visitor, data_dir)

    assert all("lang=" not in mail.text for kind in ("confirmation", "copy") for mail in mails(data_dir, kind))


def test_a_campaign_that_has_ended_still_tells_its_story_and_no_goal(
    visitor: Visitor, clock: Clock, data_dir: Path, sandbox: Flask
) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(more="goal = 50\ncount-from = 1"), clock())
    confirmed(visitor, clock, data_dir, 1)
    with sandbox.app_context(), writing(db.session()):
        campaigns.close(db.session(), "the-well")
    clock.forward(seconds=11)

    page = visitor.open("/the-well")

    assert "Two towns share one well." in page.text
    assert "1 person has written." in page.text
    assert "goal" not in page.text
    assert not list(page.root.iter("progress"))
