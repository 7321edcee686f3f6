"""Composes mails to exact bytes: headers, envelope and text. Knows Jinja, not Flask.

Headers follow what large systems that write on behalf of citizens do: the visible From is a domain of ours (DMARC),
Reply-To is the signer, the envelope sender is an address of our own for each message (VERP), so that a bounce finds
its letter.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.quoprimime import body_encode
from functools import lru_cache
from uuid import UUID

from jinja2 import Environment

from app.delivery import headers
from app.delivery.answers import OWN_ANSWER, Answer
from app.delivery.handoff import Handoff
from app.delivery.headers import display_name
from app.delivery.outbox import Composed, date_header

WIDTH = 72
"""Columns of a line of text, as mail programs and printers have long shown it."""
_LEAD = re.compile(r" *(?:> ?)*(?:- )?")
_FURTHEST = 12
"""How far a line may be set in, so that most of it is text."""
_ADDRESS_LIKE = re.compile(r"://|www\.|\S@\S", re.IGNORECASE)
_TABLES, _CONTACTS = ".venv/bin/flask legislators", ".venv/bin/flask contacts"
_ENVELOPE = re.compile(r"b\+([0-9a-f]{32})\.[0-9a-f]{16}@.+")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sends: the organisation's name and address, the domain of envelopes, the public address, the key of VERP."""

    organisation: str
    email: str
    bounce_domain: str
    public_url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Correspondent:
    """A signer as mails know them. `email` is the ASCII form for the wire, `title` is like `Ms.`, or empty."""

    name: str
    email: str
    language: str = "en"
    title: str = ""

    @property
    def addressed(self) -> str:
        """How an office writes to them: `Ms. Jane Doe`."""
        return f"{self.title} {self.name}".strip()


@dataclass(frozen=True, slots=True)
class Written:
    """A letter as it goes to an office; `text` is all of it, in `language`."""

    subject: str
    text: str
    language: str
    has_own_words: bool
    is_changed: bool = False
    """Whether its signer changed some of the suggested text."""


@dataclass(frozen=True, slots=True)
class SentLetter:
    """A letter as the copy shows it."""

    recipient: str
    detail: str
    promise: str
    subject: str
    text: str
    handoff: Handoff | None
    """What the signer needs to deliver it; None for a letter that we send."""


