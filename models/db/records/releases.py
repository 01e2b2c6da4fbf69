"""Keeps which release of the program and which plans the office works with; every machine is held to it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, inspect, select
from sqlalchemy.orm import Session

from models.db.tables import ReleaseInUseRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseInUse:
    """What was noted last, by which machine and when; `plans` has by programme the digest of its folder."""

    release: str
    plans: dict[str, str]
    machine: str
    noted_at: datetime


def in_use(session: Session) -> ReleaseInUse | None:
    """Return what the office works with; None where nobody has noted it, or the schema is older than the note."""
    if not inspect(session.connection()).has_table(ReleaseInUseRow.__tablename__):
        return None
    row = session.scalar(select(ReleaseInUseRow).order_by(ReleaseInUseRow.id.desc()).limit(1))
    if row is None:
        return None
    return ReleaseInUse(release=row.release, plans=dict(row.plans), machine=row.machine, noted_at=row.noted_at)


def note_in_use(session: Session, noted: ReleaseInUse) -> None:
    """Put a new note in the place of the one before."""
    session.execute(delete(ReleaseInUseRow))
    values = {"release": noted.release, "plans": noted.plans, "machine": noted.machine, "noted_at": noted.noted_at}
    session.execute(insert(ReleaseInUseRow).values(values))
