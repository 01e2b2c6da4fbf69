"""Keeps which runs ended badly, so that the operator is told of each sort of trouble once a day."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.db.inserting import insert_new
from models.db.tables import TroubleRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A run that ended badly. `sort` is what is the same for runs that failed alike; `day` is the office's."""

    run: str
    name: str
    at: datetime
    day: date
    sort: str
    message: str


def note(session: Session, trouble: Trouble) -> bool:
    """Record a run that ended badly, and say whether it is new: a run is recorded once."""
    values = {name: getattr(trouble, name) for name in ("run", "name", "at", "day", "sort", "message")}
    return insert_new(session, TroubleRow, [values]) > 0


def of_sort(session: Session, day: date, sort: str) -> list[Trouble]:
    """Return the troubles of a sort on a day, the oldest first."""
    rows = session.scalars(
        select(TroubleRow).where(TroubleRow.day == day, TroubleRow.sort == sort).order_by(TroubleRow.at, TroubleRow.id)
    )
    return [
        Trouble(run=row.run, name=row.name, at=row.at, day=row.day, sort=row.sort, message=row.message) for row in rows
    ]
