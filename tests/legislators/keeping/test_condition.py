"""Whether the tables are ready for the Congress that sits, and for the next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from app.legislators.keeping.condition import Condition, condition, sentence
from app.legislators.tables import Tables, load
from tests.legislators.keeping.small_tables import table_files, written

EASTERN = timezone(timedelta(hours=-5))
TURN = datetime(2027, 1, 3, 12, tzinfo=EASTERN)
DECEMBER = datetime(2026, 12, 1, tzinfo=EASTERN)
MOMENT = timedelta(microseconds=1)
C = Condition


@pytest.fixture
def old(tmp_path: Path) -> Tables:
    return load(written(tmp_path / "119", table_files(119)))


@pytest.fixture
def new(tmp_path: Path) -> Tables:
    return load(written(tmp_path / "120", table_files(120)))


def test_from_the_first_of_december_the_next_congress_is_missed(old: Tables) -> None:
    assert condition(old, old, DECEMBER - MOMENT) is C.OK
    assert condition(old, old, DECEMBER) is C.NEXT_CONGRESS_MISSING
    assert condition(old, old, TURN - MOMENT) is C.NEXT_CONGRESS_MISSING
    assert condition(old, old, TURN) is C.MEMBERS_MISSING


def test_a_moment_counts_in_whatever_zone_it_is_told(old: Tables) -> None:
    assert condition(old, old, datetime(2026, 12, 1, 4, 59, tzinfo=UTC)) is C.OK
    assert condition(old, old, datetime(2026, 12, 1, 5, 0, tzinfo=UTC)) is C.NEXT_CONGRESS_MISSING
    assert condition(old, old, datetime(2027, 1, 3, 17, 0, tzinfo=UTC)) is C.MEMBERS_MISSING


def test_with_tables_of_the_next_congress_at_hand_nothing_is_missed(old: Tables, new: Tables) -> None:
    assert condition(old, new, DECEMBER) is C.OK
    assert condition(new, new, TURN) is C.OK
    assert condition(new, new, TURN + timedelta(days=600)) is C.OK


def test_new_members_with_old_districts_are_said(tmp_path: Path) -> None:
    files = table_files(120)
    files["manifest.json"] = files["manifest.json"].replace(b'"map_congress": 120', b'"map_congress": 119')
    mixed = load(written(tmp_path / "mixed", files))

    assert condition(mixed, mixed, TURN) is C.DISTRICTS_MISSING
    assert condition(mixed, mixed, datetime(2028, 12, 15, tzinfo=UTC)) is C.DISTRICTS_MISSING, "the worse of two"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (C.NEXT_CONGRESS_MISSING, ["The 120th Congress begins on January 3rd at noon in Washington", "not here yet"]),
        (C.DISTRICTS_MISSING, ["an earlier Congress than the 119th", "--source or --from"]),
        (C.MEMBERS_MISSING, ["The 119th Congress has begun", "Run `flask legislators refresh`"]),
    ],
)
def test_each_condition_is_a_sentence_that_says_what_to_do(found: Condition, words: list[str]) -> None:
    said = sentence(found, DECEMBER)

    assert [word for word in words if word not in said] == []
    assert "`flask legislators refresh`" in said


def test_nothing_is_said_when_all_is_well() -> None:
    assert sentence(C.OK, DECEMBER) == ""
