"""Every setting of Redress, read once from the environment: nothing else in the project looks at it.

Which settings there are stands here; how they are read, and what each can be, in `settings/`, which is handed them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from settings import addresses, data_folder, files, values
from settings.addresses import bracketed, is_loopback
from settings.colours import BUILT_IN, Accent, parse_accent
from settings.logos import Logo
from settings.mail_server import MailServer, read_mail_server
from settings.modes import LIVE_NEEDS, check_live, check_sandbox
from settings.reader import SECRETS, Reader

ROOT = Path(__file__).resolve().parent
DATABASE = "redress.db"
"""Name of the database file in DATA_DIR."""


class SettingsError(Exception):
    """The settings do not make sense; `problems` holds one sentence for each, all of them at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


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


def read_settings(read: Reader) -> Config:
    """Ask `read` for every setting there is; docs/settings.md is compared with what was asked in both modes."""
    live = read("DELIVERY", "sandbox", values.one_of("sandbox", "live")) == "live"
    if live:
        read.pass_over_blanks(LIVE_NEEDS)
    host = read("HOST", "127.0.0.1", addresses.host)
    port = read("PORT", "8000", values.whole(1, 65535))
    data_dir = read("DATA_DIR", "instance", files.folder(ROOT))
    public = read("SANDBOX_PUBLIC", "0", values.switch)
    makes_secret = data_folder.made(read, data_dir) and not live and "DELIVERY" not in read.refused
    email = read("ORGANISATION_EMAIL", "letters@sandbox.invalid", addresses.email)
    config = Config(
        live=live,
        sandbox_channel=read("SANDBOX_CHANNEL", "mail", values.one_of("mail", "handoff")),
        host=host,
        port=port,
        data_dir=data_dir,
        database_url=_database(read) or f"sqlite:///{data_dir / DATABASE}",
        secret_key=data_folder.read_secret(read, data_dir, kept=makes_secret),
        public_url=read("PUBLIC_URL", f"http://{bracketed(host)}:{port}", addresses.base_url),
        trusted_proxies=read("TRUSTED_PROXIES", "0", values.whole(0, 10)),
        organisation=read("ORGANISATION", "Sample Organisation", values.name),
        organisation_email=email,
        organisation_address=read("ORGANISATION_ADDRESS", "", values.line),
        accent=read("ACCENT", str(BUILT_IN), parse_accent),
        logo=read("LOGO_FILE", "", files.logo(ROOT)),
        privacy_email=read("PRIVACY_EMAIL", email, addresses.email),
        privacy_text=read("PRIVACY_FILE", "", files.privacy_text(ROOT)),
        mail=read_mail_server(read) if live else None,
        mail_timeout=read("MAIL_TIMEOUT", "60s", values.at_most("10m")),
        letter_retries=read("LETTER_RETRIES", "2m 10m 30m 1h 2h 4h 8h 12h 24h 24h 24h", values.pauses),
        confirmation_retries=read("CONFIRMATION_RETRIES", "30s 2m 10m 30m 2h 6h 12h", values.pauses),
        unknown_retry=read("UNKNOWN_RETRY", "30m", values.at_most(values.LONGEST_PAUSE)),
        mail_rate=read("MAIL_RATE", "", values.rate),
        office_rate=read("OFFICE_RATE", "", values.rate),
        bounce_domain=read("BOUNCE_DOMAIN", email.partition("@")[2], addresses.domain),
        limit_address=read("LIMIT_ADDRESS", "3", values.whole(1, 1_000_000)),
        limit_network=read("LIMIT_NETWORK", "100", values.whole(1, 1_000_000)),
        keep_pending=read("KEEP_PENDING", "7d", values.keeping),
        keep_letters=read("KEEP_LETTERS", "90d", values.keeping),
        geocoder=read("GEOCODER", "off", values.one_of("off", "census")),
    )
    if live:
        domains = {
            "ORGANISATION_EMAIL": config.organisation_email,
            "PRIVACY_EMAIL": config.privacy_email,
            "BOUNCE_DOMAIN": config.bounce_domain,
        }
        check_live(read, public_url=config.public_url, trusted_proxies=config.trusted_proxies, domains=domains)
    elif "DELIVERY" not in read.refused:
        check_sandbox(read, host=host, public=public)
    return config


def _database(read: Reader) -> str:
    """DATABASE_URL; "" for the file in DATA_DIR."""
    given = read.text("DATABASE_URL")
    try:
        return parse_database_url(given) if given else ""
    except SettingsError as error:
        read.refused.add("DATABASE_URL")
        read.problems += error.problems
        return ""


def parse_database_url(url: str) -> str:
    """The address of a PostgreSQL database, with its driver. Raises SettingsError."""
    try:
        return addresses.database_url(url)
    except ValueError as error:
        raise SettingsError([f"DATABASE_URL must be {error}."]) from None


def given_settings(environ: Mapping[str, str] | None = None) -> dict[str, str | None]:
    """The settings that are given, by name, as they stand; None for a secret, from a file or not."""
    environ = os.environ if environ is None else environ
    reader = Reader(environ)
    read_settings(reader)
    return {name: None if name in SECRETS else environ[name] for name in reader.defaults if reader.is_set(name)}
