"""What somebody, or a program for them, wrote back to the address on the envelope of a letter.

Every word of it a stranger has chosen. It goes to the signer as text, and nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message

from app.delivery.opening import answer_of, files_in, header, mailbox, one_line, parts, report_type, text_of

OWN_ANSWER = "X-Redress-Answer"
"""Header of the mails by which we pass answers on; one that comes back goes nowhere."""
_RECEIPTS = frozenset({"message/disposition-notification", "message/global-disposition-notification"})
_SUBJECT_OF_A_RECEIPT = re.compile(
    r"(?:(?:not )?read|(?:no )?le[ií]d[oa]|(?:nicht |un)?gelesen|(?:non )?lu|(?:não )?lid[ao]|(?:non )?letto)\s*:",
    re.IGNORECASE,
)
_TEXT_OF_A_RECEIPT = re.compile(
    r"was (?:read|opened|displayed) (?:on|at)\b.{0,60}\d|deleted without being (?:read|opened)|"
    r"(?:fue|ha sido|se ha) le[ií]d[oa]|se ley[óo]|elimin\w+ sin (?:\w+ )?le|"
    r"wurde (?:am .{0,60})?gelesen|ungelesen gelöscht|ohne gelesen zu werden|a été lu|sans (?:avoir été|être) lu|"
    r"foi lid|sem ser lid|è stat[oa] lett|senza (?:essere|venire) lett",
    re.IGNORECASE,
)
_LONGEST_RECEIPT = 1000
_ADDRESS = re.compile(r"://|www\.|\S@\S|\d{3}\W{1,2}\d{4}|\b[A-Z]{2}\W{1,2}\d{5}\b")
"""Of a page, a mailbox, a telephone, a house: in part."""


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
    def names_an_address(self) -> bool:
        """Whether it tells anywhere how its writer can be reached."""
        return bool(self.address) or _ADDRESS.search(f"{self.subject}\n{self.text}") is not None

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
    is_one = is_called_so or any(part.get_content_type() in _RECEIPTS for part in parts(message))
    return is_one or _is_worded_as_a_receipt(message)


def _is_worded_as_a_receipt(message: Message) -> bool:
    """Whether its subject and its few words are those of a receipt: some programs write no more."""
    if _SUBJECT_OF_A_RECEIPT.match(one_line(message, "subject")) is None:
        return False
    text = text_of(message)
    return len(text) <= _LONGEST_RECEIPT and _TEXT_OF_A_RECEIPT.search(text) is not None


def is_automatic(message: Message) -> bool:
    """Whether it says in a header that a program sent it."""
    submitted = header(message, "auto-submitted").lower()
    marks = ("x-autoreply", "x-autorespond", "x-auto-response-suppress")
    return (
        bool(submitted and not submitted.startswith("no"))
        or any(name in message for name in marks)
        or header(message, "precedence").lower() in {"auto_reply", "bulk", "junk"}
    )
