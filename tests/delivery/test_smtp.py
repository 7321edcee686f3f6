"""One attempt to hand a message over, against a real server that does what a script says."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask_mail import Mail, Message, email_dispatched

from app.delivery import Outcome, OutcomeKind, Outgoing, spoken
from app.delivery.smtp import SmtpSender, Timeouts
from tests.ports import free_port
from tests.smtp_server import DROP, HANG, SIP, Drip, Phase, Server, scripted

MAIL = b"Subject: hello\r\n\r\nHello\r\n"
MESSAGE = Outgoing("b+1.2@letters.example.org", "office@example.com", MAIL)
PATIENT = Timeouts(connect=5, command=5, final_dot=5)
SHORT = Timeouts(connect=0.4, command=0.4, final_dot=0.4)
TOO_LONG = b"250 " + b"x" * 9000 + b"\r\n"
SMTPLIBS_LIMIT_PASSED = b"550 " + b"x" * 9000 + b"\r\n"

ACCEPTED, TRANSIENT, PERMANENT, UNKNOWN, CHANNEL = OutcomeKind


def sender_to(port: int, *, suppress: bool = False, timeouts: Timeouts = PATIENT) -> SmtpSender:
    app = Flask("mailer")
    app.config.update(MAIL_SERVER="127.0.0.1", MAIL_PORT=port, MAIL_SUPPRESS_SEND=suppress)
    Mail(app)
    return SmtpSender(app, timeouts, "letters.example.org")


def timeouts_for(script: dict[str, Phase]) -> Timeouts:
    """Short ones only where the server hangs or drips, so that a busy machine is not taken for a silent server."""
    return SHORT if any(each in repr(script) for each in (repr(HANG), "Drip(", repr(SIP))) else PATIENT


@pytest.fixture
def dispatched() -> Iterator[list[Message]]:
    """What Flask-Mail's signal announced."""
    heard: list[Message] = []

    def listen(_app: Flask, message: Message) -> None:
        heard.append(message)

    with email_dispatched.connected_to(listen):
        yield heard


def attempt(message: Outgoing = MESSAGE, /, **script: Phase) -> tuple[Outcome, Server]:
    """One message through a server of its own."""
    with scripted(**script) as server:
        sender = sender_to(server.port, timeouts=timeouts_for(script))
        outcome = sender.send(message)
        sender.close()
    return outcome, server


def test_a_good_server_takes_the_message() -> None:
    outcome, server = attempt()

    assert outcome == Outcome(ACCEPTED, "accepted", 250)
    assert [(one.sender, one.recipients, one.mail) for one in server.taken] == [
        ("b+1.2@letters.example.org", ("office@example.com",), MAIL)
    ]
    assert server.verbs(1) == ["ehlo", "mail", "rcpt", "data", "quit"]
    assert server.commands[0] == (1, "ehlo letters.example.org")


def test_what_the_server_says_is_kept_without_whom_it_names() -> None:
    words = {
        "550 5.1.1 <office@example.com>: OFFICE is unknown\x1b[31m": "5.1.1 <…>: … is unknown … [31m",
        "452-4.2.2 full\r\n452 4.2.2 see https://mail.example.com/full": "4.2.2 full … 4.2.2 see https://mail.example.com/full",
        "550 " + "x" * 300: "x" * 200,
    }

    for reply, said in words.items():
        outcome, _server = attempt(rcpt=reply.encode() + b"\r\n")
        assert outcome.said == said


def test_a_short_name_is_masked_as_a_word_and_not_within_one() -> None:
    assert spoken(b"5.7.8 Authentication of cat failed, Cat_1", "cat") == "5.7.8 Authentication of … failed, …_1"


def test_a_refused_connection_is_transient() -> None:
    outcome = sender_to(free_port()).send(MESSAGE)

    assert outcome == Outcome(TRANSIENT, "no connection")


def test_a_name_that_does_not_resolve_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: object, **_kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)  # the system's resolver: no test may ask a real one

    assert sender_to(25).send(MESSAGE) == Outcome(TRANSIENT, "no connection")


