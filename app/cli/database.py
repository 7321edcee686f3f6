"""`flask database copy`: from the file in DATA_DIR to a PostgreSQL server."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import URL, Engine, NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError
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
@click.option("--to", "target", metavar="URL", help="The PostgreSQL database, empty; else the one of DATABASE_URL.")
def copy(source: Path | None, target: str | None) -> None:
    """Move a stopped site to a PostgreSQL server: everything, or nothing. The file stays, and is paused."""
    file = (source or site().config.data_dir / DATABASE).absolute()
    try:
        url = site().config.database_url if target is None else parse_database_url(target)
        if url.startswith("sqlite:"):
            raise CannotMove("Say where to with --to postgresql://user:password@host/database, or set DATABASE_URL.")
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
