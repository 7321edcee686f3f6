"""Addresses as people type them and mail programs pass them on: in capitals, with a slash or a full stop behind."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from flask import Request, current_app, redirect
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from app import campaigns
from app.campaigns.checks import is_slug
from app.extensions import db

_BETWEEN_WORDS = re.compile(r"[\s_+\-\u2010-\u2015\u2212\ufe63\uff0d]+")
_QUESTION_MARK = re.compile("[?&]")
"""One that a mailing program has encoded, or for which it wrote "&", stands in the path."""
_PERSONAL = frozenset({"sent", "confirm", "receipt"})
"""First parts of addresses that mails lead to."""


def from_a_mail(path: str) -> bool:
    """Whether the address looks like one of those that mails lead to."""
    return path.split("/", 2)[1].casefold() in _PERSONAL


def to_what_was_meant(request: Request) -> Response | None:
    """The way to the page that was meant by an address that is none, with all that stands behind its question mark."""
    address, *behind = _QUESTION_MARK.split(request.path, 1)
    path = _meant(address)
    if path == request.path or not _is_there(path, request.method):
        return None
    queries = [*(quote(query, safe="=&+%") for query in behind), request.query_string.decode("latin-1")]
    said = "&".join(filter(None, queries))
    code = 302 if request.method in {"GET", "HEAD"} else 308  # what was typed into a form goes along
    return redirect(quote(request.script_root + path) + (f"?{said}" if said else ""), code)


def _meant(path: str) -> str:
    """In small letters but for tokens, with hyphens between words, and no sign around it or unseen within."""
    seen = "".join(sign for sign in unicodedata.normalize("NFKC", path) if unicodedata.category(sign)[0] != "C")
    parts = [part for part in _without_signs_around(seen).split("/") if part]
    if not parts:
        return path
    words = [part.casefold() if place != 1 else part for place, part in enumerate(parts)]  # second stands the token
    return "/" + "/".join([_BETWEEN_WORDS.sub("-", words[0]).strip("-"), *words[1:]])


def _without_signs_around(path: str) -> str:
    """What stands between the first and the last letter or digit; tokens can end in a hyphen."""
    places = [place for place, sign in enumerate(path) if sign in "-_" or unicodedata.category(sign)[0] in "LMN"]
    return path[places[0] : places[-1] + 1] if places else ""


def _is_there(path: str, method: str) -> bool:
    """Whether a page stands there. Reads the database where it may be a campaign's."""
    try:
        endpoint, values = current_app.url_map.bind("").match(path, method="GET" if method == "HEAD" else method)
    except HTTPException:
        return False
    if endpoint not in {"campaign.show", "campaign.write"}:
        return endpoint not in {"static", "look.file"}
    slug = str(values["slug"])
    return is_slug(slug) and campaigns.find(db.session(), slug) is not None
