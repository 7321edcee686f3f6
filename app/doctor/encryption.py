"""TLS with the mail server, from the first byte or after STARTTLS, and which of the two a port speaks."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

from app.doctor import Finding, Stopped, certificate, fail, ok
from app.doctor.certificate import Certificate
from app.doctor.quoting import quoted
from app.doctor.reaching import Way
from app.doctor.talk import Broken, Talk
from app.doctor.visit import AGAIN, IMPLICIT, STARTTLS, Visit, refusal, step
from settings.mail_server import Security

TLS = "TLS"


def start_tls(talk: Talk, visit: Visit, way: Way, offers: dict[str, str], now: datetime) -> Iterator[Finding]:
    """By STARTTLS, which has to be among what the server offers; findings as of `encrypted`. Raises Stopped."""
    server = visit.server
    if "STARTTLS" not in offers:
        near = " If the server is on this machine or in your own network: MAIL_USE_TLS=0."
        raise Stopped(
            fail(
                TLS,
                f"The server offers no encryption (STARTTLS) on port {server.port}, and MAIL_USE_TLS is 1.",
                f"Take a port for sending with a login: {STARTTLS}, or {IMPLICIT}.{near}",
            )
        )
    with step(TLS, "after STARTTLS"):
        reply = talk.say("STARTTLS")
    if reply.code != 220:
        says = f"The server does not begin encryption: {quoted(reply, server)}."
        raise Stopped(refusal(TLS, says, reply, f"Take the other way, if it has that: {IMPLICIT}."))
    yield from encrypted(talk, visit, way, now)


def encrypted(talk: Talk, visit: Visit, way: Way, now: datetime) -> Iterator[Finding]:
    """Two findings: that there is TLS, and what its certificate says. Raises Stopped."""
    try:
        connection = talk.encrypt(ssl.create_default_context(), visit.server.host)
    except ssl.SSLCertVerificationError as error:
        read = _read_leniently(visit, way)
        raise Stopped(certificate.refused(error.verify_code, visit.server.host, read, now)) from None
    except OSError as error:
        raise Stopped(_no_tls(error, visit, way)) from None
    yield ok(TLS, f"The conversation is encrypted ({connection.version()}).")
    yield certificate.judged(Certificate.of(connection.getpeercert() or {}), now)


def _no_tls(error: OSError, visit: Visit, way: Way) -> Finding:
    server = visit.server
    if server.security is Security.TLS and _greets_in_clear(way, visit.timeouts.connect):
        return fail(
            TLS,
            f"Port {server.port} does not speak TLS from the first byte, and MAIL_USE_SSL is 1.",
            f"Set MAIL_USE_SSL=0 and MAIL_USE_TLS=1, or take the port for TLS: {IMPLICIT}.",
        )
    why = "no answer in time" if isinstance(error, TimeoutError) else getattr(error, "reason", "") or "it hung up"
    return fail(
        TLS,
        f"The server and this machine did not agree on encryption ({why}).",
        f"{AGAIN} An old server that knows no TLS 1.2 has to be updated, or take another MAIL_SERVER.",
    )


def _read_leniently(visit: Visit, way: Way) -> Certificate | None:
    """What stands in a certificate that was refused, by a second connection; None if its signer is unknown."""
    seconds = visit.timeouts.connect
    with contextlib.suppress(OSError, Broken, KeyError, ValueError), closing(way.open(seconds)) as talk:
        if visit.server.security is Security.STARTTLS:
            talk.hear()
            talk.say(f"EHLO {visit.hello}")
            talk.say("STARTTLS")
        return Certificate.of(talk.encrypt(certificate.lenient(), visit.server.host).getpeercert() or {})
    return None


def speaks_tls(way: Way, seconds: float) -> bool:
    """Whether a handshake is answered; nothing is said after it, so nobody has to prove who they are."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with contextlib.suppress(OSError), closing(way.open(seconds)) as talk:
        talk.encrypt(context, "localhost")
        return True
    return False


def _greets_in_clear(way: Way, seconds: float) -> bool:
    with contextlib.suppress(OSError, Broken), closing(way.open(seconds)) as talk:
        return talk.hear().code > 0
    return False
