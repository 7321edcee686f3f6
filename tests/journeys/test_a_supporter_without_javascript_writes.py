"""Somebody without JavaScript writes to Congress, on a site that really runs, and the mails really arrive."""

from __future__ import annotations

import re
import sys
import time
import uuid
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from werkzeug.datastructures import Headers

from app.sandbox.mailbox import Mail, list_mails, read_mail
from tests import pages
from tests.factories import supporter
from tests.serve.processes import Redress

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")

ARRIVE_IN = 10.0
READ_FOR = 3.1  # the form wants three seconds


class Walker:
    """`pages.Page` over real HTTP: each page is checked like those of the other tests."""

    def __init__(self, site: Redress) -> None:
        self.root = f"http://127.0.0.1:{site.port}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.page = pages.Page("", 0, Headers(), "", None)

    def open(self, url: str) -> pages.Page:
        return self._arrive(self.session.get(urljoin(self.root, url), timeout=10))

    def fill(self, **fields: str) -> Walker:
        for name, value in fields.items():
            self.page.typed[self.page.control(name.replace("_", "-"))] = value
        return self

    def press(self, words: str) -> pages.Page:
        for form in self.page.all("form"):
            for element in form.iter():
                if element.get("type") == "submit" and element.get("value") == words:
                    target = urljoin(self.page.url, form.get("action") or "")
                    data = self.page.sent_by(form, element)
                    return self._arrive(self.session.post(target, data=data, timeout=10))
        raise AssertionError(f"no button {words!r}: {self.page.buttons}")

    def _arrive(self, response: requests.Response) -> pages.Page:
        root = pages.parse(response.text)
        pages.check_elements(root)
        assert "Set-Cookie" not in response.headers
        assert "unsafe" not in response.headers["Content-Security-Policy"]
        headers = Headers(list(response.headers.items()))
        self.page = pages.Page(response.url, response.status_code, headers, response.text, root)
        return self.page


def arrived(site: Redress, count: int) -> list[Mail]:
    """All mails, oldest first, once there are so many; in ten seconds at most."""
    folder = site.data_dir / "mailbox"
    deadline = time.monotonic() + ARRIVE_IN
    while len(found := list_mails(folder)) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} mails after {ARRIVE_IN} s"
        time.sleep(0.05)
    assert len(found) == count
    opened = [read_mail(folder, summary.key) for summary in reversed(found)]
    return [mail for mail in opened if mail is not None]


def test_the_whole_journey(site: Redress) -> None:
    walker = Walker(site)

    # The page, the form, the letters.
    page = walker.open("/")
    assert page.heading == "Reunite Families"
    time.sleep(READ_FOR)
    page = walker.fill(**supporter()).press("Show me my letters")
    assert len(page.letters) == 3
    page = walker.press("Send my letters")
    assert page.heading == "Check your e-mail"

    # The mail to confirm.
    (confirmation,) = arrived(site, 1)
    assert confirmation.recipients == ("ana.garcia@example.org",)
    assert "Nothing has been sent to an office yet." in confirmation.text
    (link,) = re.findall(r"^http\S+$", confirmation.text, re.MULTILINE)
    assert link.startswith(f"http://127.0.0.1:{site.port}/confirm/")
    listed = walker.open("/mailbox")
    assert "Please confirm: Reunite Families" in listed.text

    # The button behind its link.
    assert walker.open(link).heading == "Confirm and send"
    time.sleep(0.3)
    assert len(list_mails(site.data_dir / "mailbox")) == 1  # looking sends nothing
    page = walker.press("Confirm and send")
    assert page.heading.startswith("Thank you, Ana.")
    receipt = page.url

    # The letters and the copy.
    mails = arrived(site, 5)[1:]
    letters = [mail for mail in mails if mail.recipients[0].endswith("@offices.invalid")]
    (copy,) = [mail for mail in mails if mail not in letters]
    assert {letter.recipients for letter in letters} == {
        ("b001261@offices.invalid",),
        ("l000571@offices.invalid",),
        ("h001096@offices.invalid",),
    }
    assert {letter.text.partition(",")[0] for letter in letters} == {
        "Dear Senator Barrasso",
        "Dear Senator Lummis",
        "Dear Representative Hageman",
    }
    for letter in letters:
        assert_written_on_behalf(letter)
    assert len({dict(mail.headers)["Message-ID"] for mail in [confirmation, *mails]}) == 5
    assert len({mail.envelope_from for mail in [confirmation, *mails]}) == 5
    assert copy.recipients == ("ana.garcia@example.org",)
    assert receipt in copy.text
    for name in ("Senator John Barrasso", "Senator Cynthia M. Lummis", "Representative Harriet M. Hageman"):
        assert name in copy.text

    # The receipt, when everything was taken.
    assert settled(walker, receipt).count("The mail server accepted it on") == 4

    # What was written meanwhile names nobody.
    for secret in ("Ana", "García", "Randall", "ana.garcia", link.rpartition("/")[2]):
        assert secret not in site.output


