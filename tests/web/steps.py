"""The steps of the journey that several tests begin with, and what they look for after them."""

from __future__ import annotations

from pathlib import Path

from tests.factories import Clock, mails, supporter
from tests.pages import Page, Visitor

SHOW, SEND, CONFIRM = "Show me my letters", "Send my letters", "Confirm and send"
NOTHING = {"signature": 0, "letter": 0, "delivery": 0, "consent": 0, "delivery_event": 0}
"""What `stored` counts before anybody has sent anything."""
SPLIT = {"address_level1": "MA", "postal_code": "01007", "address_level2": "Belchertown"}
"""A ZIP code in two districts, `MA_1` and `MA_2`."""
MA_1, MA_2 = (f"ocd-division/country:us/state:ma/cd:{number}" for number in (1, 2))


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


def say_whose(visitor: Visitor, *answers: str) -> Visitor:
    """Answer for each of the other names, in the order of the page, whose the letters are: `theirs` or `mine`."""
    names = [str(radio.get("name")) for radio in visitor.page.all("input") if radio.get("type") == "radio"]
    for name, answer in zip(dict.fromkeys(names), answers, strict=True):
        visitor.choose(name, answer)
    return visitor


def sent_address(page: Page) -> str:
    """Where the page that says to look for the mail stands, to be opened anew."""
    (address,) = [form.get("action") for form in page.all("form") if str(form.get("action")).startswith("/sent/")]
    return str(address).partition("?")[0]


def confirm(visitor: Visitor, data_dir: Path) -> Page:
    """Follow the newest mail and press its button; the receipt."""
    visitor.open(mails(data_dir, "confirmation")[-1].link)
    page = visitor.press(CONFIRM)
    assert page.path.startswith("/receipt/")
    return page


def instead(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The same fields as if a button that the page does not show had been pressed: send, unseen."""
    return [(name, value) for name, value in fields if name != "show"] + [("send", SEND)]


def assert_kept(page: Page, **typed: str) -> None:
    """Everything typed is still in its field."""
    kept = page.values
    for name, value in typed.items():
        assert kept[name.replace("_", "-")] == value
