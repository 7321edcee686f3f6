"""Redress: the composition root. Only this file knows every other."""

from __future__ import annotations

import gc

gc.disable()  # what is loaded here stays: looking for garbage in it takes a third of the time of each command

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial

import flask_babel
from flask import Flask, has_request_context
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy.orm import Session
from werkzeug.middleware.proxy_fix import ProxyFix

from app import campaigns, models
from app.campaigns import CampaignFile
from app.cli.backups import backup, restore
from app.cli.campaigns import campaign as campaign_commands
from app.cli.clock import clock as clock_commands
from app.cli.contacts import contacts as contacts_commands
from app.cli.database import database as database_commands
from app.cli.doctor import doctor as doctor_command
from app.cli.legislators import legislators as legislators_commands
from app.cli.outbox import outbox as outbox_commands
from app.cli.signatures import signatures as signature_commands
from app.clock.steady import Steady
from app.db import ENGINE_OPTIONS, POOL_OPTIONS, SERVER_OPTIONS, DriverMissing, prepare
from app.delivery import Channel
from app.delivery.dead import among
from app.delivery.handoff import HandoffChannel, PaperChannel
from app.delivery.mail_channel import EmailChannel
from app.delivery.mails import Composer, Identity, Terms
from app.delivery.smtp import SmtpSender, Timeouts
from app.extensions import babel, db, mail, migrate
from app.legislators import Legislator, census, tables
from app.legislators.census import Answers, Census, CensusLocator
from app.legislators.contacts import ContactBook
from app.legislators.directory import TableDirectory
from app.legislators.keeping.generations import GENERATIONS
from app.legislators.keeping.shelf import Shelf
from app.legislators.locators import TableLocator
from app.legislators.tables import Tables
from app.refresher import Refresher
from app.sandbox import guard
from app.signing.draft import Desk
from app.signing.tokens import Keys
from app.web import (
    campaign,
    charsets,
    confirm,
    errors,
    handoff,
    headers,
    health,
    languages,
    look,
    mailbox,
    privacy,
    receipt,
    sent,
    undo,
    words,
)
from app.web.front import FrontPages
from app.web.moments import day_of, moment, span
from app.web.people import described, named
from app.web.site import CAPITAL, Site
from config import ROOT, Config
from settings.mail_server import MailServer, Security

MOST_BYTES = 256 * 1024
"""A request's body: 10,000 characters of Chinese or emoji are 120 kB when a form carries them."""

COMMANDS = (
    backup,
    campaign_commands,
    clock_commands,
    contacts_commands,
    database_commands,
    doctor_command,
    legislators_commands,
    outbox_commands,
    restore,
    signature_commands,
)


_read_once = lru_cache(maxsize=1)(tables.load)
"""The tables that come with the program do not change while it runs, however many applications there are."""


def _utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 — the one clock that is passed on to the pages


def create_app(config: Config, *, clock: Callable[[], datetime] = _utc_now, geocoder: str = census.ADDRESS) -> Flask:
    """The web application and the commands, wired by `config`. Opens no connection. Raises TablesUnusable,
    DriverMissing.

    `geocoder` is the web address that street addresses are looked up at, if the settings allow it at all.
    """
    app = Flask("app", root_path=str(ROOT / "app"))
    app.request_class = charsets.Request
    app.config.from_mapping(
        _mail_settings(config),
        REDRESS=config,
        SECRET_KEY=config.secret_key,
        MAX_CONTENT_LENGTH=MOST_BYTES,
        MAX_FORM_MEMORY_SIZE=MOST_BYTES,
        SQLALCHEMY_DATABASE_URI=config.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=ENGINE_OPTIONS | POOL_OPTIONS | ({} if config.database else SERVER_OPTIONS),
        MAIL_SUPPRESS_SEND=False,  # Flask-Mail would take it from `testing`
    )
    _connect(app)
    mail.init_app(app)
    babel.init_app(app, default_locale=languages.DEFAULT, locale_selector=languages.choose)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    app.extensions["redress"] = _site(app, config, clock, geocoder)
    app.extensions["redress-front"] = FrontPages()
    app.jinja_env.undefined = StrictUndefined
    for blueprint in (health, look, mailbox, privacy, sent, confirm, receipt, handoff, undo, campaign):
        app.register_blueprint(blueprint.blueprint)
    for part in (headers, errors, languages, look, words):
        part.init_app(app)
    for commands in COMMANDS:
        app.cli.add_command(commands)
    if config.trusted_proxies:
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def _connect(app: Flask) -> None:
    """Raises DriverMissing: the driver of a server is not needed, nor installed, for a file."""
    try:
        db.init_app(app)
        with app.app_context():
            prepare(db.engine)
    except ModuleNotFoundError as error:
        raise DriverMissing(
            "DATABASE_URL names a PostgreSQL server, and its driver is not installed. Run: bin/install --postgres"
        ) from error


