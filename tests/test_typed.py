"""What people paste, in one form before it is judged; and the names of signs that nobody sees."""

from __future__ import annotations

import pytest

from app.addresses import parse_military, parse_state, parse_zip
from app.typed import Stray, code, correction, described, line, lines, meant_by, plain_form, prose, shown, strays

# By eye nothing can be told of most of these, so they stand here by their numbers.
LINES = [
    ("  Ana  Ruiz ", "Ana Ruiz"),
    ("Jose\u0301", "Jos\u00e9"),
    *((f"Ana{blank}Ruiz", "Ana Ruiz") for blank in "\t\u00a0\u1680\u2000\u2003\u2009\u200a\u202f\u205f\u2800\u3000"),
    *((f"12 Main{end}Apt 3", "12 Main Apt 3") for end in ("\n", "\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029")),
    *(
        (f"An{mark}a", "Ana")
        for mark in "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2063"
        "\u2066\u2067\u2068\u2069\u206e\u3164\ufe0f\ufeff\uffa0\ufff9\U000e0041\U000e0001"
    ),
    ("\ufeffAna\u200b \u200bRuiz\ufeff", "Ana Ruiz"),
    # What carries a meaning stays: a name keeps its own dash and apostrophe, scripts and pictures their joiners.
    ("Anne\u2010Marie O\u2019Brien \u2013 Ka\u02bbiulani", "Anne\u2010Marie O\u2019Brien \u2013 Ka\u02bbiulani"),
    ("\u0646\u0627\u0632\u200c\u0646\u06cc\u0646", "\u0646\u0627\u0632\u200c\u0646\u06cc\u0646"),
    ("\u0915\u094d\u200d\u0937 \u0915\u094d\u200d", "\u0915\u094d\u200d\u0937 \u0915\u094d\u200d"),
    ("\u0646\u200c\u200c\u0627 \u0646\u200c", "\u0646\u200c\u0627 \u0646"),
    ("\u845b\U000e0100", "\u845b\U000e0100"),
    ("#\ufe0f\u20e3 #\ufe0f", "#\ufe0f\u20e3 #"),
    *((picture, picture) for picture in ("\U0001f469\u200d\U0001f4bb", "\u2764\ufe0f\u200d\U0001f525")),
    ("\U0001f3f4\U000e0067\U000e0062\U000e007f\U000e0062", "\U0001f3f4\U000e0067\U000e0062\U000e007f"),
    ("A\x07\ud800\ufdd0\ufffd", "A\x07\ud800\ufdd0\ufffd"),
]  # fmt: skip


@pytest.mark.parametrize(("pasted", "kept"), LINES)
def test_a_line_is_brought_into_one_form(pasted: str, kept: str) -> None:
    assert line(pasted) == kept
    assert line(kept) == kept


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [
        ("One.\u2028Two.\u2029\x85Three.\v\fFour.\r\n", "One.\nTwo.\n\nThree.\n\nFour."),
        (" \u202bIn\u00a0my\u202c \n\n\tand\u200b \u2013 \u201cso\u201d ", "In my\n\n and \u2013 \u201cso\u201d"),
        ("\ufeff\n a\u00adb \n", "ab"),
        ("\x93I\x92m here\x94 \x96 \uf0b7 for you\ufffc", "“I’m here” – • for you"),
    ],
)  # fmt: skip
def test_a_text_of_several_lines_is_brought_into_one_form(pasted: str, kept: str) -> None:
    assert prose(pasted) == kept
    assert prose(kept) == kept


def test_a_file_keeps_its_tabs_and_the_blanks_at_the_ends_of_its_lines() -> None:
    assert lines("\ufeffa \t\u00a0\r\n\n b\u200b\u2028c") == "a \t \n\n b\nc"


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [
        *((f"1{dash}2", "1-2") for dash in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d\u2043\u30fc"),
        ("82001\ufe0f", "82001"),
        ("a\u201a b", "a, b"),
        ("\uff18\uff12\uff10\uff10\uff11", "82001"),
        ("\u0668\u0662\u0660\u0660\u0661", "82001"),
        ("\U0001d7d6\u200d2\ufe0f001", "82001"),
        ("o\u2019hara\uff20example\uff0eorg", "o'hara@example.org"),
        ("us\u2013senators", "us-senators"),
        ("j\u00f6rg", "j\u00f6rg"),
    ],
)  # fmt: skip
def test_a_code_is_written_in_plain_signs(pasted: str, kept: str) -> None:
    assert code(pasted) == kept
    assert code(kept) == kept


