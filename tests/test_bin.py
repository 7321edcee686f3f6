"""What bin/run, bin/test and bin/check share: finding a Python, and keeping .venv in order. No network is needed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config import ROOT

LIBRARY = 'set -eu; cd -P -- "$(dirname -- "$0")/.."; . bin/venv.sh; '
NOTHING = "# nothing\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose requirements ask for nothing, without .venv, at a path with a space."""
    return _checkout(tmp_path / "a checkout")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a checkout with its .venv. Making one takes seconds: the tests share it, and leave it as it was."""
    folder = _checkout(tmp_path_factory.mktemp("bin") / "a made checkout")
    result = run(folder / "bin" / "ready")
    assert (result.returncode, result.stdout) == (0, "ready\n"), result.stderr
    assert "Making .venv" in result.stderr
    return folder


def _checkout(folder: Path) -> Path:
    shutil.copytree(ROOT / "bin", folder / "bin")
    (folder / "bin" / "ready").write_text(f"{LIBRARY} ensure_venv requirements.txt ''; echo ready\n")
    (folder / "bin" / "usable").write_text(f"{LIBRARY} is_usable && echo yes || echo no\n")
    (folder / "requirements.txt").write_text(NOTHING)
    return folder


def run(script: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a script from a foreign folder, without HOME."""
    environment = {"PATH": os.environ["PATH"], "PYTHON": sys.executable, **settings}
    return subprocess.run(["sh", str(script)], cwd="/", env=environment, capture_output=True, text=True, timeout=120)


def fake_python(folder: Path, body: str) -> str:
    path = folder / "fake python"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_a_python_that_is_too_old_is_one_sentence(checkout: Path) -> None:
    result = run(checkout / "bin" / "run", PYTHON=fake_python(checkout, "exit 1"))

    assert result.returncode == 1
    assert result.stderr.startswith("Redress needs Python 3.11 or newer, and found only: ")
    assert len(result.stderr.splitlines()) == 1
    assert not (checkout / ".venv").exists()


def test_a_python_without_venv_is_one_sentence_with_the_command(checkout: Path) -> None:
    fake = fake_python(checkout, 'case "$2" in *venv*) exit 1 ;; esac')

    result = run(checkout / "bin" / "run", PYTHON=fake)

    assert result.returncode == 1
    assert "apt-get install python3-venv" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (checkout / ".venv").exists()


def test_no_python_at_all_is_one_sentence(checkout: Path) -> None:
    result = run(checkout / "bin" / "run", PYTHON="/nowhere/python3")

    assert result.returncode == 1
    assert result.stderr.startswith("Redress needs Python 3.11 or newer, and found none.")
    assert len(result.stderr.splitlines()) == 1


def test_a_folder_that_cannot_be_written_is_one_sentence(checkout: Path) -> None:
    fake = fake_python(checkout, "exit 0")
    commands = checkout / "commands"
    commands.mkdir()
    (commands / "mkdir").write_text("#!/bin/sh\necho 'mkdir: Read-only file system' >&2\nexit 1\n")
    (commands / "mkdir").chmod(0o755)

    result = run(checkout / "bin" / "run", PYTHON=fake, PATH=f"{commands}:{os.environ['PATH']}")

    assert result.returncode == 1
    assert "cannot be written to" in result.stderr.splitlines()[-1]


def test_arguments_of_run_are_refused_with_a_hint(checkout: Path) -> None:
    result = subprocess.run(["sh", str(checkout / "bin" / "run"), "--port=1"], capture_output=True, text=True)

    assert result.returncode == 1
    assert "PORT=8001 bin/run" in result.stderr


def test_a_second_time_does_nothing_and_needs_no_python_but_its_own(made: Path) -> None:
    result = run(made / "bin" / "ready", PYTHON="/nowhere/python3")

    assert (result.returncode, result.stdout, result.stderr) == (0, "ready\n", "")


def test_other_requirements_are_installed_into_the_same_environment(made: Path) -> None:
    (made / "requirements.txt").write_text("# nothing, but newer\n")

    result = run(made / "bin" / "ready", PYTHON="/nowhere/python3")

    assert (result.returncode, result.stdout) == (0, "ready\n")
    assert "Installing" in result.stderr
    assert run(made / "bin" / "ready").stderr == ""


