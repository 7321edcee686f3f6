"""What signing writes with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.delivery import Channel, Way
from app.delivery.handoff import Handoff
from app.delivery.mails import Composer, Links
from app.models import Letter
from app.signing.limits import Limits
from app.signing.retention import Keep
from app.signing.tokens import Keys, Token


@dataclass(frozen=True, slots=True)
class Pen:
    """Keys, mails and limits; and what the site knows of ways and addresses."""

    keys: Keys
    composer: Composer
    limits: Limits
    keep: Keep
    confirm_url: Callable[[Token], str]
    links: Callable[[Token], Links]
    channels: Mapping[str, Channel]
    """Every channel by its name, those that are not in use now too."""
    ways: Callable[[Sequence[Letter]], Mapping[int, Way]]
    """How letters that have not gone yet go now, by their positions."""
    handoff: Callable[[Letter, Way], Handoff]
    """What the signer needs to deliver a letter that goes this way."""
