"""`flask legislators refresh` and `rollback`: real commands, a real server, and a site that goes on meanwhile."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from click.testing import Result

import app
from app import create_app
from app.legislators import LegislatorsError, tables
from app.legislators.keeping.generations import alone, read_pointer, read_report
from app.legislators.keeping.refresh import refresh
from app.legislators.keeping.refresh_state import read_state
from app.legislators.keeping.shelf import Shelf
from app.legislators.making.build import build
from app.legislators.making.parts import files_of, parts_of
from config import ROOT
from tests import factories
from tests.factories import Clock
from tests.legislators.keeping.country import (
    NAMES,
    TX_1,
    WY,
    Host,
    Published,
    corrected,
    country,
    crosswalk_of,
    hosting,
    member,
    members_of,
    of_next_congress,
    publish,
    shipped,
    stored,
    without,
)
from tests.legislators.making.factories import Files, JsonObject

EASTERN = timezone(timedelta(hours=-5))
TURN = datetime(2027, 1, 3, 12, tzinfo=EASTERN)
CHANGED = datetime(2026, 11, 20, 12, tzinfo=UTC)  # after the corrections in force
BEFORE = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as host:
        yield host


class Place:
    """A site of the made-up country: its data folder, its clock, its commands, and a server that runs meanwhile."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.clock = clock
        self.shipped = folder / "shipped"
        self.data = folder / "data"
        self.folder = self.data / "legislators"
        self.given = folder / "given"
        self.data.mkdir()
        self.start()

    def start(self) -> None:
        """A server, and commands; again after an upgrade."""
        app._read_once.cache_clear()  # another process, after an upgrade
        self.app = create_app(factories.config(self.data), clock=self.clock)
        self.running = Shelf(self.shipped, self.folder)

    def run(self, *arguments: str, code: int = 0) -> Result:
        with self.app.app_context():
            result = self.app.test_cli_runner().invoke(args=["legislators", *arguments])
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def refresh(self, *arguments: str) -> list[str]:
        """What is said on standard output."""
        return self.run("refresh", *arguments).stdout.splitlines()

    def refusal(self, *arguments: str) -> str:
        """The one sentence, when everything is as it was."""
        before, held = self.bytes(), self.running.tables(self.clock())
        result = self.run("refresh", *arguments, code=1)
        assert result.stdout == ""
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1
        assert self.bytes() == before
        assert self.running.tables(self.clock()) is held
        return result.stderr.removeprefix("Error: ").strip()

    def bytes(self) -> dict[str, bytes]:
        """Everything in the data folder but what is written about attempts."""
        return {
            str(path.relative_to(self.data)): path.read_bytes()
            for path in self.data.rglob("*")
            if path.is_file() and path.name not in ("refresh.lock", "refresh.json", "secret-key")
        }

    def holder(self, seat: str) -> str:
        """Who holds a seat for the server that runs; empty for nobody."""
        members = self.running.tables(self.clock()).members
        return next((member.bioguide for member in members if member.seat == seat), "")


