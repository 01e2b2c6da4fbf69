"""Runs the migrations on the connection it is given, or prints their SQL."""

from alembic import context

from models.db import tables
from models.db.base import AwareInstant, Base, Word
from models.db.engine import open_engine

assert tables  # the tables must be known before their metadata is compared


def render_item(kind, item, _autogen_context):
    """Write our own column types as the plain ones beneath them, so that old migrations never import new code."""
    if kind == "type" and isinstance(item, AwareInstant):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Word):
        return f"sa.String(length={item.impl.length})"
    return False


def run(connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        render_as_batch=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()


connection = context.config.attributes.get("connection")
if connection is not None:
    run(connection)
else:
    with open_engine(context.config.get_main_option("sqlalchemy.url")).begin() as own:
        run(own)
