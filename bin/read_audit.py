"""What pip-audit found: exit code 0 nothing, 1 something, 3 it could not ask; its own codes do not tell these apart."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

NOTHING, SOMETHING, COULD_NOT_ASK = 0, 1, 3
_NO_WAY = re.compile(
    r"ConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|Max retries|HTTPError|ServiceError"
)


def judge(report: str, log: str) -> tuple[int, list[str]]:
    """The exit code and what to say, of pip-audit's JSON and of what it wrote to stderr.

    A package that the database does not know was not checked: with none checked there was no database, and a few that
    it lacks are something to look at.
    """
    try:
        packages = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        return (COULD_NOT_ASK, []) if _NO_WAY.search(log) else (SOMETHING, [log])
    unknown = [package for package in packages if "skip_reason" in package]
    if len(unknown) == len(packages):
        return COULD_NOT_ASK, []
    found = [f"{package['name']}: {package['skip_reason']}" for package in unknown]
    for package in packages:
        found += [f"{package['name']} {package['version']}: {flaw['id']}" for flaw in package.get("vulns", [])]
    return (SOMETHING, found) if found else (NOTHING, [])


if __name__ == "__main__":
    code, lines = judge(*(Path(name).read_text(encoding="utf-8", errors="replace") for name in sys.argv[1:3]))
    print(*lines, sep="\n")  # noqa: T201 — bin/check shows it
    sys.exit(code)
