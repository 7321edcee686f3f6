"""A worker in a process of its own, as `bin/run` starts it: `python -m tests.worker_process PORT`."""

from __future__ import annotations

import signal
import sys
import threading
from dataclasses import replace

from app import create_app, mail_sender
from app.extensions import db
from app.worker import AlreadyRunning, run
from config import Config
from settings.mail_server import MailServer

REFUSED = 3


def main(port: int) -> int:
    """Deliver to the server on `port` until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    config = replace(Config.from_env(), mail=MailServer.on_loopback(port))
    app = create_app(config)
    with app.app_context():
        try:
            run(config, db.session(), mail_sender(app, config), stop)
        except AlreadyRunning:
            return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
