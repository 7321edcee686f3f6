"""`flask doctor`: what stops the mail, and whether the site is well."""

from __future__ import annotations

import ipaddress
import json
import re
import textwrap
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import cast
from urllib.parse import urlsplit

import click
from email_validator import EmailNotValidError, validate_email
from flask import Flask, current_app
from flask.cli import with_appcontext
from werkzeug.local import LocalProxy

from app.cli.site import site
from app.delivery.smtp import SmtpSender, Timeouts
from app.doctor import Finding, Verdict, database, legislator_tables, mail_server, ok, trial
from app.doctor.machine import clock, disk, is_synchronised, worker
from app.doctor.visit import Visit
from app.extensions import db
from config import Config
from settings.mail_server import MailServer

_LONGEST = 10.0
"""Seconds for an answer of the mail server here, where somebody waits; the worker has MAIL_TIMEOUT."""
_FINAL_DOT = 60.0
_SUBJECT = max(len("test message"), len("mail server"), len("legislators"))
_INDENT = len("fail") + len("    ") + _SUBJECT
_WIDTH = 100
_SELECTOR = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


@click.command("doctor")
@click.option("--to", metavar="ADDRESS", help="Send one test message there.")
@click.option("--dkim-selector", "selectors", metavar="NAME", multiple=True, help="The name of your DKIM key.")
@click.option("--nameserver", metavar="ADDRESS[:PORT]", help="Ask this one for DNS records, not the machine's own.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@with_appcontext
def doctor(to: str | None, selectors: tuple[str, ...], nameserver: str | None, as_json: bool) -> None:
    """Say what stops the mail, and whether the site is well.

    A line for each thing that was looked at: ok, warn or fail, and below it what to do. Only --to sends something. The
    exit code is 1 if anything fails.
    """
    address = None if to is None else _mailbox(to, site().config)
    for selector in selectors:
        if not _SELECTOR.fullmatch(selector) or "_domainkey" in selector:
            raise click.ClickException(f"--dkim-selector {selector[:80]!r}: give the name alone, like google or s1.")
    place = None if nameserver is None else _nameserver(nameserver)
    findings = _seen(_examined(address, selectors, place), as_json=as_json)
    if any(finding.verdict is Verdict.FAIL for finding in findings):
        click.get_current_context().exit(1)


def _mailbox(typed: str, config: Config) -> str:
    """The address in its form for the wire."""
    if not config.live:
        raise click.ClickException("This is a sandbox, which sends nothing from this machine: --to is for a live site.")
    try:
        found = validate_email(typed, check_deliverability=False, allow_smtputf8=False).ascii_email
    except EmailNotValidError:
        found = None
    if found is None:
        raise click.ClickException("--to wants one e-mail address, like name@example.org.")
    return found


def _nameserver(typed: str) -> tuple[str, int]:
    """IP address and port; an IPv6 address stands in brackets when there is a port after it."""
    bare = typed.count(":") > 1 and "[" not in typed
    try:
        parts = urlsplit(f"//[{typed}]" if bare else f"//{typed}")
        return str(ipaddress.ip_address(parts.hostname or "")), parts.port or 53
    except ValueError:
        raise click.ClickException("--nameserver wants an IP address, like 9.9.9.9 or 127.0.0.1:53.") from None


def _seen(findings: Iterable[Finding], *, as_json: bool) -> list[Finding]:
    """All of them, shown: one by one as they come, because some take seconds, or as one JSON."""
    seen = []
    for finding in findings:
        seen.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in seen], ensure_ascii=False, indent=2))
    return seen


def _show(finding: Finding) -> None:
    click.echo(f"{finding.verdict:<4}  {finding.subject:<{_SUBJECT}}  {finding.says}")
    words, *records = finding.do.splitlines() or [""]
    for line in (*textwrap.wrap(words, _WIDTH - _INDENT, break_on_hyphens=False), *records):
        click.echo(" " * _INDENT + line)


def _examined(to: str | None, selectors: tuple[str, ...], nameserver: tuple[str, int] | None) -> Iterator[Finding]:
    """The site first, which is quick. Nothing of the database is open any more when others are asked."""
    config, now = site().config, site().clock()
    yield from database.examine(db.session())
    yield worker(db.session(), now)
    yield legislator_tables.examine(site().shelf, now, live=config.live)
    yield disk(config.data_dir)
    yield clock(db.session(), site().wall(), is_synchronised())
    if config.mail is None:
        yield ok(
            "mail server", "This is a sandbox: its built-in mailbox takes everything, and no other server is asked."
        )
        yield ok(
            "domain", "This is a sandbox: no mail goes out, so nobody needs SPF, DKIM or DMARC. DNS was not asked."
        )
        return
    blocked = False
    for finding in mail_server.examine(_visit(config, config.mail), now):
        blocked = blocked or finding.verdict is Verdict.FAIL
        yield finding
    yield from _of_domains(config, config.mail, selectors, nameserver)
    if to is not None:
        yield trial.not_sent() if blocked else _sent(to, config)


def _timeouts(config: Config) -> Timeouts:
    given = Timeouts.of(config.mail_timeout)
    return Timeouts(
        connect=min(given.connect, _LONGEST),
        command=min(given.command, _LONGEST),
        final_dot=min(given.final_dot, _FINAL_DOT),
    )


def _visit(config: Config, server: MailServer) -> Visit:
    return Visit(
        server=server,
        hello=config.bounce_domain,
        sender=trial.envelope_sender(config.bounce_domain),
        own=config.organisation_email,
        timeouts=_timeouts(config),
    )


def _of_domains(
    config: Config, server: MailServer, selectors: tuple[str, ...], nameserver: tuple[str, int] | None
) -> Iterator[Finding]:
    # Imported here: dnspython takes a tenth of a second, which every start of the site would pay.
    from app.doctor.domain_records import Mailing, examine, not_asked
    from app.doctor.questions import NotAnswered, Questions, resolver_at

    try:
        questions = Questions(resolver_at(nameserver))
    except NotAnswered as error:
        yield not_asked("domain", error)
        return
    mailing = Mailing(
        from_domain=config.organisation_email.partition("@")[2].lower(),
        bounce_domain=config.bounce_domain,
        server=server,
        public_host=urlsplit(config.public_url).hostname or "",
        selectors=selectors,
    )
    yield from examine(mailing, questions)


def _sent(to: str, config: Config) -> Finding:
    head = trial.Letterhead(config.organisation, config.organisation_email, config.bounce_domain, config.public_url)
    message = trial.compose(head, to, str(uuid.uuid4()), site().clock())
    app = cast(LocalProxy[Flask], current_app)._get_current_object()
    return trial.send(message, SmtpSender(app, _timeouts(config), config.bounce_domain))
