"""What a start makes of a data folder, and to which mode it belongs from then on."""

from __future__ import annotations

import resource
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import flask_migrate
import pytest

from app import create_app
from app.extensions import db
from app.serve.prepare import Ready, prepare
from app.serve.trouble import CannotStart
from config import Config
from tests import factories

SAMPLE = Ready(slugs=("reunite-families",))
NOTHING = Ready(slugs=())


def prepared(config: Config) -> Ready:
    """What a start has found, but for what it says of the Congress to come: that depends on the day."""
    return replace(prepare(config), warning="")


def ask(data_dir: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(data_dir / "redress.db", isolation_level=None)) as connection:
        return connection.execute(question).fetchall()


def mark(data_dir: Path) -> list[tuple[object, ...]]:
    return ask(data_dir, "SELECT id, delivery, paused_at FROM site_state")


def test_a_sandbox_gets_the_sample_and_a_mark(tmp_path: Path) -> None:
    assert prepared(factories.config(tmp_path)) == SAMPLE
    assert prepared(factories.config(tmp_path)) == SAMPLE
    assert mark(tmp_path) == [(1, "sandbox", None)]


def test_a_live_site_gets_a_mark_and_no_sample(tmp_path: Path) -> None:
    assert prepared(factories.live_config(tmp_path)) == NOTHING
    assert prepared(factories.live_config(tmp_path)) == NOTHING
    assert mark(tmp_path) == [(1, "live", None)]


def test_a_sandbox_without_an_open_campaign_says_so(tmp_path: Path) -> None:
    prepare(factories.config(tmp_path))
    ask(tmp_path, "UPDATE campaign SET state = 'closed'")

    assert prepared(factories.config(tmp_path)) == NOTHING


def test_what_keeps_all_mail_here_is_found(tmp_path: Path) -> None:
    prepare(factories.live_config(tmp_path))
    at = "'2026-11-24 17:00:00.000000'"
    ask(
        tmp_path,
        f"UPDATE site_state SET paused_at = {at}, refused_since = {at}, refused_until = {at}, "
        "refused_why = 'login refused', refused_code = 535",
    )

    assert prepare(factories.live_config(tmp_path)).hindrances == (
        "Sending has been paused since 2026-11-24 17:00 UTC. To go on: .venv/bin/flask outbox resume",
        "The mail server has taken nothing since 2026-11-24 17:00 UTC: login refused (535); it is asked again with the "
        "next message. See: .venv/bin/flask doctor",
    )


def test_a_sandboxs_database_cannot_go_live(tmp_path: Path) -> None:
    prepare(factories.config(tmp_path))
    before = (tmp_path / "redress.db").read_bytes()

    with pytest.raises(CannotStart) as refused:
        prepare(factories.live_config(tmp_path))

    assert str(refused.value) == (
        f"The database {tmp_path / 'redress.db'} belongs to a sandbox: its letters carry made-up addresses. "
        "Give the live site another DATA_DIR, and move campaigns with `flask campaign export` and `import`."
    )
    assert (tmp_path / "redress.db").read_bytes() == before
    assert not (tmp_path / "backups").exists()


def test_a_live_database_is_not_a_sandboxs(tmp_path: Path) -> None:
    prepare(factories.live_config(tmp_path))

    with pytest.raises(CannotStart, match="belongs to a live site, and a sandbox would call letters accepted that"):
        prepare(factories.config(tmp_path))


@pytest.mark.parametrize("table", ["there", "not there yet"])
def test_a_database_that_an_earlier_version_made_is_a_sandboxs(tmp_path: Path, table: str) -> None:
    prepare(factories.config(tmp_path))
    ask(tmp_path, "DELETE FROM site_state" if table == "there" else "DROP TABLE site_state")

    with pytest.raises(CannotStart, match="belongs to a sandbox"):
        prepare(factories.live_config(tmp_path))


def test_a_sandbox_marks_the_database_of_an_earlier_version(tmp_path: Path) -> None:
    prepare(factories.config(tmp_path))
    ask(tmp_path, "DELETE FROM site_state")

    assert prepared(factories.config(tmp_path)) == SAMPLE
    assert mark(tmp_path) == [(1, "sandbox", None)]


def test_an_empty_database_without_a_mark_can_still_become_either(tmp_path: Path, migrated: Path) -> None:
    shutil.copy(migrated, tmp_path / "redress.db")

    assert prepared(factories.live_config(tmp_path)) == NOTHING
    assert mark(tmp_path) == [(1, "live", None)]


def copies(data_dir: Path) -> list[str]:
    return sorted(path.name for path in (data_dir / "backups").iterdir())


