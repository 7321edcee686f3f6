"""A visit to the mail server: whom to call on, and what its steps have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.delivery.smtp import Timeouts
from app.doctor import Finding, Stopped, Verdict, fail
from app.doctor.talk import Broken, Reply
from settings.mail_server import MailServer

AGAIN = "Try again in a few minutes; if it stays so, ask whoever runs the mail server."
STARTTLS = "MAIL_USE_TLS=1, MAIL_USE_SSL=0 and MAIL_PORT=587"
IMPLICIT = "MAIL_USE_SSL=1, MAIL_USE_TLS=0 and MAIL_PORT=465"


@dataclass(frozen=True, slots=True)
class Visit:
    """Whom to call on, how to introduce oneself, and for whom to ask: envelope sender and a mailbox of our own."""

    server: MailServer
    hello: str
    sender: str
    own: str
    timeouts: Timeouts


@contextmanager
def step(subject: str, when: str) -> Iterator[None]:
    """Meanwhile a conversation that breaks stops the examination, with a sentence."""
    try:
        yield
    except Broken as error:
        raise Stopped(fail(subject, f"The server {error} {when}.", AGAIN)) from None


def refusal(subject: str, says: str, reply: Reply, do: str) -> Finding:
    """A 4xx may pass by itself, and the worker asks again; all else stays as it is."""
    if 400 <= reply.code < 500:
        return Finding(Verdict.WARN, subject, says, f"This may pass: letters wait meanwhile. If it stays so: {do}")
    return fail(subject, says, do)
