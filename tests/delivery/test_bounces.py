"""Reading what comes back: what well-known mail servers write, and what nobody should."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

import pytest

from app.delivery.answers import Answer
from app.delivery.bounces import Bounce, Delay, Nothing, read
from tests.delivery import returned
from tests.delivery.returned import OFFICE, VERP, answer, delay, nested, report

UNKNOWN_USER = "550 5.1.1 <staff@office.example>: Recipient address rejected: User unknown"


def test_a_standard_report_of_a_failure_is_a_bounce_with_the_servers_words() -> None:
    assert read(report()).tells == Bounce(550, UNKNOWN_USER, is_dead=True, about=OFFICE)


@pytest.mark.parametrize(
    ("write", "code"),
    [
        (returned.exim, 550),
        (returned.office_365, 550),
        (returned.old_exchange, None),
        (returned.gmail, 550),
        (returned.qmail, None),
        (returned.sendmail, 550),
    ],
)
def test_the_bounces_of_all_kinds_of_servers_are_read(write: Callable[[], bytes], code: int | None) -> None:
    found = read(write())

    assert found.to == (VERP,)
    assert isinstance(found.tells, Bounce)
    assert (found.tells.code, found.tells.is_dead) == (code, True)


@pytest.mark.parametrize("write", [delay, returned.exim_warning])
def test_a_warning_is_a_delay(write: Callable[[], bytes]) -> None:
    told = read(write()).tells

    assert isinstance(told, Delay)
    assert told.code in {451, 421}


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_a_report_of_success_changes_nothing(action: str) -> None:
    told = read(report(action=action, status="2.0.0", diagnostic="smtp; 250 2.0.0 Ok")).tells

    assert told == Nothing("a report that it went on its way")


def test_what_a_report_does_is_said_by_its_action_not_by_its_number() -> None:
    expired = read(report(status="4.4.7", diagnostic="smtp; 451 4.4.7 queue expired")).tells

    assert expired == Bounce(451, "451 4.4.7 queue expired", is_dead=False, about=OFFICE)
    assert isinstance(read(report(action="delayed", status="5.1.1")).tells, Delay)
    assert isinstance(read(report(action="error (bad address)")).tells, Bounce)
    assert isinstance(read(report(action="").replace(b"Action:", b"X-Action:")).tells, Bounce)


@pytest.mark.parametrize(
    ("status", "words", "is_dead"),
    [
        ("5.1.1", "550 5.1.1 user unknown", True),
        ("5.1.2", "550 5.1.2 no such domain", True),
        ("5.1.3", "553 5.1.3 bad syntax", True),
        ("5.1.6", "550 5.1.6 moved away", True),
        ("5.1.10", "550 5.1.10 null MX", True),
        ("5.2.1", "550 5.2.1 mailbox disabled", True),
        ("5.4.4", "Host or domain name not found", True),
        ("5.0.0", "550 requested action not taken: mailbox unavailable", True),
        ("5.0.0", "550 Message rejected", False),
        ("5.0.0", "550 rejected by administrator", False),
        ("5.0.0", "554 Relay access denied", False),
        ("5.0.0", f"550-Verification failed for <{VERP}> 550-No such user here 550 Sender verify failed", False),
        ("5.0.0", "550 Sender address rejected: Domain not found", False),
        ("5.1.0", f"550 <{VERP}> address invalid", False),
        ("5.0.0", "550 HELO rejected: host or domain name not found", False),
        ("5.0.0", "550 Reverse DNS for your IP address not found", False),
        ("5.0.0", "554 Authentication: account disabled", False),
        ("5.0.0", "450 mailbox temporarily unavailable", False),
        ("5.0.0", "552 mailbox unavailable, over storage allocation", False),
        ("", "550 Sorry, your host is listed in our blocklist", False),
        ("5.0.0", "550 unknown user", True),
        ("5.1.0", "550 Unknown address error 550-'no such user'", True),
        ("5.0.0", "552 mailbox is full", False),
        ("5.0.0", "550 blocked as spam", False),
        ("5.0.0", "550 5.7.1 message refused", False),
        ("5.0.0", "550 5.1.1 no such user", True),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", True),
        ("5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable", True),
        ("5.1.8", "550 5.1.8 bad sender", False),
        ("5.2.2", "552 5.2.2 mailbox full", False),
        ("5.3.4", "552 5.3.4 message too large", False),
        ("5.7.1", "550 5.7.1 policy", False),
        ("5.7.26", "550 5.7.26 unauthenticated", False),
    ],
)
def test_only_a_mailbox_that_is_gone_is_dead(status: str, words: str, *, is_dead: bool) -> None:
    told = read(report(status=status, diagnostic=f"smtp; {words}")).tells

    assert isinstance(told, Bounce)
    assert told.is_dead is is_dead


def test_it_is_told_which_address_did_not_take_it() -> None:
    """Behind an alias there are others, of whom one may be gone."""
    told = [read(write()).tells for write in (returned.exim, returned.qmail, returned.gmail)]
    assert [one.about for one in told if isinstance(one, Bounce)] == [OFFICE] * 3
    behind = read(report(recipient="Ben@Home.example")).tells
    assert isinstance(behind, Bounce)
    assert behind.about == "ben@home.example"
    block = b"\r\n\r\nFinal-Recipient: rfc822; eva@home.example\r\nAction: failed\r\nStatus: 5.1.1"
    several = read(report().replace(b"\r\nRemote-MTA", block + b"\r\nRemote-MTA")).tells
    assert isinstance(several, Bounce)
    assert several.about == ""


def test_a_text_without_numbers_says_by_its_words_whether_the_mailbox_is_gone() -> None:
    gone = read(returned.qmail(words="Sorry, no mailbox here by that name.")).tells
    full = read(returned.qmail(words="The mailbox is over its quota.")).tells

    assert isinstance(gone, Bounce)
    assert isinstance(full, Bounce)
    assert (gone.is_dead, full.is_dead) == (True, False)


def test_an_answer_that_quotes_a_bounce_is_still_an_answer() -> None:
    """A signer chooses words that stand in the letter, and the office's program quotes them."""
    words = "Hi. This is the qmail-send program.\n\n<staff@office.example>:\n550 5.1.1 User unknown\n"
    quoted = "--x\nContent-Type: text/plain\n\nThank you.\n--x\nContent-Type: message/rfc822\n\n{}\n--x--\n"

    assert isinstance(read(answer(text=words)).tells, Answer)
    told = read(answer(text=quoted.format(report().decode()), kind='multipart/mixed; boundary="x"')).tells
    assert isinstance(told, Answer)
    assert told.text == "Thank you."


