"""Rows in the queue, and what the database does with them: for tests of how they get to the mail server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, insert, select, text
from sqlalchemy.orm import Session

from app.db import DatabaseUnavailable, writing
from app.delivery.retries import Claimed
from app.delivery.sending import claim
from app.models import Delivery, DeliveryEvent, DeliveryKind, DeliveryState
from tests.databases import connected
from tests.delivery.factories import NOW, delivery, reread, signature

S = DeliveryState
MINUTE = timedelta(minutes=1)


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def never(_seconds: float) -> bool:
    """Nobody asks to stop, and no test really waits."""
    return False


def row(session: Session, due: datetime | None = NOW, /, **columns: object) -> int:
    """A committed delivery; its id."""
    with writing(session):
        return delivery(session, signature(session), due, **columns).id  # type: ignore[arg-type]  # plain columns


def must_claim(session: Session, now: datetime = NOW) -> Claimed:
    claimed = claim(session, now)
    assert claimed is not None
    return claimed


def state_of(session: Session, identifier: int) -> DeliveryState:
    return reread(session, identifier).state


@contextlib.contextmanager
def statements(session: Session) -> Iterator[list[tuple[str, tuple[object, ...]]]]:
    """What goes to the database, with its parameters."""
    seen: list[tuple[str, tuple[object, ...]]] = []

    def keep(_connection: object, _cursor: object, sql: str, values: tuple[object, ...], *_rest: object) -> None:
        seen.append((sql, values))

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", keep)
    yield seen
    event.remove(engine, "before_cursor_execute", keep)


def plan_of(data_dir: Path, sql: str, values: tuple[object, ...]) -> str:
    with connected(data_dir) as connection:
        return "\n".join(str(line[3]) for line in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values))


def many(session: Session, count: int, state: DeliveryState = S.ACCEPTED, spread: timedelta = timedelta()) -> None:
    """A lot of rows at once."""
    with writing(session):
        signer = signature(session).id
        rows = [
            {
                "uuid": f"{state}-{number}",
                "kind": DeliveryKind.COPY,
                "state": state,
                "channel": "mail",
                "signature_id": signer,
                "recipient": f"office{number}@example.org",
                "sender": "b+1.2@example.org",
                "mail": b"Subject: a\r\n\r\nb\r\n",
                "due_at": NOW - spread * ((number * 7919) % count),
                "created_at": NOW,
            }
            for number in range(count)
        ]
        session.execute(insert(Delivery), rows)


def fill_disk(session: Session) -> None:
    """Let the database have no page more than it uses: SQLite then answers SQLITE_FULL, as on a full disk."""
    session.rollback()
    pages = session.scalar(text("PRAGMA page_count"))
    session.scalar(text(f"PRAGMA max_page_count = {pages}"))
    session.rollback()


def empty_disk(session: Session) -> None:
    session.scalar(text("PRAGMA max_page_count = 1000000"))
    session.rollback()


def use_up_free_space(session: Session) -> None:
    """Fill what is left of the last pages of the table that every move writes into."""
    with writing(session):
        identifier = session.scalars(select(Delivery.id).order_by(Delivery.id.desc())).first()
        noise = {"delivery_id": identifier, "at": NOW, "state": S.SENDING, "why": "noise", "code": None}
    with pytest.raises(DatabaseUnavailable):  # noqa: PT012 — until one of them does not fit
        while True:
            with writing(session):
                session.execute(insert(DeliveryEvent), [noise])
