"""Parsers of addresses: of machines, of the web, of e-mail, of a database; and which of them mean this machine."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from settings.values import CONTROL

_DOMAIN = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?P<domain>[A-Za-z0-9.-]+)")
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_MACHINE = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_POSTGRES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bracketed(host: str) -> str:
    """A host as it stands before a colon and a port."""
    return f"[{host}]" if ":" in host else host


def host(text: str) -> str:
    """Where to listen."""
    if "%" in text or not _is_machine(text.lower()):
        raise ValueError("an address or host name of this machine, like 127.0.0.1")
    return text


def mail_server(text: str) -> str:
    """The name or address of a mail server; "" for none."""
    name = text.lower()
    if name and not _is_machine(name):
        raise ValueError("the name or address of a mail server, like mail.example.org, without a port")
    return name


def base_url(text: str) -> str:
    """What the addresses of all pages begin with, without the slash at its end."""
    given = text.lower().removesuffix("/")
    if not given or given != _scheme_host_port(given):
        raise ValueError(
            "an address like https://act.example.org, without a path, a user name or spaces, and with xn--… for a name "
            "that has other letters than a to z"
        )
    return given


def email(text: str) -> str:
    """An address that mails can come from."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ValueError("an e-mail address like letters@example.org")
    domain(match["domain"])
    return text


def domain(text: str) -> str:
    """A domain that can have mail."""
    if not _DOMAIN.fullmatch(text.lower()):
        raise ValueError("a domain like example.org")
    return text.lower()


def database_url(text: str) -> str:
    """The address of a PostgreSQL database, with its driver; its words show nothing of it, for it holds a password."""
    scheme, mark, rest = text.partition("://")
    try:
        named = bool(mark) and scheme in _POSTGRES and urlsplit(f"postgresql://{rest}").path.strip("/") != ""
    except ValueError:
        named = False
    if not named or CONTROL.search(text):
        raise ValueError(
            "like postgresql://user:password@host/database, or unset for the file in DATA_DIR; signs like / or @ in "
            "the password have to be written as %2F or %40"
        )
    return f"postgresql+psycopg://{rest}"


def _scheme_host_port(url: str) -> str:
    """What is left of an address of the web without all else that one can have in it; "" when it is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or port == 0 or "%" in host or not _is_machine(host):
        return ""
    return f"{parts.scheme}://{bracketed(host)}" + ("" if port is None else f":{port}")


def _is_machine(name: str) -> bool:
    """Whether it can be a host name, of one word too as containers have them, or an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return _MACHINE.fullmatch(name) is not None
    return True
