"""What a message means that came back to an envelope sender: a bounce, a delay, an answer, or nothing for us.

Pure reading: of the message alone, whose every word a stranger may have chosen. Whether it is about a delivery of ours
its address tells (Composer.delivery_of), never its content. What a quoted original says counts for nothing.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from email import message_from_string
from email.message import Message

from flufl.bounce import all_failures

from app.delivery.answers import OWN_ANSWER, Answer, answer, is_a_read_receipt, is_automatic
from app.delivery.opening import header, headers, mailbox, one_line, opened, parts, report_type, text_of

# It logs the message's own words when it fails, which is caught here.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Bounce:
    """It did not arrive, and nobody tries again. `said` are the server's words as they stand, addresses and all."""

    code: int | None
    said: str
    is_dead: bool
    """The mailbox is gone for good: it is not full, and neither we nor the message are what was refused."""
    about: str = ""
    """The one address, in lower case, that it says it is about; an alias may stand between it and ours."""


@dataclass(frozen=True, slots=True)
class Delay:
    """It has not arrived yet, and the server goes on trying."""

    code: int | None
    said: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing that changes anything; `why` finishes the sentence "it is …"."""

    why: str


@dataclass(frozen=True, slots=True)
class Returned:
    """A message that came back: to which addresses of the form of ours, and what it tells."""

    to: tuple[str, ...]
    tells: Bounce | Delay | Answer | Nothing


_ENVELOPES = ("Delivered-To", "X-Original-To", "Envelope-To", "To")
"""Where mail servers write to whom a message came, the surest first. Each can be there several times."""
_MOST_ADDRESSES = 20
_OURS = re.compile(r"(?<![\w.+-])b\+[0-9a-f]{32}\.[0-9a-f]{16}@[a-z0-9.-]{1,253}", re.IGNORECASE)

_DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4"})
"""RFC 3463: no such mailbox, no such domain, bad syntax, moved away, a null MX, disabled, no way there."""
_VAGUE = frozenset({"", "5.0.0", "5.1.0", "5.2.0", "5.4.1", "5.5.0"})
"""No detail, or one that large providers give for a mailbox that is not there: then the words decide."""
_NO_MAILBOX = re.compile(
    r"(?:user|recipient|mailbox|address|account)(?: \w+)? (?:is )?"
    r"(?:unknown|unavailable|not found|not recogni[sz]ed|inactive|disabled|invalid)|"
    r"(?:unknown|invalid|no such|not a valid|no) (?:local )?(?:user|recipient|mailbox|address|account|person|domain)|"
    r"(?:does|do)(?: not|n['’]t) exist|doesn['’]t have a|not listed in|no longer (?:valid|available|exists?|active)|"
    r"recipient address rejected: access denied|unrouteable|host or domain name not found|domain not found|"
    r"no mailbox (?:here|by that name)|address (?:couldn['’]t|could not) be found",
    re.IGNORECASE,
)
_NOT_THE_MAILBOX = re.compile(
    r"spam|blocked|block ?list|black ?list|polic[yi]|quota|full\b|too (?:large|big)|size limit|content|virus|"
    r"reputation|dmarc|\bspf\b|dkim|unauthenticated|rate limit|too many|5\.[67]\.\d|"
    # what is said of us: our sender, our name, our machine
    r"sender|mail from|verif|callout|called:|\bhelo|\behlo|\bip\b|\bdns\b|\bptr\b|client host|authenticat|"
    r"b\+[0-9a-f]{32}|"
    r"temporar|storage|listed at|listed by",
    re.IGNORECASE,
)

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?:[ -][45]\.\d|[ -](?!\d))")
_FROM_A_SERVER = re.compile(
    r"mailer-daemon|postmaster|mail ?delivery|microsoftexchange[0-9a-f]{32}|<>\s*$", re.IGNORECASE
)
_OF_A_PROGRAM = re.compile(r"mailer-daemon|^mail[ ._-]?delivery|microsoftexchange[0-9a-f]{32}|<>\s*$", re.IGNORECASE)
"""In an address: behind those there is nobody. A postmaster is a person, too, and people may call themselves so."""
_SUBJECT_OF_AN_ANSWER = re.compile(
    r"(?:re|aw|sv|rv|antw|rép|res|resp?uesta|auto(?:mati[ck])?[ -]?(?:reply|response|answer)|automatische antwort|"
    r"respuesta autom[aá]tica|réponse automatique|out of (?:the )?office)\s*(?:\[\d+\])?\s*:",
    re.IGNORECASE,
)
"""Behind it stands the letter's own subject, which may speak of failures and delays, too."""
_SUBJECT_OF_A_DELAY = re.compile(r"delay|warning|not yet", re.IGNORECASE)
_SUBJECT_OF_A_BOUNCE = re.compile(
    r"undeliver|not be delivered|couldn't be delivered|returned|fail(?:ure|ed)|rejected", re.IGNORECASE
)
_FAILED = re.compile(
    r"undeliver|not (?:be(?:en)? )?delivered|n['’]t (?:be(?:en)? )?delivered|unable to deliver|"
    r"deliver(?:y|ies)\W+(?:\w+\W+){0,3}(?:fail|error|problem|status|notification|report)|fail\w* (?:\w+ )?deliver|"
    r"(?:permanent|fatal) (?:error|failure)|returned (?:mail|message)|returned to (?:the )?sender|"
    r"(?:message|mail|recipient|delivery)\b[^.\n]{0,40}\b(?:was|were|been|being) "
    r"(?:rejected|refused|returned|bounced|blocked)|"
    r"(?:message|mail|recipient|address) (?:rejected|refused|blocked|not accepted)|does not exist|unrouteable|"
    r"(?:user|recipient|mailbox) (?:is |was )?(?:unknown|not found|unavailable|disabled|full|closed)|quota exceeded|"
    r"over (?:its |the )?quota|(?:unknown|no such) (?:local )?(?:user|recipient|mailbox|address)|"
    r"did(?: not|n['’]t) reach|"
    r"no (?:se )?(?:ha |han )?(?:sido |fue |puede |pudo |podido )?entreg|devuelto|unzustellbar|nicht zugestellt|"
    r"non (?:remis|distribué|délivré)|n['’]a pas (?:pu )?(?:été|être) (?:remis|distribué|délivré)|remise impossible|"
    r"não (?:\w+ ){0,2}entreg|(?:non (?:\w+ ){0,2}|impossibile )(?:consegna|recapita)|"
    r"niet (?:\w+ )?(?:bezorgd|afgeleverd)|не (?:\w+ ){0,2}доставлен|недоставлен|"
    r"配信(?:でき|不能)|送信でき|退信|无法(?:送达|投递)|未能送达|전송 실패|반송",
    re.IGNORECASE,
)
"""How servers say, in whatever form, that something did not arrive. People say so, too, of other things."""
_SHOWN = re.compile(
    r"[45]\d\d[ -]#?[45]\.\d+\.\d+|(?:#|\bstatus\W{1,3})[45]\.\d+\.\d+|"
    r"\b(?:smtp|said|reply|replied|responded|response|error)\W+(?:\w+\W+)?[45]\d\d\b|^(?:received|return-path|message-id):\s",
    re.IGNORECASE | re.MULTILINE,
)
"""What servers show besides: an answer with its number, or what they return."""
_SENTENCE_ENDS = re.compile(r"[.!?]\s|\n\n")
_RETURNED = frozenset({"message/rfc822", "message/global", "text/rfc822-headers", "message/delivery-status"})
"""Parts in which a server gives back what it did not deliver."""
_TELLING_LINES, _TELLING_WIDTH = 400, 200
_QUOTED_BELOW = re.compile(
    r"^\W*(?:below this line is a copy|this is a copy of|original message|included is a copy|message header follows)",
    re.IGNORECASE,
)


