"""The shipped tables: time and memory to load against `json.loads` of the same facts; look-ups against a plain dict."""

from __future__ import annotations

import csv
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from app.addresses import STATES, PostalAddress, State, Zip
from app.legislators import LegislatorsError, Location, Sure
from app.legislators import tables as civic
from app.legislators.congresses import begins
from app.legislators.locators import TableLocator
from app.legislators.tables import Tables, ZipArea
from bench import measure
from config import ROOT

MOST_MILLISECONDS, MOST_MEGABYTES, LEAST_OF_A_DICT = 200, 30, 0.2
ROUNDS = 9

CHILD = """
import gc, json, sys
from pathlib import Path
from app.legislators import tables

def resident():
    gc.collect()
    return next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('VmRSS'))

before = resident()
kept = {load}
print(resident() - before)
"""


def main() -> None:
    """Print everything."""
    with tempfile.TemporaryDirectory(prefix="redress-bench-") as folder:
        file = Path(folder) / "facts.json"
        file.write_text(json.dumps(_facts(civic.SHIPPED)), encoding="utf-8")
        _loading(file)
        _memory(file)
    _looking_up(civic.load(civic.SHIPPED))


def _facts(folder: Path) -> dict[str, list[dict[str, object]]]:
    """Members, offices and ZIP codes as objects of JSON, with lists and numbers where they mean such."""
    return {name.removesuffix(".csv"): [_values(row) for row in _rows(folder / name)] for name in civic.COLUMNS}


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _values(row: dict[str, str]) -> dict[str, object]:
    return {name: _value(name, text) for name, text in row.items()}


def _value(name: str, text: str) -> object:
    if name == "districts":
        return text.split()
    if name in ("lat", "lon"):
        return float(text) if text else None
    return text


def _loading(file: Path) -> None:
    def ours() -> None:
        civic.load(civic.SHIPPED)

    def floor() -> None:
        json.loads(file.read_bytes())

    rates = measure.rates(ours, floor, rounds=ROUNDS, times=5)
    load, parse = (1000 / rate for rate in rates)
    holds = measure.verdict(load < MOST_MILLISECONDS)
    print(
        f"load: ours {load:.0f} ms, floor {parse:.0f} ms ({file.stat().st_size / 1e6:.1f} MB of JSON), "
        f"ratio of speeds {parse / load:.2f}; less than {MOST_MILLISECONDS} ms {holds}"
    )


def _memory(file: Path) -> None:
    """By how much the resident memory of a process of its own grows; that of Python and the imports is there before."""
    ours = _grown("tables.load(tables.SHIPPED)")
    asked = _grown("(t := tables.load(tables.SHIPPED), [t.zip_area(code) for code in t.zip_codes()])")
    floor = _grown(f"json.loads(Path({str(file)!r}).read_bytes())")
    print(
        f"memory: ours {ours:.1f} MB, floor {floor:.1f} MB, ratio {ours / floor:.2f}; "
        f"less than {MOST_MEGABYTES} MB {measure.verdict(ours < MOST_MEGABYTES)}; "
        f"{asked:.1f} MB when somebody has asked for every ZIP code (growth of a child's RSS)"
    )


def _grown(load: str) -> float:
    run = [sys.executable, "-c", CHILD.format(load=load)]
    found = [
        int(subprocess.run(run, cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    return statistics.median(found) / 1024


def _looking_up(tables: Tables) -> None:
    codes = [Zip(code[:2] + code[2:]) for code in tables.zip_codes()]  # not the table's very strings: people type them
    random.Random(1).shuffle(codes)
    first = statistics.median(_first_pass(codes) for _ in range(ROUNDS))
    plain = {code: area for code in tables.zip_codes() if (area := tables.zip_area(code))}
    again, floor = _passes(tables, plain, codes)
    print(
        f"zip_area, {len(codes):,} codes in random order: ours {again:,.0f}/s, floor {floor:,.0f}/s, ratio "
        f"{again / floor:.2f}; at least {LEAST_OF_A_DICT} {measure.verdict(again / floor >= LEAST_OF_A_DICT)}"
    )
    print(f"zip_area, the first pass: ours {first:,.0f}/s, floor as before, ratio {first / floor:.3f}")
    _locating(tables, plain, codes, floor)


def _passes(tables: Tables, plain: dict[Zip, ZipArea], codes: Sequence[Zip]) -> tuple[float, float]:
    def ours() -> None:
        for code in codes:
            tables.zip_area(code)

    def floor() -> None:
        for code in codes:
            plain.get(code)

    passes = measure.rates(ours, floor, rounds=ROUNDS, times=5)
    return passes[0] * len(codes), passes[1] * len(codes)


def _first_pass(codes: Sequence[Zip]) -> float:
    tables = civic.load(civic.SHIPPED)
    start = time.perf_counter()
    for code in codes:
        tables.zip_area(code)
    return len(codes) / (time.perf_counter() - start)


def _locating(tables: Tables, plain: dict[Zip, ZipArea], codes: Sequence[Zip], floor: float) -> None:
    """Every ZIP code in the state of its post office: those that its districts answer, and those that they do not."""
    locator, now = TableLocator(tables), min(datetime.now(UTC), begins(tables.congress + 1))
    found: dict[bool, list[PostalAddress]] = {True: [], False: []}
    for code in codes:
        address = PostalAddress("1 Main Street", "", "Springfield", State(plain[code].postal_state), code)
        if address.state in STATES and (location := _located(locator, address, now)):
            found[location.sure is not Sure.OPEN].append(address)
    for by_zip, words in ((True, "answered by the ZIP code or the state"), (False, "left open: every district")):
        rate = statistics.median(_located_a_second(locator, found[by_zip], now) for _ in range(3))
        count = len(found[by_zip])
        print(f"locate, {count:,} codes {words}: ours {rate:,.0f}/s, floor as before, ratio {rate / floor:.3f}")


def _located(locator: TableLocator, address: PostalAddress, now: datetime) -> Location | None:
    with suppress(LegislatorsError):
        return locator.locate(address, now)
    return None


def _located_a_second(locator: TableLocator, addresses: Sequence[PostalAddress], now: datetime) -> float:
    start = time.perf_counter()
    for address in addresses:
        locator.locate(address, now)
    return len(addresses) / (time.perf_counter() - start)


if __name__ == "__main__":
    if not Path("/proc/self/status").exists():
        sys.exit("This reads /proc, which is there on Linux only.")
    main()
