"""The campaign file: what it says, what is wrong with it, and that nothing is lost on the way there and back."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import date

import pytest

from app.campaigns import (
    RESERVED_SLUGS,
    CampaignFile,
    CampaignFileError,
    Problem,
    Target,
    decode,
    read,
    sample_source,
    warnings,
    write,
)
from app.campaigns.checks import TOPICS
from app.campaigns.files import normalise

SIGNED = "Dear [Decision Maker],\n\nPlease act.\n\n[Your Name]\n[Your Address]\n[City, State ZIP]\n[Your Email]"
HEAD = {
    "slug": '"save-the-creek"',
    "title": '"Tell Congress: Save the Creek"',
    "headline": '"Save the Creek"',
    "targets": '["us-senators", "us-representative"]',
    "subject": '"Please save the creek"',
}


def source(story: str = "It is drying up.", letter: str = SIGNED, **head: str) -> str:
    """A campaign file; keywords are TOML values, an empty one leaves the key out."""
    lines = [f"{key} = {value}" for key, value in (HEAD | head).items() if value]
    return "\n".join(["+++", *lines, "+++", "", "# Story", "", story, "", "# Letter", "", letter, ""])


def campaign(**changes: object) -> CampaignFile:
    file = CampaignFile(
        slug="save-the-creek",
        title="Tell Congress: Save the Creek",
        headline="Save the Creek",
        targets=(Target.SENATORS, Target.REPRESENTATIVE),
        subject="Please save the creek",
        story="It is drying up.",
        letter=SIGNED,
    )
    return replace(file, **changes)  # type: ignore[arg-type]  # the tests name fields and values as they need them


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(CampaignFileError) as caught:
        read(text)
    return caught.value.problems


def only_problem(text: str) -> Problem:
    (problem,) = problems(text)
    return problem


def test_a_file_is_read() -> None:
    assert read(source()) == campaign()


def test_days_are_read() -> None:
    file = read(source(opens="2030-03-02", closes="2030-03-02"))

    assert (file.opens, file.closes) == (date(2030, 3, 2), date(2030, 3, 2))


def test_the_sample_has_no_problems_and_no_warnings() -> None:
    file = read(sample_source())

    assert file.slug == "reunite-families"
    assert file.targets == (Target.SENATORS, Target.REPRESENTATIVE)
    assert warnings(sample_source()) == ()
    assert read(write(file)) == file


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"story": ""},
        {"story": "First.\n\n## A heading\n\n# Story\n\n+++\n\n```\n# Not a letter\n```"},
        {"letter": f"{SIGNED}\n\n# Letter\n\n# Story\n\n+++\nslug = 1\n+++"},
        {"letter": f"  indented  \n\n\n\ntrailing \t\n{SIGNED}  "},
        {"title": 'Quotes " \\ and <b>markup</b> & [sic] \U0001f98b ✊🏽 قف'},
        {"subject": "x" * 150, "title": "é" * 150},
        {"story": "\U0001f98b" * 20_000, "letter": "[Your Name]" + "字" * 9_989},
        {"targets": (Target.REPRESENTATIVE,)},
        {"targets": (Target.REPRESENTATIVE, Target.SENATORS)},
        {"opens": date(2030, 1, 1), "closes": date(2030, 2, 28)},
        {"opens": date(1, 1, 1)},
        {"slug": "a" * 64},
        {"headline": "+++"},
        {"story": "\u0646\u0627\u0632\u200c\u0646 \u2013 \u201cso\u201d \U0001f469\u200d\U0001f4bb"},
    ],
)
def test_what_is_written_is_read_again(changes: dict[str, object]) -> None:
    file = campaign(**changes)

    text = write(file)

    assert read(text) == file
    assert write(read(text)) == text


def test_nothing_is_lost_in_random_files() -> None:
    pieces = [
        "# Letter",
        "# Story",
        "+++",
        "",
        "  ",
        "[Your Name]",
        "x \t",
        "## y",
        "\ufeff",
        "é\U0001f98b",
        "\\",
        '"""',
    ]
    chance = random.Random(7)
    for _ in range(300):
        story = "\n".join(chance.choices([piece for piece in pieces if piece != "# Letter"], k=6))
        letter = "\n".join(chance.choices(pieces, k=8))
        text = source(story=story, letter=f"{letter}\n[Your Name]")
        file = read(text)
        assert read(write(file)) == file
        assert write(read(write(file))) == write(file)


