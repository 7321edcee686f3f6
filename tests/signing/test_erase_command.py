"""`flask signatures erase`: for a request that comes by letter; it prints what it did and never the person's data."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from app.delivery.sending import claim, settle
from tests.databases import connected, write_lock
from tests.delivery.factories import ACCEPTED, policy
from tests.signing.factories import NOW, confirmed, signed, signer


def erase(app: Flask, *arguments: str, stdin: str | None = None) -> Result:
    return app.test_cli_runner().invoke(args=["signatures", "erase", *arguments], input=stdin)


def names(data_dir: Path) -> list[str | None]:
    with connected(data_dir) as connection:
        return [name for (name,) in connection.execute("SELECT given_name FROM signature ORDER BY id")]


def test_everything_under_an_address_is_erased_and_nothing_of_others(
    app: Flask, session: Session, data_dir: Path
) -> None:
    confirmed(app, session, signed(app, session))
    while claimed := claim(session, NOW):
        settle(session, claimed, ACCEPTED, policy(), NOW)
    signed(app, session, signer(given_name="Beto"))
    signed(app, session, signer(given_name="Carla", email="carla@example.org"))

    done = erase(app, "--email", "Ana.Garcia+x@example.org")

    assert done.exit_code == 0
    assert names(data_dir) == [None, None, "Carla"]
    assert "Erased 2 signatures." in done.stderr
    assert "3 of the letters had gone already" in done.stderr
    assert "for at most 7 days" in done.stderr
    assert done.stdout == ""
    assert not any(word in done.output for word in ("Ana", "ana.garcia", "Beto", "Randall"))


def test_without_the_option_the_address_is_asked_for(app: Flask, session: Session, data_dir: Path) -> None:
    signed(app, session)

    assert erase(app, stdin="ana.garcia@example.org\n").exit_code == 0
    assert names(data_dir) == [None]


@pytest.mark.parametrize("email", ["nobody@example.org", "", "%", "x" * 5000, "' OR 1=1"])
def test_an_address_that_nobody_gave_erases_nothing(app: Flask, session: Session, data_dir: Path, email: str) -> None:
    signed(app, session)

    done = erase(app, "--email", email)

    assert (done.exit_code, done.stderr) == (1, f"Error: Nothing is kept under this address in {data_dir}.\n")
    assert names(data_dir) == ["Ana"]


def test_twice_is_once(app: Flask, session: Session) -> None:
    signed(app, session)

    assert erase(app, "--email", "ana.garcia@example.org").exit_code == 0
    assert erase(app, "--email", "ana.garcia@example.org").exit_code == 1


def test_a_busy_database_is_a_sentence(impatient: None, app: Flask, session: Session, data_dir: Path) -> None:
    signed(app, session)
    with write_lock(data_dir):
        done = erase(app, "--email", "ana.garcia@example.org")

    assert done.exit_code == 1
    assert "The database took no change" in done.stderr
    assert names(data_dir) == ["Ana"]
