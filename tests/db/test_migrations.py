"""The migrations and the tables say the same, and every migration goes down again."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from models.db.base import Base
from models.db.engine import alembic_config, migrate, open_engine


@pytest.fixture
def engine(empty_database):
    engine = open_engine(empty_database)
    yield engine
    engine.dispose()


def test_a_new_database_gets_every_table(engine):
    migrate(engine)
    assert set(inspect(engine).get_table_names()) >= set(Base.metadata.tables)


def test_migrating_again_changes_nothing(engine):
    migrate(engine)
    migrate(engine)
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() is not None


def test_the_tables_need_no_further_migration(engine):
    migrate(engine)
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.check(config)


@pytest.mark.parametrize("first", ["-1", "base"])
def test_migrations_go_down_and_up_again(engine, first):
    migrate(engine)
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, first)
        command.upgrade(config, "head")
        command.check(config)


def test_two_programs_that_start_at_once_migrate_once(empty_database):
    engines = [open_engine(empty_database) for _ in range(2)]
    with ThreadPoolExecutor(len(engines)) as both:
        assert list(both.map(migrate, engines)) == [None, None]
    assert set(inspect(engines[0]).get_table_names()) >= set(Base.metadata.tables)
    for engine in engines:
        engine.dispose()
