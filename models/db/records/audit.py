"""Keeps what operators did by hand; it adds and reads rows, and knows no way to change one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from models.db.tables import AuditRow
from models.domain.vocabulary import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One act of an operator: who, when (aware), to what, and why.

    `subject` is the code of what it was done to: a cycle, an inspection, a review, an arrival's number. `details` must
    be JSON. `run` is the number of the Prefect run, empty outside of one.
    """

    at: datetime
    operator: str
    action: Action
    subject: str
    reason: str
    unit_code: str = ""
    details: Mapping[str, object] = field(default_factory=dict)
    run: str = ""


def note_action(session: Session, entry: AuditEntry) -> None:
    """Record an act, in the transaction in which it is done."""
    session.add(
        AuditRow(
            at=entry.at,
            operator=entry.operator,
            action=entry.action,
            subject=entry.subject,
            unit_code=entry.unit_code,
            reason=entry.reason,
            details=dict(entry.details),
            run=entry.run,
        )
    )


def actions_on(session: Session, subject: str) -> list[AuditEntry]:
    """Return what was done to a subject, the oldest first."""
    return _entries(session, select(AuditRow).where(AuditRow.subject == subject).order_by(AuditRow.id))


def actions_since(session: Session, since: datetime) -> list[AuditEntry]:
    """Return what was done from the instant on, the oldest first."""
    return _entries(session, select(AuditRow).where(AuditRow.at >= since).order_by(AuditRow.at, AuditRow.id))


def newest_actions(session: Session, *, limit: int) -> list[AuditEntry]:
    """Return what was done last, the newest first."""
    return _entries(session, select(AuditRow).order_by(AuditRow.id.desc()).limit(limit))


def _entries(session: Session, query: Select[tuple[AuditRow]]) -> list[AuditEntry]:
    return [
        AuditEntry(
            at=row.at,
            operator=row.operator,
            action=Action(row.action),
            subject=row.subject,
            unit_code=row.unit_code,
            reason=row.reason,
            details=row.details,
            run=row.run,
        )
        for row in session.scalars(query)
    ]
