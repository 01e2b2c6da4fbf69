"""Keep the forms of an arrival that brings several as parts of it, each with an outcome of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not as a batch: SQLite would copy the table, and submissions and letters refer to it.
    op.add_column("arrival", sa.Column("part", sa.Integer(), server_default="0", nullable=False))
    op.execute(
        "ALTER TABLE arrival ADD COLUMN whole_id INTEGER CONSTRAINT fk_arrival_whole_id_arrival REFERENCES arrival (id)"
    )
    op.create_index("ix_arrival_whole_id_part", "arrival", ["whole_id", "part"], unique=True)


def downgrade() -> None:
    """Let the further parts stand as arrivals of their own: what they came to stays, and their letters with it."""
    # One that has not left yet is written as its kind says: a form that went back must not be told as received.
    op.execute(
        "UPDATE letter SET kind = CASE (SELECT outcome FROM arrival WHERE arrival.id = letter.arrival_id)"
        " WHEN 'returned' THEN 'return' WHEN 'quarantined' THEN 'held' ELSE 'receipt' END WHERE kind = 'several'"
    )
    op.drop_index("ix_arrival_whole_id_part", "arrival")
    op.drop_column("arrival", "whole_id")
    op.drop_column("arrival", "part")
