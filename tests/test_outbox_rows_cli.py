"""`flask outbox status|list|show|retry|park|cancel`: what an organiser sees of the queue, and moving it by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app import create_app
from app.db import writing
from app.delivery import Outcome, OutcomeKind
from app.delivery.breaker import Breaker, Refusal, refusal
from app.delivery.drain import drain
from app.delivery.outbox import ANSWERED, bounce, note
from app.delivery.pause import pause
from app.delivery.sending import claim, settle
from app.extensions import db
from app.models import DeadAddress, Delivery, DeliveryKind, DeliveryState, SignatureState
from tests.conftest import OpenSandbox
from tests.delivery.factories import (
    ACCEPTED,
    NOW,
    PERMANENT,
    TRANSIENT,
    UNKNOWN,
    ScriptedSender,
    delivery,
    moves,
    policy,
    reread,
    signature,
)
from tests.delivery.queue import empty_disk, fill_disk
from tests.factories import Clock, config
from tests.heartbeats import beat
from tests.test_outbox_cli import run

S, K = DeliveryState, DeliveryKind
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
def app(sandbox: Flask) -> Flask:
    """The application whose commands see the time of `clock`."""
    return sandbox


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """The session of its commands."""
    with app.app_context():
        yield db.session()


def row(session: Session, state: DeliveryState = S.QUEUED, kind: DeliveryKind = K.LETTER, **columns: object) -> int:
    lease = {"lease": "a", "leased_until": NOW} if state is S.SENDING else {}
    with writing(session):
        return delivery(session, signature(session), kind=kind, state=state, **(lease | columns)).id  # type: ignore[arg-type]


def failed(session: Session) -> int:
    """A letter that mail could not bring, so that its signer shall."""
    identifier = row(session)
    claimed = claim(session, NOW)
    assert claimed is not None
    settle(session, claimed, PERMANENT, policy(), NOW)
    return identifier


# --- status -----------------------------------------------------------------------------------------------------------


def test_status_counts_by_state_and_kind_and_says_that_all_is_well(app: Flask, session: Session, clock: Clock) -> None:
    for _ in range(2):
        row(session, due=clock() - 90 * MINUTE)
    row(session, kind=K.COPY, due=clock() + 3 * MINUTE)
    row(session, S.ACCEPTED, K.CONFIRMATION, due=None)
    beat(session, clock() - 30 * SECOND)

    lines = run(app, "status").stdout.splitlines()

    assert lines[:3] == [
        "STATE     LETTER  CONFIRMATION  COPY  ALL",
        "queued         2             -     1    3",
        "accepted       -             1     -    1",
    ]
    assert lines[4:9] == [
        "due now      2, the oldest for 90 min; the next one in 3 min",
        "rate         0.0 a minute over the last 5 minutes",
        "sending      on",
        "mail server  takes what it is given, as far as we know",
        "worker       alive",
    ]


@pytest.mark.file
def test_status_tells_what_keeps_a_worker_from_showing_life(app: Flask, session: Session, clock: Clock) -> None:
    beat(session, clock())
    clock.forward(minutes=3)
    fill_disk(session)

    said = run(app, "status").stdout

    assert "since 2026-11-24 17:00 UTC: the database takes no change (the disk is full)" in said
    empty_disk(session)


def test_status_tells_a_worker_that_was_stopped_from_one_that_was_killed_or_hangs(
    app: Flask, session: Session, clock: Clock
) -> None:
    assert "worker       NOT RUNNING: it was stopped, or never started." in run(app, "status").stdout
    assert json.loads(run(app, "status", "--json").stdout)["worker_last_seen"] is None

    beat(session, clock() - 3 * MINUTE)

    assert "worker       LATE: it has shown no life since 2026-11-24 16:57 UTC;" in run(app, "status").stdout
    told = json.loads(run(app, "status", "--json").stdout)
    assert (told["worker"], told["worker_last_seen"]) == ("late", "2026-11-24T16:57:00Z")


def test_status_tells_the_paces_of_the_settings(open_sandbox: OpenSandbox) -> None:
    def rate(**settings: str) -> str:
        lines = run(open_sandbox(**settings), "status").stdout.splitlines()
        return next(line.partition(" minutes")[2] for line in lines if line.startswith("rate"))

    assert rate() == ""
    assert rate(MAIL_RATE="120") == " (MAIL_RATE is 120 a minute)"
    assert rate(OFFICE_RATE="10") == " (OFFICE_RATE is 10 a minute to each office)"
    assert rate(MAIL_RATE="120", OFFICE_RATE="10").startswith(" (MAIL_RATE is 120 a minute, OFFICE_RATE is 10")


def test_status_of_a_new_site_says_that_nothing_has_been_written(app: Flask, session: Session) -> None:
    assert run(app, "status").stdout.startswith("Nothing has been written yet.\n\ndue now      nothing\n")


def test_status_tells_how_fast_messages_went_lately(app: Flask, session: Session, clock: Clock) -> None:
    for number in range(20):
        row(session, due=clock() - 9 * MINUTE, recipient=f"{number}@example.org")
    drain(session, ScriptedSender(), policy(), lambda: clock() - 6 * MINUTE, lambda _s: False)
    for number in range(10):
        row(session, recipient=f"{number}@example.org")
    drain(session, ScriptedSender([TRANSIENT, *[ACCEPTED] * 9]), policy(), clock, lambda _s: False)

    assert "rate         1.8 a minute over the last 5 minutes" in run(app, "status").stdout


def test_status_says_what_stands_in_the_way(app: Flask, session: Session, clock: Clock) -> None:
    with writing(session):
        pause(session, "sandbox", clock())
        session.add(DeadAddress(digest=b"x" * 32, since=clock()))
    Breaker("sandbox").note(session, Outcome(OutcomeKind.CHANNEL, "login refused", 535), clock())

    told = run(app, "status").stdout

    since = f"{clock():%Y-%m-%d %H:%M} UTC"
    assert f"sending      PAUSED since {since}. To go on: .venv/bin/flask outbox resume\n" in told
    assert f"mail server  TAKES NOTHING since {since}: login refused (535); it is asked again in 60 s." in told
    assert "dead         1 address, to which nothing" in told


def test_status_as_json_says_the_same(app: Flask, session: Session, clock: Clock) -> None:
    row(session, due=clock() - MINUTE)
    Breaker("sandbox").note(session, Outcome(OutcomeKind.CHANNEL, "login refused", 535), clock())

    told = json.loads(run(app, "status", "--json").stdout)

    assert told["deliveries"] == [{"state": "queued", "kind": "letter", "count": 1}]
    assert (told["due"], told["paused_since"], told["dead_addresses"]) == (1, None, 0)
    assert told["refused"]["code"] == 535


# --- list and show ----------------------------------------------------------------------------------------------------


def test_list_shows_the_newest_first_with_signers_masked_and_offices_in_full(app: Flask, session: Session) -> None:
    row(session, kind=K.COPY, recipient="ana.maria@example.org")
    row(session, recipient="staff@office.example")

    lines = run(app, "list").stdout.splitlines()

    assert lines[0].split() == ["ID", "KIND", "STATE", "SINCE", "NEXT", "TRY", "TRIED", "WHY", "TO"]
    assert "Senator Cynthia M. Lummis <staff@office.example>" in lines[1]
    assert "a···@example.org" in lines[2]
    assert "ana.maria" not in "".join(lines)


def test_list_tells_what_was_from_what_is_to_come(app: Flask, session: Session, clock: Clock) -> None:
    waiting, due = row(session, due=clock() + timedelta(hours=9)), row(session, due=clock() - MINUTE)
    ended = row(session, S.ACCEPTED, due=clock() - MINUTE, ended_at=clock() - 2 * MINUTE)

    cells = [re.split(r" {2,}", line) for line in run(app, "list").stdout.splitlines()[1:]]

    assert [(line[0], line[3], line[4]) for line in cells] == [
        (str(ended), "2026-11-24 16:58 UTC", "-"),
        (str(due), "2026-11-24 17:00 UTC", "due"),
        (str(waiting), "2026-11-24 17:00 UTC", "in 9 h"),
    ]


def test_an_office_without_an_address_is_its_name(app: Flask, session: Session) -> None:
    identifier = row(session, S.OFFERED, due=None, recipient="")

    assert run(app, "list").stdout.endswith("  -    Senator Cynthia M. Lummis\n")
    assert "\nto           Senator Cynthia M. Lummis\n" in run(app, "show", str(identifier)).stdout


def test_since_when_it_is_back_is_told_of_one_that_bounced(app: Flask, session: Session) -> None:
    identifier = row(session)
    drain(session, ScriptedSender(), policy(), lambda: NOW, lambda _s: False)
    with writing(session):
        bounce(session, session.get_one(Delivery, identifier), NOW + 20 * MINUTE, 550, "550 5.1.1 no such user")
        note(session, session.get_one(Delivery, identifier), NOW + 30 * MINUTE, ANSWERED)

    told = run(app, "show", str(identifier)).stdout

    assert "state        bounced\nsince        2026-11-24 17:20 UTC\n" in told
    assert "ended" not in told
    assert "2026-11-24 17:20 UTC  bounced   came back  550   5.1.1 no such user\n" in told
    assert json.loads(run(app, "show", str(identifier), "--json").stdout)["since"] == "2026-11-24T17:20:00Z"


def test_list_keeps_to_the_states_and_the_number_that_were_asked_for(app: Flask, session: Session) -> None:
    first, second, third = (row(session, state) for state in (S.FAILED, S.PARKED, S.FAILED))
    row(session)

    assert run(app, "list", "--state", "failed", "--state", "parked", "--ids").stdout == f"{third}\n{second}\n{first}\n"
    assert run(app, "list", "--state", "failed", "--limit", "1", "--ids").stdout == f"{third}\n"
    assert json.loads(run(app, "list", "--state", "failed", "--ids", "--json").stdout) == [third, first]
    assert [one["state"] for one in json.loads(run(app, "list", "--json", "--limit", "2").stdout)] == [
        "queued",
        "failed",
    ]
    assert run(app, "list", "--state", "bounced").stderr == "There are none.\n"
    assert "'sent' is not one of" in run(app, "list", "--state", "sent", code=2).stderr


def test_show_tells_everything_that_happened_with_the_servers_words(app: Flask, session: Session, clock: Clock) -> None:
    identifier = row(session)
    claimed = claim(session, NOW)
    assert claimed is not None
    settle(session, claimed, Outcome(OutcomeKind.TRANSIENT, "refused", 451, said="4.7.0 too many"), policy(), NOW)

    told = run(app, "show", str(identifier)).stdout

    assert f"id           {identifier}\n" in told
    assert "next try     in 2 min (2026-11-24 17:02 UTC)\ntried        1 time\n" in told
    assert "2026-11-24 17:00 UTC  queued   refused  451   4.7.0 too many" in told
    assert json.loads(run(app, "show", str(identifier), "--json").stdout)["events"][-1]["said"] == "4.7.0 too many"


@pytest.mark.parametrize("number", ["0", "999", "-1", "99999999999999999999"])
@pytest.mark.parametrize("command", ["show", "retry", "park", "cancel"])
def test_an_unknown_number_is_said_and_changes_nothing(app: Flask, session: Session, command: str, number: str) -> None:
    there = row(session)
    arguments = [number] if command == "show" else [str(there), number]

    assert f"There is no delivery {number}." in run(app, command, "--", *arguments, code=1).stderr
    assert (reread(session, there).state, moves(reread(session, there))) == (S.QUEUED, [])


# --- moving by hand ---------------------------------------------------------------------------------------------------


def test_retry_sends_what_waits_at_once_with_all_its_attempts(app: Flask, session: Session, clock: Clock) -> None:
    identifier = row(session, due=clock() + timedelta(hours=9), attempts=5)

    assert run(app, "retry", str(identifier)).stderr == "1 delivery will be sent.\n"

    found = reread(session, identifier)
    assert (found.state, found.due_at, found.attempts) == (S.QUEUED, clock(), 0)
    assert moves(found) == [(S.QUEUED, "by a person")]


def test_retry_asks_a_mail_server_that_is_left_in_peace(app: Flask, session: Session, clock: Clock) -> None:
    identifier = row(session)
    refused_us = Outcome(OutcomeKind.CHANNEL, "login refused", 535)
    drain(session, ScriptedSender([refused_us]), policy(), clock, lambda _s: False)
    assert claim(session, clock()) is None

    told = run(app, "retry", str(identifier)).stderr

    first, second = told.splitlines()
    assert first == "1 delivery will be sent."
    assert second == "The mail server, which took nothing, is asked again with the next message."
    assert refusal(session) == Refusal(clock(), "login refused", 535, clock())
    assert drain(session, ScriptedSender([refused_us]), policy(), clock, lambda _s: False) == 1
    assert refusal(session) == Refusal(clock(), "login refused", 535, clock() + MINUTE)  # no longer than before


def test_since_is_when_it_came_into_its_state_and_not_when_somebody_moved_it_there_again(
    app: Flask, session: Session, clock: Clock
) -> None:
    identifier = row(session, S.PARKED)
    run(app, "retry", str(identifier))
    since = json.loads(run(app, "show", str(identifier), "--json").stdout)["since"]
    clock.forward(hours=48)
    run(app, "retry", str(identifier))

    assert json.loads(run(app, "show", str(identifier), "--json").stdout)["since"] == since


def test_retry_during_a_pause_says_that_it_waits_until_sending_goes_on(app: Flask, session: Session) -> None:
    first, second = row(session, S.FAILED), row(session, S.FAILED)
    with writing(session):
        pause(session, "sandbox", NOW)

    assert run(app, "retry", str(first), str(second)).stderr == (
        "2 deliveries will be sent when sending goes on. It has been paused since 2026-11-24 17:00 UTC. "
        "To go on: .venv/bin/flask outbox resume\n"
    )
    assert reread(session, first).state is S.QUEUED


def test_a_retry_that_is_refused_leaves_the_mail_server_in_peace(app: Flask, session: Session, clock: Clock) -> None:
    Breaker("sandbox").note(session, Outcome(OutcomeKind.CHANNEL, "login refused", 535), clock())

    run(app, "retry", str(row(session, S.ACCEPTED)), code=1)

    assert refusal(session) == Refusal(clock(), "login refused", 535, clock() + MINUTE)


def test_retry_of_a_failed_letter_takes_it_from_its_signer(app: Flask, session: Session) -> None:
    identifier = failed(session)
    handoff = reread(session, identifier).letter.deliveries[-1].id  # type: ignore[union-attr]
    assert reread(session, handoff).state is S.OFFERED

    run(app, "retry", str(identifier))

    assert reread(session, handoff).state is S.CANCELLED
    found = reread(session, identifier)
    assert (found.state, found.ended_at, found.unknowns) == (S.QUEUED, None, 0)
    sender = ScriptedSender()
    drain(session, sender, policy(), lambda: NOW + timedelta(days=1), lambda _s: False)
    assert [mail.mail for mail in sender.sent] == [found.mail]


def test_retry_of_a_letter_that_its_signer_has_delivered_is_refused(app: Flask, session: Session) -> None:
    identifier = failed(session)
    with writing(session):
        session.get_one(Delivery, identifier).letter.deliveries[-1].state = S.REPORTED  # type: ignore[union-attr]

    assert "its signer says that they have delivered it by hand" in run(app, "retry", str(identifier), code=1).stderr
    assert reread(session, identifier).state is S.FAILED


def test_retry_of_what_is_deleted_or_taken_back_is_refused(app: Flask, session: Session) -> None:
    deleted, withdrawn = row(session, S.FAILED, mail=None), row(session, S.FAILED)
    with writing(session):
        session.get_one(Delivery, withdrawn).signature.state = SignatureState.WITHDRAWN  # type: ignore[union-attr]

    for identifier in (deleted, withdrawn):
        assert (
            "its text has been deleted, or its signer has taken it back"
            in run(app, "retry", str(identifier), code=1).stderr
        )
        assert reread(session, identifier).state is S.FAILED


def test_a_parked_message_goes_once_more_and_may_be_parked_again(app: Flask, session: Session) -> None:
    identifier = row(session, S.PARKED, unknowns=2, attempts=2)
    run(app, "retry", str(identifier))

    drain(
        session, ScriptedSender([UNKNOWN, UNKNOWN]), policy(unknown=MINUTE), lambda: NOW + 9 * MINUTE, lambda _s: False
    )
    assert (reread(session, identifier).state, reread(session, identifier).unknowns) == (S.QUEUED, 1)


ALLOWED = {
    "retry": {S.QUEUED, S.FAILED, S.PARKED},
    "park": {S.QUEUED},
    "cancel": {S.HELD, S.QUEUED, S.PARKED, S.OFFERED, S.STUCK},
}


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("command", ALLOWED)
def test_a_move_that_is_not_allowed_is_said_and_changes_nothing(
    app: Flask, session: Session, command: str, state: DeliveryState
) -> None:
    identifier = row(session, state)
    other = row(session)
    after = {"retry": S.QUEUED, "park": S.PARKED, "cancel": S.CANCELLED}[command]
    if state in ALLOWED[command]:
        run(app, command, str(identifier))
        assert (reread(session, identifier).state, moves(reread(session, identifier))) == (
            after,
            [(after, "by a person")],
        )
        return

    refused = run(app, command, str(other), str(identifier), code=1)

    assert f"Delivery {identifier}: it is {state}, and not " in refused.stderr
    assert refused.stderr.endswith("Nothing was changed.\n")
    assert [reread(session, one).state for one in (other, identifier)] == [S.QUEUED, state]
    assert moves(reread(session, other)) == []


def test_several_are_moved_together_and_one_named_twice_is_one(app: Flask, session: Session) -> None:
    first, second = row(session), row(session)

    assert run(app, "park", str(first), str(second), str(first)).stderr == "2 deliveries parked.\n"
    assert run(app, "cancel", str(first)).stderr == "1 delivery cancelled.\n"
    assert [reread(session, one).state for one in (first, second)] == [S.CANCELLED, S.PARKED]


@pytest.mark.parametrize("command", ["status", "list", "show", "retry"])
def test_without_a_site_a_sentence_says_so(tmp_path: Path, command: str) -> None:
    arguments = ["1"] if command in {"show", "retry"} else []

    told = run(create_app(config(tmp_path)), command, *arguments, code=1).stderr

    assert "bin/run" in told
