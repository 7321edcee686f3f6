"""A site that has surely come to a moment."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.clock import confirm
from app.db import writing
from app.delivery.breaker import site_state


def certain(session: Session, at: datetime, delivery: str = "sandbox") -> None:
    """As if a worker had lived then, and none since."""
    with writing(session):
        site_state(session, delivery)
        session.flush()
        confirm(session, at)
