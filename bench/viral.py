"""The viral hour, cut to five minutes: 28 people a second sign, and five mails for each of them leave, on two cores.

    .venv/bin/python -m bench.viral                  # 8,400 people, on SQLite: six minutes, longer if it does not hold
    .venv/bin/python -m bench.viral --seconds 30
    .venv/bin/python -m bench.viral --workers 2 --database postgresql://…/an-empty-database

100,000 people in an hour is what a page has to bear that somebody famous has shared: then nobody is there to help it.
The site is what `bin/run` starts, in live mode and with its own defaults: three web processes and the worker; it knows
an address of every office. Everybody comes from a network of their own, through something like the proxy that
docs/operating.md puts in front, and does the whole of it: the page with its style and icon, the letters, *Send my
letters*, the mail, its link, *Confirm and send*, the receipt. They come at random moments and wait for nobody: a slow
site gets no fewer of them. Times count from the moment at which a page should have been asked for.

People, mail server and site have the same cores; who used how much of them is printed, and how much went to whatever
else the machine did ("others"): where that is more than a little, these are not two cores. The floor, before that: a
bare response of the page's size under the same web server, asked for as often as all pages together.

It holds when 95 of 100 answers were there within 300 ms, in every ten seconds, and of every kind of page; when the last
mail has left a minute after the last person; when nobody was refused but by a stated limit; and when each letter, copy
and mail to confirm was accepted exactly once, and nothing is left over.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from flask import Flask
from sqlalchemy import func, select, text

from app.db import writing
from app.extensions import db
from app.legislators.keeping.refresh_state import RefreshState, write_state
from app.models import Contact, Delivery, DeliveryKind, DeliveryState, Signature, SignatureState
from app.serve.prepare import mark
from bench import measure, site
from bench.crowd import KINDS, Crowd, Job, Visit
from bench.send import FIELDS
from bench.served import served
from bench.soak import LIVE, PLACES
from config import ROOT

RATE, SECONDS, FLOOR_SECONDS, WINDOW = 28, 300, 20, 10.0
LIMIT, DRAINED_IN, ENDS = 0.300, 60.0, 900.0
PATH, HOST = "/reunite-families", "act.example.org"
OURS = ("DELIVERY", "PUBLIC_URL", "TRUSTED_PROXIES", "ORGANISATION", "ORGANISATION_EMAIL", "SECRET_KEY", "MAIL_SERVER")
"""What a live site has to say; all else is as it comes."""
WEB = 3
"""Processes that serve pages."""
STATED = {429: "LIMIT_ADDRESS or LIMIT_NETWORK", 413: "the longest text"}
MAILS = {DeliveryKind.CONFIRMATION: 1, DeliveryKind.LETTER: 3, DeliveryKind.COPY: 1}
"""How many leave for each who signs."""
_WAITING = text("SELECT count(*) FROM delivery WHERE state IN ('queued', 'sending') AND kind <> 'reminder'")


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.viral")
    arguments.add_argument("--seconds", type=int, default=SECONDS)
    arguments.add_argument("--rate", type=float, default=RATE, help="people a second")
    arguments.add_argument("--database", metavar="URL", help="an empty PostgreSQL database")
    arguments.add_argument("--workers", type=int, default=1, help="on PostgreSQL: so many")
    given = arguments.parse_args()
    people = round(given.rate * given.seconds)
    with tempfile.TemporaryDirectory(prefix="redress-bench-") as folder:
        hour = _Hour(Path(folder), people, given.seconds, given.database, given.workers)
        floor = _percentile([visit.seconds for visit in hour.floor()], 95)
        hour.run()
        sys.exit(not _judge(hour, floor))


@dataclass
class _Sample:
    """How things stand at a moment."""

    at: float
    waiting: int
    computed: dict[str, float]
    """Seconds of a processor so far, by who took them."""


@dataclass
class _Hour:
    """What is measured, and how."""

    folder: Path
    people: int
    seconds: int
    database: str | None
    workers: int
    samples: list[_Sample] = field(default_factory=list)
    crowd: Crowd = field(default_factory=Crowd)
    accepted: Counter[str] = field(default_factory=Counter)
    moments: list[float] = field(default_factory=list)
    """When the mail server took each."""
    start: float = 0.0
    drained: float | None = None
    """Seconds from the last answer to somebody until nothing waited."""

    def __post_init__(self) -> None:
        self._mails = socket.create_server(("127.0.0.1", 0))
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = int(probe.getsockname()[1])
        self._settings = {name: LIVE[name] for name in OURS} | {"MAIL_PORT": str(self._mails.getsockname()[1])}
        self._settings |= {"DATABASE_URL": self.database} if self.database else {}
        self.app = site.make(**self._settings)
        with self.app.app_context():
            _prepare(self.app)

    def floor(self) -> list[Visit]:
        """A bare response as large as the page, asked for as often as everybody together asks."""
        client = self.app.test_client()
        size = len(client.get(PATH, headers={"X-Forwarded-Proto": "https"}).data)
        with served("bench.first_view:floor()", REDRESS_BENCH_SIZE=str(size)) as bare:
            rate = self.people / self.seconds * (len(KINDS) + 1)  # style and icon are two
            job = self._job(bare.port, round(rate * FLOOR_SECONDS), FLOOR_SECONDS)
            with self._outside("visitors", json.dumps(asdict(job)), "floor") as crowd:
                assert crowd.wait() == 0
        return _crowd(self._result("floor")).visits

    def run(self) -> None:
        """Let them come, until all have gone and everything has left."""
        mail = self._outside("mail", str(self._mails.fileno()), "mails", stdout=subprocess.PIPE)
        with mail as server, self._site() as processes:
            job = self._job(self._port, self.people, self.seconds)
            self.start = job.start
            with self._outside("people", json.dumps(asdict(job)), "people", stdin=server.stdout) as crowd:
                watched = processes | {"people": [crowd.pid], "mail server": [server.pid]}
                self._watch(crowd, watched)
                assert crowd.wait() == 0
            gone = time.monotonic()
            self.drained = self._drain(gone, watched)
            server.terminate()
            assert server.wait() == 0
        self.crowd = _crowd(self._result("people"))
        found = self._result("mails")
        self.accepted, self.moments = Counter(found["accepted"]), found["moments"]

    def _job(self, port: int, people: int, seconds: float) -> Job:
        places = [list(place) for place in PLACES]
        return Job(port, HOST, PATH, people, time.monotonic() + 2.0, seconds, FIELDS, places)

    @contextlib.contextmanager
    def _outside(
        self, what: str, given: str, result: str, stdin: IO[bytes] | None = None, stdout: int | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "bench.crowd", what, given, str(self.folder / result)]
        process = subprocess.Popen(command, cwd=ROOT, stdin=stdin, stdout=stdout, pass_fds=[self._mails.fileno()])
        try:
            yield process
        finally:
            process.kill()  # does nothing to one that has ended
            process.wait()

    @contextlib.contextmanager
    def _site(self) -> Iterator[dict[str, list[int]]]:
        """`bin/run` without its look at .venv, and further workers; the processes of each part."""
        environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(self.app.config["REDRESS"].data_dir)}
        environment |= self._settings | {"PORT": str(self._port)}
        with contextlib.ExitStack() as stack:
            command = [sys.executable, "-m", "app.serve"]
            parent = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
            stack.callback(parent.wait)
            stack.callback(parent.terminate)
            while not _answers(self._port):
                assert parent.poll() is None, "the site has ended"
                time.sleep(0.2)
            parts = {_part(child): [child] for child in _children(parent.pid)}
            web = parts.pop("web")[0]
            while len(_children(web)) < WEB:
                time.sleep(0.2)
            parts |= {f"web {number}": [child] for number, child in enumerate(_children(web), start=1)}
            for _ in range(self.workers - 1):
                more = subprocess.Popen([sys.executable, "-m", "flask", "outbox", "run"], cwd=ROOT, env=environment)
                stack.callback(more.wait)
                stack.callback(more.terminate)
                parts["worker"].append(more.pid)
            yield parts

    def _watch(self, crowd: subprocess.Popen[bytes], watched: dict[str, list[int]]) -> None:
        due = self.start
        while crowd.poll() is None:
            if time.monotonic() < due:
                time.sleep(0.1)
                continue
            self._sample(watched)
            due += WINDOW
        self._sample(watched)

    def _sample(self, watched: dict[str, list[int]]) -> None:
        computed = {part: sum(_computed(process) for process in processes) for part, processes in watched.items()}
        if self.samples:  # of those that have gone: as it was
            computed = {part: max(share, self.samples[-1].computed[part]) for part, share in computed.items()}
        computed |= {"all": _computed_by_all()}
        self.samples.append(_Sample(time.monotonic() - self.start, _waiting(self.app), computed))

    def _drain(self, since: float, watched: dict[str, list[int]]) -> float | None:
        """Seconds until nothing waits any more; None when that does not come."""
        due = time.monotonic() + WINDOW
        while time.monotonic() < since + ENDS:
            if _waiting(self.app) == 0:
                return time.monotonic() - since
            if time.monotonic() > due:
                self._sample(watched)
                due += WINDOW
            time.sleep(0.5)
        return None

    def _result(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / name).read_text(encoding="utf-8"))
        return found


def _prepare(app: Flask) -> None:
    """A live site that knows an address of every office; its weekly refresh, which asks others, has just been."""
    now, known = datetime.now(UTC), app.extensions["redress"]
    mark(db.session(), "live", datetime.now(UTC))
    with writing(db.session()):
        for member in known.desk.directory.members(now):
            address = f"staff.{member.seat.lower()}@{member.seat.lower()}.example.com"
            contact = Contact(office=member.seat, role="staff", email=address, source="a call", as_of=now.date())
            db.session.add(contact)
    folder = known.shelf.folder
    folder.mkdir(exist_ok=True)
    write_state(folder, RefreshState().succeeded(now))


def _crowd(found: dict[str, Any]) -> Crowd:
    crowd = Crowd(**found)
    crowd.visits = [Visit(*visit) for visit in crowd.visits]
    return crowd


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2.0)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    return False


def _waiting(app: Flask) -> int:
    """Mails that have not left yet."""
    with app.app_context():
        return db.session.scalar(_WAITING) or 0


def _children(process: int) -> list[int]:
    return [
        int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    ]


def _part(process: int) -> str:
    """`web` or `worker`: what a child of app.serve calls itself."""
    return Path(f"/proc/{process}/comm").read_text(encoding="ascii").strip().removeprefix("redress-")


def _computed(process: int) -> float:
    """Seconds of a processor that a process has taken so far (Linux); 0 when it has ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def _computed_by_all() -> float:
    """The same of everything that runs on this machine, whosoever's."""
    user, nice, system, _idle, _waiting, *others = Path("/proc/stat").read_text(encoding="ascii").split()[1:8]
    return sum(map(int, (user, nice, system, *others))) / os.sysconf("SC_CLK_TCK")


