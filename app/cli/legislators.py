"""`flask legislators`: the tables of members, offices and ZIP codes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from app.legislators import LegislatorsError
from app.legislators.build import SOURCES, Inputs, build, write

_Command = TypeVar("_Command", bound=Callable[..., None])
_DAY = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")


def _file(name: str, words: str) -> Callable[[_Command], _Command]:
    return click.option(name, required=True, metavar="FILE", type=click.Path(path_type=Path), help=words)


@click.group("legislators")
def legislators() -> None:
    """Who represents an address: the tables behind it."""


@legislators.command("build")
@_file("--members", "legislators-current.json of unitedstates/congress-legislators.")
@_file("--offices", "legislators-district-offices.json of the same.")
@_file("--crosswalk", "The Census's ZIP areas by district, tab20_cd…_zcta520_natl.txt or its two GEOID columns.")
@_file("--zip-places", "CSV zip,kind,state,city,lat,lon of the ZIP codes in postal use.")
@_file("--zip-points", "CSV zcta,lat,lon of a point inside each ZIP area.")
@_file("--contact-forms", "JSON object, bioguide id to the address of the member's web form.")
@_file("--corrections", "JSON object of what has changed since.")
@click.option(
    "--as-of",
    multiple=True,
    metavar="SOURCE DATE",
    type=(click.Choice([name.replace("_", "-") for name in SOURCES if name != "corrections"]), str),
    help="Of when a file is, for the manifest: --as-of members 2026-06-15. May be given for each.",
)
@click.option("--out", required=True, metavar="FOLDER", type=click.Path(path_type=Path), help="Replaced as a whole.")
def build_tables(
    members: Path,
    offices: Path,
    crosswalk: Path,
    zip_places: Path,
    zip_points: Path,
    contact_forms: Path,
    corrections: Path,
    as_of: tuple[tuple[str, str], ...],
    out: Path,
) -> None:
    """Build the tables from published files. When something is wrong the old tables stay as they are."""
    for source, day in as_of:
        if not _DAY.fullmatch(day):
            raise click.ClickException(f"--as-of {source} {day}: write a date like 2026-06-15, 2026-06 or 2026.")
    inputs = Inputs(members, offices, contact_forms, corrections, crosswalk, zip_points, zip_places)
    try:
        files = build(inputs, {source.replace("-", "_"): day for source, day in as_of})
        write(files, out)
    except LegislatorsError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from error
    click.echo(f"Built {', '.join(sorted(files))} in {out}.", err=True)
