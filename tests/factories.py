"""Plain functions that make the things tests need, with defaults that are easy to override."""

from __future__ import annotations

import email
import email.policy
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from app import campaigns
from app.db import writing
from config import Config
from tests.databases import URLS, connected

SECRET = "s" * 64


def config(data_dir: Path, **settings: str) -> Config:
    """Settings of a sandbox in `data_dir`; keywords are settings by their names in the environment."""
    return Config.from_env({"DATA_DIR": str(data_dir), "SECRET_KEY": SECRET, **database_of(data_dir), **settings})


def database_of(data_dir: Path) -> dict[str, str]:
    """The setting that names the folder's database, where that is not the file in it."""
    return {"DATABASE_URL": URLS[data_dir]} if data_dir in URLS else {}


LIVE = {
    "DELIVERY": "live",
    "PUBLIC_URL": "https://act.example.org",
    "TRUSTED_PROXIES": "1",
    "ORGANISATION": "Friends of the Well",
    "ORGANISATION_EMAIL": "letters@example.org",
    "SECRET_KEY": SECRET,
    "MAIL_SERVER": "127.0.0.1",
}


def live_config(data_dir: Path, **settings: str) -> Config:
    """Settings of a live site in `data_dir` whose mail server is on this machine."""
    return config(data_dir, **(LIVE | settings))


@dataclass
class Clock:
    """A clock that stands until it is moved, at noon of a day that the tables cover."""

    now: datetime = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        """Let time pass: `forward(minutes=5)`."""
        self.now += timedelta(**by)


CAMPAIGN = """+++
slug = "{slug}"
title = "Tell Congress – {headline}"
headline = "{headline}"
targets = {targets}
subject = "{subject}"
{more}
+++

# Story

Two towns share one well.

It runs dry in the summer, and nobody has to say so.

# Letter

{letter}
"""
LETTER = (
    "Dear [Decision Maker],\n\nPlease look after the well.\n\n"
    "[Your Name]\n[Your Address]\n[City, State ZIP]\n[Your Email]"
)


def campaign_source(
    slug: str = "the-well",
    *,
    headline: str = "Look after the well",
    targets: Sequence[str] = ("us-senators", "us-representative"),
    subject: str = "The well",
    letter: str = LETTER,
    more: str = "",
) -> str:
    """A campaign file; `more` are further lines of its head."""
    return CAMPAIGN.format(
        slug=slug, headline=headline, targets=json.dumps(list(targets)), subject=subject, letter=letter, more=more
    )


def published(session: Session, source: str, now: datetime) -> str:
    """Publish a campaign; its slug."""
    with writing(session):
        campaign = campaigns.import_campaign(session, source, now)
        campaigns.publish(session, campaign.slug, now)
        return campaign.slug


def supporter(**other: str) -> dict[str, str]:
    """What somebody in Wyoming, which has one district, types into the form; keywords are HTML names with `_`."""
    return {
        "given_name": "Ana",
        "family_name": "García Ruiz",
        "address_line1": "1200 Randall Avenue",
        "address_line2": "",
        "address_level2": "Cheyenne",
        "address_level1": "WY",
        "postal_code": "82001",
        "email": "ana.garcia@example.org",
        **other,
    }


def stored(data_dir: Path) -> dict[str, int]:
    """How many rows each table of what people sent holds."""
    tables = ("signature", "letter", "delivery", "consent", "delivery_event")
    with connected(data_dir) as connection:
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


@dataclass(frozen=True)
class ComposedMail:
    """A mail as it was queued."""

    recipient: str
    sender: str
    headers: dict[str, str]
    text: str

    @property
    def link(self) -> str:
        """The path of the page that the mail leads to."""
        (url,) = re.findall(r"^https?://\S+$", self.text, re.MULTILINE)
        return str(urlsplit(url).path)

    @property
    def token(self) -> str:
        """The secret part of the link."""
        return self.link.rpartition("/")[2]


def mails(data_dir: Path, kind: str) -> list[ComposedMail]:
    """The mails of a kind that wait or went, oldest first."""
    query = "SELECT recipient, sender, mail FROM delivery WHERE kind = ? AND mail IS NOT NULL ORDER BY id"
    with connected(data_dir) as connection:
        rows = connection.execute(query, (kind,)).fetchall()
    found = []
    for recipient, sender, raw in rows:
        message = email.message_from_bytes(raw, policy=email.policy.default)
        text = str(message.get_content()).replace("\r\n", "\n")
        found.append(ComposedMail(recipient, sender, {k: str(v) for k, v in message.items()}, text))
    return found
