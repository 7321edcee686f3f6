"""What a start needs of the machine: the data folder for itself alone, and a port."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

from app.locks import LAST_RUN_ENDS_IN, InUse, say_where, take
from app.serve.trouble import CannotStart

_LOOKED_AT = 0.2
"""Seconds: a command that asks where the site runs has the lock for a moment."""


def lock_folder(folder: Path, address: str) -> int:
    """Keep other starts out of the data folder until this process ends, and tell commands where its pages are. Raises
    CannotStart.

    Gives a second lock, which the children inherit: after a start that was killed its children need a moment to end,
    and this waits for them. Neither is ever closed: the locks last as long as the process.
    """
    try:
        lock = _take(
            folder / "run.lock",
            f"Redress is already running with the folder {folder}, or a backup is being restored there. Stop it with "
            "Ctrl-C where it was started, or give this one its own: DATA_DIR=other PORT=8001 bin/run",
            patience=_LOOKED_AT,
        )
        say_where(lock, address)
        return _take(
            folder / "children.lock",
            f"Programs of an earlier start still use the folder {folder}. End them, then start Redress again.",
            patience=LAST_RUN_ENDS_IN,
        )
    except OSError as error:
        raise CannotStart(
            f"The folder {folder} cannot be used ({os.strerror(error.errno or 0).lower()}). "
            "Give DATA_DIR a folder that you may write to."
        ) from error


def _take(path: Path, complaint: str, *, patience: float = 0.0) -> int:
    try:
        return take(path, patience=patience)
    except InUse as error:
        raise CannotStart(complaint) from error


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; from now on nobody else can take the port. Raises CannotStart."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise CannotStart(f"HOST is {host}, which is no address of this machine. Use 127.0.0.1.") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise CannotStart(_why_not(error.errno, host, port)) from error
    return listener


def _why_not(number: int | None, host: str, port: int) -> str:
    if number == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else 8000
        return f"Port {port} of {host} is in use. Stop what uses it, or choose another port: PORT={other} bin/run"
    if number in {errno.EACCES, errno.EPERM}:
        return f"Port {port} is reserved for the administrator. Choose one above 1023: PORT=8000 bin/run"
    if number == errno.EADDRNOTAVAIL:
        return f"HOST is {host}, which is no address of this machine. Use 127.0.0.1."
    return f"Port {port} of {host} cannot be used ({os.strerror(number or 0).lower()}). Choose another HOST or PORT."
