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
from app.cli.words import counted, paused
from app.db import writing
from app.delivery.handoff import Tally, tallies
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
    if since == now:
        say("Sending is paused. To go on: .venv/bin/flask outbox resume")
    else:
        say(f"Sending has been paused {paused(since)}")


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
        raise click.ClickException(_QUESTION.format(letters=counted(error.count, "letter"))) from None
    if resumed is None:
        say("Sending is not paused.")
        return
    sent, parked = resumed
    if sent:
        say(f"{counted(sent, 'letter')} that waited in the backup will be sent.")
    if parked:
        letters = counted(parked, "letter")
        say(f"{letters} that waited in the backup will not be sent; the receipts say that it is not certain.")
    say("Sending goes on.")


@outbox.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def handoffs(as_json: bool) -> None:
    """Count the letters that signers deliver themselves, office by office.

    HANDED OVER are all of them. SENT: so their signers say. FORM FAILED: they say that the office's form did not work,
    and have not sent it since. NO WORD: they have said nothing. OVER: taken back, or mailed after all, before they did.
    """
    with plainly():
        found = tallies(db.session())
    if as_json:
        click.echo(json.dumps([asdict(tally) for tally in found], ensure_ascii=False, indent=2))
    elif found:
        head = ("OFFICE", "NAME", "HANDED OVER", "SENT", "FORM FAILED", "NO WORD", "OVER")
        table([head, *(_cells(tally) for tally in found)], numbers_from=2)
    else:
        say("No letter has been handed to its signer yet.")


def _cells(tally: Tally) -> tuple[str, ...]:
    numbers = tally.offered, tally.sent, tally.stuck, tally.silent, tally.over
    return tally.seat, tally.recipient, *(f"{number:,}" if number else "-" for number in numbers)


_QUESTION = """{letters} waited in the backup that was restored. Each may have gone out after the backup was made, \
and nobody can tell from here. Decide for all of them:
  --waiting send   if nothing was sent after the backup was made, or an office may get a letter twice
  --waiting park   if it was: they are not sent, and their receipts say that it is not certain whether they arrived
What was confirmed after the restore goes out in any case. Nothing was changed."""
