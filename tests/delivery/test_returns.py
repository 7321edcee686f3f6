"""What follows from a bounce, a delay and an answer: for the letter, its signer, their address and the office's."""

from __future__ import annotations

import email
import email.policy
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import writing
from app.delivery import dead
from app.delivery.answers import Answer
from app.delivery.bounces import Bounce, Delay, Nothing
from app.delivery.mails import Correspondent, Links
from app.delivery.outbox import MoveRefused, retry
from app.delivery.returns import Means, Result, StillInHand, Taken, receive
from app.models import (
    Contact,
    DeadAddress,
    Delivery,
    DeliveryKind,
    DeliveryState,
    LimitEvent,
    Signature,
    SignatureState,
)
from app.upkeep import Upkeep
from tests.delivery import rfc2047
from tests.delivery.factories import NOW, delivery, moves, reread, signature
from tests.signing.factories import site

S, K = DeliveryState, DeliveryKind
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SOFT = Bounce(552, "552 5.2.2 mailbox full", is_dead=False)
AUTOMATIC = Answer("We have received your letter.", is_automatic=True)
OFFICE = "office@example.org"


def hard(sent: Delivery) -> Bounce:
    """Its mailbox is gone."""
    return Bounce(550, "550 5.1.1 user unknown", is_dead=True, about=(sent.recipient or "").lower())


@pytest.fixture
def means(app: Flask) -> Means:
    return Means(site(app).composer, site(app).keys.address)


def row(
    session: Session,
    state: DeliveryState = S.ACCEPTED,
    kind: DeliveryKind = K.LETTER,
    signer: Signature | None = None,
    **columns: object,
) -> Delivery:
    """A delivery as it stands after it was sent, with a number that can be in an address."""
    lease = {"lease": "a", "leased_until": NOW} if state is S.SENDING else {}
    ended = None if state in {S.HELD, S.QUEUED, S.SENDING} else NOW
    with writing(session):
        signer = session.merge(signer) if signer else signature(session)
        made = delivery(session, signer, kind=kind, state=state, **(lease | {"ended_at": ended} | columns))  # type: ignore[arg-type]
        made.uuid = str(uuid.uuid4())
        return made


def others(session: Session, found: Delivery) -> Sequence[Delivery]:
    """The newer deliveries of the same letter, as they stand in the database."""
    session.rollback()
    query = select(Delivery).where(Delivery.letter_id == found.letter_id, Delivery.id > found.id)
    return session.scalars(query.order_by(Delivery.id).execution_options(populate_existing=True)).all()


def of_kind(session: Session, kind: DeliveryKind) -> Sequence[Delivery]:
    session.rollback()
    query = select(Delivery).where(Delivery.kind == kind).order_by(Delivery.id)
    return session.scalars(query.execution_options(populate_existing=True)).all()


def dead_ones(session: Session) -> list[bytes]:
    session.rollback()
    return list(session.scalars(select(DeadAddress.digest)))


# --- bounces ----------------------------------------------------------------------------------------------------------


def test_a_letter_that_came_back_is_its_signers_to_deliver_and_one_mail_says_so(session: Session, means: Means) -> None:
    sent = row(session)
    notice = row(session, S.HELD, K.NOTICE, sent.signature)

    done = receive(session, sent.uuid, hard(sent), means, NOW + HOUR)

    assert done == Result(Taken.BOUNCED, sent.id)
    found = reread(session, sent.id)
    assert (found.state, found.ended_at) == (S.BOUNCED, NOW)
    event = found.events[-1]
    assert (event.at, event.why, event.code, event.said) == (NOW + HOUR, "came back", 550, "550 5.1.1 user unknown")
    (by_hand,) = others(session, sent)
    assert (by_hand.state, by_hand.channel, by_hand.ended_at) == (S.OFFERED, "handoff", NOW + HOUR)
    waiting = reread(session, notice.id)
    assert (waiting.state, waiting.due_at) == (S.QUEUED, NOW + HOUR)


