"""Clients that are slow, silent or never done, at the real web server: they hold nobody up, and they have an end."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.serve.buffering import BufferingWorker, Limits
from app.serve.framing import Framing
from app.serve.webserver import WebServer
from config import ROOT
from tests.ports import free_port
from tests.serve.hasty_web import LIMITS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts connections in /proc")

CROWD = 48
"""More than three times as many as there are threads."""
OUTER = 30.0
PAGE = "/reunite-families"
GET = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"

Port = int


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Port]:
    """Of a web server whose limits are seconds, in a sandbox with the sample campaign."""
    free = free_port()
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path_factory.mktemp("data")), "PORT": str(free)}
    command = [sys.executable, "-m", "tests.serve.hasty_web"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"Ready\n"
        yield free
        server.send_signal(signal.SIGTERM)


def connect(port: Port, *, receives: int | None = None) -> socket.socket:
    client = socket.socket()
    if receives:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
    client.settimeout(OUTER)
    client.connect(("127.0.0.1", port))
    return client


def asked(port: Port, method: str = "GET", path: str = PAGE, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=OUTER)
    with contextlib.closing(connection):
        connection.request(method, path, body, {"Content-Type": "application/x-www-form-urlencoded"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def everything(client: socket.socket) -> bytes:
    """All that the server sends until it leaves."""
    heard = b""
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(65536):
            heard += piece
    return heard


class Crowd:
    """Clients of one kind. A thread goes on for all of them, until the server has left each or the test is over."""

    def __init__(self, port: Port, begins: bytes, drop: bytes = b"", receives: int | None = None) -> None:
        self.clients = [connect(port, receives=receives) for _number in range(CROWD)]
        self._drop = drop
        self._over = threading.Event()
        for client in self.clients:
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.send(begins)
        self._thread = threading.Thread(target=self._go_on)
        self._thread.start()

    def _go_on(self) -> None:
        while self._drop and not self._over.wait(0.1):
            for client in self.clients:
                with contextlib.suppress(OSError):
                    client.send(self._drop)

    def left(self) -> int:
        """How many of them the server still has."""
        return len(held() & {int(client.getsockname()[1]) for client in self.clients})

    def end(self) -> None:
        self._over.set()
        self._thread.join()
        for client in self.clients:
            client.close()


def held() -> set[int]:
    """The ports of all clients on this machine whose other end some program still has open."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return {int(row[2].partition(":")[2], 16) for row in rows if row[9] != "0"}


