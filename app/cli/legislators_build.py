"""`flask legislators build`: the tables made anew from published files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from app.legislators import LegislatorsError
from app.legislators.making.origins import SOURCES

_Command = TypeVar("_Command", bound=Callable[..., None])


def _file(name: str, words: str, parameter: str | None = None) -> Callable[[_Command], _Command]:
    names = (name, parameter) if parameter else (name,)
    return click.option(*names, required=True, metavar="FILE", type=click.Path(path_type=Path), help=words)


@click.command("build")
@_file("--members", "legislators-current.json of unitedstates/congress-legislators.")
@_file("--offices", "legislators-district-offices.json of the same.")
@_file("--crosswalk", "The Census's ZIP areas by district, tab20_cd…_zcta520_natl.txt or its two GEOID columns.")
@_file("--map", "The Census's map of districts, cb_…_us_cd…_500k.zip or the same as GeoJSON.", "district_map")
@_file(
    "--zip-places", "ZIP codes in postal use: zips.json of the package zipcodes, or CSV zip,kind,state,city,lat,lon."
)
@_file("--zip-points", "A point inside each ZIP area: the Census's …_Gaz_zcta_national.txt, or CSV zcta,lat,lon.")
@_file("--contact-forms", "JSON object, bioguide id to the address of the member's web form.")
@_file("--corrections", "JSON object of what has changed since.")
@click.option(
    "--as-of",
    multiple=True,
    metavar="SOURCE DATE",
    type=(click.Choice([name.replace("_", "-") for name in SOURCES if name != "corrections"]), str),
    help="Of when a file is: --as-of members 2026-06-15. May be given for each.",
)
@click.option("--out", required=True, metavar="FOLDER", type=click.Path(path_type=Path), help="Replaced as a whole.")
def build_tables(
    members: Path,
    offices: Path,
    crosswalk: Path,
    district_map: Path,
    zip_places: Path,
    zip_points: Path,
    contact_forms: Path,
    corrections: Path,
    as_of: tuple[tuple[str, str], ...],
    out: Path,
) -> None:
    """Build the tables from published files. When something is wrong the old tables stay as they are."""
    from app.legislators.making.build import Inputs, build  # a site that runs has no use for the builder
    from app.legislators.making.writing import write

    inputs = Inputs(
        members=members,
        offices=offices,
        contact_forms=contact_forms,
        corrections=corrections,
        crosswalk=crosswalk,
        map=district_map,
        zip_points=zip_points,
        zip_places=zip_places,
    )
    try:
        files = build(inputs, {source.replace("-", "_"): day for source, day in as_of})
        write(files, out)
    except LegislatorsError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from error
    click.echo(f"Built {', '.join(sorted(files))} in {out}.", err=True)
