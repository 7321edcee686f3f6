from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.addresses import PostalAddress, State, parse_zip
from app.legislators import (
    DistrictLocator,
    Doubt,
    ElectsNobody,
    Location,
    Method,
    NoDataForDay,
    NoDistrictForMail,
    Sure,
    ZipInAnotherState,
)
from app.legislators.geography import ADJOINING, state_division
from app.legislators.locators import TableLocator
from app.legislators.tables import SHIPPED, Tables, load

DAY = datetime(2026, 11, 24, 17, tzinfo=UTC)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load(SHIPPED)


@pytest.fixture(scope="module")
def locator(tables: Tables) -> DistrictLocator:
    return TableLocator(tables)


def address(state: str, zip_code: str) -> PostalAddress:
    return PostalAddress("1 Main Street", "", "Anytown", State(state), zip_code)


def seats(location: Location) -> list[str]:
    """`ocd-division/country:us/state:wi/cd:2` → `wi 2`."""
    return [f"{division.split(':')[2].split('/')[0]} {division.split(':')[-1]}" for division in location.candidates]


def test_a_zip_in_one_district_is_an_answer(locator: DistrictLocator) -> None:
    location = locator.locate(address("CA", "94612"), DAY)

    assert location == Location(119, State("CA"), location.candidates, Method.ZIP, Sure.CERTAIN, ())
    assert location.candidates == ("ocd-division/country:us/state:ca/cd:12",)


@pytest.mark.parametrize("typed", ["94612-1234", "94612 1234", "946121234", " 94612 "])
def test_zip_plus_four_is_the_same_zip(locator: DistrictLocator, typed: str) -> None:
    assert locator.locate(address("CA", parse_zip(typed) or ""), DAY) == locator.locate(address("CA", "94612"), DAY)


def test_a_split_zip_is_a_choice(locator: DistrictLocator) -> None:
    location = locator.locate(address("WI", "53811"), DAY)

    assert sorted(seats(location)) == ["wi 2", "wi 3"]
    assert (location.method, location.sure, location.warnings) == (Method.ZIP, Sure.ONE_OF, (Doubt.SPLIT_ZIP,))


def test_of_a_split_zip_the_district_of_the_post_office_comes_first(locator: DistrictLocator) -> None:
    assert seats(locator.locate(address("WI", "53811"), DAY)) == ["wi 3", "wi 2"]


@pytest.mark.parametrize(
    ("state", "zip_code", "seat"),
    [
        ("AK", "99501", "ak at-large"),
        ("DE", "19901", "de at-large"),
        ("ND", "58501", "nd at-large"),
        ("SD", "57501", "sd at-large"),
        ("VT", "05602", "vt at-large"),
        ("WY", "82001", "wy at-large"),
        ("DC", "20001", "dc at-large"),
        ("PR", "00901", "pr at-large"),
        ("GU", "96910", "gu at-large"),
        ("VI", "00802", "vi at-large"),
        ("AS", "96799", "as at-large"),
        ("MP", "96950", "mp at-large"),
    ],
)
def test_where_there_is_one_seat_the_state_decides(
    locator: DistrictLocator, state: str, zip_code: str, seat: str
) -> None:
    location = locator.locate(address(state, zip_code), DAY)

    assert seats(location) == [seat]
    assert (location.method, location.sure, location.warnings) == (Method.STATE, Sure.CERTAIN, ())


@pytest.mark.parametrize(
    ("zip_code", "warnings"), [("82602", ()), ("82999", (Doubt.UNKNOWN_ZIP,)), ("00000", (Doubt.UNKNOWN_ZIP,))]
)
def test_where_there_is_one_seat_a_zip_that_nobody_knows_is_mentioned(
    locator: DistrictLocator, zip_code: str, warnings: tuple[Doubt, ...]
) -> None:
    location = locator.locate(address("WY", zip_code), DAY)

    assert seats(location) == ["wy at-large"]
    assert (location.method, location.sure, location.warnings) == (Method.STATE, Sure.CERTAIN, warnings)


def test_montana_has_two_seats(locator: DistrictLocator) -> None:
    assert seats(locator.locate(address("MT", "59801"), DAY)) == ["mt 1"]
    assert seats(locator.locate(address("MT", "59101"), DAY)) == ["mt 2"]


@pytest.mark.parametrize(
    ("zip_code", "state", "seat", "method"),
    [
        ("42223", "KY", "ky 1", Method.ZIP),
        ("42223", "TN", "tn 7", Method.ZIP),
        ("81120", "CO", "co 3", Method.ZIP),
        ("81120", "NM", "nm 3", Method.ZIP),
        ("57641", "SD", "sd at-large", Method.STATE),
        ("57641", "ND", "nd at-large", Method.STATE),
    ],
)
def test_a_zip_across_a_state_line_gives_the_persons_own_state(
    locator: DistrictLocator, zip_code: str, state: str, seat: str, method: Method
) -> None:
    location = locator.locate(address(state, zip_code), DAY)

    assert seats(location) == [seat]
    assert (location.state, location.method, location.sure) == (state, method, Sure.CERTAIN)


