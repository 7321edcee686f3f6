"""Fetching a file from a real server on loopback that does just what a script says."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from app.deadlines import IN_TIME
from app.legislators.keeping import fetching
from app.legislators.keeping.fetching import CannotFetch, Fetched, Known, Unchanged, fetch
from tests.certificates import Authority

MOST = 1_000_000
Reply = Callable[[socket.socket], None]


class Server:
    """Answers each connection with the next reply, the last one again and again; keeps what it was asked."""

    def __init__(self, replies: list[Reply], certificate: ssl.SSLContext | None = None) -> None:
        self._replies = replies
        self._certificate = certificate
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.asked: list[str] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self, path: str = "/data/members.json", host: str = "127.0.0.1") -> str:
        return f"{'https' if self._certificate else 'http'}://{host}:{self.port}{path}"

    def _serve(self) -> None:
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if self._certificate:
                connection = self._certificate.wrap_socket(connection, server_side=True)
            with connection:
                asked = b""
                while b"\r\n\r\n" not in asked:
                    piece = connection.recv(4096)
                    if not piece:
                        return
                    asked += piece
                self.asked.append(asked.decode("latin-1"))
                reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
                reply(connection)

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()


Serve = Callable[..., Server]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(fetching, "_PAUSE", 0.01)


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def start(*replies: Reply, certificate: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(list(replies), certificate))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def answer(body: bytes = b"{}", status: str = "200 OK", *headers: str, length: int | None = -1) -> Reply:
    """An answer with the length of its body; another `length`, or none at all, if told so."""
    lines = [f"HTTP/1.1 {status}", *headers, "Connection: close"]
    if length is not None:
        lines.append(f"Content-Length: {len(body) if length == -1 else length}")
    return lambda connection: connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)


def to(location: str, status: str = "302 Found") -> Reply:
    return answer(b"", status, f"Location: {location}")


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def hang(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def dripping(head: bytes, drop: bytes) -> Reply:
    """A reply that goes on for ever, a drop at a time."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            time.sleep(0.05)
            connection.sendall(drop)

    return drip


def refusal(url: str, known: Known | None = None, most: int = MOST, deadline: float = 20.0) -> str:
    with pytest.raises(CannotFetch) as caught:
        fetch(url, known, most, deadline=deadline)
    return str(caught.value)


def fetched(url: str, known: Known | None = None, most: int = MOST) -> Fetched:
    result = fetch(url, known, most)
    assert isinstance(result, Fetched)
    return result


def test_a_file_comes_with_what_the_server_says_of_it(serve: Serve) -> None:
    headers = ('ETag: "abc"', "Last-Modified: Tue, 24 Nov 2026 17:00:00 GMT", "Content-Type: application/json")
    server = serve(answer(b'{"a": 1}', "200 OK", *headers))

    assert fetch(server.url(), None, MOST) == Fetched(
        content=b'{"a": 1}',
        etag='"abc"',
        last_modified=datetime(2026, 11, 24, 17, tzinfo=UTC),
        url=server.url(),
    )
    assert server.asked[0].startswith("GET /data/members.json HTTP/1.1\r\n")
    assert "User-Agent: Redress\r\n" in server.asked[0]
    assert "If-" not in server.asked[0]


@pytest.mark.parametrize("moment", ["yesterday", "Tue, 99 Nov 2026 17:00:00 GMT", "Tue, 24 Nov 99999 17:00:00 GMT", ""])
def test_a_moment_or_name_that_makes_no_sense_is_none(serve: Serve, moment: str) -> None:
    server = serve(answer(b"{}", "200 OK", f"Last-Modified: {moment}", 'ETag: "ä b"'))

    result = fetched(server.url())

    assert (result.last_modified, result.etag) == (None, "")


def test_what_is_known_is_said_and_need_not_come_again(serve: Serve) -> None:
    server = serve(answer(b"", "304 Not Modified", length=None))
    known = Known('W/"abc"', datetime(2026, 11, 24, 17, tzinfo=UTC))

    assert fetch(server.url(), known, MOST) == Unchanged()
    assert 'If-None-Match: W/"abc"\r\n' in server.asked[0]
    assert "If-Modified-Since: Tue, 24 Nov 2026 17:00:00 GMT\r\n" in server.asked[0]


def test_a_name_that_would_be_a_header_of_its_own_is_not_said(serve: Serve) -> None:
    server = serve(answer())

    fetched(server.url(), Known('"abc"\r\nCookie: x', None))

    assert "abc" not in server.asked[0]


def test_unchanged_is_no_answer_to_who_knows_nothing(serve: Serve) -> None:
    server = serve(answer(b"", "304 Not Modified", length=None))

    assert refusal(server.url()) == "127.0.0.1/data/members.json cannot be fetched: it answered 304."


