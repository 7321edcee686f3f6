"""An organisation's logo: which files are one, how large it is shown, and what an SVG must not hold.

`config.py` asks before there is an application.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from xml.parsers import expat

MOST_BYTES = 30 * 1024
KINDS = "a PNG, JPEG, GIF, WebP or SVG image"
_TALLEST, _WIDEST = 48, 240
_LONGEST_SIDE = 4096
_SVG = "http://www.w3.org/2000/svg"
_RUNS = {"script", "handler", "listener", "foreignobject"}
"""Elements of an SVG that run something, or hold a page that may."""
_LENGTH = re.compile(r"\s*([0-9]{0,9}\.?[0-9]{1,20})(px|pt|pc|mm|cm|in|)\s*")
_PIXELS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}
_LINK = re.compile(r"""url\(\s*["']?\s*([^\s"')]*)|@import\s*([^;]*)""", re.IGNORECASE)
_BROKEN = "an SVG without errors, and this one breaks off or is damaged"
_WITHIN = ("#", "data:image/")


@dataclass(frozen=True, slots=True)
class Logo:
    """A checked image. `width` and `height` are the pixels that it is shown in, so that nothing moves as it loads."""

    content: bytes = field(repr=False)
    kind: str
    """`png`, `jpeg`, `gif`, `webp` or `svg`."""
    width: int
    height: int

    @property
    def media_type(self) -> str:
        """What browsers are told that it is."""
        return "image/svg+xml" if self.kind == "svg" else f"image/{self.kind}"


class _Unfit(ValueError):
    """An SVG that is refused."""


def parse_logo(content: bytes) -> Logo:
    """The logo in a file. Raises ValueError with words that finish the sentence "LOGO_FILE must be …"."""
    if not content:
        raise ValueError(f"{KINDS}, and this file is empty")
    try:
        kind, (width, height) = _bitmap(content)
    except struct.error:
        raise ValueError(f"{KINDS}, and this file breaks off or is damaged") from None
    if not kind:
        return Logo(content, "svg", *_shown(*_svg(content)))
    if not (0 < width <= _LONGEST_SIDE and 0 < height <= _LONGEST_SIDE):
        raise ValueError(f"an image of 1 to {_LONGEST_SIDE:,} pixels a side, and this one is {width:,} × {height:,}")
    return Logo(content, kind, *_shown(width, height, most=1.0))


def _shown(width: float, height: float, most: float = float("inf")) -> tuple[int, int]:
    """As large as fits into the header, blown up no more than `most` times: an SVG has no size of its own."""
    scale = min(_WIDEST / width, _TALLEST / height, most)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _bitmap(content: bytes) -> tuple[str, tuple[int, int]]:
    """Kind and size of an image in pixels, from its first bytes; the kind is "" when it is none of them."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png", struct.unpack_from(">II", content, 16)
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "gif", struct.unpack_from("<HH", content, 6)
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg", _jpeg(content)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "webp", _webp(content)
    return "", (0, 0)


def _jpeg(content: bytes) -> tuple[int, int]:
    """From the frame header, which comes somewhere behind comments, profiles and tables."""
    at = 2
    while True:
        marker, length = struct.unpack_from(">HH", content, at)  # beyond the end it raises struct.error
        if marker == 0xFFFF:  # a byte that fills up
            at += 1
            continue
        if marker < 0xFF00:
            raise struct.error(marker)
        if 0xFFC0 <= marker <= 0xFFCF and marker not in {0xFFC4, 0xFFC8, 0xFFCC}:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        at += 2 + length


def _webp(content: bytes) -> tuple[int, int]:
    """From the first chunk: lossy, lossless or with an animation, a profile or transparency."""
    chunk = content[12:16]
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8X":
        low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", content, 24)
        return (high_width << 16 | low_width) + 1, (high_height << 16 | low_height) + 1
    raise struct.error(chunk)


def _svg(content: bytes) -> tuple[float, float]:
    """Width to height of an SVG, of which only the proportion counts; harmless ones only."""
    reader = _SvgReader()
    try:
        reader.parser.Parse(content, True)
    except _Unfit:
        raise
    except (expat.ExpatError, LookupError, ValueError):  # the latter two of an encoding that expat does not know
        raise _Unfit(f"{KINDS}, and this file is none" if not reader.root else _BROKEN) from None
    _check_links("".join(reader.styles))
    return _proportion(reader.root)


class _SvgReader:
    """Refuses what runs, and what a browser would fetch, as it comes by."""

    def __init__(self) -> None:
        self.root: dict[str, str] = {}
        self.styles: list[str] = []
        self._in_style = False
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._words
        self.parser.EntityDeclHandler = self._entity
        self.parser.ProcessingInstructionHandler = self._instruction

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.root:
            if name != f"{_SVG} svg":
                raise _Unfit(f"{KINDS}, and this file is none")
            self.root = {"": name, **attributes}
        local = name.rpartition(" ")[2].lower()
        if local in _RUNS:
            raise _Unfit(f"an SVG without scripts, and this one has <{local}>; save it as plain SVG")
        for attribute, value in attributes.items():
            _check_attribute(attribute.rpartition(" ")[2].lower(), value)
        self._in_style = local == "style"

    def _end(self, _name: str) -> None:
        self._in_style = False

    def _words(self, words: str) -> None:
        if self._in_style:
            self.styles.append(words)

    def _entity(self, *_declared: object) -> None:
        raise _Unfit("an SVG without entities of its own; save it as plain SVG")

    def _instruction(self, target: str, _data: str) -> None:
        if target == "xml-stylesheet":
            raise _fetching("a stylesheet")


def _check_attribute(name: str, value: str) -> None:
    if name.startswith("on"):
        raise _Unfit(f"an SVG without scripts, and this one has {name}=; save it as plain SVG")
    if "javascript:" in "".join(value.split()).lower():
        raise _Unfit("an SVG without scripts, and this one has javascript:; save it as plain SVG")
    if name in {"href", "src", "base"} and not value.strip().lower().startswith(_WITHIN):
        raise _fetching(value)
    _check_links(value)


def _check_links(text: str) -> None:
    for link in _LINK.finditer(text):
        target = link[1] if link[1] is not None else link[2]
        if link[1] is None or not target.lower().startswith(_WITHIN):
            raise _fetching(target)


def _fetching(what: str) -> _Unfit:
    shown = "".join(character for character in what if character.isprintable()).strip()[:60]
    return _Unfit(f"an SVG that is whole in itself, and this one refers to {shown}; put that into the file")


def _proportion(root: dict[str, str]) -> tuple[float, float]:
    sides = [_LENGTH.fullmatch(root.get(name, "")) for name in ("width", "height")]
    found = [float(side[1]) * _PIXELS[side[2]] for side in sides if side]
    if len(found) < 2:
        box = [_LENGTH.fullmatch(part) for part in root.get("viewBox", "").replace(",", " ").split()]
        found = [float(side[1]) for side in box[2:] if side and not side[2]]
    if len(found) != 2 or not all(found):
        raise _Unfit("an SVG with a width and a height, or a viewBox, that are more than nothing")
    return found[0], found[1]
