"""Every setting of Redress, read once from the environment: nothing else in the project looks at it."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent
_DURATION = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DOMAIN = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?P<domain>[A-Za-z0-9.-]+)")
_SHORTEST_SECRET = 32
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class SettingsError(Exception):
    """The settings do not make sense; `problems` holds one sentence for each, all of them at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Config:
    """Settings as typed values. Durations are timedeltas, paths are absolute."""

    host: str
    port: int
    data_dir: Path
    secret_key: str = field(repr=False)
    public_url: str
    trusted_proxies: int
    organisation: str
    organisation_email: str
    mail_timeout: timedelta
    letter_retries: tuple[timedelta, ...]
    confirmation_retries: tuple[timedelta, ...]
    unknown_retry: timedelta
    bounce_domain: str
    limit_address: int
    limit_network: int
    mail_port: int = 0
    """Port of the built-in mailbox on loopback. Not a setting: `bin/run` chooses a free one at each start."""

    @property
    def database_url(self) -> str:
        """SQLAlchemy's address of the database file in `data_dir`."""
        return f"sqlite:///{self.data_dir / 'redress.db'}"

    @property
    def on_loopback(self) -> bool:
        """Whether both the listening address and the public address belong to this machine alone."""
        return is_loopback(self.host) and is_loopback(urlsplit(self.public_url).hostname or "")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Config:
        """Read all settings. Raises SettingsError that names everything that is wrong, not the first only.

        Makes `data_dir` and, the first time, a secret in it; both failures are SettingsErrors too.
        """
        reader = Reader(os.environ if environ is None else environ)
        config = read_settings(reader)
        if reader.problems:
            raise SettingsError(reader.problems)
        return config


class Reader:
    """Reads settings by name and remembers which were asked for, with their defaults, and what was wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.defaults: dict[str, str] = {}
        self.problems: list[str] = []

    def text(self, name: str) -> str | None:
        """The setting as it stands in the environment, or in the file that NAME_FILE names; None when unset."""
        self.defaults.setdefault(name, "")
        path = self._environ.get(f"{name}_FILE")
        if path is None:
            return self._environ.get(name)
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            self.problems.append(f"{name}_FILE names a file that cannot be read. Give the path of a readable file.")
            return None

    def __call__(self, name: str, default: str, parse: Callable[[str], T]) -> T:
        """The parsed setting. `parse` raises ValueError with words that finish the sentence "NAME must be …"."""
        self.defaults[name] = default
        try:
            return parse(self._environ.get(name, default))
        except ValueError as error:
            self.problems.append(f"{name} must be {error}.")
            return parse(default)


def read_settings(read: Reader) -> Config:
    """Ask `read` for every setting there is; docs/settings.md is compared with what was asked."""
    read("DELIVERY", "sandbox", _delivery)
    host = read("HOST", "127.0.0.1", _host)
    port = read("PORT", "8000", _whole(1, 65535))
    data_dir = read("DATA_DIR", "instance", _folder)
    public = read("SANDBOX_PUBLIC", "0", _switch)
    if not is_loopback(host) and not public:
        read.problems.append(
            f"HOST is {host}, which other machines can reach, but this is a sandbox that sends nothing. "
            "Leave HOST at 127.0.0.1, or set SANDBOX_PUBLIC=1 if others shall see it."
        )
    email = read("ORGANISATION_EMAIL", "letters@sandbox.invalid", _email)
    return Config(
        host=host,
        port=port,
        data_dir=data_dir,
        secret_key=_secret(read, data_dir),
        public_url=read("PUBLIC_URL", f"http://{_bracketed(host)}:{port}", _base_url),
        trusted_proxies=read("TRUSTED_PROXIES", "0", _whole(0, 10)),
        organisation=read("ORGANISATION", "Sample Organisation", _name),
        organisation_email=email,
        mail_timeout=read("MAIL_TIMEOUT", "60s", duration),
        letter_retries=read("LETTER_RETRIES", "2m 10m 30m 1h 2h 4h 8h 12h 24h 24h 24h", _durations),
        confirmation_retries=read("CONFIRMATION_RETRIES", "30s 2m 10m 30m 2h 6h 12h", _durations),
        unknown_retry=read("UNKNOWN_RETRY", "30m", duration),
        bounce_domain=read("BOUNCE_DOMAIN", email.partition("@")[2], _domain),
        limit_address=read("LIMIT_ADDRESS", "3", _whole(1, 1_000_000)),
        limit_network=read("LIMIT_NETWORK", "100", _whole(1, 1_000_000)),
    )


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def duration(text: str) -> timedelta:
    """Parse `2s`, `10m`, `24h` or `7d`."""
    match = _DURATION.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise ValueError("a duration like 2s, 10m, 24h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _durations(text: str) -> tuple[timedelta, ...]:
    try:
        pauses = tuple(duration(part) for part in text.split())
    except ValueError:
        pauses = ()
    if not pauses:
        raise ValueError("a list of pauses like 2m 10m 1h")
    return pauses


def _delivery(text: str) -> str:
    if text != "sandbox":
        raise ValueError("sandbox: this version cannot deliver letters to the real offices yet")
    return text


def _switch(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError("1 (on) or 0 (off)")
    return text == "1"


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", text):
        raise ValueError("an address or host name of this machine, like 127.0.0.1")
    return text


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _folder(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError("the path of a folder")
    return (ROOT / text).absolute()


def _base_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        plausible = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        plausible = False
    if not plausible or parts.path.strip("/") or parts.query or parts.fragment or _CONTROL.search(text):
        raise ValueError("an address like https://act.example.org, without a path")
    return text.rstrip("/")


def _name(text: str) -> str:
    if not text.strip() or len(text) > 100 or _CONTROL.search(text):
        raise ValueError("a name of 1 to 100 characters on one line")
    return text.strip()


def _email(text: str) -> str:
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ValueError("an e-mail address like letters@example.org")
    _domain(match["domain"])
    return text


def _domain(text: str) -> str:
    if not _DOMAIN.fullmatch(text.lower()):
        raise ValueError("a domain like example.org")
    return text.lower()


def _secret(read: Reader, data_dir: Path) -> str:
    """SECRET_KEY, or the secret that the sandbox made for itself once and keeps in `data_dir`."""
    given = read.text("SECRET_KEY")
    if given is not None:
        if len(given) < _SHORTEST_SECRET:
            read.problems.append("SECRET_KEY must be at least 32 characters; 64 random ones are a good choice.")
        return given
    try:
        kept = _kept_secret(data_dir)
        if len(kept) < _SHORTEST_SECRET:
            raise ValueError("too short")
        return kept
    except ValueError:
        read.problems.append(
            f"The secret in {data_dir / 'secret-key'} is damaged. Put it back from a copy, or delete the file: "
            "a new one is made, and forms that are open in a browser have to be sent once more."
        )
        return ""
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "unknown reason"
        read.problems.append(
            f"The folder {data_dir} cannot be used ({reason.lower()}). Give DATA_DIR a folder that you may write to."
        )
        return ""


def _kept_secret(data_dir: Path) -> str:
    path = data_dir / "secret-key"
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
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