def mail_sender(app: Flask, config: Config) -> SmtpSender:
    """What the worker sends with. Raises LeavesTheMachine if a sandbox would send to another machine."""
    if not config.live:
        guard.check_server(app.config["MAIL_SERVER"], app.config["MAIL_PORT"])
    return SmtpSender(app, Timeouts.of(config.mail_timeout), config.bounce_domain)


def tables_refresher(app: Flask, config: Config) -> Refresher | None:
    """What keeps the tables of a live site fresh; a sandbox asks no other site by itself."""
    if not config.live:
        return None
    site: Site = app.extensions["redress"]

    def running(session: Session, now: datetime) -> list[CampaignFile]:
        return campaigns.open_campaigns(session, now.astimezone(CAPITAL).date())

    return Refresher(site.shelf, site.composer, running)


def _mail_settings(config: Config) -> dict[str, object]:
    """Flask-Mail's own. In a sandbox only the worker is told where the mailbox is; nobody else sends."""
    server = config.mail or MailServer.on_loopback(0)
    return {
        "MAIL_SERVER": server.host,
        "MAIL_PORT": server.port,
        "MAIL_USE_TLS": server.security is Security.STARTTLS,
        "MAIL_USE_SSL": server.security is Security.TLS,
        "MAIL_USERNAME": server.username,
        "MAIL_PASSWORD": server.password,
    }


def _site(app: Flask, config: Config, clock: Callable[[], datetime], geocoder: str) -> Site:
    terms = Terms(config.keep_pending, config.keep_letters)
    shelf = Shelf(tables.SHIPPED, config.data_dir / GENERATIONS, read=_read_once)
    steady = Steady(clock, lambda: Session(db.engine), has_request_context)
    return Site(
        config=config,
        clock=steady,
        wall=clock,
        desks=_Desks(config, shelf, steady, geocoder),
        shelf=shelf,
        keys=Keys(config.secret_key),
        composer=Composer(_mail_templates(app), _identity(config), terms, flask_babel.force_locale),
    )


class _Desks:
    """The desk at a moment: made anew when other tables are in force."""

    def __init__(self, config: Config, shelf: Shelf, clock: Callable[[], datetime], geocoder: str) -> None:
        self._config = config
        self._shelf = shelf
        self._answers = Answers(db.session, config.secret_key, clock)
        self._census = Census(geocoder, slots=config.data_dir) if config.geocoder == "census" else None
        self._last: tuple[Tables, Desk] | None = None

    def __call__(self, on: datetime) -> Desk:
        """The desk with the tables that are in force then."""
        civic, last = self._shelf.tables(on), self._last
        if last is None or last[0] is not civic:
            last = self._last = (civic, self._desk(civic))
        return last[1]

    def _desk(self, civic: Tables) -> Desk:
        locator, directory = TableLocator(civic), TableDirectory(civic)
        street = CensusLocator(locator, directory, self._census, self._answers) if self._census else None
        return Desk(locator, directory, partial(_channels, self._config), street)


def _channels(config: Config, members: Collection[Legislator] | None) -> Sequence[Channel]:
    """The ways out as they are now, best first; the contact book is read anew each time."""
    by_hand = (HandoffChannel(), PaperChannel())
    if config.live:
        dead = partial(among, db.session(), digest=Keys(config.secret_key).address)
        book = ContactBook(db.session(), dead, members)
        return (EmailChannel(book.address_of), *by_hand)
    if config.sandbox_channel == "handoff":
        return by_hand
    return (EmailChannel(lambda legislator: guard.office_address(legislator.bioguide)), *by_hand)


def _identity(config: Config) -> Identity:
    return Identity(
        organisation=config.organisation,
        email=config.organisation_email,
        bounce_domain=config.bounce_domain,
        public_url=config.public_url,
        secret=config.secret_key,
    )


def _mail_templates(app: Flask) -> Environment:
    """Jinja for plain text: nothing is escaped, and a name that is missing is an error."""
    templates = Environment(
        loader=FileSystemLoader(app.jinja_loader.searchpath if isinstance(app.jinja_loader, FileSystemLoader) else []),
        autoescape=False,  # noqa: S701 — text/plain
        auto_reload=False,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.install_gettext_callables(flask_babel.gettext, flask_babel.ngettext, newstyle=True)  # type: ignore[attr-defined]
    templates.filters.update(day_of=day_of, described=described, moment=moment, named=named, span=span)
    return templates


gc.freeze()  # nor need it be looked through later, or at the end
gc.enable()

__all__ = ["create_app", "mail_sender", "models", "tables_refresher"]
