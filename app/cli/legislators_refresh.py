"""`flask legislators refresh`, `rollback` and `info`: newer tables, older ones again, and which are in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path

import click

from app.cli.plainly import plainly, say
from app.cli.site import site
from app.cli.words import counted, moment
from app.legislators import LegislatorsError
from app.legislators.congresses import begins, congress_at, ordinal
from app.legislators.keeping.condition import sentence
from app.legislators.keeping.gathering import NAMES, from_folder, from_web
from app.legislators.keeping.generations import alone, rollback
from app.legislators.keeping.refresh import Refreshed, refresh
from app.legislators.keeping.refresh_state import read_state
from app.legislators.keeping.renewal import Given
from app.legislators.making.build import first_day
from app.legislators.making.origins import SourceRecord
from app.legislators.tables import Tables


@click.command("refresh")
@click.option("--from", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Take the files of a folder.")
@click.option("--source", "urls", metavar="URL", multiple=True, help="Fetch from there; may be given for each file.")
@click.option(
    "--as-of",
    multiple=True,
    metavar="SOURCE DATE",
    type=(click.Choice([name.replace("_", "-") for name in NAMES if name != "corrections"]), str),
    help="Of when a file in DIR is: --as-of members 2026-06-15.",
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--force", is_flag=True, help="Though many seats become vacant, or an address is not an office's.")
def refresh_tables(
    folder: Path | None, urls: tuple[str, ...], as_of: tuple[tuple[str, str], ...], dry_run: bool, force: bool
) -> None:
    """Fetch the members and their offices anew, and say seat by seat what has changed.

    A running site uses the new tables at once. When something is wrong the old ones stay as they are.
    """
    if folder and urls:
        raise click.ClickException("Give --from or --source, not both.")
    if as_of and not folder:
        raise click.ClickException("--as-of goes with --from: of what is fetched, the server says of when it is.")
    now = site().clock()
    with plainly(LegislatorsError):
        days = _days(as_of)

        def gather(records: Mapping[str, SourceRecord]) -> Mapping[str, Given]:
            return from_folder(folder, days) if folder else from_web(urls, records, now)

        done = refresh(site().shelf, gather, now, force=force, dry_run=dry_run)
    for line in (*done.remarks, *(change.sentence for change in done.report)):
        click.echo(line)
    say(_outcome(done, dry_run=dry_run, now=now))


def _days(as_of: tuple[tuple[str, str], ...]) -> dict[str, date]:
    days = {name.replace("-", "_"): first_day(name, text) for name, text in as_of}
    for name, day in days.items():
        if day > site().today():
            raise click.ClickException(f"--as-of {name} {day}: that day has not come yet.")
    return days


def _outcome(done: Refreshed, *, dry_run: bool, now: datetime) -> str:
    if not done.is_news:
        return "Nothing has changed."
    if dry_run:
        return "This was a trial: the tables are as they were."
    shelf = site().shelf
    in_force = shelf.tables(now)
    ready = next((one.tables for one in shelf.refreshed() if one.name == done.generation), in_force)
    waits = (
        ""
        if ready is in_force
        else f"Ready for {begins(ready.congress):%Y-%m-%d}, noon in Washington: {_name(ready)}. "
    )
    return f"{waits}In force: {_name(in_force)}. To go back: flask legislators rollback."


@click.command("rollback")
def rollback_tables() -> None:
    """Put the tables in force that were before the last refresh."""
    now = site().clock()
    with plainly(LegislatorsError), alone(site().shelf.folder):
        rollback(site().shelf.folder, now)
    say(f"In force: {_name(site().shelf.tables(now))}.")


@click.command("info")
def info() -> None:
    """Say which tables are in force, how old they are, where they come from, and what is not known."""
    shelf, now = site().shelf, site().clock()
    tables = shelf.tables(now)
    for line in (*_members(tables, now), *_origins(tables)):
        click.echo(line)
    others = [one for one in (shelf.shipped, *(each.tables for each in shelf.refreshed())) if one is not tables]
    for other in others:
        click.echo(f"Besides: {_name(other)}.")
    state = read_state(shelf.folder)
    click.echo(f"Last refresh that worked: {moment(state.checked_at)}." if state.checked_at else "Never refreshed.")
    if state.cause:
        say(f"The last refresh failed: {state.cause}")
    if warning := sentence(shelf.condition(now), now):
        say(warning)


def _name(tables: Tables) -> str:
    generation = site().shelf.generation_of(tables)
    which = f"refreshed {generation}" if generation else "shipped with the program"
    return f"the tables of the {ordinal(tables.congress)} Congress as of {tables.as_of}, {which}"


def _members(tables: Tables, now: datetime) -> Iterator[str]:
    today, sitting = site().today(), congress_at(now)
    yield f"In force: {_name(tables)}."
    yield f"Age: {counted(max((today - tables.as_of).days, 0), 'day')}."
    yield f"ZIP codes in the districts of: the {ordinal(tables.map_congress)} Congress."
    if tables.congress < sitting:
        known = sum(member.until > begins(sitting).date() for member in tables.members)
        yield f"Members known to sit in the {ordinal(sitting)} Congress: {known}, by terms that go on."
        return
    yield f"Members: {len(tables.members)}; vacant: {', '.join(seat.seat for seat in tables.vacancies) or 'none'}."
    past = [f"{m.seat} {m.name} ({m.until})" for m in tables.members if m.until < today]
    yield f"Past the end of their term, and sitting until somebody follows: {', '.join(past) or 'nobody'}."


def _origins(tables: Tables) -> Iterator[str]:
    yield "Sources:"
    for name, record in tables.about["sources"].items():
        yield f"  {name.replace('_', ' ')}: as of {record['as_of'] or 'unknown'}, {', '.join(record['addresses'])}"
    for question in tables.about["open_questions"]:
        yield f"Open question: {question.removesuffix('.')}."
