"""Time and memory of the tables, memory of a web worker, bytes of a page with its stylesheet."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

from app.legislators import tables
from bench import site
from config import ROOT


def main() -> None:
    start = time.perf_counter()
    loaded = tables.load(tables.SHIPPED)
    print(f"tables: loaded in {(time.perf_counter() - start) * 1000:.0f} ms")
    del loaded
    gc.collect()
    tracemalloc.start()
    kept = tables.load(tables.SHIPPED)
    print(f"tables: {tracemalloc.get_traced_memory()[0] / 1e6:.1f} MB kept, for the Congress {kept.congress}")
    tracemalloc.stop()
    app = site.make()
    page = len(app.test_client().get("/reunite-families").data)
    style = (ROOT / "app" / "static" / "redress.css").stat().st_size
    print(f"page: {page} bytes of HTML and {style} of CSS, {(page + style) / 1024:.1f} kB together")
    folder = app.config["REDRESS"].data_dir
    for name, code in {
        "Flask, WTForms and SQLAlchemy": "import flask, flask_wtf, wtforms, sqlalchemy.orm",
        "Redress after a page": "import wsgi; wsgi.app.test_client().get('/reunite-families')",
    }.items():
        report = code + "; print(*[l.split()[1] for l in open('/proc/self/status') if l.startswith('VmRSS')])"
        run = [sys.executable, "-c", report]
        kilobytes = subprocess.run(
            run, cwd=ROOT, env={"DATA_DIR": str(folder), "PATH": ""}, capture_output=True, text=True, check=True
        ).stdout
        print(f"memory: {name}: {int(kilobytes) / 1024:.0f} MB")


if __name__ == "__main__":
    if not Path("/proc/self/status").exists():
        sys.exit("This reads /proc, which is there on Linux only.")
    main()
