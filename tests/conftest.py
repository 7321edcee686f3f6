"""Fixtures shared by all tests: a freshly migrated database, the application on it, no way to other machines."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from pytest_socket import socket_allow_hosts
from sqlalchemy.orm import Session

from app import create_app
from app.extensions import db
from app.serve.prepare import publish_sample
from tests import factories
from tests.pages import Visitor

OpenSandbox = Callable[..., Flask]


class Compiled(BytecodeCache):
    """Templates are compiled once for all applications of a process: that is most of what making one takes."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


COMPILED = Compiled()


def compiled(app: Flask) -> Flask:
    """The application, whose templates need not be compiled again."""
    app.jinja_env.bytecode_cache = COMPILED
    app.extensions["redress"].composer.templates.bytecode_cache = COMPILED
    return app


@pytest.fixture(autouse=True)
def only_this_machine() -> None:
    """A test that reaches for another machine fails at once."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file that the real migrations have built; tests copy it."""
    folder = tmp_path_factory.mktemp("migrated")
    app = create_app(factories.config(folder))
    with app.app_context():
        flask_migrate.upgrade()
        db.session.remove()
        db.engine.dispose()
    return folder / "redress.db"


@pytest.fixture
def data_dir(tmp_path: Path, migrated: Path) -> Path:
    """A DATA_DIR that holds a migrated, empty database."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(migrated, folder / "redress.db")
    return folder


@pytest.fixture
def app(data_dir: Path) -> Iterator[Flask]:
    """The application in a sandbox of its own."""
    app = compiled(create_app(factories.config(data_dir)))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def session(app: Flask) -> Session:
    """The session that views and commands use too."""
    return db.session()


@pytest.fixture
def clock() -> factories.Clock:
    """The time in `sandbox`; a test moves it."""
    return factories.Clock()


@pytest.fixture
def open_sandbox(data_dir: Path, clock: factories.Clock) -> Iterator[OpenSandbox]:
    """Make applications over `data_dir`, with settings by their names and the test's clock, the sample published."""
    made: list[Flask] = []

    def open_(**settings: str) -> Flask:
        app = compiled(create_app(factories.config(data_dir, **settings), clock=clock))
        made.append(app)
        with app.app_context():
            publish_sample(db.session(), clock())
        return app

    yield open_
    for app in made:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def sandbox(open_sandbox: OpenSandbox) -> Flask:
    """The application as `bin/run` starts it, with a clock of the test's own."""
    return open_sandbox()


@pytest.fixture
def visitor(sandbox: Flask) -> Visitor:
    """Somebody at a browser without JavaScript."""
    return Visitor(sandbox)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections made from now on wait for a lock only a moment."""
    monkeypatch.setattr(importlib.import_module("app.db"), "BUSY_TIMEOUT_MS", 30)
