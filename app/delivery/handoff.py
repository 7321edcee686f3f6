"""The hand-off: the signer delivers the letter, and we prepare everything that it takes.

No member of Congress has a public e-mail address; each has a form on their own site, and a machine that fills in such
forms fails in silence. So the person does it, with every value ready to copy, in the order in which the forms ask.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.addresses import STATES, State
from app.delivery import HANDOFF, N_
from app.delivery.outbox import BY_A_PERSON, MAILED_AGAIN, WITHDRAWN
from app.delivery.wording import text_of
from app.legislators import Legislator, Office, Seat
from app.legislators.geography import is_senate
from app.models import Delivery, DeliveryEvent, DeliveryState, Letter

_EARTH_RADIUS_KM = 6371.0
SWITCHBOARD = "202-224-3121"
"""The Capitol's operators, who put people through to every office (https://www.senate.gov/senators/senators-contact.htm)."""
CHAMBERS = {
    True: ("United States Senate", "Washington DC 20510"),
    False: ("United States House of Representatives", "Washington DC 20515"),
}
"""Where post for any member arrives, by whether it is the Senate."""
_ONE_NAME = N_("This office's form may ask for a last name: enter your one name again.")
# "706 Hart Senate Office Building Washington DC 20510", as the tables have it.
_CAPITOL = re.compile(r"(?P<building>.+?),? (?P<city>Washington,? DC [0-9-]{5,10})")


@dataclass(frozen=True, slots=True)
class HandoffChannel:
    """The office's own form on the web."""

    name: str = HANDOFF
    promise: str = N_("You paste it into the office's own form. We prepare everything; it takes about a minute.")
    by_signer: bool = True

    def address(self, legislator: Legislator) -> str | None:
        """The form's address, or the site's when the form is not known."""
        return legislator.contact_form or legislator.url or None


@dataclass(frozen=True, slots=True)
class PaperChannel:
    """Telephone and letter post, for an office of which no form is known. Reaches every office."""

    name: str = "paper"
    promise: str = N_("We know no form of this office. You print the letter or call; we prepare both.")
    by_signer: bool = True

    def address(self, legislator: Legislator) -> str:
        """Nothing on the web."""
        return ""


@dataclass(frozen=True, slots=True)
class Value:
    """One value that an office's form asks for. `label` and `note` are gettext messages."""

    key: str
    label: str
    text: str
    lines: int = 1
    """More than one for the message only."""
    note: str = ""
    """What else there is to know of it."""


@dataclass(frozen=True, slots=True)
class Handoff:
    """Everything that it takes to deliver one letter by hand."""

    form: str
    """Address of the office's form, or of its site, or empty."""
    form_is_known: bool
    """Else `form` is where to look for one."""
    to: str
    """Who gets it: whoever holds the seat now, else the person it is written to."""
    phone: str
    """Of the office in Washington; of the Capitol's switchboard when that is not known."""
    by_switchboard: bool
    values: tuple[Value, ...]
    """In the usual order of the forms; what the signer did not give is left out."""
    capitol: tuple[str, ...]
    """The lines of the address in Washington, without the name; of the chamber when the office's is not known."""
    nearest: Office | None
    """The office in the state that is nearest to the signer; only one that has a street."""
    script: tuple[str, str, str]
    """Three sentences for the telephone, in the language of the letter."""


def prepare(
    letter: Letter, holder: Legislator | None, form: str, topic: str, point: tuple[float, float] | None
) -> Handoff:
    """What the signer of `letter` needs. `holder` sits in its seat now, None when nobody does or it is not known.

    `form` is the form that was known when it was signed; `point` is where the signer's ZIP code lies.
    """
    to = f"{holder.role.value.title()} {holder.name}" if holder else letter.recipient
    phone, address = (holder.phone, holder.address) if holder else ("", "")
    return Handoff(
        form=(HandoffChannel().address(holder) or "") if holder else form,
        form_is_known=holder is not None and bool(holder.contact_form),
        to=to,
        phone=phone or SWITCHBOARD,
        by_switchboard=not phone,
        values=_values(letter, topic),
        capitol=_capitol(address) if address else CHAMBERS[is_senate(Seat(letter.seat))],
        nearest=nearest_office(holder.offices, point) if holder else None,
        script=_script(letter, to),
    )


def nearest_office(offices: Sequence[Office], point: tuple[float, float] | None) -> Office | None:
    """Of those with a street the nearest to the point; the first one where distances are not known."""
    reachable = [office for office in offices if office.street]
    if point is not None and any(office.point for office in reachable):
        return min((office for office in reachable if office.point), key=lambda office: _km(office.point, point))
    return reachable[0] if reachable else None


