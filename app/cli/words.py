"""Counts, moments and spans as people read them, and what stands in the way of all mail: alike in every command."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.delivery.breaker import Refusal, refusal
from app.delivery.pause import paused_since


def counted(count: int, one: str, several: str = "") -> str:
    """`1 letter`, `1,234 letters`; `several` where an s at the end is not enough."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def moment(at: datetime) -> str:
    """A moment, everywhere in this form."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def span(length: timedelta) -> str:
    """`45 s`, `12 min`, `3 h`, `2 days`: whole numbers, rounded down."""
    seconds = max(0, int(length.total_seconds()))
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def paused(since: datetime) -> str:
    """What follows "paused"."""
    return f"since {moment(since)}. To go on: .venv/bin/flask outbox resume"


def refused(by: Refusal, now: datetime) -> str:
    """What follows "it takes nothing"."""
    again = f"in {span(by.until - now)}" if by.until > now else "with the next message"
    return f"since {moment(by.since)}: {by.told}; it is asked again {again}. See: .venv/bin/flask doctor"


def hindrances(session: Session, now: datetime) -> list[str]:
    """A sentence for each thing that keeps all mail here. Leaves no transaction open."""
    since, by = paused_since(session), refusal(session)
    session.rollback()
    return [
        *([f"Sending has been paused {paused(since)}"] if since else []),
        *([f"The mail server has taken nothing {refused(by, now)}"] if by else []),
    ]