@pytest.fixture
def place(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(tables, "SHIPPED", shipped(tmp_path / "shipped"))
    return Place(tmp_path, clock)


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A site on which nothing is ever changed: every refresh is refused."""
    folder = tmp_path_factory.mktemp("steady")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "SHIPPED", shipped(folder / "shipped"))
        place = Place(folder, Clock())
        publish(place.given, lost(TX_1), "members")
        place.refresh("--from", str(place.given), "--as-of", "members", "2026-10-04")
        yield place


def lost(*gone: str) -> Files:
    """Published files in which these people are missing."""
    newer = country()
    without(newer, *gone)
    return newer


# What comes of it


def test_a_senator_who_has_left_and_one_who_has_come_are_told_in_words(place: Place) -> None:
    known = country()
    old = next(one for one in members_of(known, "sen") if (one.term["state"], one.term["class"]) == ("SC", 2))
    old.name.update(first="Lindsey", last="Graham", official_full="Lindsey Graham")
    publish(place.given, known, "members")
    place.refresh("--from", str(place.given), "--as-of", "members", "2026-10-03")
    corrections: JsonObject = {
        "as_of": "2026-10-04",
        "remove": [{"bioguide": old.bioguide, "end": "2026-07-11"}],
        "add": [
            {
                "bioguide": "G000608",
                "name": "Darline Graham",
                "chamber": "sen",
                "state": "SC",
                "class": 2,
                "party": "Republican",
                "start": "2026-07-14",
                "end_expected": "2027-01-03",
                "how": "appointment",
            }
        ],
    }
    (place.given / NAMES["members"]).unlink()
    corrected(place.given, corrections)

    result = place.run("refresh", "--from", str(place.given))

    assert result.stdout == "SC senator: Lindsey Graham left 2026-07-11; Darline Graham since 2026-07-14.\n"
    (name,) = read_pointer(place.folder).current.values()
    assert result.stderr == (
        f"In force: the tables of the 119th Congress as of 2026-10-04, refreshed {name}. "
        "To go back: flask legislators rollback.\n"
    )
    assert [change.sentence for change in read_report(place.folder, name)] == result.stdout.splitlines()


def test_what_is_fetched_is_in_force_at_once_for_a_server_that_runs(place: Place, host: Host) -> None:
    host.publish(lost(TX_1), "members", "offices", etag='"a"', modified=CHANGED)
    assert place.holder("TX-1") == TX_1

    report = place.refresh("--source", host.url())

    assert report == ["TX-1: Robin MemberH480001 Jr. has left; the seat is vacant."]
    assert place.holder("TX-1") == ""
    assert place.running.tables(place.clock()).as_of.isoformat() == "2026-11-20"
    assert "In force: the tables of the 119th Congress as of 2026-11-20, refreshed" in place.run("info").stdout


def test_nobody_who_asks_meanwhile_sees_half_of_it(place: Place) -> None:
    publish(place.given, lost(TX_1), "members")
    over, seen = threading.Event(), set()

    def ask() -> None:
        last = False
        while not last:
            last = over.is_set()
            found = place.running.tables(place.clock())
            seen.add((str(found.as_of), len(found.members)))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        place.refresh("--from", str(place.given), "--as-of", "members", "2026-11-20")
    finally:
        over.set()
        asking.join()

    assert seen == {("2026-10-03", 541), ("2026-11-20", 540)}


def test_the_second_time_the_server_is_told_what_is_known_and_that_nothing_changed_is_a_success(
    place: Place, host: Host
) -> None:
    host.publish(country(), "members", "offices", etag='"a"', modified=CHANGED)
    place.refresh("--source", host.url())
    before = place.bytes()
    host.asked.clear()
    place.clock.forward(days=7)

    result = place.run("refresh", "--source", host.url())

    assert (result.stdout, result.stderr) == ("", "Nothing has changed.\n")
    assert [headers["If-None-Match"] for _, headers in host.asked] == ['"a"', '"a"']
    assert place.bytes() == before
    assert read_state(place.folder).checked_at == place.clock()


def test_an_older_roster_is_not_taken_and_says_so(place: Place, host: Host) -> None:
    host.publish(lost(TX_1), "members", "offices", modified=BEFORE)

    result = place.run("refresh", "--source", host.url())

    assert result.stdout.startswith("The members at the source are those of 2026-06-15 (119th Congress), and older")
    assert result.stderr == "Nothing has changed.\n"
    assert place.holder("TX-1") == TX_1


def test_a_fresh_roster_that_the_corrections_contradict_stays_as_it_is(place: Place, host: Host) -> None:
    host.publish(country(), "members", modified=CHANGED)
    corrections = {"as_of": "2026-11-10", "remove": [{"bioguide": TX_1}], "vacant": [{"state": "TX", "district": 1}]}
    host.files["corrections.json"] = Published(json.dumps(corrections).encode())

    said = place.refresh("--source", host.url(NAMES["members"]), "--source", host.url("corrections.json"))

    assert len(said) == 1
    assert said[0].startswith("The corrections are of 2026-11-10, and no newer than the members (2026-11-20)")
    assert place.holder("TX-1") == TX_1


def test_an_older_roster_is_corrected(place: Place, host: Host) -> None:
    host.publish(country(), "members", modified=BEFORE)
    corrections = {"as_of": "2026-11-10", "remove": [{"bioguide": TX_1}], "vacant": [{"state": "TX", "district": 1}]}
    host.files["corrections.json"] = Published(json.dumps(corrections).encode())

    place.refresh("--source", host.url(NAMES["members"]), "--source", host.url("corrections.json"))

    assert place.holder("TX-1") == ""


def test_a_server_that_does_not_say_when_the_file_changed_has_it_of_today(place: Place, host: Host) -> None:
    host.publish(lost(TX_1), "members", "offices")

    place.refresh("--source", host.url())

    assert place.running.tables(place.clock()).as_of.isoformat() == "2026-11-24"


def test_a_trial_changes_nothing_and_counts_as_no_attempt(place: Place) -> None:
    publish(place.given, lost(TX_1), "members")
    options = ("refresh", "--from", str(place.given), "--as-of", "members", "2026-11-20", "--dry-run")

    result = place.run(*options)

    assert result.stdout == "TX-1: Robin MemberH480001 Jr. has left; the seat is vacant.\n"
    assert result.stderr == "This was a trial: the tables are as they were.\n"
    assert place.bytes() == {}
    assert read_state(place.folder).tried_at is None
    assert place.holder("TX-1") == TX_1


def test_six_seats_lost_are_refused_unless_they_are_forced_and_five_are_taken(place: Place) -> None:
    gone = [f"H48{number:04}" for number in range(1, 7)]
    options = ("--from", str(place.given), "--as-of", "members", "2026-11-20")
    publish(place.given, lost(*gone), "members")

    assert place.refusal(*options).startswith("6 seats would become vacant at once (TX-1, TX-2, ")
    assert len(place.refresh(*options, "--force")) == 6
    place.run("rollback")
    publish(place.given, lost(*gone[:5]), "members")
    assert len(place.refresh(*options)) == 5


def test_corrections_may_be_the_only_file(place: Place) -> None:
    corrected(
        place.given,
        {"as_of": "2026-11-10", "patch": [{"bioguide": WY, "state": "WY", "district": 0, "phone": "202-555-0100"}]},
    )

    assert place.refresh("--from", str(place.given)) == ["WY at large: Robin MemberH560000 Jr.: phone changed."]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--from", "x", "--source", "https://a.test/"), "Give --from or --source, not both."),
        (("--as-of", "members", "2026-11-01"), "--as-of goes with --from"),
        (("--from", "x", "--as-of", "members", "2026-11-25"), "--as-of members 2026-11-25: that day has not come yet."),
        (("--from", "x", "--as-of", "members", "today"), "--as-of members today: write a date like 2026-06-15"),
        (("--from", "x"), "x cannot be read: No such file or directory."),
    ],
)
def test_options_that_cannot_be_meant_are_refused(place: Place, options: tuple[str, ...], words: str) -> None:
    assert place.refusal(*options).startswith(words)


# Which are in force


def upgraded(place: Place, as_of: str) -> None:
    """Another version of the program, whose tables say that Wyoming's seat is vacant."""
    parts = parts_of(place.shipped)
    newer = lost(WY)
    newer.corrections = {"as_of": as_of, "vacant": [{"state": "WY", "district": 0}]}
    folder = place.data.parent / f"shipped {as_of}"
    folder.mkdir()
    place.shipped = stored(folder / "tables", build(newer.write(folder), {}))
    assert parts_of(place.shipped).as_of != parts.as_of
    tables.SHIPPED = place.shipped
    place.start()


@pytest.mark.parametrize(("as_of", "wyoming"), [("2026-11-19", WY), ("2026-11-21", "")])
def test_of_an_upgrade_and_what_was_refreshed_the_newer_is_in_force(place: Place, as_of: str, wyoming: str) -> None:
    publish(place.given, lost(TX_1), "members")
    place.refresh("--from", str(place.given), "--as-of", "members", "2026-11-20")

    upgraded(place, as_of)

    assert place.holder("WY-AL") == wyoming
    assert (place.holder("TX-1") == TX_1) is not bool(wyoming)


def test_a_refresh_after_an_upgrade_stands_on_the_ground_of_the_newer(place: Place) -> None:
    publish(place.given, lost(TX_1), "members")
    place.refresh("--from", str(place.given), "--as-of", "members", "2026-11-20")
    upgraded(place, "2026-11-21")

    publish(place.given, lost(), "members")
    report = place.refresh("--from", str(place.given), "--as-of", "members", "2026-11-22")

    assert report == ["WY at large: Robin MemberH560000 Jr. since 2025-01-03; the seat was vacant."]


def test_a_refresh_takes_over_the_zip_codes_of_an_upgrade_once_and_tells_nothing_of_them(place: Place) -> None:
    place.clock.now = TURN + 3 * DAY
    options = ("--from", str(place.given), "--as-of", "members", "2027-01-05")
    publish(place.given, of_next_congress(country()), "members")
    place.refresh(*options)
    manifest = json.loads((place.shipped / "manifest.json").read_bytes())
    zips = (place.shipped / "zips.csv").read_text().replace("TX-1 TX-2", "TX-2 TX-1")
    manifest["tables"]["zips.csv"]["sha256"] = hashlib.sha256(zips.encode()).hexdigest()
    (place.shipped / "manifest.json").write_text(json.dumps({**manifest, "map_congress": 120}))
    (place.shipped / "zips.csv").write_text(zips)
    place.start()
    publish(place.given, of_next_congress(lost(TX_1)), "members")

    assert place.refresh(*options) == ["TX-1: Robin MemberH480001 Jr. has left; the seat is vacant."]
    (name,) = read_pointer(place.folder).current.values()
    assert (place.folder / name / "zips.csv").read_text() == zips
    assert json.loads((place.folder / name / "manifest.json").read_bytes())["map_congress"] == 120
    assert place.run("refresh", *options).stderr == "Nothing has changed.\n"


def test_rolling_back_puts_the_tables_of_before_in_force_and_the_second_time_the_newer_again(place: Place) -> None:
    publish(place.given, lost(TX_1), "members")
    place.refresh("--from", str(place.given), "--as-of", "members", "2026-11-20")

    said = place.run("rollback").stderr

    assert said == "In force: the tables of the 119th Congress as of 2026-10-03, shipped with the program.\n"
    assert place.holder("TX-1") == TX_1
    assert "as of 2026-11-20, refreshed" in place.run("rollback").stderr
    assert place.holder("TX-1") == ""


def test_without_a_refresh_there_is_nothing_to_roll_back(place: Place) -> None:
    assert place.run("rollback", code=1).stderr == (
        "Error: The tables of this site were never refreshed: there is nothing to roll back.\n"
    )


# The turn of the Congress


def test_members_of_the_next_congress_lie_ready_until_its_noon(place: Place) -> None:
    place.clock.now = TURN - DAY
    publish(place.given, of_next_congress(lost(TX_1)), "members", "crosswalk")

    result = place.run("refresh", "--from", str(place.given), "--as-of", "members", "2027-01-02")

    assert result.stdout.splitlines() == [
        "These are the members of the 120th Congress; so far the tables were those of the 119th.",
        "TX-1: Robin MemberH480001 Jr. has left; the seat is vacant.",
    ]
    (name,) = read_pointer(place.folder).current.values()
    assert result.stderr == (
        "Ready for 2027-01-03, noon in Washington: the tables of the 120th Congress as of 2027-01-02, refreshed "
        f"{name}. In force: the tables of the 119th Congress as of 2026-10-03, shipped with the program. "
        "To go back: flask legislators rollback.\n"
    )
    assert place.holder("TX-1") == TX_1
    place.clock.now = TURN
    assert place.holder("TX-1") == ""
    assert place.running.tables(TURN).map_congress == 119


def test_while_they_lie_ready_both_congresses_can_be_refreshed(place: Place) -> None:
    place.clock.now = TURN - 5 * DAY
    publish(place.given, of_next_congress(country()), "members")
    place.refresh("--from", str(place.given), "--as-of", "members", "2026-12-29")

    publish(place.given, lost(TX_1), "members")
    assert place.refresh("--from", str(place.given), "--as-of", "members", "2026-12-28") == [
        "TX-1: Robin MemberH480001 Jr. has left; the seat is vacant."
    ]
    publish(place.given, of_next_congress(lost(WY)), "members")
    place.clock.forward(days=1)
    assert place.refresh("--from", str(place.given), "--as-of", "members", "2026-12-30") == [
        "WY at large: Robin MemberH560000 Jr. has left; the seat is vacant."
    ]

    assert (place.holder("TX-1"), place.holder("WY-AL")) == ("", WY)
    place.clock.now = TURN
    assert (place.holder("TX-1"), place.holder("WY-AL")) == (TX_1, "")
    assert sorted(read_pointer(place.folder).current) == [119, 120]


def test_after_the_noon_new_members_are_in_force_at_once(place: Place) -> None:
    place.clock.now = TURN + 3 * DAY
    publish(place.given, of_next_congress(country()), "members")

    said = place.run("refresh", "--from", str(place.given), "--as-of", "members", "2027-01-05").stderr

    assert said.startswith("In force: the tables of the 120th Congress as of 2027-01-05, refreshed ")


def test_the_next_crosswalk_comes_with_its_members_or_after_them(place: Place) -> None:
    place.clock.now = TURN + 3 * DAY
    place.given.mkdir()
    (place.given / "tab20_cd12020_zcta520_natl.txt").write_text(crosswalk_of(country(), 120))
    assert place.refusal("--from", str(place.given)) == (
        "The crosswalk is of the 120th Congress, and the members are of the 119th: give both of the same one."
    )

    publish(place.given, of_next_congress(country()), "members")
    place.refresh("--from", str(place.given), "--as-of", "members", "2027-01-05")

    assert place.running.tables(place.clock()).map_congress == 120


def test_after_the_noon_the_next_crosswalk_may_be_fetched_alone(place: Place, host: Host) -> None:
    place.clock.now = TURN + 3 * DAY
    publish(place.given, of_next_congress(country()), "members")
    place.refresh("--from", str(place.given), "--as-of", "members", "2027-01-05")
    host.files["tab20_cd12020_zcta520_natl.txt"] = Published(crosswalk_of(country(), 120).encode())

    place.refresh("--source", host.url("tab20_cd12020_zcta520_natl.txt"))

    found = place.running.tables(place.clock())
    assert (found.congress, found.map_congress) == (120, 120)


def test_a_roster_in_the_middle_of_the_turn_is_refused(place: Place) -> None:
    place.clock.now = TURN + DAY
    newer = country()
    for one in members_of(newer, "rep")[:300]:
        one.term.update(start="2027-01-03", end="2029-01-03")
    publish(place.given, newer, "members")

    assert place.refusal("--from", str(place.given)).endswith(
        "The published members are still being changed: try again in a few days."
    )


def test_members_of_a_congress_that_is_far_away_are_refused(place: Place) -> None:
    newer = country()
    for one in members_of(newer, "rep"):
        one.term.update(start="9999-01-03", end="9999-12-31")
    publish(place.given, newer, "members")

    assert place.refusal("--from", str(place.given)) == "These are members of the 4106th Congress, which is far away."


# Bad files


def spoilt_members(spoil: Callable[[Files], None]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        newer = country()
        spoil(newer)
        publish(folder, newer, "members")

    return write


def text(source: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        publish(folder, country(), source)
        path = folder / NAMES[source]
        path.write_text(change(path.read_text()))

    return write


def term(bioguide: str, **values: object) -> Callable[[Path], None]:
    return spoilt_members(lambda newer: member(newer, bioguide).term.update(values))


def all_but(count: int, chamber: str) -> Callable[[Path], None]:
    """So many of the chamber are missing, none of a state whose other senator is missing."""

    def spoil(newer: Files) -> None:
        step = 2 if chamber == "sen" else 1
        without(newer, *(one.bioguide for one in members_of(newer, chamber)[: count * step : step]))

    return spoilt_members(spoil)


def two_senators(newer: Files) -> None:
    without(newer, *(one.bioguide for one in members_of(newer, "sen") if one.term["state"] == "WY"))


BAD = {
    "empty": (text("members", lambda _: ""), "is not JSON ("),
    "an empty list": (text("members", lambda _: "[]"), "There is nobody of the House among the members"),
    "truncated JSON": (text("members", lambda it: it[:-5000]), "is not JSON ("),
    "an object in place of a list": (text("members", lambda _: "{}"), "is not a list."),
    "CSV in place of JSON": (text("members", lambda _: "bioguide,name\nA000001,Ann\n"), "is not JSON ("),
    "JSON in place of a table": (text("crosswalk", lambda _: "[]\n"), "has no column like GEOID_CD119_20"),
    "a table without its column": (
        text("crosswalk", lambda it: it.replace("GEOID_ZCTA5_20", "ZCTA")),
        "has no column GEOID_ZCTA5_20.",
    ),
    "points without a column": (text("zip_points", lambda it: it.replace("lat", "y", 1)), "has no column lat."),
    "a table that breaks off": (text("crosswalk", lambda it: it[:-3]), "ends in the middle of a line: is it whole?"),
    "a table of half its lines": (
        text("crosswalk", lambda it: "".join(it.splitlines(keepends=True)[: it.count("\n") // 2])),
        "The crosswalk's districts of ",
    ),
    "a table of a header alone": (
        text("crosswalk", lambda it: it.splitlines(keepends=True)[0]),
        "The crosswalk's districts of ",
    ),
    "half the points": (
        text("zip_points", lambda it: "".join(it.splitlines(keepends=True)[: it.count("\n") // 2])),
        "ZIP areas have no point: is the file whole?",
    ),
    "no UTF-8": (lambda folder: (folder / NAMES["members"]).write_bytes(b"[\xff]"), "is not text in UTF-8."),
    "somebody twice": (
        spoilt_members(lambda newer: newer.members.append(newer.members[0])),
        "comes twice among the members.",
    ),
    "two in a seat": (term("H480002", district=1), "Two people hold TX-1: "),
    "a party nobody knows": (term(TX_1, party="Whig"), "has an unknown party: 'Whig'"),
    "a district that does not exist": (term(TX_1, district=99), "There is no seat TX-99"),
    "a state that does not exist": (term(TX_1, state="ZZ"), "names a state without such a seat: 'ZZ'"),
    "no date": (term(TX_1, start="soon"), "has a “start” that is no date: 'soon'"),
    "a foreign contact address": (
        term(TX_1, contact_form="https://forms.example.com/house.gov"),
        "at forms.example.com, which is neither house.gov nor senate.gov",
    ),
    "a contact address that is a script": (term(TX_1, contact_form="javascript:alert(1)"), "no plain https address"),
    "94 senators": (all_but(6, "sen"), "There are 94 senators, not 95 to 100"),
    "90 senators": (all_but(10, "sen"), "There are 90 senators, not 95 to 100"),
    "a state without senators": (spoilt_members(two_senators), "WY has no senator at all"),
    "424 filled seats": (all_but(17, "rep"), "424 House seats are filled, not 425 to 441"),
    "no offices": (text("offices", lambda _: "[]"), "members have an office in the new file who had one so far"),
    "an office twice": (
        text("offices", lambda it: it.replace("H560000-casper", "H560000-cheyenne")),
        "comes for the second time",
    ),
    "corrections of tomorrow": (
        lambda folder: corrected(folder, {"as_of": "2026-11-25"}),
        "that day has not come yet.",
    ),
    "corrections of a district that does not exist": (
        lambda folder: corrected(folder, {"as_of": "2026-11-10", "vacant": [{"state": "TX", "district": 99}]}),
        "The corrections call TX-99 vacant, but there is no such seat.",
    ),
}


@pytest.mark.parametrize(("write", "words"), BAD.values(), ids=BAD)
def test_a_bad_file_gets_one_sentence_and_leaves_everything_as_it_was(
    steady: Place, tmp_path: Path, write: Callable[[Path], object], words: str
) -> None:
    write(tmp_path)

    sentence = steady.refusal("--from", str(tmp_path), "--as-of", "members", "2026-11-20")

    assert words in sentence
    assert read_state(steady.folder).cause == sentence
    assert steady.run("info").stderr == f"The last refresh failed: {sentence}\n"


BOMB = gzip.compress(b"[" + b" " * 70_000_000 + b"]", compresslevel=1)

BAD_ANSWERS = {
    "200 MB": (
        Published(b"", headers={"Content-Length": "200000000"}),
        "cannot be fetched: it is larger than 64,000,000 bytes.",
    ),
    "a zip bomb": (
        Published(BOMB, headers={"Content-Encoding": "gzip"}),
        "cannot be fetched: it is larger than 64,000,000 bytes.",
    ),
    "another host": (
        Published(b"", status=302, headers={"Location": "https://example.org/legislators-current.json"}),
        "sends us to another host (example.org): give that address with --source if it is right.",
    ),
    "a page": (
        Published(b"<html>Sorry</html>", headers={"Content-Type": "text/html"}),
        "cannot be fetched: it sent a page in place of data.",
    ),
    "nothing": (Published(b""), "cannot be fetched: the file is empty."),
    "not there": (Published(b"", status=404), "cannot be fetched: it answered 404."),
    "half of it": (Published(b'[{"id": {"biogu'), "legislators-current.json is not JSON ("),
}


@pytest.mark.parametrize(("answer", "words"), BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_a_bad_answer_gets_one_sentence_and_leaves_everything_as_it_was(
    steady: Place, host: Host, answer: Published, words: str
) -> None:
    host.publish(country(), "members", "offices", modified=CHANGED)
    host.files[NAMES["members"]] = answer

    assert words in steady.refusal("--source", host.url())


def test_a_second_file_that_cannot_be_had_leaves_the_first_one_out(place: Place, host: Host) -> None:
    host.publish(lost(TX_1), "members", modified=CHANGED)

    assert place.refusal("--source", host.url()).endswith("offices.json cannot be fetched: it answered 404.")


# Not alone, not to the end


def test_two_do_not_refresh_at_once(place: Place) -> None:
    publish(place.given, country(), "members")

    with alone(place.folder):
        assert place.refusal("--from", str(place.given)) == (
            "Another refresh of the tables is at work: try again when it has ended."
        )
        assert place.run("rollback", code=1).stderr.startswith("Error: Another refresh")


def test_a_fault_of_the_program_is_written_down_too_and_the_next_attempt_waits_a_day(place: Place) -> None:
    def gather(_records: object) -> dict[str, object]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        refresh(place.running, gather, place.clock())  # type: ignore[arg-type]

    state = read_state(place.folder)
    assert state.cause == "The program itself has a fault (ZeroDivisionError): please report it."
    assert (state.tried_at, state.failing_since, state.checked_at) == (place.clock(), place.clock(), None)


def test_what_went_wrong_is_said_even_if_it_cannot_be_written_down(place: Place) -> None:
    def gather(_records: object) -> dict[str, object]:
        (place.folder / "refresh.json").unlink()
        (place.folder / "refresh.json").mkdir()  # nothing can take its place
        raise LegislatorsError("It answered 503.")

    with pytest.raises(LegislatorsError, match="It answered 503"):
        refresh(place.running, gather, place.clock())  # type: ignore[arg-type]


def test_a_temporary_folder_that_is_full_is_said(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(place.data / "nowhere"))
    publish(place.given, lost(TX_1), "members")

    assert place.refusal("--from", str(place.given), "--as-of", "members", "2026-11-20") == (
        "The new tables could not be written to try them (no such file or directory)."
    )


def test_whoever_is_killed_in_the_midst_leaves_the_old_tables_in_force_and_nobody_in_the_way(
    place: Place, host: Host
) -> None:
    """The real command in a process of its own, on the shipped tables of the real country."""
    host.publish(country(), "members", "offices", modified=CHANGED)
    host.held[NAMES["offices"]] = threading.Event()
    command = [sys.executable, "-m", "flask", "legislators", "refresh", "--source", host.url()]
    environment = {"DATA_DIR": str(place.data), "SECRET_KEY": factories.SECRET, "PATH": os.defpath}

    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE) as child:
        try:
            assert host.reached.wait(60)
            with pytest.raises(LegislatorsError, match="Another refresh"), alone(place.folder):
                pytest.fail("two were alone")
        finally:
            child.send_signal(signal.SIGKILL)
        assert child.wait(10) == -signal.SIGKILL

    assert place.bytes() == {}
    assert place.holder("TX-1") == TX_1
    state = read_state(place.folder)
    assert state.tried_at is not None
    assert (state.checked_at, state.failing_since) == (None, state.tried_at)
    host.held.clear()
    place.refresh("--source", host.url())
    assert place.running.tables(place.clock()).as_of.isoformat() == "2026-11-20"


def test_files_that_change_nothing_leave_no_generation(place: Place) -> None:
    publish(place.given, country(), *NAMES)

    result = place.run("refresh", "--from", str(place.given))

    assert (result.stdout, result.stderr) == ("", "Nothing has changed.\n")
    assert place.bytes() == {}
    assert read_state(place.folder).checked_at == place.clock()


def test_the_tables_of_a_generation_are_those_of_its_parts(place: Place) -> None:
    publish(place.given, lost(TX_1), *NAMES)
    place.refresh("--from", str(place.given), "--as-of", "members", "2026-11-20")
    (name,) = read_pointer(place.folder).current.values()

    again = files_of(parts_of(place.folder / name))

    assert again == {file: (place.folder / name / file).read_bytes() for file in again}
