"""Withdrawing and erasing from the receipt: at once, by the signer alone, and said for what it is."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from app.delivery import Outcome, OutcomeKind
from app.extensions import db
from tests.conftest import OpenSandbox
from tests.databases import connected, write_lock
from tests.factories import Clock, campaign_source, mails, published, stored
from tests.pages import Page, Visitor
from tests.web.steps import SHOW, begin, confirm, sent_address, sign
from tests.web.test_handoff import GET, got, links, next_office
from tests.web.test_receipt import ACCEPTED, attempt_letters, states

OWN = "ana.garcia@example.org"
WITHDRAW, ERASE = "Take them back", "Erase it"


@pytest.fixture
def receipt(visitor: Visitor, clock: Clock, data_dir: Path) -> Page:
    """Confirmed: the three letters and the copy wait for the worker."""
    sign(visitor, clock)
    attempt_letters(visitor.app, clock)
    return confirm(visitor, data_dir)


def personal(data_dir: Path) -> list[object]:
    """What is left of a person in the tables."""
    with connected(data_dir) as connection:
        rows = [
            *connection.execute(
                """SELECT prefix, given_name, family_name, address_line1, address_line2, city, region, postal_code,
                   email, phone FROM signature"""
            ).fetchall(),
            *connection.execute("SELECT subject, opening, body FROM letter").fetchall(),
            *connection.execute("SELECT mail, sender, recipient FROM delivery").fetchall(),
        ]
    return [value for row in rows for value in row if value]


def test_withdrawing_cancels_what_has_not_gone_and_says_what_has(visitor: Visitor, receipt: Page, clock: Clock) -> None:
    attempt_letters(visitor.app, clock, ACCEPTED, Outcome(OutcomeKind.TRANSIENT, "refused", 450))
    page = visitor.open(links(visitor.open(receipt.path))["Take back what has not gone yet"])
    assert "What an office has received" in page.text

    page = visitor.fill(email=OWN).press(WITHDRAW)

    assert page.path == receipt.path
    assert page.heading == "You took your letters back"
    then = states(page)
    assert (sorted(then[:3]), then[3]) == (["Accepted", "Accepted", "Cancelled"], "Accepted")
    assert "Take back what has not gone yet" not in page.text
    clock.forward(days=3)
    attempt_letters(visitor.app, clock)
    assert states(visitor.open(receipt.path)) == then


def test_withdrawing_takes_hand_offs_off_the_page(open_sandbox: OpenSandbox, clock: Clock, data_dir: Path) -> None:
    visitor = Visitor(open_sandbox(SANDBOX_CHANNEL="handoff"))
    receipt = got(visitor, clock, data_dir)
    next_office(visitor)
    visitor.press("I sent it")
    visitor.open(f"{receipt.path}/withdraw")
    page = visitor.fill(email=OWN).press(WITHDRAW)

    assert states(page) == ["You said you sent it", "Cancelled", "Cancelled", "Cancelled"]
    assert visitor.open(f"{receipt.path}/letters/2").status == 409


def test_when_everything_has_gone_there_is_nothing_to_withdraw(visitor: Visitor, receipt: Page, clock: Clock) -> None:
    attempt_letters(visitor.app, clock)

    assert "Take back" not in visitor.open(receipt.path).text
    assert visitor.open(f"{receipt.path}/withdraw").path == receipt.path
    assert visitor.post(f"{receipt.path}/withdraw", [("email", OWN)]).path == receipt.path


def test_erasing_leaves_nothing_of_the_person(visitor: Visitor, receipt: Page, clock: Clock, data_dir: Path) -> None:
    attempt_letters(visitor.app, clock, ACCEPTED, Outcome(OutcomeKind.TRANSIENT, "refused", 450))
    page = visitor.open(links(visitor.open(receipt.path))["Erase what you entered"])
    assert "for up to 7 days" in page.text
    before = stored(data_dir)

    page = visitor.fill(email="Ana.Garcia+news@EXAMPLE.org").press(ERASE)

    assert page.status == 410
    assert page.heading == "What you wrote is no longer here"
    assert personal(data_dir) == []
    assert stored(data_dir)["consent"] == before["consent"] == 1
    for path in ("", "/letters/1", "/print", "/erase", "/withdraw"):
        assert visitor.open(receipt.path + path).status == 410
    assert visitor.open(receipt.path.replace("receipt", "confirm")).status == 410
    assert visitor.open(receipt.path + "/reminder").status == 200
    clock.forward(days=3)
    attempt_letters(visitor.app, clock)


def test_somebody_who_has_not_confirmed_can_erase_too(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sent = sent_address(sign(visitor, clock))
    page = visitor.open(mails(data_dir, "confirmation")[-1].link)
    visitor.open(links(page)["Delete it now"])

    page = visitor.fill(email=OWN).press(ERASE)

    assert "It was deleted before it was confirmed. Nothing was sent." in page.text
    assert personal(data_dir) == []
    assert visitor.open(sent).heading == visitor.post(sent, [("again", "")]).heading == "Check your e-mail"
    assert visitor.post(mails_token(page), []).status == 410


def mails_token(page: Page) -> str:
    return page.path.replace("receipt", "confirm")


@pytest.mark.parametrize("what", ["withdraw", "erase"])
def test_another_address_gets_the_same_answer_as_an_unknown_one(
    visitor: Visitor, receipt: Page, clock: Clock, what: str
) -> None:
    sign(visitor, clock, email="ana@example.org", given_name="Ana María")  # a real person's, but not of this receipt

    for other in ("ana@example.org", "nobody@example.org"):
        page = visitor.post(f"{receipt.path}/{what}", [("email", other)])

        assert page.status == 403
        assert page.errors == ["These letters were not written with this address. Enter the one that you gave."]
        assert page.values["email"] == other
    assert states(visitor.open(receipt.path)) == ["On its way"] * 4


def test_what_can_be_nobodys_address_is_told_and_is_no_try(visitor: Visitor, receipt: Page) -> None:
    path = f"{receipt.path}/withdraw"
    for typed, why in (
        (f"{OWN}.", f"Enter it alone: {OWN}"),
        (f"mailto:{OWN}", f"Enter it alone: {OWN}"),
        (f"Ana <{OWN}>", f"Enter it alone: {OWN}"),
        (OWN.replace("@", "@@"), "It has one @; yours has more."),
        (f"{OWN[:5]} {OWN[5:]}", f"There is a blank after “{OWN[:5]}”: leave it out."),
        ("' OR 1=1 --", "The @ is missing."),
        (f"{OWN}\0x", "No mail can get to “example.org�x”."),
    ):
        page = visitor.post(path, [("email", typed)])
        assert (page.status, page.errors[0].rpartition("example.com. ")[2]) == (422, why)
        assert page.values["email"].startswith(typed[:5])
    visitor.post(path, [("email", OWN)])

    assert set(states(visitor.open(receipt.path))) == {"Cancelled"}


@pytest.mark.parametrize("what", ["withdraw", "erase"])
def test_whatever_is_wrong_the_address_that_was_typed_stays(
    impatient: None, visitor: Visitor, receipt: Page, data_dir: Path, what: str
) -> None:
    path = f"{receipt.path}/{what}"
    assert visitor.post(path, [("email", OWN)], Sec_Fetch_Site="cross-site").values["email"] == OWN
    with write_lock(data_dir):
        page = visitor.post(path, [("email", OWN)])
    assert (page.status, page.values["email"]) == (503, OWN)


@pytest.mark.parametrize("what", ["withdraw", "erase"])
def test_two_presses_at_once_are_one(visitor: Visitor, receipt: Page, data_dir: Path, what: str) -> None:
    visitors = [Visitor(visitor.app) for _press in range(4)]
    with write_lock(data_dir):
        threads = [
            threading.Thread(target=one.post, args=(f"{receipt.path}/{what}", [("email", OWN)])) for one in visitors
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.5)  # all of them have looked, and wait for the lock
    for thread in threads:
        thread.join()

    assert {one.page.heading for one in visitors} == {
        {"withdraw": "You took your letters back", "erase": "What you wrote is no longer here"}[what]
    }


def test_an_empty_address_is_asked_for_and_does_not_count(visitor: Visitor, receipt: Page) -> None:
    for _press in range(8):
        page = visitor.post(f"{receipt.path}/erase", [("email", " ")])
        assert page.errors == ["Enter the e-mail address that you gave with the letters."]
    assert visitor.post(f"{receipt.path}/erase", []).status == 422


def test_guessing_ends_after_five_addresses_for_a_day(visitor: Visitor, receipt: Page, clock: Clock) -> None:
    for number in range(5):
        assert visitor.post(f"{receipt.path}/erase", [("email", f"a{number}@example.org")]).status == 403

    for path in ("erase", "withdraw"):
        page = visitor.post(f"{receipt.path}/{path}", [("email", OWN)])
        assert page.status == 429
        assert "Please come back tomorrow" in page.text

    clock.forward(hours=25)
    assert visitor.post(f"{receipt.path}/erase", [("email", OWN)]).status == 410


def test_guessing_from_elsewhere_does_not_lock_the_owner_out(visitor: Visitor, receipt: Page) -> None:
    stranger = Visitor(visitor.app, network="203.0.113.9")
    for number in range(7):
        stranger.post(f"{receipt.path}/erase", [("email", f"a{number}@example.org")])
    assert stranger.page.status == 429

    assert visitor.post(f"{receipt.path}/erase", [("email", OWN)]).status == 410


def test_what_the_same_person_signed_twice_or_left_waiting_is_erased_with_it(
    visitor: Visitor, receipt: Page, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock)  # a repeat, whose page nobody can find
    sign(visitor, clock, given_name="Luis")  # of the same household
    with visitor.app.app_context():
        other = published(db.session(), campaign_source(), clock())
    clock.forward(hours=25)  # only so many mails a day go to one address
    sign(visitor, clock, other)
    visitor.post(f"{receipt.path}/erase", [("email", OWN)])

    with connected(data_dir) as connection:
        assert connection.execute("SELECT given_name FROM signature ORDER BY id").fetchall() == [
            (None,),
            (None,),
            ("Luis",),
            (None,),
        ]


@pytest.mark.parametrize("what", ["erase", "withdraw"])
def test_an_older_mail_does_not_send_what_was_taken_back(
    visitor: Visitor, clock: Clock, data_dir: Path, what: str
) -> None:
    sign(visitor, clock)
    older = mails(data_dir, "confirmation")[-1].link
    sign(visitor, clock)
    receipt = confirm(visitor, data_dir)
    visitor.post(f"{receipt.path}/{what}", [("email", OWN)])

    page = visitor.open(older)

    assert page.heading in {"These letters do not go", "What you wrote is no longer here"}
    assert visitor.post(older, [("seal", "")]).heading == page.heading


def test_an_address_with_a_domain_in_other_letters_is_its_owners(
    visitor: Visitor, clock: Clock, data_dir: Path
) -> None:
    sign(visitor, clock, email="ana@exämple.org")
    receipt = confirm(visitor, data_dir)

    assert (
        visitor.post(f"{receipt.path}/withdraw", [("email", " ana@exämple.org ")]).heading
        == "You took your letters back"
    )
    assert visitor.post(f"{receipt.path}/erase", [("email", "Ana@xn--exmple-cua.org")]).status == 410


def test_a_forged_token_and_another_sites_form_do_nothing(visitor: Visitor, receipt: Page) -> None:
    for what in ("erase", "withdraw", "reminder"):
        assert visitor.open(f"/receipt/{'a' * 32}/{what}").status == 404
        assert visitor.post(f"/receipt/{'a' * 32}/{what}", [("email", OWN)]).status == 404
        page = visitor.post(f"{receipt.path}/{what}", [("email", OWN)], Sec_Fetch_Site="cross-site")
        assert page.status == 403
    assert states(visitor.open(receipt.path)) == ["On its way"] * 4


def test_who_has_withdrawn_can_write_again(visitor: Visitor, receipt: Page, clock: Clock, data_dir: Path) -> None:
    visitor.open(f"{receipt.path}/withdraw")
    visitor.fill(email=OWN).press(WITHDRAW)

    sign(visitor, clock)

    assert mails(data_dir, "repeat") == []
    assert states(confirm(visitor, data_dir)) == ["On its way"] * 4


def test_a_letter_that_was_being_sent_while_it_was_erased_is_not_tried_again(
    visitor: Visitor, receipt: Page, clock: Clock, data_dir: Path
) -> None:
    from app.delivery.sending import claim, settle
    from tests.web.test_receipt import POLICY

    with visitor.app.app_context():
        claimed = claim(db.session(), clock())
        assert claimed is not None
    visitor.open(f"{receipt.path}/erase")
    visitor.fill(email=OWN).press(ERASE)
    with visitor.app.app_context():
        settle(db.session(), claimed, Outcome(OutcomeKind.TRANSIENT, "refused", 450), POLICY, clock())

    with connected(data_dir) as connection:
        states_left = connection.execute("SELECT DISTINCT state FROM delivery WHERE kind = 'letter'").fetchall()
    assert states_left == [("cancelled",)]
    assert personal(data_dir) == []


def test_the_page_says_no_more_than_before_while_the_database_is_busy(
    visitor: Visitor, receipt: Page, data_dir: Path, impatient: None
) -> None:
    from tests.databases import write_lock

    with visitor.app.app_context():
        db.engine.dispose()
    with write_lock(data_dir):
        for what in ("erase", "withdraw", "reminder"):
            page = visitor.post(f"{receipt.path}/{what}", [("email", OWN)])
            assert page.status == 503
            assert "Please press the button again in a minute." in page.text


def test_getting_letters_has_the_same_way_out(open_sandbox: OpenSandbox, clock: Clock, data_dir: Path) -> None:
    visitor = Visitor(open_sandbox(SANDBOX_CHANNEL="handoff"))
    begin(visitor, clock).press(SHOW)
    visitor.press(GET)
    visitor.open(mails(data_dir, "confirmation")[-1].link)
    visitor.press("Confirm")
    visitor.open(f"{visitor.page.path}/erase")
    visitor.fill(email=OWN).press(ERASE)

    assert personal(data_dir) == []


def test_who_takes_letters_back_too_late_is_told_so(visitor: Visitor, clock: Clock, data_dir: Path) -> None:
    sign(visitor, clock)
    receipt = confirm(visitor, data_dir).path
    visitor.open(f"{receipt}/withdraw")
    with connected(data_dir) as connection:
        connection.execute(
            "UPDATE delivery SET state = 'accepted', ended_at = created_at WHERE kind IN ('letter', 'copy')"
        )

    page = visitor.fill(email="ana.garcia@example.org").press("Take them back")

    assert page.path == receipt
    assert "It is too late to take them back: nothing waits here any more." in page.text
    assert "too late" not in visitor.open(receipt).text
