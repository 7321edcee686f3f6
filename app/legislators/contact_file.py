"""The contact file: the contact book as CSV, checked as a whole before any of it is used.

Every row is one line, since no cell may hold a line break: so each problem has a certain line, and an open quotation
mark spoils its row, not the rest of the file.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from string import ascii_letters, digits
from typing import TypeVar

from app import typed
from app.addresses import STATES, State
from app.legislators import LegislatorsError
from app.legislators.contacts import ContactRow, Roll, office_name
from app.legislators.geography import is_senate
from app.mailboxes import Flaw, NoMailbox, mailbox, probably_meant, tidy
from app.spelling import nearest

T = TypeVar("T")

COLUMNS = ("office", "role", "email", "source", "as_of")
HEADER = ",".join(COLUMNS)
MOST_BYTES = 1024 * 1024
MOST_ROLE = 60
MOST_SOURCE = 200
_MOST_STRAYS = 100
_MOST_LINE = 2000  # more than a row can hold even with every character doubled

_BIOGUIDE = re.compile(r"[A-Z][0-9]{6}")
_SEAT = re.compile(r"([A-Z]{2})-[A-Z0-9]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FORMULA = frozenset("=+-@")

_WEB_FORM = "This is the address of a web form. Leave the office out: supporters are then helped to use the form."
_EXAMPLES = (
    "a bioguide id like L000571, or a seat like TX-37, WY-AL (the only one in the House) or WY-S2 (Senate class 2)"
)
_FILL_IN = {
    "office": f"Fill in the office: {_EXAMPLES}.",
    "role": "Fill in the role: who reads mail at this address, like scheduler.",
    "email": "Fill in the e-mail address, or leave the office out: supporters are then helped to use the form.",
    "source": "Fill in the source: where the organisation has this address from.",
    "as_of": "Fill in as_of: the day on which the address was last known to be right, like 2026-11-24.",
}


_FLAWS = {
    Flaw.MAILTO: "leave out “{sign}”",
    Flaw.NAMED: "write it without a name and without < and >",
    Flaw.NO_AT: "the @ is missing",
    Flaw.NOTHING_BEFORE: "before the @ something is missing",
    Flaw.NOTHING_AFTER: "behind the @ something is missing",
    Flaw.BLANK: "there is a blank after “{sign}”",
    Flaw.TWO_DOTS: "there are two dots side by side",
    Flaw.DOT_AT_EDGE: "no dot can stand at its beginning, at its end, or beside the @",
    Flaw.SIGN_AT_END: "leave out the “{sign}” at its end",
    Flaw.COMMA: "there is a comma where a dot belongs",
    Flaw.NO_DOT: "behind the @ a dot is missing",
    Flaw.TOO_LONG: "it is too long to be one",
    Flaw.DOMAIN: "no mail can get to “{sign}”",
}
_OF_ADDRESSES = frozenset(f"{ascii_letters}{digits}.-_+'@")
_AT_A_SIGN = {Flaw.SIGN, Flaw.TWO_DOTS, Flaw.COMMA}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong and what to do, at a place of the file; line and column are counted from 1."""

    line: int
    message: str
    column: int = 1

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


class ContactFileUnusable(LegislatorsError):
    """The file cannot be taken into the book; `problems` has everything that was found, in its order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class _Refused(Exception):
    """A cell that cannot be used; the message is the problem's, `sign` what is wrong in it where that is a sign."""

    def __init__(self, message: str, sign: str = "") -> None:
        super().__init__(message)
        self.sign = sign


def read(data: bytes, roll: Roll) -> tuple[ContactRow, ...]:
    """The rows of a contact file, each of another office that is there on the roll's day.

    Raises ContactFileUnusable with every problem found.
    """
    lines = _lines(_decode(data))
    first, header = next(lines, (1, ""))
    _check_header(first, header)
    reading = _Reading(roll)
    for number, line in lines:
        reading.take(number, line)
    if reading.problems:
        raise ContactFileUnusable(reading.problems)
    return tuple(reading.rows)


