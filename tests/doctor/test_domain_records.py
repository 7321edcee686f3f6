"""What DNS says of the sending domain, asked of a real nameserver on loopback."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from app.doctor import Finding, Verdict
from app.doctor.domain_records import Mailing, examine
from app.doctor.providers import USUAL_SELECTORS
from settings.mail_server import MailServer, Security
from tests.doctor.dns_server import Server, answering

OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL
KEY = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA" + "4aslbfO87x49" * 30
GOOD = f"""
@ TXT "google-site-verification=abc"
@ TXT "v=spf1 include:_spf.example.net -all"
@ MX 10 mx.example.net.
_dmarc TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@example.org"
s1._domainkey TXT "v=DKIM1; k=rsa; p={KEY[:200]}" "{KEY[200:]}"
"""


def mailing(
    from_domain: str = "example.org",
    bounce_domain: str = "",
    host: str = "mail.example.net",
    selectors: tuple[str, ...] = (),
) -> Mailing:
    server = MailServer(host, 587, Security.STARTTLS)
    return Mailing(from_domain, bounce_domain or from_domain, server, "act.example.org", selectors)


def looked(
    zone: str, about: Mailing | None = None, /, *, servfail: Collection[str] = (), silent: Collection[str] = ()
) -> tuple[list[Finding], Server]:
    """What is found of example.org with these records, and the server that was asked."""
    with answering({"example.org": zone}, servfail=servfail, silent=silent) as server:
        return list(examine(about or mailing(), server.questions)), server


def of(findings: list[Finding], subject: str) -> list[Finding]:
    return [finding for finding in findings if finding.subject == subject]


def one(zone: str, subject: str, about: Mailing | None = None) -> Finding:
    (found,) = of(looked(zone, about)[0], subject)
    return found


def test_a_domain_that_has_everything_is_well() -> None:
    findings, _server = looked(GOOD)

    assert [(finding.subject, finding.verdict) for finding in findings] == [
        ("SPF", OK),
        ("DKIM", OK),
        ("DMARC", OK),
        ("bounces", OK),
    ]
    assert "p=quarantine" in of(findings, "DMARC")[0].says
    assert "mx.example.net" in of(findings, "bounces")[0].says


def test_each_missing_record_is_there_to_paste() -> None:
    findings, _server = looked('@ TXT "something else"')

    spf, dkim, dmarc, bounces = findings
    assert (spf.verdict, dkim.verdict, dmarc.verdict, bounces.verdict) == (FAIL, WARN, WARN, FAIL)
    assert spf.do.splitlines()[-1] == 'example.org.  TXT  "v=spf1 a:mail.example.net ~all"'
    assert dkim.do.splitlines()[-1] == 'NAME._domainkey.example.org.  TXT  "v=DKIM1; k=rsa; p=…"'
    assert dmarc.do.splitlines()[-1] == '_dmarc.example.org.  TXT  "v=DMARC1; p=none"'


@pytest.mark.parametrize(
    ("host", "sender"),
    [
        ("smtp.office365.com", "include:spf.protection.outlook.com"),
        ("smtp-relay.gmail.com", "include:_spf.google.com"),
        ("127.0.0.1", "a:act.example.org"),
        ("192.0.2.7", "ip4:192.0.2.7"),
        ("2001:db8::7", "ip6:2001:db8::7"),
        ("notgmail.com", "a:notgmail.com"),
    ],
)
def test_the_spf_record_to_paste_names_who_sends(host: str, sender: str) -> None:
    found = one("", "SPF", mailing(host=host))

    assert found.do.splitlines()[-1] == f'example.org.  TXT  "v=spf1 {sender} ~all"'


def test_a_domain_that_dns_does_not_know_is_a_matter_of_the_setting() -> None:
    with answering({"example.org": ""}) as server:
        findings = list(examine(mailing("exampel.org"), server.questions))

    assert findings[0].verdict is FAIL
    assert "DNS knows no exampel.org" in findings[0].says
    assert "BOUNCE_DOMAIN" in findings[0].do
    assert of(findings, "bounces")[0].verdict is FAIL


def test_several_spf_records_are_made_into_one() -> None:
    found = one('@ TXT "v=spf1 mx -all"\n@ TXT "V=SPF1 include:_spf.google.com mx ~all"', "SPF")

    assert found.verdict is FAIL
    assert "2 SPF records" in found.says
    record = found.do.splitlines()[-1]
    assert record.startswith('example.org.  TXT  "v=spf1 ')
    assert sorted(record.split('"')[1].split()[1:-1]) == ["include:_spf.google.com", "mx"]
    assert record.endswith(' ~all"')


def test_a_long_record_in_pieces_is_read_as_one() -> None:
    hosts = " ".join(f"ip4:192.0.2.{number}" for number in range(1, 26))
    record = f"v=spf1 {hosts} -all"

    found = one(f'@ TXT "{record[:255]}" "{record[255:]}"', "SPF")

    assert found.verdict is OK
    cut = one(f'@ TXT "{record[:250]}" "+{record[250:]}"', "SPF")
    assert cut.verdict is FAIL


@pytest.mark.parametrize(
    ("record", "verdict", "says"),
    [
        ("v=spf1 mx +all", WARN, "allows everybody"),
        ("v=spf1 mx all", WARN, "allows everybody"),
        ("v=spf1 -all", FAIL, "allows nobody"),
        ("v=spf1 include: _spf.google.com -all", FAIL, "`include:`"),
        ("v=spf1 ip4:192.0.2.1, mx -all", FAIL, "`ip4:192.0.2.1,`"),
        ("v=spf1; mx -all", FAIL, "looks like SPF and is none"),
        ("spf1 mx -all", FAIL, "looks like SPF and is none"),
        ("v=spf1 redirect=_spf.example.net", OK, "redirect"),
        ("v=spf1 a:mail.example.org/28 ?exists:%{i}.spf.example.net -include:x.org ip6:2001:db8::/32 ~all", OK, ""),
        ("v=spf10 mx", FAIL, "looks like SPF"),
    ],
)
def test_an_spf_record_is_judged_as_far_as_it_can_be_known(record: str, verdict: Verdict, says: str) -> None:
    quoted = record.replace(";", "\\;")
    found = one(f'@ TXT "{quoted}"', "SPF")

    assert (found.verdict, says in found.says) == (verdict, True), found
    assert bool(found.do) is (verdict is not OK)


def test_a_domain_of_its_own_for_bounces_is_asked_for_too() -> None:
    findings, _server = looked(
        '@ TXT "v=spf1 mx -all"\n@ MX 5 mx1.example.net.\n@ MX 10 mx2.example.net.\nbounce A 192.0.2.1\n',
        mailing(bounce_domain="bounce.example.org"),
    )

    envelope, visible = of(findings, "SPF")
    assert (envelope.verdict, visible.verdict) == (FAIL, OK)
    assert "bounce.example.org" in envelope.says
    (bounces,) = of(findings, "bounces")
    assert bounces.verdict is WARN
    assert sorted(bounces.do.splitlines()[1:]) == [
        "bounce.example.org.  MX  10 mx2.example.net.",
        "bounce.example.org.  MX  5 mx1.example.net.",
    ]


def test_a_domain_that_takes_no_mail_loses_bounces() -> None:
    found = one("@ MX 0 .\n@ A 192.0.2.1", "bounces")

    assert found.verdict is FAIL
    assert "takes no mail" in found.says


def test_bounces_of_a_strangers_domain_do_not_count_in_dmarc() -> None:
    with answering({"example.org": GOOD, "example.com": GOOD}) as server:
        findings = list(examine(mailing(bounce_domain="bounce.example.com"), server.questions))

    assert [finding.verdict for finding in of(findings, "DMARC")] == [OK, WARN]


@pytest.mark.parametrize("domain", ["letters.example.org", "a.b.letters.example.org"])
def test_the_dmarc_record_of_the_domain_above_counts(domain: str) -> None:
    found = one(GOOD, "DMARC", mailing(domain))

    assert found.verdict is OK
    assert "_dmarc.example.org" in found.says


@pytest.mark.parametrize(
    ("records", "verdict"),
    [
        (["v=DMARC1; p=none"], OK),
        (["v=DMARC1;p=REJECT;"], OK),
        (["v=DMARC1; p=monitor"], FAIL),
        (["v=DMARC1"], FAIL),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], FAIL),
        (["p=none; v=DMARC1"], WARN),
        (["v=DMARC10; p=none"], WARN),
    ],
)
def test_a_dmarc_record_is_one_with_a_policy(records: list[str], verdict: Verdict) -> None:
    zone = "\n".join(f'_dmarc TXT "{record}"' for record in records)

    assert one(zone, "DMARC").verdict is verdict


def test_the_dkim_key_that_was_named_is_there() -> None:
    findings, server = looked(GOOD, mailing(selectors=("s1",)))

    assert of(findings, "DKIM")[0].verdict is OK
    assert [name for name in server.asked if "_domainkey" in name] == ["s1._domainkey.example.org TXT"]


@pytest.mark.parametrize(
    ("zone", "says"), [("", "does not exist"), ('mine._domainkey TXT "v=DKIM1; p="', "is withdrawn")]
)
def test_a_dkim_key_that_was_named_and_is_not_there_fails(zone: str, says: str) -> None:
    found = one(zone, "DKIM", mailing(selectors=("mine",)))

    assert found.verdict is FAIL
    assert says in found.says
    assert "mine._domainkey.example.org." in found.do.splitlines()[-1]


def test_without_a_name_the_usual_dkim_keys_are_tried() -> None:
    findings, server = looked('20230601._domainkey TXT "v=DKIM1; p=abc"')

    (dkim,) = of(findings, "DKIM")
    assert dkim.verdict is WARN
    assert "has DKIM records" in dkim.says
    assert "--dkim-selector" in dkim.do
    assert {f"{selector}._domainkey.example.org TXT" for selector in USUAL_SELECTORS} <= set(server.asked)


def test_a_mailbox_at_a_large_provider_is_no_domain_of_ones_own() -> None:
    with answering({}) as server:
        findings = list(examine(mailing("gmail.com"), server.questions))

    assert [finding.verdict for finding in findings] == [FAIL]
    assert "ORGANISATION_EMAIL" in findings[0].says
    assert server.asked == []


def test_a_server_that_fails_is_told_from_a_record_that_is_not_there() -> None:
    findings, _server = looked(GOOD, servfail={"example.org", "_dmarc.example.org"})

    spf, dkim, dmarc, bounces = findings
    assert (spf.verdict, dmarc.verdict, bounces.verdict) == (WARN, WARN, WARN)
    assert spf.says == "DNS could not be asked (the nameserver answered SERVFAIL)."
    assert dkim.verdict is OK


def test_a_silent_nameserver_is_a_warning_and_ends() -> None:
    findings, _server = looked(GOOD, silent={"*"})

    assert [finding.verdict for finding in findings] == [WARN] * 4
    assert "no answer came in time" in findings[0].says
    assert "no time was left" in findings[-1].says


def test_one_name_without_an_answer_leaves_the_others() -> None:
    findings, _server = looked(GOOD, silent={"_dmarc.example.org"})

    assert [finding.verdict for finding in findings] == [OK, OK, WARN, OK]


def test_what_a_stranger_writes_into_dns_commands_no_terminal() -> None:
    findings, _server = looked('@ TXT "v=spf1 mx exists:\\027[31mred ~all"\n_dmarc TXT "v=DMARC1; p=\\027[2J"')

    shown = "".join(finding.says + finding.do for finding in findings)
    assert "\x1b" not in shown
    assert "[2J" in shown
