"""Tokens and digests: the same for the same person, unguessable, and different for everything that differs."""

from __future__ import annotations

import hashlib
import itertools
import re

import pytest

from app.signing.limits import Network
from app.signing.tokens import Keys, Token, canonical_email, canonical_name, hashed, spelled, spellings

KEYS = Keys("s" * 64)
OTHER = Keys("t" * 64)


def test_a_token_is_32_letters_and_digits_so_that_no_mail_program_cuts_it() -> None:
    for number in range(500):
        sent = KEYS.sent(f"nonce {number}", "ana@example.org", "Ana García", "seal")
        for token in (sent, KEYS.mail(hashed(sent))):
            assert re.fullmatch(r"[a-z2-7]{32}", token)


@pytest.mark.parametrize(
    "whole",
    ["abcdefghijklmnopqrstuvwxyz234567", "AbcdefghijklmnopqrsTuvwxyz0123-_", "-bcdefghijklmnopqrstuvwxyz01234_"],
)
@pytest.mark.parametrize("around", ["", ".", ",", ")", ">", "!)", "\u200b", "%", " ", "/", "”."])
def test_signs_that_a_mail_program_put_behind_a_link_do_not_matter(whole: str, around: str) -> None:
    assert spelled(whole + around, hashed(whole)) == whole


@pytest.mark.parametrize("end", ["-", "_", "--", "-_", "_-", "__"])
def test_a_token_of_the_earlier_form_is_found_without_the_signs_at_its_end(end: str) -> None:
    whole = "AbcdefghijklmnopqrsTuvwxyz012345"[: 32 - len(end)] + end

    assert spelled(whole.rstrip("-_"), hashed(whole)) == whole


@pytest.mark.parametrize("typed", ["", "abc", "a" * 29, "a" * 5000, "Ω", "\ud800"])
def test_what_is_far_from_a_token_stands_for_hardly_more_than_itself(typed: str) -> None:
    assert len(spellings(typed)) <= 2


@pytest.mark.parametrize("around", ["_{}_", "{}-", "--{}", "{},and", "<{}>", " {}", "{}\u00ad", "\u200b{}"])
def test_a_token_is_found_between_other_signs_in_pieces_and_in_capitals(around: str) -> None:
    token = KEYS.mail(b"1")

    for typed in (token, token.upper(), *(f"{token[:9]}{between}{token[9:]}" for between in ("\r\n ", "=\n", "-\n"))):
        assert spelled(around.format(typed), hashed(token)) == token


def test_the_same_form_mailbox_name_and_letters_is_the_same_token() -> None:
    first = KEYS.sent("nonce", "Ana.Garcia+petition@GMail.com", "Ana  García ", "seal")

    assert first == KEYS.sent("nonce", "anagarcia@googlemail.com", "ANA GARCÍA", "seal")


def test_another_form_mailbox_name_letter_or_secret_is_another_token() -> None:
    tokens = {
        KEYS.sent("nonce", "ana@example.org", "Ana", "seal"),
        KEYS.sent("other", "ana@example.org", "Ana", "seal"),
        KEYS.sent("nonce", "bea@example.org", "Ana", "seal"),
        KEYS.sent("nonce", "ana@example.org", "Bea", "seal"),
        KEYS.sent("nonce", "ana@example.org", "Ana", "other seal"),
        OTHER.sent("nonce", "ana@example.org", "Ana", "seal"),
    }

    assert len(tokens) == 6


def test_the_token_in_the_mail_cannot_be_made_from_the_one_in_the_address_without_the_secret() -> None:
    sent = KEYS.sent("nonce", "ana@example.org", "Ana", "seal")

    assert len({sent, KEYS.mail(hashed(sent)), OTHER.mail(hashed(sent)), KEYS.earlier_mail(sent)}) == 4


def test_no_two_digests_meet_across_their_purposes() -> None:
    digests = [
        KEYS.email("ana@example.org"),
        KEYS.person("ana@example.org", ""),
        KEYS.person("ana@example.org", "Ana"),
        KEYS.network("192.0.2.1").digest or b"",
        OTHER.email("ana@example.org"),
        OTHER.network("192.0.2.1").digest or b"",
    ]

    assert all(one != other for one, other in itertools.combinations(digests, 2))
    assert {len(digest) for digest in digests} == {32}


def test_the_secret_does_not_show() -> None:
    assert "ssss" not in repr(KEYS)


@pytest.mark.parametrize("token", ["abc", "", "Ω", "\ud800", "a" * 5000])
def test_whatever_stands_in_an_address_has_a_hash(token: str) -> None:
    assert len(hashed(token)) == 32


def test_the_database_keeps_the_plain_sha_256_of_a_token() -> None:
    assert hashed(Token("abc")) == hashlib.sha256(b"abc").digest()


@pytest.mark.parametrize(
    ("email", "canonical"),
    [
        ("Ana@Example.ORG", "ana@example.org"),
        ("ana+petition@example.org", "ana@example.org"),
        ("ana+a+b@example.org", "ana@example.org"),
        ("a.n.a@gmail.com", "ana@gmail.com"),
        ("a.n.a+x@GoogleMail.com", "ana@gmail.com"),
        ("a.n.a@example.org", "a.n.a@example.org"),
        ("+ana@example.org", "+ana@example.org"),
        ("...@gmail.com", "...@gmail.com"),
    ],
)
def test_one_mailbox_has_one_spelling(email: str, canonical: str) -> None:
    assert canonical_email(email) == canonical


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("José Díaz", "JOSE\u0301 DI\u0301AZ"),
        ("  Ana   García ", "ana garcía"),
        ("Ｊａｎｅ Doe", "Jane Doe"),
        ("Straße", "STRASSE"),
    ],
)
def test_one_name_has_one_spelling(name: str, same: str) -> None:
    assert canonical_name(name) == canonical_name(same)


def test_names_with_and_without_accents_are_two_people() -> None:
    assert canonical_name("Jose") != canonical_name("José")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
        ("2001:db8:1:2::1", "2001:0DB8:0001:0002::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:443", "192.0.2.1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::2%eth1"),
    ],
)
def test_addresses_of_one_network_count_together(one: str, other: str) -> None:
    assert KEYS.network(one) == KEYS.network(other) != Network(None)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:3::1"),
        ("192.0.2.1", "192.0.2.2"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2"),
        ("::1", "127.0.0.1"),
    ],
)
def test_addresses_of_two_networks_count_apart(one: str, other: str) -> None:
    assert KEYS.network(one).digest != KEYS.network(other).digest


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:3::1", {48, 56}),
        ("2001:db8:1:2::1", "2001:db8:1:ff00::1", {48}),
        ("2001:db8:1:2::1", "2001:db8:2:2::1", set()),
    ],
)
def test_the_networks_around_a_64_are_known_too(one: str, other: str, shared: set[int]) -> None:
    first, second = KEYS.network(one).wider, KEYS.network(other).wider

    assert set(first) == {48, 56}
    assert {bits for bits in first if first[bits] == second[bits]} == shared


def test_around_an_ipv4_address_nothing_is_counted() -> None:
    assert KEYS.network("192.0.2.1").wider == KEYS.network("::ffff:192.0.2.1").wider == {}


@pytest.mark.parametrize("address", ["unix:", "localhost", "1.2.3", "999.1.1.1", "[]:1"])
def test_all_that_is_no_address_counts_together(address: str) -> None:
    assert KEYS.network(address) == KEYS.network("unknown") != KEYS.network("192.0.2.1")


def test_without_an_address_there_is_no_network() -> None:
    assert KEYS.network("") == Network(None)
