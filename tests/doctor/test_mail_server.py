"""The way of a letter to the mail server, against a real one with real certificates: which setting stops the mail?"""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.delivery.smtp import Timeouts
from app.doctor import Finding, Verdict
from app.doctor.certificate import NOT_YET, Certificate, refused
from app.doctor.mail_server import examine
from app.doctor.reaching import no_address
from app.doctor.trial import envelope_sender
from app.doctor.visit import Visit
from settings.mail_server import MailServer, Security
from tests.certificates import Authority
from tests.ports import free_port
from tests.smtp_server import DROP, HANG, TLS, Phase, Server, scripted

OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL
PLAIN, STARTTLS, IMPLICIT = Security.PLAIN, Security.STARTTLS, Security.TLS
OFFERS_TLS = ("250-mail.example.org", "250-8BITMIME", "250 STARTTLS")
OFFERS_LOGIN = ("250-mail.example.org", "250 AUTH PLAIN LOGIN")
USER, PASSWORD = "letters@example.org", "gänse füßchen 7"
PATIENT, SHORT = Timeouts(5, 5, 5), Timeouts(0.4, 0.4, 0.4)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.made_in(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def good(authority: Authority) -> ssl.SSLContext:
    return authority.server()


@pytest.fixture(autouse=True)
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority is trusted as an operator would have it trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))


def visit(
    port: int,
    security: Security = PLAIN,
    timeouts: Timeouts = PATIENT,
    *,
    host: str = "127.0.0.1",
    login: bool = False,
) -> Visit:
    username, password = (USER, PASSWORD) if login else ("", "")
    server = MailServer(host, port, security, username, password)
    return Visit(server, "example.org", envelope_sender("example.org"), "letters@example.org", timeouts)


def now() -> datetime:
    return datetime.now(UTC)


def seen(
    security: Security,
    certificate: ssl.SSLContext | None,
    timeouts: Timeouts = PATIENT,
    /,
    *,
    login: bool = False,
    **script: Phase,
) -> tuple[list[Finding], Server]:
    """What is found of a server that follows the script."""
    with scripted(0, certificate, **script) as server:
        findings = list(examine(visit(server.port, security, timeouts, login=login), now()))
    return findings, server


def verdicts(findings: list[Finding]) -> list[tuple[str, Verdict]]:
    return [(finding.subject, finding.verdict) for finding in findings]


def test_a_server_that_takes_mail_is_well_at_every_step(good: ssl.SSLContext) -> None:
    findings, server = seen(STARTTLS, good, login=True, ehlo=[OFFERS_TLS, OFFERS_LOGIN])

    assert verdicts(findings) == [
        ("mail server", OK),
        ("mail port", OK),
        ("greeting", OK),
        ("TLS", OK),
        ("certificate", OK),
        ("login", OK),
        ("sender", OK),
        ("recipient", OK),
    ]
    assert server.verbs(1) == ["ehlo", "starttls", "ehlo", "auth", "mail", "rcpt", "rset", "quit"]
    assert server.in_clear == ["EHLO example.org", "STARTTLS"]
    assert server.taken == []


def test_tls_from_the_first_byte_is_well(good: ssl.SSLContext) -> None:
    findings, server = seen(IMPLICIT, good, login=True, connect=(TLS, "220 hello"), ehlo=OFFERS_LOGIN)

    assert {finding.verdict for finding in findings} == {OK}
    assert server.in_clear == []


def test_a_server_on_this_machine_needs_neither_tls_nor_login() -> None:
    findings, server = seen(PLAIN, None)

    assert {finding.verdict for finding in findings} == {OK}
    assert server.verbs(1) == ["ehlo", "mail", "rcpt", "rset", "quit"]


def test_name_and_password_go_as_they_are_by_either_login(good: ssl.SSLContext) -> None:
    offers_login = ("250-mail.example.org", "250 AUTH LOGIN")
    auth: Phase = ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 welcome"]

    _first, plain = seen(IMPLICIT, good, login=True, connect=(TLS, "220 hello"), ehlo=OFFERS_LOGIN)
    _second, by_turns = seen(IMPLICIT, good, login=True, connect=(TLS, "220 hello"), ehlo=offers_login, auth=auth)

    encoded = plain.commands[1][1].removeprefix("AUTH PLAIN ")
    assert base64.b64decode(encoded).decode() == f"\0{USER}\0{PASSWORD}"
    assert [base64.b64decode(line).decode() for _number, line in by_turns.commands[2:4]] == [USER, PASSWORD]


