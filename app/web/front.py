"""The campaign page as it is first opened: rendered once for each revision, then only the form's hidden fields change.

A campaign's state is looked up at most once a second here; the form's buttons never use this.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from markupsafe import Markup

T = TypeVar("T")

FRESH = timedelta(seconds=1)
MARK = Markup("the-hidden-fields-of-this-form-go-here")
"""What stands in a page that is kept for the fields that no two pages share."""


@dataclass(slots=True)
class FrontPages(Generic[T]):
    """Two small memories of one process: what stands at an address, and how its page reads."""

    _found: dict[str, tuple[datetime, T]] = field(default_factory=dict)
    _pages: dict[tuple[str, ...], tuple[Hashable, tuple[str, ...]]] = field(default_factory=dict)

    def found(self, slug: str, now: datetime, find: Callable[[str], T | None]) -> T | None:
        """What `find` gave for the slug, at most a second ago. What does not exist is not remembered."""
        known = self._found.get(slug)
        if known is not None and timedelta() <= now - known[0] < FRESH:
            return known[1]
        fresh = find(slug)
        if fresh is None:
            self._found.pop(slug, None)
        else:
            self._found[slug] = (now, fresh)
        return fresh

    def page(self, key: tuple[str, ...], version: Hashable, own: str, render: Callable[[], str]) -> str:
        """The page of this key with what it alone has in it; `render` makes it with MARK instead, once a version."""
        known = self._pages.get(key)
        if known is None or known[0] != version:
            known = self._pages[key] = (version, tuple(render().split(MARK)))
        return own.join(known[1])
