"""Pages for what goes wrong. A log line names endpoint and kind of error, never a path, a value or a text."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from flask import Flask, Response, abort, make_response, render_template, request
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.exceptions import BadHost, HTTPException

from app import campaigns
from app.campaigns import CampaignFile
from app.db import DatabaseUnavailable, what_keeps
from app.extensions import db
from app.logs import kind_and_place
from app.obstacles import Obstacle
from app.web.redirects import from_a_mail, to_what_was_meant
from app.web.site import site

log = logging.getLogger(__name__)

_NO_SUCH_TABLE = "42P01"
"""PostgreSQL's code."""


def init_app(app: Flask) -> None:
    """Answer every error of `app` with a page."""
    app.before_request(_whole_body)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DatabaseUnavailable, _unavailable)
    app.register_error_handler(OperationalError, _unavailable)
    app.register_error_handler(Exception, _our_fault)


def _whole_body() -> None:
    """A body without a length would be cut at the limit, and come back with fields missing; browsers send one."""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        abort(411)


def _http_error(error: HTTPException) -> Response:
    code = error.code or 500
    if code < 400:  # a redirect that routing asks for
        return make_response(error.get_response())
    if isinstance(error, BadHost):  # without a host no address can be made, not even the stylesheet's
        return _bare(code)
    if code == 404:
        return _not_found()
    response = _page(code)
    if code == 405:
        response.headers["Allow"] = ", ".join(getattr(error, "valid_methods", None) or [])
    return response


def _not_found() -> Response:
    """The page that was meant, or one that says which there are."""
    try:
        meant = to_what_was_meant(request)
        if meant is not None:
            return make_response(meant)
        language = str(get_locale())
        found = [one.told_in(language) for one in campaigns.open_campaigns(db.session(), site().today())]
    except Exception as error:  # the page says less then; left to Flask, it would be logged with its text and the path
        log.error("%s: no campaigns on an error page: %s", request.endpoint, kind_and_place(error))
        db.session.rollback()
        found = []
    return _page(404, found)


def _unavailable(error: Exception) -> Response:
    why = _why(error)
    log.error("%s: the database is unavailable%s", request.endpoint, f": {why.words}" if why else "")
    db.session.rollback()
    response = _page(503)
    response.headers["Retry-After"] = "60"
    return response


def _why(error: Exception) -> Obstacle | None:
    """What keeps the database from answering; None when that cannot be told."""
    if isinstance(error, DatabaseUnavailable):
        return error.why
    found = what_keeps(db.session(), error) if isinstance(error, DBAPIError) else None
    return None if found is Obstacle.UNREACHABLE else found


def _our_fault(error: Exception) -> Response:
    no_table = isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") == _NO_SUCH_TABLE
    if no_table or (isinstance(error, DBAPIError) and what_keeps(db.session(), error) is not None):
        return _unavailable(error)  # as SQLite's OperationalError says it
    log.error("%s: %s", request.endpoint, kind_and_place(error))
    db.session.rollback()
    return _page(500)


def _page(code: int, found: Sequence[CampaignFile] = ()) -> Response:
    title, advice = _words(code)
    try:
        page = render_template("errors/page.html", title=title, advice=advice, campaigns=found)
        return make_response(page, code)
    except Exception as error:  # left to Flask, it would be logged with its text and the path
        log.error("%s: the error page failed: %s", request.endpoint, kind_and_place(error))
        return _bare(code)


def _bare(code: int) -> Response:
    title, advice = _words(code)
    return make_response(f"{title}. {advice}\n", code, {"Content-Type": "text/plain; charset=utf-8"})


def _lost() -> str:
    if from_a_mail(request.path):
        return _("Check the address, or open the link from your mail once more.")
    return _("Check the address, or go on from here.")


def _words(code: int) -> tuple[str, str]:
    known = {
        404: (_("This page does not exist"), _lost()),
        405: (_("This page cannot be used that way"), _("Use Back, and open the page from its link.")),
        413: (_("That was too much text"), _("Use Back: what you typed is still there. Shorten it and try again.")),
        503: (
            _("We cannot answer just now"),
            _("Use Back and try again in a minute: nothing was stored, nothing is lost."),
        ),
        500: (_("Something went wrong on our side"), _("Use Back and try again in a minute.")),
    }
    return known.get(code, (_("We could not understand that"), _("Use Back and try again.")))
