"""Which language a page speaks: what its address asks for, then what it is about, then what the browser likes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from flask import Flask, g, has_request_context, request

LANGUAGES = {"en": "English", "es": "Español"}
"""Codes and names of the languages that every page has, each name in its own language."""
DEFAULT = "en"
SWITCH = "speak"
"""Name of the button that shows a form in another language, with everything that was typed."""
_SAID = "lang"


def init_app(app: Flask) -> None:
    """Let each link between pages of `app` pass on a language that the browser alone would not lead to."""
    app.url_defaults(_pass_on)


def choose() -> str:
    """The language of what is written now, for flask_babel: of the page at hand, English outside of any."""
    if not has_request_context():
        return DEFAULT
    spoken = g.get("language") or asked_for() or liked(LANGUAGES)
    return str(spoken)


def asked_for() -> str | None:
    """The language that the address or the form names, if every page has it."""
    return _chosen() or _known(_typed().get(_SAID))


def _chosen() -> str | None:
    """The language that the person has asked for, or whoever made the link; not what a form of ours carries along."""
    return _known(_typed().get(SWITCH)) or _known(request.args.get(_SAID))


def _known(language: str | None) -> str | None:
    return language if language in LANGUAGES else None


def _typed() -> Mapping[str, str]:
    """The form, once it was read: to read a bad one here would hide what is wrong with it."""
    typed: Mapping[str, str] = vars(request).get("form", {})
    return typed


def liked(languages: Collection[str]) -> str:
    """Of these languages the one that the browser likes best; the first if it likes none."""
    for tag, quality in request.accept_languages:  # the best liked first; `es-MX` is Spanish, whatever else is named
        language = tag.partition("-")[0].lower()
        if quality > 0 and language in languages:
            return language
    return next(iter(languages))


def speak(languages: Collection[str]) -> str:
    """This page speaks the language that was asked for, else the best of these for the browser.

    To be called before anything is said: flask_babel asks once, and remembers.
    """
    g.language = asked_for() or liked(languages)
    return str(g.language)


def speak_to(language: str) -> None:
    """The same for a page about a person: else the language in which they signed."""
    g.language = asked_for() or language


def _pass_on(endpoint: str, values: dict[str, object]) -> None:
    """`lang` in the address of a page, if it was chosen, or is another language than the browser likes best.

    Whoever makes an address that others shall open says lang=None.
    """
    if "lang" in values or not has_request_context() or endpoint.partition(".")[0] in {"static", "look", "health"}:
        return
    spoken = choose()
    if _chosen() or spoken != liked(LANGUAGES):
        values["lang"] = spoken
