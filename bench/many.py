"""GET of the campaign page at 1,000,000 confirmed signatures against the same page at 1,000, both with their count."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from bench import measure, site

FEW, MANY = 1_000, 1_000_000
LIMIT = 1.2
ROUNDS, TIMES = 5, 4_000
"""All rounds together last longer than ten seconds: the count is made anew meanwhile."""

_SIGN = """
WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < ?)
INSERT INTO signature (
    revision_id, campaign_id, state, sent_hash, mail_hash, person_digest, congress, located_by, language, created_at,
    confirmed_at, erased_at
) SELECT 1, 1, 'erased', randomblob(32), randomblob(32), NULL, 119, 'zip', 'en', ?, ?, ? FROM counted
"""
_DAY = "2026-01-01 00:00:00.000000"


def main() -> None:
    few, many = visits(FEW), visits(MANY)
    few_rate, many_rate = measure.rates(few, many, rounds=ROUNDS, times=TIMES)
    slower = few_rate / many_rate
    print(
        f"GET of the campaign page: {few_rate:,.0f}/s at {FEW:,} signatures, {many_rate:,.0f}/s at {MANY:,}: "
        f"{slower:.2f} times as long (at most {LIMIT}): {measure.verdict(slower <= LIMIT)}"
    )


def visits(signatures: int) -> Callable[[], None]:
    """Asks a site with so many confirmed signatures for its page, which has to say so."""
    app = site.make()
    sign(app.config["REDRESS"].data_dir / "redress.db", signatures)
    client = app.test_client()
    assert f"{signatures:,} people have written." in client.get("/reunite-families").text

    def visit() -> None:
        client.get("/reunite-families")

    return visit


def sign(database: Path, times: int) -> None:
    """As many people confirmed, and their days are over."""
    with sqlite3.connect(database) as connection:
        connection.execute(_SIGN, (times, _DAY, _DAY, _DAY))
    connection.close()


if __name__ == "__main__":
    main()