def write(rows: Iterable[ContactRow]) -> str:
    """The file from which `read` makes the same rows again."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((row.office, row.role, row.email, row.source, row.as_of.isoformat()) for row in rows)
    return text.getvalue()


def _decode(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise ContactFileUnusable([Problem(1, "Shorten the file to 1 MB, or import it in parts.")])
    try:
        text = typed.decoded(data)
    except typed.NotText as error:
        line = error.before.count("\n") + 1
        column = len(error.before) - error.before.rfind("\n")
        message = f"Save the file as UTF-8 (spreadsheets call it “CSV UTF-8”): {error.why}."
        raise ContactFileUnusable([Problem(line, message, column)]) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if "\n" in text.strip("\n") else typed.lines(text)  # all of one line: its ends may be other signs


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that hold anything, with their numbers; spreadsheets leave rows of commas at the end."""
    for number, row in enumerate(text.split("\n"), start=1):
        line = typed.joined(row)
        if line.strip(", \t"):
            yield number, line


def _check_header(number: int, line: str) -> None:
    problems = [Problem(number, message, column) for message, column in _header_complaints(line)]
    if problems:
        raise ContactFileUnusable(problems)


def _header_complaints(line: str) -> Iterator[tuple[str, int]]:
    """What is wrong with the first line, and in which columns."""
    begin = f"Begin the file with the line {HEADER}."
    cells = _cells(line[:_MOST_LINE]) or [line[:_MOST_LINE]]
    if cells == [*COLUMNS]:
        return
    if not line:
        yield f"The file is empty. {begin}", 1
        return
    meant = {cell: _nearest(cell) for cell in cells}
    between = next(((place, sign) for place, sign in enumerate(line) if _parts_cells(sign)), None)
    if between is not None and len(cells) < len(COLUMNS):
        place, sign = between
        yield f"Separate the cells with commas: here is {typed.described(sign)}. {begin}", place + 1
        return
    if not any(meant.values()):
        yield begin, 1
        return
    unknown = [cell for cell in cells if cell not in COLUMNS]
    for cell in unknown:
        column = meant[cell]
        hint = f"write {column}." if column else "remove it."
        yield f"There is no column {cell[:80]!r}{typed.unlike(cell)}; {hint}", max(line.find(cell), 0) + 1
    missing = [column for column in COLUMNS if column not in meant and column not in meant.values()]
    yield from ((f"Add the column {column}: the first line is {HEADER}.", 1) for column in missing)
    if not unknown and not missing:
        yield f"Write each column once and in this order: {HEADER}.", 1


def _parts_cells(sign: str) -> bool:
    """Whether it stands between cells in the place of a comma."""
    return sign in "\t|;" or typed.meant_by(sign) in {",", ";"}


def _is_quote(sign: str) -> bool:
    """Whether it stands around a cell in the place of a straight quotation mark."""
    return typed.meant_by(sign) == '"'


def _nearest(cell: str) -> str | None:
    return nearest(typed.plain_form(cell), COLUMNS)


