"""Keeps when places where units are heard could not be reached: the mailbox, above all."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.db.inserting import insert_new
from models.db.tables import OutageRow
from models.domain.outages import Outage


def begin(session: Session, name: str, *, at: datetime, detail: str) -> bool:
    """Record that a place cannot be reached from the instant on, and say whether that is new.

    A clock that was set back may give an instant that is known already: then what is known stays.
    """
    going_on = select(OutageRow.id).where(OutageRow.name == name, OutageRow.until.is_(None))
    if session.scalars(going_on).first() is not None:
        return False
    return bool(insert_new(session, OutageRow, [{"name": name, "since": at, "until": None, "detail": detail}]))


def end(session: Session, name: str, *, at: datetime) -> None:
    """Record that a place was reached at the instant; without an outage this does nothing."""
    session.execute(update(OutageRow).where(OutageRow.name == name, OutageRow.until.is_(None)).values(until=at))


def outages_of(session: Session, name: str) -> tuple[Outage, ...]:
    """Return the outages of a place, the oldest first."""
    rows = session.scalars(select(OutageRow).where(OutageRow.name == name).order_by(OutageRow.since))
    return tuple(Outage(since=row.since, until=row.until, detail=row.detail) for row in rows)
