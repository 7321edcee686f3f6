"""Builds the project's tables of members, offices and ZIP codes from published files.

Every guard here refuses a whole build; the message names the seat, the person or the ZIP areas, and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from app.legislators import Bioguide
from app.legislators.making.corrections import read_corrections
from app.legislators.making.member_sources import Person, read_contact_forms, read_members, read_offices
from app.legislators.making.origins import record_of_origin
from app.legislators.making.parts import Parts, files_of
from app.legislators.making.seating import congress_of, newest_start, seated
from app.legislators.making.sources import InputUnusable, read_content, read_source
from app.legislators.making.web_addresses import with_official_addresses
from app.legislators.making.zip_guards import check_map, check_points, check_shares, check_whole, districts_of
from app.legislators.making.zip_rows import areas_of, zip_rows
from app.legislators.making.zip_sources import read_crosswalk, read_zip_places, read_zip_points

if TYPE_CHECKING:
    from app.legislators.making.district_map import DistrictMap

_DAY = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files that are built from; the names of the fields are those of the sources in the manifest."""

    members: Path
    offices: Path
    contact_forms: Path
    corrections: Path
    crosswalk: Path
    map: Path
    zip_points: Path
    zip_places: Path


def build(inputs: Inputs, as_of: Mapping[str, str]) -> dict[str, bytes]:
    """The files of a folder of tables, by name.

    `as_of` says for a source, where it is known, of when its file is; corrections say it themselves. Raises
    InputUnusable.
    """
    return files_of(parts_from(inputs, as_of))


def parts_from(inputs: Inputs, as_of: Mapping[str, str]) -> Parts:
    """What the published files say, once every guard has passed. Raises InputUnusable."""
    days = {name: first_day(name, text) for name, text in as_of.items()}
    sources = {field.name: read_source(getattr(inputs, field.name)) for field in fields(Inputs) if field.name != "map"}
    corrections = read_corrections(sources["corrections"])
    crosswalk = read_crosswalk(sources["crosswalk"])
    districts = districts_of(crosswalk)
    members = _with_forms(read_members(sources["members"]), read_contact_forms(sources["contact_forms"]))
    seating = seated(members, days.get("members") or newest_start(members), corrections, districts)
    web = with_official_addresses(seating.persons)
    offices = read_offices(sources["offices"])
    points, places = read_zip_points(sources["zip_points"]), read_zip_places(sources["zip_places"])
    areas = areas_of(crosswalk, corrections.crosswalk)
    check_whole({zcta for zcta, _ in crosswalk.pairs}, points, places)
    check_shares(areas)
    district_map, map_sha256 = _read_map(inputs.map)
    check_map(district_map, districts)
    hashes = {name: source.sha256 for name, source in sources.items()} | {"map": map_sha256}
    told = {**as_of, "corrections": corrections.as_of.isoformat()}
    return Parts(
        congress=_congress(seating.persons, crosswalk.congress),
        map_congress=crosswalk.congress,
        as_of=seating.as_of,
        persons=web.persons,
        vacant=seating.vacant,
        web_addresses=web.fates,
        offices=offices,
        points_in_no_district=check_points(district_map, areas, points),
        zips=zip_rows(crosswalk, corrections.crosswalk, points, places, district_map),
        open_questions=seating.open_questions,
        crosswalk_corrections=corrections.crosswalk,
        sources={
            field.name: record_of_origin(field.name, hashes[field.name], told.get(field.name))
            for field in fields(Inputs)
        },
    )


def first_day(source: str, text: str) -> date:
    """The first day of a date, a month or a year. Raises InputUnusable."""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(f"{text}-01-01"[:10])
    except ValueError:
        pass
    raise InputUnusable(f"--as-of {source} {text}: write a date like 2026-06-15, 2026-06 or 2026.")


def _with_forms(members: Iterable[Person], forms: Mapping[Bioguide, str]) -> tuple[Person, ...]:
    """Members with the form that `forms` knows: the members' own file has hardly any of the House's."""
    return tuple(replace(person, contact_form=forms.get(person.bioguide) or person.contact_form) for person in members)


def _congress(persons: Iterable[Person], map_congress: int) -> int:
    """The members' Congress: that of the crosswalk, or the next, for which none is published yet."""
    congress = congress_of(persons)
    if congress - map_congress not in (0, 1):
        raise InputUnusable(
            f"The members are those of Congress {congress}, and the crosswalk is that of Congress {map_congress}: "
            "it must be of the same one, or the one before."
        )
    return congress


def _read_map(path: Path) -> tuple[DistrictMap, str]:
    try:
        from app.legislators.making.district_map import (  # a site that runs does without its packages
            MOST_BYTES,
            read_map,
        )
    except ImportError as error:
        raise InputUnusable(
            f"Building needs packages that a site does not ({error.name} is missing): "
            "install them with `.venv/bin/pip install --require-hashes -r requirements-build.txt`."
        ) from error
    content = read_content(path, MOST_BYTES)
    return read_map(content), content.sha256
