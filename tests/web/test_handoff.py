"""The hand-off: what the signer needs to deliver a letter, one office at a time, and what they say came of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from app.db import writing
from app.delivery import Outcome, OutcomeKind
from app.extensions import db
from app.models import Delivery, DeliveryKind, DeliveryState
from tests.conftest import OpenSandbox
from tests.factories import Clock, campaign_source, mails, published
from tests.pages import Page, Visitor
from tests.web.steps import SHOW, begin, sign
from tests.web.test_receipt import attempt_letters, states

GET, CONFIRM = "Get my letters", "Confirm"
PREPARED = "You paste it into the office's own form. We prepare everything; it takes about a minute."


@pytest.fixture
def by_hand(open_sandbox: OpenSandbox) -> Visitor:
    """Somebody at a sandbox that shows the other journey."""
    return Visitor(open_sandbox(SANDBOX_CHANNEL="handoff"))


def got(visitor: Visitor, clock: Clock, data_dir: Path, **other: str) -> Page:
    """Write, confirm; the receipt."""
    begin(visitor, clock, **other).press(SHOW)
    visitor.press(GET)
    visitor.open(mails(data_dir, "confirmation")[-1].link)
    page = visitor.press(CONFIRM)
    assert page.path.startswith("/receipt/")
    return page


def values(page: Page) -> list[tuple[str, str]]:
    """The label and the text of each value to copy."""
    labels = {label.get("for"): "".join(label.itertext()) for label in page.all("label")}
    fields = [element for element in page.root.iter() if element.get("readonly") is not None]
    return [
        (labels[field.get("id")], field.get("value") or "".join(field.itertext()).removeprefix("\n"))
        for field in fields
    ]


def links(page: Page) -> dict[str, str]:
    return {" ".join("".join(a.itertext()).split()): a.get("href", "") for a in page.all("a")}


def next_office(visitor: Visitor) -> Page:
    """Follow the receipt's main link."""
    (href,) = [a.get("href") for a in visitor.page.all("a") if a.get("class") == "button"]
    return visitor.open(href)


def test_the_page_says_it_before_anything_is_typed_and_never_says_send(by_hand: Visitor, clock: Clock) -> None:
    page = by_hand.open("/reunite-families")

    assert PREPARED in page.text
    assert "We know no form of this office." in page.text  # of one senator of the hundred no form is known
    assert "We e-mail" not in page.text

    begin(by_hand, clock)
    page = by_hand.press(SHOW)

    assert page.text.count(PREPARED) == 3
    assert GET in page.buttons
    assert "Send my letters" not in page.buttons
    assert "Behind its link stands everything that you need for each office." in page.text


def test_title_and_phone_are_offered_with_their_reason_and_nobody_has_to_give_them(by_hand: Visitor) -> None:
    page = by_hand.open("/reunite-families")

    assert page.text.count("Most offices' forms ask for it.") == 1
    assert [option.get("value") for option in page.control("honorific-prefix").iter("option")] == [
        "", "Mr.", "Mrs.", "Miss", "Ms.", "Dr.",
    ]  # fmt: skip
    assert page.values["honorific-prefix"] == page.values["tel"] == ""


@pytest.mark.parametrize("phone", ["911", "call me", "1" * 16, "202-555-0143 <", "202\n5550143x"])
def test_what_is_no_phone_number_is_said_and_kept(by_hand: Visitor, clock: Clock, phone: str) -> None:
    page = begin(by_hand, clock, tel=phone).press(SHOW)

    assert page.status == 422
    assert len(page.errors) == 1
    assert by_hand.page.values["tel"][:3] == phone[:3]


@pytest.mark.parametrize(
    "phone", ["202-555-0143", "(202) 555-0143 ext. 12", "+52 686 555 0143", "2025550143x7", "٢٠٢٥٥٥٠١٤٣"]
)
def test_phone_numbers_are_taken_as_people_write_them(by_hand: Visitor, clock: Clock, phone: str) -> None:
    assert begin(by_hand, clock, tel=phone).press(SHOW).errors == []


def test_a_forged_title_is_refused(by_hand: Visitor, clock: Clock) -> None:
    begin(by_hand, clock)
    path, fields = by_hand.ready(SHOW)
    page = by_hand.post(path, [(n, "King" if n == "honorific-prefix" else v) for n, v in fields])

    assert page.errors == ["Choose a title, or none."]