IN_OTHER_LANGUAGES = {
    "Spanish": ("Aviso", "El mensaje no se ha podido entregar."),
    "Spanish, in its subject": ("No se puede entregar: El pozo", "usuario desconocido"),
    "German": ("Hinweis", "Ihre Nachricht konnte nicht zugestellt werden."),
    "French": ("Avis", "Votre message est non distribué."),
    "French, as a sentence": ("Avis", "Votre message n’a pas pu être remis."),
    "Italian": ("Avviso", "Impossibile recapitare il messaggio."),
    "Portuguese": ("Aviso", "A mensagem não foi entregue."),
    "Russian": ("Сообщение", "Письмо не было доставлено."),
    "Japanese": ("お知らせ", "メールを配信できませんでした。"),
    "Chinese": ("通知", "邮件无法送达。"),
}
STRANGE = IN_OTHER_LANGUAGES | {
    "a subject": ("Undeliverable: The well", "See below."),
    "a subject of old": ("Returned mail", "Host unknown"),
    "a report without its part": ("Delivery report", "It is attached."),
    "not delivered": ("Message status", "Your message was not delivered to staff@office.example."),
    "could not be": ("Notice", "The message couldn't be delivered."),
    "rejected": ("Notice", "Your message to staff was rejected by the filter."),
    "a number": ("Hello", "staff@office.example (#5.7.9)"),
    "a conversation": ("Hello", "remote host said: 554 go away"),
    "unknown": ("Hello", "staff@office.example: no such user here"),
    "full": ("Hello", "The mailbox is full."),
    "did not reach": ("Message status", "Your message did not reach some of the recipients."),
    "the original below": ("Hello", "We give this back.\n\nReceived: from x\nMessage-ID: <1@example.org>"),
}


