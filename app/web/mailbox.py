"""/mailbox: what the sandbox has sent. Answers on this machine alone; elsewhere it does not exist."""

from __future__ import annotations

from flask import Blueprint, abort, render_template

from app.sandbox.mailbox import list_mails, read_mail
from app.web.site import site

blueprint = Blueprint("mailbox", __name__, url_prefix="/mailbox")


@blueprint.before_request
def _this_machine_only() -> None:
    if not site().mailbox_is_open():
        abort(404)


@blueprint.get("")
def show() -> str:
    """The mails, newest first."""
    return render_template("mailbox/list.html", mails=list_mails(site().mailbox_folder))


@blueprint.get("/<key>")
def read(key: str) -> str:
    """One mail as text."""
    mail = read_mail(site().mailbox_folder, key)
    if mail is None:
        abort(404)
    return render_template("mailbox/mail.html", mail=mail, subject=dict(mail.headers).get("Subject"))
