"""The made-up country of `making.factories` as shipped tables, and newer files about it as they are published."""

from __future__ import annotations

import email.utils
import functools
import json
import pickle
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from app.legislators.making.build import build
from tests.legislators.making.factories import Files, JsonObject, files

AS_OF = "2026-10-03"
"""Of when the shipped tables are."""

NAMES = {
    "members": "legislators-current.json",
    "offices": "legislators-district-offices.json",
    "contact_forms": "contact-forms.json",
    "corrections": "corrections.json",
    "crosswalk": "zcta520-cd119.txt",
    "zip_points": "zcta-points.csv",
    "zip_places": "zip-places.csv",
}

WY, TX_1 = "H560000", "H480001"
"""The House members of Wyoming, who has offices and a web form, and of the first district of Texas."""


@functools.cache
def _country() -> Files:
    country = files()
    for member in country.members:
        person = Member(member)
        if person.term["type"] == "rep":
            person.term["phone"] = f"202-225-{person.bioguide[-4:]}"
            person.term["url"] = f"https://{person.bioguide.lower()}.house.gov"
    return country


def country() -> Files:
    """Every seat is filled, everyone has a telephone, representatives their own."""
    made: Files = pickle.loads(_pickled())
    return made


@functools.cache
def _pickled() -> bytes:
    return pickle.dumps(_country())


@functools.cache
def _built() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        return build(_country().write(Path(folder)), {})


def shipped(folder: Path) -> Path:
    """The country's tables, as of `AS_OF`, in a new folder."""
    return stored(folder, _built())


def stored(folder: Path, content: dict[str, bytes]) -> Path:
    """A new folder of tables."""
    folder.mkdir(parents=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return folder


@dataclass(frozen=True)
class Member:
    """A published member, to be changed."""

    record: JsonObject

    @property
    def bioguide(self) -> str:
        return cast(dict[str, str], self.record["id"])["bioguide"]

    @property
    def term(self) -> dict[str, Any]:
        return cast(list[dict[str, Any]], self.record["terms"])[-1]

    @property
    def name(self) -> dict[str, str]:
        return cast(dict[str, str], self.record["name"])


def member(country: Files, bioguide: str) -> Member:
    return Member(country.member(bioguide))


def members_of(country: Files, chamber: str) -> list[Member]:
    """`rep` or `sen`."""
    found = [Member(record) for record in country.members]
    return [one for one in found if one.term["type"] == chamber]


def without(country: Files, *bioguides: str) -> None:
    """They are no longer published."""
    country.members = [record for record in country.members if Member(record).bioguide not in bioguides]


def of_next_congress(country: Files) -> Files:
    """The same people, elected again to the House of the 120th."""
    for one in members_of(country, "rep"):
        one.term.update(start="2027-01-03", end="2029-01-03")
    return country


def crosswalk_of(country: Files, congress: int) -> str:
    """The crosswalk's text, under another Congress's name."""
    return country.texts()["crosswalk"].replace("CD119", f"CD{congress}")


def publish(folder: Path, country: Files, *sources: str) -> Path:
    """Put some of the files into a folder, under the names by which they are published."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        (folder / NAMES[source]).write_text(text_of(country, source), encoding="utf-8")
    return folder


def text_of(country: Files, source: str) -> str:
    """One of its texts: to write all of them takes long."""
    lists = {"members": country.members, "offices": country.offices}
    return json.dumps(lists[source]) if source in lists else country.texts()[source]


def corrected(folder: Path, corrections: JsonObject) -> Path:
    """A folder with corrections alone, or with what is in it already."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAMES["corrections"]).write_text(json.dumps(corrections), encoding="utf-8")
    return folder


# Where the files are published


@dataclass
class Published:
    """What a server has under a path."""

    content: bytes
    etag: str = ""
    modified: datetime | None = None
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200

    def all_headers(self) -> dict[str, str]:
        """With the length, if nobody has said another."""
        found = {"Content-Length": str(len(self.content)), **self.headers}
        if self.etag:
            found["ETag"] = self.etag
        if self.modified:
            found["Last-Modified"] = email.utils.format_datetime(self.modified, usegmt=True)
        return found


@dataclass
class Host:
    """A server of files on this machine. It knows ETag and If-Modified-Since, and keeps what it was asked."""

    port: int
    files: dict[str, Published] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    held: dict[str, threading.Event] = field(default_factory=dict)
    """Names whose answer waits."""
    reached: threading.Event = field(default_factory=threading.Event)
    """Set when somebody asks for a name whose answer waits."""

    def url(self, name: str = "") -> str:
        """Of one file, or of all below it."""
        return f"http://127.0.0.1:{self.port}/data/{name}"

    def publish(self, country: Files, *sources: str, etag: str = "", modified: datetime | None = None) -> None:
        """Put files there, in place of older ones."""
        for source in sources:
            self.files[NAMES[source]] = Published(text_of(country, source).encode(), etag, modified)

    @property
    def paths(self) -> list[str]:
        return [name for name, _headers in self.asked]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host: Host

    def do_GET(self) -> None:
        name = self.path.partition("?")[0].rpartition("/")[2]
        self.host.asked.append((name, dict(self.headers.items())))
        if name in self.host.held:
            self.host.reached.set()
            self.host.held[name].wait(30)
        file = self.host.files.get(name, Published(b"", status=404))
        known = self._is_known(file)
        self.send_response(304 if known else file.status)
        for header, value in file.all_headers().items():
            if not (known and header == "Content-Length"):
                self.send_header(header, value)
        self.end_headers()
        if not known:
            self.wfile.write(file.content)

    def _is_known(self, file: Published) -> bool:
        named, since = self.headers["If-None-Match"], self.headers["If-Modified-Since"]
        if named:
            return bool(named == file.etag)
        return bool(since and file.modified and email.utils.parsedate_to_datetime(since) >= file.modified)

    def log_message(self, format: str, *_args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_args: object) -> None:
        """Who asked has seen enough, or was killed."""


@contextmanager
def hosting() -> Iterator[Host]:
    """A server of files."""
    host = Host(0)
    handler = type("Handler", (_Handler,), {"host": host})
    with _Server(("127.0.0.1", 0), handler) as server:
        host.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield host
        finally:
            for event in host.held.values():
                event.set()
            server.shutdown()
            thread.join()