def test_one_office_at_a_time_to_the_end(by_hand: Visitor, clock: Clock, data_dir: Path) -> None:
    page = got(by_hand, clock, data_dir, honorific_prefix="Ms.", tel="202-555-0143")
    assert states(page) == ["Waiting for you"] * 3 + ["On its way"]
    assert "3 letters need you, one office at a time." in page.text

    page = next_office(by_hand)
    assert page.title.startswith("1 of 3: Senator")
    form = links(page)["Open the office's form"]
    assert form.startswith(("https://www.lummis.senate.gov/", "https://www.barrasso.senate.gov/"))
    (opener,) = [a for a in page.all("a") if a.get("href") == form]
    assert (opener.get("target"), "noopener" in opener.get("rel")) == ("_blank", True)
    assert values(page)[:-1] == [
        ("Title", "Ms."),
        ("First name", "Ana"),
        ("Last name", "García Ruiz"),
        ("Street address", "1200 Randall Avenue"),
        ("City", "Cheyenne"),
        ("State", "Wyoming"),
        ("ZIP code", "82001"),
        ("Email", "ana.garcia@example.org"),
        ("Phone", "202-555-0143"),
        ("Topic", "Immigration"),
        ("Subject", "Please reunite the families from Calexico"),
    ]
    label, message = values(page)[-1]
    assert label == "Message"
    assert message.startswith("Dear Senator")
    assert message.endswith("ana.garcia@example.org")
    assert "The office nearest to you, in Cheyenne:" in page.text
    assert "Hello, my name is Ana García Ruiz, and I live in Cheyenne, ZIP code 82001." in page.text

    for place in (2, 3):
        page = by_hand.press("I sent it")
        assert page.title.startswith(f"{place} of 3:")
    page = by_hand.press("I sent it")

    assert page.path.startswith("/receipt/")
    assert states(page) == ["You said you sent it"] * 3 + ["On its way"]
    assert "You have done your part at every office. Thank you" in page.text
    assert "You told us so on November 24, 2026, 12:00 PM Eastern. We cannot see whether it arrived." in page.text
    assert "http://127.0.0.1:8000/reunite-families" in page.text
    assert links(page)["E-mail"].startswith("mailto:?subject=Tell%20Congress")


def test_what_was_not_given_is_left_out(by_hand: Visitor, clock: Clock, data_dir: Path) -> None:
    with by_hand.app.app_context():
        published(db.session(), campaign_source("plain"), clock())
    begin(by_hand, clock, "plain").press(SHOW)
    by_hand.press(GET)
    by_hand.open(mails(data_dir, "confirmation")[-1].link)
    by_hand.press(CONFIRM)

    labels = [label for label, _text in values(next_office(by_hand))]

    assert not {"Title", "Phone", "Apartment, unit", "Topic"} & set(labels)


def test_a_form_that_does_not_work_offers_phone_and_paper_and_the_next_office_follows(
    by_hand: Visitor, clock: Clock, data_dir: Path
) -> None:
    got(by_hand, clock, data_dir)
    first = next_office(by_hand)

    page = by_hand.press("The form did not work")

    assert page.path == first.path
    assert "You can call the office or print the letter" in page.text
    assert page.buttons == ["I sent it"]
    assert by_hand.open(links(page)["Go on to the next office: Senator Cynthia M. Lummis"]).title.startswith("2 of 3:")
    receipt = by_hand.open(first.path.rpartition("/letters")[0])
    assert states(receipt)[0] == "The form did not work"
    assert next_office(by_hand).title.startswith("2 of 3:")

    by_hand.open(first.path)
    by_hand.press("I sent it")
    assert states(by_hand.open(receipt.path))[0] == "You said you sent it"


def test_only_what_was_really_reported_is_thanked_for(by_hand: Visitor, clock: Clock, data_dir: Path) -> None:
    got(by_hand, clock, data_dir)
    page = next_office(by_hand)
    for after in ("1", "2", "9", "-1", "x", ""):
        assert "You told us that you sent" not in by_hand.open(f"{page.path}?after={after}").text
    assert "You told us that you sent your letter to Senator John Barrasso" in by_hand.press("I sent it").text


def test_pressing_twice_or_saying_the_opposite_later_changes_nothing(
    by_hand: Visitor, clock: Clock, data_dir: Path
) -> None:
    got(by_hand, clock, data_dir)
    page = next_office(by_hand)
    for _twice in range(2):
        by_hand.post(page.path, [("sent", "")])
    by_hand.post(page.path, [("stuck", "")])

    assert states(by_hand.open(page.path.rpartition("/letters")[0]))[0] == "You said you sent it"


