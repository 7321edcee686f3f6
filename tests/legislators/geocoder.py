"""A geocoder on loopback that answers as the Census Bureau's does, or as a broken one, and keeps what it was asked.

    with geocoder(says(answer(match("4837", "TX"))), reset) as server:
        …Census(server.address, slots=folder)…
    assert server.questions == [{"street": "1100 Congress Ave", …}]

A step is what the server does with one connection once it has read the request; they are used up one by one, and the
last one stays.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

Step = Callable[[socket.socket], None]
JsonObject = dict[str, object]

NAMES = {
    "00": ("Congressional District (at Large)",) * 2,
    "98": ("Delegate District (at Large)",) * 2,
    "ZZ": ("Congressional Districts not defined",) * 2,
}


def match(
    geoid: str, state: str, *, congress: int = 119, bare: bool = False, layer: str = "", zip_code: str = ""
) -> JsonObject:
    """One match with the fields that the real ones have; `bare` as the ACS vintages tell a district, without CD119.

    Without a `zip_code` it fits every question.
    """
    district = geoid[2:]
    basename, name = NAMES.get(district, (district.lstrip("0"), f"Congressional District {district.lstrip('0')}"))
    area: JsonObject = {
        "GEOID": geoid,
        "CDSESSN": str(congress),
        "STATE": geoid[:2],
        "BASENAME": basename,
        "NAME": name,
    }
    if not bare:
        area |= {
            "CENTLAT": "+40.7661589",
            "CENTLON": "-073.9756672",
            "INTPTLAT": "+40.7648052",
            "INTPTLON": "-073.9751822",
            "AREALAND": "24784552",
            "AREAWATER": "10382846",
            "OID": "2119035952746636",
            "OBJECTID": 142,
            "LSADC": "C2",
            "FUNCSTAT": "N",
            "MTFCC": "G5200",
            f"CD{congress}": district,
        }
    return {
        "matchedAddress": f"421 8TH AVE, ANYTOWN, {state}, 10001",
        "coordinates": {"x": -73.994946871146, "y": 40.750268409951},
        "tigerLine": {"side": "L", "tigerLineId": "59653375"},
        "addressComponents": {
            "zip": zip_code,
            "streetName": "8TH",
            "preType": "",
            "city": "ANYTOWN",
            "preDirection": "",
            "suffixDirection": "",
            "fromAddress": "403",
            "state": state,
            "suffixType": "AVE",
            "toAddress": "421",
            "suffixQualifier": "",
            "preQualifier": "",
        },
        "geographies": {layer or f"{congress}th Congressional Districts": [area]},
    }


def answer(*matches: JsonObject, vintage: str = "ACS2025_Current") -> JsonObject:
    """A whole answer."""
    return {
        "result": {
            "input": {
                "address": {"address": "421 8th Ave, Anytown, NY 10001"},
                "vintage": {
                    "isDefault": vintage == "Current_Current",
                    "id": "4",
                    "vintageName": vintage,
                    "vintageDescription": "a vintage",
                },
                "benchmark": {
                    "isDefault": True,
                    "id": "4",
                    "benchmarkName": "Public_AR_Current",
                    "benchmarkDescription": "Public Address Ranges - Current Benchmark",
                },
            },
            "addressMatches": list(matches),
        }
    }


NO_MATCH = answer()
BAD_REQUEST: JsonObject = {"errors": ["Street address cannot be empty"], "status": "400"}


def sends(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Step:
    """A reply in one piece."""
    given = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())

    def step(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + body)

    return step


def says(value: object, status: int = 200) -> Step:
    """A reply in JSON."""
    return sends(json.dumps(value).encode(), status)


def finds(*geoids: str, state: str, congress: int = 119) -> Step:
    """Matches in these districts."""
    return says(answer(*(match(geoid, state, congress=congress) for geoid in geoids)))


def drips(start: bytes, piece: bytes, seconds: float = 10.0) -> Step:
    """A little at a time, for longer than anybody should wait."""

    def step(connection: socket.socket) -> None:
        connection.sendall(start)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            connection.sendall(piece)
            time.sleep(0.02)

    return step


def silence(connection: socket.socket) -> None:
    """Nothing, until the other side leaves."""
    connection.recv(1)


def hang_up(connection: socket.socket) -> None:
    """The end of the connection."""


def reset(connection: socket.socket) -> None:
    """A connection that is cut off."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def waits(gate: threading.Event, then: Step) -> Step:
    """Another step once the gate is open."""

    def step(connection: socket.socket) -> None:
        gate.wait(timeout=30)
        then(connection)

    return step


@dataclass
class Geocoder:
    """What happened so far: the head of each request, and how many were answered at the same time."""

    port: int
    steps: list[Step]
    certificate: ssl.SSLContext | None = None
    heads: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _sockets: list[socket.socket] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where it is asked."""
        return f"http{'s' if self.certificate else ''}://127.0.0.1:{self.port}/geocoder/geographies/address"

    @property
    def questions(self) -> list[dict[str, str]]:
        """The query of each request."""
        targets = [head.split(" ")[1] for head in self.heads]
        return [dict(parse_qsl(urlsplit(target).query, strict_parsing=True)) for target in targets]

    def wait_for(self, requests: int) -> None:
        """Return as soon as so many requests have come; fails after ten seconds."""
        deadline = time.monotonic() + 10
        while len(self.heads) < requests:
            assert time.monotonic() < deadline, f"only {len(self.heads)} of {requests} requests came"
            time.sleep(0.005)

    def serve(self, accepted: socket.socket) -> None:
        """One connection."""
        with accepted, contextlib.suppress(OSError):
            connection = self.certificate.wrap_socket(accepted, server_side=True) if self.certificate else accepted
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    more = connection.recv(4096)
                    if not more:
                        return
                    head += more
                with self._lock:
                    self._sockets.append(connection)
                    self.heads.append(head.decode())
                    step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
                    self.at_once += 1
                    self.most_at_once = max(self.most_at_once, self.at_once)
                try:
                    step(connection)
                finally:
                    with self._lock:
                        self.at_once -= 1

    def end(self) -> None:
        """Drop everybody who is still there."""
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def geocoder(*steps: Step, certificate: ssl.SSLContext | None = None) -> Iterator[Geocoder]:
    """A server that does these steps."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Geocoder(listener.getsockname()[1], list(steps), certificate)
        threads: list[threading.Thread] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _address = listener.accept()
                    thread = threading.Thread(target=server.serve, args=(connection,))
                    threads.append(thread)
                    thread.start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            server.end()
            for thread in threads:
                thread.join()