def test_a_start_that_follows_within_the_hour_makes_no_other_copy(tmp_path: Path) -> None:
    prepare(factories.config(tmp_path))
    for _ in range(3):
        prepare(factories.config(tmp_path))
    (copy,) = copies(tmp_path)
    old = datetime.now(UTC) - timedelta(minutes=61)
    (tmp_path / "backups" / copy).rename(tmp_path / "backups" / f"redress-{old:%Y%m%dT%H%M%SZ}.db")

    prepare(factories.config(tmp_path))

    assert len(copies(tmp_path)) == 2


def test_before_a_migration_there_is_a_copy_in_any_case(tmp_path: Path) -> None:
    for _ in range(2):
        prepare(factories.config(tmp_path))
    downgrade(tmp_path)

    prepare(factories.config(tmp_path))

    made = [name for name in copies(tmp_path) if name.endswith("-before-migration.db")]
    assert len(copies(tmp_path)) == 2
    with closing(sqlite3.connect(tmp_path / "backups" / made[0])) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]


@pytest.mark.parametrize("days", [400, 4, -4, -400])
def test_a_start_in_doubt_of_its_clock_says_so_and_deletes_no_copy(tmp_path: Path, days: int) -> None:
    prepare(factories.config(tmp_path))
    now = datetime.now(UTC)
    certain = now - timedelta(days=days)
    ask(tmp_path, f"UPDATE site_state SET certain_at = '{certain:%Y-%m-%d %H:%M:%S.%f}'")
    (tmp_path / "backups").mkdir(exist_ok=True)
    there = [f"redress-{min(now, certain) - timedelta(days=age):%Y%m%dT%H%M%SZ}.db" for age in (1, 2, 3, 4, 50)]
    for name in there:
        (tmp_path / "backups" / name).touch()

    (note,) = prepare(factories.config(tmp_path)).hindrances

    assert "flask clock confirm" in note
    assert set(there) < set(copies(tmp_path))
    (made,) = set(copies(tmp_path)) - set(there)
    assert made[:18] == f"redress-{max(now, certain):%Y%m%dT%H}"[:18]  # of a clock that is behind it is none of old
    assert ask(tmp_path, "SELECT certain_at FROM site_state") == [(f"{certain:%Y-%m-%d %H:%M:%S.%f}",)]


def test_a_start_that_believes_its_clock_deletes_old_copies(tmp_path: Path) -> None:
    prepare(factories.config(tmp_path))
    (tmp_path / "backups").mkdir(exist_ok=True)
    (tmp_path / "backups" / "redress-20250101T000000Z.db").touch()

    prepare(factories.config(tmp_path))

    assert "redress-20250101T000000Z.db" not in copies(tmp_path)


def test_a_first_start_of_a_database_that_knows_of_no_certain_moment_asks_its_rows(tmp_path: Path) -> None:
    prepare(factories.config(tmp_path))
    ask(tmp_path, "UPDATE site_state SET certain_at = NULL")
    ask(tmp_path, "UPDATE campaign SET created_at = '2025-01-01 00:00:00.000000'")
    ask(tmp_path, "UPDATE campaign_revision SET published_at = '2025-01-02 00:00:00.000000'")

    (note,) = prepare(factories.config(tmp_path)).hindrances

    assert "is certain here is 2025-01-02 00:00 UTC" in note


@pytest.mark.parametrize("at_start", ["backup", "mark"])
def test_a_start_on_a_full_disk_says_that_it_is_full(tmp_path: Path, at_start: str) -> None:
    config = factories.config(tmp_path)
    prepare(config)
    if at_start == "mark":
        prepare(config)  # there is a copy of this hour
        ask(tmp_path, "UPDATE site_state SET certain_at = NULL")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0 if at_start == "mark" else 10_000, limits[1]))
    try:
        with pytest.raises(CannotStart) as refused:
            prepare(config)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert "Make room" in str(refused.value) or "making room" in str(refused.value)
    assert "damaged" not in str(refused.value)


def downgrade(data_dir: Path) -> None:
    with create_app(factories.config(data_dir)).app_context():
        flask_migrate.downgrade(revision="0001")
        db.session.remove()
        db.engine.dispose()


def test_what_a_killed_restore_left_half_written_is_undone(tmp_path: Path) -> None:
    """Its journal must be played back by a connection that may write: the first one."""
    prepare(factories.config(tmp_path))
    database, aside = tmp_path / "redress.db", tmp_path / "aside"
    ask(tmp_path, "PRAGMA journal_mode=DELETE")
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for statement in ("PRAGMA cache_size=1", "BEGIN", "UPDATE campaign SET source = hex(zeroblob(99000))"):
            connection.execute(statement)
        for ending in ("", "-journal"):
            shutil.copy(f"{database}{ending}", f"{aside}{ending}")
    for ending in ("", "-journal"):
        (tmp_path / f"aside{ending}").replace(tmp_path / f"redress.db{ending}")

    assert prepared(factories.config(tmp_path)) == SAMPLE

    assert not database.with_name("redress.db-journal").exists()
    assert ask(tmp_path, "PRAGMA integrity_check") == [("ok",)]