def read(message: bytes) -> Returned:
    """What it is. Looks at the first MOST_BYTES of it. Never raises."""
    opening = opened(message)
    return Returned(tuple(_addresses(opening)), _told(opening))


def _addresses(message: Message) -> Iterator[str]:
    """Only of the message itself: one that it quotes may name another letter's address."""
    values = (value for name in _ENVELOPES for value in headers(message, name)[:_MOST_ADDRESSES])
    found = (address for value in values for address in _OURS.findall(value)[:_MOST_ADDRESSES])
    yield from dict.fromkeys(address.rstrip(".") for address in found)


def _told(message: Message) -> Bounce | Delay | Answer | Nothing:
    if message.get(OWN_ANSWER) is not None:
        return Nothing("an answer that we passed on ourselves")
    if reports := list(_reports(message)):
        return _of_reports(reports)
    if report_type(message) == "feedback-report":
        return Nothing("a complaint, not a bounce")
    if is_a_read_receipt(message):
        return Nothing("a receipt that it was opened, or was not, and no answer")
    if _is_from_a_server(message):
        return _of_a_server(message)
    return answer(message)


# --- reports as the standard has them (RFC 3464) ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Report:
    """What is said of one recipient. `action` is failed, delayed, delivered, relayed or expanded; or nothing."""

    action: str
    status: str
    diagnostic: str
    recipient: str


