"""The campaign page: when the database takes nothing just now, or too much came already, the text stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.extensions import db
from tests.conftest import OpenSandbox
from tests.databases import write_lock
from tests.factories import Clock, stored, supporter
from tests.pages import Visitor
from tests.web.steps import NOTHING, SEND, SHOW, assert_kept, begin


def test_a_locked_database_keeps_the_text_and_asks_to_press_again(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path, impatient: None
) -> None:
    visitor = begin(Visitor(open_sandbox()), clock)
    visitor.press(SHOW)
    with write_lock(data_dir):
        page = visitor.press(SEND)

        assert page.status == 503
        assert "We could not store your letters just now." in page.notice
        assert len(page.letters) == 3
        assert_kept(page, **supporter())
    assert stored(data_dir) == NOTHING

    assert visitor.press(SEND).heading == "Check your e-mail"
    assert stored(data_dir)["signature"] == 1


def test_reading_goes_on_while_somebody_else_writes(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    with write_lock(data_dir):
        assert begin(visitor, clock).press(SHOW).status == 200


@pytest.mark.file
def test_a_full_disk_keeps_the_text_and_asks_to_press_again(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path
) -> None:
    app = open_sandbox()
    visitor = begin(Visitor(app), clock)
    visitor.press(SHOW)
    with app.app_context():
        connection = db.engine.raw_connection()
        pages = connection.cursor().execute("PRAGMA page_count").fetchone()[0]
        connection.cursor().execute(f"PRAGMA max_page_count={pages}")
        connection.close()  # back to the pool: the next request gets this one
    filler = {"address_line1": "x" * 200, "address_line2": "y" * 200}
    visitor.fill(**filler).press(SHOW)

    page = visitor.press(SEND)

    assert page.status == 503
    assert_kept(page, **supporter(**filler))
    assert stored(data_dir) == NOTHING


# --- limits --------------------------------------------------------------------------------------------------


def test_over_the_limit_of_a_network_nothing_is_stored_and_everything_typed_stays(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path
) -> None:
    app = open_sandbox(LIMIT_NETWORK="2")
    for name in ("Ana", "Bo"):
        visitor = begin(Visitor(app), clock, given_name=name)
        visitor.press(SHOW)
        assert visitor.press(SEND).heading == "Check your e-mail"
    before = stored(data_dir)
    visitor = begin(Visitor(app), clock, given_name="Cy")
    visitor.press(SHOW)

    page = visitor.press(SEND)

    assert page.status == 429
    assert "tomorrow" in page.notice
    assert len(page.letters) == 3
    assert_kept(page, **supporter(given_name="Cy"))
    assert stored(data_dir) == before

    clock.forward(hours=24)
    visitor = begin(Visitor(app), clock, given_name="Cy")
    visitor.press(SHOW)
    assert visitor.press(SEND).heading == "Check your e-mail"


def test_limits_of_others_do_not_count(open_sandbox: OpenSandbox, clock: Clock, data_dir: Path) -> None:
    app = open_sandbox(LIMIT_ADDRESS="1", LIMIT_NETWORK="1")
    for number in range(3):
        visitor = begin(Visitor(app, f"192.0.2.{number}"), clock, email=f"ana{number}@example.org")
        visitor.press(SHOW)
        assert visitor.press(SEND).heading == "Check your e-mail"

    assert stored(data_dir)["signature"] == 3


def test_a_forwarded_address_is_not_believed_without_a_proxy(open_sandbox: OpenSandbox, clock: Clock) -> None:
    app = open_sandbox(LIMIT_NETWORK="1")
    for number in range(2):
        visitor = begin(
            Visitor(app, "192.0.2.1", X_Forwarded_For=f"198.51.100.{number}"), clock, email=f"a{number}@example.org"
        )
        visitor.press(SHOW)
        visitor.press(SEND)

    assert visitor.page.status == 429


def test_behind_a_proxy_that_is_trusted_the_last_address_counts(open_sandbox: OpenSandbox, clock: Clock) -> None:
    app = open_sandbox(LIMIT_NETWORK="1", TRUSTED_PROXIES="1")
    for number in range(2):
        forwarded = f"203.0.113.{number}, 198.51.100.7"  # the first is the visitor's own claim
        visitor = begin(Visitor(app, X_Forwarded_For=forwarded), clock, email=f"a{number}@example.org")
        visitor.press(SHOW)
        visitor.press(SEND)

    assert visitor.page.status == 429