def _km(here: tuple[float, float] | None, there: tuple[float, float]) -> float:
    """Length of the great circle (haversine formula); degrees of latitude, longitude."""
    if here is None:
        return math.inf
    (lat1, lon1), (lat2, lon2) = ((math.radians(degrees) for degrees in point) for point in (here, there))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_RADIUS_KM * math.asin(math.sqrt(half))


def _capitol(address: str) -> tuple[str, ...]:
    match = _CAPITOL.fullmatch(address)
    return (match["building"], match["city"]) if match else (address,)


def _values(letter: Letter, topic: str) -> tuple[Value, ...]:
    signer = letter.signature
    state = STATES[State(signer.region)] if signer.region else ""
    found = (
        Value("title", N_("Title"), signer.prefix or ""),
        Value("given-name", N_("First name"), signer.given_name or "", note="" if signer.family_name else _ONE_NAME),
        Value("family-name", N_("Last name"), signer.family_name or ""),
        Value("address-1", N_("Street address"), signer.address_line1 or ""),
        Value("address-2", N_("Apartment, unit"), signer.address_line2 or ""),
        Value("city", N_("City"), signer.city or ""),
        Value("state", N_("State"), state),
        Value("zip", N_("ZIP code"), signer.postal_code or ""),
        Value("email", N_("Email"), signer.email or ""),
        Value("phone", N_("Phone"), signer.phone or ""),
        Value("topic", N_("Topic"), topic),
        Value("subject", N_("Subject"), letter.subject or ""),
        Value("message", N_("Message"), text_of(letter), lines=12),
    )
    return tuple(value for value in found if value.text)


def _script(letter: Letter, to: str) -> tuple[str, str, str]:
    """Plain English, not gettext: it is spoken to the office."""
    signer = letter.signature
    name = f"{signer.given_name or ''} {signer.family_name or ''}".strip()
    return (
        f"Hello, my name is {name}, and I live in {signer.city or ''}, ZIP code {(signer.postal_code or '')[:5]}.",
        f"I am calling about this: {(letter.subject or '').rstrip('.')}.",
        f"Please tell {to} that I ask for help with it, and that I would like an answer.",
    )


@dataclass(frozen=True, slots=True)
class Tally:
    """What has become of the letters to one seat that were offered to their signers."""

    seat: str
    recipient: str
    """Whoever the newest of them is written to."""
    offered: int
    """All of them; each is one of the others, too."""
    sent: int
    """By their signers' word."""
    stuck: int
    """Whose signers say that the form did not work, and have not sent it since."""
    silent: int
    """Of which nothing was said."""
    over: int
    """Of which nothing was said before they were taken back, or mailed after all."""


_TAKEN_AWAY = (WITHDRAWN, MAILED_AGAIN, BY_A_PERSON)
"""Why a hand-off is cancelled that nobody is to deliver any more; one that was erased has been left alone."""


def tallies(session: Session) -> list[Tally]:
    """For each seat, by name of the seat. Counted from the events, which stay when a signature is erased."""
    was, why = DeliveryEvent.state, DeliveryEvent.why
    each = (  # a letter is handed over anew when it was mailed again in vain
        select(
            Delivery.letter_id,
            func.count().filter(was == DeliveryState.REPORTED).label("sent"),
            func.count().filter(was == DeliveryState.STUCK).label("stuck"),
            func.count().filter(was == DeliveryState.CANCELLED, why.in_(_TAKEN_AWAY)).label("over"),
        )
        .join(DeliveryEvent, DeliveryEvent.delivery_id == Delivery.id)
        .group_by(Delivery.id, Delivery.letter_id)
        .having(func.count().filter(was == DeliveryState.OFFERED) > 0)
        .subquery()
    )
    letter = (
        select(
            each.c.letter_id,
            (func.sum(each.c.sent) > 0).label("sent"),
            (func.sum(each.c.stuck) > 0).label("stuck"),
            (func.min(each.c.over) > 0).label("over"),
        )
        .group_by(each.c.letter_id)
        .subquery()
    )
    sent, stuck, over = letter.c.sent, ~letter.c.sent & letter.c.stuck, letter.c.over
    is_open = ~letter.c.sent & ~letter.c.stuck
    rows = session.execute(
        select(
            Letter.seat,
            func.max(Letter.id).label("newest"),
            func.count().label("offered"),
            func.count().filter(sent).label("sent"),
            func.count().filter(stuck).label("stuck"),
            func.count().filter(is_open & ~over).label("silent"),
            func.count().filter(is_open & over).label("over"),
        )
        .join(letter, letter.c.letter_id == Letter.id)
        .group_by(Letter.seat)
        .order_by(Letter.seat)
    ).all()
    return [
        Tally(
            seat=row.seat,
            recipient=session.get_one(Letter, row.newest).recipient,
            offered=row.offered,
            sent=row.sent,
            stuck=row.stuck,
            silent=row.silent,
            over=row.over,
        )
        for row in rows
    ]