def _percentile(values: list[float], part: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * part // 100)] if ordered else 0.0


def _judge(hour: _Hour, floor: float) -> bool:
    """Print everything; whether all holds."""
    database = "PostgreSQL" if hour.database else "SQLite"
    print(f"{hour.people:,} people in {hour.seconds} s, {database}, {os.cpu_count()} cores, workers: {hour.workers}")
    holds = [_judge_pages(hour, floor), _judge_refusals(hour), _judge_drain(hour)]
    with hour.app.app_context():
        holds.append(_judge_mails(hour))
    print(measure.verdict(all(holds)))
    return all(holds)


def _judge_pages(hour: _Hour, floor: float) -> bool:
    _print_windows(hour)
    print(f"{'':18}{'answers':>8}{'p50':>8}{'p95':>8}{'p99':>8}{'worst':>8} ms{'worst p95 of 10 s':>20}")
    slowest = max(_print_kind(hour, kind) for kind in KINDS)
    visits = hour.crowd.visits
    p95 = _percentile([visit.seconds for visit in visits], 95)
    lag = _percentile([visit.lag for visit in visits], 95)
    print(f"the people themselves were late by {lag * 1e3:.0f} ms (p95), which is part of it")
    print(f"p95 of all {p95 * 1e3:.0f} ms, floor {floor * 1e3:.1f} ms, ratio {p95 / floor:.1f}")
    worst = max(_percentile(window, 95) for window in _windows(hour).values())
    print(f"  worst p95 of ten seconds {worst * 1e3:.0f} ms, below {LIMIT * 1e3:.0f}: {measure.verdict(worst < LIMIT)}")
    print(
        f"  p95 of the slowest kind {slowest * 1e3:.0f} ms, below {LIMIT * 1e3:.0f}: {measure.verdict(slowest < LIMIT)}"
    )
    return max(worst, slowest) < LIMIT


def _windows(hour: _Hour, kind: str | None = None) -> dict[int, list[float]]:
    """Times by the ten seconds in which they began."""
    windows: dict[int, list[float]] = {}
    for visit in hour.crowd.visits:
        if kind in {None, visit.kind}:
            windows.setdefault(int((visit.due - hour.start) / WINDOW), []).append(visit.seconds)
    return windows


def _print_windows(hour: _Hour) -> None:
    parts = [part for part in hour.samples[0].computed if part != "all"]
    print(
        f"{'seconds':>8}{'answers':>8}{'p50':>8}{'p95':>8}{'p99':>8}{'worst':>8} ms{'mails/s':>9}{'waiting':>9}", end=""
    )
    print("  cores: " + "".join(f"{part:>13}" for part in (*parts, "others")))
    for before, after in itertools.pairwise(hour.samples):
        lasted = after.at - before.at
        used = [(after.computed[part] - before.computed[part]) / lasted for part in parts]
        used.append((after.computed["all"] - before.computed["all"]) / lasted - sum(used))
        times = [visit.seconds for visit in hour.crowd.visits if before.at <= visit.due - hour.start < after.at]
        left = sum(before.at <= moment - hour.start < after.at for moment in hour.moments) / lasted
        print(f"{before.at:>8.0f}{_milliseconds(times)}{left:>12.0f}{after.waiting:>9,}         ", end="")
        print("".join(f"{share:>13.2f}" for share in used))


def _milliseconds(times: list[float]) -> str:
    figures = [_percentile(times, part) for part in (50, 95, 99, 100)]
    return f"{len(times):>8,}" + "".join(f"{figure * 1e3:>8.0f}" for figure in figures)


def _print_kind(hour: _Hour, kind: str) -> float:
    """Its p95."""
    times = [visit.seconds for visit in hour.crowd.visits if visit.kind == kind]
    worst = max((_percentile(window, 95) for window in _windows(hour, kind).values()), default=0.0)
    print(f"{kind:18}{_milliseconds(times)}{worst * 1e3:>23.0f}")
    return _percentile(times, 95)


def _judge_refusals(hour: _Hour) -> bool:
    crowd = hour.crowd
    refused = crowd.gave_up
    for why, count in sorted(refused.items()):
        limits = [limit for status, limit in STATED.items() if f": {status} " in why]
        print(f"  {count:,} × {why}" + (f" (stated: {limits[0]})" if limits else ""))
    waits = crowd.waits
    mail = f"p50 {_percentile(waits, 50):.1f} s, p95 {_percentile(waits, 95):.1f}, worst {_percentile(waits, 100):.1f}"
    print(f"the mail that asks to confirm came after: {mail}")
    unstated = sum(count for why, count in refused.items() if not any(f": {status} " in why for status in STATED))
    print(f"{crowd.done:,} came to their receipt, {sum(refused.values()):,} did not", end="")
    holds = not unstated and crowd.done + sum(refused.values()) == hour.people
    print(f"; nobody refused but by a stated limit: {measure.verdict(holds)}")
    return holds


def _judge_drain(hour: _Hour) -> bool:
    most = max(sample.waiting for sample in hour.samples)
    told = "never" if hour.drained is None else f"{hour.drained:.1f} s after the last person had gone"
    holds = hour.drained is not None and hour.drained < DRAINED_IN
    print(f"at most {most:,} mails waited; all had left {told}, within {DRAINED_IN:.0f}: {measure.verdict(holds)}")
    return holds


def _judge_mails(hour: _Hour) -> bool:
    confirmed = db.session.scalar(select(func.count()).where(Signature.state == SignatureState.CONFIRMED)) or 0
    signed = db.session.scalar(select(func.count()).select_from(Signature)) or 0
    rows = db.session.execute(select(Delivery.uuid, Delivery.kind, Delivery.state)).all()
    became = Counter((row.kind, row.state) for row in rows)
    print(f"{signed:,} signatures, {confirmed:,} confirmed; we say: ", end="")
    print(", ".join(f"{count:,} {kind} {state}" for (kind, state), count in sorted(became.items())))
    said = {f"<{row.uuid}@example.org>" for row in rows if row.state is DeliveryState.ACCEPTED}
    lost, untold = said - set(hour.accepted), set(hour.accepted) - said
    doubled = sum(count - 1 for count in hour.accepted.values())
    missing = sum(abs(became[kind, DeliveryState.ACCEPTED] - each * hour.people) for kind, each in MAILS.items())
    print(
        f"the mail server accepted {sum(hour.accepted.values()):,} mails, {len(hour.accepted):,} different ones, "
        f"{len(hour.accepted) / max(1, confirmed):.2f} for each who signed; "
        f"called accepted, never taken: {len(lost)}; taken and not known: {len(untold)}; doubled: {doubled}"
    )
    del became[DeliveryKind.NOTICE, DeliveryState.HELD]  # in case that a letter fails
    whole = confirmed == signed == hour.crowd.done and len(became) == len(MAILS) and not missing
    exact = not (lost or untold or doubled)
    print(f"  everybody confirmed, nothing failed, parked or left over: {measure.verdict(whole)}")
    print(f"  each exactly once: {measure.verdict(exact)}")
    return whole and exact


if __name__ == "__main__":
    main()
