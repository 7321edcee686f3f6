"""How the attempts to refresh the tables went: a small file beside the generations. When the next attempt is due."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.legislators.keeping.generations import NotKept, reason, write_json

STATE = "refresh.json"
EVERY = timedelta(days=7)
AFTER_FAILURE = timedelta(days=1)
SILENCE = timedelta(days=21)


@dataclass(frozen=True, slots=True)
class RefreshState:
    """How the last attempts to refresh went. All moments have a zone; None is never."""

    checked_at: datetime | None = None
    """The last success: the tables were found to be the newest, or were made so."""
    tried_at: datetime | None = None
    failing_since: datetime | None = None
    """When the first attempt after the last success began, or failed."""
    cause: str = ""
    """The sentence of the last failure."""
    told_at: datetime | None = None
    """When the organiser was told last."""

    def trying(self, now: datetime) -> RefreshState:
        """With an attempt that begins; written before it, so that one which is killed is not made again at once.

        Until its success is written down it counts as a failure.
        """
        return replace(self, tried_at=now, failing_since=self.failing_since or now)

    def succeeded(self, now: datetime) -> RefreshState:
        """With a success, which ends every failure."""
        return RefreshState(checked_at=now, tried_at=now)

    def failed(self, now: datetime, cause: str) -> RefreshState:
        """With a failure and its sentence."""
        return replace(self, tried_at=now, failing_since=self.failing_since or now, cause=cause)

    def told(self, now: datetime) -> RefreshState:
        """With the organiser told."""
        return replace(self, told_at=now)


def is_due(state: RefreshState, now: datetime) -> bool:
    """Whether to try: a week after a success, a day after a failure or an attempt without an end, else at once."""
    if state.tried_at is None or now < state.tried_at:  # the clock was wrong then
        return True
    ended_well = state.failing_since is None and state.checked_at is not None and state.checked_at >= state.tried_at
    return now - state.tried_at >= (EVERY if ended_well else AFTER_FAILURE)


def silent_for_three_weeks(state: RefreshState, now: datetime) -> bool:
    """Whether nothing succeeded for three weeks, and the organiser was not told of it in as many."""
    since = state.checked_at or state.failing_since
    if since is None or now - since < SILENCE:
        return False
    return state.told_at is None or now - state.told_at >= SILENCE


def read_state(folder: Path) -> RefreshState:
    """How the attempts went; as if none had been made when the file is missing or damaged."""
    try:
        raw = json.loads((folder / STATE).read_bytes())
        moments = {name: _moment(raw[name]) for name in ("checked_at", "tried_at", "failing_since", "told_at")}
        if not isinstance(raw["cause"], str):
            raise TypeError("no sentence")
        return RefreshState(**moments, cause=raw["cause"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return RefreshState()


def write_state(folder: Path, state: RefreshState) -> None:
    """Put it in the place of the last one. Who calls holds `alone`. Raises NotKept."""
    content = {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(state).items()
    }
    try:
        write_json(folder / STATE, content)
    except OSError as error:
        raise NotKept(f"{folder / STATE} could not be written ({reason(error)}).") from error


def _moment(raw: Any) -> datetime | None:
    if raw is None:
        return None
    moment = datetime.fromisoformat(raw)
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(UTC)
