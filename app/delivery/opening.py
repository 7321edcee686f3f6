"""Opens a message that anybody may have written: its headers, its parts, its text; soon, and whatever the bytes are.

The standard library reads it by its old policy (compat32): the new one parses headers, and raises on some. Even so a
megabyte that was made for it keeps the library busy for minutes; so what is large is cut, and what is deep or has a
head without end is not taken apart at all.
"""

from __future__ import annotations

import codecs
import contextlib
import re
import unicodedata
from collections.abc import Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser

from app.delivery.markup import as_text, with_links

MOST_BYTES = 1024 * 1024
"""Of a message only so much is looked at: what a mail server, or a person, has to say stands in front."""
MOST_TEXT = 20_000
"""Characters of its text."""
_MOST_LINES = 30_000
_MOST_CONTAINERS = 100
_MOST_HEAD = 4000
"""Octets of a header that the library takes apart: it takes time by the square of that."""
_DEEPEST, _MOST_PARTS = 10, 50
_MOST_ENCODED = 200_000
_LONGEST_LINE, _LONGEST_NAME = 200, 100
"""Characters of a subject, and of a name."""
_MOST_DECODED = 1000

_TAKEN_APART = re.compile(
    rb"^(?:content-[a-z-]{1,40}|from|x-failed-recipients|original-recipient|final-recipient):[^\n]*(?:\n[ \t][^\n]*)*",
    re.IGNORECASE | re.MULTILINE,
)
_CONTAINER = re.compile(rb"content-type:\s*(?:multipart|message)/", re.IGNORECASE)
_STRANGE_CODECS = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"})
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_GRAPHEME_JOINER = "\u034f"
_ADDRESS = r"[^\s<>\"(),:;@\\\[\]]{1,64}@[^\s<>\"(),:;@\\\[\]]{1,253}"
_IN_BRACKETS = re.compile(rf'((?:"(?:[^"\\]|\\.)*+"|[^"<])*+)<\s*({_ADDRESS})\s*>')
_BARE = re.compile(rf"\s*({_ADDRESS})\s*(?:\(([^()]*)\)\s*)?(?:,|$)")
_STUB = re.compile(
    r"(?:support|display|view|show|read|enable|capable|compatib|soporta|admite|mostrar|puede ver)\w*\b.*\bhtml|"
    r"\bhtml\b.*(?:support|display|view|show|read|enable|capable|compatib|soporta|admite|mostrar|puede ver)|"
    r"\b(?:view|read|open|see|display|ver|vea|abr[ai]r?)\b.*\b(?:browser|navegador|online|en línea)",
    re.IGNORECASE | re.DOTALL,
)
"""What stands in the place of a text for programs that show no HTML, and says only that."""
_LONGEST_STUB = 300
_FORMS_OF_TEXT = frozenset({"plain", "html", "enriched", "richtext", "x-amp-html", "watch-html", "rfc822-headers"})
"""What people read in a message; other kinds of text are files: an invitation, a card, a table."""


def opened(message: bytes) -> Message:
    """The message with its parts; without any, and without words, when it is too deep or its headers are too long."""
    # The library takes a lone CR for the end of a line, too: here there is one kind of line.
    lines = message[:MOST_BYTES].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n", _MOST_LINES)
    data = b"\n".join(lines[:_MOST_LINES]) + b"\n"
    if _can_be_taken_apart(data):
        with contextlib.suppress(Exception):  # of the library, which has raised many kinds for many reasons
            return message_from_bytes(data)
    with contextlib.suppress(Exception):
        return _head_alone(data)
    return Message()


def _head_alone(data: bytes) -> Message:
    message = BytesHeaderParser().parsebytes(data)
    for name in {name for name in message.keys() if name.lower().startswith("content-")}:  # noqa: SIM118 — no dict
        del message[name]
    message.set_payload("")
    return message


def _can_be_taken_apart(data: bytes) -> bool:
    containers = 0
    for found in _TAKEN_APART.finditer(data):
        containers += _CONTAINER.match(found[0]) is not None
        if len(found[0]) > _MOST_HEAD or containers > _MOST_CONTAINERS:
            return False
    return True


def headers(message: Message, name: str) -> list[str]:
    """All values of a header, each as one line."""
    return [" ".join(str(value).split()) for value in message.get_all(name, [])]


def header(message: Message, name: str) -> str:
    """The first of them, or nothing."""
    return next(iter(headers(message, name)), "")


def report_type(message: Message) -> str:
    """What a multipart/report says that it reports."""
    with contextlib.suppress(Exception):
        return str(message.get_param("report-type", "")).lower()
    return ""


def parts(message: Message) -> Iterator[Message]:
    """The parts that are no containers of others, in their order. Never anything of a message that is quoted in it."""
    waiting, count = [(message, 0)], 0
    while waiting and count < _MOST_PARTS:
        part, depth = waiting.pop()
        count += 1
        if part.get_content_maintype() != "multipart":
            yield part
        elif depth < _DEEPEST:
            waiting.extend((one, depth + 1) for one in reversed(_inside(part)))


def one_line(message: Message, name: str) -> str:
    """A header as a person reads it, without what is not seen; at most 200 characters."""
    return _plain(_readable(_raw(message, name)), _LONGEST_LINE)


