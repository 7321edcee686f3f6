"""Taking a row from the queue beside 1,000,000 delivered rows, against beside 1,000, in turn.

With two URLs of empty databases on a PostgreSQL server: there, and not in files.
"""

from __future__ import annotations

import statistics
import sys
import time
from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import insert, text

from app.db import truncate_journal, writing
from app.delivery.sending import claim
from app.extensions import db
from app.models import Delivery, DeliveryKind, DeliveryState
from bench import measure, site
from bench.deliver import MAIL, signature

FEW, MANY, LIMIT = 1_000, 1_000_000, 1.3
TIMES, BATCH = 400, 20_000
NOW = datetime.now(UTC)


def main() -> None:
    urls = sys.argv[1:3] or ["", ""]
    apps = [_filled(url, delivered) for url, delivered in zip(urls, (FEW, MANY), strict=True)]
    took: list[list[float]] = [[], []]
    for _ in range(TIMES):
        for app, kept in zip(apps, took, strict=True):
            kept.append(_seconds(app))
    few, many = (statistics.median(kept) * 1e3 for kept in took)
    print(f"a claim beside {FEW:,} delivered rows {few:.2f} ms, beside {MANY:,} {many:.2f} ms: {many / few:.2f}")
    print(f"  at most {LIMIT}: {measure.verdict(many / few <= LIMIT)}")


def _filled(url: str, delivered: int) -> Flask:
    """A site with so many delivered rows, and enough that wait."""
    app = site.make(**({"DATABASE_URL": url} if url else {}))
    with app.app_context():
        signature()
        for start in range(0, delivered, BATCH):
            _write(start, min(BATCH, delivered - start), DeliveryState.ACCEPTED)
        _write(MANY, TIMES, DeliveryState.QUEUED)
        with writing(db.session()):
            db.session.execute(text("ANALYZE"))
        truncate_journal(db.session())
    return app


def _seconds(app: Flask) -> float:
    with app.app_context():
        session = db.session()
        begun = time.perf_counter()
        assert claim(session, NOW) is not None
        return time.perf_counter() - begun


def _write(first: int, count: int, state: DeliveryState) -> None:
    rows = [
        {
            "uuid": f"row-{number}",
            "kind": DeliveryKind.COPY,
            "rank": number % 3,
            "state": state,
            "channel": "mail",
            "signature_id": 1,
            "recipient": "b@example.com",
            "sender": "a@example.com",
            "mail": MAIL if state is DeliveryState.QUEUED else b"",
            "due_at": NOW - timedelta(seconds=number % 5000),
            "created_at": NOW,
        }
        for number in range(first, first + count)
    ]
    with writing(db.session()):
        db.session.execute(insert(Delivery), rows)


if __name__ == "__main__":
    main()
