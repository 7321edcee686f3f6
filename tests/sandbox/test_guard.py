"""The sandbox's promise."""

from __future__ import annotations

import pytest

from app.sandbox.guard import LeavesTheMachine, check_server, office_address


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_a_mail_server_on_this_machine_passes(host: str) -> None:
    check_server(host, 2525)


@pytest.mark.parametrize(
    "host", ["mail.example.org", "192.0.2.1", "0.0.0.0", "", "localhost.example.org", "127.0.0.1.example.org"]
)
def test_any_other_mail_server_does_not(host: str) -> None:
    with pytest.raises(LeavesTheMachine):
        check_server(host, 2525)


def test_an_office_gets_an_address_that_never_exists() -> None:
    assert office_address("L000571") == "l000571@offices.invalid"


@pytest.mark.parametrize("bioguide", ["", "l000571", "L00571", "L000571@senate.gov", "L000571\n"])
def test_what_is_no_bioguide_id_gets_none(bioguide: str) -> None:
    with pytest.raises(ValueError, match="bioguide"):
        office_address(bioguide)


@pytest.mark.parametrize("port", [0, 25, 465, 587])
def test_a_port_of_a_real_mail_server_does_not_pass(port: int) -> None:
    with pytest.raises(LeavesTheMachine):
        check_server("127.0.0.1", port)
