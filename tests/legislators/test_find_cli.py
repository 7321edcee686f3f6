"""`flask legislators find`: who represents an address, how that was found, or why it cannot be known."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from app import create_app
from app.extensions import db
from tests import factories
from tests.factories import Clock
from tests.legislators.geocoder import NO_MATCH, Step, finds, geocoder, says, sends

TURN = datetime(2027, 1, 3, 12, tzinfo=timezone(timedelta(hours=-5)))
CLOCK = Clock()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The shipped tables; the street is not looked up, and there is no database."""
    return create_app(factories.config(tmp_path_factory.mktemp("find")), clock=CLOCK)


@pytest.fixture(autouse=True)
def today() -> None:
    CLOCK.now = datetime(2026, 11, 24, 17, tzinfo=UTC)


def find(app: Flask, state: str, zip_code: str, *more: str, code: int = 0) -> Result:
    with app.app_context():
        result = app.test_cli_runner().invoke(args=["legislators", "find", "--state", state, "--zip", zip_code, *more])
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def lines(app: Flask, state: str, zip_code: str, *more: str) -> list[str]:
    return find(app, state, zip_code, *more).stdout.splitlines()


def refusal(app: Flask, state: str, zip_code: str, *more: str) -> str:
    result = find(app, state, zip_code, *more, code=1)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("Error: ").strip()


# Right


def test_a_zip_code_in_one_district_says_who(site: Flask) -> None:
    assert lines(site, "TX", "78701") == [
        "Texas, 119th Congress. Found by the ZIP code.",
        "  TX-S2  Senator John Cornyn, Republican, 202-224-2934",
        "  TX-S1  Senator Ted Cruz, Republican, 202-224-5922",
        "  TX-37  Representative Lloyd Doggett, Democrat, 202-225-4865",
        "Members as of 2026-10-03.",
    ]


def test_letters_and_four_more_digits_are_read(site: Flask) -> None:
    assert lines(site, " tx ", "78701-1234") == lines(site, "TX", "78701")


def test_a_state_with_one_district_needs_no_zip_code_to_decide(site: Flask) -> None:
    found = lines(site, "WY", "82001")

    assert found[0] == "Wyoming, 119th Congress. Found by the state alone."
    assert found[-2].startswith("  WY-AL  Representative Harriet M. Hageman")


def test_the_capital_has_a_delegate_and_no_senators(site: Flask) -> None:
    found = lines(site, "DC", "20001")

    assert found[1] == "  No senators: none are elected there."
    assert found[2].startswith("  DC-AL  Delegate Eleanor Holmes Norton, Democrat")
    assert len(found) == 4


def test_an_appointed_senator_past_the_end_of_the_term_is_said_to_be_so(site: Flask) -> None:
    (husted,) = (line for line in lines(site, "OH", "43003") if "Husted" in line)

    assert husted == "  OH-S3  Senator Jon Husted, Republican, appointed, past the end of the term, 2026-11-03, " + (
        "202-224-3353"
    )


def test_a_vacant_seat_has_the_telephone_of_its_office(site: Flask) -> None:
    assert "  TX-23  vacant, 202-225-4511" in lines(site, "TX", "78840")


# Asks


def test_a_split_zip_code_names_everyone_the_likeliest_first(site: Flask) -> None:
    found = lines(site, "WI", "53811")

    assert found[1] == "The ZIP code lies in several districts; it is one of these, the likeliest first."
    assert found[4] == "One of these:"
    assert [line[:6] for line in found[5:-1]] == ["  WI-3", "  WI-2"]


def test_a_box_guesses_by_its_post_office_and_says_that_it_is_a_guess(site: Flask) -> None:
    found = lines(site, "TX", "73301")

    assert found[0] == (
        "Texas, 119th Congress. Not found; the first is a guess, the district of the ZIP code's post office."
    )
    assert found[1].startswith("The ZIP code is for PO boxes or a single building")
    assert found[4] == "Any of these:"
    assert found[5].startswith("  TX-37 ")
    assert len(found) == 4 + 1 + 38 + 1


def test_an_unknown_zip_code_leaves_the_whole_state_open(site: Flask) -> None:
    found = lines(site, "TX", "78000")

    assert found[:2] == [
        "Texas, 119th Congress. Only the state is certain.",
        "Nobody knows this ZIP code: is it right?",
    ]
    assert len(found) == 4 + 1 + 38 + 1


def test_a_zip_code_of_a_neighbour_asks_and_then_believes(site: Flask) -> None:
    assert refusal(site, "WI", "60601") == (
        "This ZIP is mostly in Illinois. Do you live in Wisconsin? Then say so with --sure-of-state."
    )

    found = lines(site, "WI", "60601", "--sure-of-state")

    assert found[1] == "The ZIP code is mostly in another state, so it does not tell the district."
    assert len(found) == 4 + 1 + 8 + 1


# Cannot know


