"""`flask legislators find`, `info` and `rollback` on a site with the tables that the project ships."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from click.testing import Result
from flask import Flask

from app.cli.legislators import legislators
from tests.conftest import OpenSandbox
from tests.factories import Clock


@pytest.fixture
def site(open_sandbox: OpenSandbox) -> Flask:
    return open_sandbox()


def run(app: Flask, *arguments: str, code: int = 0) -> Result:
    with app.app_context():
        result = app.test_cli_runner().invoke(legislators, arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def find(app: Flask, state: str, zip_code: str, *more: str, code: int = 0) -> Result:
    return run(app, "find", "--state", state, "--zip", zip_code, *more, code=code)


def test_it_says_who_and_how_it_was_found(site: Flask) -> None:
    assert find(site, "TX", "78701").stdout.splitlines() == [
        "Texas, 119th Congress. Found by the ZIP code.",
        "  TX-S2  Senator John Cornyn, Republican, 202-224-2934",
        "  TX-S1  Senator Ted Cruz, Republican, 202-224-5922",
        "  TX-37  Representative Lloyd Doggett, Democrat, 202-225-4865",
        "Members as of 2026-10-03.",
    ]


@pytest.mark.parametrize(
    ("state", "zip_code", "words"),
    [
        ("WI", "53811", "The ZIP code lies in several districts; it is one of these, the likeliest first."),
        ("CA", "94604", "the first is a guess, the district of the ZIP code's post office"),
        ("CA", "96199", "Nobody knows this ZIP code: is it right?"),
        ("MA", "01009", "The ZIP code is for PO boxes"),
        ("DC", "20500", "No senators: none are elected there."),
        ("tx", "78002-1234", "TX-23  vacant, 202-225-4511"),
        ("OH", "43215", "Senator Jon Husted, Republican, appointed, past the end of the term, 2026-11-03"),
    ],
)
def test_it_says_what_is_not_certain(site: Flask, state: str, zip_code: str, words: str) -> None:
    assert words in find(site, state, zip_code).stdout


@pytest.mark.parametrize(
    ("state", "zip_code", "words"),
    [
        ("WY", "94110", "Error: ZIP code 94110 is in California, not in Wyoming."),
        ("SD", "58649", "Error: This ZIP is mostly in North Dakota. Do you live in South Dakota?"),
        ("TX", "09012", "Error: 09012 is military mail, which has no district"),
        ("GU", "96940", "Error: 96940 lies in Palau, which elects nobody to Congress."),
        ("XX", "78701", "Error: 'XX' is none of the 56 states and territories"),
        ("TX", "7870", "Error: '7870' is no ZIP code"),
        ("TX", "\0", "is no ZIP code"),
    ],
)
def test_it_says_why_it_cannot_know(site: Flask, state: str, zip_code: str, words: str) -> None:
    assert words in find(site, state, zip_code, code=1).stderr


def test_a_neighbours_zip_can_be_said_to_be_right(site: Flask) -> None:
    assert "SD-AL  Representative Dusty Johnson" in find(site, "SD", "58649", "--sure-of-state").stdout


def test_a_script_gets_json(site: Flask) -> None:
    facts = json.loads(find(site, "WI", "53811", "--json").stdout)

    assert (facts["congress"], facts["method"], facts["sure"], facts["warnings"]) == (
        119,
        "zip",
        "one of",
        ["split zip"],
    )
    assert [candidate["seat"] for candidate in facts["candidates"]] == ["WI-3", "WI-2"]
    assert facts["candidates"][0]["division"] == "ocd-division/country:us/state:wi/cd:3"


def test_a_street_is_not_looked_up_unless_the_settings_allow_it(site: Flask) -> None:
    result = find(site, "WI", "53811", "--street", "1 Main Street", "--city", "Platteville")

    assert "GEOCODER is off" in result.stderr
    assert "One of these:" in result.stdout


def test_after_the_turn_it_does_not_name_who_may_have_left(open_sandbox: OpenSandbox, clock: Clock) -> None:
    clock.now = datetime(2027, 1, 3, 17, tzinfo=UTC)

    lines = find(open_sandbox(), "WY", "82001").stdout.splitlines()

    assert lines[0] == "Wyoming, 120th Congress. Found by the state alone."
    assert lines[1].startswith("  WY-S1  Senator John Barrasso")
    assert [line[:8].strip() for line in lines if "not known yet" in line] == ["WY-S2", "WY-AL"]


def test_info_says_what_is_in_force_and_what_is_not_known(site: Flask) -> None:
    told = run(site, "info").stdout

    for words in (
        "In force: the tables of the 119th Congress as of 2026-10-03, shipped with the program.",
        "Age: 52 days.",
        "Members: 539; vacant: FL-20, TX-23.",
        "FL-S3 Ashley Moody (2026-11-03)",
        "  members: as of 2026-06-15, https://unitedstates.github.io/",
        "Open question: all results of the 2026-11-03 general election.",
        "Never refreshed.",
    ):
        assert words in told
    assert "120th" not in run(site, "info").output


def test_info_warns_from_december_on(open_sandbox: OpenSandbox, clock: Clock) -> None:
    app = open_sandbox()
    clock.now = datetime(2026, 12, 1, 4, 59, tzinfo=UTC)
    assert run(app, "info").stderr == ""

    clock.now = datetime(2026, 12, 1, 17, tzinfo=UTC)

    assert run(app, "info").stderr.startswith("The 120th Congress begins on January 3rd at noon in Washington")
    assert app.test_client().get("/healthz").get_json()["legislators"] == "next congress missing"


def test_without_a_refresh_there_is_nothing_to_roll_back(site: Flask) -> None:
    assert "never refreshed" in run(site, "rollback", code=1).stderr
