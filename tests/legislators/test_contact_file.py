from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from app.legislators.contact_file import COLUMNS, HEADER, MOST_BYTES, ContactFileUnusable, read, write
from app.legislators.contacts import ContactRow, Roll
from app.legislators.directory import TableDirectory
from app.legislators.tables import SHIPPED, load
from config import ROOT

DAY = date(2026, 11, 24)
LUMMIS = ContactRow("L000571", "scheduler", "scheduler@example.org", "a card", date(2026, 9, 30))
CELLS = ("L000571", "scheduler", "scheduler@example.org", "a card", "2026-09-30")


@pytest.fixture(scope="module")
def roll() -> Roll:
    return Roll(TableDirectory(load(SHIPPED)), datetime(2026, 11, 24, 17, tzinfo=UTC), DAY)


def line(**cells: str) -> str:
    return ",".join(cells.get(column, cell) for column, cell in zip(COLUMNS, CELLS, strict=True))


def file(*lines: str) -> bytes:
    return "\n".join([HEADER, *lines, ""]).encode()


def problems(roll: Roll, data: bytes) -> list[str]:
    with pytest.raises(ContactFileUnusable) as caught:
        read(data, roll)
    return [str(problem) for problem in caught.value.problems]


def test_a_row_is_read(roll: Roll) -> None:
    assert read(file(line()), roll) == (LUMMIS,)


def test_the_example_in_the_document_is_a_contact_file(roll: Roll) -> None:
    document = (ROOT / "docs" / "contacts.md").read_text(encoding="utf-8")
    examples = re.findall(r"```\n(office,.*?)```", document, re.DOTALL)

    assert [row.office for row in read(examples[0].encode(), roll)] == ["L000571", "WY-AL", "TX-37"]


def test_a_file_from_a_spreadsheet_is_read(roll: Roll) -> None:
    quoted = ",".join(f'"{cell}"' for cell in CELLS)
    text = f'\ufeff"office", role,email,source,as_of\r\n\r\n {quoted} \r\n,,,,\r\n'

    assert read(text.encode(), roll) == (LUMMIS,)
    assert read(text.replace("\r\n", "\r").encode(), roll) == (LUMMIS,)


@pytest.mark.parametrize("end", ["\x85", "\u2028", "\r\x85"])
def test_a_file_may_have_other_ends_of_lines(roll: Roll, end: str) -> None:
    assert read(end.join([HEADER, line(), ""]).encode(), roll) == (LUMMIS,)


def test_a_file_with_its_header_alone_has_no_rows(roll: Roll) -> None:
    assert read(HEADER.encode(), roll) == ()


@pytest.mark.parametrize(
    ("written", "office"),
    [
        ("l000571", "L000571"),
        ("wy-s2", "WY-S2"),
        (" wy-al ", "WY-AL"),
        ("tx-37", "TX-37"),
        ("TX-07", "TX-7"),
        ("TX-٣", "TX-3"),
    ],
)
def test_offices_are_written_in_one_way(roll: Roll, written: str, office: str) -> None:
    assert [row.office for row in read(file(line(office=written)), roll)] == [office]


@pytest.mark.parametrize(
    "row",
    [
        line(office="L0005\u200b71", email="scheduler\u200b@example.org"),
        line(role="\ufeffscheduler\u202c", source="a\u00a0card", as_of="2026\u201309\u201330"),
        line(email="scheduler＠example\u3002org", source="a\u2028card"),
        line().replace(",", ",\u00a0"),
    ],
)
def test_blanks_dashes_and_marks_that_nobody_sees_do_not_matter(roll: Roll, row: str) -> None:
    assert read(file(row), roll) == (LUMMIS,)
    assert read(file(line(office="WY\u2013S2")), roll)[0].office == "WY-S2"


def test_a_vacant_seat_has_an_office(roll: Roll) -> None:
    assert [row.office for row in read(file(line(office="TX-23")), roll)] == ["TX-23"]


@pytest.mark.parametrize(
    ("written", "email"),
    [("Staff@EXAMPLE.org", "Staff@example.org"), ("staff@münchen.de", "staff@xn--mnchen-3ya.de")],
)
def test_an_address_is_kept_as_it_goes_over_the_wire(roll: Roll, written: str, email: str) -> None:
    assert [row.email for row in read(file(line(email=written)), roll)] == [email]


