"""Keep which files the archive has no more, so that what is known of them stays when their bytes go."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "removed_file",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("n_octets", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_removed_file")),
    )
    op.create_index(op.f("ix_removed_file_removed_at"), "removed_file", ["removed_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_removed_file_removed_at"), table_name="removed_file")
    op.drop_table("removed_file")
