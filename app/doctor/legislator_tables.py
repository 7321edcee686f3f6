"""The tables of legislators: of the right Congress, and kept fresh?"""

from __future__ import annotations

from datetime import datetime

from app.doctor import Finding, days, ok, warn
from app.legislators.congresses import ordinal
from app.legislators.keeping.condition import sentence
from app.legislators.keeping.refresh_state import SILENCE, read_state
from app.legislators.keeping.shelf import Shelf

SUBJECT = "legislators"
_REFRESH = "flask legislators refresh"


def examine(shelf: Shelf, now: datetime, *, live: bool) -> Finding:
    """A live site refreshes them by itself every week; a sandbox only when it is told to."""
    if missing := sentence(shelf.condition(now), now):
        return warn(SUBJECT, missing, f"{_REFRESH}; flask legislators info tells more.")
    tables, state = shelf.tables(now), read_state(shelf.folder)
    age = max((now.date() - tables.as_of).days, 0)
    says = f"The tables of the {ordinal(tables.congress)} Congress are {days(age)} old"
    since = state.checked_at or state.failing_since
    if live and since is not None and now - since >= SILENCE:
        return warn(SUBJECT, f"{says}, and no refresh has worked since {since:%Y-%m-%d}.", state.cause or _REFRESH)
    return ok(SUBJECT, f"{says}.")
