"""Signing, confirming and sending again: one person, one set of letters, whatever is pressed, and however often."""

from __future__ import annotations

import logging
import re
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import campaigns
from app.db import writing
from app.delivery import Way
from app.delivery.drain import drain
from app.delivery.handoff import PaperChannel
from app.delivery.outbox import drop
from app.delivery.sending import claim, settle
from app.extensions import db
from app.models import Consent, Delivery, DeliveryKind, DeliveryState, Letter, Signature, SignatureState
from app.signing import (
    Agreement,
    NoSuchSignature,
    PageChanged,
    Release,
    confirm,
    correspondent,
    find_mailed,
    find_sent,
)
from app.signing.afterwards import erase
from app.signing.draft import Draft
from app.signing.submitting import NothingToSign, Ready, Superseded, resend, sign
from app.signing.tokens import Token, hashed
from app.signing.waiting import beside
from tests.delivery.factories import TRANSIENT, ScriptedSender, leave, policy
from tests.factories import campaign_source
from tests.signing.factories import (
    KEEP,
    NOW,
    SENTENCE,
    TITLE,
    campaign_file,
    confirmed,
    deliveries,
    drafted,
    letters_of,
    mailed_token,
    pen,
    released,
    signed,
    signer,
    site,
    submission,
)

S, SIGNED = DeliveryState, SignatureState
LETTER, COPY = DeliveryKind.LETTER, DeliveryKind.COPY
CONFIRMATION, REPEAT = DeliveryKind.CONFIRMATION, DeliveryKind.REPEAT


@pytest.fixture(autouse=True)
def noise(app: Flask, session: Session) -> None:
    """Somebody else, who has confirmed, so that a missing WHERE shows."""
    confirmed(app, session, signed(app, session, signer("Noise", "Person", "noise@example.net"), slug="noise"))
    with writing(session):
        for row in session.scalars(select(Delivery)):
            row.state = S.ACCEPTED


def mine(session: Session, *kinds: DeliveryKind) -> list[Delivery]:
    """Deliveries, without the noise."""
    return [row for row in deliveries(session, *kinds) if row.signature and row.signature.email != "noise@example.net"]


def states(session: Session, *kinds: DeliveryKind) -> list[DeliveryState]:
    return [row.state for row in mine(session, *kinds)]


def signatures(session: Session) -> list[Signature]:
    session.rollback()
    query = select(Signature).where(Signature.email.is_distinct_from("noise@example.net")).order_by(Signature.id)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def test_signing_holds_the_letters_and_queues_the_mail_to_confirm(app: Flask, session: Session) -> None:
    token = signed(app, session)

    signature = find_sent(session, token)
    assert signature.state is SignatureState.PENDING
    assert correspondent(signature).name == "Ana García Ruiz"
    assert (signature.region, signature.postal_code, signature.division) == (
        "WY",
        "82001",
        "ocd-division/country:us/state:wy/cd:at-large",
    )
    assert [letter.position for letter in signature.letters] == [1, 2, 3]
    assert states(session, LETTER) == [S.HELD] * 3
    (mail,) = mine(session, CONFIRMATION)
    assert (mail.state, mail.due_at, mail.recipient) == (S.QUEUED, NOW, "ana.garcia@example.org")
    assert mine(session, COPY) == []


def test_before_confirmation_nothing_but_the_mail_to_confirm_can_be_sent(app: Flask, session: Session) -> None:
    signed(app, session)
    sender = ScriptedSender()

    drain(session, sender, policy(), lambda: NOW + timedelta(days=300), lambda _seconds: False)

    assert [message.recipient for message in sender.sent] == ["ana.garcia@example.org"]


@pytest.mark.file
def test_the_mail_to_confirm_holds_the_link_and_the_database_only_its_hash(
    app: Flask, session: Session, data_dir: Path
) -> None:
    token = signed(app, session)

    mailed = mailed_token(app, token)
    mail = (mine(session, CONFIRMATION)[0].mail or b"").replace(b"=\r\n", b"")
    assert f"https://act.example.org/confirm/{mailed}".encode() in mail
    signature = find_mailed(session, mailed)
    assert (signature.sent_hash, signature.mail_hash) == (hashed(token), hashed(mailed))
    session.rollback()
    assert token.encode() not in (data_dir / "redress.db").read_bytes()


