"""Every ZIP code in use, with the tables that the project ships: right, a question, or the reason why not."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from app.addresses import MILITARY, STATES, PostalAddress, State, Zip
from app.legislators import (
    DivisionId,
    Doubt,
    ElectsNobody,
    Legislator,
    Location,
    Method,
    NoDistrictForMail,
    Sure,
    Vacancy,
    ZipInAnotherState,
)
from app.legislators.directory import TableDirectory
from app.legislators.geography import ADJOINING, FREE_ASSOCIATION, is_military_zip, state_division
from app.legislators.locators import TableLocator
from app.legislators.tables import SHIPPED, Tables, ZipArea, load

NOW = datetime(2026, 11, 24, 17, tzinfo=UTC)
IN_USE = 41_749


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load(SHIPPED)


@pytest.fixture(scope="module")
def locator(tables: Tables) -> TableLocator:
    return TableLocator(tables)


@pytest.fixture(scope="module")
def directory(tables: Tables) -> TableDirectory:
    return TableDirectory(tables)


def at(state: State, code: Zip) -> PostalAddress:
    return PostalAddress("", "", "", state, code)


def area_of(tables: Tables, code: Zip) -> ZipArea:
    area = tables.zip_area(code)
    assert area is not None
    return area


def check(location: Location, state: State, directory: TableDirectory) -> None:
    """What holds for every answer, whatever was asked."""
    every = directory.districts(state, NOW)
    assert (location.congress, location.state) == (119, state)
    assert location.candidates
    assert len(set(location.candidates)) == len(location.candidates)
    assert set(location.candidates) <= set(every)
    assert (location.sure is Sure.CERTAIN) == (len(location.candidates) == 1)
    assert (location.sure is Sure.OPEN) <= (set(location.candidates) == set(every))
    for division in location.candidates:
        assert isinstance(directory.delegation(division, NOW).representative, Legislator | Vacancy)


def test_every_zip_in_use_is_answered_asked_about_or_refused_with_the_reason(
    tables: Tables, locator: TableLocator, directory: TableDirectory
) -> None:
    outcomes: Counter[str] = Counter()
    places: set[tuple[str, str]] = set()
    for code in tables.zip_codes():
        area = area_of(tables, code)
        if not area.postal_state:
            continue  # an area of the Census that is on no list of postal codes
        state = State(area.postal_state if area.postal_state in STATES else "CA")
        try:
            location = locator.locate(at(state, code), NOW)
        except NoDistrictForMail:
            assert area.postal_state in MILITARY or is_military_zip(code)
            outcomes["military"] += 1
            continue
        except ElectsNobody as error:
            places.add((area.postal_state, error.place))
            outcomes["elects nobody"] += 1
            continue
        check(location, state, directory)
        own = {district for district in area.districts if district.startswith(f"{state_division(state)}/")}
        if len(directory.districts(state, NOW)) == 1:
            assert (location.method, location.sure, location.warnings) == (Method.STATE, Sure.CERTAIN, ())
        elif own:
            assert set(location.candidates) == own
            assert location.method is Method.ZIP
        else:
            assert location.warnings == (Doubt.ZIP_WITHOUT_DISTRICT,)
            assert location.method is (Method.PLACE if area.guess else Method.STATE)
        outcomes[f"{location.method}, {location.sure}"] += 1

    assert sum(outcomes.values()) == IN_USE
    assert outcomes["elects nobody"] == 8
    assert places == {(place, place) for place in FREE_ASSOCIATION}
    assert outcomes["military"] == 671  # six of them stand in the list as boxes of a state
    assert outcomes["zip, certain"] > 26_000
    assert 5_000 < outcomes["zip, one of"] < 6_000
    assert outcomes["place, open"] > 6_000  # most that have no district have a first guess
    assert outcomes["state, open"] < 100


def test_in_every_state_a_zip_is_right_a_question_or_an_error(
    tables: Tables, locator: TableLocator, directory: TableDirectory
) -> None:
    """2,000 ZIP codes, each typed with all 56 states and territories."""
    codes = list(tables.zip_codes())
    sample = [codes[n * len(codes) // 2000] for n in range(2000)]
    asked = 0
    for code in sample:
        area = area_of(tables, code)
        for state in STATES:
            if area.postal_state not in STATES or is_military_zip(code):
                with pytest.raises((NoDistrictForMail, ElectsNobody)):
                    locator.locate(at(state, code), NOW, sure_of_state=True)
            elif state in area.states:
                check(locator.locate(at(state, code), NOW), state, directory)
            else:
                adjoins = not ADJOINING[state].isdisjoint(area.states)
                with pytest.raises(ZipInAnotherState) as refused:
                    locator.locate(at(state, code), NOW)
                assert (refused.value.states, refused.value.neighbour) == (area.states, adjoins)
                if adjoins:
                    asked += 1
                    check(locator.locate(at(state, code), NOW, sure_of_state=True), state, directory)
    assert asked > 8_000


def test_a_first_guess_is_never_an_answer(tables: Tables, locator: TableLocator) -> None:
    guessed = [code for code in tables.zip_codes() if area_of(tables, code).guess]

    assert len(guessed) > 6_500
    for code in guessed:
        area = area_of(tables, code)
        assert area.districts == ()
        assert area.guess is not None
        assert area.guess.startswith(f"{state_division(State(area.postal_state))}/")
    for code in guessed[::50]:
        location = locator.locate(at(State(area_of(tables, code).postal_state), code), NOW)
        assert location.sure is Sure.OPEN or len(location.candidates) == 1


def test_the_likeliest_district_is_only_put_first(tables: Tables) -> None:
    """Of a ZIP code in several districts none is left out, and none comes twice."""
    moved = 0
    for code in tables.zip_codes():
        districts = area_of(tables, code).districts
        assert len(set(districts)) == len(districts)
        rest = [_number(division) for division in districts[1:]]
        assert rest == sorted(rest)
        moved += list(map(_number, districts)) != sorted(map(_number, districts))
    assert 1_500 < moved < 4_000


def _number(division: DivisionId) -> tuple[str, int]:
    state, _, number = division.rpartition(":")
    return state, int(number) if number.isdecimal() else 0
