"""What the pages are given by the composition root."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from babel.dates import get_timezone
from flask import current_app, has_request_context, request, url_for

from app import campaigns
from app.addresses import Zip
from app.campaigns.targeting import Target
from app.delivery import HANDOFF, Channel, Way, way_to
from app.delivery.handoff import Handoff, HandoffChannel, PaperChannel, prepare
from app.delivery.mail_channel import EmailChannel
from app.delivery.mails import Composer, Links
from app.extensions import db
from app.legislators import Legislator, NoDataForDay, Seat, Vacancy
from app.legislators.congresses import congress_at
from app.legislators.geography import is_senate
from app.legislators.keeping.shelf import Shelf
from app.models import Letter, Signature
from app.signing.draft import Desk
from app.signing.limits import Limits
from app.signing.pen import Pen
from app.signing.retention import Keep
from app.signing.tokens import Keys, Token, hashed
from app.signing.waiting import Beside, beside
from config import Config
from settings.addresses import is_loopback

_FORWARDED = ("HTTP_X_FORWARDED", "HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP")
_DESK = "redress.desk"
CAPITAL = get_timezone("America/New_York")
"""Days and times on pages and in mails are those of Congress."""

CHANNELS: Mapping[str, Channel] = {
    channel.name: channel for channel in (EmailChannel(lambda _legislator: None), HandoffChannel(), PaperChannel())
}
"""Every channel by its name, for what is said of it; where letters go the desk knows."""


@dataclass(frozen=True, slots=True)
class Site:
    """The parts of a running site. Clocks give moments with a zone."""

    config: Config
    clock: Callable[[], datetime]
    wall: Callable[[], datetime]
    """What this machine says, even if that cannot be: only to be judged."""
    desks: Callable[[datetime], Desk]
    """The desk with the tables that are in force at a moment."""
    shelf: Shelf
    """All tables that there are."""
    keys: Keys
    composer: Composer

    def today(self) -> date:
        """The day in the capital."""
        return self.clock().astimezone(CAPITAL).date()

    @property
    def desk(self) -> Desk:
        """The desk of this moment; during a request the same one, even if the tables are exchanged meanwhile."""
        if not has_request_context():
            return self.desks(self.clock())
        kept = request.environ
        if _DESK not in kept:
            kept[_DESK] = self.desks(self.clock())
        return cast(Desk, kept[_DESK])

    @property
    def new_congress(self) -> int | None:
        """The Congress that sits, if it has begun and its members are not known here yet."""
        sitting = congress_at(self.clock())
        return sitting if sitting > self.desk.directory.congress() else None

    @property
    def keep(self) -> Keep:
        """How long things are kept."""
        return Keep(self.config.keep_pending, self.config.keep_letters)

    def pen(self) -> Pen:
        """What signing needs; links in mails lead to the public address, whatever Host a request claims."""
        return Pen(
            keys=self.keys,
            composer=self.composer,
            limits=Limits(self.config.limit_address, self.config.limit_network),
            keep=self.keep,
            confirm_url=lambda token: self.config.public_url + url_for("confirm.show", token=token, lang=None),
            links=self._links,
            channels=CHANNELS,
            ways=self.ways_of,
            handoff=self.handoff,
        )

    def beside(self, signature: Signature) -> Beside:
        """What else waits for the mailbox of a signature."""
        return beside(db.session(), signature, self.keys, self.keep, self.clock())

    def mailed_token(self, signature: Signature) -> Token | None:
        """What opens its pages; None if only its own mails can tell, since the site's secret was another one then."""
        token = self.keys.mail(signature.sent_hash)
        return token if hashed(token) == signature.mail_hash else None

    def holder(self, letter: Letter) -> Legislator | Vacancy | None:
        """Who holds the seat that the letter went to now; None when that is not known.

        A House seat is that of its Congress: in another one the same number can mean another place.
        """
        seat = Seat(letter.seat)
        try:
            holder = self.desk.directory.holder(seat, self.clock())
            congress = self.desk.directory.delegation(holder.division, self.clock()).congress
        except (NoDataForDay, KeyError):
            return None
        if isinstance(holder, Vacancy) and not holder.known:
            return None
        return holder if is_senate(seat) or congress == letter.congress else None

    def outlived(self, letter: Letter) -> bool:
        """Whether the letter's Congress has ended, and it is not known who holds the seat now, or what it is."""
        return congress_at(self.clock()) > letter.congress and self.holder(letter) is None

    def ways(self, targets: Sequence[Target]) -> dict[Target, tuple[Channel, ...]]:
        """Which channels the letters to each target's offices take at present, best first. Raises NoDataForDay."""
        channels, members = self.desk.channels(None), self.desk.directory.members(self.clock())
        found: dict[Target, tuple[Channel, ...]] = {}
        for target in targets:
            taken = {way_to(member, channels).channel.name for member in members if target.reaches(member.role)}
            found[target] = tuple(channel for channel in channels if channel.name in taken)
        return found

    def ways_of(self, letters: Sequence[Letter]) -> dict[int, Way]:
        """How letters that have not gone yet go now, by their positions.

        When nobody is known in its seat one goes by its signer's hand: no address could be trusted.
        """
        holders = [self.holder(letter) for letter in letters]
        channels = self.desk.channels([holder for holder in holders if isinstance(holder, Legislator)])
        return {
            letter.position: way_to(holder, channels) if isinstance(holder, Legislator) else self._by_hand(letter)
            for letter, holder in zip(letters, holders, strict=True)
        }

    def _by_hand(self, letter: Letter) -> Way:
        if self.outlived(letter):
            return Way(PaperChannel(), "")
        signed = letter.deliveries[0]
        if CHANNELS[signed.channel].by_signer:
            return Way(CHANNELS[signed.channel], signed.recipient or "")
        return Way(PaperChannel(), "")

    def handoff(self, letter: Letter, way: Way | None = None) -> Handoff:
        """What the signer needs to deliver the letter: as it went, or that `way`."""
        holder = self.holder(letter)
        signature, stored = letter.signature, letter.deliveries[-1]
        channel, address = (way.channel.name, way.address) if way else (stored.channel, stored.recipient or "")
        return prepare(
            letter,
            holder if isinstance(holder, Legislator) else None,
            form=address if channel == HANDOFF and not self.outlived(letter) else "",
            topic=campaigns.read_published(signature.revision.source).topic,
            point=self.desk.locator.point(Zip((signature.postal_code or "")[:5])),
        )

    def _links(self, token: Token) -> Links:
        root = self.config.public_url
        return Links(
            receipt=root + url_for("receipt.show", token=token, lang=None),
            reminder=root + url_for("undo.reminder", token=token, lang=None),
        )

    @property
    def mailbox_folder(self) -> Path:
        """Where the built-in mailbox keeps what it was sent."""
        return self.config.data_dir / "mailbox"

    def mailbox_is_open(self) -> bool:
        """Whether this request may look into the mailbox: everything about it must be loopback, with no proxy."""
        if self.config.live or not self.config.on_loopback:
            return False
        if any(name.startswith(_FORWARDED) for name in request.environ):
            return False
        try:
            return is_loopback(urlsplit(f"//{request.host}").hostname or "")
        except ValueError:
            return False


def site() -> Site:
    """The site of the application at hand."""
    return cast(Site, current_app.extensions["redress"])
