"""Runs two things in turn and compares them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def compare(what: str, ours: Callable[[], None], floor: Callable[[], None], *, rounds: int, times: int) -> float:
    """Print how many of each a second, by medians of `rounds` of `times` runs each, and the ratio ours : floor."""
    ours_rate, floor_rate = rates(ours, floor, rounds=rounds, times=times)
    print(f"{what}: ours {ours_rate:,.1f}/s, floor {floor_rate:,.1f}/s, ratio {ours_rate / floor_rate:.2f}")
    return ours_rate / floor_rate


def rates(ours: Callable[[], None], floor: Callable[[], None], *, rounds: int, times: int) -> tuple[float, float]:
    """How many of each a second: medians of `rounds`, in turn, of `times` runs each. Each runs once before."""
    for run in (ours, floor):
        run()
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for kept, run in zip(found, (ours, floor), strict=True):
            start = time.perf_counter()
            for _ in range(times):
                run()
            kept.append(times / (time.perf_counter() - start))
    return statistics.median(found[0]), statistics.median(found[1])


def verdict(holds: bool) -> str:
    """The word behind a figure that has a limit."""
    return "holds" if holds else "DOES NOT HOLD"
