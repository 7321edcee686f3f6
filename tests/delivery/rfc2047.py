"""Reads headers to the letter of RFC 5322 and RFC 2047, and is shocked by what these do not allow."""

from __future__ import annotations

import base64
import re

_WORD = re.compile(r"=\?([!#$%&'*+0-9A-Z\\^_`a-z{|}~-]+)\?([BbQq])\?([!->@-~]+)\?=")
_QUOTED = re.compile(r'"((?:[^"\\\r\n]|\\.)*)"')
_IN_A_NAME = re.compile(r"[A-Za-z0-9!*+/=_-]+")
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")


def headers(mail: bytes) -> list[bytes]:
    """All headers of a mail, each with all its lines."""
    return re.findall(rb"[^ \t].*\r\n(?:[ \t].*\r\n)*", mail.partition(b"\r\n\r\n")[0] + b"\r\n")


def header(mail: bytes, name: str) -> bytes:
    """The one header of that name."""
    (found,) = (one for one in headers(mail) if one.startswith(name.encode() + b":"))
    return found


def value_of(header: bytes) -> str:
    """What stands behind the name of one header, as one line; its lines are as the standards want them."""
    text = header.decode("ascii")
    assert text.endswith("\r\n"), text
    lines = text[:-2].split("\r\n")
    assert re.match(r"[A-Za-z-]+:", lines[0]), text
    for place, line in enumerate(lines):
        assert line.isprintable(), text
        said = line.partition(":")[2] if place == 0 else line
        assert said.startswith(" ") == (said != ""), text
        assert said.strip() or len(lines) == 1, text
        assert len(line) <= (76 if "=?" in line else 78) or re.fullmatch(r" <?\S+@\S+", said), text
    assert "?==?" not in text, text
    return "".join(lines).partition(":")[2][1:]


def subject(header: bytes) -> str:
    """What an unstructured header says."""
    return _joined([piece for piece in re.split("( +)", value_of(header)) if piece])


def sender(header: bytes) -> tuple[str, str]:
    """Name and address of a header with one mailbox; the name is "" if there is none."""
    value = value_of(header)
    if "<" not in value:
        return "", value
    found = re.fullmatch(r"(.*[^ ]) <([^<> ]+)>", value)
    assert found, value
    phrase = found[1]
    if quoted := _QUOTED.fullmatch(phrase):
        assert "=?" not in phrase, phrase
        return re.sub(r"\\(.)", r"\1", quoted[1]), found[2]
    words = re.split("( +)", phrase)
    for word in words[::2]:
        assert _ATOM.fullmatch(word), phrase
        encoded = _WORD.fullmatch(word)
        assert not encoded or _IN_A_NAME.fullmatch(encoded[3]), phrase
    return _joined(words), found[2]


def _joined(pieces: list[str]) -> str:
    """Words and the blanks between them; those between two encoded words are nothing."""
    said = []
    for place, piece in enumerate(pieces):
        around = pieces[max(0, place - 1) : place + 2]
        is_between = piece.isspace() and len(around) == 3 and all(_WORD.fullmatch(one) for one in around[::2])
        said.append("" if is_between else _decoded(piece))
    return "".join(said)


def _decoded(word: str) -> str:
    found = _WORD.fullmatch(word)
    if not found:
        assert "=?" not in word, word
        return word
    assert len(word) <= 75, word
    charset, encoding, inside = found.groups()
    octets = base64.b64decode(inside, validate=True) if encoding in "bB" else _unquoted(inside)
    assert octets, word
    return octets.decode(charset, "strict")


def _unquoted(inside: str) -> bytes:
    pieces = re.findall(r"=[0-9A-F]{2}|_|[^=_]", inside)
    assert "".join(pieces) == inside, inside
    return b"".join(
        bytes.fromhex(one[1:]) if len(one) == 3 else b" " if one == "_" else one.encode("ascii") for one in pieces
    )
