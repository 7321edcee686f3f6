"""Turns the HTML of a stranger's mail into text, and keeps what a reader needs: lines, lists, where links lead.

Not by the library's parser, which needs minutes for 100,000 signs that were made for it. Here every pattern ends at the
next tag, so that time grows with the length and with nothing else.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import unquote, urljoin

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
_REFERENCE = re.compile(r"&#?[a-z0-9]{1,32};", re.IGNORECASE)
_HUGE_NUMBER = re.compile(r"&#(?:[0-9]{8,}|x[0-9a-f]{8,});?", re.IGNORECASE)

_NEVER_SEEN = frozenset({"script", "style", "template", "title"})
_LINES = frozenset(
    {"address", "article", "aside", "caption", "center", "dd", "details", "div", "dt", "fieldset", "figcaption"}
    | {"figure", "footer", "form", "header", "legend", "main", "nav", "option", "section", "summary", "tr"}
)
_PARAGRAPHS = frozenset({"blockquote", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "ol", "p", "pre", "table", "ul"})
_CELLS = frozenset({"td", "th"})
_WITHOUT_END = frozenset({"area", "br", "hr", "img", "input", "link", "meta", "wbr"})
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_WEB = re.compile(r"(?:https?://|www\.)[^/?#\s]+", re.IGNORECASE)
_MAILBOX = re.compile(r"[^\s@<>:/]+@[^\s@<>:/]+")
_OF_MAILBOXES = re.compile(r"[^\s@<>:/,;\"]{1,64}@[^\s@<>:/,;\"]{1,253}")
_MOST_MAILBOXES = 5
_TELEPHONE = re.compile(r"[+0-9(][0-9 ().-]{2,30}(?: ext\. [0-9]{1,8})?")
_EXTENSION = re.compile(r"(?:;ext=|[,;])([0-9]{1,8})\b", re.IGNORECASE)
_NAMED = re.compile(r"(?:https?://|www\.)[^\s<>\"]+|[^\s@<>:/\"()]{1,64}@[^\s@<>:/\"()]{1,253}", re.IGNORECASE)
_AROUND = ".,;:!?()[]<>\"'“”‘’ "
_NEEDS_NO_MENTION = re.compile(r"^(?:https?://)?(?:www\.)?|/$", re.IGNORECASE)


def as_text(html: str, *, links: bool = True) -> str:
    """The text, with line ends where a browser shows them, and `text <address>` for each of the links.

    What is hidden is left out, unless everything is.
    """
    return _Page(links=links).read(html) or _Page(links=links, shows_hidden=True).read(html)


def with_links(text: str, html: str) -> str:
    """The plain form of a page, with `<address>` behind the words of each link whose address it has lost.

    It stays as it is if it names an address that nobody sees on the page: then its writer has kept them. So nothing
    but addresses is added, and those only to words that it has.
    """
    seen = {_bare(one) for one in _NAMED.findall(as_text(html, links=False))}
    if any(_bare(one) not in seen for one in _NAMED.findall(text)):
        return text
    page, known = _Page(links=True), _known(text)
    page.read(html)
    flat, reached, places = text.replace("\n", " ").replace("\xa0", " "), dict[str, int](), list[tuple[int, str]]()
    for words, target in page.led:
        end = _end_of(words, flat, reached.get(words, 0))  # the same words may be there for another link, too
        reached[words] = end or len(flat)
        if end and not _is_among(known, target):
            places.append((end, target))
    for end, target in sorted(places, reverse=True):
        text = f"{text[:end]} <{target}>{text[end:]}"
    return text


def _end_of(words: str, text: str, start: int) -> int:
    """Where they end in the text, as whole words, from `start` on; 0 if they are not there."""
    while (found := text.find(words, start)) >= 0:
        start = found + len(words)
        if not text[max(found - 1, 0) : found].isalnum() and not text[start : start + 1].isalnum():
            return start
    return 0


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
    base: str = ""
    """The address to which those of links are relative, if the page names one."""
    target: str = ""
    """Where the link leads that began at `begun`."""
    begun: int = -1
    led: list[tuple[str, str]] = field(default_factory=list)
    """The words of each link, and where it leads."""
    has_picture: bool = False
    count: int = 0

    def read(self, html: str) -> str:
        """All of it that counts."""
        html, end = _COMMENT.sub("", html[:_MOST_HTML]), 0
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
        if text[:1].isalnum() and self.said and self.said[-1].startswith("<") and self.said[-1].endswith(">"):
            self.said.append(" ")  # behind an address, of which the word would be a part
        self.said.append(text if self.is_set else _BLANKS.sub(" ", text))
        if text.strip():
            self.ends = 0

    def _tag(self, name: str, attributes: str, *, closes: bool) -> None:
        if name == "base" and not self.base:
            self.base = _target(_attributes(attributes).get("href", ""))
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
        target = _target(found.get("href", ""), self.base) if self.links else ""
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
        if words.strip():
            self.led.append((" ".join(words.split()), target))
        if not _is_among(_known(words), target) and (words.strip() or self.has_picture):
            is_beside_another = next(filter(None, reversed(self.said[: self.begun])), "").endswith(">")
            between = " " if is_beside_another and not inside[:1].isspace() else ""
            pieces = between, words, " " if words else "", f"<{target}>", inside[len(words) :]
            self.said[self.begun :] = filter(None, pieces)
            self.ends = self.ends if words else 0


def _attributes(text: str) -> dict[str, str]:
    """The first of each name counts, as in a browser."""
    found: dict[str, str] = {}
    for one in _ATTRIBUTE.finditer(text[:_MOST_ATTRIBUTES]):
        found.setdefault(one[1].lower(), one[2] or one[3] or one[4] or "")
    return found


def _unescaped(text: str) -> str:
    return unescape(_HUGE_NUMBER.sub("\ufffd", text)) if "&" in text else text


def _target(href: str, base: str = "") -> str:
    """Where a link leads, if a person can go there: a page, mailboxes, a telephone. Else ""."""
    # In an attribute a reference ends with a semicolon: `&section=2` holds none.
    address = _CONTROL.sub("", _REFERENCE.sub(lambda found: _unescaped(found[0]), href)).strip()
    kind, _, rest = address.partition(":")
    if kind.lower() == "mailto":
        return ", ".join(_OF_MAILBOXES.findall(unquote(rest.partition("?")[0]))[:_MOST_MAILBOXES])
    if kind.lower() in {"tel", "sms", "callto"}:
        return _telephone(unquote(rest.partition("?")[0]))
    if address.startswith("//"):
        address = f"https:{address}"
    is_one = _WEB.match(address) or _MAILBOX.fullmatch(address)
    if base and address and not is_one and not address.startswith("#"):
        with suppress(ValueError):  # of brackets that are no address
            address = urljoin(base if "://" in base else f"https://{base}", address)
        is_one = _WEB.match(address)
    written = address.replace(" ", "%20").replace("<", "%3C").replace(">", "%3E")
    return written if is_one and len(written) <= _LONGEST_ADDRESS else ""


def _telephone(address: str) -> str:
    """The number, with its extension, that stands behind `tel:`."""
    number, extension = re.split("[,;]", address, maxsplit=1)[0].strip(" /"), _EXTENSION.search(address)
    written = f"{number} ext. {extension[1]}" if extension else number
    return written if _TELEPHONE.fullmatch(written) else ""


def _known(words: str) -> tuple[frozenset[str], str]:
    """What addresses are looked for among: the words as `_bare` has them, and the digits."""
    return frozenset(map(_bare, words.split())), re.sub(r"\D", "", words)


def _is_among(known: tuple[frozenset[str], str], target: str) -> bool:
    """Whether words name an address; of several mailboxes, all."""
    words, digits = known
    if _TELEPHONE.fullmatch(target):
        return re.sub(r"\D", "", target)[-7:] in digits
    return all(_bare(one) in words for one in target.split(", "))


def _bare(address: str) -> str:
    return _NEEDS_NO_MENTION.sub("", address.strip(_AROUND).lower())