def test_what_was_signed_is_what_was_drafted(app: Flask, session: Session) -> None:
    token = signed(app, session)

    draft = letters_of(app, signer())
    stored = find_sent(session, token).letters
    assert [(letter.seat, letter.subject, letter.body, letter.recipient, letter.bioguide) for letter in stored] == [
        (
            letter.recipient.legislator.seat,
            letter.subject,
            letter.body,
            letter.recipient.title,
            letter.recipient.legislator.bioguide,
        )
        for letter in draft.letters
    ]
    assert [letter.deliveries[0].recipient for letter in stored] == [letter.way.address for letter in draft.letters]


def test_a_draft_without_letters_cannot_be_signed(app: Flask, session: Session) -> None:
    nobody = drafted(site(app).desk, signer(state="DC", zip_code="20001"), campaign_file("us-senators"))
    assert isinstance(nobody, Draft)
    form = submission(session)

    with pytest.raises(NothingToSign):
        Ready.of(session, nobody, form, pen(app), NOW)

    assert signatures(session) == []


def test_going_back_to_correct_the_street_is_another_signature_of_which_one_counts(
    app: Flask, session: Session
) -> None:
    wrong = signed(app, session, signer(line1="1 Wrong Street"), "nonce")
    right = signed(app, session, signer(line1="1 Right Street"), "nonce")

    assert wrong != right
    confirmed(app, session, right)
    confirmed(app, session, wrong)
    assert [one.state for one in signatures(session)] == [SignatureState.WITHDRAWN, SignatureState.CONFIRMED]
    assert {delivery.state for delivery in mine(session, LETTER)} == {S.CANCELLED, S.QUEUED}


def test_the_same_form_and_letters_are_one_signature(app: Flask, session: Session) -> None:
    first = signed(app, session, signer(), "nonce")
    again = signed(app, session, signer(), "nonce", now=NOW + timedelta(hours=1))

    assert again == first
    assert len(signatures(session)) == 1
    assert len(mine(session, CONFIRMATION)) == 1
    assert len(mine(session, LETTER)) == 3


def test_two_people_on_one_form_are_two(app: Flask, session: Session) -> None:
    tokens = {
        signed(app, session, signer("Ana"), "nonce"),
        signed(app, session, signer("Bea"), "nonce"),
        signed(app, session, signer("Ana", email="other@example.org"), "nonce"),
    }

    assert len(tokens) == 3
    assert len(signatures(session)) == 3
    assert states(session, LETTER) == [S.HELD] * 9


def test_confirming_releases_the_letters_and_sends_the_copy_and_keeps_the_consent(app: Flask, session: Session) -> None:
    token = signed(app, session)

    signature = confirmed(app, session, token, NOW + timedelta(minutes=5))

    assert (signature.state, signature.confirmed_at) == (SignatureState.CONFIRMED, NOW + timedelta(minutes=5))
    letters = mine(session, LETTER)
    assert [letter.state for letter in letters] == [S.QUEUED] * 3
    for letter in letters:
        assert letter.sender is not None
        assert letter.uuid.replace("-", "") in letter.sender
        assert f"<{letter.uuid}@sandbox.invalid>".encode() in (letter.mail or b"")
        assert b"Reply-To" in (letter.mail or b"")
    (copy,) = mine(session, COPY)
    receipt = f"https://act.example.org/receipt/{mailed_token(app, token)}".encode()
    assert receipt in (copy.mail or b"").replace(b"=\r\n", b"")
    consent = session.scalars(select(Consent).where(Consent.signature_id == signature.id)).one()
    assert (consent.sentence, consent.agreed_at) == (SENTENCE, NOW + timedelta(minutes=5))


def test_confirming_again_changes_nothing(app: Flask, session: Session) -> None:
    token = signed(app, session)
    confirmed(app, session, token)
    before = [(row.id, row.uuid, row.state, row.mail) for row in mine(session)]

    signature = confirmed(app, session, token, NOW + timedelta(days=1))

    assert signature.confirmed_at == NOW
    assert [(row.id, row.uuid, row.state, row.mail) for row in mine(session)] == before


def test_confirming_again_does_not_wake_letters_that_have_gone(app: Flask, session: Session) -> None:
    token = signed(app, session)
    confirmed(app, session, token)
    sender = ScriptedSender()
    drain(session, sender, policy(), lambda: NOW, lambda _seconds: False)

    confirmed(app, session, token)
    drain(session, sender, policy(), lambda: NOW + timedelta(days=9), lambda _seconds: False)

    assert len(sender.sent) == 5  # confirmation, three letters, copy
    assert set(states(session)) == {S.ACCEPTED, S.HELD}  # held: the notice that nobody needed


