"""Telephone numbers as people type and paste them."""

from __future__ import annotations

import re
from enum import StrEnum

from app.typed import code

FEWEST, MOST = 10, 15
"""Digits of a number with its area code; the longest that there are anywhere (ITU-T E.164)."""

_LABEL = re.compile(
    r"(?:(?:(?:tel|ph|phone|telephone|cell|mobile)(?: *n(?:umber|o|r))?|tel[eé]fono|tel[eé]f|cel|celular|m[oó]vil"
    r"|home|work|office|callto|sms|[tpcmhw])\b[.:]*|[☎☏📞📱]\ufe0f?) *",
    re.IGNORECASE,
)
_CONTEXT = re.compile(r";(?:phone-context|isub)=[^;]*", re.IGNORECASE)
_NOTE = re.compile(r" *\((?:cell|mobile|home|work|office|[chmow])\.?\)$", re.IGNORECASE)
_SEPARATORS = str.maketrans({"·": ".", "•": ".", "‧": ".", "∙": ".", "⋅": ".", "_": "-", "~": "-", "[": "(", "]": ")"})
_EXTENSION = re.compile(
    r"[ ,;.]*(?:x|#|p|w|,|;|\b(?:ext(?:ensi[oó]n|n)?|int(?:erno)?|anexo))[.:=#]* *[0-9]{1,7}$", re.IGNORECASE
)
_LONGEST_EXTENSION = 40
"""Characters at the end in which one is looked for: the pattern takes time by the square of them."""
_SIGNS = re.compile(r"[0-9 ().+/-]")


class Flaw(StrEnum):
    """Why something is no telephone number."""

    SIGN = "sign"
    TOO_FEW = "too few"
    TOO_MANY = "too many"


class NoPhone(Exception):
    """It cannot be called. `sign` is what cannot stand in a number; `digits` counts those that it has."""

    def __init__(self, flaw: Flaw, sign: str = "", digits: int = 0) -> None:
        super().__init__(flaw.value)
        self.flaw = flaw
        self.sign = sign
        self.digits = digits


def tidy(text: str) -> str:
    """A number as it is kept and shown, without what only says that it is one: `tel:`, `Phone:`, `(cell)`."""
    number = _CONTEXT.sub("", code(text.translate(_SEPARATORS))).rstrip(".,; ")
    label = _LABEL.match(number)
    return _NOTE.sub("", number[label.end() :] if label else number)


def check(number: str) -> None:
    """Raise NoPhone unless it has ten to fifteen digits, perhaps an extension, and signs that people write between."""
    extension = _EXTENSION.search(number, max(0, len(number) - _LONGEST_EXTENSION))
    main = number[: extension.start()] if extension else number
    digits = sum(map(str.isdigit, main))
    wrong = next((sign for sign in main if not _SIGNS.match(sign)), "")
    if wrong and digits <= MOST:
        raise NoPhone(Flaw.SIGN, wrong)
    if digits < FEWEST:
        raise NoPhone(Flaw.TOO_FEW, digits=digits)
    if digits > MOST:
        raise NoPhone(Flaw.TOO_MANY, digits=digits)
