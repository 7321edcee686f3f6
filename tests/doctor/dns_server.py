"""A nameserver on loopback that answers from zones as they were recorded, and fails where it is told to.

with answering({"example.org": '@ TXT "v=spf1 mx -all"'}, servfail={"_dmarc.example.org"}) as server:
    …a resolver that asks 127.0.0.1, server.port…
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import dns.rrset
import dns.zone

from app.doctor.questions import Questions, resolver_at

HEAD = "$TTL 60\n@ SOA ns.invalid. root.invalid. 1 2 3 4 5\n@ NS ns.invalid.\n"


@dataclass
class Server:
    """Where it listens, and what it was asked."""

    port: int
    zones: dict[dns.name.Name, dns.zone.Zone]
    servfail: Collection[str]
    silent: Collection[str]
    asked: list[str] = field(default_factory=list)

    @property
    def questions(self) -> Questions:
        """What asks this server, with little patience for one that never answers."""
        each = 0.2 if "*" in self.silent else 0.5 if self.silent else 2.0
        return Questions(resolver_at(("127.0.0.1", self.port)), each, altogether=each * 3 if self.silent else 20.0)

    def answer(self, query: dns.message.Message) -> dns.message.Message | None:
        """What to send back; None for silence."""
        (question,) = query.question
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append(f"{name} {dns.rdatatype.to_text(question.rdtype)}")
        if "*" in self.silent or name in self.silent:
            return None
        response = dns.message.make_response(query, recursion_available=True)
        if "*" in self.servfail or name in self.servfail:
            response.set_rcode(dns.rcode.SERVFAIL)
        else:
            self._fill(response, question)
        return response

    def _fill(self, response: dns.message.Message, question: dns.rrset.RRset) -> None:
        for origin, zone in self.zones.items():
            if not question.name.is_subdomain(origin):
                continue
            found = zone.get_rdataset(question.name, question.rdtype)
            if found is not None:
                response.answer.append(dns.rrset.from_rdata_list(question.name, found.ttl, list(found)))
                return
            if any(name.derelativize(origin).is_subdomain(question.name) for name in zone.nodes):
                return  # the name is there, for something else or for what is below it
        response.set_rcode(dns.rcode.NXDOMAIN)


@contextlib.contextmanager
def answering(
    zones: Mapping[str, str], *, servfail: Collection[str] = (), silent: Collection[str] = ()
) -> Iterator[Server]:
    """Zones are lines of a zone file by their domain; `*` in the other two stands for every name."""
    read = {
        dns.name.from_text(domain): dns.zone.from_text(HEAD + text, origin=domain, relativize=False)
        for domain, text in zones.items()
    }
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        server = Server(listener.getsockname()[1], read, servfail, silent)

        def serve() -> None:
            while True:
                packet, sender = listener.recvfrom(4096)
                if not packet:
                    return
                response = server.answer(dns.message.from_wire(packet))
                if response is not None:
                    listener.sendto(response.to_wire(), sender)

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield server
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stopping:
                stopping.sendto(b"", ("127.0.0.1", server.port))
            serving.join()
