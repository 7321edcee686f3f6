"""Somebody with a text browser reads the page, and writes to Congress in a real terminal, key by key."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.sandbox.mailbox import Mail, list_mails, read_mail
from tests import pages
from tests.serve.processes import Redress, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")

ARRIVE_IN = 10.0
READ_FOR = 3.1  # the form wants three seconds
TAB, ENTER = "\t", "\r"


def needed(program: str) -> None:
    """Skip the test without this program, but never under CI."""
    if shutil.which(program) is None:
        missing = f"no {program}: apt-get install {program}"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)


class Terminal:
    """lynx in a pseudo-terminal of 60 lines. `shown` is all that it has written since the last key."""

    def __init__(self, url: str, home: Path) -> None:
        environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm"}
        self._terminal, theirs = pty.openpty()
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 100, 0, 0))
        command = ["lynx", "-nopause", "-accept_all_cookies", url]
        self._process = subprocess.Popen(
            command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        self.shown = ""
        self._read()

    def keys(self, *keys: str) -> None:
        """Press them one after the other, each when the screen shows the one before and has come to rest."""
        for key in keys:
            self.shown = ""
            os.write(self._terminal, key.encode())
            self._read()

    def sees(self, words: str) -> bool:
        """Whether the words come onto the screen within ten seconds."""

        def shown() -> bool:
            self._read(patience=0.1)
            return words in self.text

        return until(shown, 10)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    def _read(self, patience: float = 5.0) -> None:
        """What is written until there is a pause; there may be as much patience for the beginning."""
        while select.select([self._terminal], [], [], patience)[0]:
            self.shown += os.read(self._terminal, 65536).decode("utf-8", "replace")
            patience = 0.2

    @property
    def text(self) -> str:
        """Without what moves the cursor and sets colours."""
        return " ".join(
            re.sub(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>])|[\x00-\x08\x0e\x0f]", " ", self.shown).split()
        )


@contextlib.contextmanager
def lynx(url: str, home: Path) -> Iterator[Terminal]:
    terminal = Terminal(url, home)
    try:
        yield terminal
    finally:
        terminal.close()


def stops(html: str) -> list[str]:
    """Where Tab stops in lynx, in order: names of fields, words of buttons and links."""
    root = pages.parse(html)
    found = ["alternate" for link in root.iter("link") if link.get("rel") == "alternate"]
    for element in root.iter():
        if element.tag == "a":
            found.append("".join(element.itertext()).strip())
        elif element.tag in {"select", "textarea"} or (
            element.tag == "input" and element.get("type") not in {"hidden", "submit"}
        ):
            found.append(str(element.get("name")))
        elif element.tag in {"button", "input"} and element.get("type") == "submit":
            found.append(str(element.get("value") if element.tag == "input" else "".join(element.itertext())))
    return found


def newest(site: Redress, count: int) -> Mail:
    """The newest mail, once there are so many."""
    folder = site.data_dir / "mailbox"
    assert until(lambda: len(list_mails(folder)) >= count, ARRIVE_IN)
    mail = read_mail(folder, list_mails(folder)[0].key)
    assert mail is not None
    return mail


TYPED = {
    "given-name": "Ana",
    "family-name": "Ruiz",
    "address-line1": "12 Main Street",
    "address-level2": "Cheyenne",
    "postal-code": "82001",
    "email": "ana@example.org",
}
BEFORE_THE_WORDS = [
    "alternate", "Open the mailbox", "Show me my letters", "Sample Organisation", "Español", "write-to", "write-to",
    "write-to",
]  # fmt: skip


def writes(terminal: Terminal, order: list[str]) -> bool:
    """Whether the form could be filled and sent. On a busy machine lynx loses keys; then a person begins again."""
    opened = time.monotonic()
    for stop in order[: order.index("email") + 1]:
        if stop == "address-level1":
            terminal.keys(ENTER, "/", "Wyoming", ENTER, ENTER)
        elif stop in TYPED:
            terminal.keys(TYPED[stop])
        terminal.keys(TAB)
    terminal.keys(TAB)  # past the field that people leave empty
    time.sleep(max(0.0, READ_FOR - (time.monotonic() - opened)))
    terminal.keys(ENTER)
    if not terminal.sees("Senator John Barrasso"):
        return False
    # The letters: the words of one's own, and past "Read your 3 letters" and the button beside it the one that sends.
    terminal.keys(*[TAB] * len(BEFORE_THE_WORDS), "We need them home.", TAB, TAB, TAB, ENTER)
    return terminal.sees("Check your e-mail")


def confirms(terminal: Terminal, order: list[str]) -> bool:
    """The same for the page behind the link of the mail."""
    terminal.keys(*[TAB] * order.index("Confirm and send"), ENTER)
    return terminal.sees("Thank you, Ana.")


def test_the_whole_journey_in_a_terminal(site: Redress, tmp_path: Path) -> None:
    needed("lynx")

    def at_last(step: Callable[[Terminal, list[str]], bool], path: str) -> bool:
        order = stops(site.get(path)[1])
        for _ in range(4):
            with lynx(f"http://127.0.0.1:{site.port}{path}", tmp_path) as terminal:
                if step(terminal, order):
                    return True
        return False

    assert at_last(writes, "/reunite-families")
    mail = newest(site, 1)
    (link,) = re.findall(r"^http\S+$", mail.text, re.MULTILINE)
    assert at_last(confirms, link.removeprefix(f"http://127.0.0.1:{site.port}"))

    newest(site, 5)
    found = [read_mail(site.data_dir / "mailbox", one.key) for one in list_mails(site.data_dir / "mailbox")]
    letters = [one for one in found if one and one.recipients[0].endswith("@offices.invalid")]
    assert len(letters) == 3
    assert all("\n\nWe need them home.\n\n* * *\n\n" in letter.text for letter in letters)


@pytest.mark.parametrize(
    "command", [["w3m", "-dump", "-cols", "80"], ["lynx", "-dump", "-nolist", "-width=80"]], ids=["w3m", "lynx"]
)
def test_in_a_text_browser_the_page_reads_in_a_sensible_order(
    site: Redress, command: list[str], tmp_path: Path
) -> None:
    needed(command[0])
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "dumb"}
    shown = subprocess.run(
        [*command, f"http://127.0.0.1:{site.port}/reunite-families"],
        env=environment,
        capture_output=True,
        check=True,
        timeout=20,
    ).stdout.decode("utf-8", "replace")
    words = " ".join(shown.split())

    order = [
        "Trial mode: nothing leaves this machine.",
        "Reunite Families",
        "Seventeen families",
        "Your Senators",
        "We e-mail it to the office.",
        "Your Representative",
        "Write to them",
        "First name (required) *",
        "Last name (required) *",
        "Street address (required) *",
        "Apartment, unit (optional)",
        "City (required) *",
        "State (required) *",
        "ZIP code (required) *",
        "Email (required) *",
        "Show me my letters",
        "The letter",
        "Dear [Decision Maker],",
        "[Your Name]",
        "[Your Email]",
    ]
    places = [words.rfind(part) if part == "Show me my letters" else words.find(part) for part in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)
