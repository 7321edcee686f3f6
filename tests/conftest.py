"""Fixtures shared by all tests: a freshly migrated database, the application on it, no way to other machines."""

from __future__ import annotations

import gc
import importlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from pytest_socket import socket_allow_hosts
from sqlalchemy import Dialect
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from app import create_app
from app.db import Base
from app.extensions import db
from app.serve.prepare import publish_sample
from config import ROOT
from tests import databases, factories
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
STATEMENTS: dict[str, tuple[Dialect, MutableMapping[Any, Any] | None]] = {}
"""For each kind of database the dialect of the first engine, and what it has compiled, which is kept by dialect."""


def compiled(app: Flask) -> Flask:
    """The application, whose templates and statements need not be compiled again."""
    app.jinja_env.bytecode_cache = COMPILED
    app.extensions["redress"].composer.templates.bytecode_cache = COMPILED
    with app.app_context():
        engine = db.engine
    engine.dialect, engine._compiled_cache = STATEMENTS.setdefault(
        engine.dialect.name, (engine.dialect, engine._compiled_cache)
    )
    return app


_compile_builder = Rule._compile_builder
BUILDERS: dict[tuple[str, str, bool], Callable[..., tuple[str, str]]] = {}


def _built_once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    """What builds the addresses of a route: the same for all applications, and half of what making one takes."""
    key = rule.rule, repr(rule.defaults), append_unknown
    if key not in BUILDERS:
        BUILDERS[key] = _compile_builder(rule, append_unknown)
    return BUILDERS[key]


Rule._compile_builder = _built_once  # type: ignore[assignment, method-assign]


LONG = ("serve", "browser", "test_outbox_run_cli.py", "web", "delivery")
"""What takes long begins first, so that no processor is idle at the end; xdist would begin with the most tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what is long before all else; the rest stays in order."""

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(ROOT / "tests").parts[0]
        return LONG.index(folder) if folder in LONG else len(LONG)

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """All modules and tests stay to the end: the garbage collector need not look through them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # a page that is taken apart makes thousands of objects, and leaves none


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


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[databases.Server]:
    """A PostgreSQL of this process's own; the real migrations have built its databases `migrated` and `site`."""
    programs = databases.programs()
    if programs is None:
        assert "CI" not in os.environ, "PostgreSQL is not installed, and CI skips nothing"
        pytest.skip("PostgreSQL is not installed here")
    # The path of a socket has at most 107 characters.
    folder, home = Path(tempfile.mkdtemp(prefix="redress-")), tmp_path_factory.mktemp("on-server")
    try:
        with databases.cluster(folder, programs) as server:
            server.execute("CREATE DATABASE migrated")
            databases.URLS[home] = server.url("migrated")
            app = create_app(factories.config(home))
            with app.app_context():
                flask_migrate.upgrade()
                db.session.remove()
                db.engine.dispose()
            server.execute("CREATE DATABASE site TEMPLATE migrated")
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def kind_of_database() -> str:
    """One of databases.KINDS; tests of what concerns every site run with each."""
    return "sqlite"


@pytest.fixture
def on_server(postgres: databases.Server) -> databases.Server:
    """For what is about a server alone."""
    return postgres


@pytest.fixture
def data_dir(tmp_path: Path, kind_of_database: str, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A DATA_DIR with a migrated, empty database: in it, or on the server."""
    folder = tmp_path / "data"
    folder.mkdir()
    if kind_of_database == "sqlite":
        shutil.copy(request.getfixturevalue("migrated"), folder / "redress.db")
        yield folder
        return
    server: databases.Server = request.getfixturevalue("postgres")
    server.empty("site", [table.name for table in reversed(Base.metadata.sorted_tables)])
    databases.URLS[folder] = server.url("site")
    yield folder
    del databases.URLS[folder]


ON_BOTH = (
    "campaigns/test_cli",
    "campaigns/test_verbs",
    "clock",
    "delivery",
    "doctor/test_site",
    "legislators/test_census",
    "legislators/test_contacts",
    "signing",
    "test_canary",
    "test_obstacles",
    "test_outbox",
    "test_refresher",
    "test_righting",
    "test_worker",
    *(f"web/test_{page}" for page in ("bounces", "campaign", "confirm", "errors", "handoff", "health", "live")),
    *(f"web/test_{page}" for page in ("own_words", "receipt", "sent", "street", "undo")),
)
"""What reads and writes, and what that comes to; other tests of pages look at words, fields and headers alone.

What is about the database as a file is marked `file`.
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what concerns every site with each kind of database."""
    path = metafunc.definition.path.relative_to(ROOT / "tests").as_posix()
    is_of_file = metafunc.definition.get_closest_marker("file") is not None
    if "data_dir" in metafunc.fixturenames and path.startswith(ON_BOTH) and not is_of_file:
        kinds = ["postgres"] if "on_server" in metafunc.fixturenames else databases.KINDS
        metafunc.parametrize("kind_of_database", kinds)


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