def test_cells_at_their_longest_fit(roll: Roll) -> None:
    row = ContactRow("WY-S2", "r" * 60, "e" * 64 + "@" + "d" * 60 + ".org", "s" * 200, DAY)

    assert read(write([row]).encode(), roll) == (row,)


def test_what_is_written_is_read_again(roll: Roll) -> None:
    rows = (
        LUMMIS,
        ContactRow("WY-AL", 'the "one", they say', "a@example.org", "Ünsere Liste, Seite 3; 'x'", date(1999, 12, 31)),
        ContactRow("TX-23", '"', "b'=x@example.org", '""",', DAY),
    )

    assert read(write(rows).encode(), roll) == rows
    assert write(()) == f"{HEADER}\n"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("office,role,e-mail,source,as_of", ["There is no column 'e-mail'; write email."]),
        (
            "Office,role,email,source,as of",
            ["'Office'; write office.", "column 26: There is no column 'as of'; write as_of."],
        ),
        (
            "office,rol\u0435,email,source,as_of",
            ["column 8: There is no column 'rol\u0435', with “\u0435” (Cyrillic small"],
        ),
        ("office,ro\x07le,email,source,as_of", ["'ro\\x07le', with the control character U+0007; write role."]),
        ("office,role,email,as_of", ["Add the column source: the first line is office,role,email,source,as_of."]),
        ("office,role,email,source,as_of,phone", ["There is no column 'phone'; remove it."]),
        ("office,role,email,source,as_of,", ["There is no column ''; remove it."]),
        ("role,office,email,source,as_of", ["Write each column once and in this order"]),
        ("office,role,email,source,as_of,as_of", ["Write each column once and in this order"]),
        *(
            (f"office{sign}role,email,source,as_of", [f"column 7: Separate the cells with commas: here is {named}. Be"])
            for sign, named in (
                (";", "“;” (Semicolon, U+003B)"),
                ("\t", "a tab"),
                ("\uff0c", "“\uff0c” (Fullwidth comma, U+FF0C)"),
                ("\u201a", "“\u201a” (Single low-9 quotation mark, U+201A)"),
                ("\u060c", "“\u060c” (Arabic comma, U+060C)"),
            )
        ),
        ("office;role;email;source;as_of", ["Separate the cells with commas: here is “;”"]),
        (line(source="a card; a call"), ["column 1: Begin the file with the line"]),
        (line(), ["Begin the file with the line office,role,email,source,as_of."]),
        ("x" * 100_000, ["Begin the file with the line office,role,email,source,as_of."]),
    ],
)
def test_another_header_is_told_with_the_nearest(roll: Roll, header: str, words: list[str]) -> None:
    told = problems(roll, f"{header}\n{line()}\n".encode())

    assert len(told) == len(words)
    assert all(
        problem.startswith("line 1, column ") and part in problem for problem, part in zip(told, words, strict=True)
    )


@pytest.mark.parametrize("data", [b"", b"\n\r\n", b"\xef\xbb\xbf", b",,,,\n"])
def test_an_empty_file_is_told(roll: Roll, data: bytes) -> None:
    assert problems(roll, data) == [f"line 1, column 1: The file is empty. Begin the file with the line {HEADER}."]


@pytest.mark.parametrize(
    ("data", "number", "column", "why"),
    [
        (file(line()) + "WY-AL,Büro".encode("latin-1"), 3, 8, "here is the byte FC, which is ü in Windows-1252 and no"),
        (HEADER.encode("utf-16"), 1, 1, "it is in UTF-16"),
        (b"PK\x03\x04\x14\x00xl/workbook.xml", 1, 1, "it is a document of a word processor or a spreadsheet"),
        (b"\xff", 1, 1, "here is the byte FF"),
        (file(line()) + b"WY-AL,\xed\xa0\xbd", 3, 7, "here is U+D83D, half a character."),
    ],
)
def test_what_is_not_utf_8_is_told(roll: Roll, data: bytes, number: int, column: int, why: str) -> None:
    (told,) = problems(roll, data)

    assert told.startswith(f"line {number}, column {column}: Save the file as UTF-8")
    assert why in told


