"""Several workers on one PostgreSQL queue: none takes what another has, and everybody else who writes is alone."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.db import DatabaseUnavailable, writing
from app.delivery import Outgoing
from app.delivery.drain import drain
from app.delivery.outbox import cancel
from app.delivery.pacing import Rates
from app.delivery.sending import LEASE, Gate, claim, recover, settle
from app.extensions import db
from app.models import Delivery, DeliveryKind, DeliveryState
from tests.databases import Server
from tests.delivery.factories import (
    NOW,
    PERMANENT,
    TRANSIENT,
    ScriptedSender,
    delivery,
    moves,
    policy,
    reread,
    signature,
)
from tests.delivery.queue import never

S = DeliveryState
pytestmark = pytest.mark.usefixtures("on_server")


def rows(session: Session, count: int) -> list[int]:
    with writing(session):
        signer = signature(session)
        return [delivery(session, signer, recipient=f"ana{number}@{number}.example").id for number in range(count)]


def test_four_workers_send_each_of_many_messages_once(app: Flask, session: Session) -> None:
    identifiers = rows(session, 200)
    engine, start, sent = db.engine, threading.Barrier(4), Counter[str]()
    lock = threading.Lock()

    def note(message: Outgoing) -> None:
        with lock:
            sent[message.recipient] += 1

    def work() -> int:
        with Session(engine, expire_on_commit=False) as own:
            start.wait()
            return drain(own, ScriptedSender(on_send=note), policy(), lambda: NOW, never)

    with ThreadPoolExecutor(4) as workers:
        tried = [found.result() for found in [workers.submit(work) for _ in range(4)]]

    assert sum(tried) == 200
    assert sum(1 for one in tried if one) > 1
    assert set(sent.values()) == {1}
    for identifier in identifiers:
        assert moves(reread(session, identifier)) == [(S.SENDING, "claimed"), (S.ACCEPTED, "accepted")]


def test_a_worker_passes_over_the_row_that_another_is_claiming(session: Session) -> None:
    first, second = rows(session, 2)
    with Session(db.engine) as other, writing(other, beside_workers=True):
        other.get(Delivery, first, with_for_update=True)

        taken = claim(session, NOW)

    assert taken is not None
    assert taken.id == second


@pytest.mark.usefixtures("impatient")
def test_workers_claim_beside_each_other_but_not_beside_others_who_write(
    session: Session,
) -> None:
    rows(session, 2)
    with Session(db.engine) as other, writing(other, beside_workers=True):
        assert claim(session, NOW) is not None
    with Session(db.engine) as other, writing(other), pytest.raises(DatabaseUnavailable):
        claim(session, NOW)

    assert claim(session, NOW) is not None


def test_who_withdraws_while_a_worker_claims_gets_all_or_nothing(app: Flask, session: Session) -> None:
    """Each letter is either cancelled and never sent, or sent and not cancelled."""
    identifiers = rows(session, 60)
    engine, start = db.engine, threading.Barrier(2)
    sender = ScriptedSender()

    def work() -> None:
        with Session(engine, expire_on_commit=False) as own:
            start.wait()
            drain(own, sender, policy(), lambda: NOW, never)

    def withdraw() -> None:
        with Session(engine) as own:
            start.wait()
            for identifier in reversed(identifiers):
                with writing(own):
                    cancel(own, [own.get_one(Delivery, identifier)], NOW, "withdrawn")

    with ThreadPoolExecutor(2) as both:
        for done in [both.submit(work), both.submit(withdraw)]:
            done.result()

    found = [reread(session, identifier) for identifier in identifiers]
    assert {row.state for row in found} <= {S.ACCEPTED, S.CANCELLED}
    assert sorted(message.recipient for message in sender.sent) == sorted(
        str(row.recipient) for row in found if row.state is S.ACCEPTED
    )


def test_a_row_in_the_hands_of_another_living_worker_is_not_recovered_before_its_lease_is_over(
    session: Session,
) -> None:
    (identifier,) = rows(session, 1)
    claimed = claim(session, NOW)
    assert claimed is not None

    with Session(db.engine) as other:
        assert recover(other, policy(), NOW + LEASE - timedelta(seconds=1)) == 0
        assert recover(other, policy(), NOW + LEASE + timedelta(seconds=1)) == 1

    assert not settle(session, claimed, TRANSIENT, policy(), NOW)
    assert reread(session, identifier).state is S.QUEUED


def test_several_workers_keep_to_one_pace(app: Flask, session: Session) -> None:
    rows(session, 30)
    engine, start = db.engine, threading.Barrier(3)

    def work() -> int:
        with Session(engine, expire_on_commit=False) as own:
            start.wait()
            return drain(own, ScriptedSender(), policy(), lambda: NOW, never, Gate.open(Rates(account=240)))

    with ThreadPoolExecutor(3) as workers:
        tried = [found.result() for found in [workers.submit(work) for _ in range(3)]]

    assert sum(tried) <= 4


def test_several_workers_with_paces_of_offices_never_wait_for_each_other(app: Flask, session: Session) -> None:
    with writing(session):
        signer = signature(session)
        for number in range(240):
            delivery(session, signer, kind=DeliveryKind.LETTER, recipient=f"a@{number * 7 % 12}.example")
    engine, start = db.engine, threading.Barrier(3)

    def work() -> int:
        with Session(engine, expire_on_commit=False) as own:
            start.wait()
            return drain(own, ScriptedSender(), policy(), lambda: NOW, never, Gate.open(Rates(office=1)))

    with ThreadPoolExecutor(3) as workers:
        tried = [found.result() for found in [workers.submit(work) for _ in range(3)]]

    assert sum(tried) == 12


def test_two_letters_of_one_signer_that_fail_at_once_send_one_notice(app: Flask, session: Session) -> None:
    with writing(session):
        signer = signature(session)
        for number in range(2):
            delivery(session, signer, kind=DeliveryKind.LETTER, recipient=f"a@{number}.example")
        notice = delivery(session, signer, None, kind=DeliveryKind.NOTICE, state=S.HELD).id
    taken = [claim(session, NOW), claim(session, NOW)]
    engine, start = db.engine, threading.Barrier(2)

    def fail(number: int) -> None:
        with Session(engine, expire_on_commit=False) as own:
            start.wait()
            claimed = taken[number]
            assert claimed is not None
            settle(own, claimed, PERMANENT, policy(), NOW)

    with ThreadPoolExecutor(2) as both:
        for done in [both.submit(fail, 0), both.submit(fail, 1)]:
            done.result()

    assert moves(reread(session, notice)) == [(S.QUEUED, "mail failed")]


def test_a_server_that_was_started_anew_is_found_again(app: Flask, session: Session, on_server: Server) -> None:
    rows(session, 1)
    session.rollback()
    with psycopg.connect(on_server.url("site"), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    assert claim(session, NOW) is not None
