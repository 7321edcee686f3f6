"""What is promised to be deleted is deleted: from the rows, the file, its journal, the mailbox and the backups."""

from __future__ import annotations

import contextlib
import email
import email.policy
import logging
import mailbox
import random
import re
import sqlite3
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.backups import make_backup
from app.db import Base, DatabaseUnavailable, writing
from app.delivery import Outgoing
from app.delivery.sending import claim, settle
from app.extensions import db
from app.models import (
    Consent,
    DeliveryKind,
    DeliveryState,
    GeocoderAnswer,
    LimitEvent,
    Signature,
    SignatureState,
)
from app.sandbox.mailbox import sweep
from app.signing.afterwards import report
from app.signing.retention import Keep, has_expired, let_go, purge, signatures_of
from app.upkeep import Upkeep
from tests import factories, test_canary
from tests.clock.factories import certain
from tests.conftest import OpenSandbox
from tests.databases import connected, write_lock
from tests.delivery.factories import ACCEPTED, TRANSIENT, delivery, policy, signature
from tests.factories import Clock, mails
from tests.pages import Visitor
from tests.signing.factories import NOW, confirmed, deliveries, signed, signer, site
from tests.web.steps import SHOW, begin, confirm, sign

KEEP = Keep(pending=timedelta(days=7), letters=timedelta(days=90))
CANARY = test_canary.CANARY
OWN_WORDS = "My sister sings no more."
WORDS = (*CANARY.values(), OWN_WORDS, "canary.bird", "Dear Senator Lummis", "Dear Representative Hageman")


def never(_seconds: float) -> bool:
    return False


def everything_in(folder: Path) -> dict[str, bytes]:
    """Every byte that the site has written, by file; what quoted-printable and its line ends hide is shown too."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            found[str(path.relative_to(folder))] = raw + raw.replace(b"=\r\n", b"").replace(b"=20", b" ")
    return found


def traces(folder: Path, words: tuple[str, ...] = WORDS) -> dict[str, list[str]]:
    """Which of the words stand in which file."""
    found = {
        name: [word for word in words if word.encode() in content] for name, content in everything_in(folder).items()
    }
    return {name: hits for name, hits in found.items() if hits}


class Keeper:
    """A mail server that keeps each mail in the site's mailbox, as the built-in one does."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._box = mailbox.Maildir(folder / "mailbox", factory=None, create=True)
        self._clock = clock

    def send_due(self, session: Session) -> None:
        while claimed := claim(session, self._clock()):
            self._keep(claimed.outgoing)
            settle(session, claimed, ACCEPTED, policy(), self._clock())

    def _keep(self, outgoing: Outgoing) -> None:
        message = email.message_from_bytes(outgoing.mail, policy=email.policy.SMTP)
        message["X-Envelope-To"] = outgoing.recipient
        self._box.add(message.as_bytes())


@pytest.fixture
def upkeep(data_dir: Path) -> Upkeep:
    return Upkeep(factories.config(data_dir), partial(sweep, data_dir / "mailbox"))


def written(visitor: Visitor, clock: Clock, data_dir: Path, session: Session, *, confirming: bool = True) -> str:
    """The canary writes, and everything goes; the path of the receipt, or of the page that asks to confirm."""
    keeper = Keeper(data_dir, clock)
    sign(visitor, clock, own_words=OWN_WORDS, **CANARY)
    with visitor.app.app_context():
        keeper.send_due(db.session())
    if not confirming:
        return mails(data_dir, "confirmation")[-1].link
    receipt = confirm(visitor, data_dir).path
    with visitor.app.app_context():
        keeper.send_due(db.session())
        if (data_dir / "redress.db").exists():
            make_backup(data_dir / "redress.db", data_dir / "backups", clock())
    return receipt


def kept_up(upkeep: Upkeep, visitor: Visitor, clock: Clock) -> None:
    with visitor.app.app_context():
        upkeep.run(db.session(), clock(), never)


