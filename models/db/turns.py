"""Lets one run at a time do what two would do twice; it knows the dialects, and no table."""

from enum import IntEnum
from typing import Final

from sqlalchemy import Connection, text

OURS: Final = 835
"""The first half of our advisory locks, so that they are told from those of others in one database."""


class Turn(IntEnum):
    """What only one transaction does at a time; the numbers are those of PostgreSQL's advisory locks.

    In this order a transaction may take several. AUDITING comes after every other lock, rows included, when the
    transaction ends (`models.db.sessions`): whoever has it waits for nobody any more, so that it closes no circle.
    """

    MIGRATING = 1
    OPENING = 2
    JUDGING = 3
    POSTING = 4
    COMPILING = 5
    PURGING = 6
    AUDITING = 7


def take_turn(connection: Connection, turn: Turn) -> None:
    """Wait until no other transaction has the turn, and keep it until this one ends: what follows sees all it wrote.

    It comes first in a transaction, but for AUDITING, which comes last, and for PURGING, which whoever records a file
    shares where he records it (`share_turn`). PostgreSQL keeps each turn apart by an advisory
    lock. SQLite has one writer at a time anyway, but lets it read before it waits: there the transaction becomes the
    writer at once.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:ours, :turn)"), {"ours": OURS, "turn": turn.value})
    else:
        become_writer(connection)


def become_writer(connection: Connection) -> None:
    """Let a transaction of SQLite be the one that writes, from now to its end; it waits for the one that is."""
    if not _writes_already(connection):
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
