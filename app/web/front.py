"""What one process remembers, so that the pages that everybody sees cost little.

A campaign's state is looked up at most once a second here (the form's buttons never use this for it), and its signers
are counted every ten seconds. The page as it is first opened, and the one that says to look for the mail, are rendered
once for each revision; then only what no two people share is put into them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from markupsafe import Markup

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

MARK = Markup("the-hidden-fields-of-this-form-go-here")
"""What stands in a page that is kept for the fields that no two pages share."""
TOKEN_MARK, EMAIL_MARK = "the-token-goes-here", "the-address-goes-here"
"""The same for a token, and for an e-mail address."""
_MARKS = re.compile(f"({MARK}|{TOKEN_MARK}|{EMAIL_MARK})")


@dataclass(slots=True)
class Memory(Generic[K, T]):
    """What was found for a key, for as long as it is fresh. What does not exist is not remembered."""

    fresh: timedelta
    _found: dict[K, tuple[datetime, T]] = field(default_factory=dict)

    def of(self, key: K, now: datetime, find: Callable[[K], T | None]) -> T | None:
        """What `find` gives for the key, or gave not long ago."""
        known = self._found.get(key)
        if known is not None and timedelta() <= now - known[0] < self.fresh:
            return known[1]
        found = find(key)
        if found is None:
            self._found.pop(key, None)
        else:
            self._found[key] = (now, found)
        return found


@dataclass(slots=True)
class FrontPages(Generic[T]):
    """What stands at an address, how many have signed, and how the page reads."""

    found: Memory[str, T] = field(default_factory=lambda: Memory(timedelta(seconds=1)))
    counts: Memory[int, int] = field(default_factory=lambda: Memory(timedelta(seconds=10)))
    """By the campaign's id."""
    _pages: dict[tuple[str, ...], tuple[Hashable, tuple[str, ...]]] = field(default_factory=dict)

    def page(self, key: tuple[str, ...], version: Hashable, own: Mapping[str, str], render: Callable[[], str]) -> str:
        """The page of this key with what it alone has in it, by the marks that `render` puts there, once a version.

        What is put in must be HTML.
        """
        known = self._pages.get(key)
        if known is None or known[0] != version:
            known = self._pages[key] = (version, tuple(_MARKS.split(render())))
        return "".join(own.get(part, part) for part in known[1])
