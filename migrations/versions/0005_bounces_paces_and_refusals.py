"""Mails that came back, automatic answers, addresses that are dead; the order and pace of sending; who refuses us."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KINDS = ("letter", "confirmation", "repeat", "copy", "reminder", "notice", "report")
STATES = (
    "held", "queued", "sending", "accepted", "failed", "parked", "cancelled", "offered", "reported", "stuck",
)  # fmt: skip
QUEUED = sa.text("state = 'queued'")
RANKS = "UPDATE delivery SET rank = CASE kind WHEN 'letter' THEN 2 WHEN 'confirmation' THEN 0 WHEN 'repeat' THEN 0 ELSE 1 END"


def upgrade() -> None:
    op.drop_index("ix_delivery_due", "delivery")
    op.add_column("delivery", sa.Column("rank", sa.SmallInteger(), nullable=False, server_default="1"))
    op.add_column("delivery", sa.Column("has_slot", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(RANKS)
    op.create_index("ix_delivery_due", "delivery", ["rank", "due_at"], sqlite_where=QUEUED, postgresql_where=QUEUED)
    _check("delivery", kind=(*KINDS, "answer"), state=(*STATES, "bounced"))
    op.add_column("delivery_event", sa.Column("said", sa.String(length=200), nullable=True))
    _check("delivery_event", state=(*STATES, "bounced"))
    for column in (
        sa.Column("refused_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_why", sa.String(length=40), nullable=True),
        sa.Column("refused_code", sa.Integer(), nullable=True),
        sa.Column("refusals", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("site_state", column)
    op.create_table(
        "pace",
        sa.Column("key", sa.String(length=254), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_pace")),
    )
    op.create_table(
        "heartbeat",
        sa.Column("worker", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("worker", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "dead_address",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_dead_address")),
    )


def downgrade() -> None:
    """Go back; the version before knows no bounce: what came back was accepted, and no answer was passed on."""
    op.drop_table("dead_address")
    op.drop_table("heartbeat")
    op.drop_table("pace")
    for column in ("refusals", "refused_code", "refused_why", "refused_until", "refused_since"):
        op.drop_column("site_state", column)
    op.execute("DELETE FROM delivery_event WHERE delivery_id IN (SELECT id FROM delivery WHERE kind = 'answer')")
    op.execute("DELETE FROM delivery WHERE kind = 'answer'")
    op.execute("DELETE FROM delivery_event WHERE state = 'bounced'")
    op.execute("UPDATE delivery SET state = 'accepted' WHERE state = 'bounced'")
    op.drop_column("delivery_event", "said")
    _check("delivery_event", state=STATES)
    _check("delivery", kind=KINDS, state=STATES)
    op.drop_index("ix_delivery_due", "delivery")
    op.drop_column("delivery", "has_slot")
    op.drop_column("delivery", "rank")
    op.create_index("ix_delivery_due", "delivery", ["due_at"], sqlite_where=QUEUED, postgresql_where=QUEUED)


def _check(table: str, **allowed: tuple[str, ...]) -> None:
    """Which values these columns may have; SQLite changes no CHECK in place, so it gets a new table with the old rows."""
    with op.batch_alter_table(table) as batch:
        for column, values in allowed.items():
            name, listed = op.f(f"ck_{table}_{column}"), ", ".join(f"'{value}'" for value in values)
            batch.drop_constraint(name, type_="check")
            batch.create_check_constraint(name, sa.text(f"{column} IN ({listed})"))
