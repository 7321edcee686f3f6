"""The mail server: what MAIL_… say together, and which of it would cross the network for everybody to read."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from settings import addresses, files, values
from settings.addresses import bracketed, is_loopback
from settings.reader import Reader


class Security(StrEnum):
    """How the conversation with a mail server is kept secret."""

    PLAIN = "plain"
    STARTTLS = "starttls"
    TLS = "tls"


_PORTS = {Security.PLAIN: "25", Security.STARTTLS: "587", Security.TLS: "465"}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed over. Without a user name there is no login."""

    host: str
    port: int
    security: Security
    username: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def on_loopback(cls, port: int) -> MailServer:
        """One on this machine that asks for nothing: the built-in mailbox, or a test's."""
        return cls("127.0.0.1", port, Security.PLAIN)

    @property
    def address(self) -> str:
        """Host and port, for people."""
        return f"{bracketed(self.host)}:{self.port}"


def read_mail_server(read: Reader) -> MailServer:
    """What MAIL_… say together. Only live mode asks: a sandbox has no use for them, and reads no password."""
    host = read("MAIL_SERVER", "", addresses.mail_server)
    near = is_loopback(host)
    implicit = read("MAIL_USE_SSL", "0", values.switch)
    starttls = read("MAIL_USE_TLS", "0" if implicit or near else "1", values.switch)
    security = Security.TLS if implicit else Security.STARTTLS if starttls else Security.PLAIN
    plain_is_meant = read("MAIL_PLAIN", "0", values.switch)
    username, password = _login(read)
    read("SSL_CERT_FILE", "", files.certificates)
    if implicit and starttls:
        read.problems.append(
            "MAIL_USE_TLS and MAIL_USE_SSL are both 1, and only one can be. Most servers want MAIL_USE_TLS=1 on "
            "port 587; MAIL_USE_SSL=1 is for port 465."
        )
    if security is Security.PLAIN and host and not near:
        _check_plain(read, host, meant=plain_is_meant, password=bool(password))
    return MailServer(host, read("MAIL_PORT", _PORTS[security], values.whole(1, 65535)), security, username, password)


def _check_plain(read: Reader, host: str, *, meant: bool, password: bool) -> None:
    if password:
        read.problems.append(
            f"MAIL_PASSWORD would cross the network to {host} unencrypted. "
            "Set MAIL_USE_TLS=1, or MAIL_USE_SSL=1 if the server wants that."
        )
    elif not meant:
        read.problems.append(
            f"MAIL_USE_TLS is 0, so letters would cross the network to {host} unencrypted. Set MAIL_USE_TLS=1, "
            "or MAIL_PLAIN=1 if everything between here and that server is yours."
        )


def _login(read: Reader) -> tuple[str, str]:
    username = read("MAIL_USERNAME", "", values.credential)
    password = read.text("MAIL_PASSWORD") or ""
    if values.CONTROL.search(password):
        read.problems.append("MAIL_PASSWORD must be one line, as your mail provider gave it to you.")
    if username and not password and "MAIL_PASSWORD" not in read.refused:
        read.problems.append("MAIL_USERNAME is set without MAIL_PASSWORD. Set both, or neither for no login.")
    if password and not read.is_set("MAIL_USERNAME"):
        read.problems.append("MAIL_PASSWORD is set without MAIL_USERNAME. Set both, or neither for no login.")
    return username, password