@pytest.mark.parametrize(
    "changes",
    [
        {"story": "Above.\n# Letter\nBelow."},
        {"letter": f"{SIGNED}\n"},
        {"letter": f"\n{SIGNED}"},
        {"letter": SIGNED.replace("\n", "\r\n")},
        {"story": "  \n"},
        {"title": " spaced "},
        {"story": "a\u00a0blank"},
        {"letter": f"\ufeff{SIGNED}"},
    ],
)
def test_a_campaign_that_no_file_can_hold_is_not_written(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no campaign file can hold"):
        write(campaign(**changes))


def test_a_campaign_with_problems_is_not_written() -> None:
    with pytest.raises(CampaignFileError):
        write(campaign(letter="Dear [Your Nmae]"))


@pytest.mark.parametrize(
    "text",
    [
        source().replace("\n", "\r\n"),
        source().replace("\n", "\r"),
        "\ufeff" + source(),
        "\n\n" + source() + "\n \n\n",
        source().replace("+++", "+++ \t").replace("# Story", "# Story  ").replace("# Letter", "# Letter\t"),
        source(story="\n  \nIt is drying up.\n\n\t\n"),
    ],
)
def test_line_ends_marks_and_outer_blank_lines_do_not_matter(text: str) -> None:
    assert read(text) == campaign()


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        # The head.
        ("", 1, 1, "Begin the file with a line +++"),
        ("hello", 1, 1, "Begin the file with a line +++"),
        ("\n+++\nslug = 1\n", 4, 1, "Close the head with a line +++."),
        (source(slug="save"), 2, 8, "Write the head as TOML"),
        (source(extra="1\nextra = 2"), 8, 1, "Write the head as TOML"),
        (source(opens="2030-13-45"), 7, 9, "Write the day without quotes and without a time, like opens = 2030-03-02."),
        *(
            (source(goal=value), 7, column, f"without quotes, like goal = 2000: {why}")
            for value, column, why in (
                ("2\u2019000", 9, "“\u2019” (Right single quotation mark, U+2019) cannot stand in it."),
                ("2,000", 9, "“,” (Comma, U+002C) cannot stand in it."),
                ("2\u201a000  # of us", 9, "“\u201a” (Single low-9 quotation mark, U+201A) cannot stand in it."),
                ("2\u00a0000", 9, "a blank cannot stand in it."),
                ("2OOO", 9, "“O” (Latin capital letter o, U+004F) cannot stand in it."),
                ("2\u041e00", 9, "“\u041e” (Cyrillic capital letter o, U+041E) cannot stand in it."),
                ("\uff12000", 8, "\uff12 is a full-width sign (U+FF12); write 2 instead."),
                ("\u201c2000\u201d", 8, "“\u201c” (Left double quotation mark, U+201C) cannot stand in it."),
                ("many", 8, "“m” (Latin small letter m, U+006D) cannot stand in it."),
            )
        ),
        (source(goal="2000 \uff03 so many"), 7, 13, "\uff03 is a full-width sign (U+FF03); write # instead."),
        (source(goal="02000"), 7, 8, "Write goal as a whole number without quotes, like goal = 2000."),
        (source(goal="2.000,5"), 7, 9, "like goal = 2000: “.” (Full stop, U+002E) cannot stand in it."),
        (source(goal='"1,500"'), 7, 1, "Write goal as a whole number without quotes, like goal = 1500."),
        *(
            (source(closes=value), 7, column, f"without a time, like closes = {day}: ")
            for value, column, day in (
                ("03/02/2030", 12, "2030-03-02"),
                ("25.12.2030", 12, "2030-12-25"),
                ("2030/3/2", 14, "2030-03-02"),
                ("2030-\u0662-02", 15, "2030-02-02"),
                ("March 2, 2030", 10, "2030-06-30"),
                ("2030\u201103\u201102", 14, "2030-03-02"),
            )
        ),
        (source(goal="1", **{'"goal"': "2"}), 8, 1, "Write the head as TOML"),
        (source(opens="9" * 5000), 7, 1, "a value is too large or too deep"),
        (source(opens="[" * 5000), 7, 1, "Write the head as TOML"),
        (source(titel='"x"'), 7, 1, "There is no key titel; write title."),
        (source(colour='"x"'), 7, 1, "There is no key colour; the keys are slug, title"),
        (source(goals="1000"), 7, 1, "There is no key goals; write goal."),
        (source(closes="2030-01-01\n[texts]\na = 1"), 8, 1, "There is no key texts;"),
        # Its values.
        (source(subject=""), 2, 1, 'Add a line like subject = "…".'),
        (source(subject='""'), 6, 1, "Write the subject between the quotes."),
        (source(subject="7"), 6, 1, "Write the subject between quotes."),
        (source(subject='"' + "x" * 151 + '"'), 6, 1, "Shorten subject to 150 characters; it has 151."),
        (source(subject='"""a\nb"""'), 6, 1, "Write subject on one line"),
        (source(subject='"a\\r\\nBcc: b@example.org"'), 6, 1, "Write subject on one line"),
        (source(subject='"Dear\\u0007b"'), 6, 1, "one line: there is the control character U+0007 after “Dear”."),
        (source(subject='"Hear [Your Name]"'), 6, 17, "Write subject without [Your Name]"),
        (source(title='"' + "x" * 10_000 + '"'), 3, 1, "Shorten title to 150 characters; it has 10,000."),
        (source(title='"a\\u0000b"'), 3, 1, "Write title on one line"),
        (source(title=""), 2, 1, "Add a line like title"),
        (source(headline='"a\\tb"'), 4, 1, "Write headline on one line"),
        (source(slug='"Save"'), 2, 9, "Write slug in small letters"),
        (source(slug='"save--it"'), 2, 13, "Write slug in small letters"),
        (source(slug='" save the creek"'), 2, 14, "a blank cannot stand in it."),
        (source(slug='"Ｓave"'), 2, 9, "“S” (Latin capital letter s, U+0053) cannot stand in it."),
        (source(slug='"-save"'), 2, 1, "Write slug in small letters"),
        (source(slug='"../etc"'), 2, 9, "like reunite-families: “.” (Full stop, U+002E) cannot stand in it."),
        (source(slug='"é"'), 2, 9, "“é” (Latin small letter e with acute, U+00E9) cannot stand in it."),
        (source(slug='"cr\u0435ek"'), 2, 11, "\u0435 is a Cyrillic letter (U+0435); write e instead."),
        (source(slug='"' + "a" * 65 + '"'), 2, 1, "Shorten slug to 64 characters; it has 65."),
        (source(slug='"privacy"'), 2, 1, "the site keeps “privacy” for itself"),
        (source(targets=""), 2, 1, "Add a line like targets"),
        (source(targets="[]"), 5, 1, "Name at least one target"),
        (source(targets='"us-senators"'), 5, 1, "Name at least one target"),
        *(
            (source(targets=f'["{name}"]'), 5, 13, f"There is no target '{name}'; write us-senators.")
            for name in ("us-senator", "senators", "US Senate", "u.s. senators", "your senators", "us_senatros")
        ),
        *(
            (source(targets=f'["{name}"]'), 5, 13, f"There is no target '{name}'; write us-representative.")
            for name in ("us-rep", "your representative", "House", "us-representatives", "Congresswoman")
        ),
        *(
            (source(targets=f'["us-senators",\n "{name}"]'), 6, 3, f"'{name}'; a campaign writes to Congress only,")
            for name in ("state-senator", "state-senators", "state-representative", "governor", "city-council", "mayor")
        ),
        (source(targets='["us-president"]'), 5, 13, "and the targets are us-senators and us-representative."),
        (source(targets='["us-s\u0435nators"]'), 5, 13,
         "', with “\u0435” (Cyrillic small letter ie, U+0435) in the place of e; write us-senators."),
        (source(targets="[{a = 2}]"), 5, 1, "There is no target"),
        (source(targets='["us-senators", "us-senators"]'), 5, 1, "Name each target once."),
        (source(opens='"2030-01-01"'), 7, 1, "Write the day without quotes"),
        (source(opens="2030-01-01T00:00:00Z"), 7, 1, "Write the day without quotes and without a time"),
        (source(opens="2030-01-02", closes="2030-01-01"), 8, 1, "Set closes to the day of opens or to a later one."),
        # Signs that look like others.
        (source(title="“Save it”"), 3, 9, "“ is a curly quote (U+201C); write \" instead."),
        (source(title='"Save it”'), 3, 17, "” is a curly quote (U+201D); write \" instead."),
        (source(title="‘Save it’"), 3, 9, "‘ is a curly quote (U+2018); write ' instead."),
        (source(opens="2030–03–02"), 7, 13, "– is a dash (U+2013); write - instead."),
        (source().replace("slug =", "slug："), 2, 5, "in a key/value pair, at “：” (Fullwidth colon, U+FF1A)"),
        (source(language='"\u0435n"'), 7, 13, "language '\u0435n', with “\u0435” (Cyrillic small letter ie"),
        (source(topic='"L\u0430w"'), 7, 11, "(Cyrillic small letter a, U+0430) in the place of a; write Law."),
        (source(title='"Hear [Y\u043eur Name]"'), 3, 15, "[Y\u043eur Name], with “\u043e” (Cyrillic"),
        (source(slug='"a\ue000b"'), 2, 10, "U+E000, a sign that only some fonts have cannot stand in it."),
        (source().replace("slug =", "slug ＝"), 2, 6, "＝ is a full-width sign (U+FF1D); write = instead."),
        (source().replace("slug =", "\u0455lug ="), 2, 1, "\u0455 is a Cyrillic letter (U+0455); write s instead."),
        (source(**{"count–from": "5"}), 7, 6, "– is a dash (U+2013); write - instead."),
        (source(**{'"g\u043eal"': "5"}), 7, 1, ", with “\u043e” (Cyrillic small letter o, U+043E) in the place of o; "),
        (source(title='Save it # “it”'), 3, 9, "TOML, like title = \"Reunite Families\" (Invalid value, at S)."),
        (source(title="`Save`"), 3, 9, "at “`” (Grave accent, U+0060))."),
        (source(goal="1\nтopic = 1"), 8, 1, "(Invalid statement, at “т” (Cyrillic small letter te, U+0442))."),
        (source(title='"Save'), 3, 14, "(Illegal character '\\n', at the end of the line)."),
        (source().replace("# Letter", "**Letter**"), 13, 1, "Write this heading as “# Letter”."),
        (source().replace("+++", "–––"), 1, 1, "Instead of it stands “–––”, with “–” (En dash, U+2013) in the"),
        (source().replace("+++", "—-"), 1, 1, "Instead of it stands “—-”, with “—” (Em dash, U+2014)"),
        (source().replace("+++", "—"), 1, 1, "Instead of it stands “—”, with “—” (Em dash, U+2014)"),
        (source().replace("+++", "+＋+"), 1, 1, "with “＋” (Fullwidth plus sign, U+FF0B) in the place of +."),
        (source().replace("+++", "---"), 1, 1, "Instead of it stands “---”."),
        (source().replace("+++\n\n#", "＋＋＋\n\n#"), 7, 1, "a line +++ instead of “＋＋＋”, with “＋” ("),
        (source().replace("# Story", "# St\u043ery"), 9, 5, "“# Story”: \u043e is a Cyrillic letter (U+043E)"),
        (source(letter=f"{SIGNED}\n# L\u0435tter"), 23, 4, "“# Letter”: \u0435 is a Cyrillic letter (U+0435)"),
        (source(story="x\n# L\u0435tter"), 12, 4, "“# Letter”: \u0435 is a Cyrillic letter (U+0435)"),
        (source(letter=f"{SIGNED}\n\u266f Letter"), 23, 1, "“# Letter”: \u266f is a music sharp sign (U+266F)"),
        (source().replace("# Letter", "# Letter\uff1a"), 13, 9, "(Fullwidth colon, U+FF1A) cannot stand in it."),
        (source().replace("+++\n\n#", "\u5341\u5341\u5341\n\n#"), 7, 1, "U+5341) in the place of +."),
        (source().replace("+++", "\u201c+++\u201d"), 1, 1, "Instead of it stands “\u201c+++\u201d”, with “\u201c”"),
        (source(letter=f"{SIGNED}\n[Your Name\uff3d"), 23, 1,
         "with “\uff3d” (Fullwidth right square bracket, U+FF3D) in the place of ]: write [Your Name]."),
        (source().replace("# Letter", "#\tLetter"), 13, 2, "“# Letter”: there is a tab after “#”."),
        (source().replace("# Letter", "#  Letter"), 13, 2, "“# Letter”: there are several blanks after “#”."),
        (source().replace("# Letter", " # Letter"), 13, 1, "“# Letter”: there is a blank before it."),
        (source().replace("# Letter", "＃ Letter"), 13, 1, "“# Letter”: ＃ is a full-width sign (U+FF03); write #"),
        (source(letter=f"Dear [Y\u043eur Name],\n{SIGNED}"), 15, 6,
         "[Y\u043eur Name], with “\u043e” (Cyrillic small letter o, U+043E) in the place of o; write [Your Name]."),
        (source(letter=SIGNED.replace("City,", "City\u201a")), 21, 1,
         ", with “\u201a” (Single low-9 quotation mark, U+201A) in the place of ,; write [City, State ZIP]."),
        (source(targets='["us-senators"\u201a "us-representative"]'), 5, 25, "write ' or , instead."),
        (source(letter="Dear [Decision Maker],\n\n［Your Name］"), 17, 1, "is signed: “［” begins no merge field"),
        (source(letter="Dear [Decision Maker],\n\nAct, {{your name}}"), 17, 6, "is signed: “{{” begins no merge field"),
        # The sections.
        (source().replace("# Story", "## story:"), 9, 1, "Write this heading as “# Story”."),
        (source().replace("# Letter", "#Letter"), 13, 1, "Write this heading as “# Letter”."),
        (source().replace("# Story\n\nIt is drying up.\n", ""), 8, 1, "Add a line “# Story” below the head"),
        (source().replace("# Letter\n", ""), 9, 1, "Add a line “# Letter” above the letter."),
        (source().replace("# Story", "stray\n# Story"), 9, 1, "Move this text below “# Story”, or remove it."),
        (source(story="x" * 20_001), 11, 1, "Shorten the story to 20,000 characters; it has 20,001."),
        (source(letter=""), 14, 1, "Write the letter below “# Letter”."),
        (source(letter="[Your Name]" + "x" * 9_990), 15, 1, "Shorten the letter to 10,000 characters; it has 10,001."),
        (source(story="a\nb\x00c\x1bd"), 12, 2, "Remove the control character U+0000 after “b”, and 1 more."),
        (source(letter=f"{SIGNED}\x81"), 22, 13, "U+0081 after “[Your Email]”."),
        # The letter.
        (source(letter=f"Dear friend, it is [Your Nmae]\n{SIGNED}"), 15, 20, "[Your Nmae]; write [Your Name]."),
        (source(letter=f"{SIGNED} [your name]"), 22, 14, "There is no merge field [your name]; write [Your Name]."),
        (source(letter=f"{SIGNED} [ Your Name ]"), 22, 14, "There is no merge field [ Your Name ]; write [Your Name]."),
        (source(letter=f"{SIGNED} [sic]"), 22, 14, "no merge field [sic]; use one of [Decision Maker], "),
        (source(letter=f"{SIGNED} [sic]"), 22, 14, "or round brackets if it is plain text"),
        (source(letter=f"{SIGNED}\n[Your Name\nx"), 23, 1, "Close the bracket: write [Your Name]."),
        (source(letter=f"{SIGNED}\n[your email and more"), 23, 1, "Close the bracket: write [Your Email]."),
        (source(letter="Dear [Decision Maker],\n\nPlease act."), 17, 1, "Put [Your Name] where the letter is signed"),
    ],
)  # fmt: skip
def test_a_problem_has_its_place_and_says_what_to_do(text: str, line: int, column: int, words: str) -> None:
    problem = only_problem(text)

    assert (problem.line, problem.column) == (line, column)
    assert words in problem.message
    assert str(problem) == f"line {line}, column {column}: {problem.message}"


