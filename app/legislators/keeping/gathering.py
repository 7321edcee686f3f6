"""The files of a refresh: out of a folder, or from where they are published."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

from app.legislators.keeping.fetching import Fetched, Known, fetch
from app.legislators.keeping.renewal import Given
from app.legislators.making.origins import ORIGINS, SourceRecord
from app.legislators.making.sources import InputUnusable, Source, read_source, source_of

NAMES: Mapping[str, tuple[str, ...]] = {
    "members": ("legislators-current.json",),
    "offices": ("legislators-district-offices.json",),
    "contact_forms": ("contact-forms.json",),
    "corrections": ("corrections.json",),
    "crosswalk": ("tab20_cd*_zcta520_natl.txt", "zcta520-cd*.txt"),
    "zip_points": ("*_Gaz_zcta_national.txt", "zcta-points.csv"),
    "zip_places": ("zips.json", "zips.json.bz2", "zip-places.csv"),
}
"""By which names a file is known, of each source that can be refreshed."""

USUAL = ("members", "offices")
"""What is fetched when nothing else is said: the others change with a Congress, or come with the program."""

MOST_BYTES = 64_000_000


def from_folder(folder: Path, days: Mapping[str, date]) -> dict[str, Given]:
    """The files of a folder that have a known name. `days` says of a source of when it is. Raises InputUnusable."""
    try:
        names = sorted(path.name for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise InputUnusable(f"{folder} cannot be read: {error.strerror}.") from error
    found: dict[str, Given] = {}
    for name in names:
        source = source_named(name)
        if source is None:
            continue
        if source in found:
            raise InputUnusable(f"{folder} has two files for the {_words(source)}: {name} is one, take one away.")
        found[source] = _given(source, read_source(folder / name), days.get(source))
    if not found:
        raise InputUnusable(f"{folder} has no file with a known name: {_known_names()}.")
    return found


def from_web(urls: Sequence[str], records: Mapping[str, SourceRecord], now: datetime) -> dict[str, Given]:
    """What has changed of the usual files, of those at `urls`, or below those that end in `/`.

    `records` are those of the tables in force: a server need not send again what they know. Raises CannotFetch,
    InputUnusable.
    """
    found: dict[str, Given] = {}
    for source, url in _addresses(urls).items():
        answer = fetch(url, _known(records.get(source), url), MOST_BYTES)
        if isinstance(answer, Fetched):
            found[source] = _fetched(source, url, answer, now)
    return found


def source_named(name: str) -> str | None:
    """Which source a file of that name is, None for another."""
    matching = (source for source, patterns in NAMES.items() if any(fnmatch.fnmatchcase(name, p) for p in patterns))
    return next(matching, None)


def _addresses(urls: Sequence[str]) -> dict[str, str]:
    """Where to fetch which source. Raises InputUnusable."""
    if not urls:
        return {source: ORIGINS[source].addresses[0] for source in USUAL}
    found: dict[str, str] = {}
    for source, address in (pair for url in urls for pair in _files_at(url)):
        if source in found:
            raise InputUnusable(f"--source names the {_words(source)} twice, the second time as {address}.")
        found[source] = address
    return found


def _files_at(url: str) -> Iterator[tuple[str, str]]:
    """The usual files below an address that ends in `/`, else the one that it names."""
    if url.endswith("/"):
        yield from ((source, url + NAMES[source][0]) for source in USUAL)
        return
    source = source_named(_name_in(url))
    if source is None:
        raise InputUnusable(f"--source {url} names none of the known files: {_known_names()}.")
    yield source, url


def _name_in(url: str) -> str:
    """The last part of its path, empty when the address makes no sense."""
    try:
        return urlsplit(url).path.rpartition("/")[2]
    except ValueError:
        return ""


def _known(record: SourceRecord | None, url: str) -> Known | None:
    if record is None or record.retrieved is None or url not in record.addresses:
        return None
    modified = datetime.fromisoformat(record.last_modified) if record.last_modified else None
    return Known(record.etag or "", modified)


def _fetched(source: str, url: str, answer: Fetched, now: datetime) -> Given:
    """A file of which the server does not say when it was changed is as it is now; none is from the future."""
    text = source_of(Path(_name_in(url)), answer.content)
    day = min(answer.last_modified or now, now).astimezone(UTC).date()
    record = SourceRecord(
        addresses=(url,),
        as_of=day.isoformat(),
        licence=ORIGINS[source].licence,
        sha256=text.sha256,
        retrieved=now.astimezone(UTC).isoformat(),
        etag=answer.etag or None,
        last_modified=answer.last_modified.isoformat() if answer.last_modified else None,
    )
    return Given(text, record, day)


def _given(name: str, source: Source, day: date | None) -> Given:
    origin = ORIGINS[name]
    as_of = day.isoformat() if day else None
    return Given(source, SourceRecord(origin.addresses, as_of, origin.licence, source.sha256), day)


def _known_names() -> str:
    return ", ".join(pattern for patterns in NAMES.values() for pattern in patterns)


def _words(source: str) -> str:
    return source.replace("_", " ")
