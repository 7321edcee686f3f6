"""The parent: get everything ready, start the children, and stay until a signal or the end of one of them."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import sys
import time

from app.db import expect
from app.serve.family import Family
from app.serve.ground import listen, lock_folder
from app.serve.prepare import Ready, prepare
from app.serve.trouble import CannotStart
from config import Config, SettingsError
from settings.mail_server import Security

PAGES_ANSWER_IN = 30.0
_LOOK_EVERY = 0.1
_SHOWN = 5
_WORDS = {Security.PLAIN: "not encrypted", Security.STARTTLS: "encrypted", Security.TLS: "encrypted"}


class Stop:
    """Whether somebody has asked to stop. A plain flag: a handler that sets an Event can hang in its lock."""

    def __init__(self) -> None:
        self._asked = False

    def ask(self, *_signal: object) -> None:
        """Ask; a signal handler."""
        self._asked = True

    def is_set(self) -> bool:
        """Whether it was asked."""
        return self._asked


def run() -> int:
    """Run Redress; 0 when it was asked to stop, 1 when it could not start or go on, 2 when the settings are wrong."""
    os.umask(0o077)  # whatever is written belongs to this user alone
    stop = Stop()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, no child would have an exit code
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop.ask)
    try:
        config = Config.from_env()
        _run(config, stop)
    except SettingsError as error:
        _complain("\n".join(error.problems))
        return 2
    except CannotStart as error:
        _complain(str(error))
        return 1
    _say("Stopped.")
    return 0


def _run(config: Config, stop: Stop) -> None:
    lock = lock_folder(config.data_dir, config.public_url)
    with listen(config.host, config.port) as pages, _mailbox_socket(config) as mails:
        ready = prepare(config)
        if config.database is not None:
            expect(config.database)
        if stop.is_set():
            return
        family = Family(inherited=[lock])
        try:
            _start_delivery(family, mails)
            family.start("web", pages.fileno(), [pages.fileno()])
            address = pages.getsockname()
            pages.close()
            if _answers(address, family, stop):
                announce(config, ready)
            _watch(family, stop)
        finally:
            family.stop()


def _mailbox_socket(config: Config) -> contextlib.AbstractContextManager[socket.socket | None]:
    return contextlib.nullcontext() if config.live else listen("127.0.0.1", 0)


def _start_delivery(family: Family, mails: socket.socket | None) -> None:
    """The worker and, in a sandbox, before it the mailbox that it delivers to."""
    if mails is None:
        family.start("worker", 0)
        return
    family.start("mailbox", mails.fileno(), [mails.fileno()])
    family.start("worker", mails.getsockname()[1])
    mails.close()


def _answers(address: tuple[str, int], family: Family, stop: Stop) -> bool:
    """Wait until pages answer; False when there is no need to wait any longer. Raises CannotStart."""
    deadline = time.monotonic() + PAGES_ANSWER_IN
    while not stop.is_set() and family.ended() is None:
        if _healthy(address):
            return True
        if time.monotonic() > deadline:
            raise CannotStart("The pages do not answer; what is written above may tell why.")
        time.sleep(_LOOK_EVERY)
    return False


def _healthy(address: tuple[str, int]) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0])  # noqa: S104 — where to ask, not to listen
    connection = http.client.HTTPConnection(host, address[1], timeout=2.0)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False


def _watch(family: Family, stop: Stop) -> None:
    while not stop.is_set():
        if (ended := family.ended()) is not None:
            name, how = ended
            raise CannotStart(f"The {name} ended by itself ({how}), so Redress stops. Start it again with bin/run.")
        time.sleep(_LOOK_EVERY)


def announce(config: Config, ready: Ready) -> None:
    """Tell the person who started it what runs, where, and what is left to do."""
    if config.mail is None:
        _say("Redress is running in sandbox mode: nothing leaves this machine.")
    else:
        _say("Redress is running in live mode: letters go to offices, and mails to people.")
    for slug in ready.slugs[:_SHOWN]:
        _say(f"  Page     {config.public_url}/{slug}")
    if len(ready.slugs) > _SHOWN:
        _say(f"           and {len(ready.slugs) - _SHOWN} more")
    if ready.warning:
        _say(f"  Note     {ready.warning}")
    if not ready.slugs:
        _say("  Page     none yet: import a campaign and publish it, with the settings of this start")
        _say("             .venv/bin/flask campaign import FILE")
        _say("             .venv/bin/flask campaign publish SLUG")
    if config.mail is None:
        _announce_mailbox(config)
    else:
        _say(f"  From     {config.organisation} <{config.organisation_email}>")
        _say(f"  Mail     through {config.mail.address}, {_WORDS[config.mail.security]}")
    for sentence in ready.hindrances:
        _say(f"  Note     {sentence}")
    _say("  Stop     Ctrl-C")


def _announce_mailbox(config: Config) -> None:
    if config.on_loopback:
        _say(f"  Mailbox  {config.public_url}/mailbox")
    else:
        _say("  Mailbox  shown only when HOST and PUBLIC_URL belong to this machine alone")


def _say(line: str) -> None:
    """To whoever watches; a full disk behind the output keeps nobody's site from running."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


def _complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
