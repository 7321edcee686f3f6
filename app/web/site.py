"""What the pages are given by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from babel.dates import get_timezone
from flask import current_app, request, url_for

from app.delivery.mails import Composer
from app.signing import Pen
from app.signing.draft import Desk
from app.signing.limits import Limits
from app.signing.tokens import Keys
from config import Config, is_loopback

_FORWARDED = ("HTTP_X_FORWARDED", "HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP")
CAPITAL = get_timezone("America/New_York")
"""Days and times on pages and in mails are those of Congress."""


@dataclass(frozen=True, slots=True)
class Site:
    """The parts of a running site. `clock` gives moments with a zone."""

    config: Config
    clock: Callable[[], datetime]
    desk: Desk
    keys: Keys
    composer: Composer

    def today(self) -> date:
        """The day in the capital."""
        return self.clock().astimezone(CAPITAL).date()

    def pen(self) -> Pen:
        """What signing needs; links in mails lead to the public address, whatever Host a request claims."""
        root = self.config.public_url
        promises = {channel.name: channel.promise for channel in self.desk.channels}
        return Pen(
            keys=self.keys,
            composer=self.composer,
            limits=Limits(self.config.limit_address, self.config.limit_network),
            confirm_url=lambda token: root + url_for("confirm.show", token=token),
            receipt_url=lambda token: root + url_for("receipt.show", token=token),
            promises=promises.__getitem__,
        )

    @property
    def mailbox_folder(self) -> Path:
        """Where the built-in mailbox keeps what it was sent."""
        return self.config.data_dir / "mailbox"

    def mailbox_is_open(self) -> bool:
        """Whether this request may look into the mailbox: everything about it must be loopback, with no proxy."""
        if not self.config.on_loopback or any(name.startswith(_FORWARDED) for name in request.environ):
            return False
        try:
            return is_loopback(urlsplit(f"//{request.host}").hostname or "")
        except ValueError:
            return False


def site() -> Site:
    """The site of the application at hand."""
    return cast(Site, current_app.extensions["redress"])
