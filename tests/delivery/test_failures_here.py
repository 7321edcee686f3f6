"""What goes wrong on our side (DELIVERY §9): the mails that the server has accepted in the end, and what is read.

What kills a worker is in test_failures_killed.py, what people type in test_failures_typed.py.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest

from app.db import DatabaseUnavailable
from app.models import DeliveryState
from tests.databases import Writer, connected
from tests.delivery.letters import (
    AT_IT,
    ITS_TURN,
    Letters,
    Meanwhile,
    accepted_at,
    again_at,
    in_doubt_until,
    to_offices,
    to_signer,
)
from tests.delivery.queue import empty_disk, fill_disk, many, use_up_free_space
from tests.delivery.test_smtp_tls import sender_to
from tests.factories import mails
from tests.pages import Visitor
from tests.smtp_server import Server, scripted
from tests.web.steps import CONFIRM, SEND, SHOW, begin

ACCEPTED = accepted_at("12:00 PM")


# --- the database -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
def test_a_database_locked_at_claim_keeps_all_letters_waiting(letters: Letters, server: Server) -> None:
    with contextlib.closing(Writer(letters.data_dir)) as other:
        other.begin()
        with pytest.raises(DatabaseUnavailable):
            letters.deliver(sender_to(server.port, {}))
        assert letters.told() == [ITS_TURN] * 3
        assert server.accepted == []
        other.end()

    letters.deliver(sender_to(server.port, {}))
    assert letters.told() == [ACCEPTED] * 3
    assert len(server.accepted) == 3


@pytest.mark.usefixtures("impatient")
def test_a_database_locked_at_settle_doubles_nothing(letters: Letters, server: Server) -> None:
    seen: list[list[str]] = []
    with contextlib.closing(Writer(letters.data_dir)) as other:

        def wait(seconds: float) -> bool:
            if seconds:
                seen.append(letters.told())
                if len(seen) == 3:
                    other.end()
            return False

        letters.deliver(Meanwhile(sender_to(server.port, {}), other.begin), wait)

    assert seen == [[AT_IT, ITS_TURN, ITS_TURN]] * 3
    assert letters.told() == [ACCEPTED] * 3
    assert len(server.accepted) == 3


@pytest.mark.file
def test_a_full_disk_at_insert_sends_nothing_until_the_button_is_pressed_again(
    site: Letters, visitor: Visitor, server: Server
) -> None:
    begin(visitor, site.clock).press(SHOW)
    visitor.fill(own_words="word " * 1500)
    visitor.press(SEND)
    visitor.open(mails(site.data_dir, "confirmation")[0].link)
    with site.session() as session:
        fill_disk(session)

    page = visitor.press(CONFIRM)
    assert page.status == 503
    assert "press the button again in a minute" in page.notice
    with site.session() as session:
        empty_disk(session)
    site.deliver(sender_to(server.port, {}))
    assert (len(to_offices(server)), len(to_signer(server))) == (0, 1)

    site.path = visitor.press(CONFIRM).path
    site.deliver(sender_to(server.port, {}))
    assert site.told() == [ACCEPTED] * 3
    assert (len(to_offices(server)), len(to_signer(server))) == (3, 2)


def test_a_full_disk_at_claim_keeps_all_letters_waiting(letters: Letters, server: Server) -> None:
    with letters.session() as session:
        fill_disk(session)
        use_up_free_space(session)

    with pytest.raises(DatabaseUnavailable):
        letters.deliver(sender_to(server.port, {}))
    assert letters.told() == [ITS_TURN] * 3
    assert server.accepted == []

    with letters.session() as session:
        empty_disk(session)
    letters.deliver(sender_to(server.port, {}))
    assert letters.told() == [ACCEPTED] * 3
    assert len(server.accepted) == 3


def test_a_full_disk_at_settle_doubles_nothing(letters: Letters, server: Server) -> None:
    seen: list[list[str]] = []

    def fill() -> None:
        with letters.session() as session:
            fill_disk(session)
            use_up_free_space(session)

    def wait(seconds: float) -> bool:
        if seconds:
            seen.append(letters.told())
            with letters.session() as session:
                empty_disk(session)
        return False

    letters.deliver(Meanwhile(sender_to(server.port, {}), fill), wait)

    assert seen == [[AT_IT, ITS_TURN, ITS_TURN]]
    assert letters.told() == [ACCEPTED] * 3
    assert len(server.accepted) == 3


@pytest.mark.parametrize("wrong", ["recipient = 'nobody'", "mail = ''", "mail = NULL", "sender = '<>'"])
def test_a_poison_row_holds_up_no_other_letter_and_comes_back_to_its_signer(
    letters: Letters, server: Server, wrong: str
) -> None:
    with connected(letters.data_dir) as connection:
        connection.execute(
            f"UPDATE delivery SET {wrong} WHERE id = (SELECT min(id) FROM delivery WHERE kind = 'letter')"
        )

    letters.deliver(sender_to(server.port, {}))

    first, *others = letters.told()
    assert first.startswith("Waiting for you: We could not hand it to the mail server, and gave up on")
    assert others == [ACCEPTED] * 2
    assert (len(to_offices(server)), len(to_signer(server))) == (2, 1)


def test_a_backlog_of_5000_keeps_its_order_and_the_letters_go_in_their_turn(letters: Letters, server: Server) -> None:
    with letters.session() as session:
        many(session, 5000, DeliveryState.QUEUED, timedelta(seconds=-1))
    with connected(letters.data_dir) as connection:
        connection.execute("UPDATE delivery SET rank = 2")  # as if they were letters, too
    letters.clock.forward(hours=2)

    letters.deliver(sender_to(server.port, {}), lambda _seconds: len(server.taken) >= 10)
    assert letters.told() == [ITS_TURN] * 3

    letters.deliver(sender_to(server.port, {}), lambda _seconds: len(server.taken) >= 100)
    assert letters.told() == [accepted_at("2:00 PM")] * 3
    assert len(to_offices(server)) == 3
    assert len({one.recipients for one in server.accepted}) == 100


# --- the worker and its clock -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_rows_in_sending_at_the_start_are_in_doubt_and_go_once_more(
    letters: Letters, server: Server, count: int
) -> None:
    for _row in range(count):
        letters.claim()
    assert letters.told() == [AT_IT] * count + [ITS_TURN] * (3 - count)

    letters.restart(sender_to(server.port, {}))
    assert letters.told() == [in_doubt_until("12:30 PM")] * count + [ACCEPTED] * (3 - count)
    assert len(server.accepted) == 3 - count

    letters.clock.forward(hours=1)
    letters.deliver(sender_to(server.port, {}))
    assert letters.told() == [accepted_at("1:00 PM")] * count + [ACCEPTED] * (3 - count)
    assert len(server.accepted) == 3


@pytest.mark.parametrize(
    ("answer", "accepted"), [("250 queued", 4), ("550 nobody here", 3), ("421 closing", 3), ("452 full", 3)]
)
def test_a_late_worker_changes_nothing_of_what_another_has_settled(
    letters: Letters, answer: str, accepted: int
) -> None:
    """Its message goes out late: what its server says to it then counts no more."""

    def others_go_on() -> None:
        letters.clock.forward(minutes=21)  # its lease is over
        letters.recover()
        letters.clock.forward(minutes=31)
        letters.deliver(sender_to(server.port, {}))

    with scripted(dot=["250 ok", "250 ok", "250 ok", answer]) as server:
        letters.deliver(Meanwhile(sender_to(server.port, {}), others_go_on))

    assert letters.told() == [accepted_at("12:52 PM")] * 3
    assert len(server.accepted) == accepted
    assert len({one.mail for one in server.accepted}) == 3


@pytest.mark.parametrize(("answer", "goes_again"), [("250 queued", False), ("452 full", True)])
def test_a_late_worker_whose_letter_waits_to_go_once_more_is_believed_what_spares_that(
    letters: Letters, answer: str, goes_again: bool
) -> None:
    def others_give_it_up() -> None:
        letters.clock.forward(minutes=21)
        letters.recover()

    with scripted(dot=[answer]) as server:
        letters.deliver(Meanwhile(sender_to(server.port, {}), others_give_it_up))
        told_then = in_doubt_until("12:51 PM") if goes_again else accepted_at("12:21 PM")
        assert letters.told() == [told_then, *[accepted_at("12:21 PM")] * 2]

        letters.clock.forward(hours=1)
        letters.deliver(sender_to(server.port, {}))

    assert letters.told() == [accepted_at("1:21 PM" if goes_again else "12:21 PM"), *[accepted_at("12:21 PM")] * 2]
    assert len(server.accepted) == 3


def test_a_late_worker_does_not_take_the_letter_from_the_one_who_sends_it_now(letters: Letters) -> None:
    def another_begins() -> None:
        letters.clock.forward(minutes=21)
        letters.recover()
        letters.clock.forward(minutes=31)
        letters.deliver(sender_to(server.port, {}), lambda _seconds: len(server.taken) >= 2)
        letters.claim()

    with scripted(rcpt=["250 ok", "250 ok", "550 nobody here"]) as server:
        letters.deliver(Meanwhile(sender_to(server.port, {}), another_begins))

    assert letters.told() == [AT_IT, accepted_at("12:52 PM"), accepted_at("12:52 PM")]
    assert len(server.accepted) == 2


def test_a_clock_that_jumps_back_makes_letters_wait_and_sends_none_twice(letters: Letters) -> None:
    with scripted(dot=["452 full", "250 ok"]) as server:
        letters.deliver(sender_to(server.port, {}), lambda _seconds: len(server.taken) >= 2)
        letters.clock.forward(days=-1)
        letters.deliver(sender_to(server.port, {}))
        assert letters.recover() == 0
        assert letters.told() == [again_at("12:02 PM"), ACCEPTED, ITS_TURN]
        assert len(server.accepted) == 1

        letters.clock.forward(days=1, minutes=3)
        letters.deliver(sender_to(server.port, {}))

    assert letters.told() == [accepted_at("12:03 PM"), ACCEPTED, accepted_at("12:03 PM")]
    assert len(server.accepted) == 3


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_jumps_while_a_letter_is_sent_does_no_harm_to_it(
    letters: Letters, server: Server, days: int
) -> None:
    letters.deliver(Meanwhile(sender_to(server.port, {}), lambda: letters.clock.forward(days=days)))
    assert letters.told()[0] == accepted_at("12:00 PM", day=24 + days)

    letters.clock.forward(days=max(-days, 0))
    letters.deliver(sender_to(server.port, {}))
    assert all(one.startswith("Accepted: ") for one in letters.told())
    assert len(server.accepted) == 3
