"""The built-in mailbox, by real SMTP, and its reader."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.sandbox import mailbox
from app.sandbox.mailbox import SIZE_LIMIT, Keeper, connection, list_mails, read_mail

LETTER = (
    b"From: Redress <letters@sandbox.invalid>\r\n"
    b"To: l000571@offices.invalid\r\n"
    b"Subject: =?utf-8?q?Reunite_families_=E2=80=93_now?=\r\n"
    b"Reply-To: ana@example.org\r\n"
    b"Message-ID: <1@sandbox.invalid>\r\n"
    b"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n"
    b"\r\n"
    b"Dear Senator Lummis,\r\n"
    b".a line that starts with a dot\r\n"
    b"caf=C3=A9  \r\n"
)


@contextmanager
def running(keeper: Keeper) -> Iterator[int]:
    """The mailbox's SMTP server on a thread; its port."""
    loop = asyncio.new_event_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    server = loop.run_until_complete(loop.create_server(lambda: connection(keeper, loop), sock=listener))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
            loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mailbox"


@pytest.fixture
def smtp(folder: Path) -> Iterator[smtplib.SMTP]:
    with running(Keeper(folder)) as port, smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        yield client


def put(folder: Path, name: str, content: bytes, subfolder: str = "new") -> None:
    for each in ("new", "cur", "tmp"):
        (folder / each).mkdir(parents=True, exist_ok=True)
    (folder / subfolder / name).write_bytes(content)


def test_a_mail_is_kept_byte_for_byte_behind_its_envelope(smtp: smtplib.SMTP, folder: Path) -> None:
    smtp.sendmail("bounce+1@sandbox.invalid", ["l000571@offices.invalid", "b001@offices.invalid"], LETTER)

    (file,) = (folder / "new").iterdir()
    assert file.read_bytes() == (
        b"X-Envelope-From: bounce+1@sandbox.invalid\r\n"
        b"X-Envelope-To: l000571@offices.invalid\r\n"
        b"X-Envelope-To: b001@offices.invalid\r\n" + LETTER
    )
    assert list((folder / "tmp").iterdir()) == []


def test_the_reader_shows_it_as_people_read_it(smtp: smtplib.SMTP, folder: Path) -> None:
    smtp.sendmail("bounce+1@sandbox.invalid", ["l000571@offices.invalid"], LETTER)

    (summary,) = list_mails(folder)
    assert summary.subject == "Reunite families – now"
    assert summary.sender == "Redress <letters@sandbox.invalid>"
    assert summary.recipients == ("l000571@offices.invalid",)
    assert abs((datetime.now(UTC) - summary.arrived_at).total_seconds()) < 60
    mail = read_mail(folder, summary.key)
    assert mail is not None
    assert mail.envelope_from == "bounce+1@sandbox.invalid"
    assert mail.headers == (
        ("From", "Redress <letters@sandbox.invalid>"),
        ("To", "l000571@offices.invalid"),
        ("Reply-To", "ana@example.org"),
        ("Subject", "Reunite families – now"),
        ("Date", "Tue, 24 Nov 2026 12:00:00 +0000"),
        ("Message-ID", "<1@sandbox.invalid>"),
    )
    assert mail.text == "Dear Senator Lummis,\n.a line that starts with a dot\ncafé  \n"


def test_an_empty_sender_and_one_in_unicode_are_kept(smtp: smtplib.SMTP, folder: Path) -> None:
    smtp.ehlo()
    smtp.sendmail("", ["a@example.org"], LETTER)
    smtp.sendmail("josé@sandbox.invalid", ["ñ@example.org"], LETTER, mail_options=["SMTPUTF8"])

    newest, first = (read_mail(folder, summary.key) for summary in list_mails(folder))
    assert first is not None
    assert newest is not None
    assert first.envelope_from == "<>"
    assert (newest.envelope_from, newest.recipients) == ("josé@sandbox.invalid", ("ñ@example.org",))


def test_a_mail_over_the_limit_is_refused(smtp: smtplib.SMTP, folder: Path) -> None:
    with pytest.raises((smtplib.SMTPSenderRefused, smtplib.SMTPDataError)) as refused:
        smtp.sendmail("a@sandbox.invalid", ["b@example.org"], b"Subject: big\r\n\r\n" + b"x" * 70 * SIZE_LIMIT)

    assert refused.value.smtp_code == 552
    assert list_mails(folder) == []


