"""Where a signer comes from, as the link that led them here says: `source` and `utm_…`, kept through all steps."""

from __future__ import annotations

import re
from collections.abc import Mapping

KEYS = ("source", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
# No @: the code of a mailing, not a person's address.
_CODE = re.compile(r"[A-Za-z0-9 ._~:+/-]{1,100}")


def origin_of(given: Mapping[str, str]) -> dict[str, str]:
    """What is said in an address or a form, by its name there; what is no short code is left out."""
    return {key: given[key] for key in KEYS if _CODE.fullmatch(given.get(key, ""))}
