"""The letters on a receipt hold street and e-mail address in no spelling by which a stranger could read them."""

from __future__ import annotations

import pytest

from app.models import Signature
from app.web.masking import masked


def mask(text: str, line1: str = "12 Main Street", line2: str = "", email: str = "jane.doe@example.org") -> str:
    return masked(text, Signature(address_line1=line1, address_line2=line2, email=email))


@pytest.mark.parametrize(
    "spelling",
    [
        "12 Main Street",
        "12 main street",
        "12 MAIN STREET",
        "12  Main\tStreet",
        "12\u00a0Main\u202fStreet",
        "12 Main\nStreet",
        "12 Main St.",
        "12 Main St",
        "12, Main Str.",
        "12 Main",
        "12-Main-Street",
        "12 M\u00e1in Stree\u0301t",
        "12 Ma\u00adin Street",
        "12 Ma\u200bin Street",
        "\uff11\uff12 Main Street",
        "12_Main_Street",
        "12.Main.Street",
        "12 Mainstreet",
        "12MainStreet",
        "12%20Main%20Street",
        "12&nbsp;Main&#32;Street",
    ],
)
def test_a_street_is_masked_however_it_is_written(spelling: str) -> None:
    assert mask(f"I live at {spelling}, near the well.").startswith("I live at 1···")
    assert "ain" not in mask(f"I live at {spelling}, near the well.")


@pytest.mark.parametrize(
    ("line", "spelling"),
    [
        ("12 N Main St", "12 North Main Street"),
        ("1200 Randall Avenue", "1200 randall ave."),
        ("8 Oak Dr NW", "8 Oak Drive, Northwest"),
        ("7 St. Mark's Place", "7 Saint Mark’s Pl"),
        ("12 Main Street Apt 4B", "12 Main St. #4b"),
        ("12 Main Street Apt 4B", "12 main street, apartment 4B"),
        ("450 5th Avenue", "450 Fifth Ave"),
        ("Calle Peña 3", "calle pena 3"),
        ("C/ Peña 3", "Calle Peña 3"),
        ("P.O. Box 77", "PO box 77"),
        ("PO Box 77", "Post Office Box 77"),
        ("Straße des Friedens 9", "STRASSE DES FRIEDENS 9"),
        ("улица Мира 9", "УЛИЦА МИРА 9"),
        ("12 Main Street Apt 4B", "12 Main Street"),
        ("12 Main Street, #4", "12 Main"),
        ("7 St Marks Place", "7 St. Mark's Place"),
        ("9 OBrien Road", "9 O’Brien Rd"),
        ("12 E Main Street", "12 Main St"),
        ("12 Main St", "12 East Main Street"),
        ("12 Main Street West", "12 Main"),
        ("12A Main Street", "12-a main street"),
        ("450 W 42nd Street", "450 West 42 Street"),
        ("PO Box 77", "POB 77"),
        ("PO Box 77", "P.O. Box No. 77"),
        ("PO Box 77", "Apartado 77"),
        ("8 Ocean Lp", "8 ocean loop"),
        ("12 Main Street", "twelve Main Street"),
        ("12 Main Street", "Main Street 12"),
        ("Calle Peña 3", "Calle Peña núm. 3"),
        ("450 Broadway", "450 broadway"),
        ("3 Highway 9", "3 Hwy. 9"),
        ("100 Martin Luther King Jr. Blvd", "100 Martin Luther King Boulevard"),
        ("100 Martin Luther King Jr. Blvd", "100 Martin Luther King"),
        ("100 Dr. Martin Luther King Jr. Blvd", "100 M.L.K. Blvd"),
        ("12 Main Street", "12 on Main Street"),
        ("12 Main Street", "Main Street, at number 12"),
        ("1234 Elm Street", "1,234 Elm Street"),
        ("3712 88th Street", "37-12 88th St."),
        ("450 5th Avenue", "450-5th-Avenue"),
        ("450 W 42nd Apt 3", "450 West 42nd"),
        ("12 1/2 Main Street", "12-1/2 Main St"),
        ("12\u00bd Main Street", "12 1/2 Main St"),
        ("13 Oak Ave", "thirteen Oak Avenue"),
        ("20 Main Street", "twenty Main Street"),
        ("Twenty-One Main Street", "21 Main St"),
        ("21 42nd Street", "Twenty one Forty-second Street"),
        ("21 2nd Street", "21 2d St"),
        ("12 St. Mary Street", "12 St Marys Street"),
        ("12 St. Mary Street", "12 St. Mary's Street"),
        ("O'Hara Lane 5", "5 O Hara Lane"),
        ("8 Oak Dr NW", "8 Oak Drive N.W."),
        ("Calle \u00d1u\u00f1oa 12", "\u00d1u\u00f1oa 12"),
        ("Calle de la Pe\u00f1a 3", "Calle Pe\u00f1a 3"),
        ("Calle Luna #3", "Calle Luna 3"),
        ("PO Box 12", "PO Box is 12"),
        ("PO Box #12", "p. o. box twelve"),
        ("RR 2 Box 5", "Rural Route 2, Box 5"),
    ],
)
def test_the_words_of_streets_are_known_in_their_usual_spellings(line: str, spelling: str) -> None:
    said = mask(f"Come to {spelling} and see.", line)

    mark = f"{line[:1]}···"  # twice, where the apartment is told behind the street
    assert said.replace(f"{mark}, {mark}", mark).replace(f"{mark} {mark}", mark) == f"Come to {mark} and see."


