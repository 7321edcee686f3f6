"""What a hand-off holds: the nearest office, and how many there were; `flask outbox handoffs`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from app.db import writing
from app.delivery import Channel, Way, way_to
from app.delivery.handoff import HandoffChannel, PaperChannel, nearest_office, tallies
from app.delivery.mail_channel import EmailChannel
from app.delivery.outbox import WITHDRAWN, Going, after_a_failure, cancel, go, report, retry
from app.legislators import Legislator, Office
from app.legislators.tables import SHIPPED, load
from app.models import Delivery, DeliveryKind, DeliveryState, SignatureState
from app.signing.retention import let_go
from tests.delivery.factories import NOW, delivery, signature

CHEYENNE, CASPER = (41.14, -104.82), (42.85, -106.33)


def office(city: str, point: tuple[float, float] | None, street: str = "1 Main") -> Office:
    return Office(city, "WY", street, "82001", "307-555-0100", point)


@pytest.mark.parametrize(
    ("offices", "point", "nearest"),
    [
        ([office("Cheyenne", CHEYENNE), office("Casper", CASPER)], (41.2, -104.9), "Cheyenne"),
        ([office("Cheyenne", CHEYENNE), office("Casper", CASPER)], (43.0, -106.3), "Casper"),
        ([office("Cheyenne", CHEYENNE, street=""), office("Casper", CASPER)], (41.2, -104.9), "Casper"),
        ([office("Cheyenne", None), office("Casper", CASPER)], (41.2, -104.9), "Casper"),
        ([office("Cheyenne", None), office("Casper", None)], (41.2, -104.9), "Cheyenne"),
        ([office("Cheyenne", CHEYENNE), office("Casper", CASPER)], None, "Cheyenne"),
        ([office("Guam", (13.4, 144.7)), office("Hawaii", (21.3, -157.8))], (14.0, -179.9), "Hawaii"),
    ],
)
def test_the_nearest_office_is_one_that_has_a_street(
    offices: Sequence[Office], point: tuple[float, float] | None, nearest: str
) -> None:
    found = nearest_office(offices, point)

    assert found is not None
    assert found.city == nearest


def test_without_a_street_there_is_none() -> None:
    assert nearest_office([office("Cheyenne", CHEYENNE, street="")], CHEYENNE) is None
    assert nearest_office([], CHEYENNE) is None


@pytest.fixture(scope="module")
def member() -> Legislator:
    return load(SHIPPED).members[0]


def test_every_member_of_the_tables_has_a_way_that_its_page_can_keep(member: Legislator) -> None:
    channels: list[Channel] = [EmailChannel(lambda _member: None), HandoffChannel(), PaperChannel()]
    ways = [way_to(other, channels) for other in load(SHIPPED).members]

    assert all(way.channel.by_signer for way in ways)
    assert all(way.address.startswith("https://") for way in ways if way.channel.name == "handoff")
    assert [way.address for way in ways if way.channel.name == "paper"] == [""]


def test_a_site_without_a_form_is_better_than_nothing(member: Legislator) -> None:
    assert HandoffChannel().address(replace(member, contact_form="")) == member.url
    assert HandoffChannel().address(replace(member, contact_form="", url="")) is None


def test_a_held_letter_can_go_another_way_than_it_was_signed_for(session: Session) -> None:
    with writing(session):
        held = delivery(session, signature(session), None, kind=DeliveryKind.LETTER, state=DeliveryState.HELD)
        go(session.connection(), [Going(held.id, Way(HandoffChannel(), "https://example.org"), None)], NOW)

    session.refresh(held)
    assert (held.state, held.channel, held.recipient) == (DeliveryState.OFFERED, "handoff", "https://example.org")
    assert (held.mail, held.ended_at) == (None, NOW)


# --- flask outbox handoffs ------------------------------------------------------------------------------------


def handoffs(app: Flask, *arguments: str) -> Result:
    result = app.test_cli_runner().invoke(args=["outbox", "handoffs", *arguments])
    assert result.exit_code == 0
    return result


def offered(session: Session, seat: str) -> Delivery:
    made = delivery(session, signature(session), None, kind=DeliveryKind.LETTER, state=DeliveryState.HELD)
    assert made.letter is not None
    made.letter.seat = seat
    made.letter.recipient = f"Whoever sits for {seat}"
    go(session.connection(), [Going(made.id, Way(HandoffChannel(), ""), None)], NOW)
    session.refresh(made)
    return made


def test_letters_are_counted_for_each_office_by_their_signers_word(app: Flask, session: Session) -> None:
    with writing(session):
        first, second, third = (offered(session, "WY-S1") for _ in range(3))
        other = offered(session, "TX-37")
        delivery(session, signature(session), kind=DeliveryKind.LETTER, state=DeliveryState.QUEUED)  # by mail
        report(session, first, NOW, worked=True)
        report(session, second, NOW, worked=False)
        report(session, second, NOW, worked=True)
        report(session, third, NOW, worked=False)
        for signer in (first.signature, other.signature):
            assert signer is not None
            let_go(session, signer, SignatureState.ERASED, NOW)

    assert handoffs(app).stdout.splitlines() == [
        "OFFICE  NAME                    HANDED OVER  SENT  FORM FAILED  NO WORD  OVER",
        "TX-37   Whoever sits for TX-37            1     -            -        1     -",
        "WY-S1   Whoever sits for WY-S1            3     2            1        -     -",
    ]
    assert json.loads(handoffs(app, "--json").stdout)[1] == {
        "seat": "WY-S1",
        "recipient": "Whoever sits for WY-S1",
        "offered": 3,
        "sent": 2,
        "stuck": 1,
        "silent": 0,
        "over": 0,
    }


def test_one_letter_is_counted_once_however_often_it_was_handed_over(app: Flask, session: Session) -> None:
    with writing(session):
        failed = delivery(session, signature(session), kind=DeliveryKind.LETTER, state=DeliveryState.QUEUED)
        for _ in range(2):
            retry(session, failed, NOW)
            failed.state = DeliveryState.FAILED
            after_a_failure(session, failed, NOW)
            session.refresh(failed.letter)
        withdrawn = offered(session, "TX-37")
        cancel(session, [withdrawn], NOW, WITHDRAWN)

    (mailed_in_vain,) = [tally for tally in tallies(session) if tally.seat != "TX-37"]
    assert (mailed_in_vain.offered, mailed_in_vain.silent, mailed_in_vain.over) == (1, 1, 0)
    (taken_back,) = [tally for tally in tallies(session) if tally.seat == "TX-37"]
    assert (taken_back.offered, taken_back.silent, taken_back.over) == (1, 0, 1)
    with writing(session):
        retry(session, failed, NOW)
    assert [(tally.silent, tally.over) for tally in tallies(session)] == [(0, 1), (0, 1)]


def test_before_the_first_one_it_says_so(app: Flask, session: Session) -> None:
    assert (handoffs(app).stdout, handoffs(app, "--json").stdout) == ("", "[]\n")
    assert "No letter has been handed to its signer yet." in handoffs(app).stderr
