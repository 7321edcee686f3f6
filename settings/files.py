"""Parsers of paths, which look at what lies there; where they take `root`, a relative path starts in it."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from pathlib import Path

from settings import logos
from settings.logos import Logo, parse_logo

_LONGEST_PRIVACY_TEXT = 20_000


def folder(root: Path) -> Callable[[str], Path]:
    """Make a parser of a folder's path; it need not be there."""

    def parse(text: str) -> Path:
        if not text or "\0" in text:
            raise ValueError("the path of a folder")
        return (root / text).absolute()

    return parse


def certificates(text: str) -> str:
    """SSL_CERT_FILE, which OpenSSL reads by itself and passes over in silence when it cannot."""
    try:
        if text and Path(text).is_absolute():
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=text)
        elif text:
            raise ValueError
    except (OSError, ValueError):
        raise ValueError("the absolute path of a readable file with certificates in PEM form") from None
    return text


def privacy_text(root: Path) -> Callable[[str], str]:
    """Make a parser that reads Markdown from a file; "" for no file."""

    def parse(text: str) -> str:
        if not text:
            return ""
        try:
            with (root / text).open(encoding="utf-8-sig") as file:
                content = file.read(_LONGEST_PRIVACY_TEXT + 1)
        except UnicodeDecodeError:
            raise ValueError("a text file in UTF-8; save it in that encoding") from None
        except (OSError, ValueError):
            raise ValueError("the path of a readable Markdown file, or unset") from None
        if len(content) > _LONGEST_PRIVACY_TEXT:
            raise ValueError(f"a file of at most {_LONGEST_PRIVACY_TEXT:,} characters; shorten it")
        return content.strip()

    return parse


def logo(root: Path) -> Callable[[str], Logo | None]:
    """Make a parser that reads a logo from a file; None for no file."""

    def parse(text: str) -> Logo | None:
        if not text:
            return None
        try:
            with (root / text).open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                content = file.read(logos.MOST_BYTES + 1)
        except (OSError, ValueError):
            raise ValueError(f"the path of a readable file with {logos.KINDS}, or unset") from None
        if len(content) > logos.MOST_BYTES:
            raise ValueError(
                f"a file of at most {logos.MOST_BYTES:,} bytes, and this one has {size:,}; "
                "save the image in fewer pixels"
            )
        return parse_logo(content)

    return parse