def _cells(line: str) -> list[str] | None:
    """The cells of a row, None when its quotation marks do not make sense."""
    try:
        return [cell.strip() for cell in next(csv.reader([line.strip()], strict=True, skipinitialspace=True))]
    except csv.Error:
        return None


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the cells of a line stand."""

    line: int
    text: str
    starts: Sequence[int]

    def column(self, cell: int, sign: str) -> int:
        """Of the sign in the cell, or of the cell."""
        start = self.starts[cell] if cell < len(self.starts) else 1
        found = (text.find(sign, start - 1) + 1 for text in (self.text, typed.plain_form(self.text)))
        return next(filter(None, found), start)


def _starts(line: str) -> list[int]:
    """The columns in which the cells of a row begin."""
    starts, between, quoted = [], True, False
    for place, sign in enumerate(line, start=1):
        if between and not sign.isspace():
            starts.append(place)
            between = False
        if sign == '"':
            quoted = not quoted
        elif sign == "," and not quoted:
            between = True
    return [*starts, len(line)] if between else starts


class _Reading:
    """The rows while they are read; they are good for nothing once there is a problem."""

    def __init__(self, roll: Roll) -> None:
        self.rows: list[ContactRow] = []
        self.problems: list[Problem] = []
        self._roll = roll
        self._line_of: dict[frozenset[str], int] = {}

    def take(self, number: int, line: str) -> None:
        """Read one line into a row or into problems."""
        self._complain_of_strays(number, line)
        line = "".join(sign for sign in line if not typed.is_stray(sign))
        cells = self._cells(number, line)
        if cells is None:
            return
        at = _Places(number, line, _starts(line))
        office, role, email, source, as_of = cells
        row = ContactRow(
            office=self._checked(at, 0, "", lambda: self._office(number, typed.code(office))),
            role=self._checked(at, 1, "", lambda: _text("role", typed.line(role), MOST_ROLE)),
            email=self._checked(at, 2, "", lambda: _email(tidy(email))),
            source=self._checked(at, 3, "", lambda: _text("source", typed.line(source), MOST_SOURCE)),
            as_of=self._checked(at, 4, self._roll.today, lambda: _as_of(typed.code(as_of), self._roll.today)),
        )
        self.rows.append(row)

    def _complain_of_strays(self, number: int, line: str) -> None:
        found = list(islice(typed.strays(line), _MOST_STRAYS))
        if found:
            others = f", and {len(found) - 1} more" if len(found) > 1 else ""
            self._complain(number, f"Remove {found[0].described}{others}.", found[0].position + 1)

    def _cells(self, number: int, line: str) -> list[str] | None:
        if len(line) > _MOST_LINE:
            self._complain(number, f"Shorten this line: it has {len(line):,} characters.")
            return None
        cells = _cells(line)
        if cells is None:
            self._complain(
                number,
                "Mend the quotation marks: a cell that holds a comma stands between two, "
                "and one inside such a cell is written twice.",
            )
        elif len(cells) != len(COLUMNS):
            too_few = len(cells) < len(COLUMNS)
            mistyped = next((sign for sign in line if (_parts_cells(sign) if too_few else _is_quote(sign))), "")
            hint = "" if too_few else "; put a cell that holds a comma between quotation marks"
            if mistyped:
                is_like_one = typed.meant_by(mistyped) in {",", '"'}
                hint = f"; {typed.correction(mistyped) if is_like_one else f'{typed.described(mistyped)} is no comma'}"
            message = f"Write {len(COLUMNS)} cells: {HEADER}. This line has {len(cells)}{hint}."
            self._complain(number, message, line.find(mistyped) + 1)
            return None
        return cells

    def _checked(self, at: _Places, cell: int, otherwise: T, parse: Callable[[], T]) -> T:
        try:
            return parse()
        except _Refused as refused:
            self._complain(at.line, str(refused), at.column(cell, refused.sign))
            return otherwise

    def _complain(self, number: int, message: str, column: int = 1) -> None:
        self.problems.append(Problem(number, message, column))

    def _office(self, number: int, cell: str) -> str:
        office = _known_office(cell, self._roll)
        first = self._line_of.setdefault(self._roll.names(office), number)
        if first != number:
            raise _Refused(f"Keep one address for each office: line {first} is for the same one.")
        return office


def _known_office(cell: str, roll: Roll) -> str:
    _check_filled("office", cell)
    office = office_name(cell)
    if roll.holder(office) is not None:
        return office
    if _BIOGUIDE.fullmatch(office):
        raise _Refused(
            f"{office} sits no longer, or the id is mistyped: leave the line out, or name the seat, like WY-S2, "
            "if the address stays with whoever holds it."
        )
    seat = _SEAT.fullmatch(office)
    if seat and seat[1] in STATES:
        raise _Refused(f"There is no seat {office[:20]}: {_seats_of(State(seat[1]), roll)}.")
    wrong, named = _odd(cell, ascii_letters + digits + "-")
    raise _Refused(f"Write the office as {_EXAMPLES}{named}.", wrong)


def _odd(cell: str, right: str) -> tuple[str, str]:
    """The first sign of a cell that is none of the right ones, and words for it; both empty when all are."""
    wrong = next((sign for sign in cell if sign not in right), "")
    return wrong, typed.unlike(wrong) or (f", with {typed.described(wrong)}" if wrong else "")


def _seats_of(state: State, roll: Roll) -> str:
    seats = roll.seats(state)
    senate = [seat for seat in seats if is_senate(seat)]
    house = [seat for seat in seats if not is_senate(seat)]
    names = [*senate, f"{house[0]} to {house[-1]}" if len(house) > 1 else house[0]]
    return f"{STATES[state]} has {', '.join(names)}"


def _check_filled(column: str, cell: str) -> None:
    if not cell:
        raise _Refused(_FILL_IN[column])


def _check_harmless(column: str, cell: str) -> None:
    """Refuse what a spreadsheet would run when it opens an exported file; NFKC: full-width signs work there too."""
    if unicodedata.normalize("NFKC", cell[:1])[:1] in _FORMULA:
        raise _Refused(f"Begin the {column} with another sign than {cell[0]}: a spreadsheet takes it for a formula.")


def _text(column: str, cell: str, most: int) -> str:
    _check_filled(column, cell)
    _check_harmless(column, cell)
    if len(cell) > most:
        raise _Refused(f"Shorten the {column} to {most} characters; it has {len(cell):,}.")
    return cell


def _email(cell: str) -> str:
    """The address in its ASCII form."""
    _check_filled("email", cell)
    if _is_web_form(cell):
        raise _Refused(_WEB_FORM)
    if cell.count("@") > 1:
        raise _Refused("Write one e-mail address only: every letter goes to the office once.")
    _check_harmless("email", cell)
    try:
        address = mailbox(cell)
    except NoMailbox as error:
        why = _FLAWS.get(error.flaw, "").format(sign=error.sign) or _why_not(error.sign)
        how = f"Write an e-mail address alone, like name@example.org; {cell[:80]!r} is none that can be used: {why}."
        is_at_a_sign = error.flaw in _AT_A_SIGN or _is_foreign(error.sign)
        raise _Refused(how, error.sign if is_at_a_sign else "") from None
    if meant := probably_meant(address):
        domain = cell.rpartition("@")[2]
        raise _Refused(f"Write the e-mail address as it was meant: {domain} looks like a slip of {meant}.", domain)
    return address


def _why_not(sign: str) -> str:
    meant = typed.meant_by(sign) if _is_foreign(sign) else None
    if meant is not None and meant in _OF_ADDRESSES:
        return typed.correction(sign)
    return f"{typed.described(sign) if _is_foreign(sign) else f'“{sign}”'} cannot stand in it"


def _is_foreign(sign: str) -> bool:
    return len(sign) == 1 and not sign.isascii()


def _is_web_form(cell: str) -> bool:
    small = cell.lower()
    return small.startswith(("http:", "https:")) or ("@" not in small and ("/" in small or small.startswith("www.")))


def _as_of(cell: str, on: date) -> date:
    _check_filled("as_of", cell)
    try:
        day = date.fromisoformat(cell) if _DAY.fullmatch(cell) else None
    except ValueError:
        day = None
    if day is None:
        wrong, named = _odd(cell, digits + "-")
        raise _Refused(
            f"Write as_of like 2026-11-24, not {cell[:40]!r}{named} (spreadsheets like to change days).", wrong
        )
    if day > on:
        raise _Refused(f"Write a day in as_of that has come: in Washington it is {on}.")
    return day
