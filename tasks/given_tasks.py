"""Gathers the tasks that were given out from an annex, and counts them as they stood at an instant."""

from datetime import datetime

from sqlalchemy.orm import Session

from models.db.records import cycles
from models.domain.assigned_tasks import TaskSummary, count_tasks, has_annex
from models.domain.cycles import Cycle
from models.domain.duties import Duty
from models.domain.plan import Programme


def tasks_given_out(session: Session, programme: Programme, as_of: datetime) -> list[tuple[Cycle, Duty]]:
    """Return the programme's tasks that were given out by the instant, a pair for each owner, in the order of codes."""
    return [
        (cycle, record.duty)
        for obligation in programme.obligations
        if has_annex(obligation)
        for cycle in cycles.cycles_of(session, obligation.code, opened_by=as_of)
        for chunk in cycles.duties_in_chunks(session, cycle.code, size=500)
        for record in chunk
    ]


def summary_of_tasks(session: Session, programme: Programme, as_of: datetime) -> TaskSummary:
    """Count the programme's tasks as they stood at the instant."""
    return count_tasks((duty for _, duty in tasks_given_out(session, programme, as_of)), as_of)


def tasks_for_report(session: Session, programme: Programme, cycle: Cycle, as_of: datetime) -> TaskSummary | None:
    """Return what a periodic report says of the tasks; None where the cycle is none, or no task was given out."""
    if cycle.period_start is None:
        return None
    summary = summary_of_tasks(session, programme, as_of)
    return summary if summary.rows else None
