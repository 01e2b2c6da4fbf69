"""Make the Vietnamese order in PostgreSQL: ICU's, with capitals first among equals, as `vietnamese.sort_key` has it.

SQLite is given its collation with each connection.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE COLLATION vietnamese (provider = icu, locale = 'vi-u-kf-upper')")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP COLLATION vietnamese")
