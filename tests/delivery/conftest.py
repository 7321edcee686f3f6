"""Letters to send, and mail servers that take them."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.extensions import db
from tests import factories
from tests.certificates import Authority
from tests.conftest import compiled
from tests.delivery.letters import Letters, written
from tests.factories import Clock
from tests.smtp_server import Server, scripted


@pytest.fixture(scope="session")
def confirmed(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Letters:
    """Three letters that wait, and nobody works on; tests copy their folder."""
    folder = tmp_path_factory.mktemp("confirmed")
    shutil.copy(migrated, folder / "redress.db")
    clock = Clock()
    app = compiled(create_app(factories.config(folder), clock=clock))
    letters = written(app, clock, folder)
    _close(app)
    return letters


@pytest.fixture
def letters(confirmed: Letters, tmp_path: Path) -> Iterator[Letters]:
    """Three letters to send, in a site of their own that keeps its database in a file."""
    folder, clock = tmp_path / "site", Clock(confirmed.clock.now)
    folder.mkdir()
    shutil.copy(confirmed.data_dir / "redress.db", folder)
    app = compiled(create_app(factories.config(folder), clock=clock))
    yield replace(confirmed, app=app, clock=clock, data_dir=folder)
    _close(app)


@pytest.fixture
def site(sandbox: Flask, clock: Clock, data_dir: Path) -> Letters:
    """To send what is due, before anybody has written; whose receipt it is a test says itself."""
    return Letters(sandbox, clock, data_dir, "")


@pytest.fixture
def server() -> Iterator[Server]:
    """A mail server that takes everything."""
    with scripted() as server:
        yield server


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Whoever trusts it trusts the mail servers to which it gives certificates."""
    return Authority.made_in(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def good(authority: Authority) -> ssl.SSLContext:
    """A certificate that proves what it has to."""
    return authority.server()


def _close(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
