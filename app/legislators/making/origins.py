"""Where each source of the tables is published and under what terms, and what a manifest records of one."""

from __future__ import annotations

from dataclasses import dataclass

_CENSUS = "US Government work"
_PEOPLE = "https://unitedstates.github.io/congress-legislators"


@dataclass(frozen=True, slots=True)
class Origin:
    """Under what terms a source is published, and where."""

    licence: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """What a manifest says of a source."""

    addresses: tuple[str, ...]
    as_of: str | None
    """Of when it is: a date, a month or a year; None when nobody said."""
    licence: str
    sha256: str
    retrieved: str | None = None
    """When it was fetched, if the program fetched it: ISO 8601."""
    etag: str | None = None
    last_modified: str | None = None
    """`etag` and `last_modified` as the server sent them."""


ORIGINS: dict[str, Origin] = {
    "members": Origin("CC0-1.0", (f"{_PEOPLE}/legislators-current.json",)),
    "offices": Origin("CC0-1.0", (f"{_PEOPLE}/legislators-district-offices.json",)),
    "contact_forms": Origin("CC0-1.0", ("https://github.com/openstates/people",)),
    "corrections": Origin(
        "public record, compiled by this project",
        ("https://clerk.house.gov/xml/lists/MemberData.xml", "https://github.com/unitedstates/congress-legislators"),
    ),
    "crosswalk": Origin(
        _CENSUS, ("https://www2.census.gov/geo/docs/maps-data/data/rel2020/cd-sld/tab20_cd11920_zcta520_natl.txt",)
    ),
    "map": Origin(_CENSUS, ("https://www2.census.gov/geo/tiger/GENZ2024/shp/cb_2024_us_cd119_500k.zip",)),
    "zip_points": Origin(
        _CENSUS, ("https://www.census.gov/geographies/reference-files/time-series/geo/gazetteer-files.html",)
    ),
    "zip_places": Origin("MIT (facts only)", ("https://github.com/seanpianka/Zipcodes",)),
}

SOURCES: tuple[str, ...] = tuple(ORIGINS)
"""The names of the sources, as `build` and the manifest use them."""

SOURCES_OF: dict[str, tuple[str, ...]] = {
    "members.csv": ("members", "contact_forms", "corrections", "crosswalk"),
    "offices.csv": ("offices", "corrections"),
    "zips.csv": ("crosswalk", "corrections", "map", "zip_points", "zip_places"),
}
"""From what each table is made."""


def record_of_origin(name: str, sha256: str, as_of: str | None) -> SourceRecord:
    """The record of a source that was read from its usual place."""
    origin = ORIGINS[name]
    return SourceRecord(origin.addresses, as_of, origin.licence, sha256)
