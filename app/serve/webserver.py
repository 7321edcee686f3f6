"""gunicorn around wsgi.py: on a socket that is bound already, and with a log that holds nothing of a request."""

from __future__ import annotations

import gc
import os
import signal

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from app.serve import leash
from app.serve.buffering import BufferingWorker


class QuietLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's log of itself. What it writes about single requests holds addresses with tokens: that is left out."""

    def warning(self, msg: str, *args: object, **kwargs: object) -> None:
        """Say what is said about the server; nothing about a malformed request, which is the sender's matter."""
        if not msg.startswith("Invalid request from"):
            super().warning(msg, *args, **kwargs)

    def exception(self, msg: str, *args: object, **kwargs: object) -> None:
        """A traceback for a worker that does not start; for a failed request only that there was one."""
        if msg.startswith("Exception in worker process"):
            super().exception(msg, *args, **kwargs)
        else:
            self.error("The web server could not finish a request.")


class WebServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Three processes of five threads, none of which waits for a browser."""

    def __init__(self, listener: int, leash_end: int, worker: type[BufferingWorker] = BufferingWorker) -> None:
        self._listener = listener
        self._worker = worker
        self._leash_end = leash_end
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults, and what it would take from the environment."""
        settings = {
            "bind": f"fd://{self._listener}",
            "worker_class": self._worker,
            "workers": 3,
            "threads": 5,
            "worker_connections": 800,  # fewer than the 1,024 files that a process may have open
            "sendfile": False,  # it would go past the buffer
            "graceful_timeout": 10,
            "limit_request_line": 8190,  # a link may fill in every field
            "control_socket_disable": True,
            "forwarded_allow_ips": "",  # TRUSTED_PROXIES decides, in create_app
            "accesslog": None,
            "loglevel": "warning",
            "logger_class": QuietLogger,
            "proc_name": "redress",
            "post_worker_init": self._put_on_leash,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> object:
        """The WSGI application; called in each worker process."""
        from wsgi import app

        # A page is made of thousands of objects and leaves none: to look for forgotten ones again and again, among all
        # modules too, took an eighth of the time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        return app

    def _put_on_leash(self, worker: object) -> None:
        """gunicorn's master has no thread to spare, so its workers look after it: it ends them with itself."""
        master = os.getppid()

        def end_master() -> None:
            if os.getppid() == master:  # else it is gone, and the number may be somebody else's
                os.kill(master, signal.SIGTERM)

        leash.follow(self._leash_end, end_master)
