"""Folders of tables of Wyoming alone, which are quickly read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from app.legislators.tables import COLUMNS, FORMAT, MANIFEST


def table_files(congress: int = 119, as_of: str = "2026-10-03", name: str = "Pat Holder") -> dict[str, bytes]:
    """Tables of Wyoming alone: two senators and a House member, who is called `name`."""
    held = "Republican,{rank},2025-01-03,2027-01-03,,,,,,,,,,,,"
    rows = {
        "members.csv": [
            f"WY-S1,S000001,Sam One,One,{held.format(rank='senior')}",
            f"WY-S2,S000002,Sam Two,Two,{held.format(rank='junior')}",
            f"WY-AL,H000001,{name},Holder,{held.format(rank='')}",
        ],
        "offices.csv": ["H000001,Casper,WY,,,,,,,"],
        "zips.csv": ["82001,standard,WY,WY-AL,,41.1000,-104.8000"],
    }
    files = {table: "\n".join((",".join(COLUMNS[table]), *rows[table], "")).encode() for table in COLUMNS}
    manifest = {
        "format": FORMAT,
        "congress": congress,
        "map_congress": congress,
        "as_of": as_of,
        "tables": {
            table: {"rows": len(rows[table]), "sha256": hashlib.sha256(files[table]).hexdigest()} for table in COLUMNS
        },
    }
    return {**files, MANIFEST: json.dumps(manifest).encode()}


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def point(folder: Path, content: object) -> None:
    """A pointer that may be damaged."""
    folder.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "in-force.json.new").write_text(text, encoding="utf-8")
    (folder / "in-force.json.new").rename(folder / "in-force.json")
