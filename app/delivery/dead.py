"""Addresses to which nothing is sent any more, because mail to them comes back. Only keyed digests of them are kept.

`digest` comes from the caller: the keys are signing's. Verbs flush, the caller commits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.models import DeadAddress

Digest = Callable[[str], bytes]
"""Of an address letter by letter, whatever its case: a mailbox is not dead because one of its spellings is wrong."""

KEEP = timedelta(days=30)
"""How long an address counts as dead; an office's, as long as it stands in the contact book unchanged."""


def bury(session: Session, digest: bytes, now: datetime) -> datetime:
    """Send nothing there any more; since when that is so."""
    found = session.get(DeadAddress, digest)
    if found is None:
        found = DeadAddress(digest=digest, since=now)
        session.add(found)
        session.flush()
    return found.since


def is_dead(session: Session, digest: bytes) -> bool:
    """Whether mail to it comes back."""
    return session.scalar(select(DeadAddress.since).where(DeadAddress.digest == digest)) is not None


def among(session: Session, addresses: Collection[str], digest: Digest) -> frozenset[str]:
    """Which of these addresses are dead."""
    by_digest = {digest(address): address for address in addresses}
    if not by_digest:
        return frozenset()
    found = set(session.scalars(select(DeadAddress.digest).where(DeadAddress.digest.in_(by_digest))))
    return frozenset(address for address in addresses if digest(address) in found)


def revive(session: Session, addresses: Collection[str], digest: Digest) -> int:
    """Somebody says that they are good; how many were dead."""
    dead = {digest(address) for address in among(session, addresses, digest)}
    session.execute(delete(DeadAddress).where(DeadAddress.digest.in_(dead)))
    return len(dead)


def forget(session: Session, kept: Callable[[], Collection[bytes]], now: datetime) -> None:
    """Delete what is older than KEEP, but for `kept`, which is asked only if there is any."""
    old = DeadAddress.since <= now - KEEP
    if session.scalar(select(DeadAddress.since).where(old).limit(1)) is not None:
        session.execute(delete(DeadAddress).where(old, DeadAddress.digest.not_in(kept())))
