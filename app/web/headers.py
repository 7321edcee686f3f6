"""Headers on every answer."""

from flask import Flask, Request, Response, request
from flask.sessions import SessionInterface

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
# same-origin, not no-referrer: with that Chromium sends `Origin: null` on our own forms.
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_A_YEAR = 31536000
PERSONAL = {"sent", "confirm", "receipt", "handoff", "undo", "mailbox"}
"""Blueprints of pages about one person: no cache keeps them, no search engine lists them."""


def init_app(app: Flask) -> None:
    """Add the headers to each answer of `app`, and let it set no cookie."""
    app.session_interface = NoSessions()
    app.after_request(_add)


class NoSessions(SessionInterface):
    """No page has a session: one that tried to use it would fail, and none sets a cookie."""

    def open_session(self, app: Flask, request: Request) -> None:
        """There is none."""


def _add(response: Response) -> Response:
    policy = response.headers.get("Content-Security-Policy")  # a file may have one of its own
    response.headers.extend(HEADERS)
    if policy:
        response.headers["Content-Security-Policy"] = policy
    if response.status_code == 200 and request.blueprint == "look":  # whose files have names of their content
        response.headers["Cache-Control"] = f"public, max-age={_A_YEAR}, immutable"
    else:
        # Nobody on the way may keep a page. The browser may keep a form and what answers it, so that Back finds them.
        carries_the_form = request.endpoint == "sent.act"
        personal = request.blueprint in PERSONAL and not carries_the_form
        response.headers["Cache-Control"] = "private, no-store" if personal else "private, no-cache"
        response.headers["Vary"] = "Accept-Language"
    if request.blueprint in PERSONAL:
        response.headers["X-Robots-Tag"] = "noindex"
    return response