def test_a_file_that_is_too_large_is_told(roll: Roll) -> None:
    largest = file(line()) + b"," * (MOST_BYTES - len(file(line())))

    assert read(largest, roll) == (LUMMIS,)
    assert problems(roll, largest + b",") == ["line 1, column 1: Shorten the file to 1 MB, or import it in parts."]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (line() + ",x", "This line has 6; put a cell that holds a comma between quotation marks."),
        ("L000571,scheduler", "Write 5 cells: office,role,email,source,as_of. This line has 2."),
        (line(role='"scheduler'), "Mend the quotation marks"),
        (line(role='"a" b'), "Mend the quotation marks"),
        (line(role="x" * 300_000), "Shorten this line: it has 300,0"),
        (line(office=""), "Fill in the office: a bioguide id like L000571"),
        (line(role=" "), "Fill in the role"),
        (line(email=""), "Fill in the e-mail address, or leave the office out"),
        (line(source="\u00a0"), "Fill in the source"),
        (line(as_of=""), "Fill in as_of"),
        (line(office="G000359"), "G000359 sits no longer, or the id is mistyped"),
        (line(office="WY-1"), "There is no seat WY-1: Wyoming has WY-S1, WY-S2, WY-AL."),
        (line(office="WY-S3"), "There is no seat WY-S3: Wyoming has WY-S1, WY-S2, WY-AL."),
        (line(office="TX-39"), "There is no seat TX-39: Texas has TX-S1, TX-S2, TX-1 to TX-38."),
        (line(office="DC-1"), "There is no seat DC-1: District of Columbia has DC-AL."),
        (line(office="XX-1"), "Write the office as a bioguide id like L000571, or a seat like TX-37"),
        (line(office="Lummis"), "Write the office as a bioguide id"),
        (line(role="r" * 61), "Shorten the role to 60 characters; it has 61."),
        (line(source="s" * 201), "Shorten the source to 200 characters; it has 201."),
        (line(as_of="11/24/2026"), "Write as_of like 2026-11-24, not '11/24/2026'"),
        (line(as_of="2026-02-30"), "Write as_of like 2026-11-24"),
        (line(as_of="20261101"), "Write as_of like 2026-11-24"),
        (line(as_of="2026-11-24T10:00"), "Write as_of like 2026-11-24"),
        (line(as_of="2026-11-25"), "Write a day in as_of that has come: in Washington it is 2026-11-24."),
        (line(email="a@example.org;b@example.org"), "Write one e-mail address only"),
        (line(email='"a@example.org, b@example.org"'), "Write one e-mail address only"),
        (line(role="sched\0uler"), "column 14: Remove the control character U+0000 after “L000571,sched”."),
        (line(source="\u202ecard\x1b[2J\x07"), "column 45: Remove the control character U+001B after “"),
        (line(source="lost \ufffd"), "column 46: Remove “\ufffd” (Replacement character, U+FFFD) after “"),
        (line(office="W\u0423-S2"), "with “\u0423” (Cyrillic capital letter u, U+0423) in the place of Y."),
        ("“L000571”,“a, b”,a@example.org,a card,2026-09-30", 'has 6; “ is a curly quote (U+201C); write " instead.'),
        ("L000571，scheduler，a@example.org", "This line has 1; ， is a full-width sign (U+FF0C); write , instead."),
        (line(email="b\u0430@example.org"), "column 20: Write an e-mail address alone"),
        (line(email="b\u0430@example.org"), "\u0430 is a Cyrillic letter (U+0430); write a instead."),
        (line(email="bü@example.org"), "“ü” (Latin small letter u with diaeresis, U+00FC) cannot stand in it."),
        (
            line(email="a..b@example.org"),
            "column 20: Write an e-mail address alone, like name@example.org; 'a..b@example.org' is",
        ),
        (line(email="a..b@example.org"), "is none that can be used: there are two dots side by side."),
        (
            line(email="a@example.org."),
            "column 19: Write an e-mail address alone, like name@example.org; 'a@example.org.' is",
        ),
        (line(email="a@example.org."), "leave out the “.” at its end."),
        (line(email="\u00abb@example.org\u00bb"), "(Left-pointing double angle quotation mark, U+00AB) cannot stand"),
        (line().replace(",", ";"), "column 8: Write 5 cells: office,role,email,source,as_of. This line has 1; “;” ("),
        (line().replace(",", "\t"), "This line has 1; a tab is no comma."),
        (line().replace(",", "\u061b"), "This line has 1; “\u061b” (Arabic semicolon, U+061B) is no comma."),
        (line(as_of="2026\uff0f09\uff0f30"), "column 52: Write as_of like 2026-11-24, not '2026/09/30', with “/” ("),
        (line(as_of="2O26-09-30"), "column 49: Write as_of like 2026-11-24, not '2O26-09-30', with “O” (Latin capital"),
        (line(office="'L000571"), "WY-S2 (Senate class 2), with “'” (Apostrophe, U+0027)."),
        (line(office="W\u0423-S2"), "column 2: Write the office as a bioguide id"),
        (line(as_of="2\u041e26-09-30"), "with “\u041e” (Cyrillic capital letter o, U+041E) in the place of O"),
        (line(email="a b@example.org"), "there is a blank after “a”."),
        ("L000571\u201ascheduler,a@example.org,a card", "has 3; \u201a is a single low-9 quotation mark (U+201A); wr"),
        (line(source="the “card”") + ",x", 'has 6; “ is a curly quote (U+201C); write " instead.'),
        (line(source="the “card”").removesuffix(",2026-09-30"), "This line has 4."),
        (line(email="me@gmail.con"), "column 22: Write the e-mail address as it was meant: gmail.con looks like a sl"),
        (line(email="me@gmail.con"), "a slip of me@gmail.com."),
        (line(email="mailto:a@example.org"), "leave out “mailto:”."),
    ],
)
def test_a_row_that_is_wrong_is_told_with_its_line(roll: Roll, row: str, words: str) -> None:
    (told,) = problems(roll, file(line(office="WY-AL"), "", row, line(office="TX-37")))

    assert told.startswith("line 4, column ")
    assert words in told


