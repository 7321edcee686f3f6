"""What the Census has answered; mails to the organisation, which belong to no signature."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KINDS = ("letter", "confirmation", "repeat", "copy", "reminder", "notice")
MORE_KINDS = (*KINDS, "report")
OF_NOBODY = "ck_delivery_report_has_no_signature"


def upgrade() -> None:
    op.create_table(
        "geocoder_answer",
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("congress", sa.Integer(), nullable=False),
        sa.Column("divisions", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_geocoder_answer")),
    )
    with _rebuilt_delivery(MORE_KINDS) as table:
        table.alter_column("signature_id", existing_type=sa.Integer(), nullable=True)
        table.create_check_constraint(op.f(OF_NOBODY), sa.text("(kind = 'report') = (signature_id IS NULL)"))


def downgrade() -> None:
    """Go back; the version before knows no report, and has no row for one."""
    op.execute("DELETE FROM delivery_event WHERE delivery_id IN (SELECT id FROM delivery WHERE kind = 'report')")
    op.execute("DELETE FROM delivery WHERE kind = 'report'")
    with _rebuilt_delivery(KINDS) as table:
        table.drop_constraint(op.f(OF_NOBODY), type_="check")
        table.alter_column("signature_id", existing_type=sa.Integer(), nullable=False)
    op.drop_table("geocoder_answer")


@contextmanager
def _rebuilt_delivery(kinds: tuple[str, ...]) -> Iterator[BatchOperations]:
    """A new table with the rows of the old one, since SQLite changes no CHECK in place."""
    with op.batch_alter_table("delivery") as table:
        name = op.f("ck_delivery_kind")
        listed = ", ".join(f"'{kind}'" for kind in kinds)
        table.drop_constraint(name, type_="check")
        table.create_check_constraint(name, sa.text(f"kind IN ({listed})"))
        yield table
