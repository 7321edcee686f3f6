"""Reading what somebody wrote back: the words, where its links lead, who wrote it, and what is no answer."""

from __future__ import annotations

import pytest

from app.delivery.answers import Answer
from app.delivery.bounces import Nothing, read
from app.delivery.opening import MOST_TEXT
from tests.delivery.returned import VERP, answer

HTML = 'text/html; charset="utf-8"'


def told(message: bytes) -> Answer:
    """What it is, which must be an answer."""
    tells = read(message).tells
    assert isinstance(tells, Answer)
    return tells


def several(kind: str, *parts: tuple[str, str]) -> bytes:
    """A message of parts: the head of each, beginning with its type, and what it holds."""
    body = "".join(f"--x\nContent-Type: {head}\n\n{held}\n" for head, held in parts)
    return answer(text=f"{body}--x--\n", kind=f'multipart/{kind}; boundary="x"', more="")


# --- the words --------------------------------------------------------------------------------------------------------


def test_an_automatic_answer_is_read_with_who_wrote_it_and_its_subject() -> None:
    assert told(answer()) == Answer(
        "We have received your letter and read every one.",
        is_automatic=True,
        name="Office",
        address="staff@office.example",
        reply_to="staff@office.example",
        subject="Automatic reply: The well",
    )


@pytest.mark.parametrize("mark", ["X-Autoreply: yes", "X-Autorespond: x", "Precedence: auto_reply", "Precedence: bulk"])
def test_the_marks_of_programs_that_answer_are_known(mark: str) -> None:
    assert told(answer(more=f"{mark}\n")).is_automatic


@pytest.mark.parametrize("more", ["", "Auto-Submitted: no\n"])
def test_an_answer_without_such_a_mark_is_a_persons(more: str) -> None:
    found = told(answer(text="Dear Ana, thank you.", subject="Re: The well", more=more))

    assert (found.text, found.is_automatic) == ("Dear Ana, thank you.", False)


def test_what_is_not_seen_in_an_answer_goes_and_what_is_long_is_cut() -> None:
    assert told(answer(text="a\x00b\x07c\u202ed\ue000\r\n\r\n\r\n\r\ne")).text == "abcd\ue000\n\ne"
    assert told(answer(text="a\n\u200c \u034f \u00ad\n\u200c\n\nb")).text == "a\n\nb"
    assert told(answer(text="می‌خواهم")).text == "می‌خواهم"
    long = told(answer(text="word " * 30_000)).text
    assert len(long) <= MOST_TEXT
    assert long.endswith("…")


@pytest.mark.parametrize("charset", ["iso-8859-1", "us-ascii", "windows-1252"])
def test_signs_of_windows_are_read_whatever_they_are_called(charset: str) -> None:
    message = answer(text="don~t", kind=f'text/plain; charset="{charset}"')

    assert told(message.replace(b"~", b"\x92")).text == "don’t"


def test_utf_8_that_is_called_ascii_is_read() -> None:
    assert told(answer(text="Señora", kind='text/plain; charset="us-ascii"')).text == "Señora"


def test_an_answer_in_html_keeps_where_its_links_lead() -> None:
    html = '<p>Dear Ana,<p>use <a href="https://lummis.senate.gov/contact">our form</a>.'

    assert told(answer(text=html, kind=HTML)).text == ("Dear Ana,\n\nuse our form <https://lummis.senate.gov/contact>.")


PLAIN, MARKED = ("text/plain", "plain"), (HTML, "<p>in HTML</p>")
ATTACHED = ('text/plain\nContent-Disposition: attachment; filename="a.txt"', "attached")
STUB = "This message is in HTML format, which your mail program does not support."


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (several("alternative", PLAIN, MARKED), "plain"),
        (several("alternative", MARKED, PLAIN), "plain"),
        (several("alternative", ("text/plain", ""), MARKED), "in HTML"),
        (several("alternative", ("text/plain", "\u200b\xa0\n \n"), MARKED), "in HTML"),
        (several("alternative", ("text/plain", STUB), MARKED), "in HTML"),
        (several("alternative", ("text/plain", "Su programa no admite correos en HTML."), MARKED), "in HTML"),
        (several("alternative", ("text/plain", "View this mail in your browser: x.gov/1"), MARKED), "in HTML"),
        (several("alternative", ("text/plain", STUB), (HTML, "<p></p>")), STUB),
        (several("mixed", ("text/plain", STUB)), STUB),
        (several("mixed", ATTACHED, PLAIN), "plain"),
        (several("mixed", MARKED, ("text/plain", "A footer.")), "in HTML\n\nA footer."),
        (several("mixed", ("text/plain", "above"), ("image/png", "x"), ("text/plain", "below")), "above\n\nbelow"),
        (several("related", MARKED, ("image/png", "x")), "in HTML"),
        (several("mixed", PLAIN, ("message/rfc822", "Subject: x\n\nquoted")), "plain"),
        (several("mixed", ("application/pdf", "x")), ""),
    ],
)  # fmt: skip
def test_of_several_parts_each_text_is_read_once_in_the_form_that_says_something(message: bytes, text: str) -> None:
    assert told(message).text == text


