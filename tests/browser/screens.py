"""Every page that a supporter can come to see, by its name, while a browser shows it: in English and in Spanish."""

from __future__ import annotations

import mailbox
from collections.abc import Callable, Iterator

from playwright.sync_api import Page

from app import create_app
from app.extensions import db
from tests import factories
from tests.browser.conftest import Site
from tests.factories import mails, supporter

OWN_WORDS = "My grandmother came the same way.\n\nShe never spoke of it."


def prepare(site: Site) -> None:
    """Besides the open campaign and the one that opens later: one that has ended, one that shows its count, a mail."""
    app = create_app(factories.config(site.data_dir))
    with app.app_context():
        more = {"ended": "opens = 2026-01-01\ncloses = 2026-01-31", "counted": "goal = 10\ncount-from = 1"}
        for slug, head in more.items():
            factories.published(db.session(), factories.campaign_source(slug, more=head), site.clock())
        db.session.remove()
        db.engine.dispose()
    mailbox.Maildir(str(site.data_dir / "mailbox"), create=True).add(
        b"X-Envelope-From: b+1@sandbox.invalid\r\nX-Envelope-To: ana@example.org\r\n"
        b"From: Sample <a@sandbox.invalid>\r\nTo: ana@example.org\r\n"
        b"Subject: Please confirm\r\nMessage-ID: <1@sandbox.invalid>\r\n\r\n"
        b"Follow this:\r\n\r\nhttp://127.0.0.1:8000/confirm/" + b"a" * 60 + b"\r\n\r\n> " + b"w" * 300 + b"\r\n"
    )


def press(page: Page, name: str) -> None:
    """Press the button of that name which is shown last, and wait for the page that it leads to."""
    with page.expect_navigation():
        page.locator(f"[type=submit][name={name}]:not(.away, .away *)").locator("visible=true").last.click()


def follow(page: Page, link: str) -> None:
    """Follow the link, and wait for the page that it leads to."""
    with page.expect_navigation():
        page.locator(link).click()


def type_in(page: Page, **other: str) -> None:
    """Fill the form as the person of the factories."""
    for name, value in supporter(**{name: text for name, text in other.items() if name != "own_words"}).items():
        field = page.locator(f"[name={name.replace('_', '-')}]")
        if name == "address_level1":
            field.select_option(value)
        else:
            field.fill(value)


def first_view(page: Page, site: Site, language: str, slug: str = "reunite-families") -> None:
    """Open a campaign; the form's three seconds are over."""
    page.goto(f"{site.url}/{slug}?lang={language}")
    site.clock.forward(seconds=30)


def on_the_way(page: Page, site: Site, language: str, **typed: str) -> Iterator[str]:
    """From the campaign to the receipt."""
    first_view(page, site, language)
    yield "campaign"
    press(page, "show")
    yield "errors"
    type_in(page, **typed | {"family_name": "-", "address_level1": "AE", "email": "ana.garcia-ruiz@gmial.con"})
    press(page, "show")
    yield "questions"
    type_in(page, **{"address_level1": "WI", "postal_code": "60002", **typed})
    press(page, "show")
    yield "neighbour state"
    type_in(page, **{"address_level1": "WI", "postal_code": "53811", **typed})
    press(page, "show")
    yield "choice"
    press(page, "show")
    yield "choice without an answer"
    page.locator("[name=district]").first.check()
    press(page, "show")
    yield "letters"
    page.locator("[name=own-words]").fill(typed.get("own_words") or OWN_WORDS)
    press(page, "show")
    yield "letters with own words"
    for box in page.locator("[name=write-to]").all():
        box.uncheck()
    press(page, "send")
    yield "letters for nobody"
    for box in page.locator("[name=write-to]").all():
        box.check()
    press(page, "send")
    yield "sent"
    press(page, "again")
    yield "sent again"
    press(page, "change")
    yield "changed"
    first_view(page, site, language)
    type_in(page, **{**typed, "given_name": "Jnae"})
    press(page, "show")
    press(page, "send")
    page.goto(f"{site.url}{mails(site.data_dir, 'confirmation')[0].link}?lang={language}")
    press(page, "confirm")
    yield "confirm without an answer"
    page.locator("[name^=others]").first.check()
    press(page, "confirm")
    yield "receipt"
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    yield "receipt unfolded"


def mailed(page: Page, site: Site, language: str, **typed: str) -> Iterator[str]:
    """On a site that mails the letters: the way to the receipt, taking back, and the pages that belong to nobody."""
    yield from on_the_way(page, site, language, **typed)
    receipt = page.url.partition("?")[0]
    for what in ("withdraw", "erase"):
        page.goto(f"{receipt}/{what}?lang={language}")
        yield what
        press(page, "act")
        yield f"{what} with an error"
        page.locator("[name=email]").fill(supporter(**typed)["email"])
        press(page, "act")
        yield {"withdraw": "withdrawn", "erase": "gone"}[what]
    key = next(iter(mailbox.Maildir(str(site.data_dir / "mailbox")).keys()))
    for name, path in {
        "list": "/",
        "not open": "/the-well",
        "ended": "/ended",
        "privacy": "/privacy",
        "not found": "/no-such-page",
        "mailbox": "/mailbox",
        "mail": f"/mailbox/{key}",
    }.items():
        page.goto(f"{site.url}{path}?lang={language}")
        yield name


def to_the_hand_off(page: Page, site: Site, language: str, **typed: str) -> None:
    """On a site that hands the letters to their signers: from the campaign to the receipt."""
    first_view(page, site, language, "counted")
    type_in(page, **typed)
    page.locator("[name=honorific-prefix]").select_option("Ms.")
    page.locator("[name=tel]").fill("307-555-0143")
    press(page, "show")
    press(page, "send")
    page.goto(site.url + mails(site.data_dir, "confirmation")[-1].link + f"?lang={language}")


def handed(page: Page, site: Site, language: str, **typed: str) -> Iterator[str]:
    """On a site that hands the letters to their signers: what is different there."""
    first_view(page, site, language, "counted")
    yield "campaign by hand"
    to_the_hand_off(page, site, language, **typed)
    yield "confirm by hand"
    site.clock.forward(seconds=30)  # how many have written is counted anew
    press(page, "confirm")
    yield "receipt by hand"
    receipt = page.url.partition("?")[0]
    page.goto(f"{receipt}/reminder?lang={language}")
    yield "reminder"
    press(page, "stop")
    yield "no reminder"
    page.goto(f"{receipt}?lang={language}")
    follow(page, "a.button")
    yield "hand-off"
    press(page, "stuck")
    yield "stuck"
    press(page, "sent")
    yield "next office"
    for name, path in {"reported": "/letters/1", "print": "/print", "withdraw by hand": "/withdraw"}.items():
        page.goto(f"{receipt}{path}?lang={language}")
        yield name
    first_view(page, site, language, "counted")
    yield "counted"


def listed(found: dict[str, object]) -> str:
    """All that was found, a line each: pytest would cut it short."""
    return "\n".join(f"{what}: {wrong}" for what, wrong in found.items())


Walk = Callable[..., Iterator[str]]
WALKS: dict[str, Walk] = {"site": mailed, "by_hand": handed}
"""Which walk leads through which site, by the names of the sites' fixtures."""
