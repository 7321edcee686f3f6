"""`flask backup` and `flask restore`: a whole site in one file, and back."""

from __future__ import annotations

import logging
import os
import pwd
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import flask_migrate
from flask import Flask
from flask.cli import with_appcontext
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.archives import (
    DATABASE,
    MAILBOX,
    ArchiveNotMade,
    ArchiveUnusable,
    Manifest,
    in_words,
    reason,
    secret_mark,
)
from app.archives.making import Site as Contents
from app.archives.making import make
from app.archives.replacing import (
    Carried,
    DatabaseBusy,
    Present,
    add_mails,
    carry_over,
    check,
    put_in_place,
    single_file,
    taken,
)
from app.archives.schema import check_schema
from app.archives.unpacking import settings_of, unpack
from app.backups import KEPT_FOR, RESTORING, BackupFailed, copy_database, forget_restore
from app.cli.plainly import say
from app.cli.site import site
from app.cli.words import counted, moment
from app.db import ENGINE_OPTIONS, DatabaseUnavailable, prepare, writing
from app.delivery.pause import pause_restored
from app.extensions import db, migrate
from app.locks import InUse, alone
from app.revisions import MIGRATIONS, belongs_to, certain_in, is_current, is_newer
from config import Config, given_settings

_UNKNOWN = ("SQLITE_ERROR", "SQLITE_CONSTRAINT", "SQLITE_MISMATCH", "SQLITE_CORRUPT", "SQLITE_NOTADB")
"""Errors that tell of a database with other tables than ours, or of a damaged one."""


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@with_appcontext
def backup(file: Path) -> None:
    """Write the whole site into FILE, a new tar.gz, while it runs. Secrets are not in it."""
    config = site().config
    _check_file(config)
    database = config.data_dir / DATABASE
    _check_owner(config.data_dir)
    if not database.exists():
        raise click.ClickException(f"There is no site in {config.data_dir} yet. Start bin/run with it once.")
    contents = Contents(
        database=database,
        settings=given_settings(),
        tables=site().shelf.folder_of(site().shelf.tables(site().clock())),
        mailbox=None if config.live else config.data_dir / MAILBOX,
        delivery=config.delivery,
        secret=secret_mark(config.secret_key),
    )
    try:
        size = make(file.absolute(), contents, datetime.now(UTC), _certain(database))
    except ArchiveNotMade as error:
        raise click.ClickException(str(error)) from None
    say(f"Wrote {file.absolute()}, {in_words(size)}.")
    say("It holds what people wrote, with names and addresses. Keep it where nobody else can read it, and delete it in")
    say("time: what pages promise to delete (KEEP_PENDING, KEEP_LETTERS) stays in it.")
    say("SECRET_KEY is not in it. Keep that elsewhere: with another one, people can write twice without being told.")


def _certain(database: Path) -> datetime | None:
    """What time it surely is by now; None if that is not known."""
    try:
        return certain_in(database) if database.exists() else None
    except (sqlite3.Error, ValueError):
        return None


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@with_appcontext
def restore(file: Path) -> None:
    """Put the site that FILE holds in the place of the present one. Nothing is sent until `flask outbox resume`."""
    config = site().config
    now = datetime.now(UTC)
    now = max(now, _certain(config.data_dir / DATABASE) or now)  # else the copy of before would be the first that goes
    _check_file(config)
    _check_owner(config.data_dir)
    with _plainly(file, config), alone(config.data_dir), _ready(config.data_dir) as folder:
        manifest = unpack(file, folder)
        _check(manifest, folder / DATABASE, config)
        settings = settings_of(folder)
        present, carried = _replace(folder, manifest, config, now)
    _say_what_was_done(manifest, present)
    _say_what_was_carried(present, carried)
    _say_differences(manifest, settings, config)
    say("Sending is paused. What is next: start bin/run, look whether all is well, then")
    say("  .venv/bin/flask outbox resume")


@contextmanager
def _plainly(file: Path, config: Config) -> Iterator[None]:
    """Errors as sentences on standard error, and exit code 1."""
    try:
        yield
    except InUse:
        problem = f"Redress is running with the folder {config.data_dir}. Stop it, then restore."
    except ArchiveUnusable as error:
        problem = f"{file}: {error}"
    except BackupFailed as error:
        problem = f"The present database cannot be kept ({error}). Make room, or mend the permissions."
    except DatabaseBusy:
        problem = f"Another program has {config.data_dir / DATABASE} open. End it, then restore."
    except OSError as error:
        problem = f"Not possible: {error.filename or config.data_dir} ({reason(error)}). Mend that, then restore."
    except (sqlite3.Error, SQLAlchemyError, DatabaseUnavailable):
        problem = "The database in it could not be got ready. Look whether the disk is full, then restore."
    else:
        return
    raise click.ClickException(f"{problem} The site is as it was.")


@contextmanager
def _ready(data_dir: Path) -> Iterator[Path]:
    """An empty folder for what is unpacked; it holds personal data, so nothing of it stays."""
    forget_restore(data_dir / "backups")
    folder = data_dir / RESTORING
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check(manifest: Manifest, database: Path, config: Config) -> None:
    """Raises ArchiveUnusable for what cannot be the past of this site."""
    if manifest.delivery != config.delivery:
        raise ArchiveUnusable(
            f"It is the backup of a {manifest.delivery} site, and here DELIVERY is {config.delivery}. "
            f"Give the settings of that site first, DELIVERY={manifest.delivery} among them."
        )
    check(database)
    mode = belongs_to(database)
    if mode not in (None, manifest.delivery):
        raise ArchiveUnusable(
            f"It says that it is the backup of a {manifest.delivery} site, and its database belongs to a {mode} site. "
            "Take another backup."
        )
    if is_newer(database):
        raise ArchiveUnusable(
            "A newer version of Redress made it. Update this checkout (git pull, bin/install), then try again."
        )
    check_schema(database)


