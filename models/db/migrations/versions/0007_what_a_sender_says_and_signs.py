"""Keep what units explain, what an official document says of itself, and that a marking of secrecy was there."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "explanation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("duty_id", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("value", sa.String(length=300), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrival_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrival.id"], name=op.f("fk_explanation_arrival_id_arrival")),
        sa.ForeignKeyConstraint(["duty_id"], ["duty.id"], name=op.f("fk_explanation_duty_id_duty")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_explanation")),
        sa.UniqueConstraint(
            "duty_id", "question", "subject", "value", name=op.f("uq_explanation_duty_id_question_subject_value")
        ),
    )
    with op.batch_alter_table("arrival", schema=None) as batch_op:
        batch_op.add_column(sa.Column("is_secret", sa.Boolean(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("document_number", sa.String(length=300), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("signed_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("signer", sa.String(length=300), nullable=False, server_default=""))


def downgrade() -> None:
    # Not as a batch: SQLite would copy the table, and submissions and letters refer to it.
    for name in ("signer", "signed_on", "document_number", "is_secret"):
        op.drop_column("arrival", name)
    op.drop_table("explanation")
