"""Puts in many rows at once, or such as another run may be putting in too; it knows the dialects, and no table.

Of rows that the chained audit covers it notes which went in.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final, cast

from psycopg import Cursor
from sqlalchemy import Connection, Table, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.db.base import Base
from models.db.covering import COVERED
from models.db.sessions import note_rows
from models.db.turns import become_writer
from models.domain.vocabulary import RowChange

ROWS_A_STATEMENT: Final = 50
"""SQLite puts many rows in with one statement in two thirds of the time; so many need no more places than it allows."""


def insert_new(session: Session, table: type[Base], rows: Sequence[Mapping[str, object]]) -> int:
    """Put in the rows that break no unique constraint, leave out the others, and return how many went in."""
    if not rows:
        return 0
    return _insert_noting(session, table, _insert_unless_known(session, table), rows)


def insert_all(session: Session, table: type[Base], rows: Sequence[Mapping[str, object]]) -> None:
    """Put in rows of which none is there yet, in the order given."""
    if rows:
        _insert_noting(session, table, insert(cast("Table", table.__table__)), rows)


def _insert_noting(session: Session, table: type[Base], statement: Any, rows: Sequence[Mapping[str, object]]) -> int:
    """Put rows in, note their numbers where they are covered, and return how many went in."""
    session.flush()
    connection = session.connection()
    known, is_covered = cast("Table", table.__table__), table.__tablename__ in COVERED
    # All at once by Core: the session would put in one after the other, to learn the number of each.
    if connection.dialect.name == "postgresql":
        # What is to be returned goes in hundreds a statement, what is not in a statement a row.
        keys = connection.execute(statement.returning(*known.primary_key.columns), list(rows)).all()
        if is_covered:
            note_rows(session, table, RowChange.NEW, [number for (number,) in keys])
        return len(keys)
    if not is_covered:
        return connection.execute(statement, list(rows), execution_options={"preserve_rowcount": True}).rowcount
    # Numbers go upwards one by one, and nobody else writes: what is beyond the last one is ours.
    become_writer(connection)
    newest = select(func.coalesce(func.max(known.c.id), 0))
    last = connection.scalars(newest).one()
    connection.execute(statement, list(rows))
    numbers = range(last + 1, connection.scalars(newest).one() + 1)
    note_rows(session, table, RowChange.NEW, numbers)
    return len(numbers)


def insert_one(session: Session, table: type[Base], row: Mapping[str, object]) -> int | None:
    """Put in one row and return its number; None when a unique constraint knows it already."""
    known = cast("Table", table.__table__)
    session.flush()
    inserted = session.connection().execute(_insert_unless_known(session, table).returning(known.c.id), dict(row))
    number: int | None = inserted.scalar()
    if number is not None:
        note_rows(session, table, RowChange.NEW, (number,))
    return number


def insert_plain(session: Session, table: type[Base], rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows of numbers, flags and tidied texts, each in the order of the table's columns, as the driver has them.

    There are fifty a form, and what SQLAlchemy does to prepare each costs as much as checking the whole form.
    """
    if not rows:
        return
    connection = session.connection()
    plain = cast("Table", table.__table__)
    if connection.dialect.name == "postgresql":
        _copy(connection, plain, rows)
        return
    n_whole = len(rows) - len(rows) % ROWS_A_STATEMENT
    many = [tuple(chain.from_iterable(rows[n : n + ROWS_A_STATEMENT])) for n in range(0, n_whole, ROWS_A_STATEMENT)]
    if many:
        connection.exec_driver_sql(_sqlite_insert(plain, ROWS_A_STATEMENT), many)
    if n_whole < len(rows):
        connection.exec_driver_sql(_sqlite_insert(plain, 1), list(rows[n_whole:]))


@cache
def _sqlite_insert(table: Table, n_rows: int) -> str:
    one = str(insert(table).compile(dialect=sqlite.dialect(), column_keys=table.columns.keys()))
    _, _, row = one.partition(" VALUES ")
    return f"{one.removesuffix(row)}{', '.join([row] * n_rows)}"


def _copy(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Put the rows in by COPY, which takes a tenth of the time of inserting them (`bench/copying.py`)."""
    quoted = connection.dialect.identifier_preparer
    columns = ", ".join(map(quoted.format_column, table.columns))
    with (
        cast("Cursor[Any]", connection.connection.cursor()) as cursor,
        cursor.copy(f"COPY {quoted.format_table(table)} ({columns}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _insert_unless_known(session: Session, table: type[Base]) -> Any:
    """Return the statement of the database in use: both dialects can leave out what is there already."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(cast("Table", table.__table__)).on_conflict_do_nothing()
