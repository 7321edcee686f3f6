"""The campaign page as it is first opened: rendered once for each revision, then only the form's token changes.

A campaign's state is looked up at most once a second here; the form's buttons never use this.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")

FRESH = timedelta(seconds=1)
MARK = "the-token-of-this-form-goes-here"
"""What stands for the token in a page that is kept."""


@dataclass(slots=True)
class FrontPages(Generic[T]):
    """Two small memories of one process: what stands at an address, and how its page reads."""

    _found: dict[str, tuple[datetime, T]] = field(default_factory=dict)
    _pages: dict[str, tuple[Hashable, tuple[str, ...]]] = field(default_factory=dict)

    def found(self, slug: str, now: datetime, find: Callable[[str], T | None]) -> T | None:
        """What `find` gave for the slug, at most a second ago. What does not exist is not remembered."""
        known = self._found.get(slug)
        if known is not None and timedelta() <= now - known[0] < FRESH:
            return known[1]
        fresh = find(slug)
        if fresh is None:
            self._found.pop(slug, None)
            self._pages.pop(slug, None)
        else:
            self._found[slug] = (now, fresh)
        return fresh

    def page(self, slug: str, version: Hashable, token: str, render: Callable[[], str]) -> str:
        """The page with this token in it; `render` makes it with MARK instead, once for each version."""
        known = self._pages.get(slug)
        if known is None or known[0] != version:
            known = self._pages[slug] = (version, tuple(render().split(MARK)))
        return token.join(known[1])
