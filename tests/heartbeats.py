"""A worker's signs of life, without a worker."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.db import writing
from app.models import Heartbeat


def beat(session: Session, at: datetime) -> None:
    """As if the only worker had shown life then."""
    with writing(session):
        session.execute(delete(Heartbeat))
        session.add(Heartbeat(worker="here:1", at=at))
