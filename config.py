"""Every setting of Redress, read once from the environment: nothing else in the project looks at it."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import logos
from colours import BUILT_IN, Accent, parse_accent
from logos import Logo, parse_logo

T = TypeVar("T")

DATABASE = "redress.db"
"""Name of the database file in DATA_DIR."""
_POSTGRES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})

ROOT = Path(__file__).resolve().parent
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DOMAIN = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?P<domain>[A-Za-z0-9.-]+)")
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_MACHINE = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_PLACEHOLDER = re.compile(r"(?<![A-Za-z0-9])(CHANGE|REPLACE)[-_]?ME(?![A-Za-z0-9])|\A(?i:change[-_ ]?me)\Z")
"""What an example has in the place of a value of one's own."""
_SECRETS = frozenset({"SECRET_KEY", "MAIL_PASSWORD", "DATABASE_URL"})
"""What can be given as a file, too, and is told to nobody."""
_SHORTEST_SECRET = 32
_LONGEST_PRIVACY_TEXT = 20_000
_LONGEST_PAUSE = "7d"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NOWHERE = {"invalid", "test", "localhost", "example"}
"""Top-level domains that nobody can have (RFC 2606): mail to them arrives nowhere."""

_LIVE_NEEDS = {
    "PUBLIC_URL": "the address of this site, like https://act.example.org: links in mails lead there",
    "ORGANISATION": "the name of your organisation: pages show it, and mails come from it",
    "ORGANISATION_EMAIL": "an address of your own domain, like letters@example.org: mails come from it",
    "SECRET_KEY": "64 random characters, for example what `openssl rand -hex 32` prints",
    "MAIL_SERVER": "the server that takes your mails, like mail.example.org",
}


class SettingsError(Exception):
    """The settings do not make sense; `problems` holds one sentence for each, all of them at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Security(StrEnum):
    """How the conversation with a mail server is kept secret."""

    PLAIN = "plain"
    STARTTLS = "starttls"
    TLS = "tls"


_PORTS = {Security.PLAIN: "25", Security.STARTTLS: "587", Security.TLS: "465"}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed over. Without a user name there is no login."""

    host: str
    port: int
    security: Security
    username: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def on_loopback(cls, port: int) -> MailServer:
        """One on this machine that asks for nothing: the built-in mailbox, or a test's."""
        return cls("127.0.0.1", port, Security.PLAIN)

    @property
    def address(self) -> str:
        """Host and port, for people."""
        return f"{_bracketed(self.host)}:{self.port}"


