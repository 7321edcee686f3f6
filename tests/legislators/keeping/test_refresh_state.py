from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from app.legislators.keeping.generations import (
    NotKept,
    alone,
)
from app.legislators.keeping.refresh_state import RefreshState, is_due, read_state, silent_for_three_weeks, write_state

NOW = datetime(2026, 11, 24, 17, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEXT_CONGRESS = datetime(2027, 1, 3, 12, tzinfo=timezone(timedelta(hours=-5)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "legislators"


def test_what_became_of_the_attempts_is_remembered(folder: Path) -> None:
    state = RefreshState().succeeded(NOW).failed(NOW + DAY, "It answered 503.").told(NOW + 2 * DAY)

    with alone(folder):
        assert read_state(folder) == RefreshState()
        write_state(folder, state)

    assert read_state(folder) == state == RefreshState(NOW, NOW + DAY, NOW + DAY, "It answered 503.", NOW + 2 * DAY)


@pytest.mark.parametrize(
    ("name", "value"),
    [("checked_at", "yesterday"), ("tried_at", "2026-11-24T17:00:00"), ("told_at", 7), ("cause", None)],
)
def test_a_damaged_state_is_none(folder: Path, name: str, value: object) -> None:
    with alone(folder):
        write_state(folder, RefreshState().succeeded(NOW))
    raw = json.loads((folder / "refresh.json").read_text())
    (folder / "refresh.json").write_text(json.dumps({**raw, name: value}))

    assert read_state(folder) == RefreshState()


@pytest.mark.parametrize("content", ["", "[]", "7", "{}", "[" * 100_000])
def test_a_state_that_is_something_else_is_none(folder: Path, content: str) -> None:
    folder.mkdir(parents=True)
    (folder / "refresh.json").write_text(content)

    assert read_state(folder) == RefreshState()


def test_a_state_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotKept):
        write_state(tmp_path / "nowhere", RefreshState())


def test_the_first_failure_and_the_last_sentence_count(folder: Path) -> None:
    state = RefreshState().succeeded(NOW).failed(NOW + DAY, "First.").failed(NOW + 2 * DAY, "Second.")

    assert (state.failing_since, state.cause, state.checked_at) == (NOW + DAY, "Second.", NOW)
    assert state.told(NOW).succeeded(NOW + 3 * DAY) == RefreshState(NOW + 3 * DAY, NOW + 3 * DAY)


@pytest.mark.parametrize(
    ("state", "after"),
    [
        (RefreshState(), timedelta()),
        (RefreshState().succeeded(NOW), 7 * DAY),
        (RefreshState().failed(NOW, "No."), DAY),
        (RefreshState().succeeded(NOW - 2 * DAY).failed(NOW, "No."), DAY),
        (RefreshState().trying(NOW), DAY),  # killed
        (RefreshState().succeeded(NOW - 9 * DAY).trying(NOW), DAY),
        (RefreshState().failed(NOW - DAY, "No.").succeeded(NOW), 7 * DAY),
    ],
)
def test_when_the_next_attempt_is_due(state: RefreshState, after: timedelta) -> None:
    assert is_due(state, NOW + after)
    assert not after or not is_due(state, NOW + after - timedelta(seconds=1))


def test_an_attempt_in_the_future_was_made_when_the_clock_was_wrong() -> None:
    assert is_due(RefreshState().succeeded(NOW + 400 * DAY), NOW)


@pytest.mark.parametrize(
    "state",
    [
        RefreshState().succeeded(NOW),
        RefreshState().succeeded(NOW).failed(NOW + 20 * DAY, "No."),
        RefreshState().failed(NOW, "No.").failed(NOW + 20 * DAY, "No."),
    ],
)
def test_three_weeks_without_a_success_are_told_once_in_three_weeks(state: RefreshState) -> None:
    told = state.told(NOW + 21 * DAY)

    assert not silent_for_three_weeks(state, NOW + 21 * DAY - timedelta(seconds=1))
    assert silent_for_three_weeks(state, NOW + 21 * DAY)
    assert not silent_for_three_weeks(told, NOW + 42 * DAY - timedelta(seconds=1))
    assert silent_for_three_weeks(told, NOW + 42 * DAY)
    assert not silent_for_three_weeks(replace(told.succeeded(NOW + 41 * DAY)), NOW + 42 * DAY)


def test_who_never_tried_is_not_silent() -> None:
    assert not silent_for_three_weeks(RefreshState(), NOW)
