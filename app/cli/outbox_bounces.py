"""`flask outbox bounces` reads what came back to envelope senders, from a mail server's pipe or a Maildir; `revive`."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import click
from flask.cli import with_appcontext

from app.cli.plainly import plainly, say
from app.cli.site import site
from app.cli.words import counted
from app.db import writing
from app.delivery import dead
from app.delivery.bounces import Nothing, read
from app.delivery.opening import MOST_BYTES
from app.delivery.returns import Means, StillInHand, receive
from app.extensions import db
from app.logs import kind_and_place
from app.signing.tokens import wire_email

_ASIDE = ".aside"
"""Folder inside the Maildir, as mail programs show one: for what is not ours, or tells nothing that we understand."""
_CHUNK, _MOST_CHUNKS = 1024 * 1024, 200
_LONGEST = 60.0
"""Seconds that a mail server may take to hand a message over."""


class _Later(click.ClickException):
    """Nothing was done; the mail server shall bring the message again. EX_TEMPFAIL of sysexits.h."""

    exit_code = 75


class _Left(Exception):
    """This one cannot be dealt with now; others can. The text says why."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What became of one message, in a sentence without addresses."""

    sentence: str
    is_done: bool
    """It can be thrown away; else a person may want to look at it."""


@click.command()
@click.argument("source", metavar="[-]", default="", required=False)
@click.option("--maildir", type=click.Path(path_type=Path), help="Read all mails in this folder instead.")
@click.option("--recipient", default="", help="With -: to which address it came, if the mail server knows it.")
@with_appcontext
def bounces(source: str, maildir: Path | None, recipient: str) -> None:
    """Read mails that came back: one from standard input (-), or all in a Maildir.

    With - the exit code is 0 whatever the message is, since the mail server would answer a bounce with a bounce, and 75
    when it shall be brought again. In a Maildir what was read is deleted; what is not ours goes to its folder .aside.
    """
    if (source == "-") == (maildir is not None) or source not in {"", "-"} or (maildir is not None and recipient):
        raise click.UsageError("Give either - and a message on standard input, or --maildir DIR alone.")
    if maildir is None:
        try:
            with _in_time():
                message = _first_part(sys.stdin.buffer)
            say(_told(message, recipient).sentence)
        except TimeoutError:
            raise _Later("The message did not come to its end in time. Nothing was done.") from None
        except _Left as error:
            raise _Later(str(error)) from None
    else:
        _empty(maildir)


@click.command()
@click.option("--email", required=True, prompt="E-mail address", help="Which address is good again.")
@with_appcontext
def revive(email: str) -> None:
    """Send mail again to an address that counts as dead, since mail to it came back.

    Left out, --email is asked for, so that the address does not stay in the history of the shell. What was cancelled
    meanwhile stays so: a signer can have their mail sent again, or sign anew.
    """
    with plainly(), writing(db.session()):
        revived = dead.revive(db.session(), [wire_email(email.strip())], site().keys.address)
    if not revived:
        raise click.ClickException("This address does not count as dead. Nothing was changed.")
    say("Mail is sent to this address again.")


@contextmanager
def _in_time() -> Iterator[None]:
    """Whatever reads meanwhile has a minute. Raises TimeoutError; nothing but an alarm interrupts reading a pipe."""

    def give_up(_signal: int, _frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, _LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _first_part(stream: BinaryIO) -> bytes:
    """As much as is looked at. The rest is taken too, or the mail server would find its pipe broken."""
    first = stream.read(MOST_BYTES)
    for _ in range(_MOST_CHUNKS):
        if not stream.read(_CHUNK):
            break
    return first


def _told(message: bytes, recipient: str = "") -> _Told:
    """Read it, and do what follows. Raises _Later, _Left."""
    returned, composer = read(message), site().composer
    found = (composer.delivery_of(address) for address in (recipient, *returned.to))
    sent_as = next((uuid for uuid in found if uuid is not None), None)
    if sent_as is None:
        return _Told("Not for us: it came to no address that this site has made.", is_done=False)
    if isinstance(returned.tells, Nothing):
        return _Told(f"Nothing to do: it is {returned.tells.why}.", is_done=False)
    try:
        with plainly():
            result = receive(
                db.session(), sent_as, returned.tells, Means(composer, site().keys.address), site().clock()
            )
    except StillInHand:
        raise _Left("What it is about is just being sent: it can be dealt with in a few minutes.") from None
    except click.ClickException as error:
        raise _Later(error.message) from None
    except Exception as error:  # a mistake of ours; the mail must not be lost for it
        raise _Left(f"It could not be dealt with: {kind_and_place(error)}.") from None
    about = "Nothing to do: it is about" if result.delivery_id is None else f"Delivery {result.delivery_id}:"
    others = "1 other letter went to its signer"
    if result.handed_over > 1:
        others = f"{counted(result.handed_over, 'other letter')} went to their signers"
    sentence = f"{about} {result.taken}.{f' Its address is dead: {others}.' if result.handed_over else ''}"
    return _Told(sentence, is_done=True)


def _empty(maildir: Path) -> None:
    """Read every mail. One that cannot be dealt with stays, and ends it if the database is the reason."""
    counts: Counter[str] = Counter()
    for path in _mails(maildir):
        try:
            with path.open("rb") as file:
                told = _told(file.read(MOST_BYTES))
            _put_away(path, maildir, told)
        except OSError as error:
            say(f"{path.name}: it cannot be read or moved ({error.strerror}); it stays.")
            counts["left"] += 1
        except _Left as error:
            say(f"{path.name}: {error} It stays.")
            counts["left"] += 1
        else:
            say(f"{path.name}: {told.sentence}")
            counts["done" if told.is_done else "aside"] += 1
    aside = f", {counts['aside']:,} set aside in {maildir / _ASIDE}" if counts["aside"] else ""
    left = f", {counts['left']:,} left" if counts["left"] else ""
    say(f"{counted(counts.total(), 'mail')}: {counts['done']:,} done{aside}{left}.")


def _mails(maildir: Path) -> Iterator[Path]:
    """Those that are there now, the oldest first."""
    if not (maildir / "new").is_dir() or not (maildir / "cur").is_dir():
        raise click.ClickException(f"{maildir} is no Maildir: it has no folders new and cur.")
    try:
        found = [path for folder in ("cur", "new") for path in (maildir / folder).iterdir()]
    except OSError as error:
        raise click.ClickException(f"Can't look into {maildir}: {error.strerror}.") from None
    yield from sorted((path for path in found if path.is_file() and not path.is_symlink()), key=lambda path: path.name)


def _put_away(path: Path, maildir: Path, told: _Told) -> None:
    """After everything is stored: whoever is stopped before reads it once more, which changes nothing."""
    if told.is_done:
        path.unlink(missing_ok=True)
        return
    for folder in ("tmp", "new", "cur"):
        (maildir / _ASIDE / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    path.rename(maildir / _ASIDE / "cur" / path.name)