KINDS: dict[str, Callable[[Port], Crowd]] = {
    "silent": lambda port: Crowd(port, b""),
    "a first line in drops": lambda port: Crowd(port, b"GE", b"T"),
    "a head in drops": lambda port: Crowd(port, GET % b"/healthz" + b"X-Slow: ", b"x"),
    "a body in drops": lambda port: Crowd(
        port, b"POST /reunite-families HTTP/1.1\r\n" + FORM + b"Content-Length: 90000\r\n\r\n", b"a"
    ),
    "chunks in drops": lambda port: Crowd(
        port, b"POST /reunite-families HTTP/1.1\r\n" + FORM + b"Transfer-Encoding: chunked\r\n\r\n1", b";"
    ),
    "too long a body, in drops": lambda port: Crowd(
        port, b"POST /reunite-families HTTP/1.1\r\n" + FORM + b"Content-Length: 9000000\r\n\r\n", b"a"
    ),
    "never reads": lambda port: Crowd(port, (GET % PAGE.encode() + b"\r\n") * 200, receives=1),
    "never leaves": lambda port: Crowd(port, GET % b"/healthz" + b"Connection: close\r\n\r\n", receives=1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_crowd_of_slow_clients_keeps_nobody_out_and_has_an_end(port: Port, kind: str) -> None:
    crowd = KINDS[kind](port)
    begun = time.monotonic()
    try:
        time.sleep(0.3)  # until all of them are in
        for _number in range(10):
            status, page = asked(port)
            assert status == 200
            assert b"</html>" in page
        assert time.monotonic() - begun < 10
        while crowd.left():
            assert time.monotonic() - begun < OUTER, f"{crowd.left()} of {CROWD} are still served"
            time.sleep(0.1)
    finally:
        crowd.end()


def test_an_honest_slow_line_gets_through(port: Port) -> None:
    """Slower than a head may be, and in time all the same."""
    with connect(port) as client:
        client.sendall(b"POST /reunite-families HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + FORM)
        client.sendall(b"Content-Length: 20000\r\n\r\n")
        for _number in range(10):
            time.sleep(1.2 * LIMITS.head / 10)
            client.sendall(b"a" * 2000)

        assert everything(client).startswith(b"HTTP/1.1 200 OK\r\n")


def test_an_answer_goes_to_its_end_however_slowly_it_is_read(port: Port) -> None:
    _status, page = asked(port)
    with connect(port, receives=1) as client:
        client.sendall(GET % PAGE.encode() + b"Connection: close\r\n\r\n")
        heard = b""
        while piece := client.recv(2000):
            heard += piece
            time.sleep(0.02)

    assert len(heard.partition(b"\r\n\r\n")[2]) == len(page)


def test_too_long_a_body_is_answered_though_all_of_it_is_sent_first(port: Port) -> None:
    status, page = asked(port, "POST", PAGE, b"a" * 1_000_000)

    assert status == 413
    assert b"</html>" in page


def test_who_waits_for_leave_to_send_a_body_gets_it(port: Port) -> None:
    with connect(port) as client:
        client.sendall(b"POST /reunite-families HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + FORM)
        client.sendall(b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        client.sendall(b"a=bc")

        assert b"HTTP/1.1 200 OK\r\n" in everything(client)


def test_requests_in_a_row_are_answered_in_their_order(port: Port) -> None:
    paths = [b"/healthz", PAGE.encode(), b"/nowhere", b"/privacy"]
    with connect(port) as client:
        client.sendall(b"".join(GET % path + b"\r\n" for path in paths) + GET % b"/healthz" + b"Connection: close\r\n")
        time.sleep(0.1)
        client.sendall(b"\r\n")
        answers = everything(client)

    assert re.findall(rb"HTTP/1\.1 (\d+) ", answers) == [b"200", b"200", b"404", b"200", b"200"]


def test_what_follows_a_body_that_nobody_read_is_no_request(port: Port) -> None:
    hidden = GET % b"/healthz" + b"\r\n"
    with connect(port) as client:
        client.sendall(b"POST /reunite-families HTTP/1.1\r\nHost: 127.0.0.1\r\n" + FORM)
        client.sendall(b"Content-Length: 300000\r\n\r\n" + hidden * 100)

        assert re.findall(rb"HTTP/1\.1 (\d+) ", everything(client)) == [b"413"]


def test_a_request_that_is_whole_is_answered_though_its_sender_says_no_more(port: Port) -> None:
    with connect(port) as client:
        client.sendall(GET % b"/healthz" + b"\r\n")
        client.shutdown(socket.SHUT_WR)

        assert everything(client).startswith(b"HTTP/1.1 200 OK\r\n")


def test_half_a_request_ends_without_an_answer(port: Port) -> None:
    for half in (b"GET", GET % b"/healthz", b"POST /reunite-families HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"):
        with connect(port) as client:
            client.sendall(half)
            client.shutdown(socket.SHUT_WR)

            assert everything(client) == b""


def test_of_those_who_fill_the_memory_the_largest_go(port: Port) -> None:
    head = b"POST /reunite-families HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + FORM
    begun = time.monotonic()
    with contextlib.ExitStack() as opened:
        small = opened.enter_context(connect(port))
        small.sendall(head + b"Content-Length: 40\r\n\r\na=b")
        heavy = [opened.enter_context(connect(port)) for _number in range(40)]
        for client in heavy:
            client.sendall(head + b"Content-Length: 250000\r\n\r\n" + b"a" * 150_000)
        ports = {int(client.getsockname()[1]) for client in heavy}
        while len(ports & held()) > 30:  # of 6 MB at least half, in three processes
            assert time.monotonic() - begun < LIMITS.request - 0.5
            time.sleep(0.1)
        small.sendall(b"c" * 37)

        assert everything(small).startswith(b"HTTP/1.1 200 OK\r\n")


HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
COMPLETE = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
    HEAD + b"Content-Length: 0\r\n\r\n",
    HEAD + b"Content-Length: 5\r\n\r\nhello",
    HEAD + b"CONTENT-length:5  \r\n\r\n\r\n\r\n\r",
    HEAD + b"Content-Length: 100\r\n\r\n" + b"a" * 100,
]


@pytest.mark.parametrize("request_", COMPLETE)
def test_a_request_is_complete_at_its_end_and_not_before(request_: bytes) -> None:
    framing = Framing(100)
    for end in range(len(request_)):
        assert not framing.is_complete(request_[:end]), request_[:end]

    assert framing.is_complete(request_)
    assert Framing(100).is_complete(request_ + b"GET /another HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "hopeless",
    [
        b"GET /" + b"a" * 66_000,
        HEAD + b"Content-Length: 101\r\n\r\n",
        HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 5, 5\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_will_be_refused_is_not_waited_for(hopeless: bytes) -> None:
    assert Framing(100).is_complete(hopeless)


def test_as_it_runs_it_waits_for_an_honest_slow_line() -> None:
    limits = Limits()

    assert limits.request > limits.body / (16_000 / 8)
    server = WebServer(0, 0)
    assert server.cfg.worker_class is BufferingWorker
    assert BufferingWorker.limits == limits
    assert limits.buffers * server.cfg.workers < 200_000_000
