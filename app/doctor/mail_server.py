"""Goes the way of a letter to the mail server step by step, and ends it before a message: what stops the mail?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

from app.deadlines import Deadline
from app.doctor import Finding, Stopped, fail, ok
from app.doctor.encryption import TLS, encrypted, speaks_tls, start_tls
from app.doctor.permission import logged_in, senders
from app.doctor.quoting import quoted
from app.doctor.reaching import PORT, SERVER, Way, connect, look_up
from app.doctor.talk import Broken, Ending, Talk
from app.doctor.visit import AGAIN, STARTTLS, Visit, refusal, step
from settings.addresses import is_loopback
from settings.mail_server import MailServer, Security

GREETING = "greeting"


def examine(visit: Visit, now: datetime) -> Iterator[Finding]:
    """One finding for each step, up to the first that stops the mail. No message is sent."""
    try:
        yield from _steps(visit, now)
    except Stopped as stop:
        yield stop.finding


def _steps(visit: Visit, now: datetime) -> Iterator[Finding]:
    server, whole = visit.server, Deadline.after(visit.timeouts.before_the_dot)
    addresses = look_up(server, whole)
    yield ok(SERVER, f"{server.host} {'is' if addresses == (server.host,) else 'has'} an address.")
    way, opened = connect(server, addresses, visit.timeouts.connect, whole)
    with closing(opened) as talk:
        yield ok(PORT, f"Port {server.port} takes connections.")
        if server.security is Security.TLS:
            yield from encrypted(talk, visit, way, now)
        yield _greeted(talk, visit, way)
        talk.seconds = visit.timeouts.command
        offers = _introduced(talk, visit)
        if server.security is Security.STARTTLS:
            yield from start_tls(talk, visit, way, offers, now)
            offers = _introduced(talk, visit)
        elif server.security is Security.PLAIN:
            yield ok(TLS, f"Not asked for: {_why_plain(server)}.")
        yield logged_in(talk, server, offers)
        yield from senders(talk, visit, offers)
        with contextlib.suppress(Broken):
            talk.say("QUIT")


def _why_plain(server: MailServer) -> str:
    return "the server is on this machine" if is_loopback(server.host) else "MAIL_USE_TLS is 0 and MAIL_PLAIN is 1"


def _greeted(talk: Talk, visit: Visit, way: Way) -> Finding:
    server = visit.server
    try:
        reply = talk.hear()
    except Broken as error:
        if server.security is not Security.TLS and speaks_tls(way, visit.timeouts.connect):
            raise Stopped(
                fail(
                    TLS,
                    f"Port {server.port} speaks TLS from the first byte, and MAIL_USE_SSL is 0.",
                    f"Set MAIL_USE_SSL=1 and MAIL_USE_TLS=0, or take a port for STARTTLS: {STARTTLS}.",
                )
            ) from None
        do = AGAIN if error.ending is not Ending.NOT_SMTP else "Set MAIL_PORT to the port for sending mail."
        if error.ending is Ending.SILENCE:
            do += " A server that needs more time: a sixth of MAIL_TIMEOUT is what the greeting gets."
        raise Stopped(fail(GREETING, f"The server {error} when it should greet.", do)) from None
    if reply.code == 220:
        return ok(GREETING, "The server greets.")
    raise Stopped(
        refusal(
            GREETING,
            f"The server takes nothing from this machine: {quoted(reply, server)}.",
            reply,
            "Ask whoever runs it to allow this machine's IP address. Many machines at hosters are on block lists: then "
            "send through a mail provider with a login (MAIL_SERVER, MAIL_USERNAME, MAIL_PASSWORD).",
        )
    )


def _introduced(talk: Talk, visit: Visit) -> dict[str, str]:
    """What the server offers, by keyword in capitals; nothing if it knows HELO only. Raises Stopped."""
    with step(GREETING, "after EHLO"):
        reply = talk.say(f"EHLO {visit.hello}")
        if reply.code == 250:
            offers = (line.upper().replace("AUTH=", "AUTH ").partition(" ") for line in reply.lines[1:])
            return {keyword: rest for keyword, _space, rest in offers}
        reply = talk.say(f"HELO {visit.hello}")
    if reply.code == 250:
        return {}
    says = f"The server does not talk with who calls itself {visit.hello}: {quoted(reply, visit.server)}."
    raise Stopped(refusal(GREETING, says, reply, "Set BOUNCE_DOMAIN to a domain of yours that DNS knows."))