@pytest.mark.parametrize("token", ["", "unknown", "Ω", "a" * 32])
def test_an_unknown_token_opens_nothing(app: Flask, session: Session, token: str) -> None:
    for find in (find_sent, find_mailed):
        with pytest.raises(NoSuchSignature):
            find(session, token)
    with pytest.raises(NoSuchSignature), writing(session):
        confirm(session, Token(token), Release("", (), ()), Agreement(SENTENCE, ""), pen(app), NOW)
    with pytest.raises(NoSuchSignature), writing(session):
        resend(session, Token(token), TITLE, pen(app), NOW)


def test_the_token_of_one_page_does_not_open_the_other(app: Flask, session: Session) -> None:
    token = signed(app, session)

    with pytest.raises(NoSuchSignature):
        find_mailed(session, token)
    with pytest.raises(NoSuchSignature):
        find_sent(session, mailed_token(app, token))


def test_the_same_person_after_confirming_gets_a_mail_that_says_so_and_no_letters(app: Flask, session: Session) -> None:
    confirmed(app, session, signed(app, session))

    token = signed(app, session, now=NOW + timedelta(days=3))

    (mail,) = mine(session, REPEAT)
    assert b"You have already written" in (mail.mail or b"")
    empty = find_sent(session, token).letters  # stored, so that it takes as long as for anybody else
    assert [(letter.subject, letter.opening, letter.body) for letter in empty] == [(None, None, None)] * 3
    assert len(mine(session, CONFIRMATION)) == 1
    with pytest.raises(NoSuchSignature):  # nothing there to confirm
        find_mailed(session, mailed_token(app, token))
    assert find_sent(session, token).state is SignatureState.PENDING


def test_sending_a_repeat_again_says_the_same(app: Flask, session: Session) -> None:
    confirmed(app, session, signed(app, session))
    token = signed(app, session)
    leave(session, NOW)

    with writing(session):
        resend(session, token, TITLE, pen(app), NOW)

    assert len(mine(session, REPEAT)) == 2
    assert len(mine(session, CONFIRMATION)) == 1


def test_another_of_the_household_or_another_campaign_is_no_repeat(app: Flask, session: Session) -> None:
    confirmed(app, session, signed(app, session))

    signed(app, session, signer("Bea"))
    signed(app, session, slug="other-campaign")

    assert mine(session, REPEAT) == []
    assert len(mine(session, LETTER)) == 9


def test_who_confirms_while_the_same_person_signs_again_is_noticed(app: Flask, session: Session) -> None:
    first = signed(app, session)
    ready = Ready.of(session, letters_of(app, signer()), submission(session), pen(app), NOW)
    confirmed(app, session, first)

    with pytest.raises(Superseded), writing(session):
        sign(session, ready)


def test_a_form_that_was_sent_before_its_signer_took_the_letters_back_is_still_the_same(
    app: Flask, session: Session
) -> None:
    token = signed(app, session, nonce="nonce")
    confirmed(app, session, token)
    with writing(session):
        erase(session, mailed_token(app, token), NOW)
    before = len(signatures(session))

    assert signed(app, session, nonce="nonce") == token

    assert len(signatures(session)) == before


def test_a_signature_that_was_replaced_gives_its_links_to_the_one_that_is_signed_anew(
    app: Flask, session: Session
) -> None:
    token = signed(app, session, nonce="nonce")
    signed(app, session, signer(email="slip@example.org"), "nonce", replaces=token)

    assert signed(app, session, nonce="nonce") == token

    assert [one.state for one in signatures(session)] == [SIGNED.WITHDRAWN, SIGNED.PENDING, SIGNED.PENDING]
    assert find_mailed(session, mailed_token(app, token)).id == signatures(session)[-1].id


def test_mails_of_before_tokens_had_their_present_form_are_sent_again_with_their_own_link(
    app: Flask, session: Session
) -> None:
    token = signed(app, session)
    once = site(app).keys.earlier_mail(token)
    with writing(session):
        find_sent(session, token).mail_hash = hashed(once)
    leave(session, NOW)

    with writing(session):
        resend(session, token, TITLE, pen(app), NOW)

    assert f"/confirm/{once}".encode() in (mine(session, CONFIRMATION)[-1].mail or b"").replace(b"=\r\n", b"")
    assert find_mailed(session, once.rstrip("-_")).state is SIGNED.PENDING
    assert beside(session, signatures(session)[0], site(app).keys, KEEP, NOW).all == ()


