"""Another database in the place of the present one: what is checked, what is carried over, and no half of anything."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.archives import ArchiveUnusable
from app.archives.making import make
from app.archives.replacing import (
    Contacts,
    DatabaseBusy,
    add_mails,
    carry_over,
    check,
    put_in_place,
    taken,
)
from app.backups import settle
from app.db import writing
from app.delivery.outbox import Composed, park, queue_report
from app.delivery.sending import claim
from app.delivery.sending import settle as settled
from app.extensions import db
from app.models import DeliveryState, Signature, SignatureState
from app.signing import set_aside
from app.signing.retention import let_go, purge
from app.signing.tokens import Token
from tests.archives.factories import MAIL, NOW, execute, killed_at, leave_log, maildir, rows, site
from tests.delivery.factories import ACCEPTED, policy
from tests.signing.factories import KEEP, confirmed, signed, signer

CAMPAIGN = "INSERT INTO campaign (slug, state, source, created_at) VALUES ('{}', 'draft', '', '2026-01-01 00:00:00')"
SLUGS = "SELECT group_concat(slug) FROM (SELECT slug FROM campaign ORDER BY slug)"


@pytest.fixture
def present(data_dir: Path) -> Path:
    """A database whose last change is in its log only."""
    database = data_dir / "redress.db"
    execute(database, CAMPAIGN.format("old"))
    leave_log(database, CAMPAIGN.format("older"))
    assert database.with_name("redress.db-wal").stat().st_size > 0
    return database


@pytest.fixture
def restored(tmp_path: Path, migrated: Path) -> Path:
    """A database that is to take its place."""
    database = tmp_path / "restored.db"
    shutil.copy(migrated, database)
    execute(database, CAMPAIGN.format("new"), "PRAGMA journal_mode=DELETE")
    return database


def endings(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("redress.db"))


def replace(present: Path, restored: Path) -> None:
    """As a restore does it."""
    with taken(present, present.with_name("backups"), NOW) as there:
        put_in_place(restored, present, there.held)


def test_the_other_database_is_there_and_nothing_of_the_present_one(present: Path, restored: Path) -> None:
    replace(present, restored)

    assert endings(present.parent) == ["redress.db"]
    assert rows(present, SLUGS) == [("new",)]
    assert present.stat().st_mode & 0o777 == 0o600
    (kept,) = (present.parent / "backups").iterdir()
    assert kept.name == "redress-20261124T170000Z-before-restore.db"
    assert rows(kept, SLUGS) == [("old,older",)]


def test_it_needs_no_present_one(tmp_path: Path, restored: Path) -> None:
    replace(tmp_path / "redress.db", restored)

    assert rows(tmp_path / "redress.db", SLUGS) == [("new",)]
    assert not (tmp_path / "backups").exists()


@pytest.mark.parametrize("damage", [b"this is a shopping list\n" * 1000, None])
def test_a_present_one_that_is_damaged_is_in_nobodys_way(present: Path, restored: Path, damage: bytes | None) -> None:
    """A list, or a database of which half is missing."""
    if damage is None:
        execute(present, "PRAGMA journal_mode=DELETE")
        damage = present.read_bytes()[: present.stat().st_size // 2]
    present.write_bytes(damage)
    present.with_name("redress.db-wal").write_bytes(b"its log")

    replace(present, restored)

    assert endings(present.parent) == ["redress.db"]
    assert rows(present, SLUGS) == [("new",)]
    kept = sorted((present.parent / "backups").iterdir())
    assert [path.read_bytes() for path in kept] == [damage, b"its log"]


@pytest.mark.parametrize("begin", ["SELECT * FROM campaign", "BEGIN", "BEGIN IMMEDIATE"])
def test_a_present_one_that_is_open_elsewhere_stays(
    present: Path, restored: Path, begin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.archives.replacing.PATIENCE", 0.05)
    with contextlib.closing(sqlite3.connect(present, isolation_level=None)) as other:
        other.execute("SELECT * FROM campaign").fetchone()
        other.execute(begin)

        with pytest.raises(DatabaseBusy):
            replace(present, restored)

    assert rows(present, SLUGS) == [("old,older",)]
    assert restored.exists()
    assert not (present.parent / "backups").exists()


def test_until_it_is_replaced_nobody_else_reads_or_writes_the_present_one(present: Path, restored: Path) -> None:
    with taken(present, present.with_name("backups"), NOW) as there:
        for mode in ("rw", "ro"):
            uri = f"{present.as_uri()}?mode={mode}"
            with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)) as other:
                for statement in ("SELECT * FROM campaign", "PRAGMA journal_mode=WAL", "BEGIN IMMEDIATE"):
                    with pytest.raises(sqlite3.OperationalError, match="database is locked"):
                        other.execute(statement).fetchone()
        put_in_place(restored, present, there.held)


def test_what_was_opened_meanwhile_and_waits_goes_into_the_new_one(present: Path, restored: Path) -> None:
    """A command that has the old file open when it is replaced must not succeed in one that nobody sees again."""
    opened = threading.Event()

    def command() -> None:
        with contextlib.closing(sqlite3.connect(present, timeout=10, isolation_level=None)) as other:
            with contextlib.suppress(sqlite3.OperationalError):
                other.execute("PRAGMA busy_timeout=0")
                other.execute("SELECT * FROM campaign")  # now the file is open
            opened.set()
            other.execute("PRAGMA busy_timeout=10000")
            other.execute("PRAGMA journal_mode=WAL")
            other.execute(CAMPAIGN.format("waited"))

    with taken(present, present.with_name("backups"), NOW) as there:
        waiting = threading.Thread(target=command)
        waiting.start()
        assert opened.wait(10)
        put_in_place(restored, present, there.held)
    waiting.join()

    assert rows(present, SLUGS) == [("new,waited",)]
    assert rows(present, "PRAGMA integrity_check") == [("ok",)]


def test_killed_at_any_step_it_leaves_the_one_or_the_other_whole(tmp_path: Path, present: Path, restored: Path) -> None:
    seen, step, killed = set(), 0, True
    while killed:
        folder = tmp_path / f"step-{step}"
        shutil.copytree(present.parent, folder)
        shutil.copy(restored, folder / "restored.db")

        killed = killed_at(step, functools.partial(replace, folder / "redress.db", folder / "restored.db"))

        settle(folder / "redress.db")
        assert set(endings(folder)) <= {"redress.db", "redress.db-wal", "redress.db-shm"}
        assert rows(folder / "redress.db", "PRAGMA integrity_check") == [("ok",)]
        seen.add(rows(folder / "redress.db", SLUGS)[0][0])
        step += 1
    assert step > 5
    assert seen == {"old,older", "new"}


@pytest.fixture
def half(present: Path, restored: Path) -> Path:
    """The present database, half of whose pages are those of the other one, as a kill leaves it."""
    execute(present, *(CAMPAIGN.format("x" * 3000 + str(number)) for number in range(300)))
    execute(restored, *(CAMPAIGN.format("y" * 3000 + str(number)) for number in range(300)))
    child = os.fork()
    if child == 0:
        with taken(present, present.with_name("backups"), NOW) as there, contextlib.suppress(BaseException):
            assert there.held is not None
            there.held.execute("PRAGMA cache_size=5")

            def progress(_status: int, remaining: int, total: int) -> None:
                if remaining < total / 2:
                    os.kill(os.getpid(), signal.SIGKILL)

            sqlite3.connect(restored).backup(there.held, pages=20, progress=progress)
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert present.with_name("redress.db-journal").stat().st_size > 100_000
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        sqlite3.connect(f"{present.as_uri()}?mode=ro", uri=True).execute("SELECT * FROM campaign")
    return present


def test_killed_in_the_middle_of_writing_it_leaves_the_present_one(half: Path) -> None:
    settle(half)

    assert endings(half.parent) == ["redress.db"]
    assert rows(half, "PRAGMA integrity_check") == [("ok",)]
    assert rows(half, "SELECT count(*) FROM campaign WHERE slug LIKE 'x%' OR slug LIKE 'old%'") == [(302,)]


def test_killed_in_the_middle_it_can_be_done_again(half: Path, restored: Path) -> None:
    replace(half, restored)

    assert endings(half.parent) == ["redress.db"]
    assert rows(half, "SELECT count(*) FROM campaign WHERE slug LIKE 'y%' OR slug = 'new'") == [(301,)]


def test_killed_in_the_middle_it_can_be_backed_up(half: Path, tmp_path: Path) -> None:
    assert make(tmp_path / "site.tar.gz", site(half.parent), NOW)


def test_a_whole_database_passes(restored: Path) -> None:
    check(restored)


def test_a_damaged_database_is_refused(restored: Path) -> None:
    size = restored.stat().st_size
    with restored.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\x07" * (size // 4))

    with pytest.raises(ArchiveUnusable, match="Its database"):
        check(restored)


@pytest.mark.parametrize("data", [b"this is a shopping list\n" * 100, b"SQLite format 3\x00" + b"x" * 200])
def test_what_is_no_database_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "restored.db").write_bytes(data)

    with pytest.raises(ArchiveUnusable, match="Its database cannot be read"):
        check(tmp_path / "restored.db")


def test_rows_without_a_parent_are_refused(restored: Path) -> None:
    execute(restored, "INSERT INTO campaign_revision VALUES (1, 99, 1, '', '2026-01-01 00:00:00')")

    with pytest.raises(ArchiveUnusable, match="Its database is damaged"):
        check(restored)


TABLES = ("signature", "letter", "consent", "delivery", "delivery_event")
Deed = Callable[[Flask, Session, Token], object]
"""What happens to a signature, known by its token, after the backup."""


def everything(database: Path) -> list[list[tuple[object, ...]]]:
    return [rows(database, f"SELECT * FROM {table} ORDER BY id") for table in TABLES]


def copied(database: Path, name: str = "restored.db") -> Path:
    """The database as it is now."""
    then = database.parent.with_name(name)
    with contextlib.closing(sqlite3.connect(database)) as source:
        source.execute("VACUUM INTO ?", (str(then),))
    return then


def only(session: Session) -> Signature:
    return session.query(Signature).order_by(Signature.id).limit(1).one()


def sent(app: Flask, session: Session, token: Token) -> None:
    confirmed(app, session, token)
    while claimed := claim(session, NOW):
        settled(session, claimed, ACCEPTED, policy(), NOW)


def parked(app: Flask, session: Session, token: Token) -> None:
    confirmed(app, session, token)
    with writing(session):
        park(session, [one for one in only(session).deliveries if one.state == DeliveryState.QUEUED], NOW, "restored")


def withdrawn(_app: Flask, session: Session, _token: Token) -> None:
    with writing(session):
        set_aside(session, only(session), NOW, "withdrawn")


def erased(app: Flask, session: Session, token: Token) -> None:
    sent(app, session, token)
    with writing(session):
        let_go(session, only(session), SignatureState.ERASED, NOW)


def expired(_app: Flask, session: Session, _token: Token) -> None:
    purge(session, KEEP, NOW + KEEP.pending, lambda _seconds: False)


def long_gone(app: Flask, session: Session, token: Token) -> None:
    """Erased, and then its proof of consent deleted."""
    erased(app, session, token)
    purge(session, KEEP, NOW + 800 * KEEP.pending, lambda _seconds: False)


@pytest.fixture
def there(data_dir: Path) -> Path:
    return data_dir / "redress.db"


@pytest.mark.parametrize("deed", [confirmed, sent, parked, withdrawn, erased, expired, long_gone])
def test_what_has_become_of_a_signature_since_the_backup_is_known_afterwards(
    app: Flask, session: Session, there: Path, deed: Deed
) -> None:
    token = signed(app, session, signer(given_name="Canaria"))
    signed(app, session, signer(email="other@example.org", family_name="Other"), network="10.0.0.2")
    restored = copied(there)
    deed(app, session, token)
    session.close()

    carried = carry_over(there, restored)

    assert everything(restored) == everything(there)
    check(restored)
    assert carried.signatures == (
        1 if deed in (confirmed, parked, withdrawn) else 2
    )  # others have their confirmation by now
    assert not carried.unsure
    gone = deed in (erased, expired, long_gone)
    assert (b"Canaria" in restored.read_bytes()) is not gone
    assert endings(restored.parent) == []


def test_what_has_not_changed_is_left_alone_and_what_came_since_stays_away(
    app: Flask, session: Session, there: Path
) -> None:
    sent(app, session, signed(app, session))
    restored = copied(there)
    before = everything(restored)
    confirmed(app, session, signed(app, session, signer(email="later@example.org", family_name="Later")))
    session.close()

    assert carry_over(there, restored).signatures == 0
    assert everything(restored) == before


def test_rows_whose_numbers_another_history_gave_to_somebody_else_get_new_ones(
    app: Flask, session: Session, there: Path
) -> None:
    token = signed(app, session)
    session.close()
    restored = copied(there)
    sent(app, session, token)
    session.close()
    db.engine.dispose()
    present = copied(there, "present.db")
    for ending in ("", "-wal", "-shm"):
        there.with_name(there.name + ending).unlink(missing_ok=True)
    shutil.copy(restored, there)  # back to where it began, to go on in another way
    confirmed(app, session, signed(app, session, signer(email="other@example.org", family_name="Other")))
    session.close()
    other = "SELECT * FROM {} WHERE signature_id = 2 ORDER BY id"
    before = [rows(there, other.format(table)) for table in ("letter", "delivery", "consent")]

    carried = carry_over(present, there)

    assert (carried.signatures, carried.unsure) == (1, True)  # of the other one the present database knows nothing
    check(there)
    assert [rows(there, other.format(table)) for table in ("letter", "delivery", "consent")] == before
    told = """SELECT delivery.uuid, delivery.state, letter.seat, delivery_event.at, delivery_event.state, why
              FROM delivery
              JOIN delivery_event ON delivery_event.delivery_id = delivery.id
              LEFT JOIN letter ON letter.id = delivery.letter_id
              WHERE delivery.signature_id = 1 ORDER BY delivery_event.id"""
    assert rows(there, told) == rows(present, told) != []


def test_a_present_one_that_was_restored_from_an_older_backup_takes_nothing_back(
    app: Flask, session: Session, there: Path
) -> None:
    token = signed(app, session)
    older = copied(there, "older.db")
    confirmed(app, session, token)
    later = copied(there, "later.db")
    before = everything(later)
    session.close()

    carried = carry_over(older, later)

    assert (carried.signatures, carried.unsure) == (0, True)
    assert everything(later) == before


def test_who_is_blank_in_one_of_the_two_stays_blank(app: Flask, session: Session, there: Path) -> None:
    token = signed(app, session)
    blank = copied(there, "blank.db")
    sent(app, session, token)
    session.close()
    full = copied(there, "full.db")
    execute(blank, "UPDATE signature SET state = 'erased', email = NULL, erased_at = '2020-01-01 00:00:00.000000'")

    carry_over(full, blank)
    carry_over(blank, full)

    for database in (blank, full):
        assert rows(database, "SELECT state, email FROM signature") == [("erased", None)]


def test_while_a_person_has_not_decided_about_an_earlier_restore_the_question_stays(
    app: Flask, session: Session, there: Path
) -> None:
    restored = copied(there)
    execute(
        there,
        """INSERT INTO site_state (id, delivery, paused_at, restored_at)
           VALUES (1, 'sandbox', '2026-01-01', '2026-01-01')""",
    )

    assert carry_over(there, restored).unsure


CONTACT = (
    "INSERT INTO contact (office, role, email, source, as_of) VALUES ('{}', 'clerk', '{}', 'a card', '2026-01-01')"
)


def test_mails_to_the_organisation_are_no_signatures(app: Flask, session: Session, data_dir: Path) -> None:
    for name in ("one", "two", "three"):
        signed(app, session, signer(email=f"{name}@example.org"))
    with writing(session):
        queue_report(session, Composed("u", "b@example.org", "o@example.org", b"x\r\n"), NOW)
    db.session.remove()
    db.engine.dispose()
    settle(data_dir / "redress.db")
    backup = data_dir / "backup.db"
    shutil.copy(data_dir / "redress.db", backup)
    with writing(session):
        queue_report(session, Composed("v", "b@example.org", "o@example.org", b"x\r\n"), NOW)
    db.session.remove()
    db.engine.dispose()
    settle(data_dir / "redress.db")

    assert carry_over(data_dir / "redress.db", backup).signatures == 0
    assert rows(backup, "SELECT count(*) FROM signature") == [(3,)]
    assert rows(backup, "SELECT uuid FROM delivery WHERE kind = 'report'") == [("u",)]


def test_the_contacts_are_those_that_were_here(there: Path) -> None:
    execute(there, CONTACT.format("WY-AL", "old@example.org"), CONTACT.format("WY-S1", "gone@example.org"))
    restored = copied(there)
    execute(there, "DELETE FROM contact", CONTACT.format("WY-AL", "new@example.org"))

    assert carry_over(there, restored).contacts == Contacts(here=1, backup=2, differ=True)
    assert rows(restored, "SELECT office, email FROM contact") == [("WY-AL", "new@example.org")]
    assert carry_over(there, restored).contacts == Contacts(here=1, backup=1, differ=False)


def test_the_present_database_knows_which_addresses_are_dead(app: Flask, session: Session, there: Path) -> None:
    dead = "INSERT INTO dead_address VALUES (x'{:064x}', '2026-01-01 00:00:00.000000')"
    execute(there, dead.format(1), dead.format(2))
    restored = copied(there)
    execute(there, "DELETE FROM dead_address", dead.format(3))

    carry_over(there, restored)
    assert rows(restored, "SELECT hex(digest) FROM dead_address") == [
        (f"{1:064X}",),
        (f"{2:064X}",),
    ]  # it has sent nothing
    signed(app, session)
    execute(there, "UPDATE delivery SET state = 'accepted'")
    carry_over(there, restored)
    assert rows(restored, "SELECT hex(digest) FROM dead_address") == [(f"{3:064X}",)]


def test_an_empty_contact_book_takes_nothing_away(there: Path) -> None:
    execute(there, CONTACT.format("WY-AL", "old@example.org"))
    restored = copied(there)
    execute(there, "DELETE FROM contact")

    assert carry_over(there, restored).contacts == Contacts(here=0, backup=1, differ=True)
    assert rows(restored, "SELECT email FROM contact") == [("old@example.org",)]


def test_what_cannot_be_carried_over_leaves_the_restored_one_as_it_is(
    app: Flask, session: Session, there: Path
) -> None:
    token = signed(app, session)
    restored = copied(there)
    before = everything(restored)
    sent(app, session, token)
    execute(there, "DROP TABLE contact")

    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        carry_over(there, restored)

    assert everything(restored) == before


def test_mails_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    mailbox = maildir(tmp_path / "mailbox", f"{MAIL}1", f"{MAIL}2:2,S")
    (mailbox / "new" / f"{MAIL}1").write_text("as it is here")
    unpacked = maildir(tmp_path / "unpacked", f"{MAIL}1", f"{MAIL}2", f"{MAIL}3", f"{MAIL}4:2,S")

    assert add_mails(unpacked, mailbox) == 2

    assert sorted(path.name for path in (mailbox / "new").iterdir()) == [f"{MAIL}1", f"{MAIL}3"]
    assert sorted(path.name for path in (mailbox / "cur").iterdir()) == [f"{MAIL}2:2,S", f"{MAIL}4:2,S"]
    assert (mailbox / "new" / f"{MAIL}1").read_text() == "as it is here"


def test_mails_make_a_mailbox_where_there_is_none(tmp_path: Path) -> None:
    unpacked = maildir(tmp_path / "unpacked", MAIL)

    assert add_mails(unpacked, tmp_path / "mailbox") == 1
    assert add_mails(tmp_path / "none", tmp_path / "mailbox") == 0
    assert sorted(path.name for path in (tmp_path / "mailbox").iterdir()) == ["cur", "new", "tmp"]