def test_the_plain_form_keeps_where_links_lead_of_which_it_has_only_the_words() -> None:
    related = '--y\nContent-Type: text/html\n\n<a href="https://x.gov/form">click here</a>.\n--y--'
    page = (HTML, '<a href="https://x.gov/form">click here</a>.')
    for form in (page, ('multipart/related; boundary="y"', related)):
        found = told(several("alternative", ("text/plain", "To write to us, click here."), form))

        assert found.text == "To write to us, click here <https://x.gov/form>."


def test_of_forms_within_parts_the_plain_ones_are_read() -> None:
    inner = "--y\nContent-Type: text/plain\n\nplain\n--y\nContent-Type: text/html\n\n<p>HTML</p>\n--y--"

    found = told(several("mixed", ('multipart/alternative; boundary="y"', inner), ("text/html", "<p>A footer.</p>")))

    assert found.text == "plain\n\nA footer."


def test_the_files_that_came_with_it_are_counted_but_for_pictures_and_signatures_in_it() -> None:
    found = told(
        several(
            "mixed",
            PLAIN,
            ('application/pdf; name="letter.pdf"', "x"),
            ATTACHED,
            ('image/jpeg\nContent-Disposition: attachment; filename="well.jpg"', "x"),
            ('image/png\nContent-Disposition: inline; filename="logo.png"\nContent-ID: <1@x>', "x"),
            ('application/pkcs7-signature; name="smime.p7s"\nContent-Disposition: attachment', "x"),
        )
    )

    assert (found.text, found.files) == ("plain", 3)


@pytest.mark.parametrize(
    "kind", ["message/rfc822", "text/calendar", "text/vcard", "text/csv", "image/jpeg", "font/ttf"]
)
def test_what_is_not_shown_counts_as_a_file_without_being_called_an_attachment(kind: str) -> None:
    assert told(several("mixed", PLAIN, (kind, "Subject: x\n\nx"))).files == 1


# --- who wrote it -----------------------------------------------------------------------------------------------------

SENDERS = {
    "a name": ("Jane Smith <jane@office.example>", "Jane Smith", "jane@office.example"),
    "a quoted name": ('"Smith, Jane (D-\\"WY\\")" <j@x.example>', 'Smith, Jane (D-"WY")', "j@x.example"),
    "an address": ("jane@office.example", "", "jane@office.example"),
    "an address in brackets": ("<jane@office.example>", "", "jane@office.example"),
    "an old form": ("jane@office.example (Jane Smith)", "Jane Smith", "jane@office.example"),
    "an encoded name": ("=?utf-8?q?Jos=C3=A9?= =?utf-8?q?_Ruiz?= <j@office.example>", "José Ruiz", "j@office.example"),
    "encoded and quoted": ('"=?iso-8859-1?q?Jos=E9?=" <j@office.example>', "José", "j@office.example"),
    "UTF-8 as it is": ("José <j@office.example>", "José", "j@office.example"),
    "a name that is the address": ("j@office.example <j@office.example>", "", "j@office.example"),
    "a name like another address": ('"a@senate.gov" <j@x.example>', "a@senate.gov", "j@x.example"),
    "a name like another mailbox": ('"A <a@senate.gov>" <j@x.example>', "A <a@senate.gov>", "j@x.example"),
    "another mailbox, encoded": ("=?utf-8?q?A_=3Ca=40senate.gov=3E?= <j@x.example>", "A <a@senate.gov>", "j@x.example"),
    "an encoded line end": ("=?utf-8?q?J=0D=0ABcc:_a=40y.example?= <j@x.example>", "J Bcc: a@y.example", "j@x.example"),
    "what turns its order": ("J\u202eane\u200b <j@x.example>", "J ane\u200b", "j@x.example"),
    "two mailboxes": ("Jane <j@x.example>, Ben <b@x.example>", "Jane", "j@x.example"),
    "two addresses": ("j@x.example, b@x.example", "", "j@x.example"),
    "no address": ("The Office", "The Office", ""),
    "an address of signs that are not seen": ("Jane <j\x00@x.exa\u202emple>", "Jane", ""),
    "nothing": ("", "", ""),
    "a charset that is none": ("=?no-such?q?Jane?= <j@x.example>", "=?no-such?q?Jane?=", "j@x.example"),
    "300 characters": (f"{'x' * 300} <j@x.example>", "x" * 99 + "…", "j@x.example"),
}  # fmt: skip