def test_the_mail_that_says_so_is_of_the_moment_in_which_it_is_queued(session: Session, means: Means) -> None:
    sent = row(session)
    composed = means.composer.notice(str(uuid.uuid4()), Correspondent("", "ana@example.org"), "W", Links("", ""), NOW)
    notice = row(session, S.HELD, K.NOTICE, sent.signature, mail=composed.mail)

    receive(session, sent.uuid, hard(sent), means, NOW + 3 * DAY)

    mail = reread(session, notice.id).mail or b""
    assert mail != composed.mail
    assert email.message_from_bytes(mail)["Date"] == "Fri, 27 Nov 2026 17:00:00 +0000"


def test_a_second_report_of_the_same_bounce_changes_nothing(session: Session, means: Means) -> None:
    sent = row(session)
    row(session, S.HELD, K.NOTICE, sent.signature)
    receive(session, sent.uuid, hard(sent), means, NOW)

    done = receive(session, sent.uuid, SOFT, means, NOW + HOUR)

    assert done == Result(Taken.OVER, sent.id)
    assert moves(reread(session, sent.id)) == [(S.BOUNCED, "came back")]
    assert len(others(session, sent)) == 1
    assert [mail.state for mail in of_kind(session, K.NOTICE)] == [S.QUEUED]
    assert len(session.scalars(select(LimitEvent)).all()) == 1


def test_a_letter_of_unknown_fate_was_accepted_if_it_comes_back(session: Session, means: Means) -> None:
    parked = row(session, S.PARKED, unknowns=2)

    assert receive(session, parked.uuid, hard(parked), means, NOW).taken is Taken.BOUNCED

    assert reread(session, parked.id).state is S.BOUNCED
    assert [one.state for one in others(session, parked)] == [S.OFFERED]


def test_what_is_just_being_sent_has_to_be_settled_first(session: Session, means: Means) -> None:
    sending = row(session, S.SENDING)

    with pytest.raises(StillInHand):
        receive(session, sending.uuid, hard(sending), means, NOW)

    assert (reread(session, sending.id).state, dead_ones(session)) == (S.SENDING, [])


@pytest.mark.parametrize("state", [S.HELD, S.QUEUED, S.FAILED, S.CANCELLED, S.OFFERED, S.REPORTED, S.STUCK])
def test_a_bounce_of_what_is_not_out_or_over_changes_nothing(
    session: Session, means: Means, state: DeliveryState
) -> None:
    sent = row(session, state)

    assert receive(session, sent.uuid, hard(sent), means, NOW).taken is Taken.OVER

    found = reread(session, sent.id)
    assert (found.state, moves(found), others(session, sent)) == (state, [], [])


def test_what_nobody_here_has_sent_is_said_to_be_unknown(session: Session, means: Means) -> None:
    row(session)

    assert receive(session, str(uuid.uuid4()), SOFT, means, NOW) == Result(Taken.UNKNOWN)


def test_what_came_back_cannot_be_sent_again(session: Session, means: Means) -> None:
    sent = row(session)
    receive(session, sent.uuid, hard(sent), means, NOW)

    with pytest.raises(MoveRefused, match="it is bounced"), writing(session):
        retry(session, session.get_one(Delivery, sent.id), NOW)


@pytest.mark.parametrize("state", [SignatureState.WITHDRAWN, SignatureState.ERASED])
def test_a_letter_of_somebody_who_left_comes_back_to_nobody(
    session: Session, means: Means, state: SignatureState
) -> None:
    sent = row(session)
    with writing(session):
        signer = session.get_one(Delivery, sent.id).signature
        assert signer is not None
        signer.state = state
        signer.erased_at = NOW if state is SignatureState.ERASED else None

    receive(session, sent.uuid, hard(sent), means, NOW)

    assert (reread(session, sent.id).state, others(session, sent)) == (S.BOUNCED, [])
    kept = reread(session, sent.id).events[-1].said
    assert kept is None if state is SignatureState.ERASED else kept