@dataclass(frozen=True, slots=True)
class Config:
    """Settings as typed values. Durations are timedeltas, paths are absolute."""

    live: bool
    """Whether letters go to offices and mails to people; else this is a sandbox."""
    sandbox_channel: str
    """`mail` or `handoff`: how letters go in a sandbox."""
    host: str
    port: int
    data_dir: Path
    database_url: str = field(repr=False)
    """SQLAlchemy's address of the database: a file in `data_dir`, or a PostgreSQL server."""
    secret_key: str = field(repr=False)
    public_url: str
    trusted_proxies: int
    organisation: str
    organisation_email: str
    organisation_address: str
    """The postal address in one line, or ""."""
    accent: Accent
    """The organisation's colour, which can be read in either scheme."""
    logo: Logo | None
    privacy_email: str
    privacy_text: str
    """The organisation's own paragraphs about privacy, Markdown, or ""."""
    mail: MailServer | None
    """None in a sandbox: the built-in mailbox has a free port at each start, and `bin/run` alone knows it."""
    mail_timeout: timedelta
    letter_retries: tuple[timedelta, ...]
    confirmation_retries: tuple[timedelta, ...]
    unknown_retry: timedelta
    mail_rate: int | None
    """Messages a minute that the mail account may send; None for as many as there are."""
    office_rate: int | None
    """Letters a minute that one office may get."""
    bounce_domain: str
    limit_address: int
    limit_network: int
    keep_pending: timedelta
    """How long an unconfirmed signature is kept: whole hours."""
    keep_letters: timedelta
    """How long what people wrote is kept after the last delivery ended: whole hours."""
    geocoder: str
    """`census` or `off`: who may be asked where a street address lies, if its signer wants that."""

    @property
    def database(self) -> Path | None:
        """The database file; None when a server keeps it."""
        return self.data_dir / DATABASE if self.database_url.startswith("sqlite:") else None

    @property
    def delivery(self) -> str:
        """`live` or `sandbox`."""
        return "live" if self.live else "sandbox"

    @property
    def on_loopback(self) -> bool:
        """Whether both the listening address and the public address belong to this machine alone."""
        return is_loopback(self.host) and is_loopback(urlsplit(self.public_url).hostname or "")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Config:
        """Read all settings. Raises SettingsError that names everything that is wrong, not the first only.

        Makes `data_dir` and, for a sandbox and the first time, a secret in it; both failures are SettingsErrors too.
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
        self.refused: set[str] = set()
        self.placeholders: list[str] = []
        self.problems: list[str] = []

    def is_set(self, name: str) -> bool:
        """Whether the environment holds the setting, or names a file for a secret; an empty one counts as unset."""
        return bool(self._environ.get(name) or (name in _SECRETS and self._environ.get(f"{name}_FILE")))

    def pass_over_blanks(self, names: Iterable[str]) -> None:
        """From now on take these for unset where they are empty or hold a placeholder."""
        given = {name: self._environ.get(name, "") for name in names}
        blanks = {name for name, value in given.items() if not value or _PLACEHOLDER.search(value)}
        self._environ = {name: value for name, value in self._environ.items() if name not in blanks}

    def text(self, name: str) -> str | None:
        """A secret as it stands in the environment, or in the file that NAME_FILE names; None when unset."""
        self.defaults.setdefault(name, "")
        path = self._environ.get(f"{name}_FILE")
        try:
            value = Path(path).read_text(encoding="utf-8").strip() if path else self._environ.get(name)
        except (OSError, ValueError):
            self.refused.add(name)
            self.problems.append(f"{name}_FILE names a file that cannot be read. Give the path of a readable file.")
            return None
        self._note_placeholder(name, value or "")
        return value

    def refuse_file(self, name: str) -> None:
        """NAME_FILE of a setting that is no secret: nobody reads it, and whoever gives it means something by it."""
        if self._environ.get(f"{name}_FILE"):
            self.refused.add(name)
            self.problems.append(
                f"{name}_FILE is not read: only SECRET_KEY, MAIL_PASSWORD and DATABASE_URL can be files. "
                f"Set {name} instead."
            )

    def __call__(self, name: str, default: str, parse: Callable[[str], T]) -> T:
        """The parsed setting. `parse` raises ValueError with words that finish the sentence "NAME must be …"."""
        self.defaults[name] = default
        self.refuse_file(name)
        given = self._environ.get(name, default)
        self._note_placeholder(name, given)
        try:
            return parse(given)
        except ValueError as error:
            self.refused.add(name)
            self.problems.append(f"{name} must be {error}.")
            return parse(default)

    def _note_placeholder(self, name: str, value: str) -> None:
        if _PLACEHOLDER.search(value):
            self.placeholders.append(name)


def read_settings(read: Reader) -> Config:
    """Ask `read` for every setting there is; docs/settings.md is compared with what was asked in both modes."""
    live = read("DELIVERY", "sandbox", _one_of("sandbox", "live")) == "live"
    if live:
        read.pass_over_blanks(_LIVE_NEEDS)
    host = read("HOST", "127.0.0.1", _host)
    port = read("PORT", "8000", _whole(1, 65535))
    data_dir = read("DATA_DIR", "instance", _folder)
    public = read("SANDBOX_PUBLIC", "0", _switch)
    makes_secret = _made(read, data_dir) and not live and "DELIVERY" not in read.refused
    email = read("ORGANISATION_EMAIL", "letters@sandbox.invalid", _email)
    config = Config(
        live=live,
        sandbox_channel=read("SANDBOX_CHANNEL", "mail", _one_of("mail", "handoff")),
        host=host,
        port=port,
        data_dir=data_dir,
        database_url=_database(read) or f"sqlite:///{data_dir / DATABASE}",
        secret_key=_secret(read, data_dir, kept=makes_secret),
        public_url=read("PUBLIC_URL", f"http://{_bracketed(host)}:{port}", _base_url),
        trusted_proxies=read("TRUSTED_PROXIES", "0", _whole(0, 10)),
        organisation=read("ORGANISATION", "Sample Organisation", _name),
        organisation_email=email,
        organisation_address=read("ORGANISATION_ADDRESS", "", _line),
        accent=read("ACCENT", str(BUILT_IN), parse_accent),
        logo=read("LOGO_FILE", "", _logo),
        privacy_email=read("PRIVACY_EMAIL", email, _email),
        privacy_text=read("PRIVACY_FILE", "", _privacy_text),
        mail=_mail_server(read) if live else None,
        mail_timeout=read("MAIL_TIMEOUT", "60s", _at_most("10m")),
        letter_retries=read("LETTER_RETRIES", "2m 10m 30m 1h 2h 4h 8h 12h 24h 24h 24h", _durations),
        confirmation_retries=read("CONFIRMATION_RETRIES", "30s 2m 10m 30m 2h 6h 12h", _durations),
        unknown_retry=read("UNKNOWN_RETRY", "30m", _at_most(_LONGEST_PAUSE)),
        mail_rate=read("MAIL_RATE", "", _rate),
        office_rate=read("OFFICE_RATE", "", _rate),
        bounce_domain=read("BOUNCE_DOMAIN", email.partition("@")[2], _domain),
        limit_address=read("LIMIT_ADDRESS", "3", _whole(1, 1_000_000)),
        limit_network=read("LIMIT_NETWORK", "100", _whole(1, 1_000_000)),
        keep_pending=read("KEEP_PENDING", "7d", _keeping),
        keep_letters=read("KEEP_LETTERS", "90d", _keeping),
        geocoder=read("GEOCODER", "off", _one_of("off", "census")),
    )
    if live:
        _check_live(read, config)
    elif "DELIVERY" not in read.refused:
        _check_sandbox(read, config, public=public)
    return config


def _check_sandbox(read: Reader, config: Config, *, public: bool) -> None:
    """Nobody shall take a sandbox for a live site, nor show it to others without meaning to."""
    if not is_loopback(config.host) and not public:
        read.problems.append(
            f"HOST is {config.host}, which other machines can reach, but this is a sandbox that sends nothing. "
            "Leave HOST at 127.0.0.1, or set SANDBOX_PUBLIC=1 if others shall see it."
        )
    read.refuse_file("MAIL_SERVER")
    if read.is_set("MAIL_SERVER"):
        read.problems.append(
            "MAIL_SERVER is set, but DELIVERY is sandbox, which sends nothing from this machine. "
            "Set DELIVERY=live if mails shall go out, or unset MAIL_SERVER."
        )


def _check_live(read: Reader, config: Config) -> None:
    for name, what in _LIVE_NEEDS.items():
        if not read.is_set(name) and name not in read.refused:
            read.problems.append(f"{name} is not set, and live mode needs it: give {what}.")
    for name in read.placeholders:
        if name not in read.refused:
            read.problems.append(
                f"{name} still holds a placeholder. Give it a value of your own, or take it out if you need none."
            )
    _check_addresses(read, config)
    if read.is_set("PUBLIC_URL") and "PUBLIC_URL" not in read.refused:
        _check_public_url(read, config)


def _check_addresses(read: Reader, config: Config) -> None:
    domains = {
        "ORGANISATION_EMAIL": config.organisation_email,
        "PRIVACY_EMAIL": config.privacy_email,
        "BOUNCE_DOMAIN": config.bounce_domain,
    }
    for name, value in domains.items():
        ending = value.lower().rpartition(".")[2]
        if read.is_set(name) and ending in _NOWHERE:
            read.problems.append(f"{name} ends in .{ending}, where no mail ever arrives. Use a domain of your own.")


def _check_public_url(read: Reader, config: Config) -> None:
    """What is sent to others goes through TLS, which a proxy speaks for us, whatever address we listen on."""
    url = urlsplit(config.public_url)
    if is_loopback(url.hostname or ""):
        return
    if url.scheme == "http":
        read.problems.append(
            f"PUBLIC_URL is {config.public_url}, where names and addresses would cross the network unencrypted. "
            "Let a proxy in front answer for https:, and give the address that starts with https:."
        )
    if config.trusted_proxies == 0 and "TRUSTED_PROXIES" not in read.refused:
        read.problems.append(
            "TRUSTED_PROXIES is 0, but Redress speaks only http, so a proxy in front answers for https:. Everybody "
            "comes through it, and all of them would count as one network. Set TRUSTED_PROXIES=1, or how many proxies "
            "there are."
        )


def _mail_server(read: Reader) -> MailServer:
    """What MAIL_… say together. Only live mode asks: a sandbox has no use for them, and reads no password."""
    host = read("MAIL_SERVER", "", _machine)
    near = is_loopback(host)
    implicit = read("MAIL_USE_SSL", "0", _switch)
    starttls = read("MAIL_USE_TLS", "0" if implicit or near else "1", _switch)
    security = Security.TLS if implicit else Security.STARTTLS if starttls else Security.PLAIN
    plain_is_meant = read("MAIL_PLAIN", "0", _switch)
    username, password = _login(read)
    read("SSL_CERT_FILE", "", _certificates)
    if implicit and starttls:
        read.problems.append(
            "MAIL_USE_TLS and MAIL_USE_SSL are both 1, and only one can be. Most servers want MAIL_USE_TLS=1 on "
            "port 587; MAIL_USE_SSL=1 is for port 465."
        )
    if security is Security.PLAIN and host and not near:
        _check_plain(read, host, meant=plain_is_meant, password=bool(password))
    return MailServer(host, read("MAIL_PORT", _PORTS[security], _whole(1, 65535)), security, username, password)


def _check_plain(read: Reader, host: str, *, meant: bool, password: bool) -> None:
    if password:
        read.problems.append(
            f"MAIL_PASSWORD would cross the network to {host} unencrypted. "
            "Set MAIL_USE_TLS=1, or MAIL_USE_SSL=1 if the server wants that."
        )
    elif not meant:
        read.problems.append(
            f"MAIL_USE_TLS is 0, so letters would cross the network to {host} unencrypted. Set MAIL_USE_TLS=1, "
            "or MAIL_PLAIN=1 if everything between here and that server is yours."
        )


def _login(read: Reader) -> tuple[str, str]:
    username = read("MAIL_USERNAME", "", _credential)
    password = read.text("MAIL_PASSWORD") or ""
    if _CONTROL.search(password):
        read.problems.append("MAIL_PASSWORD must be one line, as your mail provider gave it to you.")
    if username and not password and "MAIL_PASSWORD" not in read.refused:
        read.problems.append("MAIL_USERNAME is set without MAIL_PASSWORD. Set both, or neither for no login.")
    if password and not read.is_set("MAIL_USERNAME"):
        read.problems.append("MAIL_PASSWORD is set without MAIL_USERNAME. Set both, or neither for no login.")
    return username, password


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


def _at_most(longest: str) -> Callable[[str], timedelta]:
    def parse(text: str) -> timedelta:
        try:
            lasting = duration(text)
        except ValueError:
            lasting = timedelta.max
        if lasting > duration(longest):
            raise ValueError(f"a duration like 2s or 10m, and no longer than {longest}")
        return lasting

    return parse


def _durations(text: str) -> tuple[timedelta, ...]:
    try:
        pauses = tuple(_at_most(_LONGEST_PAUSE)(part) for part in text.split())
    except ValueError:
        pauses = ()
    if not pauses:
        raise ValueError(f"a list of pauses like 2m 10m 1h, none of them longer than {_LONGEST_PAUSE}")
    return pauses


def _keeping(text: str) -> timedelta:
    """For a sentence that says "7 days" or "36 hours": nothing finer, and nobody's words for ever."""
    kept = duration(text)
    if kept % timedelta(hours=1) or not timedelta(hours=1) <= kept <= timedelta(days=400):
        raise ValueError("whole hours or days, from 1h to 400d")
    return kept


