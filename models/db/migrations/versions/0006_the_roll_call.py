"""Keep which contacts were asked before a cycle opens, by which token they answer, and who has confirmed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "roll_call",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_code", sa.String(length=80), nullable=False),
        sa.Column("cycle_code", sa.String(length=80), nullable=False),
        sa.Column("unit_code", sa.String(length=80), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("letter_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["letter_id"], ["letter.id"], name=op.f("fk_roll_call_letter_id_letter")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roll_call")),
        sa.UniqueConstraint(
            "cycle_code", "unit_code", "recipient", name=op.f("uq_roll_call_cycle_code_unit_code_recipient")
        ),
    )
    with op.batch_alter_table("roll_call", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_roll_call_letter_id"), ["letter_id"], unique=False)
    op.create_table(
        "roll_call_token",
        sa.Column("letter_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["letter_id"], ["letter.id"], name=op.f("fk_roll_call_token_letter_id_letter")),
        sa.PrimaryKeyConstraint("letter_id", name=op.f("pk_roll_call_token")),
        sa.UniqueConstraint("token", name=op.f("uq_roll_call_token_token")),
    )
    op.create_table(
        "contact_confirmation",
        sa.Column("arrival_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["arrival_id"], ["arrival.id"], name=op.f("fk_contact_confirmation_arrival_id_arrival")
        ),
        sa.PrimaryKeyConstraint("arrival_id", name=op.f("pk_contact_confirmation")),
    )
    with op.batch_alter_table("contact_confirmation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_confirmation_address"), ["address"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("contact_confirmation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_confirmation_address"))
    op.drop_table("contact_confirmation")
    op.drop_table("roll_call_token")
    with op.batch_alter_table("roll_call", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_roll_call_letter_id"))
    op.drop_table("roll_call")
