"""`python -m app.serve`: the parent; with the name of a child and its file descriptors behind it: that child."""

from __future__ import annotations

import sys

from app.serve import children, start


def main(arguments: list[str]) -> int:
    """Run the parent or a child; the exit code."""
    if arguments:
        return children.run(arguments[0], [int(number) for number in arguments[1:]])
    return start.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
