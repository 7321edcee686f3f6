"""`flask clock`: whether this machine's clock can be right, and a person's word that it is."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.cli.plainly import plainly, say
from app.cli.site import site
from app.cli.words import moment
from app.clock import CURE, confirm, doubt
from app.db import writing
from app.extensions import db


@click.group("clock", cls=AppGroup, invoke_without_command=True)
@click.pass_context
def clock(context: click.Context) -> None:
    """Say whether the clock can be right. The exit code is 1 when it is in doubt, and nothing is deleted."""
    if context.invoked_subcommand is None:
        context.invoke(show)


@clock.command()
def show() -> None:
    """The same."""
    now = site().wall()
    with plainly():
        found = doubt(db.session(), now)
    if found is not None:
        raise click.ClickException(f"{found.told} {CURE}")
    say(f"It is {moment(now)}, and nothing speaks against that.")


@clock.command("confirm")
def confirm_() -> None:
    """Say that the clock is right. What is kept for a time, and is over by now, is deleted within a minute or two."""
    now = site().wall()
    with plainly(), writing(db.session()):
        confirm(db.session(), now)
    say(f"Confirmed: it is {moment(now)}. What is over by then is deleted again.")