def test_a_second_start_waits_for_the_first_to_install(made: Path) -> None:
    (made / "requirements.txt").write_text("# nothing, but newer still\n")
    lock = made / ".venv.lock"
    lock.symlink_to(str(os.getpid()))  # this test installs, says the lock
    waiting = subprocess.Popen(
        ["sh", made / "bin" / "ready"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert waiting.stderr is not None
    assert waiting.stderr.readline() == "Waiting for another start that is installing packages here ...\n"
    lock.unlink()
    out, _err = waiting.communicate(timeout=60)

    assert (waiting.returncode, out) == (0, "ready\n")
    assert not lock.is_symlink()


def test_a_lock_whose_holder_is_gone_holds_nobody_up(made: Path) -> None:
    (made / "requirements.txt").write_text("# nothing, but newest\n")
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    (made / ".venv.lock").symlink_to(str(ended.pid))

    result = run(made / "bin" / "ready")

    assert (result.returncode, result.stdout) == (0, "ready\n")
    assert "Waiting" not in result.stderr


def test_packages_that_cannot_be_installed_are_one_sentence_and_what_was_there_stays(made: Path) -> None:
    before = (made / "requirements.txt").read_text()
    (made / "requirements.txt").write_text(f"nothing @ file:///nowhere/nothing.whl --hash=sha256:{'0' * 64}\n")

    result = run(made / "bin" / "ready")
    (made / "requirements.txt").write_text(before)

    assert (result.returncode, result.stdout) == (1, "")
    assert "The packages could not be installed. Check the connection to the network" in result.stderr
    again = run(made / "bin" / "ready", PYTHON="/nowhere/python3")
    assert (again.returncode, again.stdout) == (0, "ready\n")


def test_an_environment_that_is_as_it_was_made_is_used(made: Path) -> None:
    assert run(made / "bin" / "usable").stdout == "yes\n"


def test_an_environment_that_was_interrupted_is_made_anew(made: Path) -> None:
    (made / ".venv" / "unfinished").touch()

    result = run(made / "bin" / "usable")
    (made / ".venv" / "unfinished").unlink()

    assert result.stdout == "no\n"


def test_an_environment_that_was_moved_is_made_anew(made: Path) -> None:
    moved = made.rename(made.with_name("moved"))

    result = run(moved / "bin" / "usable")
    moved.rename(made)

    assert result.stdout == "no\n"


def test_an_environment_that_lost_its_python_is_made_anew(made: Path) -> None:
    python = made / ".venv" / "bin" / "python"
    hidden = python.rename(python.with_name("hidden"))

    result = run(made / "bin" / "usable")
    hidden.rename(python)

    assert result.stdout == "no\n"


def test_without_an_environment_one_is_made(checkout: Path) -> None:
    assert run(checkout / "bin" / "usable").stdout == "no\n"


def test_what_redress_needs_is_pinned_alike_for_run_and_for_the_tests() -> None:
    """bin/test installs only requirements-dev.txt and then takes what it holds for done."""
    pins = {
        name: set(re.findall(r"^([A-Za-z0-9._-]+==\S+)", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-postgres.txt", "requirements-dev.txt")
    }

    assert pins["requirements.txt"]
    assert pins["requirements.txt"] <= pins["requirements-postgres.txt"] <= pins["requirements-dev.txt"]


UNKNOWN = {"name": "flask", "skip_reason": "Dependency not found and could not be audited: flask (3.1.3)"}
SAFE = {"name": "flask", "version": "3.1.3", "vulns": []}
FLAWED = {"name": "jinja2", "version": "2.10", "vulns": [{"id": "CVE-2019-10906", "fix_versions": ["2.10.1"]}]}
TRACEBACK = "requests.exceptions.ProxyError: HTTPSConnectionPool(…): Max retries exceeded"


@pytest.mark.parametrize(
    ("packages", "log", "code", "said"),
    [
        ([SAFE], "", 0, ""),
        ([SAFE, FLAWED], "", 1, "jinja2 2.10: CVE-2019-10906"),
        ([UNKNOWN, FLAWED], "", 1, "jinja2 2.10: CVE-2019-10906"),
        ([UNKNOWN, SAFE], "", 1, "flask: Dependency not found"),
        ([UNKNOWN, UNKNOWN], "", 3, ""),
        (None, TRACEBACK, 3, ""),
        (None, "ERROR: requirements.txt has no hashes", 1, "has no hashes"),
    ],
)
def test_an_audit_passes_only_when_every_package_was_really_checked(
    tmp_path: Path, packages: list[object] | None, log: str, code: int, said: str
) -> None:
    (tmp_path / "report").write_text("" if packages is None else json.dumps({"dependencies": packages, "fixes": []}))
    (tmp_path / "log").write_text(log)

    result = subprocess.run(
        [sys.executable, ROOT / "bin" / "read_audit.py", tmp_path / "report", tmp_path / "log"],
        capture_output=True,
        text=True,
    )

    assert (result.returncode, said in result.stdout) == (code, True), result.stderr
