"""`flask outbox bounces`: as a mail server's pipe calls it, and over a Maildir."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from app import create_app
from app.cli import outbox_bounces
from app.cli.outbox import outbox
from app.db import writing
from app.delivery import dead
from app.delivery.mails import Composer
from app.delivery.outbox import bounce
from app.delivery.overview import overview
from app.extensions import db
from app.models import Delivery, DeliveryKind, DeliveryState
from config import ROOT
from tests.databases import write_lock
from tests.delivery import returned
from tests.delivery.factories import NOW, delivery, moves, reread, signature
from tests.factories import SECRET, config, database_of
from tests.signing.factories import site

S, K = DeliveryState, DeliveryKind
NOT_OURS = "Not for us: it came to no address that this site has made.\n"


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """The session of the commands."""
    with app.app_context():
        yield db.session()


@pytest.fixture
def composer(app: Flask) -> Composer:
    return site(app).composer


def row(session: Session, state: DeliveryState = S.ACCEPTED, kind: DeliveryKind = K.LETTER) -> Delivery:
    lease = "a" if state is S.SENDING else None
    with writing(session):
        made = delivery(
            session, signature(session), kind=kind, state=state, lease=lease, leased_until=NOW if lease else None
        )
        made.uuid = str(uuid.uuid4())
        return made


def run(app: Flask, *arguments: str, stdin: bytes = b"", code: int = 0) -> Result:
    result = app.test_cli_runner().invoke(outbox, ["bounces", *arguments], input=stdin)
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    assert "@" not in result.stderr
    return result


# --- the pipe ---------------------------------------------------------------------------------------------------------


def test_a_mail_server_pipes_a_bounce_into_the_real_command(
    session: Session, composer: Composer, data_dir: Path
) -> None:
    sent = row(session)
    session.rollback()
    environment = {"DATA_DIR": str(data_dir), "SECRET_KEY": SECRET, "PATH": os.environ["PATH"], **database_of(data_dir)}

    done = subprocess.run(
        [str(Path(sys.executable).with_name("flask")), "outbox", "bounces", "-"],
        input=returned.report(composer.envelope_sender(sent.uuid)),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr.decode()) == (0, b"", f"Delivery {sent.id}: it came back.\n")
    assert reread(session, sent.id).state is S.BOUNCED


@pytest.mark.parametrize("drop", [b"", b"x"], ids=["silence", "drops"])
def test_a_pipe_that_never_ends_is_left_and_the_message_asked_for_again(
    app: Flask, monkeypatch: pytest.MonkeyPatch, drop: bytes
) -> None:
    monkeypatch.setattr(outbox_bounces, "_LONGEST", 0.5)
    reading, writing_end = os.pipe()
    over = threading.Event()

    def write() -> None:
        until = time.monotonic() + 20
        while not over.wait(0.05) and time.monotonic() < until:
            os.write(writing_end, drop)
        os.close(writing_end)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(reading, "rb") as pipe:
        result = app.test_cli_runner().invoke(outbox, ["bounces", "-"], input=pipe)
        over.set()
        writer.join()

    assert result.exit_code == 75
    assert "did not come to its end" in result.stderr


def test_a_delay_and_an_answer_are_said_in_a_sentence(app: Flask, session: Session, composer: Composer) -> None:
    sent = row(session)
    to = composer.envelope_sender(sent.uuid)

    assert "goes on trying" in run(app, "-", stdin=returned.delay(to)).stderr
    answered = f"Delivery {sent.id}: an answer, which its signer gets.\n"
    assert run(app, "-", stdin=returned.answer(to)).stderr == answered
    assert moves(reread(session, sent.id)) == [(S.ACCEPTED, "delayed"), (S.ACCEPTED, "answered")]


def test_a_persons_answer_in_html_reaches_the_signer_with_its_links_and_a_read_receipt_does_not(
    app: Flask, session: Session, composer: Composer
) -> None:
    sent = row(session)
    to = composer.envelope_sender(sent.uuid)
    receipt = "--x\nContent-Type: message/disposition-notification\n\nDisposition: manual-action; displayed\n--x--\n"
    kind = 'multipart/report; report-type=disposition-notification; boundary="x"'
    html = '<p>Dear Ana,<p>please use <a href="https://lummis.senate.gov/contact">our form</a>.'

    read = run(app, "-", stdin=returned.answer(to, receipt, kind=kind, more="")).stderr
    sender = "Jane Smith <postmaster@office.example>"
    answered = run(
        app, "-", stdin=returned.answer(to, html, sender=sender, subject="Re: The well", kind="text/html", more="")
    ).stderr

    assert read == "Nothing to do: it is a receipt that it was opened, or was not, and no answer.\n"
    assert answered == f"Delivery {sent.id}: an answer, which its signer gets.\n"
    (passed,) = session.query(Delivery).filter_by(kind=K.ANSWER)
    mail = passed.mail or b""
    assert b"\r\nReply-To: Jane Smith <postmaster@office.example>\r\n" in mail
    assert b"<https://lummis.senate.gov/contact>" in mail


def test_the_address_that_the_mail_server_names_counts_where_no_header_has_it(
    app: Flask, session: Session, composer: Composer
) -> None:
    sent, to = row(session), "redress@example.org"
    address = composer.envelope_sender(sent.uuid).upper()

    assert run(app, "-", stdin=returned.report(to)).stderr == NOT_OURS
    assert "it came back" in run(app, "-", "--recipient", address, stdin=returned.report(to)).stderr


def forged(composer: Composer, sent: Delivery) -> str:
    """The last sign of the HMAC is another one."""
    local, _, domain = composer.envelope_sender(sent.uuid).partition("@")
    return f"{local[:-1]}{'0' if local[-1] != '0' else '1'}@{domain}"


def of_another_site(composer: Composer, sent: Delivery, tmp_path: Path) -> str:
    other = create_app(config(tmp_path, SECRET_KEY="o" * 64))
    return site(other).composer.envelope_sender(sent.uuid)


def test_only_an_address_that_this_site_has_made_is_trusted(
    app: Flask, session: Session, composer: Composer, tmp_path: Path
) -> None:
    sent = row(session)
    elsewhere = composer.envelope_sender(sent.uuid).partition("@")[0] + "@elsewhere.example"
    with_dashes = composer.envelope_sender(sent.uuid).replace("+", "-")

    for address in (forged(composer, sent), of_another_site(composer, sent, tmp_path), elsewhere, with_dashes):
        assert run(app, "-", stdin=returned.report(address)).stderr == NOT_OURS
        assert run(app, "-", "--recipient", address, stdin=b"").stderr == NOT_OURS
    assert reread(session, sent.id).state is S.ACCEPTED


def test_the_address_of_another_letter_in_the_quoted_original_does_not_count(
    app: Flask, session: Session, composer: Composer
) -> None:
    mine, other = row(session), row(session)
    quoted = f"Return-Path: <{composer.envelope_sender(other.uuid)}>\nTo: {composer.envelope_sender(other.uuid)}\n\nx"

    run(app, "-", stdin=returned.report(composer.envelope_sender(mine.uuid), quoted=quoted))

    assert [reread(session, one.id).state for one in (mine, other)] == [S.BOUNCED, S.ACCEPTED]


@pytest.mark.parametrize("message", [b"", b"\x00\xff", b"Subject: x\n\ny", returned.nested(50), b"x" * 3_000_000])
def test_whatever_comes_the_mail_server_is_told_that_it_was_taken(app: Flask, session: Session, message: bytes) -> None:
    assert run(app, "-", stdin=message).stderr == NOT_OURS


def test_bad_messages_to_an_address_of_ours_do_no_harm(app: Flask, session: Session, composer: Composer) -> None:
    sent = row(session)
    to = composer.envelope_sender(sent.uuid)

    assert "says neither" in run(app, "-", stdin=returned.nested(50, to)).stderr
    assert "without words" in run(app, "-", stdin=f"To: {to}\n\n\0\0".encode()).stderr
    assert "we passed on" in run(app, "-", stdin=returned.answer(to, more="X-Redress-Answer: yes\n")).stderr
    assert moves(reread(session, sent.id)) == []


def test_a_bounce_of_10_mb_is_read(app: Flask, session: Session, composer: Composer) -> None:
    sent = row(session)
    message = returned.report(composer.envelope_sender(sent.uuid), quoted="x: y\n\n" + "word " * 2_000_000)

    assert "it came back" in run(app, "-", stdin=message).stderr


def test_a_loop_of_a_hundred_messages_ends(app: Flask, session: Session, composer: Composer) -> None:
    sent = row(session)
    to = composer.envelope_sender(sent.uuid)
    for number in range(100):
        run(app, "-", stdin=returned.answer(to, text=f"You wrote to us, and this is answer {number}."))

    session.rollback()
    assert session.query(Delivery).filter_by(kind=K.ANSWER).count() == 3


def test_a_delivery_that_this_database_does_not_know_is_said(app: Flask, session: Session, composer: Composer) -> None:
    told = run(app, "-", stdin=returned.report(composer.envelope_sender(str(uuid.uuid4())))).stderr

    assert told == "Nothing to do: it is about a delivery of which this database knows nothing.\n"


def test_while_the_message_is_being_sent_the_mail_server_shall_bring_it_again(
    app: Flask, session: Session, composer: Composer
) -> None:
    sent = row(session, S.SENDING)

    told = run(app, "-", stdin=returned.report(composer.envelope_sender(sent.uuid)), code=75).stderr

    assert "is just being sent" in told


@pytest.mark.usefixtures("impatient")
def test_while_the_database_is_locked_the_mail_server_shall_bring_it_again(
    app: Flask, session: Session, composer: Composer, data_dir: Path
) -> None:
    sent = row(session)
    session.rollback()
    db.engine.dispose()
    message = returned.report(composer.envelope_sender(sent.uuid))

    with write_lock(data_dir):
        assert "The database took no change" in run(app, "-", stdin=message, code=75).stderr

    assert run(app, "-", stdin=message).stderr == f"Delivery {sent.id}: it came back.\n"


def test_without_a_site_the_mail_server_shall_bring_it_again(tmp_path: Path) -> None:
    app = create_app(config(tmp_path))
    address = site(app).composer.envelope_sender(str(uuid.uuid4()))

    assert "bin/run" in run(app, "-", stdin=returned.report(address), code=75).stderr


def test_a_mistake_of_ours_loses_no_message_and_tells_nothing_of_it(
    app: Flask, session: Session, composer: Composer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("ana@example.org")

    sent = row(session)
    monkeypatch.setattr("app.cli.outbox_bounces.receive", broken)

    told = run(app, "-", stdin=returned.report(composer.envelope_sender(sent.uuid)), code=75).stderr

    assert "RuntimeError at broken" in told


@pytest.mark.parametrize(
    "arguments", [(), ("x",), ("-", "--maildir", "x"), ("--maildir", "x", "--recipient", "y"), ("--recipient", "y")]
)
def test_it_wants_one_message_or_one_folder(app: Flask, session: Session, arguments: tuple[str, ...]) -> None:
    assert "Give either -" in run(app, *arguments, code=2).stderr


# --- a Maildir --------------------------------------------------------------------------------------------------------


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    folder = tmp_path / "Maildir"
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    return folder


def test_what_was_read_is_deleted_and_what_is_not_ours_is_set_aside(
    app: Flask, session: Session, composer: Composer, maildir: Path
) -> None:
    first, second = row(session), row(session)
    (maildir / "new" / "1.a").write_bytes(returned.delay(composer.envelope_sender(first.uuid)))
    (maildir / "cur" / "2.b:2,S").write_bytes(returned.report(composer.envelope_sender(first.uuid)))
    (maildir / "new" / "3.c").write_bytes(returned.qmail(composer.envelope_sender(second.uuid)))
    (maildir / "new" / "4.d").write_bytes(b"To: redress@example.org\nSubject: Hello\n\nHello")
    (maildir / "tmp" / "5.e").write_bytes(b"half")

    told = run(app, "--maildir", str(maildir)).stderr.splitlines()

    assert [line.partition(":")[0] for line in told] == ["1.a", "2.b", "3.c", "4.d", "4 mails"]
    assert told[-1] == f"4 mails: 3 done, 1 set aside in {maildir / '.aside'}."
    assert [reread(session, one.id).state for one in (first, second)] == [S.BOUNCED, S.BOUNCED]
    assert [path.name for folder in ("new", "cur", "tmp") for path in (maildir / folder).iterdir()] == ["5.e"]
    assert (maildir / ".aside" / "cur" / "4.d").read_bytes().endswith(b"Hello")
    assert run(app, "--maildir", str(maildir)).stderr == "0 mails: 0 done.\n"


def test_whoever_was_stopped_before_deleting_reads_the_same_again_without_harm(
    app: Flask, session: Session, composer: Composer, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = row(session)
    for place, write in enumerate((returned.answer, returned.delay, returned.report)):
        (maildir / "new" / f"{place}").write_bytes(write(composer.envelope_sender(sent.uuid)))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_args, **_kwargs: None)
        run(app, "--maildir", str(maildir))
    before = moves(reread(session, sent.id))

    assert "3 mails: 3 done" in run(app, "--maildir", str(maildir)).stderr

    assert moves(reread(session, sent.id)) == before
    assert session.query(Delivery).filter_by(kind=K.ANSWER).count() == 1


def test_what_cannot_be_read_now_stays_and_the_others_are_read(
    app: Flask, session: Session, composer: Composer, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending, sent = row(session, S.SENDING), row(session)
    (maildir / "new" / "1").write_bytes(returned.report(composer.envelope_sender(sending.uuid)))
    (maildir / "new" / "2").write_bytes(b"")
    (maildir / "new" / "3").write_bytes(returned.report(composer.envelope_sender(sent.uuid)))
    (maildir / "new" / "folder").mkdir()
    (maildir / "new" / "link").symlink_to(maildir / "new" / "3")
    really = Path.open

    def unreadable(path: Path, *args: str) -> object:
        if path.name == "2":
            raise PermissionError(13, "Permission denied")
        return really(path, *args)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", unreadable)

    told = run(app, "--maildir", str(maildir)).stderr

    assert "2: it cannot be read or moved (Permission denied); it stays.\n" in told
    assert told.endswith("3 mails: 1 done, 2 left.\n")
    assert sorted(path.name for path in (maildir / "new").iterdir()) == ["1", "2", "folder", "link"]


@pytest.mark.usefixtures("impatient")
def test_a_locked_database_leaves_all_mails_where_they_are(
    app: Flask, session: Session, composer: Composer, maildir: Path, data_dir: Path
) -> None:
    sent = row(session)
    (maildir / "new" / "1").write_bytes(returned.report(composer.envelope_sender(sent.uuid)))
    session.rollback()
    db.engine.dispose()

    with write_lock(data_dir):
        run(app, "--maildir", str(maildir), code=75)

    assert (maildir / "new" / "1").exists()


def test_a_folder_that_is_no_maildir_is_said(app: Flask, session: Session, tmp_path: Path) -> None:
    assert "is no Maildir" in run(app, "--maildir", str(tmp_path), code=1).stderr


# --- what the other commands tell of it -------------------------------------------------------------------------------


def test_status_and_show_tell_of_bounces(app: Flask, session: Session, composer: Composer) -> None:
    sent = row(session)
    run(app, "-", stdin=returned.report(composer.envelope_sender(sent.uuid)))
    runner = app.test_cli_runner()

    told = runner.invoke(outbox, ["status"]).stdout
    assert "bounced" in told
    assert "bounces      1 in the last 24 hours\n" in told
    assert json.loads(runner.invoke(outbox, ["status", "--json"]).stdout)["bounced_in_24_hours"] == 1
    shown = runner.invoke(outbox, ["show", str(sent.id)]).stdout
    assert "bounced  came back  550   5.1.1" in shown
    assert "…" in shown


def test_what_servers_tell_later_does_not_count_as_sent(app: Flask, session: Session, composer: Composer) -> None:
    sent = row(session)
    run(app, "-", stdin=returned.delay(composer.envelope_sender(sent.uuid)))

    told = app.test_cli_runner().invoke(outbox, ["status"]).stdout

    assert "rate         0.0 a minute" in told
    assert "bounces" not in told


def test_a_bounce_of_the_day_before_is_no_longer_of_the_last_day(app: Flask, session: Session) -> None:
    sent = row(session)
    with writing(session):
        bounce(session, session.get_one(Delivery, sent.id), NOW, None, "")

    assert overview(session, NOW + timedelta(hours=23)).bounced == 1
    assert overview(session, NOW + timedelta(hours=24)).bounced == 0


@pytest.mark.parametrize(
    ("waiting", "said"),
    [(1, "1 other letter went to its signer."), (2, "2 other letters went to their signers.")],
)
def test_letters_that_waited_for_a_dead_address_are_counted_in_words(
    app: Flask, session: Session, composer: Composer, waiting: int, said: str
) -> None:
    first, second = row(session), row(session)
    for one in [first, second, *(row(session, S.QUEUED) for _ in range(waiting))]:
        with writing(session):
            session.get_one(Delivery, one.id).recipient = returned.OFFICE
    run(app, "-", stdin=returned.report(composer.envelope_sender(first.uuid)))

    told = run(app, "-", stdin=returned.report(composer.envelope_sender(second.uuid))).stderr

    assert told == f"Delivery {second.id}: it came back. Its address is dead: {said}\n"


# --- an address that is good again ------------------------------------------------------------------------------------


def test_a_dead_address_is_revived_by_whoever_knows_better(app: Flask, session: Session) -> None:
    with writing(session):
        dead.bury(session, site(app).keys.address("ana@example.org"), NOW)

    done = app.test_cli_runner().invoke(outbox, ["revive"], input=" Ana@example.org\n")

    assert (done.exit_code, done.stderr.splitlines()[-1]) == (0, "Mail is sent to this address again.")
    assert overview(session, NOW).dead == 0


@pytest.mark.parametrize("email", ["ben@example.org", "x", "''"])
def test_what_is_not_dead_cannot_be_revived(app: Flask, session: Session, email: str) -> None:
    done = app.test_cli_runner().invoke(outbox, ["revive", "--email", email])

    assert done.exit_code == 1
    assert "does not count as dead" in done.stderr
