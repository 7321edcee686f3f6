"""`flask signatures`: what an organisation does with signatures at somebody's request."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from flask.cli import AppGroup

from app.backups import KEPT_FOR
from app.cli.plainly import plainly, say
from app.cli.site import site
from app.cli.words import counted
from app.db import compact, writing
from app.extensions import db
from app.mailboxes import tidy
from app.models import DeliveryState, Letter, SignatureState
from app.signing.retention import let_go, signatures_of

signatures = AppGroup("signatures", help="Act on what people have signed.")

_GONE = {DeliveryState.ACCEPTED, DeliveryState.SENDING, DeliveryState.PARKED, DeliveryState.REPORTED}


@signatures.command("erase")
@click.option("--email", required=True, prompt="E-mail address of the person", help="Whose signatures to erase.")
def erase(email: str) -> None:
    """Erase everything that was entered with an e-mail address, as its owner can do on the receipt.

    For a request that came by letter or telephone: see that it is theirs first. Left out, --email is asked for, so
    that the address does not stay in the history of the shell.
    """
    with plainly():
        now = datetime.now(UTC)
        with writing(db.session()):
            found = signatures_of(db.session(), tidy(email))
            taken = sum(_has_gone(letter) for signature in found for letter in signature.letters)
            for signature in found:
                let_go(db.session(), signature, SignatureState.ERASED, now)
        if not found:
            raise click.ClickException(f"Nothing is kept under this address in {site().config.data_dir}.")
        anew = compact(db.session())
    say(f"Erased {counted(len(found), 'signature')}. What had not gone does not go.")
    if taken:
        say(f"{taken} of the letters had gone already, or were just going: offices keep what they have received.")
    if not anew:
        say("The database file is busy: the worker writes it anew within the hour, and what is left in it goes then.")
    say(f"The automatic backups still hold what was erased, for at most {KEPT_FOR.days} days.")


def _has_gone(letter: Letter) -> bool:
    """Whether the office has it, as far as anybody knows."""
    return any(delivery.state in _GONE for delivery in letter.deliveries)
