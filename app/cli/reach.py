"""How many of the offices that a campaign writes to have an e-mail address of their own in the contact book."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.campaigns import Target
from app.cli.words import counted
from app.legislators.contacts import ContactBook, Roll
from config import Config


def reach(targets: Sequence[Target], sitting: Roll, book: ContactBook, config: Config) -> Iterator[str]:
    """A sentence for each target, as it is in live mode, and one more in a sandbox."""
    for target in targets:
        offices = [member for member in sitting.members if target.reaches(member.role)]
        with_address = sum(book.address_of(member) is not None for member in offices)
        yield f"{target}: {_sentence(with_address, len(offices))}"
    if not config.live:
        yield f"This is a sandbox, which {_IN_A_SANDBOX[config.sandbox_channel]}; the numbers are those of live mode."


_IN_A_SANDBOX = {
    "mail": "makes up an address for every office",
    "handoff": "gives every letter to the supporter to deliver",
}


def _sentence(with_address: int, offices: int) -> str:
    if not offices:
        return "nobody is known to sit there at present."
    has = "has" if 1 in (with_address, offices) else "have"
    have = f"{with_address} of {counted(offices, 'office')} {has} an e-mail address"
    others = offices - with_address
    if not others:
        return f"{have}."
    which = "the other one" if others == 1 else f"the other {others}" if with_address else f"all {others}"
    return f"{have}; for {which if offices > 1 else 'it'} supporters deliver the letters themselves."
