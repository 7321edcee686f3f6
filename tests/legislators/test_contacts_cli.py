"""`flask contacts …`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import create_app
from app.cli.contacts import contacts
from app.db import writing
from app.extensions import db
from app.legislators.contacts import stored
from app.models import Contact
from tests import factories
from tests.conftest import OpenSandbox
from tests.databases import write_lock
from tests.factories import Clock

HEADER = "office,role,email,source,as_of\n"
TWO = HEADER + "WY-S2,scheduler,a@example.org,a card,2026-10-01\nTX-37,case worker,b@example.org,by phone,2024-10-01\n"


@pytest.fixture
def site(open_sandbox: OpenSandbox) -> Iterator[Flask]:
    """An application with the test's clock: the real day may lie in another Congress."""
    app = open_sandbox()
    with app.app_context():
        yield app


@pytest.fixture
def session(site: Flask) -> Session:
    return db.session()


def run(app: Flask, *arguments: str, stdin: str | bytes = "", code: int = 0) -> Result:
    result = app.test_cli_runner().invoke(contacts, arguments, input=stdin)
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.stderr
    return result


def put(session: Session, *offices: str) -> None:
    with writing(session):
        session.add_all(
            Contact(office=office, role="r", email="x@example.org", source="s", as_of=date(2026, 1, 1))
            for office in offices
        )


def test_a_file_is_imported_listed_and_changed(site: Flask, tmp_path: Path) -> None:
    file = tmp_path / "contacts.csv"
    file.write_text(TWO, encoding="utf-8")

    imported = run(site, "import", str(file))
    assert (imported.stdout, imported.stderr) == ("", "2 added, 0 changed, 0 unchanged.\n")

    again = run(site, "import", "-", stdin=TWO.replace("a@", "c@"))
    assert again.stderr == "0 added, 1 changed, 1 unchanged.\n"

    assert [line.split("  ")[0] for line in run(site, "list").stdout.splitlines()] == ["OFFICE", "TX-37", "WY-S2"]
    assert run(site, "remove", "wy-s2").stderr == "1 removed.\n"
    assert run(site, "export").stdout.splitlines()[1:] == TWO.splitlines()[2:]


def test_what_is_exported_is_what_was_imported(site: Flask) -> None:
    rows = 'L000571,"a ""b"", c",a@example.org,"Ünser, Büro",2026-10-01\nTX-23,r,b@example.org,s,2026-10-01\n'
    run(site, "import", "-", stdin="\ufeff" + HEADER.replace("\n", "\r\n") + rows)

    exported = run(site, "export")
    assert sorted(exported.stdout_bytes.decode().splitlines(True)) == sorted((HEADER + rows).splitlines(True))
    assert exported.stderr == ""

    assert run(site, "import", "-", stdin=exported.stdout_bytes).stderr == "0 added, 0 changed, 2 unchanged.\n"
    run(site, "remove", "L000571", "TX-23")
    run(site, "import", "-", stdin=exported.stdout_bytes)
    assert run(site, "export").stdout_bytes == exported.stdout_bytes


def test_entries_that_are_used_for_nothing_are_marked_and_not_exported(site: Flask, session: Session) -> None:
    put(session, "WY-S2", "L000571", "G000359", "TX-23")

    listed = {line.split()[0]: line for line in run(site, "list").stdout.splitlines()}
    exported = run(site, "export")

    assert listed["WY-S2"].endswith("not used: L000571 has an entry of their own")
    assert listed["G000359"].endswith("sits no longer: used for nothing")
    assert listed["TX-23"].split()[1] == "vacant"
    assert "Cynthia M. Lummis, WY-S2" in listed["L000571"]
    assert listed["L000571"].endswith("2026-01-01")
    assert [line.split(",")[0] for line in exported.stdout.splitlines()] == ["office", "TX-23", "L000571"]
    assert exported.stderr.splitlines() == [
        f"Left out, since it is used for nothing: {office}, x@example.org." for office in ("WY-S2", "G000359")
    ]
    assert run(site, "import", "-", stdin=exported.stdout).stderr == "0 added, 1 changed, 1 unchanged.\n"


def test_the_list_is_there_for_scripts_too(site: Flask, session: Session) -> None:
    run(site, "import", "-", stdin=TWO)
    put(session, "G000359")

    listed = json.loads(run(site, "list", "--json").stdout)

    assert listed[0] == {
        "office": "TX-37",
        "seat": "TX-37",
        "who": "Lloyd Doggett",
        "role": "case worker",
        "email": "b@example.org",
        "source": "by phone",
        "as_of": "2024-10-01",
        "used": True,
        "note": "older than a year",
        "dead": False,
    }
    assert [(entry["office"], entry["seat"], entry["used"]) for entry in listed[1:]] == [
        ("WY-S2", "WY-S2", True),
        ("G000359", None, False),
    ]


