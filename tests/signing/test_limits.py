"""How much one mailbox and one network may ask for in 24 hours."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db import writing
from app.models import DeliveryKind, DeliveryState, Signature
from app.signing.limits import TooManyFromNetwork
from app.signing.submitting import resend
from tests.delivery.factories import leave
from tests.signing.factories import NOW, TITLE, confirmed, deliveries, pen, signed, signer

S = DeliveryState
DAY = timedelta(hours=24)
SECOND = timedelta(seconds=1)


def count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Signature)) or 0


def test_a_mailbox_is_sent_three_mails_a_day_and_no_fourth(app: Flask, session: Session) -> None:
    for name in ("Ana", "Bea", "Cai"):
        signed(app, session, signer(name))

    signed(app, session, signer("Dee"))

    assert count(session) == 4
    assert mails(session) == 3


def test_other_spellings_of_the_mailbox_count_too(app: Flask, session: Session) -> None:
    for email in ("a.na@gmail.com", "ana+x@gmail.com", "ANA@googlemail.com"):
        signed(app, session, signer(email=email))

    signed(app, session, signer(email="ana@gmail.com"))
    assert mails(session) == 3
    signed(app, session, signer(email="ana@example.com"))
    assert mails(session) == 4


def test_a_day_later_the_mailbox_is_free_again_and_not_a_second_earlier(app: Flask, session: Session) -> None:
    for name in ("Ana", "Bea", "Cai"):
        signed(app, session, signer(name))

    signed(app, session, signer("Dee"), now=NOW + DAY - SECOND)
    assert mails(session) == 3
    signed(app, session, signer("Eve"), now=NOW + DAY)
    assert mails(session) == 4


def test_the_window_slides(app: Flask, session: Session) -> None:
    for hours, name in ((0, "Ana"), (10, "Bea"), (20, "Cai"), (24, "Dee")):
        signed(app, session, signer(name), now=NOW + timedelta(hours=hours))

    signed(app, session, signer("Eve"), now=NOW + timedelta(hours=33))
    assert mails(session) == 4
    signed(app, session, signer("Fay"), now=NOW + timedelta(hours=34))
    assert mails(session) == 5


def test_sending_again_counts_and_is_refused_after_the_third_mail(app: Flask, session: Session) -> None:
    token = signed(app, session)
    for _time in range(2):
        leave(session, NOW)
        with writing(session):
            resend(session, token, TITLE, pen(app), NOW)
    leave(session, NOW)

    with writing(session):
        resend(session, token, TITLE, pen(app), NOW)

    assert mails(session) == 3
    with writing(session):
        resend(session, token, TITLE, pen(app), NOW + DAY)
    assert mails(session) == 4


def test_a_mailbox_is_told_once_a_day_that_its_owner_has_written(app: Flask, session: Session) -> None:
    confirmed(app, session, signed(app, session))
    for _time in range(3):
        signed(app, session)

    assert mails(session) == 2
    signed(app, session, now=NOW + DAY)
    assert mails(session) == 3


def test_mails_whose_button_was_pressed_were_wanted_and_do_not_count(app: Flask, session: Session) -> None:
    for name in ("Ana", "Bea", "Cai"):
        confirmed(app, session, signed(app, session, signer(name)))

    for name in ("Dee", "Eve", "Fay", "Gus"):
        signed(app, session, signer(name))

    assert mails(session) == 6


def test_a_mail_that_never_goes_does_not_count(app: Flask, session: Session) -> None:
    wrong = signed(app, session)
    for _time in range(3):
        wrong = signed(app, session, signer("Ana", line1="Other Street"), replaces=wrong)

    assert [mail.state for mail in deliveries(session, DeliveryKind.CONFIRMATION)] == [S.CANCELLED] * 3 + [S.QUEUED]


def test_letters_and_copies_do_not_count(app: Flask, session: Session) -> None:
    for name in ("Ana", "Bea"):
        confirmed(app, session, signed(app, session, signer(name)))

    signed(app, session, signer("Cai"))


def test_the_same_submission_again_is_never_too_much(app: Flask, session: Session) -> None:
    tokens = {signed(app, session, nonce="one", with_pen=pen(app, address=1, network=1)) for _time in range(3)}

    assert len(tokens) == 1


def mails(session: Session) -> int:
    """Those that go."""
    made = deliveries(session, DeliveryKind.CONFIRMATION, DeliveryKind.REPEAT)
    return sum(mail.state is not S.CANCELLED for mail in made)


def from_network(app: Flask, session: Session, network: str, number: int, **more: object) -> None:
    signed(
        app,
        session,
        signer(email=f"person{number}@example.org"),
        with_pen=pen(app, network=2),
        network=network,
        **more,  # type: ignore[arg-type]  # only `now`
    )


@pytest.mark.parametrize(
    ("first", "second", "third"),
    [
        ("203.0.113.7", "203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::9"),
        ("203.0.113.7", "::ffff:203.0.113.7", "203.0.113.7"),
    ],
    ids=["IPv4", "IPv6 /64", "IPv4 in IPv6"],
)
def test_a_network_signs_as_often_as_it_may_and_no_more(
    app: Flask, session: Session, first: str, second: str, third: str
) -> None:
    from_network(app, session, first, 1)
    from_network(app, session, second, 2)

    with pytest.raises(TooManyFromNetwork):
        from_network(app, session, third, 3)

    assert count(session) == 2
    from_network(app, session, "198.51.100.1", 4)
    from_network(app, session, "2001:db8:1:3::1", 5)


def test_a_day_later_the_network_is_free_again_and_not_a_second_earlier(app: Flask, session: Session) -> None:
    for number in range(2):
        from_network(app, session, "203.0.113.7", number)

    with pytest.raises(TooManyFromNetwork):
        from_network(app, session, "203.0.113.7", 3, now=NOW + DAY - SECOND)
    from_network(app, session, "203.0.113.7", 3, now=NOW + DAY)


def test_a_connection_without_an_address_is_not_limited(app: Flask, session: Session) -> None:
    for number in range(4):
        from_network(app, session, "", number)

    assert count(session) == 4


@pytest.mark.parametrize(("bits", "most"), [(56, 8), (48, 32)])
def test_who_has_many_networks_signs_more_often_but_not_without_end(
    app: Flask, session: Session, bits: int, most: int
) -> None:
    step = 1 if bits == 56 else 256  # one /64 after the other, of one /56 or of as many /56 as there are
    for number in range(most):
        from_network(app, session, f"2001:db8:1:{number * step:x}::1", number)

    with pytest.raises(TooManyFromNetwork):
        from_network(app, session, f"2001:db8:1:{most * step:x}::1", most)

    assert count(session) == most
    from_network(app, session, "2001:db8:2::1", most + 1)
    from_network(app, session, f"2001:db8:1:{most * step:x}::1", most + 2, now=NOW + DAY)