def _reports(message: Message) -> Iterator[_Report]:
    for part in parts(message):
        if part.get_content_type() in {"message/delivery-status", "message/global-delivery-status"}:
            for block in _blocks(part):
                report = _report(block)
                if report.action or report.status:
                    yield report


def _blocks(part: Message) -> list[Message]:
    """The groups of fields in a report. Of the kind for addresses beyond ASCII the library knows only the first."""
    found: list[Message] = []
    with suppress(Exception):  # of the library, when it decodes
        inner = part.get_payload()
        found = [block for block in inner if isinstance(block, Message)] if isinstance(inner, list) else []
        rest = found[0].get_payload() if len(found) == 1 else inner
        if isinstance(rest, str):
            found += [message_from_string(block) for block in rest.strip().split("\n\n")]
    return found


def _report(block: Message) -> _Report:
    action = re.match(r"[a-z]*", header(block, "action").lower())
    status = _STATUS.search(header(block, "status"))
    diagnostic = re.sub(r"^[\w-]{1,20};\s*", "", header(block, "diagnostic-code"))
    recipient = header(block, "final-recipient").rpartition(";")[2].strip(" <>").lower()
    return _Report(action[0] if action else "", status[1] if status else "", diagnostic, recipient)


def _of_reports(reports: Sequence[_Report]) -> Bounce | Delay | Nothing:
    """One recipient is all that a mail of ours has; where an alias made several of it, one failure is one too many."""
    failed = [report for report in reports if _is_failure(report)]
    if failed:
        about = failed[0].recipient if len({report.recipient for report in failed}) == 1 else ""
        return _bounce(failed[0].status, failed[0].diagnostic, about)
    delayed = [report for report in reports if report.action == "delayed" or not report.action]
    if delayed:
        said = delayed[0].diagnostic or delayed[0].status
        return Delay(_code(said), said)
    return Nothing("a report that it went on its way")


def _is_failure(report: _Report) -> bool:
    return report.action in {"failed", "fail", "error"} or (not report.action and report.status.startswith("5"))


def _bounce(status: str, said: str, about: str) -> Bounce:
    found = _STATUS.search(said)
    if status.endswith(".0.0") and found and found[1].startswith("5"):
        status = found[1]  # the server's own words are more exact than what its neighbour made of them
    in_words = status in _VAGUE and _says_gone(said)
    return Bounce(_code(said), said or status, status in _DEAD or in_words, about)


def _says_gone(words: str) -> bool:
    return _NO_MAILBOX.search(words) is not None and _NOT_THE_MAILBOX.search(words) is None


def _code(said: str) -> int | None:
    found = _CODE.search(said)
    return int(found[1]) if found else None


# --- reports as servers like them -------------------------------------------------------------------------------------


def _is_from_a_server(message: Message) -> bool:
    return "x-failed-recipients" in message or _FROM_A_SERVER.search(header(message, "from")) is not None


def _is_by_a_program(message: Message) -> bool:
    address = mailbox(message, "from")[1].rpartition("@")[0] or header(message, "from")
    return _OF_A_PROGRAM.search(address) is not None


