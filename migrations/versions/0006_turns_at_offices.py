"""Since when a delivery that is put off wants to go; from when an office that gets so many a minute takes the next."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE delivery SET wanted_at = due_at")
    op.add_column("pace", sa.Column("free_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("pace", "free_at")
    op.drop_column("delivery", "wanted_at")
