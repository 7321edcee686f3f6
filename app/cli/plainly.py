"""What all commands share: files read with a limit, tables on standard output, errors and remarks as sentences."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import click
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError, ProgrammingError

from app.db import DatabaseUnavailable
from app.obstacles import Obstacle

NO_TABLES = (OperationalError, ProgrammingError)
"""What SQLite and PostgreSQL raise when bin/run was never started with this DATA_DIR."""


@contextmanager
def plainly(*spoken: type[Exception]) -> Iterator[None]:
    """Errors as sentences on standard error, and exit code 1; `spoken` are those whose own text is the sentence."""
    try:
        yield
    except spoken as error:
        raise click.ClickException(str(error)) from None
    except DatabaseUnavailable as error:
        raise click.ClickException(_no_change(error.why)) from None
    except DatabaseError as error:  # NO_TABLES, or a file that is none
        if isinstance(error, IntegrityError):  # a mistake of ours
            raise
        if isinstance(error, OperationalError) and not isinstance(error.orig, sqlite3.Error):
            said = str(error.orig).partition("\n")[0]
            raise click.ClickException(f"The database that DATABASE_URL names cannot be used: {said}.") from None
        raise click.ClickException(
            "There is no site in this DATA_DIR yet, or its database is damaged. Start bin/run with it once."
        ) from None


def _no_change(why: Obstacle) -> str:
    if why is Obstacle.UNREACHABLE:
        return "The database took no change: bin/run may not have been started with this DATA_DIR yet."
    return f"The database took no change: {why.words}."


def problems_of(file: str, problems: Iterable[object]) -> click.ClickException:
    """What is wrong with a file, a line for each problem."""
    return click.ClickException("\n".join(f"{file}: {problem}" for problem in problems))


def read_file(path: str, most: int) -> bytes:
    """The bytes of a file, or of standard input for `-`; of a longer one the first `most` and one more."""
    try:
        with click.open_file(path, "rb") as stream:
            return bytes(stream.read(most + 1))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise click.ClickException(f"Can't read the file {path[:200]!r}: {reason}.") from None


def say(message: str) -> None:
    """A remark for the person, on standard error."""
    click.echo(message, err=True)


def table(rows: Sequence[Sequence[str]], *, numbers_from: int | None = None) -> None:
    """Rows as columns of equal width, on standard output; the first is the head. `numbers_from` some column on."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = zip(row, widths, strict=True)
        placed = [
            cell.ljust(width) if numbers_from is None or place < numbers_from else cell.rjust(width)
            for place, (cell, width) in enumerate(cells)
        ]
        click.echo("  ".join(placed).rstrip())
