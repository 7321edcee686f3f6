"""Whether the mail server lets us send: the login, and the sender that it allows us."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator

from app.doctor import Finding, Stopped, fail, ok
from app.doctor.quoting import quoted
from app.doctor.talk import Broken, Reply, Talk
from app.doctor.visit import STARTTLS, Visit, refusal, step
from settings.mail_server import MailServer, Security

LOGIN, SENDER, RECIPIENT = "login", "sender", "recipient"


def logged_in(talk: Talk, server: MailServer, offers: dict[str, str]) -> Finding:
    """The login, if the settings ask for one. Raises Stopped when it fails."""
    if not server.username:
        return ok(LOGIN, "Not asked for: MAIL_USERNAME is not set.")
    with step(LOGIN, "after the login"):
        reply = _log_in(talk, server, offers)
    if reply is None:
        raise Stopped(_no_login(server, offers))
    if reply.code == 235:
        return ok(LOGIN, "The server knows MAIL_USERNAME and MAIL_PASSWORD.")
    raise Stopped(
        refusal(
            LOGIN,
            f"The server refuses the login: {quoted(reply, server)}.",
            reply,
            "Set MAIL_USERNAME and MAIL_PASSWORD as your mail provider gives them for SMTP. With two-step login many "
            "want an app password, which is made on their page. Mind quotes and line ends in a file.",
        )
    )


def _log_in(talk: Talk, server: MailServer, offers: dict[str, str]) -> Reply | None:
    """Once, in the way that the worker takes (app/delivery/smtp.py); None where it finds none."""
    ways = offers.get("AUTH", "").split()
    if "PLAIN" in ways:
        return talk.say("AUTH PLAIN " + _base64(f"\0{server.username}\0{server.password}"))
    if "LOGIN" not in ways:
        return None
    reply = talk.say("AUTH LOGIN")
    for answer in (server.username, server.password):
        if reply.code == 334:
            reply = talk.say(_base64(answer))
    return reply


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _no_login(server: MailServer, offers: dict[str, str]) -> Finding:
    if "STARTTLS" in offers:
        return fail(LOGIN, "The server takes a login only when it is encrypted.", "Set MAIL_USE_TLS=1.")
    kinds = offers.get("AUTH", "").strip()
    offered = f"only {', '.join(kinds.split())}" if kinds else "none"
    return fail(
        LOGIN,
        f"MAIL_USERNAME is set, and of logins the server offers {offered}; Redress can PLAIN and LOGIN.",
        f"Take the port for sending with a login: {STARTTLS}. If this server wants none, take MAIL_USERNAME and "
        "MAIL_PASSWORD out.",
    )


def senders(talk: Talk, visit: Visit, offers: dict[str, str]) -> Iterator[Finding]:
    """MAIL and RCPT, as for a mail to ourselves: many servers judge the sender only when they hear the recipient."""
    with step(SENDER, "after MAIL FROM"):
        reply = talk.say(f"MAIL FROM:<{visit.sender}>")
    if reply.code != 250:
        raise Stopped(_sender_refused(reply, visit, offers))
    yield ok(SENDER, f"It takes mail with the envelope sender b+…@{visit.sender.partition('@')[2]}.")
    with step(RECIPIENT, "after RCPT TO"):
        reply = talk.say(f"RCPT TO:<{visit.own}>")
    if reply.code not in {250, 251}:
        raise Stopped(_recipient_refused(reply, visit, offers))
    yield ok(RECIPIENT, f"It would take a mail to {visit.own}; none was sent.")
    with contextlib.suppress(Broken):
        talk.say("RSET")


def _needs_more(reply: Reply, server: MailServer, offers: dict[str, str]) -> str:
    """What to set when the server wants TLS or a login first; "" when it does not say so."""
    if reply.code not in {503, 530, 538}:
        return ""
    if "STARTTLS" in offers and server.security is Security.PLAIN:
        return "Set MAIL_USE_TLS=1: the server wants encryption first."
    return "" if server.username else "Set MAIL_USERNAME and MAIL_PASSWORD: the server wants a login first."


def _sender_refused(reply: Reply, visit: Visit, offers: dict[str, str]) -> Finding:
    domain = visit.sender.partition("@")[2]
    return refusal(
        SENDER,
        f"The server refuses the envelope sender b+…@{domain}: {quoted(reply, visit.server)}.",
        reply,
        _needs_more(reply, visit.server, offers)
        or f"Let your mail provider allow this account to send for {domain}, with any address in it, or set "
        "ORGANISATION_EMAIL and BOUNCE_DOMAIN to a domain that it may send for.",
    )


def _recipient_refused(reply: Reply, visit: Visit, offers: dict[str, str]) -> Finding:
    return refusal(
        RECIPIENT,
        f"The server refuses a mail from b+…@{visit.sender.partition('@')[2]} to {visit.own}: "
        f"{quoted(reply, visit.server)}.",
        reply,
        _needs_more(reply, visit.server, offers)
        or "If its words are about the sender, set BOUNCE_DOMAIN and ORGANISATION_EMAIL to a domain that this account "
        "may send for. If they are about relaying, it wants a login (MAIL_USERNAME, MAIL_PASSWORD). If they are about "
        "the recipient, ORGANISATION_EMAIL is no mailbox.",
    )
