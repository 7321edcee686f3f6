"""Writing the archive of a site that may be running."""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import io
import itertools
import json
import os
import secrets
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from app.archives import (
    DATABASE,
    MAILBOX,
    MANIFEST,
    SETTINGS,
    TABLES,
    ArchiveNotMade,
    Manifest,
    Member,
    describe,
    is_member,
    reason,
)
from app.backups import UNFINISHED, copy_database, settle, sweep, sync
from app.revisions import belongs_to, revisions


@dataclass(frozen=True, slots=True)
class Site:
    """What goes into an archive. A secret among the settings is told by its name, with None in place of its value."""

    database: Path
    settings: Mapping[str, str | None]
    tables: Path
    mailbox: Path | None
    delivery: str
    secret: str
    """The mark of the site's secret, `secret_mark` of it."""


def make(target: Path, site: Site, now: datetime, certain: datetime | None = None) -> int:
    """Write the archive of a site; its size in bytes. It is dated `now`, or when the clock is behind that, `certain`.

    Raises ArchiveNotMade.

    It grows under another name: what is there as `target` is whole, on the disk, and readable by its owner only.
    """
    _check_target(target)
    dated = max(now, certain or now)  # else it would be the first that goes when the clock is right
    copies = site.database.with_name("backups")
    copy = copies / f"{UNFINISHED}{secrets.token_hex(8)}.db"
    growing = target.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    try:
        copies.mkdir(mode=0o700, exist_ok=True)
        for folder in (copies, target.parent):
            sweep(folder, now)
        settle(site.database)
        copy_database(site.database, copy)
        _check_mark(copy, site)
        with copy.open("rb") as database, tempfile.TemporaryFile(dir=copies) as spool:
            pieces = _gather(site, database, spool)
            members = {piece.name: piece.member for piece in pieces}
            revision = "".join(revisions(copy))
            _write(growing, Manifest(dated, revision, site.delivery, site.secret, members), pieces)
        _check_target(target)
        os.utime(growing, (dated.timestamp(), dated.timestamp()))
        growing.rename(target)
        sync(target.parent)
        return target.stat().st_size
    except sqlite3.Error as error:
        raise ArchiveNotMade(f"The database {site.database} cannot be copied: {error}.") from error
    except OSError as error:
        raise ArchiveNotMade(f"The backup {target} cannot be written ({reason(error)}). {_remedy(error)}") from error
    finally:
        for path in (growing, copy):
            path.unlink(missing_ok=True)


def _check_target(target: Path) -> None:
    try:
        there = target.is_symlink() or target.exists()
    except OSError as error:
        raise ArchiveNotMade(f"The name {target} cannot be used ({reason(error)}). Give a shorter one.") from error
    if there:
        raise ArchiveNotMade(f"There is a file {target} already. Give the backup another name, or move that one away.")
    if not target.parent.is_dir():
        raise ArchiveNotMade(f"There is no folder {target.parent}. Make it, or give the backup another place.")


def _check_mark(copy: Path, site: Site) -> None:
    """An archive that is labelled by settings alone could be restored where its letters must not go."""
    mode = belongs_to(copy)
    if mode not in (None, site.delivery):
        raise ArchiveNotMade(
            f"The database {site.database} belongs to a {mode} site, and here DELIVERY is {site.delivery}. "
            "Give the settings with which that site runs."
        )


def _remedy(error: OSError) -> str:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    return "Make room, then try again." if full else "Give it a folder that you may write to."


@dataclass(frozen=True, slots=True)
class _Piece:
    """A member that is ready to be written: where its bytes are."""

    name: str
    source: IO[bytes]
    start: int
    member: Member


def _gather(site: Site, database: IO[bytes], spool: IO[bytes]) -> list[_Piece]:
    """All members. What may vanish or change while we write is put into `spool` first, one behind the other."""
    pieces = [_Piece(DATABASE, database, 0, describe(database))]
    tables = (path for path in sorted(site.tables.iterdir()) if is_member(f"{TABLES}/{path.name}"))
    small = [
        (SETTINGS, json.dumps(site.settings, indent=2).encode()),
        *((f"{TABLES}/{path.name}", path.read_bytes()) for path in tables),
    ]
    for name, content in itertools.chain(small, _mails(site.mailbox)):
        pieces.append(_Piece(name, spool, spool.tell(), Member(len(content), hashlib.sha256(content).hexdigest())))
        spool.write(content)
    return pieces


def _mails(mailbox: Path | None) -> Iterator[tuple[str, bytes]]:
    """Every mail that is there now. Each is whole: it got its name when it was on the disk."""
    for folder in ("new", "cur"):
        if mailbox is None or not (mailbox / folder).is_dir():
            continue
        for name in sorted(os.listdir(mailbox / folder)):
            member = f"{MAILBOX}/{folder}/{name}"
            if is_member(member):
                with contextlib.suppress(FileNotFoundError):  # read or deleted meanwhile, by a mail program
                    yield member, (mailbox / folder / name).read_bytes()


def _write(growing: Path, manifest: Manifest, pieces: Iterable[_Piece]) -> None:
    written = manifest.as_json()
    with open(os.open(growing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw:
        with (
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6) as packed,
            tarfile.open(fileobj=packed, mode="w") as tar,
        ):
            _add(tar, MANIFEST, len(written), io.BytesIO(written), manifest.made_at)
            for piece in pieces:
                piece.source.seek(piece.start)
                _add(tar, piece.name, piece.member.size, piece.source, manifest.made_at)
        raw.flush()
        os.fsync(raw.fileno())


def _add(tar: tarfile.TarFile, name: str, size: int, source: IO[bytes], made_at: datetime) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, int(made_at.timestamp())
    tar.addfile(info, source)
