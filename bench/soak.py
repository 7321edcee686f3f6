"""Nothing lost, nothing twice: signatures come in while workers are killed and the mail server misbehaves at random.

2,000 signatures, 20 kills; with numbers: so many of each. The worker is `flask outbox run`, a process of its own, that
is killed at random moments, and started again at once. The server refuses for now, refuses for good, hangs up before
it has answered, and drops its greeting, at random; what it has said 250 to counts as accepted.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from pathlib import Path

from flask import Flask
from sqlalchemy import Select, func, select, text

from app.db import writing
from app.extensions import db
from app.models import Contact, Delivery, DeliveryKind, DeliveryState, Letter
from app.signing.tokens import hashed
from app.web import form_token
from bench import site
from bench.send import FIELDS
from config import ROOT

SIGNATURES, KILLS, SEED = 2000, 20, 20261127
PLACES = (("WY", "82001"), ("VT", "05401"), ("AK", "99501"), ("ND", "58102"), ("SD", "57104"), ("DE", "19901"))
ENDS = 900.0
"""Seconds after which what is left counts as lost."""
LIVE = {
    "DELIVERY": "live",
    "PUBLIC_URL": "https://act.example.org",
    "TRUSTED_PROXIES": "1",
    "ORGANISATION": "Friends of the Well",
    "ORGANISATION_EMAIL": "letters@example.org",
    "SECRET_KEY": secrets.token_hex(32),
    "MAIL_SERVER": "127.0.0.1",
    "MAIL_TIMEOUT": "5s",
    "LETTER_RETRIES": "1s 1s 2s 2s 3s 3s 5s 5s",
    "CONFIRMATION_RETRIES": "1s 1s 2s 2s 3s 3s 5s 5s",
    "UNKNOWN_RETRY": "1s",
    "LIMIT_NETWORK": "1000000",
}
GONE = "nobody"
"""What the addresses of mailboxes begin with that the server refuses for good."""


class Moody:
    """A mail server that misbehaves once in a while; `accepted` counts, by Message-ID, what it has said 250 to."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.accepted: Counter[str] = Counter()
        self.misdeeds: Counter[str] = Counter()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _is_in_the_mood(self, misdeed: str, chance: float) -> bool:
        if self._dice.random() >= chance:
            return False
        self.misdeeds[misdeed] += 1
        return True

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            if not self._is_in_the_mood("hung up instead of a greeting", 0.01):
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        lines = connection.makefile("rb")
        connection.sendall(b"220 moody\r\n")
        for line in lines:
            word = line[:4].upper()
            answer = self._answer(word, line)
            connection.sendall(answer)
            if word == b"DATA" and answer.startswith(b"354"):
                mail = b"".join(iter(lines.readline, b".\r\n"))
                if self._is_in_the_mood("hung up instead of an answer to the message", 0.005):
                    return
                if self._is_in_the_mood("452 after the message", 0.005):
                    connection.sendall(b"452 4.3.1 full for now\r\n")
                    continue
                self.accepted[str(message_from_bytes(mail)["Message-ID"])] += 1
                connection.sendall(b"250 queued\r\n")
            if word == b"QUIT":
                return

    def _answer(self, word: bytes, line: bytes) -> bytes:
        if word == b"RCPT":
            if f"<{GONE}".encode() in line:
                return b"550 5.1.1 nobody here\r\n"
            if self._is_in_the_mood("451 to a recipient", 0.01):
                return b"451 4.7.1 come back later\r\n"
        return {b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}.get(word, b"250 ok\r\n")


def main() -> None:
    given = [int(argument) for argument in sys.argv[1:]]
    signatures, kills = (given + [SIGNATURES, KILLS][len(given) :])[:2]
    dice = random.Random(SEED)
    server = Moody(dice)
    settings = {**LIVE, "MAIL_PORT": str(server.port)}
    app = site.make(**settings)
    with app.app_context():
        _write_down_offices()
    signing = threading.Thread(target=_sign_often, args=(app, signatures))
    began = time.monotonic()
    signing.start()
    with _workers(app.config["REDRESS"].data_dir, settings) as worker:
        for _ in range(kills):
            time.sleep(dice.uniform(0.2, 2.0))
            worker.kill()
        signing.join()
        _wait_until_done(app)
    print(f"{signatures:,} signatures, {kills} kills, {time.monotonic() - began:,.0f} s")
    print("the server: " + ", ".join(f"{count} × {misdeed}" for misdeed, count in sorted(server.misdeeds.items())))
    with app.app_context():
        holds = _judge(server, kills)
    print("holds" if holds else "DOES NOT HOLD")
    sys.exit(not holds)


def _write_down_offices() -> None:
    """An address for every office of PLACES; those of one state are mailboxes that are gone."""
    with writing(db.session()):
        for state, _zip in PLACES:
            for seat in (f"{state}-S1", f"{state}-S2", f"{state}-S3", f"{state}-AL"):
                who = GONE if state == "DE" else "staff"
                address = f"{who}.{seat.lower()}@{seat.lower()}.example.com"
                db.session.add(
                    Contact(office=seat, role="staff", email=address, source="a call", as_of=date(2026, 11, 1))
                )


