"""Every route is on a list: who may open it, and by what right."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.pages import Visitor

PUBLIC, TOKEN, SANDBOX = "public", "token", "sandbox"
RIGHTS = {
    "static": PUBLIC,
    "health.show": PUBLIC,
    "look.file": PUBLIC,
    "campaign.index": PUBLIC,
    "campaign.show": PUBLIC,
    "campaign.write": PUBLIC,
    "sent.show": TOKEN,
    "sent.act": TOKEN,
    "confirm.show": TOKEN,
    "confirm.release": TOKEN,
    "receipt.show": TOKEN,
    "handoff.show": TOKEN,
    "handoff.act": TOKEN,
    "handoff.sheets": TOKEN,
    "undo.ask": TOKEN,
    "undo.act": TOKEN,
    "undo.reminder": TOKEN,
    "undo.no_reminder": TOKEN,
    "privacy.show": PUBLIC,
    "mailbox.show": SANDBOX,
    "mailbox.read": SANDBOX,
}
GUESS = "A" * 32


def test_every_route_is_on_the_list_and_none_is_invented(sandbox: Flask) -> None:
    assert {rule.endpoint for rule in sandbox.url_map.iter_rules()} == set(RIGHTS)


@pytest.mark.parametrize("endpoint", [endpoint for endpoint, right in RIGHTS.items() if right == TOKEN])
def test_a_page_behind_a_token_shows_nothing_without_it_and_refuses_a_guess(sandbox: Flask, endpoint: str) -> None:
    (rule,) = sandbox.url_map.iter_rules(endpoint)
    path = rule.rule.replace("<token>", GUESS).replace("<int:position>", "1")
    path = path.replace("<any(withdraw, erase):what>", "erase")
    methods = (rule.methods or set()) - {"OPTIONS", "HEAD"}

    assert "token" in rule.arguments <= {"token", "position", "what"}
    for method in methods:
        response = sandbox.test_client(use_cookies=False).open(path, method=method)
        assert response.status_code == 404


@pytest.mark.parametrize("endpoint", [endpoint for endpoint, right in RIGHTS.items() if right == SANDBOX])
def test_a_page_of_the_sandbox_does_not_exist_for_another_machine(sandbox: Flask, endpoint: str) -> None:
    (rule,) = sandbox.url_map.iter_rules(endpoint)

    page = Visitor(sandbox).open(rule.rule.replace("<key>", "1"), Host="act.example.org")

    assert page.status == 404


def test_only_these_take_a_post(sandbox: Flask) -> None:
    taking = {rule.endpoint for rule in sandbox.url_map.iter_rules() if "POST" in (rule.methods or set())}

    assert taking == {
        "campaign.write",
        "sent.act",
        "confirm.release",
        "handoff.act",
        "undo.act",
        "undo.no_reminder",
    }
