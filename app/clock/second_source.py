"""What the system itself says of its clock: the second source, beside what the database knows."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import datetime

from app.clock import STEP


def is_synchronised(timedatectl: str = "timedatectl") -> bool | None:
    """Whether systemd says that a time server keeps the clock right; None when it is not there or does not know."""
    return {"yes": True, "no": False}.get(_system_says("NTPSynchronized", timedatectl))


def is_vouched_for(now: datetime, timedatectl: str = "timedatectl") -> bool:
    """Whether systemd says that a time server keeps the clock right, and that this is what it says.

    Our own program may have been started with another time than the system's.
    """
    if not is_synchronised(timedatectl):
        return False
    _weekday, _, said = _system_says("TimeUSec", timedatectl).partition(" ")
    try:
        return abs(datetime.strptime(said.replace("UTC", "+0000"), "%Y-%m-%d %H:%M:%S %z") - now) <= STEP
    except ValueError:
        return False


def _system_says(name: str, timedatectl: str) -> str:
    program = shutil.which(timedatectl)
    if program is None:
        return ""
    try:
        done = subprocess.run(  # noqa: S603 — a program of the system, and nothing of anybody's in its words
            [program, "show", f"--property={name}", "--value"],
            capture_output=True,
            timeout=3,
            check=False,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("ascii", "replace").strip()
