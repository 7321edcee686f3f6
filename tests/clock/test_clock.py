"""Which clock is believed: by the pages and commands, by a start, and by a worker that runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.cli.clock import clock as commands
from app.clock import certain_moment, doubt
from app.clock.second_source import is_vouched_for
from app.clock.steady import Steady
from app.clock.watch import Watch
from app.db import DatabaseUnavailable, writing
from app.delivery.breaker import site_state
from app.extensions import db
from app.heartbeat import Heart
from app.models import Heartbeat
from tests.clock.factories import certain
from tests.databases import write_lock
from tests.delivery.factories import delivery, signature
from tests.heartbeats import beat

NOW = datetime.now(UTC)  # that of a server that keeps the database
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EXPLAINED = [timedelta(), HOUR, 2 * DAY, 3 * DAY, -HOUR, -timedelta(minutes=5)]
IN_DOUBT = [3 * DAY + timedelta(seconds=1), 30 * DAY, 365 * DAY, 400 * DAY, -HOUR - timedelta(seconds=1), -400 * DAY]


@pytest.mark.parametrize("off", EXPLAINED)
def test_a_clock_that_an_ordinary_stop_explains_is_believed(session: Session, off: timedelta) -> None:
    certain(session, NOW)

    assert doubt(session, NOW + off) is None


@pytest.mark.parametrize("off", IN_DOUBT)
def test_a_clock_that_nothing_explains_is_in_doubt(session: Session, off: timedelta) -> None:
    certain(session, NOW)

    found = doubt(session, NOW + off)

    assert found is not None
    assert f"{NOW + off:%Y-%m-%d %H:%M} UTC, and the last moment that is certain here is {NOW:%Y-%m-%d}" in found.told


def test_while_a_worker_lives_there_was_no_stop_that_could_explain_anything(session: Session) -> None:
    certain(session, NOW)
    beat(session, NOW + 2 * DAY)

    for off in (timedelta(), timedelta(minutes=1), -timedelta(minutes=1)):
        assert doubt(session, NOW + 2 * DAY + off) is not None
    assert doubt(session, NOW + 2 * DAY + timedelta(seconds=61)) is None
    assert doubt(session, NOW + timedelta(minutes=2)) is None


def test_a_site_that_was_never_started_knows_of_no_doubt(session: Session) -> None:
    assert doubt(session, NOW + 400 * DAY) is None


def test_a_first_start_takes_the_newest_moment_that_the_database_knows(session: Session) -> None:
    with writing(session):
        signer = signature(session, NOW - 50 * DAY)
        waits = delivery(session, signer, NOW + 400 * DAY)  # what is to come is no sign of what has been
        waits.created_at = NOW - 20 * DAY
        site_state(session, "sandbox")
        session.flush()
        clock.begin(session, NOW + 400 * DAY)

    assert certain_moment(session) == NOW - 20 * DAY
    with writing(session):
        clock.begin(session, NOW)
    assert certain_moment(session) == NOW - 20 * DAY  # what is certain already stays


class Machine:
    """A machine whose time a test sets: what its clock says, how long it runs, and whether a time server vouches."""

    def __init__(self) -> None:
        self.now = NOW
        self.ran = 100.0
        self.vouches = False
        self.asked = 0

    def forward(self, by: timedelta) -> None:
        """Time passes."""
        self.now += by
        self.ran += by.total_seconds()

    def watch(self) -> Watch:
        def vouched(_now: datetime) -> bool:
            self.asked += 1
            return self.vouches

        return Watch(vouched, lambda: self.ran)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def lives(session: Session, machine: Machine) -> Callable[[Watch], bool]:
    """Show life as a worker with this watch; whether it believes its clock."""
    hearts: dict[int, Heart] = {}

    def show(watch: Watch) -> bool:
        heart = hearts.setdefault(id(watch), Heart(watch))
        heart.beat(session, machine.now)
        return not watch.doubts(machine.now)

    return show


Lives = Callable[[Watch], bool]


def test_before_its_first_look_a_worker_believes_nothing_and_then_what_nothing_speaks_against(
    session: Session, machine: Machine
) -> None:
    watch = machine.watch()
    assert watch.doubts(NOW)

    watch.look(session, NOW)

    assert not watch.doubts(NOW)


@pytest.mark.parametrize("off", EXPLAINED)
def test_after_an_ordinary_stop_a_worker_goes_on_at_once(
    session: Session, machine: Machine, lives: Lives, off: timedelta
) -> None:
    certain(session, NOW - off)

    assert lives(machine.watch())
    assert certain_moment(session) == NOW


@pytest.mark.parametrize("off", IN_DOUBT)
def test_a_worker_in_doubt_writes_nothing_down_that_would_be_believed_after_it(
    session: Session, machine: Machine, lives: Lives, off: timedelta
) -> None:
    certain(session, NOW)
    machine.now += off

    watch = machine.watch()
    assert not lives(watch)
    machine.forward(timedelta(minutes=20))
    assert not lives(watch)

    assert certain_moment(session) == NOW + timedelta(minutes=20)  # that it has come to, whatever the clock says
    assert not lives(machine.watch())  # started once more


@pytest.mark.parametrize("off", [2 * HOUR, 2 * DAY, 400 * DAY, -2 * HOUR, -400 * DAY])
def test_a_clock_that_jumps_under_a_running_worker_is_in_doubt_until_it_is_set_back(
    session: Session, machine: Machine, lives: Lives, off: timedelta
) -> None:
    certain(session, NOW)
    watch = machine.watch()
    assert lives(watch)

    machine.now += off
    assert watch.doubts(machine.now)  # at once, without a look into the database
    assert not lives(watch)
    assert doubt(session, machine.now) is not None
    machine.now -= off
    machine.forward(timedelta(minutes=1))

    assert lives(watch)
    assert doubt(session, machine.now) is None


def test_a_machine_that_slept_for_a_month_is_believed(session: Session, machine: Machine, lives: Lives) -> None:
    certain(session, NOW)
    watch = machine.watch()
    assert lives(watch)

    machine.forward(30 * DAY)

    assert lives(watch)


def test_a_second_source_ends_the_doubt_and_is_asked_once_a_minute(
    session: Session, machine: Machine, lives: Lives, caplog: pytest.LogCaptureFixture
) -> None:
    certain(session, NOW - 365 * DAY)
    watch = machine.watch()
    for _turn in range(6):
        assert not lives(watch)
        machine.forward(timedelta(seconds=10))
    assert machine.asked == 1
    assert len([line for line in caplog.messages if "is certain here" in line]) == 1

    machine.vouches = True
    assert lives(watch)

    assert certain_moment(session) == machine.now
    assert caplog.messages[-1] == "The clock is explained: what is over is deleted again."


def test_a_person_ends_the_doubt(session: Session, machine: Machine, lives: Lives) -> None:
    certain(session, NOW - 365 * DAY)
    watch = machine.watch()
    assert not lives(watch)

    with writing(session):
        clock.confirm(session, machine.now)
    machine.forward(timedelta(seconds=10))

    assert lives(watch)


def test_a_persons_word_is_not_written_over_by_a_worker_that_has_just_looked(
    session: Session, machine: Machine
) -> None:
    certain(session, NOW - 365 * DAY)
    watch = machine.watch()
    watch.look(session, machine.now)
    with writing(session):
        clock.confirm(session, machine.now)

    with writing(session):
        watch.wrote(watch.write(session))

    assert certain_moment(session) == machine.now
    watch.look(session, machine.now)
    assert not watch.doubts(machine.now)


def test_a_worker_in_doubt_forgets_no_other(session: Session, machine: Machine, lives: Lives) -> None:
    certain(session, NOW)
    beat(session, NOW)
    machine.now += 400 * DAY

    lives(machine.watch())

    assert len(session.scalars(select(Heartbeat)).all()) == 2


def test_a_clock_set_right_ends_the_doubt(session: Session, machine: Machine, lives: Lives) -> None:
    certain(session, NOW - HOUR)
    machine.now += 400 * DAY
    watch = machine.watch()
    assert not lives(watch)

    machine.now -= 400 * DAY

    assert lives(watch)


@pytest.mark.parametrize("off", [2 * HOUR, 2 * DAY, 400 * DAY, -2 * DAY])
def test_of_two_workers_only_the_one_whose_clock_is_wrong_is_in_doubt(
    on_server: object, session: Session, off: timedelta
) -> None:
    other, there = Machine(), Machine()
    there.now += off
    certain(session, NOW)
    right, wrong = Heart(watch := other.watch()), Heart(theirs := there.watch())
    for _turn in range(3):
        right.beat(session, other.now)
        other.forward(timedelta(seconds=10))
        there.forward(timedelta(seconds=10))
        wrong.beat(session, there.now)

    assert not watch.doubts(other.now)
    assert theirs.doubts(there.now)
    assert abs((certain_moment(session) or there.now) - other.now) < timedelta(minutes=1)


def test_a_worker_whose_server_has_another_time_believes_no_stop(
    on_server: object, session: Session, machine: Machine, lives: Lives
) -> None:
    certain(session, NOW)
    machine.now += 2 * DAY

    assert not lives(machine.watch())


@pytest.mark.usefixtures("impatient")
def test_signs_that_could_not_be_written_for_hours_are_no_reason_to_doubt(
    app: Flask, session: Session, machine: Machine, lives: Lives, data_dir: Path
) -> None:
    certain(session, NOW)
    watch = machine.watch()
    assert lives(watch)
    db.engine.dispose()
    with write_lock(data_dir):
        for _turn in range(3):
            machine.forward(3 * HOUR)
            with pytest.raises(DatabaseUnavailable):
                lives(watch)

    assert lives(watch)


def test_a_worker_whose_clock_is_behind_shows_life_at_the_time_that_is_certain(
    session: Session, machine: Machine, lives: Lives
) -> None:
    certain(session, NOW)
    machine.now -= 400 * DAY
    watch = machine.watch()
    lives(watch)
    machine.forward(timedelta(minutes=5))

    assert watch.time(machine.now) == NOW + timedelta(minutes=5)
    assert session.scalars(select(Heartbeat.at)).one() == NOW


def test_pages_get_no_old_date_from_a_clock_that_is_behind_and_any_from_one_that_is_ahead(
    session: Session, machine: Machine
) -> None:
    certain(session, NOW)
    steady = Steady(lambda: machine.now, lambda: Session(db.engine), lambda: True)
    assert steady() == NOW

    machine.now = NOW - 400 * DAY
    assert NOW <= steady() < NOW + timedelta(minutes=1)
    machine.now = NOW + 400 * DAY
    assert steady() == machine.now


def test_the_time_of_pages_never_goes_back_by_itself_and_follows_what_is_certain(
    session: Session, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.clock.steady._AGAIN", 0)  # it looks again each time
    certain(session, NOW)
    steady = Steady(lambda: machine.now, lambda: Session(db.engine), lambda: True)
    machine.now = NOW - 400 * DAY

    told = [steady() for _time in range(5)]

    assert told[1] > NOW
    assert told == sorted(set(told))
    for moment in (NOW - 2 * DAY, NOW + 2 * DAY):
        certain(session, moment)
        assert moment <= steady() < moment + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("synchronised", "says", "vouched"),
    [
        ("yes", "%a %Y-%m-%d %H:%M:%S UTC", True),
        ("no", "%a %Y-%m-%d %H:%M:%S UTC", False),
        ("yes", "Tue 2031-01-07 12:00:00 UTC", False),  # a program that was started with another time
        ("yes", "n/a", False),
        ("yes", "", False),
        ("", "%a %Y-%m-%d %H:%M:%S UTC", False),
    ],
)
def test_the_system_vouches_for_its_own_time_alone(
    tmp_path: Path, synchronised: str, says: str, *, vouched: bool
) -> None:
    program = tmp_path / "timedatectl"
    program.write_text(
        f'#!/bin/sh\n[ "$2" = --property=NTPSynchronized ] && echo "{synchronised}" || echo "{NOW.strftime(says)}"\n'
    )
    program.chmod(0o755)

    assert is_vouched_for(NOW, str(program)) is vouched
    assert is_vouched_for(NOW, str(tmp_path / "nothing")) is False


def run(app: Flask, *arguments: str, code: int = 0) -> Result:
    result = app.test_cli_runner().invoke(commands, arguments)
    assert result.exit_code == code, result.output
    return result


def test_the_command_tells_of_a_doubt_by_its_exit_code_and_ends_it(app: Flask, session: Session) -> None:
    certain(session, datetime.now(UTC) - 365 * DAY)

    assert "say so: .venv/bin/flask clock confirm" in run(app, code=1).stderr
    assert "Confirmed: it is " in run(app, "confirm").stderr
    assert "nothing speaks against that" in run(app).stderr
