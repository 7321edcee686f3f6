"""Reading settings by name out of what is handed in, and telling everything that is wrong with them at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

SECRETS = frozenset({"SECRET_KEY", "MAIL_PASSWORD", "DATABASE_URL"})
"""What can be given as a file, too, and is told to nobody."""
_PLACEHOLDER = re.compile(r"(?<![A-Za-z0-9])(CHANGE|REPLACE)[-_]?ME(?![A-Za-z0-9])|\A(?i:change[-_ ]?me)\Z")
"""What an example has in the place of a value of one's own."""


class Reader:
    """Reads settings by name and remembers which were asked for, with their defaults, and what was wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.defaults: dict[str, str] = {}
        self.refused: set[str] = set()
        self.placeholders: list[str] = []
        self.problems: list[str] = []

    def is_set(self, name: str) -> bool:
        """Whether the environment holds the setting, or names a file for a secret; an empty one counts as unset."""
        return bool(self._environ.get(name) or (name in SECRETS and self._environ.get(f"{name}_FILE")))

    def pass_over_blanks(self, names: Iterable[str]) -> None:
        """From now on take these for unset where they are empty or hold a placeholder."""
        given = {name: self._environ.get(name, "") for name in names}
        blanks = {name for name, value in given.items() if not value or _PLACEHOLDER.search(value)}
        self._environ = {name: value for name, value in self._environ.items() if name not in blanks}

    def text(self, name: str) -> str | None:
        """A secret as it stands in the environment, or in the file that NAME_FILE names; None when unset."""
        self.defaults.setdefault(name, "")
        path = self._environ.get(f"{name}_FILE")
        try:
            value = Path(path).read_text(encoding="utf-8").strip() if path else self._environ.get(name)
        except (OSError, ValueError):
            self.refused.add(name)
            self.problems.append(f"{name}_FILE names a file that cannot be read. Give the path of a readable file.")
            return None
        self._note_placeholder(name, value or "")
        return value

    def refuse_file(self, name: str) -> None:
        """NAME_FILE of a setting that is no secret: nobody reads it, and whoever gives it means something by it."""
        if self._environ.get(f"{name}_FILE"):
            self.refused.add(name)
            self.problems.append(
                f"{name}_FILE is not read: only SECRET_KEY, MAIL_PASSWORD and DATABASE_URL can be files. "
                f"Set {name} instead."
            )

    def __call__(self, name: str, default: str, parse: Callable[[str], T]) -> T:
        """The parsed setting. `parse` raises ValueError with words that finish the sentence "NAME must be …"."""
        self.defaults[name] = default
        self.refuse_file(name)
        given = self._environ.get(name, default)
        self._note_placeholder(name, given)
        try:
            return parse(given)
        except ValueError as error:
            self.refused.add(name)
            self.problems.append(f"{name} must be {error}.")
            return parse(default)

    def _note_placeholder(self, name: str, value: str) -> None:
        if _PLACEHOLDER.search(value):
            self.placeholders.append(name)