@pytest.mark.file
def test_after_its_days_nothing_of_a_letter_is_found_anywhere(
    visitor: Visitor, clock: Clock, data_dir: Path, session: Session, upkeep: Upkeep, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app")
    receipt = written(visitor, clock, data_dir, session)
    assert len(traces(data_dir)) > 4  # the search finds what is there: database, mailbox, backup
    clock.forward(days=89, hours=23)
    kept_up(upkeep, visitor, clock)
    assert visitor.open(receipt).status == 200
    assert "redress.db" in traces(data_dir)

    clock.forward(hours=2)
    kept_up(upkeep, visitor, clock)

    assert traces(data_dir) == {}
    assert visitor.open(receipt).status == 410
    assert [word for word in WORDS if word in caplog.text] == []
    with connected(data_dir) as connection:
        assert connection.execute("SELECT state, network_digest, division IS NULL FROM signature").fetchall() == [
            ("erased", None, 0)
        ]
        assert connection.execute("SELECT count(*) FROM consent").fetchone() == (1,)
        letters = connection.execute("SELECT DISTINCT state FROM delivery WHERE kind = 'letter'").fetchall()
        assert letters == [("accepted",)]


@pytest.mark.usefixtures("on_server")
def test_after_its_days_nothing_of_a_letter_is_found_in_any_table_of_a_server(
    visitor: Visitor, clock: Clock, data_dir: Path, session: Session, upkeep: Upkeep
) -> None:
    def found() -> set[str]:
        with connected(data_dir) as connection:
            rows = [connection.execute(f'SELECT * FROM "{table}"').fetchall() for table in Base.metadata.tables]
        return {word for word in WORDS if word in repr(rows)}

    written(visitor, clock, data_dir, session)
    assert len(found()) > 4
    clock.forward(days=90, hours=1)

    kept_up(upkeep, visitor, clock)

    assert found() == set()


@pytest.mark.file
def test_a_phone_number_and_a_title_go_too(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path, session: Session, upkeep: Upkeep
) -> None:
    visitor, words = Visitor(open_sandbox(SANDBOX_CHANNEL="handoff")), ("202-555-0143", "Dr.")
    begin(visitor, clock, tel="202-555-0143", honorific_prefix="Dr.").press(SHOW)
    visitor.press("Get my letters")
    assert list(traces(data_dir, words).values()) == [["202-555-0143", "Dr."]]

    clock.forward(days=8)
    kept_up(upkeep, visitor, clock)

    assert traces(data_dir, words) == {}


@pytest.mark.file
def test_what_a_link_and_a_changed_letter_say_goes_too(
    visitor: Visitor, clock: Clock, data_dir: Path, session: Session, upkeep: Upkeep
) -> None:
    words = ("leaflet-canary", "Feathers for all.")
    letter = factories.LETTER.replace("Please look", "[Edit from here]\nPlease dig.\n[Edit to here]\n\nPlease look")
    with visitor.app.app_context():
        factories.published(db.session(), factories.campaign_source(letter=letter), clock())
    visitor.open("/the-well?source=leaflet-canary")
    clock.forward(seconds=30)
    visitor.fill(**factories.supporter()).press(SHOW)
    visitor.fill(part_1="Feathers for all.").press("Send my letters")
    assert sorted(*traces(data_dir, words).values()) == ["Feathers for all.", "leaflet-canary"]

    clock.forward(days=8)
    kept_up(upkeep, visitor, clock)

    assert traces(data_dir, words) == {}


def test_what_nobody_confirms_is_gone_after_a_week(
    visitor: Visitor, clock: Clock, data_dir: Path, session: Session, upkeep: Upkeep
) -> None:
    link = written(visitor, clock, data_dir, session, confirming=False)
    clock.forward(days=6, hours=23)
    kept_up(upkeep, visitor, clock)
    assert visitor.open(link).status == 200

    clock.forward(hours=2)
    late = visitor.open(link)  # before anybody has deleted it
    assert (late.status, late.heading) == (410, "This link is no longer good")
    assert visitor.post(link, []).status == 410
    kept_up(upkeep, visitor, clock)

    assert traces(data_dir) == {}
    page = visitor.open(link)
    assert "It was good for 7 days. Nobody confirmed, so nothing was sent" in page.text


@pytest.mark.parametrize("days", [8, 400])
def test_nothing_has_expired_while_the_clock_cannot_be_right(
    visitor: Visitor, clock: Clock, data_dir: Path, session: Session, days: int
) -> None:
    sign(visitor, clock)
    link = mails(data_dir, "confirmation")[-1].link
    certain(session, clock())

    clock.forward(days=days)

    assert visitor.open(link).status == 200
    assert confirm(visitor, data_dir).status == 200
    assert state_of(session) == (SignatureState.CONFIRMED, False)


@pytest.mark.file
def test_erasing_by_hand_clears_all_even_while_the_clock_cannot_be_right(
    visitor: Visitor, clock: Clock, data_dir: Path, session: Session, upkeep: Upkeep
) -> None:
    receipt = written(visitor, clock, data_dir, session)
    written(Visitor(visitor.app), clock, data_dir, session, confirming=False)
    (data_dir / "backups" / next((data_dir / "backups").iterdir()).name).unlink()
    clock.forward(days=400)
    visitor.open(f"{receipt}/erase")
    visitor.fill(email=CANARY["email"]).press("Erase it")

    with visitor.app.app_context():
        upkeep.run(db.session(), clock(), never, held=True)

    assert traces(data_dir, tuple(CANARY.values())) == {}
    with connected(data_dir) as connection:
        assert connection.execute("SELECT count(*) FROM consent").fetchone() == (1,)


@pytest.mark.file
def test_what_was_kept_back_for_the_clock_goes_from_the_mailbox_too_when_that_is_right(
    visitor: Visitor, clock: Clock, data_dir: Path, session: Session, upkeep: Upkeep
) -> None:
    written(visitor, clock, data_dir, session)
    clock.forward(days=400)
    with visitor.app.app_context():
        upkeep.run(db.session(), clock(), never, held=True)
    assert {name.partition("/")[0] for name in traces(data_dir)} >= {"redress.db", "mailbox", "backups"}

    kept_up(upkeep, visitor, clock)

    assert traces(data_dir) == {}


@pytest.mark.file
def test_a_mail_that_came_while_the_clock_was_behind_stays_as_long_as_its_signature(
    visitor: Visitor, clock: Clock, data_dir: Path, session: Session, upkeep: Upkeep
) -> None:
    written(visitor, clock, data_dir, session)
    (new,) = {file.parent for file in (data_dir / "mailbox").rglob("*.*") if file.is_file()}
    for number, file in enumerate(sorted(new.iterdir())):
        file.rename(new / f"{number}.M1P1Q1.here")

    kept_up(upkeep, visitor, clock)

    assert len(list(new.iterdir())) == 5
    clock.forward(days=91)
    kept_up(upkeep, visitor, clock)
    assert list(new.iterdir()) == []


@pytest.mark.file
def test_a_mail_of_nobody_that_was_kept_back_for_the_clock_goes_when_that_is_right(
    session: Session, data_dir: Path, upkeep: Upkeep
) -> None:
    old = data_dir / "mailbox" / "new" / "1.M1P1Q1.here"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"Subject: of nobody here\r\n\r\n")

    upkeep.run(session, NOW, never, held=True)
    assert old.exists()
    upkeep.run(session, NOW, never)

    assert not old.exists()


