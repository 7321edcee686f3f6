"""Where a street address lies, by the word of the Census Bureau's geocoder; and the memory of what it has said.

https://geocoding.geo.census.gov/geocoder/Geocoding_Services_API.html
A vintage that lacks the layer asked for answers all the same, with another Congress's districts: so an answer counts
only if it holds exactly what was asked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from app.addresses import PostalAddress, State, Zip
from app.db import DatabaseUnavailable, writing
from app.legislators import (
    AddressNotFound,
    DistrictLocator,
    DivisionId,
    Doubt,
    LegislatorDirectory,
    Location,
    LookupUnavailable,
    Method,
    Sure,
)
from app.legislators.asking import Breaker, Line, Reply
from app.legislators.congresses import Layer, facts
from app.legislators.geography import STATE_BY_FIPS, division_of, house_seat
from app.models import GeocoderAnswer

ADDRESS = "https://geocoding.geo.census.gov/geocoder/geographies/address"
BENCHMARK = "Public_AR_Current"

LIMIT = 4.0
"""Seconds that a look-up takes at most."""

KEEP = timedelta(days=30)
KEEP_NOT_FOUND = timedelta(days=1)
"""How long it is remembered where an address lies, and that the Census does not know it."""

_GEOID = re.compile(r"(?P<fips>[0-9]{2})(?P<district>[0-9]{2}|ZZ)", re.ASCII)
_AT_LARGE = {"00", "98"}
_WATER = "ZZ"
# A line without a street: PO boxes, rural and highway contract routes, letters that are called for.
_NO_STREET = re.compile(
    r"""\W*(?: p\W*o\W*b(?:ox)?(?![a-z]) | post\W+office\W+box | box\W*[0-9] | general\W+delivery
    | r\W*r\W*[0-9] | r\W*f\W*d\W*[0-9] | rural\W+(?:route|rte|rt)\b
    | h\W*c\W*r?\W*[0-9] | highway\W+contract | star\W+(?:route|rte|rt)\b )""",
    re.IGNORECASE | re.VERBOSE,
)
_DROPPED = str.maketrans("", "", ".,#")


class Census:
    """The Census Bureau's geocoder: the districts of a street address."""

    def __init__(
        self,
        address: str = ADDRESS,
        *,
        slots: Path,
        limit: float = LIMIT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`slots` is a folder that all processes of the site share; `limit` and `clock` count seconds."""
        self._line = Line(address, slots, limit)
        self._breaker = Breaker(clock)

    def districts(self, address: PostalAddress, congress: int) -> tuple[DivisionId, ...]:
        """Those of the address's own state in which the Census finds it: one as a rule, and at least one.

        Waits for another site: no transaction should be open. Raises AddressNotFound, LookupUnavailable; neither, nor
        what led to it, holds anything of the address.
        """
        layer = layer_for(congress, address.state)
        if layer is None:
            raise LookupUnavailable(f"it has no map of Congress {congress} for {address.state}")
        if not address.line1.strip() or _NO_STREET.match(address.line1):
            raise AddressNotFound("there is no street in it")
        with self._breaker.watch():
            return _read(self._line.ask(_question(address, layer)), layer, congress, address)


def layer_for(congress: int, state: State) -> Layer | None:
    """Where the geocoder has a Congress's districts of a state; None when it does not have them, or not as they are."""
    layer = facts(congress).layer
    return None if layer is None or state in layer.misdrawn else layer


def _question(address: PostalAddress, layer: Layer) -> dict[str, str]:
    """Without the apartment: the answer is the same."""
    return {
        "street": address.line1,
        "city": address.city,
        "state": address.state,
        "zip": address.zip5,
        "benchmark": BENCHMARK,
        "vintage": layer.vintage,
        "layers": layer.name,
        "format": "json",
    }


def _read(reply: Reply, layer: Layer, congress: int, address: PostalAddress) -> tuple[DivisionId, ...]:
    value = _json(reply.body)
    match reply.status, value:
        case 400, {"errors": [*_]}:
            raise AddressNotFound("the Census cannot read it")
        case 200, {"result": {"addressMatches": [*matches]}}:
            areas = [area for match in matches for area in _areas(match, layer) if _has_zip(match, address.zip5)]
        case 200, _:
            raise LookupUnavailable("its answer has an unknown shape")
        case status, _:
            raise LookupUnavailable(f"it answered {status}")
    districts = tuple(dict.fromkeys(_districts(areas, congress, address.state)))
    if not districts:
        raise AddressNotFound("the Census does not know it")
    return districts


def _json(body: bytes) -> object:
    """None for what is no JSON: the error would hold the whole text."""
    with contextlib.suppress(ValueError, RecursionError):
        value: object = json.loads(body)
        return value
    return None


def _areas(match: object, layer: Layer) -> list[object]:
    """The districts of one match, as they stand in the answer. Raises LookupUnavailable when it has another layer."""
    match match:
        case {"geographies": {**layers}} if layers.keys() == {layer.name}:
            areas = layers[layer.name]
            if isinstance(areas, list):
                return areas
    raise LookupUnavailable("it answered with another map")


def _has_zip(match: object, zip_code: Zip) -> bool:
    """Whether a match is in the ZIP code asked for: a street of the same name elsewhere is another address."""
    match match:
        case {"addressComponents": {"zip": str(found)}} if found:
            return found == zip_code
    return True


def _districts(areas: list[object], congress: int, state: State) -> Iterator[DivisionId]:
    """Those in the state. Raises LookupUnavailable for what is no district of this Congress."""
    for area in areas:
        match area:
            case {"CDSESSN": str(session), "GEOID": str(geoid)} if session == str(congress):
                found = _GEOID.fullmatch(geoid)
            case _:
                raise LookupUnavailable("it answered with another map")
        if found is None or found["fips"] not in STATE_BY_FIPS:
            raise LookupUnavailable("it answered with an unknown district")
        if found["district"] != _WATER and STATE_BY_FIPS[found["fips"]] == state:
            number = 0 if found["district"] in _AT_LARGE else int(found["district"])
            yield division_of(house_seat(state, number))


class Answers:
    """What the Census has answered, in the database under a keyed digest: no address can be read out of it.

    `session` gives the session of whoever asks, `secret` is the site's, `clock` gives the time with its zone.
    """

    def __init__(self, session: Callable[[], Session], secret: str, clock: Callable[[], datetime]) -> None:
        self._session = session
        self._secret = secret.encode()
        self._clock = clock

    def find(self, address: PostalAddress, congress: int) -> tuple[DivisionId, ...] | None:
        """The districts, none if the Census did not know the address; None if that is not remembered."""
        known = select(GeocoderAnswer.divisions, GeocoderAnswer.asked_at).where(
            GeocoderAnswer.key == self._key(address, congress)
        )
        row = self._session().execute(known).one_or_none()
        if row is None or not timedelta() <= self._clock() - row.asked_at < (KEEP if row.divisions else KEEP_NOT_FOUND):
            return None
        return tuple(DivisionId(division) for division in row.divisions.split())

    def stop_reading(self) -> None:
        """End the read transaction, so that none is open while another site is waited for."""
        self._session().rollback()

    def keep(self, address: PostalAddress, congress: int, divisions: tuple[DivisionId, ...]) -> None:
        """Remember an answer, in a transaction of its own. A database that takes no change is no trouble."""
        session = self._session()
        answer = GeocoderAnswer(
            key=self._key(address, congress),
            congress=congress,
            divisions=" ".join(divisions),
            asked_at=self._clock(),
        )
        with contextlib.suppress(DatabaseUnavailable), writing(session):
            session.merge(answer)

    def _key(self, address: PostalAddress, congress: int) -> bytes:
        lines = (address.line1, address.city, address.state, address.zip5)
        parts = ("geocoder answer", str(congress), *(_normalised(line) for line in lines))
        return hmac.new(self._secret, "\0".join(parts).encode("utf-8", "replace"), hashlib.sha256).digest()


def _normalised(text: str) -> str:
    """One spelling for each line: case, spaces, full stops, commas and # do not matter."""
    return " ".join(text.casefold().translate(_DROPPED).split())


def forget(session: Session, now: datetime) -> None:
    """Delete the answers whose time is over, and those from a time that has not come: a clock was wrong."""
    asked = GeocoderAnswer.asked_at
    not_found = (GeocoderAnswer.divisions == "") & (asked <= now - KEEP_NOT_FOUND)
    session.execute(
        delete(GeocoderAnswer)
        .where(or_(asked <= now - KEEP, not_found, asked > now))
        .execution_options(synchronize_session=False)
    )


class CensusLocator:
    """A DistrictLocator that asks the Census for the street where another one, by the ZIP code, is not certain."""

    def __init__(
        self, inner: DistrictLocator, directory: LegislatorDirectory, census: Census, answers: Answers
    ) -> None:
        self._inner = inner
        self._directory = directory
        self._census = census
        self._answers = answers

    def locate(self, address: PostalAddress, on: datetime, *, sure_of_state: bool = False) -> Location:
        """See DistrictLocator. May wait for the Census, for LIMIT seconds, and ends the session's read transaction.

        Must not be called inside `writing`.
        """
        location = self._inner.locate(address, on, sure_of_state=sure_of_state)
        if location.sure is Sure.CERTAIN:
            return location
        found = self._recall(address, location, on)
        if found is None:
            self._answers.stop_reading()
            found = self._ask(address, location, on)
        if not found:
            raise AddressNotFound("the Census does not know it")
        return _narrowed(location, found)

    def covers(self, location: Location) -> bool:
        """Whether asking could help: not for a Congress or a state of which the Census shows no map that counts."""
        return layer_for(location.congress, location.state) is not None

    def remembered(self, address: PostalAddress, on: datetime, *, sure_of_state: bool = False) -> Location | None:
        """What `locate` gives without asking anybody; None if the street is not remembered, or was not found.

        Raises what the other locator raises.
        """
        location = self._inner.locate(address, on, sure_of_state=sure_of_state)
        if location.sure is Sure.CERTAIN:
            return location
        found = self._recall(address, location, on)
        return _narrowed(location, found) if found else None

    def point(self, zip_code: Zip) -> tuple[float, float] | None:
        """Where the ZIP code lies; see DistrictLocator."""
        return self._inner.point(zip_code)

    def _recall(self, address: PostalAddress, location: Location, on: datetime) -> tuple[DivisionId, ...] | None:
        """What is remembered, if it is still true: maps that turn out wrong are taken out of our facts."""
        if layer_for(location.congress, address.state) is None:
            return None
        found = self._answers.find(address, location.congress)
        return found if found is None or self._exist(found, address.state, on) else None

    def _ask(self, address: PostalAddress, location: Location, on: datetime) -> tuple[DivisionId, ...]:
        found: tuple[DivisionId, ...] = ()
        with contextlib.suppress(AddressNotFound):
            found = self._census.districts(address, location.congress)
        if not self._exist(found, address.state, on):
            raise LookupUnavailable("it answered with a district that the state does not have")
        self._answers.keep(address, location.congress, found)
        return found

    def _exist(self, districts: tuple[DivisionId, ...], state: State, on: datetime) -> bool:
        return set(districts) <= set(self._directory.districts(state, on))


def _narrowed(location: Location, found: tuple[DivisionId, ...]) -> Location:
    """What the street adds. Where it contradicts the ZIP code the person decides."""
    candidates, doubts = found, (Doubt.SEVERAL_MATCHES,) if len(found) > 1 else ()
    if not set(found) <= set(location.candidates):
        candidates, doubts = tuple(dict.fromkeys((*found, *location.candidates))), (Doubt.OUTSIDE_ZIP,)
    sure = Sure.ONE_OF if doubts else Sure.CERTAIN
    return Location(location.congress, location.state, candidates, Method.CENSUS, sure, doubts)
