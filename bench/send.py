"""POST *Send my letters* against a bare view that checks the fields and writes the same rows with plain sqlite3.

With a number: beside so many signatures in both databases.
"""

from __future__ import annotations

import http.client
import re
import secrets
import shutil
import sqlite3
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

from flask import Flask, redirect, request
from werkzeug.wrappers import Response

from app.extensions import db
from app.signing.draft import Draft, draft
from app.web import form_token, published
from app.web.forms import SignForm
from app.web.site import site as web_site
from bench import measure, site
from bench.served import served
from config import Config

ROUNDS, TIMES, CLIENTS, LIMIT = 7, 480, 8, 0.35
FIELDS = {
    "given-name": "Jane",
    "family-name": "Doe",
    "address-line1": "1 Main Street",
    "address-line2": "",
    "address-level2": "Cheyenne",
    "address-level1": "WY",
    "postal-code": "82001",
}
TYPED = (*FIELDS, "email")


def main() -> None:
    app = site.make()
    folder = app.config["REDRESS"].data_dir
    already = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    shutil.copy(folder / "redress.db", folder / FLOOR)  # the same tables and indexes
    for file in ("redress.db", FLOOR):
        _sign_often(folder / file, already)
    forms = [_signed_form(app, number) for number in range((ROUNDS + 1) * TIMES)]
    same = [dict(form) for form in forms]
    settings = {"DATA_DIR": str(folder)}
    with served("wsgi:app", **settings) as ours, served("bench.send:floor()", **settings) as floor:

        def send_ours() -> None:
            post_all(ours.port, "/reunite-families", [forms.pop() for _ in range(TIMES)])

        def send_floor() -> None:
            post_all(floor.port, "/page", [same.pop() for _ in range(TIMES)])

        what = f"{TIMES} × POST Send my letters beside {already:,} signatures, {CLIENTS} clients"
        ratio = measure.compare(what, send_ours, send_floor, rounds=ROUNDS, times=1)
    print(f"  at least {LIMIT}: {measure.verdict(ratio >= LIMIT)}")


def _signed_form(app: Flask, number: int) -> dict[str, str]:
    """What a browser sends with *Send my letters*: the seal is that of the letters as the site works them out."""
    started = datetime.now(UTC) - timedelta(minutes=1)
    token = form_token.issue(app.config["REDRESS"].secret_key, "reunite-families", started).text
    typed = {**FIELDS, "email": f"jane{number}@example.com", "further-wishes": "", "token": token}
    with app.test_request_context("/reunite-families", method="POST", data=typed):
        open_campaign = published.find("reunite-families")
        assert open_campaign is not None
        entry = SignForm(request.form).entry()
        result = draft(entry, open_campaign.source, web_site().desk, web_site().clock())
    assert isinstance(result, Draft)
    return {**typed, "seal": result.seal, "send": "1"}


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
        assert answer.status in {200, 303}, answer.status
    connection.close()


FLOOR = "floor.db"
LETTER, MAIL, NOW = "x" * 1852, b"x" * 932, "2026-11-24 12:00:00.000000"
SEATS = ("WY-S1", "WY-S2", "WY-AL")


def _sign_often(file: Path, times: int) -> None:
    with sqlite3.connect(file) as connection:
        for number in range(times):
            _insert(connection, {**FIELDS, "email": f"early{number}@example.com"})
    connection.close()


_CHECKS = {
    "given-name": r"[^<>\n]{1,100}",
    "family-name": r"[^<>\n]{1,100}",
    "address-line1": r"[^<>\n]{1,200}",
    "address-line2": r"[^<>\n]{0,200}",
    "address-level2": r"[^<>\n]{1,100}",
    "address-level1": r"[A-Z]{2}",
    "postal-code": r"[0-9]{5}(-[0-9]{4})?",
    "email": r"[^@\s]{1,64}@[a-z0-9.-]{3,255}",
}


def floor() -> Flask:
    """Checks the fields; writes a signature, three letters, four deliveries and their events: WAL, FULL, one commit.

    It reads nothing from the database, which has the tables and indexes of the real one, and composes nothing; each
    thread keeps its connection.
    """
    file = Config.from_env().data_dir / FLOOR
    app, threads = Flask("floor"), threading.local()
    checks = {name: re.compile(pattern) for name, pattern in _CHECKS.items()}

    @app.post("/page")
    def page() -> Response:
        form = request.form
        assert all(check.fullmatch(form[name].strip()) for name, check in checks.items())
        if not hasattr(threads, "connection"):
            threads.connection = sqlite3.connect(file, isolation_level=None, timeout=30)
            threads.connection.execute("PRAGMA synchronous=FULL")
            threads.connection.execute("PRAGMA foreign_keys=ON")
        threads.connection.execute("BEGIN IMMEDIATE")
        _insert(threads.connection, form)
        threads.connection.execute("COMMIT")
        return redirect("/sent", 303)

    return app


_SIGNATURE = """
INSERT INTO signature (
    sent_hash, mail_hash, person_digest, email_digest, network_digest,
    given_name, family_name, address_line1, address_line2, city, region, postal_code, email, prefix, phone, own_words,
    origin, revision_id, campaign_id, state, congress, division, located_by, language, created_at
) VALUES (
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '', '', '{}', 1, 1, 'pending', 119,
    'ocd-division/country:us/state:wy/cd:at-large', 'state', 'en', ?
)"""
_LETTER = """
INSERT INTO letter (
    signature_id, position, seat, congress, bioguide, recipient, recipient_detail, language, subject, opening, body
) VALUES (
    ?, ?, ?, 119, 'H001096', 'Senator Cynthia M. Lummis', 'Republican, Wyoming', 'en',
    'Please reunite the families from Calexico', 'Dear Senator Lummis,', ?
)"""
_DELIVERY = """
INSERT INTO delivery (
    uuid, kind, state, channel, signature_id, letter_id, recipient, sender, mail, due_at, created_at, attempts, unknowns
) VALUES (?, ?, ?, 'mail', ?, ?, 'h001096@offices.invalid', ?, ?, ?, ?, 0, 0)"""
_EVENT = "INSERT INTO delivery_event (delivery_id, at, state, why) VALUES (?, ?, ?, ?)"


def _insert(connection: sqlite3.Connection, form: Mapping[str, str]) -> None:
    hashes, typed = (secrets.token_bytes(32) for _ in range(5)), (form[name] for name in TYPED)
    signature = connection.execute(_SIGNATURE, (*hashes, *typed, NOW)).lastrowid
    for position, seat in enumerate(SEATS, start=1):
        letter = connection.execute(_LETTER, (signature, position, seat, LETTER)).lastrowid
        held = (str(uuid4()), "letter", "held", signature, letter, None, None, None, NOW)
        delivery = connection.execute(_DELIVERY, held).lastrowid
        connection.execute(_EVENT, (delivery, NOW, "held", "signed"))
    queued = (str(uuid4()), "confirmation", "queued", signature, None, "b+" + "0" * 65, MAIL, NOW, NOW)
    delivery = connection.execute(_DELIVERY, queued).lastrowid
    connection.execute(_EVENT, (delivery, NOW, "queued", "composed"))


if __name__ == "__main__":
    main()