@pytest.mark.parametrize("sender", ["postmaster@office.example", "Mail <MAILER-DAEMON@mx.example.org>"])
@pytest.mark.parametrize(("subject", "words"), STRANGE.values(), ids=STRANGE)
def test_a_bounce_of_a_form_that_nobody_knows_is_no_answer(subject: str, words: str, sender: str) -> None:
    told = read(answer(sender=sender, subject=subject, text=words)).tells

    assert not isinstance(told, Answer)


SERVERS_OWN = {
    "no mark but its number": ("postmaster@office.example", ""),
    "a header": ("postmaster@office.example", "Auto-Submitted: auto-replied\n"),
    "its sender": ("MAILER-DAEMON@mx.example.org", ""),
}


@pytest.mark.parametrize(("sender", "more"), SERVERS_OWN.values(), ids=SERVERS_OWN)
@pytest.mark.parametrize(("subject", "words"), IN_OTHER_LANGUAGES.values(), ids=IN_OTHER_LANGUAGES)
def test_words_of_other_languages_with_a_number_are_a_bounce(subject: str, words: str, sender: str, more: str) -> None:
    text = f"{words}\n550 5.1.1 staff@office.example"

    told = read(answer(sender=sender, subject=subject, text=text, more=more)).tells

    assert told == Bounce(550, "550 5.1.1 staff@office.example", is_dead=True)


def test_a_number_without_its_detail_is_enough_of_a_program() -> None:
    text = "Your message did not reach its recipient.\nRemote server replied: 550 Unknown user"
    told = [
        read(answer(sender=f"{name}@office.example", subject="Status", text=text, more="")).tells
        for name in ("mailer-daemon", "postmaster")
    ]

    assert told[0] == Bounce(550, "Remote server replied: 550 Unknown user", is_dead=True)
    assert isinstance(told[1], Nothing)


@pytest.mark.parametrize(
    "words", ["Your message was not delivered to staff@office.example.", "Not delivered: 550 5.7.1"]
)
def test_a_postmasters_words_with_an_address_or_a_number_are_no_answer_without_a_mark(words: str) -> None:
    told = read(answer(sender="postmaster@office.example", subject="Hello", text=words, more="")).tells

    assert not isinstance(told, Answer)


def test_what_gives_a_message_back_is_no_answer_and_a_program_without_a_face_has_to_say_that_it_answers() -> None:
    returned_mail = "--x\nContent-Type: text/plain\n\nx\n--x\nContent-Type: message/rfc822\n\nSubject: y\n\nz\n--x--\n"
    sender = "postmaster@office.example"
    for told in (
        read(answer(sender=sender, subject="x", text=returned_mail, kind='multipart/mixed; boundary="x"')).tells,
        read(answer(sender="MAILER-DAEMON@office.example", subject="Hello", text="Something happened.")).tells,
        read(answer(sender="<>", subject="Hello", text="Something happened.")).tells,
    ):
        assert told == Nothing("a mail server's message that says neither that it failed nor that it waits")


def test_a_complaint_is_no_bounce() -> None:
    complaint = "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n"
    body = f"--x\nContent-Type: text/plain\n\nspam\n--x\n{complaint}--x--\n"
    told = read(answer(text=body, kind='multipart/report; report-type=feedback-report; boundary="x"')).tells

    assert told == Nothing("a complaint, not a bounce")


def test_a_mail_by_which_we_passed_an_answer_on_goes_nowhere() -> None:
    assert read(answer(more="X-Redress-Answer: yes\n")).tells == Nothing("an answer that we passed on ourselves")


