"""The data folder, made if need be, and the secret that a sandbox makes for itself in it, once."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from settings.reader import Reader

_SHORTEST_SECRET = 32


def made(read: Reader, data_dir: Path) -> bool:
    """Whether the folder is there, made if need be."""
    if "DATA_DIR" in read.refused:
        return False
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        read.problems.append(_unusable(data_dir, error))
        return False
    return True


def read_secret(read: Reader, data_dir: Path, *, kept: bool) -> str:
    """SECRET_KEY, or the one that a sandbox makes for itself once and `kept` in `data_dir`."""
    given = read.text("SECRET_KEY")
    if given is not None:
        if len(given) < _SHORTEST_SECRET:
            read.refused.add("SECRET_KEY")
            read.problems.append("SECRET_KEY must be at least 32 characters; 64 random ones are a good choice.")
        return given
    return _own_secret(read, data_dir) if kept else ""


def _own_secret(read: Reader, data_dir: Path) -> str:
    try:
        secret = _kept_secret(data_dir)
        if len(secret) < _SHORTEST_SECRET:
            raise ValueError("too short")
        return secret
    except ValueError:
        read.problems.append(
            f"The secret in {data_dir / 'secret-key'} is damaged. Put it back from a copy, or delete the file: "
            "a new one is made, and forms that are open in a browser have to be sent once more."
        )
    except OSError as error:
        read.problems.append(_unusable(data_dir, error))
    return ""


def _kept_secret(data_dir: Path) -> str:
    path = data_dir / "secret-key"
    if not path.exists():
        fresh = data_dir / f".secret-key-{secrets.token_hex(8)}"
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)  # of two processes that start at once one wins, and both read the same secret
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text(encoding="ascii")


def _unusable(data_dir: Path, error: OSError) -> str:
    reason = os.strerror(error.errno) if error.errno else "unknown reason"
    return f"The folder {data_dir} cannot be used ({reason.lower()}). Give DATA_DIR a folder that you may write to."
