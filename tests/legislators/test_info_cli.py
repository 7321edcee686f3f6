"""`flask legislators info`: which tables are in force, how old, from where, and what nobody knows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from app import create_app
from app.legislators import tables
from app.legislators.keeping.generations import alone, keep
from app.legislators.keeping.refresh_state import RefreshState, write_state
from tests import factories
from tests.factories import Clock
from tests.legislators.keeping.country import country, member, members_of, of_next_congress, publish, shipped

TURN = datetime(2027, 1, 3, 12, tzinfo=timezone(timedelta(hours=-5)))
CLOCK = Clock()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A site with the shipped tables, on which nothing is changed."""
    app = create_app(factories.config(tmp_path_factory.mktemp("info")), clock=CLOCK)
    with app.app_context():
        yield app


def info(app: Flask) -> Result:
    with app.app_context():
        result = app.test_cli_runner().invoke(args=["legislators", "info"])
    assert result.exit_code == 0, result.output
    return result


def test_it_tells_of_the_shipped_tables(real: Flask) -> None:
    CLOCK.now = datetime(2026, 11, 24, 17, tzinfo=UTC)

    result = info(real)

    lines = result.stdout.splitlines()
    assert lines[:5] == [
        "In force: the tables of the 119th Congress as of 2026-10-03, shipped with the program.",
        "Age: 52 days.",
        "ZIP codes in the districts of: the 119th Congress.",
        "Members: 539; vacant: FL-20, TX-23.",
        "Past the end of their term, and sitting until somebody follows: FL-S3 Ashley Moody (2026-11-03), "
        "OH-S3 Jon Husted (2026-11-03).",
    ]
    assert lines[5] == "Sources:"
    assert (
        "  members: as of 2026-06-15, https://unitedstates.github.io/congress-legislators/legislators-current.json"
        in lines
    )
    assert len([line for line in lines if line.startswith("  ")]) == 8
    assert len([line for line in lines if line.startswith("Open question: ")]) == 3
    assert lines[-1] == "Never refreshed."
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (datetime(2026, 12, 1, 4, 59, tzinfo=UTC), ""),
        (datetime(2026, 12, 1, 5, 0, tzinfo=UTC), "The 120th Congress begins on January 3rd at noon in Washington"),
        (TURN, "The 120th Congress has begun, and its members are not here yet: letters go only to the senators"),
    ],
)
def test_it_warns_of_a_congress_that_is_missing(real: Flask, now: datetime, words: str) -> None:
    CLOCK.now = now

    said = info(real).stderr

    assert said.startswith(words)
    assert bool(said) == bool(words)


def test_after_the_turn_only_terms_that_go_on_count(real: Flask) -> None:
    CLOCK.now = TURN

    said = info(real).stdout

    assert "Members known to sit in the 120th Congress: 65, by terms that go on." in said
    assert "Past the end" not in said
    assert "vacant" not in said


@pytest.fixture
def site(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A site of the made-up country."""
    monkeypatch.setattr(tables, "SHIPPED", shipped(tmp_path / "shipped"))
    return create_app(factories.config(tmp_path), clock=clock)


def refreshed(app: Flask, folder: Path, as_of: str) -> None:
    with app.app_context():
        result = app.test_cli_runner().invoke(
            args=["legislators", "refresh", "--from", str(folder), "--as-of", "members", as_of]
        )
    assert result.exit_code == 0, result.output
    shutil.rmtree(folder)


def test_it_tells_of_refreshed_tables_and_of_others_besides(site: Flask, tmp_path: Path) -> None:
    newer = country()
    member(newer, members_of(newer, "sen")[0].bioguide).term["end"] = "2026-11-03"
    refreshed(site, publish(tmp_path / "new", newer, "members"), "2026-11-20")
    refreshed(site, publish(tmp_path / "next", of_next_congress(country()), "members"), "2026-11-24")

    lines = info(site).stdout.splitlines()

    assert lines[0].startswith("In force: the tables of the 119th Congress as of 2026-11-20, refreshed 20261124T17")
    assert lines[1] == "Age: 4 days."
    assert "Past the end of their term" in lines[4]
    assert lines[4].endswith(": AK-S2 Sam Senator S000001 (2026-11-03).")
    assert [line for line in lines if line.startswith("Besides")] == [
        "Besides: the tables of the 119th Congress as of 2026-10-03, shipped with the program.",
        "Besides: the tables of the 120th Congress as of 2026-11-24, refreshed 20261124T170000Z-2.",
    ]
    assert lines[-1] == "Last refresh that worked: 2026-11-24 17:00 UTC."


def test_it_tells_why_the_last_refresh_failed_and_when_one_worked(site: Flask, tmp_path: Path, clock: Clock) -> None:
    state = RefreshState().succeeded(clock()).failed(clock() + timedelta(days=7), "It answered 503.")
    with alone(tmp_path / "legislators"):
        write_state(tmp_path / "legislators", state)

    result = info(site)

    assert result.stdout.splitlines()[-1] == "Last refresh that worked: 2026-11-24 17:00 UTC."
    assert result.stderr == "The last refresh failed: It answered 503.\n"


def test_tables_of_tomorrow_in_utc_have_no_age_below_nothing(site: Flask, tmp_path: Path, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 25, 1, tzinfo=UTC)  # the 24th in Washington
    source = shipped(tmp_path / "copy")
    files = {path.name: path.read_bytes() for path in source.iterdir()}
    files["manifest.json"] = files["manifest.json"].replace(b'"as_of": "2026-10-03"', b'"as_of": "2026-11-25"', 1)
    keep(tmp_path / "legislators", files, clock())

    assert "Age: 0 days." in info(site).stdout
