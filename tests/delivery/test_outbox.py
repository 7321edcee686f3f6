"""The queue: how rows come into it, and the moves that are allowed."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask_mail import Mail
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.db import DatabaseUnavailable, writing
from app.delivery import Outgoing, Way
from app.delivery.drain import drain
from app.delivery.mail_channel import EmailChannel
from app.delivery.outbox import (
    ENDED,
    TRANSITIONS,
    Composed,
    Going,
    MoveRefused,
    cancel,
    drop_reports,
    go,
    held,
    queue,
    queue_report,
    queued,
    store,
)
from app.delivery.sending import claim, recover
from app.delivery.smtp import SmtpSender, Timeouts
from app.models import Delivery, DeliveryEvent, DeliveryKind, DeliveryState
from tests.delivery.factories import NOW, delivery, moves, policy, reread, signature
from tests.delivery.queue import (
    MINUTE,
    at,
    empty_disk,
    fill_disk,
    many,
    must_claim,
    never,
    plan_of,
    row,
    state_of,
    statements,
)
from tests.smtp_server import Phase, Server, scripted

S = DeliveryState


# --- moves ------------------------------------------------------------------------------------------------------------


def test_a_held_letter_waits_for_its_release_and_then_has_its_bytes(session: Session) -> None:
    with writing(session):
        signer = signature(session)
        letter = delivery(session, signer, None, kind=DeliveryKind.LETTER, state=S.HELD).letter
        assert letter is not None
        store(session.connection(), signer.id, [held(letter.id, "mail", "office@example.org")], NOW)
    made = session.scalars(select(Delivery).order_by(Delivery.id.desc())).first()
    assert made is not None
    assert (made.state, made.mail, made.due_at) == (S.HELD, None, None)
    assert claim(session, NOW + timedelta(days=400)) is None

    with writing(session):
        go(session.connection(), [going(made.id, b"bytes\r\n")], NOW)

    assert must_claim(session).outgoing == Outgoing("b+1@example.org", "office@example.org", b"bytes\r\n")
    assert moves(reread(session, made.id)) == [(S.HELD, "signed"), (S.QUEUED, "confirmed"), (S.SENDING, "claimed")]


def going(identifier: int, mail: bytes = b"c") -> Going:
    """By mail."""
    way = Way(EmailChannel(lambda _legislator: None), "office@example.org")
    return Going(identifier, way, Composed("u", "b+1@example.org", "office@example.org", mail))


def test_several_deliveries_are_stored_in_their_order_each_with_an_event_of_its_own(session: Session) -> None:
    with writing(session):
        signer = signature(session)
        letter = delivery(session, signer, None, kind=DeliveryKind.LETTER, state=S.HELD).letter
        assert letter is not None
        letters = [held(letter.id, "mail", f"office{number}@example.org") for number in range(30)]
        mail = Composed("uuid-1", "b+1@example.org", "ana@example.org", b"bytes\r\n")
        store(session.connection(), signer.id, [*letters, queued(DeliveryKind.CONFIRMATION, mail, NOW)], NOW)

    first, *made = session.scalars(select(Delivery).order_by(Delivery.id))
    assert first.letter is letter
    assert [row.recipient for row in made] == [*(f"office{number}@example.org" for number in range(30)), mail.recipient]
    assert {(row.signature_id, row.created_at, row.attempts) for row in made} == {(signer.id, NOW, 0)}
    assert [moves(row) for row in made] == [[(S.HELD, "signed")]] * 30 + [[(S.QUEUED, "composed")]]


def test_a_signature_that_is_in_memory_knows_of_a_mail_that_was_queued(session: Session) -> None:
    mail = Composed("uuid-1", "b+1@example.org", "ana@example.org", b"bytes\r\n")
    with writing(session):
        signer = signature(session)
        assert signer.deliveries == []
        queue(session, signer, queued(DeliveryKind.COPY, mail, NOW), NOW)
        assert [delivery.uuid for delivery in signer.deliveries] == ["uuid-1"]


def test_a_queued_mail_is_due_at_once(session: Session) -> None:
    mail = Composed("uuid-1", "b+1@example.org", "ana@example.org", b"bytes\r\n")
    with writing(session):
        queue(session, signature(session), queued(DeliveryKind.COPY, mail, NOW), NOW)

    assert must_claim(session).outgoing == Outgoing("b+1@example.org", "ana@example.org", b"bytes\r\n")


@pytest.mark.parametrize("state", S)
def test_only_what_has_not_begun_to_be_sent_can_be_cancelled(session: Session, state: DeliveryState) -> None:
    lease = {"lease": "a", "leased_until": NOW} if state is S.SENDING else {}
    identifier = row(session, state=state, **lease)

    with writing(session):
        cancel(session, [session.get_one(Delivery, identifier)], NOW, "replaced")

    found = reread(session, identifier)
    if state in {S.HELD, S.QUEUED, S.OFFERED, S.STUCK}:
        assert (found.state, found.ended_at, moves(found)) == (S.CANCELLED, NOW, [(S.CANCELLED, "replaced")])
    else:
        assert (found.state, found.ended_at, moves(found)) == (state, None, [])


@pytest.mark.parametrize("state", [state for state in S if state is not S.HELD])
def test_what_is_held_no_longer_does_not_go(session: Session, state: DeliveryState) -> None:
    lease = {"lease": "a", "leased_until": NOW} if state is S.SENDING else {}
    identifier = row(session, state=state, **lease)

    with pytest.raises(MoveRefused), writing(session):
        go(session.connection(), [going(identifier)], NOW)

    found = reread(session, identifier)
    assert (found.state, moves(found)) == (state, [])


def test_every_state_is_on_the_table_and_what_has_ended_stays() -> None:
    assert set(TRANSITIONS) == set(S)
    later = {S.FAILED: {S.QUEUED}, S.PARKED: {S.QUEUED, S.CANCELLED, S.BOUNCED}, S.ACCEPTED: {S.BOUNCED}}
    assert {state: TRANSITIONS[state] for state in ENDED if TRANSITIONS[state]} == later


@pytest.mark.file
def test_a_full_disk_at_insert_stores_nothing(session: Session) -> None:
    row(session)
    fill_disk(session)

    with pytest.raises(DatabaseUnavailable):
        row(session, mail=b"x" * 1_000_000)

    empty_disk(session)
    assert len(session.scalars(select(Delivery.id)).all()) == 1
    row(session, mail=b"x" * 1_000_000)


# --- the way into a write transaction ---------------------------------------------------------------------------------


@pytest.mark.file
def test_a_commit_that_fails_stores_nothing_and_leaves_the_session_usable(session: Session) -> None:
    identifier = row(session)

    with pytest.raises(Exception, match="FOREIGN KEY"), writing(session):  # noqa: PT012 — the commit itself fails
        session.execute(text("PRAGMA defer_foreign_keys = ON"))
        session.get_one(Delivery, identifier).signature_id = 4711
        session.flush()

    assert not session.in_transaction()
    assert must_claim(session).id == identifier


def test_changes_made_outside_a_write_transaction_are_refused(session: Session) -> None:
    identifier = row(session)
    session.get_one(Delivery, identifier).attempts = 7

    with pytest.raises(RuntimeError), writing(session):
        pass

    assert reread(session, identifier).attempts == 0


# --- mails to the organisation ----------------------------------------------------------------------------------------


REPORT = Composed(
    str(uuid.uuid5(uuid.NAMESPACE_URL, "members are three weeks old, 2026-11-24")),
    "b+1.2@example.org",
    "letters@example.org",
    b"Message-ID: <report@example.org>\r\nSubject: old tables\r\n\r\n.Look after them.\r\n",
)


def reported(session: Session, mail: Composed = REPORT, now: datetime = NOW) -> int:
    """A committed report; its id."""
    with writing(session):
        queue_report(session, mail, now)
    return session.scalars(select(Delivery.id).where(Delivery.uuid == mail.uuid)).one()


def drained(session: Session, now: datetime = NOW, **script: Phase) -> Server:
    """Send what is due to a mail server that follows `script`."""
    with scripted(**script) as server:
        mailer = Flask("mailer")
        mailer.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=server.port, MAIL_SUPPRESS_SEND=False)
        Mail(mailer)
        sender = SmtpSender(mailer, Timeouts(connect=5, command=5, final_dot=5), "example.org")
        drain(session, sender, policy(), at(now), never)
    return server


def test_a_report_goes_out_with_the_bytes_it_was_queued_with(session: Session) -> None:
    identifier = reported(session)

    server = drained(session)

    (taken,) = server.taken
    assert (taken.sender, taken.recipients, taken.mail) == (REPORT.sender, (REPORT.recipient,), REPORT.mail)
    found = reread(session, identifier)
    assert (found.kind, found.state, found.ended_at) == (DeliveryKind.REPORT, S.ACCEPTED, NOW)
    assert (found.signature, found.letter, found.mail) == (None, None, REPORT.mail)
    assert moves(found) == [(S.QUEUED, "composed"), (S.SENDING, "claimed"), (S.ACCEPTED, "accepted")]


def test_the_same_report_twice_is_one_mail_even_when_it_has_gone(session: Session) -> None:
    with writing(session):
        queue_report(session, REPORT, NOW)
        queue_report(session, REPORT, NOW)
    drained(session)
    reported(session, now=NOW + MINUTE)

    assert drained(session, NOW + MINUTE).taken == []
    assert session.scalar(select(func.count()).select_from(Delivery)) == 1
    assert session.scalar(select(func.count()).select_from(DeliveryEvent)) == 3


def test_a_report_is_tried_again_as_often_as_a_letter_and_then_has_failed(session: Session) -> None:
    identifier, now = reported(session), NOW
    while state_of(session, identifier) is S.QUEUED:
        now = reread(session, identifier).due_at or now
        drained(session, now, rcpt="452 the mailbox is full")

    found = reread(session, identifier)
    assert (found.state, found.attempts, now - NOW) == (S.FAILED, 4, 42 * MINUTE)


def test_a_report_that_is_refused_for_good_has_failed_and_is_offered_to_nobody(session: Session) -> None:
    identifier = reported(session)

    drained(session, rcpt="550 no such mailbox")

    assert state_of(session, identifier) is S.FAILED
    assert session.scalar(select(func.count()).select_from(Delivery)) == 1


def test_a_report_whose_sender_died_is_sent_once_more_and_then_parked(session: Session) -> None:
    identifier, now, states = reported(session), NOW, []
    for _crash in range(2):
        must_claim(session, now)
        assert recover(session, policy(), now, abandoned=True) == 1
        states.append(state_of(session, identifier))
        now += timedelta(hours=1)

    assert states == [S.QUEUED, S.PARKED]


def other_report(name: str) -> Composed:
    return Composed(str(uuid.uuid5(uuid.NAMESPACE_URL, name)), REPORT.sender, REPORT.recipient, REPORT.mail)


def test_reports_that_ended_long_ago_are_deleted_with_their_events_and_nothing_else_is(
    session: Session,
) -> None:
    letter = row(session, kind=DeliveryKind.LETTER)
    old, late, waiting = (reported(session, other_report(name)) for name in ("old", "late", "waiting"))
    with writing(session):
        for identifier, ended in ((letter, NOW), (old, NOW), (late, NOW + MINUTE)):
            found = session.get_one(Delivery, identifier)
            found.state, found.ended_at = S.ACCEPTED, ended

    with writing(session):
        drop_reports(session, NOW)

    assert session.scalars(select(Delivery.id).order_by(Delivery.id)).all() == [letter, late, waiting]
    assert set(session.scalars(select(DeliveryEvent.delivery_id))) == {late, waiting}


@pytest.mark.file
def test_deleting_reports_does_not_read_through_the_letters(session: Session, data_dir: Path) -> None:
    many(session, 1500)
    reported(session)

    with writing(session), statements(session) as seen:
        drop_reports(session, NOW)

    deletes = [(sql, values) for sql, values in seen if sql.startswith("DELETE")]
    assert len(deletes) == 2
    for sql, values in deletes:
        plan = plan_of(data_dir, sql, values)
        assert "ix_delivery_signature_id (signature_id=?)" in plan
        assert "SCAN" not in plan