def test_what_cannot_be_shown_is_found_with_the_word_before_it() -> None:
    text = "\x07Dear Sir\ud800 and my very long own words,\nfor you\ufdd0 Jos\ufffd"

    assert list(strays(text)) == [
        Stray("\x07", "", 0),
        Stray("\ud800", "Dear Sir", 9),
        Stray("\ufdd0", "for you", 46),
        Stray("\ufffd", "for you Jos", 51),
    ]
    assert [found.described for found in strays("\x07a\x07")] == [
        "the control character U+0007 at the beginning of the line",
        "the control character U+0007 after “a”",
    ]
    assert shown(text) == "\ufffdDear Sir\ufffd and my very long own words,\nfor you\ufffd Jos\ufffd"
    assert [found.after for found in strays("one two three four five six seven\0")] == ["four five six seven"]
    assert [found.after for found in strays("x" * 50 + "\0")] == ["x" * 20]
    assert list(strays("a\nb\tc – é")) == []


@pytest.mark.parametrize(
    ("sign", "words", "meant"),
    [
        ("\u201c", "“\u201c” (Left double quotation mark, U+201C)", '"'),
        ("\u2019", "“\u2019” (Right single quotation mark, U+2019)", "'"),
        ("\u2013", "“\u2013” (En dash, U+2013)", "-"),
        ("\uff1d", "“\uff1d” (Fullwidth equals sign, U+FF1D)", "="),
        ("\u0435", "“\u0435” (Cyrillic small letter ie, U+0435)", "e"),
        ("\u039f", "“\u039f” (Greek capital letter omicron, U+039F)", "O"),
        ("é", "“é” (Latin small letter e with acute, U+00E9)", None),
        ("½", "“½” (Vulgar fraction one half, U+00BD)", None),
        ("\u200b", "the invisible sign U+200B (Zero width space)", None),
        ("\x07", "the control character U+0007", None),
        ("\ud800", "U+D800, half a character", None),
        ("\ufffe", "U+FFFE, which is no character", None),
        ("\n", "the end of a line", None),
        ("\t", "a tab", None),
        (" ", "a blank", None),
        ("a", "“a” (Latin small letter a, U+0061)", None),
    ],
)
def test_a_sign_is_named_and_what_was_meant_by_it(sign: str, words: str, meant: str | None) -> None:
    assert described(sign) == words
    assert meant_by(sign) == meant


@pytest.mark.parametrize(
    ("sign", "words"),
    [
        ("\u201c", '\u201c is a curly quote (U+201C); write " instead'),
        ("\u2013", "\u2013 is a dash (U+2013); write - instead"),
        ("\uff0b", "\uff0b is a full-width sign (U+FF0B); write + instead"),
        ("\u0435", "\u0435 is a Cyrillic letter (U+0435); write e instead"),
        ("\u03bf", "\u03bf is a Greek letter (U+03BF); write o instead"),
        ("\u0662", "\u0662 is an Arabic-Indic digit (U+0662); write 2 instead"),
        ("\u00b2", "\u00b2 is a superscript two (U+00B2); write 2 instead"),
        ("\u00ab", '\u00ab is a left-pointing double angle quotation mark (U+00AB); write " instead'),
        ("\u2032", "\u2032 is a prime (U+2032); write ' instead"),
        ("\u00b4", "\u00b4 is an acute accent (U+00B4); write ' instead"),
        ("\u201a", "\u201a is a single low-9 quotation mark (U+201A); write ' or , instead"),
        ("\u3001", "\u3001 is an ideographic comma (U+3001); write , instead"),
        ("é", "“é” (Latin small letter e with acute, U+00E9) cannot stand here"),
    ],
)
def test_what_was_typed_for_another_sign_is_told_with_what_to_write(sign: str, words: str) -> None:
    assert correction(sign) == words


