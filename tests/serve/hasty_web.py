"""The web server of a start by itself, and less patient: `python -m tests.serve.hasty_web`, with PORT and DATA_DIR."""

from __future__ import annotations

import socket

from app.serve.buffering import BufferingWorker, Limits
from app.serve.ground import listen
from app.serve.prepare import prepare
from app.serve.webserver import WebServer
from config import Config

LIMITS = Limits(head=1.0, request=3.0, answer=3.0, goodbye=1.0, buffers=1_000_000)


class Hasty(BufferingWorker):
    """Waits for seconds where another waits for minutes."""

    limits = LIMITS


def main() -> None:
    """Serve until it is told to stop."""
    config = Config.from_env()
    prepare(config)
    mine, theirs = socket.socketpair()
    with mine, theirs, listen(config.host, config.port) as listener:
        print("Ready", flush=True)
        WebServer(listener.fileno(), theirs.fileno(), Hasty).run()


if __name__ == "__main__":
    main()
