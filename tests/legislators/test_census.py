"""Looking up a street address: what is asked, which answers count, that nobody waits long, and that nothing leaks."""

from __future__ import annotations

import gzip
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.addresses import PostalAddress, State, Zip
from app.db import writing
from app.legislators import (
    AddressNotFound,
    DistrictLocator,
    DivisionId,
    Doubt,
    Location,
    LookupUnavailable,
    Method,
    NoDistrictForMail,
    Sure,
    ZipInAnotherState,
)
from app.legislators.asking import HERE, MOST_BYTES, REST
from app.legislators.census import ADDRESS, Answers, Census, CensusLocator, forget
from app.legislators.directory import TableDirectory
from app.legislators.locators import TableLocator
from app.legislators.tables import SHIPPED, Tables, load
from app.locks import take
from app.models import GeocoderAnswer
from tests.certificates import Authority
from tests.databases import write_lock
from tests.factories import SECRET, Clock
from tests.legislators.geocoder import (
    BAD_REQUEST,
    NO_MATCH,
    Geocoder,
    Step,
    answer,
    drips,
    finds,
    geocoder,
    hang_up,
    match,
    reset,
    says,
    sends,
    silence,
    waits,
)

LONG = 20.0
"""Seconds: more than any machine needs, where the time is not what is tested."""
SHORT = 0.4


def at(line1: str, state: str, zip_code: str, line2: str = "", city: str = "Anytown") -> PostalAddress:
    return PostalAddress(line1, line2, city, State(state), zip_code)


AUSTIN = at("1100 Congress Ave", "TX", "78701-1234", "Apt 7", "Austin")
NEW_YORK = at("421 8th Ave", "NY", "10001")
TX_37, TX_10 = (DivisionId(f"ocd-division/country:us/state:tx/cd:{number}") for number in (37, 10))

Ask = Callable[..., tuple[DivisionId, ...]]


@pytest.fixture
def slots(tmp_path: Path) -> Path:
    folder = tmp_path / "slots"
    folder.mkdir()
    return folder


@pytest.fixture
def ask(slots: Path) -> Ask:
    """The districts that the Census finds when its geocoder does these steps."""

    def ask_(
        *steps: Step, address: PostalAddress = AUSTIN, congress: int = 119, limit: float = LONG
    ) -> tuple[DivisionId, ...]:
        with geocoder(*steps) as server:
            return Census(server.address, slots=slots, limit=limit).districts(address, congress)

    return ask_


# --- what is asked ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("congress", [119, 120])
def test_the_map_of_the_congress_is_asked_for_by_its_vintage_and_layer(slots: Path, congress: int) -> None:
    with geocoder(finds("4837", state="TX", congress=congress)) as server:
        Census(server.address, slots=slots).districts(AUSTIN, congress)

    assert server.questions == [
        {
            "street": "1100 Congress Ave",
            "city": "Austin",
            "state": "TX",
            "zip": "78701",
            "benchmark": "Public_AR_Current",
            "vintage": {119: "ACS2025_Current", 120: "ACS2026_Current"}[congress],
            "layers": f"{congress}th Congressional Districts",
            "format": "json",
        }
    ]


