"""The e-mail channel: we send the letter to an address of the office."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.delivery import N_
from app.legislators import Legislator


@dataclass(frozen=True, slots=True)
class EmailChannel:
    """`address_of` is the only source of addresses: none is ever guessed."""

    address_of: Callable[[Legislator], str | None]
    name: str = "mail"
    promise: str = N_("We e-mail it to the office.")
    by_signer: bool = False

    def address(self, legislator: Legislator) -> str | None:
        """The office's address, if we have one."""
        return self.address_of(legislator)
