"""Questions to DNS with an end in time, and answers that tell "there is none" from "nobody answered"."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.resolver

from app.doctor import printable


class NotAnswered(Exception):
    """DNS could not be asked; the text says why, as the end of a sentence in brackets."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The records of one kind that a name has. `exists` says whether DNS knows the name at all, for other kinds too."""

    exists: bool
    records: tuple[str, ...] = ()


def resolver_at(nameserver: tuple[str, int] | None) -> dns.resolver.Resolver:
    """One that asks this IP address and port, or for None whom this machine asks. Raises NotAnswered."""
    if nameserver is None:
        try:
            return dns.resolver.Resolver()
        except (dns.exception.DNSException, OSError):
            raise NotAnswered("this machine names no nameserver in /etc/resolv.conf") from None
    resolver = dns.resolver.Resolver(configure=False)
    address, resolver.port = nameserver
    resolver.nameservers = [address]
    return resolver


class Questions:
    """Each has `each` seconds, all of them have `altogether`, counted from the first."""

    def __init__(
        self,
        resolver: dns.resolver.Resolver,
        each: float = 4.0,
        altogether: float = 25.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolver = resolver
        self._each = each
        self._altogether = altogether
        self._clock = clock
        self._end: float | None = None
        resolver.use_edns(0, 0, 1232)  # long keys fit into one answer
        resolver.timeout = each / 2  # one packet may get lost

    def ask(self, name: str, kind: str) -> Answer:
        """The records of a name, of the kind `TXT`, `MX`, `A` or `AAAA`. Raises NotAnswered."""
        if self._end is None:
            self._end = self._clock() + self._altogether
        left = self._end - self._clock()
        if left <= 0:
            raise NotAnswered("no time was left for it, because other answers did not come")
        try:
            found = self._resolver.resolve(f"{name}.", kind, lifetime=min(self._each, left))
        except dns.resolver.NXDOMAIN:
            return Answer(exists=False)
        except dns.resolver.NoAnswer:
            return Answer(exists=True)
        except dns.exception.DNSException as error:
            raise NotAnswered(_why(error)) from error
        except (OSError, ValueError) as error:
            raise NotAnswered("this machine has no network") from error
        return Answer(exists=True, records=tuple(_text(record) for record in found))


def _text(record: dns.rdata.Rdata) -> str:
    """As people write it; the strings into which a long TXT record is cut belong together."""
    if isinstance(record, dns.rdtypes.ANY.TXT.TXT):
        return b"".join(record.strings).decode("utf-8", "replace")
    return record.to_text()


def _why(error: dns.exception.DNSException) -> str:
    attempts = error.kwargs.get("errors") or []
    causes = [attempt[3] for attempt in attempts if len(attempt) > 3]
    if causes and all(isinstance(cause, OSError) for cause in causes):
        return "this machine has no way to its nameserver"
    if isinstance(error, dns.resolver.LifetimeTimeout):
        return "no answer came in time"
    if isinstance(error, dns.resolver.NoNameservers):
        answers = {str(cause) for cause in causes if not isinstance(cause, Exception)}
        return printable(f"the nameserver answered {' and '.join(sorted(answers)) or 'nothing that can be read'}")
    return "the answer could not be read"
