"""A start whose database is on a PostgreSQL server, and what such a site does without."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click import Command

from app import create_app
from app.cli.backups import backup, restore
from app.db import DriverMissing
from app.extensions import db
from app.serve.prepare import prepare
from app.serve.trouble import CannotStart
from config import Config
from tests import factories
from tests.databases import Server
from tests.ports import free_port
from tests.serve.processes import Redress, until
from tests.serve.test_prepare import NOTHING, SAMPLE, prepared


@pytest.fixture
def config(postgres: Server, tmp_path: Path) -> Iterator[Config]:
    """Of a sandbox on an empty database of the server."""
    postgres.execute("CREATE DATABASE fresh")
    yield factories.config(tmp_path, DATABASE_URL=postgres.url("fresh"))
    postgres.execute("DROP DATABASE fresh WITH (FORCE)")


def live(config: Config) -> Config:
    return factories.live_config(config.data_dir, DATABASE_URL=config.database_url)


def says(config: Config, *words: str) -> None:
    with pytest.raises(CannotStart) as refused:
        prepare(config)
    assert all(word in str(refused.value) for word in words), refused.value
    assert "@" not in str(refused.value)


def test_an_empty_database_is_made_ready_and_a_second_start_changes_nothing(config: Config, postgres: Server) -> None:
    assert [prepared(config), prepared(config)] == [SAMPLE, SAMPLE]
    with psycopg.connect(postgres.url("fresh")) as connection:
        assert connection.execute("SELECT id, delivery, paused_at FROM site_state").fetchall() == [(1, "sandbox", None)]
    assert not (config.data_dir / "redress.db").exists()
    assert not (config.data_dir / "backups").exists()


def test_an_older_database_is_brought_to_the_tables_of_today(config: Config, postgres: Server) -> None:
    prepare(config)
    app = create_app(config)
    done = app.test_cli_runner().invoke(args=["db", "downgrade", "0004", "--directory", "migrations"])
    assert done.exit_code == 0, done.output

    assert prepared(config) == SAMPLE

    with psycopg.connect(postgres.url("fresh")) as connection:
        assert connection.execute("SELECT count(wanted_at) FROM delivery").fetchall() == [(0,)]


def test_a_database_belongs_to_the_mode_of_its_first_start(config: Config) -> None:
    assert prepared(live(config)) == NOTHING
    says(config, "The database that DATABASE_URL names belongs to a live site", "another database")


def test_a_sandboxs_database_cannot_go_live(config: Config) -> None:
    prepare(config)
    says(live(config), "belongs to a sandbox")


def test_a_database_of_a_newer_version_is_left_alone(config: Config, postgres: Server) -> None:
    prepare(config)
    postgres.execute("UPDATE alembic_version SET version_num = '9999'", "fresh")

    says(config, "was made by a newer version of Redress")
    with psycopg.connect(postgres.url("fresh")) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


def test_a_server_that_is_not_there_or_lets_nobody_in_is_told_without_a_password(config: Config) -> None:
    nowhere = f"postgresql://redress:s3cret@127.0.0.1:{free_port()}/fresh"
    says(factories.config(config.data_dir, DATABASE_URL=nowhere), "cannot be used", "Look whether the server runs")
    missing = config.database_url.replace("/fresh?", "/missing?")
    with pytest.raises(CannotStart) as refused:
        prepare(factories.config(config.data_dir, DATABASE_URL=missing))
    assert "missing" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_without_the_driver_the_command_that_installs_it_is_told(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as if it were not installed

    with pytest.raises(DriverMissing, match="bin/install --postgres"):
        create_app(config)
    says(config, "its driver is not installed", "bin/install --postgres")


@pytest.mark.parametrize(("command", "arguments"), [(backup, ["a.tar"]), (restore, ["a.tar"])])
def test_backups_of_a_server_are_its_own(
    config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: Command, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.tar").write_bytes(b"x")

    done = create_app(config).test_cli_runner().invoke(command, arguments)

    assert done.exit_code == 1
    assert "pg_dump" in done.output
    assert Path("a.tar").read_bytes() == b"x"


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_it_serves_pages_from_a_server_and_stops(config: Config, postgres: Server, tmp_path: Path) -> None:
    redress = Redress(config.data_dir, free_port(), {"DATABASE_URL": config.database_url}, tmp_path / "output")
    try:
        assert redress.is_ready(), redress.output
        assert [redress.get(path)[0] for path in ("/reunite-families", "/healthz")] == [200, 200]
        with psycopg.connect(postgres.url("fresh"), autocommit=True) as connection:
            alive = "SELECT count(*) FROM heartbeat"
            assert until(lambda: connection.execute(alive).fetchall() == [(1,)], 10), redress.output

        redress.process.terminate()

        assert redress.ended() == 0
        assert redress.living() == {}
        assert redress.output.endswith("Stopped.\n")
        assert "Traceback" not in redress.output
    finally:
        redress.kill_all()


def test_a_server_that_is_down_is_told_by_commands_and_doctor(tmp_path: Path) -> None:
    nowhere = f"postgresql://redress:s3cret@127.0.0.1:{free_port()}/fresh"
    runner = create_app(factories.config(tmp_path, DATABASE_URL=nowhere)).test_cli_runner()

    for arguments in (["outbox", "status"], ["campaign", "list"]):
        told = runner.invoke(args=arguments)
        assert told.exit_code == 1
        assert "The database that DATABASE_URL names cannot be used: connection" in told.output
    found = runner.invoke(args=["doctor"])
    assert "fail  database" in found.output
    assert "Look whether PostgreSQL runs there" in " ".join(found.output.split())
    assert "s3cret" not in told.output + found.output


def test_a_server_that_takes_a_connection_and_says_nothing_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://redress@127.0.0.1:{silent.getsockname()[1]}/redress?connect_timeout=2"

        says(factories.config(tmp_path, DATABASE_URL=url), "cannot be used", "Look whether the server runs")


def test_nobody_waits_for_a_server_for_ever(config: Config) -> None:
    """What libpq does by itself about a server that is gone takes hours."""
    prepare(config)
    with create_app(config).app_context():
        connection = db.session.connection()
        settings = ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout")
        shown = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in settings]
        driver: Any = connection.connection.dbapi_connection
        options = driver.info.get_parameters()
        db.session.remove()
        db.engine.dispose()

    assert shown == ["5min", "5min", "5s"]
    assert (options["connect_timeout"], options["keepalives_idle"], options["tcp_user_timeout"]) == (
        "10",
        "30",
        "30000",
    )
