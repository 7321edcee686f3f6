"""A mail server that says the same to everybody: it means our account, and the letters wait for a better day."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery import ACCOUNT_REFUSED, Outcome, OutcomeKind, Outgoing
from app.delivery.breaker import refusal
from app.delivery.drain import drain
from app.delivery.sending import Gate
from app.models import Delivery, DeliveryState
from tests.delivery.factories import ACCEPTED, NOW, PERMANENT, UNKNOWN, ScriptedSender, policy, reread
from tests.delivery.queue import at, never, row
from tests.delivery.test_smtp import sender_to
from tests.factories import Clock
from tests.smtp_server import Phase, scripted

S = DeliveryState
QUOTA = "550 5.4.5 Daily user sending quota exceeded"
RELAY = "554 5.7.1 Relay access denied"
BLOCKED = "554 5.7.1 Blocked, see https://example.org/why"
REFUSED = Outcome(OutcomeKind.PERMANENT, "refused", 554)
OURS = Outcome(OutcomeKind.TRANSIENT, ACCOUNT_REFUSED, 550)


def backlog(session: Session, count: int = 10, domains: int = 3) -> None:
    for number in range(count):
        row(session, recipient=f"office{number}@{number % domains}.example.org")


def states(session: Session) -> dict[str, int]:
    session.rollback()
    found = sorted(session.scalars(select(Delivery.state)))
    return {state: len(list(them)) for state, them in itertools.groupby(found)}


@pytest.mark.parametrize(
    "script", [{"rcpt": QUOTA}, {"dot": QUOTA}, {"rcpt": RELAY}, {"data": RELAY}], ids=["quota", "dot", "relay", "data"]
)
def test_what_is_said_of_the_account_costs_no_letter_and_few_an_attempt(
    session: Session, script: dict[str, Phase]
) -> None:
    backlog(session)
    with scripted(**script) as server:
        assert drain(session, sender_to(server.port), policy(), at(NOW), never) == 3

    assert states(session) == {S.QUEUED: 10}
    assert sorted(session.scalars(select(Delivery.attempts))) == [0] * 7 + [1] * 3
    found = refusal(session)
    assert found is not None
    assert found.why == ACCOUNT_REFUSED


def test_while_it_lasts_one_message_asks_and_when_it_is_over_all_go(session: Session) -> None:
    backlog(session)
    clock, gate = Clock(NOW), Gate.open()
    with scripted(rcpt=[QUOTA] * 5) as server:
        sender = sender_to(server.port)
        tried = []
        for _ in range(3):
            tried.append(drain(session, sender, policy(), clock, never, gate))
            clock.forward(minutes=16)

        assert tried == [3, 10, 2]  # the fourth and fifth refusal are too few to stop the others
        assert len(server.taken) == 10
    assert states(session) == {S.ACCEPTED: 10}
    assert refusal(session) is None


def test_the_same_refusal_for_several_domains_in_a_row_is_about_us(session: Session) -> None:
    backlog(session)
    with scripted(dot=BLOCKED) as server:
        assert drain(session, sender_to(server.port), policy(), at(NOW), never) == 3

    assert states(session) == {S.FAILED: 2, S.QUEUED: 8}


def test_an_answer_that_never_comes_parks_few(session: Session) -> None:
    backlog(session)

    assert drain(session, ScriptedSender([UNKNOWN] * 10), policy(), at(NOW), never) == 3

    assert sorted(session.scalars(select(Delivery.unknowns))) == [0] * 7 + [1] * 3


@pytest.mark.parametrize(
    ("outcomes", "domains"),
    [
        ([REFUSED, REFUSED, ACCEPTED] * 3, 3),
        ([PERMANENT] * 9, 3),
        ([REFUSED] * 9, 1),
        ([REFUSED, Outcome(OutcomeKind.PERMANENT, "refused", 550)] * 4, 3),
        ([Outcome(OutcomeKind.PERMANENT, "cannot be sent")] * 9, 3),
    ],
    ids=["not in a row", "recipients", "one domain", "not the same", "rows gone wrong"],
)
def test_other_refusals_are_the_recipients(session: Session, outcomes: list[Outcome], domains: int) -> None:
    backlog(session, len(outcomes), domains)

    assert drain(session, ScriptedSender(outcomes), policy(), at(NOW), never) == len(outcomes)

    refused = sum(outcome.kind is OutcomeKind.PERMANENT for outcome in outcomes)
    assert states(session).get(S.FAILED) == refused
    assert refusal(session) is None


def test_one_office_that_speaks_of_the_account_stops_nobody_else(session: Session) -> None:
    for _ in range(5):
        row(session, recipient="office@one.example.org")
    others = [row(session, recipient=f"office@{number}.example.org") for number in range(3)]

    drain(session, ScriptedSender([OURS] * 5), policy(), at(NOW), never)

    assert {reread(session, one).state for one in others} == {S.ACCEPTED}


def test_strangers_addresses_that_are_refused_hold_up_no_real_one(session: Session) -> None:
    """Each comes back after a while, and goes first: whoever waits behind them must not wait for pause after pause."""
    clock, gate, real = Clock(NOW), Gate.open(), list[int]()
    sender = ByName(OURS)
    for number in range(12):
        row(session, recipient=f"bogus{number}@{number}.example")
    for _ in range(60):
        real.append(row(session, clock(), recipient="ana@example.org"))
        drain(session, sender, policy(), clock, never, gate)
        clock.forward(minutes=1)

    waited = [reread(session, one) for one in real]
    assert {one.state for one in waited[:40]} == {S.ACCEPTED}


class ByName(ScriptedSender):
    """Refuses what is for a bogus address."""

    def __init__(self, refusal: Outcome) -> None:
        super().__init__()
        self.refusal = refusal

    def send(self, message: Outgoing) -> Outcome:
        super().send(message)
        return self.refusal if message.recipient.startswith("bogus") else ACCEPTED


def test_workers_that_meet_the_same_refusal_at_once_make_one_pause_of_it(session: Session) -> None:
    gates = Gate.open(), Gate.open()
    refused = Outcome(OutcomeKind.CHANNEL, "login refused", 535)
    for gate in gates:
        gate.breaker.weigh(refused, "office@example.org")
        gate.breaker.note(session, refused, NOW)

    found = refusal(session)
    assert found is not None
    assert (found.until - NOW).total_seconds() == 60