WHAT_ANSWERS_MEAN: dict[str, tuple[dict[str, Phase], Outcome]] = {
    "421 at connect": ({"connect": ("421 too busy", DROP)}, Outcome(TRANSIENT, "no connection", 421)),
    "554 at connect": ({"connect": "554 go away"}, Outcome(CHANNEL, "no connection", 554)),
    "drop at connect": ({"connect": DROP}, Outcome(TRANSIENT, "no connection")),
    "garbage at connect": ({"connect": b"SSH-2.0-OpenSSH\r\n"}, Outcome(TRANSIENT, "no connection")),
    "overlong at connect": ({"connect": SMTPLIBS_LIMIT_PASSED}, Outcome(TRANSIENT, "no connection")),
    "ehlo and helo refused": (
        {"ehlo": "502 what?", "helo": "550 no"},
        Outcome(CHANNEL, "no connection", 550),
    ),
    "drop at ehlo": ({"ehlo": DROP}, Outcome(TRANSIENT, "no connection")),
    "421 at mail": ({"mail": ("421 closing", DROP)}, Outcome(TRANSIENT, "sender refused", 421)),
    "452 at mail": ({"mail": "452 disk full"}, Outcome(TRANSIENT, "sender refused", 452)),
    "550 at mail": ({"mail": "550 account suspended"}, Outcome(CHANNEL, "sender refused", 550)),
    "drop at mail": ({"mail": DROP}, Outcome(TRANSIENT, "no connection")),
    "421 at rcpt": ({"rcpt": ("421 closing", DROP)}, Outcome(TRANSIENT, "recipient refused", 421)),
    "450 at rcpt": ({"rcpt": "450 later"}, Outcome(TRANSIENT, "greylisted", 450)),
    "451 at rcpt": ({"rcpt": "451 later"}, Outcome(TRANSIENT, "greylisted", 451)),
    "452 at rcpt": ({"rcpt": "452 mailbox full"}, Outcome(TRANSIENT, "recipient refused", 452)),
    "550 at rcpt": ({"rcpt": "550 nobody here"}, Outcome(PERMANENT, "recipient refused", 550)),
    "251 at rcpt": ({"rcpt": "251 forwarded"}, Outcome(ACCEPTED, "accepted", 250)),
    "drop at rcpt": ({"rcpt": DROP}, Outcome(TRANSIENT, "connection lost")),
    "garbage at rcpt": ({"rcpt": b"what?\r\n"}, Outcome(TRANSIENT, "recipient refused")),
    "overlong at rcpt": ({"rcpt": SMTPLIBS_LIMIT_PASSED}, Outcome(TRANSIENT, "connection lost")),
    "421 at data": ({"data": ("421 closing", DROP)}, Outcome(TRANSIENT, "refused", 421)),
    "451 at data": ({"data": "451 later"}, Outcome(TRANSIENT, "refused", 451)),
    "554 at data": ({"data": "554 no"}, Outcome(PERMANENT, "refused", 554)),
    "250 at data": ({"data": "250 what?"}, Outcome(TRANSIENT, "refused", 250)),
    "drop at data": ({"data": DROP}, Outcome(TRANSIENT, "connection lost")),
    "421 after the dot": ({"dot": ("421 closing", DROP)}, Outcome(TRANSIENT, "refused", 421)),
    "452 after the dot": ({"dot": "452 disk full"}, Outcome(TRANSIENT, "refused", 452)),
    "554 after the dot": ({"dot": "554 spam"}, Outcome(PERMANENT, "refused", 554)),
    "drop after the dot": ({"dot": DROP}, Outcome(UNKNOWN, "no answer")),
    "garbage after the dot": ({"dot": b"thanks!\r\n"}, Outcome(UNKNOWN, "unreadable answer")),
    "nothing but a line end after the dot": ({"dot": b"\r\n"}, Outcome(UNKNOWN, "unreadable answer")),
    "354 after the dot": ({"dot": "354 go on"}, Outcome(UNKNOWN, "unreadable answer")),
    "code 999 after the dot": ({"dot": "999 hm"}, Outcome(UNKNOWN, "unreadable answer")),
    "a torn code after the dot": ({"dot": (b"25", DROP)}, Outcome(UNKNOWN, "unreadable answer")),
    "overlong 250 after the dot": ({"dot": TOO_LONG}, Outcome(UNKNOWN, "no answer")),
    "overlong 550 after the dot": ({"dot": SMTPLIBS_LIMIT_PASSED}, Outcome(UNKNOWN, "no answer")),
    "overlong without an end after the dot": ({"dot": b"2" * 20000}, Outcome(UNKNOWN, "no answer")),
    "hang at connect": ({"connect": HANG}, Outcome(TRANSIENT, "no connection")),
    "hang at ehlo": ({"ehlo": HANG}, Outcome(TRANSIENT, "no connection")),
    "hang at mail": ({"mail": HANG}, Outcome(TRANSIENT, "no connection")),
    "hang at rcpt": ({"rcpt": HANG}, Outcome(TRANSIENT, "connection lost")),
    "hang at data": ({"data": HANG}, Outcome(TRANSIENT, "connection lost")),
    "hang after the dot": ({"dot": HANG}, Outcome(UNKNOWN, "no answer")),
    "hang in the middle of the last answer": ({"dot": (b"250-que", HANG)}, Outcome(UNKNOWN, "no answer")),
    "accepted, then a drop": ({"dot": ("250 queued", DROP)}, Outcome(ACCEPTED, "accepted", 250)),
    "accepted, then a drop at quit": ({"quit": DROP}, Outcome(ACCEPTED, "accepted", 250)),
    "accepted, then 421 at quit": ({"quit": ("421 no", DROP)}, Outcome(ACCEPTED, "accepted", 250)),
    "accepted, then a hang at quit": ({"quit": HANG}, Outcome(ACCEPTED, "accepted", 250)),
    "refused, then a hang at quit": (
        {"rcpt": "550 nobody", "quit": HANG},
        Outcome(PERMANENT, "recipient refused", 550),
    ),
    "slow, but in time": (
        {"mail": (b"250 ", 0.1, b"ok\r\n"), "dot": (0.2, b"250", 0.1, b" ok\r\n")},
        Outcome(ACCEPTED, "accepted", 250),
    ),
    "helo only": ({"ehlo": "502 what?"}, Outcome(ACCEPTED, "accepted", 250)),
    "many lines": (
        {"connect": ("220-one", "220 two"), "rcpt": ("250-a", "250-b", "250 c"), "dot": ("250-x", "250 y")},
        Outcome(ACCEPTED, "accepted", 250),
    ),
    "many lines of refusal": (
        {"rcpt": ("550-5.1.1 nobody", "550 5.1.1 here")},
        Outcome(PERMANENT, "recipient refused", 550),
    ),
    "non-ASCII": (
        {"connect": "220 grüß", "mail": b"250 \xff\xfe\r\n", "dot": "250 принято"},
        Outcome(ACCEPTED, "accepted", 250),
    ),
    "non-ASCII refusal": ({"rcpt": "550 邮箱不存在"}, Outcome(PERMANENT, "recipient refused", 550)),
    "line ends without a carriage return": ({"dot": b"250 ok\n"}, Outcome(ACCEPTED, "accepted", 250)),
    "a code and nothing else": ({"rcpt": "250", "dot": "250"}, Outcome(ACCEPTED, "accepted", 250)),
}