INVISIBLE = [
    source().replace("[Your Name]", "[Your\tName]").replace("[Your Email]", "[Your \u00a0Email]"),
    source()
    .replace("[Your Name]", "[Your\u00a0Name]")
    .replace("[City, State ZIP]", "[City,\u2009Stat\u00ade ZIP\u200b]"),
    source()
    .replace("slug", "sl\u200bug")
    .replace("save-the", "save\u2011the")
    .replace("us-senators", "us\u2013senators"),
    source()
    .replace("+++", "\u200b+++\u00a0")
    .replace("# Story", "#\u00a0Story\u2060")
    .replace("# Letter", "# Let\u00adter"),
    source().replace("Save the Creek", "Save\u2028the\u00a0Creek").replace("slug =", "slug\u00a0="),
    source().replace("\n\nPlease act.", "\u2029\u2028Please\u202b act.\u202c"),
    source(language='"ｅｎ"', targets='["us-senators", "us\u2212representative"]'),
    source().replace("# Letter", "#\ufe0f Letter").replace("[Your Name]", "[Your Name]\ufe0f"),
    source(subject='"Please save\\u00a0the creek\\u2028"'),
]


@pytest.mark.parametrize("text", INVISIBLE)
def test_blanks_dashes_and_marks_that_nobody_sees_do_not_matter(text: str) -> None:
    assert read(text) == campaign()
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    "letter",
    [
        "Dear {{Decision Maker}},",
        "【your email】",
        "<<Your Address>>",
        "［Edit from here］",
        "[[Your Name]]",
        "（Your Email）",
        "«Your Name»",
        "{{Y\u043eur Name}}",
    ],
)
def test_a_merge_field_between_other_brackets_is_pointed_out(letter: str) -> None:
    found = [str(problem) for problem in warnings(source(letter=f"{letter}\n{SIGNED}"))]

    assert [problem.partition(",")[0] for problem in found if "begins no merge field" in problem] == ["line 15"]