@pytest.mark.parametrize(
    ("state", "zip_code", "words"),
    [
        ("TX", "10001", "ZIP code 10001 is in New York, not in Texas."),
        ("TX", "09001", "09001 is military mail, which has no district: take the address where the person votes."),
        ("GU", "96940", "96940 lies in Palau, which elects nobody to Congress."),
        ("ZZ", "10001", "'ZZ' is none of the 56 states and territories: write two letters, like TX."),
        ("Tehas", "78701", "'Tehas' is none of the 56 states and territories: write two letters, like TX."),
        ("TX", "7870", "'7870' is no ZIP code: write five digits, like 78701."),
        ("TX", "", "'' is no ZIP code: write five digits, like 78701."),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_sentence(site: Flask, state: str, zip_code: str, words: str) -> None:
    assert refusal(site, state, zip_code) == words


def test_after_the_turn_redrawn_states_are_open_and_only_senators_whose_terms_go_on_are_known(site: Flask) -> None:
    CLOCK.now = TURN - timedelta(seconds=1)
    assert lines(site, "TX", "78701")[0] == "Texas, 119th Congress. Found by the ZIP code."
    CLOCK.now = TURN

    found = lines(site, "TX", "78701")

    assert found[:5] == [
        "Texas, 120th Congress. Only the state is certain.",
        "The state has new districts, and the ZIP codes are still told in the old ones.",
        "  TX-S1  Senator Ted Cruz, Republican, 202-224-5922",
        "  TX-S2  not known yet: the new Congress has just begun",
        "Any of these:",
    ]
    assert {line[9:] for line in found[5:-1]} == {"not known yet: the new Congress has just begun"}


def test_after_the_turn_other_states_keep_their_districts_but_not_their_members(site: Flask) -> None:
    CLOCK.now = TURN

    found = lines(site, "MN", "55401")

    assert found[0] == "Minnesota, 120th Congress. Found by the ZIP code."
    assert found[-2] == "  MN-5   not known yet: the new Congress has just begun"


def test_two_congresses_behind_nothing_is_known(site: Flask) -> None:
    CLOCK.now = datetime(2029, 2, 1, tzinfo=UTC)

    assert "get newer ones with `flask legislators refresh`" in refusal(site, "TX", "78701")


# For programs


def test_programs_get_the_same_as_json(site: Flask) -> None:
    found = json.loads(find(site, "TX", "78840", "--json").stdout)

    assert {key: found[key] for key in ("congress", "state", "method", "sure", "warnings", "as_of")} == {
        "congress": 119,
        "state": "TX",
        "method": "zip",
        "sure": "certain",
        "warnings": [],
        "as_of": "2026-10-03",
    }
    assert [one["seat"] for one in found["senators"]] == ["TX-S2", "TX-S1"]
    assert found["senators"][1]["name"] == "Ted Cruz"
    assert found["candidates"] == [
        {
            "seat": "TX-23",
            "division": "ocd-division/country:us/state:tx/cd:23",
            "phone": "202-225-4511",
            "vacant": True,
            "known": True,
        }
    ]


# By the street

STREET = ("--street", "1 Main Street", "--city", "Platteville")


def test_without_the_geocoder_the_street_says_nothing_and_that_is_said(site: Flask) -> None:
    result = find(site, "WI", "53811", *STREET)

    assert result.stderr == "The street is not looked up: GEOCODER is off.\n"
    assert "One of these:" in result.stdout


@contextlib.contextmanager
def looking_up(data_dir: Path, address: str) -> Iterator[Flask]:
    """A site that looks streets up at an address."""
    app = create_app(factories.config(data_dir, GEOCODER="census"), clock=CLOCK, geocoder=address)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def test_the_street_decides_where_the_zip_code_does_not(data_dir: Path) -> None:
    with geocoder(finds("5502", state="WI")) as server, looking_up(data_dir, server.address) as app:
        found = lines(app, "WI", "53811", *STREET)

    assert found[0] == "Wisconsin, 119th Congress. Found by the street address, at the Census Bureau."
    assert found[-2].startswith("  WI-2   Representative Mark Pocan")
    assert [question["city"] for question in server.questions] == ["Platteville"]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (says(NO_MATCH), "The Census Bureau does not know this street address.\n"),
        (sends(b"<html>", 503), "The street could not be looked up: it answered 503.\n"),
    ],
)
def test_a_street_that_cannot_be_found_leaves_what_the_zip_code_says(data_dir: Path, step: Step, words: str) -> None:
    with geocoder(step) as server, looking_up(data_dir, server.address) as app:
        result = find(app, "WI", "53811", *STREET)

    assert result.stderr == words
    assert "One of these:" in result.stdout


def test_without_a_database_the_street_gets_one_sentence(tmp_path: Path) -> None:
    with geocoder(says(NO_MATCH)) as server, looking_up(tmp_path, server.address) as app:
        assert refusal(app, "WI", "53811", *STREET).startswith("There is no site in this DATA_DIR yet")
