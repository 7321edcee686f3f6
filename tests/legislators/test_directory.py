from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from app.addresses import STATES, State
from app.legislators import (
    Bioguide,
    Delegation,
    DivisionId,
    Legislator,
    LegislatorDirectory,
    NoDataForDay,
    Role,
    Seat,
    Vacancy,
)
from app.legislators.directory import TableDirectory
from app.legislators.geography import SENATE_STATES
from app.legislators.tables import SHIPPED, Tables, load

DAY = datetime(2026, 11, 24, 17, tzinfo=UTC)
US = "ocd-division/country:us"


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load(SHIPPED)


@pytest.fixture(scope="module")
def directory(tables: Tables) -> LegislatorDirectory:
    return TableDirectory(tables)


def delegation(directory: LegislatorDirectory, division: str) -> Delegation:
    return directory.delegation(DivisionId(f"{US}/{division}"), DAY)


def member(tables: Tables, bioguide: str) -> Legislator:
    return next(member for member in tables.members if member.bioguide == Bioguide(bioguide))


def test_a_district_has_two_senators_and_a_representative(directory: LegislatorDirectory) -> None:
    people = delegation(directory, "state:ca/cd:12")

    assert (people.congress, people.state) == (119, "CA")
    assert [senator.last_name for senator in people.senators] == ["Padilla", "Schiff"]
    assert isinstance(people.representative, Legislator)
    assert people.representative.name == "Lateefah Simon"
    assert people.representative.seat == "CA-12"
    assert people.representative.contact_form.startswith("https://")
    assert people.representative.offices


def test_a_whole_state_of_several_districts_has_senators_only(directory: LegislatorDirectory) -> None:
    people = delegation(directory, "state:ca")

    assert len(people.senators) == 2
    assert people.representative is None


@pytest.mark.parametrize("division", ["state:wy", "state:wy/cd:at-large"])
def test_a_whole_state_of_one_district_has_its_representative(directory: LegislatorDirectory, division: str) -> None:
    people = delegation(directory, division)

    assert [senator.last_name for senator in people.senators] == ["Barrasso", "Lummis"]
    assert isinstance(people.representative, Legislator)
    assert people.representative.seat == "WY-AL"
    assert people.representative.role is Role.REPRESENTATIVE


@pytest.mark.parametrize(
    ("division", "role"),
    [
        ("district:dc", Role.DELEGATE),
        ("territory:gu", Role.DELEGATE),
        ("territory:vi", Role.DELEGATE),
        ("territory:as", Role.DELEGATE),
        ("territory:mp", Role.DELEGATE),
        ("territory:pr", Role.RESIDENT_COMMISSIONER),
    ],
)
def test_dc_and_territories_have_one_member_and_no_senators(
    directory: LegislatorDirectory, division: str, role: Role
) -> None:
    for people in (delegation(directory, division), delegation(directory, f"{division}/cd:at-large")):
        assert people.senators == ()
        assert isinstance(people.representative, Legislator)
        assert people.representative.role is role


@pytest.mark.parametrize(("division", "seat"), [("state:tx/cd:23", "TX-23"), ("state:fl/cd:20", "FL-20")])
def test_a_vacant_seat_is_said_to_be_vacant(directory: LegislatorDirectory, division: str, seat: str) -> None:
    people = delegation(directory, division)

    assert isinstance(people.representative, Vacancy)
    assert people.representative.seat == seat
    assert people.representative.division == f"{US}/{division}"
    assert people.representative.known
    assert people.representative.phone.startswith("202-225-")
    assert (len(people.senators), people.vacant_senate) == (2, ())


def test_every_division_has_a_delegation(directory: LegislatorDirectory) -> None:
    divisions = [division for state in STATES for division in directory.districts(state, DAY)]

    found = [directory.delegation(division, DAY) for division in divisions]

    assert len(divisions) == 441
    for division, people in zip(divisions, found, strict=True):
        assert people.representative is not None
        assert people.representative.division == division
        assert people.representative.state == people.state
        assert len(people.senators) == (2 if people.state in SENATE_STATES else 0)
        assert all(senator.state == people.state and senator.role is Role.SENATOR for senator in people.senators)


def test_districts_come_in_numeric_order(directory: LegislatorDirectory) -> None:
    texas = directory.districts(State("TX"), DAY)

    assert texas == tuple(f"{US}/state:tx/cd:{number}" for number in range(1, 39))
    assert directory.districts(State("MT"), DAY) == (f"{US}/state:mt/cd:1", f"{US}/state:mt/cd:2")
    assert directory.districts(State("DC"), DAY) == (f"{US}/district:dc/cd:at-large",)


@pytest.mark.parametrize(
    ("state", "names"),
    [
        ("OH", ["Moreno", "Husted"]),  # appointed, past the published end of the term, still sitting
        ("FL", ["Scott", "Moody"]),
        ("SC", ["Scott", "Graham Nordone"]),
    ],
)
def test_appointed_senators_sit_and_are_junior(directory: LegislatorDirectory, state: str, names: list[str]) -> None:
    people = delegation(directory, f"state:{state.lower()}")

    assert [senator.last_name for senator in people.senators] == names
    assert people.senators[1].how == "appointment"


def test_members_past_the_end_of_their_term_still_sit(tables: Tables) -> None:
    past = {(member.seat, member.end_type) for member in tables.members if member.until < DAY.date()}

    assert past == {("OH-S3", "special-election"), ("FL-S3", "special-election")}


def test_the_senator_who_died_is_not_taken_for_the_one_of_the_same_name(tables: Tables) -> None:
    bioguides = {member.bioguide for member in tables.members}

    assert "G000359" not in bioguides
    assert member(tables, "G000608").name == "Darline Graham"
    assert member(tables, "G000608").offices == ()


