"""POST *Send my letters* against a bare view that checks the fields and writes as many rows with plain sqlite3."""

from __future__ import annotations

import itertools
import re
import sqlite3
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from app.web import form_token
from bench import measure, site

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
    ours = app.test_client()
    secret = app.config["REDRESS"].secret_key
    numbers = itertools.count()
    floor_app, letters = _floor(), "x" * 1900
    floor = floor_app.test_client()

    def post_ours() -> None:
        number = next(numbers)
        started = datetime.now(UTC) - timedelta(minutes=1)
        token = form_token.issue(secret, "reunite-families", started).text
        typed = {**FIELDS, "email": f"jane{number}@example.com", "token": token}
        page = ours.post("/reunite-families", data={**typed, "show": "1"}).text
        seal = re.search(r'name="seal"[^>]*value="([^"]*)"', page)
        assert seal is not None
        seals.append({**typed, "seal": seal[1], "send": "1"})

    seals: list[dict[str, str]] = []
    rounds, times = 9, 40
    for _ in range(rounds * times + 1):
        post_ours()

    def send_ours() -> None:
        assert ours.post("/reunite-families", data=seals.pop()).status_code == 303

    def send_floor() -> None:
        number = next(numbers)
        sent = floor.post("/page", data={**FIELDS, "email": f"jane{number}@example.com", "letters": letters})
        assert sent.status_code == 303

    measure.compare("POST Send my letters", send_ours, send_floor, rounds=rounds, times=times)


def _floor() -> Flask:
    """The same rows: a signature, three letters, four deliveries with their events; FULL, WAL, one commit."""
    file = Path(tempfile.mkdtemp(prefix="redress-bench-")) / "floor.db"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE signature (id INTEGER PRIMARY KEY, email UNIQUE, a, b, c, d, e, f, g, h, i)")
        connection.execute("CREATE TABLE letter (id INTEGER PRIMARY KEY, signature, seat, who, subject, body)")
        connection.execute("CREATE TABLE delivery (id INTEGER PRIMARY KEY, uuid UNIQUE, signer, letter, state, mail)")
        connection.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, delivery, at, state, why)")
        connection.execute("CREATE INDEX due ON delivery (state)")
    connection.close()
    app = Flask("floor")
    kept = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    kept.execute("PRAGMA synchronous=FULL")

    @app.post("/page")
    def page() -> Response:
        form = request.form
        assert all(form[name] for name in ("given-name", "family-name", "address-line1", "postal-code", "email"))
        kept.execute("BEGIN IMMEDIATE")
        values = [form["email"], *(form[name] for name in FIELDS), "pending"]
        signature = kept.execute(f"INSERT INTO signature VALUES (NULL, {', '.join('?' * 10)})", values).lastrowid
        for number in range(4):
            letter = None
            if number < 3:
                row = (signature, f"WY-{number}", "Senator", "Subject", form["letters"])
                letter = kept.execute("INSERT INTO letter VALUES (NULL, ?, ?, ?, ?, ?)", row).lastrowid
            row = (f"{signature}-{number}", signature, letter, "held", None if letter else form["letters"][:900])
            delivery = kept.execute("INSERT INTO delivery VALUES (NULL, ?, ?, ?, ?, ?)", row).lastrowid
            kept.execute("INSERT INTO event VALUES (NULL, ?, ?, ?, ?)", (delivery, "now", "held", "signed"))
        kept.execute("COMMIT")
        return redirect("/sent", 303)

    return app


if __name__ == "__main__":
    main()
