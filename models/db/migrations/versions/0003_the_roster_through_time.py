"""Keep what became of units and by which document, what contacts are to their unit, and who is away.

The one successor that a unit could name becomes a relation of its own: the unit was merged into it the day after its
last day. Without a last day there was nothing to inherit, and the name is dropped.
"""

import datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unit_relation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("programme_code", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("unit_code", sa.String(length=80), nullable=False),
        sa.Column("other_code", sa.String(length=80), nullable=True),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_relation")),
    )
    with op.batch_alter_table("unit_relation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_unit_relation_programme_code"), ["programme_code"], unique=False)
    _turn_successors_into_relations()
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.drop_column("successor_code")
        batch_op.add_column(sa.Column("kind", sa.String(length=80), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("official_code", sa.String(length=80), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("address", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("head", sa.String(length=300), nullable=False, server_default=""))
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.add_column(sa.Column("role", sa.String(length=30), nullable=False, server_default="desk"))
        batch_op.add_column(sa.Column("away_from", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("away_to", sa.Date(), nullable=True))
    with op.batch_alter_table("member", schema=None) as batch_op:
        batch_op.add_column(sa.Column("deputy_code", sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("away_from", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("away_to", sa.Date(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("member", schema=None) as batch_op:
        batch_op.drop_column("away_to")
        batch_op.drop_column("away_from")
        batch_op.drop_column("deputy_code")
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_column("away_to")
        batch_op.drop_column("away_from")
        batch_op.drop_column("role")
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.drop_column("head")
        batch_op.drop_column("address")
        batch_op.drop_column("official_code")
        batch_op.drop_column("kind")
        batch_op.add_column(sa.Column("successor_code", sa.String(length=80), nullable=True))
    _turn_relations_into_successors()
    with op.batch_alter_table("unit_relation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_unit_relation_programme_code"))
    op.drop_table("unit_relation")


UNIT = sa.table(
    "unit",
    sa.column("programme_code", sa.String),
    sa.column("code", sa.String),
    sa.column("valid_to", sa.Date),
    sa.column("successor_code", sa.String),
)
RELATION = sa.table(
    "unit_relation",
    sa.column("programme_code", sa.String),
    sa.column("kind", sa.String),
    sa.column("unit_code", sa.String),
    sa.column("other_code", sa.String),
    sa.column("on", sa.Date),
    sa.column("document", sa.Text),
    sa.column("source", sa.Text),
)


def _turn_successors_into_relations() -> None:
    connection = op.get_bind()
    found = connection.execute(
        sa.select(UNIT.c.programme_code, UNIT.c.code, UNIT.c.successor_code, UNIT.c.valid_to).where(
            UNIT.c.successor_code.is_not(None), UNIT.c.valid_to.is_not(None)
        )
    ).all()
    for row in found:
        values = {
            "programme_code": row.programme_code,
            "kind": "merged_into",
            "unit_code": row.code,
            "other_code": row.successor_code,
            "on": row.valid_to + datetime.timedelta(days=1),
            "document": "",
            "source": "",
        }
        connection.execute(RELATION.insert().values(values))


def _turn_relations_into_successors() -> None:
    connection = op.get_bind()
    merged = connection.execute(sa.select(RELATION).where(RELATION.c.kind == "merged_into")).all()
    for row in merged:
        connection.execute(
            UNIT.update()
            .where(
                UNIT.c.programme_code == row.programme_code,
                UNIT.c.code == row.unit_code,
                UNIT.c.valid_to == row.on - datetime.timedelta(days=1),
            )
            .values(successor_code=row.other_code)
        )
