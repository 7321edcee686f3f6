"""How Alembic runs here: on a connection of its own, so that no row is lost.

SQLite changes a table by making a new one and dropping the old; with foreign keys on, that drop deletes the rows that
point to it. So they are off before BEGIN, and checked before COMMIT. PostgreSQL needs nothing of that.

Whoever has a transaction of their own passes its connection in as the attribute `connection`.
"""

from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import Connection, NullPool, create_engine, event

from app.db import ENGINE_OPTIONS, Base, give_up_in_time, hold_writers


def run() -> None:
    """Run what the command asked for, in one transaction."""
    given = context.config.attributes.get("connection")
    if given is not None:
        _migrate(given)
        return
    engine = create_engine(current_app.config["SQLALCHEMY_DATABASE_URI"], poolclass=NullPool, **ENGINE_OPTIONS)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    else:
        event.listen(engine, "do_connect", give_up_in_time)
    with engine.begin() as connection:
        _migrate(connection)
    engine.dispose()


def _migrate(connection: Connection) -> None:
    on_sqlite = connection.dialect.name == "sqlite"
    if not on_sqlite:
        hold_writers(connection)  # of two machines that start at once one migrates
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=on_sqlite,
        transactional_ddl=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() if on_sqlite else []
        if broken:
            raise RuntimeError(f"a migration left rows without their parent in {sorted({row[0] for row in broken})}")


def _on_connect(connection: Any, record: Any) -> None:  # DBAPI objects have no useful type
    connection.isolation_level = None
    for pragma in ("busy_timeout=5000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=OFF", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


if context.is_offline_mode():
    raise SystemExit("Redress migrates a database, not a script: leave out --sql.")
run()