def test_the_servers_words_are_kept_without_addresses_and_names(session: Session, means: Means) -> None:
    sent = row(session, recipient="jane.staff@office.example")
    words = "550 5.1.1 <jane.staff@office.example> jane.staff unknown, asks Ana García <ana@example.org>"

    receive(session, sent.uuid, Bounce(550, words, is_dead=True), means, NOW)

    said = reread(session, sent.id).events[-1].said or ""
    assert said.startswith("550 5.1.1")
    assert "unknown" in said
    assert not [word for word in ("jane", "García", "@", "ana") if word in said]


# --- a signer's address -----------------------------------------------------------------------------------------------


def test_after_one_hard_bounce_no_mail_goes_to_the_signer_but_their_letters_do(session: Session, means: Means) -> None:
    sent = row(session, kind=K.COPY, recipient="ana@example.org")
    waiting = [
        row(session, state, kind, sent.signature) for kind, state in ((K.REMINDER, S.QUEUED), (K.NOTICE, S.HELD))
    ]
    letter = row(session, S.QUEUED, K.LETTER, sent.signature)

    receive(session, sent.uuid, hard(sent), means, NOW)

    assert dead_ones(session) == [means.digest("Ana@Example.org")]
    for mail in waiting:
        assert (reread(session, mail.id).state, moves(reread(session, mail.id))) == (
            S.CANCELLED,
            [(S.CANCELLED, "address dead")],
        )
    assert reread(session, letter.id).state is S.QUEUED


def test_mails_to_the_same_address_in_other_campaigns_do_not_go_either(session: Session, means: Means) -> None:
    sent = row(session, kind=K.CONFIRMATION, recipient="ana@example.org")
    mailbox = b"m" * 32
    people = {"ANA@example.org": S.CANCELLED, "ana+news@example.org": S.QUEUED}
    mails = {}
    with writing(session):
        for one in session.scalars(select(Signature)):
            one.email_digest = mailbox
    for address in people:
        with writing(session):
            other = signature(session)
            other.email, other.email_digest = address, mailbox
        mails[address] = row(session, S.QUEUED, K.COPY, other, recipient=address).id

    receive(session, sent.uuid, hard(sent), means, NOW)

    assert {address: reread(session, number).state for address, number in mails.items()} == people


def test_who_is_behind_an_alias_does_not_make_it_dead(session: Session, means: Means) -> None:
    for mail in (row(session, kind=DeliveryKind.CONFIRMATION), *letters(session, 3)):
        behind = replace(hard(mail), about="ben@home.example")
        assert receive(session, mail.uuid, behind, means, NOW).taken is Taken.BOUNCED

    assert dead_ones(session) == []


def test_a_full_mailbox_is_not_dead(session: Session, means: Means) -> None:
    sent = row(session, kind=K.COPY, recipient="ana@example.org")
    reminder = row(session, S.QUEUED, K.REMINDER, sent.signature)

    receive(session, sent.uuid, SOFT, means, NOW)

    assert reread(session, sent.id).state is S.BOUNCED
    assert reread(session, reminder.id).state is S.QUEUED
    assert dead_ones(session) == []


@pytest.mark.parametrize("kind", [K.NOTICE, K.ANSWER, K.REPEAT, K.REMINDER])
def test_the_bounce_of_a_mail_of_ours_leads_to_no_other_mail(
    session: Session, means: Means, kind: DeliveryKind
) -> None:
    sent = row(session, kind=kind, recipient="ana@example.org")

    receive(session, sent.uuid, hard(sent), means, NOW)

    assert reread(session, sent.id).state is S.BOUNCED
    assert [one.id for one in session.scalars(select(Delivery))] == [sent.id]


def test_the_bounce_of_a_mail_to_the_organisation_moves_only_its_row(session: Session, means: Means) -> None:
    with writing(session):
        mail = means.composer.office_dead(str(uuid.uuid4()), "Senator X", "x@office.example", "", NOW)
        made = Delivery(
            uuid=mail.uuid, kind=K.REPORT, state=S.ACCEPTED, channel="mail", recipient=mail.recipient, created_at=NOW
        )
        session.add(made)

    receive(session, mail.uuid, hard(made), means, NOW)

    assert (reread(session, made.id).state, dead_ones(session)) == (S.BOUNCED, [])


# --- an office's address ----------------------------------------------------------------------------------------------


