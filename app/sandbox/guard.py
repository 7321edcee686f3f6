"""The sandbox's promise, checked before anything is sent: only to this machine, and no real office's address."""

from __future__ import annotations

import re

from config import is_loopback

_BIOGUIDE = re.compile(r"[A-Z][0-9]{6}")
# The domain .invalid is reserved (RFC 2606): no name in it ever exists.
_OFFICE = re.compile(r"[a-z0-9._-]{1,64}@([a-z0-9-]{1,63}\.)*invalid", re.IGNORECASE)


class LeavesTheMachine(Exception):
    """What was asked for could reach somebody outside of this machine; a sandbox does not do it."""


def check_server(host: str) -> None:
    """Let a mail server pass only when it is this machine itself. Raises LeavesTheMachine."""
    if not is_loopback(host):
        raise LeavesTheMachine(f"the mail server {host} is not on this machine")


def check_office(address: str) -> None:
    """Let an office's address pass only when it ends in `.invalid`. Raises LeavesTheMachine."""
    if not _OFFICE.fullmatch(address):
        raise LeavesTheMachine("an office's address does not end in .invalid")


def office_address(bioguide: str) -> str:
    """The made-up address of a member's office: `l000571@offices.invalid` for L000571."""
    if not _BIOGUIDE.fullmatch(bioguide):
        raise ValueError("a bioguide id is a capital letter and six digits")
    return f"{bioguide.lower()}@offices.invalid"
