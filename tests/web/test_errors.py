"""Every error is a page that says what to do, and a log line that says nothing about anybody."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from app.extensions import db
from tests.databases import connected
from tests.factories import Clock
from tests.pages import Visitor, checked
from tests.web.steps import SHOW, begin


def test_an_unknown_address_says_to_check_it(visitor: Visitor) -> None:
    for path in ("/nothing/here", "/nothing", "/Nothing/", "/%00", "/sent", "/receipt"):
        page = visitor.open(path)
        assert page.status == 404
        assert page.heading == "This page does not exist"
        assert ("open the link from your mail once more" in page.text) is (path in {"/sent", "/receipt"})
        assert visitor.follow("Tell Congress – Reunite Families").path == "/reunite-families"


SLIPS = (
    ("/reunite-families/", "/reunite-families"),
    ("/Reunite-Families", "/reunite-families"),
    ("/REUNITE-FAMILIES/?source=flyer&postal-code=82001", "/reunite-families?source=flyer&postal-code=82001"),
    ("/reunite-families.", "/reunite-families"),
    ("/reunite-families,", "/reunite-families"),
    ("/reunite-families).", "/reunite-families"),
    ("/reunite-families%E2%80%9D", "/reunite-families"),
    ("/reunite-families%20", "/reunite-families"),
    ("/reunite%20families", "/reunite-families"),
    ("/reunite_families", "/reunite-families"),
    ("/reunite%E2%80%93families", "/reunite-families"),
    ("/reunite%E2%80%91families%E2%80%8B", "/reunite-families"),
    ("/%E2%80%9Creunite-families%E2%80%9D", "/reunite-families"),
    ("/(reunite-families)", "/reunite-families"),
    ("/re%C2%ADunite-fam%E2%80%8Bilies", "/reunite-families"),
    ("/reunite+families", "/reunite-families"),
    ("/CONFIRM/a%3Fb%23c", "/confirm/a?b%23c"),
    ("/reunite-families/.", "/reunite-families"),
    ("/./Reunite-Families/)", "/reunite-families"),
    ("/reunite-families%3Flang=es", "/reunite-families?lang=es"),
    ("/reunite-families&given-name=Jos%C3%A9?lang=es", "/reunite-families?given-name=Jos%C3%A9&lang=es"),
    ("/CONFIRM/x%0d%0aY", "/confirm/xY"),
    ("/receipt/AbC/ERASE.", "/receipt/AbC/erase"),
    ("/privacy/", "/privacy"),
    ("/Privacy.?lang=es", "/privacy?lang=es"),
    ("/HEALTHZ", "/healthz"),
)


def test_an_address_with_a_slip_leads_to_the_page_that_was_meant(visitor: Visitor) -> None:
    for typed, meant in SLIPS:
        answer = visitor.client.get(typed)
        assert (answer.status_code, answer.location) == (302, meant)


def test_a_form_that_another_site_sends_to_an_address_with_a_slip_arrives_whole(visitor: Visitor) -> None:
    answer = visitor.client.post("/Reunite-Families/", data={"given-name": "Ana"})

    assert (answer.status_code, answer.location) == (308, "/reunite-families")


def test_no_slip_leads_to_another_site_or_to_a_campaign_that_is_not_there(visitor: Visitor) -> None:
    for path in ("/%2F%2Fevil.example/.", "/\\evil.example/", "/reunite-familie/", "/the-well/"):
        answer = visitor.client.get(path)
        assert answer.status_code in {404, 308}
        assert (answer.location or "/").startswith(("/", "http://localhost/"))
        assert not (answer.location or "").startswith("//")


def test_a_wrong_method_says_which_are_right(visitor: Visitor) -> None:
    response = visitor.client.delete("/reunite-families")

    assert checked(response).heading == "This page cannot be used that way"
    assert response.status_code == 405
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))


def test_a_body_that_is_too_big_says_to_use_back(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock)

    page = visitor.fill(address_line1="x" * 256 * 1024).press(SHOW)

    assert page.status == 413
    assert page.heading == "That was too much text"
    assert "Use Back: what you typed is still there." in page.text


def test_ten_thousand_characters_of_chinese_are_not_too_big(visitor: Visitor, clock: Clock) -> None:
    begin(visitor, clock)

    page = visitor.fill(address_line1="信" * 10_000).press(SHOW)

    assert page.status == 422


def test_a_form_with_thousands_of_parts_is_an_error_page(visitor: Visitor) -> None:
    response = visitor.client.post(
        "/reunite-families", data={f"f{n}": "" for n in range(2000)}, content_type="multipart/form-data"
    )

    assert response.status_code == 413
    checked(response)


def test_a_program_error_says_that_it_is_ours(sandbox: Flask, data_dir: Path) -> None:
    with connected(data_dir) as connection:
        connection.execute("UPDATE campaign_revision SET source = 'no campaign file'")

    page = Visitor(sandbox).open("/reunite-families")

    assert page.status == 500
    assert page.heading == "Something went wrong on our side"


def test_a_missing_table_is_a_page_that_says_to_come_back(
    sandbox: Flask, data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(data_dir) as connection:
        connection.execute("ALTER TABLE campaign RENAME TO elsewhere")

    page = Visitor(sandbox).open("/reunite-families")

    assert page.status == 503
    assert page.heading == "We cannot answer just now"
    assert page.headers["Retry-After"] == "60"
    assert caplog.messages == ["campaign.show: the database is unavailable"]


@pytest.mark.file
def test_a_damaged_database_is_an_error_page(sandbox: Flask, data_dir: Path) -> None:
    with sandbox.app_context():
        db.session.remove()
        db.engine.dispose()
    for name in ("redress.db-wal", "redress.db-shm"):
        (data_dir / name).unlink(missing_ok=True)
    (data_dir / "redress.db").write_bytes(b"This is no database. " * 500)

    page = Visitor(sandbox).open("/reunite-families")

    assert page.status in {500, 503}


def test_after_an_error_the_next_request_is_answered(sandbox: Flask, data_dir: Path) -> None:
    with connected(data_dir) as connection:
        connection.execute("ALTER TABLE campaign RENAME TO elsewhere")
    assert Visitor(sandbox).open("/reunite-families").status == 503
    with connected(data_dir) as connection:
        connection.execute("ALTER TABLE elsewhere RENAME TO campaign")

    assert Visitor(sandbox).open("/reunite-families").status == 200


def test_a_body_without_a_length_is_refused_rather_than_cut(sandbox: Flask) -> None:
    answer = sandbox.test_client().post("/reunite-families", headers={"Transfer-Encoding": "chunked"})

    assert answer.status_code == 411
    assert "Use Back" in answer.text
