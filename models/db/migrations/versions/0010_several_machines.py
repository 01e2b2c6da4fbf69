"""Keep which release the office works with, and by which digest the store has the files of editions.

And go through a cycle of many units by an index of its own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "edition_file",
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_edition_file_edition_id_edition")),
        sa.PrimaryKeyConstraint("edition_id", "path", name=op.f("pk_edition_file")),
    )
    op.create_table(
        "release_in_use",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release", sa.String(length=80), nullable=False),
        sa.Column("plans", sa.JSON(), nullable=False),
        sa.Column("machine", sa.String(length=300), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_in_use")),
    )
    with op.batch_alter_table("duty", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_duty_cycle_id_id"), ["cycle_id", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("duty", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_duty_cycle_id_id"))
    op.drop_table("release_in_use")
    op.drop_table("edition_file")
