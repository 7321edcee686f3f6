"""What a mail server's certificate says, and what is wrong with one that was refused."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.doctor import Finding, days, fail, ok, printable, warn

SUBJECT = "certificate"
SOON = timedelta(days=14)
_NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, for which Python has no name."""
EXPIRED, NOT_YET = 10, 9
_SELF_SIGNED = {18, 19}
_OTHER_NAME = {62, 64}
"""Codes of OpenSSL (x509_vfy.h): X509_V_ERR_HOSTNAME_MISMATCH and the one of IP addresses."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """For which machines it vouches, and how long."""

    names: tuple[str, ...]
    since: datetime
    until: datetime

    @classmethod
    def of(cls, peer: Mapping[str, Any]) -> Certificate:
        """From what SSLSocket.getpeercert() gives for a certificate that was verified."""
        names = tuple(value for kind, value in peer.get("subjectAltName", ()) if kind in {"DNS", "IP Address"})
        since, until = (
            datetime.fromtimestamp(ssl.cert_time_to_seconds(peer[end]), UTC) for end in ("notBefore", "notAfter")
        )
        return cls(names, since, until)

    @property
    def named(self) -> str:
        """Its names for people."""
        shown = ", ".join(self.names[:5]) or "no name at all"
        return printable(shown if len(self.names) <= 5 else f"{shown} and {len(self.names) - 5} more")


def lenient() -> ssl.SSLContext:
    """Verifies who has signed a certificate, and neither its name nor its days: to read one that was refused."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_flags |= _NO_CHECK_TIME
    return context


def judged(certificate: Certificate, now: datetime) -> Finding:
    """A certificate that was accepted."""
    left = (certificate.until - now).days
    if certificate.until - now <= SOON:
        return warn(
            SUBJECT,
            f"It is for {certificate.named}, and ends in {days(left)}, on {certificate.until:%Y-%m-%d}.",
            "Whoever runs the mail server has to renew it by then, or no mail goes out any more.",
        )
    return ok(SUBJECT, f"It is for {certificate.named}, until {certificate.until:%Y-%m-%d}.")


def refused(code: int, host: str, read: Certificate | None, now: datetime) -> Finding:
    """A certificate that was refused with this code of OpenSSL; `read` is what stands in it, if that can be known."""
    if code in _OTHER_NAME:
        others = f"It is for {read.named}, and not for {host}." if read else f"It is not for {host}."
        return fail(
            SUBJECT,
            others,
            "Set MAIL_SERVER to a name that stands in the certificate, as your mail provider gives it, not to an IP "
            "address or an alias.",
        )
    if code in {EXPIRED, NOT_YET}:
        return _of_another_time(code, read, now)
    if code in _SELF_SIGNED:
        return fail(
            SUBJECT,
            "It is signed by itself or by an authority that this machine does not know, so that it proves nothing.",
            "Take a MAIL_SERVER with a certificate of a public authority. If it is your own server, put the "
            "certificate of its authority into a file, and name that in SSL_CERT_FILE.",
        )
    return fail(
        SUBJECT,
        "It is signed by somebody whom this machine does not know.",
        "If the server has an authority of its own, name its certificate in SSL_CERT_FILE. Else the server may not "
        "send its intermediate certificate, or this machine lacks the public authorities (package ca-certificates).",
    )


def _of_another_time(code: int, read: Certificate | None, now: datetime) -> Finding:
    clock = f"This machine's clock says {now:%Y-%m-%d %H:%M} UTC: if that is wrong, set it."
    if code == EXPIRED:
        ended = f" on {read.until:%Y-%m-%d}" if read else ""
        renew = "Whoever runs the mail server has to renew it; until then another MAIL_SERVER."
        return fail(SUBJECT, f"It has ended{ended}.", f"{renew} {clock}")
    begins = f" before {read.since:%Y-%m-%d}" if read else ""
    return fail(SUBJECT, f"It does not hold{begins} yet.", f"{clock} Else whoever runs the mail server has to mend it.")
