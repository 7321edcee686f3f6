"""What links and forms say, in the charset in which it was written.

Pages of ours say everything in UTF-8. A link that an old mailing program made, or the form of a partner's page, may say
it in Windows-1252, which browsers use for Latin-1 too; nothing in a request tells so, unless the form does.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from functools import cached_property
from typing import IO, Any
from urllib.parse import parse_qsl

import flask
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.formparser import FormDataParser

_NAMED = "_charset_"
"""The field in which browsers say the charset of a form that has it
(https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#naming-form-controls:-the-name-attribute)."""
_WESTERN = "cp1252"
_CALLED_WESTERN = frozenset(("ascii", "iso8859-1", "cp1252"))
# Those of the web, by the names that Python gives them; Python has others, which are no charsets of forms.
_KNOWN = re.compile(
    r"cp125[0-8]|cp874|iso8859-([2-9]|1[0-6])|koi8-[ru]|mac-roman|shift_jis|cp932|euc_jp|iso2022_jp|euc_kr|cp949"
    r"|gbk|gb2312|gb18030|big5(hkscs)?"
)
# A text in UTF-8 that was cut or spoilt: read as another charset it would become "JosÃ".
_SPOILT = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
    rb"|(?:[\xc2\xc3]|[\xe0-\xef][\x80-\xbf]|[\xf0-\xf4][\x80-\xbf]{1,2})$"
)
_WESTERN_SIGNS = frozenset("ªº·’‘“”–—…«»¿¡°§´\u00a0")


class _Forms(FormDataParser):
    """Reads the bodies of forms as browsers write them when nothing is uploaded."""

    def _parse_urlencoded(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str]
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, Any]]:
        return stream, self.cls(pairs(stream.read(), options.get("charset", ""))), self.cls()


class Request(flask.Request):
    """A request whose words are read whatever charset they came in; what cannot be read has U+FFFD in it."""

    form_data_parser_class = _Forms

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """What stands behind the question mark."""
        return ImmutableMultiDict(pairs(self.query_string))


def pairs(data: bytes, charset: str = "") -> Iterable[tuple[str, str]]:
    """Names and values of a form in its order; `charset` is what its sender says."""
    # Latin-1 has a character for each byte, so that nothing is decided yet.
    raw = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in parse_qsl(data.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    ]
    named = dict(raw).get(_NAMED.encode(), b"").decode("latin-1") or charset
    return [(text(name, named), text(value, named)) for name, value in raw]


def text(data: bytes, charset: str = "") -> str:
    """The text, with U+FFFD where it cannot be told. Hardly anything else can be read as UTF-8, so that goes first."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        known = _codec(charset)
    if known:
        return data.decode(known, "replace")
    return _western(data) or data.decode("utf-8", "replace")


def _codec(charset: str) -> str:
    """The one that is named; empty for one that no browser knows, and for UTF-8, which it is not."""
    try:
        name = codecs.lookup(charset.strip()).name if charset.isascii() else ""
    except (LookupError, ValueError):
        return ""
    return _WESTERN if name in _CALLED_WESTERN else name if _KNOWN.fullmatch(name) else ""


def _western(data: bytes) -> str:
    """The text in Windows-1252; empty when it would be none that people write in the languages of Western Europe."""
    if _SPOILT.search(data):
        return ""
    try:
        words = data.decode(_WESTERN)
    except UnicodeDecodeError:
        return ""
    letters = [sign for sign in words if sign.isalpha()]
    foreign = sum(not sign.isascii() for sign in letters)
    legible = all(sign.isascii() or sign.isalpha() or sign in _WESTERN_SIGNS for sign in words)
    return words if legible and 2 * foreign <= len(letters) else ""