def _replace(folder: Path, manifest: Manifest, config: Config, now: datetime) -> tuple[Present, Carried | None]:
    """Get the unpacked database ready and put it in place, last of all; the present one, and what it has told."""
    database, restored = config.data_dir / DATABASE, folder / DATABASE
    with taken(database, database.with_name("backups"), now) as present:
        with _opened(restored) as session:
            carried = _carry_over(present, restored, folder)
            db.engine.dispose()  # that may have made another file of it
            with writing(session):
                unsure = carried is None or carried.unsure
                pause_restored(session, manifest.delivery, max(now, manifest.made_at), unsure=unsure)
        single_file(restored)
        if not config.live:
            add_mails(folder / MAILBOX, config.data_dir / MAILBOX)
        put_in_place(restored, database, present.held)
    return present, carried


def _carry_over(present: Present, restored: Path, folder: Path) -> Carried | None:
    """What the present database has told the restored one; None when there is none, or none that can be believed."""
    if present.copy is None or present.held is None:
        return None
    try:
        check(present.copy)
        return carry_over(_of_today(present.copy, folder), restored)
    except (ArchiveUnusable, SystemExit):  # damaged; or Alembic cannot make anything of it, and ends the program
        return None
    except (sqlite3.Error, SQLAlchemyError) as error:
        cause = error if isinstance(error, sqlite3.Error) else getattr(error, "orig", None)
        # Full disks and the like are no fault of the present database, and not to be passed over.
        if not getattr(cause, "sqlite_errorname", "").startswith(_UNKNOWN):
            raise
        return None


def _of_today(present: Path, folder: Path) -> Path:
    """The present database with the tables of this checkout: itself, or a copy that is deleted with `folder`.

    A newer one is taken as it is. The tables that this checkout knows are likely to be in it still.
    """
    if is_current(present) or is_newer(present):
        return present
    copy = folder / "present.db"
    copy_database(present, copy)
    with _opened(copy):
        pass
    single_file(copy)
    return copy


@contextmanager
def _opened(database: Path) -> Iterator[Session]:
    """A session on a database file of any earlier version, brought to the tables of today."""
    for name in ("alembic", "flask_migrate"):
        logging.getLogger(name).setLevel(logging.WARNING)
    app = Flask("restored")
    app.config["SQLALCHEMY_DATABASE_URI"] = URL.create("sqlite", database=str(database))
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = ENGINE_OPTIONS
    db.init_app(app)
    migrate.init_app(app, db, directory=str(MIGRATIONS))
    with app.app_context():
        prepare(db.engine)
        try:
            flask_migrate.upgrade(directory=str(MIGRATIONS))
            yield db.session()
        finally:
            db.session.remove()
            db.engine.dispose()


def _say_what_was_carried(present: Present, carried: Carried | None) -> None:
    if present.copy is None:
        return
    if carried is None:
        say("warning: the present database cannot be read. What was erased or withdrawn since the backup was made")
        say("is back: erase it once more, as far as you know of it. The contacts are those of the backup.")
        return
    if carried.signatures:
        people = counted(carried.signatures, "signature")
        say(f"What has become of {people} since the backup, what was sent or erased for example, stays as it is.")
    contacts = carried.contacts
    if contacts.differ and contacts.here:
        say(
            f"The contacts are those that were here ({contacts.here:,}), not those of the backup ({contacts.backup:,})."
        )
    elif contacts.differ:
        say(f"The contacts are those of the backup ({contacts.backup:,}): there were none here.")


def _say_what_was_done(manifest: Manifest, present: Present) -> None:
    say(f"Restored the site as it was on {moment(manifest.made_at)}.")
    if present.copy is not None:
        say(f"The database that was here is kept for {KEPT_FOR.days} days: {present.copy}")


def _say_differences(manifest: Manifest, then: Mapping[str, str | None], config: Config) -> None:
    now = given_settings()
    differing = [name for name in {**then, **now} if _told(then, name) != _told(now, name)]
    if differing:
        say("Settings that differ from those of the backup:")
    for name in differing:
        say(_plain(f"  {name}: {_told(then, name)} in the backup, {_told(now, name)} here"))
    if manifest.secret != secret_mark(config.secret_key):
        say("warning: SECRET_KEY is not the one of the backup. Put that one back before you start bin/run: with")
        say(
            "another one, people can write twice without being told, and forms that are open have to be sent once more."
        )


def _told(settings: Mapping[str, str | None], name: str) -> str:
    if name not in settings:
        return "not set"
    value = settings[name]
    return "set" if value is None else value or "empty"


def _plain(line: str) -> str:
    """A line in which nothing can command a terminal, whoever has made the archive."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in line)


def _check_file(config: Config) -> None:
    if config.database is None:
        raise click.ClickException(
            "DATABASE_URL names a PostgreSQL server: keep its database with pg_dump, and put it back with pg_restore. "
            "Nothing was done."
        )


def _check_owner(data_dir: Path) -> None:
    """As root we would leave files there that the site itself may not touch."""
    database = data_dir / DATABASE
    owner = (database if database.exists() else data_dir).stat().st_uid
    if owner != os.geteuid():
        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            name = f"#{owner}"
        raise click.ClickException(
            f"The site in {data_dir} belongs to the user {name}. Run this as {name}, with sudo -u."
        )