@pytest.mark.parametrize(("script", "meant"), WHAT_ANSWERS_MEAN.values(), ids=WHAT_ANSWERS_MEAN)
def test_what_a_server_does_has_one_meaning(
    script: dict[str, Phase], meant: Outcome, dispatched: list[Message]
) -> None:
    outcome, _server = attempt(**script)

    assert outcome == meant
    assert len(dispatched) == (meant.kind is ACCEPTED)


LARGE = Outgoing(MESSAGE.sender, MESSAGE.recipient, MAIL + b"y" * 16_000_000)
FLOOD = b"250-and more\r\n" * 400

NEVER_DONE: dict[str, tuple[dict[str, Phase], Outcome]] = {
    "a greeting of drops": ({"connect": (b"220", Drip(b"-"), "220 hello")}, Outcome(TRANSIENT, "no connection")),
    "a greeting of lines": ({"connect": (Drip(b"220-wait\r\n"), "220 hello")}, Outcome(TRANSIENT, "no connection")),
    "an endless greeting": ({"connect": Drip(b"220-wait\r\n" * 400, 0)}, Outcome(TRANSIENT, "no connection")),
    "drops at ehlo": ({"ehlo": (Drip(b"250-X\r\n"), "250 ok")}, Outcome(TRANSIENT, "no connection")),
    "an endless answer to ehlo": ({"ehlo": Drip(FLOOD, 0)}, Outcome(TRANSIENT, "no connection")),
    "drops at mail": ({"mail": (Drip(b"250-x\r\n"), "250 ok")}, Outcome(TRANSIENT, "no connection")),
    "drops at rcpt": ({"rcpt": (Drip(b"250-x\r\n"), "250 ok")}, Outcome(TRANSIENT, "connection lost")),
    "an endless answer to rcpt": ({"rcpt": Drip(FLOOD, 0)}, Outcome(TRANSIENT, "connection lost")),
    "drops at data": ({"data": (Drip(b"354-x\r\n"), "354 go")}, Outcome(TRANSIENT, "connection lost")),
    "drops after the dot": ({"dot": (b"250", Drip(b"-"), "250 ok")}, Outcome(UNKNOWN, "no answer")),
    "lines after the dot": ({"dot": (Drip(b"250-x\r\n"), "250 ok")}, Outcome(UNKNOWN, "no answer")),
    "an endless answer to the dot": ({"dot": Drip(FLOOD, 0)}, Outcome(UNKNOWN, "no answer")),
    "drops at quit": ({"quit": (Drip(b"221-x\r\n"), "221 bye")}, Outcome(ACCEPTED, "accepted", 250)),
}


