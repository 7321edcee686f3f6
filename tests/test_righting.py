"""What a clock that was ahead has written does not lie ahead any more when it is right."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Column, select
from sqlalchemy.orm import Session

from app.clock import TO_COME, moments
from app.db import writing
from app.delivery.breaker import refusal, site_state
from app.models import (
    Consent,
    DeadAddress,
    DeliveryEvent,
    DeliveryKind,
    DeliveryState,
    GeocoderAnswer,
    Heartbeat,
    LimitEvent,
    Pace,
)
from app.righting import Furthest, has_false_moments, put_right
from app.signing import REMIND_AFTER
from app.upkeep import Upkeep
from tests import factories
from tests.delivery.factories import NOW, delivery, leave, reread, signature

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FALSE = NOW + 400 * DAY
FURTHEST = Furthest(due=timedelta(hours=60), lease=timedelta(minutes=20))
S = DeliveryState


@pytest.fixture
def written(session: Session) -> None:
    """A row in every table that holds moments, all of a clock that was ahead."""
    with writing(session):
        signer = signature(session, FALSE)
        signer.confirmed_at = signer.erased_at = FALSE
        waits = delivery(session, signer, FALSE, ended_at=FALSE)
        going = delivery(session, signer, FALSE, state=S.SENDING, ended_at=FALSE, lease="x", leased_until=FALSE)
        waits.created_at = going.created_at = FALSE
        row = site_state(session, "live")
        row.paused_at = row.restored_at = row.refused_since = row.refused_until = row.certain_at = FALSE
        session.add_all(
            [
                DeliveryEvent(delivery=waits, at=FALSE, state=S.QUEUED, why="refused"),
                Consent(signature_id=signer.id, sentence="I agree", agreed_at=FALSE),
                LimitEvent(kind="owner", digest=b"x", at=FALSE),
                GeocoderAnswer(key=b"k", congress=119, divisions="", asked_at=FALSE),
                Pace(key="office@example.org", next_at=FALSE),
                Heartbeat(worker="elsewhere:1", at=FALSE),
                DeadAddress(digest=b"d", since=FALSE),
            ]
        )


def found(session: Session) -> Iterator[tuple[Column[datetime], datetime]]:
    session.rollback()
    for _table, column in moments():
        for moment in session.scalars(select(column).where(column.is_not(None))):
            yield column, moment


def test_every_column_of_every_table_is_brought_to_the_present(session: Session, written: None) -> None:
    columns = {str(column) for _table, column in moments()}
    assert {str(column) for column, _moment in found(session)} == columns

    put_right(session, NOW, FURTHEST)

    assert {moment for _column, moment in found(session)} == {NOW}
    assert {str(column) for column, _moment in found(session)} == columns - {"heartbeat.at"}


def test_a_column_whose_moments_lie_ahead_on_purpose_is_named() -> None:
    names = {column.name for _table, column in moments()}

    assert names > TO_COME
    ends = ("_at", "_since", "since", "at", "_until")
    assert {name for name in names if not name.endswith(ends)} == set()
    assert {name for name in names if name.endswith("_until")} < TO_COME


@pytest.mark.parametrize("ahead", [timedelta(), HOUR, 50 * HOUR])
def test_what_waits_its_turn_goes_on_waiting(session: Session, ahead: timedelta) -> None:
    with writing(session):
        identifier = delivery(session, signature(session), NOW + ahead).id

    assert not has_false_moments(session, NOW, FURTHEST)
    assert put_right(session, NOW, FURTHEST) == 0
    assert reread(session, identifier).due_at == NOW + ahead


@pytest.mark.parametrize("kind", [DeliveryKind.LETTER, DeliveryKind.COPY, DeliveryKind.CONFIRMATION])
def test_a_mail_that_was_put_off_for_a_year_goes_at_once(session: Session, data_dir: Path, kind: DeliveryKind) -> None:
    upkeep = Upkeep(factories.config(data_dir))
    with writing(session):
        identifier = delivery(session, signature(session), NOW + 399 * DAY, kind=kind).id
    leave(session, NOW)
    assert reread(session, identifier).state is S.QUEUED

    upkeep.run(session, NOW, lambda _seconds: False)
    leave(session, NOW)

    assert reread(session, identifier).state is S.ACCEPTED


def test_a_reminder_of_a_clock_that_was_ahead_comes_after_its_days_of_silence(session: Session) -> None:
    with writing(session):
        identifier = delivery(session, signature(session), FALSE + REMIND_AFTER, kind=DeliveryKind.REMINDER).id

    put_right(session, NOW, FURTHEST)

    assert reread(session, identifier).due_at == NOW + REMIND_AFTER


def test_a_server_that_is_left_in_peace_until_next_year_is_so_no_longer(session: Session) -> None:
    with writing(session):
        row = site_state(session, "live")
        row.refused_since = row.refused_until = FALSE
        row.refused_why = "login refused"

    put_right(session, NOW, FURTHEST)

    refused = refusal(session)
    assert refused is not None
    assert refused.until == NOW


def test_a_longest_pause_is_that_of_the_settings(data_dir: Path) -> None:
    config = factories.config(data_dir, LETTER_RETRIES="1m 6d", UNKNOWN_RETRY="7d")

    assert Furthest.of(config, HOUR) == Furthest(due=7 * DAY * 1.25, lease=HOUR)
    assert Furthest.of(factories.config(data_dir), HOUR).due == 60 * HOUR


def test_what_another_machine_writes_ahead_is_found_beside_a_worker_that_goes_on(
    session: Session, data_dir: Path
) -> None:
    upkeep = Upkeep(factories.config(data_dir))
    upkeep.run(session, NOW, lambda _seconds: False)
    with writing(session):
        signer = signature(session, FALSE)
        identifier = signer.id

    upkeep.run(session, NOW + timedelta(minutes=1), lambda _seconds: False)

    session.rollback()
    assert session.get_one(type(signer), identifier).created_at == NOW + timedelta(minutes=1)
