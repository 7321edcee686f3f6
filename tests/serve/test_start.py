"""Starting and stopping, with real processes: what `bin/run` promises."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app import campaigns, create_app
from app.db import writing
from app.extensions import db
from app.serve.prepare import Ready
from app.serve.start import announce
from tests import factories
from tests.delivery import factories as outbox
from tests.ports import free_port
from tests.serve.processes import Redress, until
from tests.smtp_server import scripted

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")

Start = Callable[..., Redress]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def start(folder: Path, tmp_path: Path) -> Iterator[Start]:
    """Start Redress on `folder` and a port of the test; whatever is left at the end is killed."""
    started: list[Redress] = []
    port = free_port()

    def begin(data_dir: Path = folder, settings: Mapping[str, str] | None = None, port: int = port) -> Redress:
        started.append(Redress(data_dir, port, settings or {}, tmp_path / f"output-{len(started)}"))
        return started[-1]

    yield begin
    for redress in started:
        redress.kill_all()


def test_it_serves_pages_and_stops_on_sigterm(start: Start) -> None:
    redress = start()

    assert redress.is_ready(), redress.output
    assert f"http://127.0.0.1:{redress.port}/reunite-families\n" in redress.output
    assert f"http://127.0.0.1:{redress.port}/mailbox\n" in redress.output
    assert [redress.get(path)[0] for path in ("/reunite-families", "/mailbox", "/healthz")] == [200, 200, 200]

    redress.process.terminate()

    assert redress.ended() == 0
    assert redress.living() == {}
    assert redress.output.endswith("Stopped.\n")
    assert "Traceback" not in redress.output


def test_ctrl_c_in_a_terminal_stops_it_without_a_traceback(start: Start) -> None:
    redress = start()
    assert redress.is_ready(), redress.output

    os.killpg(redress.process.pid, signal.SIGINT)

    assert redress.ended() == 0
    assert redress.living() == {}
    assert redress.said[4:] == ["Stopped."]


def test_a_signal_while_it_starts_stops_it_too(start: Start) -> None:
    redress = start()
    assert until(lambda: (redress.data_dir / "run.lock").exists(), 20)

    redress.process.terminate()

    assert redress.ended() == 0
    assert redress.living() == {}


def test_when_the_parent_is_killed_nothing_is_left_after_five_seconds(start: Start) -> None:
    redress = start()
    assert redress.is_ready(), redress.output
    with socket.create_connection(("127.0.0.1", redress.port)) as idle_browser:
        idle_browser.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert idle_browser.recv(100)

        redress.process.kill()

        assert until(lambda: redress.living() == {}, 5), redress.living()


def test_a_start_waits_for_the_children_of_one_that_was_killed_just_now(start: Start) -> None:
    redress = start()
    assert redress.is_ready(), redress.output

    redress.process.kill()
    redress.process.wait()
    following = start()

    assert following.is_ready(), following.output


@pytest.mark.parametrize("name", ["web", "worker", "mailbox"])
def test_when_a_child_ends_by_itself_the_rest_stop_and_the_exit_code_is_1(start: Start, name: str) -> None:
    redress = start()
    assert redress.is_ready(), redress.output

    os.kill(redress.pid(name), signal.SIGKILL)

    assert redress.ended() == 1
    assert redress.living() == {}
    assert f"The {name} ended by itself (killed by signal 9)" in redress.output


def test_the_logs_hold_nothing_of_a_malformed_request(start: Start) -> None:
    redress = start()
    assert redress.is_ready(), redress.output
    for request in (
        b"GET /receipt/canary HTTP/9.9\r\n\r\n",
        b"GET /receipt/canary\x00\x01 oops HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CANARY\xff /receipt/canary HTTP/1.1\r\n\r\n",
        b"GET /receipt/canary HTTP/1.1\r\nHost: x\r\nbad header canary: 1\r\n\r\n",
        b"GET /receipt/canary HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: canary\r\n\r\n",
        b"POST /receipt/canary HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nshort",
        b"GET /receipt/" + b"canary" * 2000 + b" HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", redress.port)) as rude:
            rude.sendall(request)
            rude.shutdown(socket.SHUT_WR)
            rude.settimeout(10)
            try:
                while rude.recv(4096):
                    pass
            except ConnectionResetError:
                pass

    redress.process.terminate()

    assert redress.ended() == 0
    assert "canary" not in redress.output.lower()


def test_a_database_that_is_taken_away_stops_nobody_and_is_found_again(start: Start, folder: Path) -> None:
    """To stop would lose what only the open files hold."""
    redress = start()
    assert redress.is_ready(), redress.output

    shutil.copy(folder / "redress.db", folder / "other.db")
    (folder / "redress.db").rename(folder / "moved.db")
    (folder / "other.db").rename(folder / "redress.db")

    assert until(lambda: redress.output.count("was replaced, moved or deleted") > 0, 20)
    status, health = redress.get("/healthz")
    assert (status, json.loads(health or "{}").get("database")) == (503, "replaced"), (health, redress.output)
    (folder / "moved.db").rename(folder / "redress.db")

    assert until(lambda: redress.get("/healthz")[0] == 200, 20)
    assert redress.process.poll() is None
    redress.process.terminate()
    assert redress.ended() == 0
    assert redress.output.count("worker: ERROR the database's file was replaced") == 1
    assert "Traceback" not in redress.output


def test_a_second_start_keeps_the_data_and_makes_no_second_sample(start: Start, folder: Path) -> None:
    first = start()
    assert first.is_ready(), first.output
    first.process.terminate()
    first.ended()
    with sqlite3.connect(folder / "redress.db") as database:
        database.execute("UPDATE campaign SET slug = 'renamed'")
    database.close()

    second = start()

    assert second.is_ready(), second.output
    assert second.get("/renamed")[0] == 200
    assert second.get("/reunite-families")[0] == 404
    assert len(list((folder / "backups").iterdir())) == 1


def test_two_starts_on_one_folder_do_not_mix(start: Start) -> None:
    first = start()
    assert first.is_ready(), first.output

    second = start(port=free_port())

    assert second.ended() == 1
    assert "already running with the folder" in second.output
    assert first.get("/healthz")[0] == 200


def test_a_port_in_use_is_one_sentence(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        redress = start(port=other.getsockname()[1])

        assert redress.ended() == 1
    assert len(redress.output.splitlines()) == 1
    assert "is in use. Stop what uses it, or choose another port: PORT=" in redress.output


def test_a_folder_that_cannot_be_written_is_one_sentence(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    redress = start(tmp_path / "file" / "data")

    assert redress.ended() == 2
    assert len(redress.output.splitlines()) == 1
    assert "Give DATA_DIR a folder that you may write to." in redress.output


def test_a_host_that_is_not_this_machine_is_one_sentence(start: Start) -> None:
    redress = start(settings={"HOST": "192.0.2.1", "SANDBOX_PUBLIC": "1"})

    assert redress.ended() == 1
    assert redress.output == "HOST is 192.0.2.1, which is no address of this machine. Use 127.0.0.1.\n"


def test_a_database_of_a_newer_version_is_one_sentence_and_stays_as_it_is(
    start: Start, folder: Path, migrated: Path
) -> None:
    folder.mkdir()
    shutil.copy(migrated, folder / "redress.db")
    with sqlite3.connect(folder / "redress.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    before = (folder / "redress.db").read_bytes()

    redress = start()

    assert redress.ended() == 1
    assert redress.output == (
        f"The database {folder / 'redress.db'} was made by a newer version of Redress. "
        "Update this checkout, or give it another DATA_DIR.\n"
    )
    assert (folder / "redress.db").read_bytes() == before


def test_a_file_that_is_no_database_is_one_sentence(start: Start, folder: Path) -> None:
    folder.mkdir()
    (folder / "redress.db").write_text("this is a shopping list\n" * 100)

    redress = start()

    assert redress.ended() == 1
    assert len(redress.output.splitlines()) == 1
    assert "cannot be used: it is damaged" in redress.output


# --- live mode ------------------------------------------------------------------------------------------------


def live(port: int, **mail: str) -> dict[str, str]:
    """A live site that only this machine can reach, and that reaches no other: no proxy listens there."""
    nowhere = {"PUBLIC_URL": f"http://127.0.0.1:{port}", "TRUSTED_PROXIES": "0", "https_proxy": "http://127.0.0.1:9"}
    return factories.LIVE | nowhere | mail


def publish_and_queue_a_mail(data_dir: Path) -> None:
    app, now = create_app(factories.live_config(data_dir)), datetime.now(UTC)
    with app.app_context():
        session = db.session()
        with writing(session):
            campaigns.publish(session, "reunite-families", now)
            outbox.delivery(session, outbox.signature(session, now), now, recipient="ana@example.org")
        db.session.remove()
        db.engine.dispose()


def test_a_live_site_serves_pages_without_a_mailbox_and_sends_to_the_mail_server(start: Start) -> None:
    port = free_port()
    with scripted() as server:
        redress = start(port=port, settings=live(port, MAIL_PORT=str(server.port)))

        assert redress.is_ready(), redress.output
        assert redress.said == [
            "Redress is running in live mode: letters go to offices, and mails to people.",
            "  Page     none yet: import a campaign and publish it, with the settings of this start",
            "             .venv/bin/flask campaign import FILE",
            "             .venv/bin/flask campaign publish SLUG",
            "  From     Friends of the Well <letters@example.org>",
            f"  Mail     through 127.0.0.1:{server.port}, not encrypted",
            "  Stop     Ctrl-C",
        ]
        redress.flask("campaign", "import", "app/campaigns/sample.md")
        publish_and_queue_a_mail(redress.data_dir)
        assert [redress.get(path)[0] for path in ("/reunite-families", "/healthz", "/mailbox")] == [200, 200, 404]
        assert not any("mailbox" in called for called in redress.living().values())

        server.wait_for(messages=1)
        redress.process.terminate()

        assert redress.ended() == 0
    assert redress.living() == {}
    assert [one.recipients for one in server.taken] == [("ana@example.org",)]
    assert not (redress.data_dir / "secret-key").exists()
    assert not (redress.data_dir / "mailbox").exists()
    assert redress.output.endswith("Stopped.\n")


def test_what_a_live_site_misses_is_one_list(start: Start, folder: Path) -> None:
    redress = start(settings={"DELIVERY": "live", "MAIL_SERVER": "mail.example.org"})

    assert redress.ended() == 2
    names = [line.partition(" ")[0] for line in redress.output.splitlines()]
    assert names == ["PUBLIC_URL", "ORGANISATION", "ORGANISATION_EMAIL", "SECRET_KEY"]
    assert not (folder / "secret-key").exists()


def test_a_live_site_says_where_its_pages_are_and_that_sending_is_paused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    login = {"MAIL_USERNAME": "letters-account", "MAIL_PASSWORD": "swordfish"}
    config = factories.live_config(tmp_path, MAIL_SERVER="mail.example.org", **login)

    announce(config, Ready(("a-park", "the-well"), ("Sending has been paused.",), "A new Congress begins."))

    assert capsys.readouterr().out.splitlines() == [
        "Redress is running in live mode: letters go to offices, and mails to people.",
        "  Page     https://act.example.org/a-park",
        "  Page     https://act.example.org/the-well",
        "  Note     A new Congress begins.",
        "  From     Friends of the Well <letters@example.org>",
        "  Mail     through mail.example.org:587, encrypted",
        "  Note     Sending has been paused.",
        "  Stop     Ctrl-C",
    ]