def test_a_domain_in_its_own_letters_is_the_same() -> None:
    assert mask("jane.doe@müller.example", email="jane.doe@xn--mller-kva.example") == "j···@xn--mller-kva.example"


@pytest.mark.parametrize("spelling", ["Apt 4", "apt. 4", "Apartment 4", "unit 4", "#4", "# 4", "APTO 4"])
@pytest.mark.parametrize("line", ["Apt 4", "Apartment 4", "#4", "Unit #4"])
def test_an_apartment_is_masked_however_it_is_written(line: str, spelling: str) -> None:
    assert mask(f"We live in {spelling} of it.", line2=line) == f"We live in {line[:1]}··· of it."


@pytest.mark.parametrize(
    "spelling",
    [
        "jane.doe@example.org",
        "JANE.DOE@EXAMPLE.ORG",
        "Jane.Doe @ example.org",
        "jane.doe at example dot org",
        "jane.doe(at)example.org",
        "jane.doe[at]example[dot]org",
        "ｊane.doe@example.org",
        "jane dot doe at example dot org",
        "jane.doe{at}example.org",
        "jane.doe *at* example.org",
        "jane.doe arroba example punto org",
        "jane.doe+news@example.org",
        "jane.doe&#64;example.org",
        "jane.doe&#x40;example&period;org",
        "jane.doe&commat;example.org",
        "jane.doe%40example%2Eorg",
        "jane.doe(a)example.org",
        "jane.doe_at_example.org",
        "jane.doe@@example.org",
        "j a n e . d o e @ e x a m p l e . o r g",
    ],
)
def test_an_email_address_is_masked_however_it_is_written(spelling: str) -> None:
    assert mask(f"Write to {spelling}.") == "Write to j···@example.org."


@pytest.mark.parametrize(
    ("email", "spelling"),
    [
        ("jane.doe@gmail.com", "janedoe@gmail.com"),
        ("jane.doe@gmail.com", "jane.doe@googlemail.com"),
        ("jane_doe@proton.me", "janedoe@pm.me"),
        ("jane.doe@icloud.com", "jane.doe@me.com"),
        ("jane+news@example.org", "jane@example.org"),
        ("dash.dot@at.example", "dash.dot@at.example"),
    ],
)
def test_another_address_of_the_same_mailbox_is_masked(email: str, spelling: str) -> None:
    assert mask(f"Write to {spelling}.", email=email) == f"Write to {email[:1]}···@{email.partition('@')[2]}."


@pytest.mark.parametrize(
    ("text", "line1", "line2"),
    [
        ("There are 112 Main Streets and 12 Mainly.", "12 Main Street", ""),
        ("12 mainland streets", "12 Main Street", ""),
        ("A child came on bus 4, and 4 more.", "12 Main Street", "A"),
        ("In apartment 41 nobody lives; 4 do.", "12 Main Street", "Apt 4"),
        ("not.jane.doe@example.org.uk", "12 Main Street", ""),
        ("We met at example. Or not.", "12 Main Street", ""),
        ("There are 12 main reasons.", "12 Main Street", ""),
        ("I have 10 first cousins.", "10 First Avenue", ""),
        ("See articles 1 and 2. The children wait.", "2 The Terrace", ""),
        ("We rise at 4 a.m. each day.", "4 A Street", ""),
        ("See page 5, E. Smith says.", "5 E Street", ""),
        ("For 100 years nobody asked.", "100 Years Road", ""),
        ("On floor 5 and in room 5, number 5.", "12 Main Street", "Apt 5"),
        ("- one\n-\n- two", "12 Main Street", "-"),
        ("I live on Main Street.", "12 Main Street", ""),
        ("We were 12. On Main Street we met.", "12 Main Street", ""),
        ("One of the 12 in Washington", "12 Washington Avenue", ""),
        ("The 4505 letters and the 10 firs", "450 5th Avenue", "10 Fir Street"),
        ("In twenty-two years on Main Street", "2 Main Street", "20 Main Street"),
        ("It has four floors and an east apartment.", "12 North Street", "Apt E"),
        ("The wind comes from the north.", "North Barn", "The North Wing"),
        ("Half & half, 100% &now; &#0;", "12 Main Street", ""),
    ],
)
def test_other_words_stay(text: str, line1: str, line2: str) -> None:
    assert mask(text, line1, line2) == text


@pytest.mark.parametrize(
    ("line", "spelling"),
    [
        ("Apt. 3", "Apt. three"),
        ("Apt 21", "apartment number twenty-one"),
        ("Apt 2D", "apt. 2-D"),
        ("Apt E", "apt. E"),
        ("3rd Floor", "floor 3"),
        ("Floor 3", "the third floor"),
        ("3rd Floor Apt 2", "third floor"),
        ("3rd Floor Apt 2", "apartment two"),
    ],
)
def test_the_number_of_an_apartment_is_masked_however_it_is_written(line: str, spelling: str) -> None:
    said = mask(f"We live on {spelling} of it.", line2=line)

    assert said.replace("the ", "") == f"We live on {line[:1]}··· of it."


def test_around_what_is_masked_everything_stays() -> None:
    text = "Señora Ünal: 12 MAIN ST., ﬁn — 水 👩‍👧.\n\n12 main street\nJANE.DOE@example.org"

    assert mask(text) == "Señora Ünal: 1···, ﬁn — 水 👩‍👧.\n\n1···\nj···@example.org"


def test_what_was_erased_is_empty() -> None:
    assert masked(None, Signature()) == ""
    assert masked("Dear Senator", Signature()) == "Dear Senator"
