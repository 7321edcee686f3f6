"""Writing the archive of a site."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import resource
import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.archives import MANIFEST, ArchiveNotMade
from app.archives.making import make
from tests.archives.factories import HEAD, MAIL, NOW, archive, content, execute, leave_log, maildir, rows, site

CAMPAIGN = "INSERT INTO campaign (slug, state, source, created_at) VALUES ('{}', 'draft', '', '2026-01-01 00:00:00')"


@contextlib.contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """As on a disk that is nearly full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def left_over(*folders: Path) -> list[str]:
    return [path.name for folder in folders for path in folder.iterdir() if path.name.startswith(".")]


def test_it_holds_database_settings_tables_and_mails_and_a_manifest_that_is_true(data_dir: Path) -> None:
    leave_log(data_dir / "redress.db", CAMPAIGN.format("in-the-log-only"))
    maildir(data_dir / "mailbox", MAIL, f"{MAIL}2:2,S")

    file = archive(data_dir)

    members = content(file)
    assert list(members) == [
        MANIFEST,
        "redress.db",
        "settings.json",
        "tables/members.csv",
        f"mailbox/new/{MAIL}",
        f"mailbox/cur/{MAIL}2:2,S",
    ]
    manifest = json.loads(members.pop(MANIFEST))
    assert {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in members.items()} == {
        name: (member["size"], member["sha256"]) for name, member in manifest["members"].items()
    }
    assert (manifest["format"], manifest["delivery"], manifest["revision"]) == (1, "sandbox", HEAD)
    assert manifest["made_at"] == NOW.isoformat()
    assert json.loads(members["settings.json"]) == {"PORT": "8000", "SECRET_KEY": None}
    (data_dir / "copy.db").write_bytes(members["redress.db"])
    assert rows(data_dir / "copy.db", "SELECT slug FROM campaign") == [("in-the-log-only",)]


def test_it_is_readable_by_its_owner_only_and_nothing_else_is_left(data_dir: Path) -> None:
    os.umask(0o022)
    file = archive(data_dir)

    assert file.stat().st_mode & 0o777 == 0o600
    assert left_over(data_dir, data_dir / "backups", data_dir.parent) == []


def test_it_is_consistent_while_others_write(data_dir: Path) -> None:
    database, stop, written = data_dir / "redress.db", threading.Event(), threading.Event()

    def write() -> None:
        with contextlib.closing(sqlite3.connect(database, timeout=10)) as connection:
            for number in range(100_000):
                if stop.is_set():
                    break
                connection.execute(CAMPAIGN.format(f"one-{number}"))
                connection.execute(CAMPAIGN.format(f"other-{number}"))
                connection.execute("UPDATE campaign SET source = hex(randomblob(2000)) WHERE id % 7 = 0")
                connection.commit()
                written.set()

    writer = threading.Thread(target=write)
    writer.start()
    written.wait(10)
    try:
        files = [archive(data_dir, f"{number}.tar.gz") for number in range(3)]
    finally:
        stop.set()
        writer.join()

    for file in files:
        (data_dir / "copy.db").write_bytes(content(file)["redress.db"])
        counts = rows(data_dir / "copy.db", "SELECT sum(slug LIKE 'one-%'), sum(slug LIKE 'other-%') FROM campaign")
        assert counts[0][0] == counts[0][1] != 0
        assert rows(data_dir / "copy.db", "PRAGMA integrity_check") == [("ok",)]


def test_mails_that_come_and_go_meanwhile_are_in_or_out_each_of_them_whole(data_dir: Path) -> None:
    mailbox, stop = maildir(data_dir / "mailbox"), threading.Event()
    text = "x" * 20_000

    def arrive_and_be_read() -> None:
        for number in range(100_000):
            if stop.is_set():
                break
            name = f"1764000000.M{number}P1Q1.example"
            (mailbox / "tmp" / name).write_text(text)
            (mailbox / "tmp" / name).rename(mailbox / "new" / name)
            if number % 2:
                (mailbox / "new" / name).rename(mailbox / "cur" / f"{name}:2,S")
            if number % 3 == 0 and number % 2:
                (mailbox / "cur" / f"{name}:2,S").unlink()

    postman = threading.Thread(target=arrive_and_be_read)
    postman.start()
    try:
        files = [archive(data_dir, f"{number}.tar.gz") for number in range(3)]
    finally:
        stop.set()
        postman.join()

    mails = [data for file in files for name, data in content(file).items() if name.startswith("mailbox/")]
    assert mails
    assert set(mails) == {text.encode()}


def test_a_file_that_is_there_is_not_written_over(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "there.tar.gz").write_text("a person's own")
    (tmp_path / "link.tar.gz").symlink_to(tmp_path / "nowhere")

    for name in ("there.tar.gz", "link.tar.gz"):
        with pytest.raises(ArchiveNotMade, match=r"There is a file .* already"):
            archive(data_dir, name)

    assert (tmp_path / "there.tar.gz").read_text() == "a person's own"


def test_a_folder_that_is_not_there_is_said(data_dir: Path) -> None:
    with pytest.raises(ArchiveNotMade, match="There is no folder"):
        archive(data_dir, "none/site.tar.gz")


def test_a_name_that_the_system_does_not_take_is_said(data_dir: Path) -> None:
    with pytest.raises(ArchiveNotMade, match="file name too long"):
        make(data_dir.parent / ("x" * 300), site(data_dir), NOW)


@pytest.mark.parametrize("size", [4096, 60_000, 150_000])
def test_a_full_disk_is_said_and_leaves_nothing_behind(data_dir: Path, size: int) -> None:
    execute(data_dir / "redress.db", *(CAMPAIGN.format(os.urandom(500).hex()) for _ in range(100)))

    with files_no_longer_than(size), pytest.raises(ArchiveNotMade, match=r"Make room|full|disk"):
        archive(data_dir)

    assert left_over(data_dir, data_dir / "backups", data_dir.parent) == []
    assert not (data_dir.parent / "site.tar.gz").exists()


def test_a_database_that_cannot_be_read_is_said(data_dir: Path) -> None:
    (data_dir / "redress.db").write_text("this is a shopping list\n" * 100)

    with pytest.raises(ArchiveNotMade, match=r"cannot be copied: file is not a database"):
        archive(data_dir)


def test_what_a_killed_backup_left_is_deleted_a_day_later(data_dir: Path, tmp_path: Path) -> None:
    (data_dir / "backups").mkdir()
    left = [data_dir / "backups" / ".unfinished-1.db", tmp_path / ".unfinished-1", tmp_path / ".unfinished-2"]
    for path in left:
        path.write_text("somebody's letter")
        made = NOW - timedelta(hours=23 if path.name.endswith("2") else 25)
        os.utime(path, (made.timestamp(), made.timestamp()))

    archive(data_dir)

    assert [path.exists() for path in left] == [False, False, True]
