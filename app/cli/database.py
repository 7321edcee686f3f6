"""`flask database copy`: from the file in DATA_DIR to a PostgreSQL server."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import URL, Engine, NullPool, create_engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from app.cli.plainly import say, table
from app.cli.site import site
from app.db import ENGINE_OPTIONS, prepare, writing
from app.delivery.pause import pause_restored
from app.locks import InUse, alone
from app.moving import CannotMove, Moved, check_source, move
from config import DATABASE, SettingsError, parse_database_url

database = AppGroup("database", help="Where the database is kept.")


@database.command()
@click.option("--from", "source", type=click.Path(path_type=Path), help="The SQLite file; else the one in DATA_DIR.")
@click.option(
    "--to",
    "target",
    metavar="URL|-",
    help="The PostgreSQL database, which is empty, without a password; - asks for it. Else the one of DATABASE_URL.",
)
def copy(source: Path | None, target: str | None) -> None:
    """Move a stopped site to a PostgreSQL server: everything, or nothing. The file stays, and is paused.

    With --to - the address is asked for, or read from standard input.
    """
    file = (source or site().config.data_dir / DATABASE).absolute()
    try:
        url = _address(target)
        check_source(file)
        with alone(file.parent):
            moved = _move(file, url)
            _leave(file)
    except (CannotMove, SettingsError) as error:
        raise click.ClickException(f"{error} Nothing was changed.") from None
    except InUse:
        raise click.ClickException(
            f"Redress is running with the folder {file.parent}. Stop it first. Nothing was changed."
        ) from None
    except OSError as error:
        raise click.ClickException(f"Not possible: {error.filename} ({error.strerror}). Nothing was changed.") from None
    table([("TABLE", "ROWS"), *((one.table, f"{one.rows:,}") for one in moved)], numbers_from=1)
    say("Everything is there, counted table by table. Set DATABASE_URL, then start bin/run.")
    say(f"{file} sends nothing any more, should it be started by mistake: what waited in it goes from the server now.")
    say("It holds what people wrote: delete it when the site runs well on the server.")


def _address(given: str | None) -> str:
    """Where to. Raises CannotMove, SettingsError."""
    if given is None:
        url = site().config.database_url
        if url.startswith("sqlite:"):
            raise CannotMove(
                "Say where to: --to - asks for postgresql://user:password@host/database. Or set DATABASE_URL."
            )
        return url
    if given == "-":
        return parse_database_url(_asked())
    url = parse_database_url(given)
    if _has_password(url):
        raise CannotMove(
            "A password in a command can be read by everybody on this machine, and stays in the history of the shell. "
            "Give the address with --to -, which asks for it, or name a file with it in DATABASE_URL_FILE. Change that "
            "password."
        )
    return url


def _asked() -> str:
    """From a terminal unseen, else the first line of standard input."""
    if sys.stdin.isatty():
        return str(click.prompt("Address of the database", hide_input=True)).strip()
    return sys.stdin.readline().strip()


def _has_password(url: str) -> bool:
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):  # of which nobody knows what it holds
        return True
    return parts.password is not None or any("password" in name.lower() for name in parts.query)


def _move(file: Path, url: str) -> list[Moved]:
    here, there = _engine(URL.create("sqlite", database=str(file))), _engine(url)
    try:
        return move(here, there)
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", error)).partition("\n")[0]
        raise CannotMove(f"It could not be copied: {said}.") from None
    finally:
        here.dispose()
        there.dispose()


def _leave(file: Path) -> None:
    """Pause what stays behind, as after a restore: what waits in it would else be sent a second time."""
    engine = _engine(URL.create("sqlite", database=str(file)))
    try:
        with Session(engine) as session, writing(session):
            pause_restored(session, site().config.delivery, datetime.now(UTC))
    finally:
        engine.dispose()


def _engine(url: str | URL) -> Engine:
    try:
        engine = create_engine(url, poolclass=NullPool, **ENGINE_OPTIONS)
    except ModuleNotFoundError:
        raise CannotMove("The driver of PostgreSQL is not installed. Run: bin/install --postgres") from None
    prepare(engine)
    return engine
