"""Before anything is started: load the tables, back up, migrate and mark the database, publish the sample campaign."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import flask_migrate
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app import clock, create_app
from app.backups import BackupFailed, forget_restore, is_fresh, make_backup, prune_backups, settle
from app.campaigns import import_campaign, publish, sample_source
from app.cli.words import hindrances
from app.db import DatabaseUnavailable, DriverMissing, writing
from app.delivery.breaker import site_state
from app.extensions import db
from app.legislators import TablesUnusable
from app.legislators.keeping.condition import Condition, sentence
from app.models import Campaign, CampaignState
from app.obstacles import obstacle
from app.revisions import MIGRATIONS, belongs_to, certain_in, held_by, is_current, is_known, is_newer
from app.serve.trouble import CannotStart
from config import Config


@dataclass(frozen=True, slots=True)
class Ready:
    """What a start has found: the slugs of the open campaigns, and a sentence for each thing that keeps all mail here,
    or all that is over.
    """

    slugs: tuple[str, ...]
    hindrances: tuple[str, ...] = ()
    warning: str = ""
    """What will be missing, or is, when a Congress begins; a sentence or two."""


def prepare(config: Config) -> Ready:
    """Make data folder and database ready for this version. Raises CannotStart."""
    now = datetime.now(UTC)
    if config.database is not None:
        _prepare_file(config, config.database, now)
    with (app := _application(config)).app_context():
        try:
            if config.database is None:
                _check_server(config)
            _migrate()
            session = db.session()
            mark(session, config.delivery, now)
            _prune(session, config, now)
            if not config.live:
                publish_sample(session, now)
            return _found(session, app.extensions["redress"].shelf.condition(now), now)
        except (DatabaseUnavailable, SQLAlchemyError) as error:
            raise CannotStart(_cannot_be_used(config.database, error)) from error
        finally:
            db.session.remove()
            db.engine.dispose()


def _prepare_file(config: Config, database: Path, now: datetime) -> None:
    try:
        settle(database)
        newer = database.exists() and is_newer(database)
        mode = belongs_to(database) if database.exists() and not newer else None
    except (sqlite3.Error, OSError) as error:
        raise CannotStart(_cannot_be_used(database, error)) from error
    _check(f"The database {database}", config, newer=newer, mode=mode)
    _back_up(database, now)


def _check_server(config: Config) -> None:
    with db.engine.connect() as connection:
        held = held_by(connection)
    _check("The database that DATABASE_URL names", config, newer=not is_known(held.revisions), mode=held.mode)


def _check(database: str, config: Config, *, newer: bool, mode: str | None) -> None:
    """Refuse a database of a newer version, which to migrate would be a guess, or of the other mode; leave it as it is.

    A sandbox's letters carry made-up addresses, and a live site's must not go to a mailbox and be called accepted.
    """
    another = "another DATA_DIR" if config.database else "another database"
    if newer:
        raise CannotStart(
            f"{database} was made by a newer version of Redress. Update this checkout, or give it {another}."
        )
    if config.live and mode == "sandbox":
        raise CannotStart(
            f"{database} belongs to a sandbox: its letters carry made-up addresses. "
            f"Give the live site {another}, and move campaigns with `flask campaign export` and `import`."
        )
    if not config.live and mode == "live":
        raise CannotStart(
            f"{database} belongs to a live site, and a sandbox would call letters accepted that never "
            f"went. Set DELIVERY=live, or give the sandbox {another}, and move campaigns with "
            "`flask campaign export` and `import`."
        )


def _found(session: Session, tables: Condition, now: datetime) -> Ready:
    open_ones = select(Campaign.slug).where(Campaign.state == CampaignState.PUBLISHED).order_by(Campaign.slug)
    slugs = tuple(session.scalars(open_ones))
    doubt = clock.doubt(session, now)
    notes = [f"{doubt.told} {clock.CURE}"] if doubt else []
    return Ready(slugs=slugs, hindrances=(*hindrances(session, now), *notes), warning=sentence(tables, now))


def mark(session: Session, delivery: str, now: datetime) -> None:
    """Write down, once, to which mode this database belongs, and what time it surely is before anything is added."""
    with writing(session):
        site_state(session, delivery)
        session.flush()
        clock.begin(session, now)


def _prune(session: Session, config: Config, now: datetime) -> None:
    if config.database is not None and clock.doubt(session, now) is None:
        prune_backups(config.data_dir / "backups", now)


def _cannot_be_used(database: Path | None, error: Exception) -> str:
    """`database` is None when a server keeps it."""
    cause = error.__cause__ if isinstance(error, DatabaseUnavailable) else error
    why = obstacle(getattr(cause, "orig", cause), database.parent if database else None)
    if why.lasts:
        whose = f"The database {database}" if database else "The database that DATABASE_URL names"
        return f"{whose} takes no change: {why.words}. Mend that, for example by making room, then start Redress again."
    return _unusable_server(error) if database is None else _unusable(database)


def _unusable(database: Path) -> str:
    return (
        f"The database {database} cannot be used: it is damaged, locked, or you may not write to it. "
        "If it is damaged, put your last backup back: .venv/bin/flask restore FILE. Without one, take the newest copy "
        f"in {database.parent / 'backups'}, and pause sending before you start: its letters may have gone."
    )


def _unusable_server(error: Exception) -> str:
    """The server's own words name host, user and database, and no password."""
    cause = error.__cause__ if isinstance(error, DatabaseUnavailable) else error
    said = str(getattr(cause, "orig", cause)).partition("\n")[0]
    return f"The database that DATABASE_URL names cannot be used: {said}. Look whether the server runs and lets us in."


def _back_up(database: Path, now: datetime) -> None:
    if not database.exists():
        return
    folder = database.parent / "backups"
    try:
        now = max(now, certain_in(database) or now)  # of a clock that is behind it would be the first that goes
        if not is_current(database):
            make_backup(database, folder, now, "migration")
        elif not is_fresh(folder, now):
            make_backup(database, folder, now)
        forget_restore(folder)
    except sqlite3.Error as error:
        raise CannotStart(_cannot_be_used(database, error)) from error
    except (BackupFailed, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CannotStart(
            f"The database {database} could not be backed up ({reason}). "
            "Make room or mend the folder's permissions, then start Redress again."
        ) from error


def _migrate() -> None:
    for name in ("alembic", "flask_migrate"):
        logging.getLogger(name).setLevel(logging.WARNING)
    flask_migrate.upgrade(directory=str(MIGRATIONS))


def _application(config: Config) -> Flask:
    try:
        return create_app(config)
    except DriverMissing as error:
        raise CannotStart(str(error)) from error
    except TablesUnusable as error:
        raise CannotStart(
            "The tables of legislators that come with Redress cannot be read. Restore app/legislators/data, "
            "for example with: git checkout -- app/legislators/data"
        ) from error


def publish_sample(session: Session, now: datetime) -> None:
    """Give an empty sandbox something to show: the sample campaign, unless there is any campaign already."""
    with writing(session):
        if session.scalar(select(Campaign.id).limit(1)) is not None:
            return
        campaign = import_campaign(session, sample_source(), now)
        publish(session, campaign.slug, now)
