"""What the worker of a live site does for its tables: when it tries, what it remembers, whom it tells of what."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import campaigns, create_app, tables_refresher, worker
from app.db import writing
from app.delivery.mails import Composer
from app.extensions import db
from app.legislators import tables
from app.legislators.keeping.fetching import CannotFetch
from app.legislators.keeping.gathering import from_folder, from_web
from app.legislators.keeping.generations import alone, keep, rollback
from app.legislators.keeping.refresh import Gather, refresh
from app.legislators.keeping.refresh_state import RefreshState, read_state, write_state
from app.legislators.keeping.renewal import Given
from app.legislators.keeping.shelf import Shelf
from app.legislators.making.origins import SourceRecord
from app.models import Delivery, DeliveryKind, DeliveryState
from app.refresher import KEEP, Refresher
from tests import factories
from tests.delivery.factories import ScriptedSender
from tests.factories import Clock, ComposedMail, campaign_source, mails, published
from tests.legislators.keeping.country import (
    TX_1,
    country,
    hosting,
    member,
    members_of,
    of_next_congress,
    publish,
    shipped,
    without,
)
from tests.legislators.making.factories import Files

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TURN = datetime(2027, 1, 3, 12, tzinfo=timezone(timedelta(hours=-5)))
GONE = "TX-1: Robin MemberH480001 Jr. has left; the seat is vacant."


class Office:
    """The refresher of a live site of the made-up country, and what it fetches."""

    def __init__(self, app: Flask, data_dir: Path, clock: Clock) -> None:
        self.clock, self.data_dir = clock, data_dir
        self.shelf = Shelf(shipped(data_dir / "shipped"), data_dir / "legislators")
        self.folder = data_dir / "given"
        self.day = date(2026, 11, 20)
        self.error: Exception | None = None
        self.gate: threading.Event | None = None
        self.attempts: list[datetime] = []
        self.composer: Composer = app.extensions["redress"].composer
        self.start()

    def start(self) -> None:
        """The worker begins, or begins anew."""
        self.refresher = Refresher(
            self.shelf,
            self.composer,
            lambda session, now: campaigns.open_campaigns(session, now.date()),
            self.gather,
        )

    def gather(self, now: datetime) -> Gather:
        def bring(_records: Mapping[str, SourceRecord]) -> Mapping[str, Given]:
            self.attempts.append(now)
            if self.gate:
                self.gate.wait(10)
            if self.error:
                raise self.error
            return from_folder(self.folder, {"members": self.day})

        return bring

    def publishes(self, newer: Files) -> None:
        """This is what there is to fetch."""
        publish(self.folder, newer, "members", "offices")

    def minute(self, **by: float) -> None:
        """Let time pass, and the worker come by; whatever it begins ends."""
        self.clock.forward(**by)
        self.refresher.run(db.session(), self.clock())
        self.wait()

    def wait(self) -> None:
        deadline = time.monotonic() + 10
        while self.refresher.is_busy:
            assert time.monotonic() < deadline
            time.sleep(0.002)

    @property
    def state(self) -> RefreshState:
        return read_state(self.shelf.folder)

    @property
    def told(self) -> list[ComposedMail]:
        """All mails to the organisation."""
        return mails(self.data_dir, "report")


@pytest.fixture
def office(app: Flask, data_dir: Path, clock: Clock) -> Office:
    office = Office(app, data_dir, clock)
    office.publishes(country())
    return office


def lost(*gone: str) -> Files:
    newer = country()
    without(newer, *gone)
    return newer


# When it tries


def test_it_tries_at_once_and_after_a_success_in_a_week(office: Office) -> None:
    office.minute()
    assert office.attempts == [office.clock()]
    assert office.state == RefreshState(office.clock(), office.clock())

    office.minute(days=7, minutes=-1)
    assert len(office.attempts) == 1
    office.minute(minutes=1)
    assert len(office.attempts) == 2


def test_while_a_congress_sits_whose_members_are_not_known_it_tries_every_day(office: Office) -> None:
    office.clock.now = TURN - DAY
    office.minute()
    for hours, attempts in ((24, 2), (12, 2), (12, 3), (24, 4)):
        office.minute(hours=hours)
        assert len(office.attempts) == attempts


def test_after_a_failure_it_tries_again_in_a_day(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.error = CannotFetch("The file cannot be fetched: it answered 503.")
    office.minute()
    assert office.state.cause == "The file cannot be fetched: it answered 503."
    assert "the tables of legislators were not refreshed: The file cannot be fetched" in caplog.text

    office.minute(hours=23, minutes=59)
    assert len(office.attempts) == 1
    office.error = None
    office.minute(minutes=1)
    assert len(office.attempts) == 2
    assert office.state == RefreshState(office.clock(), office.clock())


def test_a_fault_of_the_program_is_logged_by_kind_and_place_and_tried_again_in_a_day(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.error = KeyError("canary")

    office.minute()
    office.minute(hours=1)

    assert "a refresh of the tables of legislators failed: KeyError at " in caplog.text
    assert "canary" not in caplog.text
    assert len(office.attempts) == 1
    office.minute(days=1)
    assert len(office.attempts) == 2


def test_an_attempt_that_a_restart_broke_off_is_made_again_in_a_day(office: Office) -> None:
    with alone(office.shelf.folder):
        write_state(office.shelf.folder, RefreshState().trying(office.clock()))

    office.minute(hours=23)
    assert office.attempts == []
    office.minute(hours=1)
    assert len(office.attempts) == 1


def test_while_it_fetches_nothing_waits_and_it_does_not_begin_again(office: Office) -> None:
    office.gate = threading.Event()
    office.refresher.run(db.session(), office.clock())
    assert office.refresher.is_busy

    office.clock.forward(days=30)
    office.refresher.run(db.session(), office.clock())  # comes back though nothing has come
    assert office.refresher.is_busy
    office.gate.set()
    office.wait()

    assert len(office.attempts) == 1


def test_a_refresh_by_hand_at_the_same_time_is_not_disturbed(office: Office) -> None:
    with alone(office.shelf.folder):
        office.minute()

    assert office.attempts == []
    office.minute(minutes=1)
    assert len(office.attempts) == 1


def test_what_it_brings_is_in_force(office: Office) -> None:
    office.publishes(lost(TX_1))

    office.minute()

    assert len(office.shelf.tables(office.clock()).members) == 540


def test_it_can_fetch_from_a_server(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with hosting() as host:
        host.publish(lost(TX_1), "members", "offices", etag='"a"', modified=datetime(2026, 11, 20, tzinfo=UTC))
        office.refresher = Refresher(
            office.shelf,
            office.composer,
            lambda _session, _now: [],
            lambda now: lambda records: from_web([host.url()], records, now),
        )
        office.minute()
        office.minute(days=7)

    assert [headers.get("If-None-Match") for _, headers in host.asked] == [None, None, '"a"', '"a"']
    assert office.state.checked_at == office.clock()
    assert len(office.shelf.tables(office.clock()).members) == 540


# Seats that changed hands


def test_a_seat_of_a_running_campaign_that_changed_hands_is_told_once(office: Office, session: Session) -> None:
    published(session, campaign_source(), office.clock())
    office.publishes(lost(TX_1))
    office.minute()
    assert office.told == []

    for _ in range(3):
        office.minute(minutes=1)
    office.start()
    office.minute(minutes=1)

    (mail,) = office.told
    assert mail.recipient == "letters@sandbox.invalid"
    assert mail.headers["Subject"] == "Seats that your campaigns write to have changed"
    assert f"\n- {GONE}\n" in mail.text
    assert ".venv/bin/flask legislators rollback" in mail.text
    (row,) = session.scalars(select(Delivery).where(Delivery.kind == DeliveryKind.REPORT))
    assert (row.state, row.signature_id, row.letter_id) == (DeliveryState.QUEUED, None, None)


@pytest.mark.parametrize(
    ("targets", "more", "told"),
    [
        (("us-representative",), "", True),
        (("us-senators",), "", False),
        (("us-representative",), "closes = 2026-11-22", False),
    ],
)
def test_only_what_an_open_campaign_writes_to_is_told(
    office: Office, session: Session, targets: tuple[str, ...], more: str, told: bool
) -> None:
    published(session, campaign_source(targets=targets, more=more), office.clock() - 2 * DAY)
    office.publishes(lost(TX_1))

    office.minute()
    office.minute(minutes=1)

    assert bool(office.told) is told


@pytest.mark.parametrize("state", ["draft", "closed"])
def test_a_campaign_that_is_not_published_any_more_or_yet_is_not_one(
    office: Office, session: Session, state: str
) -> None:
    with writing(session):
        campaigns.import_campaign(session, campaign_source(), office.clock())
        if state == "closed":
            campaigns.publish(session, "the-well", office.clock())
            campaigns.close(session, "the-well")
    office.publishes(lost(TX_1))

    office.minute()
    office.minute(minutes=1)

    assert office.told == []


def test_a_senator_is_told_by_a_campaign_to_the_senate_and_a_changed_telephone_by_none(
    office: Office, session: Session
) -> None:
    published(session, campaign_source(targets=("us-senators",)), office.clock())
    newer = lost(TX_1)
    senators = members_of(newer, "sen")
    senators[0].term["phone"] = "202-224-9999"
    without(newer, senators[2].bioguide)
    office.publishes(newer)

    office.minute()
    office.minute(minutes=1)

    (mail,) = office.told
    assert [line for line in mail.text.splitlines() if line.startswith("- ")] == [
        "- AL senator: Sam Senator S000011 has left; the seat is vacant."
    ]


def test_a_changed_telephone_alone_is_not_told(office: Office, session: Session) -> None:
    published(session, campaign_source(), office.clock())
    newer = country()
    member(newer, TX_1).term["phone"] = "202-225-9999"
    office.publishes(newer)

    office.minute()
    office.minute(minutes=1)

    assert len(office.shelf.refreshed()) == 1
    assert office.told == []


def test_a_refresh_by_hand_is_told_of_too(office: Office, session: Session) -> None:
    published(session, campaign_source(), office.clock())
    office.minute()
    office.publishes(lost(TX_1))
    office.day = date(2026, 11, 21)
    refresh(office.shelf, office.gather(office.clock()), office.clock())

    office.minute(minutes=1)

    assert GONE in office.told[0].text


def test_what_was_in_force_for_two_weeks_when_the_worker_began_is_no_news(office: Office, session: Session) -> None:
    published(session, campaign_source(), office.clock())
    office.publishes(lost(TX_1))
    office.minute()

    office.start()
    office.minute(days=14, minutes=1)

    assert office.told == []


def test_what_was_rolled_back_is_not_told(office: Office, session: Session) -> None:
    published(session, campaign_source(), office.clock())
    office.publishes(lost(TX_1))
    office.minute()
    rollback(office.shelf.folder, office.clock())

    office.minute(minutes=1)

    assert office.told == []


def test_members_of_the_next_congress_are_told_when_they_begin_to_sit(office: Office, session: Session) -> None:
    published(session, campaign_source(), office.clock())
    office.publishes(of_next_congress(lost(TX_1)))
    office.minute()
    office.minute(minutes=1)
    assert len(office.shelf.refreshed()) == 1
    assert office.told == []

    office.clock.now = TURN - HOUR
    office.minute()
    assert office.told == []
    office.clock.now = TURN
    office.minute()

    (mail,) = office.told
    assert GONE in mail.text


# Silence


def test_three_weeks_of_silence_are_told_once_in_three_weeks(office: Office) -> None:
    office.minute()
    began = office.clock()
    office.error = CannotFetch("The file cannot be fetched: it answered 503.")
    told: list[int] = []
    for day in range(1, 44):
        office.minute(days=1)
        office.minute(minutes=1)
        office.clock.now = began + day * DAY
        if len(office.told) > len(told):
            told.append(day)

    assert told == [21, 42]
    assert len(office.attempts) == 1 + 43 - 6
    assert office.told[0].recipient == "letters@sandbox.invalid"
    assert office.told[0].headers["Subject"] == "The tables of legislators could not be refreshed for three weeks"
    assert "succeeded since November 24, 2026, 12:00 PM Eastern. It goes on" in office.told[0].text
    assert "\nThe file cannot be fetched: it answered 503.\n" in office.told[0].text


def test_a_site_on_which_it_never_worked_is_told_too_and_a_success_ends_it(office: Office) -> None:
    office.error = CannotFetch("The file cannot be fetched: it answered 503.")
    for _ in range(22):
        office.minute(days=1)
    office.minute(minutes=1)
    assert len(office.told) == 1

    office.error = None
    office.minute(days=1)
    for _ in range(5):
        office.minute(days=7)

    assert len(office.told) == 1


def test_a_site_that_was_off_for_a_month_tries_before_it_complains(office: Office) -> None:
    office.minute()

    office.start()
    office.minute(days=31)
    office.minute(minutes=1)

    assert len(office.attempts) == 2
    assert office.told == []


def test_a_site_that_was_off_for_a_month_and_fails_then_says_so(office: Office) -> None:
    office.minute()
    office.error = CannotFetch("The file cannot be fetched: it answered 503.")

    office.start()
    office.minute(days=31)
    office.minute(minutes=1)
    office.minute(minutes=1)

    assert len(office.told) == 1


def test_attempts_that_never_end_are_told_as_such(office: Office) -> None:
    state = RefreshState().succeeded(office.clock() - 22 * DAY).trying(office.clock() - HOUR)
    with alone(office.shelf.folder):
        write_state(office.shelf.folder, state)

    office.minute()

    assert "\nThe program ended before the attempt did.\n" in office.told[0].text


def test_while_it_cannot_be_written_down_that_they_were_told_they_are_not_told_again(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    state = RefreshState().succeeded(office.clock() - 30 * DAY).failed(office.clock(), "It answered 503.")
    with alone(office.shelf.folder):
        write_state(office.shelf.folder, state)
        for _ in range(3):
            office.minute(minutes=1)
        assert office.state.told_at is None

    office.minute(minutes=1)

    assert len(office.told) == 1
    assert office.state.told_at == office.clock()
    assert "it could not be written down that the organisation was told" in caplog.text


def test_mails_to_the_organisation_go_after_their_time(office: Office, session: Session) -> None:
    published(session, campaign_source(), office.clock())
    office.publishes(lost(TX_1))
    office.minute()
    office.minute(minutes=1)
    with writing(session):
        (row,) = session.scalars(select(Delivery))
        row.state, row.ended_at, row.due_at = DeliveryState.ACCEPTED, office.clock(), None

    office.minute(days=KEEP.days, minutes=-1)
    assert len(office.told) == 1
    office.minute(minutes=1)
    assert session.scalar(select(func.count()).select_from(Delivery)) == 0


# Warnings


def test_once_a_day_the_log_says_what_the_next_congress_will_miss(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    words = "The 120th Congress begins on January 3rd"
    office.minute()
    assert words not in caplog.text

    office.clock.now = datetime(2026, 12, 1, 5, tzinfo=UTC)
    for _ in range(3):
        office.minute(minutes=1)
    assert caplog.text.count(words) == 1
    office.minute(days=1)
    assert caplog.text.count(words) == 2

    office.clock.now = TURN
    office.minute(days=1)
    assert "The 120th Congress has begun, and its members are not here yet" in caplog.text


# How it is wired


def test_a_sandbox_has_none(app: Flask, data_dir: Path) -> None:
    assert tables_refresher(app, factories.config(data_dir)) is None


def test_a_live_site_asks_where_the_files_are_published(
    app: Flask, session: Session, data_dir: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")  # where nobody listens
    config = factories.live_config(data_dir)
    refresher = tables_refresher(create_app(config, clock=clock), config)
    assert refresher is not None

    refresher.run(session, clock())
    deadline = time.monotonic() + 10
    while refresher.is_busy and time.monotonic() < deadline:
        time.sleep(0.01)

    assert read_state(data_dir / "legislators").cause == (
        "unitedstates.github.io/congress-legislators/legislators-current.json cannot be fetched: "
        "the proxy does not let us through."
    )


def test_the_worker_of_a_live_site_sends_the_organisation_what_changed(
    app: Flask, session: Session, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real loop and the clock of the machine."""
    now = worker._now()
    monkeypatch.setattr(tables, "SHIPPED", shipped(data_dir / "shipped"))
    config = factories.live_config(data_dir)
    live = create_app(config)
    refresher = tables_refresher(live, config)
    folder = publish(data_dir / "given", lost(TX_1), "members")
    published(session, campaign_source(), now)
    shelf = live.extensions["redress"].shelf
    refresh(shelf, lambda _records: from_folder(folder, {"members": now.date()}), now)
    stop, sender = threading.Event(), ScriptedSender(on_send=lambda _message: stop.set())
    emergency = threading.Timer(10, stop.set)
    emergency.start()

    worker.run(config, session, sender, stop, None, refresher)
    emergency.cancel()

    (message,) = sender.sent
    assert message.recipient == "letters@example.org"
    assert b"TX-1: Robin MemberH480001 Jr. has left" in message.mail


def test_tables_that_are_kept_with_no_report_are_nothing_to_tell(office: Office, session: Session) -> None:
    published(session, campaign_source(), office.clock())
    files = {path.name: path.read_bytes() for path in (office.data_dir / "shipped").iterdir()}
    keep(office.shelf.folder, files, office.clock())

    office.minute()

    assert office.told == []
