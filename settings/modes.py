"""What a live site needs before anything goes to others, and what keeps a sandbox from being taken for one."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from settings.addresses import is_loopback
from settings.reader import Reader

_NOWHERE = {"invalid", "test", "localhost", "example"}
"""Top-level domains that nobody can have (RFC 2606): mail to them arrives nowhere."""
LIVE_NEEDS = {
    "PUBLIC_URL": "the address of this site, like https://act.example.org: links in mails lead there",
    "ORGANISATION": "the name of your organisation: pages show it, and mails come from it",
    "ORGANISATION_EMAIL": "an address of your own domain, like letters@example.org: mails come from it",
    "SECRET_KEY": "64 random characters, for example what `openssl rand -hex 32` prints",
    "MAIL_SERVER": "the server that takes your mails, like mail.example.org",
}
"""What has no default in live mode, with what to give."""


def check_sandbox(read: Reader, *, host: str, public: bool) -> None:
    """Nobody shall take a sandbox for a live site, nor show it to others without meaning to."""
    if not is_loopback(host) and not public:
        read.problems.append(
            f"HOST is {host}, which other machines can reach, but this is a sandbox that sends nothing. "
            "Leave HOST at 127.0.0.1, or set SANDBOX_PUBLIC=1 if others shall see it."
        )
    read.refuse_file("MAIL_SERVER")
    if read.is_set("MAIL_SERVER"):
        read.problems.append(
            "MAIL_SERVER is set, but DELIVERY is sandbox, which sends nothing from this machine. "
            "Set DELIVERY=live if mails shall go out, or unset MAIL_SERVER."
        )


def check_live(read: Reader, *, public_url: str, trusted_proxies: int, domains: Mapping[str, str]) -> None:
    """Nothing may be missing, or left as an example has it. `domains` are settings by name that mail goes to."""
    for name, what in LIVE_NEEDS.items():
        if not read.is_set(name) and name not in read.refused:
            read.problems.append(f"{name} is not set, and live mode needs it: give {what}.")
    for name in read.placeholders:
        if name not in read.refused:
            read.problems.append(
                f"{name} still holds a placeholder. Give it a value of your own, or take it out if you need none."
            )
    _check_domains(read, domains)
    if read.is_set("PUBLIC_URL") and "PUBLIC_URL" not in read.refused:
        _check_public_url(read, public_url, trusted_proxies)


def _check_domains(read: Reader, domains: Mapping[str, str]) -> None:
    for name, value in domains.items():
        ending = value.lower().rpartition(".")[2]
        if read.is_set(name) and ending in _NOWHERE:
            read.problems.append(f"{name} ends in .{ending}, where no mail ever arrives. Use a domain of your own.")


def _check_public_url(read: Reader, public_url: str, trusted_proxies: int) -> None:
    """What is sent to others goes through TLS, which a proxy speaks for us, whatever address we listen on."""
    url = urlsplit(public_url)
    if is_loopback(url.hostname or ""):
        return
    if url.scheme == "http":
        read.problems.append(
            f"PUBLIC_URL is {public_url}, where names and addresses would cross the network unencrypted. "
            "Let a proxy in front answer for https:, and give the address that starts with https:."
        )
    if trusted_proxies == 0 and "TRUSTED_PROXIES" not in read.refused:
        read.problems.append(
            "TRUSTED_PROXIES is 0, but Redress speaks only http, so a proxy in front answers for https:. Everybody "
            "comes through it, and all of them would count as one network. Set TRUSTED_PROXIES=1, or how many proxies "
            "there are."
        )
