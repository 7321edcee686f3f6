"""Turns the HTML of a stranger's mail into text, and keeps what a reader needs: lines, lists, where links lead.

Not by the library's parser, which needs minutes for 100,000 signs that were made for it. Here every pattern ends at the
next tag, so that time grows with the length and with nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import unquote

_MOST_HTML = 100_000
_MOST_ATTRIBUTES = 4000
"""Characters of them in one tag."""
_MOST_LINKS, _LONGEST_ADDRESS = 300, 2000

_COMMENT = re.compile(r"<!--(?:-?>|.*?--!?>|.*)", re.DOTALL)
_TAG = re.compile(
    r"<(/?)([a-z!?][^\s<>/]*+)"
    r"((?:[^<>\"']|\"[^\"<]*+\"|'[^'<]*+')*+|[^<>]*+)>",  # a ">" between quotation marks ends no tag
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"(?:^|(?<=[\s\"'/]))([^\s\"'<>/=]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'<>]++)))?")
_BLANKS = re.compile(r"[\s\xa0]+")
_HUGE_NUMBER = re.compile(r"&#(?:[0-9]{8,}|x[0-9a-f]{8,});?", re.IGNORECASE)

_NEVER_SEEN = frozenset({"script", "style", "template", "title"})
_LINES = frozenset({"article", "div", "dd", "dt", "footer", "form", "header", "section", "tr"})
_PARAGRAPHS = frozenset({"blockquote", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "ol", "p", "pre", "table", "ul"})
_CELLS = frozenset({"td", "th"})
_WITHOUT_END = frozenset({"area", "br", "hr", "img", "input", "link", "meta", "wbr"})
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_WEB = re.compile(r"(?:https?://|www\.)[^/?#\s]+", re.IGNORECASE)
_MAILBOX = re.compile(r"[^\s@<>:/]+@[^\s@<>:/]+")
_TELEPHONE = re.compile(r"[+0-9][0-9 ().-]{2,30}")
_AROUND = ".,;:!?()[]<>\"'“”‘’ "
_NEEDS_NO_MENTION = re.compile(r"^(?:https?://)?(?:www\.)?|/$", re.IGNORECASE)


def as_text(html: str, *, links: bool = True) -> str:
    """The text, with line ends where a browser shows them, and `text <address>` for each of the links.

    What is hidden is left out, unless everything is.
    """
    without_comments = _COMMENT.sub("", html[:_MOST_HTML])
    return _Page(links=links).read(without_comments) or _Page(links=links, shows_hidden=True).read(without_comments)


@dataclass(slots=True)
class _Page:
    """What has been read so far."""

    links: bool
    shows_hidden: bool = False
    said: list[str] = field(default_factory=list)
    ends: int = 2
    """How many lines have ended since anything was to be seen."""
    unseen: str = ""
    """The name of the element that is not seen, of which `depth` have begun."""
    depth: int = 0
    is_set: bool = False
    """Whether blanks and line ends stand as they are (<pre>)."""
    target: str = ""
    """Where the link leads that began at `begun`."""
    begun: int = -1
    has_picture: bool = False
    count: int = 0

    def read(self, html: str) -> str:
        """All of it."""
        end = 0
        for tag in _TAG.finditer(html):
            self._say(html[end : tag.start()])
            end = tag.end()
            self._tag(tag[2].lower(), tag[3], closes=bool(tag[1]))
        self._say(html[end:])
        self._end_link()
        return "\n".join(line.strip() for line in "".join(self.said).split("\n")).strip()

    def _say(self, text: str) -> None:
        if self.unseen or not text:
            return
        text = _unescaped(text)
        self.said.append(text if self.is_set else _BLANKS.sub(" ", text))
        if text.strip():
            self.ends = 0

    def _tag(self, name: str, attributes: str, *, closes: bool) -> None:
        if self.unseen and not self._is_seen_again(name, closes=closes):
            return
        found = _attributes(attributes) if attributes and not closes else {}
        if not closes and self._hides(name, found):
            self.unseen, self.depth = ("", 0) if name in _WITHOUT_END else (name, 1)
        elif name in {"a", "area"}:
            self._link(name, found, closes=closes)
        elif name == "img":
            self.has_picture = True
            self._say(found.get("alt", ""))
        else:
            self._break(name, closes=closes)

    def _hides(self, name: str, found: dict[str, str]) -> bool:
        if self.shows_hidden or name in _NEVER_SEEN:
            return name in _NEVER_SEEN
        return name == "head" or "hidden" in found or _HIDDEN.search(found.get("style", "")) is not None

    def _is_seen_again(self, name: str, *, closes: bool) -> bool:
        """Whether this tag counts, since what was hidden has ended without a word: a paragraph and a head may."""
        begins = {"p": _LINES | _PARAGRAPHS, "head": {"body"}}.get(self.unseen, frozenset())
        if name in begins and not closes:
            self.unseen = ""
            return True
        if name == self.unseen and (closes or name not in _NEVER_SEEN):
            self.depth += -1 if closes else 1
            self.unseen = self.unseen if self.depth else ""
        return False

    def _break(self, name: str, *, closes: bool) -> None:
        """End the line where this tag does, once for several of them; twice for a paragraph."""
        if name == "br":
            self._end_lines(self.ends + 1)
        elif name in _PARAGRAPHS:
            self.is_set = not closes if name == "pre" else self.is_set
            self._end_lines(2)
        elif name in _LINES:
            self._end_lines(1)
        elif name == "li" and not closes:
            self._end_lines(1)
            self.said.append("- ")
            self.ends = 2  # what it holds begins on its line
        elif name in _CELLS and not closes:
            self.said.append(" ")

    def _end_lines(self, count: int) -> None:
        while self.ends < count:
            self.said.append("\n")
            self.ends += 1

    def _link(self, name: str, found: dict[str, str], *, closes: bool) -> None:
        self._end_link()
        target = _target(found.get("href", "")) if self.links else ""
        if closes or not target or self.count >= _MOST_LINKS:
            return
        self.target, self.begun, self.has_picture = target, len(self.said), name == "area"
        self.count += 1
        if name == "area":
            self._say(found.get("alt", ""))
            self._end_link()

    def _end_link(self) -> None:
        """Write where it leads behind its last word, unless that is what it says, or there is nothing to be seen."""
        target, self.target = self.target, ""
        if not target:
            return
        inside = "".join(self.said[self.begun :])
        words = inside.rstrip()
        if not _says(words, target) and (words.strip() or self.has_picture):
            self.said[self.begun :] = [words, " " if words else "", f"<{target}>", inside[len(words) :]]
            self.ends = self.ends if words else 0


def _attributes(text: str) -> dict[str, str]:
    """The first of each name counts, as in a browser."""
    found: dict[str, str] = {}
    for one in _ATTRIBUTE.finditer(text[:_MOST_ATTRIBUTES]):
        found.setdefault(one[1].lower(), one[2] or one[3] or one[4] or "")
    return found


def _unescaped(text: str) -> str:
    return unescape(_HUGE_NUMBER.sub("\ufffd", text)) if "&" in text else text


def _target(href: str) -> str:
    """Where a link leads, if a person can go there: a page, a mailbox, a telephone. Else ""."""
    address = _CONTROL.sub("", _unescaped(href)).strip()
    kind, _, rest = address.partition(":")
    if kind.lower() in {"mailto", "tel", "sms"}:
        address = unquote(rest.partition("?")[0].partition(",")[0]).strip()
        return address if (_MAILBOX if kind.lower() == "mailto" else _TELEPHONE).fullmatch(address) else ""
    if address.startswith("//"):
        address = f"https:{address}"
    is_one = _WEB.match(address) or _MAILBOX.fullmatch(address)
    written = address.replace(" ", "%20").replace("<", "%3C").replace(">", "%3E")
    return written if is_one and len(written) <= _LONGEST_ADDRESS else ""


def _says(words: str, target: str) -> bool:
    """Whether a link's own words name its address."""
    if _TELEPHONE.fullmatch(target):
        return re.sub(r"\D", "", target)[-7:] in re.sub(r"\D", "", words)
    sought = _bare(target)
    return any(_bare(word) == sought for word in words.split())


def _bare(address: str) -> str:
    return _NEEDS_NO_MENTION.sub("", address.strip(_AROUND).lower())
