"""The archive of a home of each schema that was ever in use comes back, rows and all, in the newest one."""

import json
from datetime import UTC, date, datetime

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Boolean, Date, DateTime, Integer, MetaData, String, inspect

from models.db.base import Base
from models.db.engine import alembic_config, head_revision, open_engine, revision_of
from tasks.backups import check_backup, make_backup, restore_backup
from tasks.settings import Settings

AT = datetime(2025, 6, 1, 2, tzinfo=UTC)


def revisions():
    return sorted(script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions())


def at_revision(url, revision):
    """Make a database of a revision, with a row in every table, as the program of that time could have written it."""
    engine = open_engine(url)
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        known = MetaData()
        known.reflect(connection)
        for table in known.sorted_tables:
            if table.name != "alembic_version":
                connection.execute(table.insert().values({column.name: sample(column) for column in table.columns}))
    engine.dispose()


def sample(column):
    """Return a value that the column may have had: a word of its closed set, where it has one, else one of its type."""
    if column.foreign_keys or (column.primary_key and isinstance(column.type, Integer)):
        return 1
    now = Base.metadata.tables.get(column.table.name)
    words = getattr(now.columns[column.name].type, "words", None) if now is not None and column.name in now.c else None
    if words is not None:
        return next(iter(words)).value
    return next(value for kind, value in BY_TYPE if isinstance(column.type, kind))


BY_TYPE = (
    (JSON, []),
    (Boolean, False),
    (DateTime, AT),
    (Date, date(2025, 6, 1)),
    (Integer, 1),
    (String, "x"),
)


def rows_of(url):
    """Return by table its rows, by column; instants as the zone-less UTC that both kinds of database can say."""
    engine = open_engine(url)
    with engine.connect() as connection:
        names = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
        found = {
            name: [
                {column: plain(value) for column, value in row.items()}
                for row in connection.exec_driver_sql(f'SELECT * FROM "{name}"').mappings()
            ]
            for name in names
        }
        revision = revision_of(connection)
    engine.dispose()
    return revision, found


def plain(value):
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ") if value.tzinfo else str(value)
    return json.dumps(value) if isinstance(value, list | dict) else value


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("revision", revisions())
def test_a_home_of_each_released_schema_is_saved_brought_back_and_brought_up_to_date(kind, revision, request, tmp_path):
    urls = ["", ""]
    if kind == "postgresql":
        server = request.getfixturevalue("postgresql")
        urls = [server.new_database(empty=True), server.new_database(empty=True)]
    old, new = (
        Settings(home=tmp_path / name, database_url=url) for name, url in zip(("old", "new"), urls, strict=True)
    )
    (old.home / "archive" / "ab").mkdir(parents=True)
    (old.home / "archive" / "ab" / "cd").write_bytes(b"kept")
    at_revision(old.url, revision)
    _, before = rows_of(old.url)
    made = make_backup(old, tmp_path / "a.zip")
    assert made == check_backup(tmp_path / "a.zip") == restore_backup(new, tmp_path / "a.zip")
    assert made.revision == revision
    newest, after = rows_of(new.url)
    assert newest == head_revision()
    assert (new.home / "archive" / "ab" / "cd").read_bytes() == b"kept"
    for name, rows in before.items():
        kept = [{column: row[column] for column in rows[0] if column in row} for row in after.get(name, [])]
        there = [{column: value for column, value in row.items() if column in after[name][0]} for row in rows]
        assert kept == there, name
