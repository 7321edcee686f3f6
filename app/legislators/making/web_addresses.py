"""Members' web addresses: only those of house.gov and senate.gov are taken, because letters are sent by their forms."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from app.legislators.making.member_sources import Person
from app.legislators.making.sources import InputUnusable

_FIELDS = ("url", "contact_form")
_HOSTS = ("house.gov", "senate.gov")
_SCHEME = re.compile(r"h+ttps?://", re.IGNORECASE)
_OFFICIAL = re.compile(r"https://(?:[a-z0-9-]+\.)*(?:house|senate)\.gov(?:[/?#][!#-;=?-\[\]-~]*)?")


@dataclass(frozen=True, slots=True)
class WebAddresses:
    """People with addresses that were looked at; what became of them, by field: taken, mended, missing or dropped."""

    persons: tuple[Person, ...]
    fates: Mapping[str, Mapping[str, int]]


def official_address(text: str) -> str:
    """A web address at house.gov or senate.gov as https, empty when it is none. `http` and `hhttps` are mended."""
    mended = _SCHEME.sub("https://", text, count=1) if _SCHEME.match(text) else text
    return mended if _OFFICIAL.fullmatch(mended) else ""


def with_official_addresses(persons: Iterable[Person], *, leave_out: bool = False) -> WebAddresses:
    """People with their addresses mended. Raises InputUnusable for one that is not an office's.

    `leave_out` takes the person without that address instead, and counts it as `dropped`.
    """
    fates: dict[str, Counter[str]] = {name: Counter() for name in _FIELDS}
    kept = []
    for person in persons:
        found = {"url": person.url, "contact_form": person.contact_form}
        official = {name: official_address(address) for name, address in found.items()}
        for name, address in found.items():
            if address and not official[name] and not leave_out:
                raise InputUnusable(f"{person.name} ({person.bioguide}) has a {name} {_fault(address)}.")
            fates[name][_fate(address, official[name])] += 1
        kept.append(replace(person, url=official["url"], contact_form=official["contact_form"]))
    return WebAddresses(tuple(kept), {name: dict(sorted(fate.items())) for name, fate in fates.items()})


def _fate(found: str, official: str) -> str:
    if not found:
        return "missing"
    if not official:
        return "dropped"
    return "taken" if found == official else "mended"


def _fault(address: str) -> str:
    host = _host(address)
    if host and not any(host == known or host.endswith(f".{known}") for known in _HOSTS):
        return f"at {host[:100]}, which is neither house.gov nor senate.gov: put the right one into the corrections"
    return f"that is no plain https address of an office: {address[:100]!r}"


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