CERTIFICATES = {
    "self-signed": (lambda made: made.self_signed(), "proves nothing", "SSL_CERT_FILE"),
    "of another machine": (
        lambda made: made.server("DNS:mail.example.org,IP:127.0.0.2"),
        "for mail.example.org, 127.0.0.2, and not for 127.0.0.1",
        "MAIL_SERVER",
    ),
    "expired": (lambda made: made.server(until="20200102000000Z"), "ended on 2020-01-02", "renew it"),
}


@pytest.mark.parametrize("security", [STARTTLS, IMPLICIT])
@pytest.mark.parametrize(("made", "says", "do"), CERTIFICATES.values(), ids=CERTIFICATES)
def test_a_certificate_that_proves_nothing_ends_it_before_the_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: Security, made: object, says: str, do: str
) -> None:
    assert callable(made)
    own = Authority.made_in(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(own.certificate))
    script: dict[str, Phase] = {"connect": (TLS, "220 hello")} if security is IMPLICIT else {"ehlo": OFFERS_TLS}

    findings, server = seen(security, made(own), login=True, **script)

    assert verdicts(findings)[-1] == ("certificate", FAIL)
    assert says in findings[-1].says
    assert do in findings[-1].do
    assert not [line for _number, line in server.commands if line.startswith("AUTH")]


