"""`flask outbox run|once`: sending without `bin/run`, with a line that tells how far it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TextIO, cast

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy import func, select, text
from werkzeug.local import LocalProxy

from app.cli.plainly import plainly, say
from app.cli.site import site
from app.delivery import Outcome, OutcomeKind, Outgoing, Sender
from app.delivery.smtp import SmtpSender, Timeouts
from app.extensions import db
from app.models import Delivery
from app.worker import AlreadyRunning, told_to_stop
from app.worker import once as send_once
from app.worker import run as work
from config import Config

_EVERY = 0.2
"""Seconds between two looks of the line."""


@click.command()
@with_appcontext
def run() -> None:
    """Be a worker: send what is due and delete what is over, until Ctrl-C or SIGTERM."""
    config = site().config
    with _sending(config) as sender:
        say("Sending. Ctrl-C stops after the message in hand.")
        with _refusing():
            work(config, db.session(), sender, told_to_stop())


@click.command()
@with_appcontext
def once() -> None:
    """Send what is due now, and end."""
    config = site().config
    with _sending(config) as sender, _refusing():
        send_once(config, db.session(), sender, told_to_stop())


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        with plainly():
            yield
    except AlreadyRunning:
        raise click.ClickException(
            "A worker is sending already: bin/run has one, or another `flask outbox run` does. Nothing was done."
        ) from None


@contextmanager
def _sending(config: Config) -> Iterator[Counting]:
    """What sends by the settings' mail server, and tells at the end what came of it."""
    if not config.live:
        raise click.ClickException(
            "A sandbox's mails go to its built-in mailbox, which only bin/run knows. Start bin/run instead."
        )
    with plainly():
        waiting = db.session.scalar(select(func.count()).select_from(Delivery).where(text("state = 'queued'"))) or 0
        db.session.rollback()
    smtp = SmtpSender(
        cast(LocalProxy[Flask], current_app)._get_current_object(),
        Timeouts.of(config.mail_timeout),
        config.bounce_domain,
    )
    sender = Counting(smtp, waiting, sys.stderr)
    try:
        yield sender
    finally:
        sender.told()


class Counting:
    """A Sender that counts, and on a terminal tells how far it is."""

    def __init__(self, sender: Sender, waiting: int, stream: TextIO) -> None:
        self._sender = sender
        self._waiting = waiting
        self._stream = stream
        self._counts = dict.fromkeys(OutcomeKind, 0)
        self._began = self._shown = monotonic()

    def send(self, message: Outgoing) -> Outcome:
        """One attempt; see Sender."""
        outcome = self._sender.send(message)
        self._counts[outcome.kind] += 1
        if self._stream.isatty() and monotonic() - self._shown >= _EVERY:
            self._shown = monotonic()
            self._stream.write(f"\r\x1b[K{self._line()}")
            self._stream.flush()
        return outcome

    def close(self) -> None:
        """End the connection; see Sender."""
        self._sender.close()

    def told(self) -> None:
        """The last line, which stays."""
        if self._stream.isatty():
            self._stream.write("\r\x1b[K")
        say(self._line())

    def _line(self) -> str:
        tried = sum(self._counts.values())
        minutes = max(monotonic() - self._began, 1.0) / 60
        accepted = self._counts[OutcomeKind.ACCEPTED]
        others = [f"{count:,} {_WORDS[kind]}" for kind, count in self._counts.items() if count and kind in _WORDS]
        told = ", ".join([f"{accepted:,} accepted", *others])
        return (
            f"{told}; {max(0, self._waiting - tried):,} of {self._waiting:,} left, {accepted / minutes:,.0f} a minute"
        )


_WORDS = {
    OutcomeKind.TRANSIENT: "put off",
    OutcomeKind.PERMANENT: "refused for good",
    OutcomeKind.UNKNOWN: "of unknown fate",
    OutcomeKind.CHANNEL: "not taken by the mail server",
}
