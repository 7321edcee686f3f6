"""/healthz: 503 only when pages fail, also those that store; a late worker is said, and letters wait for it."""

from __future__ import annotations

import time
from datetime import datetime

from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.clock import doubt
from app.db import DatabaseReplaced, tried
from app.delivery.breaker import refusal
from app.delivery.pause import is_paused
from app.extensions import db
from app.heartbeat import is_late
from app.models import Campaign
from app.obstacles import Obstacle, has_little_room, met
from app.web.site import site

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def show() -> tuple[Response, int]:
    """The state of database, worker, clock and tables of legislators, as JSON."""
    now = site().clock()
    try:
        db.session.execute(select(Campaign.id).limit(1))
        sending, worker = _sending(now), "late" if is_late(db.session(), now) else "ok"
        clock = "ok" if doubt(db.session(), site().wall()) is None else "in doubt"
        database = _obstacle() or "ok"
    except DatabaseReplaced:
        database, sending, worker, clock = "replaced", "unreachable", "unreachable", "unreachable"
    except SQLAlchemyError:
        database = sending = worker = clock = "unreachable"
    healthy = database == "ok"
    said = jsonify(
        status="ok" if healthy else "failing",
        database=database,
        worker=worker,
        sending=sending,
        clock=clock,
        legislators=site().shelf.condition(now),
    )
    return said, 200 if healthy else 503


class _Look:
    """The last time that this process tried whether the database takes changes, and what it found."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._found: Obstacle | None = None

    def again(self) -> Obstacle | None:
        """Try, unless that was done just now: whoever asks again and again shall not keep others from writing."""
        if self._at is None or time.monotonic() - self._at >= _REST:
            self._found = tried(db.session())
            self._at = time.monotonic()
        return self._found


_REST = 2.0


def _obstacle() -> Obstacle | None:
    """What keeps everybody from signing. Nothing is written while nothing speaks for it: the disk has room enough, and
    no program of this site has met anything.
    """
    config = site().config
    if not (met.is_noted() or (config.database is not None and has_little_room(config.data_dir))):
        return None
    look: _Look = current_app.extensions.setdefault("redress-room", _Look())
    found = look.again()
    return found if found is not None and found.lasts else None


def _sending(now: datetime) -> str:
    if is_paused(db.session()):
        return "paused"
    refused = refusal(db.session())
    return "refused" if refused is not None and refused.until > now else "on"