def mailbox(message: Message, name: str) -> tuple[str, str]:
    """Name and address of the first mailbox in a header, as a person reads them; "" for what there is not.

    The address is looked for before anything is decoded, and not between quotation marks: a name can look like one.
    """
    value = _raw(message, name)
    if found := _IN_BRACKETS.match(value):
        shown, address = found[1], found[2]
    elif found := _BARE.match(value):
        shown, address = found[2] or "", found[1]
    else:
        shown, address = value, ""
    shown = _plain(_readable(re.sub(r'\\(.)|"', r"\1", shown)), _LONGEST_NAME)
    return ("" if shown == address else shown), address if address.isprintable() else ""


def _raw(message: Message, name: str) -> str:
    """The beginning of a header's first value, with what stands there in UTF-8, though it should not."""
    found = next((str(value) for key, value in message.raw_items() if key.lower() == name), "")
    return " ".join(found.encode("utf-8", "surrogateescape").decode("utf-8", "replace").split())[:_MOST_DECODED]


def _readable(value: str) -> str:
    with contextlib.suppress(Exception):  # of the library, for a charset that is none, and for much else
        return str(make_header(decode_header(value)))
    return value


def _plain(text: str, longest: int) -> str:
    line = " ".join("".join(sign if _is_harmless(sign) else " " for sign in text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _inside(part: Message) -> list[Message]:
    """The parts of a container. What is none is not asked for its text, which the library decodes, and raises on."""
    inner = part.get_payload() if part.is_multipart() else None
    return [one for one in inner[:_MOST_PARTS] if isinstance(one, Message)] if isinstance(inner, list) else []


def text_of(message: Message) -> str:
    """What a mail server says: its first plain text, else its first HTML as text; at most MOST_TEXT characters."""
    for kind in ("text/plain", "text/html"):
        for part in parts(message):
            if part.get_content_type() == kind and not _is_attached(part):
                text = decoded(part)
                if said := _tidy(as_text(text, links=False) if kind == "text/html" else text):
                    return said
    return ""


def answer_of(message: Message) -> str:
    """What somebody says: all its texts, the plain form of each where there are several; at most MOST_TEXT characters.

    Of HTML it keeps where links lead, since an office may have no other way to be answered; so it does of a plain form
    that was made of HTML and lost it.
    """
    return _tidy(_said(message, _DEEPEST))


def _said(part: Message, deepest: int) -> str:
    if part.get_content_maintype() != "multipart":
        return _said_alone(part)
    forms = _inside(part) if deepest else []
    if part.get_content_subtype() != "alternative":
        return "\n\n".join(filter(None, (_said(one, deepest - 1) for one in forms)))
    forms.sort(key=lambda one: one.get_content_type() != "text/plain")
    texts = [text for one in forms if (text := _said(one, deepest - 1))]
    text = next((text for text in texts if not _is_a_stub(text)), texts[0] if texts else "")
    pages = (one for form in forms for one in parts(form) if one.get_content_type() == "text/html")
    page = next((one for one in pages if not _is_attached(one)), None)
    return with_links(text, decoded(page)) if text and page is not None else text


def _said_alone(part: Message) -> str:
    kind = part.get_content_type()
    if _is_attached(part) or kind not in {"text/plain", "text/html"}:
        return ""
    text = decoded(part)
    return _tidy(as_text(text) if kind == "text/html" else text)


def _is_a_stub(text: str) -> bool:
    return len(text) <= _LONGEST_STUB and _STUB.search(text) is not None


def _is_attached(part: Message) -> bool:
    return header(part, "content-disposition").lower().startswith("attachment")


def files_in(message: Message) -> int:
    """How many files came with it: what is attached, and what is neither text nor a picture within a page."""
    return sum(1 for part in parts(message) if _is_a_file(part))


def _is_a_file(part: Message) -> bool:
    kind, form = part.get_content_maintype(), part.get_content_subtype()
    is_shown = (kind == "text" and form in _FORMS_OF_TEXT) or (kind == "image" and "content-id" in part)
    return not form.endswith(("signature", "pkcs7-mime")) and (_is_attached(part) or not is_shown)


def decoded(part: Message) -> str:
    """The text of a part, whatever it says of its encoding."""
    data: object = b""
    with contextlib.suppress(Exception):
        data = part.get_payload(decode=True)
    octets = data[:_MOST_ENCODED] if isinstance(data, bytes) else b""
    with contextlib.suppress(Exception):
        charset = codecs.lookup(part.get_content_charset("utf-8")).name
        if charset == "ascii":
            charset = "utf-8" if _is_utf_8(octets) else "cp1252"
        if charset not in _STRANGE_CODECS:
            # What calls itself Latin-1 is Windows' own, to browsers too: its quotation marks would be lost.
            return octets.decode("cp1252" if charset == "iso8859-1" else charset, "replace")
    return octets.decode("utf-8", "replace")


def _is_utf_8(octets: bytes) -> bool:
    with contextlib.suppress(UnicodeDecodeError):
        octets.decode("utf-8")
        return True
    return False


def _tidy(text: str) -> str:
    """Without what is not seen or turns the order of what is; one empty line at most between others."""
    lines = ("".join(filter(_is_harmless, line.expandtabs(4))).rstrip() for line in text.splitlines())
    lines = (line if any(map(_is_seen, line)) else "" for line in lines)
    tidied = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return tidied if len(tidied) <= MOST_TEXT else tidied[: MOST_TEXT - 1] + "…"


def _is_seen(sign: str) -> bool:
    """Not so are the signs with which programs fill the line that a mailbox shows beside a subject."""
    return not sign.isspace() and sign != _GRAPHEME_JOINER and unicodedata.category(sign) != "Cf"


def _is_harmless(sign: str) -> bool:
    return sign not in _REORDERING and unicodedata.category(sign) not in {"Cc", "Cs"}
