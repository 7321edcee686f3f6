"""What a mail server does to us (DELIVERY §9): the mails that it has accepted in the end, and what the signer reads.

Of three letters the first meets the trouble, once; an hour later the server is as it should be. Nothing is lost, and
nothing goes twice but what the server may have taken without our knowing: that goes once more, byte by byte the same.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.delivery.smtp import Timeouts
from tests.certificates import Authority
from tests.delivery.letters import (
    ADDRESS,
    FOR_GOOD,
    KEPT_BACK,
    NOT_CERTAIN,
    NOT_TAKEN,
    Letters,
    accepted_at,
    again_at,
    in_doubt_until,
    to_offices,
    to_signer,
    yours,
)
from tests.delivery.test_smtp_tls import IMPLICIT, LOGIN, OFFERS_LOGIN, OFFERS_TLS, PATIENT, STARTTLS, sender_to
from tests.ports import free_port
from tests.smtp_server import DROP, GOOD, HANG, TLS, Phase, scripted

IN_TWO_MINUTES, IN_SIX_MINUTES = again_at("12:02 PM"), again_at("12:06 PM")
IN_DOUBT = in_doubt_until("12:30 PM")
ACCEPTED, ACCEPTED_LATER = accepted_at("12:00 PM"), accepted_at("1:00 PM")
GIVEN_BACK, REFUSED = yours(ADDRESS), yours(FOR_GOOD)
EHLO = GOOD["ehlo"]
OVERLONG = b"x" * 9000 + b"\r\n"
MOMENT = 0.5


@pytest.fixture(autouse=True)
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority is trusted as an operator would have it trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))


@dataclass(frozen=True)
class Line:
    """What the server does with the first letter; what the receipt says then, and how many letters it has accepted.

    And both an hour later.
    """

    script: dict[str, Phase]
    then: str
    accepted: int
    later: str = ACCEPTED_LATER
    in_all: int = 3
    settings: dict[str, object] = field(default_factory=dict)
    timeouts: Timeouts = PATIENT


LINES = {
    "421 at connect": Line({"connect": [("421 too busy", DROP)]}, IN_TWO_MINUTES, 2),
    "421 at MAIL": Line({"mail": [("421 closing", DROP)]}, IN_TWO_MINUTES, 2),
    "421 at RCPT": Line({"rcpt": [("421 closing", DROP)]}, IN_TWO_MINUTES, 2),
    "421 at DATA": Line({"data": [("421 closing", DROP)]}, IN_TWO_MINUTES, 2),
    "421 after the dot": Line({"dot": [("421 closing", DROP)]}, IN_TWO_MINUTES, 2),
    "554 at connect": Line({"connect": ["554 go away"]}, NOT_TAKEN, 0),
    "535": Line({"ehlo": OFFERS_LOGIN, "auth": ["535 wrong password"]}, NOT_TAKEN, 0, settings=LOGIN),
    "STARTTLS missing": Line({"ehlo": [EHLO, OFFERS_TLS]}, NOT_TAKEN, 0, settings=STARTTLS),
    "550 at MAIL": Line({"mail": ["550 account suspended"]}, NOT_TAKEN, 0),
    "450, then 250": Line({"rcpt": ["450 greylisted"]}, IN_SIX_MINUTES, 2),
    "550 at RCPT": Line({"rcpt": ["550 nobody here"]}, GIVEN_BACK, 2, GIVEN_BACK, 2),
    "554 after the dot": Line({"dot": ["554 spam"]}, REFUSED, 2, REFUSED, 2),
    "452 at MAIL": Line({"mail": ["452 too many messages"]}, IN_TWO_MINUTES, 2),
    "452 at RCPT": Line({"rcpt": ["452 mailbox full"]}, IN_TWO_MINUTES, 2),
    "452 after the dot": Line({"dot": ["452 disk full"]}, IN_TWO_MINUTES, 2),
    "drop in DATA": Line({"body": [DROP]}, IN_DOUBT, 2),
    "accepted, then a drop before the reply": Line({"dot": [DROP]}, IN_DOUBT, 3, in_all=4),
    "accepted, then a drop before the reply, twice": Line(
        {"dot": [DROP, "250 ok", "250 ok", DROP]}, IN_DOUBT, 3, NOT_CERTAIN, 4
    ),
    "accepted, then a drop": Line({"dot": [("250 queued", DROP)]}, ACCEPTED, 3, ACCEPTED),
    "accepted, then a drop at QUIT": Line({"quit": DROP}, ACCEPTED, 3, ACCEPTED),
    "accepted, then 421 at QUIT": Line({"quit": ("421 closing", DROP)}, ACCEPTED, 3, ACCEPTED),
    "hang at connect": Line({"connect": [HANG]}, IN_TWO_MINUTES, 2, timeouts=Timeouts(MOMENT, 5, 5)),
    "hang at EHLO": Line({"ehlo": [HANG]}, IN_TWO_MINUTES, 2, timeouts=Timeouts(5, MOMENT, 5)),
    "hang at RCPT": Line({"rcpt": [HANG]}, IN_TWO_MINUTES, 2, timeouts=Timeouts(5, MOMENT, 5)),
    "hang after the dot": Line({"dot": [HANG]}, IN_DOUBT, 3, in_all=4, timeouts=Timeouts(5, 5, MOMENT)),
    "replies of many lines": Line(
        {"connect": ("220-one", "220 two"), "rcpt": ("250-a", "250 b"), "dot": ("250-x", "250 y")},
        ACCEPTED,
        3,
        ACCEPTED,
    ),
    "a refusal of many lines": Line({"rcpt": [("550-5.1.1 no", "550 5.1.1 no")]}, GIVEN_BACK, 2, GIVEN_BACK, 2),
    "a reply that is not ASCII": Line({"mail": b"250 \xff\xfe\r\n", "dot": "250 принято"}, ACCEPTED, 3, ACCEPTED),
    "a refusal that is not ASCII": Line({"rcpt": ["550 邮箱不存在"]}, GIVEN_BACK, 2, GIVEN_BACK, 2),
    "a very long reply at RCPT": Line({"rcpt": [b"550 " + OVERLONG]}, IN_TWO_MINUTES, 2),
    "a very long reply after the dot": Line({"dot": [b"250 " + OVERLONG]}, IN_DOUBT, 3, in_all=4),
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_no_letter_is_lost_or_doubled_and_the_receipt_says_what_is_known(
    letters: Letters, good: ssl.SSLContext, line: Line
) -> None:
    with scripted(0, good, **line.script) as server:
        letters.deliver(sender_to(server.port, line.settings, timeouts=line.timeouts))

        others = ACCEPTED if line.then != NOT_TAKEN else KEPT_BACK
        assert letters.told() == [line.then, others, others]
        assert len(to_offices(server)) == line.accepted

        letters.clock.forward(hours=1)
        letters.deliver(sender_to(server.port, line.settings))

    others = ACCEPTED if line.then != NOT_TAKEN else ACCEPTED_LATER
    assert letters.told() == [line.later, others, others]
    assert len(to_offices(server)) == line.in_all
    assert len({one.mail for one in to_offices(server)}) == min(line.in_all, 3)
    assert len(to_signer(server)) == (1 if line.later in {GIVEN_BACK, REFUSED} else 0)


@pytest.mark.parametrize("line", ["refused connection", "DNS failure"])
def test_while_nobody_can_be_reached_all_letters_wait(
    letters: Letters, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    def unknown(*_args: object, **_kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with monkeypatch.context() as outage:
        if line == "DNS failure":
            outage.setattr(socket, "getaddrinfo", unknown)  # the system's resolver: no test may ask a real one
        letters.deliver(sender_to(free_port(), {}))
    assert letters.told() == [NOT_TAKEN] * 3

    letters.clock.forward(hours=1)
    with scripted() as server:
        letters.deliver(sender_to(server.port, {}))
    assert letters.told() == [ACCEPTED_LATER] * 3
    assert len(server.accepted) == 3


CERTIFICATES: dict[str, Callable[[Authority], ssl.SSLContext]] = {
    "self-signed": lambda authority: authority.self_signed(),
    "wrong name": lambda authority: authority.server("DNS:mail.example.org,IP:127.0.0.2"),
}


@pytest.mark.parametrize("settings", [STARTTLS, IMPLICIT], ids=["STARTTLS", "implicit"])
@pytest.mark.parametrize("made", CERTIFICATES.values(), ids=CERTIFICATES)
def test_a_server_that_may_be_anybody_gets_no_letter(
    letters: Letters,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    made: Callable[[Authority], ssl.SSLContext],
    settings: dict[str, object],
) -> None:
    authority = Authority.made_in(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    greeting: dict[str, Phase] = {"connect": (TLS, "220 hello")} if settings is IMPLICIT else {"ehlo": [OFFERS_TLS]}

    with scripted(0, made(authority), **greeting) as impostor:
        letters.deliver(sender_to(impostor.port, settings))
    assert letters.told() == [NOT_TAKEN, KEPT_BACK, KEPT_BACK]
    assert impostor.taken == []

    letters.clock.forward(hours=1)
    with scripted(0, authority.server(), **greeting) as server:
        letters.deliver(sender_to(server.port, settings))
    assert letters.told() == [ACCEPTED_LATER] * 3
    assert len(server.accepted) == 3


def test_one_of_three_offices_is_refused_and_that_letter_is_its_signers(letters: Letters) -> None:
    with scripted(rcpt=["250 ok", "550 nobody here"]) as server:
        letters.deliver(sender_to(server.port, {}))

    assert letters.told() == [ACCEPTED, GIVEN_BACK, ACCEPTED]
    assert (len(to_offices(server)), len(to_signer(server))) == (2, 1)


def test_a_suppressed_mail_is_never_called_accepted(letters: Letters) -> None:
    with scripted() as server:
        letters.deliver(sender_to(server.port, {"MAIL_SUPPRESS_SEND": True}))

    assert letters.told() == [IN_TWO_MINUTES] * 3
    assert server.connections == 0