@pytest.mark.parametrize(("script", "meant"), NEVER_DONE.values(), ids=NEVER_DONE)
def test_an_answer_that_never_ends_is_none_though_it_never_stops(script: dict[str, Phase], meant: Outcome) -> None:
    outcome, _server = attempt(**script)

    assert outcome == meant


def test_a_server_that_sips_at_a_message_has_not_taken_it() -> None:
    outcome, server = attempt(LARGE, body=SIP)

    assert outcome == Outcome(TRANSIENT, "connection lost")
    assert server.taken == []


def test_all_steps_together_have_an_end_though_each_is_in_time() -> None:
    slowly = 0.9 * SHORT.command
    script: dict[str, Phase] = {
        "connect": (slowly, "220 hello"),
        "ehlo": (slowly, "502 what?"),
        "helo": (slowly, "250 hello"),
        "mail": (slowly, "250 ok"),
        "rcpt": (slowly, "250 ok"),
        "data": (slowly, "354 go on"),
    }
    with scripted(**script) as server:
        outcome = sender_to(server.port, timeouts=SHORT).send(MESSAGE)

    assert outcome.kind is TRANSIENT
    assert server.taken == []


def test_the_next_message_on_a_kept_connection_has_all_the_time_again() -> None:
    with scripted(rcpt=(0.3, "250 ok"), dot=(0.3, "250 ok")) as server:
        sender = sender_to(server.port, timeouts=Timeouts(connect=5, command=0.5, final_dot=5))
        outcomes = [sender.send(MESSAGE) for _number in range(9)]
        sender.close()

    assert {outcome.kind for outcome in outcomes} == {ACCEPTED}
    assert server.connections == 1


def test_a_resolver_that_never_answers_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_args, **_kwargs: asked.wait(30)
    )  # the system's own has no limit

    assert sender_to(25, timeouts=SHORT).send(MESSAGE) == Outcome(TRANSIENT, "no connection")
    asked.set()


def test_a_greylisted_message_is_taken_the_next_time() -> None:
    with scripted(rcpt=["450 4.2.0 greylisted", "250 ok"]) as server:
        sender = sender_to(server.port)
        outcomes = [sender.send(MESSAGE), sender.send(MESSAGE)]
        sender.close()

    assert [outcome.kind for outcome in outcomes] == [TRANSIENT, ACCEPTED]
    assert len(server.taken) == 1


def test_a_drop_before_all_bytes_are_out_is_transient() -> None:
    large = Outgoing(MESSAGE.sender, MESSAGE.recipient, MAIL + b"x" * 70 + b"\r\n" + b"y" * 16_000_000)

    outcome, server = attempt(large, body=DROP)

    assert outcome == Outcome(TRANSIENT, "connection lost")
    assert server.taken == []


def test_a_drop_when_the_final_dot_may_have_arrived_is_unknown() -> None:
    """A short message is on its way as a whole before the drop is seen; nobody can tell what the server got."""
    outcome, server = attempt(body=DROP)

    assert outcome.kind is UNKNOWN
    assert server.taken == []


