"""How errors are logged: by kind and place. Their own text may hold a name, a street, an e-mail or a token."""

from __future__ import annotations

import logging
import time
import traceback


class Repeated:
    """Says something when it is new, and again only after a while: what lasts for hours shall not fill the log."""

    def __init__(self, log: logging.Logger, every: float) -> None:
        """`every`: seconds in which the same is not said again."""
        self._log = log
        self._every = every
        self._last: tuple[str, float] | None = None

    def error(self, message: str, about: str = "") -> None:
        """Say this, unless it, or something else of the same kind, was said just now."""
        kind = about or message
        if self._last is None or self._last[0] != kind or time.monotonic() - self._last[1] >= self._every:
            self._last = kind, time.monotonic()
            self._log.error("%s", message)

    def over(self) -> None:
        """It has passed: whatever comes next is new."""
        self._last = None


def kind_and_place(error: BaseException) -> str:
    """`ValueError at parse:12 < view:30`: what went wrong and where, innermost first, without a value."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    return f"{type(error).__name__} at {' < '.join(f'{frame.name}:{frame.lineno}' for frame in frames)}"
