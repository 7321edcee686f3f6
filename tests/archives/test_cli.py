"""`flask backup` and `flask restore`: a site, its archive, and the site again."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import flask_migrate
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from app import create_app
from app.archives import secret_mark
from app.backups import log_of, prune_backups
from app.cli.backups import backup, restore
from app.cli.outbox import outbox
from app.cli.signatures import signatures
from app.db import writing
from app.delivery.pause import is_paused
from app.delivery.sending import claim, settle
from app.extensions import db
from app.models import DeliveryKind, DeliveryState, Signature, SignatureState
from app.signing import set_aside
from app.signing.retention import let_go
from tests import factories
from tests.archives.factories import MAIL, NOW, altered, content, execute, killed_at, leave_log, maildir, nothing, rows
from tests.delivery.factories import ACCEPTED, delivery, policy, signature
from tests.factories import Clock, mails
from tests.pages import Visitor
from tests.web.steps import CONFIRM, confirm, sign

CAMPAIGN = "INSERT INTO campaign (slug, state, source, created_at) VALUES ('{}', 'draft', '', '2026-01-01 00:00:00')"
LETTERS = "SELECT DISTINCT state FROM delivery WHERE kind = 'letter'"
SLUGS = "SELECT group_concat(slug) FROM (SELECT slug FROM campaign ORDER BY slug)"


def run(app: Flask, command: str, file: Path, code: int = 0) -> Result:
    """Run one of the two, with no connection of ours in its way."""
    db.session.remove()
    db.engine.dispose()
    commands = {"backup": backup, "restore": restore}
    result = app.test_cli_runner().invoke(commands[command], [str(file)])
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def database(data_dir: Path) -> Path:
    """The present one."""
    return data_dir / "redress.db"


@pytest.fixture
def file(app: Flask, database: Path, tmp_path: Path) -> Path:
    """The backup of a site with one campaign, `then`; the site has another one, `since`, by now."""
    execute(database, CAMPAIGN.format("then"))
    run(app, "backup", tmp_path / "site.tar.gz")
    execute(database, CAMPAIGN.format("since"))
    return tmp_path / "site.tar.gz"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Somebody holds the lock of this file."""
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def refused(app: Flask, file: Path) -> str:
    """The words with which a restore is refused; the site is as it was, and nothing is left lying about."""
    folder = app.config["REDRESS"].data_dir
    before = rows(folder / "redress.db", SLUGS)
    words = run(app, "restore", file, code=1).stderr
    assert words.startswith("Error: ")
    assert words.endswith("The site is as it was.\n")
    assert rows(folder / "redress.db", SLUGS) == before
    assert not (folder / ".restoring").exists()
    return words


def test_copies_of_a_clock_that_is_behind_bear_the_time_that_is_certain(
    app: Flask, database: Path, tmp_path: Path
) -> None:
    """Else what deletes old copies would take them first when the clock is right."""
    execute(database, "INSERT INTO site_state (id, delivery, refusals) VALUES (1, 'sandbox', 0)")
    execute(database, "UPDATE site_state SET certain_at = '2040-01-02 03:04:05.000000'")

    run(app, "backup", tmp_path / "site.tar.gz")

    assert datetime.fromtimestamp((tmp_path / "site.tar.gz").stat().st_mtime, UTC) == datetime(
        2040, 1, 2, 3, 4, 5, tzinfo=UTC
    )
    assert "as it was on 2040-01-02" in run(app, "restore", tmp_path / "site.tar.gz").stderr
    (copy,) = (database.parent / "backups").iterdir()
    assert copy.name == "redress-20400102T030405Z-before-restore.db"


def test_a_site_is_backed_up_and_restored(app: Flask, file: Path, database: Path, session: Session) -> None:
    leave_log(database, CAMPAIGN.format("since-too"))

    restored = run(app, "restore", file)

    assert rows(database, SLUGS) == [("then",)]
    assert restored.stdout == ""
    assert restored.stderr.startswith("Restored the site as it was on 20")
    assert ".venv/bin/flask outbox resume" in restored.stderr
    assert "warning" not in restored.stderr
    assert is_paused(session)
    kept = list((database.parent / "backups").glob("redress-*-before-restore.db"))
    assert [rows(path, SLUGS) for path in kept] == [[("since,since-too,then",)]]
    assert {path.name for path in database.parent.iterdir() if path.name.startswith(("redress.db", "."))} == {
        "redress.db",
        "redress.db-wal",
        "redress.db-shm",
    }  # the log belongs to `session`, which looked just now
    assert database.stat().st_mode & 0o777 == 0o600