def test_a_request_says_nothing_of_us_and_no_proxy_or_password_of_the_machine_is_used(
    slots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ana password swordfish\n", encoding="ascii")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    with geocoder(finds("4837", state="TX")) as server:
        Census(server.address, slots=slots).districts(AUSTIN, 119)

    _request, *lines = server.heads[0].strip().split("\r\n")
    assert dict(line.split(": ", 1) for line in lines) == {
        "Host": f"127.0.0.1:{server.port}",
        "User-Agent": "Redress",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


def test_the_census_is_asked_over_https_and_one_that_nobody_vouches_for_is_told_nothing(
    slots: Path, tmp_path: Path
) -> None:
    assert ADDRESS.startswith("https://geocoding.geo.census.gov/")

    with geocoder(finds("4837", state="TX"), certificate=Authority.made_in(tmp_path).server()) as server:
        assert server.address.startswith("https:")
        with pytest.raises(LookupUnavailable, match="the connection failed"):
            Census(server.address, slots=slots, limit=LONG).districts(AUSTIN, 119)

    assert server.heads == []


@pytest.mark.parametrize(
    "line",
    [
        "PO Box 12",
        "P.O. Box 12",
        "p o box 7",
        "POBox 9",
        "P. O. B. 4",
        "Post Office Box 3",
        "Box 12",
        "RR 2 Box 5",
        "R.R. 2",
        "Rural Route 4",
        "RFD 3",
        "HC 1",
        "HC-1 Box 9",
        "HCR 33",
        "Star Route 2",
        "General Delivery",
        "#PO Box 5",
        "  ",
    ],
)
def test_a_line_without_a_street_is_not_found_and_nobody_is_asked(slots: Path, line: str) -> None:
    with geocoder(finds("4837", state="TX")) as server, pytest.raises(AddressNotFound):
        Census(server.address, slots=slots).districts(replace(AUSTIN, line1=line), 119)

    assert server.heads == []


@pytest.mark.parametrize(
    "line",
    [
        "12 PO Box Lane",
        "Box Elder Road 12",
        "Poboyd Street 1",
        "12 Rural Route Road",
        "Rhode Road 2",
        "Hcker Way 1",
        "1 Straße № 5",
        "12 Main St & Broad=1?#%",
        "1 \ud800",
    ],
)
def test_every_line_with_a_street_is_asked_for(ask: Ask, line: str) -> None:
    assert ask(finds("4837", state="TX"), address=replace(AUSTIN, line1=line)) == (TX_37,)


@pytest.mark.parametrize(
    ("state", "congress", "words"),
    [("MO", 120, "no map of Congress 120 for MO"), ("TX", 121, "no map of Congress 121 for TX")],
)
def test_a_map_that_is_wrong_or_not_there_is_not_asked_for(slots: Path, state: str, congress: int, words: str) -> None:
    with geocoder(finds("2901", state="MO", congress=120)) as server, pytest.raises(LookupUnavailable, match=words):
        Census(server.address, slots=slots).districts(replace(AUSTIN, state=State(state)), congress)

    assert server.heads == []


def test_missouri_is_asked_for_where_the_map_is_right(ask: Ask) -> None:
    found = ask(finds("2901", state="MO"), address=replace(AUSTIN, state=State("MO")))

    assert found == ("ocd-division/country:us/state:mo/cd:1",)


# --- which answers count ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("geoid", "state", "division"),
    [
        ("3612", "NY", "state:ny/cd:12"),
        ("3601", "NY", "state:ny/cd:1"),
        ("5600", "WY", "state:wy/cd:at-large"),
        ("1198", "DC", "district:dc/cd:at-large"),
        ("7298", "PR", "territory:pr/cd:at-large"),
    ],
)
def test_the_district_is_read_from_the_geoid(ask: Ask, geoid: str, state: str, division: str) -> None:
    found = ask(
        says(answer(match(geoid, state), vintage="Current_Current")), address=replace(NEW_YORK, state=State(state))
    )

    assert found == (f"ocd-division/country:us/{division}",)


def test_the_vintages_of_the_survey_leave_out_a_field_that_nobody_needs(ask: Ask) -> None:
    assert ask(says(answer(match("4837", "TX", bare=True)))) == (TX_37,)


def test_names_are_never_read(ask: Ask) -> None:
    found = json.dumps(answer(match("4837", "TX"))).replace('"BASENAME": "37"', '"BASENAME": "10"')
    found = found.replace("Congressional District 37", "Congressional District 10").replace('"CD119": "37"', '"X": 1')

    assert '"10"' in found
    assert ask(sends(found.encode())) == (TX_37,)


def test_several_matches_in_one_district_are_one_answer(ask: Ask) -> None:
    assert ask(finds("4837", "4837", "4837", state="TX")) == (TX_37,)


def test_matches_in_different_districts_are_all_told_in_their_order(ask: Ask) -> None:
    assert ask(finds("4837", "4810", "4837", state="TX")) == (TX_37, TX_10)


def test_matches_in_another_state_do_not_count(ask: Ask) -> None:
    both = answer(match("3612", "NY"), match("4810", "TX"))

    assert ask(says(both)) == (TX_10,)
    with pytest.raises(AddressNotFound):
        ask(finds("3612", state="NY"))


NOT_FOUND: dict[str, Step] = {
    "no match": says(NO_MATCH),
    "water": finds("36ZZ", state="NY"),
    "bad request": says(BAD_REQUEST, 400),
    "a point in no district": says(
        answer({**match("3612", "NY"), "geographies": {"119th Congressional Districts": []}})
    ),
}


@pytest.mark.parametrize("step", NOT_FOUND.values(), ids=NOT_FOUND)
def test_an_address_that_the_census_does_not_know_is_not_found(ask: Ask, step: Step) -> None:
    with pytest.raises(AddressNotFound):
        ask(step, address=NEW_YORK)


def test_a_match_in_the_water_does_not_hide_the_one_on_land(ask: Ask) -> None:
    assert ask(finds("48ZZ", "4837", state="TX")) == (TX_37,)


def other_session(session: object) -> Step:
    return sends(json.dumps(answer(match("4837", "TX"))).replace('"119"', json.dumps(session)).encode())


LAYER = "119th Congressional Districts"
OTHER_MAPS: dict[str, Step] = {
    "the next Congress": says(answer(match("4810", "TX", congress=120), vintage="Current_Current")),
    "the next Congress's layer": says(answer(match("4810", "TX", layer="120th Congressional Districts"))),
    "the next Congress's session": says(answer(match("4810", "TX", congress=120, layer=LAYER))),
    "no session": other_session(None),
    "a session that is a number": other_session(119),
    "another layer besides": says(
        answer({**match("4837", "TX"), "geographies": {LAYER: [], "Counties": [{"GEOID": "48453"}]}})
    ),
    "no layer": says(answer({**match("4837", "TX"), "geographies": {}})),
    "one right and one wrong": says(answer(match("4837", "TX"), match("4810", "TX", congress=120))),
    "one wrong in another state": says(answer(match("4837", "TX"), match("3612", "NY", congress=120))),
}


@pytest.mark.parametrize("step", OTHER_MAPS.values(), ids=OTHER_MAPS)
def test_another_map_than_the_one_asked_for_is_refused(ask: Ask, step: Step) -> None:
    with pytest.raises(LookupUnavailable, match="it answered with another map"):
        ask(step)


# --- what goes wrong --------------------------------------------------------------------------------------------------

TEXT = "99 Birdcage Walk, Seedville, TX 78799"
CANARY = at("99 Birdcage Walk", "TX", "78799", city="Seedville")
SECRETS = ("Birdcage", "Seedville", "78799")
HTML = f"<!DOCTYPE html><title>{TEXT}</title>".encode()
ECHO = {"X-Address": TEXT}
HEAD = f"HTTP/1.1 200 {TEXT}\r\n".encode()
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def odd(result: object) -> Step:
    return says({"said": TEXT, "result": result})


FAULTS: dict[str, tuple[Step, str]] = {
    "500": (sends(HTML, 500, ECHO), "it answered 500"),
    "503": (sends(HTML, 503), "it answered 503"),
    "404": (sends(HTML, 404), "it answered 404"),
    "400 without its words": (sends(HTML, 400), "it answered 400"),
    "a bad request's words with 200": (says(BAD_REQUEST), "unknown shape"),
    "no content": (sends(b"", 204), "it answered 204"),
    "a redirect": (sends(HTML, 302, {"Location": f"/elsewhere?{TEXT}".replace(" ", "+")}), "it answered 302"),
    "HTML": (sends(HTML, 200, ECHO), "unknown shape"),
    "nothing": (sends(b""), "unknown shape"),
    "half of JSON": (sends(json.dumps(answer(match("4837", "TX"))).encode()[:-9]), "unknown shape"),
    "a list": (says([TEXT]), "unknown shape"),
    "no matches": (odd({}), "unknown shape"),
    "matches that are none": (odd({"addressMatches": TEXT}), "unknown shape"),
    "a result that is none": (odd(TEXT), "unknown shape"),
    "a match that is none": (odd({"addressMatches": [TEXT]}), "another map"),
    "a layer that is none": (odd({"addressMatches": [{"geographies": {LAYER: TEXT}}]}), "another map"),
    "a district that is none": (odd({"addressMatches": [{"geographies": {LAYER: [TEXT]}}]}), "another map"),
    "a district of no state": (finds("0301", state="TX"), "unknown district"),
    "a district without a number": (finds("48AB", state="TX"), "unknown district"),
    "digits that are none": (finds("4\u0668\u0663\u0667", state="TX"), "unknown district"),
    "no text": (sends(b'\xff\xfe"' + TEXT.encode()), "unknown shape"),
    "deep nesting": (sends(b"[" * 100_000), "unknown shape"),
    "a number without end": (sends(b'{"result": ' + b"9" * 9000 + b"}"), "unknown shape"),
    "too much": (sends(b" " * (MOST_BYTES + 1)), "too long"),
    "too much without a length": (drips(HEAD + b"\r\n", b" " * 60_000), "too long"),
    "chunks without end": (drips(CHUNKED, b"ea60\r\n" + b" " * 60_000 + b"\r\n"), "too long"),
    "a chunk of less than nothing": (drips(CHUNKED + b"-1\r\n", b" " * 60_000), "too long"),
    "a bomb": (sends(gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"}), "is packed"),
    "a damaged parcel": (sends(b"\x1f\x8bxx" + HTML, headers={"Content-Encoding": "gzip"}), "is packed"),
    "an unknown parcel": (sends(b"x", headers={"Content-Encoding": "br"}), "is packed"),
    "a reset": (reset, "the connection failed"),
    "an end": (hang_up, "the connection failed"),
    "less than was promised": (sends(b"{}", headers={"Content-Length": "9"}), "the connection failed"),
    "a broken chunk": (sends(b"zz", headers={"Transfer-Encoding": "chunked"}), "the connection failed"),
    "another language": (lambda connection: connection.sendall(b"220 " + TEXT.encode() + b"\r\n"), "connection failed"),
    "broken headers": (lambda connection: connection.sendall(HEAD + b"\x00: \xff" + b"x" * 70_000), "connection fail"),
    "a line without a colon": (lambda connection: connection.sendall(HEAD + b"no colon\r\n\r\n{}"), "unknown shape"),
    "silence": (silence, "it timed out"),
    "a dripping status": (drips(b"", b"H"), "it timed out"),
    "dripping headers": (drips(HEAD, b"X-A: b\r\n"), "it timed out"),
    "a dripping body": (drips(HEAD + b"Content-Length: 100000\r\n\r\n", b" "), "it timed out"),
    "a dripping body without a length": (drips(HEAD + b"\r\n", b" "), "it timed out"),
    "dripping chunks": (drips(CHUNKED, b"1\r\n \r\n"), "it timed out"),
    "never-ending patience": (drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "it timed out"),
}


@pytest.mark.parametrize(("step", "words"), FAULTS.values(), ids=FAULTS)
def test_whatever_goes_wrong_the_address_cannot_be_looked_up_now_and_nothing_of_it_is_told(
    slots: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], step: Step, words: str
) -> None:
    caplog.set_level(logging.DEBUG)
    limit = SHORT if words == "it timed out" else LONG

    with geocoder(step) as server:
        began = time.monotonic()
        with pytest.raises(LookupUnavailable, match=words) as refused:
            Census(server.address, slots=slots, limit=limit).districts(CANARY, 119)
        assert time.monotonic() - began < LONG / 2

    assert server.questions[0]["street"] == CANARY.line1
    assert len(server.heads) <= 2
    assert words in caplog.text
    out, err = capfd.readouterr()
    told = caplog.text + out + err + "".join(in_full(refused.value))
    assert [secret for secret in SECRETS if secret in told] == []


def in_full(error: BaseException | None) -> Iterator[str]:
    """All that could be written of an error, and of those behind it, shown or not."""
    while error is not None:
        yield "".join(traceback.format_exception(error))
        yield repr((error.args, vars(error), [getattr(error, name, "") for name in ("doc", "object", "url", "reason")]))
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("step", NOT_FOUND.values(), ids=NOT_FOUND)
def test_nothing_is_told_of_an_address_that_is_not_found(
    slots: Path, caplog: pytest.LogCaptureFixture, step: Step
) -> None:
    caplog.set_level(logging.DEBUG)

    with geocoder(step) as server, pytest.raises(AddressNotFound) as refused:
        Census(server.address, slots=slots, limit=LONG).districts(replace(CANARY, state=State("NY")), 119)

    told = caplog.text + "".join(in_full(refused.value))
    assert [secret for secret in SECRETS if secret in told] == []


@pytest.mark.parametrize(
    "step", [sends(HTML, 500), sends(HTML, 503), reset, hang_up], ids=["500", "503", "reset", "end"]
)
def test_one_failure_that_may_pass_is_followed_by_a_second_try(slots: Path, step: Step) -> None:
    with geocoder(step, finds("4837", state="TX")) as server:
        found = Census(server.address, slots=slots, limit=LONG).districts(AUSTIN, 119)

    assert found == (TX_37,)
    assert len(server.heads) == 2


def test_after_two_failures_nothing_more_is_tried(slots: Path) -> None:
    with (
        geocoder(sends(HTML, 500), sends(HTML, 502), finds("4837", state="TX")) as server,
        pytest.raises(LookupUnavailable, match="it answered 502"),
    ):
        Census(server.address, slots=slots, limit=LONG).districts(AUSTIN, 119)

    assert len(server.heads) == 2


def test_the_second_try_has_only_the_time_that_the_first_has_left(slots: Path) -> None:
    with (
        geocoder(sends(HTML, 500), silence) as server,
        pytest.raises(LookupUnavailable, match="it timed out"),
    ):
        Census(server.address, slots=slots, limit=SHORT).districts(AUSTIN, 119)

    assert len(server.heads) == 2


def test_what_will_not_pass_is_not_tried_again(slots: Path) -> None:
    with geocoder(sends(HTML, 404)) as server, pytest.raises(LookupUnavailable):
        Census(server.address, slots=slots, limit=LONG).districts(AUSTIN, 119)

    assert len(server.heads) == 1


def test_nobody_is_followed_elsewhere(slots: Path) -> None:
    for status in (301, 302, 303, 307, 308):
        with geocoder(finds("4837", state="TX")) as other:
            for target in ("/geocoder/other", other.address):
                away = sends(b"", status, {"Location": target})
                with geocoder(away, finds("4837", state="TX")) as server:
                    census = Census(server.address, slots=slots, limit=LONG)
                    with pytest.raises(LookupUnavailable, match=f"it answered {status}"):
                        census.districts(AUSTIN, 119)
                assert len(server.heads) == 1
            assert other.heads == []


def test_nobody_listens(slots: Path) -> None:
    with geocoder(silence) as server:
        address = server.address
    with pytest.raises(LookupUnavailable, match="the connection failed"):
        Census(address, slots=slots, limit=LONG).districts(AUSTIN, 119)


def test_an_address_that_is_none_is_a_failure_like_others(slots: Path) -> None:
    with pytest.raises(LookupUnavailable, match="the connection failed") as refused:
        Census("http://a..b/", slots=slots, limit=LONG).districts(CANARY, 119)

    assert refused.value.__context__ is None


def test_without_a_folder_for_the_turns_nobody_is_asked(tmp_path: Path) -> None:
    with geocoder(finds("4837", state="TX")) as server, pytest.raises(LookupUnavailable, match="lock files"):
        Census(server.address, slots=tmp_path / "gone", limit=LONG).districts(AUSTIN, 119)

    assert server.heads == []


# --- two at a time ----------------------------------------------------------------------------------------------------


def later(pool: ThreadPoolExecutor, census: Census) -> Future[tuple[str, ...]]:
    return pool.submit(lambda: census.districts(AUSTIN, 119))


def test_a_third_waits_for_its_turn(slots: Path) -> None:
    gate = threading.Event()
    with geocoder(waits(gate, finds("4837", state="TX"))) as server, ThreadPoolExecutor() as pool:
        # Each with a Census of its own, as every process has.
        asking = [later(pool, Census(server.address, slots=slots, limit=LONG)) for _ in range(5)]
        server.wait_for(2)
        time.sleep(0.1)
        assert len(server.heads) == 2
        gate.set()
        assert {one.result() for one in asking} == {(TX_37,)}

    assert (len(server.heads), server.most_at_once) == (5, 2)


def test_more_than_a_few_do_not_even_wait(slots: Path) -> None:
    gate = threading.Event()
    with geocoder(waits(gate, finds("4837", state="TX"))) as server, ThreadPoolExecutor() as pool:
        census = Census(server.address, slots=slots, limit=LONG)
        asking = [later(pool, census) for _ in range(HERE)]
        server.wait_for(2)
        until = time.monotonic() + LONG
        while census._line._here._value and time.monotonic() < until:  # until all of them wait
            time.sleep(0.01)
        with pytest.raises(LookupUnavailable, match="too many wait"):
            census.districts(AUSTIN, 119)
        gate.set()
        assert {one.result() for one in asking} == {(TX_37,)}


def test_who_gets_no_turn_in_time_cannot_be_helped(slots: Path) -> None:
    gate = threading.Event()
    with geocoder(waits(gate, finds("4837", state="TX"))) as server, ThreadPoolExecutor() as pool:
        asking = [later(pool, Census(server.address, slots=slots, limit=LONG)) for _ in range(2)]
        server.wait_for(2)
        with pytest.raises(LookupUnavailable, match="others were being looked up"):
            Census(server.address, slots=slots, limit=SHORT).districts(AUSTIN, 119)
        gate.set()
        assert {one.result() for one in asking} == {(TX_37,)}

    assert len(server.heads) == 2


HOLDER = """
import sys
from pathlib import Path
from app.locks import take
held = [take(path) for path in sorted(Path(sys.argv[1]).iterdir())]
print(len(held), flush=True)
sys.stdin.read()
"""


def test_the_turns_of_other_processes_count(slots: Path) -> None:
    with geocoder(finds("4837", state="TX")) as server:
        census = Census(server.address, slots=slots, limit=SHORT)
        census.districts(AUSTIN, 119)
        (slots / "geocoder-2.lock").touch()
        command = [sys.executable, "-c", HOLDER, str(slots)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "2\n"
            with pytest.raises(LookupUnavailable, match="others were being looked up"):
                census.districts(AUSTIN, 119)
            other.communicate("")

        assert census.districts(AUSTIN, 119) == (TX_37,)


@pytest.mark.parametrize(
    "step",
    [
        silence,
        drips(b"", b"H"),
        drips(HEAD, b"X-A: b\r\n"),
        drips(HEAD + b"\r\n", b" "),
        drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1", b";"),
    ],
    ids=["silence", "first line", "headers", "body", "chunk"],
)
def test_a_conversation_that_took_too_long_gives_its_turn_back(slots: Path, step: Step) -> None:
    """However long the other side would go on: both turns are free again."""
    with geocoder(step, step, finds("4837", state="TX")) as server:
        census = Census(server.address, slots=slots, limit=SHORT)
        for _ in range(2):
            with pytest.raises(LookupUnavailable, match="it timed out"):
                census.districts(AUSTIN, 119)

        assert Census(server.address, slots=slots, limit=LONG).districts(AUSTIN, 119) == (TX_37,)
        assert server.most_at_once <= 2
        until = time.monotonic() + LONG
        while any(thread.name == "geocoder" for thread in threading.enumerate()):
            assert time.monotonic() < until
            time.sleep(0.01)


# --- a geocoder that is down ------------------------------------------------------------------------------------------


@dataclass
class Seconds:
    """A clock that stands until it is moved."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def fails(census: Census, words: str, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(LookupUnavailable, match=words):
            census.districts(AUSTIN, 119)


def test_after_five_failures_in_a_row_it_is_left_alone_for_five_minutes(slots: Path) -> None:
    clock = Seconds()
    with geocoder(sends(HTML, 404)) as server:
        census = Census(server.address, slots=slots, limit=LONG, clock=clock)
        fails(census, "it answered 404", times=5)
        fails(census, "it failed too often lately", times=3)
        clock.now += REST - 0.1
        fails(census, "it failed too often lately")
        assert (len(server.heads), REST) == (5, 300)

        clock.now += 0.1
        fails(census, "it answered 404")
        fails(census, "it failed too often lately")
        assert len(server.heads) == 6


def test_when_it_answers_again_everything_is_as_before(slots: Path) -> None:
    clock = Seconds()
    bad, good = sends(HTML, 404), finds("4837", state="TX")
    with geocoder(*[bad] * 5, good, *[bad] * 4, good) as server:
        census = Census(server.address, slots=slots, limit=LONG, clock=clock)
        fails(census, "it answered 404", times=5)
        clock.now += REST
        assert census.districts(AUSTIN, 119) == (TX_37,)
        fails(census, "it answered 404", times=4)
        assert census.districts(AUSTIN, 119) == (TX_37,)


def test_only_one_question_tries_whether_it_is_back(slots: Path) -> None:
    clock, gate = Seconds(), threading.Event()
    with (
        geocoder(*[sends(HTML, 404)] * 5, waits(gate, finds("4837", state="TX"))) as server,
        ThreadPoolExecutor() as pool,
    ):
        census = Census(server.address, slots=slots, limit=LONG, clock=clock)
        fails(census, "it answered 404", times=5)
        clock.now += REST
        probe = later(pool, census)
        server.wait_for(6)
        fails(census, "it failed too often lately", times=3)
        gate.set()
        assert probe.result() == (TX_37,)
        assert census.districts(AUSTIN, 119) == (TX_37,)


def test_an_address_that_is_not_found_is_no_failure(slots: Path) -> None:
    bad, unknown = sends(HTML, 404), says(NO_MATCH)
    with geocoder(*[bad] * 4, unknown, *[bad] * 4, unknown) as server:
        census = Census(server.address, slots=slots, limit=LONG)
        for _ in range(2):
            fails(census, "it answered 404", times=4)
            with pytest.raises(AddressNotFound):
                census.districts(AUSTIN, 119)


@contextmanager
def no_turn(slots: Path) -> Iterator[None]:
    """Others are asking all the time."""
    with ExitStack() as held:
        for number in (1, 2):
            held.callback(os.close, take(slots / f"geocoder-{number}.lock"))
        yield


def test_that_others_were_asking_is_no_failure_of_it(slots: Path) -> None:
    clock = Seconds()
    bad, good = sends(HTML, 404), finds("4837", state="TX")
    with geocoder(*[bad] * 4, good, *[bad] * 5, good) as server:
        census = Census(server.address, slots=slots, limit=1.5, clock=clock)
        fails(census, "it answered 404", times=4)
        with no_turn(slots):
            fails(census, "others were being looked up")
        assert census.districts(AUSTIN, 119) == (TX_37,)

        fails(census, "it answered 404", times=5)
        clock.now += REST
        with no_turn(slots):
            fails(census, "others were being looked up")
        assert census.districts(AUSTIN, 119) == (TX_37,)


# --- what is remembered -----------------------------------------------------------------------------------------------


@pytest.fixture
def answers(session: Session, clock: Clock) -> Answers:
    return Answers(lambda: session, SECRET, clock)


def rows(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(GeocoderAnswer)) or 0


def test_an_answer_is_remembered_for_thirty_days(answers: Answers, clock: Clock) -> None:
    assert answers.find(AUSTIN, 119) is None
    answers.keep(AUSTIN, 119, (TX_37, TX_10))

    clock.forward(days=30, seconds=-1)
    assert answers.find(AUSTIN, 119) == (TX_37, TX_10)
    clock.forward(seconds=1)
    assert answers.find(AUSTIN, 119) is None


def test_that_an_address_is_unknown_is_remembered_for_a_day(answers: Answers, clock: Clock) -> None:
    answers.keep(AUSTIN, 119, ())

    clock.forward(days=1, seconds=-1)
    assert answers.find(AUSTIN, 119) == ()
    clock.forward(seconds=1)
    assert answers.find(AUSTIN, 119) is None


def test_what_a_wrong_clock_put_into_the_future_is_not_remembered(answers: Answers, clock: Clock) -> None:
    answers.keep(AUSTIN, 119, (TX_37,))
    clock.forward(seconds=-1)

    assert answers.find(AUSTIN, 119) is None


def test_a_newer_answer_takes_the_place_of_an_older_one(answers: Answers, clock: Clock, session: Session) -> None:
    answers.keep(AUSTIN, 119, ())
    clock.forward(days=2)
    answers.keep(AUSTIN, 119, (TX_37,))

    assert answers.find(AUSTIN, 119) == (TX_37,)
    assert rows(session) == 1


def test_an_address_is_the_same_however_it_is_spelt(answers: Answers) -> None:
    answers.keep(at("12 N.W. Straße #4", "TX", "78701", city="San  Marcos"), 119, (TX_37,))

    for line, zip_code, city in (
        ("12 NW STRASSE 4", "78701", "san marcos"),
        (" 12  nw strasse, #4 ", "78701-1234", "San Marcos,"),
    ):
        assert answers.find(at(line, "TX", zip_code, "Apt 9", city), 119) == (TX_37,)


@pytest.mark.parametrize(
    "other",
    [
        replace(AUSTIN, line1="1101 Congress Ave"),
        replace(AUSTIN, city="Dallas"),
        replace(AUSTIN, state=State("TN")),
        replace(AUSTIN, zip="78702"),
        replace(AUSTIN, line1="", city="1100 Congress Ave Austin"),
        replace(AUSTIN, line1="1100", city="Congress Ave Austin"),
        replace(AUSTIN, line1="1100 Congress AveAus", city="tin"),
    ],
)
def test_another_address_is_another(answers: Answers, other: PostalAddress) -> None:
    answers.keep(AUSTIN, 119, (TX_37,))

    assert answers.find(other, 119) is None


def test_another_congress_and_another_secret_remember_nothing(answers: Answers, session: Session, clock: Clock) -> None:
    answers.keep(AUSTIN, 119, (TX_37,))

    assert answers.find(AUSTIN, 120) is None
    assert Answers(lambda: session, "t" * 64, clock).find(AUSTIN, 119) is None


@pytest.mark.file
def test_no_address_stands_in_the_database(answers: Answers, session: Session, data_dir: Path) -> None:
    answers.keep(CANARY, 119, (TX_37,))
    session.rollback()

    written = b"".join(path.read_bytes() for path in data_dir.iterdir()).lower()
    assert TX_37.encode() in written
    assert [secret for secret in SECRETS if secret.lower().encode() in written] == []
    key = session.scalars(select(GeocoderAnswer.key)).one()
    assert len(key) == 32


def test_what_is_over_is_forgotten(answers: Answers, session: Session, clock: Clock) -> None:
    begin = clock()
    for days, divisions in ((0, (TX_37,)), (1, (TX_37,)), (29, ()), (30, ()), (31, (TX_37,)), (29, (TX_37,))):
        clock.now = begin + timedelta(days=days)
        line = f"{days} {len(divisions)} Main Street"
        answers.keep(replace(AUSTIN, line1=line), 119, divisions)
    clock.now = begin + timedelta(days=30)

    with writing(session):
        forget(session, clock())

    asked = session.execute(select(GeocoderAnswer.asked_at, GeocoderAnswer.divisions)).all()
    assert sorted(((at - begin).days, divisions) for at, divisions in asked) == [(1, TX_37), (29, TX_37), (30, "")]


# --- the locator ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load(SHIPPED)


SPLIT = at("1 Canary Street", "WI", "53811", city="Platteville")
"""A ZIP code in WI-2 and WI-3."""
BOX = at("1 Canary Street", "CA", "94604", city="Oakland")
"""A ZIP code of PO boxes: any district of California."""
WI_1, WI_2, WI_3 = (DivisionId(f"ocd-division/country:us/state:wi/cd:{number}") for number in (1, 2, 3))
CA_12 = DivisionId("ocd-division/country:us/state:ca/cd:12")


@dataclass(frozen=True)
class Street:
    """A locator over a geocoder that does these steps."""

    server: Geocoder
    locator: CensusLocator
    inner: DistrictLocator
    on: datetime

    def locate(self, address: PostalAddress) -> Location:
        return self.locator.locate(address, self.on)

    def remembered(self, address: PostalAddress) -> Location | None:
        return self.locator.remembered(address, self.on)


@pytest.fixture
def streets(answers: Answers, slots: Path, tables: Tables, clock: Clock) -> Iterator[Callable[..., Street]]:
    with ExitStack() as opened:

        def street(*steps: Step, limit: float = LONG) -> Street:
            server = opened.enter_context(geocoder(*steps))
            inner, census = TableLocator(tables), Census(server.address, slots=slots, limit=limit)
            return Street(server, CensusLocator(inner, TableDirectory(tables), census, answers), inner, clock())

        yield street


Streets = Callable[..., Street]


def test_who_is_certain_by_the_zip_code_is_not_looked_up(streets: Streets) -> None:
    street = streets(finds("4810", state="TX"))
    certain = street.inner.locate(AUSTIN, street.on)

    assert street.locate(AUSTIN) == street.remembered(AUSTIN) == certain
    assert (certain.method, certain.sure, street.server.heads) == (Method.ZIP, Sure.CERTAIN, [])


def test_the_street_decides_a_split_zip(streets: Streets) -> None:
    street = streets(finds("5502", state="WI"))

    assert street.locate(SPLIT) == Location(119, State("WI"), (WI_2,), Method.CENSUS, Sure.CERTAIN)


def test_the_street_decides_a_whole_state(streets: Streets) -> None:
    location = streets(finds("0612", state="CA")).locate(BOX)

    assert location == Location(119, State("CA"), (CA_12,), Method.CENSUS, Sure.CERTAIN)


def test_the_street_decides_where_the_state_was_redrawn(streets: Streets, clock: Clock) -> None:
    clock.now = datetime(2027, 1, 4, tzinfo=UTC)
    street = streets(finds("4810", state="TX", congress=120))

    assert street.inner.locate(AUSTIN, street.on).warnings == (Doubt.REDRAWN,)
    assert street.locate(AUSTIN) == Location(120, State("TX"), (TX_10,), Method.CENSUS, Sure.CERTAIN)
    assert street.server.questions[0]["vintage"] == "ACS2026_Current"


def test_a_street_in_several_districts_is_a_choice_among_them(streets: Streets) -> None:
    location = streets(finds("5503", "5502", state="WI")).locate(SPLIT)

    doubts = (Doubt.SEVERAL_MATCHES,)
    assert location == Location(119, State("WI"), (WI_3, WI_2), Method.CENSUS, Sure.ONE_OF, doubts)


@pytest.mark.parametrize(
    ("found", "candidates"),
    [(("5501",), (WI_1, WI_3, WI_2)), (("5502", "5501"), (WI_2, WI_1, WI_3))],
    ids=["one", "one of two"],
)
def test_a_street_outside_the_districts_of_its_zip_decides_nothing_in_silence(
    streets: Streets, found: tuple[str, ...], candidates: tuple[DivisionId, ...]
) -> None:
    location = streets(finds(*found, state="WI")).locate(SPLIT)

    assert location == Location(119, State("WI"), candidates, Method.CENSUS, Sure.ONE_OF, (Doubt.OUTSIDE_ZIP,))


def test_a_district_that_the_state_does_not_have_is_refused_and_not_remembered(
    streets: Streets, session: Session
) -> None:
    street = streets(finds("5509", state="WI"))

    with pytest.raises(LookupUnavailable, match="a district that the state does not have"):
        street.locate(SPLIT)
    assert rows(session) == 0
    assert street.remembered(SPLIT) is None


def test_the_same_street_is_asked_for_once_in_thirty_days(streets: Streets, clock: Clock) -> None:
    street = streets(finds("5502", state="WI"))
    assert street.remembered(SPLIT) is None

    first = street.locate(SPLIT)
    for days in (0, 15, 14.99):
        clock.forward(days=days)
        assert street.locate(SPLIT) == street.remembered(replace(SPLIT, line2="Apt 4")) == first
    assert len(street.server.heads) == 1

    clock.forward(days=0.01)
    assert street.remembered(SPLIT) is None
    assert street.locate(SPLIT) == first
    assert len(street.server.heads) == 2


def test_a_street_that_was_not_found_is_asked_for_again_after_a_day(streets: Streets, clock: Clock) -> None:
    street = streets(says(NO_MATCH), finds("5502", state="WI"))
    for hours in (0, 12, 11.9):
        clock.forward(hours=hours)
        with pytest.raises(AddressNotFound):
            street.locate(SPLIT)
        assert street.remembered(SPLIT) is None
    assert len(street.server.heads) == 1

    clock.forward(hours=0.1)
    assert street.locate(SPLIT).candidates == (WI_2,)


def test_that_the_census_did_not_answer_is_not_remembered(streets: Streets, session: Session) -> None:
    street = streets(sends(b"", 404), finds("5502", state="WI"))

    with pytest.raises(LookupUnavailable):
        street.locate(SPLIT)
    assert rows(session) == 0
    assert street.locate(SPLIT).candidates == (WI_2,)


def test_a_map_that_turned_out_wrong_is_not_remembered_either(streets: Streets, answers: Answers, clock: Clock) -> None:
    clock.now = datetime(2027, 1, 4, tzinfo=UTC)
    boxes = at("1 Canary Street", "MO", "63199")
    street = streets(finds("2902", state="MO", congress=120))
    assert street.inner.locate(boxes, street.on).sure is Sure.OPEN
    answers.keep(boxes, 120, (DivisionId("ocd-division/country:us/state:mo/cd:2"),))

    assert street.remembered(boxes) is None
    with pytest.raises(LookupUnavailable, match="no map of Congress 120 for MO"):
        street.locate(boxes)
    assert street.server.heads == []


def test_a_district_that_the_state_has_no_more_is_asked_for_anew(streets: Streets, answers: Answers) -> None:
    street = streets(finds("5502", state="WI"))
    answers.keep(SPLIT, 119, (DivisionId("ocd-division/country:us/state:wi/cd:9"),))

    assert street.remembered(SPLIT) is None
    assert street.locate(SPLIT).candidates == (WI_2,)
    assert street.remembered(SPLIT) == street.locate(SPLIT)


def test_what_the_zip_code_forbids_is_not_looked_up(streets: Streets) -> None:
    street = streets(finds("5502", state="WI"))

    for ask in (street.locate, street.remembered):
        with pytest.raises(ZipInAnotherState):
            ask(replace(SPLIT, state=State("TX")))
        with pytest.raises(NoDistrictForMail):
            ask(replace(SPLIT, zip="09012"))
    assert street.server.heads == []


def test_who_insists_on_a_neighbouring_zip_is_looked_up(streets: Streets) -> None:
    street = streets(finds("2404", state="MD"))
    beyond = at("1 Canary Street", "MD", "20500")

    location = street.locator.locate(beyond, street.on, sure_of_state=True)

    assert location.candidates == ("ocd-division/country:us/state:md/cd:4",)
    assert street.locator.remembered(beyond, street.on, sure_of_state=True) == location
    assert len(street.server.heads) == 1


def test_the_point_of_a_zip_is_the_tables_own(streets: Streets) -> None:
    street = streets(silence)

    assert street.locator.point(Zip("53811")) == street.inner.point(Zip("53811"))
    assert street.locator.point(Zip("53811")) is not None


def test_no_transaction_is_open_while_the_census_is_waited_for(streets: Streets, session: Session) -> None:
    seen: list[bool] = []

    def look(connection: socket.socket) -> None:
        seen.append(session.in_transaction())
        finds("5502", state="WI")(connection)

    street = streets(look)
    session.execute(text("SELECT 1"))
    assert session.in_transaction()
    street.locate(SPLIT)

    assert seen == [False]
    assert not session.in_transaction()


@pytest.mark.usefixtures("impatient")
def test_a_database_that_takes_no_change_does_not_spoil_the_answer(
    streets: Streets, session: Session, data_dir: Path
) -> None:
    session.get_bind().engine.dispose()
    street = streets(finds("5502", state="WI"))

    with write_lock(data_dir):
        assert street.locate(SPLIT).candidates == (WI_2,)
    assert rows(session) == 0


def test_nothing_is_told_of_an_address_that_is_looked_up_through_the_locator(
    streets: Streets, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for step in (sends(HTML, 500), reset, sends(HTML), says(BAD_REQUEST, 400), finds("0699", state="CA")):
        street = streets(step)
        with pytest.raises((LookupUnavailable, AddressNotFound)) as refused:
            street.locate(replace(BOX, line1=CANARY.line1, city=CANARY.city))
        told = caplog.text + "".join(in_full(refused.value))
        assert [secret for secret in ("Birdcage", "Seedville") if secret in told] == []
