"""One real message to an address that the organiser names, and what the mail server made of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.delivery import Outcome, OutcomeKind, Outgoing, Sender, headers
from app.delivery.headers import display_name
from app.delivery.mails import OF_TEXT, encoded
from app.delivery.outbox import date_header
from app.doctor import Finding, fail, ok, warn

SUBJECT = "test message"
_TEXT = """\
This is a test message of {organisation}. Somebody who looks after the site below has sent it with `flask doctor`, to \
see whether mails arrive. There is nothing to do.

{site}

For them: "show original" or "view source" in a mail program shows the line Authentication-Results, which should say \
spf=pass, dkim=pass and dmarc=pass. In the line DKIM-Signature, s= is the name for --dkim-selector.
"""


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who sends: name and address in From, the domain of Message-IDs, and the site's address for the text."""

    organisation: str
    email: str
    bounce_domain: str
    site: str


def envelope_sender(domain: str) -> str:
    """As long and of the same kind as those of letters, and none of theirs: what comes back to it finds no letter."""
    return f"b+{'0' * 32}.{'0' * 16}@{domain}"


def compose(head: Letterhead, to: str, uuid: str, now: datetime) -> Outgoing:
    """The message. `to` is an address in its ASCII form; `uuid` is new for each. Raises ValueError for another."""
    organisation = display_name(head.organisation)
    lines = (
        headers.mailbox("From", head.email, organisation),
        headers.mailbox("To", to),
        date_header(now),
        headers.message_id(uuid, head.bounce_domain),
        headers.text("Subject", f"Test message of {organisation}"),
        headers.text("Auto-Submitted", "auto-generated"),
        headers.text("X-Auto-Response-Suppress", "All"),
        OF_TEXT,
    )
    text = _TEXT.format(organisation=head.organisation, site=head.site)
    return Outgoing(envelope_sender(head.bounce_domain), to, b"".join((*lines, b"\r\n", encoded(text))))


def send(message: Outgoing, sender: Sender) -> Finding:
    """Hand it over, once."""
    outcome = sender.send(message)
    sender.close()
    return _meaning(outcome, message.recipient)


def not_sent() -> Finding:
    """What stands in the way is told already, and a second wrong login can lock an account."""
    return warn(SUBJECT, "It was not sent, because something above stops the mail.", "Mend that, then run this again.")


def _meaning(outcome: Outcome, to: str) -> Finding:
    said = f"{outcome.why}, {outcome.code}" if outcome.code else outcome.why
    if outcome.kind is OutcomeKind.ACCEPTED:
        return ok(
            SUBJECT,
            f"The mail server has accepted a message to {to} ({outcome.code}). That is not: it has arrived.",
            "Look for it in that mailbox, and among the spam. Its Authentication-Results should say spf=pass, dkim=pass"
            " and dmarc=pass.",
        )
    if outcome.kind is OutcomeKind.UNKNOWN:
        return warn(SUBJECT, f"The mail server took the whole message to {to} and gave no answer.", _LOOK)
    if outcome.kind is OutcomeKind.TRANSIENT:
        return warn(
            SUBJECT,
            f"The mail server did not take a message to {to} now ({said}); it may later.",
            "Try again in ten minutes. Letters are tried again by themselves.",
        )
    about = "this message or its recipient" if outcome.kind is OutcomeKind.PERMANENT else "everything from here"
    return fail(
        SUBJECT,
        f"The mail server refuses {about}: a message to {to} was not taken ({said}).",
        "Try --to with a mailbox at another provider. If that is refused too, ask your mail provider whether this "
        "account may send as ORGANISATION_EMAIL.",
    )


_LOOK = "Look whether it arrived. A server that needs so long: letters wait ten times MAIL_TIMEOUT for this answer."