def letters(session: Session, count: int, state: DeliveryState = S.ACCEPTED, recipient: str = OFFICE) -> list[Delivery]:
    return [row(session, state, recipient=recipient) for _ in range(count)]


def test_an_office_is_dead_after_two_letters_in_a_day_and_the_organisation_is_told_once(
    session: Session, means: Means
) -> None:
    first, second, third = letters(session, 3, recipient="Staff@office.example")

    receive(session, first.uuid, hard(first), means, NOW)
    assert dead_ones(session) == []
    receive(session, second.uuid, hard(second), means, NOW + 23 * HOUR)
    receive(session, third.uuid, hard(third), means, NOW + 23 * HOUR)

    assert dead_ones(session) == [means.digest("staff@office.example")]
    (report,) = of_kind(session, K.REPORT)
    told = email.message_from_bytes(report.mail or b"", policy=email.policy.default)
    assert told["Subject"] == "Letters to an office come back: Senator Cynthia M. Lummis"
    text = told.get_content()
    assert "    Staff@office.example" in text
    assert "    550 5.1.1 user unknown" in text
    assert ".venv/bin/flask contacts import contacts.csv" in text
    assert "Ana" not in text


@pytest.mark.parametrize("second", [SOFT, None])
def test_one_letter_or_two_refusals_of_another_sort_do_not_make_it_dead(
    session: Session, means: Means, second: Bounce | None
) -> None:
    one, two = letters(session, 2)
    receive(session, one.uuid, hard(one), means, NOW)
    receive(session, (two if second else one).uuid, second or hard(one), means, NOW)

    assert (dead_ones(session), of_kind(session, K.REPORT)) == ([], [])


def test_two_letters_on_different_days_do_not_make_it_dead(session: Session, means: Means) -> None:
    one, two = letters(session, 2)
    receive(session, one.uuid, hard(one), means, NOW)
    receive(session, two.uuid, hard(two), means, NOW + DAY)

    assert dead_ones(session) == []


def test_letters_that_wait_for_a_dead_office_go_to_their_signers(session: Session, means: Means) -> None:
    one, two = letters(session, 2)
    waiting = letters(session, 3, S.QUEUED, recipient="OFFICE@example.org")
    notice = row(session, S.HELD, K.NOTICE, waiting[0].signature)
    elsewhere = row(session, S.QUEUED, recipient="other@example.org")
    receive(session, one.uuid, hard(one), means, NOW)

    assert receive(session, two.uuid, hard(two), means, NOW).handed_over == 3

    for letter in waiting:
        assert moves(reread(session, letter.id)) == [(S.CANCELLED, "address dead")]
        assert [other.state for other in others(session, letter)] == [S.OFFERED]
    assert reread(session, notice.id).state is S.QUEUED
    assert reread(session, elsewhere.id).state is S.QUEUED


