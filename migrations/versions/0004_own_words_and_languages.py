"""A signer's own words, language and where they came from; a letter's language and its opening."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

COUNTED = "confirmed_at IS NOT NULL AND state IN ('confirmed', 'erased')"


def upgrade() -> None:
    op.add_column("signature", sa.Column("own_words", sa.Text(), nullable=True))
    op.add_column("signature", sa.Column("changes", sa.JSON(), nullable=True))
    op.add_column("signature", sa.Column("origin", sa.JSON(), nullable=True))
    op.add_column("signature", sa.Column("language", sa.String(length=10), nullable=False, server_default="en"))
    op.add_column("letter", sa.Column("language", sa.String(length=10), nullable=False, server_default="en"))
    op.add_column("letter", sa.Column("opening", sa.Text(), nullable=True))
    op.execute("UPDATE letter SET opening = '' WHERE body IS NOT NULL")
    op.create_index("ix_signature_counted", "signature", ["campaign_id"], sqlite_where=sa.text(COUNTED), postgresql_where=sa.text(COUNTED))


def downgrade() -> None:
    """Go back; the version before has one text for a letter, so the parts are put together."""
    op.execute(sa.text(WHOLE).bindparams(gap="\n\n", mark="\n\n* * *\n\n"))
    op.drop_index("ix_signature_counted", "signature")
    for table, columns in {"letter": ("opening", "language"), "signature": ("language", "origin", "changes", "own_words")}.items():
        for column in columns:
            op.drop_column(table, column)


WHOLE = """
UPDATE letter SET body =
    CASE WHEN coalesce(opening, '') = '' THEN '' ELSE opening || :gap END
    || coalesce((SELECT own_words || :mark
        FROM signature WHERE signature.id = letter.signature_id AND coalesce(own_words, '') <> ''), '')
    || body
WHERE body IS NOT NULL
"""