def test_a_sign_that_another_program_lost_is_pointed_out() -> None:
    found = [str(problem) for problem in warnings(source(story="The caf\ufffd"))]

    said = "There is “\ufffd” (Replacement character, U+FFFD) after “The caf”: is this what you wrote?"
    assert f"line 11, column 8: {said}" in found


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    found = problems(source(slug='"Sent"', subject="", opens='"x"', letter="Dear [Decison Maker], [Email]\x07"))

    assert [(problem.line, problem.message.split(maxsplit=2)[:2]) for problem in found] == [
        (2, ["Add", "a"]),
        (2, ["Write", "slug"]),
        (6, ["Write", "the"]),
        (15, ["Put", "[Your"]),
        (15, ["There", "is"]),
        (15, ["There", "is"]),
        (15, ["Remove", "the"]),
    ]


def test_a_missing_section_does_not_hide_the_problems_of_the_head() -> None:
    found = problems(source(slug='"Sent"').replace("# Letter\n", ""))

    assert [problem.line for problem in found] == [2, 9]


@pytest.mark.parametrize("text", ["[1]", "[see https://example.org/a/very/long/address/here]", "[", "]", "[]", "a[0]"])
def test_a_bracket_that_does_not_look_like_a_field_is_text(text: str) -> None:
    assert text in read(source(letter=f"{SIGNED}\n{text}")).letter


