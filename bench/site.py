"""A site in a temporary folder, with the sample campaign open."""

from __future__ import annotations

import logging
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import flask_migrate
from flask import Flask

from app import campaigns, create_app
from app.db import writing
from app.extensions import db
from config import Config


def make(**settings: str) -> Flask:
    """The application; its DATA_DIR goes with the machine's temporary files."""
    folder = Path(tempfile.mkdtemp(prefix="redress-bench-"))
    logging.getLogger("alembic").setLevel(logging.WARNING)
    app = create_app(Config.from_env({"DATA_DIR": str(folder), "LIMIT_NETWORK": "1000000", **settings}))
    with app.app_context():
        flask_migrate.upgrade()
        session, now = db.session(), datetime.now(UTC)
        with writing(session):
            campaigns.import_campaign(session, campaigns.sample_source(), now)
            campaigns.publish(session, "reunite-families", now)
    return app
