"""Letters that the signer delivers, erased signatures, contacts, limits, the state of the site."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SIGNATURE_STATES = ("pending", "confirmed", "withdrawn")
MORE_SIGNATURE_STATES = (*SIGNATURE_STATES, "expired", "erased")
KINDS = ("letter", "confirmation", "repeat", "copy")
MORE_KINDS = (*KINDS, "reminder", "notice")
STATES = ("held", "queued", "sending", "accepted", "failed", "parked", "cancelled")
MORE_STATES = (*STATES, "offered", "reported", "stuck")


def upgrade() -> None:
    with _rebuilt("signature", ("state", MORE_SIGNATURE_STATES)) as table:
        table.add_column(sa.Column("prefix", sa.String(length=10), nullable=True))
        table.add_column(sa.Column("phone", sa.String(length=40), nullable=True))
        table.add_column(sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
        table.alter_column("person_digest", existing_type=sa.LargeBinary(length=32), nullable=True)
        table.alter_column("email_digest", existing_type=sa.LargeBinary(length=32), nullable=True)
    # Blank after a way down, which told it as withdrawn; nothing else leaves a signature without a name.
    op.execute("UPDATE signature SET erased_at = created_at WHERE email IS NULL")
    op.create_index(
        "ix_signature_kept", "signature", ["created_at"], unique=False, sqlite_where=sa.text("erased_at IS NULL"), postgresql_where=sa.text("erased_at IS NULL")
    )
    with _rebuilt("delivery", ("kind", MORE_KINDS), ("state", MORE_STATES)):
        pass
    with _rebuilt("delivery_event", ("state", MORE_STATES)):
        pass
    op.create_table(
        "contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("office", sa.String(length=10), nullable=False),
        sa.Column("role", sa.String(length=60), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("office", name=op.f("uq_contact_office")),
    )
    op.create_table(
        "limit_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_limit_event")),
    )
    op.create_index("ix_limit_event_kind", "limit_event", ["kind", "digest", "at"], unique=False)
    op.create_table(
        "site_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery", sa.String(length=10), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("restored_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_state")),
    )


def downgrade() -> None:
    """Go back; what the version before could not tell is told as the nearest that it could."""
    op.drop_table("site_state")
    op.drop_table("limit_event")
    op.drop_table("contact")
    op.execute("DELETE FROM delivery_event WHERE delivery_id IN (SELECT id FROM delivery WHERE kind IN ('reminder', 'notice'))")
    op.execute("DELETE FROM delivery WHERE kind IN ('reminder', 'notice')")
    for name in ("delivery", "delivery_event"):
        op.execute(f"UPDATE {name} SET state = 'cancelled' WHERE state IN ('offered', 'reported', 'stuck')")
    op.execute("UPDATE signature SET state = 'withdrawn' WHERE state IN ('expired', 'erased')")
    for digest in ("person_digest", "email_digest"):
        nothing = sa.text(f"UPDATE signature SET {digest} = :nothing WHERE {digest} IS NULL").bindparams(nothing=b"")
        op.execute(nothing)
    with _rebuilt("delivery_event", ("state", STATES)):
        pass
    with _rebuilt("delivery", ("kind", KINDS), ("state", STATES)):
        pass
    op.drop_index("ix_signature_kept", table_name="signature")
    with _rebuilt("signature", ("state", SIGNATURE_STATES)) as table:
        table.alter_column("person_digest", existing_type=sa.LargeBinary(length=32), nullable=False)
        table.alter_column("email_digest", existing_type=sa.LargeBinary(length=32), nullable=False)
        table.drop_column("erased_at")
        table.drop_column("phone")
        table.drop_column("prefix")


@contextmanager
def _rebuilt(table: str, *lists: tuple[str, tuple[str, ...]]) -> Iterator[BatchOperations]:
    """A new table with the rows of the old one, since SQLite changes no CHECK in place; `lists` are column, values."""
    with op.batch_alter_table(table) as batch:
        for column, values in lists:
            name = op.f(f"ck_{table}_{column}")
            listed = ", ".join(f"'{value}'" for value in values)
            batch.drop_constraint(name, type_="check")
            batch.create_check_constraint(name, sa.text(f"{column} IN ({listed})"))
        yield batch
