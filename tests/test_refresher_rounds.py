"""What the worker of a live site does for its tables, round after round, and what it mails to the organisation."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import create_app, tables_refresher
from app.campaigns import CampaignFile, read
from app.extensions import db
from app.legislators import Seat
from app.legislators.keeping.changes import Change
from app.legislators.keeping.fetching import CannotFetch
from app.legislators.keeping.gathering import from_folder
from app.legislators.keeping.generations import GENERATIONS, keep
from app.legislators.keeping.refresh import Gather
from app.legislators.keeping.refresh_state import read_state
from app.legislators.keeping.renewal import Given
from app.legislators.keeping.shelf import Shelf
from app.legislators.making.origins import SourceRecord
from app.models import Delivery, DeliveryKind
from app.refresher import Refresher
from tests import factories
from tests.factories import campaign_source
from tests.legislators.keeping.country import country, publish, shipped
from tests.signing.factories import site

NOW = datetime(2026, 11, 24, 17, tzinfo=UTC)
DAY = timedelta(days=1)


class Source:
    """What is published: the files of a folder, or nothing while `down`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.down = False
        self.asked = 0

    def __call__(self, now: datetime) -> Gather:
        def gather(records: Mapping[str, SourceRecord]) -> Mapping[str, Given]:
            self.asked += 1
            if self.down:
                raise CannotFetch("example.org/members.json cannot be fetched: it answered 503.")
            return from_folder(self.folder, {"members": now.date(), "offices": now.date()})

        return gather


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(publish(tmp_path / "published", country(), "members", "offices"))


@pytest.fixture
def shelf(tmp_path: Path, data_dir: Path) -> Shelf:
    return Shelf(shipped(tmp_path / "shipped"), data_dir / GENERATIONS)


Running = list[CampaignFile]


@pytest.fixture
def running() -> Running:
    return [read(campaign_source(targets=("us-senators",)))]


@pytest.fixture
def rounds(app: Flask, session: Session, shelf: Shelf, source: Source, running: Running) -> Callable[[datetime], None]:
    refresher = Refresher(shelf, site(app).composer, lambda _session, _now: running, source)

    def one(now: datetime) -> None:
        refresher.run(session, now)
        if refresher._thread:
            refresher._thread.join(30)
        session.rollback()

    return one


def mails(session: Session) -> list[str]:
    """The texts of the mails to the organisation."""
    found = session.scalars(select(Delivery.mail).where(Delivery.kind == DeliveryKind.REPORT).order_by(Delivery.id))
    texts = []
    for raw in found:
        message = email.message_from_bytes(raw or b"", policy=email.policy.default)
        assert message["Auto-Submitted"] == "auto-generated"
        text = str(message.get_content())
        assert max(map(len, text.splitlines())) <= 72
        texts.append(text)
    session.rollback()
    return texts


def test_the_tables_are_fetched_at_once_and_then_once_a_week(
    rounds: Callable[[datetime], None], source: Source, shelf: Shelf
) -> None:
    asked = []
    for days in (0, 0.001, 1, 6.9, 7, 8, 14):
        rounds(NOW + days * DAY)
        asked.append(source.asked)

    assert asked == [1, 1, 1, 1, 2, 2, 3]
    assert read_state(shelf.folder).checked_at == NOW + 14 * DAY
    assert shelf.generation_of(shelf.tables(NOW)) is not None


def test_after_a_failure_it_is_tried_every_day(
    rounds: Callable[[datetime], None], source: Source, shelf: Shelf
) -> None:
    source.down = True
    asked = []
    for days in (0, 0.5, 1, 1.5, 2):
        rounds(NOW + days * DAY)
        asked.append(source.asked)

    assert asked == [1, 1, 2, 2, 3]
    assert shelf.tables(NOW) is shelf.shipped
    assert read_state(shelf.folder).cause == "example.org/members.json cannot be fetched: it answered 503."


def test_while_a_congress_sits_whose_members_are_not_known_it_is_tried_every_day(
    rounds: Callable[[datetime], None], source: Source
) -> None:
    turn = datetime(2027, 1, 3, 17, tzinfo=UTC)
    asked = []
    for days in (-1, 0, 0.5, 1, 2):
        rounds(turn + days * DAY)
        asked.append(source.asked)

    assert asked == [1, 2, 2, 3, 4]


def test_three_weeks_of_silence_are_told_once_in_three_weeks(
    rounds: Callable[[datetime], None], source: Source, session: Session
) -> None:
    rounds(NOW)
    source.down = True
    told = []
    for days in range(1, 45):
        rounds(NOW + days * DAY)
        told.append(len(mails(session)))

    assert (told[19], told[21], told[39], told[43]) == (0, 1, 1, 2)
    assert "it answered 503." in " ".join(mails(session)[0].split())


@pytest.mark.parametrize(
    ("change", "count"),
    [
        (Change(Seat("SC-S2"), "SC senator: A left; B since 2026-11-20.", holder=True), 1),
        (Change(Seat("SC-S2"), "SC senator: B: phone changed.", holder=False), 0),
        (Change(Seat("TX-37"), "TX-37: A has left; the seat is vacant.", holder=True), 0),
        (Change(None, "ZIP codes: 1 new.", holder=False), 0),
    ],
    ids=["a senator", "a phone", "nobody that a campaign writes to", "ZIP codes"],
)
def test_a_seat_of_a_running_campaign_that_changed_hands_is_told_once(
    rounds: Callable[[datetime], None], shelf: Shelf, session: Session, tmp_path: Path, change: Change, count: int
) -> None:
    keep(shelf.folder, {p.name: p.read_bytes() for p in (tmp_path / "shipped").iterdir()}, NOW, [change])
    for minute in range(3):
        rounds(NOW + timedelta(minutes=minute))

    assert len(mails(session)) == count
    assert all(change.sentence in mail for mail in mails(session))


def test_without_a_running_campaign_nobody_is_told(
    rounds: Callable[[datetime], None], shelf: Shelf, session: Session, tmp_path: Path, running: Running
) -> None:
    running.clear()
    change = Change(Seat("SC-S2"), "SC senator: A left; B since 2026-11-20.", holder=True)
    keep(shelf.folder, {p.name: p.read_bytes() for p in (tmp_path / "shipped").iterdir()}, NOW, [change])
    rounds(NOW)

    assert mails(session) == []


def test_only_a_live_site_fetches_by_itself(data_dir: Path) -> None:
    for config, wanted in ((factories.config(data_dir), False), (factories.live_config(data_dir), True)):
        made = create_app(config)
        with made.app_context():
            assert (tables_refresher(made, config) is not None) is wanted
            db.engine.dispose()
