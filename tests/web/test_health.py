"""/healthz, for programs that watch."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.delivery import Outcome, OutcomeKind
from app.delivery.breaker import Breaker
from app.extensions import db
from app.legislators.keeping.generations import keep
from tests.clock.factories import certain
from tests.conftest import OpenSandbox
from tests.databases import connected, write_lock
from tests.factories import Clock
from tests.heartbeats import beat
from tests.legislators.keeping.small_tables import table_files
from tests.pages import check_headers


def ask(app: Flask) -> TestResponse:
    response = app.test_client(use_cookies=False).get("/healthz")
    check_headers(response)
    return response


def worked(app: Flask, at: datetime) -> None:
    with app.app_context():
        beat(db.session(), at)


def test_all_is_well(sandbox: Flask, clock: Clock) -> None:
    worked(sandbox, clock() - timedelta(seconds=5))

    response = ask(sandbox)

    assert response.status_code == 200
    assert response.get_json() == {
        "status": "ok",
        "database": "ok",
        "worker": "ok",
        "sending": "on",
        "clock": "ok",
        "legislators": "ok",
    }


def test_a_late_worker_is_said_but_the_pages_are_well(sandbox: Flask, clock: Clock) -> None:
    worked(sandbox, clock() - timedelta(seconds=61))

    response = ask(sandbox)

    assert response.status_code == 200
    assert response.get_json()["worker"] == "late"


def test_a_worker_that_never_started_is_late(sandbox: Flask) -> None:
    assert ask(sandbox).get_json()["worker"] == "late"


def test_a_mail_server_that_takes_nothing_from_us_is_said(sandbox: Flask, clock: Clock) -> None:
    with sandbox.app_context():
        Breaker("sandbox").note(db.session(), Outcome(OutcomeKind.CHANNEL, "login refused", 535), clock())
    assert ask(sandbox).get_json()["sending"] == "refused"

    clock.forward(minutes=1)
    assert ask(sandbox).get_json()["sending"] == "on"


def test_a_database_that_cannot_be_read_is_a_failure(sandbox: Flask, data_dir: Path) -> None:
    with connected(data_dir) as connection:
        connection.execute("ALTER TABLE campaign RENAME TO elsewhere")

    response = ask(sandbox)

    assert response.status_code == 503
    assert response.get_json()["database"] == "unreachable"


def test_a_writer_does_not_make_it_fail(open_sandbox: OpenSandbox, data_dir: Path, impatient: None) -> None:
    app = open_sandbox()
    with write_lock(data_dir):
        assert ask(app).status_code == 200


@pytest.mark.parametrize(("off", "says"), [(2, "ok"), (-400, "in doubt"), (4, "in doubt"), (400, "in doubt")])
def test_a_clock_in_doubt_is_said_and_the_pages_are_well(sandbox: Flask, clock: Clock, off: int, says: str) -> None:
    with sandbox.app_context():
        certain(db.session(), clock())

    clock.forward(days=off)

    response = ask(sandbox)
    assert (response.status_code, response.get_json()["status"]) == (200, "ok")
    assert response.get_json()["clock"] == says


EASTERN = timezone(timedelta(hours=-5))


@pytest.mark.parametrize(
    ("now", "legislators"),
    [
        (datetime(2026, 11, 30, 23, 59, tzinfo=EASTERN), "ok"),
        (datetime(2026, 12, 1, tzinfo=EASTERN), "next congress missing"),
        (datetime(2027, 1, 3, 11, 59, tzinfo=EASTERN), "next congress missing"),
        (datetime(2027, 1, 3, 12, tzinfo=EASTERN), "members missing"),
    ],
)
def test_it_says_when_the_tables_of_the_next_congress_are_missing_and_pages_are_well(
    sandbox: Flask, clock: Clock, now: datetime, legislators: str
) -> None:
    clock.now = now

    response = ask(sandbox)

    assert response.status_code == 200
    assert response.get_json()["legislators"] == legislators


def test_refreshed_tables_end_the_warning_without_a_restart(sandbox: Flask, clock: Clock, data_dir: Path) -> None:
    clock.now = datetime(2027, 1, 6, 12, tzinfo=EASTERN)
    assert ask(sandbox).get_json()["legislators"] == "members missing"

    keep(data_dir / "legislators", table_files(120, "2027-01-05"), clock())
    assert ask(sandbox).get_json()["legislators"] == "ok"

    files = table_files(120, "2027-01-05")
    files["manifest.json"] = files["manifest.json"].replace(b'"map_congress": 120', b'"map_congress": 119')
    keep(data_dir / "legislators", files, clock())
    assert ask(sandbox).get_json()["legislators"] == "districts missing"
