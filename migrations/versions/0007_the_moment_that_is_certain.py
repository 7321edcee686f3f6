"""The moment that a site has surely come to, so that a clock which is ahead deletes nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("site_state", sa.Column("certain_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("site_state", "certain_at")
