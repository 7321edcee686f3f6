"""What somebody, or a program for them, wrote back to the address on the envelope of a letter.

Every word of it a stranger has chosen. It goes to the signer as text, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message

from app.delivery.opening import answer_of, files_in, header, mailbox, one_line, parts, report_type

OWN_ANSWER = "X-Redress-Answer"
"""Header of the mails by which we pass answers on; one that comes back goes nowhere."""
_RECEIPTS = frozenset({"message/disposition-notification", "message/global-disposition-notification"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What was written, and by whom; whatever of it may be empty.

    `name`, `address` and `subject` are a line each, as the message says them of itself; nobody has proven them.
    """

    text: str
    is_automatic: bool
    name: str = ""
    address: str = ""
    reply_to: str = ""
    """Where the writer wants to be answered; `address`, if they say nothing of it."""
    subject: str = ""
    files: int = 0
    """How many came with it."""

    @property
    def writer(self) -> str:
        """Who wrote it, in a line: `Jane Smith <jane@office.example>`."""
        return f"{self.name} <{self.address}>" if self.name and self.address else self.name or self.address

    @property
    def says_something(self) -> bool:
        """Whether there is anything to pass on: a person may say it in the subject, or in a file."""
        return bool(self.text) or (not self.is_automatic and bool(self.subject or self.files))


def answer(message: Message) -> Answer:
    """The message as an answer."""
    name, address = mailbox(message, "from")
    return Answer(
        text=answer_of(message),
        is_automatic=is_automatic(message),
        name=name,
        address=address,
        reply_to=mailbox(message, "reply-to")[1] or address,
        subject=one_line(message, "subject"),
        files=files_in(message),
    )


def is_a_read_receipt(message: Message) -> bool:
    """Whether it only tells that the letter was opened, or was deleted unread (RFC 8098)."""
    is_called_so = report_type(message) == "disposition-notification"
    return is_called_so or any(part.get_content_type() in _RECEIPTS for part in parts(message))


def is_automatic(message: Message) -> bool:
    """Whether it says in a header that a program sent it."""
    submitted = header(message, "auto-submitted").lower()
    marks = ("x-autoreply", "x-autorespond", "x-auto-response-suppress")
    return (
        bool(submitted and not submitted.startswith("no"))
        or any(name in message for name in marks)
        or header(message, "precedence").lower() in {"auto_reply", "bulk", "junk"}
    )
