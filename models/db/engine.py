"""Opens the database and brings its schema up to date; it knows the dialects, and nothing of what is kept."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.dialects.postgresql.base import PGTypeCompiler
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from models.db.base import VIETNAMESE
from models.db.refusals import refusal
from models.db.turns import Turn, take_turn
from models.domain.errors import DatabaseRefusedError
from models.domain.vietnamese import sort_key, storable

MIGRATIONS: Final = Path(__file__).parent / "migrations"
SECONDS_TO_WAIT_FOR_A_LOCK: Final = 60
TRIES_TO_SWITCH: Final = 50
SECONDS_BETWEEN_TRIES: Final = 0.1
SECONDS_TO_CONNECT: Final = 10
DRIVERS: Final = ("sqlite", "postgresql+psycopg")


class _WithoutLengths(PGTypeCompiler):
    """Makes text columns without a length: SQLite holds nobody to it, and a hostile sender's address may be longer."""

    def visit_VARCHAR(self, type_: Any, **_: Any) -> str:  # noqa: ARG002, N802 - SQLAlchemy's signature
        """Return the type, whatever length it usually has."""
        return "VARCHAR"


def open_engine(url: str) -> Engine:
    """Return an engine on the database; a SQLite file gets write-ahead logging, so that readers never wait.

    Nothing is connected yet. Text that no database takes, such as NUL in a hostile mail, is mended on its way in.

    Raises:
        DatabaseRefusedError: the address cannot be read, or is of a kind that was never tried.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        engine = create_engine(address, connect_args={"timeout": SECONDS_TO_WAIT_FOR_A_LOCK})
        event.listen(engine, "connect", _prepare_sqlite)
    else:
        engine = create_engine(address, pool_pre_ping=True, connect_args=_for_psycopg())
        engine.dialect.type_compiler_instance = _WithoutLengths(engine.dialect)
    event.listen(engine, "before_cursor_execute", _mend_text, retval=True)
    return engine


def is_newest(engine: Engine) -> bool:
    """Say whether the schema is that of this program's newest migration; nothing is changed.

    Raises:
        DatabaseRefusedError: the database does not answer, refuses us, is not ours, or is newer than this program.
    """
    with refusing_in_words(engine), engine.connect() as connection:
        revision = revision_of(connection)
        if revision is not None:
            _refuse_unknown(connection, revision)
        return revision == head_revision()


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest migration; does nothing, and quickly, when it is there already.

    Raises:
        DatabaseRefusedError: the database does not answer, refuses us, is not ours, or is newer than this program.
    """
    with refusing_in_words(engine):
        with engine.connect() as connection:
            if revision_of(connection) == head_revision():
                return
        with engine.begin() as connection:
            take_turn(connection, Turn.MIGRATING)
            _upgrade(connection)


@contextmanager
def refusing_in_words(engine: Engine) -> Iterator[None]:
    """Turn what the driver says when the database refuses us into an operator's problem.

    Raises:
        DatabaseRefusedError: in the place of the driver's error, where it was the database that refused.
    """
    try:
        yield
    except DBAPIError as problem:
        refused = refusal(engine.url, problem)
        if refused is None:
            raise
        raise refused from None  # the driver's own words stand in the facts


def refuse_newer(engine: Engine, revision: str) -> None:
    """Refuse a schema that this program does not know.

    Raises:
        DatabaseRefusedError: it is newer than this program.
    """
    if revision not in _revisions():
        raise DatabaseRefusedError("newer", database=engine.url.database or "", revision=revision)


def alembic_config() -> Config:
    """Return the migrations' configuration; the connection is put into its attributes by the caller."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseRefusedError("address") from None  # the error's own words may hold the password
    if address.drivername not in DRIVERS:
        raise DatabaseRefusedError("kind", kind=address.drivername)
    return address


def _for_psycopg() -> dict[str, Any]:
    """Return what a connection is opened with: our zone is UTC, and nothing is waited for without end."""
    return {
        "connect_timeout": SECONDS_TO_CONNECT,
        "application_name": "dondoc",
        "client_encoding": "utf8",
        "options": f"-c timezone=UTC -c lock_timeout={SECONDS_TO_WAIT_FOR_A_LOCK}s",
    }


@cache
def head_revision() -> str | None:
    """Return the newest migration that this program came with when it was first asked."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def _revisions() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()}


def revision_of(connection: Connection) -> str | None:
    """Return the revision of the schema; None where there is none of ours."""
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade(connection: Connection) -> None:
    revision = revision_of(connection)
    if revision is None:
        _refuse_strangers(connection)
        _refuse_what_cannot_sort(connection)
    else:
        _refuse_unknown(connection, revision)
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _refuse_unknown(connection: Connection, revision: str) -> None:
    """Refuse a revision that none of our migrations has: it is a newer program's of ours, or another program's."""
    if revision == head_revision():
        return
    if revision not in _revisions():
        ours = set(inspect(connection).get_table_names()) >= {"cycle", "duty", "letter", "arrival"}
        raise DatabaseRefusedError("newer" if ours else "foreign", database=_named(connection), revision=revision)


def _refuse_strangers(connection: Connection) -> None:
    """Refuse a database that holds tables and none of our revisions: it is another program's."""
    tables = inspect(connection).get_table_names()
    if tables:
        raise DatabaseRefusedError("foreign", database=_named(connection), revision=", ".join(sorted(tables)[:3]))


def _refuse_what_cannot_sort(connection: Connection) -> None:
    """Refuse a PostgreSQL that cannot keep Vietnamese or was built without the library that sorts it."""
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.scalar(text("SHOW server_encoding"))
    can_sort = connection.scalar(text("SELECT count(*) FROM pg_collation WHERE collname = 'vi-x-icu'"))
    if encoding != "UTF8" or not can_sort:
        raise DatabaseRefusedError("not_vietnamese", database=_named(connection), encoding=encoding)


def _named(connection: Connection) -> str:
    return connection.engine.url.database or ""


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    _write_ahead(cursor)
    # FULL: a mail is moved away, and a letter handed over, because a row says so. With NORMAL a power failure may take
    # that row back, and a letter would go out twice.
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    connection.create_collation(VIETNAMESE, _compare)


def _write_ahead(cursor: Any) -> None:
    """Switch the log on; of two that do so on a new file at once SQLite turns one away, without waiting for a lock."""
    for tries_left in reversed(range(TRIES_TO_SWITCH)):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if not tries_left:
                raise
            Event().wait(SECONDS_BETWEEN_TRIES)
        else:
            return


def _compare(left: str, right: str) -> int:
    first, second = sort_key(left), sort_key(right)
    return (first > second) - (first < second)


def _mend_text(
    _connection: Connection,
    _cursor: Any,
    statement: str,
    parameters: Any,
    context: Any,
    _many: bool,  # noqa: FBT001 - SQLAlchemy's signature
) -> tuple[str, Any]:
    if context is not None and context.compiled is None:
        return statement, parameters  # as the driver takes them: `insert_plain`, which is given tidied text
    return statement, _mended(parameters)


def _mended(value: Any) -> Any:
    """Return parameters with every text storable: those of one statement or of many, by name or by place."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, tuple):
        return tuple([storable(item) if isinstance(item, str) else item for item in value])
    if isinstance(value, dict):
        return {name: storable(item) if isinstance(item, str) else item for name, item in value.items()}
    return value