def test_a_backup_tells_its_size_and_what_to_mind(app: Flask, tmp_path: Path) -> None:
    said = run(app, "backup", tmp_path / "site.tar.gz")

    assert said.stdout == ""
    assert f"Wrote {tmp_path / 'site.tar.gz'}, " in said.stderr
    assert "names and addresses" in said.stderr
    assert "SECRET_KEY is not in it" in said.stderr


def test_a_backup_that_cannot_be_written_is_a_sentence(app: Flask, file: Path, tmp_path: Path) -> None:
    assert "There is a file" in run(app, "backup", file, code=1).stderr
    assert "There is no folder" in run(app, "backup", tmp_path / "none" / "x", code=1).stderr
    (app.config["REDRESS"].data_dir / "redress.db").unlink()
    assert "There is no site in" in run(app, "backup", tmp_path / "other", code=1).stderr


def test_no_secret_is_in_a_backup(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text("canary-password")
    for name, value in {
        **factories.LIVE,
        "DATA_DIR": str(tmp_path / "data"),
        "SECRET_KEY": "canary-secret-" + "x" * 32,
        "MAIL_USERNAME": "letters",
        "MAIL_PASSWORD_FILE": str(tmp_path / "password"),
    }.items():
        monkeypatch.setenv(name, value)

    run(app, "backup", tmp_path / "site.tar.gz")

    everything = b"".join(content(tmp_path / "site.tar.gz").values())
    assert b"canary" not in everything
    assert factories.SECRET.encode() not in everything
    assert b'"SECRET_KEY": null' in everything
    assert b'"MAIL_PASSWORD": null' in everything
    assert b'"MAIL_USERNAME": "letters"' in everything


def test_a_letter_that_went_after_the_backup_is_not_sent_again(
    sandbox: Flask, visitor: Visitor, clock: Clock, data_dir: Path, tmp_path: Path
) -> None:
    sign(visitor, clock)
    with sandbox.app_context():
        run(sandbox, "backup", tmp_path / "site.tar.gz")
        link = mails(data_dir, "confirmation")[-1].link
        confirm(visitor, data_dir)
        while claimed := claim(db.session(), clock()):
            settle(db.session(), claimed, ACCEPTED, policy(), clock())

        restored = run(sandbox, "restore", tmp_path / "site.tar.gz")
        resumed = sandbox.test_cli_runner().invoke(outbox, ["resume"])

        assert "What has become of 1 signature since the backup" in restored.stderr
        assert resumed.stderr == "Sending goes on.\n"  # nothing is to be decided
        assert visitor.open(link).heading != CONFIRM
        assert rows(data_dir / "redress.db", LETTERS) == [("accepted",)]
        assert claim(db.session(), clock()) is None


def test_what_was_erased_or_withdrawn_since_the_backup_stays_so(
    app: Flask, database: Path, session: Session, tmp_path: Path
) -> None:
    with writing(session):
        signers = [signature(session) for _ in range(3)]
        for signer in signers:
            delivery(session, signer, kind=DeliveryKind.LETTER, mail=b"canary-bytes")
        stays, erased, withdrawn = (signer.id for signer in signers)
    run(app, "backup", tmp_path / "site.tar.gz")
    with writing(session):
        let_go(session, session.get_one(Signature, erased), SignatureState.ERASED, NOW)
        set_aside(session, session.get_one(Signature, withdrawn), NOW, "withdrawn")

    run(app, "restore", tmp_path / "site.tar.gz")

    found = {one: session.get_one(Signature, one) for one in (stays, erased, withdrawn)}
    assert {one: signer.state.value for one, signer in found.items()} == {
        stays: "confirmed",
        erased: "erased",
        withdrawn: "withdrawn",
    }
    assert (found[erased].email, found[erased].letters[0].body, found[erased].deliveries[0].mail) == (None, None, None)
    assert found[erased].erased_at is not None
    assert (found[stays].email, found[withdrawn].email) == ("ana@example.org", "ana@example.org")
    assert [found[one].deliveries[0].state for one in (stays, erased, withdrawn)] == [
        DeliveryState.QUEUED,
        DeliveryState.CANCELLED,
        DeliveryState.CANCELLED,
    ]


@pytest.mark.parametrize("change", ["UPDATE alembic_version SET version_num = '9999'", None])
def test_a_present_database_of_another_version_tells_too_what_was_erased(
    app: Flask, database: Path, session: Session, tmp_path: Path, change: str | None
) -> None:
    """Of a newer one, when an upgrade is taken back, or of an older one; no copy of it stays lying about."""
    with writing(session):
        signature(session)
    run(app, "backup", tmp_path / "site.tar.gz")
    execute(database, "UPDATE signature SET state = 'withdrawn', email = 'then@example.org'")
    if change is None:
        flask_migrate.downgrade(revision="0001")
    else:
        execute(database, change)

    run(app, "restore", tmp_path / "site.tar.gz")

    assert rows(database, "SELECT state, email FROM signature") == [("withdrawn", "then@example.org")]
    assert not (database.parent / ".restoring").exists()


@pytest.mark.parametrize("change", ["ALTER TABLE signature RENAME TO signer", "DROP TABLE alembic_version"])
def test_a_present_database_that_tells_nothing_leaves_the_question(
    app: Flask, file: Path, database: Path, session: Session, change: str
) -> None:
    execute(database, "PRAGMA legacy_alter_table=ON", change)

    restored = run(app, "restore", file)

    assert "What was erased or withdrawn since the backup was made" in restored.stderr
    assert rows(database, "SELECT restored_at IS NULL FROM site_state") == [(0,)]


def test_the_contacts_stay_those_that_were_here_and_it_is_said(app: Flask, database: Path, tmp_path: Path) -> None:
    contact = (
        "INSERT INTO contact (office, role, email, source, as_of) VALUES ('{}', 'x', 'a@b.org', 'x', '2026-01-01')"
    )
    execute(database, contact.format("WY-AL"), contact.format("WY-S1"))
    run(app, "backup", tmp_path / "site.tar.gz")
    execute(database, "DELETE FROM contact WHERE office = 'WY-S1'")

    said = run(app, "restore", tmp_path / "site.tar.gz").stderr

    assert "The contacts are those that were here (1), not those of the backup (2).\n" in said
    assert rows(database, "SELECT office FROM contact") == [("WY-AL",)]


def test_a_command_in_the_middle_of_a_restore_is_told_to_wait(
    app: Flask, file: Path, database: Path, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def mails_are_added(_unpacked: Path, _mailbox: Path) -> int:
        other = create_app(app.config["REDRESS"])
        with other.app_context():
            said.append(other.test_cli_runner().invoke(signatures, ["erase", "--email", "ana@example.org"]).stderr)
        return 0

    monkeypatch.setattr("app.cli.backups.add_mails", mails_are_added)
    run(app, "restore", file)

    assert said[0].startswith("Error: The database took no change: it is busy")
    assert rows(database, SLUGS) == [("then",)]


def test_nothing_of_what_was_erased_is_left_in_the_file(
    app: Flask, database: Path, session: Session, tmp_path: Path
) -> None:
    with writing(session):
        signer = signature(session)
        signer.address_line1 = "12 Canary Street"
        delivery(session, signer, kind=DeliveryKind.LETTER, mail=b"12 Canary Street " * 1000)
    run(app, "backup", tmp_path / "site.tar.gz")
    execute(database, "UPDATE signature SET state = 'erased', address_line1 = NULL", "UPDATE delivery SET mail = NULL")

    run(app, "restore", tmp_path / "site.tar.gz")

    assert b"Canary" in content(tmp_path / "site.tar.gz")["redress.db"]
    assert b"Canary" not in database.read_bytes()


def test_the_mails_of_both_are_there_afterwards(app: Flask, data_dir: Path, tmp_path: Path) -> None:
    mailbox = maildir(data_dir / "mailbox", f"{MAIL}1")
    run(app, "backup", tmp_path / "site.tar.gz")
    (mailbox / "new" / f"{MAIL}1").unlink()
    maildir(mailbox, f"{MAIL}2")

    run(app, "restore", tmp_path / "site.tar.gz")

    assert sorted(path.name for path in (mailbox / "new").iterdir()) == [f"{MAIL}1", f"{MAIL}2"]


@pytest.mark.parametrize("lock", ["run.lock", "children.lock", "worker.lock"])
def test_while_redress_runs_it_is_refused(
    app: Flask, file: Path, data_dir: Path, lock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.locks.LAST_RUN_ENDS_IN", 0.1)
    with locked(data_dir / lock):
        assert "Stop it, then restore." in refused(app, file)


def test_while_another_program_has_the_database_open_it_is_refused(
    app: Flask, file: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.archives.replacing.PATIENCE", 0.05)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("SELECT * FROM campaign").fetchone()

        assert "Another program has" in refused(app, file)
    assert list((database.parent / "backups").glob("redress-*")) == []


def test_a_damaged_archive_is_refused(app: Flask, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])

    assert "It is damaged" in refused(app, file)


def test_a_database_of_a_newer_version_is_refused(app: Flask, file: Path, tmp_path: Path) -> None:
    def newer(members: dict[str, bytes]) -> None:
        (tmp_path / "newer.db").write_bytes(members["redress.db"])
        execute(tmp_path / "newer.db", "UPDATE alembic_version SET version_num = '9999'")
        members["redress.db"] = (tmp_path / "newer.db").read_bytes()

    assert "A newer version of Redress made it" in refused(app, altered(file, newer))


def test_a_database_that_would_act_by_itself_is_refused(app: Flask, file: Path) -> None:
    def with_trigger(members: dict[str, bytes]) -> None:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.deserialize(members["redress.db"])
            connection.execute("CREATE TRIGGER spy AFTER INSERT ON signature BEGIN DELETE FROM campaign; END")
            connection.commit()
            members["redress.db"] = connection.serialize()

    assert "holds a trigger spy that Redress never made" in refused(app, altered(file, with_trigger))


def test_the_backup_of_a_live_site_is_refused_by_a_sandbox_and_the_other_way_round(
    app: Flask, file: Path, data_dir: Path
) -> None:
    live = altered(file, _marked("live"), manifest={"delivery": "live"})
    assert "It is the backup of a live site, and here DELIVERY is sandbox." in refused(app, live)

    other = create_app(factories.live_config(data_dir))
    with other.app_context():
        assert "It is the backup of a sandbox site, and here DELIVERY is live." in refused(other, file)
        assert run(other, "restore", altered(file, _marked("live"), manifest={"delivery": "live"}))


def _marked(mode: str) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.deserialize(members["redress.db"])
            connection.execute("INSERT INTO site_state (id, delivery) VALUES (1, ?)", (mode,))
            connection.commit()
            members["redress.db"] = connection.serialize()

    return change


def test_an_archive_that_is_labelled_wrongly_is_refused(app: Flask, file: Path) -> None:
    assert "its database belongs to a live site" in refused(app, altered(file, _marked("live")))


def test_a_backup_with_the_settings_of_the_other_mode_is_refused(app: Flask, database: Path, tmp_path: Path) -> None:
    execute(database, "INSERT INTO site_state (id, delivery) VALUES (1, 'live')")

    words = run(app, "backup", tmp_path / "site.tar.gz", code=1).stderr

    assert "belongs to a live site, and here DELIVERY is sandbox. Give the settings" in words
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]
    assert list((database.parent / "backups").iterdir()) == []


def test_a_full_disk_is_a_sentence(app: Flask, file: Path) -> None:
    members = {"redress.db": {"size": 10**18, "sha256": "x"}, "settings.json": {"size": 2, "sha256": "x"}}

    assert "Make room" in refused(app, altered(file, nothing, manifest={"members": members}))


def test_an_older_database_is_brought_to_the_tables_of_today(app: Flask, tmp_path: Path, session: Session) -> None:
    flask_migrate.downgrade(revision="0001")
    run(app, "backup", tmp_path / "site.tar.gz")
    flask_migrate.upgrade()

    run(app, "restore", tmp_path / "site.tar.gz")

    assert is_paused(session)


@pytest.mark.parametrize("present", [None, b"this is a shopping list\n" * 100])
def test_a_site_that_is_lost_or_damaged_is_restored(
    app: Flask, file: Path, database: Path, present: bytes | None
) -> None:
    for path in database.parent.glob("redress.db*"):
        path.unlink()
    if present is not None:
        database.write_bytes(present)
        database.with_name("redress.db-wal").write_bytes(b"its log")

    restored = run(app, "restore", file)

    assert rows(database, SLUGS) == [("then",)]
    kept = sorted((database.parent / "backups").iterdir())
    if present is None:
        assert kept == []
    else:
        assert [path.read_bytes() for path in kept] == [present, b"its log"]
        assert "What was erased or withdrawn since the backup was made" in restored.stderr


@pytest.mark.parametrize(("here", "backup_says"), [(0, 6), (6, 0), (0, None), (None, 3)])
def test_a_site_has_come_to_where_it_was_before_the_restore(
    app: Flask, session: Session, tmp_path: Path, database: Path, here: int | None, backup_says: int | None
) -> None:
    """Else an older backup would look like a site that was off since."""

    def moment(days: int | None) -> str | None:
        return None if days is None else str(NOW.replace(tzinfo=None) - timedelta(days=days))

    execute(database, "INSERT INTO site_state (id, delivery, refusals) VALUES (1, 'sandbox', 0)")
    for days in (backup_says, here):
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("UPDATE site_state SET certain_at = ?", (moment(days),))
            connection.commit()
        if not (tmp_path / "then.tar.gz").exists():
            run(app, "backup", tmp_path / "then.tar.gz")

    run(app, "restore", tmp_path / "then.tar.gz")

    latest = max(moment(days) for days in (here, backup_says) if days is not None)  # type: ignore[type-var]
    assert rows(database, "SELECT certain_at FROM site_state") == [(latest,)]


def test_a_restore_deletes_no_older_copy(app: Flask, file: Path, database: Path) -> None:
    (database.parent / "backups").mkdir(exist_ok=True)
    old = database.parent / "backups" / "redress-20250101T000000Z.db"
    old.touch()

    run(app, "restore", file)

    assert old.exists()


def test_settings_that_differ_are_said_without_secrets(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    monkeypatch.setenv("DATA_DIR", str(data_dir))
    monkeypatch.setenv("ORGANISATION", "Friends of the Well")
    monkeypatch.setenv("PORT", "8001")
    run(app, "backup", tmp_path / "site.tar.gz")
    monkeypatch.setenv("PORT", "8002")
    monkeypatch.delenv("ORGANISATION")
    monkeypatch.setenv("SECRET_KEY", "canary" * 10)

    said = run(app, "restore", tmp_path / "site.tar.gz").stderr

    assert "  ORGANISATION: Friends of the Well in the backup, not set here\n" in said
    assert "  PORT: 8001 in the backup, 8002 here\n" in said
    assert "  SECRET_KEY: not set in the backup, set here\n" in said
    assert "canary" not in said
    assert "DATA_DIR" not in said


def test_settings_in_an_archive_cannot_command_a_terminal(app: Flask, file: Path) -> None:
    def change(members: dict[str, bytes]) -> None:
        members["settings.json"] = json.dumps({"PORT\n": "\x1b[2J\u202e\r\ud800", "NAME": "Señor"}).encode()

    said = run(app, "restore", altered(file, change)).stderr

    assert "  PORT\\n: \\x1b[2J\\u202e\\r\\ud800 in the backup, not set here\n" in said
    assert "  NAME: Señor in the backup" in said
    assert said.replace("\n", "").isprintable()


def test_another_secret_than_that_of_the_backup_is_warned_of(app: Flask, file: Path) -> None:
    said = run(app, "restore", altered(file, nothing, manifest={"secret": secret_mark("another one")})).stderr

    assert "warning: SECRET_KEY is not the one of the backup." in said


def test_a_backup_from_a_clock_that_is_ahead_asks_about_its_letters_too(
    app: Flask, file: Path, database: Path, session: Session
) -> None:
    ahead = datetime.now(UTC) + timedelta(days=2)
    for path in (database, log_of(database)):
        path.unlink(missing_ok=True)  # what is lost can tell nothing about the letters

    run(app, "restore", altered(file, nothing, manifest={"made_at": ahead.isoformat()}))

    (restored_at,) = session.connection().exec_driver_sql("SELECT restored_at FROM site_state").one()
    assert datetime.fromisoformat(restored_at).replace(tzinfo=UTC) == ahead


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_user_than_the_sites_is_sent_away(app: Flask, file: Path, database: Path, tmp_path: Path) -> None:
    os.chown(database, 12345, 12345)

    for command, argument in (("backup", tmp_path / "new.tar.gz"), ("restore", file)):
        assert "Run this as #12345" in run(app, command, argument, code=1).stderr


def test_what_a_killed_restore_left_is_deleted_by_the_next_start(data_dir: Path) -> None:
    (data_dir / "backups").mkdir()
    maildir(data_dir / ".restoring" / "mailbox", MAIL)

    prune_backups(data_dir / "backups", NOW)

    assert not (data_dir / ".restoring").exists()


def test_killed_at_any_moment_a_restore_leaves_the_old_or_the_new_site_and_can_be_done_again(
    app: Flask, file: Path, database: Path, tmp_path: Path
) -> None:
    leave_log(database, CAMPAIGN.format("since-too"))
    shutil.copytree(database.parent, tmp_path / "before")
    seen, step, killed = set(), 0, True
    while killed:
        shutil.rmtree(database.parent)
        shutil.copytree(tmp_path / "before", database.parent)

        killed = killed_at(step, lambda: run(app, "restore", file))

        assert rows(database, "PRAGMA integrity_check") == [("ok",)]
        seen |= set(rows(database, SLUGS))
        run(app, "restore", file)
        assert rows(database, SLUGS) == [("then",)]
        step += 17
    assert seen == {("since,since-too,then",), ("then",)}