NOT_HTTPS = "only https addresses are asked"
NO_SENSE = "the address makes no sense"
NAMED = "an address with a name and password is not asked"


@pytest.mark.parametrize(
    ("url", "where", "cause"),
    [
        ("http://clerk.house.gov/a.xml?b=c", "clerk.house.gov/a.xml", NOT_HTTPS),
        ("http://127.0.0.1.nip.io/a", "127.0.0.1.nip.io/a", NOT_HTTPS),
        ("ftp://localhost/a", "localhost/a", NOT_HTTPS),
        ("file:///etc/hosts", "/etc/hosts", NO_SENSE),
        ("members.json", "members.json", NO_SENSE),
        ("", "The file", NO_SENSE),
        ("https://[::1/a", "The file", NO_SENSE),
        ("https://localhost:x/a", "localhost/a", NO_SENSE),
        ("http://localhost\\.example.org/a", "localhost\\.example.org/a", NO_SENSE),
        ("http://localhost/a b", "localhost/a b", NO_SENSE),
        ("https://me:secret@localhost/a", "localhost/a", NAMED),
        ("http://me@localhost/a", "localhost/a", NAMED),
    ],
)
def test_only_encrypted_addresses_and_those_of_this_machine_are_asked(url: str, where: str, cause: str) -> None:
    assert refusal(url) == f"{where} cannot be fetched: {cause}."


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_asked_without_encryption(serve: Serve, host: str) -> None:
    assert fetched(serve(answer()).url(host=host)).content == b"{}"


def test_encrypted_files_come_when_the_certificate_is_good(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority.made_in(tmp_path)
    server = serve(answer(), certificate=authority.server("DNS:localhost"))

    assert refusal(server.url(host="localhost")) == (
        "localhost/data/members.json cannot be fetched: its certificate is not accepted."
    )
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.certificate))
    assert fetched(server.url(host="localhost")).content == b"{}"
    assert refusal(server.url()) == "127.0.0.1/data/members.json cannot be fetched: its certificate is not accepted."


def test_the_organisations_proxy_is_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(answer(b"through the proxy"))
    monkeypatch.setenv("http_proxy", proxy.url(""))

    assert fetched("http://localhost:9/a.json").content == b"through the proxy"
    assert proxy.asked[0].startswith("GET http://localhost:9/a.json HTTP/1.1\r\n")


