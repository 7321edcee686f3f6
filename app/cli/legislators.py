"""`flask legislators`: the tables of members, offices and ZIP codes."""

from __future__ import annotations

import click

from app.cli.legislators_build import build_tables
from app.cli.legislators_find import find
from app.cli.legislators_refresh import info, refresh_tables, rollback_tables


@click.group("legislators")
def legislators() -> None:
    """Who represents an address: the tables behind it."""


for command in (build_tables, find, info, refresh_tables, rollback_tables):
    legislators.add_command(command)
