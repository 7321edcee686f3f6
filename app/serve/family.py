"""Start the children, notice when one ends, stop them all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from app.serve import children
from app.serve.forking import Child, fork
from app.serve.leash import GRACE, Leash

PATIENCE = 12.0
"""Seconds that a child has to end after SIGTERM; then it is killed."""


class Family:
    """The children of one start. Each is a session of its own: Ctrl-C reaches the parent alone, who stops them."""

    def __init__(self, inherited: Sequence[int]) -> None:
        """`inherited` are descriptors that every child holds while it lives."""
        self._leash = Leash()
        self._inherited = tuple(inherited)
        self._children: dict[str, Child] = {}

    def start(self, name: str, number: int, descriptors: Sequence[int] = ()) -> None:
        """Start the child `name`, tell it one number, and let it inherit `descriptors`."""
        work = partial(children.run, name, self._leash.end, number)
        self._children[name] = fork(f"redress-{name}", work, {self._leash.end, *self._inherited, *descriptors})

    def ended(self) -> tuple[str, str] | None:
        """The first child found to have ended, with how; None while all live."""
        for name, child in self._children.items():
            code = child.poll()
            if code is not None:
                return name, f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        return None

    def stop(self) -> None:
        """End all children and their own; the one that was started first goes last, when nobody needs it any more."""
        names = list(self._children)
        self._end(names[1:])
        self._end(names[:1])
        self._leash.let_go(timeout=GRACE + 2.0)

    def _end(self, names: list[str]) -> None:
        for name in names:
            self._children[name].terminate()
        deadline = time.monotonic() + PATIENCE
        for name in names:
            child = self._children[name]
            if not child.has_ended(within=max(0.1, deadline - time.monotonic())):
                child.kill()
                child.has_ended(within=PATIENCE)
