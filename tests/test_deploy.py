"""What lies in deploy/ agrees with the program and with itself. No root is needed, and nothing installed."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from app import MOST_BYTES
from app.backups import KEPT_FOR
from app.serve.family import PATIENCE
from app.serve.leash import GRACE
from config import ROOT, Config, read_settings
from settings.reader import Reader

DEPLOY = ROOT / "deploy"
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")


def text(name: str) -> str:
    """A file without its comments."""
    return re.sub(r"(?m)^\s*#.*\n", "", (DEPLOY / name).read_text(encoding="utf-8"))


def unit(name: str) -> dict[str, list[str]]:
    """The settings of a unit: each may be given several times."""
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"(?m)^(\w+)=(.*)$", text(name)):
        found.setdefault(key, []).append(value)
    return found


def settings() -> dict[str, str]:
    """The settings of the example, as systemd reads them."""
    return {name: "".join(shlex.split(value)) for name, value in re.findall(r"(?m)^(\w+)=(.*)$", text("redress.env"))}


def test_the_example_of_the_settings_is_a_live_site(tmp_path: Path) -> None:
    for name in ("secret-key", "mail-password"):
        (tmp_path / name).write_text("0123456789abcdef" * 4 + "\n")
    given = {name: value.replace("/etc/redress", str(tmp_path)) for name, value in settings().items()}

    config = Config.from_env(given | {"DATA_DIR": str(tmp_path / "data")})

    assert config.live
    assert config.mail is not None
    assert config.secret_key == config.mail.password == "0123456789abcdef" * 4
    assert (config.host, config.trusted_proxies) == ("127.0.0.1", 1)


def test_every_setting_of_the_example_exists(tmp_path: Path) -> None:
    reader = Reader({"DELIVERY": "live", "DATA_DIR": str(tmp_path)})
    read_settings(reader)

    assert {name.removesuffix("_FILE") for name in settings()} <= set(reader.defaults)


def test_without_any_of_its_lines_the_example_is_refused_or_falls_back_to_a_default(tmp_path: Path) -> None:
    """So that it holds all that a live site needs: nothing is missing in it."""
    (tmp_path / "a-file").write_text("0123456789abcdef" * 4)
    given = {name: str(tmp_path / "a-file") if "/etc" in value else value for name, value in settings().items()}
    given["DATA_DIR"] = str(tmp_path / "data")
    optional = {"DATA_DIR", "HOST", "PORT", "MAIL_PORT", "MAIL_USE_TLS", "DELIVERY"}
    for name in sorted(given.keys() - optional):
        reader = Reader({other: value for other, value in given.items() if other != name})
        read_settings(reader)
        assert reader.problems, f"{name} is not needed"


# How systemd 252 reads EnvironmentFile= (src/basic/env-file.c): the text of a line, and the value that it gives.
LINES = [
    ("NAME=plain", "plain"),
    ("  NAME =  plain  \r", "plain"),
    ("NAME=", ""),
    ('NAME=""', ""),
    ("NAME=two words  # no comment", "two words  # no comment"),
    ('NAME="two words"', "two words"),
    ("NAME='two words'", "two words"),
    ("NAME=pa$$word$(touch x)`touch x`", "pa$$word$(touch x)`touch x`"),
    ('NAME="$HOME `touch x`"', "$HOME `touch x`"),
    (r'NAME="a\"b\\c\$d\`e\nf"', r'a"b\c$d`e\nf'),
    (r"NAME='a\b$c'", r"a\b$c"),
    (r"NAME=a\ b\\c", r"a b\c"),
    ('NAME=it\'s "so"', 'it\'s "so"'),
    ("NAME=a=b;c", "a=b;c"),
    ("NAME=Señor & Söhne", "Señor & Söhne"),
]


def command() -> ModuleType:
    """deploy/redress, without what it does when it is run."""
    loader = SourceFileLoader("deployed", str(DEPLOY / "redress"))
    spec = spec_from_loader("deployed", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def no_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written beside deploy/redress."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


@pytest.mark.parametrize(("line", "value"), LINES)
def test_the_command_reads_a_setting_as_systemd_does(line: str, value: str) -> None:
    assert command().settings_in(f"# NAME=1\n ; NAME=2\n\n{line}\nOTHER=x\n") == {"NAME": value, "OTHER": "x"}


@pytest.mark.parametrize(
    "line",
    [
        "NAME",
        "export NAME=x",
        "NA-ME=x",
        "=x",
        'NAME="open',
        "NAME='open",
        'NAME="a" b',
        "NAME='a'b",
        "# NAME=goes on\\",
        "NAME=goes on\\",
        'NAME="goes on\\',
    ],
)
def test_a_line_that_systemd_might_read_differently_is_refused(line: str) -> None:
    with pytest.raises(SystemExit, match=r"line 2 is no setting\. Write NAME=value"):
        command().settings_in(f"\n{line}\nOTHER=x\n")


def test_the_command_gives_the_settings_of_the_example() -> None:
    assert command().settings_in((DEPLOY / "redress.env").read_text(encoding="utf-8")) == settings()


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    """The command as it is installed, with a flask that tells how it was called."""
    flask = tmp_path / "flask"
    flask.write_text('#!/bin/sh\nprintf "%s|" "$MAIL_USERNAME" "$FLASK_APP" "$(umask)" "$#" "$@"\n')
    flask.chmod(0o755)
    (tmp_path / "redress.env").write_text(f"MAIL_USERNAME=a$(touch {tmp_path}/harm)`touch {tmp_path}/harm`$HOME\n")
    script = (DEPLOY / "redress").read_text(encoding="utf-8")
    script = script.replace("/etc/redress/redress.env", str(tmp_path / "redress.env"))
    script = script.replace("/opt/redress/.venv/bin/flask", str(flask))
    script = script.replace('"redress":', f'"{pwd.getpwuid(os.geteuid()).pw_name}":')
    (tmp_path / "redress").write_text(script, encoding="utf-8")
    (tmp_path / "redress").chmod(0o755)
    return tmp_path


def test_the_command_passes_every_word_on_and_runs_nothing_of_a_value(deployed: Path) -> None:
    said = subprocess.run([deployed / "redress", "a b", "", "$c"], capture_output=True, text=True, check=True)

    harmless = f"a$(touch {deployed}/harm)`touch {deployed}/harm`$HOME"
    assert said.stdout == f"{harmless}|/opt/redress/wsgi.py|0077|3|a b||$c|"
    assert not (deployed / "harm").exists()


def test_without_its_settings_the_command_says_so(deployed: Path) -> None:
    (deployed / "redress.env").unlink()

    said = subprocess.run([deployed / "redress"], capture_output=True, text=True)

    assert (said.returncode, said.stderr) == (1, f"{deployed}/redress.env: No such file or directory.\n")


def test_the_service_runs_what_is_there_with_the_folders_of_the_settings() -> None:
    service = unit("redress.service")

    (command,) = service["ExecStart"]
    assert os.access(ROOT / command.removeprefix("/opt/redress/"), os.X_OK)
    assert service["WorkingDirectory"] == ["/opt/redress"]
    assert settings()["DATA_DIR"] == f"/var/lib/{service['StateDirectory'][0]}"
    assert service["EnvironmentFile"] == ["/etc/redress/redress.env"]
    assert service["RestartPreventExitStatus"] == ["2"]  # of wrong settings, in app/serve/start.py
    assert float(service["TimeoutStopSec"][0].removesuffix("s")) > 2 * PATIENCE + GRACE + 2


SERVICES = sorted(path.name for path in DEPLOY.glob("*.service"))
HARDENING = re.compile(
    r"Protect|Private|Restrict(?!AddressFamilies)|Lock|Memory|Remove|NoNew|SystemCall|TasksMax|ProcSubset|\w+Capabilit|"
    r"CapabilityBoundingSet"
)


def test_the_main_service_can_do_no_more_than_it_must() -> None:
    service = unit("redress.service")

    assert service["User"] == service["Group"] == ["redress"]
    assert service["UMask"] == ["0077"]
    assert service["CapabilityBoundingSet"] == [""]
    assert service["ProtectSystem"] == ["strict"]
    for key in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices"):
        assert service[key] == ["yes"]


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_can_do_more_than_the_main_one(name: str) -> None:
    """All run the same program, as the same user."""
    main, service = unit("redress.service"), unit(name)
    families = (set(one["RestrictAddressFamilies"][0].split()) for one in (service, main))

    for key in ("User", "Group", "UMask", *filter(HARDENING.match, main)):
        assert service.get(key) == main[key], key
    assert next(families) <= next(families)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="has no systemd to ask")
@pytest.mark.parametrize("name", SERVICES)
def test_systemd_finds_little_to_remark(name: str) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(DEPLOY / name)]
    said = subprocess.run(command, capture_output=True, text=True)
    if "unrecognized option" in said.stderr or "Unknown" in said.stderr:
        pytest.skip("this systemd cannot look at a file")

    (exposure,) = re.findall(r"exposure level for \S+: ([0-9.]+)", said.stdout)
    assert float(exposure) <= 1.4


def test_nightly_backups_are_deleted_before_they_are_older_than_the_page_says() -> None:
    service = unit("redress-backup.service")
    (deletion,) = service["ExecStartPre"]  # before the backup, which a full disk does not let succeed
    days = re.search(r"-mtime \+(\d+) -delete", deletion)

    assert deletion.startswith("-/")  # if it fails there is a backup all the same
    assert "ExecStartPost" not in service
    assert days is not None
    # find counts whole days: +4 is what is five days old. What was a second younger goes the night after, or, when the
    # machine was off that night, the one after that.
    assert timedelta(days=int(days[1]) + 1) + timedelta(days=1) < KEPT_FOR


@pytest.mark.parametrize("name", ["redress.service", "redress-backup.service"])
def test_a_service_waits_for_the_clock(name: str) -> None:
    service = unit(name)

    for key in ("After", "Wants"):
        assert "time-sync.target" in service[key][0].split()


@pytest.mark.parametrize(
    ("believed", "kept"), [(True, ["four", "new", "of-next-year"]), (False, ["four", "new", "of-next-year", "old"])]
)
def test_nightly_backups_are_deleted_by_a_clock_that_is_believed_alone(
    tmp_path: Path, *, believed: bool, kept: list[str]
) -> None:
    (deletion,) = unit("redress-backup.service")["ExecStartPre"]
    ages = {"new": 0.1, "four": 4.5, "old": 5.1, "of-next-year": -399.0}
    for name, days in ages.items():
        (tmp_path / f"{name}.tar.gz").touch()
        at = time.time() - days * 86400
        os.utime(tmp_path / f"{name}.tar.gz", (at, at))
    command = deletion.removeprefix("-").replace("/usr/local/bin/redress clock", str(believed).lower())

    subprocess.run(command.replace("/var/backups/redress", str(tmp_path)), shell=True, check=believed)

    assert sorted(path.name.partition(".")[0] for path in tmp_path.iterdir()) == kept
    is_of_today = (tmp_path / "of-next-year.tar.gz").stat().st_mtime <= time.time()
    assert is_of_today is believed


@pytest.mark.parametrize("name", ["redress", "redress-backup.service"])
def test_the_command_is_the_one_that_is_installed(name: str) -> None:
    assert "/usr/local/bin/redress" in (DEPLOY / name).read_text(encoding="utf-8")


def test_the_command_runs_as_the_user_of_the_service() -> None:
    script = text("redress")

    assert os.access(DEPLOY / "redress", os.X_OK)
    assert f'.pw_name != "{unit("redress.service")["User"][0]}"' in script
    assert 'SETTINGS = "/etc/redress/redress.env"' in script


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_a_proxy_passes_on_to_where_redress_listens_and_sets_hsts(name: str) -> None:
    given = settings()

    assert f"{given['HOST']}:{given['PORT']}" in text(name)
    assert re.search(r'Strict-Transport-Security "max-age=31536000"', text(name))
    assert set(re.findall(r"[\w.]*example\.\w+", text(name))) == {"act.example.org"}
    assert given["PUBLIC_URL"] == "https://act.example.org"


def test_a_proxy_takes_no_more_than_redress_does() -> None:
    (most,) = re.findall(r"client_max_body_size (\d+)k;", text("nginx.conf"))
    (buffer,) = re.findall(r"client_body_buffer_size (\d+)k;", text("nginx.conf"))
    assert int(most) * 1024 == int(buffer) * 1024 == MOST_BYTES

    (said,) = re.findall(r"int\(\{header\.Content-Length\}\) > (\d+)", text("Caddyfile"))
    (streamed,) = re.findall(r"max_size (\d+)KiB", text("Caddyfile"))
    assert int(said) == int(streamed) * 1024 == MOST_BYTES


def test_no_log_of_a_proxy_holds_an_address_of_a_page() -> None:
    servers = text("nginx.conf").split("server {")[1:]
    assert len(servers) == 2
    for server in servers:
        assert re.findall(r"access_log ([^;]+);", server) == ["off"]
        assert re.findall(r"error_log \S+ ([^;]+);", server) == ["emerg"]

    (excluded,) = re.findall(r"log \{\s*exclude ([^\n]+)\n", text("Caddyfile"))
    assert set(excluded.split()) >= {"http.log.access", "http.log.error", "http.handlers.reverse_proxy"}
    assert len(re.findall(r"(?m)^\s*log\b", text("Caddyfile"))) == 1


def test_nginx_sets_what_it_says_about_the_visitor_and_adds_to_nothing() -> None:
    headers = dict(re.findall(r"proxy_set_header (\S+) ([^;]+);", text("nginx.conf")))

    assert headers == {
        "Host": "$server_name",
        "X-Forwarded-For": "$remote_addr",
        "X-Forwarded-Proto": "$scheme",
        "X-Forwarded-Host": "$server_name",
        "Connection": '""',
    }


def test_the_walk_names_every_file_and_every_file_names_its_place() -> None:
    for path in DEPLOY.iterdir():
        assert f"deploy/{path.name}" in OPERATING, path.name
        first = (line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#!"))
        assert next(first).startswith(("# /etc/", "# /usr/local/bin/")), path.name


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A checkout whose .venv is as its requirements say; its Python writes down what it is asked to run."""
    checkout = tmp_path / "a checkout"
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    (checkout / "bin").mkdir()
    for name in ("install", "venv.sh"):
        (checkout / "bin" / name).write_text((ROOT / "bin" / name).read_text())
    python.write_text(f'#!/bin/sh\n[ "$1" = -c ] && echo 3 11 || echo "$@" >>"{tmp_path}/asked"\n')
    python.chmod(0o755)
    (checkout / "requirements.txt").write_text("# nothing\n")
    (checkout / ".venv" / "stamp-requirements.txt").write_text(f"3 11\n{checkout}\n# nothing\n")
    return checkout


def test_installing_again_installs_nothing_and_starts_nothing(installed: Path, tmp_path: Path) -> None:
    result = subprocess.run(["sh", installed / "bin" / "install"], cwd="/", capture_output=True, text=True)

    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr == f"Ready: {installed}/.venv holds the packages of this version.\n"
    assert (tmp_path / "asked").read_text() == "-m compileall -q app migrations settings config.py wsgi.py\n"


def test_arguments_of_install_are_refused(installed: Path, tmp_path: Path) -> None:
    result = subprocess.run(["sh", installed / "bin" / "install", "--now"], capture_output=True, text=True)

    assert result.returncode == 1
    assert result.stderr == (
        "bin/install takes one argument at most: --postgres, for a database on a PostgreSQL server\n"
    )
    assert not (tmp_path / "asked").exists()


def test_install_can_be_run_as_it_stands() -> None:
    assert os.access(ROOT / "bin" / "install", os.X_OK)