def test_a_bracket_over_two_lines_is_text() -> None:
    read(source(letter=f"{SIGNED}\n[as the\nTimes wrote]"))


def test_brackets_in_the_story_are_markdown() -> None:
    assert read(source(story="See [our site](https://example.org).")).story == "See [our site](https://example.org)."


@pytest.mark.parametrize("slug", sorted(RESERVED_SLUGS))
def test_no_campaign_takes_an_address_of_the_site(slug: str) -> None:
    assert "the site keeps" in only_problem(source(slug=f'"{slug}"')).message


def test_the_addresses_that_are_promised_are_reserved() -> None:
    assert {
        "sent", "confirm", "receipt", "privacy", "healthz", "mailbox", "static", "admin", "desk", "api", "login",
        "logout", "favicon", "robots", "en", "es", "campaigns", "signatures",
    } <= RESERVED_SLUGS  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (source(story=""), 10, "The story is empty"),
        (source(story="a\nSigned, [Your Name]"), 12, "[Your Name] is not filled in a story."),
        (source(story="a\nSigned, [Y\u043eur Name]"), 12, "[Y\u043eur Name] is not filled in a story."),
        (source(letter=f"{SIGNED}\n# Story - es"), 23, "The line “# Story - es” is text here"),
        (source(letter=SIGNED.replace("[Decision Maker]", "Senator")), 15, "greets nobody"),
        (source(letter=SIGNED.replace("[Your Address]", "-")), 22, "ends without [Your Address]"),
        (source(letter=SIGNED.replace("[City, State ZIP]", "-")), 22, "ends without [City, State ZIP]"),
        (source(letter=SIGNED.replace("[Your Email]", "-")), 22, "ends without [Your Email]"),
        (source(letter=f"{SIGNED}\n# Letter"), 23, "it begins below the first “# Letter”"),
    ],
)
def test_what_may_be_meant_is_a_warning(text: str, line: int, words: str) -> None:
    no_topic, warning = warnings(text)

    assert "There is no topic" in no_topic.message
    assert warning.line == line
    assert words in warning.message