def test_a_report_about_addresses_beyond_ascii_is_read() -> None:
    told = read(report().replace(b"message/delivery-status", b"message/global-delivery-status")).tells

    assert told == Bounce(550, UNKNOWN_USER, is_dead=True, about=OFFICE)


# --- to whom it came --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["To", "Delivered-To", "X-Original-To", "Envelope-To", "DELIVERED-to"])
def test_the_address_is_found_wherever_servers_write_it(name: str) -> None:
    message = f'From: MAILER-DAEMON@x.example\n{name}: "Bounces" <{VERP.upper()}>\nSubject: x\n\ny'.encode()

    assert read(message).to == (VERP.upper(),)


def test_all_addresses_of_the_form_are_candidates_the_surest_first() -> None:
    other, third = VERP.replace("0b7d", "aaaa"), VERP.replace("0b7d", "bbbb")
    message = f"To: x@example.org, {other},\n {third}\nDelivered-To: redress@example.org\nDelivered-To: {VERP}\n\n"

    assert read(message.encode()).to == (VERP, other, third)


@pytest.mark.parametrize("address", [f"x{VERP}", f"a.{VERP}", VERP.replace("+", "-"), VERP.replace(".0123", ".123")])
def test_what_is_not_of_the_form_is_no_address_of_ours(address: str) -> None:
    assert read(f"To: {address}\n\n".encode()).to == ()


def test_an_address_inside_the_quoted_original_does_not_count() -> None:
    other = VERP.replace("0b7d", "aaaa")
    quoted = f"Delivered-To: {other}\nTo: {other}\nX-Original-To: {other}\nSubject: x\n\n{other}\n"

    assert read(report(quoted=quoted)).to == (VERP,)
    assert read(report(to="postmaster@example.org", quoted=quoted)).to == ()


def test_a_bounce_of_a_bounce_is_about_the_outer_one() -> None:
    inner = report(to=VERP.replace("0b7d", "aaaa"), status="5.2.2").decode().replace("\r\n", "\n")

    assert read(report(quoted=inner)) == read(report())


# --- bad input --------------------------------------------------------------------------------------------------------


def seconds(message: bytes) -> float:
    began = time.perf_counter()
    read(message)
    return time.perf_counter() - began


def lines(text: str, times: int) -> bytes:
    return answer(text=text * times, sender="MAILER-DAEMON@x.example")


