"""Keep the forms of an arrival that brings several as parts of it, each with an outcome of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("arrival", schema=None) as batch_op:
        batch_op.add_column(sa.Column("part", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("whole_id", sa.Integer(), nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_arrival_whole_id_part"), ["whole_id", "part"])
        batch_op.create_foreign_key(batch_op.f("fk_arrival_whole_id_arrival"), "arrival", ["whole_id"], ["id"])


def downgrade() -> None:
    """Let the further parts stand as arrivals of their own: what they came to stays, and their letters with it."""
    op.execute("UPDATE letter SET kind = 'receipt' WHERE kind = 'several'")
    with op.batch_alter_table("arrival", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_arrival_whole_id_arrival"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("uq_arrival_whole_id_part"), type_="unique")
        batch_op.drop_column("whole_id")
        batch_op.drop_column("part")
