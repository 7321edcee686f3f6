"""The steps of the journey that several tests begin with."""

from __future__ import annotations

from pathlib import Path

from tests.factories import Clock, mails, supporter
from tests.pages import Page, Visitor

SHOW, SEND, CONFIRM = "Show me my letters", "Send my letters", "Confirm and send"


def begin(visitor: Visitor, clock: Clock, slug: str = "reunite-families", **other: str) -> Visitor:
    """Open the page, read it for half a minute, and type."""
    visitor.open(f"/{slug}")
    clock.forward(seconds=30)
    return visitor.fill(**supporter(**other))


def sign(visitor: Visitor, clock: Clock, slug: str = "reunite-families", *, own_words: str = "", **other: str) -> Page:
    """Type, look at the letters, send; the page that says to check the e-mail."""
    begin(visitor, clock, slug, **other).press(SHOW)
    visitor.fill(own_words=own_words)
    page = visitor.press(SEND)
    assert page.heading == "Check your e-mail"
    return page


def confirm(visitor: Visitor, data_dir: Path) -> Page:
    """Follow the newest mail and press its button; the receipt."""
    visitor.open(mails(data_dir, "confirmation")[-1].link)
    page = visitor.press(CONFIRM)
    assert page.path.startswith("/receipt/")
    return page
