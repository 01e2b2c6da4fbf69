"""The migrations and the tables say the same, and every migration goes down again."""

import pytest
from alembic import command
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from models.db.base import VIETNAMESE, Base
from models.db.engine import alembic_config, migrate, open_engine


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'test.db'}")
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


def test_the_newest_migration_goes_down_and_up_again(engine):
    migrate(engine)
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "-1")
        command.upgrade(config, "head")


def test_text_sorts_by_the_vietnamese_alphabet_in_the_database(engine):
    with engine.connect() as connection:
        names = text(
            f"select * from (values ('Uy'), ('Ăn'), ('An'), ('Đa'), ('Áo')) order by 1 collate \"{VIETNAMESE}\""
        )
        assert [row[0] for row in connection.execute(names)] == ["An", "Áo", "Ăn", "Đa", "Uy"]