@pytest.mark.parametrize(("sender", "name", "address"), SENDERS.values(), ids=SENDERS)
def test_who_wrote_it_is_read_as_a_mail_program_shows_it(sender: str, name: str, address: str) -> None:
    found = told(answer(sender=sender, more=""))

    assert (found.name, found.address) == (name, address)
    assert found.reply_to == address


def test_where_the_writer_wants_to_be_answered_goes_before_the_address_of_the_writer() -> None:
    found = told(answer(more="Reply-To: Case 7 <case+7@office.example>, x@y.example\n"))

    assert (found.address, found.reply_to) == ("staff@office.example", "case+7@office.example")


@pytest.mark.parametrize(
    ("subject", "read_as"),
    [
        ("Re: The well", "Re: The well"),
        ("=?utf-8?b?UmU6IFPDoQ==?=\n =?utf-8?q?lvenos?=", "Re: Sálvenos"),
        ("=?utf-8?b?UmU6IFPDoQ==?= =?utf-8?q?lvenos?=", "Re: Sálvenos"),
        ("Re: Sálvenos", "Re: Sálvenos"),
        ("=?utf-8?q?a=0D=0Ab=E2=80=AEc?=", "a b c"),
        ("x" * 300, "x" * 199 + "…"),
        ("", ""),
    ],
)
def test_the_subject_is_read_in_one_line(subject: str, read_as: str) -> None:
    assert told(answer(subject=subject)).subject == read_as


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (Answer("", False, "Jane", "j@x.example"), "Jane <j@x.example>"),
        (Answer("", False, "", "j@x.example"), "j@x.example"),
        (Answer("", False, "Jane"), "Jane"),
        (Answer("", False), ""),
    ],
)
def test_the_writer_is_one_line(found: Answer, line: str) -> None:
    assert found.writer == line


@pytest.mark.parametrize(
    ("words", "address", "names_one"),
    [
        ("Thank you.", "j@x.example", True),
        ("Thank you.", "", False),
        ("Write to jane@x.example.", "", True),
        ("Use www.x.example.", "", True),
        ("Call (202) 224-3121.", "", True),
        ("Room 317, Washington, DC 20510", "", True),
    ],
)
def test_it_is_known_whether_it_names_an_address_of_its_writer(words: str, address: str, *, names_one: bool) -> None:
    assert Answer(words, False, address=address).names_an_address is names_one


# --- what is no answer ------------------------------------------------------------------------------------------------

RECEIPT = (
    "Reporting-UA: x\nFinal-Recipient: rfc822; staff@office.example\nDisposition: manual-action/MDN-sent-manually; {}"
)


@pytest.mark.parametrize("disposition", ["displayed", "deleted"])
@pytest.mark.parametrize(
    "kind", ["report; report-type=disposition-notification", 'report; REPORT-TYPE="Disposition-Notification"', "mixed"]
)
def test_a_read_receipt_is_no_answer(kind: str, disposition: str) -> None:
    parts = (
        ("text/plain", "Your message was read on Tuesday."),
        ("message/disposition-notification", RECEIPT.format(disposition)),
    )

    assert read(several(kind, *parts)).tells == Nothing("a receipt that it was opened, or was not, and no answer")


def test_a_read_receipt_alone_and_one_whose_part_is_missing_are_none_either() -> None:
    alone = answer(text=RECEIPT.format("displayed"), kind="message/disposition-notification", more="")
    text_only = several("report; report-type=disposition-notification", ("text/plain", "It was read."))

    for message in (alone, text_only):
        assert isinstance(read(message).tells, Nothing)


