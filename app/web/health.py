"""/healthz: 503 only when pages fail; a late worker is said, and letters wait for it."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, jsonify
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.delivery.breaker import refusal
from app.delivery.pause import is_paused
from app.extensions import db
from app.heartbeat import is_late
from app.models import Campaign
from app.web.site import site

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def show() -> tuple[Response, int]:
    """The state of database, worker and tables of legislators, as JSON."""
    now = site().clock()
    try:
        db.session.execute(select(Campaign.id).limit(1))
        database, sending, worker = "ok", _sending(now), "late" if is_late(db.session(), now) else "ok"
    except SQLAlchemyError:
        database = sending = worker = "unreachable"
    healthy = database == "ok"
    said = jsonify(
        status="ok" if healthy else "failing",
        database=database,
        worker=worker,
        sending=sending,
        legislators=site().shelf.condition(now),
    )
    return said, 200 if healthy else 503


def _sending(now: datetime) -> str:
    if is_paused(db.session()):
        return "paused"
    refused = refusal(db.session())
    return "refused" if refused is not None and refused.until > now else "on"
