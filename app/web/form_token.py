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

    def is_good(self, now: datetime) -> bool:
        """Whether it is neither from the future nor too old."""
        return timedelta(minutes=-5) <= now - self.first_page <= OLDEST

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


def opened(secret: str, text: str, slug: str) -> FormToken | None:
    """The token, however old it is; None when it is missing, forged or for another campaign: the form was not ours."""
    try:
        found, moment, nonce = _serializer(secret).loads(text)
    except (BadData, ValueError, TypeError):
        return None
    return FormToken(text, nonce, datetime.fromtimestamp(moment, UTC)) if found == slug else None
