"""`flask outbox run|once`: sending without `bin/run`, with a line that tells how far it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TextIO, cast

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.local import LocalProxy

from app.cli.plainly import plainly, say
from app.cli.site import site
from app.cli.words import hindrances
from app.delivery import Outcome, OutcomeKind, Outgoing, Sender
from app.delivery.overview import Waiting, waiting
from app.delivery.smtp import SmtpSender, Timeouts
from app.extensions import db
from app.worker import AlreadyRunning, told_to_stop
from app.worker import once as send_once
from app.worker import run as work
from config import Config

_EVERY = 0.2
"""Seconds between two looks of the line, at least."""
_SHARE = 20
"""What waits is counted for so small a part of the time: that can be a million rows."""


@click.command()
@with_appcontext
def run() -> None:
    """Be a worker: send what is due and delete what is over, until Ctrl-C or SIGTERM."""

    def started() -> None:
        say("Started. Ctrl-C stops after the message in hand.")
        _say_hindrances()

    config = site().config
    with _sending(config) as sender:
        work(config, db.session(), sender, told_to_stop(), started=started)


@click.command()
@with_appcontext
def once() -> None:
    """Send what is due now, and end."""
    config = site().config
    with _sending(config) as sender:
        send_once(config, db.session(), sender, told_to_stop())
    with plainly():
        _say_hindrances()


def _say_hindrances() -> None:
    for sentence in hindrances(db.session(), site().clock()):
        say(sentence)


@contextmanager
def _sending(config: Config) -> Iterator[Counting]:
    """What sends by the settings' mail server, and tells at the end what came of it."""
    if not config.live:
        raise click.ClickException(
            "A sandbox's mails go to its built-in mailbox, which only bin/run knows. Start bin/run instead."
        )
    smtp = SmtpSender(
        cast(LocalProxy[Flask], current_app)._get_current_object(),
        Timeouts.of(config.mail_timeout),
        config.bounce_domain,
    )
    sender = Counting(smtp, _left, sys.stderr)
    try:
        with plainly():
            yield sender
    except AlreadyRunning:
        raise click.ClickException(
            "A worker is sending already: bin/run has one, or another `flask outbox run` does. Nothing was done."
        ) from None
    except BaseException:
        if sender.has_tried:
            sender.told()
        raise
    sender.told()


def _left() -> Waiting | None:
    """What waits now; None if the database does not say, which must not keep a message from being sent."""
    try:
        with Session(db.engine) as session:
            return waiting(session, site().clock())
    except SQLAlchemyError:
        return None


class Counting:
    """A Sender that counts, and on a terminal tells how far it is."""

    def __init__(self, sender: Sender, left: Callable[[], Waiting | None], stream: TextIO) -> None:
        self._sender = sender
        self._left = left
        self._stream = stream
        self._counts = dict.fromkeys(OutcomeKind, 0)
        self._began = self._next = monotonic()

    @property
    def has_tried(self) -> bool:
        """Whether there was anything to send."""
        return any(self._counts.values())

    def send(self, message: Outgoing) -> Outcome:
        """One attempt; see Sender."""
        self._show(in_hand=1)
        outcome = self._sender.send(message)
        self._counts[outcome.kind] += 1
        return outcome

    def close(self) -> None:
        """End the connection, since nothing can go at the moment; see Sender."""
        self._sender.close()
        self._show()

    def told(self) -> None:
        """The last line, which stays."""
        if self._stream.isatty():
            self._stream.write("\r\x1b[K")
        say(self._line())

    def _show(self, in_hand: int = 0) -> None:
        began = monotonic()
        if self._stream.isatty() and began >= self._next:
            self._stream.write(f"\r\x1b[K{self._line(in_hand)}")
            self._stream.flush()
            self._next = began + max(_EVERY, _SHARE * (monotonic() - began))

    def _line(self, in_hand: int = 0) -> str:
        minutes = max(monotonic() - self._began, 1.0) / 60
        accepted = self._counts[OutcomeKind.ACCEPTED]
        others = [f"{count:,} {_WORDS[kind]}" for kind, count in self._counts.items() if count and kind in _WORDS]
        told, found = ", ".join([f"{accepted:,} accepted", *others]), self._left()
        left = f"{found.due + in_hand:,} left now, " if found else ""
        later = f"{found.later:,} for later, " if found and found.later else ""
        return f"{told}; {left}{later}{accepted / minutes:,.0f} a minute"


_WORDS = {
    OutcomeKind.TRANSIENT: "put off",
    OutcomeKind.PERMANENT: "refused for good",
    OutcomeKind.UNKNOWN: "of unknown fate",
    OutcomeKind.CHANNEL: "not taken by the mail server",
}
