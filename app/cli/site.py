"""What commands are given by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Protocol, cast

from flask import current_app

from app.delivery.mails import Composer
from app.legislators.congresses import begins, congress_at
from app.legislators.contacts import Roll
from app.legislators.keeping.shelf import Shelf
from app.signing.draft import Desk
from app.signing.tokens import Keys
from config import Config


class Site(Protocol):
    """The parts of a running site that commands need. The whole is `app.web`'s, which commands do not import."""

    @property
    def config(self) -> Config:
        """The settings."""

    @property
    def desk(self) -> Desk:
        """Where districts and people come from."""

    @property
    def shelf(self) -> Shelf:
        """All tables of legislators that there are."""

    @property
    def keys(self) -> Keys:
        """Everything that is derived from the site's secret."""

    @property
    def composer(self) -> Composer:
        """Makes the mails."""

    @property
    def clock(self) -> Callable[[], datetime]:
        """Gives moments with a zone."""

    @property
    def wall(self) -> Callable[[], datetime]:
        """What this machine says, even if that cannot be: only to be judged."""

    def today(self) -> date:
        """The day in the capital."""


def site() -> Site:
    """The site of the application at hand."""
    return cast(Site, current_app.extensions["redress"])


def last_roll() -> Roll:
    """Who sits now; or, while a new Congress's members are not known yet, who sat when the last one ended.

    For the contact book: an address is not wrong because nobody here knows yet who was sworn in. Raises NoDataForDay.
    """
    directory, now = site().desk.directory, site().clock()
    end = begins(directory.congress() + 1)
    moment = end - timedelta(seconds=1) if congress_at(now) == directory.congress() + 1 else now
    return Roll(directory, moment, site().today())


def roll() -> Roll:
    """Who sits now. Raises NoDataForDay."""
    return Roll(site().desk.directory, site().clock(), site().today())