def test_a_proxy_that_does_not_answer_is_said(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(answer())
    proxy.close()
    monkeypatch.setenv("http_proxy", proxy.url(""))

    assert refusal("http://localhost:9/a.json").endswith(": the proxy does not let us through.")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_the_same_host_may_send_us_on(serve: Serve, status: str) -> None:
    server = serve(to("/elsewhere.json", status), answer(b"found"))

    result = fetched(server.url(), Known('"abc"'))

    assert result == Fetched(b"found", "", None, server.url("/elsewhere.json"))
    assert 'If-None-Match: "abc"\r\n' in server.asked[1]


def test_what_comes_with_being_sent_on_is_not_read(serve: Serve) -> None:
    endless = dripping(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere.json\r\n\r\n", b"x")

    assert fetched(serve(endless, answer(b"found")).url()).content == b"found"


def test_three_times_sent_on_is_enough(serve: Serve) -> None:
    assert fetched(serve(to("/1"), to("/2"), to("/3"), answer(b"found")).url()).content == b"found"

    server = serve(to("/again"))

    assert refusal(server.url()) == "127.0.0.1/data/members.json cannot be fetched: it sends us on more than 3 times."
    assert len(server.asked) == 4


@pytest.mark.parametrize("location", ["https://example.org/x", "//example.org:443/x", "http://me@example.org"])
def test_another_host_is_named_and_not_asked(serve: Serve, location: str) -> None:
    assert refusal(serve(to(location)).url("/a.json?token=x")) == (
        "127.0.0.1/a.json sends us to another host (example.org): give that address with --source if it is right."
    )


def test_a_host_is_named_without_what_it_may_not_hold(serve: Serve) -> None:
    sentence = refusal(serve(to("https://evil\x1b<b>.example/" + "x" * 900)).url())

    assert "another host (evil??b?.example): give" in sentence


@pytest.mark.parametrize(
    "location", ["ftp://127.0.0.1/x", "http://me:pw@127.0.0.1/x", "http://127.0.0.1:0/", "http://[/"]
)
def test_we_are_not_sent_to_an_address_that_we_would_not_ask(serve: Serve, location: str) -> None:
    server = serve(to(location))

    assert " cannot be fetched: " in refusal(server.url())
    assert len(server.asked) == 1


def test_we_are_not_sent_on_without_encryption(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority.made_in(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.certificate))
    in_clear = serve(answer())
    server = serve(to(in_clear.url(host="localhost")), certificate=authority.server("DNS:localhost"))

    assert refusal(server.url(host="localhost")).endswith(": it sends us on without encryption.")
    assert in_clear.asked == []


def test_sent_on_to_nowhere_is_an_answer_without_a_file(serve: Serve) -> None:
    assert refusal(serve(answer(b"", "302 Found")).url()).endswith(": it answered 302.")


def packed(content: bytes) -> bytes:
    """The same bytes whenever they are made: pytest names tests by them, on several workers."""
    return gzip.compress(content, mtime=0)


def test_a_file_may_be_packed(serve: Serve) -> None:
    server = serve(answer(packed(b"a" * 5000) + packed(b"b"), "200 OK", "Content-Encoding: gzip"))

    assert fetched(server.url(), most=5001).content == b"a" * 5000 + b"b"
    assert "Accept-Encoding: gzip\r\n" in server.asked[0]


@pytest.mark.parametrize(
    ("body", "encoding", "cause"),
    [
        (b"not packed at all", "gzip", "it is packed in a way that makes no sense"),
        (packed(b"a" * 5000)[:-9], "gzip", "the answer broke off"),
        (packed(b"a") + b"and more", "gzip", "it is packed in a way that makes no sense"),
        (zlib.compress(b"a"), "deflate", "it is packed in a way that we did not ask for"),
        (b"a", "gzip, gzip", "it is packed in a way that we did not ask for"),
    ],
)
def test_a_file_that_is_packed_badly_is_refused(serve: Serve, body: bytes, encoding: str, cause: str) -> None:
    server = serve(answer(body, "200 OK", f"Content-Encoding: {encoding}", length=None))

    assert refusal(server.url()).endswith(f": {cause}.")


@pytest.mark.parametrize("before", [b"", packed(bytes(MOST + 1))])
def test_a_bomb_is_left_packed(serve: Serve, before: bytes) -> None:
    bomb = before + packed(bytes(100_000_000))
    assert len(bomb) < MOST
    server = serve(answer(bomb, "200 OK", "Content-Encoding: gzip"))

    tracemalloc.start()
    try:
        assert refusal(server.url()).endswith(": it is larger than 1,000,000 bytes.")
        assert tracemalloc.get_traced_memory()[1] < 10 * MOST
    finally:
        tracemalloc.stop()


def test_an_answer_without_end_is_cut_off(serve: Serve) -> None:
    server = serve(dripping(b"HTTP/1.1 200 OK\r\n\r\n", bytes(100_000)))

    assert refusal(server.url()).endswith(": it is larger than 1,000,000 bytes.")


def test_what_is_announced_too_large_is_not_read(serve: Serve) -> None:
    def announced(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000001\r\n\r\n")
        hang(connection)

    assert refusal(serve(announced).url(), deadline=5).endswith(": it is larger than 1,000,000 bytes.")


def test_as_many_bytes_as_allowed_are_allowed(serve: Serve) -> None:
    assert fetched(serve(answer(b"12345")).url(), most=5).content == b"12345"
    assert fetched(serve(answer(b"12345", length=None)).url(), most=5).content == b"12345"
    assert refusal(serve(answer(b"123456", length=None)).url(), most=5).endswith(": it is larger than 5 bytes.")


@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "204 No Content", "206 Partial Content"])
def test_an_answer_without_the_file_names_its_number_and_is_asked_for_once(serve: Serve, status: str) -> None:
    server = serve(answer(b"", status, length=None))

    assert refusal(server.url()) == f"127.0.0.1/data/members.json cannot be fetched: it answered {status[:3]}."
    assert len(server.asked) == 1


def test_an_empty_file_is_none(serve: Serve) -> None:
    assert refusal(serve(answer(b"")).url()).endswith(": the file is empty.")


@pytest.mark.parametrize("kind", ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"])
def test_a_page_in_place_of_data_is_refused(serve: Serve, kind: str) -> None:
    server = serve(answer(b"<h1>Sign in</h1>", "200 OK", f"Content-Type: {kind}"))

    assert refusal(server.url()).endswith(": it sent a page in place of data.")


def test_data_as_plain_text_is_data(serve: Serve) -> None:
    assert fetched(serve(answer(b"[]", "200 OK", "Content-Type: text/plain; charset=utf-8")).url()).content == b"[]"


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_file_may_come_in_chunks(serve: Serve) -> None:
    server = serve(lambda connection: connection.sendall(CHUNKED + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"))

    assert fetched(server.url()).content == b"abcde"


@pytest.mark.parametrize(
    "half",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        CHUNKED + b"a\r\nhalf",
        CHUNKED + b"4\r\nhalf\r\n",
        CHUNKED,
    ],
)
def test_half_a_file_is_refused_after_a_second_try(serve: Serve, half: bytes) -> None:
    server = serve(lambda connection: connection.sendall(half))

    assert refusal(server.url()) == "127.0.0.1/data/members.json cannot be fetched: the answer broke off."
    assert len(server.asked) == 2


def half(connection: socket.socket) -> None:
    answer(b"half", length=10)(connection)


def half_then_reset(connection: socket.socket) -> None:
    half(connection)
    time.sleep(0.1)
    reset(connection)


@pytest.mark.parametrize("first", [reset, half, half_then_reset, answer(b"", "503 Busy"), answer(b"", "500 Oh")])
def test_what_fails_once_is_tried_again(serve: Serve, first: Reply) -> None:
    server = serve(first, answer(b"found"))

    assert fetched(server.url()).content == b"found"
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("reply", "cause"), [(reset, "there is no connection to it"), (answer(b"", "503 Busy"), "it answered 503")]
)
def test_what_fails_twice_is_not_tried_again(serve: Serve, reply: Reply, cause: str) -> None:
    server = serve(reply)

    assert refusal(server.url()) == f"127.0.0.1/data/members.json cannot be fetched: {cause}."
    assert len(server.asked) == 2


def test_nobody_listening_is_said(serve: Serve) -> None:
    server = serve(answer())
    server.close()

    assert refusal(server.url()).endswith(": there is no connection to it.")


def test_a_host_that_nobody_knows_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    assert refusal("https://example.invalid/a") == (
        "example.invalid/a cannot be fetched: nobody knows the host's address, or this machine has no network."
    )


def test_what_is_no_answer_is_refused(serve: Serve) -> None:
    server = serve(lambda connection: connection.sendall(b"220 mail.example.org\r\n"))

    assert " cannot be fetched: " in refusal(server.url())


def test_a_proxy_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http:///")

    assert refusal("http://localhost:9/a.json").endswith(": its address, the proxy or the answer makes no sense.")


def test_a_server_that_says_nothing_is_left(serve: Serve) -> None:
    begun = time.monotonic()

    assert refusal(serve(hang).url(), deadline=0.3).endswith(": it stopped answering.")
    assert time.monotonic() - begun < 3


def gone() -> bool:
    """Whether nobody fetches any more, after some patience."""
    ends = time.monotonic() + 5
    while any(thread.name == IN_TIME for thread in threading.enumerate()):
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x"),
        (CHUNKED, b"1\r\nx\r\n"),
        (CHUNKED + b"1", b";"),  # the line of a chunk
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        (b"", b"H"),
    ],
)
def test_a_server_that_drips_is_left_at_the_deadline_and_nobody_goes_on_reading(
    serve: Serve, head: bytes, drop: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_GRACE", 0.2)
    assert gone()
    begun = time.monotonic()

    assert refusal(serve(dripping(head, drop)).url(), deadline=0.5).endswith(": it took too long.")
    assert time.monotonic() - begun < 3
    assert gone()


def test_a_proxy_that_drips_is_left_too(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for a tunnel, before there is any request."""
    monkeypatch.setattr(fetching, "_GRACE", 0.2)
    assert gone()
    proxy = serve(dripping(b"", b"H"))
    monkeypatch.setenv("https_proxy", proxy.url(""))

    assert refusal("https://tables.example.org/members.json", deadline=0.5).endswith(": it took too long.")
    assert gone()


def test_nobody_is_sent_on_after_the_deadline(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(connection: socket.socket) -> None:
        for letter in "HTTP/1.1 302 Found\r\nLocation: /elsewhere.json\r\n\r\n":
            time.sleep(0.02)
            connection.sendall(letter.encode())

    monkeypatch.setattr(fetching, "_GRACE", 0.0)
    server = serve(slowly, answer())

    assert refusal(server.url(), deadline=0.5).endswith(": it took too long.")
    assert gone()
    assert len(server.asked) == 1


def test_the_second_try_is_made_before_the_deadline_or_not_at_all(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_PAUSE", 5.0)
    server = serve(answer(b"", "503 Busy"))

    assert refusal(server.url(), deadline=1.0).endswith(": it answered 503.")
    assert len(server.asked) == 1


def test_a_session_of_the_callers_own_stays_open(serve: Serve) -> None:
    server = serve(answer())

    with requests.Session() as session:
        session.headers["X-Mine"] = "yes"
        for _ in range(2):
            assert isinstance(fetch(server.url(), None, MOST, session=session), Fetched)

    assert all("X-Mine: yes\r\n" in asked for asked in server.asked)
