"""Reading an archive, which may be damaged, foreign or made to harm."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from app.archives import (
    DATABASE,
    FORMAT,
    MANIFEST,
    PIECE,
    SETTINGS,
    ArchiveUnusable,
    Manifest,
    Member,
    describe,
    in_words,
    is_member,
    reason,
)

_LONGEST_MANIFEST = 64_000_000
_HEADERS = 4096  # of a member in the tar, and the padding behind it

_DAMAGE = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, OverflowError, RecursionError)

_FOREIGN = "It is no backup of Redress. Give the file that flask backup has written."
_DAMAGED = "It is damaged: not all of it is what was written. Take another copy of it, or another backup."
_NEWER = "A newer version of Redress made it. Update this checkout (git pull, bin/install), then try again."


def unpack(file: Path, folder: Path) -> Manifest:
    """Put the members of an archive into `folder`, which is empty; nothing in it can be trusted before this returns.

    Raises ArchiveUnusable for a file that is damaged, too new, or not one of ours; never writes outside of `folder`,
    nor more than the manifest names.
    """
    try:
        with file.open("rb") as raw, gzip.GzipFile(fileobj=raw) as unzipped:
            if raw.read(2) != b"\x1f\x8b":
                raise ArchiveUnusable(_FOREIGN)
            raw.seek(0)
            bounded = _Bounded(unzipped, _LONGEST_MANIFEST)
            with tarfile.open(fileobj=bounded, mode="r|") as tar:
                manifest = _read_manifest(tar)
                _check_room(manifest, folder)
                bounded.left = sum(member.size + _HEADERS for member in manifest.members.values()) + PIECE
                _unpack_members(tar, manifest, folder)
            while bounded.read(PIECE):  # to the very end, where gzip's own checksum is
                pass
    except _DAMAGE as error:
        raise ArchiveUnusable(_DAMAGED) from error
    except OSError as error:
        raise ArchiveUnusable(f"It cannot be read or unpacked ({reason(error)}).") from error
    return manifest


class _Bounded(io.BufferedIOBase):
    """A stream that is read no further than it may be: a few bytes of gzip can become a full disk."""

    def __init__(self, source: gzip.GzipFile, left: int) -> None:
        self._source = source
        self.left = left

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes; raises ArchiveUnusable past the bound."""
        piece = self._source.read(size)
        self.left -= len(piece)
        if self.left < 0:
            raise ArchiveUnusable(_DAMAGED)
        return piece


def _read_manifest(tar: tarfile.TarFile) -> Manifest:
    info = tar.next()
    stream = tar.extractfile(info) if info is not None and info.name == MANIFEST and info.isreg() else None
    if stream is None:
        raise ArchiveUnusable(_FOREIGN)
    values = json.loads(stream.read())
    if not isinstance(values, dict) or not isinstance(values.get("format"), int):
        raise ArchiveUnusable(_FOREIGN)
    if values["format"] > FORMAT:
        raise ArchiveUnusable(_NEWER)
    try:
        return Manifest(
            made_at=datetime.fromisoformat(values["made_at"]).astimezone(UTC),
            revision=str(values["revision"]),
            delivery=_mode(values["delivery"]),
            secret=str(values["secret"]),
            members={
                str(name): Member(_size(member["size"]), str(member["sha256"]))
                for name, member in values["members"].items()
            },
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ArchiveUnusable(_DAMAGED) from error


def _mode(value: object) -> str:
    if value not in ("sandbox", "live"):
        raise ValueError("no mode")
    return str(value)


def _size(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError("no size")
    return value


def _check_room(manifest: Manifest, folder: Path) -> None:
    needed = sum(member.size for member in manifest.members.values())
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ArchiveUnusable(
            f"Unpacked it needs {in_words(needed)}, and only {in_words(free)} are free in {folder.parent}. "
            "Make room, then try again."
        )


def _unpack_members(tar: tarfile.TarFile, manifest: Manifest, folder: Path) -> None:
    missing = dict(manifest.members)
    while (info := tar.next()) is not None:
        expected = missing.pop(info.name, None)
        plain = info.type in {tarfile.REGTYPE, tarfile.AREGTYPE} and info.sparse is None
        if expected is None or not plain or not is_member(info.name) or info.size != expected.size:
            raise ArchiveUnusable(_DAMAGED)
        stream = tar.extractfile(info)
        assert stream is not None  # noqa: S101 — it is a file; this tells mypy
        target = folder / info.name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _store(stream, target) != expected:
            raise ArchiveUnusable(_DAMAGED)
    if missing or not {DATABASE, SETTINGS} <= manifest.members.keys():
        raise ArchiveUnusable(_DAMAGED)


def _store(stream: IO[bytes], target: Path) -> Member:
    """Write a file of our own, on the disk when this returns; what it has become."""
    with open(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
        shutil.copyfileobj(stream, file, PIECE)
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        return describe(file)


def settings_of(folder: Path) -> dict[str, str | None]:
    """The settings in an unpacked archive: None stands for one that was given but is not told.

    Raises ArchiveUnusable for what no backup writes.
    """
    try:
        values = json.loads((folder / SETTINGS).read_bytes())
    except (ValueError, RecursionError) as error:
        raise ArchiveUnusable(_DAMAGED) from error
    if not isinstance(values, dict) or not all(value is None or isinstance(value, str) for value in values.values()):
        raise ArchiveUnusable(_DAMAGED)
    return values
