"""Another database in the place of the present one: what is checked, what is carried over, and no half of anything."""

from __future__ import annotations

import contextlib
import functools
import itertools
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from app.archives import ArchiveUnusable
from app.archives.replacing import (
    DatabaseBusy,
    add_mails,
    check,
    erased_since,
    put_in_place,
    withdrawn_since,
)
from app.db import writing
from app.models import SignatureState
from tests.archives.factories import MAIL, execute, killed_at, leave_log, maildir, rows
from tests.delivery.factories import signature

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


def test_the_other_database_is_there_and_nothing_of_the_present_one(present: Path, restored: Path) -> None:
    put_in_place(restored, present)

    assert endings(present.parent) == ["redress.db"]
    assert rows(present, SLUGS) == [("new",)]
    assert not restored.exists()


def test_it_needs_no_present_one(tmp_path: Path, restored: Path) -> None:
    put_in_place(restored, tmp_path / "redress.db")

    assert rows(tmp_path / "redress.db", SLUGS) == [("new",)]


@pytest.mark.parametrize("damage", [b"", b"this is a shopping list\n" * 1000])
def test_a_present_one_that_is_damaged_is_in_nobodys_way(present: Path, restored: Path, damage: bytes) -> None:
    present.write_bytes(damage)
    present.with_name("redress.db-journal").write_bytes(b"old pages")

    put_in_place(restored, present)

    assert endings(present.parent) == ["redress.db"]
    assert rows(present, SLUGS) == [("new",)]


@pytest.mark.parametrize("begin", ["SELECT * FROM campaign", "BEGIN", "BEGIN IMMEDIATE"])
def test_a_present_one_that_is_open_elsewhere_stays(present: Path, restored: Path, begin: str) -> None:
    with contextlib.closing(sqlite3.connect(present, isolation_level=None)) as other:
        other.execute("SELECT * FROM campaign").fetchone()
        other.execute(begin)

        with pytest.raises(DatabaseBusy):
            put_in_place(restored, present)

    assert rows(present, SLUGS) == [("old,older",)]
    assert restored.exists()


def test_killed_at_any_step_it_leaves_the_one_or_the_other_whole(tmp_path: Path, present: Path, restored: Path) -> None:
    seen, step, killed = set(), 0, True
    while killed:
        folder = tmp_path / f"step-{step}"
        shutil.copytree(present.parent, folder)
        shutil.copy(restored, folder / "restored.db")

        killed = killed_at(step, functools.partial(put_in_place, folder / "restored.db", folder / "redress.db"))

        assert rows(folder / "redress.db", "PRAGMA integrity_check") == [("ok",)]
        seen.add(rows(folder / "redress.db", SLUGS)[0][0])
        step += 1
    assert step > 5
    assert seen == {"old,older", "new"}


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


@pytest.fixture
def signed(session: Session, data_dir: Path, tmp_path: Path) -> tuple[Path, Path, list[int]]:
    """The present database, a copy of an hour ago, and the three who have signed by then."""
    with writing(session):
        ids = [signature(session).id for _ in range(3)]
    session.close()
    then = tmp_path / "restored.db"
    with contextlib.closing(sqlite3.connect(data_dir / "redress.db")) as source:
        source.execute("VACUUM INTO ?", (str(then),))
    return data_dir / "redress.db", then, ids


def test_who_was_erased_or_withdrew_since_is_found_by_the_hash_of_the_token(
    signed: tuple[Path, Path, list[int]],
) -> None:
    present, restored, (stays, erased, withdrawn) = signed
    assert (erased_since(present, restored), withdrawn_since(present, restored)) == ({}, [])
    execute(
        present,
        f"UPDATE signature SET state = 'erased', given_name = NULL WHERE id = {erased}",
        f"UPDATE signature SET state = 'withdrawn' WHERE id = {withdrawn}",
    )
    execute(restored, "UPDATE signature SET id = id + 100")  # another history may have given other numbers

    assert erased_since(present, restored) == {erased + 100: "erased"}
    assert withdrawn_since(present, restored) == [withdrawn + 100]
    assert rows(restored, f"SELECT state FROM signature WHERE id = {stays + 100}") == [("confirmed",)]


def test_only_what_takes_something_back_is_carried_over(signed: tuple[Path, Path, list[int]]) -> None:
    present, restored, (one, *_) = signed
    blank, standing = {"erased", "expired"}, {"pending", "confirmed"}
    for here, there in itertools.product(SignatureState, repeat=2):
        execute(present, f"UPDATE signature SET state = '{here}' WHERE id = {one}")
        execute(restored, f"UPDATE signature SET state = '{there}' WHERE id = {one}")

        assert erased_since(present, restored) == ({one: here} if here in blank and there not in blank else {})
        assert withdrawn_since(present, restored) == ([one] if here == "withdrawn" and there in standing else [])


def test_a_present_database_of_the_first_revision_or_without_tables_can_be_asked(
    signed: tuple[Path, Path, list[int]], tmp_path: Path
) -> None:
    present, restored, _ = signed
    execute(present, "DROP INDEX ix_signature_kept", "ALTER TABLE signature DROP COLUMN erased_at")
    execute(tmp_path / "empty.db")

    assert erased_since(present, restored) == {}
    assert erased_since(tmp_path / "empty.db", restored) == {}


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