@dataclass(frozen=True, slots=True)
class Links:
    """Pages of one signature: its receipt, and the page that stops the reminder."""

    receipt: str
    reminder: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What mails promise, as timedeltas: how long a letter waits for its confirmation, and is kept after its end."""

    pending: timedelta
    letters: timedelta


@dataclass(frozen=True, slots=True)
class Composer:
    """Makes the mails. `templates` holds email/<name>/subject.txt and body.txt, with gettext installed."""

    templates: Environment
    identity: Identity
    terms: Terms
    speaking: Callable[[str], AbstractContextManager[None]]
    """Lets gettext, days and times speak a language meanwhile, whatever that of the page is."""

    def letter(
        self, uuid: str, address: str, written: Written, signer: Correspondent, confirmed_at: datetime
    ) -> Composed:
        """A letter to an office. No Auto-Submitted here: the office's own automatic answer is wanted."""
        with self.speaking(written.language):
            text = self._text("letter/body", letter=written, signer=signer, confirmed_at=confirmed_at)
        shown = display_name(signer.name)
        via = f"{shown} via {display_name(self.identity.organisation)}"
        head = (
            headers.mailbox("From", self.identity.email, via),
            *self._addressed(uuid, address, confirmed_at),
            headers.mailbox("Reply-To", signer.email, shown),
            headers.text("Subject", written.subject),
        )
        return self._composed(uuid, address, head, encoded(text))

    def confirmation(
        self, uuid: str, signer: Correspondent, campaign: str, link: str, letters: int, by_us: int, now: datetime
    ) -> Composed:
        """The mail with the link; of the `letters` we send `by_us`, the signer delivers the others.

        Holds no word that the visitor typed, else the form would be a spam relay.
        """
        asking = _asking_to_confirm(self, signer.language, campaign, letters, by_us)
        return self._of_ours(asking.subject, asking.with_link(link), uuid, signer.email, now)

    def repeat(self, uuid: str, signer: Correspondent, campaign: str, written_on: datetime, now: datetime) -> Composed:
        """Says that this person has already written; the page itself never does."""
        with self.speaking(signer.language):
            day = self._text("repeat/day", written_on=written_on).strip()
        subject, body = _saying_written(self, signer.language, campaign, day)
        return self._of_ours(subject, body, uuid, signer.email, now)

    def copy(
        self,
        uuid: str,
        signer: Correspondent,
        campaign: str,
        letters: Sequence[SentLetter],
        links: Links,
        now: datetime,
    ) -> Composed:
        """Every letter in full, to whom it goes and how. Goes to a confirmed address only."""
        values = {"campaign": campaign, "letters": letters, "links": links, "signer": signer}
        return self._to_signer("copy", uuid, signer, now, **values)

    def reminder(
        self,
        uuid: str,
        signer: Correspondent,
        campaign: str,
        recipients: Sequence[str],
        links: Links,
        now: datetime,
        due: datetime,
    ) -> Composed:
        """Says once which letters still wait for their signer; composed at `now`, for `due`."""
        values = {"campaign": campaign, "recipients": recipients, "links": links, "confirmed_at": now}
        return self._to_signer("reminder", uuid, signer, due, **values)

    def notice(self, uuid: str, signer: Correspondent, campaign: str, links: Links, now: datetime) -> Composed:
        """Says that a letter could not be mailed and waits for its signer.

        Composed when the letters are confirmed; its Date is made anew when it is needed.
        """
        values = {"campaign": campaign, "links": links, "confirmed_at": now}
        return self._to_signer("notice", uuid, signer, now, **values)

    def answer(self, uuid: str, signer: Correspondent, office: str, answer: Answer, now: datetime) -> Composed:
        """Passes on what an office, or a program there, answered to the envelope of a letter, marked as a quotation.

        A reply to it goes to a person who wrote it, never to a program: two programs would not stop by themselves.
        """
        quoted = "\n".join(f"> {line}" if line else ">" for line in answer.text.splitlines())
        reply_to = answer.reply_to if self._can_be_answered(answer, signer) else ""
        values = {"office": office, "quoted": quoted, "answer": answer, "reply_to": reply_to}
        with self.speaking(signer.language):
            subject, body = self._words("answer", **values)
        replies = headers.mailbox("Reply-To", reply_to, display_name(answer.name, "")) if reply_to else None
        mark = headers.text(OWN_ANSWER, "yes")
        return self._of_ours(subject, encoded(body), uuid, signer.email, now, mark, reply_to=replies)

    def _can_be_answered(self, answer: Answer, signer: Correspondent) -> bool:
        """Whether a person wrote it who has an address: one of their own, not the signer's, ours, or an envelope's."""
        local, _, domain = answer.reply_to.lower().rpartition("@")
        is_envelope = domain == self.identity.bounce_domain.lower() and (local == "b" or local.startswith("b+"))
        is_known = answer.reply_to.lower() in {signer.email.lower(), self.identity.email.lower()}
        return not answer.is_automatic and headers.is_address(answer.reply_to) and not is_envelope and not is_known

    def tables_changed(self, uuid: str, sentences: Sequence[str], now: datetime) -> Composed:
        """Says to the organisation which seats that its campaigns write to have changed hands."""
        return self._to_us("tables", uuid, now, command=_TABLES, sentences=sentences)

    def tables_stale(self, uuid: str, since: datetime, cause: str, now: datetime) -> Composed:
        """Says to the organisation that the tables of legislators could not be refreshed since then, and why."""
        return self._to_us("silence", uuid, now, command=_TABLES, since=since, cause=cause)

    def office_dead(self, uuid: str, office: str, address: str, said: str, now: datetime) -> Composed:
        """Says to the organisation that letters to this address of an office come back, in the server's words."""
        return self._to_us("dead", uuid, now, command=_CONTACTS, office=office, address=address, said=said)

    def envelope_sender(self, uuid: str) -> str:
        """`b+<id>.<hmac>@<bounce domain>`: a bounce that comes back can be trusted and finds its delivery."""
        identifier = uuid.replace("-", "")
        digest = hmac.new(self.identity.secret.encode(), b"verp:" + identifier.encode(), hashlib.sha256)
        return f"b+{identifier}.{digest.hexdigest()[:16]}@{self.identity.bounce_domain}"

    def delivery_of(self, address: str) -> str | None:
        """The uuid of the delivery whose envelope sender this is, in whatever case; None for what we never made."""
        found = _ENVELOPE.fullmatch(address.strip().lower())
        if found is None:
            return None
        uuid = str(UUID(found[1]))
        ours = self.envelope_sender(uuid).lower().encode()
        return uuid if hmac.compare_digest(ours, found[0].encode()) else None

    def _to_signer(self, name: str, uuid: str, to: Correspondent, now: datetime, **values: object) -> Composed:
        with self.speaking(to.language):
            subject, text = self._words(name, **values)
        return self._of_ours(subject, encoded(text), uuid, to.email, now)

    def _to_us(self, name: str, uuid: str, now: datetime, **values: object) -> Composed:
        subject, text = self._words(name, **values)
        return self._of_ours(subject, encoded(text), uuid, self.identity.email, now)

    def _words(self, name: str, **values: object) -> tuple[str, str]:
        """Subject and text."""
        return self._text(f"{name}/subject", **values).strip(), self._text(f"{name}/body", **values)

    def _of_ours(
        self,
        subject: str,
        body: bytes,
        uuid: str,
        email: str,
        now: datetime,
        *more: bytes,
        reply_to: bytes | None = None,
    ) -> Composed:
        us = self.identity.email, display_name(self.identity.organisation)
        head = (
            headers.mailbox("From", *us),
            *self._addressed(uuid, email, now),
            reply_to or headers.mailbox("Reply-To", *us),
            headers.text("Subject", subject),
            headers.text("Auto-Submitted", "auto-generated"),
            headers.text("X-Auto-Response-Suppress", "All"),
            *more,
        )
        return self._composed(uuid, email, head, body)

    def _addressed(self, uuid: str, to: str, now: datetime) -> tuple[bytes, ...]:
        """The headers of which no two messages have the same."""
        return (
            headers.mailbox("To", to),
            date_header(now),
            headers.message_id(uuid, self.identity.bounce_domain),
        )

    def _composed(self, uuid: str, to: str, head: Iterable[bytes], body: bytes) -> Composed:
        mail = b"".join((*head, OF_TEXT, b"\r\n", body))
        return Composed(uuid, self.envelope_sender(uuid), to, mail)

    def _text(self, name: str, **values: object) -> str:
        template = self.templates.get_template(f"email/{name}.txt")
        return template.render(identity=self.identity, terms=self.terms, **values)


