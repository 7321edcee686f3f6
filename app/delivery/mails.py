"""Composes mails to exact bytes: headers, envelope and text. Knows Jinja, not Flask.

Headers follow what large systems that write on behalf of citizens do: the visible From is a domain of ours (DMARC),
Reply-To is the signer, the envelope sender is an address of our own for each message (VERP), so that a bounce finds
its letter.
"""

from __future__ import annotations

import hashlib
import hmac
import textwrap
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from jinja2 import Environment

from app.delivery.handoff import Handoff
from app.delivery.outbox import Composed

_NAME_PUNCTUATION = frozenset(" .'’-")
_NAME_LENGTH = 64
ANONYMOUS = "A constituent"
WIDTH = 72
"""Columns of a line of text, as mail programs and printers have long shown it."""
_TABLES = ".venv/bin/flask legislators"
ENCODED_WORD = "=?"
"""How a header begins what it wants decoded; in an address it could become line ends and further addresses."""


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
        message = self._message(uuid, address, f"{shown} via {display_name(self.identity.organisation)}", confirmed_at)
        message["Reply-To"] = _address(shown, signer.email)
        message["Subject"] = written.subject
        return self._composed(uuid, address, message, text)

    def confirmation(
        self, uuid: str, signer: Correspondent, campaign: str, link: str, letters: int, by_us: int, now: datetime
    ) -> Composed:
        """The mail with the link; of the `letters` we send `by_us`, the signer delivers the others.

        Holds no word that the visitor typed, else the form would be a spam relay.
        """
        values = {"campaign": campaign, "link": link, "letters": letters, "by_us": by_us}
        return self._to_signer("confirmation", uuid, signer, now, **values)

    def repeat(self, uuid: str, signer: Correspondent, campaign: str, written_on: datetime, now: datetime) -> Composed:
        """Says that this person has already written; the page itself never does."""
        return self._to_signer("repeat", uuid, signer, now, campaign=campaign, written_on=written_on)

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
        """Says that a letter could not be mailed and waits for its signer; composed when the letters are confirmed."""
        values = {"campaign": campaign, "links": links, "confirmed_at": now}
        return self._to_signer("notice", uuid, signer, now, **values)

    def tables_changed(self, uuid: str, sentences: Sequence[str], now: datetime) -> Composed:
        """Says to the organisation which seats that its campaigns write to have changed hands."""
        return self._of_ours("tables", uuid, self.identity.email, now, sentences=sentences, command=_TABLES)

    def tables_stale(self, uuid: str, since: datetime, cause: str, now: datetime) -> Composed:
        """Says to the organisation that the tables of legislators could not be refreshed since then, and why."""
        values = {"since": since, "cause": cause, "command": _TABLES}
        return self._of_ours("silence", uuid, self.identity.email, now, **values)

    def envelope_sender(self, uuid: str) -> str:
        """`b+<id>.<hmac>@<bounce domain>`: a bounce that comes back can be trusted and finds its delivery."""
        identifier = uuid.replace("-", "")
        digest = hmac.new(self.identity.secret.encode(), b"verp:" + identifier.encode(), hashlib.sha256)
        return f"b+{identifier}.{digest.hexdigest()[:16]}@{self.identity.bounce_domain}"

    def _to_signer(self, name: str, uuid: str, to: Correspondent, now: datetime, **values: object) -> Composed:
        with self.speaking(to.language):
            return self._of_ours(name, uuid, to.email, now, **values)

    def _of_ours(self, name: str, uuid: str, email: str, now: datetime, **values: object) -> Composed:
        message = self._message(uuid, email, display_name(self.identity.organisation), now)
        message["Reply-To"] = _address(display_name(self.identity.organisation), self.identity.email)
        message["Subject"] = self._text(f"{name}/subject", **values).strip()
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        return self._composed(uuid, email, message, self._text(f"{name}/body", **values))

    def _message(self, uuid: str, to: str, sender_name: str, now: datetime) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["From"] = _address(sender_name, self.identity.email)
        message["To"] = _address("", to)
        message["Date"] = now
        message["Message-ID"] = f"<{uuid}@{self.identity.bounce_domain}>"
        return message

    def _composed(self, uuid: str, to: str, message: EmailMessage, text: str) -> Composed:
        message.set_content(wrapped(text), charset="utf-8", cte="quoted-printable")
        return Composed(uuid, self.envelope_sender(uuid), to, message.as_bytes())

    def _text(self, name: str, **values: object) -> str:
        template = self.templates.get_template(f"email/{name}.txt")
        return template.render(identity=self.identity, terms=self.terms, **values)


def wrapped(text: str) -> str:
    """The text with no line over 72 columns, but for addresses of the web, which would break.

    A line that begins with blanks, or as a point of a list, goes on below its first word.
    """
    return "\n".join(_wrapped_line(line) for line in text.split("\n"))


def _wrapped_line(line: str) -> str:
    if len(line) <= WIDTH:
        return line
    indent = " " * (len(line) - len(line.lstrip(" ")) + (2 if line.lstrip(" ").startswith("- ") else 0))
    return textwrap.fill(
        line,
        WIDTH,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=not any("://" in word for word in line.split()),
        replace_whitespace=False,
        drop_whitespace=True,
    )


def display_name(name: str) -> str:
    """A name that is safe in From and Reply-To: letters, marks, digits, space and .'’- only, at most 64 characters.

    Anything else could be read as an address again: `=?utf-8?q?ceo=40bank?=` is one to the standard library.
    """
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" or c in _NAME_PUNCTUATION else " " for c in name)
    return " ".join(kept.split())[:_NAME_LENGTH].strip() or ANONYMOUS


def _address(name: str, address: str) -> Address:
    if ENCODED_WORD in address:
        raise ValueError("an address that a header would decode")
    local, _, domain = address.rpartition("@")
    return Address(name, local, domain)
