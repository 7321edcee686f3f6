"""Plain functions that make the things tests need, with defaults that are easy to override."""

from __future__ import annotations

from pathlib import Path

from config import Config

SECRET = "s" * 64


def config(data_dir: Path, **settings: str) -> Config:
    """Settings of a sandbox in `data_dir`; keywords are settings by their names in the environment."""
    return Config.from_env({"DATA_DIR": str(data_dir), "SECRET_KEY": SECRET, **settings})
