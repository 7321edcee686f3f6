"""Settings: what is refused, in which words; the secret; and that docs/settings.md is true."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from config import ROOT, Config, Reader, SettingsError, is_loopback, read_settings


def settings(tmp_path: Path, **given: str) -> Config:
    return Config.from_env({"DATA_DIR": str(tmp_path), **given})


def problems(tmp_path: Path, **given: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings(tmp_path, **given)
    return caught.value.problems


@pytest.mark.parametrize("damage", [b"", b"short", "schlüssel".encode("latin-1") * 8])
def test_a_damaged_secret_is_refused_in_a_sentence(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "secret-key").write_bytes(damage)

    with pytest.raises(SettingsError, match="is damaged"):
        Config.from_env({"DATA_DIR": str(tmp_path)})


def test_nothing_has_to_be_set(tmp_path: Path) -> None:
    config = settings(tmp_path)

    assert (config.host, config.port, config.public_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000")
    assert (config.limit_address, config.limit_network, config.trusted_proxies) == (3, 100, 0)
    assert config.unknown_retry == timedelta(minutes=30)
    assert len(config.letter_retries) == 11
    assert config.confirmation_retries[0] == timedelta(seconds=30)
    assert config.bounce_domain == "sandbox.invalid"


NONSENSE = {
    "DELIVERY": ["", "live", "Sandbox", "1"],
    "HOST": ["", "127.0.0.1/8", "a b", "http://x", "\x00"],
    "PORT": ["", "0", "65536", "80a", "-1", "8000.0", "٨٠", "1_000", " 8000"],
    "SANDBOX_PUBLIC": ["", "yes", "true", "2"],
    "PUBLIC_URL": ["", "act.example.org", "ftp://x", "http://", "http://x/path", "http://x?y", "http://x:a",
                   "http://[::1", "http://x\n", "javascript:alert(1)"],
    "TRUSTED_PROXIES": ["", "-1", "11", "one"],
    "ORGANISATION": ["", "  ", "x" * 101, "A\nB", "A\x00"],
    "ORGANISATION_EMAIL": ["", "letters", "@example.org", "a@b", "a b@example.org", "a@example.org\n",
                           "A <a@example.org>"],
    "MAIL_TIMEOUT": ["", "60", "0s", "1 s", "-1s", "60S", "1w"],
    "LETTER_RETRIES": ["", "  ", "2m,10m", "2m x"],
    "CONFIRMATION_RETRIES": ["", "30"],
    "UNKNOWN_RETRY": ["", "soon"],
    "BOUNCE_DOMAIN": ["", "localhost", "-a.example", "a..b", "exa mple.org", "example.org\n", "x" * 64 + ".org"],
    "LIMIT_ADDRESS": ["", "0", "-3", "many"],
    "LIMIT_NETWORK": ["", "0", "1000001"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in NONSENSE.items() for value in values])
def test_nonsense_is_refused_by_its_name(tmp_path: Path, name: str, value: str) -> None:
    found = problems(tmp_path, **{name: value})

    assert len(found) == 1
    assert found[0].startswith(f"{name} must be ")
    assert found[0].endswith(".")
    assert "Traceback" not in found[0]


def test_a_public_address_with_port_0_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, PUBLIC_URL="http://act.example.org:0") != []


def test_a_nonsense_folder_is_refused(tmp_path: Path) -> None:
    for value in ("", "a\0b"):
        with pytest.raises(SettingsError, match="DATA_DIR must be the path of a folder"):
            Config.from_env({"DATA_DIR": value, "SECRET_KEY": "s" * 32})


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, **{name: values[-1] for name, values in NONSENSE.items()}, SECRET_KEY="short")

    assert {line.split()[0] for line in found} == {*NONSENSE, "SECRET_KEY"}


def test_a_sandbox_that_others_can_reach_must_be_meant(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, HOST="0.0.0.0")

    assert "HOST is 0.0.0.0, which other machines can reach" in found
    assert settings(tmp_path, HOST="0.0.0.0", SANDBOX_PUBLIC="1").host == "0.0.0.0"


@pytest.mark.parametrize(
    ("name", "loopback"),
    [
        *((name, True) for name in ("127.0.0.1", "127.8.9.1", "::1", "localhost")),
        *(
            (name, False)
            for name in ("0.0.0.0", "::", "", "localhost.example.org", "127.0.0.1.example.org", "10.0.0.1")
        ),
    ],
)
def test_what_is_this_machine(name: str, loopback: bool) -> None:
    assert is_loopback(name) is loopback


def test_an_ipv6_host_is_bracketed_in_links(tmp_path: Path) -> None:
    assert settings(tmp_path, HOST="::1").public_url == "http://[::1]:8000"


def test_a_slash_at_the_end_of_the_public_address_does_not_matter(tmp_path: Path) -> None:
    assert settings(tmp_path, PUBLIC_URL="https://act.example.org/").public_url == "https://act.example.org"


# --- the secret -----------------------------------------------------------------------------------------------


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    first = settings(folder).secret_key

    assert len(first) == 64
    assert settings(folder).secret_key == first
    assert stat.S_IMODE((folder / "secret-key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["secret-key"]


def test_each_folder_has_its_own(tmp_path: Path) -> None:
    assert settings(tmp_path / "a").secret_key != settings(tmp_path / "b").secret_key


def test_two_processes_that_start_at_once_read_the_same_secret(tmp_path: Path) -> None:
    program = "from config import Config; print(Config.from_env().secret_key)"
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data")}
    started = [
        subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]

    secrets = {process.communicate()[0].strip() for process in started}

    assert len(secrets) == 1
    assert len(secrets.pop()) == 64


def test_a_given_secret_is_taken_and_none_is_made(tmp_path: Path) -> None:
    assert settings(tmp_path, SECRET_KEY="g" * 32).secret_key == "g" * 32
    assert list(tmp_path.iterdir()) == []


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "given").write_text("f" * 40 + "\n", encoding="utf-8")

    assert settings(tmp_path, SECRET_KEY_FILE=str(tmp_path / "given")).secret_key == "f" * 40


@pytest.mark.parametrize("content", [None, b"", b"short", b"\xff" * 40])
def test_a_file_without_a_good_secret_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "given"
    if content is not None:
        path.write_bytes(content)

    found = problems(tmp_path / "data", SECRET_KEY_FILE=str(path))

    assert any("SECRET_KEY" in line for line in found)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    (found,) = problems(tmp_path / "file" / "data")

    assert "cannot be used" in found
    assert "Give DATA_DIR a folder that you may write to." in found


def test_the_secret_is_not_in_the_settings_own_words(tmp_path: Path) -> None:
    config = settings(tmp_path)

    assert config.secret_key not in repr(config)


# --- the document ---------------------------------------------------------------------------------------------


def documented() -> dict[str, str]:
    rows = re.findall(r"^\| `([A-Z_]+)` \|([^|]*)\|", (ROOT / "docs" / "settings.md").read_text("utf-8"), re.MULTILINE)
    assert len(rows) == len(dict(rows))
    return {name: default.strip().strip("`") for name, default in rows}


def asked(tmp_path: Path) -> dict[str, str]:
    reader = Reader({"DATA_DIR": str(tmp_path)})
    read_settings(reader)
    return reader.defaults


def test_every_setting_is_documented_and_none_is_invented(tmp_path: Path) -> None:
    assert set(documented()) == set(asked(tmp_path))


def test_the_documented_defaults_are_true(tmp_path: Path) -> None:
    said = documented()
    derived = {"PUBLIC_URL": "http://HOST:PORT", "BOUNCE_DOMAIN": "domain of `ORGANISATION_EMAIL"}
    for name, default in asked(tmp_path).items():
        assert said[name] == derived.get(name, default), name