@pytest.mark.file
def test_erasing_by_hand_clears_database_and_mailbox_within_a_minute_and_backups_within_a_week(
    visitor: Visitor, clock: Clock, data_dir: Path, session: Session, upkeep: Upkeep
) -> None:
    receipt = written(visitor, clock, data_dir, session)
    sign(visitor, clock)
    with visitor.app.app_context():
        Keeper(data_dir, clock).send_due(db.session())
    kept_up(upkeep, visitor, clock)
    visitor.open(f"{receipt}/erase")
    visitor.fill(email=CANARY["email"]).press("Erase it")
    kept_up(upkeep, visitor, clock)

    assert {name.partition("/")[0] for name in traces(data_dir, tuple(CANARY.values()))} == {"backups"}
    assert any(name.startswith("mailbox") for name in traces(data_dir, ("ana.garcia@example.org",)))
    clock.forward(days=7, seconds=1)
    kept_up(upkeep, visitor, clock)
    assert traces(data_dir, tuple(CANARY.values())) == {}


@pytest.mark.file
def test_others_keep_what_they_wrote(
    visitor: Visitor, clock: Clock, data_dir: Path, session: Session, upkeep: Upkeep
) -> None:
    written(visitor, clock, data_dir, session)
    clock.forward(days=30)
    sign(visitor, clock)
    receipt = confirm(visitor, data_dir)
    with visitor.app.app_context():
        Keeper(data_dir, clock).send_due(db.session())
    clock.forward(days=61)
    kept_up(upkeep, visitor, clock)

    assert traces(data_dir, tuple(CANARY.values())) == {}
    assert visitor.open(receipt.path).status == 200
    assert "redress.db" in traces(data_dir, ("Dear Senator Lummis",))


