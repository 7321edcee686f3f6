"""E-mail addresses as people type them."""

from __future__ import annotations

import pytest

from app.mailboxes import Flaw, NoMailbox, mailbox, probably_meant


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("Ana.Garcia+tag@Example.ORG", "Ana.Garcia+tag@example.org"),
        (" ana\u00a0", None),
        ("ana\u200b@ex\u00adample.org\ufeff", "ana@example.org"),
        ("ana\uff20example\u3002org", "ana@example.org"),
        ("mary\u2011jane@example.org", "mary-jane@example.org"),
        ("o\u2019hara@example.org", "o'hara@example.org"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@\u0441\u0430\u0445\u0430\u0440.\u0440\u0444", "ana@xn--80aa2cbv.xn--p1ai"),
        ("ana@\u0441\u0430\u0445\u0430\u0440.com", "ana@xn--80aa2cbv.com"),
        ("a/b@example.org", "a/b@example.org"),
        ("www.ana@example.org", "www.ana@example.org"),
    ],
)
def test_an_address_is_read_in_its_ascii_form(typed: str, address: str | None) -> None:
    if address is None:
        with pytest.raises(NoMailbox):
            mailbox(typed)
    else:
        assert mailbox(typed) == address


@pytest.mark.parametrize(
    ("typed", "flaw", "sign", "alone"),
    [
        ("", Flaw.EMPTY, "", ""),
        ("https://example.org/@ana", Flaw.WEB_ADDRESS, "", ""),
        ("www.example.org", Flaw.WEB_ADDRESS, "", ""),
        ("MAILTO:ana@example.org?subject=x", Flaw.MAILTO, "MAILTO:", "ana@example.org"),
        ("Ana <ana@example.org>", Flaw.NAMED, "<>", "ana@example.org"),
        ('"Ruiz, Ana" <ana@example.org>', Flaw.NAMED, "<>", "ana@example.org"),
        ("a@example.org b@example.org", Flaw.SEVERAL, "", ""),
        ("a@example.org;b@example.org", Flaw.SEVERAL, "", ""),
        ("ana(at)example.org", Flaw.NO_AT, "", ""),
        ("ana@@example.org", Flaw.TWO_AT, "@@", ""),
        ("@example.org", Flaw.NOTHING_BEFORE, "", ""),
        ("ana@ ", Flaw.NOTHING_AFTER, "", ""),
        ("ana ruiz@example.org", Flaw.BLANK, "ana", ""),
        ("ana@exam\u2003ple.org", Flaw.BLANK, "ana@exam", ""),
        ("ana@example..org", Flaw.TWO_DOTS, "..", ""),
        (".ana@example.org", Flaw.DOT_AT_EDGE, ".", ""),
        ("ana@.example.org", Flaw.DOT_AT_EDGE, ".", ""),
        ("(ana@example.org)", Flaw.SIGN_AT_END, ")", "ana@example.org"),
        ("ana@example.org.", Flaw.SIGN_AT_END, ".", "ana@example.org"),
        ("ana@example.", Flaw.NO_DOT, "", ""),
        ("mailto:ana@example.org,bo@example.org", Flaw.SEVERAL, "", ""),
        ("ana@example,org", Flaw.COMMA, ",", "ana@example.org"),
        ("ana@localhost", Flaw.NO_DOT, "", ""),
        ("E-mail: ana@example.org", Flaw.NAMED, "", "ana@example.org"),
        ('"Ana" ana@example.org', Flaw.NAMED, "", "ana@example.org"),
        ("ana@example.org, thanks", Flaw.NAMED, "", "ana@example.org"),
        ("ana@example.org (home)", Flaw.NAMED, "", "ana@example.org"),
        ("Email: ana ruiz@example.org", Flaw.BLANK, "Email:", ""),
        ("ana@gmail", Flaw.NO_DOT, "", "ana@gmail.com"),
        ("a" * 65 + "@example.org", Flaw.TOO_LONG, "", ""),
        ("ana@gm\u0430il.com", Flaw.LOOKALIKE, "\u0430", "ana@gmail.com"),
        ("ana@gmail.\u0441\u043e", Flaw.LOOKALIKE, "\u0441", "ana@gmail.co"),
        ("ana@gmail.\u03f2om", Flaw.LOOKALIKE, "\u03c2", ""),
        ("ana@ex\u03b1mple.org", Flaw.LOOKALIKE, "\u03b1", "ana@example.org"),
        ("jörg@example.org", Flaw.FOREIGN_SIGN, "ö", ""),
        ("an\u0430@example.org", Flaw.FOREIGN_SIGN, "\u0430", ""),
        ("a(n)a@example.org", Flaw.SIGN, "(", ""),
        ("ana@ex_ample.org", Flaw.SIGN, "_", ""),
        ("=?utf-8?q?x?=@example.org", Flaw.SIGN, "=?", ""),
        ("a" * 250 + "@example.org", Flaw.TOO_LONG, "", ""),
        ("x" * 300_000, Flaw.TOO_LONG, "", ""),
        ("ana@[127.0.0.1]", Flaw.DOMAIN, "[127.0.0.1]", ""),
        ("ana@example.invalid", Flaw.DOMAIN, "example.invalid", ""),
        ("ana@-example.org", Flaw.DOMAIN, "-example.org", ""),
        ("ana@example.c", Flaw.DOMAIN, "example.c", ""),
    ],
)
def test_what_is_wrong_with_an_address_is_known(typed: str, flaw: Flaw, sign: str, alone: str) -> None:
    with pytest.raises(NoMailbox) as caught:
        mailbox(typed)

    assert (caught.value.flaw, caught.value.sign, caught.value.alone) == (flaw, sign, alone)


@pytest.mark.parametrize(
    ("domains", "meant"),
    [
        ("gmial.con gmial.com gmail.con gmal.com gmaill.com gmmail.com gamil.com gnail.com", "gmail.com"),
        ("gmail.co gmail.cm GMAIL.CON", "gmail.com"),
        ("yaho.com yahooo.com yahoo.con yhaoo.com yahoo.comm", "yahoo.com"),
        ("hotmial.com hotmal.com hormail.com hotmail.ocm", "hotmail.com"),
        ("outlok.com outloook.com outlook.vom", "outlook.com"),
        ("iclould.con", "iclould.com"),
        ("aol.con", "aol.com"),
        ("comcast.nte comcast.ney", "comcast.net"),
        ("smith-and-sons.con", "smith-and-sons.com"),
        ("example.ogr", "example.org"),
    ],
)  # fmt: skip
def test_a_slip_of_the_finger_in_a_domain_is_noticed(domains: str, meant: str) -> None:
    for domain in domains.split():
        assert probably_meant(f"ana@{domain}") == f"ana@{meant}"


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "aol.com", "comcast.net",
        "googlemail.com",
        "proton.me", "mail.com", "email.com", "ymail.com", "fmail.com", "gmx.com", "gmx.net", "gail.com",
        "me.com", "mac.com",
        "live.com", "hey.com", "pm.me", "x.com", "hotmail.ca", "yahoo.ca", "yahoo.de", "yahoo.co.uk", "yahoo.com.mx",
        "hotmail.es", "gmail.org", "comcast.com", "cloud.com", "carter.net", "chatter.net", "umail.ucsb.edu", "mit.edu",
        "example.org", "bücher.example", "smith.co", "smith.cm", "a.co", "web.de", "posteo.de", "mailbox.org",
        "cox.net",
    ],
)  # fmt: skip
def test_a_right_address_is_never_doubted_however_rare(domain: str) -> None:
    assert probably_meant(f"ana@{domain}") is None