def test_an_empty_book_is_an_empty_list_and_a_header(site: Flask) -> None:
    listed = run(site, "list")

    assert listed.stdout == ""
    assert "flask contacts import FILE" in listed.stderr
    assert json.loads(run(site, "list", "--json").stdout) == []
    assert run(site, "export").stdout == HEADER
    assert run(site, "import", "-", stdin=HEADER).stderr == "0 added, 0 changed, 0 unchanged.\n"


def test_a_dry_run_says_what_would_change_and_changes_nothing(site: Flask, session: Session) -> None:
    run(site, "import", "-", stdin=TWO)
    before = stored(session)
    rows = "L000571,r,new@example.org,s,2026-10-01\nWY-AL,r,c@example.org,s,2026-10-01\n"

    result = run(site, "import", "--dry-run", "-", stdin=HEADER + rows)

    assert result.stderr.splitlines() == [
        "To be added: WY-AL, c@example.org.",
        "To be changed: L000571, new@example.org.",
        "1 added, 1 changed, 0 unchanged. Nothing was stored: this was a dry run.",
    ]
    assert stored(session) == before


@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
def test_nothing_is_stored_when_anything_is_wrong(site: Flask, session: Session, dry_run: tuple[str, ...]) -> None:
    result = run(site, "import", *dry_run, "-", stdin=TWO + "WY-AL,r,www.x.gov,s,2030-01-01\n", code=1)

    assert result.stderr.splitlines() == [
        "Error: -: line 4, column 9: This is the address of a web form. "
        "Leave the office out: supporters are then helped to use the form.",
        "-: line 4, column 21: Write a day in as_of that has come: in Washington it is 2026-11-24.",
    ]
    assert stored(session) == ()


def test_a_file_that_is_wrong_throughout_is_not_told_in_a_thousand_lines(site: Flask) -> None:
    result = run(site, "import", "-", stdin=HEADER + "x\n" * 1000, code=1)

    assert len(result.stderr.splitlines()) == 201
    assert result.stderr.endswith("-: and 800 more problems: mend these first.\n")


@pytest.mark.parametrize("name", ["missing.csv", "", ".", "x" * 10_000, "a\x00b"])
def test_a_file_that_can_not_be_read_is_said(site: Flask, name: str) -> None:
    assert "Can't read the file" in run(site, "import", name, code=1).stderr


def test_no_more_is_read_than_a_file_may_hold(site: Flask) -> None:
    assert "Shorten the file to 1 MB" in run(site, "import", "/dev/zero", code=1).stderr


def test_an_unknown_entry_is_said_and_nothing_removed(site: Flask) -> None:
    run(site, "import", "-", stdin=TWO)

    result = run(site, "remove", "WY-S2", "L000571", "\0", code=1)

    assert "There is no entry under" in result.stderr
    assert "L000571" in result.stderr
    assert len(run(site, "export").stdout.splitlines()) == 3


def test_while_a_new_congress_is_not_known_the_book_stays_what_it_was(
    site: Flask, clock: Clock, session: Session
) -> None:
    run(site, "import", "-", stdin=TWO)
    put(session, "B001230")
    before = run(site, "export").stdout
    clock.forward(days=45)  # after January 3rd

    assert run(site, "export").stdout == before
    assert "Lloyd Doggett" in run(site, "list").stdout
    assert "sits no longer" not in run(site, "list").stdout
    assert run(site, "import", "-", stdin=TWO).stderr.startswith("0 added, 0 changed, 2 unchanged.")


def test_two_congresses_later_the_book_can_still_be_seen_and_cleared(
    site: Flask, clock: Clock, session: Session
) -> None:
    run(site, "import", "-", stdin=TWO)
    put(session, "G000359")
    clock.forward(days=800)

    assert "Congress 121 sits on 2029-02-01" in run(site, "import", "-", stdin=TWO, code=1).stderr
    listed = run(site, "list")
    assert "Congress 121 sits on 2029-02-01" in listed.stderr
    assert len(listed.stdout.splitlines()) == 4
    assert json.loads(run(site, "list", "--json").stdout)[0]["used"] is None
    assert len(run(site, "export").stdout.splitlines()) == 4
    assert run(site, "remove", "G000359").stderr == "1 removed.\n"


def test_a_busy_database_is_said(impatient: None, site: Flask, data_dir: Path) -> None:
    with write_lock(data_dir):
        assert "it is busy" in run(site, "import", "-", stdin=TWO, code=1).stderr


def test_a_database_without_tables_is_said(site: Flask, session: Session) -> None:
    session.execute(text("DROP TABLE contact"))
    session.commit()

    for arguments in (["list"], ["export"], ["remove", "WY-S2"], ["import", "-"], ["import", "--dry-run", "-"]):
        assert "bin/run" in run(site, *arguments, stdin=TWO, code=1).stderr


def test_a_folder_that_was_never_started_is_said(tmp_path: Path) -> None:
    app = create_app(factories.config(tmp_path / "new"), clock=Clock())

    assert "bin/run" in run(app, "list", code=1).stderr