@pytest.mark.parametrize(
    "email",
    [
        "staff",
        "staff@",
        "@example",
        "Staff <staff@example.org>",
        "mailto:staff@example.org",
        "staff@localhost",
        "staff@offices.invalid",
        "staff@site.test",
        "büro@example.org",
        "=?utf-8?q?x=40y?=@example.org",
        "staff=?@example.org",
        '"""a b"""@example.org',
        "staff@[127.0.0.1]",
        "e" * 250 + "@example.org",
        "sullivan.senate.gov",
    ],
)
def test_an_address_that_is_none_is_refused(roll: Roll, email: str) -> None:
    (told,) = problems(roll, file(line(email=email)))

    assert told.startswith("line 2, column ")


@pytest.mark.parametrize(
    "address",
    [
        "https://www.lummis.senate.gov/contact/",
        "HTTP://lummis.senate.gov",
        "www.lummis.senate.gov",
        "lummis.senate.gov/contact",
        "https://someone@lummis.senate.gov/",
    ],
)
def test_the_address_of_a_web_form_is_told_to_be_one(roll: Roll, address: str) -> None:
    assert problems(roll, file(line(email=address))) == [
        "line 2, column 19: This is the address of a web form. Leave the office out: "
        "supporters are then helped to use the form."
    ]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠"])
@pytest.mark.parametrize("column", ["role", "source", "email"])
def test_what_a_spreadsheet_would_run_is_refused(roll: Roll, column: str, sign: str) -> None:
    rows = [line(**{column: f"{sign}cmd@example.org"}), line(**{column: f" '{sign}'", "office": "WY-AL"})]

    assert problems(roll, file(*rows))[0].startswith("line 2, column ")


@pytest.mark.parametrize(
    ("first", "second"), [("WY-S2", "WY-S2"), ("L000571", "WY-S2"), ("wy-s2", "l000571"), ("TX-23", "tx-023")]
)
def test_one_office_stands_in_a_file_once(roll: Roll, first: str, second: str) -> None:
    told = problems(roll, file(line(office=first), line(office="WY-AL"), line(office=second)))

    assert told == ["line 4, column 1: Keep one address for each office: line 2 is for the same one."]


def test_every_problem_is_told_in_the_order_of_the_file(roll: Roll) -> None:
    rows = [line(office="XX-1", role=""), line(), "a,b", line(office="WY-S2", email="www.x.gov", as_of="2030-01-01")]

    told = [re.match(r"line \d+, column \d+: \w+ \w+ \w+", problem) for problem in problems(roll, file(*rows))]

    assert [match[0] for match in told if match] == [
        "line 2, column 1: Write the office",
        "line 2, column 6: Fill in the",
        "line 4, column 1: Write 5 cells",
        "line 5, column 1: Keep one address",
        "line 5, column 17: This is the",
        "line 5, column 34: Write a day",
    ]


def test_no_file_of_any_bytes_breaks_the_reader(roll: Roll) -> None:
    senseless = ["\0" * 5000, '"' * 5000, "a\n" * 5000, '"\n' * 500, "﷽" * 500, ",,\0,,", "٣,٣,٣,٣,٣"]

    for text in senseless:
        for data in (text.encode(), file(text)):
            assert problems(roll, data)
