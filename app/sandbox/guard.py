"""The sandbox's promise, checked before anything is sent: only to this machine, and no real office's address."""

from __future__ import annotations

import re

from config import is_loopback

_BIOGUIDE = re.compile(r"[A-Z][0-9]{6}")


class LeavesTheMachine(Exception):
    """What was asked for could reach somebody outside of this machine; a sandbox does not do it."""


def check_server(host: str) -> None:
    """Let a mail server pass only when it is this machine itself. Raises LeavesTheMachine."""
    if not is_loopback(host):
        raise LeavesTheMachine(f"the mail server {host} is not on this machine")


def office_address(bioguide: str) -> str:
    """The made-up address of a member's office: `l000571@offices.invalid` for L000571.

    The domain .invalid is reserved (RFC 2606): no name in it ever exists.
    """
    if not _BIOGUIDE.fullmatch(bioguide):
        raise ValueError("a bioguide id is a capital letter and six digits")
    return f"{bioguide.lower()}@offices.invalid"
