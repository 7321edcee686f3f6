"""POST *Send my letters* against a bare view that checks the fields and writes as many rows with plain sqlite3."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from app.signing.draft import Draft, draft
from app.web import form_token, published
from app.web.forms import SignForm
from app.web.site import site as web_site
from bench import measure, site
from config import ROOT, Config

ROUNDS, TIMES, CLIENTS = 7, 160, 8
FIELDS = {
    "given-name": "Jane",
    "family-name": "Doe",
    "address-line1": "1 Main Street",
    "address-line2": "",
    "address-level2": "Cheyenne",
    "address-level1": "WY",
    "postal-code": "82001",
    "website": "",
}


def main() -> None:
    app = site.make()
    folder = str(app.config["REDRESS"].data_dir)
    forms = [_signed_form(app, number) for number in range(ROUNDS * TIMES * 2 + 50)]
    numbers = itertools.count()
    floor_form = {**FIELDS, "letters": "x" * 1900}
    with served("wsgi:app", DATA_DIR=folder) as ours, served("bench.send:floor()", DATA_DIR=folder) as floor:

        def send_ours() -> None:
            post_all(ours, "/reunite-families", [forms.pop() for _ in range(TIMES)])

        def send_floor() -> None:
            post_all(floor, "/page", [{**floor_form, "email": f"{next(numbers)}@example.com"} for _ in range(TIMES)])

        what = f"{TIMES} × POST Send my letters, two processes of eight threads, {CLIENTS} clients"
        measure.compare(what, send_ours, send_floor, rounds=ROUNDS, times=1)


def _signed_form(app: Flask, number: int) -> dict[str, str]:
    """What a browser sends with *Send my letters*: the seal is that of the letters as the site works them out."""
    started = datetime.now(UTC) - timedelta(minutes=1)
    token = form_token.issue(app.config["REDRESS"].secret_key, "reunite-families", started).text
    typed = {**FIELDS, "email": f"jane{number}@example.com", "token": token}
    with app.test_request_context("/reunite-families", method="POST", data=typed):
        open_campaign = published.find("reunite-families")
        assert open_campaign is not None
        entry = SignForm(request.form).entry()
        result = draft(entry, open_campaign.source, web_site().desk, web_site().clock())
    assert isinstance(result, Draft)
    return {**typed, "seal": result.seal, "send": "1"}


@contextlib.contextmanager
def served(application: str, **settings: str) -> Iterator[int]:
    """gunicorn as bin/run sets it up; the port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    command = ["gunicorn", "-b", f"127.0.0.1:{port}", "-w", "2", "-k", "gthread", "--threads", "8"]
    options = ["--no-control-socket", "--log-level", "critical", application]
    environment = {"PATH": "", "LIMIT_NETWORK": "1000000", **settings}
    with subprocess.Popen([sys.executable, "-m", *command, *options], cwd=ROOT, env=environment) as server:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        try:
            yield port
        finally:
            server.terminate()


def post_all(port: int, path: str, forms: list[dict[str, str]]) -> None:
    """Post these forms, several at a time, each on a connection that is kept."""
    shares = [forms[number::CLIENTS] for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda share: _post(port, path, share), shares))


def _post(port: int, path: str, forms: list[dict[str, str]]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for form in forms:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", path, urlencode(form), headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 303, answer.status
    connection.close()


TABLES = (
    "signature (id INTEGER PRIMARY KEY, email UNIQUE, a, b, c, d, e, f, g, h, i)",
    "letter (id INTEGER PRIMARY KEY, signature, seat, who, subject, body)",
    "delivery (id INTEGER PRIMARY KEY, uuid UNIQUE, signer, letter, state, mail)",
    "event (id INTEGER PRIMARY KEY, delivery, at, state, why)",
)


def floor() -> Flask:
    """The same rows: a signature, three letters, four deliveries with their events; FULL, WAL, one commit."""
    file = Config.from_env().data_dir / "floor.db"
    with sqlite3.connect(file, timeout=30) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        for table in TABLES:
            connection.execute(f"CREATE TABLE IF NOT EXISTS {table}")
    connection.close()
    app, threads = Flask("floor"), threading.local()

    @app.post("/page")
    def page() -> Response:
        form = request.form
        assert all(form[name] for name in ("given-name", "family-name", "address-line1", "postal-code", "email"))
        if not hasattr(threads, "connection"):
            threads.connection = sqlite3.connect(file, isolation_level=None, timeout=30)
            threads.connection.execute("PRAGMA synchronous=FULL")
        _store(threads.connection, form)
        return redirect("/sent", 303)

    return app


def _store(connection: sqlite3.Connection, form: Mapping[str, str]) -> None:
    def insert(table: str, *values: object) -> int | None:
        places = ", ".join("?" * len(values))
        return connection.execute(f"INSERT INTO {table} VALUES (NULL, {places})", values).lastrowid

    connection.execute("BEGIN IMMEDIATE")
    signature = insert("signature", form["email"], *(form[name] for name in FIELDS), "pending")
    for number in range(4):
        letter = insert("letter", signature, f"{number}", "Senator", "Subject", form["letters"]) if number < 3 else None
        mail = None if letter else form["letters"][:900]
        delivery = insert("delivery", f"{signature}-{number}", signature, letter, "held", mail)
        insert("event", delivery, "now", "held", "signed")
    connection.execute("COMMIT")


if __name__ == "__main__":
    main()
