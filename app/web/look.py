"""How the site looks: the stylesheet and the icon in the organisation's colour, and its logo; and its one script.

Each file has a name of its content, so that browsers keep it for a year; other colours are other names.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

from flask import Blueprint, Flask, Response, abort, current_app

from config import Config
from settings.colours import BUILT_IN, SCHEMES, Accent, Scheme
from settings.logos import Logo

blueprint = Blueprint("look", __name__, url_prefix="/look")
_EXTENSION = "redress-look"
_SVG = "image/svg+xml"
_ACCENT = re.compile(r"--(?:on-)?accent: #[0-9a-f]{6};")
_QUOTED = r"""("[^"\n]*"|'[^'\n]*')"""
_COMMENT = re.compile(rf"{_QUOTED}|/\*.*?\*/", re.DOTALL)
_BLANK = re.compile(rf"{_QUOTED}|\s*([{{}};,]|:(?=\s))\s*|\s+")

LOGO_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'; sandbox"
)
"""Of a logo that is an SVG. Firefox keeps to it inside of <img> too, where it would drop the colours that most drawing
programs write as style; nothing else is allowed, and whoever opens the file itself runs no script of it."""


@dataclass(frozen=True, slots=True)
class File:
    """What is answered under a name."""

    content: bytes
    media_type: str
    policy: str | None = None
    """Its own Content-Security-Policy, where that of the pages does not fit."""


@dataclass(frozen=True, slots=True)
class Look:
    """What templates know as `look`: names for the endpoint `look.file`, and the logo's size."""

    stylesheet: str
    icon: str
    script: str
    logo_file: str
    logo: Logo | None
    files: Mapping[str, File]
    schemes: tuple[Scheme, ...] = SCHEMES


def init_app(app: Flask) -> None:
    """Make the files of `app` once, from its settings."""
    look = _made(cast(Config, app.config["REDRESS"]), Path(app.static_folder or ""))
    app.extensions[_EXTENSION] = look
    app.jinja_env.globals["look"] = look


@blueprint.get("/<name>")
def file(name: str) -> Response:
    """One of the files, under the name of this very content."""
    found = cast(Look, current_app.extensions[_EXTENSION]).files.get(name)
    if found is None:
        abort(404)
    response = Response(found.content, content_type=found.media_type)
    if found.policy:
        response.headers["Content-Security-Policy"] = found.policy
    return response


def stylesheet(source: str, accent: Accent) -> str:
    """The stylesheet as it is served: in the accent, and without what only its authors need."""
    chosen = dict(zip(_declared(BUILT_IN), _declared(accent), strict=True))
    return smaller(_ACCENT.sub(lambda declared: chosen[declared[0]], source))


@lru_cache(maxsize=4)
def smaller(source: str) -> str:
    """CSS without comments and blanks that mean nothing. Quoted strings stay as they are, and blanks elsewhere one."""
    bare = _COMMENT.sub(lambda part: part[1] or " ", source)
    return _BLANK.sub(lambda part: part[1] or part[2] or " ", bare).strip()


def _declared(accent: Accent) -> tuple[str, ...]:
    """What the stylesheet says of an accent, for light and then for dark."""
    return (
        f"--accent: {accent.light};",
        f"--on-accent: {accent.words_on_light};",
        f"--accent: {accent.dark};",
        f"--on-accent: {accent.words_on_dark};",
    )


def _made(config: Config, static: Path) -> Look:
    style = stylesheet((static / "redress.css").read_text(encoding="utf-8"), config.accent)
    icon = (static / "icon.svg").read_text(encoding="utf-8")
    icon = icon.replace(BUILT_IN.words_on_light, config.accent.words_on_light)
    icon = icon.replace(BUILT_IN.light, config.accent.light)
    files: dict[str, File] = {}
    return Look(
        stylesheet=_put(files, "redress", "css", File(style.encode(), "text/css; charset=utf-8")),
        icon=_put(files, "icon", "svg", File(icon.encode(), _SVG)),
        script=_put(files, "copy", "js", File((static / "copy.js").read_bytes(), "text/javascript; charset=utf-8")),
        logo_file="" if config.logo is None else _put(files, "logo", config.logo.kind, _logo(config.logo)),
        logo=config.logo,
        files=files,
    )


def _logo(logo: Logo) -> File:
    return File(logo.content, logo.media_type, LOGO_POLICY if logo.media_type == _SVG else None)


def _put(files: dict[str, File], stem: str, ending: str, file: File) -> str:
    """Add a file; its name."""
    name = f"{stem}.{hashlib.sha256(file.content).hexdigest()[:12]}.{ending}"
    files[name] = file
    return name
