"""Since when a delivery that was put off wants to go. Letters have no turns of their own any more: the oldest goes first."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE delivery SET wanted_at = due_at")
    op.drop_column("delivery", "has_slot")


def downgrade() -> None:
    op.add_column("delivery", sa.Column("has_slot", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.drop_column("delivery", "wanted_at")
