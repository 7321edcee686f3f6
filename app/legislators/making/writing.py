"""Putting a folder of tables in place of an older one."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from app.legislators.making.sources import InputUnusable
from app.legislators.tables import load


def write(files: Mapping[str, bytes], out: Path) -> None:
    """Put the files into a folder of their own, in place of an older one.

    They are written beside it and read back before anything is replaced: a build that fails leaves the old tables as
    they were. Raises InputUnusable when the folder holds something else than tables, OSError, TablesUnusable.
    """
    out = out.resolve()
    others = sorted(path.name for path in out.iterdir() if path.name not in files) if out.is_dir() else []
    if others or (out.exists() and not out.is_dir()):
        raise InputUnusable(f"{out} is not a folder of tables alone ({', '.join(others) or 'a file'}): name another.")
    new, old = out.with_name(f".{out.name}.new"), out.with_name(f".{out.name}.old")
    if old.exists() and not out.exists():
        old.rename(out)  # a build was killed between the two steps of _swap
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        for name, content in files.items():
            (new / name).write_bytes(content)
        load(new)
        _swap(new, out, old)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _swap(new: Path, out: Path, old: Path) -> None:
    """A folder can't be replaced in one step: for a moment there is none, and if the second fails the old is back."""
    if not out.exists():
        new.rename(out)
        return
    out.rename(old)
    try:
        new.rename(out)
    except OSError:
        old.rename(out)
        raise
