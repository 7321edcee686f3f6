"""`flask legislators find`: who represents an address, and how that was found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from app import typed
from app.addresses import STATES, PostalAddress, parse_state, parse_zip
from app.cli.plainly import plainly, say
from app.cli.site import site
from app.legislators import (
    AddressNotFound,
    DivisionId,
    Doubt,
    ElectsNobody,
    Legislator,
    Location,
    LookupUnavailable,
    Method,
    NoDataForDay,
    NoDistrictForMail,
    Sure,
    Vacancy,
    ZipInAnotherState,
)
from app.legislators.congresses import ordinal
from app.signing.draft import Desk

_ABROAD = {"PW": "Palau", "FM": "Micronesia", "MH": "the Marshall Islands"}
_FOUND = {
    Method.STATE: "Found by the state alone",
    Method.ZIP: "Found by the ZIP code",
    Method.PLACE: "Not found; the first is a guess, the district of the ZIP code's post office",
    Method.CENSUS: "Found by the street address, at the Census Bureau",
    Method.PERSON: "As the person said",
}
_DOUBTS = {
    Doubt.SPLIT_ZIP: "The ZIP code lies in several districts; it is one of these, the likeliest first.",
    Doubt.ZIP_WITHOUT_DISTRICT: "The ZIP code is for PO boxes or a single building, and on no map of districts.",
    Doubt.BOX: "The ZIP code is for PO boxes: who rents one may live in another district.",
    Doubt.UNKNOWN_ZIP: "Nobody knows this ZIP code: is it right?",
    Doubt.ZIP_OF_NEIGHBOUR: "The ZIP code is mostly in another state, so it does not tell the district.",
    Doubt.REDRAWN: "The state has new districts, and the ZIP codes are still told in the old ones.",
    Doubt.SEVERAL_MATCHES: "The Census Bureau knows the address in several districts.",
    Doubt.OUTSIDE_ZIP: "The Census Bureau places the address outside the ZIP code's districts.",
}


@click.command("find")
@click.option("--state", required=True, metavar="XX", help="Two letters, like TX.")
@click.option("--zip", "zip_code", required=True, metavar="ZIP", help="Five digits, or ZIP+4.")
@click.option("--street", default="", metavar="TEXT", help="With GEOCODER=census, decides where the ZIP code does not.")
@click.option("--city", default="", metavar="TEXT", help="Goes with --street.")
@click.option("--sure-of-state", is_flag=True, help="The ZIP code of a neighbouring state is right all the same.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def find(state: str, zip_code: str, street: str, city: str, sure_of_state: bool, as_json: bool) -> None:
    """Say who represents an address. Where the ZIP code leaves it open, all who may."""
    desk, address = site().desk, _address(state, zip_code, street, city)
    try:
        with plainly():
            location = _locate(desk, address, sure_of_state=sure_of_state)
    except ZipInAnotherState as error:
        raise click.ClickException(_elsewhere(address, error)) from None
    except NoDistrictForMail:
        raise click.ClickException(
            f"{address.zip5} is military mail, which has no district: take the address where the person votes."
        ) from None
    except ElectsNobody as error:
        raise click.ClickException(
            f"{address.zip5} lies in {_ABROAD[error.place]}, which elects nobody to Congress."
        ) from None
    except NoDataForDay as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps(_facts(desk, location), indent=2, ensure_ascii=False))
        return
    for line in _lines(desk, location):
        click.echo(line)


def _address(state: str, zip_code: str, street: str, city: str) -> PostalAddress:
    code, parsed = parse_state(state), parse_zip(zip_code)
    if code is None:
        raise click.ClickException(
            f"{state[:20]!r} is none of the 56 states and territories{typed.unlike(state)}: write two letters, like TX."
        )
    if parsed is None:
        raise click.ClickException(
            f"{zip_code[:20]!r} is no ZIP code{typed.unlike(zip_code)}: write five digits, like 78701."
        )
    return PostalAddress(typed.line(street), "", typed.line(city), code, parsed)


def _locate(desk: Desk, address: PostalAddress, *, sure_of_state: bool) -> Location:
    """By the street where one is given, the settings allow it and it can be had; else by the tables."""
    now = site().clock()
    if address.line1 and desk.street is None:
        say("The street is not looked up: GEOCODER is off.")
    elif address.line1 and desk.street is not None:
        try:
            return desk.street.locate(address, now, sure_of_state=sure_of_state)
        except AddressNotFound:
            say("The Census Bureau does not know this street address.")
        except LookupUnavailable as error:
            say(f"The street could not be looked up: {error}.")
    return desk.locator.locate(address, now, sure_of_state=sure_of_state)


def _elsewhere(address: PostalAddress, error: ZipInAnotherState) -> str:
    states = " or ".join(STATES[state] for state in error.states)
    if error.neighbour:
        return (
            f"This ZIP is mostly in {states}. Do you live in {STATES[address.state]}? Then say so with --sure-of-state."
        )
    return f"ZIP code {address.zip5} is in {states}, not in {STATES[address.state]}."


def _lines(desk: Desk, location: Location) -> Iterator[str]:
    yield f"{STATES[location.state]}, {ordinal(location.congress)} Congress. {_found(location)}."
    yield from (_DOUBTS[doubt] for doubt in location.warnings)
    yield from (f"  {line}" for line in _senate(desk, location))
    if location.sure is not Sure.CERTAIN:
        yield "One of these:" if location.sure is Sure.ONE_OF else "Any of these:"
    yield from (f"  {_holder_line(_house(desk, division))}" for division in location.candidates)
    yield f"Members as of {desk.directory.as_of()}."


def _found(location: Location) -> str:
    is_open = location.sure is Sure.OPEN and location.method is Method.STATE
    return "Only the state is certain" if is_open else _FOUND[location.method]


def _senate(desk: Desk, location: Location) -> Iterator[str]:
    delegation = desk.directory.delegation(location.candidates[0], site().clock())
    if not (delegation.senators or delegation.vacant_senate):
        yield "No senators: none are elected there."
    yield from map(_holder_line, delegation.senators)
    yield from map(_holder_line, delegation.vacant_senate)


def _house(desk: Desk, division: DivisionId) -> Legislator | Vacancy:
    holder = desk.directory.delegation(division, site().clock()).representative
    assert holder is not None  # noqa: S101 — a candidate is a district
    return holder


def _holder_line(holder: Legislator | Vacancy) -> str:
    if isinstance(holder, Vacancy):
        what = "vacant" if holder.known else "not known yet: the new Congress has just begun"
        return ", ".join(part for part in (f"{holder.seat:6} {what}", holder.phone) if part)
    return ", ".join(
        part for part in (f"{holder.seat:6} {_title(holder)}", holder.party, _notes(holder), holder.phone) if part
    )


def _title(holder: Legislator) -> str:
    return f"{holder.role.value.title()} {holder.name}"


def _notes(holder: Legislator) -> str:
    past = f"past the end of the term, {holder.until}" if holder.until < site().today() else ""
    return ", ".join(part for part in ("appointed" if holder.how == "appointment" else "", past) if part)


def _facts(desk: Desk, location: Location) -> Mapping[str, Any]:
    delegation = desk.directory.delegation(location.candidates[0], site().clock())
    return {
        "congress": location.congress,
        "state": location.state,
        "method": location.method,
        "sure": location.sure,
        "warnings": location.warnings,
        "senators": [*map(_holder_facts, delegation.senators), *map(_holder_facts, delegation.vacant_senate)],
        "candidates": [_holder_facts(_house(desk, division)) for division in location.candidates],
        "as_of": desk.directory.as_of().isoformat(),
    }


def _holder_facts(holder: Legislator | Vacancy) -> Mapping[str, Any]:
    facts: dict[str, Any] = {"seat": holder.seat, "division": holder.division, "phone": holder.phone}
    if isinstance(holder, Vacancy):
        return facts | {"vacant": holder.known, "known": holder.known}
    return facts | {
        "bioguide": holder.bioguide,
        "name": holder.name,
        "role": holder.role,
        "party": holder.party,
        "url": holder.url,
        "contact_form": holder.contact_form,
    }
