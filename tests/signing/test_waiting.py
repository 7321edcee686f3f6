"""What else waits for a mailbox, and what confirming one of several does to the others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.campaigns.letters import Signer
from app.db import writing
from app.models import DeliveryKind, DeliveryState, SignatureState
from app.signing import PageChanged, confirm, find_sent
from app.signing.waiting import beside
from tests.signing.factories import KEEP, NOW, confirmed, mailed_token, pen, released, signed, signer, site
from tests.signing.test_signing import signatures, states

S, SIGNED, LETTER = DeliveryState, SignatureState, DeliveryKind.LETTER


def test_what_waits_for_a_mailbox_is_found_whoever_it_was(app: Flask, session: Session) -> None:
    tokens = [
        signed(app, session),
        signed(app, session, signer("Ana", email="ana.garcia+x@example.org")),
        signed(app, session, signer("Anna")),
        signed(app, session, slug="other-campaign"),
    ]
    signed(app, session, signer(email="somebody.else@example.org"))
    signed(app, session, signer("Old"), now=NOW - KEEP.pending)
    first, second, third, fourth = (find_sent(session, token).id for token in tokens)

    found = beside(session, find_sent(session, tokens[0]), site(app).keys, KEEP, NOW)

    assert [one.signature.id for one in found.same] == [second]
    assert [one.signature.id for one in found.others] == [third]
    assert [one.signature.id for one in found.elsewhere] == [fourth]
    assert [one.token for one in found.all] == [mailed_token(app, token) for token in tokens[1:]]
    newer = found.newer(find_sent(session, tokens[0]))
    assert newer is not None
    assert newer.signature.id == second
    assert beside(session, find_sent(session, tokens[1]), site(app).keys, KEEP, NOW).same[0].signature.id == first


def test_confirming_sets_aside_what_the_same_person_left_waiting_and_nobody_else(app: Flask, session: Session) -> None:
    signed(app, session)
    last = signed(app, session)
    signed(app, session, signer("Anna"))
    signed(app, session, signer(email="somebody.else@example.org"))
    signed(app, session, slug="other-campaign")

    confirmed(app, session, last)

    assert [one.state for one in signatures(session)] == [SIGNED.WITHDRAWN, SIGNED.CONFIRMED] + [SIGNED.PENDING] * 3


def test_a_slip_in_the_name_is_set_aside_when_its_signer_says_so(app: Flask, session: Session) -> None:
    slip = signed(app, session, signer("Jnae"))
    signed(app, session, signer("Luis"))
    link = mailed_token(app, signed(app, session, signer("Jane")))
    ready, agreed = released(app, session, link)
    slips = frozenset({find_sent(session, slip).person_digest})

    with writing(session):
        confirm(session, link, ready, replace(agreed, slips=slips), pen(app), NOW)

    assert [one.state for one in signatures(session)] == [SIGNED.WITHDRAWN, SIGNED.PENDING, SIGNED.CONFIRMED]
    assert sorted(states(session, LETTER)) == [S.CANCELLED] * 3 + [S.HELD] * 3 + [S.QUEUED] * 3


@pytest.mark.parametrize("who", [signer(), signer("Anna")], ids=["the same person", "another name"])
def test_what_was_signed_since_the_page_was_shown_is_shown_first(app: Flask, session: Session, who: Signer) -> None:
    link = mailed_token(app, signed(app, session))
    ready, agreed = released(app, session, link)
    signed(app, session, who)

    with pytest.raises(PageChanged), writing(session):
        confirm(session, link, ready, agreed, pen(app), NOW)

    assert [one.state for one in signatures(session)] == [SIGNED.PENDING] * 2
