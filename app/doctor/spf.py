"""Judges the SPF record of a domain (RFC 7208), as far as that can be known from here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.doctor import Finding, fail, ok, printable, warn
from app.doctor.questions import Answer

SUBJECT = "SPF"
_RECORD = re.compile(r"v=spf1( .*)?", re.IGNORECASE | re.DOTALL)
_NEARLY = re.compile(r"[\s\"'“”]*(v\s*=\s*spf|spf\s*=?\s*1|spf2?[ =:])", re.IGNORECASE)
_NAME = r"[^\s:/]+"
_TERM = re.compile(
    rf"[+~?-]?(all|(a|mx)(:{_NAME})?(/\d+)?(//\d+)?|ptr(:{_NAME})?|ip4:[\d.]+(/\d+)?|ip6:[\da-f:.]+(/\d+)?"
    rf"|(include|exists):{_NAME})|[a-z][a-z0-9_.-]*=\S*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sought:
    """The record of which domain; what makes it needed; who has to stand in it, and whether that is certain."""

    domain: str
    role: str
    sender: str
    certain: bool
    vital: bool
    """Whether letters are lost without it."""


def judged(sought: Sought, answer: Answer) -> Finding:
    """What the TXT records of the domain say."""
    records = [text for text in answer.records if _RECORD.fullmatch(text)]
    if len(records) > 1:
        return _several(sought, records)
    if records:
        return _one(sought, records[0])
    domain = sought.domain
    if nearly := next((text for text in answer.records if _NEARLY.match(text)), None):
        return fail(
            SUBJECT,
            f"A record of {domain} looks like SPF and is none: {printable(nearly)}",
            f"It has to begin with `v=spf1` and a blank, without quotes in it. {_paste(sought)}",
        )
    missing = fail if sought.vital else warn
    return missing(SUBJECT, f"{domain}, {sought.role}, has no SPF record: nobody may send for it.", _paste(sought))


def _paste(sought: Sought) -> str:
    hint = "" if sought.certain else f" If your mail provider's help names another than {sought.sender}, take that:"
    return f"Add at the DNS of {sought.domain}:{hint}\n{line(sought.domain, f'v=spf1 {sought.sender} ~all')}"


def line(name: str, text: str) -> str:
    """A TXT record to paste: a page that asks for name and value wants what stands before and after TXT."""
    return f'{name}.  TXT  "{text}"'


def _several(sought: Sought, records: list[str]) -> Finding:
    says = f"{sought.domain} has {len(records)} SPF records, and receivers then believe none."
    if any("redirect=" in record.lower() for record in records):
        return fail(SUBJECT, says, "Leave one of them, with everything in it, and delete the others.")
    terms = (term for record in records for term in record.split()[1:])
    senders = dict.fromkeys(term for term in terms if not _is_all(term))
    merged = " ".join(("v=spf1", *senders, "~all"))
    return fail(SUBJECT, says, f"Delete them all and add one:\n{line(sought.domain, printable(merged, 1000))}")


def _one(sought: Sought, record: str) -> Finding:
    terms = record.split()[1:]
    if wrong := [term for term in terms if not _TERM.fullmatch(term)]:
        return fail(
            SUBJECT,
            f"The SPF record of {sought.domain} holds `{printable(wrong[0])}`, which is nothing in SPF: receivers then "
            "believe none of it.",
            f"Mend that part of it. The record is: {printable(record, 500)}",
        )
    if any(term.lower() in {"all", "+all"} for term in terms):
        return warn(
            SUBJECT,
            f"The SPF record of {sought.domain} allows everybody to send (+all): many take that for spam.",
            f"Let it end with ~all. The record is: {printable(record, 500)}",
        )
    if not terms or all(_is_all(term) for term in terms):
        return fail(SUBJECT, f"The SPF record of {sought.domain} allows nobody to send.", _paste(sought))
    return ok(SUBJECT, f"{sought.domain}, {sought.role}: {printable(record)}")


def _is_all(term: str) -> bool:
    return term.lower().lstrip("+-~?") == "all"