def test_an_authority_that_nobody_told_us_to_trust(good: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    findings, _server = seen(STARTTLS, good, ehlo=OFFERS_TLS)

    assert verdicts(findings)[-1] == ("certificate", FAIL)
    assert "whom this machine does not know" in findings[-1].says
    assert "SSL_CERT_FILE" in findings[-1].do


def test_a_certificate_that_ends_soon_is_a_warning_and_the_mail_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Authority.made_in(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(own.certificate))
    until = now() + timedelta(days=9, hours=12)

    findings, _server = seen(STARTTLS, own.server(until=f"{until:%Y%m%d%H%M%SZ}"), ehlo=[OFFERS_TLS])

    certificate = next(finding for finding in findings if finding.subject == "certificate")
    assert certificate.verdict is WARN
    assert f"ends in 9 days, on {until:%Y-%m-%d}" in certificate.says
    assert verdicts(findings)[-1] == ("recipient", OK)


def test_a_certificate_of_the_future_is_a_matter_of_the_clock() -> None:
    read = Certificate(("localhost",), since=datetime(2026, 1, 2, tzinfo=UTC), until=datetime(2027, 1, 2, tzinfo=UTC))

    finding = refused(NOT_YET, "localhost", read, datetime(2025, 1, 2, 3, 4, tzinfo=UTC))

    assert finding.verdict is FAIL
    assert "before 2026-01-02" in finding.says
    assert "clock says 2025-01-02 03:04 UTC" in finding.do


MIX_UPS: dict[str, tuple[Security, dict[str, Phase], str, str, str]] = {
    "plain to a TLS port": (STARTTLS, {"connect": TLS}, "TLS", "speaks TLS from the first byte", "MAIL_USE_SSL=1"),
    "TLS to a plain port": (
        IMPLICIT,
        {"connect": "220 hello"},
        "TLS",
        "does not speak TLS from the first byte",
        "MAIL_USE_SSL=0",
    ),
    "no STARTTLS": (STARTTLS, {"ehlo": OFFERS_LOGIN}, "TLS", "offers no encryption", "MAIL_PORT=587"),
    "HELO only": (STARTTLS, {"ehlo": "502 what?"}, "TLS", "offers no encryption", "MAIL_USE_TLS=0"),
    "STARTTLS refused": (
        STARTTLS,
        {"ehlo": OFFERS_TLS, "starttls": "501 no"},
        "TLS",
        "does not begin encryption: 501 no",
        "MAIL_PORT=465",
    ),
    "no TLS after the 220": (
        STARTTLS,
        {"ehlo": OFFERS_TLS, "starttls": ("220 go\r\n220 hello", DROP)},
        "TLS",
        "did not agree",
        "MAIL_SERVER",
    ),
    "login only after TLS": (PLAIN, {"ehlo": OFFERS_TLS}, "login", "only when it is encrypted", "MAIL_USE_TLS=1"),
    "no login": (PLAIN, {}, "login", "the server offers none", "MAIL_PORT=587"),
    "another login": (PLAIN, {"ehlo": ("250-x", "250 AUTH GSSAPI")}, "login", "only GSSAPI", "MAIL_USERNAME"),
    "wrong password": (PLAIN, {"ehlo": OFFERS_LOGIN, "auth": "535 no"}, "login", "535 no", "MAIL_PASSWORD"),
    "blocked": (
        PLAIN,
        {"connect": "554 5.7.1 on a block list"},
        "greeting",
        "554 5.7.1 on a block list",
        "MAIL_SERVER",
    ),
    "another protocol": (PLAIN, {"connect": "HTTP/1.1 400 Bad Request"}, "greeting", "not SMTP", "MAIL_PORT"),
    "a name that it does not like": (
        PLAIN,
        {"ehlo": "501 bad name", "helo": "501 bad name"},
        "greeting",
        "calls itself example.org",
        "BOUNCE_DOMAIN",
    ),
    "sender refused": (
        PLAIN,
        {"ehlo": OFFERS_LOGIN, "mail": "553 5.7.1 not owned by user"},
        "sender",
        "b+…@example.org: 553 5.7.1 not owned by user",
        "BOUNCE_DOMAIN",
    ),
    "sender refused at the recipient": (
        PLAIN,
        {"ehlo": OFFERS_LOGIN, "rcpt": "554 5.7.1 relay access denied"},
        "recipient",
        "554 5.7.1 relay access denied",
        "ORGANISATION_EMAIL",
    ),
}


@pytest.mark.parametrize(("security", "script", "subject", "says", "do"), MIX_UPS.values(), ids=MIX_UPS)
def test_what_stops_the_mail_is_said_with_the_setting_to_change(
    good: ssl.SSLContext, security: Security, script: dict[str, Phase], subject: str, says: str, do: str
) -> None:
    waits = script.get("connect") is TLS  # for a client that speaks first
    findings, server = seen(security, good, SHORT if waits else PATIENT, login=True, **script)

    assert verdicts(findings)[-1] == (subject, FAIL)
    assert says in findings[-1].says
    assert do in findings[-1].do
    assert {finding.verdict for finding in findings[:-1]} == {OK}
    assert server.taken == []


@pytest.mark.parametrize(
    ("script", "do"),
    [
        ({"mail": "530 5.7.0 authentication required"}, "Set MAIL_USERNAME"),
        ({"ehlo": OFFERS_TLS, "mail": "530 5.7.0 must issue STARTTLS first"}, "Set MAIL_USE_TLS=1"),
        ({"rcpt": "530 5.7.0 authentication required"}, "Set MAIL_USERNAME"),
    ],
)
def test_a_server_that_wants_something_first_is_understood(script: dict[str, Phase], do: str) -> None:
    findings, _server = seen(PLAIN, None, login=False, **script)

    assert findings[-1].verdict is FAIL
    assert findings[-1].do.startswith(do)


@pytest.mark.parametrize(
    "script",
    [
        {"connect": ("421 busy", DROP)},
        {"ehlo": "421 busy", "helo": "421 busy"},
        {"auth": "454 the directory is away"},
        {"mail": "451 not now"},
        {"rcpt": "450 greylisted"},
    ],
)
def test_what_may_pass_by_itself_is_a_warning(script: dict[str, Phase]) -> None:
    findings, _server = seen(PLAIN, None, login=True, **({"ehlo": OFFERS_LOGIN} | script))

    assert findings[-1].verdict is WARN
    assert "letters wait" in findings[-1].do


@pytest.mark.parametrize("phase", ["connect", "auth"])
@pytest.mark.parametrize(("act", "says"), [(HANG, "gave no answer within 0.4 seconds"), (DROP, "ended the")])
def test_a_server_that_is_silent_or_gone_ends_it_with_a_sentence(phase: str, act: Phase, says: str) -> None:
    findings, _server = seen(PLAIN, None, SHORT, login=True, **({"ehlo": OFFERS_LOGIN} | {phase: act}))

    assert findings[-1].verdict is FAIL
    assert says in findings[-1].says


def test_a_server_that_trickles_its_answer_has_no_more_time_than_another() -> None:
    trickle: Phase = ("250-a", 0.25, "250-b", 0.25, "250-c", 0.25, "250 d")

    findings, _server = seen(PLAIN, None, SHORT, ehlo=trickle)

    assert verdicts(findings)[-1] == ("greeting", FAIL)
    assert "gave no answer" in findings[-1].says


def test_a_server_that_takes_nearly_too_long_at_each_step_ends_it() -> None:
    slowly = 0.9 * SHORT.command
    auth: Phase = [(slowly, "334 VXNlcm5hbWU6"), (slowly, "334 UGFzc3dvcmQ6"), (slowly, "235 welcome")]
    script: dict[str, Phase] = {
        "connect": (slowly, "220 hello"),
        "ehlo": (slowly, "250-mail.example.org", "250 AUTH LOGIN"),
        "auth": auth,
        "mail": (slowly, "250 ok"),
        "rcpt": (slowly, "250 ok"),
    }

    findings, _server = seen(PLAIN, None, SHORT, login=True, **script)

    assert findings[-1].verdict is FAIL


@pytest.mark.parametrize(
    "answer",
    [b"\xff\xfe\x00\r\n", b"250 " + b"x" * 100_000, b"250-x\r\n" * 200, b"99999\r\n", b"\r\n", b"250-\xff\r\n250\r\n"],
)
def test_an_answer_that_nobody_can_read_does_no_harm(answer: bytes) -> None:
    findings, _server = seen(PLAIN, None, SHORT, ehlo=answer)

    assert findings[-1].verdict in {OK, FAIL}


def test_a_port_where_nobody_listens() -> None:
    findings = list(examine(visit(free_port()), now()))

    assert verdicts(findings) == [("mail server", OK), ("mail port", FAIL)]
    assert "MAIL_PORT" in findings[-1].do


@contextmanager
def full_port() -> Iterator[int]:
    """One whose queue is full: packets to it are swallowed, as by a hoster that blocks the port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _number in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for one in waiting:
            one.close()


def test_a_port_that_something_on_the_way_blocks() -> None:
    with full_port() as port:
        findings = list(examine(visit(port, timeouts=SHORT), now()))

    assert verdicts(findings)[-1] == ("mail port", FAIL)
    assert "within 0.4 seconds" in findings[-1].says
    assert "hosters block port" in findings[-1].do


@pytest.mark.parametrize(
    ("code", "says"),
    [(socket.EAI_NONAME, "There is no machine"), (socket.EAI_AGAIN, "DNS gave no answer")],
)
def test_a_name_that_is_not_there_is_told_from_dns_that_is_not(code: int, says: str) -> None:
    finding = no_address(socket.gaierror(code, "x"), "mail.exampel.org")

    assert finding.verdict is FAIL
    assert says in finding.says


def test_a_name_that_nobody_can_have_stops_it_at_once() -> None:
    findings = list(examine(visit(25, host="mail..invalid"), now()))

    assert verdicts(findings) == [("mail server", FAIL)]
    assert "MAIL_SERVER" in findings[0].do


ECHOES = {
    "as it is": PASSWORD,
    "in capitals": PASSWORD.upper(),
    "in base64": base64.b64encode(PASSWORD.encode()).decode(),
    "as AUTH PLAIN": base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode(),
}


@pytest.mark.parametrize("phase", ["auth", "mail", "rcpt"])
@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_a_password_that_a_server_says_aloud_is_not_repeated(phase: str, echo: str) -> None:
    script: dict[str, Phase] = {"ehlo": OFFERS_LOGIN, phase: f"535 you said {echo}"}
    findings, _server = seen(PLAIN, None, login=True, **script)

    told = "".join(finding.says + finding.do for finding in findings).casefold()
    assert findings[-1].verdict is FAIL
    assert "535" in findings[-1].says
    assert [form for form in ECHOES.values() if form.casefold() in told] == []


def test_the_name_that_logs_in_is_not_told_either() -> None:
    findings, _server = seen(PLAIN, None, login=True, ehlo=OFFERS_LOGIN, mail=f"553 not owned by {USER}")

    assert "553 not owned by [MAIL_USERNAME]" in findings[-1].says
    assert USER not in findings[-1].says


def test_words_of_a_server_command_no_terminal() -> None:
    findings, _server = seen(PLAIN, None, mail="550 \x1b[31mno\x07" + "!" * 1000)

    assert "\x1b" not in findings[-1].says
    assert len(findings[-1].says) < 400
