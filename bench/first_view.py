"""GET of the campaign page against a bare Flask response of the same size: in one process, and under the web server."""

from __future__ import annotations

import http.client
import os
from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from bench import measure, site
from bench.served import Served, served

PATH, LIMIT = "/reunite-families", 0.4
CLIENTS, TIMES, ROUNDS = 8, 1600, 5
_SIZE = "REDRESS_BENCH_SIZE"


def main() -> None:
    app = site.make()
    ours = app.test_client()
    size = len(ours.get(PATH).data)
    bare = floor(size).test_client()
    what = f"GET of the campaign page ({size} bytes)"
    ratio = measure.compare(what, lambda: _get(ours), lambda: _get(bare), rounds=9, times=150)
    print(f"  at least {LIMIT}: {measure.verdict(ratio >= LIMIT)}")
    under_the_server(str(app.config["REDRESS"].data_dir), size)


def under_the_server(folder: str, size: int) -> None:
    """Both under the same server and workers: by what the workers compute, since the clients need the cores too."""
    with (
        served("wsgi:app", DATA_DIR=folder) as ours,
        served("bench.first_view:floor()", **{_SIZE: str(size)}) as bare,
    ):
        taken: list[tuple[float, float]] = [(_computing(ours), _computing(bare)) for _ in range(ROUNDS)]
    mine, floors = (sorted(column)[ROUNDS // 2] for column in zip(*taken, strict=True))
    print(
        f"  under the web server: ours {mine / TIMES * 1e3:.2f} ms of a processor, floor {floors / TIMES * 1e3:.2f}, "
        f"ratio {floors / mine:.2f}, at least {LIMIT}: {measure.verdict(floors / mine >= LIMIT)}"
    )


def floor(size: int = 0) -> Flask:
    """Answers with so many bytes, whatever is asked; under the server the size comes from the environment."""
    bare = Flask("bare")
    text = "x" * (size or int(os.environ[_SIZE]))
    bare.add_url_rule("/<slug>", "page", lambda slug: text)
    return bare


def _get(client: object) -> None:
    client.get(PATH)  # type: ignore[attr-defined]  # Flask's test client


def _computing(server: Served) -> float:
    """Seconds that the workers take for TIMES pages."""
    before = server.computed()
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda _number: _visit(server.port), range(CLIENTS)))
    return server.computed() - before


def _visit(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for _ in range(TIMES // CLIENTS):
        connection.request("GET", PATH)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
    connection.close()


if __name__ == "__main__":
    main()
