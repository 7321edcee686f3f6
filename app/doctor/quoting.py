"""The words of a mail server as they may be shown: it has heard a password, and can say it again."""

from __future__ import annotations

import base64

from app.doctor import printable
from app.doctor.talk import Reply
from settings.mail_server import MailServer

_NAME = "[MAIL_USERNAME]"


def quoted(reply: Reply, server: MailServer) -> str:
    """Code and words, the words without the user name, and not at all when the password is among them.

    Some providers take a secret token for the user name, too.
    """
    text = " ".join(reply.lines)
    if server.password and _holds(text, (server.password, _auth_plain(server))):
        return f"{reply.code}; its words are not shown, because the password is in them"
    for name in (server.username, _base64(server.username)):
        if name:
            text = text.replace(name, _NAME)
    return f"{reply.code} {printable(text)}".strip()


def _holds(text: str, secrets: tuple[str, ...]) -> bool:
    folded = text.casefold()
    return any(form.casefold() in folded for secret in secrets for form in (secret, _base64(secret).rstrip("=")))


def _auth_plain(server: MailServer) -> str:
    return f"\0{server.username}\0{server.password}"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
