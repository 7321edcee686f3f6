"""The campaign page: sending stores what was shown, once, and nothing that was not shown."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from flask import Flask
from sqlalchemy import event

from app import campaigns
from app.db import writing
from app.extensions import db
from tests.factories import Clock, campaign_source, published, stored
from tests.pages import Page, Visitor
from tests.web.steps import NOTHING, SEND, SHOW, begin, instead, sent_address


def test_sending_stores_everything_once_and_leads_to_check_your_mail(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    begin(visitor, clock).press(SHOW)

    page = visitor.press(SEND)

    assert page.heading == "Check your e-mail"
    assert sent_address(page)
    counts = stored(data_dir)
    assert (counts["signature"], counts["letter"], counts["delivery"], counts["consent"]) == (1, 3, 4, 0)


# --- only what was shown -------------------------------------------------------------------------------------


def test_send_without_having_seen_the_letters_shows_them(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock)
    path, fields = visitor.ready(SHOW)

    page = visitor.post(path, instead(fields))

    assert len(page.letters) == 3
    assert stored(data_dir) == NOTHING


def test_send_pressed_after_an_edit_shows_the_letters_once_more(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock).press(SHOW)
    visitor.fill(given_name="Anna")

    page = visitor.press(SEND)

    assert page.path == "/reunite-families"
    assert "changed" in page.notice
    assert all("Anna García Ruiz" in letter for letter in page.letters)
    assert stored(data_dir) == NOTHING
    assert visitor.press(SEND).heading == "Check your e-mail"


def test_a_campaign_published_anew_between_reading_and_sending_is_shown_once_more(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    with sandbox.app_context():
        published(db.session(), campaign_source(), clock())
    begin(visitor, clock, "the-well").press(SHOW)
    with sandbox.app_context():
        published(db.session(), campaign_source(subject="The well, again"), clock())

    page = visitor.press(SEND)

    assert "changed" in page.notice
    assert "The well, again" in page.letters[0]
    assert stored(data_dir) == NOTHING


@contextlib.contextmanager
def while_a_press_waits_to_write(visitor: Visitor) -> Iterator[Future[Page]]:
    """The press has read the campaign, and waits for its turn to write while somebody changes it."""
    waits = threading.Event()

    def note(_connection: object, _cursor: object, sql: str, *_rest: object) -> None:
        if sql == "BEGIN IMMEDIATE" or "advisory" in sql:
            waits.set()

    with ThreadPoolExecutor(1) as other, visitor.app.app_context(), writing(db.session()):
        event.listen(db.engine, "before_cursor_execute", note)
        pressed = other.submit(visitor.press, SEND)
        assert waits.wait(20)
        yield pressed
        assert not pressed.done()
        event.remove(db.engine, "before_cursor_execute", note)


def test_a_campaign_closed_in_the_moment_of_sending_stores_nothing(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    begin(visitor, clock).press(SHOW)
    with while_a_press_waits_to_write(visitor) as pressed:
        campaigns.close(db.session(), "reunite-families")
    page = pressed.result()

    assert page.status == 409
    assert "This campaign has ended." in page.text
    assert stored(data_dir) == NOTHING


def test_a_letter_revised_in_the_moment_of_sending_is_shown_before_it_goes(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    begin(visitor, clock).press(SHOW)
    with while_a_press_waits_to_write(visitor) as pressed:
        source = campaigns.named(db.session(), "reunite-families").source.replace(
            "every means you have", "all your means"
        )
        campaigns.import_campaign(db.session(), source, clock())
        campaigns.publish(db.session(), "reunite-families", clock())
    page = pressed.result()

    assert page.status == 200
    assert "Something in your letters has changed." in page.notice
    assert "all your means" in page.letters[0]
    assert stored(data_dir) == NOTHING
    assert visitor.press(SEND).heading == "Check your e-mail"


# --- the same again ------------------------------------------------------------------------------------------


def test_the_same_submission_twice_at_once_is_one_signature(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    begin(visitor, clock).press(SHOW)
    path, fields = visitor.ready(SEND)
    visitors = [Visitor(sandbox) for _ in range(6)]
    together = threading.Barrier(len(visitors))

    def send(one: Visitor) -> None:
        together.wait()
        one.post(path, fields)

    threads = [threading.Thread(target=send, args=(one,)) for one in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {one.page.heading for one in visitors} == {"Check your e-mail"}
    assert len({sent_address(one.page) for one in visitors}) == 1
    counts = stored(data_dir)
    assert (counts["signature"], counts["letter"], counts["delivery"]) == (1, 3, 4)


def test_two_people_on_one_phone_one_after_the_other_are_two(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock).press(SHOW)
    first_letters = visitor.page
    first = sent_address(visitor.press(SEND))

    visitor.page = first_letters  # Back, and the other one's name and address
    visitor.fill(given_name="Luis", email="luis@example.org").press(SHOW)
    second = sent_address(visitor.press(SEND))

    assert first != second
    assert stored(data_dir)["signature"] == 2


def test_two_people_who_share_a_mailbox_are_two(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(visitor, clock).press(SHOW)
    letters = visitor.page
    visitor.press(SEND)

    visitor.page = letters
    visitor.fill(given_name="Luis").press(SHOW)
    visitor.press(SEND)

    assert stored(data_dir)["signature"] == 2
