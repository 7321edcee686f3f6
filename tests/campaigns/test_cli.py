"""`flask campaign …`."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import create_app
from app.campaigns import find, sample_source
from app.cli.campaigns import campaign
from app.db import writing
from app.extensions import db
from app.legislators import Role
from app.legislators.tables import SHIPPED, load
from app.locks import say_where, take
from app.models import Contact
from tests import factories
from tests.campaigns.test_captured import PAGE
from tests.campaigns.test_files import source
from tests.conftest import OpenSandbox


def run(app: Flask, *arguments: str, stdin: str | bytes = "", code: int = 0) -> Result:
    result = app.test_cli_runner().invoke(campaign, arguments, input=stdin)
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_a_campaign_is_imported_published_and_closed(app: Flask, session: Session, tmp_path: Path) -> None:
    file = tmp_path / "creek.md"
    file.write_text(source(topic='"Environmental Protection"'), encoding="utf-8")

    imported = run(app, "import", str(file))
    assert imported.stdout == ""
    assert "Supporters see it after: .venv/bin/flask campaign publish save-the-creek" in imported.stderr
    assert find(session, "save-the-creek") is None

    published = run(app, "publish", "save-the-creek")
    assert (published.stdout, published.stderr) == (
        "",
        "Published save-the-creek, revision 1: http://127.0.0.1:8000/save-the-creek\n",
    )
    assert find(session, "save-the-creek") is not None
    assert "it is what supporters see already" in run(app, "import", str(file)).stderr

    closed = run(app, "close", "save-the-creek")
    assert "Closed save-the-creek." in closed.stderr


def test_publishing_names_the_address_of_the_site_that_runs(app: Flask, session: Session, data_dir: Path) -> None:
    run(app, "import", "-", stdin=source())
    lock = take(data_dir / "run.lock")
    say_where(lock, "http://127.0.0.1:8001")

    assert "http://127.0.0.1:8001/save-the-creek" in run(app, "publish", "save-the-creek").stderr
    os.close(lock)
    assert "http://127.0.0.1:8000/save-the-creek" in run(app, "publish", "save-the-creek").stderr


def test_what_is_exported_is_what_was_imported(app: Flask) -> None:
    file = sample_source().replace("subject =", "# a comment stays\nsubject  =")
    run(app, "import", "-", stdin=file.encode())

    exported = run(app, "export", "reunite-families").stdout_bytes
    assert exported == file.encode()

    run(app, "import", "-", stdin=exported)
    assert run(app, "export", "reunite-families").stdout_bytes == exported


def test_a_captured_page_becomes_a_draft_once(app: Flask) -> None:
    first = run(app, "import", "-", stdin=PAGE)
    assert "Made a draft of the captured page" in first.stderr
    assert "warning:" in first.stderr
    assert b"Dear [Decision Maker]" in run(app, "export", "save-the-creek").stdout_bytes

    run(app, "import", "-", stdin=PAGE)
    assert len(run(app, "list").stdout.splitlines()) == 2


def test_a_captured_page_takes_no_other_campaigns_place(app: Flask) -> None:
    run(app, "import", "-", stdin=source())
    run(app, "publish", "save-the-creek")

    imported = run(app, "import", "-", stdin=PAGE)

    assert "Imported save-the-creek-2." in imported.stderr
    assert run(app, "export", "save-the-creek").stdout == source()


def test_campaigns_are_listed(app: Flask) -> None:
    run(app, "import", "-", stdin=source(opens="2030-03-02"))
    run(app, "import", "-", stdin=sample_source())
    run(app, "publish", "reunite-families")

    lines = run(app, "list").stdout.splitlines()
    assert [line.split()[:6] for line in lines] == [
        ["SLUG", "STATE", "REVISION", "CHANGED", "OPENS", "CLOSES"],
        ["save-the-creek", "draft", "-", "yes", "2030-03-02", "-"],
        ["reunite-families", "published", "1", "no", "-", "-"],
    ]
    assert json.loads(run(app, "list", "--json").stdout)[1] == {
        "slug": "reunite-families",
        "state": "published",
        "revision": 1,
        "changed": False,
        "opens": None,
        "closes": None,
        "title": "Tell Congress – Reunite Families",
    }


def test_no_campaigns_are_an_empty_list(app: Flask) -> None:
    assert run(app, "list").stdout == ""
    assert json.loads(run(app, "list", "--json").stdout) == []


def test_a_file_is_checked_without_being_kept(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "creek.md"
    file.write_text(source(story=""), encoding="utf-8")

    checked = run(app, "check", str(file))

    assert "warning: line 10, column 1: The story is empty" in checked.stderr
    assert "\nNo problems found.\n" in checked.stderr
    assert run(app, "list").stdout == ""


def test_a_stored_campaign_is_checked_by_its_slug(app: Flask) -> None:
    run(app, "import", "-", stdin=source())

    assert "No problems found.\n" in run(app, "check", "save-the-creek").stderr


def test_a_slug_in_use_is_a_warning(app: Flask) -> None:
    run(app, "import", "-", stdin=source())

    assert "there is a campaign save-the-creek already" in run(app, "check", "-", stdin=source(story="x")).stderr


def put(*offices: str) -> None:
    with writing(db.session()):
        db.session().add_all(
            Contact(office=office, role="r", email="x@example.org", source="s", as_of=date(2026, 1, 1))
            for office in offices
        )


def test_a_check_says_how_many_offices_have_an_address(open_sandbox: OpenSandbox) -> None:
    with (app := open_sandbox()).app_context():
        put("L000571", "WY-S2", "AK-S2", "WY-AL", "TX-23", "G000359")

        assert run(app, "check", "reunite-families").stderr.splitlines() == [
            "No problems found.",
            "us-senators: 2 of 100 offices have an e-mail address; "
            "for the other 98 supporters deliver the letters themselves.",
            "us-representative: 1 of 439 offices has an e-mail address; "
            "for the other 438 supporters deliver the letters themselves.",
            "This is a sandbox, which makes up an address for every office; the numbers are those of live mode.",
        ]


def test_a_check_counts_the_offices_that_the_campaign_writes_to(open_sandbox: OpenSandbox) -> None:
    with (app := open_sandbox(SANDBOX_CHANNEL="handoff")).app_context():
        checked = run(app, "check", "-", stdin=factories.campaign_source(targets=["us-senators"]))
        assert checked.stderr.splitlines()[-2:] == [
            "us-senators: 0 of 100 offices have an e-mail address; "
            "for all 100 supporters deliver the letters themselves.",
            "This is a sandbox, which gives every letter to the supporter to deliver; "
            "the numbers are those of live mode.",
        ]

        put(*(member.seat for member in load(SHIPPED).members if member.role is Role.SENATOR and member.state != "WY"))
        put("WY-S1")
        checked = run(app, "check", "-", stdin=factories.campaign_source(targets=["us-senators"]))
        assert "99 of 100 offices have an e-mail address; for the other one supporters deliver" in checked.stderr

        put("WY-S2")
        checked = run(app, "check", "-", stdin=factories.campaign_source(targets=["us-senators"]))
        assert "us-senators: 100 of 100 offices have an e-mail address.\n" in checked.stderr


def test_when_the_next_congress_has_begun_a_check_counts_those_who_are_known(
    open_sandbox: OpenSandbox, clock: factories.Clock
) -> None:
    clock.forward(days=60)
    with (app := open_sandbox()).app_context():
        lines = run(app, "check", "reunite-families").stderr.splitlines()
    assert any(line.startswith("us-senators: 0 of 65 offices have an e-mail address") for line in lines)
    assert "us-representative: nobody is known to sit there at present." in lines


def test_two_congresses_later_a_check_counts_no_offices(open_sandbox: OpenSandbox, clock: factories.Clock) -> None:
    clock.forward(days=800)
    with (app := open_sandbox()).app_context():
        assert "cannot be told. The tables are those of Congress 119" in run(app, "check", "reunite-families").stderr


def test_a_file_can_be_checked_before_there_is_a_database(tmp_path: Path) -> None:
    file = tmp_path / "creek.md"
    file.write_text(source(), encoding="utf-8")
    app = create_app(factories.config(tmp_path / "new"), clock=factories.Clock())

    assert run(app, "check", str(file)).stderr.splitlines()[-2:] == [
        "No problems found.",
        "How many offices have an e-mail address can be told once bin/run has been started with this DATA_DIR.",
    ]
    assert "bin/run" in run(app, "check", "save-the-creek", code=1).stderr


def test_a_captured_page_is_checked(app: Flask) -> None:
    assert "importing it makes a draft of it" in run(app, "check", "-", stdin=PAGE).stderr


def test_dates_that_keep_people_out_are_warned_of(app: Flask) -> None:
    run(app, "import", "-", stdin=source(closes="2020-01-01"))
    assert "nobody can write after 2020-01-01" in run(app, "publish", "save-the-creek").stderr

    run(app, "import", "-", stdin=source(opens="2999-01-01"))
    assert "nobody can write before 2999-01-01" in run(app, "publish", "save-the-creek").stderr


@pytest.mark.parametrize("command", ["import", "check"])
@pytest.mark.parametrize(
    ("stdin", "words"),
    [
        (b"", "-: line 1, column 1: Begin the file with a line +++"),
        (b"\xff\xfe\x00", "-: line 1, column 1: Save the file as UTF-8"),
        (b"x" * 300_000, "-: line 1, column 1: Shorten the file to 256 kB."),
        (b"+++\n= =\n+++\n# Story\n# Letter\n[Your Name]", "-: line 2, column 1: Write the head as TOML"),
        (source(letter="Hi [Your Nmae]\n[Your Name]").encode(), "-: line 15, column 4: There is no merge field"),
        (PAGE.replace("Dear", "Hello").encode(), "Add the letter: its first line begins with “Dear”."),
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_1(app: Flask, command: str, stdin: bytes, words: str) -> None:
    result = run(app, command, "-", stdin=stdin, code=1)

    assert result.stdout == ""
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert run(app, "list").stdout == ""


def test_checking_what_is_neither_campaign_nor_file_is_said(app: Flask) -> None:
    assert run(app, "check", "nothing", code=1).stderr == "Error: There is no campaign and no file 'nothing'.\n"


@pytest.mark.parametrize("name", ["missing.md", "", ".", "x" * 10_000, "a\x00b"])
def test_a_file_that_can_not_be_read_is_said(app: Flask, name: str) -> None:
    for command in ("import", "check"):
        assert "Can't read the file" in run(app, command, name, code=1).stderr


@pytest.mark.parametrize("command", ["publish", "close", "export"])
def test_an_unknown_slug_is_said(app: Flask, command: str) -> None:
    result = run(app, command, "nothing", code=1)

    assert (result.stdout, result.stderr) == ("", "Error: There is no campaign 'nothing'.\n")


def test_closing_a_draft_is_refused(app: Flask) -> None:
    run(app, "import", "-", stdin=source())

    assert "was never published" in run(app, "close", "save-the-creek", code=1).stderr


def test_a_database_without_tables_is_said(app: Flask, session: Session) -> None:
    session.execute(text("ALTER TABLE campaign RENAME TO elsewhere"))
    session.commit()

    assert "bin/run" in run(app, "list", code=1).stderr
    assert "bin/run" in run(app, "import", "-", stdin=source(), code=1).stderr