def test_hundreds_of_letters_are_handed_over_in_several_transactions(
    session: Session, means: Means, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.delivery.returns._BATCH", 10)
    one, two = letters(session, 2)
    with writing(session):
        for _ in range(35):
            delivery(session, signature(session), kind=K.LETTER)
    receive(session, one.uuid, hard(one), means, NOW)

    assert receive(session, two.uuid, hard(two), means, NOW).handed_over == 35


def test_what_was_stopped_in_the_middle_is_finished_with_the_next_bounce(session: Session, means: Means) -> None:
    one, two = letters(session, 2)
    receive(session, one.uuid, hard(one), means, NOW)
    receive(session, two.uuid, hard(two), means, NOW)
    late = row(session, S.QUEUED)

    assert receive(session, two.uuid, hard(two), means, NOW) == Result(Taken.OVER, two.id, handed_over=1)
    assert reread(session, late.id).state is S.CANCELLED


# --- delays -----------------------------------------------------------------------------------------------------------


def test_a_delay_is_noted_where_the_letter_is_and_a_failure_may_follow(session: Session, means: Means) -> None:
    sent = row(session)

    done = receive(session, sent.uuid, Delay(451, "451 4.4.1 <x@y.example> timed out"), means, NOW)

    assert done.taken is Taken.DELAYED
    found = reread(session, sent.id)
    assert (found.state, moves(found)) == (S.ACCEPTED, [(S.ACCEPTED, "delayed")])
    assert (found.events[0].code, found.events[0].said) == (451, "451 4.4.1 … timed out")
    receive(session, sent.uuid, hard(sent), means, NOW + DAY)
    assert moves(reread(session, sent.id)) == [(S.ACCEPTED, "delayed"), (S.BOUNCED, "came back")]


def test_the_same_delay_is_noted_once_and_many_are_not_all_kept(session: Session, means: Means) -> None:
    sent = row(session)
    for number in (1, 1, 2, 3, 4, 5):
        receive(session, sent.uuid, Delay(451, f"451 attempt {number}"), means, NOW)

    assert [event.said for event in reread(session, sent.id).events] == [f"451 attempt {n}" for n in (1, 2, 3)]


@pytest.mark.parametrize("state", [S.QUEUED, S.SENDING, S.BOUNCED, S.CANCELLED])
def test_a_delay_of_what_is_not_out_changes_nothing(session: Session, means: Means, state: DeliveryState) -> None:
    sent = row(session, state)

    assert receive(session, sent.uuid, Delay(451, "x"), means, NOW).taken is Taken.NOTHING
    assert moves(reread(session, sent.id)) == []


# --- answers ----------------------------------------------------------------------------------------------------------


def test_an_automatic_answer_to_a_letter_is_passed_on_to_its_signer(session: Session, means: Means) -> None:
    sent = row(session)
    text = "Thank you, Ana.\n\nWe read <every> letter.\n" + "long " * 40

    done = receive(session, sent.uuid, Answer(text, is_automatic=True), means, NOW)

    assert done == Result(Taken.PASSED_ON, sent.id)
    (passed,) = of_kind(session, K.ANSWER)
    assert (passed.state, passed.recipient, passed.due_at, passed.rank) == (S.QUEUED, "ana@example.org", NOW, 1)
    mail = email.message_from_bytes(passed.mail or b"", policy=email.policy.default)
    assert mail["Subject"] == "Senator Cynthia M. Lummis: an answer to your letter"
    assert (mail["Auto-Submitted"], mail["X-Redress-Answer"]) == ("auto-generated", "yes")
    body = mail.get_content().replace("\r\n", "\n")
    assert "was answered by a program" in body
    assert "> Thank you, Ana.\n>\n> We read <every> letter.\n> long long" in body
    assert all(line.startswith(">") for line in body.splitlines() if "long" in line)
    assert moves(reread(session, sent.id)) == [(S.ACCEPTED, "answered")]


def test_a_persons_answer_is_passed_on_in_the_language_of_the_signer(session: Session, means: Means) -> None:
    sent = row(session)
    with writing(session):
        session.scalars(select(Signature)).one().language = "es"

    receive(session, sent.uuid, Answer("Gracias.", is_automatic=False), means, NOW)

    (passed,) = of_kind(session, K.ANSWER)
    mail = email.message_from_bytes(passed.mail or b"", policy=email.policy.default)
    assert "Alguien respondió a su carta" in mail.get_content()
    assert mail["Subject"] == "Cynthia M. Lummis, del Senado: una respuesta a su carta"


JANE = Answer(
    "Dear Ana, see our page <https://lummis.senate.gov>.",
    is_automatic=False,
    name="Jane O‘Neill, Office",
    address="jane@office.example",
    reply_to="jane@office.example",
    subject="Re: The well",
)


def passed_on(session: Session, means: Means, answer: Answer, language: str = "en") -> bytes:
    """The mail by which the signer gets it."""
    sent = row(session)
    with writing(session):
        session.scalars(select(Signature)).one().language = language
    assert receive(session, sent.uuid, answer, means, NOW).taken is Taken.PASSED_ON
    (passed,) = of_kind(session, K.ANSWER)
    return passed.mail or b""


def body_of(mail: bytes) -> str:
    message = email.message_from_bytes(mail, policy=email.policy.default)
    return str(message.get_content()).replace("\r\n", "\n")


def test_a_persons_answer_says_who_wrote_it_and_its_subject_and_a_reply_goes_there(
    session: Session, means: Means
) -> None:
    mail = passed_on(session, means, replace(JANE, reply_to="case+7@office.example", files=2))

    body = body_of(mail)
    assert "\nFrom: Jane O‘Neill, Office <jane@office.example>\nSubject: Re: The well\n\n> Dear Ana, see our" in body
    assert "<https://lummis.senate.gov>" in body
    assert "2 files came with it, which we do not pass on." in " ".join(body.split())
    assert "your answer goes to case+7@office.example" in " ".join(body.split())
    assert rfc2047.sender(rfc2047.header(mail, "Reply-To")) == ("Jane O‘Neill Office", "case+7@office.example")
    assert rfc2047.sender(rfc2047.header(mail, "From"))[1] == "letters@sandbox.invalid"
    assert rfc2047.subject(rfc2047.header(mail, "Auto-Submitted")) == "auto-generated"


def test_it_is_said_in_the_language_of_the_signer(session: Session, means: Means) -> None:
    body = " ".join(body_of(passed_on(session, means, replace(JANE, files=1), "es")).split())

    for piece in (
        "De: Jane O‘Neill",
        "Asunto: Re: The well",
        "un archivo",
        "su respuesta llegará a jane@office.example",
    ):
        assert piece in body


@pytest.mark.parametrize(
    "answer",
    [
        replace(JANE, is_automatic=True),
        replace(JANE, reply_to="ana@example.org"),
        replace(JANE, reply_to="Letters@Sandbox.invalid"),
        replace(JANE, reply_to=f"b+{'0' * 32}.{'0' * 16}@sandbox.invalid"),
        replace(JANE, reply_to="b@SANDBOX.invalid"),
        replace(JANE, reply_to="jané@office.example"),
        replace(JANE, reply_to="=?utf-8?q?x?=@office.example"),
    ],
)
def test_a_reply_goes_to_no_program_not_to_us_and_to_nothing_that_a_header_cannot_hold(
    session: Session, means: Means, answer: Answer
) -> None:
    mail = passed_on(session, means, answer)

    assert rfc2047.header(mail, "Reply-To") == rfc2047.header(mail, "From").replace(b"From:", b"Reply-To:")
    assert "use an address that it names above" in " ".join(body_of(mail).split())


def test_where_no_address_is_named_none_is_promised(session: Session, means: Means) -> None:
    mail = passed_on(session, means, Answer("Thank you.", is_automatic=False, subject="Re: The well"))

    assert rfc2047.header(mail, "Reply-To") == rfc2047.header(mail, "From").replace(b"From:", b"Reply-To:")
    assert "The answer names no address to which you could write." in " ".join(body_of(mail).split())


def test_what_a_stranger_says_of_themselves_makes_no_header_and_no_line(session: Session, means: Means) -> None:
    name = "A <ceo@bank.example>, =?utf-8?q?x?= " + "w" * 80
    mail = passed_on(session, means, replace(JANE, name=name, subject="=?utf-8?q?x?= %(x)s {{ y }}"))

    assert [header.partition(b":")[0] for header in rfc2047.headers(mail)][4:6] == [b"Reply-To", b"Subject"]
    assert rfc2047.sender(rfc2047.header(mail, "Reply-To"))[1] == "jane@office.example"
    assert "Subject: =?utf-8?q?x?= %(x)s {{ y }}\n" in body_of(mail)


@pytest.mark.parametrize(("subject", "files"), [("The well will be dug", 0), ("", 1)])
def test_a_person_may_answer_without_a_text(session: Session, means: Means, subject: str, files: int) -> None:
    body = body_of(passed_on(session, means, Answer("", is_automatic=False, subject=subject, files=files)))

    assert "It holds no text that we can read." in body
    assert subject in body
    assert ("A file came with it" in body) == bool(files)
    assert "\n\n\n" not in body


def test_of_a_hundred_answers_to_one_letter_three_are_passed_on_and_the_same_one_once(
    session: Session, means: Means
) -> None:
    sent = row(session)
    taken = [
        receive(session, sent.uuid, Answer(f"Answer {max(1, number)}.", is_automatic=True), means, NOW).taken
        for number in range(100)
    ]

    assert taken.count(Taken.PASSED_ON) == 3
    assert taken[:5] == [Taken.PASSED_ON, Taken.ANSWERED, Taken.PASSED_ON, Taken.PASSED_ON, Taken.ANSWERED]
    assert len(of_kind(session, K.ANSWER)) == 3
    assert len(reread(session, sent.id).events) == 3


@pytest.mark.parametrize("kind", [kind for kind in K if kind not in {K.LETTER, K.REPORT}])
def test_an_answer_to_a_mail_to_the_signer_goes_to_nobody(session: Session, means: Means, kind: DeliveryKind) -> None:
    sent = row(session, kind=kind)

    assert receive(session, sent.uuid, AUTOMATIC, means, NOW).taken is Taken.NO_LETTER
    assert [one.id for one in session.scalars(select(Delivery))] == [sent.id]


def withdrawn(signer: Signature) -> None:
    signer.state = SignatureState.WITHDRAWN


def pending(signer: Signature) -> None:
    signer.state = SignatureState.PENDING


def erased(signer: Signature) -> None:
    signer.state, signer.erased_at, signer.email = SignatureState.ERASED, NOW, None


@pytest.mark.parametrize("leave", [withdrawn, pending, erased])
def test_an_answer_for_somebody_who_left_goes_to_nobody(
    session: Session, means: Means, leave: Callable[[Signature], None]
) -> None:
    sent = row(session)
    with writing(session):
        leave(session.scalars(select(Signature)).one())

    assert receive(session, sent.uuid, AUTOMATIC, means, NOW).taken is Taken.NOBODY_THERE
    assert of_kind(session, K.ANSWER) == []


def test_an_answer_for_a_dead_address_or_without_words_goes_to_nobody(session: Session, means: Means) -> None:
    sent = row(session)
    assert receive(session, sent.uuid, Answer("", is_automatic=True), means, NOW).taken is Taken.EMPTY
    with writing(session):
        dead.bury(session, means.digest("ana@example.org"), NOW)

    assert receive(session, sent.uuid, AUTOMATIC, means, NOW).taken is Taken.NOBODY_THERE


def test_nothing_changes_nothing(session: Session, means: Means) -> None:
    sent = row(session)

    assert receive(session, sent.uuid, Nothing("x"), means, NOW).taken is Taken.NOTHING
    assert moves(reread(session, sent.id)) == []


# --- addresses that are dead ------------------------------------------------------------------------------------------


def test_a_dead_address_is_forgotten_after_thirty_days_unless_it_is_in_the_contact_book(
    app: Flask, session: Session, means: Means
) -> None:
    with writing(session):
        session.add(Contact(office="WY-S2", role="r", email=OFFICE, source="s", as_of=NOW.date()))
        for address, age in ((OFFICE, 400), ("old@example.org", 30), ("new@example.org", 29)):
            dead.bury(session, means.digest(address), NOW - age * DAY)

    Upkeep(site(app).config).run(session, NOW, lambda _seconds: False)

    assert set(dead_ones(session)) == {means.digest(OFFICE), means.digest("new@example.org")}


def test_the_first_moment_counts_when_an_address_is_buried_twice(session: Session, means: Means) -> None:
    with writing(session):
        dead.bury(session, b"d" * 32, NOW)
    with writing(session):
        assert dead.bury(session, b"d" * 32, NOW + DAY) == NOW


def test_whoever_revives_addresses_learns_how_many_were_dead(session: Session, means: Means) -> None:
    with writing(session):
        dead.bury(session, means.digest(OFFICE), NOW)
    with writing(session):
        assert dead.among(session, ["x@example.org", OFFICE.upper()], means.digest) == {OFFICE.upper()}
        assert dead.revive(session, ["x@example.org", OFFICE], means.digest) == 1
        assert dead.revive(session, [], means.digest) == 0
    assert dead_ones(session) == []
