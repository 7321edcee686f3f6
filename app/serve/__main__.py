"""`python -m app.serve`: what `bin/run` starts."""

from __future__ import annotations

import sys

from app.serve import start

if __name__ == "__main__":
    sys.exit(start.run())
