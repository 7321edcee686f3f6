"""The contract that every DistrictLocator keeps, whatever it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.addresses import PostalAddress, State, Zip
from app.legislators import (
    AddressNotFound,
    DistrictLocator,
    ElectsNobody,
    Location,
    LookupUnavailable,
    Method,
    NoDataForDay,
    NoDistrictForMail,
    Sure,
    ZipInAnotherState,
)
from app.legislators.census import Answers, Census, CensusLocator
from app.legislators.directory import TableDirectory
from app.legislators.locators import TableLocator
from app.legislators.tables import SHIPPED, Tables, load
from tests.factories import SECRET
from tests.legislators.geocoder import NO_MATCH, Step, finds, geocoder, says, sends

NOW = datetime(2026, 11, 24, 17, tzinfo=UTC)
Make = Callable[[Tables], DistrictLocator]

CENSUS: dict[str, Step] = {
    "the Census that knows": finds("5503", state="WI"),
    "the Census that knows two": finds("5502", "5503", state="WI"),
    "the Census that knows nothing": says(NO_MATCH),
    "the Census that is down": sends(b"", 503),
}


@pytest.fixture(scope="module")
def tables() -> Tables:
    return load(SHIPPED)


@pytest.fixture(params=["the tables", *CENSUS])
def locator(
    request: pytest.FixtureRequest, tables: Tables, app: Flask, session: Session, tmp_path: Path
) -> Iterator[DistrictLocator]:
    if request.param == "the tables":
        yield TableLocator(tables)
        return
    with geocoder(CENSUS[request.param]) as server:
        census = Census(server.address, slots=tmp_path)
        answers = Answers(lambda: session, SECRET, lambda: NOW)
        yield CensusLocator(TableLocator(tables), TableDirectory(tables), census, answers)


def at(state: str, zip_code: str, street: str = "1 Main Street") -> PostalAddress:
    return PostalAddress(street, "", "Anytown", State(state), zip_code)


def located(locator: DistrictLocator, state: str, zip_code: str, *, sure: bool = False) -> Location | None:
    """None for what only a locator of streets may say: that it does not know, or cannot tell now."""
    try:
        return locator.locate(at(state, zip_code), NOW, sure_of_state=sure)
    except (AddressNotFound, LookupUnavailable):
        assert isinstance(locator, CensusLocator)
        return None


@pytest.mark.parametrize(
    ("state", "zip_code"),
    [("WI", "53703"), ("WI", "53811"), ("WI", "53999"), ("CA", "94612"), ("WY", "82001"), ("DC", "20500")],
)
def test_candidates_are_districts_of_the_state_and_of_the_congress(
    locator: DistrictLocator, tables: Tables, state: str, zip_code: str
) -> None:
    location = located(locator, state, zip_code)

    if location is not None:
        assert (location.congress, location.state) == (119, state)
        assert location.candidates
        assert set(location.candidates) <= set(tables.districts[State(state)])
        assert len(set(location.candidates)) == len(location.candidates)
        assert (location.sure is Sure.CERTAIN) == (len(location.candidates) == 1)


@pytest.mark.parametrize(("state", "zip_code", "method"), [("WI", "53703", Method.ZIP), ("WY", "82001", Method.STATE)])
def test_what_the_tables_decide_nobody_else_is_asked_about(
    locator: DistrictLocator, state: str, zip_code: str, method: Method
) -> None:
    location = located(locator, state, zip_code)

    assert location is not None
    assert (location.sure, location.method) == (Sure.CERTAIN, method)


def test_what_is_not_certain_comes_with_a_warning(locator: DistrictLocator) -> None:
    location = located(locator, "WI", "53811")

    assert location is None or (location.sure is Sure.CERTAIN) == (not location.warnings)


@pytest.mark.parametrize("zip_code", ["53811-1234", "53811"])
def test_zip_plus_four_is_the_same_zip(locator: DistrictLocator, zip_code: str) -> None:
    assert located(locator, "WI", zip_code) == located(locator, "WI", "53811")


def test_the_errors_are_those_of_the_port(locator: DistrictLocator) -> None:
    with pytest.raises(ZipInAnotherState):
        locator.locate(at("NY", "53811"), NOW)
    with pytest.raises(NoDistrictForMail):
        locator.locate(at("WI", "09012"), NOW)
    with pytest.raises(ElectsNobody):
        locator.locate(at("GU", "96940"), NOW)
    with pytest.raises(NoDataForDay):
        locator.locate(at("WI", "53811"), datetime(2031, 1, 1, tzinfo=UTC))


def test_who_is_sure_of_the_state_is_believed(locator: DistrictLocator) -> None:
    with pytest.raises(ZipInAnotherState) as asked:
        locator.locate(at("WI", "60002"), NOW)

    assert asked.value.neighbour
    location = located(locator, "WI", "60002", sure=True)
    assert location is None or location.state == "WI"


def test_it_knows_where_a_zip_code_lies(locator: DistrictLocator) -> None:
    point = locator.point(Zip("53811"))

    assert point is not None
    assert (round(point[0]), round(point[1])) == (43, -91)
    assert locator.point(Zip("00000")) is None