@pytest.mark.parametrize(
    "mail",
    [
        b"Subject: dots\r\n\r\n.\r\n..\r\n.a\r\nb.\r\n\r\n.\r\n",
        b"Subject: long\r\n\r\n" + b"x" * 2500 + b"\r\n",
        b"Subject: bytes\r\n\r\n\xc3\xa9\xff\x80\r\n",
        b".\r\n",
    ],
    ids=["lines of dots", "2,500 characters in one line", "bytes above 127", "nothing but a dot"],
)
def test_the_bytes_on_the_wire_are_the_bytes_that_were_queued(mail: bytes) -> None:
    outcome, server = attempt(Outgoing(MESSAGE.sender, MESSAGE.recipient, mail))

    assert outcome.kind is ACCEPTED
    assert [one.mail for one in server.taken] == [mail]


def test_a_message_without_a_last_line_end_gets_one() -> None:
    _outcome, server = attempt(Outgoing(MESSAGE.sender, MESSAGE.recipient, b"Subject: a\r\n\r\nb"))

    assert server.taken[0].mail == b"Subject: a\r\n\r\nb\r\n"


@pytest.mark.parametrize(
    "end", [b"\n.\nMAIL FROM:<evil@example.com>\r\n", b"\r.\r\n", b"\n.\r\n"], ids=["lf", "cr", "mixed"]
)
def test_a_dot_between_odd_line_ends_does_not_end_the_message(end: bytes) -> None:
    _outcome, server = attempt(Outgoing(MESSAGE.sender, MESSAGE.recipient, MAIL + b"a" + end + b"last line\r\n"))

    assert len(server.taken) == 1
    assert server.taken[0].mail.endswith(b"last line\r\n")
    assert server.verbs(1) == ["ehlo", "mail", "rcpt", "data", "quit"]


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        ("450 4.2.0 Greylisted, please try again in 300 seconds", 300),
        ("451 Greylisted for 5 minutes", 300),
        ("421 try after 2 hours", 7200),
        ("450 retry in 90s", 90),
        ("450 in 2m", 120),
        ("450 later", None),
        ("450 in 9999999 seconds", None),
        ("450 again in ten minutes", None),
    ],
)
def test_the_pause_that_a_server_asks_for_is_told(reply: str, seconds: int | None) -> None:
    outcome, _server = attempt(rcpt=reply)

    assert outcome.retry_after == (None if seconds is None else timedelta(seconds=seconds))


def test_a_pause_in_the_second_line_is_found_too() -> None:
    outcome, _server = attempt(rcpt=("450-4.7.1 greylisted", "450 4.7.1 try again in 4 minutes"))

    assert outcome.retry_after == timedelta(minutes=4)


def test_messages_share_a_connection() -> None:
    with scripted() as server:
        sender = sender_to(server.port)
        outcomes = [sender.send(MESSAGE) for _number in range(3)]
        sender.close()

    assert [outcome.kind for outcome in outcomes] == [ACCEPTED] * 3
    assert server.connections == 1
    assert server.verbs(1) == ["ehlo", *["mail", "rcpt", "data"] * 3, "quit"]


def test_after_a_refusal_the_next_message_gets_a_connection_of_its_own() -> None:
    with scripted(rcpt=["250 ok", "550 nobody", "250 ok"]) as server:
        sender = sender_to(server.port)
        outcomes = [sender.send(MESSAGE) for _number in range(3)]
        sender.close()

    assert [outcome.kind for outcome in outcomes] == [ACCEPTED, PERMANENT, ACCEPTED]
    assert [one.connection for one in server.taken] == [1, 2]
    assert server.verbs(1)[-1] == "quit"


@pytest.mark.parametrize(
    "script",
    [
        {"dot": [("250 queued", DROP)]},
        {"dot": [("250 queued", "421 idle for too long", DROP)]},
        {"mail": ["250 ok", ("421 too many messages", DROP)]},
        {"mail": ["250 ok", DROP]},
        {"mail": ["250 ok", HANG]},
    ],
    ids=["closed when idle", "421 when idle", "421 at MAIL", "drop at MAIL", "hang at MAIL"],
)
def test_a_kept_connection_that_the_server_has_left_costs_no_attempt(script: dict[str, Phase]) -> None:
    with scripted(**script) as server:
        sender = sender_to(server.port, timeouts=timeouts_for(script))
        outcomes = [sender.send(MESSAGE), sender.send(MESSAGE)]
        sender.close()

    assert [outcome.kind for outcome in outcomes] == [ACCEPTED, ACCEPTED]
    assert [one.connection for one in server.taken] == [1, 2]


