"""Keeps when recurring steps last came to their end."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from models.db.inserting import insert_new
from models.db.tables import HeartbeatRow


def beat(session: Session, name: str, *, at: datetime) -> None:
    """Record that a step has come to its end; `at` is when it began."""
    if not insert_new(session, HeartbeatRow, [{"name": name, "at": at}]):
        session.execute(update(HeartbeatRow).where(HeartbeatRow.name == name).values(at=at))


def last_beat(session: Session, name: str) -> datetime | None:
    """Return when the step that last came to its end began; None when it never did."""
    row = session.get(HeartbeatRow, name)
    return None if row is None else row.at
