"""Lets one run at a time do what two would do twice; it knows the dialects, and no table."""

from enum import IntEnum
from typing import Final

from sqlalchemy import Connection, text

OURS: Final = 835
"""The first half of our advisory locks, so that they are told from those of others in one database."""


class Turn(IntEnum):
    """What only one transaction does at a time; the numbers are those of PostgreSQL's advisory locks."""

    MIGRATING = 1
    OPENING = 2
    JUDGING = 3
    POSTING = 4
    COMPILING = 5
    PURGING = 6


def take_turn(connection: Connection, turn: Turn) -> None:
    """Wait until no other transaction has the turn, and keep it until this one ends: what follows sees all it wrote.

    It comes first in a transaction. PostgreSQL keeps each turn apart by an advisory lock. SQLite has one writer at a
    time anyway, but lets it read before it waits: there the transaction becomes the writer at once.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:ours, :turn)"), {"ours": OURS, "turn": turn.value})
    elif not _writes_already(connection):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def share_turn(connection: Connection, turn: Turn) -> None:
    """Wait until nobody has taken the turn for himself; any number may share it until their transactions end.

    In SQLite, which has one writer, this is a turn of one's own.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock_shared(:ours, :turn)"), {"ours": OURS, "turn": turn.value}
        )
    else:
        take_turn(connection, turn)


def _writes_already(connection: Connection) -> bool:
    """Say whether the driver has begun a transaction, which it does before the first statement that writes."""
    return bool(getattr(connection.connection.dbapi_connection, "in_transaction", False))