def test_a_purge_that_is_interrupted_goes_on_next_time(app: Flask, session: Session) -> None:
    for number in range(120):
        signed(
            app,
            session,
            signer(email=f"a{number}@example.org", family_name=f"Name {number}"),
            network=f"10.0.0.{number}",
        )
    stops = iter([False, False, True])

    first = purge(session, KEEP, NOW + timedelta(days=8), lambda _seconds: next(stops, True))
    rest = purge(session, KEEP, NOW + timedelta(days=8), never)

    assert (first, rest) == (100, 20)
    assert purge(session, KEEP, NOW + timedelta(days=8), never) == 0


def test_a_purge_under_a_locked_database_fails_whole_and_goes_on_next_time(
    impatient: None, app: Flask, session: Session, data_dir: Path
) -> None:
    signed(app, session)
    with write_lock(data_dir), pytest.raises(DatabaseUnavailable):
        purge(session, KEEP, NOW + timedelta(days=8), never)
    session.rollback()

    assert purge(session, KEEP, NOW + timedelta(days=8), never) == 1


@pytest.mark.file
def test_a_reader_in_the_way_only_delays_the_emptying_of_the_journal(
    app: Flask, session: Session, data_dir: Path
) -> None:
    signed(app, session, signer(given_name="Canaria"))
    with contextlib.closing(sqlite3.connect(data_dir / "redress.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM signature").fetchall()
        assert purge(session, KEEP, NOW + timedelta(days=8), never) == 1
        assert traces(data_dir, ("Canaria",))
    purge(session, KEEP, NOW + timedelta(days=8), never)

    assert traces(data_dir, ("Canaria",)) == {}


def state_of(session: Session, number: int = 0) -> tuple[SignatureState, bool]:
    session.rollback()
    found = session.scalars(db.select(Signature).order_by(Signature.id).execution_options(populate_existing=True)).all()
    return found[number].state, found[number].erased_at is not None


@pytest.mark.parametrize(("days", "gone"), [(89, False), (90, True)])
def test_a_hand_off_counts_from_the_day_on_which_it_was_offered(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path, session: Session, days: int, gone: bool
) -> None:
    by_hand = Visitor(open_sandbox(SANDBOX_CHANNEL="handoff"))
    begin(by_hand, clock).press(SHOW)
    by_hand.press("Get my letters")
    token = mails(data_dir, "confirmation")[-1].token
    by_hand.open(f"/confirm/{token}")
    by_hand.press("Confirm")
    with by_hand.app.app_context():
        Keeper(data_dir, clock).send_due(db.session())
    clock.forward(days=days - 1)
    with by_hand.app.app_context(), writing(db.session()):  # it is reported late, which prolongs nothing
        report(db.session(), token, 1, clock(), worked=True)
    clock.forward(days=1)
    purge(session, KEEP, clock(), never)

    assert state_of(session)[1] is gone


def test_a_reminder_that_never_went_prolongs_nothing(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path, session: Session
) -> None:
    by_hand = Visitor(open_sandbox(SANDBOX_CHANNEL="handoff"))
    begin(by_hand, clock).press(SHOW)
    by_hand.press("Get my letters")
    by_hand.open(mails(data_dir, "confirmation")[-1].link)
    receipt = by_hand.press("Confirm").path
    with by_hand.app.app_context():
        Keeper(data_dir, clock).send_due(db.session())
    assert "We delete your address and your letters on February 22, 2027" in by_hand.open(receipt).text
    clock.forward(days=90, seconds=1)

    assert purge(session, KEEP, clock(), never) == 1
    assert DeliveryState.CANCELLED in {delivery.state for delivery in deliveries(session)}


@pytest.mark.file
def test_what_rows_leave_behind_when_they_move_is_gone_after_upkeep(
    app: Flask, session: Session, data_dir: Path, upkeep: Upkeep
) -> None:
    """Rows of many sizes are blanked between others: pages are balanced, and secure_delete may not reach it all."""
    chance = random.Random(5)
    for number in range(0, 180, 3):
        with writing(session):
            for person in range(number, number + 3):
                _long_stored(session, person, chance)
        if chance.random() < 0.4:
            _blank(session, 3, chance)
    _blank(session, 180, chance)
    before = pages_of(session)

    upkeep.run(session, NOW, never)

    assert pages_of(session) < before  # the file was written anew
    assert re.findall(rb"(?:Given|Zyx)\d{5}", (data_dir / "redress.db").read_bytes()) == []
    assert (data_dir / "redress.db-wal").stat().st_size == 0


def test_what_the_census_said_of_an_address_is_forgotten_after_thirty_days(session: Session, upkeep: Upkeep) -> None:
    division = "ocd-division/country:us/state:wi/cd:3"
    with writing(session):
        for number, days in enumerate((29, 31)):
            answer = GeocoderAnswer(key=bytes([number]) * 32, congress=119, divisions=division)
            answer.asked_at = NOW - timedelta(days=days)
            session.add(answer)

    upkeep.run(session, NOW, never)

    assert list(session.scalars(db.select(GeocoderAnswer.key))) == [bytes(32)]


def pages_of(session: Session) -> int:
    pages = session.scalar(db.text("PRAGMA page_count"))
    session.rollback()
    return int(pages or 0)


def _long_stored(session: Session, number: int, chance: random.Random) -> None:
    """A signature whose mails have gone."""
    who = signature(session)
    who.given_name = f"Given{number:05}x" * chance.randrange(1, 8)
    who.email = f"Zyx{number:05}@example.org"
    who.address_line1 = "q" * chance.randrange(0, 150)
    for kind in (DeliveryKind.CONFIRMATION, DeliveryKind.COPY):
        mail = f"To: {who.email}\r\n".encode() * chance.randrange(1, 60)
        stored = delivery(session, who, kind=kind, mail=mail, recipient=who.email)
        session.flush()
        stored.state, stored.ended_at = DeliveryState.ACCEPTED, NOW


def _blank(session: Session, most: int, chance: random.Random) -> None:
    everyone = session.scalars(db.select(Signature.id).where(Signature.erased_at.is_(None))).all()
    with writing(session):
        for identifier in chance.sample(list(everyone), min(most, len(everyone))):
            let_go(session, session.get_one(Signature, identifier), SignatureState.ERASED, NOW)


@pytest.mark.file
def test_the_file_is_not_written_anew_all_the_time(
    visitor: Visitor, clock: Clock, data_dir: Path, session: Session, upkeep: Upkeep
) -> None:
    def erased_and_kept_up() -> bool:
        """Whether the file was written anew."""
        sign(visitor, clock)
        with visitor.app.app_context(), writing(db.session()):
            for one in db.session.scalars(db.select(Signature).where(Signature.erased_at.is_(None))):
                let_go(db.session(), one, SignatureState.ERASED, clock())
        before = upkeep.compacted_at
        kept_up(upkeep, visitor, clock)
        return upkeep.compacted_at != before

    assert erased_and_kept_up()
    clock.forward(minutes=30)
    assert not erased_and_kept_up()
    clock.forward(minutes=31)
    assert erased_and_kept_up()
    clock.forward(days=2)
    before = upkeep.compacted_at
    kept_up(upkeep, visitor, clock)  # nothing was erased since
    assert upkeep.compacted_at == before


def test_what_is_still_on_its_way_stays(app: Flask, session: Session) -> None:
    token = signed(app, session)
    confirmed(app, session, token)
    while claimed := claim(session, NOW):
        settle(session, claimed, TRANSIENT if claimed.kind == "letter" else ACCEPTED, policy(), NOW)

    assert purge(session, KEEP, NOW + timedelta(days=400), never) == 0
    assert state_of(session) == (SignatureState.CONFIRMED, False)
    assert DeliveryState.QUEUED in {delivery.state for delivery in deliveries(session)}


def test_digests_of_networks_and_counted_tries_go_after_two_days(app: Flask, session: Session) -> None:
    signed(app, session)
    session.add(LimitEvent(kind="owner", digest=b"x", at=NOW))
    session.commit()
    purge(session, KEEP, NOW + timedelta(hours=47), never)
    assert session.scalars(db.select(Signature.network_digest)).one() is not None

    purge(session, KEEP, NOW + timedelta(hours=49), never)

    assert session.scalars(db.select(Signature.network_digest)).one() is None
    assert session.scalars(db.select(LimitEvent)).all() == []
    assert session.scalars(db.select(Signature.email_digest)).one() is not None  # it still tells who has written


def test_the_digests_of_a_person_follow_two_days_after_the_rest(app: Flask, session: Session) -> None:
    signed(app, session)
    purge(session, KEEP, NOW + timedelta(days=7), never)
    assert session.scalars(db.select(Signature.email_digest)).one() is not None

    purge(session, KEEP, NOW + timedelta(days=9, seconds=1), never)

    assert session.execute(db.select(Signature.email_digest, Signature.person_digest)).one() == (None, None)


def test_proof_of_consent_stays_for_two_years_and_holds_no_name(app: Flask, session: Session) -> None:
    confirmed(app, session, signed(app, session))
    query = db.text("SELECT * FROM consent")
    purge(session, KEEP, NOW + timedelta(days=729), never)
    (row,) = session.execute(query).all()
    assert "Ana" not in str(row)

    purge(session, KEEP, NOW + timedelta(days=731), never)

    session.rollback()
    assert session.execute(query).all() == []


def test_expiry_is_a_matter_of_time_alone() -> None:
    signature = Signature(state=SignatureState.PENDING, created_at=datetime(2026, 1, 1, tzinfo=UTC))

    assert not has_expired(signature, KEEP, datetime(2026, 1, 7, 23, 59, tzinfo=UTC))
    assert has_expired(signature, KEEP, datetime(2026, 1, 8, tzinfo=UTC))


def test_the_days_are_those_of_the_settings(open_sandbox: OpenSandbox) -> None:
    app = open_sandbox(KEEP_PENDING="3d", KEEP_LETTERS="30d")

    assert site(app).keep == Keep(timedelta(days=3), timedelta(days=30))
    page = Visitor(app).open("/reunite-families")
    assert "after 3 days if you do not confirm, else 30 days after your last letter has gone" in page.text
    privacy = Visitor(app).open("/privacy")
    assert "deleted 3 days after you wrote" in privacy.text
    assert "deleted 30 days after the last" in privacy.text


# --- the edges --------------------------------------------------------------------------------------------------------

TICK, DAY = timedelta(microseconds=1), timedelta(days=1)


def left(session: Session, what: object) -> list[object]:
    """The values of a column that are still there."""
    session.rollback()
    return [value for value in session.scalars(db.select(what)) if value is not None]


def test_each_digest_goes_at_its_moment_and_not_before(app: Flask, session: Session) -> None:
    signed(app, session)
    with writing(session):
        session.add(LimitEvent(kind="owner", digest=b"x", at=NOW))
        signer_ = session.scalars(db.select(Signature)).one()
        let_go(session, signer_, SignatureState.ERASED, NOW)
    what = [Signature.network_digest, Signature.email_digest, Signature.person_digest, LimitEvent.digest]

    purge(session, KEEP, NOW + 2 * DAY - TICK, never)
    assert all(left(session, one) for one in what)

    purge(session, KEEP, NOW + 2 * DAY, never)
    assert not any(left(session, one) for one in what)


def test_the_proof_of_consent_goes_after_730_days(app: Flask, session: Session) -> None:
    confirmed(app, session, signed(app, session))
    agreed = session.scalars(db.select(Consent.agreed_at)).one()

    purge(session, KEEP, agreed + 730 * DAY - TICK, never)
    assert left(session, Consent.agreed_at)

    purge(session, KEEP, agreed + 730 * DAY, never)
    assert not left(session, Consent.agreed_at)


@pytest.mark.parametrize(
    ("state", "confirmed_at", "ended", "is_over"),
    [
        (SignatureState.PENDING, None, None, 7 * DAY),
        (SignatureState.WITHDRAWN, None, timedelta(), 7 * DAY),
        (SignatureState.WITHDRAWN, NOW, timedelta(), 90 * DAY),
        (SignatureState.CONFIRMED, NOW, timedelta(), 90 * DAY),
        (SignatureState.CONFIRMED, NOW, 20 * DAY, 110 * DAY),
        (SignatureState.CONFIRMED, NOW, None, None),
    ],
)
def test_what_was_entered_goes_at_its_moment_and_not_before(
    session: Session,
    state: SignatureState,
    confirmed_at: datetime | None,
    ended: timedelta | None,
    is_over: timedelta | None,
) -> None:
    with writing(session):
        someone = signature(session, NOW, state)
        someone.confirmed_at = confirmed_at
        end = None if ended is None else NOW + ended
        delivery(session, someone, state=DeliveryState.ACCEPTED if end else DeliveryState.QUEUED, ended_at=end)
    if is_over is None:
        assert purge(session, KEEP, NOW + 4000 * DAY, never) == 0
        return

    assert purge(session, KEEP, NOW + is_over - TICK, never) == 0
    assert purge(session, KEEP, NOW + is_over, never) == 1


def test_who_has_no_letter_left_is_kept_as_long_as_others(session: Session) -> None:
    with writing(session):
        signature(session, NOW, SignatureState.CONFIRMED).confirmed_at = NOW

    assert purge(session, KEEP, NOW + 90 * DAY - TICK, never) == 0
    assert purge(session, KEEP, NOW + 90 * DAY, never) == 1


def test_who_purges_only_asks_whether_to_stop(session: Session) -> None:
    asked: list[float] = []

    def wait(seconds: float) -> bool:
        asked.append(seconds)
        return False

    purge(session, KEEP, NOW, wait)

    assert set(asked) == {0}


def test_the_signatures_of_a_mailbox_are_found_however_it_is_written_and_no_others(session: Session) -> None:
    with writing(session):
        mine = signature(session)
        mine.email = "a.na+x@gmail.com"
        other = signature(session)
        other.email = "anna@gmail.com"
        gone = signature(session)
        gone.email, gone.erased_at = "ana@gmail.com", NOW

    assert [one.id for one in signatures_of(session, " ANA@googlemail.com ")] == [mine.id]