BOUNDARY = 'Content-Type: multipart/mixed; boundary="x"\n\n'
BAD: dict[str, bytes] = {
    "nothing": b"",
    "one octet": b"\xff",
    "no headers": b"\r\n\r\nhello",
    "only a boundary": b"Content-Type: multipart/report; boundary=\r\n\r\n--\r\n--\r\n",
    "no end": report()[:900],
    "NULs": b"\x00" * 5000,
    "NULs in headers": report().replace(b"Subject: ", b"Subject: \x00"),
    "a charset that is none": answer(kind='text/plain; charset="no-such-\xff"'),
    "a charset of a NUL": answer(text="\xe4", kind='text/plain; charset="\x00"'),
    "a charset that is no text": answer(kind='text/plain; charset="zip"'),
    "a charset that takes for ever": answer(text="xn--" + "a" * 50_000, kind='text/plain; charset="punycode"'),
    "a charset in numbered pieces": answer(kind=f"text/plain; charset*{'9' * 5000}*=utf-8''x"),
    "base64 that is none": answer(text="=" * 999, more="Content-Transfer-Encoding: base64\n"),
    "uuencode that is none": answer(text="begin 666 x\n\xff", more="Content-Transfer-Encoding: x-uuencode\n"),
    "8-bit headers": b"To: \xff\xfe\nFrom: \xe4\nAuto-Submitted: \xff\nContent-Type: text/\xff\n\n\xff",
    "a report without blocks": report().replace(b"Action: failed", b"x").replace(b"Status: ", b"y: "),
    "a status in base64": report().replace(
        b"delivery-status\r\n\r\n", b"delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    ),
    "50 nested parts": nested(50),
    "3,000 nested parts": nested(3000),
    "100,000 parts": answer(text="--x\n\n" * 100_000, kind='multipart/mixed; boundary="x"'),
    "a chain of quoted messages": answer(kind="message/rfc822", text="Content-Type: message/rfc822\n\n" * 30_000),
    "10 MB in one line": answer(text="x" * 10_000_000),
    "10 MB of lines from a server": lines("x" * 70 + "\n", 140_000),
    "10 MB of empty lines in 50 parts": nested(50) + b"\r" * 10_000_000,
    "a header without end": b"Content-Type: multipart/mixed" + b";" * 1_000_000 + b"\n\n",
    "a folded header without end": b"Content-Type: multipart/mixed;\n" + b" ;;;;\n" * 100_000 + b"\n",
    "a To without end": b"To: " + b"b+0b7d," * 150_000 + b"\n\n",
    "recipients in brackets": b"X-Failed-Recipients: " + b"(" * 100_000 + b"\n\n",
    "a sender in brackets": b"From: mailer-daemon" + b"(" * 100_000 + b"\n\n",
    "lines that patterns stumble over": lines("The following addresses had " + "x" * 900 + "\n", 1000),
    "HTML of opened tags": answer(text="<a " * 300_000, kind="text/html"),
    "HTML of opened comments": answer(text="<!--" * 200_000, kind="text/html"),
    "HTML of entities": answer(text="&#9999999999999999;" * 50_000, kind="text/html"),
    "HTML with a number that is none": answer(text=f"&#{'9' * 5000};<a href='&#{'9' * 5000};'>", kind="text/html"),
    "HTML of opened quotation marks": answer(text="<a href='" * 9000 + '<a "' * 9000, kind="text/html"),
    "HTML of links": answer(text="<a href=//a>x" * 8000, kind="text/html"),
    "a plain form of the words of many links": answer(
        text="--x\nContent-Type: text/plain\n\n" + "a " * 9000 + "\n--x\nContent-Type: text/html\n\n"
        + "".join(f"<a href=//b{i}>{'a ' * i}</a>" for i in range(300)) + "\n--x--\n",
        kind='multipart/alternative; boundary="x"',
    ),
    "HTML of hidden things": answer(text="<div hidden><p>" * 7000, kind="text/html"),
    "HTML of attributes": answer(text=f"<a {'x ' * 49_000}><a {'x' * 99_000}>", kind="text/html"),
    "a name of encoded words": answer(sender="=?utf-8?q?" * 300 + "=?punycode?q?" + "a" * 900 + "?= <a@b.example>"),
    "a name in quotation marks": answer(sender='"' * 3000 + "\\" * 900 + "<a@b.example>"),
    "forms within forms": answer(
        text="--x\nContent-Type: multipart/alternative; boundary=x\n\n" * 90, kind='multipart/alternative; boundary="x"'
    ),
    "numbers": lines("550 5.1.1." * 20_000 + "\n", 5),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_read_soon_and_without_an_error(name: str) -> None:
    assert seconds(BAD[name]) < 3


def test_whatever_is_done_to_a_bounce_reading_it_raises_nothing() -> None:
    chance = random.Random(1)
    samples = [report(), returned.exim(), returned.office_365(), returned.sendmail(), answer(), nested(5)]
    for _ in range(400):
        message = bytearray(chance.choice(samples))
        for _ in range(chance.randrange(1, 30)):
            place = chance.randrange(len(message))
            message[place : place + chance.choice([0, 1, 1, 9])] = chance.randbytes(chance.choice([0, 1, 2]))
        read(bytes(message))


def test_of_a_bounce_of_10_mb_the_report_in_front_is_read() -> None:
    assert read(report(quoted="x: y\n\n" + "word " * 2_000_000)).tells == read(report()).tells


def test_the_words_of_a_stranger_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for message in BAD.values():
        read(message[:20_000])

    assert "x.example" not in caplog.text
    assert OFFICE not in caplog.text