def test_a_word_of_look_alikes_is_read_as_people_read_it() -> None:
    assert plain_form("# St\u043ery \uff0d \u201cx\u201d") == '# Story - "x"'


@pytest.mark.parametrize(
    ("typed", "zip_code"),
    [
        *((typed, "82001") for typed in ("82001", " 82001 ", "8200\u200b1", "82001-", "82001 \u2013", "ZIP 82001")),
        *(
            (typed, "82001")
            for typed in ("zip code: 82001", "WY 82001", "wy, 82001", "WY82001", "US-82001", "AE 82001")
        ),
        *((typed, "82001") for typed in ("82001, USA", "82001 U.S.A.", "(82001)", "82001.", "'82001")),
        *(
            (typed, "82001-1234")
            for typed in ("82001-1234", "82001\u20131234", "82001 - 1234", "82001 1234", "820011234")
        ),
        *((typed, "82001-1234") for typed in ("ZIP+4 82001-1234", "82001_1234", "82001.1234", "#82001/1234")),
        *((typed, "82001") for typed in ("82001 WY", "8 2 0 0 1", "820 01")),
        *(
            (typed, None)
            for typed in ("", "8200", "8200-1", "820012", "82001-12", "82001-12345", "8200l", "XX 82001", "SW1A 1AA")
        ),
        *((typed, "82001-1234") for typed in ("82001⁄1234", "82001-1234-")),
        *((typed, "82001") for typed in ("CP 82001", "C.P. 82001", "Código postal: 82001", "82001-")),
        *((typed, None) for typed in ("82001 82002", "zip")),
    ],
)
def test_a_zip_code_is_read_as_people_write_it(typed: str, zip_code: str | None) -> None:
    assert parse_zip(typed) == zip_code


@pytest.mark.parametrize(
    ("typed", "military"),
    [
        *((typed, "AE") for typed in ("AE", "a.e.", "APO AE", "FPO, AE", "Armed Forces Europe")),
        *((typed, "AP") for typed in ("A.P.", "Armed Forces Pacific (AP)")),
        *((typed, typed.upper()) for typed in ("APO", "fpo", "DPO")),
        *((typed, None) for typed in ("", "CA", "Europe", "APO CA")),
    ],
)
def test_military_mail_is_known_by_its_names(typed: str, military: str | None) -> None:
    assert parse_military(typed) == military


@pytest.mark.parametrize(
    ("typed", "state"),
    [
        *((typed, "CA") for typed in ("CA", "ca", " c\u200ba ", "\uff23\uff21", "California", "CALIFORNIA", "Calif.")),
        *((typed, "CA") for typed in ("Cal.", "US-CA", "State of California")),
        *((typed, "DC") for typed in ("DC", "D.C.", "Washington, D.C.", "Washington DC", "District of Columbia")),
        ("Washington", "WA"),
        ("Wash.", "WA"),
        ("N.Y.", "NY"),
        ("New\u00a0York", "NY"),
        ("W. Va.", "WV"),
        ("N. Mex.", "NM"),
        ("Hawai\u02bbi", "HI"),
        ("The Commonwealth of Massachusetts", "MA"),
        ("Puerto Rico", "PR"),
        ("Virgin Islands", "VI"),
        ("U.S. Virgin Islands", "VI"),
        ("CNMI", "MP"),
        *((typed, "TX") for typed in ("Texas (TX)", "TX - Texas", "TX, USA")),
        ("New York State", "NY"),
        ("Nuevo México", "NM"),
        ("nueva york", "NY"),
        ("Pensilvania", "PA"),
        ("Hawái", "HI"),
        ("Estado de Carolina del Norte", "NC"),
        ("TX - Ohio", None),
        *((typed, None) for typed in ("", "XX", "AE", "Ontario", "-", "C")),
    ],
)
def test_a_state_is_read_by_its_letters_its_name_and_its_short_names(typed: str, state: str | None) -> None:
    assert parse_state(typed) == state