def _sign_often(app: Flask, signatures: int) -> None:
    """Through the pages: the form, its letters, the button; then the page of the mail, and its button."""
    client, config = app.test_client(use_cookies=False), app.config["REDRESS"]
    host = {"base_url": config.public_url, "environ_overrides": {"HTTP_X_FORWARDED_PROTO": "https"}}
    for number in range(signatures):
        state, code = PLACES[number % len(PLACES)]
        token = form_token.issue(config.secret_key, "reunite-families", datetime.now(UTC) - timedelta(minutes=1)).text
        typed = {**FIELDS, "address-level1": state, "postal-code": code, "email": f"jane{number}@example.net"}
        typed |= {"token": token, "own-words": f"Number {number}."}
        shown = client.post("/reunite-families", data={**typed, "show": "1"}, **host).get_data(as_text=True)
        seats = re.findall(r'name="write-to"[^>]*value="([^"]+)"', shown)
        sending = {**typed, **_hidden(shown), "write-to": seats, "send": "1"}
        sent = client.post("/reunite-families", data=sending, **host)
        assert sent.status_code == 200, sent.status_code
        (token,) = re.findall(r'action="/sent/([a-z2-7]+)"', sent.get_data(as_text=True))
        mailed = app.extensions["redress"].keys.mail(hashed(token))
        page = client.get(f"/confirm/{mailed}", **host).get_data(as_text=True)
        confirmed = client.post(f"/confirm/{mailed}", data=_hidden(page), **host)
        assert confirmed.status_code == 303, confirmed.status_code


def _hidden(page: str) -> dict[str, str]:
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    return {name: value for name, value in fields if name != "write-to"}


class _Worker:
    """`flask outbox run`, started again whenever it was killed."""

    def __init__(self, data_dir: Path, settings: dict[str, str]) -> None:
        self._environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(data_dir), **settings}
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "flask", "outbox", "run"]
        self._process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """At whatever it does."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._start()

    def stop(self) -> None:
        """In order."""
        self._process.terminate()
        self._process.wait()


@contextlib.contextmanager
def _workers(data_dir: Path, settings: dict[str, str]) -> Iterator[_Worker]:
    worker = _Worker(data_dir, settings)
    try:
        yield worker
    finally:
        worker.stop()


def _wait_until_done(app: Flask) -> None:
    """Until nothing waits that can go."""
    deadline = time.monotonic() + ENDS
    with app.app_context():
        while time.monotonic() < deadline:
            waiting = text("SELECT count(*) FROM delivery WHERE state IN ('queued', 'sending') AND kind <> 'reminder'")
            if db.session.scalar(waiting) == 0:
                return
            db.session.rollback()
            time.sleep(1)


def _judge(server: Moody, kills: int) -> bool:
    """Print what became of everything; whether nothing was lost, and nothing doubled but by a kill."""
    counted = db.session.execute(
        select(Delivery.kind, Delivery.state, func.count()).group_by(Delivery.kind, Delivery.state)
    )
    print("we say: " + ", ".join(f"{count:,} {kind} {state}" for kind, state, count in sorted(counted)))
    said = {f"<{uuid}@example.org>" for uuid in db.session.scalars(_of_state(DeliveryState.ACCEPTED))}
    parked = {f"<{uuid}@example.org>" for uuid in db.session.scalars(_of_state(DeliveryState.PARKED))}
    claimed_in_vain = said - set(server.accepted)
    untold = set(server.accepted) - said - parked
    in_no_hands = db.session.scalar(select(func.count()).select_from(Letter).where(~Letter.id.in_(_cared_for()))) or 0
    waiting = text("SELECT count(*) FROM delivery WHERE state IN ('queued', 'sending') AND kind <> 'reminder'")
    unfinished = db.session.scalar(waiting) or 0
    doubled = [count - 1 for count in server.accepted.values() if count > 1]
    print(
        f"the server accepted {len(server.accepted):,} messages; called accepted, never taken: {len(claimed_in_vain)}; "
        f"taken and not known: {len(untold)}; letters in nobody's hands: {in_no_hands}; unfinished: {unfinished}; "
        f"parked for a person: {len(parked)}; doubled: {sum(doubled)}, of {kills} kills (same Message-ID)"
    )
    return not (claimed_in_vain or untold or in_no_hands or unfinished) and sum(doubled) <= kills


def _of_state(state: DeliveryState) -> Select[str]:
    return select(Delivery.uuid).where(Delivery.state == state)


def _cared_for() -> Select[int | None]:
    """Letters that were accepted, or that a person knows of: their signer, or the organisation."""
    states = (DeliveryState.ACCEPTED, DeliveryState.OFFERED, DeliveryState.PARKED)
    return select(Delivery.letter_id).where(Delivery.kind == DeliveryKind.LETTER, Delivery.state.in_(states))


if __name__ == "__main__":
    main()
