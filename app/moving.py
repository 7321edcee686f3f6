"""Moving a site's database from its SQLite file to a PostgreSQL server: all of it in one transaction, or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import Connection, Engine, Integer, Table, func, insert, inspect, select, text
from sqlalchemy.exc import DataError, IntegrityError

from app.db import Base, hold_writers
from app.revisions import MIGRATIONS, is_current, is_newer

_BATCH = 500


class CannotMove(Exception):
    """The database was not moved, and nothing was changed; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Moved:
    """How many rows of a table were moved."""

    table: str
    rows: int


def check_source(file: Path) -> None:
    """Raises CannotMove for what is no database of this version."""
    try:
        if not file.is_file():
            raise CannotMove(f"There is no file {file}.")
        if is_newer(file):
            raise CannotMove(f"{file} was made by a newer version of Redress. Update this checkout.")
        if not is_current(file):
            raise CannotMove(f"{file} has no tables, or those of an older version. Start bin/run with it once.")
    except sqlite3.Error:
        raise CannotMove(f"{file} is no SQLite database, or it is damaged.") from None


def move(source: Engine, target: Engine) -> list[Moved]:
    """Copy every row. The caller makes sure that nobody else works with either. Raises CannotMove, SQLAlchemyError."""
    with source.connect() as here, target.begin() as there:
        hold_writers(there)
        _check_empty(there)
        _migrate(there)
        moved = [_moved(table, here, there) for table in Base.metadata.sorted_tables]
        for table in Base.metadata.sorted_tables:
            _go_on_counting(table, there)
    return moved


def _check_empty(target: Connection) -> None:
    ours = {*Base.metadata.tables, "alembic_version"}
    for name in sorted(inspect(target).get_table_names()):
        if name not in ours:
            raise CannotMove(f"The target holds a table {name}, which is not one of Redress. Give an empty database.")
        holds_rows = name != "alembic_version" and target.scalar(text(f'SELECT count(*) FROM "{name}"'))  # noqa: S608
        if holds_rows:
            raise CannotMove(f"The target is not empty: its table {name} has rows. Give an empty database.")


def _migrate(target: Connection) -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS.parent / "migrations"))
    config.attributes["connection"] = target
    command.upgrade(config, "head")


def _moved(table: Table, source: Connection, target: Connection) -> Moved:
    for batch in _batches(table, source):
        try:
            target.execute(insert(table), batch)
        except (DataError, IntegrityError) as error:
            raise CannotMove(f"A row of the table {table.name} does not fit: {type(error.orig).__name__}.") from None
    counts = [end.scalar(select(func.count()).select_from(table)) or 0 for end in (source, target)]
    if counts[0] != counts[1]:
        raise CannotMove(f"Of {counts[0]} rows of the table {table.name} {counts[1]} arrived.")
    return Moved(table.name, counts[0])


def _batches(table: Table, source: Connection) -> Iterator[list[dict[str, Any]]]:
    """In the order of their keys: a signature that repeats an earlier one comes after it."""
    rows = source.execution_options(yield_per=_BATCH).execute(select(table).order_by(*table.primary_key.columns))
    for part in rows.mappings().partitions():
        yield [dict(row) for row in part]


def _go_on_counting(table: Table, target: Connection) -> None:
    """New rows get numbers above those that came along."""
    (key,) = table.primary_key.columns
    if isinstance(key.type, Integer) and key.name == "id":
        highest = target.scalar(select(func.max(key)))
        sequence = target.scalar(select(func.pg_get_serial_sequence(table.name, key.name)))
        if highest is not None and sequence is not None:
            target.execute(select(func.setval(sequence, highest)))
