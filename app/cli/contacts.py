"""`flask contacts …`: the e-mail addresses of offices that the organisation collected."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import click
from flask.cli import AppGroup

from app.cli.plainly import plainly, problems_of, read_file, say, table
from app.cli.site import last_roll, site
from app.cli.words import counted
from app.db import writing
from app.delivery import dead
from app.extensions import db
from app.legislators import Legislator, NoDataForDay
from app.legislators import contacts as book
from app.legislators.contact_file import MOST_BYTES, ContactFileUnusable, read, write
from app.legislators.contacts import Changes, ContactRow, Entry, NoSuchEntry, Roll

_OLD = timedelta(days=365)
_MOST_PROBLEMS = 200

contacts = AppGroup("contacts", help="The e-mail addresses of offices that you collected.")


@contacts.command("import")
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Check the file and say what would change; store nothing.")
def import_(file: str, dry_run: bool) -> None:
    """Add and update the addresses in FILE (- for standard input), a CSV with office,role,email,source,as_of.

    Offices that are not in the file keep their address. When anything is wrong with the file nothing is stored.
    """
    with _plainly(file):
        sitting = last_roll()
        rows = read(read_file(file, MOST_BYTES), sitting)
        if dry_run:
            _say_what_would_change(book.compare(db.session(), rows, sitting))
            return
        with writing(db.session()):
            changes = book.keep(db.session(), rows, sitting)
            revived = dead.revive(db.session(), [row.email for row in rows], site().keys.address)
    say(_counted(changes))
    if revived:
        say(f"{revived} of them {'was' if revived == 1 else 'were'} dead; letters are e-mailed there again.")


@contacts.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_(as_json: bool) -> None:
    """List all addresses, whose they are, and which of them are used for nothing."""
    with _plainly():
        lines = _lines()
    if as_json:
        click.echo(json.dumps([line.as_json() for line in lines], ensure_ascii=False, indent=2))
    elif lines:
        table([_HEAD, *(line.cells() for line in lines)])
    else:
        say("There are no addresses. Import some: .venv/bin/flask contacts import FILE")


@contacts.command()
@click.argument("offices", nargs=-1, required=True, metavar="OFFICE…")
def remove(offices: tuple[str, ...]) -> None:
    """Remove the addresses of these offices, each named by the bioguide id or the seat that `list` shows."""
    with _plainly(), writing(db.session()):
        count = book.remove(db.session(), offices)
    say(f"{count} removed.")


@contacts.command()
def export() -> None:
    """Write the addresses to standard output, as a file that `import` takes."""
    with _plainly():
        rows, left_out = _for_export()
    click.echo(write(rows).encode(), nl=False)  # as bytes, or Windows would change the line ends
    for row in left_out:
        say(f"Left out, since it is used for nothing: {row.office}, {row.email}.")


_DEAD = "dead: letters came back, none is e-mailed there until you import it again"
_HEAD = ("OFFICE", "WHO", "ROLE", "EMAIL", "SOURCE", "AS_OF", "NOTE")


@dataclass(frozen=True, slots=True)
class _Line:
    """An entry as `list` shows it. `who`, `seat` and `used` are None when no tables tell who sits today.

    Mail to a dead address came back, so that none is sent there.
    """

    row: ContactRow
    who: str | None
    seat: str | None
    used: bool | None
    note: str
    is_dead: bool

    def cells(self) -> tuple[str, ...]:
        row = self.row
        who = ", ".join(word for word in (self.who, self.seat) if word and word != row.office)
        return (row.office, who or "-", row.role, row.email, row.source, row.as_of.isoformat(), self.note)

    def as_json(self) -> dict[str, object]:
        row = self.row
        return {
            "office": row.office,
            "seat": self.seat,
            "who": self.who,
            "role": row.role,
            "email": row.email,
            "source": row.source,
            "as_of": row.as_of.isoformat(),
            "used": self.used,
            "note": self.note,
            "dead": self.is_dead,
        }


def _lines() -> list[_Line]:
    rows = book.stored(db.session())
    gone = dead.among(db.session(), [row.email for row in rows], site().keys.address)
    try:
        sitting = last_roll()
    except NoDataForDay as error:
        say(str(error))
        return [_Line(row, None, None, None, _DEAD if row.email in gone else "", row.email in gone) for row in rows]
    return [_line(entry, sitting, is_dead=entry.row.email in gone) for entry in book.entries(db.session(), sitting)]


def _line(entry: Entry, sitting: Roll, *, is_dead: bool) -> _Line:
    holder = entry.holder
    name = holder.name if isinstance(holder, Legislator) else "vacant" if holder and holder.known else "not known"
    notes = [_DEAD] if is_dead else []
    return _Line(
        row=entry.row,
        who=name if holder else None,
        seat=holder.seat if holder else None,
        used=entry.used and not is_dead,
        note="; ".join([*notes, *_notes(entry, sitting)]),
        is_dead=is_dead,
    )


def _notes(entry: Entry, sitting: Roll) -> Iterator[str]:
    if entry.holder is None:
        yield "sits no longer: used for nothing"
    elif entry.covered and isinstance(entry.holder, Legislator):
        yield f"not used: {entry.holder.bioguide} has an entry of their own"
    if entry.used and sitting.today - entry.row.as_of > _OLD:
        yield "older than a year"


def _for_export() -> tuple[Sequence[ContactRow], Sequence[ContactRow]]:
    """The rows that `import` takes, and the others; all of them when no tables tell who sits today."""
    try:
        entries = book.entries(db.session(), last_roll())
    except NoDataForDay:
        return book.stored(db.session()), ()
    return [entry.row for entry in entries if entry.used], [entry.row for entry in entries if not entry.used]


def _say_what_would_change(changes: Changes) -> None:
    for kind, rows in (("added", changes.added), ("changed", changes.changed)):
        for row in rows:
            say(f"To be {kind}: {row.office}, {row.email}.")
    say(f"{_counted(changes)} Nothing was stored: this was a dry run.")


def _counted(changes: Changes) -> str:
    added, changed, unchanged = (len(rows) for rows in (changes.added, changes.changed, changes.unchanged))
    return f"{added} added, {changed} changed, {unchanged} unchanged."


@contextmanager
def _plainly(file: str = "") -> Iterator[None]:
    """Errors as sentences on standard error, and exit code 1."""
    with plainly(NoDataForDay, NoSuchEntry):
        try:
            yield
        except ContactFileUnusable as error:
            shown = [*error.problems[:_MOST_PROBLEMS]]
            more = len(error.problems) - len(shown)
            last = [f"and {counted(more, 'more problem')}: mend these first."] if more else []
            raise problems_of(file, [*shown, *last]) from None
