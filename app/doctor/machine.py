"""The worker, the disk and the clock of this machine."""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.clock import CURE, doubt
from app.clock.second_source import is_synchronised
from app.db import tried
from app.doctor import Finding, Verdict, fail, ok, warn
from app.heartbeat import is_late, last_sign
from app.models import CampaignRevision, DeliveryEvent

__all__ = ["clock", "disk", "is_synchronised", "room", "worker"]

WORKER, DISK, CLOCK = "worker", "disk", "clock"
_MEGABYTE = 1_000_000
LITTLE, TOO_LITTLE = 1000 * _MEGABYTE, 100 * _MEGABYTE
_STEP = timedelta(minutes=1)
"""By so much a clock may have been set right without anybody having to care."""


def worker(session: Session, now: datetime) -> Finding:
    """Whether one shows life."""
    try:
        late, last = is_late(session, now), last_sign(session, now)
    except SQLAlchemyError:
        return fail(WORKER, "Whether one runs cannot be told without the database.", "Mend that first; see above.")
    finally:
        session.rollback()
    if last is None:
        return fail(
            WORKER,
            "None runs, so nothing is sent: it was stopped, or has never been started.",
            "Start the site (systemctl start redress, or bin/run).",
        )
    if late and last > now:
        return fail(
            WORKER,
            f"Its last sign of life is of {last:%Y-%m-%d %H:%M} UTC, and it is {now:%Y-%m-%d %H:%M} UTC here.",
            "Set the clocks right, here and where the worker runs, and start the site again.",
        )
    if late and (why := _keeps_silent(session)):
        return fail(
            WORKER,
            f"It has shown no life since {last:%Y-%m-%d %H:%M} UTC, and cannot: the database takes no change ({why}).",
            "Mend that first; see above. If it still runs it goes on by itself then.",
        )
    if late:
        return fail(
            WORKER,
            f"It has shown no life since {last:%Y-%m-%d %H:%M} UTC, so nothing is sent: it was killed, or hangs.",
            "Stop the site and start it again (systemctl restart redress, or bin/run); its log may say why.",
        )
    return ok(WORKER, "It is at work.")


def _keeps_silent(session: Session) -> str:
    """What keeps a worker from writing a sign of life; "" when nothing does."""
    try:
        why = tried(session)
    except SQLAlchemyError:
        return ""
    return why.words if why else ""


def disk(data_dir: Path) -> Finding:
    """Whether there is room in the data folder, and in the system's folder for what SQLite sorts and writes anew."""
    try:
        found = room(shutil.disk_usage(data_dir).free)
        temporary = Path(tempfile.gettempdir())
        if found.verdict is Verdict.OK and temporary.stat().st_dev != data_dir.stat().st_dev:
            return _of_temporary(temporary) or found
        return found
    except OSError as error:
        return fail(
            DISK,
            f"{data_dir} cannot be looked at ({(error.strerror or 'unknown reason').lower()}).",
            "Set DATA_DIR to a folder that you may write to.",
        )


def _of_temporary(folder: Path) -> Finding | None:
    free = shutil.disk_usage(folder).free
    if free >= TOO_LITTLE:
        return None
    return warn(
        DISK, f"{free / _MEGABYTE:,.0f} MB are free in {folder}.", "Make room: databases and backups need some there."
    )


def room(free: int) -> Finding:
    """What so many free bytes mean."""
    says = f"{free / _MEGABYTE:,.0f} MB are free in DATA_DIR."
    if free < TOO_LITTLE:
        return fail(DISK, says, "Make room now: when the disk is full nobody can sign, and nothing is sent.")
    if free < LITTLE:
        return warn(DISK, says, "Make room. Once a day the database is written anew, beside the old one.")
    return ok(DISK, says)


def clock(session: Session, now: datetime, synchronised: bool | None) -> Finding:
    """Whether the clock can be right: the site has come to no later moment, and was not off for too long before this.

    `synchronised` is what the system says of its clock; None when it cannot say.
    """
    found = _doubted(session, now)
    if found is not None:
        return found
    newest = _newest(session)
    if newest is not None and newest > now + _STEP:
        return fail(
            CLOCK,
            f"It says {now:%Y-%m-%d %H:%M} UTC, and the database holds something of {newest:%Y-%m-%d %H:%M} UTC.",
            "Set the clock (timedatectl set-ntp true): what is due in the future waits, and dates of mails are wrong.",
        )
    says = f"It says {now:%Y-%m-%d %H:%M} UTC"
    if synchronised is False:
        return warn(CLOCK, f"{says}, and nothing keeps it right.", "timedatectl set-ntp true")
    kept = "; the system keeps it right" if synchronised else "; look whether that is right"
    return ok(CLOCK, f"{says}{kept}.")


def _doubted(session: Session, now: datetime) -> Finding | None:
    try:
        found = doubt(session, now)
    except SQLAlchemyError:
        return None
    finally:
        session.rollback()
    return None if found is None else fail(CLOCK, found.told, CURE)


def _newest(session: Session) -> datetime | None:
    """The latest moment that was written down; None if nothing was, or it cannot be read."""
    try:
        found = [
            session.scalar(select(func.max(column))) for column in (DeliveryEvent.at, CampaignRevision.published_at)
        ]
    except SQLAlchemyError:
        return None
    finally:
        session.rollback()
    return max((moment for moment in found if moment is not None), default=None)
