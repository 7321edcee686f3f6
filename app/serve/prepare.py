"""Before anything is started: load the tables, back up and migrate the database, publish the sample campaign."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import flask_migrate
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app import create_app
from app.backups import BackupFailed, make_backup, prune_backups
from app.campaigns import import_campaign, publish, sample_source
from app.db import DatabaseUnavailable, writing
from app.extensions import db
from app.legislators import TablesUnusable
from app.models import Campaign, CampaignState
from app.serve.trouble import CannotStart
from config import ROOT, Config

MIGRATIONS = ROOT / "migrations"


def prepare(config: Config) -> str:
    """Make the data folder ready for this version; the slug of the only open campaign, or "". Raises CannotStart."""
    now = datetime.now(UTC)
    database = config.data_dir / "redress.db"
    check_not_newer(database)
    _back_up(database, now)
    with _application(config).app_context():
        _migrate(database)
        session = db.session()
        try:
            publish_sample(session, now)
            slugs = session.scalars(select(Campaign.slug).where(Campaign.state == CampaignState.PUBLISHED)).all()
        except (DatabaseUnavailable, SQLAlchemyError) as error:
            raise CannotStart(_unusable(database)) from error
        finally:
            db.session.remove()
            db.engine.dispose()
    return slugs[0] if len(slugs) == 1 else ""


def check_not_newer(database: Path) -> None:
    """Refuse a database whose revision this checkout does not have: to migrate it would be a guess."""
    known = {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    if not _revisions(database) <= known:
        raise CannotStart(
            f"The database {database} was made by a newer version of Redress. "
            "Update this checkout, or give DATA_DIR another folder."
        )


def _revisions(database: Path) -> set[str]:
    if not database.exists():
        return set()
    try:
        with contextlib.closing(sqlite3.connect(database)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
                return set()
            return {row[0] for row in connection.execute("SELECT version_num FROM alembic_version")}
    except sqlite3.Error as error:
        raise CannotStart(_unusable(database)) from error


def _unusable(database: Path) -> str:
    return (
        f"The database {database} cannot be used: it is damaged, locked, or you may not write to it. "
        f"Give DATA_DIR another folder, or put a backup from {database.parent / 'backups'} in its place."
    )


def _back_up(database: Path, now: datetime) -> None:
    if not database.exists():
        return
    folder = database.parent / "backups"
    try:
        make_backup(database, folder, now)
        prune_backups(folder, now)
    except (BackupFailed, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CannotStart(
            f"The database {database} could not be backed up ({reason}). "
            "Make room or mend the folder's permissions, then start Redress again."
        ) from error


def _migrate(database: Path) -> None:
    for name in ("alembic", "flask_migrate"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        flask_migrate.upgrade(directory=str(MIGRATIONS))
    except SQLAlchemyError as error:
        raise CannotStart(_unusable(database)) from error


def _application(config: Config) -> Flask:
    try:
        return create_app(config)
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