def test_a_letter_that_we_mail_is_not_theirs_to_report(
    visitor: Visitor, clock: Clock, data_dir: Path, sandbox: Flask
) -> None:
    sign(visitor, clock)
    visitor.open(mails(data_dir, "confirmation")[-1].link)
    receipt = visitor.press("Confirm and send").path

    page = visitor.post(f"{receipt}/letters/1", [("sent", "")])

    assert page.status == 409
    assert "does not go by your hand" in page.text
    assert states(visitor.open(receipt)) == ["On its way"] * 4


@pytest.mark.parametrize("path", ["/receipt/nonsense/letters/1", "/receipt/nonsense/print", "{}/letters/9"])
def test_what_is_not_there_is_not_found(by_hand: Visitor, clock: Clock, data_dir: Path, path: str) -> None:
    receipt = got(by_hand, clock, data_dir).path

    assert by_hand.open(path.format(receipt)).status == 404


def test_another_sites_form_reports_nothing(by_hand: Visitor, clock: Clock, data_dir: Path) -> None:
    got(by_hand, clock, data_dir)
    page = next_office(by_hand)

    assert by_hand.post(page.path, [("sent", "")], Sec_Fetch_Site="cross-site").status == 403
    assert by_hand.open(page.path).buttons == ["I sent it", "The form did not work"]


def test_before_confirming_nothing_is_handed_off(by_hand: Visitor, clock: Clock, data_dir: Path) -> None:
    begin(by_hand, clock).press(SHOW)
    by_hand.press(GET)
    token = mails(data_dir, "confirmation")[-1].token

    for path in (f"/receipt/{token}/letters/1", f"/receipt/{token}/print"):
        assert by_hand.open(path).path == f"/confirm/{token}"
    assert by_hand.post(f"/receipt/{token}/letters/1", [("sent", "")]).path == f"/confirm/{token}"


def test_each_letter_prints_on_pages_of_its_own_to_both_addresses(
    by_hand: Visitor, clock: Clock, data_dir: Path
) -> None:
    receipt = got(by_hand, clock, data_dir)
    page = by_hand.open(links(receipt)["Print these letters"])

    assert len(page.letters) == 6
    assert "Washington DC 205" in page.letters[1]
    assert all("1200 Randall Avenue" in letter and "Dear" in letter for letter in page.letters)
    assert len(by_hand.open(f"{receipt.path}/print?letter=2").letters) == 2
    assert by_hand.open(f"{receipt.path}/print?letter=%00").letters == []


def test_the_copy_mail_holds_everything_too(by_hand: Visitor, clock: Clock, data_dir: Path) -> None:
    receipt = got(by_hand, clock, data_dir, tel="202-555-0143")
    (copy,) = mails(data_dir, "copy")

    assert "3 letters need you" in copy.text
    assert copy.text.count("The office's form:\nhttps://") == 3
    assert copy.text.count("Phone: 202-555-0143\n") == 3
    assert copy.text.count("The office nearest to you:\n") == 3
    assert f"{receipt.path}/reminder" in copy.text
    assert "e-mail it" not in copy.text


# --- the reminder ---------------------------------------------------------------------------------------------


def reminders(app: Flask) -> list[DeliveryState]:
    with app.app_context():
        db.session.rollback()
        query = db.select(Delivery).where(Delivery.kind == DeliveryKind.REMINDER)
        return [delivery.state for delivery in db.session.scalars(query.execution_options(populate_existing=True))]


def test_a_reminder_goes_once_after_two_days_of_silence(by_hand: Visitor, clock: Clock, data_dir: Path) -> None:
    receipt = got(by_hand, clock, data_dir)
    assert "we remind you once, on November 26, 2026, 12:00 PM Eastern" in receipt.text
    clock.forward(days=1, hours=23)
    attempt_letters(by_hand.app, clock)
    assert reminders(by_hand.app) == [DeliveryState.QUEUED]

    clock.forward(hours=2)
    attempt_letters(by_hand.app, clock)

    assert reminders(by_hand.app) == [DeliveryState.ACCEPTED]
    (reminder,) = mails(data_dir, "reminder")
    assert reminder.text.count("\n- ") == 3
    assert receipt.path in reminder.text
    assert "No reminder" not in by_hand.open(receipt.path).text


@pytest.mark.parametrize("button", ["I sent it", "The form did not work"])
def test_whoever_reports_anything_gets_no_reminder(by_hand: Visitor, clock: Clock, data_dir: Path, button: str) -> None:
    got(by_hand, clock, data_dir)
    next_office(by_hand)
    by_hand.press(button)

    assert reminders(by_hand.app) == [DeliveryState.CANCELLED]