def test_two_senators_of_one_surname_are_two_people(directory: LegislatorDirectory) -> None:
    florida, carolina = (delegation(directory, f"state:{state}").senators[0] for state in ("fl", "sc"))

    assert florida.last_name == carolina.last_name == "Scott"
    assert (florida.bioguide, florida.name) != (carolina.bioguide, carolina.name)
    assert (florida.seat, carolina.seat) == ("FL-S1", "SC-S3")
    assert {office.state for office in florida.offices} == {"FL"}
    assert {office.state for office in carolina.offices} == {"SC"}


def test_members_who_came_after_the_snapshot_sit(directory: LegislatorDirectory) -> None:
    georgia = delegation(directory, "state:ga/cd:13").representative
    california = delegation(directory, "state:ca/cd:14").representative

    assert isinstance(georgia, Legislator)
    assert (georgia.name, georgia.last_name) == ("Everton Blair Jr.", "Blair")
    assert isinstance(california, Legislator)
    assert california.last_name == "Wahab"


def test_people_without_phone_form_or_address_are_there(tables: Tables) -> None:
    gallagher, blair, hamadeh = (member(tables, bioguide) for bioguide in ("G000607", "B001328", "H001098"))

    assert (gallagher.name, gallagher.phone, gallagher.address) == ("James Gallagher", "", "")
    assert gallagher.contact_form == "https://gallagher.house.gov/contact"
    assert (blair.phone, blair.offices) == ("", ())
    assert hamadeh.contact_form == ""


def test_names_keep_their_words_and_letters(tables: Tables) -> None:
    last_names = {member.last_name for member in tables.members}

    assert last_names >= {"Cortez Masto", "Van Hollen", "Blunt Rochester", "De La Cruz", "Wasserman Schultz"}
    assert last_names >= {"Luján", "Sánchez", "Velázquez", "Barragán", "García", "Hernández Rivera"}
    assert not {"Jr.", "II", "III"} & {name.split()[-1] for name in last_names}


def test_every_contact_form_is_one_of_congress(tables: Tables) -> None:
    forms = [member.contact_form for member in tables.members if member.contact_form]

    assert len(forms) == 535
    assert all(form.startswith("https://") and ".gov" in form for form in forms)


LONG_AFTER, BEFORE = datetime(2029, 1, 3, 17, tzinfo=UTC), datetime(2025, 1, 3, 16, 59, tzinfo=UTC)
TURN = datetime(2027, 1, 3, 17, tzinfo=UTC)


@pytest.mark.parametrize("moment", [LONG_AFTER, BEFORE])
def test_another_congress_is_not_answered(directory: LegislatorDirectory, moment: datetime) -> None:
    division = DivisionId(f"{US}/state:wy")

    with pytest.raises(NoDataForDay):
        directory.delegation(division, moment)
    with pytest.raises(NoDataForDay):
        directory.districts(State("WY"), moment)
    with pytest.raises(NoDataForDay):
        directory.members(moment)
    with pytest.raises(NoDataForDay):
        directory.holder(Seat("WY-S2"), moment)


def test_until_noon_of_january_3rd_everything_is_as_it_was(directory: LegislatorDirectory) -> None:
    assert directory.members(TURN - timedelta(seconds=1)) == directory.members(DAY)
    assert directory.delegation(DivisionId(f"{US}/state:wy"), TURN - timedelta(seconds=1)).congress == 119


def test_when_the_next_congress_begins_only_those_whose_terms_go_on_are_known(directory: LegislatorDirectory) -> None:
    known = directory.members(TURN)

    assert {member.seat[3:5] for member in known if member.role is Role.SENATOR} == {"S1", "S3"}
    assert sum(member.role is Role.SENATOR for member in known) == 65  # 33 of class 2, Ohio's and Florida's
    assert [member.seat for member in known if member.role is not Role.SENATOR] == []


def test_when_the_next_congress_begins_the_other_seats_are_not_called_vacant(directory: LegislatorDirectory) -> None:
    people = directory.delegation(DivisionId(f"{US}/state:tx/cd:23"), TURN)

    assert people.congress == 120
    assert [senator.seat for senator in people.senators] == ["TX-S1"]
    assert [(seat.seat, seat.known) for seat in people.vacant_senate] == [("TX-S2", False)]
    assert isinstance(people.representative, Vacancy)
    assert not people.representative.known


def test_everyone_who_sits_holds_their_seat(directory: LegislatorDirectory) -> None:
    members = directory.members(DAY)

    assert len(members) == len({member.seat for member in members}) == len({member.bioguide for member in members})
    assert sum(member.role is Role.SENATOR for member in members) == 100
    assert all(directory.holder(member.seat, DAY) is member for member in members)


def test_a_seat_that_nobody_holds_is_held_by_a_vacancy(directory: LegislatorDirectory) -> None:
    holder = directory.holder(Seat("TX-23"), DAY)

    assert isinstance(holder, Vacancy)
    assert holder.seat == "TX-23"


@pytest.mark.parametrize("seat", ["WY-1", "WY-S3", "wy-al", "", "L000571"])
def test_a_seat_that_is_none_is_a_key_error(directory: LegislatorDirectory, seat: str) -> None:
    with pytest.raises(KeyError):
        directory.holder(Seat(seat), DAY)


def test_a_division_that_is_none_is_a_key_error(directory: LegislatorDirectory) -> None:
    with pytest.raises(KeyError):
        delegation(directory, "state:wy/cd:7")


def test_it_says_up_to_which_day_it_is_right(directory: LegislatorDirectory) -> None:
    assert directory.as_of() == date(2026, 10, 3)