def test_the_same_person_twice_both_confirmed_is_one_set_of_letters(app: Flask, session: Session) -> None:
    first, second = signed(app, session), signed(app, session)

    kept, dropped = confirmed(app, session, second), confirmed(app, session, first)

    assert (kept.state, dropped.state) == (SignatureState.CONFIRMED, SignatureState.WITHDRAWN)
    assert sorted(states(session, LETTER)) == [S.CANCELLED] * 3 + [S.QUEUED] * 3
    assert len(mine(session, COPY)) == 1
    assert len(session.scalars(select(Consent)).all()) == 2  # this one, and the noise


def test_what_was_withdrawn_cannot_be_confirmed(app: Flask, session: Session) -> None:
    first, second = signed(app, session), signed(app, session)
    confirmed(app, session, second)
    confirmed(app, session, first)

    assert confirmed(app, session, first).state is SignatureState.WITHDRAWN
    assert len(mine(session, COPY)) == 1


def test_a_corrected_address_withdraws_the_signature_it_replaces(app: Flask, session: Session) -> None:
    wrong = signed(app, session, signer(email="typo@example.org"))

    right = signed(app, session, replaces=wrong)

    assert find_sent(session, wrong).state is SignatureState.WITHDRAWN
    assert {row.state for row in find_sent(session, wrong).deliveries} == {S.CANCELLED}
    assert find_sent(session, right).state is SignatureState.PENDING
    sender = ScriptedSender()
    drain(session, sender, policy(), lambda: NOW, lambda _seconds: False)
    assert [message.recipient for message in sender.sent] == ["ana.garcia@example.org"]
    assert confirmed(app, session, wrong).state is SignatureState.WITHDRAWN


def test_a_mail_to_the_wrong_address_that_is_being_sent_is_not_tried_again(app: Flask, session: Session) -> None:
    wrong = signed(app, session, signer(email="typo@example.org"))
    in_hand = claim(session, NOW)
    assert in_hand is not None
    assert in_hand.outgoing.recipient == "typo@example.org"

    signed(app, session, replaces=wrong)
    settle(session, in_hand, TRANSIENT, policy(), NOW)

    assert {row.state for row in find_sent(session, wrong).deliveries} == {S.CANCELLED}


def test_what_has_been_confirmed_is_not_replaced(app: Flask, session: Session) -> None:
    earlier = signed(app, session, signer(email="first@example.org"))
    confirmed(app, session, earlier)

    signed(app, session, replaces=earlier)

    assert find_sent(session, earlier).state is SignatureState.CONFIRMED


@pytest.mark.parametrize("replaces", ["", "junk", "Ω" * 100])
def test_a_forged_replacement_withdraws_nobody(app: Flask, session: Session, replaces: str) -> None:
    other = signed(app, session, signer("Bea", email="bea@example.org"))

    signed(app, session, replaces=replaces)

    assert find_sent(session, other).state is SignatureState.PENDING


def test_a_signature_does_not_replace_itself(app: Flask, session: Session) -> None:
    token = signed(app, session, nonce="nonce")

    assert signed(app, session, nonce="nonce", replaces=token) == token

    assert find_sent(session, token).state is SignatureState.PENDING


def test_sending_again_mails_the_same_link(app: Flask, session: Session) -> None:
    token = signed(app, session)
    with writing(session):
        resend(session, token, TITLE, pen(app), NOW)
    assert len(mine(session, CONFIRMATION)) == 1
    leave(session, NOW)

    with writing(session):
        resend(session, token, TITLE, pen(app), NOW)

    first, second = mine(session, CONFIRMATION)
    link = f"/confirm/{mailed_token(app, token)}".encode()
    assert first.uuid != second.uuid
    assert all(link in (mail.mail or b"").replace(b"=\r\n", b"") for mail in (first, second))


def test_sending_again_does_nothing_once_confirmed_or_withdrawn(app: Flask, session: Session) -> None:
    done, wrong = signed(app, session), signed(app, session, signer(email="typo@example.org"))
    confirmed(app, session, done)
    signed(app, session, signer("Bea"), replaces=wrong)
    before = len(mine(session))

    for token in (done, wrong):
        with writing(session):
            resend(session, token, TITLE, pen(app), NOW)

    assert len(mine(session)) == before


def revise(session: Session) -> None:
    campaigns.import_campaign(session, campaign_source(headline="Look after both wells"), NOW)
    campaigns.publish(session, "the-well", NOW)


def close(session: Session) -> None:
    campaigns.close(session, "the-well")


@pytest.mark.parametrize("change", [revise, close])
def test_what_was_read_of_a_campaign_must_still_hold_when_it_is_signed(
    app: Flask, session: Session, change: Callable[[Session], None]
) -> None:
    ready = Ready.of(session, letters_of(app, signer()), submission(session), pen(app), NOW)
    with writing(session):
        change(session)

    with pytest.raises(Superseded), writing(session):
        sign(session, ready)

    assert signatures(session) == []


