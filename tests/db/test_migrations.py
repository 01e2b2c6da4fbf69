"""The migrations and the tables say the same, and every migration goes down again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from alembic import command
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Boolean, insert, inspect, text

from models.db.base import Base
from models.db.engine import alembic_config, migrate, open_engine
from models.db.tables import ArrivalRow, LetterRow
from models.domain.vocabulary import Channel, LetterKind, LetterState, Outcome


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


def fill(connection):
    """Put one row into every table: what refers to another row refers to that one."""
    for table in Base.metadata.sorted_tables:
        connection.execute(table.insert().values({column.name: sample(column) for column in table.columns}))


def sample(column):
    if column.foreign_keys or (column.primary_key and column.type.python_type is int):
        return 1
    words = getattr(column.type, "words", None)
    if words is not None:
        return next(iter(words))
    if isinstance(column.type, Boolean):
        return False
    kind = getattr(column.type, "impl", column.type).python_type
    if kind is str and column.server_default is not None:
        return column.server_default.arg
    plain = {int: 1, str: "x", dict: {}, list: [], date: date(2025, 6, 1), datetime: datetime(2025, 6, 1, tzinfo=UTC)}
    return plain[kind]


def revisions():
    return [script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()]


def test_migrations_go_down_and_up_again_with_a_row_in_every_table(engine):
    migrate(engine)
    with engine.begin() as connection:
        fill(connection)
    config, kept = alembic_config(), ("letter", "duty", "arrival", "reminder", "edition", "figure")
    for goal in revisions()[1:]:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, goal)
        with engine.begin() as connection:  # as an office that was at that version comes to the newest
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            command.check(config)
            rows = {name: len(connection.exec_driver_sql(f"SELECT * FROM {name}").all()) for name in kept}
        assert rows == dict.fromkeys(kept, 1), goal
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        command.upgrade(config, "head")
        command.check(config)


def test_two_programs_that_start_at_once_migrate_once(empty_database):
    engines = [open_engine(empty_database) for _ in range(2)]
    with ThreadPoolExecutor(len(engines)) as both:
        assert list(both.map(migrate, engines)) == [None, None]
    assert set(inspect(engines[0]).get_table_names()) >= set(Base.metadata.tables)
    for engine in engines:
        engine.dispose()


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [(Outcome.ACCEPTED, "receipt"), (Outcome.RETURNED, "return"), (Outcome.QUARANTINED, "held")],
)
def test_a_queued_answer_about_several_forms_leaves_an_older_program_as_what_became_of_the_first(engine, outcome, kind):
    migrate(engine)
    config = alembic_config()
    at = datetime(2025, 10, 21, 9, tzinfo=UTC)
    with engine.begin() as connection:
        values = {"key": "imap:1", "part": 1, "received_at": at, "taken_at": at, "outcome": outcome, "judged_at": at}
        fixed = {"channel": Channel.MAIL, "digest": "a" * 64, "is_cut": False, "operator": "", "file_name": ""}
        connection.execute(insert(ArrivalRow.__table__).values(**values, **fixed))
        letter = {"key": "answer|imap:1", "message_id": "<1@x.invalid>", "recipient": "a@x.invalid", "arrival_id": 1}
        state = {"kind": LetterKind.SEVERAL, "day": at.date(), "state": LetterState.QUEUED, "queued_at": at}
        connection.execute(insert(LetterRow.__table__).values(**letter, **state))
        config.attributes["connection"] = connection
        command.downgrade(config, "0008")
        assert connection.execute(text("SELECT kind FROM letter")).scalars().all() == [kind]


def test_parts_of_an_arrival_stand_by_themselves_in_an_older_schema_and_keep_their_answer(engine):
    migrate(engine)
    config = alembic_config()
    at = datetime(2025, 10, 21, 9, tzinfo=UTC)
    with engine.begin() as connection:
        for key, part, whole in (("imap:1", 1, None), ("part:1:2", 2, 1)):
            values = {"key": key, "part": part, "whole_id": whole, "received_at": at, "taken_at": at}
            fixed = {"channel": Channel.MAIL, "digest": "a" * 64, "is_cut": False, "operator": "", "file_name": ""}
            connection.execute(insert(ArrivalRow.__table__).values(**values, **fixed))
        letter = {"key": "answer|imap:1", "message_id": "<1@x.invalid>", "recipient": "a@x.invalid", "arrival_id": 1}
        connection.execute(
            insert(LetterRow.__table__).values(
                **letter, kind=LetterKind.SEVERAL, day=at.date(), state=LetterState.SENT, queued_at=at
            )
        )
        config.attributes["connection"] = connection
        command.downgrade(config, "0008")
        assert connection.execute(text("SELECT kind FROM letter")).scalars().all() == ["receipt"]
        assert connection.execute(text("SELECT key FROM arrival ORDER BY id")).scalars().all() == ["imap:1", "part:1:2"]
        command.downgrade(config, "0006")
        command.upgrade(config, "head")
        assert connection.execute(text("SELECT part FROM arrival")).scalars().all() == [0, 0]