def test_a_zip_across_a_state_line_is_refused_in_a_third_state(locator: DistrictLocator) -> None:
    with pytest.raises(ZipInAnotherState) as refused:
        locator.locate(address("VA", "42223"), DAY)

    assert refused.value.states == ("KY", "TN")
    assert refused.value.neighbour


@pytest.mark.parametrize(
    ("zip_code", "kind", "guess"),
    [("94604", "box", "ca 12"), ("94163", "single", "ca 11")],
    ids=["PO boxes", "a single building"],
)
def test_a_known_zip_without_a_district_leaves_the_whole_state_with_a_first_guess(
    locator: DistrictLocator, tables: Tables, zip_code: str, kind: str, guess: str
) -> None:
    area = tables.zip_area(zip_code)
    assert area is not None
    assert (area.kind, area.districts) == (kind, ())

    location = locator.locate(address("CA", zip_code), DAY)

    assert seats(location)[0] == guess
    assert set(seats(location)) == {f"ca {number}" for number in range(1, 53)}
    assert (location.method, location.sure) == (Method.PLACE, Sure.OPEN)
    assert location.warnings == (Doubt.ZIP_WITHOUT_DISTRICT,)


def test_after_the_first_guess_come_those_whose_offices_are_near(locator: DistrictLocator) -> None:
    oakland = seats(locator.locate(address("CA", "94604"), DAY))

    assert set(oakland[:4]) >= {"ca 12", "ca 11"}  # Oakland, and San Francisco across the water
    assert oakland.index("ca 50") > 40  # San Diego


@pytest.mark.parametrize("zip_code", ["94100", "00000"], ids=["a prefix of the state", "a prefix of no state"])
def test_an_unknown_zip_leaves_the_whole_state_in_numeric_order(locator: DistrictLocator, zip_code: str) -> None:
    location = locator.locate(address("CA", zip_code), DAY)

    assert seats(location) == [f"ca {number}" for number in range(1, 53)]
    assert (location.method, location.sure, location.warnings) == (Method.STATE, Sure.OPEN, (Doubt.UNKNOWN_ZIP,))


def test_an_unknown_zip_with_the_prefix_of_another_state_is_refused(locator: DistrictLocator) -> None:
    with pytest.raises(ZipInAnotherState) as refused:
        locator.locate(address("NY", "94100"), DAY)

    assert refused.value.states == ("CA",)
    assert not refused.value.neighbour


@pytest.mark.parametrize("sure", [False, True])
@pytest.mark.parametrize("state", ["NY", "WY", "DC", "GU"])
def test_a_zip_of_a_far_state_is_refused_however_sure_one_is(locator: DistrictLocator, state: str, sure: bool) -> None:
    with pytest.raises(ZipInAnotherState) as refused:
        locator.locate(address(state, "94612"), DAY, sure_of_state=sure)

    assert refused.value.states == ("CA",)
    assert not refused.value.neighbour


def test_a_zip_of_a_neighbouring_state_is_a_question(locator: DistrictLocator) -> None:
    with pytest.raises(ZipInAnotherState) as refused:
        locator.locate(address("NV", "94612"), DAY)

    assert refused.value.states == ("CA",)
    assert refused.value.neighbour


def test_who_is_sure_about_a_neighbours_zip_chooses_in_the_whole_state(locator: DistrictLocator) -> None:
    location = locator.locate(address("NV", "94612"), DAY, sure_of_state=True)

    assert sorted(seats(location)) == ["nv 1", "nv 2", "nv 3", "nv 4"]
    assert seats(location)[0] == "nv 2"  # Reno's, the nearest to Oakland
    assert (location.method, location.sure) == (Method.STATE, Sure.OPEN)
    assert location.warnings == (Doubt.ZIP_OF_NEIGHBOUR,)


def test_who_is_sure_about_a_neighbours_zip_has_no_choice_where_there_is_one_seat(locator: DistrictLocator) -> None:
    with pytest.raises(ZipInAnotherState):
        locator.locate(address("WY", "59101"), DAY)

    location = locator.locate(address("WY", "59101"), DAY, sure_of_state=True)

    assert seats(location) == ["wy at-large"]
    assert (location.method, location.sure, location.warnings) == (Method.STATE, Sure.CERTAIN, ())


def test_being_sure_changes_nothing_where_the_zip_agrees(locator: DistrictLocator) -> None:
    sure = locator.locate(address("WI", "53811"), DAY, sure_of_state=True)

    assert sure == locator.locate(address("WI", "53811"), DAY)


@pytest.mark.parametrize(
    "zip_code",
    ["09012", "09905", "34002", "34099", "96201", "96661"],
    ids=["AE", "a box of AE listed in NJ", "AA", "unlisted AA", "AP", "AP ship"],
)
@pytest.mark.parametrize("state", ["CA", "NJ", "GU", "WY"])
def test_mail_without_a_district_asks_for_the_voting_residence(
    locator: DistrictLocator, state: str, zip_code: str
) -> None:
    with pytest.raises(NoDistrictForMail):
        locator.locate(address(state, zip_code), DAY, sure_of_state=True)