READ = "Your message\n\n   To: Office\n   Subject: The well\n\n{} Tuesday, 24 November 2026 10:15:02 (UTC)."
RECEIPTS = {
    "read": ("Read: The well", READ.format("was read on")),
    "deleted": ("Not read: The well", READ.format("was deleted without being read on")),
    "Spanish": ("Leído: The well", "Su mensaje fue leído el martes, 24 de noviembre de 2026 10:15:02."),
    "Spanish, deleted": ("No leído: The well", "El mensaje se eliminó sin leerlo el martes."),
    "German": ("Gelesen: The well", "Ihre Nachricht wurde am Dienstag, 24. November 2026 gelesen."),
    "French": ("Lu : The well", "Votre message a été lu le mardi."),
}


@pytest.mark.parametrize(("subject", "words"), RECEIPTS.values(), ids=RECEIPTS)
def test_a_read_receipt_in_words_alone_is_none_either(subject: str, words: str) -> None:
    assert isinstance(read(answer(subject=subject, text=words, more="")).tells, Nothing)


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("Re: The well", "Your letter was read on Tuesday, 24 November."),
        ("Read: the senator's plan", "It is on our page."),
        ("Leído: su carta", "Gracias por su carta."),
        ("Read: the plan", "It was read on 24 November. " + "We say more. " * 100),
    ],
)
def test_an_answer_that_tells_that_the_letter_was_read_is_one(subject: str, words: str) -> None:
    assert told(answer(subject=subject, text=words, more=""))


# --- a postmaster is a person, too ------------------------------------------------------------------------------------

ANSWERS = {
    "a program": ("Hello", "We have moved.", "Auto-Submitted: auto-replied\n"),
    "a person": ("Re: The well", "Dear Ana, I look after the mail here and have passed your letter on.", ""),
    "a person without Re": ("Your letter", "The senator has read it.", ""),
    "a subject that speaks of failures": ("Re: Stop the failed policy", "Thank you.", ""),
    "a subject that speaks of delays": ("RE: No delay for the well", "Thank you.", ""),
    "an automatic answer to such a subject": (
        "Automatic reply: Returned families",
        "Thank you.",
        "Auto-Submitted: auto-replied\n",
    ),
    "an address with a number": ("Re: The well", "Come to 425 C Street, room 550 - section 4.2.1 of the map.", ""),
    "a quotation": ("Re: The well", "Thank you.\n\n> the mail was not delivered, user unknown", ""),
    "words of bounces": (
        "Your letter",
        "Your letter was returned to sender by the mail room.\nPlease send it again. Bob, bob@x.gov, 202-224-3121",
        "",
    ),
    "a subject of bounces": ("Fwd: our failure to answer you", "Sorry for the failure of answers last month.", ""),
    "a subject of delays": ("A warning about the well", "The senator has read it.", ""),
    "a section": ("Your letter", "She knows of section 4.2.1 of the bill. It failed.", ""),
    "a quoted server": ("Your letter", "We have mended it.\n\n> said: 550 5.1.1 user unknown, not delivered", ""),
    "a number of letters": ("Your letter", "The senator said 500 letters came.", ""),
    "Spanish": ("Respuesta automática: El pozo", "Gracias por su carta.", "Auto-Submitted: auto-replied\n"),
}


POSTMASTERS = [
    "postmaster@office.example",
    "The Postmaster General <jane@usps.example>",
    "Mail Delivery Team <team@office.example>",
]


@pytest.mark.parametrize("sender", POSTMASTERS)
@pytest.mark.parametrize(("subject", "words", "more"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_of_a_postmaster_is_an_answer(sender: str, subject: str, words: str, more: str) -> None:
    found = told(answer(sender=sender, subject=subject, text=words, more=more))

    assert found.text == words
    assert found.is_automatic == bool(more)
    assert found.reply_to in sender


def test_a_program_that_sends_as_the_mail_server_and_says_that_it_answers_is_heard() -> None:
    found = told(answer(sender="MAILER-DAEMON@office.example", text="The senator reads every letter."))

    assert (found.text, found.is_automatic) == ("The senator reads every letter.", True)


def test_an_answer_finds_its_letter_by_the_address_alone() -> None:
    assert read(answer(text=f"To: {VERP.replace('0b7d', 'aaaa')}")).to == (VERP,)
