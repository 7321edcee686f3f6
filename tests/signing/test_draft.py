"""From what was typed to the letters that would go, with the tables that the project ships."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.addresses import State
from app.campaigns.letters import Signer
from app.delivery.handoff import PaperChannel
from app.delivery.mail_channel import EmailChannel
from app.legislators import Bioguide, Doubt, Legislator, Method, NoDataForDay, Vacancy
from app.legislators.directory import TableDirectory
from app.legislators.locators import TableLocator
from app.legislators.tables import SHIPPED, load
from app.sandbox.guard import office_address
from app.signing.draft import MOST_OFFERED, SENATORS_ONLY, Choice, Desk, Draft, Entry, Errors, Problem, draft
from tests.signing.factories import NOW, campaign_file, drafted, signer

US = "ocd-division/country:us"


def made_up(legislator: Legislator) -> str:
    return office_address(legislator.bioguide)


@pytest.fixture(scope="module")
def desk() -> Desk:
    tables = load(SHIPPED)
    return Desk(TableLocator(tables), TableDirectory(tables), lambda _members: [EmailChannel(made_up), PaperChannel()])


def at(state: str, zip_code: str) -> Signer:
    return signer(state=state, zip_code=zip_code)


def division(state: str, number: int | str) -> str:
    return f"{US}/state:{state}/cd:{number}"


def seats(result: Draft | Choice | Errors) -> list[str]:
    assert isinstance(result, Draft | Choice)
    return [letter.recipient.legislator.seat for letter in result.letters]


def test_one_district_gives_two_senators_and_the_representative(desk: Desk) -> None:
    result = drafted(desk, at("WY", "82001"))

    assert isinstance(result, Draft)
    assert sorted(seats(result)) == ["WY-AL", "WY-S1", "WY-S2"]
    assert seats(result)[-1] == "WY-AL"
    assert (result.division, result.located_by) == (division("wy", "at-large"), Method.STATE)
    assert (result.congress, result.state, result.vacant, result.alternatives) == (119, "WY", (), ())


def test_each_letter_is_filled_for_its_recipient_and_goes_to_that_office(desk: Desk) -> None:
    result = drafted(desk, at("WY", "82001"))

    assert isinstance(result, Draft)
    for letter in result.letters:
        assert letter.opening == f"Dear {letter.recipient.greeting},"
        assert letter.body.endswith("Ana García Ruiz\n1200 Randall Avenue\nCheyenne, WY 82001\nana.garcia@example.org")
        assert letter.subject == "The well"
        assert letter.way.channel.name == "mail"
        assert letter.way.address == made_up(letter.recipient.legislator)
    assert len({letter.way.address for letter in result.letters}) == 3


@pytest.mark.parametrize(("state", "seat"), [("CO", "CO-3"), ("NM", "NM-3")])
def test_a_zip_code_in_two_states_follows_the_state_that_was_typed(desk: Desk, state: str, seat: str) -> None:
    result = drafted(desk, at(state, "81120"))

    assert isinstance(result, Draft)
    assert seats(result)[-1] == seat
    assert {name[:2] for name in seats(result)} == {state}
    assert result.located_by is Method.ZIP


def test_a_split_zip_code_asks_and_offers_the_senators_letters_meanwhile(desk: Desk) -> None:
    result = drafted(desk, at("WI", "53811"))

    assert isinstance(result, Choice)
    assert (result.doubt, result.refused) == (Doubt.SPLIT_ZIP, False)
    assert [option.seat for option in result.options] == ["WI-3", "WI-2"]
    assert [name[:4] for name in seats(result)] == ["WI-S", "WI-S"]
    assert [other.seat for other in result.alternatives] == ["WI-1", "WI-4", "WI-5", "WI-6", "WI-7", "WI-8"]


def test_the_choice_of_one_of_them_gives_the_letters(desk: Desk) -> None:
    result = drafted(desk, at("WI", "53811"), district=division("wi", 3))

    assert isinstance(result, Draft)
    assert seats(result)[-1] == "WI-3"
    assert (result.division, result.located_by) == (division("wi", 3), Method.PERSON)
    assert "WI-3" not in [other.seat for other in result.alternatives]
    assert len(result.alternatives) == 7


def test_not_sure_gives_only_the_senators(desk: Desk) -> None:
    result = drafted(desk, at("WI", "53811"), district=SENATORS_ONLY)

    assert isinstance(result, Draft)
    assert (len(result.letters), result.division, result.located_by) == (2, None, Method.PERSON)
    assert len(result.alternatives) == 8


FORGED = [
    division("mn", 3),
    division("wi", 9),
    division("wi", "at-large"),
    f"{US}/state:wi",
    f"{US}/district:dc/cd:at-large",
    "junk",
    "senators-only ",
    "\0",
    "<script>",
    "x" * 10_000,
]


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.parametrize("zip_code", ["53811", "53703"], ids=["split", "one district"])
@pytest.mark.parametrize("field", ["district", "other"])
def test_a_forged_choice_never_becomes_a_letter(desk: Desk, forged: str, zip_code: str, field: str) -> None:
    result = drafted(desk, at("WI", zip_code), **{field: forged})  # type: ignore[arg-type]  # either is text

    assert isinstance(result, Choice)
    assert result.refused
    assert {name[:4] for name in seats(result)} == {"WI-S"}


def test_another_representative_of_the_state_can_be_chosen(desk: Desk) -> None:
    result = drafted(desk, at("WI", "53703"), other=division("wi", 7))

    assert isinstance(result, Draft)
    assert seats(result)[-1] == "WI-7"
    assert result.located_by is Method.PERSON


def test_a_choice_left_over_from_another_state_is_refused_not_followed(desk: Desk) -> None:
    result = drafted(desk, at("WY", "82001"), district=division("wi", 3))

    assert isinstance(result, Choice)
    assert (result.refused, result.doubt) == (True, None)
    assert [option.seat for option in result.options] == ["WY-AL"]


def test_the_district_of_columbia_has_a_delegate_and_no_senators(desk: Desk) -> None:
    result = drafted(desk, at("DC", "20001"))

    assert isinstance(result, Draft)
    assert seats(result) == ["DC-AL"]
    assert result.letters[0].opening.startswith("Dear Delegate ")


def test_puerto_rico_has_a_resident_commissioner_and_no_senators(desk: Desk) -> None:
    result = drafted(desk, at("PR", "00901"))

    assert isinstance(result, Draft)
    assert seats(result) == ["PR-AL"]
    assert result.letters[0].opening.startswith("Dear Resident Commissioner ")


def test_a_vacant_seat_is_named_and_gets_no_letter(desk: Desk) -> None:
    result = drafted(desk, at("TX", "78002"))

    assert isinstance(result, Draft)
    assert [vacancy.seat for vacancy in result.vacant] == ["TX-23"]
    assert [name[:4] for name in seats(result)] == ["TX-S", "TX-S"]
    assert result.division == division("tx", 23)


def test_a_vacant_seat_is_among_the_options_of_a_split_zip_code(desk: Desk) -> None:
    result = drafted(desk, at("TX", "78003"))

    assert isinstance(result, Choice)
    assert [(option.seat, isinstance(option, Vacancy)) for option in result.options] == [
        ("TX-21", False),
        ("TX-23", True),
    ]


def test_a_post_office_box_that_is_on_no_map_asks_with_a_first_guess_and_the_nearest_others(desk: Desk) -> None:
    result = drafted(desk, at("TX", "78042"))  # in Laredo, whose district is TX-28

    assert isinstance(result, Choice)
    assert (result.doubt, result.guessed) == (Doubt.ZIP_WITHOUT_DISTRICT, True)
    assert result.options[0].seat == "TX-28"
    assert len(result.options) == MOST_OFFERED
    assert len(result.options) + len(result.alternatives) == 38
    assert "TX-14" in [other.seat for other in result.alternatives]  # Galveston is far away


def test_an_unknown_zip_code_asks_with_every_district_of_the_state(desk: Desk) -> None:
    result = drafted(desk, at("TX", "78999"))

    assert isinstance(result, Choice)
    assert (result.doubt, result.guessed) == (Doubt.UNKNOWN_ZIP, False)
    assert [option.seat for option in result.options] == [f"TX-{number}" for number in range(1, 39)]


def test_an_unknown_zip_code_is_mentioned_where_there_is_one_district(desk: Desk) -> None:
    result = drafted(desk, at("WY", "82999"))

    assert isinstance(result, Draft)
    assert result.warnings == (Doubt.UNKNOWN_ZIP,)
    assert seats(result)[-1] == "WY-AL"


def test_a_zip_code_of_another_state_is_an_error_that_names_it(desk: Desk) -> None:
    assert drafted(desk, at("WY", "10001")) == Errors(Problem.OTHER_STATE, (State("NY"),))


def test_being_sure_does_not_help_where_the_states_do_not_adjoin(desk: Desk) -> None:
    assert drafted(desk, at("WY", "10001"), sure=True) == Errors(Problem.OTHER_STATE, (State("NY"),))


def test_a_zip_code_of_a_neighbour_is_an_error_until_the_person_is_sure(desk: Desk) -> None:
    assert drafted(desk, at("WI", "55101")) == Errors(Problem.NEIGHBOUR_STATE, (State("MN"),))

    result = drafted(desk, at("WI", "55101"), sure=True)

    assert isinstance(result, Choice)
    assert result.doubt is Doubt.ZIP_OF_NEIGHBOUR
    assert {option.state for option in result.options} == {"WI"}


def test_military_mail_has_no_district(desk: Desk) -> None:
    assert drafted(desk, at("NY", "09012")) == Errors(Problem.NO_DISTRICT_FOR_MAIL)


def test_palau_elects_nobody(desk: Desk) -> None:
    assert drafted(desk, at("GU", "96940")) == Errors(Problem.ELECTS_NOBODY, place="PW")


@pytest.mark.parametrize("zip_code", ["53811", "53703", "53999"])
@pytest.mark.parametrize("forged", ["", "junk", division("mn", 3)])
def test_a_campaign_to_senators_only_never_asks_for_a_district(desk: Desk, zip_code: str, forged: str) -> None:
    result = drafted(desk, at("WI", zip_code), campaign_file("us-senators"), district=forged, other=forged)

    assert isinstance(result, Draft)
    assert [name[:4] for name in seats(result)] == ["WI-S", "WI-S"]
    assert (result.division, result.alternatives, result.vacant) == (None, (), ())


def test_a_campaign_to_senators_only_has_nobody_in_the_district_of_columbia(desk: Desk) -> None:
    result = drafted(desk, at("DC", "20001"), campaign_file("us-senators"))

    assert isinstance(result, Draft)
    assert result.letters == ()


def test_a_campaign_to_the_representative_has_nothing_for_somebody_who_is_not_sure(desk: Desk) -> None:
    campaign = campaign_file("us-representative")

    asked = drafted(desk, at("WI", "53811"), campaign)
    unsure = drafted(desk, at("WI", "53811"), campaign, district=SENATORS_ONLY)

    assert isinstance(asked, Choice)
    assert asked.letters == ()
    assert isinstance(unsure, Draft)
    assert unsure.letters == ()
    assert len(unsure.alternatives) == 8


def test_a_day_that_no_tables_cover_is_an_error_not_a_guess(desk: Desk) -> None:
    with pytest.raises(NoDataForDay):
        draft(Entry(signer()), campaign_file(), desk, datetime(2029, 6, 1, tzinfo=UTC))


def test_an_office_that_no_channel_but_the_last_reaches_goes_by_that(desk: Desk) -> None:
    far = Desk(desk.locator, desk.directory, lambda _members: [EmailChannel(lambda _legislator: None), PaperChannel()])

    result = drafted(far, at("WY", "82001"))

    assert isinstance(result, Draft)
    assert [(letter.way.channel.name, letter.way.address) for letter in result.letters] == [("paper", "")] * 3
    assert not result.by_us


def test_the_first_channel_that_reaches_the_office_carries_the_letter(desk: Desk) -> None:
    channels = [
        EmailChannel(lambda member: "best@offices.invalid" if member.bioguide == "L000571" else None, name="best"),
        EmailChannel(made_up),
    ]

    result = drafted(Desk(desk.locator, desk.directory, lambda _members: channels), at("WY", "82001"))

    assert isinstance(result, Draft)
    assert sorted(letter.way.channel.name for letter in result.letters) == ["best", "mail", "mail"]


def wyoming(desk: Desk) -> Draft:
    result = drafted(desk, at("WY", "82001"))
    assert isinstance(result, Draft)
    return result


def test_the_same_letters_have_the_same_seal(desk: Desk) -> None:
    assert wyoming(desk).seal == wyoming(desk).seal


def test_the_seal_changes_when_anything_of_the_letters_changes(desk: Desk) -> None:
    plain = wyoming(desk)
    first, *rest = plain.offered
    member = first.recipient.legislator
    successor = replace(first.recipient, legislator=replace(member, bioguide=Bioguide("X000001")))
    other_channel = EmailChannel(made_up, name="handoff", promise="You paste it.")
    changed = [
        plain,
        replace(plain, offered=(replace(first, suggested=replace(first.suggested, body="Other.")), *rest)),
        replace(plain, offered=(replace(first, subject="Other"), *rest)),
        replace(plain, offered=(replace(first, way=replace(first.way, address="other@offices.invalid")), *rest)),
        replace(plain, offered=(replace(first, recipient=successor), *rest)),
        replace(plain, offered=(replace(first, way=replace(first.way, channel=other_channel)), *rest)),
        replace(plain, offered=tuple(rest)),
        replace(plain, offered=(*rest, first)),
        replace(plain, offered=()),
    ]

    assert len({one.seal for one in changed}) == len(changed)


def test_the_seal_changes_with_every_field_of_the_signer_that_the_letter_shows(desk: Desk) -> None:
    signers = [
        signer(),
        signer(given_name="Anna"),
        signer(family_name="Garcia"),
        signer(email="other@example.org"),
        signer(line1="1 Main Street"),
        signer(zip_code="82001-1234"),
    ]
    drafts = [draft(Entry(who), campaign_file(), desk, NOW) for who in signers]

    assert len({one.seal for one in drafts if isinstance(one, Draft)}) == len(signers)


TURN = datetime(2027, 1, 3, 17, 0, tzinfo=UTC)
"""Noon in Washington: the 120th Congress begins, and the tables are those of the 119th."""


def test_until_noon_the_old_congress_is_written_to(desk: Desk) -> None:
    result = drafted(desk, at("WI", "53703"), on=TURN - timedelta(seconds=1))

    assert isinstance(result, Draft)
    assert (result.congress, seats(result)[-1], result.vacant) == (119, "WI-2", ())


def test_from_noon_letters_go_to_the_senators_whose_terms_go_on_and_the_others_are_named(desk: Desk) -> None:
    result = drafted(desk, at("WI", "53703"), on=TURN)

    assert isinstance(result, Draft)
    assert (result.congress, seats(result)) == (120, ["WI-S3", "WI-S1"])
    assert [(seat.seat, seat.known) for seat in result.vacant] == [("WI-2", False)]
    assert (result.division, result.alternatives, result.house_unknown) == (division("wi", 2), (), False)


def test_from_noon_a_senator_whose_term_has_ended_gets_no_letter(desk: Desk) -> None:
    result = drafted(desk, at("WY", "82001"), on=TURN)  # the seat of class 2 was elected in November

    assert isinstance(result, Draft)
    assert seats(result) == ["WY-S1"]
    assert [(seat.seat, seat.known) for seat in result.vacant] == [("WY-S2", False), ("WY-AL", False)]


@pytest.mark.parametrize(("state", "zip_code"), [("TX", "78701"), ("TX", "77030"), ("WI", "53811"), ("UT", "84034")])
def test_from_noon_nobody_is_asked_to_choose_among_unknown_people(desk: Desk, state: str, zip_code: str) -> None:
    result = drafted(desk, at(state, zip_code), on=TURN)

    assert isinstance(result, Draft)
    assert (result.house_unknown, result.division) == (True, None)
    assert {name[:4] for name in seats(result)} == {f"{state}-S"}


def test_from_noon_an_old_choice_is_not_followed_to_somebody_who_may_have_left(desk: Desk) -> None:
    result = drafted(desk, at("WI", "53811"), district=division("wi", 3), on=TURN)

    assert isinstance(result, Draft)
    assert seats(result) == ["WI-S3", "WI-S1"]
    assert [(seat.seat, seat.known) for seat in result.vacant] == [("WI-3", False)]
