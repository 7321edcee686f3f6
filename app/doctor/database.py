"""The database: whether it is there, of this version, takes changes, and whether anything in it holds mail back."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, SQLAlchemyError
from sqlalchemy.orm import Session

from app.db import tried
from app.delivery.breaker import Refusal, refusal
from app.delivery.overview import last_words
from app.delivery.pause import is_paused
from app.doctor import Finding, Stopped, fail, ok, printable, warn
from app.obstacles import Obstacle
from app.revisions import MIGRATIONS

DATABASE, VERSION, SENDING = "database", "migrations", "sending"
_START = "Start the site once (bin/run, or systemctl start redress)"


def examine(session: Session) -> Iterator[Finding]:
    """One finding for each step, up to the first that stops everything. Changes nothing, and leaves no transaction."""
    try:
        for step in (_there, _current, _takes_changes, _sending):
            yield step(session)
    except Stopped as stop:
        yield stop.finding
    finally:
        _let_go(session)


def _let_go(session: Session) -> None:
    try:
        session.rollback()
    except SQLAlchemyError:
        session.invalidate()


def _there(session: Session) -> Finding:
    """Without it the first look would make an empty file; as root we would leave files that the site may not touch."""
    url = session.get_bind().engine.url
    if url.get_backend_name() != "sqlite":
        return _answers(session)
    file = Path(url.database or "")
    try:
        owner = file.stat().st_uid
    except OSError as error:
        raise Stopped(
            fail(
                DATABASE,
                f"{file} cannot be looked at ({_reason(error)}).",
                f"Set DATA_DIR to the folder of the site, and run this as its user. {_START} if it is new.",
            )
        ) from None
    if owner != os.geteuid():
        raise Stopped(
            warn(
                DATABASE,
                f"{file} belongs to the user {_name(owner)}, so it was not opened.",
                f"Run this as {_name(owner)}, with sudo -u; the `redress` command does it by itself.",
            )
        )
    return ok(DATABASE, f"{file} is there.")


def _answers(session: Session) -> Finding:
    """The server's own words name host, user and database, and no password."""
    try:
        session.execute(text("SELECT 1"))
    except DatabaseError as error:
        said = str(error.orig).partition("\n")[0]
        raise Stopped(
            fail(
                DATABASE,
                f"The server that DATABASE_URL names cannot be used: {said}.",
                "Look whether PostgreSQL runs there, and lets this user into this database.",
            )
        ) from None
    return ok(DATABASE, "A server keeps it, and answers.")


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _name(owner: int) -> str:
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return f"#{owner}"


def _current(session: Session) -> Finding:
    scripts = ScriptDirectory(str(MIGRATIONS))
    try:
        at = set(session.scalars(text("SELECT version_num FROM alembic_version")))
    except DatabaseError as error:
        raise Stopped(
            fail(
                VERSION,
                f"The database cannot be read, or has no tables ({type(error.orig).__name__}).",
                f"{_START}. If that refuses it too, restore a backup (docs/operating.md).",
            )
        ) from None
    if at == set(scripts.get_heads()):
        return ok(VERSION, f"The tables are those of this version ({', '.join(sorted(at))}).")
    if at <= {script.revision for script in scripts.walk_revisions()}:
        raise Stopped(fail(VERSION, "The tables are older than this version.", f"{_START}: it brings them up to date."))
    raise Stopped(
        fail(
            VERSION,
            "A newer version of Redress has made the tables.",
            "Update this checkout (git pull, bin/install), or set DATA_DIR to the folder of the site you mean.",
        )
    )


def _takes_changes(session: Session) -> Finding:
    """By a write as large as one person's letters: a small one finds room where it is."""
    try:
        why = tried(session)
    except SQLAlchemyError:
        why = Obstacle.UNREACHABLE
    if why is None:
        return ok(DATABASE, "It takes changes.")
    raise Stopped(
        fail(DATABASE, f"It takes no changes, so nobody can sign, and nothing is sent: {why.words}.", _CURES[why])
    )


_CURES = {
    Obstacle.BUSY: "See whether another program holds it open, a backup or a restore; then run this again.",
    Obstacle.FULL: "Make room on the disk of the database, of old copies and logs; the site then goes on by itself.",
    Obstacle.READ_ONLY: (
        "Look whether the file and its folder belong to the site's user, and whether their disk, or the server, was "
        "switched to read-only: that happens by itself after an error of the disk, or when it is full."
    ),
    Obstacle.BROKEN: "Look whether a quota of the site's user is used up, and for errors of the disk (journalctl -k).",
    Obstacle.REPLACED: "Stop the site, and put back the file that it had open; docs/operating.md says how.",
    Obstacle.UNREACHABLE: (
        "Look whether the disk is full, whether the file and its folder belong to the site's user, and whether "
        "another program holds it open; then run this again."
    ),
}


def _sending(session: Session) -> Finding:
    try:
        paused, refused = is_paused(session), refusal(session)
        words = last_words(session, refused) if refused else ""
    except SQLAlchemyError as error:
        return fail(SENDING, f"The database could not be read ({type(error).__name__}).", "Run this again.")
    if paused:
        return warn(SENDING, "Sending is paused: letters and mails wait.", "To go on: .venv/bin/flask outbox resume")
    if refused:
        return _refused(refused, words)
    return ok(SENDING, "Nothing holds it back here.")


def _refused(by: Refusal, words: str) -> Finding:
    said = f", saying: {printable(words)}" if words else ""
    return warn(
        SENDING,
        f"The mail server has taken nothing from the worker since {by.since:%Y-%m-%d %H:%M} UTC: {by.told}{said}.",
        f"{_OF_MESSAGES if by.is_of_messages else _OF_US} It is asked again with the first message after "
        f"{by.until:%Y-%m-%d %H:%M} UTC, and then everything goes by itself; `flask outbox retry ID` asks at once.",
    )


_OF_MESSAGES = (
    "Messages met that, and none is tried here, so all lines below can be ok. Ask your mail provider what your account "
    "may send, and how much; a limit wants a lower MAIL_RATE. `flask outbox list --state queued` tells what waits, and "
    "`flask outbox show ID` what the server said."
)
_OF_US = "If a line below fails, that is why: mend it. If none does, it has passed."
