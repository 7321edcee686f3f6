"""One attempt to hand a message to the mail server, by phase of the SMTP conversation.

Flask-Mail keeps its configuration, its suppression and its `email_dispatched` signal. What it does with a connection
is replaced here: it has no time-outs, hides the server's real reply behind its own QUIT, and would send again what
was accepted when the connection drops afterwards. conversation.py has the end in time of everything.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import re
import smtplib
import ssl
from dataclasses import dataclass, replace
from datetime import timedelta

from flask import Flask
from flask_mail import Connection, Message, email_dispatched

from app.deadlines import Deadline
from app.delivery import LOGIN_REFUSED, NO_CONNECTION, SENDER_REFUSED, Outcome, OutcomeKind, Outgoing, spoken
from app.delivery.conversation import Conversation
from app.delivery.replies import known, refused_at_once, refused_message, refused_recipient, words
from app.logs import kind_and_place

log = logging.getLogger(__name__)

# What can stand between < and > in a command; everything else is a row gone wrong, not a matter for the server.
_ADDRESS = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")
_DOT = re.compile(rb"^\.", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, for a command, and for the answer to the final dot (RFC 5321 asks for ten minutes).

    Each is for a step as a whole, however slowly its answer drips.
    """

    connect: float
    command: float
    final_dot: float

    @property
    def before_the_dot(self) -> float:
        """For all steps before the answer to the final dot, connecting included."""
        return 5 * self.command

    @property
    def whole(self) -> float:
        """For a message, whatever its server does: no lease of it may be shorter."""
        return self.before_the_dot + self.final_dot + self.connect

    @classmethod
    def of(cls, timeout: timedelta) -> Timeouts:
        """From the one setting, MAIL_TIMEOUT."""
        seconds = timeout.total_seconds()
        return cls(connect=seconds / 6, command=seconds, final_dot=seconds * 10)


class _NotReady(Exception):
    """There is nobody to give a message to; `outcome` is what that makes of the attempt."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.why)
        self.outcome = outcome


class FixedMessage(Message):
    """A message whose bytes were fixed when it was queued: Flask-Mail shall compose nothing."""

    def __init__(self, outgoing: Outgoing) -> None:
        super().__init__(recipients=[outgoing.recipient], sender=outgoing.sender)
        self.outgoing = outgoing

    def as_bytes(self) -> bytes:
        """The bytes as they were queued."""
        return self.outgoing.mail


class SmtpSender(Connection):
    """A Sender over Flask-Mail's settings. Reuses its connection; a broken one is replaced at the next message."""

    def __init__(self, app: Flask, timeouts: Timeouts, local_hostname: str) -> None:
        super().__init__(app.extensions["mail"])
        self._app = app
        self._timeouts = timeouts
        self._local_hostname = local_hostname
        self._kept: Conversation | None = None

    def send(self, message: Outgoing) -> Outcome:  # type: ignore[override]
        """One attempt; see Sender."""
        if self.mail.suppress:
            return Outcome(OutcomeKind.TRANSIENT, "suppressed")
        if not (_ADDRESS.fullmatch(message.sender) and _ADDRESS.fullmatch(message.recipient) and message.mail):
            return Outcome(OutcomeKind.PERMANENT, "cannot be sent")
        outcome = _nameless(self._attempt(message), message, self.mail.username or "", self.mail.password or "")
        if outcome.kind is OutcomeKind.ACCEPTED:
            self._announce(message)
        else:
            self.close()  # a refused message leaves the conversation in the middle; the next begins anew
        return outcome

    def close(self) -> None:
        """QUIT if there is anybody to say it to; what the server answers no longer matters."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.whole = Deadline.after(self._timeouts.connect)
            with contextlib.suppress(OSError, smtplib.SMTPException):
                kept.quit()
            kept.close()

    def _begun(self, whole: Deadline) -> Conversation:
        """One that is greeted, and encrypted and logged in where the settings ask for it. Raises _NotReady."""
        context = ssl.create_default_context() if self.mail.use_ssl else None
        seconds = self._timeouts.connect
        try:
            host = Conversation(self.mail.server, self.mail.port, self._local_hostname, seconds, whole, context)
            try:
                self._introduce(host)
            except BaseException:
                host.close()
                raise
        except (OSError, smtplib.SMTPException) as error:
            raise _NotReady(_no_connection(error)) from error
        return host

    def _introduce(self, host: Conversation) -> None:
        host.seconds = self._timeouts.command
        host.ehlo_or_helo_if_needed()
        if self.mail.use_tls:
            _start_tls(host)
        if self.mail.username:
            _log_in(host, self.mail.username, self.mail.password or "")

    def _attempt(self, message: Outgoing) -> Outcome:
        try:
            host, code, reply = self._begin(message.sender)
        except _NotReady as error:
            return error.outcome
        except (OSError, smtplib.SMTPException):
            return Outcome(OutcomeKind.TRANSIENT, NO_CONNECTION)
        if code != 250:
            return refused_at_once(code, reply, SENDER_REFUSED)
        try:
            return _converse(host, message, self._timeouts)
        except (OSError, smtplib.SMTPException):
            return Outcome(OutcomeKind.TRANSIENT, "connection lost")

    def _begin(self, sender: str) -> tuple[Conversation, int, bytes]:
        """The answer to MAIL: on the kept connection or, when the server has left that meanwhile, on a new one."""
        command = f"FROM:<{sender}>"
        whole = Deadline.after(self._timeouts.before_the_dot)
        if self._kept is not None:
            self._kept.whole = whole
            with contextlib.suppress(OSError, smtplib.SMTPException):
                code, reply = self._kept.docmd("mail", command)
                if code != 421:
                    return self._kept, code, reply
            self.close()
        self._kept = self._begun(whole)
        return self._kept, *self._kept.docmd("mail", command)

    def _announce(self, message: Outgoing) -> None:
        try:
            email_dispatched.send(self._app, message=FixedMessage(message))
        except Exception as error:  # a listener's trouble; the message is accepted, and must not be sent again
            log.error("a listener to email_dispatched raised %s", kind_and_place(error))


def _nameless(outcome: Outcome, message: Outgoing, username: str, password: str) -> Outcome:
    """The server's words must name nobody, not the part of an address that is a name either; nor hold our login."""
    parts = [part for address in (message.sender, message.recipient) for part in (address, address.rpartition("@")[0])]
    login = [secret for secret in (username, password, f"\0{username}\0{password}") if len(secret) > 2]
    encoded = [_base64(secret).rstrip("=") for secret in login]
    return replace(outcome, said=spoken(outcome.said.encode(), *parts, *login, *encoded)) if outcome.said else outcome


