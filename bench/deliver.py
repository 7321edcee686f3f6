"""The worker's way of sending against smtplib on one kept connection with two durable commits a message."""

from __future__ import annotations

import smtplib
import socket
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from app import create_app, mail_sender
from app.db import writing
from app.delivery.drain import drain
from app.delivery.sending import claim
from app.extensions import db
from app.models import (
    Campaign,
    CampaignRevision,
    CampaignState,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Signature,
    SignatureState,
)
from app.worker import policy_of
from bench import measure, site
from settings.mail_server import MailServer

MESSAGES = 100
ANSWERS = {b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}
MAIL = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\n\r\n" + b"A line of a letter.\r\n" * 130


def main() -> None:
    port = sink()
    app = site.make()
    config = replace(app.config["REDRESS"], mail=MailServer.on_loopback(port))
    app = create_app(config)
    with app.app_context():
        sender, session, policy = mail_sender(app, config), db.session(), policy_of(config)
        signature()

        def ours() -> None:
            queue(MESSAGES)
            sent = drain(session, sender, policy, lambda: datetime.now(UTC), lambda _seconds: False)
            assert sent == MESSAGES

        measure.compare(f"{MESSAGES} messages", ours, _floor(port), rounds=7, times=1)
        assert claim(session, datetime.now(UTC) - timedelta(days=1)) is None


def signature() -> None:
    """A campaign, and somebody who signed."""
    now, session = datetime.now(UTC), db.session()
    with writing(session):
        campaign = Campaign(slug="bench", state=CampaignState.PUBLISHED, source="", created_at=now)
        revision = CampaignRevision(campaign=campaign, number=1, source="", published_at=now)
        session.add(revision)
        session.flush()
        session.add(
            Signature(
                id=1,
                revision_id=revision.id,
                campaign_id=campaign.id,
                state=SignatureState.CONFIRMED,
                sent_hash=b"1",
                mail_hash=b"2",
                person_digest=b"3",
                email_digest=b"4",
                congress=119,
                located_by="zip",
                created_at=now,
            )
        )


def queue(number: int) -> None:
    """So many mails that are due."""
    now, session = datetime.now(UTC), db.session()
    rows = [
        {
            "uuid": f"{now.timestamp()}-{position}",
            "kind": DeliveryKind.COPY,
            "state": DeliveryState.QUEUED,
            "channel": "mail",
            "signature_id": 1,
            "recipient": "b@example.com",
            "sender": "a@example.com",
            "mail": MAIL,
            "due_at": now,
            "attempts": 0,
            "unknowns": 0,
            "created_at": now,
        }
        for position in range(number)
    ]
    with writing(session):
        session.execute(insert(Delivery), rows)


def _floor(port: int) -> Callable[[], None]:
    file = Path(tempfile.mkdtemp(prefix="redress-bench-")) / "floor.db"
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE delivery (id INTEGER PRIMARY KEY, state, mail)")

    def run() -> None:
        connection.executemany("INSERT INTO delivery VALUES (NULL, 'queued', ?)", [(MAIL,)] * MESSAGES)
        with smtplib.SMTP("127.0.0.1", port) as server:
            for number, mail in connection.execute("SELECT id, mail FROM delivery WHERE state = 'queued'").fetchall():
                connection.execute("UPDATE delivery SET state = 'sending' WHERE id = ?", (number,))
                server.sendmail("a@example.com", ["b@example.com"], mail)
                connection.execute("UPDATE delivery SET state = 'accepted' WHERE id = ?", (number,))

    return run


def sink(pause: float = 0.0) -> int:
    """A mail server that accepts everything, after a pause, and keeps nothing; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(connection: socket.socket) -> None:
        lines, data = connection.makefile("rb"), False
        connection.sendall(b"220 sink\r\n")
        for line in lines:
            if data and line != b".\r\n":
                continue
            if data:
                time.sleep(pause)
            word = line[:4].upper()
            data = word == b"DATA"
            connection.sendall(ANSWERS.get(word, b"250 ok\r\n"))
            if word == b"QUIT":
                break
        connection.close()

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


if __name__ == "__main__":
    main()
