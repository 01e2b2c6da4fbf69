"""Keep what the rest of the plan needs: tasks, inspections, targets, reviews, and who did what by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operator", sa.String(length=300), nullable=False),
        sa.Column("action", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("unit_code", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("run", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_action_at"), ["action", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_subject"), ["subject"], unique=False)

    op.create_table(
        "classification",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_code", sa.String(length=80), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.String(length=80), nullable=False),
        sa.Column("grade", sa.String(length=30), nullable=False),
        sa.Column("decision_number", sa.String(length=80), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operator", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_classification")),
        sa.UniqueConstraint(
            "programme_code", "year", "unit_code", name=op.f("uq_classification_programme_code_year_unit_code")
        ),
    )
    op.create_table(
        "review",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("programme_code", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contest_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        sa.UniqueConstraint("code", name=op.f("uq_review_code")),
    )
    op.create_table(
        "target",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_code", sa.String(length=80), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.String(length=80), nullable=False),
        sa.Column("field", sa.String(length=80), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_target")),
        sa.UniqueConstraint(
            "programme_code", "year", "unit_code", "field", name=op.f("uq_target_programme_code_year_unit_code_field")
        ),
    )
    op.create_table(
        "contest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.String(length=80), nullable=False),
        sa.Column("criterion", sa.String(length=80), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decision", sa.String(length=30), nullable=True),
        sa.Column("points", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_because", sa.Text(), nullable=False),
        sa.Column("operator", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["review.id"], name=op.f("fk_contest_review_id_review")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contest")),
    )
    op.create_table(
        "inspection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("programme_code", sa.String(length=80), nullable=False),
        sa.Column("obligation_code", sa.String(length=80), nullable=False),
        sa.Column("cycle_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("leader", sa.String(length=300), nullable=False),
        sa.Column("team", sa.JSON(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("conclude_by", sa.Date(), nullable=False),
        sa.Column("seed", sa.String(length=80), nullable=False),
        sa.Column("proposal", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("concluded_on", sa.Date(), nullable=True),
        sa.Column("conclusion_number", sa.String(length=80), nullable=False),
        sa.Column("conclusion", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["cycle_id"], ["cycle.id"], name=op.f("fk_inspection_cycle_id_cycle")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection")),
        sa.UniqueConstraint("code", name=op.f("uq_inspection_code")),
        sa.UniqueConstraint("cycle_id", name=op.f("uq_inspection_cycle_id")),
    )
    op.create_table(
        "review_score",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.String(length=80), nullable=False),
        sa.Column("unit_name", sa.String(length=300), nullable=False),
        sa.Column("group_code", sa.String(length=80), nullable=False),
        sa.Column("criterion", sa.String(length=80), nullable=False),
        sa.Column("criterion_title", sa.String(length=300), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("at_most", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["review.id"], name=op.f("fk_review_score_review_id_review")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_score")),
        sa.UniqueConstraint(
            "review_id", "unit_code", "criterion", name=op.f("uq_review_score_review_id_unit_code_criterion")
        ),
    )
    op.create_table(
        "inspection_finding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("inspection_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(length=300), nullable=False),
        sa.Column("remedy_cycle_id", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspection.id"], name=op.f("fk_inspection_finding_inspection_id_inspection")
        ),
        sa.ForeignKeyConstraint(
            ["remedy_cycle_id"], ["cycle.id"], name=op.f("fk_inspection_finding_remedy_cycle_id_cycle")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection_finding")),
        sa.UniqueConstraint("inspection_id", "number", name=op.f("uq_inspection_finding_inspection_id_number")),
    )
    with op.batch_alter_table("cycle", schema=None) as batch_op:
        batch_op.add_column(sa.Column("content", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("product", sa.Text(), server_default="", nullable=False))

    op.create_table(
        "handover",
        sa.Column("letter_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("edition_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.Column("document", sa.String(length=80), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_handover_edition_id_edition")),
        sa.ForeignKeyConstraint(["letter_id"], ["letter.id"], name=op.f("fk_handover_letter_id_letter")),
        sa.PrimaryKeyConstraint("letter_id", "address", name=op.f("pk_handover")),
        sa.UniqueConstraint("edition_id", "address", name=op.f("uq_handover_edition_id_address")),
    )

    op.create_table(
        "score_letter",
        sa.Column("letter_id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["letter_id"], ["letter.id"], name=op.f("fk_score_letter_letter_id_letter")),
        sa.ForeignKeyConstraint(["review_id"], ["review.id"], name=op.f("fk_score_letter_review_id_review")),
        sa.PrimaryKeyConstraint("letter_id", name=op.f("pk_score_letter")),
    )
    with op.batch_alter_table("score_letter", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_score_letter_review_id"), ["review_id"], unique=False)

    with op.batch_alter_table("reminder", schema=None) as batch_op:
        batch_op.add_column(sa.Column("occasion", sa.String(length=80), server_default="", nullable=False))
        batch_op.drop_constraint(batch_op.f("uq_reminder_duty_id_rung_recipient"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_reminder_duty_id_rung_recipient_occasion"), ["duty_id", "rung", "recipient", "occasion"]
        )

    with op.batch_alter_table("arrival", schema=None) as batch_op:
        batch_op.add_column(sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True))

    op.create_table(
        "reopening",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("duty_id", sa.Integer(), nullable=False),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("letter_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["duty_id"], ["duty.id"], name=op.f("fk_reopening_duty_id_duty")),
        sa.ForeignKeyConstraint(["letter_id"], ["letter.id"], name=op.f("fk_reopening_letter_id_letter")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reopening")),
        sa.UniqueConstraint("duty_id", "reopened_at", name=op.f("uq_reopening_duty_id_reopened_at")),
    )
    with op.batch_alter_table("reopening", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reopening_letter_id"), ["letter_id"], unique=False)

    op.create_table(
        "member_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("duty_id", sa.Integer(), nullable=False),
        sa.Column("rung", sa.String(length=80), nullable=False),
        sa.Column("letter_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["duty_id"], ["duty.id"], name=op.f("fk_member_notice_duty_id_duty")),
        sa.ForeignKeyConstraint(["letter_id"], ["letter.id"], name=op.f("fk_member_notice_letter_id_letter")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_notice")),
        sa.UniqueConstraint("duty_id", "rung", name=op.f("uq_member_notice_duty_id_rung")),
    )
    with op.batch_alter_table("member_notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_member_notice_letter_id"), ["letter_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("member_notice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_member_notice_letter_id"))
    op.drop_table("member_notice")
    with op.batch_alter_table("reopening", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reopening_letter_id"))
    op.drop_table("reopening")
    op.drop_column("arrival", "resolved_at")
    op.execute("DELETE FROM reminder WHERE occasion <> ''")
    with op.batch_alter_table("reminder", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_reminder_duty_id_rung_recipient_occasion"), type_="unique")
        batch_op.drop_column("occasion")
        batch_op.create_unique_constraint(
            batch_op.f("uq_reminder_duty_id_rung_recipient"), ["duty_id", "rung", "recipient"]
        )
    with op.batch_alter_table("score_letter", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_score_letter_review_id"))
    op.drop_table("score_letter")
    op.drop_table("handover")
    # Not as a batch: SQLite would copy the table, and duties refer to it.
    op.drop_column("cycle", "product")
    op.drop_column("cycle", "content")

    op.drop_table("inspection_finding")
    op.drop_table("review_score")
    op.drop_table("inspection")
    op.drop_table("contest")
    op.drop_table("target")
    op.drop_table("review")
    op.drop_table("classification")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_subject"))
        batch_op.drop_index(batch_op.f("ix_audit_action_at"))

    op.drop_table("audit")
