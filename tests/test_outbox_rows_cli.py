"""`flask outbox status|list|show|retry|park|cancel`: what an organiser sees of the queue, and moving it by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app import create_app
from app.db import writing
from app.delivery import Outcome, OutcomeKind
from app.delivery.breaker import Breaker
from app.delivery.drain import drain
from app.delivery.pause import pause
from app.delivery.sending import claim, settle
from app.extensions import db
from app.models import DeadAddress, Delivery, DeliveryKind, DeliveryState, SignatureState
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

    assert f"sending      PAUSED since {clock():%Y-%m-%d %H:%M} UTC\n" in told
    assert (
        f"mail server  TAKES NOTHING since {clock():%Y-%m-%d %H:%M} UTC: login refused (535); asked again in 60 s."
        in told
    )
    assert "dead         1 addresses" in told


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

    assert lines[0].split() == ["ID", "KIND", "STATE", "TO", "TRIED", "WHEN", "WHY"]
    assert "Senator Cynthia M. Lummis <staff@office.example>" in lines[1]
    assert "a···@example.org" in lines[2]
    assert "ana.maria" not in "".join(lines)


def test_list_keeps_to_the_states_and_the_number_that_were_asked_for(app: Flask, session: Session) -> None:
    first, second, third = (row(session, state) for state in (S.FAILED, S.PARKED, S.FAILED))
    row(session)

    assert run(app, "list", "--state", "failed", "--state", "parked", "--ids").stdout == f"{third}\n{second}\n{first}\n"
    assert run(app, "list", "--state", "failed", "--limit", "1", "--ids").stdout == f"{third}\n"
    assert [one["state"] for one in json.loads(run(app, "list", "--json", "--limit", "2").stdout)] == [
        "queued",
        "failed",
    ]
    assert run(app, "list", "--state", "bounced").stderr == "There are none.\n"
    assert "'sent' is not one of" in run(app, "list", "--state", "sent", code=2).stderr


def test_show_tells_everything_that_happened_with_the_servers_words(app: Flask, session: Session) -> None:
    identifier = row(session)
    claimed = claim(session, NOW)
    assert claimed is not None
    settle(session, claimed, Outcome(OutcomeKind.TRANSIENT, "refused", 451, said="4.7.0 too many"), policy(), NOW)

    told = run(app, "show", str(identifier)).stdout

    assert f"id           {identifier}\n" in told
    assert "2026-11-24T17:00:00Z  queued   refused  451   4.7.0 too many" in told
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
