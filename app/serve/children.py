"""What each child of `bin/run` does. A child is told two numbers: its end of the leash, and a socket or a port."""

from __future__ import annotations

import functools
import logging
import socket
from dataclasses import replace
from pathlib import Path

from app import create_app, mail_sender, tables_refresher
from app.extensions import db
from app.sandbox import mailbox
from app.serve import leash
from app.worker import run as deliver
from app.worker import told_to_stop
from config import Config
from settings.mail_server import MailServer


def run(name: str, leash_end: int, number: int) -> int:
    """Be the child `name` until it shall stop; the exit code."""
    logging.basicConfig(level=logging.WARNING, format=f"{name}: %(levelname)s %(message)s", force=True)
    return {"web": web, "worker": worker, "mailbox": keep_mail}[name](leash_end, number)


def web(leash_end: int, listener: int) -> int:
    """Serve pages on the inherited socket."""
    from app.serve.webserver import WebServer

    WebServer(listener, leash_end).run()
    return 0


def worker(leash_end: int, mail_port: int) -> int:
    """Deliver, and delete what is over: to the mailbox on `mail_port`, or in live mode to the settings' mail server."""
    stop = told_to_stop()
    leash.follow(leash_end, stop.set)
    config, sweep = Config.from_env(), None
    if not config.live:
        config = replace(config, mail=MailServer.on_loopback(mail_port))
        sweep = functools.partial(mailbox.sweep, mailbox_folder(config))
    app = create_app(config)
    with app.app_context():
        deliver(config, db.session(), mail_sender(app, config), stop, sweep, tables_refresher(app, config))
    return 0


def mailbox_folder(config: Config) -> Path:
    """Where a sandbox keeps the mails that it was sent."""
    return config.data_dir / "mailbox"


def keep_mail(leash_end: int, listener: int) -> int:
    """Take mail on the inherited socket."""
    with socket.socket(fileno=listener) as inherited:
        mailbox.serve(inherited, mailbox_folder(Config.from_env()), functools.partial(leash.follow, leash_end))
    return 0
