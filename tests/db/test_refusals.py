"""A database that cannot be worked with: one sentence, with the command that mends it and never a password."""

import socket

import pytest
from sqlalchemy import inspect, text

from models.db.engine import migrate, open_engine
from models.domain.errors import DatabaseRefusedError
from tasks.adapters.texts import vietnamese
from tests.postgresql import PASSWORD, USER

SECRET = "bi-mat-7391"


def migrated(url):
    engine = open_engine(url)
    try:
        migrate(engine)
    finally:
        engine.dispose()


def refused(url):
    """Return the sentence with which a database is refused."""
    with pytest.raises(DatabaseRefusedError) as caught:
        migrated(url)
    said = vietnamese().error(caught.value)
    assert "\n" not in said
    for secret in (SECRET, PASSWORD):
        assert secret not in said
        assert secret not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.code, said


def changed(url, *statements):
    engine = open_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def tables_of(url):
    engine = open_engine(url)
    listed = inspect(engine).get_table_names()
    engine.dispose()
    return listed


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (f"nothing at all {SECRET}", "error.database_address"),
        (f"postgresql+psycopg://dondoc:{SECRET}@may-chu:54x2/dondoc", "error.database_address"),
        (f"mysql+pymysql://dondoc:{SECRET}@may-chu/dondoc", "error.database_kind"),
        (f"postgresql://dondoc:{SECRET}@may-chu/dondoc", "error.database_kind"),
    ],
)
def test_an_address_that_cannot_be_read_is_shown_how_to_be_written(url, code):
    said = refused(url)
    assert said[0] == code
    assert "postgresql+psycopg://" in said[1]


def test_a_server_that_does_not_answer_is_named_with_its_port():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        code, said = refused(f"postgresql+psycopg://dondoc:{SECRET}@127.0.0.1:{port}/dondoc")
    assert code == "error.database_unreachable"
    assert f"pg_isready -h 127.0.0.1 -p {port}" in said


def test_a_wrong_password_is_told_from_a_database_that_does_not_exist(postgresql):
    code, said = refused(postgresql.url("dondoc_template", password=SECRET))
    assert (code, USER in said) == ("error.database_login", True)
    code, said = refused(postgresql.url("khong-co"))
    assert code == "error.database_unknown"
    assert f"createdb --owner={USER} --encoding=UTF8 --template=template0 khong-co" in said


def test_a_user_who_may_not_make_tables_is_told_how_to_get_the_right(postgresql):
    url = postgresql.new_database(empty=True)
    name = url.rpartition("/")[2]
    postgresql.order(f"ALTER DATABASE {name} OWNER TO admin")
    code, said = refused(url)
    assert code == "error.database_no_right"
    assert f"ALTER DATABASE {name} OWNER TO {USER}" in said


def test_a_database_in_another_encoding_is_refused_before_anything_is_written(postgresql):
    postgresql.order(f"CREATE DATABASE latin OWNER {USER} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    assert refused(postgresql.url("latin"))[0] == "error.database_not_vietnamese"
    assert tables_of(postgresql.url("latin")) == []


def test_a_schema_that_is_newer_than_the_program_is_left_alone(database):
    changed(database, "UPDATE alembic_version SET version_num = '9999'")
    code, said = refused(database)
    assert (code, "9999" in said) == ("error.database_newer", True)


@pytest.mark.parametrize("revision", [None, "47cd1f5d0a11"])
def test_a_database_of_another_program_is_left_alone(empty_database, revision):
    changed(empty_database, "CREATE TABLE customer (id INTEGER PRIMARY KEY)")
    if revision is not None:
        changed(
            empty_database,
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
            f"INSERT INTO alembic_version VALUES ('{revision}')",
        )
    before = tables_of(empty_database)
    assert refused(empty_database)[0] == "error.database_foreign"
    assert tables_of(empty_database) == before


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "dondoc.db").write_bytes(b"not a database at all" * 100)
    code, said = refused(f"sqlite:///{tmp_path / 'dondoc.db'}")
    assert code == "error.database_file"
    assert str(tmp_path / "dondoc.db") in said
