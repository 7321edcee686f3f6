"""The mails, byte by byte: headers, envelope, text; and what a hostile name or text can do to them (nothing)."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import getaddresses, parseaddr, parsedate_to_datetime
from typing import cast

import pytest

from app import create_app
from app.campaigns import CampaignFileError, read
from app.delivery.headers import display_name
from app.delivery.mails import (
    Composer,
    Correspondent,
    Identity,
    Links,
    SentLetter,
    Terms,
    Written,
    quoted_printable,
    wrapped,
)
from app.delivery.outbox import Composed, dated
from app.web.site import Site
from tests.delivery import rfc2047
from tests.delivery.factories import NOW
from tests.factories import campaign_source, config

UUID = "0b7d4d4e-6f3a-4d0e-9f0e-1c2d3e4f5a6b"
OFFICE = "l000571@offices.invalid"
ANA = Correspondent("Ana García", "ana@example.org")
CANARY = "Zyxomma"
LINKS = Links("https://act.example.org/receipt/abc", "https://act.example.org/receipt/abc/reminder")
TERMS = Terms(pending=timedelta(days=7), letters=timedelta(days=90))

Compose = Callable[..., Composed]


@pytest.fixture(scope="module")
def composer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composer]:
    app = create_app(config(tmp_path_factory.mktemp("mails")))
    with app.app_context():
        yield cast(Site, app.extensions["redress"]).composer


def letter(
    composer: Composer,
    signer: Correspondent = ANA,
    subject: str = "The well",
    body: str = "Dear Senator Lummis,\n\nplease.",
    address: str = OFFICE,
) -> Composed:
    return composer.letter(UUID, address, Written(subject, body, "en", has_own_words=False), signer, NOW)


def confirmation(composer: Composer, to: str = "ana@example.org", campaign: str = "The well") -> Composed:
    return composer.confirmation(
        UUID, Correspondent("", to), campaign, "https://act.example.org/confirm/abc", 3, 3, NOW
    )


def repeat(composer: Composer, to: str = "ana@example.org", campaign: str = "The well") -> Composed:
    return composer.repeat(UUID, Correspondent("", to), campaign, NOW - timedelta(days=2), NOW)


def copy(
    composer: Composer,
    signer: Correspondent = ANA,
    campaign: str = "The well",
    body: str = "Dear Senator",
    count: int = 2,
) -> Composed:
    letters = [
        SentLetter(f"Senator {number}", "Republican, Wyoming", "We e-mail it.", "The well", body, None)
        for number in range(count)
    ]
    return composer.copy(UUID, signer, campaign, letters, LINKS, NOW)


def reminder(composer: Composer, to: str = "ana@example.org", campaign: str = "The well") -> Composed:
    signer = Correspondent("Ana García", to)
    return composer.reminder(UUID, signer, campaign, ["Senator One"], LINKS, NOW, NOW + timedelta(days=2))


def notice(composer: Composer, to: str = "ana@example.org", campaign: str = "The well") -> Composed:
    return composer.notice(UUID, Correspondent("Ana García", to), campaign, LINKS, NOW)


ALL: dict[str, Compose] = {
    "notice": notice,
    "reminder": reminder,
    "letter": letter,
    "confirmation": confirmation,
    "repeat": repeat,
    "copy": copy,
}
TO_SIGNER: dict[str, Compose] = {name: compose for name, compose in ALL.items() if name != "letter"}


def parsed(composed: Composed) -> EmailMessage:
    return email.message_from_bytes(composed.mail, policy=email.policy.default)


def text(composed: Composed) -> str:
    return cast(str, parsed(composed).get_content()).replace("\r\n", "\n")


def addresses_by_both_policies(mail: bytes, header: str) -> set[tuple[str, ...]]:
    """What a header's addresses are to the standard library's new policies and to its old one."""
    modern = {
        tuple(one.addr_spec for one in cast(tuple[Address, ...], message[header].addresses))
        for message in (
            email.message_from_bytes(mail, policy=email.policy.default),
            email.message_from_bytes(mail, policy=email.policy.SMTP),
        )
    }
    old = email.message_from_bytes(mail)
    raw = str(old[header])
    by_list = tuple(address for _name, address in getaddresses([raw]))
    return modern | {by_list, (parseaddr(raw)[1],)}


def test_a_letter_has_the_headers_of_a_letter(composer: Composer) -> None:
    composed = letter(composer)
    message = parsed(composed)

    assert message["From"] == "Ana García via Sample Organisation <letters@sandbox.invalid>"
    assert message["Reply-To"] == "Ana García <ana@example.org>"
    assert message["To"] == OFFICE
    assert message["Subject"] == "The well"
    assert message["Message-ID"] == f"<{UUID}@sandbox.invalid>"
    assert parsedate_to_datetime(message["Date"]) == NOW
    assert message["Content-Type"] == 'text/plain; charset="utf-8"'
    assert message["Content-Transfer-Encoding"] == "quoted-printable"
    for absent in ("Auto-Submitted", "X-Auto-Response-Suppress", "List-Unsubscribe", "Cc", "Bcc", "Sender"):
        assert message[absent] is None
    assert composed.recipient == OFFICE


def test_a_letter_says_who_sent_it_for_whom_when_it_was_confirmed_and_whom_a_reply_reaches(composer: Composer) -> None:
    words = text(letter(composer))
    assert words.startswith("Dear Senator Lummis,\n\nplease.\n")
    words = " ".join(words.split())

    assert "Sample Organisation sent this letter for Ana García" in words
    assert "confirmed it by e-mail on November 24, 2026, 12:00 PM Eastern" in words
    assert "A reply to this message reaches Ana García directly, not us." in words
    assert "letters@sandbox.invalid" in words


@pytest.mark.parametrize("name", TO_SIGNER)
def test_a_mail_to_the_signer_has_the_headers_of_an_automatic_one(composer: Composer, name: str) -> None:
    composed = TO_SIGNER[name](composer)
    message = parsed(composed)

    assert message["From"] == "Sample Organisation <letters@sandbox.invalid>"
    assert message["Reply-To"] == "Sample Organisation <letters@sandbox.invalid>"
    assert message["To"] == "ana@example.org"
    assert message["Message-ID"] == f"<{UUID}@sandbox.invalid>"
    assert parsedate_to_datetime(message["Date"]) == (NOW + timedelta(days=2) if name == "reminder" else NOW)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["List-Unsubscribe"] is None
    assert message["Content-Transfer-Encoding"] == "quoted-printable"
    assert composed.recipient == "ana@example.org"


def test_the_mail_about_a_letter_that_did_not_arrive_is_true_whether_it_was_refused_or_came_back(
    composer: Composer,
) -> None:
    told = " ".join(text(notice(composer)).split())

    assert "We could not deliver one of your letters by e-mail; the page below says why. It is not lost:" in told
    assert "taken" not in told


def test_a_mail_that_is_needed_later_gets_another_date_and_keeps_every_other_byte(composer: Composer) -> None:
    before = letter(composer, body="Dear Senator Lummis,\n\nDate: today\nplease.").mail

    after = dated(before, NOW + timedelta(days=3))

    assert parsedate_to_datetime(email.message_from_bytes(after)["Date"]) == NOW + timedelta(days=3)
    assert dated(after, NOW) == before
    changed = [pair for pair in zip(before.split(b"\r\n"), after.split(b"\r\n"), strict=True) if pair[0] != pair[1]]
    assert changed == [(b"Date: Tue, 24 Nov 2026 17:00:00 +0000", b"Date: Fri, 27 Nov 2026 17:00:00 +0000")]


def test_the_subjects_say_what_each_mail_is(composer: Composer) -> None:
    assert parsed(confirmation(composer))["Subject"] == "Please confirm: The well"
    assert parsed(repeat(composer))["Subject"] == "You have already written: The well"
    assert parsed(copy(composer, count=1))["Subject"] == "Your letter to Senator 0"
    assert parsed(copy(composer, count=2))["Subject"] == "Your letters: The well"


def test_a_confirmation_carries_the_link_and_no_word_of_the_visitor(composer: Composer) -> None:
    """`confirmation` is not even told the name, the address or the letters: only how many there are."""
    to = Correspondent("", f"{CANARY}@example.org")
    composed = composer.confirmation(UUID, to, "The well", "https://x.example/c/1", 3, 3, NOW)
    mail = composed.mail.decode("ascii")

    assert "https://x.example/c/1" in text(composed)
    assert "3 letters" in text(composed)
    assert mail.count(CANARY) == 1
    assert f"To: {CANARY}@example.org\r\n" in mail


def test_a_repeat_says_when_the_letters_were_confirmed_and_holds_no_link_to_them(composer: Composer) -> None:
    words = text(repeat(composer))

    assert "You confirmed your letters on November 22, 2026, so" in " ".join(words.split())
    assert "http" not in words


def test_a_copy_holds_every_letter_to_whom_it_goes_how_and_the_receipts_link(composer: Composer) -> None:
    words = text(copy(composer))

    for piece in ("Senator 0", "Senator 1", "Republican, Wyoming", "We e-mail it.", "Subject: The well"):
        assert piece in words
    assert words.count("Dear Senator") == 2
    assert "https://act.example.org/receipt/abc" in words


@pytest.mark.parametrize("name", ALL)
def test_the_envelope_sender_is_an_address_of_our_own_that_verifies(composer: Composer, name: str) -> None:
    composed = ALL[name](composer)
    match = re.fullmatch(r"b\+([0-9a-f]{32})\.([0-9a-f]{16})@sandbox\.invalid", composed.sender)

    assert match is not None
    assert match[1] == UUID.replace("-", "")
    assert composed.sender == composer.envelope_sender(UUID)
    assert len(composed.sender.partition("@")[0]) <= 64


def test_another_secret_or_another_message_has_another_envelope(composer: Composer) -> None:
    identity = Identity("Org", "a@example.org", "sandbox.invalid", "http://x", "t" * 64)
    other = Composer(composer.templates, identity, TERMS, composer.speaking)

    envelopes = {composer.envelope_sender(UUID), other.envelope_sender(UUID), composer.envelope_sender(UUID[::-1])}

    assert len({envelope.partition(".")[2] for envelope in envelopes}) == 3


@pytest.mark.parametrize("name", ALL)
def test_the_same_message_composed_twice_is_the_same_bytes(composer: Composer, name: str) -> None:
    assert ALL[name](composer) == ALL[name](composer)


HOSTILE_NAMES = {
    "comma": "Doe, Jane",
    "quotes": 'Jane "J" Doe\\',
    "address in brackets": "Jane <ceo@bank.example>",
    "only an address": "<a@b>",
    "address and comma": "ceo@bank.example, Jane",
    "encoded word": "=?utf-8?q?ceo=40bank?=",
    "encoded word with brackets": "=?utf-8?b?PGNlb0BiYW5rLmV4YW1wbGU+?=",
    "line ends": "Jane\r\nBcc: all@example.org\r\n\r\nHello",
    "lone line feed": "Jane\nBcc: all@example.org",
    "lone carriage return": "Jane\rBcc: all@example.org",
    "other line ends": "Jane\u2028Bcc: x\u2029y\x85z\x0b\x0c\x1c",
    "nul": "Jane\0Doe",
    "bidi": "Jane \u202eeoD\u202c \u2066x\u2069",
    "zero width": "Ja\u200bne\ufeff Doe",
    "emoji": "Jane 💌👩‍👩‍👧 Doe",
    "group": "Undisclosed: a@b.example;",
    "comment": "Jane (ceo@bank.example)",
    "fullwidth at": "ceo＠bank．example",
    "300 characters": "Jane " * 60,
    "300 characters of Greek": "Ελένη " * 50,
    "300 characters without a space": "Ж" * 300,
    "300 accents": "e" + "\u0301" * 300,
    "empty": "",
    "spaces": "   \t ",
    "only punctuation": "...",
    "dots": "J. R. R. O'Neill-Doe Jr.",
    "apostrophe": "O’Neill",
    "surrogates' like": "\U0001d400\U0001d401",
    "percent": "100% %(name)s {name} {{ name }}",
    "arabic": "فاطمة الزهراء",
    "chinese": "王小明",
    "the only one": "Sukarno",
    "vietnamese": "Nguyễn Thị Minh Khai",
}


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_no_name_makes_another_address_of_from_or_reply_to(composer: Composer, name: str) -> None:
    composed = letter(composer, Correspondent(name, "ana@example.org"))
    message = parsed(composed)

    assert addresses_by_both_policies(composed.mail, "From") == {("letters@sandbox.invalid",)}
    assert addresses_by_both_policies(composed.mail, "Reply-To") == {("ana@example.org",)}
    assert addresses_by_both_policies(composed.mail, "To") == {(OFFICE,)}
    assert [header for header, _value in message.items()] == [
        *("From", "To", "Date", "Message-ID", "Reply-To", "Subject"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
    ]
    assert [defect for header in message.values() for defect in header.defects] == []
    shown = display_name(name)
    assert rfc2047.sender(rfc2047.header(composed.mail, "From")) == (
        f"{shown} via Sample Organisation",
        "letters@sandbox.invalid",
    )
    assert rfc2047.sender(rfc2047.header(composed.mail, "Reply-To")) == (shown, "ana@example.org")


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_no_name_adds_a_header_or_a_recipient_to_a_copy(composer: Composer, name: str) -> None:
    composed = copy(composer, Correspondent(name, "ana@example.org"))
    message = parsed(composed)

    assert [header for header, _value in message.items()] == [
        *("From", "To", "Date", "Message-ID", "Reply-To", "Subject", "Auto-Submitted", "X-Auto-Response-Suppress"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
    ]
    assert composed.recipient == "ana@example.org"


LONGEST = "a" * 64 + "@" + ".".join(["b" * 61] * 3) + ".org"
ADDRESSES = [
    "o'brien+petition@example.org",
    "a.b_c-d=e@example.org",
    "!#$%&*/?^`{|}~@example.org",
    "jane@xn--bcher-kva.example",
    LONGEST,
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("name", ["Ana", "Ελένη Παπαδοπούλου-Κωνσταντινίδου του Γεωργίου και της Μαρίας"])
def test_every_address_the_form_lets_through_stands_in_the_headers_as_it_is(
    composer: Composer, address: str, name: str
) -> None:
    to_office = letter(composer, Correspondent(name, address), address=address)
    to_signer = copy(composer, Correspondent(name, address))

    assert addresses_by_both_policies(to_office.mail, "Reply-To") == {(address,)}
    assert addresses_by_both_policies(to_office.mail, "To") == {(address,)}
    assert addresses_by_both_policies(to_signer.mail, "To") == {(address,)}


def test_a_long_domain_of_ours_breaks_no_header(composer: Composer) -> None:
    domain = ".".join(["letters-of-the-people"] * 6) + ".org"
    ours = Identity("Org", f"letters@{domain}", domain, "http://x", "s" * 64)

    composed = letter(Composer(composer.templates, ours, TERMS, composer.speaking))

    assert email.message_from_bytes(composed.mail)["Message-ID"].strip() == f"<{UUID}@{domain}>"
    assert addresses_by_both_policies(composed.mail, "From") == {(f"letters@{domain}",)}


@pytest.mark.parametrize(
    "subject",
    [
        "Réunissez les familles – s’il vous plaît",
        "Save “Dreamers” for good “without delay”",
        "请让家人团聚" * 20,
        "💌 " * 40,
        "=?utf-8?q?already_encoded?=",
        "a" * 150,
        "word " * 29 + "end",
        'Say "no", <now>; 100% (really)',
    ],
)
def test_a_subject_arrives_as_it_was_written(composer: Composer, subject: str) -> None:
    composed = letter(composer, subject=subject)

    assert rfc2047.subject(rfc2047.header(composed.mail, "Subject")) == subject
    assert parsed(composed)["Subject"] == subject


@pytest.mark.parametrize("end", ["\\r\\n", "\\n", "\\r"])
def test_a_campaign_file_refuses_a_subject_of_two_lines(end: str) -> None:
    with pytest.raises(CampaignFileError):
        read(campaign_source(subject=f"Hello{end}Bcc: all@example.org"))


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\r\n\r\n"])
def test_a_subject_or_headline_of_two_lines_injects_nothing(composer: Composer, end: str) -> None:
    words = f"Hello{end}Bcc: all@example.org"

    with pytest.raises(ValueError, match="linefeed"):
        letter(composer, subject=words)
    for compose in TO_SIGNER.values():
        with pytest.raises(ValueError, match="linefeed"):
            compose(composer, campaign=words)


BODIES = {
    "mixed line ends": "a\r\nb\nc\rd\n\re",
    "line separators": "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg",
    "lone dots": ".\n..\n.a\n\n.\n",
    "2,500 characters in one line": "word " * 500,
    "10,000 characters without a space": "x" * 10_000,
    "10,000 emoji": "💌" * 10_000,
    "spaces at line ends": "a \nb\t\n \n",
    "from at a line's start": "From here\n>From there\n",
    "equals signs": "a=b=3D\n=\n==\n",
    "nul and control characters": "a\0b\x07c\x1b[31m",
    "headers": "\nBcc: all@example.org\nSubject: other\n",
    "Å and other letters with the byte 85": "Å…ą\n",
    "percent and braces": "100% %(name)s {{ signer.email }} {% raw %}",
    "empty": "",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_every_body_arrives_whole_in_short_lines_that_end_in_crlf(composer: Composer, body: str) -> None:
    for composed in (letter(composer, body=body), copy(composer, body=body, count=1)):
        lines = composed.mail.split(b"\r\n")
        assert max(map(len, lines)) <= 998
        assert not any(b"\n" in line or b"\r" in line for line in lines)
        assert composed.mail.isascii()
        assert b"\0" not in composed.mail
        assert composed.mail.endswith(b"\r\n")
        kept = cast(bytes, parsed(composed).get_payload(decode=True)).decode().replace("\r\n", "\n")
        # Only what is too long for 72 columns has other blanks in it than before.
        assert "".join(body.split()) in "".join(kept.split())
        assert max(len(line) for line in kept.split("\n")) <= 72


@pytest.mark.parametrize("name", ALL)
def test_a_body_and_what_is_said_of_it_have_the_bytes_that_the_library_would_make(
    composer: Composer, name: str
) -> None:
    composed = ALL[name](composer)
    made = EmailMessage(policy=email.policy.SMTP)
    made.set_content(parsed(composed).get_content(), charset="utf-8", cte="quoted-printable")

    assert composed.mail[composed.mail.index(b"Content-Type: ") :] == made.as_bytes()


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_text_is_encoded_as_the_library_would_do_it(body: str) -> None:
    made = EmailMessage(policy=email.policy.SMTP)
    made.set_content(body, charset="utf-8", cte="quoted-printable")

    assert quoted_printable(body) == made.as_bytes().partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(("letters", "by_us"), [(1, 1), (3, 3), (3, 1), (3, 0)])
def test_the_link_stands_between_empty_lines(composer: Composer, language: str, letters: int, by_us: int) -> None:
    link, to = "https://x.example/confirm/A-b_9" + "x" * 60, Correspondent("", "ana@example.org", language)

    lines = text(composer.confirmation(UUID, to, "The well", link, letters, by_us, NOW)).split("\n")

    place = lines.index(link)
    assert lines[place - 1] == lines[place + 1] == ""
    assert "" not in {lines[place - 2], lines[place + 2]}


def test_two_signers_get_each_their_own_link_and_only_that(composer: Composer) -> None:
    for number, language in ((1, "en"), (2, "en"), (3, "es"), (4, "en")):
        to, link = Correspondent("", f"ana{number}@example.org", language), f"https://act.example.org/confirm/{number}"
        composed = composer.confirmation(UUID, to, "The well", link, 3, 3, NOW)

        assert re.findall(r"https?://\S+", text(composed)) == [link]
        assert ("Please confirm" in str(parsed(composed)["Subject"])) == (language == "en")


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_every_header_line_is_short(composer: Composer, name: str) -> None:
    head = letter(composer, Correspondent(name, "ana@example.org"), subject="请" * 150).mail.partition(b"\r\n\r\n")[0]

    assert max(map(len, head.split(b"\r\n"))) <= 78
    assert b"?==?" not in head
    assert head.isascii()


HEADLINES = [
    "Save “Dreamers” for good “without delay”, before the Senate votes",
    "Сохраните родник на Владимирской улице, пока не поздно",
    "چاه را نجات دهید؛ نمی‌خواهیم خشک شود",
    "=?utf-8?q?already?=  encoded ",
    "w" * 150,
]


@pytest.mark.parametrize("headline", HEADLINES, ids=ascii)
@pytest.mark.parametrize("name", TO_SIGNER)
def test_every_header_of_a_mail_of_ours_says_what_was_written_in_lines_that_every_server_takes(
    composer: Composer, name: str, headline: str
) -> None:
    us = replace(composer.identity, organisation="Société des Amis du Puits d’O’Neill & Общество друзей колодца")
    mail = TO_SIGNER[name](replace(composer, identity=us), campaign=headline).mail

    for header in rfc2047.headers(mail):
        rfc2047.value_of(header)
    assert rfc2047.subject(rfc2047.header(mail, "Subject")).endswith(f": {headline}".rstrip())
    for sender in ("From", "Reply-To"):
        assert rfc2047.sender(rfc2047.header(mail, sender)) == (display_name(us.organisation), us.email)


def test_an_address_that_a_header_would_decode_is_not_composed(composer: Composer) -> None:
    with pytest.raises(ValueError, match="decode"):
        confirmation(composer, "=?utf-8?q?x=0D=0ABcc=3A_v?=@example.org")


# To the organisation

SENTENCES = (
    "SC senator: Lindsey Graham left 2026-07-11; Darline Graham since 2026-07-14.",
    "TX-23: the seat is vacant.",
    f"NY-{10**9}: {'Maximilian Featherstonehaugh-Cholmondeley '.strip() * 2} has left; the seat is vacant.",
)
CAUSE = (
    "unitedstates.github.io/congress-legislators/legislators-district-offices.json cannot be fetched: nobody knows the "
    "host's address, or this machine has no network."
)


def changed(composer: Composer, *sentences: str) -> Composed:
    return composer.tables_changed(UUID, sentences or SENTENCES, NOW)


def stale(composer: Composer, cause: str = CAUSE) -> Composed:
    return composer.tables_stale(UUID, NOW - timedelta(days=21), cause, NOW)


REPORTS: dict[str, Compose] = {"changed": changed, "stale": stale}


@pytest.mark.parametrize("name", REPORTS)
def test_a_mail_to_the_organisation_goes_to_its_own_address_and_says_that_it_is_automatic(
    composer: Composer, name: str
) -> None:
    composed = REPORTS[name](composer)
    message = parsed(composed)

    assert composed.recipient == message["To"] == "letters@sandbox.invalid"
    assert message["From"] == message["Reply-To"] == "Sample Organisation <letters@sandbox.invalid>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert composed.sender == composer.envelope_sender(UUID)
    assert composed == REPORTS[name](composer)


@pytest.mark.parametrize("name", REPORTS)
def test_a_mail_to_the_organisation_is_plain_text_in_lines_that_no_program_wraps(composer: Composer, name: str) -> None:
    composed = REPORTS[name](composer)

    assert parsed(composed)["Content-Type"] == 'text/plain; charset="utf-8"'
    words = text(composed)
    assert [line for line in words.splitlines() if len(line) > 72 or line != line.rstrip()] == []
    assert "\n\n\n" not in words
    assert not [mark for mark in ("<", "&", "{", "None") if mark in words]


def test_the_seats_that_changed_hands_are_told_one_by_one_with_the_way_back(composer: Composer) -> None:
    composed = changed(composer, *SENTENCES[:2])

    assert parsed(composed)["Subject"] == "Seats that your campaigns write to have changed"
    assert text(composed) == (
        "The tables of legislators were refreshed. Of the seats that your open\n"
        "campaigns write to, these have changed hands:\n"
        "\n"
        "- SC senator: Lindsey Graham left 2026-07-11; Darline Graham since\n"
        "  2026-07-14.\n"
        "- TX-23: the seat is vacant.\n"
        "\n"
        "Letters that are written from now on go to whoever holds the seat now.\n"
        "If this is wrong, put the older tables back:\n"
        "\n"
        "    .venv/bin/flask legislators rollback\n"
        "\n"
        "http://127.0.0.1:8000\n"
    )


def test_three_weeks_of_silence_are_told_with_their_cause_and_what_to_do(composer: Composer) -> None:
    composed = stale(composer, "Another refresh of the tables is at work: try again when it has ended.")

    assert parsed(composed)["Subject"] == "The tables of legislators could not be refreshed for three weeks"
    assert text(composed) == (
        "The site tries every day to fetch who sits in Congress, and has not\n"
        "succeeded since November 3, 2026, 12:00 PM Eastern. It goes on with the\n"
        "tables that it has, so letters may go to people who have left.\n"
        "\n"
        "The last attempt failed for this reason:\n"
        "\n"
        "Another refresh of the tables is at work: try again when it has ended.\n"
        "\n"
        "You can try by hand, and see which tables are in force:\n"
        "\n"
        "    .venv/bin/flask legislators refresh\n"
        "    .venv/bin/flask legislators info\n"
        "\n"
        "http://127.0.0.1:8000\n"
    )


# Lines of 72

LINES = {
    "a sentence": ("word " * 20, 2),
    "a point of a list": ("- " + "word " * 20, 2),
    "a quotation": ("> " + "word " * 20, 2),
    "set in a little": ("    " + "word " * 20, 2),
    "set in far": (" " * 200 + "word " * 20, 2),
    "one word": ("x" * 200, 3),
    "nothing but blanks": (" " * 200, 1),
}


@pytest.mark.parametrize(("line", "count"), LINES.values(), ids=LINES)
def test_a_long_line_becomes_short_ones(line: str, count: int) -> None:
    lines = wrapped(line).split("\n")

    assert len(lines) == count
    assert max(map(len, lines)) <= 72
    assert "".join(lines).replace(" ", "").replace(">", "") == line.replace(" ", "").replace(">", "")


def test_a_quotation_and_a_point_of_a_list_go_on_as_such() -> None:
    assert {line[:2] for line in wrapped("> " + "word " * 20).split("\n")} == {"> "}
    assert [line[:2] for line in wrapped("- " + "word " * 20).split("\n")] == ["- ", "  "]


@pytest.mark.parametrize(
    "address", ["https://example.org/" + "x" * 90, f"{'m' * 64}@{'d' * 40}.example", "www." + "x" * 90]
)
def test_an_address_is_never_broken(address: str) -> None:
    assert address in wrapped(f"Write to {address} or come and see us there on any day of the week.").split("\n")
