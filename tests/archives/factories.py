"""Archives, whole ones and others, and databases to put into them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import signal
import sqlite3
import sys
import tarfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from app.archives import MANIFEST
from app.archives.making import Site, make
from config import ROOT

HEAD = (ROOT / "migrations" / "HEAD").read_text().strip()
NOW = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
MAIL = "1764000000.M1P1Q1.example"

Content = dict[str, bytes]


def tables(folder: Path) -> Path:
    """A small folder in place of the tables of legislators."""
    made = folder / "tables"
    made.mkdir(exist_ok=True)
    (made / "members.csv").write_text("seat,bioguide\n")
    return made


def site(data_dir: Path, mailbox: Path | None = None) -> Site:
    return Site(
        database=data_dir / "redress.db",
        settings={"PORT": "8000", "SECRET_KEY": None},
        tables=tables(data_dir.parent),
        mailbox=mailbox,
        delivery="sandbox",
        secret="mark",
    )


def maildir(folder: Path, *names: str) -> Path:
    """A Maildir in which each mail holds its own name."""
    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / ("cur" if ":" in name else "new") / name).write_text(name)
    return folder


def archive(data_dir: Path, name: str = "site.tar.gz") -> Path:
    """The archive of what is in `data_dir`, beside it."""
    target = data_dir.parent / name
    mailbox = data_dir / "mailbox"
    make(target, site(data_dir, mailbox if mailbox.exists() else None), NOW)
    return target


def content(file: Path) -> Content:
    """Every member with its bytes."""
    with tarfile.open(file) as tar:
        return {info.name: _bytes(tar, info) for info in tar}


def _bytes(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    stream = tar.extractfile(info)
    assert stream is not None
    return stream.read()


def packed(target: Path, members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(target, "w:gz", compresslevel=1) as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return target


def plain(members: Content) -> list[tuple[tarfile.TarInfo, bytes]]:
    return [(tarfile.TarInfo(name), data) for name, data in members.items()]


def altered(file: Path, change: Callable[[Content], None], *, manifest: dict[str, object] | None = None) -> Path:
    """The archive with other members, under a manifest that is true of them, or that says what `manifest` says."""
    members = content(file)
    values = json.loads(members.pop(MANIFEST))
    change(members)
    values["members"] = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in members.items()
    }
    values |= manifest or {}
    target = file.with_name("altered.tar.gz")
    return packed(target, plain({MANIFEST: json.dumps(values).encode(), **members}))


def nothing(_members: Content) -> None:
    """Change nothing."""


def leave_log(database: Path, *statements: str) -> None:
    """Let the statements stand in the -wal file only, as after a crash."""
    aside = database.with_name("aside")
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        for statement in statements:
            connection.execute(statement)
        for ending in ("", "-wal"):
            shutil.copy(f"{database}{ending}", f"{aside}{ending}")
    for ending in ("", "-wal"):
        os.replace(f"{aside}{ending}", f"{database}{ending}")


def killed_at(step: int, act: Callable[[], object]) -> bool:
    """Let a process do something, killed before its step of this number; whether it had not done it all by then.

    A step is whatever Python asks of files and databases.
    """
    child = os.fork()
    if child == 0:
        left = step

        def count(event: str, _arguments: object) -> None:
            nonlocal left
            if event.startswith(("open", "os.", "sqlite3.connect")) and event != "os.kill":
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            act()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def rows(database: Path, query: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


def execute(database: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
