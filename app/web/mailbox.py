"""/mailbox: what the sandbox has sent. Answers on this machine alone; elsewhere it does not exist."""

from __future__ import annotations

import re

from flask import Blueprint, abort, render_template

from app.sandbox.mailbox import list_mails, read_mail
from app.web.site import site

blueprint = Blueprint("mailbox", __name__, url_prefix="/mailbox")

_NO_HTML = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


@blueprint.before_request
def _this_machine_only() -> None:
    if not site().mailbox_is_open():
        abort(404)


@blueprint.get("")
def show() -> str:
    """The mails, newest first."""
    return _page("mailbox/list.html", mails=list_mails(site().mailbox_folder))


@blueprint.get("/<key>")
def read(key: str) -> str:
    """One mail as text."""
    mail = read_mail(site().mailbox_folder, key)
    if mail is None:
        abort(404)
    return _page("mailbox/mail.html", mail=mail, subject=dict(mail.headers).get("Subject"))


def _page(template: str, **values: object) -> str:
    """A page that is HTML whatever a mail holds: control characters are none."""
    return _NO_HTML.sub("\ufffd", render_template(template, **values))