def test_the_link_that_stops_it_asks_and_then_stops_it(by_hand: Visitor, clock: Clock, data_dir: Path) -> None:
    receipt = got(by_hand, clock, data_dir)
    page = by_hand.open(links(receipt)["No reminder"])
    assert reminders(by_hand.app) == [DeliveryState.QUEUED]  # a mail scanner follows links

    page = by_hand.press("Send me no reminder")

    assert "No reminder will come." in page.text
    assert reminders(by_hand.app) == [DeliveryState.CANCELLED]
    assert "No reminder will come." in by_hand.open(page.path).text


# --- from mail to the hand ------------------------------------------------------------------------------------


def test_a_letter_that_mail_could_not_bring_is_theirs_to_deliver(
    visitor: Visitor, sandbox: Flask, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock)
    attempt_letters(sandbox, clock)
    visitor.open(mails(data_dir, "confirmation")[-1].link)
    receipt = visitor.press("Confirm and send")
    refused = Outcome(OutcomeKind.PERMANENT, "recipient refused", 550)
    attempt_letters(sandbox, clock, refused)

    page = visitor.open(receipt.path)
    assert states(page) == ["Waiting for you", "Accepted", "Accepted", "Accepted"]
    assert "The mail server refused the address on" in page.text
    assert "So it is yours to deliver." in page.text

    page = next_office(visitor)
    assert page.title.startswith("1 of 1:")
    page = visitor.press("I sent it")
    assert states(page)[0] == "You said you sent it"


def test_how_a_letter_goes_is_settled_when_it_is_confirmed(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path
) -> None:
    """Meanwhile the address of the offices was taken away: nothing goes to an address that is not in the book."""
    sign(Visitor(open_sandbox()), clock)
    later = Visitor(open_sandbox(SANDBOX_CHANNEL="handoff"))

    page = later.open(mails(data_dir, "confirmation")[-1].link)
    assert page.buttons == [CONFIRM]
    assert page.text.count(PREPARED) == 3
    page = later.press(CONFIRM)

    assert states(page)[:3] == ["Waiting for you"] * 3


def test_a_letter_to_a_member_of_the_last_congress_is_not_handed_on_as_if_nothing_had_happened(
    open_sandbox: OpenSandbox, clock: Clock, data_dir: Path
) -> None:
    clock.now = datetime(2027, 1, 1, 17, tzinfo=UTC)
    visitor = Visitor(open_sandbox(SANDBOX_CHANNEL="handoff"))
    begin(visitor, clock, address_level1="WI", postal_code="53703").press(SHOW)
    assert visitor.press("Get my letters").heading == "Check your e-mail"
    clock.now = datetime(2027, 1, 5, 17, tzinfo=UTC)

    page = visitor.open(mails(data_dir, "confirmation")[-1].link)
    assert (
        page.text.count("The Congress to which you wrote has ended, and we do not know who holds this seat now.") == 1
    )
    receipt = visitor.press(CONFIRM)

    assert "we do not know who holds this seat now" in receipt.text
    letter = visitor.open(f"{receipt.path}/letters/3")
    assert "pocan.house.gov" not in letter.html
    assert "202-224-3121" in letter.text


def test_after_the_turn_of_the_congress_the_pages_still_answer(by_hand: Visitor, clock: Clock, data_dir: Path) -> None:
    receipt = got(by_hand, clock, data_dir)
    clock.now += timedelta(days=60)

    for path in (receipt.path, f"{receipt.path}/letters/1", f"{receipt.path}/print", "/reunite-families"):
        assert by_hand.open(path).status == 200
    assert "barrasso.senate.gov" in by_hand.open(f"{receipt.path}/letters/1").html  # whose term goes on
    assert "lummis.senate.gov" not in by_hand.open(f"{receipt.path}/letters/2").html


def test_a_seat_that_somebody_else_holds_now_is_said(by_hand: Visitor, clock: Clock, data_dir: Path) -> None:
    receipt = got(by_hand, clock, data_dir)
    with by_hand.app.app_context(), writing(db.session()):
        db.session.execute(db.text("UPDATE letter SET bioguide = 'X000001' WHERE position = 1"))
        db.session.execute(db.text("UPDATE letter SET seat = 'TX-23' WHERE position = 3"))

    page = by_hand.open(receipt.path)
    assert page.text.count("holds this seat now. Your letter stands as you wrote it.") == 1
    assert "Nobody holds this seat at present. Your letter stands as you wrote it." in page.text
    assert "Change the name in its first line" in by_hand.open(f"{receipt.path}/letters/1").text
