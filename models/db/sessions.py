"""Sessions that chain what they decide: of whatever a transaction wrote of the covered tables one entry tells.

The entry is appended when the transaction is about to be committed, and within it: neither is ever there without the
other. What the session itself writes is seen here; who writes past it, by statements, says which rows by `note_rows`.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session, SessionTransaction, UOWTransaction, sessionmaker

from models.db.base import Base
from models.db.chaining import append_entry
from models.db.covering import COVERED
from models.db.written import Written
from models.domain.vocabulary import RowChange


class ChainingSession(Session):
    """A session whose decisions are chained; `now` says when a decision is taken."""

    def __init__(self, *args: Any, now: Callable[[], datetime], **others: Any) -> None:
        """Have written nothing yet."""
        super().__init__(*args, **others)
        self.now = now
        self.written = Written()


def chaining_sessions(engine: Engine, now: Callable[[], datetime]) -> sessionmaker[Session]:
    """Return what opens sessions on a database; `now` returns the present instant, aware."""
    return sessionmaker(engine, class_=ChainingSession, now=now, expire_on_commit=False)


def note_rows(session: Session, table: type[Base], change: RowChange, keys: Iterable[int]) -> None:
    """Say which rows of a covered table a statement has written, of any other table nothing."""
    if isinstance(session, ChainingSession) and table.__tablename__ in COVERED:
        session.written.note(table.__tablename__, change, keys)


def note_cycle(session: Session, cycle_code: str) -> None:
    """Say which cycle a transaction is about, where it is known: else it is looked up for what was written."""
    if isinstance(session, ChainingSession):
        session.written.cycle_codes.add(cycle_code)


@event.listens_for(ChainingSession, "after_flush")
def _note_flushed(session: ChainingSession, _context: UOWTransaction) -> None:
    for change, rows in (
        (RowChange.NEW, session.new),
        (RowChange.CHANGED, session.dirty),
        (RowChange.GONE, session.deleted),
    ):
        for row in rows:
            name = type(row).__tablename__
            if name in COVERED:
                session.written.note(name, change, (row.id,))


@event.listens_for(ChainingSession, "before_commit")
def _chain(session: ChainingSession) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    if session.written:
        append_entry(session.connection(), session.written, at=session.now())
    session.written.clear()


@event.listens_for(ChainingSession, "after_soft_rollback")
def _forget(session: ChainingSession, _transaction: SessionTransaction) -> None:
    if not session.in_nested_transaction():
        session.written.clear()