def _of_a_server(message: Message) -> Bounce | Delay | Answer | Nothing:
    """By the forms that flufl.bounce knows; else by the subject, the numbers and the words; else it is an answer.

    Words alone tell nothing of a message that a person may have written.
    """
    lines = list(_telling_lines(message))
    said = next((line for line in lines if _CODE.search(line) or _STATUS.search(line)), "")
    status, subject = _STATUS.search("\n".join(lines)), one_line(message, "subject")
    number, answers = status[1] if status else "", _SUBJECT_OF_AN_ANSWER.match(subject) is not None
    subject = "" if answers else subject
    own = "\n".join(line for line in lines if not line.startswith(">"))
    is_named = _SUBJECT_OF_A_BOUNCE.search(subject) is not None
    says_failed = is_named or _FAILED.search(f"{subject}\n{own}") is not None
    is_a_servers = _is_sent_by_itself(message) or _SHOWN.search(own) is not None
    later, never = _failures(message, lines) if is_a_servers or is_named or _names_whom(own) else (set(), set())
    if later or (is_a_servers and _SUBJECT_OF_A_DELAY.search(subject) and not is_named):
        return Delay(_code(said), said)
    is_final = number.startswith("5") or (not number and _is_by_a_program(message) and (_code(said) or 0) >= 500)
    if never or (is_a_servers and is_final and says_failed and not answers):
        about = next(iter(never)).decode("utf-8", "replace").lower() if len(never) == 1 else ""
        return _worded(_bounce(number, said, about), lines)
    if is_a_servers and number.startswith("4") and not answers:
        return Delay(_code(said), said)
    if _may_be_a_bounce(message, own, says_failed=says_failed) or (_is_by_a_program(message) and not answers):
        return Nothing("a mail server's message that says neither that it failed nor that it waits")
    return answer(message)


def _is_sent_by_itself(message: Message) -> bool:
    """Whether it says that no person sent it: by its sender, by its empty envelope, or in a header."""
    has_a_mark = header(message, "return-path") == "<>" or "x-failed-recipients" in message or is_automatic(message)
    return has_a_mark or _is_by_a_program(message)


def _may_be_a_bounce(message: Message, own: str, *, says_failed: bool) -> bool:
    """Whether it has the parts of one, or two of its marks in what is its `own`, whatever the form."""
    returns = any(part.get_content_type() in _RETURNED for part in parts(message))
    if returns or "x-failed-recipients" in message or message.get_content_type() == "multipart/report":
        return True
    marks = says_failed, _SHOWN.search(own) is not None, _is_sent_by_itself(message)
    return marks.count(True) > 1 or _names_whom(own)


def _names_whom(own: str) -> bool:
    """Whether one sentence says that something did not arrive, and has an address."""
    return any("@" in sentence and _FAILED.search(sentence) for sentence in _SENTENCE_ENDS.split(own))


def _worded(bounce: Bounce, lines: Sequence[str]) -> Bounce:
    """Without a number of its own, all that was said tells whether the mailbox is at fault."""
    return bounce if _STATUS.search(bounce.said) else replace(bounce, is_dead=_says_gone("\n".join(lines)))


def _telling_lines(message: Message) -> Iterator[str]:
    """What a server says itself, before it quotes: few lines, and short ones."""
    for line in text_of(message).splitlines()[:_TELLING_LINES]:
        if _QUOTED_BELOW.match(line):
            return
        yield line[:_TELLING_WIDTH]


def _failures(message: Message, lines: Sequence[str]) -> tuple[set[bytes], set[bytes]]:
    """The addresses that flufl.bounce finds which wait, and which failed for good.

    It walks through everything, quoted messages too, by patterns that take time by the square of a line: so it gets
    what the server says in the two shapes that its patterns look for, and nothing else.
    """
    told = "\n".join(lines) + "\n"
    plain, notification = Message(), Message()
    for name in ("from", "subject", "x-mailer", "x-failed-recipients"):
        for value in headers(message, name)[:1]:
            plain[name] = notification[name] = value[:_TELLING_WIDTH]
    plain["Content-Type"] = "text/plain"
    plain.set_payload(told)
    notification["Content-Type"] = "multipart/mixed"
    inner = Message()
    inner["Content-Type"], inner["Content-Description"] = "text/plain", "Notification"
    inner.set_payload(told)
    notification.attach(inner)
    for shape in (plain, notification):
        with suppress(Exception):  # one of its detectors met what it does not expect
            later, never = all_failures(shape)
            if later or never:
                return set(later), set(never)
    return set(), set()
