"""Where an address lies, from the project's own ZIP table."""

from __future__ import annotations

from datetime import date

from app.addresses import PostalAddress, State, Zip
from app.legislators import Doubt, Location, Method, NoDistrictForMail, ZipInAnotherState
from app.legislators.geography import ADJOINING, FREE_ASSOCIATION, MILITARY, is_military_zip, state_division
from app.legislators.tables import Tables, ZipArea


class TableLocator:
    """A DistrictLocator over loaded tables. It never guesses: what the ZIP code leaves open, the person decides."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def locate(self, address: PostalAddress, on: date, *, sure_of_state: bool = False) -> Location:
        """Candidates in the address's own state, in numeric order; Method.STATE where the ZIP code narrows nothing.

        The port says what is raised.
        """
        self._tables.check_day(on)
        area = self._tables.zip_area(address.zip5)
        _refuse_mail_without_district(address.zip5, area)
        inside = f"{state_division(address.state)}/"
        here = tuple(division for division in area.districts if division.startswith(inside)) if area else ()
        if here and len(self._tables.districts[address.state]) > 1:
            doubt = Doubt.SPLIT_ZIP if len(here) > 1 else None
            return Location(self._tables.congress, address.state, here, Method.ZIP, doubt)
        return self._whole_state(address.state, self._doubt(address, area, sure_of_state=sure_of_state))

    def point(self, zip_code: Zip) -> tuple[float, float] | None:
        """Where the ZIP code lies; see DistrictLocator."""
        area = self._tables.zip_area(zip_code)
        return area.point if area else None

    def _doubt(self, address: PostalAddress, area: ZipArea | None, *, sure_of_state: bool) -> Doubt:
        """Why the ZIP code does not decide. Raises ZipInAnotherState."""
        states = area.states if area else self._tables.states_of_prefix(address.zip5[:3])
        if area and address.state in states:
            return Doubt.ZIP_WITHOUT_DISTRICT
        if not states or address.state in states:
            return Doubt.UNKNOWN_ZIP
        neighbour = not ADJOINING[address.state].isdisjoint(states)
        if not (neighbour and sure_of_state):
            raise ZipInAnotherState(states, neighbour=neighbour)
        return Doubt.ZIP_OF_NEIGHBOUR

    def _whole_state(self, state: State, doubt: Doubt) -> Location:
        """Every district of the state. Where it has a single one the state decides, and the only doubt is a slip."""
        districts = self._tables.districts[state]
        decided = len(districts) == 1 and doubt is not Doubt.UNKNOWN_ZIP
        return Location(self._tables.congress, state, districts, Method.STATE, None if decided else doubt)


def _refuse_mail_without_district(zip_code: Zip, area: ZipArea | None) -> None:
    if is_military_zip(zip_code) or (area and area.postal_state in MILITARY | FREE_ASSOCIATION):
        raise NoDistrictForMail("this mail has no district")