@pytest.mark.parametrize(("zip_code", "place"), [("96940", "PW"), ("96941", "FM"), ("96960", "MH")])
@pytest.mark.parametrize("state", ["CA", "GU", "MP", "WY"])
def test_countries_in_free_association_elect_nobody(
    locator: DistrictLocator, state: str, zip_code: str, place: str
) -> None:
    with pytest.raises(ElectsNobody) as refused:
        locator.locate(address(state, zip_code), DAY, sure_of_state=True)

    assert refused.value.place == place


TURN = datetime(2027, 1, 3, 17, 0, tzinfo=UTC)
LONG_AFTER, BEFORE = datetime(2029, 1, 3, 17, 0, tzinfo=UTC), datetime(2025, 1, 3, 16, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("moment", [BEFORE, LONG_AFTER])
@pytest.mark.parametrize("state", ["WI", "WY"])
def test_another_congress_is_not_answered(locator: DistrictLocator, state: str, moment: datetime) -> None:
    with pytest.raises(NoDataForDay):
        locator.locate(address(state, "53811"), moment)


def test_the_congress_ends_at_noon(locator: DistrictLocator) -> None:
    before, after = TURN - timedelta(seconds=1), TURN

    assert locator.locate(address("WI", "53703"), before).congress == 119
    assert locator.locate(address("WI", "53703"), after).congress == 120


def test_where_no_lines_were_drawn_anew_a_zip_decides_in_the_next_congress_too(locator: DistrictLocator) -> None:
    location = locator.locate(address("WI", "53703"), TURN)

    assert (seats(location), location.method, location.sure) == (["wi 2"], Method.ZIP, Sure.CERTAIN)


@pytest.mark.parametrize("state_and_zip", ["TX 78701", "CA 94612", "NC 27601", "OH 43004", "UT 84101", "FL 33101"])
def test_in_a_redrawn_state_no_zip_decides_in_the_next_congress(locator: DistrictLocator, state_and_zip: str) -> None:
    state, zip_code = state_and_zip.split()

    location = locator.locate(address(state, zip_code), TURN)

    assert (location.sure, location.warnings) == (Sure.OPEN, (Doubt.REDRAWN,))
    assert len(location.candidates) == len(locator.locate(address(state, "00000"), DAY).candidates)


def test_a_roster_of_the_new_congress_with_the_old_zip_codes_is_off_in_redrawn_states_only(tables: Tables) -> None:
    locator = TableLocator(replace(tables, congress=120))

    assert locator.locate(address("TX", "78701"), TURN).warnings == (Doubt.REDRAWN,)
    assert locator.locate(address("WI", "53703"), TURN).sure is Sure.CERTAIN
    assert locator.locate(address("WY", "82001"), TURN).sure is Sure.CERTAIN
    with pytest.raises(NoDataForDay):
        locator.locate(address("WI", "53703"), DAY)


def test_a_roster_and_a_map_of_the_new_congress_answer_everywhere(tables: Tables) -> None:
    locator = TableLocator(replace(tables, congress=120, map_congress=120))

    assert locator.locate(address("TX", "78701"), TURN).sure is Sure.CERTAIN
    assert locator.locate(address("TX", "77030"), TURN).warnings == (Doubt.SPLIT_ZIP,)


def test_nothing_is_known_of_later_maps_so_every_state_counts_as_redrawn(tables: Tables) -> None:
    locator = TableLocator(replace(tables, congress=121))

    assert locator.locate(address("WI", "53703"), LONG_AFTER).warnings == (Doubt.REDRAWN,)
    assert locator.locate(address("WY", "82001"), LONG_AFTER).sure is Sure.CERTAIN


def test_every_zip_area_gives_candidates_in_every_state_it_touches(locator: DistrictLocator, tables: Tables) -> None:
    crossing = 0
    for code in tables.zip_codes():
        area = tables.zip_area(code)
        if area is None or not area.districts:
            continue
        states = {State(division.split(":")[2][:2].upper()) for division in area.districts}
        crossing += len(states) > 1
        for state in states:
            location = locator.locate(PostalAddress("", "", "", state, code), DAY)
            assert set(location.candidates) == {d for d in area.districts if d.startswith(state_division(state))}
            assert location.sure is (Sure.ONE_OF if len(location.candidates) > 1 else Sure.CERTAIN)
    assert crossing == 124  # 115 of the Census's table, nine of the corrections


def test_zip_areas_cross_only_lines_of_adjoining_states(tables: Tables) -> None:
    for code in tables.zip_codes():
        area = tables.zip_area(code)
        states = {State(division.split(":")[2][:2].upper()) for division in area.districts} if area else set()
        for state in states:
            assert states - {state} <= ADJOINING[state], code
