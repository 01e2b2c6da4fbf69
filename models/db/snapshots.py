"""Writes all that a database holds into files, as it stood at one instant, and loads it back; it knows the dialects."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from alembic import command
from psycopg import Cursor
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine.interfaces import DBAPIConnection

from models.db.engine import alembic_config, migrate, refuse_newer, revision_of
from models.domain.errors import BackupRefusedError
from models.domain.vocabulary import Outcome

DATABASE_FILE: Final = "dondoc.db"
OF_ALEMBIC: Final = "alembic_version"
PIECE: Final = 1024 * 1024
NULL: Final = "\\N"
"""As PostgreSQL writes it."""
FILES_BY_TABLE: Final = {
    "arrival": ("digest", "workbook_digest", "outcome"),
    "duty": ("form_digest",),
    "edition_file": ("digest",),
}
"""By table the columns that say which files of the archive its rows speak of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A database written down: its kind, the revision of its schema, and what its files hold, in order of loading."""

    kind: str
    revision: str
    tables: dict[str, list[str]]
    """By table its columns, in the order in which the file has them; empty where one file holds all."""


def write_snapshot(engine: Engine, folder: Path) -> Snapshot:
    """Write the database into files of the folder, as it stands at this instant, whoever writes to it meanwhile."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            _copy_sqlite(connection.connection.dbapi_connection, folder / DATABASE_FILE)
            return Snapshot(kind="sqlite", revision=revision_of(connection) or "", tables={})
    with engine.execution_options(isolation_level="REPEATABLE READ").connect() as connection:
        seen = inspect(connection)
        ours = [name for name, _ in seen.get_sorted_table_and_fkc_names() if name and name != OF_ALEMBIC]
        tables = {name: [column["name"] for column in seen.get_columns(name)] for name in ours}
        for name, columns in tables.items():
            order = f"COPY {_columns_of(connection, name, columns)} TO STDOUT"
            with (
                _cursor(connection) as cursor,
                cursor.copy(order) as rows,
                (folder / f"{name}.copy").open("wb") as file,
            ):
                file.writelines(rows)
        return Snapshot(kind="postgresql", revision=revision_of(connection) or "", tables=tables)


def files_spoken_of(snapshot: Snapshot, folder: Path) -> set[str]:
    """Return the digests of the archive's files that a snapshot in the folder speaks of, whatever revision it is of."""
    if snapshot.kind != "sqlite":
        return {digest for name in FILES_BY_TABLE for digest in _digests_copied(snapshot, folder, name)}
    found: set[str] = set()
    with closing(sqlite3.connect(folder / DATABASE_FILE)) as database:
        for name, columns in FILES_BY_TABLE.items():
            known = [row[1] for row in database.execute(f"PRAGMA table_info({name})")]
            if known:
                wanted = ", ".join(column for column in columns if column in known)
                for row in database.execute(f"SELECT {wanted} FROM {name}"):  # noqa: S608 - names of our own
                    found |= _digests_of(dict(zip(columns, row, strict=True)))
    return found


def refuse_target(engine: Engine, snapshot: Snapshot) -> None:
    """Refuse a database into which a snapshot cannot be loaded; nothing is changed.

    Raises:
        BackupRefusedError: the database is of another kind, or is not empty.
        DatabaseRefusedError: the files are of a newer program, or the database does not answer.
    """
    if engine.dialect.name != snapshot.kind:
        raise BackupRefusedError("other_kind", kind=snapshot.kind, here=engine.dialect.name)
    refuse_newer(engine, snapshot.revision)
    with engine.connect() as connection:
        if inspect(connection).get_table_names():
            raise BackupRefusedError("database_in_use")


def load_snapshot(engine: Engine, snapshot: Snapshot, folder: Path) -> None:
    """Load files into an empty database, and bring their schema up to date; raises as `refuse_target` does."""
    refuse_target(engine, snapshot)
    if snapshot.kind == "sqlite":
        _load_sqlite(engine, folder / DATABASE_FILE)
    else:
        _load_tables(engine, snapshot, folder)
    migrate(engine)


def _digests_copied(snapshot: Snapshot, folder: Path, name: str) -> Iterator[str]:
    """Yield the digests of one table as PostgreSQL wrote it: a line a row, its fields parted by tabulators."""
    columns = snapshot.tables.get(name)
    if columns is None:
        return
    with (folder / f"{name}.copy").open("rb") as rows:
        for row in rows:
            fields = [field.decode() for field in row.rstrip(b"\n").split(b"\t")]
            yield from _digests_of({c: f if f != NULL else None for c, f in zip(columns, fields, strict=True)})


def _digests_of(row: Mapping[str, str | None]) -> set[str]:
    """Return the files that a row speaks of; a workbook was kept on its own only where it was to go back marked."""
    found = {row.get("digest"), row.get("form_digest")}
    if row.get("outcome") == Outcome.RETURNED:
        found.add(row.get("workbook_digest"))
    return {digest for digest in found if digest}


def _copy_sqlite(source: DBAPIConnection | None, path: Path) -> None:
    with closing(sqlite3.connect(path)) as target:
        cast("sqlite3.Connection", source).backup(target)


def _load_sqlite(engine: Engine, path: Path) -> None:
    with engine.connect() as connection, closing(sqlite3.connect(path)) as source:
        source.backup(cast("sqlite3.Connection", connection.connection.dbapi_connection))
    engine.dispose()


def _load_tables(engine: Engine, snapshot: Snapshot, folder: Path) -> None:
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, snapshot.revision)
        for name, columns in snapshot.tables.items():
            order = f"COPY {_columns_of(connection, name, columns)} FROM STDIN"
            with (
                _cursor(connection) as cursor,
                cursor.copy(order) as rows,
                (folder / f"{name}.copy").open("rb") as file,
            ):
                while piece := file.read(PIECE):
                    rows.write(piece)
            if "id" in columns:
                _go_on_counting(connection, name)


def _go_on_counting(connection: Connection, table: str) -> None:
    quoted = connection.dialect.identifier_preparer.quote(table)
    sequence = connection.scalar(text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": quoted})
    if sequence is not None:
        newest = connection.scalar(text(f"SELECT max(id) FROM {quoted}"))  # noqa: S608 - the name is our own table's
        if newest is not None:
            connection.execute(text("SELECT setval(:sequence, :newest)"), {"sequence": sequence, "newest": newest})


def _columns_of(connection: Connection, table: str, columns: list[str]) -> str:
    quote = connection.dialect.identifier_preparer.quote
    return f"{quote(table)} ({', '.join(map(quote, columns))})"


@contextmanager
def _cursor(connection: Connection) -> Iterator["Cursor[Any]"]:
    with cast("Cursor[Any]", connection.connection.cursor()) as cursor:
        yield cursor
