"""Sessions that chain what they decide: of whatever a transaction wrote of the covered tables one entry tells.

The entry is appended when the transaction is about to be committed, and within it: neither is ever there without the
other. What the session itself writes is seen here; who writes past it, by statements, says which rows by `note_rows`.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, event, select
from sqlalchemy.orm import Session, SessionTransaction, UOWTransaction, sessionmaker

from models.db.among import is_among
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
        self.before: dict[SessionTransaction, Written] = {}
        """What had been written when each savepoint of the transaction was set."""


def chaining_sessions(engine: Engine, now: Callable[[], datetime]) -> sessionmaker[Session]:
    """Return what opens sessions on a database; `now` returns the present instant, aware."""
    return sessionmaker(engine, class_=ChainingSession, now=now, expire_on_commit=False)


def note_rows(session: Session, table: type[Base], change: RowChange, keys: Iterable[int]) -> None:
    """Say which rows of a covered table a statement has written, of any other table nothing.

    Only those that it did write: they are locked until the transaction ends. Of another row a digest might be appended
    that is of before what another transaction is about to tell of it.
    """
    if isinstance(session, ChainingSession) and table.__tablename__ in COVERED:
        session.written.note(table.__tablename__, change, keys)


def hold_rows(session: Session, table: type[Base], keys: Sequence[int], is_open: ColumnElement[bool]) -> Sequence[int]:
    """Lock the rows that a guarded statement of many rows is about to write, and return their keys.

    Such a statement does not return which it wrote. In SQLite only one transaction writes: there all are returned.
    """
    if session.get_bind().dialect.name == "sqlite":
        return keys
    key = table.__table__.c.id
    return session.scalars(select(key).where(is_among(key, keys), is_open).order_by(key).with_for_update()).all()


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
            if name in COVERED and (change is not RowChange.CHANGED or session.is_modified(row)):
                session.written.note(name, change, (row.id,))


@event.listens_for(ChainingSession, "before_commit")
def _chain(session: ChainingSession) -> None:
    if session.in_nested_transaction():
        return
    session.flush()
    if session.written:
        append_entry(session.connection(), session.written, at=session.now())
    session.written.clear()
    session.before.clear()


@event.listens_for(ChainingSession, "after_transaction_create")
def _remember(session: ChainingSession, transaction: SessionTransaction) -> None:
    if transaction.nested:
        session.before[transaction] = session.written.copy()


@event.listens_for(ChainingSession, "after_soft_rollback")
def _forget(session: ChainingSession, transaction: SessionTransaction) -> None:
    """Forget what was written since the savepoint, or since the transaction began."""
    if transaction.nested:
        session.written = session.before.pop(transaction)
    elif transaction.parent is None:
        session.written.clear()
        session.before.clear()
