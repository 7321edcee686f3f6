"""Workers as processes of their own: two on one PostgreSQL queue against one; and the memory of one over many messages.

    .venv/bin/python -m bench.workers two postgresql://…/an-empty-database
    .venv/bin/python -m bench.workers memory

The mail server of `two` takes 5 ms for its answer to a message, as one that writes it to a disk.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

from flask import Flask
from sqlalchemy import text

from app.db import writing
from app.extensions import db
from bench import measure, site
from bench.deliver import queue, signature, sink
from bench.soak import LIVE
from config import ROOT

MESSAGES, LONG, PAUSE, FASTER, GROWTH = 2_000, 20_000, 0.005, 1.6, 1.05


def main() -> None:
    what, *urls = sys.argv[1:] or ["memory"]
    if what == "two":
        _two(urls[0])
    else:
        _memory()


def _two(url: str) -> None:
    settings = {**LIVE, "MAIL_PORT": str(sink(PAUSE)), "DATABASE_URL": url}
    app = site.make(**settings)
    with app.app_context():
        signature()
    one, two = (_rate(app, settings, workers) for workers in (1, 2))
    print(f"{MESSAGES:,} messages: one worker {one:,.0f}/s, two {two:,.0f}/s, ratio {two / one:.2f}")
    print(f"  at least {FASTER}: {measure.verdict(two / one >= FASTER)}")


def _rate(app: Flask, settings: dict[str, str], workers: int) -> float:
    """Messages a second, from the first claim to the last acceptance."""
    with app.app_context():
        with writing(db.session()):
            db.session.execute(text("DELETE FROM delivery_event"))
            db.session.execute(text("DELETE FROM delivery"))
        queue(MESSAGES)
    data_dir = app.config["REDRESS"].data_dir
    for worker in [_worker(data_dir, settings) for _ in range(workers)]:
        assert worker.wait() == 0
    with app.app_context():
        first, last, count = db.session.execute(
            text("SELECT min(at), max(at), count(*) FILTER (WHERE state = 'accepted') FROM delivery_event")
        ).one()
        db.session.rollback()
    assert count == MESSAGES, count
    assert isinstance(first, datetime)
    return MESSAGES / float((last - first).total_seconds())


def _worker(data_dir: Path, settings: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "flask", "outbox", "once"]
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(data_dir), **settings}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)


def _memory() -> None:
    settings = {**LIVE, "MAIL_PORT": str(sink())}
    app = site.make(**settings)
    with app.app_context():
        signature()
        queue(LONG)
        worker = _worker(app.config["REDRESS"].data_dir, settings)
        early = late = 0
        while worker.poll() is None:
            left = db.session.scalar(text("SELECT count(*) FROM delivery WHERE state = 'queued'")) or 0
            db.session.rollback()
            late = _resident(worker.pid) or late
            if left > LONG - 1_000 or not early:
                early = late
            time.sleep(0.5)
    print(f"a worker: {early / 1e6:.0f} MB after the first 1,000 of {LONG:,} messages, {late / 1e6:.0f} MB at the end")
    print(f"  at most {GROWTH} times as much: {measure.verdict(late <= early * GROWTH)}")


def _resident(process: int) -> int:
    """Bytes of memory in use (Linux); 0 when it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0)


if __name__ == "__main__":
    main()