def _rate(text: str) -> int | None:
    return _whole(1, 100_000)(text) if text else None


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(" or ".join(words))
        return text

    return parse


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
    if "%" in text or not _is_machine(text.lower()):
        raise ValueError("an address or host name of this machine, like 127.0.0.1")
    return text


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _folder(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError("the path of a folder")
    return (ROOT / text).absolute()


def _base_url(text: str) -> str:
    given = text.lower().removesuffix("/")
    if not given or given != _scheme_host_port(given):
        raise ValueError(
            "an address like https://act.example.org, without a path, a user name or spaces, and with xn--… for a name "
            "that has other letters than a to z"
        )
    return given


def _scheme_host_port(url: str) -> str:
    """What is left of an address of the web without all else that one can have in it; "" when it is none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or port == 0 or "%" in host or not _is_machine(host):
        return ""
    return f"{parts.scheme}://{_bracketed(host)}" + ("" if port is None else f":{port}")


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


def _line(text: str) -> str:
    if len(text) > 200 or _CONTROL.search(text):
        raise ValueError("at most 200 characters on one line")
    return text.strip()


def _is_machine(name: str) -> bool:
    """Whether it can be a host name, of one word too as containers have them, or an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return _MACHINE.fullmatch(name) is not None
    return True


def _machine(text: str) -> str:
    """The name or address of a mail server; "" for none."""
    name = text.lower()
    if name and not _is_machine(name):
        raise ValueError("the name or address of a mail server, like mail.example.org, without a port")
    return name


def _credential(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("one line, as your mail provider gave it to you")
    return text


def _certificates(text: str) -> str:
    """SSL_CERT_FILE, which OpenSSL reads by itself and passes over in silence when it cannot."""
    try:
        if text and Path(text).is_absolute():
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=text)
        elif text:
            raise ValueError
    except (OSError, ValueError):
        raise ValueError("the absolute path of a readable file with certificates in PEM form") from None
    return text


def _privacy_text(text: str) -> str:
    if not text:
        return ""
    try:
        with (ROOT / text).open(encoding="utf-8-sig") as file:
            content = file.read(_LONGEST_PRIVACY_TEXT + 1)
    except UnicodeDecodeError:
        raise ValueError("a text file in UTF-8; save it in that encoding") from None
    except (OSError, ValueError):
        raise ValueError("the path of a readable Markdown file, or unset") from None
    if len(content) > _LONGEST_PRIVACY_TEXT:
        raise ValueError(f"a file of at most {_LONGEST_PRIVACY_TEXT:,} characters; shorten it")
    return content.strip()


def _logo(text: str) -> Logo | None:
    if not text:
        return None
    try:
        with (ROOT / text).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(logos.MOST_BYTES + 1)
    except (OSError, ValueError):
        raise ValueError(f"the path of a readable file with {logos.KINDS}, or unset") from None
    if len(content) > logos.MOST_BYTES:
        raise ValueError(
            f"a file of at most {logos.MOST_BYTES:,} bytes, and this one has {size:,}; save the image in fewer pixels"
        )
    return parse_logo(content)


def _made(read: Reader, data_dir: Path) -> bool:
    """Whether the folder is there, made if need be."""
    if "DATA_DIR" in read.refused:
        return False
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        read.problems.append(_unusable(data_dir, error))
        return False
    return True


def _unusable(data_dir: Path, error: OSError) -> str:
    reason = os.strerror(error.errno) if error.errno else "unknown reason"
    return f"The folder {data_dir} cannot be used ({reason.lower()}). Give DATA_DIR a folder that you may write to."


def parse_database_url(url: str) -> str:
    """The address of a PostgreSQL database, with its driver. Raises SettingsError."""
    scheme, mark, rest = url.partition("://")
    try:
        named = bool(mark) and scheme in _POSTGRES and urlsplit(f"postgresql://{rest}").path.strip("/") != ""
    except ValueError:
        named = False
    if not named or _CONTROL.search(url):
        raise SettingsError(
            [
                "DATABASE_URL must be like postgresql://user:password@host/database, or unset for the file in "
                "DATA_DIR; signs like / or @ in the password have to be written as %2F or %40."
            ]
        )
    return f"postgresql+psycopg://{rest}"


def _database(read: Reader) -> str:
    """DATABASE_URL; "" for the file in DATA_DIR."""
    given = read.text("DATABASE_URL")
    try:
        return parse_database_url(given) if given else ""
    except SettingsError as error:
        read.refused.add("DATABASE_URL")
        read.problems += error.problems
        return ""


def _secret(read: Reader, data_dir: Path, *, kept: bool) -> str:
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


def given_settings(environ: Mapping[str, str] | None = None) -> dict[str, str | None]:
    """The settings that are given, by name, as they stand; None for a secret, from a file or not."""
    environ = os.environ if environ is None else environ
    reader = Reader(environ)
    read_settings(reader)
    return {name: None if name in _SECRETS else environ[name] for name in reader.defaults if reader.is_set(name)}
