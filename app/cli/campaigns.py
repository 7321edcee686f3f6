"""`flask campaign …`: import, look at, publish and close campaigns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
from flask.cli import AppGroup
from sqlalchemy import select

from app import campaigns
from app.campaigns import CampaignFile, CampaignFileError, NeverPublished, NoSuchCampaign, Problem
from app.campaigns.captured import from_captured, looks_captured
from app.campaigns.checks import is_slug
from app.campaigns.files import FILE_LIMIT
from app.cli.plainly import NO_TABLES, plainly, problems_of, read_file, say, table
from app.cli.reach import reach
from app.cli.site import roll, site
from app.db import writing
from app.delivery.dead import among
from app.extensions import db
from app.legislators import NoDataForDay
from app.legislators.contacts import ContactBook
from app.locks import running_at
from app.models import Campaign

campaign = AppGroup("campaign", help="Import, check, publish and close campaigns.")


class _Input(NamedTuple):
    source: str
    captured: bool  # then `source` is the draft made of it


@campaign.command("import")
@click.argument("file")
def import_(file: str) -> None:
    """Import FILE (- for standard input): a campaign file, or the text of a captured action page.

    A new campaign is a draft. Importing a campaign again changes nothing for supporters until it is published.
    """
    with _plainly(file):
        given = _read(file)
        with writing(db.session()):
            session, now = db.session(), datetime.now(UTC)
            if given.captured:
                stored = campaigns.import_draft(session, campaigns.read(given.source), now)
            else:
                stored = campaigns.import_campaign(session, given.source, now)
            revision = campaigns.newest_revision(session, stored)
        if given.captured:
            say(
                f"Made a draft of the captured page; to change it: .venv/bin/flask campaign export {stored.slug} > FILE"
            )
        _warn(campaigns.warnings(given.source))
        _warn_of_dates(campaigns.read(given.source))
        if revision is not None and revision.source == stored.source:
            say(f"Imported {stored.slug}: it is what supporters see already.")
        else:
            say(f"Imported {stored.slug}. Supporters see it after: .venv/bin/flask campaign publish {stored.slug}")


@campaign.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_(as_json: bool) -> None:
    """List all campaigns."""
    with _plainly():
        rows = [_row(stored) for stored in db.session().scalars(select(Campaign).order_by(Campaign.id))]
    if as_json:
        click.echo(json.dumps([row._asdict() for row in rows], ensure_ascii=False, indent=2))
        return
    if not rows:
        say("There are no campaigns. Import one: .venv/bin/flask campaign import FILE")
        return
    cells = [("SLUG", "STATE", "REVISION", "CHANGED", "OPENS", "CLOSES", "TITLE")] + [
        (
            row.slug,
            row.state,
            str(row.revision or "-"),
            "yes" if row.changed else "no",
            row.opens or "-",
            row.closes or "-",
            row.title or "(has problems, see: .venv/bin/flask campaign check)",
        )
        for row in rows
    ]
    table(cells)


@campaign.command()
@click.argument("what", metavar="SLUG|FILE")
def check(what: str) -> None:
    """Look for problems in a stored campaign, or in a file (- for standard input) before it is imported.

    A slug goes before a file of the same name; for the file write ./name.
    """
    with _plainly(what):
        stored = _stored(what)
        given = _read(what) if stored is None else _Input(stored.source, captured=False)
        file = campaigns.read(given.source)
        _warn(campaigns.warnings(given.source))
        if given.captured:
            say("This is a captured page; importing it makes a draft of it.")
        elif stored is None:
            _warn_of_namesake(file)
    _warn_of_dates(file)
    say("No problems found.")
    _say_reach(file)


@campaign.command()
@click.argument("slug")
def publish(slug: str) -> None:
    """Show the campaign to supporters as it was last imported; open it again if it was closed."""
    with _plainly(slug):
        with writing(db.session()):
            revision = campaigns.publish(db.session(), slug, datetime.now(UTC))
        _warn(campaigns.warnings(revision.source))
        _warn_of_dates(campaigns.read(revision.source))
    config = site().config
    address = running_at(config.data_dir) or config.public_url  # of `PORT=8001 bin/run`, say
    say(f"Published {slug}, revision {revision.number}: {address}/{slug}")


@campaign.command()
@click.argument("slug")
def close(slug: str) -> None:
    """End the campaign. Its page stays and says so; letters on their way still go out."""
    with _plainly(slug), writing(db.session()):
        campaigns.close(db.session(), slug)
    say(f"Closed {slug}. To open it again: .venv/bin/flask campaign publish {slug}")


@campaign.command()
@click.argument("slug")
def export(slug: str) -> None:
    """Write the campaign file as it was last imported to standard output."""
    with _plainly(slug):
        source = campaigns.named(db.session(), slug).source
    click.echo(source.encode(), nl=False)  # as bytes, or Windows would change the line ends


class _Row(NamedTuple):
    slug: str
    state: str
    revision: int | None
    changed: bool
    opens: str | None
    closes: str | None
    title: str | None


def _row(stored: Campaign) -> _Row:
    revision = campaigns.newest_revision(db.session(), stored)
    try:
        file = campaigns.read(stored.source)
    except CampaignFileError:  # a newer version may have stricter rules
        file = None
    return _Row(
        slug=stored.slug,
        state=stored.state.value,
        revision=None if revision is None else revision.number,
        changed=revision is None or revision.source != stored.source,
        opens=file.opens.isoformat() if file and file.opens else None,
        closes=file.closes.isoformat() if file and file.closes else None,
        title=None if file is None else file.title,
    )


def _stored(what: str) -> Campaign | None:
    """The campaign of this slug; None when `what` is a file, which can be checked without any database."""
    is_file = not is_slug(what) or _exists(what)
    try:
        slug = what if is_slug(what) else ""  # PostgreSQL refuses a NUL
        stored = db.session().scalar(select(Campaign).where(Campaign.slug == slug))
    except NO_TABLES:
        if is_file:
            return None
        raise
    if stored is None and not is_file:
        raise click.ClickException(f"There is no campaign and no file {what!r}.")
    return stored


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # in a folder that we may not enter
        return False


def _read(path: str) -> _Input:
    data = read_file(path, FILE_LIMIT)
    text = campaigns.decode(data)
    if looks_captured(text):
        return _Input(campaigns.write(from_captured(text)), captured=True)
    return _Input(text, captured=False)


def _warn_of_namesake(file: CampaignFile) -> None:
    try:
        namesake = db.session().scalar(select(Campaign).where(Campaign.slug == file.slug))
    except NO_TABLES:  # no database, no namesake
        return
    if namesake is not None:
        say(f"warning: there is a campaign {file.slug} already; importing this file replaces its text.")


def _say_reach(file: CampaignFile) -> None:
    try:
        book = ContactBook(db.session(), partial(among, db.session(), digest=site().keys.address))
        for sentence in reach(file.targets, roll(), book, site().config):
            say(sentence)
    except NoDataForDay as error:
        say(f"How many offices have an e-mail address cannot be told. {error}")
    except NO_TABLES:
        say("How many offices have an e-mail address can be told once bin/run has been started with this DATA_DIR.")


def _warn_of_dates(file: CampaignFile) -> None:
    today = datetime.now(UTC).date()
    if file.opens and today < file.opens:
        say(f"warning: nobody can write before {file.opens}, the day of opens (Eastern time).")
    if file.closes and file.closes < today:
        say(f"warning: nobody can write after {file.closes}, the day of closes (Eastern time).")


@contextmanager
def _plainly(what: str = "") -> Iterator[None]:
    """Errors as sentences on standard error, and exit code 1."""
    with plainly(NoSuchCampaign, NeverPublished):
        try:
            yield
        except CampaignFileError as error:
            raise problems_of(what, error.problems) from None


def _warn(problems: Sequence[Problem]) -> None:
    for problem in problems:
        say(f"warning: {problem}")
