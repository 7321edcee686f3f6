"""The sandbox's promise, checked before anything is sent: only to this machine, and no real office's address."""

from __future__ import annotations

import re

from settings.addresses import is_loopback

_BIOGUIDE = re.compile(r"[A-Z][0-9]{6}")


class LeavesTheMachine(Exception):
    """What was asked for could reach somebody outside of this machine; a sandbox does not do it."""


def check_server(host: str, port: int) -> None:
    """Let a mail server pass only when it can be the built-in mailbox. Raises LeavesTheMachine.

    Port 0 would mean 25 to smtplib: a real mail server on this machine, which knows the way out.
    """
    if not is_loopback(host) or port in {0, 25, 465, 587}:
        raise LeavesTheMachine(f"the mail server {host}:{port} is not the built-in mailbox")


def office_address(bioguide: str) -> str:
    """The made-up address of a member's office: `l000571@offices.invalid` for L000571.

    The domain .invalid is reserved (RFC 2606): no name in it ever exists.
    """
    if not _BIOGUIDE.fullmatch(bioguide):
        raise ValueError("a bioguide id is a capital letter and six digits")
    return f"{bioguide.lower()}@offices.invalid"