def settled(walker: Walker, receipt: str) -> str:
    """The words of the receipt once nothing is on its way any more."""
    deadline = time.monotonic() + ARRIVE_IN
    while "On its way" in (text := walker.open(receipt).text):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return text


def assert_written_on_behalf(letter: Mail) -> None:
    """From is ours, Reply-To the signer, the envelope an address of our own, and no merge field is left."""
    headers = dict(letter.headers)
    assert headers["From"] == "Ana García Ruiz via Sample Organisation <letters@sandbox.invalid>"
    assert headers["Reply-To"] == "Ana García Ruiz <ana.garcia@example.org>"
    assert headers["To"] == letter.recipients[0]
    assert headers["Subject"] == "Please reunite the families from Calexico"
    match = re.fullmatch(r"<([0-9a-f-]{36})@sandbox\.invalid>", headers["Message-ID"])
    assert match is not None
    plain = uuid.UUID(match[1]).hex
    assert re.fullmatch(rf"b\+{plain}\.[0-9a-f]{{16}}@sandbox\.invalid", letter.envelope_from)
    assert "\n\nAna García Ruiz\n1200 Randall Avenue\nCheyenne, WY 82001\nana.garcia@example.org\n" in letter.text
    assert "[" not in letter.text
    assert "Sample Organisation sent this letter for Ana García Ruiz" in letter.text
    assert "Ana García Ruiz confirmed it by e-mail on " in letter.text
    assert "A reply to this message reaches Ana García Ruiz directly, not us." in letter.text


def test_a_real_server_answers_strange_requests_with_a_page_and_stays(site: Redress) -> None:
    pages_root = f"http://127.0.0.1:{site.port}"

    def ask(method: str, path: str, data: object = None, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with requests.Session() as session:  # each on a connection of its own
            session.trust_env = False
            return session.request(method, pages_root + path, data=data, headers=named, timeout=10)  # type: ignore[arg-type]

    big = ask("POST", "/reunite-families", {"given-name": "x" * 300_000})
    huge = ask("POST", "/reunite-families", {"given-name": "x" * 3_000_000})
    chunked = ask("POST", "/reunite-families", (b"x" * 1000 for _ in range(400)))
    host = ask("GET", "/reunite-families", Host="evil.example")
    no_host = ask("GET", "/reunite-families", Host="a" * 200)
    forwarded = ask("GET", "/mailbox", X_Forwarded_For="192.0.2.1")
    elsewhere = ask("GET", "/mailbox", Host="evil.example")
    long_link = ask("GET", f"/reunite-families?family-name={'y' * 6000}&given-name={'x' * 1900}")
    longer_link = ask("GET", f"/reunite-families?family-name={'y' * 9000}")

    assert (big.status_code, "That was too much text" in big.text) == (413, True)
    assert (huge.status_code, "That was too much text" in huge.text) == (413, True)
    assert chunked.status_code == 411
    assert (long_link.status_code, long_link.text.count("what the link or form held cannot stand here")) == (200, 4)
    assert 400 <= longer_link.status_code < 500
    assert no_host.status_code == 400
    assert (host.status_code, "evil.example" in host.text) == (200, False)
    assert (forwarded.status_code, elsewhere.status_code) == (404, 404)
    assert site.get("/reunite-families")[0] == 200
    assert "Traceback" not in site.output


def test_links_in_mails_lead_where_the_site_says_it_is(site: Redress) -> None:
    (confirmation,) = [mail for mail in arrived(site, 5) if "/confirm/" in mail.text]

    assert {urlsplit(url).netloc for url in re.findall(r"https?://\S+", confirmation.text)} == {
        f"127.0.0.1:{site.port}"
    }
