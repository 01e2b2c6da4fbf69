"""Keep with each duty the unit above it, and tell parents of their children as members are told of their units."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("duty", schema=None) as batch_op:
        batch_op.add_column(sa.Column("parent_code", sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("parent_name", sa.String(length=300), nullable=False, server_default=""))
    with op.batch_alter_table("member_notice", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=30), nullable=False, server_default="member"))
        batch_op.drop_constraint("uq_member_notice_duty_id_rung", type_="unique")
        batch_op.create_unique_constraint("uq_member_notice_duty_id_rung_kind", ["duty_id", "rung", "kind"])


def downgrade() -> None:
    op.execute("DELETE FROM member_notice WHERE kind <> 'member'")
    with op.batch_alter_table("member_notice", schema=None) as batch_op:
        batch_op.drop_constraint("uq_member_notice_duty_id_rung_kind", type_="unique")
        batch_op.create_unique_constraint("uq_member_notice_duty_id_rung", ["duty_id", "rung"])
        batch_op.drop_column("kind")
    # Not as a batch: SQLite would copy the table, and much refers to it.
    op.drop_column("duty", "parent_name")
    op.drop_column("duty", "parent_code")