def test_a_fresh_connection_is_not_tried_twice() -> None:
    outcome, server = attempt(mail=("421 closing", DROP))

    assert outcome.kind is TRANSIENT
    assert server.connections == 1


def test_a_kept_connection_that_breaks_after_mail_is_an_attempt() -> None:
    with scripted(rcpt=["250 ok", DROP]) as server:
        sender = sender_to(server.port)
        outcomes = [sender.send(MESSAGE), sender.send(MESSAGE)]
        sender.close()

    assert [outcome.kind for outcome in outcomes] == [ACCEPTED, TRANSIENT]
    assert server.connections == 1


def test_one_of_three_offices_that_is_refused_does_not_hide_behind_the_others() -> None:
    offices = ["a@example.com", "b@example.com", "c@example.com"]
    with scripted(rcpt=["250 ok", "550 nobody", "250 ok"]) as server:
        sender = sender_to(server.port)
        kinds = [sender.send(Outgoing(MESSAGE.sender, office, MAIL)).kind for office in offices]
        sender.close()

    assert kinds == [ACCEPTED, PERMANENT, ACCEPTED]
    assert [one.recipients for one in server.taken] == [("a@example.com",), ("c@example.com",)]


def test_a_suppressed_mail_is_never_accepted_and_asks_no_server(dispatched: list[Message]) -> None:
    with scripted() as server:
        outcome = sender_to(server.port, suppress=True).send(MESSAGE)

    assert outcome.kind is not ACCEPTED
    assert server.connections == 0
    assert dispatched == []


def test_the_signal_carries_the_bytes_that_went(dispatched: list[Message]) -> None:
    attempt()

    assert [bytes(message.as_bytes()) for message in dispatched] == [MAIL]
    assert dispatched[0].recipients == ["office@example.com"]


def test_a_listener_that_fails_does_not_undo_the_acceptance(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_app: Flask, message: Message) -> None:
        raise RuntimeError(message.recipients[0])

    with email_dispatched.connected_to(fail):
        outcome, _server = attempt()

    assert outcome.kind is ACCEPTED
    assert "RuntimeError" in caplog.text
    assert "office@example.com" not in caplog.text


@pytest.mark.parametrize(
    "message",
    [
        Outgoing("", MESSAGE.recipient, MAIL),
        Outgoing(MESSAGE.sender, "", MAIL),
        Outgoing(MESSAGE.sender, MESSAGE.recipient, b""),
        Outgoing(MESSAGE.sender, "jané@example.com", MAIL),
        Outgoing(MESSAGE.sender, "a@example.com\r\nRCPT TO:<b@example.com>", MAIL),
        Outgoing(MESSAGE.sender, "a@example.com> <b@example.com", MAIL),
        Outgoing(MESSAGE.sender, "a@example.com\n", MAIL),
    ],
    ids=["no sender", "no recipient", "no bytes", "not ASCII", "two commands", "two addresses", "line end"],
)
def test_a_row_gone_wrong_is_refused_for_good_before_anybody_is_asked(message: Outgoing) -> None:
    outcome, server = attempt(message)

    assert outcome == Outcome(PERMANENT, "cannot be sent")
    assert server.connections == 0


def test_no_word_of_the_server_gets_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    attempt(rcpt="550 office@example.com does not exist")
    attempt(dot="554 office@example.com says no")

    assert "office@example.com" not in caplog.text


def test_closing_twice_or_without_a_connection_does_no_harm() -> None:
    sender = sender_to(free_port())

    sender.close()
    sender.close()


def test_the_one_setting_gives_all_time_outs() -> None:
    timeouts = Timeouts.of(timedelta(seconds=60))

    assert timeouts == Timeouts(connect=10, command=60, final_dot=600)
    assert (timeouts.before_the_dot, timeouts.whole) == (300, 910)