@dataclass(frozen=True, slots=True)
class _Asking:
    """The mail that every signer gets, cut where its link stands, on a line of its own."""

    subject: str
    above: bytes
    below: bytes

    def with_link(self, link: str) -> bytes:
        """The body with this link."""
        return self.above + encoded(link) + self.below


_LINK = "https://invalid/the-link-of-this-very-mail"
"""Stands as it is in an encoded text: short, and without a sign that would be encoded."""


@lru_cache(maxsize=128)
def _asking_to_confirm(composer: Composer, language: str, campaign: str, letters: int, by_us: int) -> _Asking:
    """Rendered and encoded once."""
    with composer.speaking(language):
        subject, text = composer._words("confirmation", campaign=campaign, link=_LINK, letters=letters, by_us=by_us)
    above, below = encoded(text).split(_LINK.encode() + b"\r\n")
    return _Asking(subject, above, below)


@lru_cache(maxsize=1000)
def _saying_written(composer: Composer, language: str, campaign: str, day: str) -> tuple[str, bytes]:
    """Subject and body of the mail to who has written already: like the one to all others rendered once for a day, so
    that it takes no longer.
    """
    with composer.speaking(language):
        subject, text = composer._words("repeat", campaign=campaign, day=day)
    return subject, encoded(text)


OF_TEXT = (
    b'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n'
)
"""The headers of a body that `encoded` has made."""
_ENCODED_WIDTH = 78


def encoded(text: str) -> bytes:
    """A mail's text in short lines, as it goes over the wire."""
    return quoted_printable(wrapped(text))


def quoted_printable(text: str) -> bytes:
    """The text as EmailMessage would encode it, which takes fifty times as long."""
    lines = b"\n".join(text.encode().splitlines()) + b"\n"
    encoded = body_encode(lines.decode("latin-1"), _ENCODED_WIDTH)
    return encoded.replace("\n", "\r\n").encode("ascii")


def wrapped(text: str, known: dict[str, str] | None = None) -> str:
    """The text with no line over 72 characters, but for addresses of the web and of mailboxes, which would break.

    A line that is set in by a few blanks, or begins as a quotation or a point of a list, goes on so. Texts that have
    lines in common share `known`; what was wrapped stays as it is.
    """
    done = {} if known is None else known
    lines = text.split("\n")
    done.update((line, _wrapped_line(line)) for line in lines if len(line) > WIDTH and line not in done)
    return "\n".join(done[line] if len(line) > WIDTH else line for line in lines)


def _wrapped_line(line: str) -> str:
    lead = _LEAD.match(line)
    first = lead[0] if lead and len(lead[0]) <= _FURTHEST else ""
    return textwrap.fill(
        line[len(first) :].strip(" "),
        WIDTH,
        initial_indent=first,
        subsequent_indent=first.replace("-", " "),
        break_on_hyphens=False,
        break_long_words=_ADDRESS_LIKE.search(line) is None,
        replace_whitespace=False,
    )
