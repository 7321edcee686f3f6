"""A whole site in one file: what `flask backup` writes and `flask restore` reads.

A tar.gz whose first member, manifest.json, names all others with size and SHA-256. It holds `redress.db`,
`settings.json` (no secrets), `tables/` (of legislators, for the record) and `mailbox/` (a sandbox's mails).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import IO

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "redress.db"
SETTINGS = "settings.json"
TABLES = "tables"
MAILBOX = "mailbox"

PIECE = 1 << 20
"""Bytes that are read at a time."""

_MEMBER = re.compile(r"redress\.db|settings\.json|tables/[a-z0-9_-]+\.[a-z]+|mailbox/(new|cur)/[^./\0][^/\0]{0,250}")


class ArchiveNotMade(Exception):
    """There is no new archive. The text is for the person who asked: what is wrong, and what to do."""


class ArchiveUnusable(Exception):
    """The file cannot be restored. The text says what is wrong with it, and what to do."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file in the archive: its size in bytes, and its SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself. `delivery` is sandbox or live; `secret` is the mark of the site's secret."""

    made_at: datetime
    revision: str
    delivery: str
    secret: str
    members: Mapping[str, Member]

    def as_json(self) -> bytes:
        """As it stands in the archive."""
        values = asdict(self) | {"format": FORMAT, "made_at": self.made_at.astimezone(UTC).isoformat()}
        return json.dumps(values, indent=1, sort_keys=True).encode()


def is_member(name: str) -> bool:
    """Whether an archive may hold a file of this name; none leads out of the folder where it is unpacked."""
    return _MEMBER.fullmatch(name) is not None


def describe(file: IO[bytes]) -> Member:
    """Size and SHA-256 of what is left to read in a file."""
    digest, size = hashlib.sha256(), 0
    while piece := file.read(PIECE):
        digest.update(piece)
        size += len(piece)
    return Member(size, digest.hexdigest())


def secret_mark(secret_key: str) -> str:
    """Tells whether a site has the secret of a backup, and nothing of the secret."""
    return hmac.new(secret_key.encode(), b"redress archive", hashlib.sha256).hexdigest()[:16]


def in_words(size: int) -> str:
    """A number of bytes as people say it: 1.2 MB."""
    if size < 1_000_000:
        return f"{-(-size // 1000)} kB"
    return f"{size / 1e6:.1f} MB" if size < 1_000_000_000 else f"{size / 1e9:.1f} GB"


def reason(error: OSError) -> str:
    """What went wrong, in the system's words."""
    return os.strerror(error.errno).lower() if error.errno else str(error)
