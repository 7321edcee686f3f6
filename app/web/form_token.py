"""The signed token in the form: it stands in for a session, so that no cookie is needed.

It carries the campaign, the time of the first page and a nonce. It gives the minimum fill time, expires kindly, and
tells one submission from another. What is wrong with a token is never an error page: the form comes back filled.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from itsdangerous import BadData, URLSafeSerializer

OLDEST = timedelta(hours=24)
QUICKEST = timedelta(seconds=3)
_SALT = "form"


@dataclass(frozen=True, slots=True)
class FormToken:
    """A token that was ours and is for this campaign. `text` is what the form carries."""

    text: str
    nonce: str
    first_page: datetime

    def too_quick(self, now: datetime) -> bool:
        """Whether nobody could have read and filled the page since."""
        return now - self.first_page < QUICKEST


@lru_cache(maxsize=4)
def _serializer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, _SALT)


def issue(secret: str, slug: str, now: datetime) -> FormToken:
    """A fresh token."""
    nonce, moment = secrets.token_urlsafe(16), int(now.timestamp())
    text = _serializer(secret).dumps([slug, moment, nonce])
    return FormToken(str(text), nonce, datetime.fromtimestamp(moment, UTC))


def is_genuine(secret: str, text: str, slug: str) -> bool:
    """Whether it was ours and for this campaign, however old it is: then the form that carries it was ours too."""
    try:
        return bool(_serializer(secret).loads(text)[0] == slug)
    except (BadData, ValueError, TypeError, LookupError):
        return False


def read(secret: str, text: str, slug: str, now: datetime) -> FormToken | None:
    """The token, or None when it is missing, forged, for another campaign, from the future or too old."""
    try:
        found, moment, nonce = _serializer(secret).loads(text)
    except (BadData, ValueError, TypeError):
        return None
    first = datetime.fromtimestamp(moment, UTC)
    if found != slug or first > now + timedelta(minutes=5) or now - first > OLDEST:
        return None
    return FormToken(text, nonce, first)
