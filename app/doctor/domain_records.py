"""What DNS says about the domains that mail goes out for; without these records letters are dropped unread."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.doctor import Finding, fail, ok, printable, spf, warn
from app.doctor.providers import USUAL_SELECTORS, allowed, is_of_everybody
from app.doctor.questions import Answer, NotAnswered, Questions
from app.doctor.spf import Sought, line
from settings.mail_server import MailServer

DKIM, DMARC, BOUNCES, DOMAIN = "DKIM", "DMARC", "bounces", "domain"
_SOME_KEY = "v=DKIM1; k=rsa; p=…"
_POLICY = re.compile(r"\s*v\s*=\s*DMARC1\s*(;.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mailing:
    """For which domains which server sends. `selectors` are names of DKIM keys; without any the usual ones are tried.

    `public_host` is how this machine is called if it sends by itself.
    """

    from_domain: str
    bounce_domain: str
    server: MailServer
    public_host: str
    selectors: tuple[str, ...] = ()


def examine(mailing: Mailing, questions: Questions) -> Iterator[Finding]:
    """SPF, DKIM, DMARC, and where bounces go; a question that nobody answers is a warning, and the next is asked."""
    if found := _of_everybody(mailing):
        yield found
        return
    checks: tuple[tuple[str, Callable[[Mailing, Questions], Iterator[Finding]]], ...] = (
        (spf.SUBJECT, _spf_of_envelope),
        (spf.SUBJECT, _spf_of_from),
        (DKIM, _dkim),
        (DMARC, _dmarc),
        (BOUNCES, _bounces),
    )
    for subject, check in checks:
        try:
            yield from check(mailing, questions)
        except NotAnswered as error:
            yield not_asked(subject, error)


def not_asked(subject: str, error: NotAnswered) -> Finding:
    """A question without an answer: nothing is known."""
    return warn(
        subject,
        f"DNS could not be asked ({error}).",
        "Run this again when the network is there, or let another nameserver answer: --nameserver ADDRESS.",
    )


def _of_everybody(mailing: Mailing) -> Finding | None:
    for name, domain in (("ORGANISATION_EMAIL", mailing.from_domain), ("BOUNCE_DOMAIN", mailing.bounce_domain)):
        if is_of_everybody(domain):
            return fail(
                DOMAIN,
                f"{name} is at {domain}, where everybody has mailboxes: nobody else may send for it, and bounces would "
                "come to a stranger.",
                "Set ORGANISATION_EMAIL to an address at a domain of your own, and leave BOUNCE_DOMAIN out.",
            )
    return None


def _spf_of_envelope(mailing: Mailing, questions: Questions) -> Iterator[Finding]:
    sender, certain = allowed(mailing.server, mailing.public_host)
    sought = Sought(mailing.bounce_domain, "the envelope's domain (BOUNCE_DOMAIN)", sender, certain, vital=True)
    answer = questions.ask(mailing.bounce_domain, "TXT")
    yield spf.judged(sought, answer) if answer.exists else _no_such_domain("BOUNCE_DOMAIN", mailing.bounce_domain)


def _spf_of_from(mailing: Mailing, questions: Questions) -> Iterator[Finding]:
    if mailing.from_domain == mailing.bounce_domain:
        return
    sender, certain = allowed(mailing.server, mailing.public_host)
    sought = Sought(mailing.from_domain, "the domain of ORGANISATION_EMAIL", sender, certain, vital=False)
    answer = questions.ask(mailing.from_domain, "TXT")
    yield spf.judged(sought, answer) if answer.exists else _no_such_domain("ORGANISATION_EMAIL", mailing.from_domain)


def _no_such_domain(setting: str, domain: str) -> Finding:
    return fail(
        spf.SUBJECT,
        f"DNS knows no {domain}.",
        f"Mind the spelling of {setting}. If it is right, the domain is no longer registered, or has no records yet.",
    )


def _dkim(mailing: Mailing, questions: Questions) -> Iterator[Finding]:
    domain = mailing.from_domain
    if mailing.selectors:
        for selector in mailing.selectors:
            yield _key(selector, domain, questions)
        return
    found = [one for one in USUAL_SELECTORS if _holds_key(questions.ask(_key_name(one, domain), "TXT"))]
    if found:
        yield ok(
            DKIM,
            f"{domain} has a key under the name {', '.join(found)}.",
            "Whether the mail server signs with it, a message shows: --to ADDRESS.",
        )
    else:
        yield _no_usual_key(domain, questions.ask(f"_domainkey.{domain}", "TXT").exists)


def _key_name(selector: str, domain: str) -> str:
    return f"{selector}._domainkey.{domain}"


def _tag_p(answer: Answer) -> str | None:
    """The key in the first record that is one; "" for one that was withdrawn, None where there is none."""
    for text in answer.records:
        if match := re.search(r"(?:^|;)\s*p\s*=([^;]*)", text):
            return "".join(match[1].split())
    return None


def _holds_key(answer: Answer) -> bool:
    return bool(_tag_p(answer))


def _key(selector: str, domain: str, questions: Questions) -> Finding:
    """The key of a name that the organiser has given."""
    name = _key_name(selector, domain)
    key = _tag_p(questions.ask(name, "TXT"))
    if key:
        return ok(DKIM, f"{domain} has a key under the name {selector}.")
    withdrawn = "is withdrawn (an empty p=)" if key == "" else "does not exist"
    return fail(
        DKIM,
        f"The key {name} {withdrawn}: what is signed with it counts as forged or unsigned.",
        "Your mail provider's page shows the key: copy it in the place of the dots. Some want a CNAME record instead.\n"
        + line(name, _SOME_KEY),
    )


def _no_usual_key(domain: str, some: bool) -> Finding:
    if some:
        return warn(
            DKIM,
            f"{domain} has DKIM records, and none of the usual names is among them.",
            "Your mail provider's page for the domain says its name (selector), and so does `s=` in the DKIM-Signature "
            "of a mail that it has sent (--to ADDRESS). Then run this with --dkim-selector NAME.",
        )
    return warn(
        DKIM,
        f"{domain} seems to have no DKIM key: none was found under {len(USUAL_SELECTORS)} usual names.",
        "Let your mail provider make one: its page for the domain gives the whole record, which looks like this. If "
        "there is one already, run this with --dkim-selector NAME.\n" + line(_key_name("NAME", domain), _SOME_KEY),
    )


def _dmarc(mailing: Mailing, questions: Questions) -> Iterator[Finding]:
    domain = mailing.from_domain
    for name in _upwards(domain):
        answer = questions.ask(f"_dmarc.{name}", "TXT")
        records = [text for text in answer.records if _POLICY.fullmatch(text)]
        if records:
            yield _policy(f"_dmarc.{name}", records)
            break
    else:
        yield warn(
            DMARC,
            f"{domain} has no DMARC record: large mailbox providers want one.",
            "Add it when SPF and DKIM pass. p=none watches; later p=quarantine protects your name:\n"
            + line(f"_dmarc.{domain}", "v=DMARC1; p=none"),
        )
    if not _related(domain, mailing.bounce_domain):
        yield warn(
            DMARC,
            f"BOUNCE_DOMAIN ({mailing.bounce_domain}) and ORGANISATION_EMAIL ({domain}) are of different domains: SPF "
            "then counts for nothing in DMARC.",
            f"Set BOUNCE_DOMAIN to {domain} or to a name below it, or be sure that DKIM signs for {domain}.",
        )


def _upwards(domain: str) -> list[str]:
    """The domain and what stands above it, without the top: the record of a domain counts for all below it.

    RFC 7489 asks the domain and the registered one above it. Which that is only a list of all public suffixes says;
    without it we ask on the way up, and may ask for co.uk, which has none.
    """
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)][:5]


def _related(one: str, other: str) -> bool:
    """Whether both seem to be of one organisation: the last two labels are the same."""
    return one.split(".")[-2:] == other.split(".")[-2:]


def _policy(name: str, records: list[str]) -> Finding:
    if len(records) > 1:
        return fail(
            DMARC,
            f"{name} has {len(records)} records, and receivers then believe none.",
            "Leave one, delete the others.",
        )
    tags = dict(part.strip().split("=", 1) for part in records[0].split(";") if "=" in part)
    policy = {key.strip().lower(): value.strip().lower() for key, value in tags.items()}.get("p", "")
    if policy in {"none", "quarantine", "reject"}:
        return ok(DMARC, f"{name} says p={policy}.")
    return fail(
        DMARC,
        f"{name} names no policy that exists: {printable(records[0])}",
        f"Put this in its place:\n{line(name, 'v=DMARC1; p=none')}",
    )


def _bounces(mailing: Mailing, questions: Questions) -> Iterator[Finding]:
    domain = mailing.bounce_domain
    servers = questions.ask(domain, "MX")
    hosts = [record.partition(" ")[2] for record in servers.records]
    if hosts == ["."]:
        yield fail(
            BOUNCES, f"{domain} says that it takes no mail (an MX record of `.`).", _ways_back(mailing, questions)
        )
    elif hosts:
        yield ok(BOUNCES, f"Bounces go to {printable(hosts[0].rstrip('.'))}, the mail server of {domain}.", _MAILBOX)
    elif any(questions.ask(domain, kind).records for kind in ("A", "AAAA")):
        yield warn(
            BOUNCES,
            f"{domain} has no MX record; bounces go to the machine {domain} itself.",
            f"Be sure that it takes mail. {_ways_back(mailing, questions)}",
        )
    else:
        yield fail(
            BOUNCES,
            f"{domain} has no mail server: bounces are lost, and many servers refuse letters from such a sender.",
            _ways_back(mailing, questions),
        )


_MAILBOX = "A mail to b+test at that domain has to arrive somewhere: try it once."


def _ways_back(mailing: Mailing, questions: Questions) -> str:
    """What to add; when the organisation's own domain has mail servers, theirs, ready to paste."""
    simple = "Leave BOUNCE_DOMAIN out: then it is the domain of ORGANISATION_EMAIL."
    known = () if mailing.from_domain == mailing.bounce_domain else questions.ask(mailing.from_domain, "MX").records
    records = [printable(record) for record in known if record.partition(" ")[2] != "."]
    if not records:
        return (
            "Add the MX record that your mailbox provider's help names."
            if mailing.from_domain == mailing.bounce_domain
            else f"{simple} Or add the MX record that your mailbox provider's help names."
        )
    lines = "\n".join(f"{mailing.bounce_domain}.  MX  {record}" for record in records)
    return f"{simple} Or add the mail servers of {mailing.from_domain}, if they take mail for it too:\n{lines}"
