"""A supporter's confirmed letters, what becomes of them at a mail server, and what their receipt says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from flask import Flask
from sqlalchemy.orm import Session

from app.delivery import Outcome, Outgoing, Sender
from app.delivery.drain import drain
from app.delivery.retries import Claimed, Policy
from app.delivery.sending import Gate, claim, recover
from app.extensions import db
from app.worker import gate_of, policy_of
from config import Config
from tests.delivery.factories import ScriptedSender
from tests.delivery.queue import never
from tests.factories import Clock, campaign_source, published
from tests.pages import Page, Visitor
from tests.smtp_server import Server, Taken
from tests.web.steps import confirm, sign

PROMISE = "We e-mail it to the office."
SIGNER, OFFICES = "ana.garcia@example.org", "@offices.invalid"
ALL = ("us-senators", "us-representative")
ONE = ("us-representative",)

# What the receipt says of a letter: the word beside it, and the sentences below.
ITS_TURN = "On its way: It waits for its turn."
AT_IT = "On its way: We are handing it to the mail server now."
_NOTHING_TAKEN = "It waits: our mail server takes nothing from us at the moment. We go on trying."
NOT_TAKEN, KEPT_BACK = f"Trying again: {_NOTHING_TAKEN}", f"Waiting: {_NOTHING_TAKEN}"
NOT_CERTAIN = "Not certain: It may or may not have arrived: we had no answer, and do not send it again."
ADDRESS, FOR_GOOD = "the address", "it for good"


def accepted_at(time: str, day: int = 24) -> str:
    return f"Accepted: The mail server accepted it on November {day}, 2026, {time} Eastern."


def again_at(time: str) -> str:
    return f"Trying again: The mail server did not take it. We try again on November 24, 2026, {time} Eastern."


def in_doubt_until(time: str) -> str:
    when = f"November 24, 2026, {time} Eastern."
    return f"Trying again: We do not know whether the mail server took it. We send it once more on {when}"


def yours(refused: str) -> str:
    """It was refused in these words, and the signer delivers it."""
    at = "November 24, 2026, 12:00 PM Eastern."
    given_back = f"So it is yours to deliver. Ready for you since {at}"
    return f"Waiting for you: The mail server refused {refused} on {at} {given_back}"


@dataclass
class Letters:
    """The letters of one supporter that wait to be sent; the mail to confirm and the copy have gone."""

    app: Flask
    clock: Clock
    data_dir: Path
    path: str
    """Of the receipt."""
    gate: Gate = field(init=False)
    """What the worker has learnt of server and offices."""

    def __post_init__(self) -> None:
        self.gate = gate_of(self.config)

    @property
    def config(self) -> Config:
        config = self.app.config["REDRESS"]
        assert isinstance(config, Config)
        return config

    @property
    def policy(self) -> Policy:
        """Of the settings, without chance."""
        return replace(policy_of(self.config), jitter=lambda: 1.0)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A worker's own, apart from those of the pages."""
        with self.app.app_context():
            engine = db.engine
        with Session(engine, expire_on_commit=False) as session:
            yield session

    def deliver(self, sender: Sender, wait: Callable[[float], bool] = never) -> None:
        """Send what is due."""
        with self.session() as session:
            drain(session, sender, self.policy, self.clock, wait, self.gate)

    def recover(self, *, abandoned: bool = False) -> int:
        """Bring back what was left in the middle; with `abandoned` though its lease is not over."""
        with self.session() as session:
            return recover(session, self.policy, self.clock(), abandoned=abandoned)

    def claim(self) -> Claimed:
        """Take the letter that is next, as a worker does before it sends it."""
        with self.session() as session:
            claimed = claim(session, self.clock(), self.gate)
        assert claimed is not None
        return claimed

    def restart(self, sender: Sender) -> None:
        """As a worker begins whose predecessor is dead: it knows of nothing but what the database says."""
        self.gate = gate_of(self.config)
        self.recover(abandoned=True)
        self.deliver(sender)

    def told(self) -> list[str]:
        """What the receipt says of each letter, in the letters' order."""
        return told(Visitor(self.app).open(self.path))


@dataclass
class Meanwhile:
    """A Sender that lets something happen while the first message is on its way."""

    sender: Sender
    happens: Callable[[], None]
    _has_happened: bool = False

    def send(self, message: Outgoing) -> Outcome:
        if not self._has_happened:
            self._has_happened = True
            self.happens()
        return self.sender.send(message)

    def close(self) -> None:
        self.sender.close()


def written(app: Flask, clock: Clock, data_dir: Path, targets: Sequence[str] = ALL, **typed: str) -> Letters:
    """Write to these members, confirm, and let the copy go. Keywords are what is typed into the form."""
    with app.app_context():
        published(db.session(), campaign_source(targets=targets), clock())
    visitor = Visitor(app)
    sign(visitor, clock, "the-well", **{"email": SIGNER, **typed})
    letters, sender = Letters(app, clock, data_dir, ""), ScriptedSender()
    letters.deliver(sender)
    letters.path = confirm(visitor, data_dir).path
    letters.deliver(sender, lambda _seconds: len(sender.sent) == 2)
    return letters


def told(page: Page) -> list[str]:
    """What a receipt says of each letter: its state in a word, then in sentences."""
    lists = [one for one in page.all("ul") if one.get("class") == "recipients"]
    *items, _copy = lists[0].findall("li")
    found = []
    for item in items:
        state = next(span for span in item.iter("span") if "state" in span.get("class", "").split())
        _who, *sentences = [words(p) for p in item.findall("p") if p.find("a") is None]
        found.append(f"{words(state)}: {' '.join(one for one in sentences if not one.startswith(PROMISE))}")
    return found


def words(element: object) -> str:
    return " ".join("".join(element.itertext()).split())  # type: ignore[attr-defined]  # html5lib has no types


def to_offices(server: Server) -> list[Taken]:
    """The letters that the server has accepted."""
    return [one for one in server.accepted if one.recipients[0].endswith(OFFICES)]


def to_signer(server: Server) -> list[Taken]:
    """What else it has accepted."""
    return [one for one in server.accepted if not one.recipients[0].endswith(OFFICES)]
