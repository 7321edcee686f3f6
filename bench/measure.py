"""Runs two things in turn and compares them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def compare(what: str, ours: Callable[[], None], floor: Callable[[], None], *, rounds: int, times: int) -> float:
    """Print how many of each a second, by medians of `rounds` of `times` runs each, and the ratio ours : floor."""
    for run in (ours, floor):
        run()
    rates: dict[str, list[float]] = {"ours": [], "floor": []}
    for _ in range(rounds):
        for name, run in (("ours", ours), ("floor", floor)):
            start = time.perf_counter()
            for _ in range(times):
                run()
            rates[name].append(times / (time.perf_counter() - start))
    ours_rate, floor_rate = (statistics.median(rates[name]) for name in ("ours", "floor"))
    print(f"{what}: ours {ours_rate:,.1f}/s, floor {floor_rate:,.1f}/s, ratio {ours_rate / floor_rate:.2f}")
    return ours_rate / floor_rate
