"""Two thousand requests of all kinds, the same in every run: the site may refuse them, but never fails."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from flask import Flask

from app.web import form_token
from tests.conftest import OpenSandbox
from tests.factories import SECRET, Clock, mails, stored, supporter
from tests.pages import Visitor, check_headers
from tests.web.steps import SEND, SHOW, begin, sent_address

REQUESTS = 2000
METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "get", "X" * 50]
BITS = [
    "", "a", "A" * 32, "reunite-families", "..", "%00", "\x00", "\x1b", "\x7f", "\x85", "é", "\u202e", "\u2028",
    "\ufeff", "\ufffd", "\uffff", "😀" * 50, "مرحبا", "[" * 200, "{{7*7}}", "${x}", "%(x)s", "{0}", "<script>",
    "'\";--",
    "\r\nX: y", "=cmd()", "0", "-1", "9" * 400, "x" * 5000, "null", "true", "\\", "/", "//", "?", "#", " ", "\t", "☃",
    "ﷺ", "İ",
]  # fmt: skip
RAW = [b"\xff\xfe", b"\xed\xa0\x80", b"%ED%A0%80", b"%", b"%zz", b"\xc0\xaf", b"&&&==", b"a=b=c;d", b"\x00" * 50]
FIELDS = [
    *(name.replace("_", "-") for name in supporter()),
    "token", "seal", "replaces", "district", "other-district", "chosen-for", "sure-of-state", "further-wishes",
    "mononym", "use-email", "asked-email", "left-out", "offered", "write-to", "_charset_", "show", "send",
    "again", "change", "sent", "stuck", "act", "stop", "unknown",
]  # fmt: skip
HEADERS = {
    "Host": [
        "localhost",
        "evil.example",
        "",
        "a b",
        "[::1",
        "[::1]:x",
        "x" * 300,
        "é",
        "127.0.0.1:99999999",
        "a@b",
        ":80",
    ],
    "Origin": ["null", "http://localhost", "https://evil.example", "http://[", "\x00", "file://", "x" * 3000],
    "Sec-Fetch-Site": ["same-origin", "cross-site", "none", "", "x"],
    "X-Forwarded-For": ["1.2.3.4", "::1, x", "x" * 5000, ",", "[::1]:80"],
    "X-Forwarded-Host": ["evil.example", "", ","],
    "X-Forwarded-Proto": ["https", "javascript", ""],
    "Accept-Language": ["es", "*;q=x", ";;;", "de-DE;q=9", "x" * 2000],
    "Cookie": ["session=x", "session=" + "A" * 3000, "=;=;"],
    "Range": ["bytes=0-", "bytes=9-1", "x"],
    "If-None-Match": ['"x"', "*", "W/"],
    "If-Modified-Since": ["Tue, 24 Nov 2026 12:00:00 GMT", "yesterday"],
    "Transfer-Encoding": ["chunked", "x"],
    "Expect": ["100-continue"],
    "Authorization": ["Basic x", "Basic " + "é"],
}
TYPES = [
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", "application/json",
    "text/plain", "", "multipart/form-data; boundary=" + "x" * 300, "application/x-www-form-urlencoded; charset=utf-16",
    "é/ü", "multipart/form-data; boundary=\"",
]  # fmt: skip


Fields = list[tuple[str, str]]


class Fuzz:
    """Makes requests by chance, but the same chance each time."""

    def __init__(self, app: Flask, clock: Clock, tokens: list[str], good: list[Fields], seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = clock
        self.tokens = tokens
        self.good = good
        self.client = app.test_client(use_cookies=False)

    def one(self) -> tuple[int, str]:
        """One request; its status and a line that tells what it was."""
        method = self.random.choice(METHODS + ["GET", "POST"] * 8)
        path, body, kind = self.path(), b"", ""
        environ: dict[str, object] = {}
        if self.random.random() < 0.6:
            body, kind = self.body()
        if self.random.random() < 0.05:
            environ["CONTENT_LENGTH"] = self.random.choice(["-1", "x", "", "99999999999", "3"])
        headers = [
            (name, self.random.choice(values)) for name, values in HEADERS.items() if self.random.random() < 0.06
        ]
        for name, value in headers:  # as a server hands them on: not all that a client library would let pass
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value.encode().decode("latin-1")
        path, _, query = path.partition("?")
        environ |= {"PATH_INFO": path.encode("utf-8", "surrogatepass").decode("latin-1"), "QUERY_STRING": query}
        with self.client.open(
            "/", method=method, data=body, content_type=kind or None, environ_overrides=environ, buffered=True
        ) as response:
            check_headers(response)
            return response.status_code, f"{method} {path[:90]!r} {kind[:60]} {headers} {body[:200]!r}"

    def path(self) -> str:
        token = self.random.choice([*self.tokens, *BITS])
        position = self.random.choice([*BITS, "1", "2", "9"])
        what = self.random.choice(["print", "withdraw", "erase", "reminder", "letters"])
        return self.random.choice(
            [
                "/", "/reunite-families", "/reunite-families", "/reunite-families", f"/sent/{token}",
                f"/confirm/{token}", f"/receipt/{token}", f"/receipt/{token}/letters/{position}",
                f"/receipt/{token}/{what}", f"/receipt/{token}/print?letter={quote(position)}", "/privacy", "/healthz",
                "/mailbox", f"/mailbox/{token}", "/static/redress.css", f"/static/{token}",
                f"/look/{token}",
                f"/reunite-families?given-name={quote(token)}&lang={quote(token)}", "/static/../config.py",
                f"/{token}", f"/{token}/{token}", f"/?{quote(token)}={quote(token)}",
            ]
        )  # fmt: skip

    def body(self) -> tuple[bytes, str]:
        if self.random.random() < 0.25:
            garbage = self.random.choice([*RAW, self.random.randbytes(200), b"--x\r\n" * 20, b"[" * 5000])
            return garbage, self.random.choice(TYPES)
        fields = self.random.choice(self.good) if self.random.random() < 0.2 else self.fields()
        if self.random.random() < 0.3:
            return multipart(fields), "multipart/form-data; boundary=x"
        body = urlencode(fields, errors="surrogatepass").encode()
        if self.random.random() < 0.1:
            body += b"&given-name=" + self.random.choice(RAW)
        return body, "application/x-www-form-urlencoded"

    def fields(self) -> Fields:
        """A good form, spoilt in up to three places; sometimes nothing but spoilt ones."""
        slug = self.random.choice(["reunite-families", "reunite-families", "other"])
        issued = form_token.issue(SECRET, slug, self.clock())
        self.clock.forward(seconds=self.random.choice([0, 4, 4, 4, 100]))
        person = supporter(
            given_name=self.random.choice(["Ana", "Bo", "李"]), email=f"a{self.random.randrange(300)}@example.org"
        )
        fields = [(name.replace("_", "-"), value) for name, value in person.items()]
        fields += [("token", issued.text), ("chosen-for", "WY 82001"), (self.random.choice(["show", "send"]), "")]
        for _ in range(self.random.choice([0, 0, 1, 1, 3])):
            fields.insert(
                self.random.randrange(len(fields) + 1),
                (
                    self.random.choice(FIELDS),
                    self.random.choice([*BITS, *self.tokens, "\ud800", "MA", "01007", "96199"]),
                ),
            )
            fields.pop(self.random.randrange(len(fields)))
        return fields


def multipart(fields: Fields) -> bytes:
    """The fields as parts, some of them files."""
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode("utf-8", "surrogatepass")
        for name, value in fields
    ]
    parts.append(b'--x\r\nContent-Disposition: form-data; name="email"; filename="../x"\r\n\r\nfile\r\n')
    return b"".join(parts) + b"--x--\r\n"


@pytest.mark.parametrize(("proxies", "channel"), [("0", "mail"), ("2", "handoff")])
def test_two_thousand_hostile_requests_and_not_one_failure(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path, proxies: str, channel: str
) -> None:
    app = open_sandbox(TRUSTED_PROXIES=proxies, SANDBOX_CHANNEL=channel, LIMIT_ADDRESS="50", LIMIT_NETWORK="100000")
    visitor, send = Visitor(app), SEND if channel == "mail" else "Get my letters"
    tokens = []
    for name in ("Al", "Ann"):
        begin(visitor, clock, given_name=name).press(SHOW)
        tokens += [sent_address(visitor.press(send)).rpartition("/")[2], mails(data_dir, "confirmation")[-1].token]
    visitor.post(f"/confirm/{tokens[-1]}", [])
    good = []
    for name in ("Bo", "Cy", "Di", "Ed"):
        begin(visitor, clock, given_name=name).press(SHOW)
        good.append(visitor.ready(send)[1])
    fuzz = Fuzz(app, clock, tokens, good, seed=20261124 + int(proxies))
    statuses: Counter[int] = Counter()
    for _ in range(REQUESTS):
        status, request = fuzz.one()
        assert status < 500 or status == 501, request
        statuses[status] += 1

    assert {200, 303, 400, 404, 405, 422} <= set(statuses), statuses
    assert statuses[200] > 100
    assert stored(data_dir)["signature"] > 2
    assert visitor.open("/reunite-families").status == 200
