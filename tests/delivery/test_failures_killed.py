"""Workers that are killed at the worst moment, and others beside them (DELIVERY §9).

Each with the mails that the server has accepted in the end, and what the signer reads of the letter.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app.models import Delivery, DeliveryKind, DeliveryState
from tests.databases import write_lock
from tests.delivery.factories import moves
from tests.delivery.halting_worker import Step
from tests.delivery.letters import AT_IT, ITS_TURN, NOT_CERTAIN, ONE, Letters, written
from tests.delivery.processes import PATIENCE, kill_at_its_step, until, worker
from tests.delivery.test_smtp_tls import sender_to
from tests.factories import Clock
from tests.smtp_server import HANG, Server, scripted
from tests.worker_process import REFUSED

LONG_AGO = datetime(2026, 1, 5, 17, 0, tzinfo=UTC)  # the workers look at the real clock
IN_DOUBT = "Trying again: We do not know whether the mail server took it. We send it once more on "
ACCEPTED = "Accepted: The mail server accepted it on "


@pytest.fixture
def letter(sandbox: Flask, clock: Clock, data_dir: Path) -> Letters:
    """One letter that waits."""
    clock.now = LONG_AGO
    return written(sandbox, clock, data_dir, ONE)


def told(letter: Letters) -> str:
    """What the receipt says."""
    (words,) = letter.told()
    return words


def kill_at(step: Step, letter: Letters, server: Server, go_on: threading.Event, messages: int = 1) -> None:
    """Run a worker until the server has said 250, and kill it at a step after that."""
    with worker(letter.data_dir, server, step) as child:
        server.wait_for(messages)
        with write_lock(letter.data_dir) if step is Step.SETTLING else contextlib.nullcontext():
            go_on.set()
            kill_at_its_step(child)


def the_lease_ends(letter: Letters) -> None:
    """The clock of this test goes to where the killed worker's has no right any more."""
    with letter.session() as session:
        until = session.scalars(select(Delivery.leased_until).where(Delivery.state == DeliveryState.SENDING)).one()
    assert until is not None
    letter.clock.now = until + timedelta(seconds=1)


@pytest.mark.file
@pytest.mark.parametrize("step", Step)
def test_killed_between_the_servers_250_and_our_commit_it_goes_once_more_byte_by_byte(
    letter: Letters, step: Step
) -> None:
    go_on = threading.Event()
    with scripted(dot=[(go_on, "250 queued")]) as server:
        kill_at(step, letter, server, go_on)
        assert told(letter) == AT_IT
        assert len(server.accepted) == 1

        letter.restart(sender_to(server.port, {}))
        assert told(letter).startswith(IN_DOUBT)
        assert len(server.accepted) == 1

        letter.clock.forward(hours=1)
        letter.deliver(sender_to(server.port, {}))

    assert told(letter).startswith(ACCEPTED)
    first, second = server.accepted
    assert first.mail == second.mail
    assert message_from_bytes(first.mail)["Message-ID"]


@pytest.mark.file
def test_killed_after_acceptance_twice_a_person_decides(letter: Letters) -> None:
    go_on = [threading.Event(), threading.Event()]
    with scripted(dot=[(event, "250 queued") for event in go_on]) as server:
        kill_at(Step.ACCEPTED, letter, server, go_on[0])
        assert letter.recover(abandoned=True) == 1
        assert told(letter).startswith(IN_DOUBT)

        kill_at(Step.ACCEPTED, letter, server, go_on[1], messages=2)
        letter.restart(sender_to(server.port, {}))
        assert told(letter) == NOT_CERTAIN

        letter.clock.forward(days=1)
        letter.deliver(sender_to(server.port, {}))

    assert told(letter) == NOT_CERTAIN
    first, second = server.accepted
    assert first.mail == second.mail


@pytest.mark.file
def test_killed_after_its_claim_the_next_worker_sends_the_letter(letter: Letters) -> None:
    with scripted(connect=[HANG]) as server:
        with worker(letter.data_dir, server) as child:
            until(lambda: told(letter) == AT_IT)
            child.kill()
            child.wait()
        assert told(letter) == AT_IT
        assert server.accepted == []

        with worker(letter.data_dir, server):
            until(lambda: told(letter).startswith(ACCEPTED))

    assert len(server.accepted) == 1
    with letter.session() as session:
        (found,) = session.scalars(select(Delivery).where(Delivery.kind == DeliveryKind.LETTER))
        assert [why for _state, why in moves(found)][-4:] == ["claimed", "sender died", "claimed", "accepted"]


@pytest.mark.usefixtures("on_server")
@pytest.mark.parametrize("step", [None, Step.SETTLED])
def test_on_a_server_a_killed_workers_letter_is_left_alone_until_its_lease_is_over(
    letter: Letters, step: Step | None
) -> None:
    """Others may be alive on other hosts: being dead shows only then."""
    with scripted(connect=[HANG] if step is None else []) as server:
        with worker(letter.data_dir, server, step) as child:
            if step is None:
                until(lambda: told(letter) == AT_IT)
                child.kill()
                child.wait()
            else:
                kill_at_its_step(child)
        accepted = len(server.accepted)
        letter.clock.now = datetime.now(UTC)
        assert letter.recover() == 0
        letter.deliver(sender_to(server.port, {}))
        assert told(letter) == AT_IT

        the_lease_ends(letter)
        until(lambda: letter.recover() == 1)  # the killed one's transaction may not have ended yet
        assert told(letter).startswith(IN_DOUBT)
        letter.clock.forward(hours=1)
        letter.deliver(sender_to(server.port, {}))

    assert told(letter).startswith(ACCEPTED)
    assert (accepted, len(server.accepted)) == ((0, 1) if step is None else (1, 2))
    assert len({one.mail for one in server.accepted}) == 1


@pytest.mark.file
def test_told_to_end_while_it_sends_it_finishes_the_letter_and_begins_no_other(
    sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    clock.now = LONG_AGO
    letters = written(sandbox, clock, data_dir)
    go_on = threading.Event()
    with scripted(dot=(go_on, "250 queued")) as server, worker(data_dir, server) as child:
        server.wait_for(1)
        child.send_signal(signal.SIGTERM)
        assert letters.told() == [AT_IT, ITS_TURN, ITS_TURN]
        go_on.set()
        assert child.wait(PATIENCE) == 0

    first, *others = letters.told()
    assert first.startswith(ACCEPTED)
    assert others == [ITS_TURN] * 2
    assert len(server.accepted) == 1


@pytest.mark.file
def test_of_two_workers_that_begin_at_once_one_sends_and_the_other_ends(letter: Letters) -> None:
    go_on = threading.Event()
    with (
        scripted(dot=(go_on, "250 queued")) as server,
        worker(letter.data_dir, server) as one,
        worker(letter.data_dir, server) as other,
    ):
        server.wait_for(1)
        until(lambda: {one.poll(), other.poll()} == {None, REFUSED})
        assert told(letter) == AT_IT
        go_on.set()
        until(lambda: told(letter).startswith(ACCEPTED))

    assert len(server.accepted) == 1