def test_a_refusal_in_the_middle_leaves_nothing_behind(app: Flask, session: Session) -> None:
    """The mail cannot be composed from a title of two lines: signature and letters must not stay without it."""
    form = submission(session)
    broken = type(form)(form.campaign_id, form.revision_id, "a\r\nBcc: b@example.org", "n", form.network)
    letters = letters_of(app, signer())

    with pytest.raises(ValueError, match="linefeed"), writing(session):
        sign(session, Ready.of(session, letters, broken, pen(app), NOW))

    assert signatures(session) == []
    assert session.scalars(select(Letter).join(Signature).where(Signature.email != "noise@example.net")).all() == []


def test_two_at_once_with_the_same_submission_are_one_signature(app: Flask, session: Session) -> None:
    ready = Ready.of(session, letters_of(app, signer()), submission(session, "nonce"), pen(app), NOW)
    engine = db.engine
    start, tokens = threading.Barrier(4), []

    def press() -> None:
        with app.app_context(), Session(engine, expire_on_commit=False) as own:
            start.wait()
            with writing(own):
                tokens.append(sign(own, ready))

    threads = [threading.Thread(target=press) for _browser in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(tokens) == 4
    assert len(set(tokens)) == 1
    assert len(signatures(session)) == 1
    assert len(mine(session, LETTER)) == 3
    assert len(mine(session, CONFIRMATION)) == 1


def test_two_signatures_of_one_person_confirmed_at_once_are_one_set_of_letters(app: Flask, session: Session) -> None:
    links = [mailed_token(app, signed(app, session)) for _form in range(2)]
    tools = pen(app)
    engine = db.engine
    start = threading.Barrier(2)

    def press(link: Token) -> None:
        with app.app_context(), Session(engine, expire_on_commit=False) as own:
            ready, shown = released(app, own, link)  # as the page does before
            start.wait()
            with writing(own):
                confirm(own, link, ready, shown, tools, NOW)

    threads = [threading.Thread(target=press, args=(link,)) for link in links]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(signature.state for signature in signatures(session)) == ["confirmed", "withdrawn"]
    assert sorted(states(session, LETTER)) == [S.CANCELLED] * 3 + [S.QUEUED] * 3


def test_no_token_address_or_name_is_ever_logged(
    app: Flask, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)
    try:
        token = signed(app, session)
        with writing(session):
            resend(session, token, TITLE, pen(app), NOW)
        confirmed(app, session, token)
        drain(session, ScriptedSender([RuntimeError("canary@example.org")]), policy(), lambda: NOW, lambda _s: False)
    finally:
        logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)

    assert "RuntimeError" in caplog.text
    assert "BEGIN" in caplog.text
    for secret in (token, mailed_token(app, token), "ana.garcia", "García", "Randall", "canary@example.org"):
        assert secret not in caplog.text


@pytest.mark.file
def test_a_database_error_names_nobody(app: Flask, session: Session, data_dir: Path) -> None:
    signed(app, session)
    with sqlite3.connect(data_dir / "redress.db") as other:
        other.execute("CREATE TRIGGER refuse BEFORE INSERT ON letter BEGIN SELECT RAISE(ABORT, 'refused'); END")
    other.close()

    with pytest.raises(Exception, match="refused") as caught:
        signed(app, session, signer("Canary", "Bird", "canary@example.org"))

    assert re.search("canary|bird|randall", str(caught.value), re.IGNORECASE) is None


def test_a_letter_cancelled_in_the_moment_of_confirming_is_shown_first(app: Flask, session: Session) -> None:
    link = mailed_token(app, signed(app, session))
    ready, shown = released(app, session, link)
    with writing(session):
        drop(session, mine(session, LETTER)[0], NOW)

    with pytest.raises(PageChanged), writing(session):
        confirm(session, link, ready, shown, pen(app), NOW)

    assert S.QUEUED not in states(session, LETTER)


def test_an_address_that_was_taken_out_in_the_moment_of_confirming_gets_nothing(app: Flask, session: Session) -> None:
    link, tools = mailed_token(app, signed(app, session)), pen(app)
    ready, shown = released(app, session, link)
    gone = {letter.position: Way(PaperChannel(), "") for letter in find_mailed(session, link).letters}

    with pytest.raises(PageChanged), writing(session):
        confirm(session, link, ready, shown, replace(tools, ways=lambda _letters: gone), NOW)

    assert S.QUEUED not in states(session, LETTER)
