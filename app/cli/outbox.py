"""`flask outbox …`: what waits to be sent."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

import click
from flask.cli import AppGroup

from app.cli.outbox_bounces import bounces, revive
from app.cli.outbox_rows import cancel, list_, park, retry, show, status
from app.cli.outbox_run import once, run
from app.cli.plainly import plainly, say, table
from app.cli.site import site
from app.db import writing
from app.delivery.handoff import tallies
from app.delivery.pause import LettersUndecided
from app.delivery.pause import pause as pause_sending
from app.delivery.pause import resume as resume_sending
from app.extensions import db

outbox = AppGroup("outbox", help="What waits to be sent, and what signers deliver.")
for command in (status, list_, show, retry, park, cancel, run, once, bounces, revive):
    outbox.add_command(command)


@outbox.command()
def pause() -> None:
    """Send nothing until `resume`: letters and mails wait, pages go on. The message in hand is finished."""
    now = datetime.now(UTC)
    with plainly(), writing(db.session()):
        since = pause_sending(db.session(), site().config.delivery, now)
    say("Sending is paused." if since == now else f"Sending has been paused since {since:%Y-%m-%d %H:%M} UTC.")
    say("To go on: .venv/bin/flask outbox resume")


@outbox.command()
@click.option(
    "--waiting",
    type=click.Choice(["send", "park"]),
    help="After a restore: what becomes of the letters that waited in the backup.",
)
def resume(waiting: str | None) -> None:
    """Go on sending."""
    park = None if waiting is None else waiting == "park"
    try:
        with plainly(), writing(db.session()):
            resumed = resume_sending(db.session(), datetime.now(UTC), park=park)
    except LettersUndecided as error:
        raise click.ClickException(_QUESTION.format(letters=_letters(error.count))) from None
    if resumed is None:
        say("Sending is not paused.")
        return
    sent, parked = resumed
    if sent:
        say(f"{_letters(sent)} that waited in the backup will be sent.")
    if parked:
        say(f"{_letters(parked)} that waited in the backup will not be sent; the receipts say that it is not certain.")
    say("Sending goes on.")


@outbox.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def handoffs(as_json: bool) -> None:
    """Count the letters that signers deliver themselves, office by office.

    OFFERED: prepared for the signer. SENT: so they say. NOT WORKING: they said that the office's form did not work,
    even if they sent it later.
    """
    with plainly():
        found = tallies(db.session())
    if as_json:
        click.echo(json.dumps([asdict(tally) for tally in found], ensure_ascii=False, indent=2))
    elif found:
        head = ("OFFICE", "NAME", "OFFERED", "SENT", "NOT WORKING")
        table([head, *((t.seat, t.recipient, str(t.offered), str(t.sent), str(t.stuck)) for t in found)])
    else:
        say("No letter has been handed to its signer yet.")


_QUESTION = """{letters} waited in the backup that was restored. Each may have gone out after the backup was made, \
and nobody can tell from here. Decide for all of them:
  --waiting send   if nothing was sent after the backup was made, or an office may get a letter twice
  --waiting park   if it was: they are not sent, and their receipts say that it is not certain whether they arrived
What was confirmed after the restore goes out in any case. Nothing was changed."""


def _letters(count: int) -> str:
    return "1 letter" if count == 1 else f"{count} letters"