def test_a_mail_that_cannot_be_kept_is_put_off(smtp: smtplib.SMTP, folder: Path) -> None:
    for name in ("new", "tmp"):
        (folder / name).rmdir()

    with pytest.raises(smtplib.SMTPDataError) as refused:
        smtp.sendmail("a@sandbox.invalid", ["b@example.org"], LETTER)

    assert refused.value.smtp_code == 452


def test_it_listens_on_loopback_only(folder: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        with pytest.raises(ValueError, match="loopback"):
            mailbox.serve(listener, folder, lambda _: None)


def test_without_a_mailbox_there_are_no_mails(folder: Path) -> None:
    assert list_mails(folder) == []
    assert read_mail(folder, "1764000000.M1P1Q1.host") is None


def test_the_newest_come_first_and_not_too_many(folder: Path) -> None:
    put(folder, "1764000001.M5P1Q2.host", b"Subject: second\r\n\r\n")
    put(folder, "1764000001.M40P1Q3.host", b"Subject: third\r\n\r\n")
    put(folder, "1764000000.M999999P1Q1.host:2,S", b"Subject: first, moved by a mail program\r\n\r\n", "cur")
    put(folder, "README", b"Subject: no mail\r\n\r\n")
    subjects = [summary.subject for summary in list_mails(folder)]
    assert subjects == ["third", "second", "first, moved by a mail program"]
    for number in range(300):
        put(folder, f"1765000000.M{number}P1Q{number}.host", b"Subject: %d\r\n\r\n" % number)

    summaries = list_mails(folder)

    assert [summary.subject for summary in summaries] == [str(number) for number in range(299, 99, -1)]


def test_a_mail_that_another_program_moved_is_still_found(folder: Path) -> None:
    put(folder, "1764000000.M1P1Q1.host:2,S", b"Subject: moved\r\n\r\nhello", "cur")

    mail = read_mail(folder, "1764000000.M1P1Q1.host")

    assert mail is not None
    assert mail.text == "hello"


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".",
        "..",
        "../secret",
        "../../secret",
        "1764000000.M1P1Q1.x/../../../secret",
        "/etc/passwd",
        "a\0b",
        "x" * 5000,
    ],
)
def test_a_key_leads_to_mails_only(folder: Path, key: str) -> None:
    put(folder, "1764000000.M1P1Q1.host", b"Subject: x\r\n\r\n")
    (folder.parent / "secret").write_text("secret")

    assert read_mail(folder, key) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"no header at all",
        b"Subject: \xff\xfe\r\n\r\n\xff\xfe\x00",
        b"Subject: =?utf-8?b?broken\r\n\r\n",
        b"Subject: =?no-such-charset?q?x?=\r\n\r\n",
        b"Subject: =?utf-8?b?A?=\r\n\r\n",
        b"Content-Type: text/plain; charset=no-such-charset\r\n\r\nhello",
        b'Content-Type: text/plain; charset="\\x00"\r\n\r\nhello',
        b"Content-Type: text/plain; charset*=x'y'%ff\r\n\r\nhello",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nnever ends",
        b"Content-Type: message/rfc822\r\n\r\n",
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(3000)),
        b"X: y\r\n" * 50_000,
        b"Subject: big\r\n\r\n" + b"line\r\n" * 83_000,
    ],
    ids=lambda raw: repr(raw[:40]),
)
def test_an_odd_mail_is_shown_somehow(folder: Path, raw: bytes) -> None:
    put(folder, "1764000000.M1P1Q1.host", raw)

    assert len(list_mails(folder)) == 1
    assert read_mail(folder, "1764000000.M1P1Q1.host") is not None


def test_of_several_parts_the_plain_text_is_shown(folder: Path) -> None:
    put(
        folder,
        "1764000000.M1P1Q1.host",
        b"Content-Type: multipart/alternative; boundary=x\r\n\r\n"
        b"--x\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n"
        b"--x\r\nContent-Type: text/plain\r\n\r\nplain\r\n--x--\r\n",
    )

    mail = read_mail(folder, "1764000000.M1P1Q1.host")

    assert mail is not None
    assert mail.text == "plain"
