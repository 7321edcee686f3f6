"""Being alone with a data folder: whose lock it is, for how long, and how long somebody waits for it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import locks
from app.locks import LAST_RUN_ENDS_IN, InUse, alone, take
from app.serve.family import PATIENCE
from app.serve.leash import GRACE

NAMES = ("run.lock", "children.lock", "worker.lock")


@contextlib.contextmanager
def held(path: Path) -> Iterator[int]:
    handle = take(path)
    try:
        yield handle
    finally:
        with contextlib.suppress(OSError):
            os.close(handle)


def test_a_lock_is_one_programs_until_it_lets_go(tmp_path: Path) -> None:
    with held(tmp_path / "a.lock"):
        assert (tmp_path / "a.lock").stat().st_mode & 0o777 == 0o600
        with pytest.raises(InUse):
            take(tmp_path / "a.lock")
        with held(tmp_path / "b.lock"):
            pass

    with held(tmp_path / "a.lock"):
        pass


def test_who_is_refused_leaves_no_file_open(tmp_path: Path) -> None:
    with held(tmp_path / "a.lock"):
        before = len(os.listdir("/dev/fd"))
        for _time in range(3):
            with pytest.raises(InUse):
                take(tmp_path / "a.lock")
        assert len(os.listdir("/dev/fd")) == before


def test_who_has_patience_gets_it_when_it_is_free(tmp_path: Path) -> None:
    with held(tmp_path / "a.lock") as handle:
        threading.Timer(0.2, os.close, (handle,)).start()

        os.close(take(tmp_path / "a.lock", patience=20.0))


def test_patience_has_an_end(tmp_path: Path) -> None:
    with held(tmp_path / "a.lock"), pytest.raises(InUse):
        take(tmp_path / "a.lock", patience=0.2)


def test_who_is_alone_has_all_three_locks_and_gives_them_back(tmp_path: Path) -> None:
    with alone(tmp_path):
        for name in NAMES:
            with pytest.raises(InUse):
                take(tmp_path / name)

    for name in NAMES:
        with held(tmp_path / name):
            pass


def nothing_within(folder: Path) -> None:
    with alone(folder):
        pytest.fail("it is not alone")


@pytest.mark.parametrize("name", NAMES)
def test_beside_another_program_nobody_is_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(locks, "LAST_RUN_ENDS_IN", 0.1)
    with held(tmp_path / name), pytest.raises(InUse):
        nothing_within(tmp_path)

    with alone(tmp_path):  # nothing is left of the attempt
        pass


@pytest.mark.parametrize("name", ["children.lock", "worker.lock"])
def test_the_programs_of_a_start_that_was_killed_are_waited_for(tmp_path: Path, name: str) -> None:
    with held(tmp_path / name) as handle:
        threading.Timer(0.2, os.close, (handle,)).start()
        with alone(tmp_path):
            pass


def test_that_wait_is_longer_than_they_take_and_shorter_than_an_orderly_end() -> None:
    assert 2 * GRACE < LAST_RUN_ENDS_IN < PATIENCE
