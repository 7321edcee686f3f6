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
from email.message import Message
from email.parser import BytesHeaderParser
from html import unescape

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
_MOST_HTML = 100_000

_TAKEN_APART = re.compile(
    rb"^(?:content-[a-z-]{1,40}|from|x-failed-recipients|original-recipient|final-recipient):[^\n]*(?:\n[ \t][^\n]*)*",
    re.IGNORECASE | re.MULTILINE,
)
_CONTAINER = re.compile(rb"content-type:\s*(?:multipart|message)/", re.IGNORECASE)
_STRANGE_CODECS = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"})
_TAG = re.compile(r"<(/?)([a-z!?][^\s<>/]*)[^<>]*>", re.IGNORECASE)
_BLANKS = re.compile(r"\s+")
_UNSEEN = frozenset({"head", "script", "style", "title"})
_LINES = frozenset({"br", "div", "h1", "h2", "h3", "h4", "hr", "li", "p", "table", "tr", "ul", "ol", "blockquote"})
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


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


def parts(message: Message) -> Iterator[Message]:
    """The parts that are no containers of others, in their order. Never anything of a message that is quoted in it."""
    waiting, count = [(message, 0)], 0
    while waiting and count < _MOST_PARTS:
        part, depth = waiting.pop()
        count += 1
        inner = part.get_payload()
        if part.get_content_maintype() != "multipart":
            yield part
        elif isinstance(inner, list) and depth < _DEEPEST:
            waiting.extend((one, depth + 1) for one in reversed(inner[:_MOST_PARTS]) if isinstance(one, Message))


def text_of(message: Message) -> str:
    """What it says to a person: its first plain text, else its first HTML as text; at most MOST_TEXT characters."""
    for kind in ("text/plain", "text/html"):
        for part in parts(message):
            if part.get_content_type() == kind and not header(part, "content-disposition").startswith("attachment"):
                text = decoded(part)
                if said := _tidy(_without_tags(text) if kind == "text/html" else text):
                    return said
    return ""


def decoded(part: Message) -> str:
    """The text of a part, whatever it says of its encoding."""
    data: object = b""
    with contextlib.suppress(Exception):
        data = part.get_payload(decode=True)
    octets = data[:_MOST_ENCODED] if isinstance(data, bytes) else b""
    with contextlib.suppress(Exception):
        charset = codecs.lookup(part.get_content_charset("utf-8")).name
        if charset not in _STRANGE_CODECS:
            return octets.decode(charset, "replace")
    return octets.decode("utf-8", "replace")


def _tidy(text: str) -> str:
    """Without what is not seen or turns the order of what is; one empty line at most between others."""
    lines = ("".join(filter(_is_harmless, line.expandtabs(4))).rstrip() for line in text.splitlines())
    tidied = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return tidied if len(tidied) <= MOST_TEXT else tidied[: MOST_TEXT - 1] + "…"


def _is_harmless(sign: str) -> bool:
    return sign not in _REORDERING and unicodedata.category(sign) not in {"Cc", "Cs"}


def _without_tags(html: str) -> str:
    """HTML as text, with line ends where a browser would show them.

    Not by the library's parser, which needs minutes for 100,000 signs that were made for it.
    """
    words, unseen, end = [], "", 0
    html = _without_comments(html[:_MOST_HTML])
    for tag in _TAG.finditer(html):
        if not unseen:
            words.append(_BLANKS.sub(" ", html[end : tag.start()]))
        name, end = tag[2].lower(), tag.end()
        if unseen:
            unseen = "" if tag[1] and name == unseen else unseen
        elif name in _UNSEEN:
            unseen = "" if tag[1] else name
        elif name in _LINES:
            words.append("\n")
    return unescape("".join(words) + ("" if unseen else html[end:]))


def _without_comments(html: str) -> str:
    kept, rest = [], html
    while "<!--" in rest:
        before, _, after = rest.partition("<!--")
        kept.append(before)
        rest = after.partition("-->")[2]
    return "".join(kept) + rest