def test_a_topic_is_one_of_the_thirty_two_word_for_word() -> None:
    assert len(TOPICS) == 32
    file = read(source(topic='"Environmental Protection"'))
    assert file.topic == "Environmental Protection"
    assert read(write(file)) == file
    assert not any("topic" in warning.message for warning in warnings(source(topic='"Immigration"')))


@pytest.mark.parametrize(
    ("topic", "hint"),
    [('"immigration"', "write Immigration"), ('"Enviromental Protection"', "write Environmental Protection"),
     ('"x"', "the topics are Agriculture and Food; Animals;"), ("7", "the topics are"), ("[]", "the topics are"),
     ('""', "the topics are")],
)  # fmt: skip
def test_another_topic_is_an_error_that_names_the_nearest(topic: str, hint: str) -> None:
    with pytest.raises(CampaignFileError) as caught:
        read(source(topic=topic))

    (problem,) = caught.value.problems
    assert (problem.line, hint in problem.message) == (7, True)


def test_bytes_that_are_not_utf_8_are_refused_with_their_place() -> None:
    with pytest.raises(
        CampaignFileError, match="line 2, column 3: Save the file as UTF-8 text: here is the byte E9, whi"
    ):
        decode("+++\né".encode() + b"x\xe9")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (source().encode("utf-16"), "it is in UTF-16"),
        (source().encode("utf-16-le"), "it seems to be in UTF-16"),
        (source().encode("utf-16-be"), "it seems to be in UTF-16"),
        (source().encode("utf-32"), "it is in UTF-32"),
        (b"PK\x03\x04\x14\x00word/document.xml", "it is a document of a word processor or a spreadsheet"),
        (b"{\\rtf1\\ansi Dear}", "it is a document in Rich Text Format"),
        (b"%PDF-1.7", "it is a PDF"),
    ],
)
def test_a_file_that_is_something_else_is_told_what_it_is(data: bytes, why: str) -> None:
    with pytest.raises(CampaignFileError, match=f"line 1, column 1: Save the file as UTF-8 text: {why}"):
        decode(data)


def test_a_huge_file_is_refused() -> None:
    assert decode(b"x" * 262_144)
    with pytest.raises(CampaignFileError, match="Shorten the file to 256 kB"):
        decode(b"x" * 262_145)


@pytest.mark.parametrize(
    "text",
    [
        "+++\n" + "".join(f"k{number} = 1\n" for number in range(20_000)) + "+++\n# Story\n# Letter\n",
        source(targets='["' + '", "'.join(["us-senatr"] * 15_000) + '"]'),
        source(letter="[a]" * 80_000),
        source(story=" " * 250_000 + "x", letter="\n" * 9_000 + SIGNED),
        "+++\n" + " " * 250_000 + "\nx = 1\n+++\n",
        "+++\n" * 60_000,
        "\n" * 250_000,
    ],
)
def test_a_senseless_file_is_refused_soon(text: str) -> None:
    before = time.monotonic()
    assert len(problems(text)) < 40
    assert time.monotonic() - before < 5
