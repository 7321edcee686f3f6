"""Whether a POST comes from a page of ours: what browsers say of themselves, no cookie needed."""

from urllib.parse import urlsplit

from flask import Request


def from_our_page(request: Request, public_url: str) -> bool:
    """False only when the browser says that another site sent this form.

    Sec-Fetch-Site decides; without it the Origin's host must be ours; with neither (an old or a text browser, a
    program) it passes: there is no cookie that another site could abuse.
    """
    fetch_site = request.headers.get("Sec-Fetch-Site")
    if fetch_site is not None:
        return fetch_site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    return _host(origin) in {request.host.lower(), _host(public_url)}


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).netloc.lower() or None
    except ValueError:
        return None
