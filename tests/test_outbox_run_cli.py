"""`flask outbox run|once` as processes, over real SMTP: what they send, when they stop, and what they refuse."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.db import writing
from app.delivery import Outcome, OutcomeKind
from app.delivery.breaker import Breaker
from app.delivery.pause import pause, resume
from app.models import DeliveryKind, DeliveryState
from config import ROOT
from tests.delivery.factories import NOW, delivery, reread, signature
from tests.factories import LIVE, database_of
from tests.smtp_server import Server, scripted
from tests.test_outbox_cli import run

S = DeliveryState


def queued(session: Session, count: int = 1) -> list[int]:
    with writing(session):
        signer = signature(session)
        return [
            delivery(session, signer, kind=DeliveryKind.COPY, recipient=f"ana{number}@example.org").id
            for number in range(count)
        ]


def environment(data_dir: Path, server: Server, **more: str) -> dict[str, str]:
    settings = {**LIVE, "MAIL_PORT": str(server.port), "MAIL_TIMEOUT": "5s"}
    return {"PATH": os.environ["PATH"], "DATA_DIR": str(data_dir), **database_of(data_dir), **settings, **more}


def command(name: str) -> list[str]:
    return [sys.executable, "-m", "flask", "outbox", name]


def once(data_dir: Path, server: Server, code: int = 0, **more: str) -> str:
    """Its standard error."""
    ran = subprocess.run(
        command("once"), cwd=ROOT, env=environment(data_dir, server, **more), capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == code, ran.stderr
    assert ran.stdout == ""
    return ran.stderr


def test_once_sends_what_is_due_and_says_what_came_of_it(session: Session, data_dir: Path) -> None:
    identifiers = queued(session, 5)

    with scripted(rcpt=["250 ok", "550 nobody", "452 full"]) as server:
        told = once(data_dir, server)

    last = r"^3 accepted, 1 put off, 1 refused for good; 0 left now, 1 for later, \d+ a minute$"
    assert re.search(last, told, re.MULTILINE)
    states = [reread(session, one).state for one in identifiers]
    assert states == [S.ACCEPTED, S.FAILED, S.QUEUED, S.ACCEPTED, S.ACCEPTED]
    assert len(server.taken) == 3


def test_once_keeps_to_the_pace_and_still_sends_everything(session: Session, data_dir: Path) -> None:
    queued(session, 4)

    with scripted() as server:
        told = once(data_dir, server, MAIL_RATE="120")

    assert told.startswith("4 accepted; 0 left now, ")
    assert server.connections == 1  # a server counts logins


def test_once_ends_at_a_server_that_takes_nothing(session: Session, data_dir: Path) -> None:
    identifiers = queued(session, 3)

    with scripted(mail=["550 account suspended"] * 9) as server:
        told = once(data_dir, server)

    assert "0 accepted, 1 not taken by the mail server; 3 left now, " in told
    assert told.splitlines()[-1].startswith("The mail server has taken nothing since 20")
    assert {reread(session, one).attempts for one in identifiers} == {0}


def test_once_says_that_the_mail_server_is_left_in_peace(session: Session, data_dir: Path) -> None:
    queued(session)
    Breaker("live").note(session, Outcome(OutcomeKind.CHANNEL, "login refused", 535), datetime.now(UTC))

    with scripted() as server:
        told = once(data_dir, server)

    first, second = told.splitlines()
    assert first == "0 accepted; 1 left now, 0 a minute"
    assert re.fullmatch(
        r"The mail server has taken nothing since \S+ \S+ UTC: login refused \(535\); it is asked again in 5\d s\. "
        r"See: \.venv/bin/flask doctor",
        second,
    )
    assert server.taken == []


def test_once_says_that_sending_is_paused(session: Session, data_dir: Path) -> None:
    queued(session)
    with writing(session):
        pause(session, "live", NOW)

    with scripted() as server:
        told = once(data_dir, server)

    assert told.splitlines()[1:] == [
        "Sending has been paused since 2026-11-24 17:00 UTC. To go on: .venv/bin/flask outbox resume"
    ]
    assert server.taken == []


def test_run_says_what_it_waits_for_and_goes_on(session: Session, data_dir: Path) -> None:
    (waiting,) = queued(session)
    with writing(session):
        pause(session, "live", NOW)

    with (
        scripted() as server,
        subprocess.Popen(
            command("run"), cwd=ROOT, env=environment(data_dir, server), stderr=subprocess.PIPE, text=True
        ) as child,
    ):
        assert child.stderr is not None
        said = [child.stderr.readline() for _ in range(2)]
        with writing(session):
            resume(session, NOW)
        server.wait_for(1)
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=30)

    assert said[0] == "Started. Ctrl-C stops after the message in hand.\n"
    assert said[1].startswith("Sending has been paused since 2026-11-24 17:00 UTC. To go on:")
    assert reread(session, waiting).state is S.ACCEPTED


@contextlib.contextmanager
def lock_of_a_worker(data_dir: Path) -> Iterator[None]:
    with (data_dir / "worker.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


@pytest.mark.file
@pytest.mark.parametrize("name", ["run", "once"])
def test_beside_a_worker_nothing_is_sent(session: Session, data_dir: Path, name: str) -> None:
    queued(session)

    with scripted() as server, lock_of_a_worker(data_dir):
        ran = subprocess.run(
            command(name), cwd=ROOT, env=environment(data_dir, server), capture_output=True, text=True, timeout=60
        )

    assert ran.returncode == 1
    assert re.fullmatch("Error: A worker is sending already: .*\n", ran.stderr)
    assert server.taken == []


@pytest.mark.parametrize("name", ["run", "once"])
def test_a_sandbox_is_sent_by_bin_run_alone(app: Flask, name: str) -> None:
    assert re.fullmatch("Error: .*only bin/run knows.*\n", run(app, name, code=1).stderr)


def test_run_goes_on_until_it_is_told_to_stop_and_finishes_the_message_in_hand(
    session: Session, data_dir: Path
) -> None:
    gate = threading.Event()
    (first,) = queued(session)
    with (
        scripted(dot=[(gate, "250 queued")]) as server,
        subprocess.Popen(
            command("run"), cwd=ROOT, env=environment(data_dir, server), stderr=subprocess.PIPE, text=True
        ) as child,
    ):
        server.wait_for(1)
        queued(session)
        child.send_signal(signal.SIGTERM)
        time.sleep(0.5)  # it hears of it before the server answers, on a busy machine too
        gate.set()
        _out, told = child.communicate(timeout=30)

    assert child.returncode == 0, told
    assert reread(session, first).state is S.ACCEPTED
    assert len(server.taken) == 1
    assert "1 accepted; 1 left now, " in told


def test_on_a_terminal_a_line_tells_how_far_it_is(session: Session, data_dir: Path) -> None:
    queued(session, 3)
    pauses = [threading.Event() for _ in range(3)]
    ours, theirs = pty.openpty()
    with (
        scripted(dot=[(pause, "250 queued") for pause in pauses]) as server,
        subprocess.Popen(command("once"), cwd=ROOT, env=environment(data_dir, server), stderr=theirs) as child,
    ):
        os.close(theirs)
        for number, pause in enumerate(pauses, start=1):
            server.wait_for(number)
            time.sleep(0.25)  # the line is drawn five times a second at most
            pause.set()
        seen = b"".join(iter(lambda: _read(ours), b""))
        assert child.wait(30) == 0
    os.close(ours)

    lines = [line.partition(b"\x1b[K")[2].decode() for line in seen.split(b"\r") if b"\x1b[K" in line]
    told = [line.partition(" now,")[0] for line in lines]
    ways = [f"{number} accepted; {3 - number} left" for number in range(4)]
    assert told[0] == ways[0]
    assert [ways.index(line) for line in told] == sorted(ways.index(line) for line in told)  # a slow one may be skipped
    assert b"3 accepted; 0 left now" in seen


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""
