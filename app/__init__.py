"""Redress: the composition root. Only this file knows every other."""

from __future__ import annotations

from flask import Flask

from app import models
from app.db import ENGINE_OPTIONS, prepare
from app.extensions import babel, db, mail, migrate
from config import ROOT, Config


def create_app(config: Config) -> Flask:
    """The web application and the commands, wired by `config`. Opens no connection."""
    app = Flask("app", root_path=str(ROOT / "app"))
    app.config.from_mapping(
        REDRESS=config,
        SECRET_KEY=config.secret_key,
        SQLALCHEMY_DATABASE_URI=config.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=ENGINE_OPTIONS,
    )
    db.init_app(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    mail.init_app(app)
    babel.init_app(app)
    with app.app_context():
        prepare(db.engine)
    return app


__all__ = ["create_app", "models"]
