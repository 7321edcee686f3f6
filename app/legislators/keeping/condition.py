"""What an organisation should know about its tables: above all, whether they are ready for the Congress to come."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from app.legislators.congresses import begins, congress_at, ordinal
from app.legislators.tables import Tables

NOTICE = timedelta(days=33, hours=12)
"""From the beginning of December 1st in Washington on, the tables of the next Congress are missed."""


class Condition(StrEnum):
    """How the tables stand at a moment; the worst that is true."""

    OK = "ok"
    NEXT_CONGRESS_MISSING = "next congress missing"
    MEMBERS_MISSING = "members missing"
    DISTRICTS_MISSING = "districts missing"


def condition(tables: Tables, coming: Tables, on: datetime) -> Condition:
    """Of the tables in force then; `coming` are those that will be in force when the next Congress begins."""
    sitting = congress_at(on)
    if tables.congress < sitting:
        return Condition.MEMBERS_MISSING
    if tables.map_congress < sitting:
        return Condition.DISTRICTS_MISSING
    if coming.congress <= sitting and on >= begins(sitting + 1) - NOTICE:
        return Condition.NEXT_CONGRESS_MISSING
    return Condition.OK


def sentence(found: Condition, on: datetime) -> str:
    """The condition for people, with what to do; empty when all is well."""
    sitting = congress_at(on)
    return {
        Condition.OK: "",
        Condition.NEXT_CONGRESS_MISSING: (
            f"The {ordinal(sitting + 1)} Congress begins on January 3rd at noon in Washington, and its members and "
            "districts are not here yet. From then on letters go only to the senators whose terms go on, until "
            "`flask legislators refresh` finds the new members."
        ),
        Condition.MEMBERS_MISSING: (
            f"The {ordinal(sitting)} Congress has begun, and its members are not here yet: letters go only to the "
            "senators whose terms go on. Run `flask legislators refresh`; new members are published a few days late."
        ),
        Condition.DISTRICTS_MISSING: (
            f"The ZIP codes are still told in districts of an earlier Congress than the {ordinal(sitting)}. In redrawn "
            "states people choose their representative from a list, until the Census has published the new crosswalk "
            "and you have given it to `flask legislators refresh`, with --source or --from."
        ),
    }[found]
