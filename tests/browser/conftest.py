"""A real Chromium, and a real site for it: the application on a port of this machine, with the machine's own clock."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from app import create_app
from app.extensions import db
from app.serve.prepare import publish_sample
from tests import factories
from tests.conftest import compiled
from tests.ports import free_port

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# No page lives long enough here to repay it when its scripts are optimised, or when each site gets its own process.
BRIEF = ["--js-flags=--no-opt --no-maglev --single-threaded-gc", "--disable-site-isolation-trials"]


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Nothing: the tests look at answers."""


@dataclass(frozen=True)
class Site:
    """A running site."""

    url: str
    data_dir: Path
    clock: factories.Clock


@pytest.fixture(scope="package")  # not longer: Playwright keeps an event loop running, and other tests need their own
def chromium() -> Iterator[Browser]:
    """The browser itself, started once."""
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        missing = "no Chromium: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET + BRIEF)
        yield browser
        browser.close()


@pytest.fixture
def site(data_dir: Path) -> Iterator[Site]:
    """The site, with a clock that a test moves: nobody has to wait for the form's three seconds."""
    with _running(data_dir) as running:
        yield running


@pytest.fixture
def by_hand(data_dir: Path) -> Iterator[Site]:
    """A site that hands all letters to their signers."""
    with _running(data_dir, SANDBOX_CHANNEL="handoff") as running:
        yield running


@contextmanager
def _running(data_dir: Path, **settings: str) -> Iterator[Site]:
    port, clock = free_port(), factories.Clock()
    config = factories.config(data_dir, PORT=str(port), LIMIT_ADDRESS="1000", LIMIT_NETWORK="1000", **settings)
    app = compiled(create_app(config, clock=clock))
    with app.app_context():
        publish_sample(db.session(), clock())
        slug = factories.published(db.session(), factories.campaign_source(more="opens = 2027-01-01"), clock())
        assert slug == "the-well"
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield Site(f"http://127.0.0.1:{port}", data_dir, clock)
    server.shutdown()
    thread.join()
    server.server_close()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@dataclass(frozen=True)
class Seen:
    """What a browser did while a page was used."""

    requests: list[str]
    errors: list[str]


def watch(context: BrowserContext) -> Seen:
    """Note every request and every complaint of the pages of a context."""
    seen = Seen([], [])
    context.on("request", lambda request: seen.requests.append(request.url))
    context.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: seen.errors.append(str(error.error)))
    return seen


@contextmanager
def window(
    chromium: Browser,
    *,
    width: int = 1280,
    dark: bool = False,
    script: bool = False,
    policy: bool = False,
    height: int = 900,
) -> Iterator[tuple[Page, Seen]]:
    """A window of its own. With `script` the page's policy is set aside, unless `policy`, so that axe can be put in."""
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        java_script_enabled=script,
        bypass_csp=script and not policy,
        locale="en-US",
        service_workers="block",
    )
    context.set_default_timeout(10_000)
    seen = watch(context)
    try:
        yield context.new_page(), seen
    finally:
        context.close()


@pytest.fixture(scope="session")
def axe() -> Axe:
    """The accessibility checker."""
    return Axe()
