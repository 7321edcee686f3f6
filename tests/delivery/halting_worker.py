"""A worker that stays for ever at one step of the first message that it sends, for whoever kills it there.

    python -m tests.delivery.halting_worker PORT STEP

It writes a line to standard output when it is there.
"""

from __future__ import annotations

import sys
import threading
from enum import StrEnum

from flask_mail import email_dispatched
from sqlalchemy import Engine, event

from tests import worker_process

REACHED = b"reached\n"


class Step(StrEnum):
    """How far it goes once the server has said 250."""

    ACCEPTED = "accepted"
    """Nothing has been written of the answer."""
    SETTLING = "settling"
    """It is about to wait for the database's write lock, which the test holds."""
    SETTLED = "settled"
    """The outcome is written, and not committed."""


def main(port: int, step: Step) -> int:
    """Deliver to the server on `port`."""

    def stay(*_args: object, **_kwargs: object) -> None:
        tell()
        threading.Event().wait()

    def on_statement(_connection: object, _cursor: object, sql: str, *_rest: object) -> None:
        if sql == "BEGIN IMMEDIATE" or "pg_advisory_xact_lock" in sql:
            tell()

    def on_acceptance(*_args: object, **_kwargs: object) -> None:
        if step is Step.ACCEPTED:
            stay()
        elif step is Step.SETTLING:
            event.listen(Engine, "before_cursor_execute", on_statement)
        else:
            event.listen(Engine, "commit", stay)

    with email_dispatched.connected_to(on_acceptance):
        return worker_process.main(port)


def tell() -> None:
    sys.stdout.buffer.write(REACHED)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Step(sys.argv[2])))