def _start_tls(host: smtplib.SMTP) -> None:
    """No TLS, no mail: whoever takes STARTTLS out of the server's answer must not get to read anything."""
    try:
        host.starttls(context=ssl.create_default_context())
    except smtplib.SMTPNotSupportedError as error:
        raise _NotReady(Outcome(OutcomeKind.CHANNEL, "no TLS")) from error
    except smtplib.SMTPResponseException as error:
        said = words(_octets(error.smtp_error))
        raise _NotReady(Outcome(OutcomeKind.CHANNEL, "no TLS", known(error.smtp_code), said=said)) from error
    host.ehlo_or_helo_if_needed()  # what was offered in clear counts no longer


def _log_in(host: smtplib.SMTP, username: str, password: str) -> None:
    """By PLAIN, or by LOGIN where only that is offered. smtplib's own would try a wrong password three times."""
    offered = host.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in offered:
        code, reply = host.docmd("AUTH", "PLAIN " + _base64(f"\0{username}\0{password}"))
    elif "LOGIN" in offered:
        code, reply = host.docmd("AUTH", "LOGIN")
        for answer in (username, password):
            if code == 334:
                code, reply = host.docmd(_base64(answer))
    else:
        raise _NotReady(Outcome(OutcomeKind.CHANNEL, LOGIN_REFUSED))
    if code != 235:
        raise _NotReady(refused_at_once(code, reply, LOGIN_REFUSED))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _no_connection(error: OSError | smtplib.SMTPException) -> Outcome:
    """What a failure before the first message means."""
    if isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPHeloError):
        kind = OutcomeKind.CHANNEL if 500 <= error.smtp_code < 600 else OutcomeKind.TRANSIENT
        return Outcome(kind, NO_CONNECTION, known(error.smtp_code), said=words(_octets(error.smtp_error)))
    if isinstance(error, ssl.SSLCertVerificationError):
        return Outcome(OutcomeKind.CHANNEL, "bad certificate")
    dropped = isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)
    if isinstance(error, ssl.SSLError) and not dropped:
        return Outcome(OutcomeKind.CHANNEL, "no TLS")
    return Outcome(OutcomeKind.TRANSIENT, NO_CONNECTION)


def _converse(host: Conversation, message: Outgoing, timeouts: Timeouts) -> Outcome:
    """RCPT, DATA, the bytes. Raises OSError or SMTPException when the connection breaks before the final dot."""
    code, reply = host.docmd("rcpt", f"TO:<{message.recipient}>")
    if code not in {250, 251}:
        return refused_recipient(code, reply)
    code, reply = host.docmd("data")
    if code != 354:
        return refused_message(code, reply)
    host.send(_DOT.sub(b"..", message.mail) + (b"" if message.mail.endswith(b"\r\n") else b"\r\n") + b".\r\n")
    return _after_final_dot(host, timeouts)


def _after_final_dot(host: Conversation, timeouts: Timeouts) -> Outcome:
    host.seconds, host.whole = timeouts.final_dot, Deadline.after(timeouts.final_dot)
    try:
        code, reply = host.getreply()
    except (OSError, smtplib.SMTPException):  # smtplib also calls an overlong answer a 500 of its own making
        return Outcome(OutcomeKind.UNKNOWN, "no answer")
    finally:
        host.seconds = timeouts.command
    if 200 <= code < 300:
        return Outcome(OutcomeKind.ACCEPTED, "accepted", code, said=words(reply))
    if 400 <= code < 600:
        return refused_message(code, reply)
    return Outcome(OutcomeKind.UNKNOWN, "unreadable answer")


def _octets(error: bytes | str) -> bytes:
    """What smtplib keeps of an answer, in one form."""
    return error if isinstance(error, bytes) else error.encode("utf-8", "replace")
