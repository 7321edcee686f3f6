"""Which files a refresh takes: those of a folder with a known name, or what has changed where they are published."""

from __future__ import annotations

import bz2
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from app.legislators.keeping.fetching import CannotFetch
from app.legislators.keeping.gathering import from_folder, from_web, source_named
from app.legislators.making.member_sources import read_members
from app.legislators.making.sources import InputUnusable
from app.legislators.making.zip_sources import read_crosswalk
from tests.legislators.keeping.country import NAMES, Host, country, hosting, publish

NOW = datetime(2026, 11, 24, 17, tzinfo=UTC)
CHANGED = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as host:
        yield host


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("legislators-current.json", "members"),
        ("legislators-district-offices.json", "offices"),
        ("contact-forms.json", "contact_forms"),
        ("corrections.json", "corrections"),
        ("tab20_cd12020_zcta520_natl.txt", "crosswalk"),
        ("zcta520-cd119.txt", "crosswalk"),
        ("2020_Gaz_zcta_national.txt", "zip_points"),
        ("zcta-points.csv", "zip_points"),
        ("zips.json.bz2", "zip_places"),
        ("zip-places.csv", "zip_places"),
        ("legislators-current.yaml", None),
        ("Legislators-Current.json", None),
        ("cb_2024_us_cd119_500k.zip", None),
        ("", None),
    ],
)
def test_files_are_known_by_their_names(name: str, source: str | None) -> None:
    assert source_named(name) == source


# A folder


def test_a_folder_gives_its_known_files_and_nothing_else(tmp_path: Path) -> None:
    publish(tmp_path, country(), *NAMES)
    (tmp_path / "README.md").write_text("words")
    (tmp_path / "zips.json").mkdir()

    found = from_folder(tmp_path, {"members": date(2026, 11, 20)})

    assert found.keys() == NAMES.keys()
    assert (found["members"].day, found["members"].record.as_of) == (date(2026, 11, 20), "2026-11-20")
    assert (found["offices"].day, found["offices"].record.as_of) == (None, None)
    assert {given.record.retrieved for given in found.values()} == {None}
    assert len(read_members(found["members"].source)) == 541


def test_a_byte_order_mark_crlf_and_bzip2_are_simply_read(tmp_path: Path) -> None:
    texts = country().texts()
    (tmp_path / "legislators-current.json").write_bytes(b"\xef\xbb\xbf" + texts["members"].encode())
    (tmp_path / "zcta520-cd119.txt").write_bytes(bz2.compress(texts["crosswalk"].replace("\n", "\r\n").encode()))

    found = from_folder(tmp_path, {})

    assert len(read_members(found["members"].source)) == 541
    assert len({seat for _, seat in read_crosswalk(found["crosswalk"].source).pairs}) == 441


def test_two_files_for_one_source_are_refused(tmp_path: Path) -> None:
    publish(tmp_path, country(), "zip_points")
    (tmp_path / "2020_Gaz_zcta_national.txt").touch()

    with pytest.raises(InputUnusable, match=r"has two files for the zip points: zcta-points\.csv is one"):
        from_folder(tmp_path, {})


def test_a_folder_without_a_known_file_is_refused_with_the_known_names(tmp_path: Path) -> None:
    (tmp_path / "members.json").write_text("[]")

    with pytest.raises(InputUnusable, match=r"no file with a known name: legislators-current\.json, "):
        from_folder(tmp_path, {})


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(InputUnusable, match=r"nowhere cannot be read: No such file or directory\."):
        from_folder(tmp_path / "nowhere", {})
    with pytest.raises(InputUnusable, match=r"file cannot be read: Not a directory\."):
        from_folder(tmp_path / "file", {})


# Where they are published


def test_an_address_that_ends_in_a_slash_has_the_usual_files_below_it(host: Host) -> None:
    host.publish(country(), *NAMES, etag='"a"', modified=CHANGED)

    found = from_web([host.url()], {}, NOW)

    assert host.paths == ["legislators-current.json", "legislators-district-offices.json"]
    assert found.keys() == {"members", "offices"}
    record = found["members"].record
    assert record.addresses == (host.url("legislators-current.json"),)
    assert (record.as_of, record.etag, record.licence) == ("2026-11-20", '"a"', "CC0-1.0")
    assert (record.retrieved, record.last_modified) == (NOW.isoformat(), CHANGED.isoformat())
    assert found["members"].day == date(2026, 11, 20)


def test_each_address_may_name_a_file_of_its_own(host: Host) -> None:
    host.publish(country(), *NAMES)

    found = from_web([host.url("corrections.json") + "?v=2", host.url("zcta520-cd119.txt")], {}, NOW)

    assert found.keys() == {"corrections", "crosswalk"}
    assert str(found["corrections"].source.path) == "corrections.json"


def test_without_an_address_the_published_ones_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")  # nobody: the sentence tells where it would have led

    with pytest.raises(CannotFetch, match=r"^unitedstates\.github\.io/congress-legislators/legislators-current\.json "):
        from_web([], {}, NOW)


@pytest.mark.parametrize(
    ("urls", "words"),
    [
        (["https://example.org/members.json"], "names none of the known files"),
        (["https://example.org"], "names none of the known files"),
        (["https://[::1/legislators-current.json"], "names none of the known files"),
        (["https://a.test/corrections.json", "https://b.test/corrections.json"], "names the corrections twice"),
        (["https://a.test/", "https://b.test/legislators-current.json"], "names the members twice"),
    ],
)
def test_addresses_that_cannot_be_meant_are_refused_before_anybody_is_asked(urls: list[str], words: str) -> None:
    with pytest.raises(InputUnusable, match=words):
        from_web(urls, {}, NOW)


def test_what_the_server_said_the_last_time_is_said_to_it_and_what_is_unchanged_does_not_come(host: Host) -> None:
    host.publish(country(), "members", etag='"a"', modified=CHANGED)
    host.publish(country(), "offices", modified=CHANGED)
    records = {name: given.record for name, given in from_web([host.url()], {}, NOW).items()}
    host.asked.clear()

    found = from_web([host.url()], records, NOW + timedelta(days=7))

    assert found == {}
    (_, members), (_, offices) = host.asked
    assert members["If-None-Match"] == '"a"'
    assert offices["If-Modified-Since"] == "Fri, 20 Nov 2026 23:30:00 GMT"
    assert "If-None-Match" not in offices


def test_what_is_known_of_another_address_or_of_a_file_from_a_folder_is_not_said(host: Host) -> None:
    host.publish(country(), "members", "offices", etag='"a"', modified=CHANGED)
    records = {name: given.record for name, given in from_web([host.url()], {}, NOW).items()}
    records = {
        "members": replace(records["members"], addresses=("https://elsewhere.test/legislators-current.json",)),
        "offices": replace(records["offices"], retrieved=None),
    }
    host.asked.clear()

    assert from_web([host.url()], records, NOW).keys() == {"members", "offices"}
    assert not [name for _, headers in host.asked for name in headers if name.startswith("If-")]


def test_a_server_that_does_not_say_when_a_file_changed_has_it_as_it_is_now(host: Host) -> None:
    host.publish(country(), "members")

    given = from_web([host.url("legislators-current.json")], {}, NOW)["members"]

    assert (given.day, given.record.as_of, given.record.last_modified) == (NOW.date(), "2026-11-24", None)


def test_no_file_is_of_the_future(host: Host) -> None:
    host.publish(country(), "members", modified=NOW + timedelta(days=400))

    assert from_web([host.url("legislators-current.json")], {}, NOW)["members"].day == NOW.date()
