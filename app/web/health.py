"""/healthz: 503 only when pages fail; a late worker is said, and letters wait for it."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.delivery.pause import is_paused
from app.extensions import db
from app.models import Campaign
from app.web.site import site
from app.worker import is_late

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def show() -> tuple[Response, int]:
    """The state of database, worker and tables of legislators, as JSON."""
    try:
        db.session.execute(select(Campaign.id).limit(1))
        database, sending = "ok", "paused" if is_paused(db.session()) else "on"
    except SQLAlchemyError:
        database = sending = "unreachable"
    config, now = site().config, site().clock()
    healthy = database == "ok"
    said = jsonify(
        status="ok" if healthy else "failing",
        database=database,
        worker="late" if is_late(config.data_dir, now) else "ok",
        sending=sending,
        legislators=site().shelf.condition(now),
    )
    return said, 200 if healthy else 503
