"""The page's colours: what the accent stands on, which accents can be read there, and what is written on them.

`config.py` asks before there is an application. Contrast is that of WCAG 2: from 1 (none) to 21 (black on white).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

READABLE = 4.5
"""The least contrast of words (WCAG 2, success criterion 1.4.3)."""
_COMFORTABLE = 6.0
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_STEPS = 255
_BLACK, _WHITE = "#000000", "#ffffff"


@dataclass(frozen=True, slots=True)
class Scheme:
    """The fixed colours that an accent meets. The same stand in app/static/redress.css: a test compares them."""

    name: str
    paper: str
    sheet: str
    tint: str
    ink: str
    away: str
    """What an accent is mixed with to stand out more: black on light paper, white on dark."""

    @property
    def direction(self) -> str:
        """Which way that is, for people."""
        return "darker" if self.away == _BLACK else "lighter"


LIGHT = Scheme("light", paper="#faf9f4", sheet="#fffefb", tint="#ecf0f9", ink="#1e1d1a", away=_BLACK)
DARK = Scheme("dark", paper="#171612", sheet="#201f1b", tint="#252a36", ink="#eceae2", away=_WHITE)
SCHEMES = (LIGHT, DARK)


@dataclass(frozen=True, slots=True)
class Accent:
    """The one colour of links, buttons and edges, in either scheme, like #20386b."""

    light: str
    dark: str

    @property
    def words_on_light(self) -> str:
        """What stands on its buttons in the light scheme."""
        return words_on(self.light)

    @property
    def words_on_dark(self) -> str:
        """The same in the dark scheme."""
        return words_on(self.dark)

    def __str__(self) -> str:
        return f"{self.light} {self.dark}"


BUILT_IN = Accent("#20386b", "#9db7ea")
"""A deep blue. redress.css and icon.svg have it as they lie in their folder."""


def parse_accent(text: str) -> Accent:
    """One colour, or one for each scheme. Raises ValueError with words that finish the sentence "ACCENT must be …"."""
    given = text.lower().split(" ")
    if len(given) > 2 or not all(_COLOUR.fullmatch(colour) for colour in given):
        raise ValueError(
            f"a colour like {BUILT_IN.light}, with six digits and without a name, or two, for light and dark, "
            f"like {BUILT_IN}"
        )
    accent = Accent(given[0], given[1] if len(given) == 2 else for_the_dark(given[0]))
    troubles = [trouble for trouble in (_trouble(accent.light, LIGHT), _trouble(accent.dark, DARK)) if trouble]
    if troubles:
        raise ValueError(f"a colour that can be read. {' '.join(troubles)}".removesuffix("."))
    return accent


def for_the_dark(colour: str) -> str:
    """The shade of a colour for the dark scheme.

    White is mixed in, a 255th at a time, until the contrast on paper and sheet is at least 6:1. That is more than must
    be: thin light words on dark paper tire the eye sooner. The hue stays, and a colour that is light enough is not
    changed at all.
    """
    return _mixed(
        colour, DARK.away, lambda shade: min(contrast(shade, DARK.paper), contrast(shade, DARK.sheet)) >= _COMFORTABLE
    )


def words_on(colour: str) -> str:
    """What is read better on it, white or the ink of light paper."""
    return max(_WHITE, LIGHT.ink, key=lambda words: contrast(words, colour))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, whichever is the lighter."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _trouble(colour: str, scheme: Scheme) -> str:
    """Why it cannot be read in a scheme, with the nearest shade that can; "" when it can."""
    meets = _meets(colour, scheme)
    where = min(meets, key=lambda name: meets[name])
    if meets[where] >= READABLE:
        return ""
    better = _mixed(colour, scheme.away, lambda shade: min(_meets(shade, scheme).values()) >= READABLE)
    return (
        f"In the {scheme.name} scheme {colour} has a contrast of {int(meets[where] * 100) / 100:.2f}:1 with {where}, "
        f"and {READABLE:.2f}:1 is needed: the nearest {scheme.direction} shade that has it is {better}."
    )


def _meets(colour: str, scheme: Scheme) -> dict[str, float]:
    """The contrasts of an accent with all that it meets."""
    return {
        "the background of pages": contrast(colour, scheme.paper),
        "the background of letters and forms": contrast(colour, scheme.sheet),
        "the background of notices": contrast(colour, scheme.tint),
        "the words on its buttons": contrast(colour, words_on(colour)),
    }


def _mixed(colour: str, other: str, enough: Callable[[str], bool]) -> str:
    """The colour with as little of `other` in it as is enough; all of `other` always is."""
    shades = (_mix(colour, other, step / _STEPS) for step in range(_STEPS))
    return next((shade for shade in shades if enough(shade)), other)


def _mix(colour: str, other: str, share: float) -> str:
    parts = zip(_parts(colour), _parts(other), strict=True)
    return "#" + "".join(f"{round(own + (foreign - own) * share):02x}" for own, foreign in parts)


def _luminance(colour: str) -> float:
    """How bright it is, from 0 to 1, as WCAG 2 defines it."""
    shares = (part / 255 for part in _parts(colour))
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))
