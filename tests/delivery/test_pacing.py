"""The order and the pace of sending: who goes first, how fast, and that nobody is held up by somebody else."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import writing
from app.delivery import Outcome, OutcomeKind, Outgoing
from app.delivery.drain import drain
from app.delivery.overview import overview
from app.delivery.pacing import Busy, Rates, forget_paces, may_go, note_sent, take_turn
from app.delivery.sending import Gate, claim
from app.models import Delivery, DeliveryKind, DeliveryState, Pace
from tests.delivery.factories import (
    ACCEPTED,
    NOW,
    PERMANENT,
    TRANSIENT,
    UNKNOWN,
    ScriptedSender,
    delivery,
    minutes,
    policy,
    reread,
    signature,
)
from tests.delivery.queue import never
from tests.factories import Clock

MINUTE = timedelta(minutes=1)
LETTER, COPY, CONFIRMATION = DeliveryKind.LETTER, DeliveryKind.COPY, DeliveryKind.CONFIRMATION
GREYLISTED = Outcome(OutcomeKind.TRANSIENT, "greylisted", 450)


def row(session: Session, due: datetime = NOW, kind: DeliveryKind = LETTER, to: str = "a@office.example") -> int:
    with writing(session):
        return delivery(session, signature(session), due, kind=kind, recipient=to).id


def rows(session: Session, count: int, to: str = "a@office.example") -> list[int]:
    with writing(session):
        signer = signature(session)
        return [delivery(session, signer, NOW, kind=LETTER, recipient=to).id for _ in range(count)]


def sent_over(session: Session, gate: Gate, minutes: float, step: float = 1.0) -> list[tuple[float, str]]:
    """When the worker, which looks once a `step` of seconds, has sent what: seconds from the start, and to whom."""
    clock, found = Clock(NOW), list[tuple[float, str]]()
    sender = ScriptedSender(on_send=lambda mail: found.append(((clock() - NOW).total_seconds(), mail.recipient)))
    while clock() < NOW + timedelta(minutes=minutes):
        drain(session, sender, policy(), clock, never, gate)
        clock.forward(seconds=step)
    return found


def busiest_minute(times: list[float]) -> int:
    """The most that happened in any 60 seconds."""
    return max(sum(1 for other in times if one <= other < one + 60) for one in times)


# --- the order --------------------------------------------------------------------------------------------------------


def test_who_waits_for_a_link_goes_before_copies_and_copies_before_letters(session: Session) -> None:
    kinds = [LETTER, COPY, DeliveryKind.REMINDER, CONFIRMATION, DeliveryKind.NOTICE, DeliveryKind.REPEAT, LETTER]
    for number, kind in enumerate(kinds):
        row(session, NOW - timedelta(seconds=100 - number), kind)
    taken = [claim(session, NOW) for _ in kinds]

    assert [one.kind for one in taken if one] == [
        CONFIRMATION,
        DeliveryKind.REPEAT,
        COPY,
        DeliveryKind.REMINDER,
        DeliveryKind.NOTICE,
        LETTER,
        LETTER,
    ]


def test_a_more_urgent_mail_that_is_not_due_yet_holds_nothing_up(session: Session) -> None:
    row(session, NOW + MINUTE, CONFIRMATION)
    letter = row(session)

    taken = claim(session, NOW)

    assert taken is not None
    assert taken.id == letter


# --- the account's pace -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1, 6, 90])
def test_no_minute_ever_sees_more_messages_than_the_account_may_send(session: Session, rate: int) -> None:
    rows(session, rate * 2 + 10)

    times = [at for at, _to in sent_over(session, Gate.open(Rates(account=rate)), minutes=2.2)]

    assert busiest_minute(times) <= rate
    assert len(times) >= rate * 2


def test_a_slow_pace_needs_no_connection_for_each_message(session: Session) -> None:
    rows(session, 50)
    sender, gate, clock = ScriptedSender(), Gate.open(Rates(account=60)), Clock(NOW)
    for _second in range(30):
        drain(session, sender, policy(), clock, never, gate, keep_open=True)
        clock.forward(seconds=1.05)

    assert len(sender.sent) > 25
    assert sender.closed <= 1  # a second without a turn may come


def test_an_account_that_rested_has_saved_nothing_up(session: Session) -> None:
    gate = Gate.open(Rates(account=6))
    row(session)
    drain(session, ScriptedSender(), policy(), Clock(NOW - timedelta(hours=5)), never, gate)
    rows(session, 30)

    times = [at for at, _to in sent_over(session, gate, minutes=1)]

    assert len(times) <= 6


def test_another_worker_keeps_to_the_same_pace(session: Session) -> None:
    rows(session, 10)
    for _worker in range(3):
        drain(session, ScriptedSender(), policy(), lambda: NOW, never, Gate.open(Rates(account=2)))

    assert (
        sum(reread(session, one.id).state is DeliveryState.ACCEPTED for one in session.scalars(select(Delivery))) == 1
    )


def test_a_clock_that_was_wrong_does_not_stop_the_account_for_years(session: Session) -> None:
    gate = Gate.open(Rates(account=6))
    rows(session, 2)
    assert claim(session, NOW + timedelta(days=3000), gate) is not None

    assert claim(session, NOW, gate) is not None


# --- one office's pace ------------------------------------------------------------------------------------------------


def test_an_office_gets_so_many_letters_a_minute_and_the_others_do_not_wait_for_it(session: Session) -> None:
    rows(session, 40)
    others = rows(session, 40, "b@elsewhere.example")

    sent = sent_over(session, Gate.open(Rates(office=4)), minutes=3)

    slow = [at for at, to in sent if to == "a@office.example"]
    assert busiest_minute(slow) <= 4
    assert len(slow) >= 11
    assert busiest_minute([at for at, to in sent if to == "b@elsewhere.example"]) <= 4
    assert len(others) == 40


def test_a_letter_that_comes_too_early_stays_where_it_is(session: Session) -> None:
    identifiers = rows(session, 5)
    gate = Gate.open(Rates(office=1))
    claim(session, NOW, gate)
    assert claim(session, NOW, gate) is None

    found = [reread(session, one) for one in identifiers]
    assert [one.due_at for one in found if one.state is DeliveryState.QUEUED] == [NOW] * 4
    assert {one.attempts for one in found if one.state is DeliveryState.QUEUED} == {0}
    assert all(len(one.events) == (one.state is DeliveryState.SENDING) for one in found)
    assert claim(session, NOW + timedelta(seconds=61), gate) is not None


def test_newer_letters_never_overtake_older_ones(session: Session) -> None:
    gate, clock, sent = Gate.open(Rates(office=2)), Clock(NOW), list[str]()
    sender = ScriptedSender(on_send=lambda mail: sent.append(mail.mail.decode()))
    for number in range(60):
        with writing(session):
            due, text = clock(), str(number).encode()
            delivery(session, signature(session), due, kind=LETTER, recipient="a@office.example", mail=text)
        drain(session, sender, policy(), clock, never, gate)
        clock.forward(seconds=20)  # faster than the office may get them
    for _ in range(40):
        drain(session, sender, policy(), clock, never, gate)
        clock.forward(seconds=31)

    assert sent == [str(number) for number in range(60)]


def test_after_a_pause_letters_do_not_go_together(session: Session) -> None:
    rows(session, 30)
    gate, clock, times = Gate.open(Rates(office=2)), Clock(NOW), list[float]()
    sender = ScriptedSender(on_send=lambda _mail: times.append((clock() - NOW).total_seconds()))
    drain(session, sender, policy(), clock, never, gate)
    clock.forward(minutes=20)
    for _ in range(200):
        drain(session, sender, policy(), clock, never, gate)
        clock.forward(seconds=5)

    assert busiest_minute(times) <= 2
    assert len(times) == 30


def test_another_pace_holds_at_once(session: Session) -> None:
    rows(session, 30)
    clock = Clock(NOW)
    drain(session, ScriptedSender(), policy(), clock, never, Gate.open(Rates(office=1)))
    clock.forward(seconds=61)
    sender, gate = ScriptedSender(), Gate.open(Rates(office=60))
    for _ in range(30):
        drain(session, sender, policy(), clock, never, gate)
        clock.forward(seconds=1.1)

    assert len(sender.sent) > 25


def test_a_clock_that_was_wrong_does_not_stop_an_office_for_years(session: Session) -> None:
    gate = Gate.open(Rates(office=2))
    rows(session, 3)
    assert claim(session, NOW + timedelta(days=365), gate) is not None

    assert claim(session, NOW, gate) is not None
    assert claim(session, NOW + timedelta(seconds=10), gate) is None
    assert claim(session, NOW + timedelta(seconds=31), gate) is not None


def test_a_long_line_at_one_office_holds_up_no_confirmation(session: Session) -> None:
    rows(session, 2000)
    gate, clock = Gate.open(Rates(office=30)), Clock(NOW)
    for _ in range(5):
        drain(session, ScriptedSender(), policy(), clock, never, gate)
        clock.forward(seconds=1)
    link = row(session, clock(), CONFIRMATION, "ana@example.org")

    taken = claim(session, clock(), gate)

    assert taken is not None
    assert taken.id == link


def test_since_when_a_letter_waits_stays_known(session: Session) -> None:
    rows(session, 3)
    busy = row(session, to="a@busy.example")
    gate = Gate.open(Rates(office=1))
    for _ in range(2):
        gate.busy.note("a@busy.example", TRANSIENT, NOW)
    drain(session, ScriptedSender(), policy(), Clock(NOW), never, gate)

    found = overview(session, NOW + timedelta(seconds=30)).waiting

    assert reread(session, busy).due_at == NOW + MINUTE
    assert (found.due, found.oldest_due, found.next_due, found.later) == (3, NOW, NOW + MINUTE, 0)


def test_other_mails_have_no_pace_of_an_office(session: Session) -> None:
    for _ in range(3):
        row(session, kind=COPY, to="ana@example.org")

    assert drain(session, ScriptedSender(), policy(), lambda: NOW, never, Gate.open(Rates(office=1))) == 3


def test_a_letter_that_is_tried_again_takes_a_new_turn(session: Session) -> None:
    first = row(session)
    gate, clock = Gate.open(Rates(office=1)), Clock(NOW)
    drain(session, ScriptedSender([TRANSIENT]), policy(letters=minutes(1)), clock, never, gate)
    clock.forward(seconds=60)

    assert claim(session, clock(), gate) is None
    assert reread(session, first).attempts == 1
    assert claim(session, NOW + timedelta(seconds=61), gate) is not None


def test_turns_that_have_long_passed_are_deleted(session: Session) -> None:
    row(session)
    claim(session, NOW, Gate.open(Rates(office=1)))
    with writing(session):
        forget_paces(session, NOW + timedelta(hours=23))
    assert len(session.scalars(select(Pace)).all()) == 1

    with writing(session):
        forget_paces(session, NOW + timedelta(hours=25))
    assert session.scalars(select(Pace)).all() == []


# --- who takes nothing for now ----------------------------------------------------------------------------------------


class PickySender(ScriptedSender):
    """Answers by the domain of the recipient; everybody else is accepted."""

    def __init__(self, answers: dict[str, Outcome]) -> None:
        super().__init__()
        self.answers = answers

    def send(self, message: Outgoing) -> Outcome:
        super().send(message)
        return self.answers.get(message.recipient.rpartition("@")[2], ACCEPTED)

    def tried(self, domain: str) -> int:
        return sum(message.recipient.endswith(f"@{domain}") for message in self.sent)


@pytest.mark.parametrize("trouble", [TRANSIENT, UNKNOWN])
def test_a_busy_office_is_left_alone_after_two_failures_and_holds_nobody_up(session: Session, trouble: Outcome) -> None:
    waiting = rows(session, 50, "a@busy.example")
    rows(session, 3, "b@quick.example")
    sender, gate, clock = PickySender({"busy.example": trouble}), Gate.open(), Clock(NOW)

    drain(session, sender, policy(letters=minutes(600)), clock, never, gate)

    assert (sender.tried("busy.example"), sender.tried("quick.example")) == (2, 3)
    assert sum(reread(session, one).attempts for one in waiting) == 2
    clock.forward(seconds=61)
    drain(session, sender, policy(letters=minutes(600)), clock, never, gate)
    assert sender.tried("busy.example") == 3


def test_a_domain_in_trouble_is_left_alone_after_five_failures_whoever_they_were_for(session: Session) -> None:
    for number in range(20):
        row(session, to=f"office{number}@busy.example")
    sender = PickySender({"busy.example": TRANSIENT})

    drain(session, sender, policy(letters=minutes(600)), lambda: NOW, never, Gate.open())

    assert sender.tried("busy.example") == 5


def test_who_takes_mail_again_gets_everything_at_once(session: Session) -> None:
    waiting = rows(session, 10, "a@busy.example")
    sender, gate, clock = PickySender({"busy.example": TRANSIENT}), Gate.open(), Clock(NOW)
    drain(session, sender, policy(letters=minutes(5)), clock, never, gate)
    sender.answers = {}
    clock.forward(seconds=301)

    drain(session, sender, policy(letters=minutes(5)), clock, never, gate)

    assert {reread(session, one).state for one in waiting} == {DeliveryState.ACCEPTED}


def test_pauses_grow_to_half_an_hour(session: Session) -> None:
    busy, now, pauses = Busy(), NOW, []
    busy.note("a@x.example", TRANSIENT, now)
    for _ in range(6):
        busy.note("a@x.example", TRANSIENT, now)
        until = busy.until("a@x.example", now)
        assert until is not None
        pauses.append(until - now)
        now = until

    assert pauses == [MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 30 * MINUTE, 30 * MINUTE]


@pytest.mark.parametrize("outcome", [GREYLISTED, PERMANENT, ACCEPTED, Outcome(OutcomeKind.CHANNEL, "refused", 550)])
def test_what_says_nothing_against_an_office_does_not_stop_it(outcome: Outcome) -> None:
    busy = Busy()
    for _ in range(20):
        busy.note("a@x.example", outcome, NOW)

    assert busy.until("a@x.example", NOW) is None


def test_letters_of_an_address_are_one_however_it_is_written() -> None:
    busy = Busy()
    for address in ("A@X.example", "a@x.EXAMPLE"):
        busy.note(address, TRANSIENT, NOW)

    assert busy.until("a@X.example", NOW) is not None
    assert busy.until("b@x.example", NOW) is None


def test_what_is_remembered_of_offices_does_not_grow_for_ever() -> None:
    busy = Busy()
    for number in range(12_000):
        busy.note(f"a@{number}.example", TRANSIENT, NOW)

    assert len(busy._known) == 10_000


# --- the edges --------------------------------------------------------------------------------------------------------

TICK, SECOND, TURN = timedelta(microseconds=1), timedelta(seconds=1), timedelta(seconds=61)
OFFICE = "a@office.example"


def paced(session: Session, key: str, next_at: datetime) -> None:
    with writing(session):
        session.add(Pace(key=key, next_at=next_at))


def next_of(session: Session, key: str) -> datetime:
    return session.get_one(Pace, key, populate_existing=True).next_at


@pytest.mark.parametrize(
    ("ahead", "goes"),
    [
        (timedelta(days=-1), True),
        (timedelta(), True),
        (SECOND, True),
        (SECOND + TICK, False),
        (30 * MINUTE, False),
        (30 * MINUTE + TICK, True),
    ],
)
def test_a_turn_of_the_account_may_be_taken_a_second_early_and_one_of_a_wrong_clock_is_none(
    session: Session, ahead: timedelta, goes: bool
) -> None:
    paced(session, "", NOW + ahead)

    assert may_go(session, Rates(account=1), NOW) is goes
    assert may_go(session, Rates(), NOW)


@pytest.mark.parametrize(
    ("ahead", "begins"), [(timedelta(days=-1), NOW), (SECOND, NOW + SECOND), (30 * MINUTE + TICK, NOW)]
)
def test_each_message_moves_the_accounts_turn_by_its_share_of_a_minute(
    session: Session, ahead: timedelta, begins: datetime
) -> None:
    paced(session, "", NOW + ahead)

    note_sent(session, Rates(account=4), NOW)

    assert next_of(session, "") == begins + TURN / 4


def test_without_a_pace_nothing_is_written_down(session: Session) -> None:
    note_sent(session, Rates(), NOW)
    assert take_turn(session, LETTER, OFFICE, Rates(), NOW)
    assert take_turn(session, COPY, OFFICE, Rates(office=1), NOW)

    assert session.scalars(select(Pace)).all() == []


@pytest.mark.parametrize(
    ("ahead", "is_taken"),
    [
        (timedelta(days=-1), True),
        (timedelta(), True),
        (TICK, False),
        (TURN, False),
        (TURN + TICK, True),
    ],
)
def test_an_offices_turn_is_not_taken_before_it_comes(session: Session, ahead: timedelta, is_taken: bool) -> None:
    """Neither by whoever takes it, nor by the claim that looks for somebody to take one."""
    paced(session, OFFICE, NOW + ahead)
    row(session)

    assert take_turn(session, LETTER, OFFICE, Rates(office=2), NOW) is is_taken
    session.rollback()
    assert (claim(session, NOW, Gate.open(Rates(office=2))) is not None) is is_taken


@pytest.mark.parametrize(
    ("late", "counts_from"),
    [(timedelta(), NOW), (SECOND, NOW - SECOND), (SECOND + TICK, NOW), (timedelta(days=9), NOW), (-TURN - TICK, NOW)],
)
def test_a_punctual_turn_is_followed_by_one_that_is_not_later_for_a_second_of_looking(
    session: Session, late: timedelta, counts_from: datetime
) -> None:
    paced(session, OFFICE, NOW - late)

    take_turn(session, LETTER, OFFICE, Rates(office=4), NOW)

    assert next_of(session, OFFICE) == counts_from + TURN / 4


def test_the_accounts_turn_is_nobodys_office(session: Session) -> None:
    """A letter that lost its address must not wait for it."""
    paced(session, "", NOW + SECOND)
    row(session, to="")

    assert claim(session, NOW, Gate.open(Rates(account=1))) is not None


def test_turns_are_kept_for_a_day(session: Session) -> None:
    day = timedelta(hours=24)
    paced(session, OFFICE, NOW)
    with writing(session):
        forget_paces(session, NOW + day)
    assert len(session.scalars(select(Pace)).all()) == 1
    with writing(session):
        forget_paces(session, NOW + day + TICK)
    assert session.scalars(select(Pace)).all() == []


def test_the_later_of_two_troubles_counts_and_ends_at_its_moment() -> None:
    busy = Busy()
    for name in "abcde":
        busy.note(f"{name}@x.example", TRANSIENT, NOW)  # all of the domain
    for _time in range(2):
        busy.note("a@x.example", TRANSIENT, NOW + 2 * SECOND)

    assert busy.until("a@x.example", NOW + SECOND) == NOW + 2 * SECOND + 15 * MINUTE
    assert busy.until("b@x.example", NOW + SECOND) == NOW + 2 * SECOND + 15 * MINUTE


def test_a_trouble_is_over_at_its_moment_and_none_of_a_clock_that_was_wrong() -> None:
    busy = Busy()
    for _time in range(2):
        busy.note("a@x.example", TRANSIENT, NOW)

    assert busy.until("a@x.example", NOW + MINUTE - TICK) == NOW + MINUTE
    assert busy.until("a@x.example", NOW + MINUTE) is None
    assert busy.until("a@x.example", NOW - 29 * MINUTE) == NOW + MINUTE
    assert busy.until("a@x.example", NOW - 29 * MINUTE - TICK) is None


def test_whoever_was_in_trouble_longest_ago_is_forgotten_first() -> None:
    busy = Busy()
    for _time in range(2):
        busy.note("a@old.example", TRANSIENT, NOW)
    busy.note("a@older.example", TRANSIENT, NOW)
    for number in range(4998):
        busy.note(f"a@{number}.example", TRANSIENT, NOW)
    assert len(busy._known) == 10_000
    for _time in range(2):
        busy.note("a@old.example", TRANSIENT, NOW)

    busy.note("a@new.example", TRANSIENT, NOW)

    assert len(busy._known) == 10_000
    assert "a@old.example" in busy._known
    assert "a@older.example" not in busy._known


@pytest.mark.parametrize("outcome", [ACCEPTED, PERMANENT])
def test_who_answers_for_sure_begins_anew(outcome: Outcome) -> None:
    busy = Busy()
    busy.note("a@x.example", TRANSIENT, NOW)
    busy.note("a@x.example", outcome, NOW)
    busy.note("a@x.example", TRANSIENT, NOW)

    assert busy.until("a@x.example", NOW) is None


def test_who_is_greylisted_stays_in_the_trouble_that_it_had() -> None:
    busy = Busy()
    busy.note("a@x.example", TRANSIENT, NOW)
    busy.note("a@x.example", GREYLISTED, NOW)
    busy.note("a@x.example", TRANSIENT, NOW)

    assert busy.until("a@x.example", NOW) == NOW + MINUTE
